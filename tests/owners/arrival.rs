//! Sessions whose entry is there, and whose record is on its way.
#![cfg(all(feature = "redis-cluster", feature = "redis-sentinel"))]

use std::time::Duration;

use futures::future::join;
use session_test_support::{Browser, Redis};
use tower_session_layer::{AtLimit, RedisStore, SessionLayer};

use crate::{
    common::{
        app::app,
        visitor::{layer_on, visitor_on},
    },
    fuse::Fuse,
    site::{id_of, ids},
};

/// How a visitor begins, how the sign-in is sent whose record waits, and who is listed with them.
const ROWS: [(&str, &str); 4] = [
    ("/", "/sign_in/owner:ann"),
    ("/insert:a:1", "/sign_in/owner:ann"),
    ("/sign_in/owner:bob", "/sign_in/owner:ann"),
    ("/sign_in/owner:bob", "/renew/owner:ann/remember"),
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_looks_meanwhile_sees_them_in_no_list_and_strikes_none_of_them_out() {
    let redis = Redis::start();
    let fuse = Fuse::to(&[&redis]).await;
    let store = RedisStore::connect(&fuse.urls()[0]).await.unwrap();
    let slow = SessionLayer::new(store.with_deadline(Duration::from_secs(10)));
    let sessions = layer_on(&redis).await.sessions();
    // Whoever looks has to know what time it is there, and Redis the scripts.
    visitor_on(&redis).await.get("/sign_in/owner:carol").await;
    for (before, sign_in) in ROWS {
        let visitor = Browser::new(app(&slow));
        let loads = usize::from(before != "/");
        visitor.get(before).await;
        fuse.lasts_for(loads + 1);
        let looks = async {
            fuse.blown().await;
            for _ in 0..3 {
                assert_eq!(ids(&sessions, "ann").await, [], "{before}");
                assert_eq!(sessions.revoke_all("ann").await.unwrap(), 0);
            }
            fuse.mend();
        };
        let (page, ()) = join(visitor.get(sign_in), looks).await;
        assert_eq!(page.status, 200, "{before} {sign_in}");
        assert_eq!(
            ids(&sessions, "ann").await,
            [id_of(&visitor).await],
            "{before}"
        );
        assert_eq!(ids(&sessions, "bob").await, [], "{before}");
        visitor.get("/destroy").await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn their_places_are_taken() {
    let redis = Redis::start();
    let fuse = Fuse::to(&[&redis]).await;
    let one = |layer: SessionLayer| layer.with_sessions_per_owner(1, AtLimit::Refuse);
    let store = RedisStore::connect(&fuse.urls()[0]).await.unwrap();
    let slow = one(SessionLayer::new(
        store.with_deadline(Duration::from_secs(10)),
    ));
    let quick = one(layer_on(&redis).await);
    let (first, second) = (Browser::new(app(&slow)), Browser::new(app(&quick)));
    second.get("/sign_in/owner:carol").await;
    fuse.lasts_for(1);
    let second_comes = async {
        fuse.blown().await;
        let sign_in = second.get("/sign_in/owner:ann");
        let mend = async {
            // It is refused only once the first one has arrived.
            tokio::task::yield_now().await;
            fuse.mend();
        };
        join(sign_in, mend).await.0
    };
    let (first_page, second_page) = join(first.get("/sign_in/owner:ann"), second_comes).await;
    assert_eq!(
        (first_page.status.as_u16(), second_page.status.as_u16()),
        (200, 403)
    );
    let id = id_of(&first).await;
    assert_eq!(ids(&quick.sessions(), "ann").await, [id]);
}
