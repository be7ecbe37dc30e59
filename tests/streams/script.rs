//! Streams that do what the test says, when it says so.

use std::{
    convert::Infallible,
    sync::{Arc, Mutex},
    time::Duration,
};

use bytes::Bytes;
use futures::{Stream, StreamExt as _, stream};
use http_body::Body;
use http_body_util::BodyExt as _;
use tokio::{
    sync::{mpsc, oneshot},
    time::timeout,
};
use tower_session_layer::{Session, SessionError};

use crate::common::app::{act, said};

/// One stream, from its client's side and from its server's. Without a cue it does not go on.
pub(crate) fn rehearse() -> (Cues, Script) {
    let (cues, script) = mpsc::channel(1);
    let (stage, curtain) = oneshot::channel();
    let script = Script(Arc::new(Mutex::new(Some((script, stage)))));
    (Cues { cues, curtain }, script)
}

/// What the test says to the stream, which ends when this is dropped.
pub(crate) struct Cues {
    cues: mpsc::Sender<&'static str>,
    curtain: oneshot::Receiver<Infallible>,
}

impl Cues {
    /// Lets the stream produce one more item: what these actions return, separated by `/` as in
    /// the paths of the app.
    pub(crate) async fn give(&self, cue: &'static str) {
        self.cues.send(cue).await.unwrap();
    }

    /// Lets the stream end. What is returned is done when the server has dropped it.
    pub(crate) fn end(self) -> impl Future<Output = ()> {
        let Self { cues, curtain } = self;
        drop(cues);
        async {
            soon(curtain).await.unwrap_err();
        }
    }

    /// Waits until the server has dropped the stream, although it did not end.
    pub(crate) async fn dropped(self) {
        let Self { cues, curtain } = self;
        soon(curtain).await.unwrap_err();
        assert!(cues.is_closed());
    }
}

/// What the server makes a stream of. Clones are the same script.
#[derive(Clone)]
pub(crate) struct Script(Arc<Mutex<Option<Role>>>);

/// What to do next, and a sign that somebody is there to do it.
type Role = (mpsc::Receiver<&'static str>, oneshot::Sender<Infallible>);

impl Script {
    /// The stream; there is only one.
    pub(crate) fn play(
        &self,
        session: Session,
    ) -> impl Stream<Item = Result<String, SessionError>> + Send + use<> {
        let (mut cues, stage) = self.0.lock().unwrap().take().unwrap();
        let cues = stream::poll_fn(move |cx| cues.poll_recv(cx));
        cues.then(move |cue| {
            let _still_here = &stage;
            let session = session.clone();
            async move { perform(&session, cue).await }
        })
    }
}

/// Does this, one action after the other, until one fails.
pub(crate) async fn perform(session: &Session, actions: &str) -> Result<String, SessionError> {
    let mut returned = Vec::new();
    for action in actions.split('/') {
        let words: Vec<_> = action.split(':').collect();
        returned.extend(act(session, &words).await?);
    }
    Ok(returned.join(" "))
}

/// What came of it, in words: of an error its kind.
pub(crate) fn spoken(result: Result<String, SessionError>) -> String {
    result.unwrap_or_else(|error| said(error.kind()))
}

/// Reads exactly this, of a body that may say more later.
pub(crate) async fn assert_reads<B>(body: &mut B, text: &str)
where
    B: Body<Data = Bytes, Error: std::fmt::Debug> + Unpin,
{
    let mut read = Vec::new();
    while read.len() < text.len() {
        let frame = soon(body.frame()).await.unwrap().unwrap();
        read.extend(frame.into_data().unwrap());
    }
    assert_eq!(String::from_utf8(read).unwrap(), text);
}

/// How a body goes on: it ends, it fails, or it says something.
#[derive(Debug, PartialEq)]
pub(crate) enum Next {
    End,
    Failure,
    Data(Bytes),
}

pub(crate) async fn next<B>(body: &mut B) -> Next
where
    B: Body<Data = Bytes> + Unpin,
{
    loop {
        match soon(body.frame()).await {
            None => return Next::End,
            Some(Err(_)) => return Next::Failure,
            Some(Ok(frame)) => match frame.into_data().unwrap_or_default() {
                // HTTP/2 ends with a flag, which takes a frame if there is no other to carry it.
                data if data.is_empty() => {}
                data => return Next::Data(data),
            },
        }
    }
}

/// What never comes fails the test, rather than keeping it.
pub(crate) async fn soon<T>(what: impl Future<Output = T>) -> T {
    timeout(Duration::from_secs(10), what).await.unwrap()
}
