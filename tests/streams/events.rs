//! Server-sent events of axum, in both versions of HTTP.

use std::{convert::Infallible, fmt::Debug};

use axum::{
    Router,
    extract::State,
    response::{Sse, sse::Event},
    routing::get,
};
use bytes::Bytes;
use futures::{Stream, StreamExt as _};
use http::Method;
use http_body::Body;
use session_test_support::{Host, Wire};
use tower_session_layer::{Session, SessionLayer};

use crate::{
    script::{Cues, Next, Script, assert_reads, next, rehearse, spoken},
    site::{Site, WIRES},
};

/// A server whose events are what the session says to the cues.
async fn server(layer: &SessionLayer) -> (Host, Cues) {
    let (cues, script) = rehearse();
    let router = Router::new()
        .route("/events", get(events))
        .with_state(script)
        .layer(layer.clone());
    (Host::serve(router).await, cues)
}

/// A site whose visitor has the head of a response with events.
async fn streaming(
    wire: fn(&Host) -> Wire,
) -> (
    Site,
    Host,
    Cues,
    impl Body<Data = Bytes, Error: Debug> + Unpin,
) {
    let site = Site::open().await;
    let (host, cues) = server(&site.layer).await;
    let response = site.request(wire(&host), Method::GET, "/events").await;
    (site, host, cues, response.into_body())
}

async fn events(
    State(script): State<Script>,
    session: Session,
) -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
    let event = |result| Ok(Event::default().data(spoken(result)));
    Sse::new(script.play(session).map(event))
}

/// One more event, and how many there were.
const EVENT: &str = "update:events/get:events";

#[tokio::test]
async fn who_has_seen_the_end_of_a_stream_finds_everything_saved() {
    for wire in WIRES {
        let (site, _host, cues, mut body) = streaming(wire).await;
        for event in ["data: 1\n\n", "data: 2\n\n", "data: 3\n\n"] {
            cues.give(EVENT).await;
            // It is here before the stream is asked for the next.
            assert_reads(&mut body, event).await;
        }
        drop(cues);
        assert_eq!(next(&mut body).await, Next::End);
        assert_eq!(site.sees("/get:events/get:a").await, "3 1");
    }
}

#[tokio::test]
async fn a_stream_and_the_requests_beside_it_lose_nothing_of_each_other() {
    for wire in WIRES {
        let (site, _host, cues, mut body) = streaming(wire).await;
        cues.give(EVENT).await;
        assert_reads(&mut body, "data: 1\n\n").await;
        assert_eq!(site.sees("/update:events/insert:b:2/get:events").await, "1");
        cues.give(EVENT).await;
        assert_reads(&mut body, "data: 2\n\n").await;
        drop(cues);
        assert_eq!(next(&mut body).await, Next::End);
        assert_eq!(site.sees("/get:events/get:a/get:b").await, "3 1 2");
    }
}

#[tokio::test]
async fn what_was_changed_is_saved_although_the_client_left_in_mid_stream() {
    for wire in WIRES {
        let (site, _host, cues, mut body) = streaming(wire).await;
        for event in ["data: 1\n\n", "data: 2\n\n"] {
            cues.give(EVENT).await;
            assert_reads(&mut body, event).await;
        }
        drop(body);
        cues.dropped().await;
        site.layer.drain().await;
        assert_eq!(site.sees("/get:events").await, "2");
    }
}

#[tokio::test]
async fn what_was_changed_is_saved_although_the_client_left_while_it_was_being_saved() {
    for wire in WIRES {
        let (site, _host, cues, mut body) = streaming(wire).await;
        cues.give(EVENT).await;
        assert_reads(&mut body, "data: 1\n\n").await;
        let dropped = cues.end();
        site.saving().await;
        drop(body);
        dropped.await;
        site.layer.drain().await;
        assert_eq!(site.sees("/get:events").await, "1");
    }
}

#[tokio::test]
async fn a_stream_whose_changes_cannot_be_saved_does_not_seem_complete() {
    for wire in WIRES {
        let (site, _host, cues, mut body) = streaming(wire).await;
        cues.give(EVENT).await;
        assert_reads(&mut body, "data: 1\n\n").await;
        site.lose_redis();
        drop(cues);
        assert_eq!(next(&mut body).await, Next::Failure);
    }
}

#[tokio::test]
async fn a_stream_that_took_what_somebody_else_took_does_not_seem_complete() {
    for wire in WIRES {
        let (site, _host, cues, mut body) = streaming(wire).await;
        cues.give("take:a").await;
        assert_reads(&mut body, "data: 1\n\n").await;
        assert_eq!(site.sees("/take:a").await, "1");
        drop(cues);
        assert_eq!(next(&mut body).await, Next::Failure);
    }
}

#[tokio::test]
async fn a_stream_cannot_set_a_cookie_any_more() {
    for wire in WIRES {
        let (site, _host, cues, mut body) = streaming(wire).await;
        for late in ["sign_in", "renew", "rotate", "destroy/insert:a:2"] {
            cues.give(late).await;
            assert_reads(&mut body, "data: HeadSent\n\n").await;
        }
        drop(cues);
        assert_eq!(next(&mut body).await, Next::End);
        assert_eq!(site.sees("/get:a").await, "none", "log-out needs no cookie");
    }
}
