//! What becomes of requests whose session the store cannot show.
#![allow(clippy::unwrap_used)]

mod common;

use std::sync::atomic::Ordering;

use common::{
    app::{App, app, said},
    stores::Map,
    visitor::{COOKIE, token},
};
use http::{Method, Response, StatusCode, header::CONTENT_TYPE};
use http_body_util::{BodyExt, Full, combinators::UnsyncBoxBody};
use session_test_support::Browser;
use tower::{BoxError, ServiceBuilder, util::MapResponseLayer};
use tower_session_layer::{ResponseBody, SessionErrorKind, SessionLayer, StoreFailure};

const FAILED: StatusCode = StatusCode::SERVICE_UNAVAILABLE;

fn layer_on(store: &Map) -> SessionLayer {
    SessionLayer::new(store.clone())
}

fn anonymous_on(store: &Map) -> SessionLayer {
    layer_on(store).with_store_failure(|_| StoreFailure::Anonymous)
}

/// A visitor with a session in which `a` is 1, in a store that then fails to load.
async fn visitor_cut_off(store: &Map, layer: &SessionLayer) -> Browser<App> {
    let browser = Browser::new(app(layer));
    browser.get("/insert:a:1").await;
    store.fails_to_load.store(true, Ordering::SeqCst);
    browser
}

#[tokio::test]
async fn who_goes_on_without_a_session_can_look_and_change_nothing() {
    let store = Map::default();
    let browser = visitor_cut_off(&store, &anonymous_on(&store)).await;
    let (before, records) = (token(&browser), store.records());
    let rows = [
        ("/", StatusCode::OK, ""),
        (
            "/get:a/keys/is_new/contains:a",
            StatusCode::OK,
            "none  true false",
        ),
        ("/take:a", StatusCode::OK, "none"),
        ("/touch/rotate", StatusCode::OK, ""),
        ("/insert:a:2", FAILED, ""),
        ("/update:a", FAILED, ""),
        ("/remove:a", FAILED, ""),
        ("/clear", FAILED, ""),
        ("/renew", FAILED, ""),
        ("/sign_in", FAILED, ""),
        ("/destroy", FAILED, ""),
        ("/destroy/insert:a:2", FAILED, ""),
        ("/sign_in/insert:a:2/commit", FAILED, ""),
        ("/insert:a:2/status:404", FAILED, ""),
        (
            "/insert:a:2/status:500",
            StatusCode::INTERNAL_SERVER_ERROR,
            "",
        ),
        ("/destroy/status:500", StatusCode::INTERNAL_SERVER_ERROR, ""),
    ];
    for (path, status, text) in rows {
        let page = browser.get(path).await;
        assert_eq!((page.status, &*page.text), (status, text), "{path}");
        assert_eq!(page.set_cookie(), None, "{path}");
    }
    let page = browser.get("/status:500/insert:a:2/commit").await;
    assert_eq!(page.text, said(SessionErrorKind::Store));
    assert_eq!((token(&browser), store.records()), (before, records));
    store.fails_to_load.store(false, Ordering::SeqCst);
    assert_eq!(browser.get("/get:a").await.text, "1");
}

#[tokio::test]
async fn a_visitor_without_a_cookie_is_not_affected() {
    let store = Map::default();
    visitor_cut_off(&store, &anonymous_on(&store)).await;
    let visitor = Browser::new(app(&anonymous_on(&store)));
    assert_eq!(visitor.get("/insert:a:2").await.status, StatusCode::OK);
    token(&visitor);
}

#[tokio::test]
async fn a_lazy_session_goes_on_in_the_same_way() {
    let store = Map::default();
    let browser = visitor_cut_off(&store, &anonymous_on(&store)).await;
    let browser = browser.at(app(&anonymous_on(&store).lazy()));
    assert_eq!(browser.get("/load/get:a").await.text, "none");
    let page = browser.get("/load/insert:a:2").await;
    assert_eq!((page.status, page.set_cookie()), (FAILED, None));
}

#[tokio::test]
async fn every_route_has_a_policy_of_its_own() {
    let store = Map::default();
    let by_route = layer_on(&store).with_store_failure(|request| {
        match request.uri.path().starts_with("/get") {
            true => StoreFailure::Anonymous,
            false => StoreFailure::Reject,
        }
    });
    let browser = visitor_cut_off(&store, &by_route).await;
    assert_eq!(browser.get("/get:a").await.text, "none");
    let page = browser.get("/keys").await;
    assert_eq!(
        (page.status, page.header("retry-after")),
        (FAILED, Some("1"))
    );
    // So does every copy of the layer.
    let strict = by_route.with_store_failure(|_| StoreFailure::Reject);
    assert_eq!(browser.at(app(&strict)).get("/get:a").await.status, FAILED);
}

/// As is one of several cookies that cannot be looked up.
#[tokio::test]
async fn several_cookies_of_which_one_cannot_be_looked_up_are_no_session() {
    let store = Map::default();
    let (one, two) = (
        Browser::new(app(&layer_on(&store))),
        Browser::new(app(&layer_on(&store))),
    );
    one.get("/insert:a:1").await;
    two.get("/insert:a:2").await;
    store.fails_to_load.store(true, Ordering::SeqCst);
    let both = format!("__Host-id={}; __Host-id={}", token(&one), token(&two));
    for (layer, status) in [
        (layer_on(&store), FAILED),
        (anonymous_on(&store), StatusCode::OK),
    ] {
        let visitor = Browser::new(app(&layer));
        let mut request = visitor.request(Method::GET, "/get:a");
        request
            .headers_mut()
            .insert("cookie", both.parse().unwrap());
        assert_eq!(visitor.send(request).await.status, status);
    }
}

type Page = Response<UnsyncBoxBody<bytes::Bytes, BoxError>>;

fn with_page(response: Response<ResponseBody<Full<bytes::Bytes>>>) -> Page {
    let Some(kind) = response.extensions().get::<SessionErrorKind>().copied() else {
        return response.map(BodyExt::boxed_unsync);
    };
    let text = format!("sorry: {kind:?}");
    response.map(|_| Full::from(text).map_err(Into::into).boxed_unsync())
}

/// The status and the headers stay, or the application changes them as well.
#[tokio::test]
async fn an_application_makes_a_page_of_a_failure() {
    let store = Map::default();
    let browser = visitor_cut_off(&store, &layer_on(&store)).await;
    let pages = ServiceBuilder::new().layer(MapResponseLayer::new(with_page));
    let with_pages = Browser::new(pages.service(app(&layer_on(&store))));
    with_pages.jar().set(COOKIE, &token(&browser));
    let page = with_pages.get("/get:a").await;
    assert_eq!((page.status, &*page.text), (FAILED, "sorry: Store"));
    assert_eq!(page.header("retry-after"), Some("1"));
    store.fails_to_load.store(false, Ordering::SeqCst);
    assert_eq!(with_pages.get("/get:a").await.text, "1");
    store.fails_to_commit.store(true, Ordering::SeqCst);
    assert_eq!(with_pages.get("/insert:a:2").await.text, "sorry: Store");
    let mut call = with_pages.request(Method::POST, "/insert:a:2");
    let content_type = "application/grpc".parse().unwrap();
    call.headers_mut().insert(CONTENT_TYPE, content_type);
    let answer = with_pages.send(call).await;
    assert_eq!(answer.header("grpc-status"), Some("14"));
}
