//! Several session layers around one service.
#![allow(clippy::unwrap_used)]

mod common;

use std::convert::Infallible;

use common::{
    app::{Body, act, app},
    log::Log,
    stores::Map,
};
use http::{Request, Response, header::SET_COOKIE};
use session_test_support::Browser;
use tower::{Layer, ServiceBuilder, service_fn};
use tower_session_layer::{Session, SessionCookie, SessionLayer};

fn named(name: &str, store: &Map) -> SessionLayer {
    let cookie = SessionCookie::builder(name).build().unwrap();
    SessionLayer::new(store.clone()).with_cookie(cookie)
}

/// Acts on the session of the outer layer, then on that of the inner one.
fn between<S>(
    inner: S,
) -> impl tower::Service<
    Request<Body>,
    Response = S::Response,
    Error = S::Error,
    Future = impl Future<Output = Result<S::Response, S::Error>> + Send,
> + Clone
+ Send
+ Sync
where
    S: tower::Service<Request<Body>, Future: Send> + Clone + Send + Sync,
{
    tower::util::MapRequest::new(inner, |request: Request<Body>| {
        let session: &Session = request.extensions().get().unwrap();
        match request.uri().query() {
            Some("outer") => session.insert("who", "outer").unwrap(),
            Some("end") => session.destroy(),
            _ => {}
        }
        request
    })
}

/// Proves: rfc6265bis_c4.
#[tokio::test]
async fn two_names_are_two_sessions_that_never_mix_up() {
    let (outside, inside) = (Map::default(), Map::default());
    let (outer, inner) = (named("__Host-out", &outside), named("__Host-in", &inside));
    let service = outer.layer(between(app(&inner)));
    let browser = Browser::new(tower::util::BoxCloneSyncService::new(service));
    let page = browser.get("/insert:who:inner?outer").await;
    assert_eq!(page.headers.get_all(SET_COOKIE).iter().count(), 2);
    assert_eq!(browser.get("/get:who").await.text, "inner");
    assert_eq!((outside.records().len(), inside.records().len()), (1, 1));

    let (out, in_) = ("__Host-out", "__Host-in");
    let tokens = [out, in_].map(|name| browser.jar().get(name).unwrap());
    assert_ne!(tokens[0], tokens[1]);
    let page = browser.get("/insert:who:again?end").await;
    assert!(page.set_cookie().unwrap().starts_with("__Host-out=;"));
    assert_eq!(browser.jar().get(out), None);
    assert_eq!(browser.get("/get:who").await.text, "again");

    // The token of one layer is nothing to the other one.
    browser.jar().set(in_, &tokens[0]);
    assert_eq!(browser.get("/get:who").await.text, "none");
}

/// Proves: rfc6265bis_c4.
#[tokio::test]
async fn of_two_layers_of_one_name_the_outer_one_counts() {
    for (outer, inner) in [(false, false), (false, true), (true, true)] {
        let (outside, inside) = (Map::default(), Map::default());
        let lazy_if = |is_lazy, layer: SessionLayer| if is_lazy { layer.lazy() } else { layer };
        let outer_layer = lazy_if(outer, SessionLayer::new(outside.clone()));
        let inner_layer = lazy_if(inner, SessionLayer::new(inside.clone()));
        let log = Log::start();
        let service = outer_layer.layer(app(&inner_layer));
        let browser = Browser::new(tower::util::BoxCloneSyncService::new(service));
        let load = if outer { "/load" } else { "" };
        let page = browser.get(&format!("{load}/insert:a:1")).await;
        assert!(page.set_cookie().is_some());
        assert_eq!((outside.records().len(), inside.records().len()), (1, 0));
        assert_eq!(browser.get(&format!("{load}/get:a")).await.text, "1");
        assert_eq!(inside.calls(), (0, 0));
        assert!(log.take().contains("two session layers of one cookie name"));
    }
}

#[tokio::test]
async fn one_layer_twice_is_one_layer() {
    let log = Log::start();
    let store = Map::default();
    let layer = SessionLayer::new(store.clone());
    let handler = service_fn(async |request: Request<Body>| {
        let session = request.extensions().get::<Session>().unwrap();
        act(session, &["update", "visits"]).await.unwrap();
        Ok::<_, Infallible>(Response::new(Body::default()))
    });
    let service = ServiceBuilder::new()
        .layer(layer.clone())
        .layer(layer)
        .service(handler);
    let browser = Browser::new(service);
    browser.get("/").await;
    assert!(browser.get("/").await.set_cookie().is_none());
    assert_eq!(store.calls(), (1, 2));
    assert_eq!(store.records().len(), 1);
    assert!(!log.take().contains("two session layers"));
}
