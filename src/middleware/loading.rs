//! From the tokens of a request to its session, by way of the store.

use std::{
    sync::Arc,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use futures_util::future::join_all;

use crate::{
    cookie::Presented,
    middleware::{
        events::SessionEvent,
        failure::store_failed,
        session::Session,
        settings::Settings,
        terms::{StoreFailure, Terms},
    },
    session::{
        claim::Claim,
        error::SessionError,
        record::{Record, UnreadableRecord},
        standing::Standing,
        state::State,
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
    terms: Terms,
}

enum Source {
    One {
        token: Token,
        record: BoxFuture<'static, Result<Option<Bytes>, StoreError>>,
    },
    Several(BoxFuture<'static, Result<State, SessionError>>),
}

impl Start {
    pub(super) fn of(presented: Presented, terms: Terms, settings: &Arc<Settings>) -> Self {
        let empty = |standing| {
            let mut state = State::empty(standing, settings.limits);
            state.attend(terms.activity, standing);
            Self::Ready(Session::new(settings, state))
        };
        let source = match presented {
            Presented::Nothing => return empty(terms.standing),
            Presented::TooMany => {
                tracing::warn!("more than four different session cookies in one request");
                settings.tell(|| SessionEvent::SeveralCookies { id: None });
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
        Self::Loading(Loading { source, terms })
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
                resume(token, &[], record, settings)
            }
            Source::Several(resolving) => ready!(resolving.as_mut().poll(cx)),
        };
        let mut state = match state {
            Ok(state) => state,
            Err(error) => self.or_anonymous(error, settings)?,
        };
        state.attend(self.terms.activity, self.terms.standing);
        Poll::Ready(Ok(Session::new(settings, state)))
    }

    fn or_anonymous(
        &self,
        error: SessionError,
        settings: &Settings,
    ) -> Result<State, SessionError> {
        match self.terms.store_failure {
            StoreFailure::Reject => Err(error),
            StoreFailure::Anonymous => {
                let error = &error as &dyn std::error::Error;
                tracing::warn!(error, "session not loaded; the request goes on without one");
                Ok(State::empty(Standing::OnlyLook, settings.limits))
            }
        }
    }
}

/// The session that several tokens mean. Those of one session, as a rotation leaves them, are looked
/// up together, and all at the same time.
async fn resolve(mut tokens: Vec<Token>, settings: Arc<Settings>) -> Result<State, SessionError> {
    tokens.sort_by_key(Token::id);
    let of_sessions = || tokens.chunk_by(|one, other| one.id() == other.id());
    let records = of_sessions().map(|tokens| Arc::clone(&settings.store).load(tokens[0].id()));
    let records = join_all(records).await;
    let sessions = of_sessions().zip(records);
    let sessions =
        sessions.map(|(tokens, record)| resume(&tokens[0], &tokens[1..], record, &settings));
    let session = State::only_one_of(sessions.collect::<Result<_, _>>()?, settings.limits);
    let id = session.id().map(tracing::field::display);
    tracing::warn!(
        session.id = id,
        count = tokens.len(),
        "several different session cookies in one request"
    );
    settings.tell(|| SessionEvent::SeveralCookies { id: session.id() });
    Ok(session)
}

/// The session of a request with these tokens of one id, from what the store holds under it.
///
/// # Errors
///
/// A failure of the store, which a record from the future is too: it is not ours to judge.
fn resume(
    token: &Token,
    others: &[Token],
    loaded: Result<Option<Bytes>, StoreError>,
    settings: &Settings,
) -> Result<State, SessionError> {
    let limits = settings.limits;
    let record = match loaded.map_err(store_failed)?.map(Record::parse) {
        Some(Ok(record)) => record,
        None => {
            settings.tell(|| SessionEvent::UnknownToken { id: token.id() });
            return Ok(State::empty(Standing::Free, limits));
        }
        Some(Err(UnreadableRecord::Corrupt)) => {
            tracing::warn!(session.id = %token.id(), "unreadable session record");
            return Ok(State::empty(Standing::Free, limits));
        }
        Some(Err(UnreadableRecord::NewerVersion)) => {
            return Err(store_failed(StoreError::newer_record()));
        }
    };
    let now = settings.now();
    let (token, claim) = Claim::strongest(token, others, &record.header, now, limits.grace);
    let id = token.id();
    match claim {
        Claim::Reused => {
            tracing::warn!(session.id = %id, "reuse of a token that was rotated away");
            settings.tell(|| SessionEvent::ReusedToken { id });
        }
        Claim::Unknown => settings.tell(|| SessionEvent::UnknownToken { id }),
        Claim::Current | Claim::Predecessor | Claim::Past { .. } => {}
    }
    Ok(State::resume(claim, token, record, now, limits))
}
