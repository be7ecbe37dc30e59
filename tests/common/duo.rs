//! Two servers of one site, on sockets, that share nothing but what keeps the sessions.

use std::{pin::pin, time::Duration};

use futures::future::{Either, join, select};
use http::Request;
#[cfg(feature = "redis")]
use session_test_support::Redis;
use session_test_support::{Browser, Host, Page, Wire};
use tower::ServiceExt as _;
use tower_session_layer::{SessionLayer, Sessions};

use crate::common::{
    app::{Body, Gate, app},
    places::Places,
    stores::{Subject, stores, stores_within},
};

/// A visitor, whose requests go over a socket.
pub(crate) type Visitor = Browser<Wire>;

pub(crate) struct Duo {
    pub(crate) here: Host,
    pub(crate) there: Host,
    /// Where requests wait, whichever server has them.
    pub(crate) places: Places,
    subject: Subject,
}

/// Two servers on every store that the features allow.
pub(crate) async fn duos() -> Vec<Duo> {
    serve_all(stores().await).await
}

/// Two servers on every store, whose operations have to be quick.
pub(crate) async fn hasty_duos() -> Vec<Duo> {
    serve_all(stores_within(Duration::from_secs(1)).await).await
}

async fn serve_all(subjects: Vec<Subject>) -> Vec<Duo> {
    let mut duos = Vec::new();
    for subject in subjects {
        duos.push(Duo::serve(subject, SessionLayer::clone).await);
    }
    duos
}

impl Duo {
    pub(crate) async fn serve(
        subject: Subject,
        configure: impl Fn(&SessionLayer) -> SessionLayer,
    ) -> Self {
        let places = Places::default();
        Self {
            here: host(&configure(&subject.layer), &places).await,
            there: host(&configure(&subject.elsewhere), &places).await,
            places,
            subject,
        }
    }

    #[cfg(feature = "redis")]
    pub(crate) async fn on(redis: &Redis) -> Self {
        let subject = Subject::on(&redis.url(), &redis.url()).await;
        Self::serve(subject, SessionLayer::clone).await
    }

    /// The sessions of users, as the other server has them.
    pub(crate) fn sessions(&self) -> Sessions {
        self.subject.elsewhere.sessions()
    }

    /// The name of the store.
    pub(crate) fn name(&self) -> &'static str {
        self.subject.name
    }

    /// Fails all connections to the store, where there are connections.
    pub(crate) fn cut(&self) {
        #[cfg(feature = "redis")]
        if let Some(redis) = &self.subject.redis {
            redis.cut();
        }
    }

    /// One visitor without any cookie, at both servers.
    pub(crate) fn visitor(&self) -> [Visitor; 2] {
        let here = Browser::new(self.here.wire());
        let there = here.at(self.there.wire());
        [here, there]
    }

    /// Visits `slow` here as far as its `gate:slow`, then `meanwhile` there, then the rest of
    /// `slow`, whose response comes last.
    pub(crate) async fn overlap(
        &self,
        [here, there]: &[Visitor; 2],
        slow: &str,
        meanwhile: &str,
    ) -> [Page; 2] {
        let gate = self.slow();
        let meanwhile = async {
            gate.arrival().await;
            let page = there.get(meanwhile).await;
            gate.open();
            page
        };
        join(here.get(slow), meanwhile).await.into()
    }

    /// The gate of slow requests.
    pub(crate) fn slow(&self) -> Gate {
        self.places.gate("slow")
    }
}

async fn host(layer: &SessionLayer, places: &Places) -> Host {
    let places = places.clone();
    let app = app(layer).map_request(move |mut request: Request<Body>| {
        request.extensions_mut().insert(places.clone());
        request
    });
    Host::serve(app).await
}

/// Visits a page and hangs up at `moment`, which comes before the response.
pub(crate) async fn hang_up(visitor: &Visitor, path: &str, moment: impl Future<Output = ()>) {
    if let Either::Left((page, _)) = select(pin!(visitor.get(path)), pin!(moment)).await {
        panic!("{path} was answered before the moment came: {page:?}");
    }
}

/// The text of a page to somebody who has nothing but this token.
pub(crate) async fn seen_with(token: &str, visitor: &Visitor, path: &str) -> String {
    let stranger = Browser::new(visitor.service().clone());
    stranger.jar().set(crate::common::visitor::COOKIE, token);
    stranger.get(path).await.text
}
