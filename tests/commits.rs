//! Handlers that commit by hand, and go on.
#![allow(clippy::unwrap_used)]

mod common;

use std::{
    panic::AssertUnwindSafe,
    sync::{Arc, Mutex, atomic::Ordering},
};

use common::{
    app::{App, app, handled},
    stores::Map,
};
use futures::FutureExt as _;
use http::StatusCode;
use session_test_support::Browser;
use tower_session_layer::{Session, SessionError, SessionErrorKind, SessionLayer};

/// A visitor with a session in which `a` is 1, and the store it is in.
async fn visitor() -> (Browser<App>, Map) {
    let store = Map::default();
    let browser = Browser::new(app(&SessionLayer::new(store.clone())));
    browser.get("/insert:a:1").await;
    (browser, store)
}

/// Another service on the same store, for the same visitor.
fn at_handler<F, Fut>(browser: &Browser<App>, store: &Map, handler: F) -> Browser<App>
where
    F: Fn(Session) -> Fut + Clone + Send + Sync + 'static,
    Fut: Future<Output = StatusCode> + Send + 'static,
{
    browser.at(handled(&SessionLayer::new(store.clone()), handler))
}

fn one_more(number: Option<u64>) -> u64 {
    number.unwrap_or(0) + 1
}

fn kind<T>(result: Result<T, SessionError>) -> Option<SessionErrorKind> {
    result.err().map(|error| error.kind())
}

#[tokio::test]
async fn of_commits_at_the_same_time_none_is_told_saved_when_it_was_not() {
    let (browser, store) = visitor().await;
    let other = browser.clone();
    let told = Arc::new(Mutex::new(Vec::new()));
    let tell = Arc::clone(&told);
    let handler = move |session: Session| {
        let (other, tell, clone) = (other.clone(), Arc::clone(&tell), session.clone());
        async move {
            other.get("/destroy").await;
            session.insert("b", 1).unwrap();
            let both = tokio::join!(session.commit(), clone.update_now("n", one_more));
            *tell.lock().unwrap() = vec![kind(both.0), kind(both.1)];
            StatusCode::OK
        }
    };
    let page = at_handler(&browser, &store, handler).get("/").await;
    assert_eq!(page.status, StatusCode::CONFLICT);
    assert_eq!(*told.lock().unwrap(), [Some(SessionErrorKind::Gone); 2]);
}

#[tokio::test]
async fn what_was_refused_is_not_lost_under_a_success() {
    let (browser, store) = visitor().await;
    let other = browser.clone();
    let handler = move |session: Session| {
        let other = other.clone();
        async move {
            session.insert("b", 1).unwrap();
            other.get("/insert:n:text").await;
            let refused = session.update_now("n", one_more).await;
            assert_eq!(kind(refused), Some(SessionErrorKind::Conflict));
            StatusCode::OK
        }
    };
    let page = at_handler(&browser, &store, handler).get("/").await;
    assert_eq!(page.status, StatusCode::CONFLICT);
    assert_eq!(browser.get("/get:b").await.text, "none");
}

#[tokio::test]
async fn a_destroyed_session_leaves_nothing_to_its_successor_even_if_a_commit_failed() {
    let (browser, store) = visitor().await;
    let down = Arc::clone(&store.fails_to_commit);
    let handler = move |session: Session| {
        let down = Arc::clone(&down);
        async move {
            session.insert("n", 41).unwrap();
            session.insert("large", "x".repeat(500)).unwrap();
            down.store(true, Ordering::SeqCst);
            assert_eq!(kind(session.commit().await), Some(SessionErrorKind::Store));
            down.store(false, Ordering::SeqCst);
            session.destroy();
            assert!(session.is_empty() && !session.remove("large"));
            session.update("n", one_more).unwrap();
            StatusCode::OK
        }
    };
    at_handler(&browser, &store, handler).get("/").await;
    assert_eq!(browser.get("/get:n/get:a/keys").await.text, "1 none n");
}

#[tokio::test]
async fn a_log_out_happens_after_a_commit_that_failed_and_a_renewal_elsewhere() {
    let (browser, store) = visitor().await;
    let (down, other) = (Arc::clone(&store.fails_to_commit), browser.clone());
    let handler = move |session: Session| {
        let (down, other) = (Arc::clone(&down), other.clone());
        async move {
            session.insert("b", 1).unwrap();
            down.store(true, Ordering::SeqCst);
            session.commit().await.unwrap_err();
            down.store(false, Ordering::SeqCst);
            other.get("/renew").await;
            session.destroy();
            StatusCode::OK
        }
    };
    let page = at_handler(&browser, &store, handler).get("/").await;
    assert_eq!(page.status, StatusCode::OK);
    assert_eq!(browser.get("/get:a").await.text, "none");
}

