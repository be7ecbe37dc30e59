//! Work that is finished even if nobody waits for it any more.

use std::{
    panic::resume_unwind,
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll},
};

use tokio::{
    runtime::Handle,
    sync::oneshot,
    task::{JoinError, JoinHandle},
};
use tracing::Instrument as _;

use crate::{
    middleware::{failure, future::taken, session::Session, settings::Settings},
    session::{
        error::{SessionError, SessionErrorKind},
        token::SessionId,
    },
    store::BoxFuture,
};

/// A commit under way. Whoever drops it before it is done, a client that hangs up for instance,
/// leaves it to the background: what has begun is finished (see
/// [`SessionLayer::drain`](crate::SessionLayer::drain)).
pub(super) struct Finishing<T: Send + 'static> {
    work: Option<Work<T>>,
    id: Option<SessionId>,
    settings: Arc<Settings>,
}

/// The mutex is never locked: it makes the future `Sync`, and so the body of a response.
type Work<T> = Mutex<BoxFuture<'static, Result<T, SessionError>>>;

/// Runs a commit to its end, even if nobody polls or awaits this any more: others wait for it.
pub(super) async fn run<T: Send + 'static>(
    settings: &Arc<Settings>,
    id: Option<SessionId>,
    work: impl Future<Output = Result<T, SessionError>> + Send + 'static,
) -> Result<T, SessionError> {
    let Ok(runtime) = Handle::try_current() else {
        return Finishing::of(settings, id, work).await;
    };
    let (tell, told) = oneshot::channel();
    let its_settings = Arc::clone(settings);
    // Boxed, it is not copied on its way into the task.
    let work = Box::pin(work);
    let task = spawn(&runtime, settings, async move {
        if let Err(Err(error)) = tell.send(work.await) {
            failure::note(&error, id, &its_settings);
        }
    });
    match told.await {
        Ok(done) => done,
        Err(_) => Err(fate_of(task).await),
    }
}

/// Lets work go on in the background, where `drain` waits for it.
fn spawn(
    runtime: &Handle,
    settings: &Settings,
    work: impl Future<Output = ()> + Send + 'static,
) -> JoinHandle<()> {
    runtime.spawn(settings.background.track_future(work).in_current_span())
}

/// What became of a task that told nothing.
async fn fate_of(task: JoinHandle<()>) -> SessionError {
    match task.await.map_err(JoinError::try_into_panic) {
        Err(Ok(panic)) => resume_unwind(panic),
        _ => SessionError::with_source(SessionErrorKind::Store, "the runtime shuts down"),
    }
}

impl<T: Send + 'static> Finishing<T> {
    pub(super) fn new(
        session: &Session,
        work: impl Future<Output = Result<T, SessionError>> + Send + 'static,
    ) -> Self {
        let id = session.peek().id();
        Self::of(session.settings(), id, work)
    }

    fn of(
        settings: &Arc<Settings>,
        id: Option<SessionId>,
        work: impl Future<Output = Result<T, SessionError>> + Send + 'static,
    ) -> Self {
        Self {
            work: Some(Mutex::new(Box::pin(work))),
            id,
            settings: Arc::clone(settings),
        }
    }

    /// Leaves it to the background from the start.
    pub(super) fn detach(self) {
        drop(self);
    }
}

impl<T: Send + 'static> Future for Finishing<T> {
    type Output = Result<T, SessionError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        // If it panics, it is over, and not to be finished elsewhere.
        let mut work = taken(&mut self.work);
        let future = work.get_mut().unwrap_or_else(PoisonError::into_inner);
        let done = future.as_mut().poll(cx);
        if done.is_pending() {
            self.work = Some(work);
        }
        done
    }
}

impl<T: Send + 'static> Drop for Finishing<T> {
    fn drop(&mut self) {
        let Some(work) = self.work.take() else {
            return;
        };
        let id = self.id;
        let Ok(runtime) = Handle::try_current() else {
            let id = id.map(tracing::field::display);
            tracing::error!(
                session.id = id,
                "commit given up: there is no runtime to finish it"
            );
            return;
        };
        let work = work.into_inner().unwrap_or_else(PoisonError::into_inner);
        let settings = Arc::clone(&self.settings);
        spawn(&runtime, &self.settings, async move {
            if let Err(error) = work.await {
                failure::note(&error, id, &settings);
            }
        });
    }
}
