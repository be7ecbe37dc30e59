//! An app that does what its paths say, one segment after the other.

use std::sync::Arc;

use bytes::Bytes;
use http::{
    Request, Response, StatusCode,
    header::{CONTENT_TYPE, LOCATION},
};
use http_body_util::Full;
use serde_json::Value;
use tokio::sync::Semaphore;
use tower::{BoxError, Layer, service_fn, util::BoxCloneSyncService};
use tower_session_layer::{
    LazySession, Lifetime, ResponseBody, Session, SessionError, SessionErrorKind, SessionLayer,
};

use crate::common::places::Places;

pub(crate) type Body = Full<Bytes>;
pub(crate) type App = BoxCloneSyncService<Request<Body>, Response<ResponseBody<Body>>, BoxError>;

/// The app behind a layer.
///
/// A path is a list of things to do, `/insert:a:1/sign_in/get:a`, and the text of the response is
/// what they returned, separated by blanks. A [`SessionError`] ends the list: its kind is the text.
pub(crate) fn app(layer: &SessionLayer) -> App {
    BoxCloneSyncService::new(layer.layer(service_fn(handle)))
}

async fn handle(request: Request<Body>) -> Result<Response<Body>, BoxError> {
    let (parts, _) = request.into_parts();
    let mut response = Response::new(Body::default());
    if let Some(content_type) = parts.headers.get(CONTENT_TYPE) {
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, content_type.clone());
    }
    let mut text = Vec::new();
    let mut session = parts.extensions.get::<Session>().cloned();
    for action in parts.uri.path().split('/').filter(|it| !it.is_empty()) {
        let words: Vec<_> = action.split(':').collect();
        match (&words[..], &session) {
            (["err"], _) => return Err("the service failed".into()),
            (["status" | "header" | "redirect", ..], _) => dress(&mut response, &words)?,
            (["wait"], _) => parts.extensions.get::<Gate>().unwrap().pass().await,
            (["meet" | "gate" | "tell" | "yield", ..], _) => {
                parts
                    .extensions
                    .get::<Places>()
                    .unwrap()
                    .visit(&words)
                    .await;
            }
            (["load"], _) => {
                let lazy: &LazySession = parts.extensions.get().unwrap();
                match lazy.load().await {
                    Ok(loaded) => session = Some(loaded),
                    Err(error) => text.push(format!("{:?}", error.kind())),
                }
            }
            (words, Some(session)) => match act(session, words).await {
                Ok(said) => text.extend(said),
                Err(error) => {
                    text.push(format!("{:?}", error.kind()));
                    break;
                }
            },
            (words, None) => panic!("no session for {words:?}"),
        }
    }
    *response.body_mut() = text.join(" ").into();
    Ok(response)
}

/// What the head of the response shall be, whatever the session has to say.
fn dress(response: &mut Response<Body>, words: &[&str]) -> Result<(), BoxError> {
    let headers = response.headers_mut();
    match words {
        ["header", name, value] => {
            let name: http::HeaderName = name.parse()?;
            headers.append(name, value.replace('+', " ").parse()?);
        }
        ["redirect", to @ ..] => {
            headers.insert(LOCATION, format!("/{}", to.join(":")).parse()?);
            *response.status_mut() = StatusCode::SEE_OTHER;
        }
        words => *response.status_mut() = StatusCode::from_bytes(words[1].as_bytes())?,
    }
    Ok(())
}

/// An app that hands its session to `handler`, and answers with the status that comes back.
pub(crate) fn handled<F, Fut>(layer: &SessionLayer, handler: F) -> App
where
    F: Fn(Session) -> Fut + Clone + Send + Sync + 'static,
    Fut: Future<Output = StatusCode> + Send,
{
    let service = service_fn(move |request: Request<Body>| {
        let session = request.extensions().get::<Session>().cloned();
        let handled = handler(session.unwrap());
        async move {
            let mut response = Response::new(Body::default());
            *response.status_mut() = handled.await;
            Ok::<_, BoxError>(response)
        }
    });
    BoxCloneSyncService::new(layer.layer(service))
}

/// Where a request waits, until the test lets it go on.
#[derive(Clone)]
pub(crate) struct Gate {
    arrived: Arc<Semaphore>,
    opened: Arc<Semaphore>,
}

impl Gate {
    pub(crate) fn closed() -> Self {
        let closed = || Arc::new(Semaphore::new(0));
        let (arrived, opened) = (closed(), closed());
        Self { arrived, opened }
    }

    /// Waits until a request stands at the gate.
    pub(crate) async fn arrival(&self) {
        self.arrived.acquire().await.unwrap().forget();
    }

    pub(crate) fn open(&self) {
        self.opened.add_permits(1);
    }

    pub(crate) fn arrive(&self) {
        self.arrived.add_permits(1);
    }

    pub(crate) async fn pass(&self) {
        self.arrive();
        self.opened.acquire().await.unwrap().forget();
    }
}

pub(crate) async fn act(session: &Session, words: &[&str]) -> Result<Option<String>, SessionError> {
    match words {
        ["insert", key, value] => session.insert(key, value)?,
        ["number", key, value] => session.insert(key, value.parse::<u64>().unwrap())?,
        ["get", key] => return Ok(Some(shown(session.get(key)?))),
        ["get_number", key] => return Ok(Some(format!("{:?}", session.get::<u64>(key)?))),
        ["take", key] => return Ok(Some(shown(session.take(key)?))),
        ["remove", key] => return Ok(Some(session.remove(key).to_string())),
        ["contains", key] => return Ok(Some(session.contains_key(key).to_string())),
        ["keys"] => return Ok(Some(session.keys().join(","))),
        ["is_empty"] => return Ok(Some(session.is_empty().to_string())),
        ["clear"] => session.clear(),
        ["update", key] => session.update(key, increment)?,
        ["update_now", key] => {
            return Ok(Some(session.update_now(key, increment).await?.to_string()));
        }
        ["sign_in"] => session.sign_in()?,
        ["renew"] => session.renew()?,
        ["rotate"] => session.rotate()?,
        ["destroy"] => session.destroy(),
        ["touch"] => session.touch(),
        ["mark_passive"] => session.mark_passive(),
        ["age"] => return Ok(Some(format!("{:?}", session.authentication_age()))),
        ["remember"] => session.set_lifetime(Lifetime::remembered())?,
        ["owner", owner] => session.set_owner(owner)?,
        ["get_owner"] => return Ok(Some(session.owner().unwrap_or("none".into()))),
        ["details", details] => session.set_details(details)?,
        ["get_details"] => return Ok(Some(shown(session.details()?))),
        ["commit"] => session.commit().await?,
        ["id"] => {
            return Ok(Some(
                session.id().map_or("none".into(), |id| id.to_string()),
            ));
        }
        ["is_new"] => return Ok(Some(session.is_new().to_string())),
        ["is_authenticated"] => return Ok(Some(session.authenticated_at().is_some().to_string())),
        words => panic!("unknown action {words:?}"),
    }
    Ok(None)
}

fn increment(number: Option<u64>) -> u64 {
    number.unwrap_or(0) + 1
}

fn shown(value: Option<Value>) -> String {
    match value {
        None => "none".into(),
        Some(Value::String(text)) => text,
        Some(value) => value.to_string(),
    }
}

/// The kind of an error, as the app says it.
pub(crate) fn said(kind: SessionErrorKind) -> String {
    format!("{kind:?}")
}