#[tokio::test]
async fn a_refused_take_leaves_a_session_that_still_adds_up() {
    let (browser, store) = visitor().await;
    let other = browser.clone();
    let handler = move |session: Session| {
        let other = other.clone();
        async move {
            session.insert("large", "x".repeat(500)).unwrap();
            session.take::<String>("a").unwrap();
            other.get("/insert:a:2").await;
            assert_eq!(
                kind(session.commit().await),
                Some(SessionErrorKind::Conflict)
            );
            assert!(!session.contains_key("large") && session.remove("a"));
            session.insert("b", "x".repeat(60_000)).unwrap();
            session.destroy();
            StatusCode::OK
        }
    };
    let page = at_handler(&browser, &store, handler).get("/").await;
    assert_eq!(
        page.status,
        StatusCode::OK,
        "what was refused went with the session"
    );
}

#[tokio::test]
async fn the_cookie_of_a_committed_sign_in_goes_out_with_a_failure_too() {
    let (browser, store) = visitor().await;
    let down = Arc::clone(&store.fails_to_commit);
    let handler = move |session: Session| {
        let down = Arc::clone(&down);
        async move {
            session.sign_in().unwrap();
            session.commit().await.unwrap();
            session.insert("b", 1).unwrap();
            down.store(true, Ordering::SeqCst);
            StatusCode::OK
        }
    };
    let page = at_handler(&browser, &store, handler).get("/").await;
    assert_eq!(page.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(page.header("cache-control"), Some("no-store"));
    store.fails_to_commit.store(false, Ordering::SeqCst);
    assert_eq!(browser.get("/get:a/is_authenticated").await.text, "1 true");
}

#[tokio::test]
async fn the_cookie_of_a_sign_in_that_was_ended_since_does_not_go_out() {
    let (browser, store) = visitor().await;
    let other = browser.clone();
    let handler = move |session: Session| {
        let other = other.clone();
        async move {
            session.sign_in().unwrap();
            session.commit().await.unwrap();
            // With the cookie from before, which may still log out.
            other.get("/destroy").await;
            session.insert("b", 1).unwrap();
            StatusCode::OK
        }
    };
    let page = at_handler(&browser, &store, handler).get("/").await;
    let seen = (page.status, page.set_cookie());
    assert_eq!(
        seen,
        (StatusCode::CONFLICT, None),
        "it may cross a newer one"
    );
}

#[tokio::test]
async fn an_update_that_panics_when_it_is_made_again_is_not_taken_for_saved() {
    let (browser, store) = visitor().await;
    let other = browser.clone();
    let handler = move |session: Session| {
        let other = other.clone();
        async move {
            let mut runs = 0;
            let panics = move |number: Option<u64>| {
                runs += 1;
                assert!(runs < 2, "for this test");
                number.unwrap_or(0) + 1
            };
            session.update("n", panics).unwrap();
            other.get("/update:n").await;
            let caught = AssertUnwindSafe(session.commit()).catch_unwind().await;
            assert!(caught.is_err());
            StatusCode::OK
        }
    };
    let page = at_handler(&browser, &store, handler).get("/").await;
    assert_eq!(page.status, StatusCode::CONFLICT);
    assert_eq!(browser.get("/get:n").await.text, "1");
}

#[tokio::test]
async fn a_commit_that_is_cancelled_is_made_once() {
    let (browser, store) = visitor().await;
    let handler = async |session: Session| {
        session.update("n", one_more).unwrap();
        for _ in 0..3 {
            // One poll each: the store has been asked, and nobody waits for the answer.
            tokio::select! {
                biased;
                _ = session.commit() => {}
                () = std::future::ready(()) => {}
            }
        }
        session.update("n", one_more).unwrap();
        session.commit().await.unwrap();
        StatusCode::OK
    };
    at_handler(&browser, &store, handler).get("/").await;
    assert_eq!(browser.get("/get:n").await.text, "2");
}

#[tokio::test]
async fn after_a_failure_response_no_session_can_be_signed_in() {
    let (browser, store) = visitor().await;
    let other = browser.clone();
    let kept = Arc::new(Mutex::new(None));
    let keep = Arc::clone(&kept);
    let handler = move |session: Session| {
        let (other, keep) = (other.clone(), Arc::clone(&keep));
        async move {
            session.insert("b", 1).unwrap();
            other.get("/destroy").await;
            *keep.lock().unwrap() = Some(session);
            StatusCode::OK
        }
    };
    let page = at_handler(&browser, &store, handler).get("/").await;
    assert_eq!(page.status, StatusCode::CONFLICT);
    let session: Session = kept.lock().unwrap().take().unwrap();
    assert_eq!(kind(session.sign_in()), Some(SessionErrorKind::HeadSent));
}
