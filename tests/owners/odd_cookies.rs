//! What is told of cookies that are odd; and that nothing that is told is a secret.

use std::time::Duration;

use http::Method;
use session_test_support::Browser;
use tower_session_layer::{SessionEvent, SessionLayer};

use crate::{
    common::{
        app::app,
        visitor::{COOKIE, token},
    },
    site::{Site, id_of},
    told::Told,
};

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
        let layer = layer.with_rotation(Duration::from_secs(600), Duration::from_secs(60));
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
#[cfg(any(feature = "memory", feature = "redis"))]
#[tokio::test]
async fn no_event_and_no_list_tells_a_secret_or_a_value() {
    use crate::common::{
        log::Log,
        said::{Said, VALUE},
    };
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
