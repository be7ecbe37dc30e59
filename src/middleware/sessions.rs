//! The sessions of somebody: to see, to count and to end them.

use std::{fmt, sync::Arc};

use futures_util::future::join_all;

use crate::{
    middleware::{
        background,
        events::{Revocation, SessionEvent},
        failure::store_failed,
        info::SessionInfo,
        session::Session,
        settings::Settings,
    },
    session::{
        delta::{CommitAnswer, Delta},
        error::{SessionError, SessionErrorKind},
        record::{Record, UnreadableRecord},
        token::SessionId,
    },
    store::StoreError,
};

/// The sessions of users, for the code of an application: "your devices", "log out everywhere". It
/// comes [from a layer](crate::SessionLayer::sessions), and clones share everything.
///
/// A session belongs to whom [`Session::set_owner`] says. Lists are read from the sessions
/// themselves, so what has ended, however it ended, is in none of them, and no live session is
/// missing, as far as the store keeps what it acknowledged. What is ended here is ended for good, like by a log-out: a request that is running cannot
/// bring it back. Once it has begun it is finished, although the client that asked for it hangs up.
///
/// ```
/// # #[cfg(feature = "memory")] tokio_test::block_on(async {
/// use tower_session_layer::{MemoryStore, Session, SessionError, SessionLayer, Sessions};
///
/// async fn log_out_elsewhere(session: Session, sessions: Sessions) -> Result<usize, SessionError> {
///     session.renew()?;
///     sessions.revoke_others(&session).await
/// }
///
/// let layer = SessionLayer::new(MemoryStore::new());
/// let sessions = layer.sessions();
/// assert_eq!(sessions.count("ann").await?, 0);
/// # Ok::<_, SessionError>(())
/// # }).unwrap();
/// ```
///
/// # Errors
///
/// Each method fails with [`Store`](crate::SessionErrorKind::Store) if the store does, or if it keeps
/// no account of owners (`RedisStore` and `MemoryStore` do). Of several sessions that were to end some
/// may have; calling it again ends the rest.
#[derive(Clone)]
pub struct Sessions {
    settings: Arc<Settings>,
}

impl Sessions {
    /// The live sessions of `owner`; those that were used last come first (ASVS 7.5.2).
    #[allow(clippy::missing_errors_doc)]
    pub async fn list(&self, owner: impl AsRef<str>) -> Result<Vec<SessionInfo>, SessionError> {
        // Dropped here, nothing has happened.
        let mut sessions = owned(&self.settings, owner.as_ref()).await?;
        let now = self.settings.now();
        sessions.retain(|session| session.is_alive(now));
        sessions.sort_by_cached_key(SessionInfo::by_use);
        Ok(sessions)
    }

    /// How many live sessions `owner` has.
    #[allow(clippy::missing_errors_doc)]
    pub async fn count(&self, owner: impl AsRef<str>) -> Result<usize, SessionError> {
        Ok(self.list(owner).await?.len())
    }

    /// Ends a session, whosever it is, for administrators (ASVS 7.4.5); `false` if there is none. Where
    /// users end their own, [`revoke_of`](Self::revoke_of) makes sure that it is theirs.
    #[allow(clippy::missing_errors_doc)]
    pub async fn revoke(&self, id: SessionId) -> Result<bool, SessionError> {
        self.finish(async move |settings| match find(&settings, id).await? {
            Some(session) => end(&settings, &session, Revocation::Asked).await,
            None => Ok(false),
        })
        .await
    }

    /// Ends a session if it is one of `owner`; `false` if there is none (ASVS 7.5.2). The session of the
    /// present request better ends by [`Session::destroy`], which removes the cookie as well.
    #[allow(clippy::missing_errors_doc)]
    pub async fn revoke_of(
        &self,
        owner: impl AsRef<str>,
        id: SessionId,
    ) -> Result<bool, SessionError> {
        let owner: Arc<str> = owner.as_ref().into();
        self.finish(async move |settings| {
            let session = find(&settings, id).await?;
            match session.filter(|it| it.owner().as_deref() == Some(&*owner)) {
                Some(session) => end(&settings, &session, Revocation::Asked).await,
                None => Ok(false),
            }
        })
        .await
    }

    /// Ends all sessions of `owner` (ASVS 7.4.2), and says how many there were.
    ///
    /// Who is signing in meanwhile may come after this. So first take away the right to sign in: close
    /// the account, change the password. A request that had checked it before that may still come after:
    /// call this again when the longest request has ended, where that matters.
    #[allow(clippy::missing_errors_doc)]
    pub async fn revoke_all(&self, owner: impl AsRef<str>) -> Result<usize, SessionError> {
        self.revoke_all_but(owner.as_ref().into(), None).await
    }

