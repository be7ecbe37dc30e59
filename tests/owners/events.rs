//! What is told of all this to whom asked for it: each once, when it has happened.

use std::sync::atomic::Ordering;

use http::Method;
use session_test_support::Browser;
use tower_session_layer::{AtLimit, Revocation, SessionErrorKind, SessionEvent, SessionLayer};

use crate::{
    common::{app::app, stores::Map, visitor::with_pause},
    site::{Site, id_of},
    told::Told,
};

#[tokio::test]
async fn what_becomes_of_a_session_is_told_once_with_whose_it_is() {
    for site in Site::all().await {
        let (told, layer) = Told::by(&site.layer);
        let visitor = Browser::new(app(&layer));
        visitor.get("/insert:a:1").await;
        let id = id_of(&visitor).await;
        told.is(&[SessionEvent::Created { id, owner: None }]);
        let ann = Some("ann");
        visitor.get("/sign_in/owner:ann").await;
        told.is(&[SessionEvent::SignedIn { id, owner: ann }]);
        visitor.get("/renew").await;
        told.is(&[SessionEvent::Renewed { id, owner: ann }]);
        visitor.get("/renew/owner:bob").await;
        told.is(&[SessionEvent::Renewed {
            id,
            owner: Some("bob"),
        }]);
        visitor.get("/destroy/sign_in/owner:ann").await;
        let next = id_of(&visitor).await;
        told.is(&[
            SessionEvent::Destroyed {
                id,
                owner: Some("bob"),
            },
            SessionEvent::Created {
                id: next,
                owner: ann,
            },
        ]);
        visitor
            .get("/insert:b:1/commit/insert:b:2/commit/destroy")
            .await;
        told.is(&[SessionEvent::Destroyed {
            id: next,
            owner: ann,
        }]);
    }
}

#[tokio::test]
async fn what_is_no_change_of_privilege_is_told_to_nobody() {
    for site in Site::all().await {
        let (told, layer) = Told::by(&site.layer);
        let visitor = Browser::new(app(&layer));
        visitor.get("/sign_in/owner:ann").await;
        told.take();
        for quiet in [
            "/insert:a:2",
            "/touch",
            "/get:a",
            "/details:x",
            "/clear",
            "/rotate",
            "/renew/status:500",
        ] {
            visitor.get(quiet).await;
            told.is(&[]);
        }
    }
}

#[tokio::test]
async fn what_is_ended_from_outside_is_told_with_the_reason() {
    for site in Site::all().await {
        let (told, layer) = Told::by(&site.layer);
        let layer = layer.with_sessions_per_owner(1, AtLimit::EvictOldest);
        let sessions = layer.sessions();
        let sign_in = async || {
            let visitor = Browser::new(app(&layer));
            visitor.get("/sign_in/owner:ann").await;
            (id_of(&visitor).await, visitor)
        };
        let owner = Some("ann");
        let revoked = |id, reason| SessionEvent::Revoked { id, owner, reason };
        let (first, _first) = sign_in().await;
        told.is(&[SessionEvent::Created { id: first, owner }]);
        let (second, old) = sign_in().await;
        let begun = SessionEvent::Created { id: second, owner };
        told.is(&[revoked(first, Revocation::Evicted), begun]);
        let page = with_pause(&old, "/wait/insert:b:2", async || {
            assert!(sessions.revoke(second).await.unwrap());
        });
        assert_eq!(page.await.status, 409, "{}", site.name);
        let kind = SessionErrorKind::Gone;
        let refused = SessionEvent::Refused {
            id: Some(second),
            kind,
        };
        told.is(&[revoked(second, Revocation::Asked), refused]);
        assert!(!sessions.revoke(second).await.unwrap());
        old.get("/destroy").await;
        told.is(&[]);
        let (third, _third) = sign_in().await;
        told.take();
        assert_eq!(sessions.revoke_all("ann").await.unwrap(), 1);
        assert_eq!(sessions.revoke_all("ann").await.unwrap(), 0);
        told.is(&[revoked(third, Revocation::Asked)]);
    }
}

#[tokio::test]
async fn what_is_refused_is_told_and_what_fails_is_not() {
    for site in Site::all().await {
        let (told, layer) = Told::by(&site.layer);
        let layer = layer.with_sessions_per_owner(1, AtLimit::Refuse);
        let (ann, late) = (Browser::new(app(&layer)), Browser::new(app(&layer)));
        ann.get("/sign_in/owner:ann").await;
        let id = id_of(&ann).await;
        told.take();
        late.get("/sign_in/owner:ann").await;
        let kind = SessionErrorKind::TooManySessions;
        told.is(&[SessionEvent::Refused { id: None, kind }]);
        let page = with_pause(&ann, "/take:a/insert:b:1/wait", async || {
            ann.get("/renew").await;
        });
        assert_eq!(page.await.status, 409);
        let kind = SessionErrorKind::Superseded;
        let renewed = SessionEvent::Renewed {
            id,
            owner: Some("ann"),
        };
        told.is(&[renewed, SessionEvent::Refused { id: Some(id), kind }]);
        let mut request = late.request(Method::POST, "/insert:a:1");
        request
            .headers_mut()
            .insert("sec-fetch-site", "cross-site".parse().unwrap());
        assert_eq!(late.send(request).await.status, 403);
        let kind = SessionErrorKind::CrossSite;
        told.is(&[SessionEvent::Refused { id: None, kind }]);
        ann.get("/status:500/insert:a:1").await;
        told.is(&[]);
    }
    let map = Map::default();
    let (told, layer) = Told::by(&SessionLayer::new(map.clone()));
    map.fails_to_commit.store(true, Ordering::SeqCst);
    let page = Browser::new(app(&layer)).get("/sign_in/insert:a:1").await;
    assert_eq!(page.status, 503);
    told.is(&[]);
}
