//! From the tokens of a request to its session, by way of the store.

use std::{
    sync::Arc,
    task::{Context, Poll, ready},
};

use bytes::Bytes;

use crate::{
    cookie::Presented,
    middleware::{resuming::resume, session::Session, settings::Settings},
    session::{
        error::SessionError,
        state::{Activity, Standing, State},
        token::Token,
    },
    store::{BoxFuture, StoreError},
};

/// How a request comes by its session.
pub(super) enum Start {
    /// There is nothing to load.
    Ready(Session),
    Loading(Loading),
}

pub(super) struct Loading {
    source: Source,
    activity: Activity,
}

enum Source {
    One {
        token: Token,
        record: BoxFuture<'static, Result<Option<Bytes>, StoreError>>,
    },
    Several(BoxFuture<'static, Result<State, SessionError>>),
}

impl Start {
    /// `standing` is what the request may do if it presents nothing.
    pub(super) fn of(
        presented: Presented,
        standing: impl FnOnce() -> Standing,
        activity: Activity,
        settings: &Arc<Settings>,
    ) -> Self {
        let empty = |standing| Self::Ready(Session::empty(settings, standing));
        let source = match presented {
            Presented::Nothing => return empty(standing()),
            Presented::TooMany => {
                tracing::warn!("more than four different session cookies in one request");
                return empty(Standing::AMBIGUOUS);
            }
            Presented::Token(token) => Source::One {
                record: Arc::clone(&settings.store).load(token.id()),
                token,
            },
            Presented::Several(tokens) => {
                Source::Several(Box::pin(resolve(tokens, Arc::clone(settings))))
            }
        };
        Self::Loading(Loading { source, activity })
    }
}

impl Loading {
    pub(super) fn poll(
        &mut self,
        cx: &mut Context<'_>,
        settings: &Arc<Settings>,
    ) -> Poll<Result<Session, SessionError>> {
        // Dropped here, nothing has happened.
        let state = match &mut self.source {
            Source::One { token, record } => {
                let record = ready!(record.as_mut().poll(cx));
                resume(std::slice::from_ref(token), record, settings)
            }
            Source::Several(resolving) => ready!(resolving.as_mut().poll(cx)),
        };
        let state = state.map(|state| state.with_activity(self.activity));
        Poll::Ready(state.map(|state| Session::new(settings, state)))
    }
}

/// The session that several tokens mean. Those of one session, as a rotation leaves them, are looked
/// up together.
async fn resolve(mut tokens: Vec<Token>, settings: Arc<Settings>) -> Result<State, SessionError> {
    let count = tokens.len();
    tokens.sort_by_key(Token::id);
    let mut sessions = Vec::with_capacity(count);
    for tokens in tokens.chunk_by(|one, other| one.id() == other.id()) {
        let record = Arc::clone(&settings.store).load(tokens[0].id()).await;
        sessions.push(resume(tokens, record, &settings)?);
    }
    let session = State::only_one_of(sessions, settings.limits);
    let id = session.id().map(tracing::field::display);
    tracing::warn!(
        session.id = id,
        count,
        "several different session cookies in one request"
    );
    Ok(session)
}
