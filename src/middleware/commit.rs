//! From an outcome to the store: commits what changed, step by step.

use tokio::time::Instant;

use crate::{
    middleware::{
        background::Finishing, events::SessionEvent, failure::store_failed, head::Head,
        layer::COMMIT_DEADLINE, limit::make_room, session::Session, settings::Settings,
    },
    session::{
        delta::{Change, DeltaKind},
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
    // Nobody drops this before it is done, see `background`.
    let _turn = session.turn().lock().await;
    commit_in_turn(&session, Occasion::ByHand, deadline()).await
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
///
/// A handle elsewhere may make further changes while the commit is on its way. The head waits for
/// those that need a cookie; the others are saved before the body ends.
pub(super) async fn finish(session: Session, end: End) -> Result<Head, SessionError> {
    // Dropped here or below, it is finished in the background, see `Finishing`.
    let _turn = session.turn().lock().await;
    if end == End::Failed {
        session.peek().discard();
    }
    if let Some(head) = try_finish(&session) {
        return Ok(head);
    }
    let deadline = deadline();
    loop {
        let committed = commit_in_turn(&session, Occasion::AtTheHead, deadline).await;
        let mut state = session.peek();
        match committed {
            Ok(()) if state.needs_head() => {}
            Ok(()) => return Ok(head(&session, &mut state)),
            // A session that was ended meanwhile ends, whatever became of its changes.
            Err(_) if state.is_ending() => {}
            Err(error) => {
                // Whoever is told that something failed must not find that it happened later.
                state.forget();
                return Err(error);
            }
        }
    }
}

/// When a commit is made.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Occasion {
    /// By the application, while the head is held or after it went. A rotation would be too early:
    /// its cookie could be overtaken by that of another request before the head goes.
    ByHand,
    AtTheHead,
}

impl Occasion {
    /// Whether a commit that has saved what there was at its beginning leaves the rest to the next
    /// one, or it would never end beside a busy task.
    fn is_over(self, state: &State, has_saved: bool) -> bool {
        match (state.outcome(), self) {
            (Outcome::Nothing, _) | (Outcome::Rotate, Self::ByHand) => true,
            (Outcome::Send, _) => false,
            (_, Self::ByHand) => has_saved,
            (_, Self::AtTheHead) => has_saved && !state.needs_head(),
        }
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

async fn commit_in_turn(
    session: &Session,
    occasion: Occasion,
    deadline: Instant,
) -> Result<(), SessionError> {
    let mut has_saved = false;
    while !occasion.is_over(&session.peek(), has_saved) {
        let ingredients = session.settings().ingredients();
        let step = session.peek().next_step(&ingredients)?;
        let Some(step) = step else { break };
        // Dropped here, because there is no runtime that could finish it, the step may or may not
        // happen. Failed here, it stays in flight, and whoever commits next sends it again, which
        // has the effect of sending it once.
        let answer = session.settings().store.commit(&step.id, &step.delta).await;
        if matches!(answer, Ok(CommitAnswer::Full)) {
            let is_wanted = session.peek().was_not_applied() && Instant::now() <= deadline;
            if is_wanted && make_room(session.settings(), &step).await? {
                continue;
            }
        }
        let is_conflict = matches!(answer, Ok(CommitAnswer::Conflict(_)));
        let is_committed = matches!(answer, Ok(CommitAnswer::Committed));
        take_in(session, &step, answer)?;
        if is_conflict && Instant::now() > deadline {
            return Err(session.peek().give_up());
        }
        has_saved |= is_committed && step.saves_changes();
    }
    Ok(())
}

fn take_in(
    session: &Session,
    step: &Step,
    answer: Result<CommitAnswer, StoreError>,
) -> Result<(), SessionError> {
    if matches!(answer, Ok(CommitAnswer::Unreadable)) {
        tracing::warn!(session.id = %step.id, "unreadable session record");
    }
    let is_committed = matches!(answer, Ok(CommitAnswer::Committed));
    let mut state = session.peek();
    let answered = answer.map_err(store_failed);
    let result = match answered.and_then(|answer| state.answered(answer)) {
        // That a session was used, or could have a new token, is not worth failing a request for.
        Err(error) if step.is_routine => {
            state.give_up_routine();
            log_routine(step, &error);
            Ok(())
        }
        result => result,
    };
    drop(state);
    if is_committed && session.settings().listener.is_some() {
        announce(step, session);
    }
    result
}

/// Tells what a commit made of the session.
fn announce(step: &Step, session: &Session) {
    let (id, settings) = (step.id, session.settings());
    let account = step.delta.account.owner().cloned();
    let owner = account.or_else(|| session.peek().owner_in_store());
    let owner = owner.as_deref();
    match &step.delta.kind {
        DeltaKind::Create(_) => settings.tell(|| SessionEvent::Created { id, owner }),
        DeltaKind::Destroy => settings.tell(|| SessionEvent::Destroyed { id, owner }),
        DeltaKind::Change(Change {
            renewal: Some(renewal),
            ..
        }) => settings.tell(|| match renewal.authenticated {
            Some(_) => SessionEvent::SignedIn { id, owner },
            None => SessionEvent::Renewed { id, owner },
        }),
        DeltaKind::Change(_) | DeltaKind::Rotate(_) => {}
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
