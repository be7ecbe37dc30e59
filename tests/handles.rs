//! Handles of one session in several hands: nobody is told "saved" of what is not, and nobody
//! waits for somebody who does not go on.
#![allow(clippy::unwrap_used)]

mod common;

use std::{
    convert::Infallible,
    pin::pin,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use common::{
    app::{App, Body, app, handled},
    stores::Map,
    visitor::visitor_of_map,
};
use futures::future::poll_immediate;
use http::{Method, Request, Response, StatusCode};
use http_body::Frame;
use http_body_util::{BodyExt as _, StreamBody};
use session_test_support::Browser;
use tokio::{
    sync::{Notify, oneshot},
    task::yield_now,
    time::timeout,
};
use tower::{BoxError, Layer as _, Service as _, ServiceExt as _, service_fn};
use tower_session_layer::{
    Session, SessionError, SessionErrorKind, SessionId, SessionLayer, SessionStore,
    store::{CommitAnswer, Delta, StoreError},
};

/// A job that changes the session at once, and saves it when it is told to.
struct Job {
    go: Arc<Notify>,
    told: oneshot::Receiver<Result<(), SessionError>>,
}

impl Job {
    /// A handler that leaves such a job behind, and then does as `rest` says.
    fn left_behind<Fut>(
        layer: &SessionLayer,
        rest: impl Fn() -> Fut + Clone + Send + Sync + 'static,
    ) -> (Self, App)
    where
        Fut: Future<Output = StatusCode> + Send + 'static,
    {
        let (tell, told) = oneshot::channel();
        let tell = Arc::new(Mutex::new(Some(tell)));
        let go = Arc::new(Notify::new());
        let told_to = Arc::clone(&go);
        let app = handled(layer, move |session: Session| {
            let tell = tell.lock().unwrap().take().unwrap();
            let (told_to, rest) = (Arc::clone(&told_to), rest());
            session.insert("paid", "yes").unwrap();
            tokio::spawn(async move {
                told_to.notified().await;
                let _ = tell.send(session.commit().await);
            });
            rest
        });
        (Self { go, told }, app)
    }

    async fn commit(self) -> Option<SessionErrorKind> {
        self.go.notify_one();
        self.told.await.unwrap().err().map(|error| error.kind())
    }
}

#[tokio::test]
async fn whose_changes_were_discarded_learns_it_from_the_next_commit() {
    let (browser, _, layer) = visitor_of_map().await;
    let (job, app) = Job::left_behind(&layer, async || StatusCode::INTERNAL_SERVER_ERROR);
    browser.at(app).get("/").await;
    assert_eq!(
        job.commit().await,
        Some(SessionErrorKind::Discarded),
        "a server error"
    );

    let (job, mut app) = Job::left_behind(&layer, std::future::pending);
    let mut response = app.call(browser.request(Method::GET, "/"));
    for _ in 0..10 {
        assert!(poll_immediate(&mut response).await.is_none());
        yield_now().await;
    }
    drop(response);
    layer.drain().await;
    assert_eq!(
        job.commit().await,
        Some(SessionErrorKind::Discarded),
        "a client gone"
    );
    assert_eq!(browser.get("/get:paid").await.text, "none");
}

#[tokio::test]
async fn whose_changes_another_one_s_commit_took_along_learns_that_it_failed() {
    let (browser, store, layer) = visitor_of_map().await;
    let (job, mut app) = Job::left_behind(&layer, async || StatusCode::OK);
    let gate = store.hold_commits();
    let response = tokio::spawn(app.call(browser.request(Method::GET, "/")));
    gate.arrival().await;
    let told = tokio::spawn(job.commit());
    store.fails_to_commit.store(true, Ordering::SeqCst);
    gate.open();
    let response = response.await.unwrap().unwrap();
    assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
    store.fails_to_commit.store(false, Ordering::SeqCst);
    gate.open();
    assert_eq!(told.await.unwrap(), Some(SessionErrorKind::Discarded));

    let kept = Arc::new(Mutex::new(None));
    let keep = Arc::clone(&kept);
    let keeps = handled(&layer, move |session| {
        *keep.lock().unwrap() = Some(session);
        std::future::ready(StatusCode::OK)
    });
    let (browser, store, layer) = (browser, store, layer);
    gate.open();
    browser.at(keeps).get("/").await;
    let one: Session = kept.lock().unwrap().take().unwrap();
    let two = one.clone();
    drop((store, layer));
    gate.open();
    browser.get("/renew").await;
    two.insert("paid", "yes").unwrap();
    one.insert("b", "2").unwrap();
    gate.open();
    for handle in [&one, &two] {
        let told = handle.commit().await.unwrap_err();
        assert_eq!(told.kind(), SessionErrorKind::Superseded);
    }
}

#[tokio::test]
async fn a_busy_task_keeps_nobody_waiting() {
    let (browser, _, layer) = visitor_of_map().await;
    let is_over = Arc::new(AtomicBool::new(false));
    let is_busy = Arc::clone(&is_over);
    let handler = move |session: Session| {
        let is_busy = Arc::clone(&is_busy);
        async move {
            let task = session.clone();
            tokio::spawn(async move {
                while !is_busy.load(Ordering::SeqCst) {
                    task.insert("progress", 1).unwrap();
                    yield_now().await;
                }
            });
            yield_now().await;
            session.commit().await.unwrap();
            StatusCode::OK
        }
    };
    let response = handled(&layer, handler).call(browser.request(Method::GET, "/"));
    let response = timeout(WATCHDOG, response).await;
    is_over.store(true, Ordering::SeqCst);
    assert_eq!(response.unwrap().unwrap().status(), StatusCode::OK);
}

#[tokio::test]
async fn a_commit_that_nobody_polls_keeps_nobody_waiting() {
    let (browser, store, layer) = visitor_of_map().await;
    let gate = store.hold_commits();
    let open = gate.clone();
    let handler = move |session: Session| {
        let gate = open.clone();
        async move {
            session.insert("a", 2).unwrap();
            let mut commit = pin!(session.commit());
            assert!(poll_immediate(&mut commit).await.is_none());
            gate.arrival().await;
            gate.open();
            gate.open();
            // Held, and not polled any more.
            let count = session.update_now("n", |n: Option<u32>| n.unwrap_or(0) + 1);
            assert_eq!(count.await.unwrap(), 1);
            StatusCode::OK
        }
    };
    let page = timeout(WATCHDOG, browser.at(handled(&layer, handler)).get("/")).await;
    assert_eq!(page.unwrap().status, StatusCode::OK);
}

#[tokio::test]
async fn a_body_ends_although_it_holds_a_commit_that_it_does_not_poll() {
    use futures::StreamExt as _;
    let (browser, store, layer) = visitor_of_map().await;
    let stop = Arc::new(Notify::new());
    let stopped = Arc::clone(&stop);
    let service = service_fn(move |request: Request<Body>| {
        let session = request.extensions().get::<Session>().cloned().unwrap();
        let stopped = Arc::clone(&stopped);
        let events = futures::stream::unfold(session, |session| async move {
            session.insert("sent", 1).unwrap();
            session.commit().await.unwrap();
            let frame = Frame::data(Bytes::from_static(b"event"));
            Some((Ok::<_, Infallible>(frame), session))
        });
        let events = events.take_until(Box::pin(async move { stopped.notified().await }));
        let body = StreamBody::new(Box::pin(events));
        std::future::ready(Ok::<_, BoxError>(Response::new(body)))
    });
    let request = browser.request(Method::GET, "/");
    let response = layer.layer(service).oneshot(request).await.unwrap();
    let mut body = response.into_body();
    assert!(body.frame().await.is_some());
    let gate = store.hold_commits();
    assert!(poll_immediate(body.frame()).await.is_none());
    gate.arrival().await;
    gate.open();
    stop.notify_one();
    assert!(timeout(WATCHDOG, body.frame()).await.unwrap().is_none());
}

/// A store in which somebody else is always faster.
struct Contended;

impl SessionStore for Contended {
    async fn load(&self, id: &SessionId) -> Result<Option<Bytes>, StoreError> {
        RECORDS.load(id).await
    }

    async fn commit(&self, id: &SessionId, delta: &Delta) -> Result<CommitAnswer, StoreError> {
        if RECORDS.records().is_empty() {
            return RECORDS.commit(id, delta).await;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
        let record = RECORDS.load(id).await?;
        Ok(record.map_or(CommitAnswer::Gone, CommitAnswer::Conflict))
    }
}

static RECORDS: std::sync::LazyLock<Map> = std::sync::LazyLock::new(Map::default);

#[tokio::test(start_paused = true)]
async fn who_loses_for_five_seconds_is_told_of_a_conflict() {
    let browser = Browser::new(app(&SessionLayer::new(Contended)));
    browser.get("/insert:a:1").await;
    for path in ["/update:n", "/update:n/update_now:n"] {
        let begin = tokio::time::Instant::now();
        let page = browser.get(path).await;
        assert_eq!(page.status, StatusCode::CONFLICT, "{path}");
        let tries = begin.elapsed().as_millis() / 100;
        assert!(
            (50..=52).contains(&tries),
            "{path}: {tries} tries, one deadline"
        );
    }
}

/// Long enough for any machine; it passes only where somebody waits for ever.
const WATCHDOG: Duration = Duration::from_secs(30);
