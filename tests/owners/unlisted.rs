//! A store that keeps no account of owners: everything else works, and what needs the account says so.

use std::error::Error as _;

use http::StatusCode;
use session_test_support::Browser;
use tower_session_layer::{AtLimit, SessionErrorKind, SessionLayer};

use crate::{
    common::{app::app, stores::Map},
    site::{id_of, is_over},
};

#[tokio::test]
async fn a_session_has_its_owner_and_nobody_finds_it_by_that() {
    let layer = SessionLayer::new(Map::default());
    let (sessions, visitor) = (layer.sessions(), Browser::new(app(&layer)));
    visitor
        .get("/sign_in/owner:ann/details:Firefox/insert:a:1")
        .await;
    let seen = visitor.get("/get_owner/get_details/get:a/keys").await.text;
    assert_eq!(seen, "ann Firefox 1 a");
    for error in [
        sessions.list("ann").await.unwrap_err(),
        sessions.count("ann").await.unwrap_err(),
        sessions.revoke_all("ann").await.unwrap_err(),
    ] {
        assert_eq!(error.kind(), SessionErrorKind::Store);
        let cause = error.source().unwrap().to_string();
        assert_eq!(cause, "this store keeps no account of owners");
    }
    let id = id_of(&visitor).await;
    assert!(!sessions.revoke_of("bob", id).await.unwrap());
    assert!(!is_over(&visitor).await);
    assert!(sessions.revoke_of("ann", id).await.unwrap());
    assert!(is_over(&visitor).await, "by its id it is found");
}

/// A limit that nobody can enforce is not left unenforced.
#[tokio::test]
async fn a_limit_makes_sign_ins_fail() {
    for at_limit in [AtLimit::EvictOldest, AtLimit::Refuse] {
        let map = Map::default();
        let layer = SessionLayer::new(map.clone());
        let limited = layer.with_sessions_per_owner(3, at_limit);
        let visitor = Browser::new(app(&limited));
        let page = visitor.get("/sign_in/owner:ann").await;
        assert_eq!(page.status, StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(page.set_cookie(), None);
        assert!(map.records().is_empty());
        let page = visitor.get("/sign_in/insert:a:1").await;
        assert_eq!(page.status, StatusCode::OK, "nobody's session has no limit");
    }
}
