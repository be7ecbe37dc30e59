//! Streams of a gRPC server, to a gRPC client, both tonic's.

use std::{convert::Infallible, net::SocketAddr};

use futures::StreamExt as _;
use http::uri::PathAndQuery;
use tokio::{net::TcpListener, task::JoinSet};
use tonic::{
    Code, Request, Response, Status, Streaming,
    body::Body,
    client, server,
    transport::{Endpoint, Server, server::TcpIncoming},
};
use tonic_prost::ProstCodec;
use tower::service_fn;
use tower_session_layer::{Session, SessionError, SessionLayer};

use crate::{
    script::{Cues, Script, rehearse, soon},
    site::Site,
};

/// A server of one method, whose messages are what the session says to the cues. It ends when the
/// set is dropped.
async fn serve(layer: &SessionLayer) -> (SocketAddr, Cues, JoinSet<()>) {
    let (cues, script) = rehearse();
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    let service = service_fn(move |request: http::Request<Body>| {
        let script = script.clone();
        async move {
            let method = service_fn(|request| play(request, script.clone()));
            let codec = ProstCodec::<String, ()>::default();
            let mut server = server::Grpc::new(codec);
            Ok::<_, Infallible>(server.server_streaming(method, request).await)
        }
    });
    let server = Server::builder().layer(layer.clone());
    let incoming = TcpIncoming::from(listener).with_nodelay(Some(true));
    let mut serving = JoinSet::new();
    serving.spawn(async move {
        server.serve_with_incoming(service, incoming).await.unwrap();
    });
    (address, cues, serving)
}

async fn play(
    request: Request<()>,
    script: Script,
) -> Result<Response<impl futures::Stream<Item = Result<String, Status>>>, Status> {
    let session: &Session = request.extensions().get().unwrap();
    let said = script.play(session.clone());
    Ok(Response::new(said.map(message)))
}

/// Of what is not found the client is to blame, of an error the server.
fn message(said: Result<String, SessionError>) -> Result<String, Status> {
    match said {
        Ok(said) if said == "none" => Err(Status::not_found(said)),
        Ok(said) => Ok(said),
        Err(error) => Err(Status::internal(error.to_string())),
    }
}

/// Calls the method as the visitor of this site.
async fn call(site: &Site, address: SocketAddr) -> Streaming<String> {
    let endpoint = Endpoint::from_shared(format!("http://{address}")).unwrap();
    let mut client = client::Grpc::new(endpoint.connect().await.unwrap());
    client.ready().await.unwrap();
    let mut request = Request::new(());
    let cookies = site.visitor.jar().line().unwrap();
    let cookies = cookies.to_str().unwrap().parse().unwrap();
    request.metadata_mut().insert("cookie", cookies);
    let path = PathAndQuery::from_static("/streams.Stage/Play");
    let codec = ProstCodec::<(), String>::default();
    let response = client.server_streaming(request, path, codec).await;
    response.unwrap().into_inner()
}

/// The next message; `None` at the end that is OK.
async fn next(messages: &mut Streaming<String>) -> Result<Option<String>, Code> {
    let message = soon(messages.message()).await;
    message.map_err(|status| status.code())
}

#[tokio::test]
async fn who_has_received_ok_finds_everything_saved() {
    let site = Site::open().await;
    for counts in [["1", "2"], ["3", "4"]] {
        let (address, cues, _server) = serve(&site.layer).await;
        let mut messages = call(&site, address).await;
        for count in counts {
            cues.give("update:n/get:n").await;
            assert_eq!(next(&mut messages).await.unwrap().as_deref(), Some(count));
        }
        drop(cues);
        assert_eq!(next(&mut messages).await, Ok(None));
        assert_eq!(site.sees("/get:n").await, counts[1]);
    }
}

#[tokio::test]
async fn a_stream_whose_changes_cannot_be_saved_ends_as_unavailable() {
    let site = Site::open().await;
    let (address, cues, _server) = serve(&site.layer).await;
    let mut messages = call(&site, address).await;
    cues.give("insert:a:2/get:a").await;
    assert_eq!(next(&mut messages).await, Ok(Some("2".into())));
    site.lose_redis();
    drop(cues);
    assert_eq!(next(&mut messages).await, Err(Code::Unavailable));
}

#[tokio::test]
async fn a_stream_that_depends_on_what_somebody_else_changed_ends_as_aborted() {
    for (elsewhere, left) in [
        ("/take:a", "none"),
        ("/insert:a:2", "2"),
        ("/destroy", "none"),
    ] {
        let site = Site::open().await;
        let (address, cues, _server) = serve(&site.layer).await;
        let mut messages = call(&site, address).await;
        cues.give("insert:b:1/take:a").await;
        assert_eq!(next(&mut messages).await, Ok(Some("1".into())));
        site.sees(elsewhere).await;
        drop(cues);
        assert_eq!(next(&mut messages).await, Err(Code::Aborted), "{elsewhere}");
        assert_eq!(site.sees("/get:a/get:b").await, format!("{left} none"));
    }
}

#[tokio::test]
async fn a_stream_that_fails_saves_nothing_unless_its_client_is_to_blame() {
    for (cue, code, left) in [
        ("insert::1", Code::Internal, "1"),
        ("get:b", Code::NotFound, "2"),
    ] {
        let site = Site::open().await;
        let (address, cues, _server) = serve(&site.layer).await;
        let mut messages = call(&site, address).await;
        cues.give("insert:a:2/get:a").await;
        assert_eq!(next(&mut messages).await, Ok(Some("2".into())));
        cues.give(cue).await;
        assert_eq!(next(&mut messages).await, Err(code));
        assert_eq!(site.sees("/get:a").await, left, "{code:?}");
    }
}

#[tokio::test]
async fn what_was_changed_is_saved_although_the_caller_left_in_mid_stream() {
    let site = Site::open().await;
    let (address, cues, _server) = serve(&site.layer).await;
    let mut messages = call(&site, address).await;
    cues.give("insert:a:2/get:a").await;
    assert_eq!(next(&mut messages).await, Ok(Some("2".into())));
    drop(messages);
    cues.dropped().await;
    site.layer.drain().await;
    assert_eq!(site.sees("/get:a").await, "2");
}
