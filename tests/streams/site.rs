//! A site of two servers that have nothing in common but a Redis: one streams, the other one tells
//! what is saved.

use std::sync::Arc;

use bytes::Bytes;
use http::{Method, Request, StatusCode};
use http_body_util::Full;
use session_test_support::{Browser, Host, Redis, Wire};
use tokio::sync::Notify;
use tower::{Service, ServiceExt as _};
use tower_session_layer::{
    RedisStore, SessionId, SessionLayer, SessionStore,
    store::{CommitAnswer, Delta, StoreError},
};

use crate::{common::app::app, script::soon};

pub(crate) struct Site {
    /// For the server that streams. Its commits come late.
    pub(crate) layer: SessionLayer,
    /// At the other server, with a session in which `a` is 1.
    pub(crate) visitor: Browser<Wire>,
    saving: Arc<Notify>,
    redis: Redis,
    _elsewhere: Host,
}

impl Site {
    pub(crate) async fn open() -> Self {
        let redis = Redis::start();
        let store = soon(connect(&redis)).await;
        let layer = SessionLayer::new(soon(connect(&redis)).await);
        let elsewhere = Host::serve(app(&layer)).await;
        let visitor = Browser::new(elsewhere.wire());
        soon(begin(&visitor)).await;
        let saving = Arc::new(Notify::new());
        let begun = Arc::clone(&saving);
        Self {
            layer: SessionLayer::new(Late { store, begun }),
            visitor,
            saving,
            redis,
            _elsewhere: elsewhere,
        }
    }

    /// What a request of the visitor is answered by the other server, now.
    pub(crate) async fn sees(&self, path: &str) -> String {
        self.visitor.get(path).await.text
    }

    /// The same visitor's request to the server behind `wire`. Its body is not read yet.
    pub(crate) async fn request(&self, wire: Wire, method: Method, path: &str) -> Answer {
        let request = self.visitor.request(method, path);
        let response = wire.oneshot(request).await.unwrap();
        self.visitor.jar().take_in(response.headers());
        response
    }

    /// Waits until the server that streams is about to save something.
    pub(crate) async fn saving(&self) {
        soon(self.saving.notified()).await;
    }

    /// Redis is gone, and everything in it.
    pub(crate) fn lose_redis(self) {
        drop(self.redis);
    }
}

/// On a machine that is busy with other tests, a second may be too short for what is done for
/// the first time.
async fn connect(redis: &Redis) -> RedisStore {
    loop {
        if let Ok(store) = RedisStore::connect(&redis.url()).await {
            return store;
        }
    }
}

async fn begin(visitor: &Browser<Wire>) {
    while visitor.get("/insert:a:1").await.status != StatusCode::OK {}
}

/// A response whose body is still to be read.
pub(crate) type Answer = <Wire as Service<Request<Full<Bytes>>>>::Response;

/// Both versions of HTTP.
pub(crate) const WIRES: [fn(&Host) -> Wire; 2] = [Host::wire, Host::wire_of_http2];

/// Redis, with commits that take a long way round. Whoever does not wait for them is overtaken by
/// the next request, and found out.
struct Late {
    store: RedisStore,
    begun: Arc<Notify>,
}

impl SessionStore for Late {
    async fn load(&self, id: &SessionId) -> Result<Option<Bytes>, StoreError> {
        self.store.load(id).await
    }

    async fn commit(&self, id: &SessionId, delta: &Delta) -> Result<CommitAnswer, StoreError> {
        self.begun.notify_one();
        for _ in 0..DETOURS {
            // Whether Redis is there is for the commit to say.
            if self.store.load(id).await.is_err() {
                break;
            }
        }
        self.store.commit(id, delta).await
    }
}

/// Each is a visit to Redis; the next request needs three visits at most to overtake.
const DETOURS: usize = 30;