    /// Ends all sessions of this one's owner except for this one (ASVS 7.4.3), and says how many there
    /// were: none if it has no owner. After a change of the password [renew](Session::renew) this one
    /// before that.
    ///
    /// It [commits](Session::commit) this one first.
    ///
    /// # Errors
    ///
    /// Also those of [`Session::commit`], [`Gone`](crate::SessionErrorKind::Gone) and
    /// [`Superseded`](crate::SessionErrorKind::Superseded) among them: a session that has ended, or a
    /// token that was renewed away, ends no others.
    pub async fn revoke_others(&self, session: &Session) -> Result<usize, SessionError> {
        // Dropped here or below, what was saved or ended is.
        session.commit().await?;
        let (id, epoch) = (session.id(), session.epoch());
        let (Some(owner), Some(id)) = (session.owner(), id) else {
            return Ok(0);
        };
        match find(&self.settings, id).await? {
            None => Err(SessionErrorKind::Gone.into()),
            Some(it) if !it.is_alive(self.settings.now()) => Err(SessionErrorKind::Gone.into()),
            Some(it) if Some(it.epoch()) != epoch => Err(SessionErrorKind::Superseded.into()),
            Some(_) => self.revoke_all_but(owner.into(), Some(id)).await,
        }
    }

    pub(super) fn new(settings: &Arc<Settings>) -> Self {
        let settings = Arc::clone(settings);
        Self { settings }
    }

    async fn revoke_all_but(
        &self,
        owner: Arc<str>,
        spared: Option<SessionId>,
    ) -> Result<usize, SessionError> {
        self.finish(async move |settings| {
            let mut sessions = owned(&settings, &owner).await?;
            sessions.retain(|session| Some(session.id()) != spared);
            end_all(&settings, &sessions, Revocation::Asked).await
        })
        .await
    }

    /// Goes on in the background if nobody waits for it any more.
    async fn finish<T, W>(&self, work: impl FnOnce(Arc<Settings>) -> W) -> Result<T, SessionError>
    where
        T: Send + 'static,
        W: Future<Output = Result<T, SessionError>> + Send + 'static,
    {
        let work = work(Arc::clone(&self.settings));
        background::run(&self.settings, None, work).await
    }
}

impl fmt::Debug for Sessions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sessions").finish_non_exhaustive()
    }
}

/// The sessions of `owner`, also those that are idle for too long: a request that began in time can
/// still save.
pub(super) async fn owned(
    settings: &Settings,
    owner: &str,
) -> Result<Vec<SessionInfo>, SessionError> {
    let now = (settings.clock)();
    let records = settings.store.owned_by(owner, now).await;
    let records = records.map_err(store_failed)?.into_iter();
    Ok(records.filter_map(SessionInfo::new).collect())
}

/// Ends sessions, and says how many of them were alive.
pub(super) async fn end_all(
    settings: &Settings,
    sessions: &[SessionInfo],
    reason: Revocation,
) -> Result<usize, SessionError> {
    let mut ended = 0;
    for sessions in sessions.chunks(AT_ONCE) {
        let ends = sessions.iter().map(|it| end(settings, it, reason));
        for was_ended in join_all(ends).await {
            ended += usize::from(was_ended?);
        }
    }
    Ok(ended)
}

/// Ends a session; `false` if it had ended before.
async fn end(
    settings: &Settings,
    session: &SessionInfo,
    reason: Revocation,
) -> Result<bool, SessionError> {
    let (id, owner) = (session.id(), session.owner());
    let end = Delta::of_end(&settings.ingredients(), owner.clone());
    // Dropped here, because there is no runtime that could finish it, it may or may not happen.
    let answer = settings.store.commit(&id, &end).await;
    let is_committed = answer.map_err(store_failed)? == CommitAnswer::Committed;
    let was_ended = is_committed && session.is_alive(settings.now());
    if was_ended {
        settings.tell(|| SessionEvent::Revoked {
            id,
            owner: owner.as_deref(),
            reason,
        });
    }
    Ok(was_ended)
}

async fn find(
    settings: &Arc<Settings>,
    id: SessionId,
) -> Result<Option<SessionInfo>, SessionError> {
    let record = Arc::clone(&settings.store).load(id).await;
    match record.map_err(store_failed)?.map(Record::parse_header) {
        Some(Ok(record)) => Ok(Some(SessionInfo::of(id, record))),
        Some(Err(UnreadableRecord::Corrupt)) | None => Ok(None),
        Some(Err(UnreadableRecord::NewerVersion)) => Err(store_failed(StoreError::newer_record())),
    }
}

/// How many sessions are ended at the same time.
const AT_ONCE: usize = 100;
