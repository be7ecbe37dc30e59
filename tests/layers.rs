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
use tower::{Layer, Service, ServiceBuilder, service_fn, util::BoxCloneSyncService};
use tower_session_layer::{LazySession, Session, SessionCookie, SessionLayer};

fn named(name: &str, store: &Map) -> SessionLayer {
    let cookie = SessionCookie::builder(name).build().unwrap();
    SessionLayer::new(store.clone()).with_cookie(cookie)
}

/// Acts on the session of the outer layer, then on that of the inner one.
fn between<S>(
    inner: S,
) -> impl Service<
    Request<Body>,
    Response = S::Response,
    Error = S::Error,
    Future = impl Future<Output = Result<S::Response, S::Error>> + Send,
> + Clone
+ Send
+ Sync
where
    S: Service<Request<Body>, Future: Send> + Clone + Send + Sync,
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
    let browser = Browser::new(BoxCloneSyncService::new(service));
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

/// Whichever way the two are loaded.
#[tokio::test]
async fn a_service_finds_the_session_of_the_layer_next_to_it_alone() {
    for (is_outer_lazy, is_inner_lazy) in PAIRS {
        let (outside, inside) = (Map::default(), Map::default());
        let outer = lazy_if(is_outer_lazy, named("__Host-out", &outside));
        let inner = lazy_if(is_inner_lazy, named("__Host-in", &inside));
        let handler = service_fn(move |request: Request<Body>| async move {
            let extensions = request.extensions();
            let (eager, lazy) = (extensions.get::<Session>(), extensions.get::<LazySession>());
            assert_eq!(
                (eager.is_some(), lazy.is_some()),
                (!is_inner_lazy, is_inner_lazy)
            );
            let session = match lazy {
                Some(lazy) => lazy.load().await.unwrap(),
                None => eager.unwrap().clone(),
            };
            session.insert("who", "inner").unwrap();
            Ok::<_, Infallible>(Response::new(Body::default()))
        });
        let browser = Browser::new(
            ServiceBuilder::new()
                .layer(outer)
                .layer(inner)
                .service(handler),
        );
        let page = browser.get("/").await;
        assert!(page.set_cookie().unwrap().starts_with("__Host-in="));
        assert_eq!((outside.records().len(), inside.records().len()), (0, 1));
    }
}

const PAIRS: [(bool, bool); 4] = [(false, false), (false, true), (true, false), (true, true)];

fn lazy_if(is_lazy: bool, layer: SessionLayer) -> SessionLayer {
    if is_lazy { layer.lazy() } else { layer }
}

/// Proves: rfc6265bis_c4.
#[tokio::test]
async fn of_two_layers_of_one_name_the_outer_one_counts() {
    for (is_outer_lazy, is_inner_lazy) in PAIRS {
        let (outside, inside, between) = (Map::default(), Map::default(), Map::default());
        let outer = lazy_if(is_outer_lazy, SessionLayer::new(outside.clone()));
        let inner = lazy_if(is_inner_lazy, SessionLayer::new(inside.clone()));
        let load = if is_outer_lazy { "/load" } else { "" };
        let direct = BoxCloneSyncService::new(outer.layer(app(&inner)));
        let other = named("__Host-other", &between).layer(app(&inner));
        let around_another = BoxCloneSyncService::new(outer.layer(BoxCloneSyncService::new(other)));
        visit_twice(&Browser::new(direct), load).await;
        assert_eq!((outside.records().len(), inside.records().len()), (1, 0));
        visit_twice(&Browser::new(around_another), load).await;
        assert_eq!((outside.records().len(), inside.records().len()), (2, 0));
        assert_eq!((inside.calls(), between.calls()), ((0, 0), (0, 0)));
    }
}

async fn visit_twice<S, B>(browser: &Browser<S>, load: &str)
where
    S: Service<Request<Body>, Response = Response<B>, Error: std::fmt::Debug> + Clone,
    B: http_body::Body<Data = bytes::Bytes, Error: std::fmt::Debug>,
{
    let log = Log::start();
    let page = browser.get(&format!("{load}/insert:a:1")).await;
    assert!(page.set_cookie().unwrap().starts_with("__Host-id="));
    assert_eq!(browser.get(&format!("{load}/get:a")).await.text, "1");
    assert!(log.take().contains("two session layers of one cookie name"));
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
