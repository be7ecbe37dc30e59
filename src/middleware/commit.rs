//! From an outcome to the store: commits what changed, step by step.

use tokio::time::Instant;

use crate::{
    middleware::{
        background::Finishing, head::Head, layer::COMMIT_DEADLINE, resuming::store_failed,
        session::Session, settings::Settings,
    },
    session::{
        error::{SessionError, SessionErrorKind},
        outcome::Outcome,
        state::State,
        step::Step,
    },
    store::{CommitAnswer, StoreError},
};

/// How the request ended for the inner service.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    /// It was answered: what changed is to be saved.
    Answered,
    /// It failed as a whole: what is not saved yet is to be forgotten.
    Failed,
}

impl End {
    pub(super) fn of(has_failed: bool, settings: &Settings) -> Self {
        match has_failed && !settings.saves_failed_requests {
            true => Self::Failed,
            false => Self::Answered,
        }
    }
}

/// Saves what changed so far.
pub(super) async fn commit(session: Session) -> Result<(), SessionError> {
    let refusals = session.peek().refusals();
    // Dropped here or below, it is finished in the background, see `Finishing`.
    let _turn = session.turn().lock().await;
    commit_in_turn(&session, deadline()).await?;
    // Whoever had the turn before may have taken these changes along, and failed.
    session.peek().check_refusals_since(refusals)
}

/// The client is gone before it was answered: what is not saved yet is forgotten, but what has
/// begun is finished, and a session that was ended ends.
pub(super) fn abandon(session: &Session) {
    session.peek().send_head();
    if let Ok(_turn) = session.turn().try_lock() {
        let mut state = session.peek();
        state.discard();
        if !state.is_left_unsaved() {
            return;
        }
    }
    Finishing::new(session, finish(session.clone(), End::Failed)).detach();
}

/// Lets the response head go if there is nothing to save, and nothing being saved.
pub(super) fn try_finish(session: &Session) -> Option<Head> {
    let mut state = session.peek();
    let is_settled = state.outcome() == Outcome::Nothing;
    is_settled.then(|| head(session, &mut state))
}

/// Lets the response head go, whatever is left to save.
pub(super) fn send_head(session: &Session) -> Head {
    head(session, &mut session.peek())
}

/// Saves what there is to save, then lets the response head go.
pub(super) async fn finish(session: Session, end: End) -> Result<Head, SessionError> {
    // Dropped here or below, it is finished in the background, see `Finishing`.
    let _turn = session.turn().lock().await;
    if end == End::Failed {
        session.peek().discard();
    }
    let deadline = deadline();
    loop {
        // A handle elsewhere may have made further changes while the last commit was on its way.
        if let Some(head) = try_finish(&session) {
            return Ok(head);
        }
        let committed = commit_in_turn(&session, deadline).await;
        // Whoever is told that something failed must not find that it happened later.
        committed.inspect_err(|_| session.peek().forget())?;
    }
}

/// Until when a commit that begins now may go on losing against other requests.
fn deadline() -> Instant {
    Instant::now() + COMMIT_DEADLINE
}

fn head(session: &Session, state: &mut State) -> Head {
    Head {
        announcement: state.send_head(),
        was_used: session.was_used(),
    }
}

async fn commit_in_turn(session: &Session, deadline: Instant) -> Result<(), SessionError> {
    while session.peek().outcome() != Outcome::Nothing {
        let ingredients = session.settings().ingredients();
        let step = session.peek().next_step(&ingredients)?;
        let Some(step) = step else { break };
        // Dropped here, because there is no runtime that could finish it, the step may or may not
        // happen. Failed here, it stays in flight, and whoever commits next sends it again, which
        // has the effect of sending it once.
        let answer = session.settings().store.commit(&step.id, &step.delta).await;
        let is_conflict = matches!(answer, Ok(CommitAnswer::Conflict(_)));
        take_in(session, &step, answer)?;
        if is_conflict && Instant::now() > deadline {
            return Err(session.peek().give_up());
        }
    }
    Ok(())
}

fn take_in(
    session: &Session,
    step: &Step,
    answer: Result<CommitAnswer, StoreError>,
) -> Result<(), SessionError> {
    let mut state = session.peek();
    let answered = answer.map_err(store_failed);
    match answered.and_then(|answer| state.answered(answer)) {
        // That a session was used, or could have a new token, is not worth failing a request for.
        Err(error) if step.is_routine => {
            state.give_up_routine();
            log_routine(step, &error);
            Ok(())
        }
        result => result,
    }
}

/// Notes that a touch or a rotation did not come about. To lose against another request is routine,
/// too.
fn log_routine(step: &Step, error: &SessionError) {
    let (id, step) = (step.id, &step.delta);
    let cause: &dyn std::error::Error = error;
    match error.kind() {
        SessionErrorKind::Store => {
            tracing::warn!(session.id = %id, ?step, error = cause, "session not touched or rotated");
        }
        _ => {
            tracing::debug!(session.id = %id, ?step, error = cause, "session not touched or rotated");
        }
    }
}
