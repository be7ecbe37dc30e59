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
        error::SessionError,
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
/// missing. What is ended here is ended for good, like by a log-out: a request that is running cannot
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
        self.finish(async move |settings| match record(&settings, id).await? {
            Some(record) => {
                let was_ended = end(&settings, id, record.owner(), Revocation::Asked).await?;
                Ok(was_ended && record.is_alive(settings.now()))
            }
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
            let record = record(&settings, id).await?;
            match record.filter(|record| record.is_of(&owner, settings.now())) {
                Some(record) => {
                    let was_ended = end(&settings, id, Some(owner), Revocation::Asked).await?;
                    Ok(was_ended && record.is_alive(settings.now()))
                }
                None => Ok(false),
            }
        })
        .await
    }

    /// Ends all sessions of `owner` (ASVS 7.4.2), and says how many there were.
    ///
    /// Who is signing in meanwhile may come after this: first take away the right to sign in (close
    /// the account, change the password), then call it.
    #[allow(clippy::missing_errors_doc)]
    pub async fn revoke_all(&self, owner: impl AsRef<str>) -> Result<usize, SessionError> {
        self.revoke_all_but(owner.as_ref().into(), None).await
    }

    /// Ends all sessions of this one's owner except for this one (ASVS 7.4.3), and says how many there
    /// were: none if it has no owner. After a change of the password [renew](Session::renew) this one as
    /// well.
    #[allow(clippy::missing_errors_doc)]
    pub async fn revoke_others(&self, session: &Session) -> Result<usize, SessionError> {
        match session.owner() {
            Some(owner) => self.revoke_all_but(owner.into(), session.id()).await,
            None => Ok(0),
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
            let mut ended = 0;
            for sessions in sessions.chunks(AT_ONCE) {
                let end = async |it: &SessionInfo| {
                    let owner = Some(Arc::clone(&owner));
                    let was_ended = end(&settings, it.id(), owner, Revocation::Asked).await?;
                    Ok::<_, SessionError>(was_ended && it.is_alive(settings.now()))
                };
                for was_ended in join_all(sessions.iter().map(end)).await {
                    ended += usize::from(was_ended?);
                }
            }
            Ok(ended)
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

/// Ends a session of `owner`; `false` if there is none.
pub(super) async fn end(
    settings: &Settings,
    id: SessionId,
    owner: Option<Arc<str>>,
    reason: Revocation,
) -> Result<bool, SessionError> {
    let ingredients = settings.ingredients();
    let end = Delta::of_end(&ingredients, owner.clone());
    // Dropped here, because there is no runtime that could finish it, it may or may not happen.
    let answer = settings.store.commit(&id, &end).await;
    let was_ended = answer.map_err(store_failed)? == CommitAnswer::Committed;
    if was_ended {
        settings.tell(|| SessionEvent::Revoked {
            id,
            owner: owner.as_deref(),
            reason,
        });
    }
    Ok(was_ended)
}

async fn record(settings: &Arc<Settings>, id: SessionId) -> Result<Option<Record>, SessionError> {
    let record = Arc::clone(&settings.store).load(id).await;
    match record.map_err(store_failed)?.map(Record::parse_header) {
        Some(Ok(record)) => Ok(Some(record)),
        Some(Err(UnreadableRecord::Corrupt)) | None => Ok(None),
        Some(Err(UnreadableRecord::NewerVersion)) => {
            let newer = StoreError::new("the record is of a newer version");
            Err(store_failed(newer))
        }
    }
}

/// How many sessions are ended at the same time.
const AT_ONCE: usize = 100;
