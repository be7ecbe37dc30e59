//! A site whose sessions never change: every request finds the store as it was at the beginning.

use std::{
    pin::pin,
    sync::{Arc, LazyLock, OnceLock},
    task::{Context, Poll, Waker},
    time::{Duration, SystemTime},
};

use bytes::Bytes;
use http::{HeaderMap, Request, Response, StatusCode, header::SET_COOKIE};
use tower_layer::Layer;
use tower_service::Service;
use tower_session_layer::{
    LazySession, Lifetime, Session, SessionCookie, SessionError, SessionId, SessionLayer, SiteData,
    fuzzing,
    store::{Applied, CommitAnswer, Delta, SessionStore, StoreError},
};

/// How the site is configured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Config {
    Default,
    /// Every response to a session carries a new token.
    Rotating,
    /// The cookie had another domain before, and before that another name. A session that ends
    /// takes all cookies and the storage along.
    Moved,
}

impl Config {
    pub const ALL: [Self; 3] = [Self::Default, Self::Rotating, Self::Moved];

    pub fn cookie(self) -> &'static str {
        match self {
            Self::Default | Self::Rotating => "__Host-id",
            Self::Moved => "__Secure-id",
        }
    }
}

/// What a request does to its session, if it looks at it at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Deed {
    Nothing,
    Get,
    Insert,
    SignIn,
    SignInRemembered,
    Renew,
    Destroy,
    DestroyAndInsert,
}

impl Deed {
    pub const ALL: [Self; 8] = [
        Self::Nothing,
        Self::Get,
        Self::Insert,
        Self::SignIn,
        Self::SignInRemembered,
        Self::Renew,
        Self::Destroy,
        Self::DestroyAndInsert,
    ];

    fn to(self, session: &Session) -> Result<(), SessionError> {
        match self {
            Self::Nothing => Ok(()),
            Self::Get => session.get::<u64>("n").map(drop),
            Self::Insert => session.insert("n", 2),
            Self::SignIn => session.sign_in(),
            Self::SignInRemembered => {
                session.sign_in()?;
                session.set_lifetime(Lifetime::remembered())
            }
            Self::Renew => session.renew(),
            Self::Destroy => {
                session.destroy();
                Ok(())
            }
            Self::DestroyAndInsert => {
                session.destroy();
                session.insert("n", 3)
            }
        }
    }
}

/// What the application answers to a request.
#[derive(Debug, Clone)]
pub struct Answer {
    pub deed: Deed,
    pub status: StatusCode,
    pub headers: HeaderMap,
}

/// The head of the response to a request, of which nothing has to wait.
pub fn respond(config: Config, is_lazy: bool, request: Request<()>, answer: Answer) -> HeaderMap {
    let layer = &LAYERS[config as usize][usize::from(is_lazy)];
    let response = now(layer.layer(Application(answer)).call(request));
    response.unwrap().into_parts().0.headers
}

/// The token of the one session that there is.
pub fn token() -> &'static str {
    let line = &*THE_SESSION.0;
    let value = line.split(['=', ';']).nth(1);
    value.unwrap()
}

static LAYERS: LazyLock<[[SessionLayer; 2]; 3]> = LazyLock::new(|| {
    let layer = |config| layer(config, Site(THE_SESSION.1.clone()));
    Config::ALL.map(|config| [layer(config), layer(config).lazy()])
});

fn layer(config: Config, store: impl SessionStore) -> SessionLayer {
    let layer = SessionLayer::new(store)
        .with_clock(|| SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000));
    match config {
        Config::Default => layer,
        Config::Rotating => layer.with_rotation(Duration::ZERO, Duration::ZERO),
        Config::Moved => layer
            .with_cookie(moved().unwrap())
            .with_clear_site_data([SiteData::Cookies, SiteData::Storage]),
    }
}

fn moved() -> Result<SessionCookie, tower_session_layer::InvalidSessionCookie> {
    let here = || SessionCookie::builder("__Secure-id");
    let everywhere = here().domain("example.com").build()?;
    here()
        .path("/a")
        .formerly(everywhere)
        .formerly(SessionCookie::default())
        .build()
}

/// The `Set-Cookie` line of the session, and its record.
static THE_SESSION: LazyLock<(String, Bytes)> = LazyLock::new(|| {
    let store = Arc::new(Beginning::default());
    let layer = layer(Config::Default, Arc::clone(&store));
    let answer = Answer {
        deed: Deed::Insert,
        status: StatusCode::OK,
        headers: HeaderMap::new(),
    };
    let response = now(layer.layer(Application(answer)).call(Request::new(()))).unwrap();
    let line = response.headers()[SET_COOKIE].to_str().unwrap().to_owned();
    (line, store.0.get().unwrap().clone())
});

static THE_ID: LazyLock<SessionId> = LazyLock::new(|| fuzzing::parts(token()).unwrap().0);

/// Keeps the first record.
#[derive(Default)]
struct Beginning(OnceLock<Bytes>);

impl SessionStore for Beginning {
    async fn load(&self, _: &SessionId) -> Result<Option<Bytes>, StoreError> {
        Ok(None)
    }

    async fn commit(&self, _: &SessionId, delta: &Delta) -> Result<CommitAnswer, StoreError> {
        Ok(match delta.apply(None)? {
            Applied::Keep(answer) => answer,
            Applied::Write { record, .. } => {
                self.0.set(record).unwrap();
                CommitAnswer::Committed
            }
        })
    }
}

/// Says that it writes, and has this record only.
struct Site(Bytes);

impl Site {
    fn record_of(&self, id: &SessionId) -> Option<Bytes> {
        let is_there = *THE_ID == *id;
        is_there.then(|| self.0.clone())
    }
}

impl SessionStore for Site {
    async fn load(&self, id: &SessionId) -> Result<Option<Bytes>, StoreError> {
        Ok(self.record_of(id))
    }

    async fn commit(&self, id: &SessionId, delta: &Delta) -> Result<CommitAnswer, StoreError> {
        Ok(match delta.apply(self.record_of(id))? {
            Applied::Keep(answer) => answer,
            Applied::Write { .. } => CommitAnswer::Committed,
        })
    }
}

#[derive(Clone)]
struct Application(Answer);

impl Service<Request<()>> for Application {
    type Response = Response<String>;
    type Error = SessionError;
    type Future = std::pin::Pin<Box<dyn Future<Output = Result<Self::Response, Self::Error>>>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, mut request: Request<()>) -> Self::Future {
        let Answer {
            deed,
            status,
            headers,
        } = self.0.clone();
        Box::pin(async move {
            if deed != Deed::Nothing {
                let lazy = request.extensions_mut().remove::<LazySession>();
                let session = match lazy {
                    Some(lazy) => lazy.load().await?,
                    None => request.extensions_mut().remove::<Session>().unwrap(),
                };
                deed.to(&session)?;
            }
            let mut response = Response::new(String::new());
            *response.status_mut() = status;
            *response.headers_mut() = headers;
            Ok(response)
        })
    }
}

fn now<F: Future>(future: F) -> F::Output {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => output,
        Poll::Pending => unreachable!("nothing here has to wait"),
    }
}
