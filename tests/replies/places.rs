//! Where a record can be got at: in a Redis, or in a store that follows the law alone.

use std::cell::Cell;

use bb8_redis::redis::{Client, Commands as _, Connection, SetExpiry, SetOptions};
use session_test_support::{Browser, Redis};
use tower_session_layer::SessionLayer;

use crate::{
    common::{
        app::{App, app},
        stores::Map,
    },
    site::layer_at,
};

pub(crate) struct Place {
    pub(crate) name: &'static str,
    layer: SessionLayer,
    kept: Kept,
}

enum Kept {
    Own(Map),
    Redis(Redis),
}

impl Place {
    pub(crate) fn own() -> Self {
        let map = Map::default();
        Self {
            name: "own",
            layer: SessionLayer::new(map.clone()),
            kept: Kept::Own(map),
        }
    }

    pub(crate) async fn redis() -> Self {
        let redis = Redis::start();
        Self {
            name: "redis",
            layer: layer_at(&redis.url()).await,
            kept: Kept::Redis(redis),
        }
    }

    pub(crate) async fn all() -> [Self; 2] {
        [Self::own(), Self::redis().await]
    }

    /// A visitor with a session of two keys, and its public id.
    pub(crate) async fn visitor(&self) -> (Browser<App>, String) {
        let browser = Browser::new(app(&self.layer));
        browser.get("/insert:a:1/number:n:5").await;
        let id = browser.get("/id").await.text;
        (browser, id)
    }

    /// Changes the record of a session behind its back.
    pub(crate) fn damage(&self, id: &str, with: impl Fn(&mut Vec<u8>)) {
        let redis = match &self.kept {
            Kept::Own(map) => return map.tamper_with(&id.parse().unwrap(), with),
            Kept::Redis(redis) => redis,
        };
        let mut redis = connect(redis);
        let mut record: Vec<u8> = redis.get(key(id)).unwrap();
        with(&mut record);
        let keep = SetOptions::default().with_expiration(SetExpiry::KEEPTTL);
        redis.set_options(key(id), record, keep).unwrap()
    }

    /// The bytes of a record.
    pub(crate) fn record(&self, id: &str) -> Vec<u8> {
        let record = Cell::default();
        self.damage(id, |bytes| record.set(bytes.clone()));
        record.take()
    }

    /// Removes the record of a session, as an eviction does. `false` if this is not possible here.
    pub(crate) fn evict(&self, id: &str) -> bool {
        let Kept::Redis(redis) = &self.kept else {
            return false;
        };
        connect(redis).del(key(id)).unwrap()
    }

    /// Puts something of another type in its place. `false` if this is not possible here.
    pub(crate) fn mistype(&self, id: &str) -> bool {
        let Kept::Redis(redis) = &self.kept else {
            return false;
        };
        let is_evicted = self.evict(id);
        let len: usize = connect(redis).lpush(key(id), "x").unwrap();
        is_evicted && len == 1
    }
}

fn key(id: &str) -> String {
    format!("session:{id}")
}

fn connect(redis: &Redis) -> Connection {
    Client::open(redis.url()).unwrap().get_connection().unwrap()
}
