//! What is told of all this, to whom asked for it: each once, when it has happened, and no secret.

use std::sync::{Arc, Mutex};

use http::Method;
use session_test_support::Browser;
use tower_session_layer::{AtLimit, Revocation, SessionErrorKind, SessionEvent, SessionLayer};

use crate::{
    common::{
        app::app,
        log::Log,
        said::{Said, VALUE},
        stores::Map,
        visitor::{COOKIE, token, with_pause},
    },
    site::{Site, id_of},
};

/// What was told, as text.
#[derive(Clone, Default)]
struct Told(Arc<Mutex<Vec<String>>>);

impl Told {
    fn by(layer: &SessionLayer) -> (Self, SessionLayer) {
        let told = Self::default();
        let teller = told.clone();
        let layer = layer.clone().with_events(move |event| {
            teller.0.lock().unwrap().push(format!("{event:?}"));
        });
        (told, layer)
    }

    fn take(&self) -> Vec<String> {
        std::mem::take(&mut self.0.lock().unwrap())
    }

    /// Exactly this was told since the last time.
    #[track_caller]
    fn is(&self, events: &[SessionEvent<'_>]) {
        let events: Vec<_> = events.iter().map(|it| format!("{it:?}")).collect();
        assert_eq!(self.take(), events);
    }
}

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
    map.fails_to_commit
        .store(true, std::sync::atomic::Ordering::SeqCst);
    let page = Browser::new(app(&layer)).get("/sign_in/insert:a:1").await;
    assert_eq!(page.status, 503);
    told.is(&[]);
}

/// A visitor with these cookies.
async fn come_with(layer: &SessionLayer, tokens: &[&str]) {
    let visitor = Browser::new(app(layer));
    let mut request = visitor.request(Method::GET, "/get:a");
    let cookies: Vec<_> = tokens.iter().map(|it| format!("{COOKIE}={it}")).collect();
    let cookies = cookies.join("; ").parse().unwrap();
    request.headers_mut().insert("cookie", cookies);
    visitor.send(request).await;
}

#[tokio::test]
async fn odd_cookies_are_told() {
    for site in Site::all().await {
        let (told, layer) = Told::by(&site.layer);
        let layer = layer.with_rotation(
            std::time::Duration::from_secs(600),
            std::time::Duration::from_secs(60),
        );
        let (one, two) = (Browser::new(app(&layer)), Browser::new(app(&layer)));
        one.get("/insert:a:1").await;
        two.get("/insert:a:1").await;
        let (id, first) = (id_of(&one).await, token(&one));
        told.take();
        come_with(&layer, &[&first, &token(&two)]).await;
        told.is(&[SessionEvent::SeveralCookies { id: None }]);
        let forged = format!("{}{}", &first[..22], &token(&two)[22..]);
        come_with(&layer, &[&forged]).await;
        let forged_id = told.take();
        assert_eq!(forged_id.len(), 1);
        assert!(forged_id[0].starts_with("UnknownToken"), "{forged_id:?}");
        come_with(&layer, &["x", "not a token"]).await;
        told.is(&[]);
        site.clock.pass(700);
        one.get("/get:a").await;
        one.get("/get:a").await;
        assert_ne!(token(&one), first, "it was rotated");
        site.clock.pass(61);
        one.get("/touch").await;
        told.is(&[]);
        come_with(&layer, &[&first]).await;
        told.is(&[SessionEvent::ReusedToken { id }]);
        site.clock.pass(31 * 60);
        come_with(&layer, &[&token(&one)]).await;
        told.is(&[SessionEvent::UnknownToken { id }]);
        let (visitor, _) = site.signed_in("ann").await;
        let (id, ended) = (id_of(&visitor).await, token(&visitor));
        visitor.get("/destroy").await;
        come_with(&layer, &[&ended]).await;
        told.is(&[]);
        site.clock.pass(61);
        come_with(&layer, &[&ended]).await;
        told.is(&[SessionEvent::UnknownToken { id }]);
    }
}

/// Proves: asvs_16_2_5.
#[tokio::test]
async fn no_event_and_no_list_tells_a_secret_or_a_value() {
    let log = Log::start();
    let said = Said::default();
    for site in Site::all().await {
        let (told, layer) = Told::by(&site.layer);
        let visitor = Browser::new(app(&layer));
        for path in [
            "/insert:a:V",
            "/sign_in/owner:ann",
            "/rotate",
            "/renew/details:V",
        ] {
            visitor.get(&path.replace('V', VALUE)).await;
            said.keep(&visitor);
        }
        said.note(site.sessions.list("ann").await.unwrap());
        said.note((&site.sessions, &layer));
        let (id, old) = (id_of(&visitor).await, token(&visitor));
        site.sessions.revoke(id).await.unwrap();
        visitor.get("/insert:a:1").await;
        come_with(
            &layer,
            &[&old, &format!("{}{}", &old[..22], "A".repeat(42))],
        )
        .await;
        let told = told.take();
        assert!(told.len() >= 4, "{told:?}");
        said.note(told);
    }
    said.tells_no_secret_and_no_value(&log);
}
