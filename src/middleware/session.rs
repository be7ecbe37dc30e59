//! The session as a request holds it.

use std::{
    fmt,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
};

use serde::{Serialize, de::DeserializeOwned};

use crate::{
    middleware::{
        background, commit,
        json::{decode, encode},
        settings::Settings,
    },
    session::{
        changes::Update,
        error::{SessionError, SessionErrorKind},
        lifetime::Lifetime,
        state::State,
    },
};

/// The session of a request.
///
/// Values are kept under keys, as JSON. Reading and changing is synchronous: the data is here, and
/// what changed is saved when the service has answered, before the response is let go. Clones
/// share one session.
///
/// Requests of one session may overlap. Each change concerns its key alone, so requests that
/// change different keys never lose anything. [`insert`](Self::insert) and
/// [`remove`](Self::remove) say what the key shall be, whatever it is; [`update`](Self::update)
/// and [`take`](Self::take) depend on what it is, and hold only if it still is.
///
/// A session exists, in the store and as a cookie, once something is inserted or somebody signs
/// in. No request brings a session into being by looking at it (ASVS 7.6.2).
///
/// # What becomes of it
///
/// | in one request | with a session | without one |
/// |---|---|---|
/// | `insert` | it changes | one begins |
/// | `renew`, once or twice | a new token; the old one is dead at once | nothing |
/// | `sign_in`, once or twice | the same, and limits and authentication start now | one begins |
/// | `sign_in` and `renew`, in any order | one sign-in | one begins |
/// | `rotate` | a new token; the old one counts for a grace | nothing |
/// | `destroy`, once or twice | it ends, and so does its cookie | nothing |
/// | `insert`, `renew`, `sign_in`, then `destroy` | it ends as it was | nothing |
/// | `destroy`, then `insert` or `sign_in` | it ends and another one begins, with what was set since | one begins |
/// | `destroy`, then `renew` | it ends | nothing |
///
/// | the service | what changed | what it ended |
/// |---|---|---|
/// | answers | is saved, then the response is let go | ends |
/// | answers with a server error, or returns an error | is discarded ([unless…](crate::SessionLayer::save_failed_requests)) | ends |
/// | is dropped because the client hung up | is discarded | ends, in the background |
/// | answered, and the client hangs up while we save | is saved, in the background | ends |
///
/// # When other requests were faster
///
/// | meanwhile | a request that changed something | that signed in | that destroyed |
/// |---|---|---|---|
/// | the session was renewed, or signed in | [`Superseded`](SessionErrorKind::Superseded), 409 | begins a session of its own, with what it set | it ends |
/// | the session ended | [`Gone`](SessionErrorKind::Gone), 409 | begins a session of its own, with what it set | nothing |
/// | the token was rotated | is saved | is saved | it ends |
///
/// The same holds for a request that arrives with the old token within a minute of a renewal or a
/// log-out: it sees an empty session. (It may end a session that was renewed.)
///
/// # After the response
///
/// Where a handle lives on in the response's body, what it changes is saved before the body ends,
/// or the body ends with an error; a body that fails discards it. A handle that is kept elsewhere,
/// in a web socket or a job, has to [`commit`](Self::commit). Once the head is out no cookie can
/// be issued: [`HeadSent`](SessionErrorKind::HeadSent).
pub struct Session {
    shared: Arc<Shared>,
    /// How many refusals this handle was told of, or is not concerned by.
    known_refusals: AtomicUsize,
}

struct Shared {
    settings: Arc<Settings>,
    state: Mutex<State>,
    /// Held by whoever commits.
    turn: tokio::sync::Mutex<()>,
    was_used: AtomicBool,
}

impl Session {
    /// The value under `key`; `None` if there is none.
    ///
    /// # Errors
    ///
    /// [`Decode`](SessionErrorKind::Decode) if the value is of another type.
    pub fn get<T: DeserializeOwned>(&self, key: &str) -> Result<Option<T>, SessionError> {
        self.state().value(key).map(decode).transpose()
    }

    /// Sets the value under `key`, whatever it is in the store by then.
    ///
    /// # Errors
    ///
    /// [`InvalidKey`](SessionErrorKind::InvalidKey), [`Encode`](SessionErrorKind::Encode),
    /// [`TooLarge`](SessionErrorKind::TooLarge), and [`HeadSent`](SessionErrorKind::HeadSent) if
    /// this would begin a session after the response's head is out. Nothing has changed then.
    pub fn insert(&self, key: &str, value: impl Serialize) -> Result<(), SessionError> {
        let value = encode(&value)?;
        self.state().insert(key, value)
    }

    /// Removes the value under `key`, whatever it is by then; `false` if there was none.
    pub fn remove(&self, key: &str) -> bool {
        self.state().remove(key)
    }

    /// Removes the value under `key` and returns it, to this request alone.
    ///
    /// If another request changed or took it meanwhile, then this one ends in a
    /// [`Conflict`](SessionErrorKind::Conflict), which the client sees as 409: two requests never
    /// both have it.
    ///
    /// # Errors
    ///
    /// [`Decode`](SessionErrorKind::Decode) if the value is of another type; it stays where it is.
    pub fn take<T: DeserializeOwned>(&self, key: &str) -> Result<Option<T>, SessionError> {
        let mut state = self.state();
        let value = state.value(key).map(decode).transpose()?;
        state.take(key);
        Ok(value)
    }

    /// Sets the value under `key` to what `update` makes of the present one.
    ///
    /// `update` runs at once, and [`get`](Self::get) shows the outcome. If another request changes
    /// the value before this one is saved, `update` runs again on the new value: concurrent
    /// increments all count. (After five seconds of losing it gives up with a
    /// [`Conflict`](SessionErrorKind::Conflict).)
    ///
    /// So what a handler sees after this is what would be stored if nobody came first; what is
    /// stored is certain only once it is saved, see [`update_now`](Self::update_now). And the
    /// closure
    ///
    /// * computes from its argument alone: what it captured is as old as its first run;
    /// * has no effects, for it may run several times, in the background as well;
    /// * is quick, and does not use the session, which waits for it: that would never end;
    /// * may panic: then the request fails with it, and nothing is saved.
    ///
    /// ```
    /// # fn vote(session: &tower_session_layer::Session) -> Result<(), tower_session_layer::SessionError> {
    /// session.update("votes", |votes: Option<u32>| votes.unwrap_or(0) + 1)
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// Those of [`get`](Self::get) and [`insert`](Self::insert).
    pub fn update<T, F>(&self, key: &str, mut update: F) -> Result<(), SessionError>
    where
        T: Serialize + DeserializeOwned,
        F: FnMut(Option<T>) -> T + Send + 'static,
    {
        let on_json: Update =
            Box::new(move |value| encode(&update(value.map(decode).transpose()?)));
        self.state().update(key, on_json)
    }

    /// Like [`update`](Self::update), but saves at once, with all other changes so far, and
    /// returns the value that was stored.
    ///
    /// ```
    /// # async fn count(session: tower_session_layer::Session) -> Result<(), tower_session_layer::SessionError> {
    /// let visits = session.update_now("visits", |visits: Option<u32>| visits.unwrap_or(0) + 1);
    /// println!("visit number {}", visits.await?);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// Those of [`update`](Self::update) and [`commit`](Self::commit).
    pub async fn update_now<T, F>(&self, key: &str, mut update: F) -> Result<T, SessionError>
    where
        T: Serialize + DeserializeOwned + Send + 'static,
        F: FnMut(Option<T>) -> T + Send + 'static,
    {
        let stored = Arc::new(Mutex::new(None));
        let made = Arc::clone(&stored);
        let on_json: Update = Box::new(move |value| {
            let value = update(value.map(decode).transpose()?);
            let json = encode(&value)?;
            *lock(&made) = Some(value);
            Ok(json)
        });
        self.state().update(key, on_json)?;
        // Dropped here, it is saved all the same, and the value is lost to the caller.
        self.commit().await?;
        let value = lock(&stored).take();
        value.ok_or_else(|| SessionErrorKind::Conflict.into())
    }

    /// Whether there is a value under `key`.
    #[must_use]
    pub fn contains_key(&self, key: &str) -> bool {
        self.state().value(key).is_some()
    }

    /// The keys that have a value, in order.
    #[must_use]
    pub fn keys(&self) -> Vec<String> {
        self.state().keys().map(String::from).collect()
    }

    /// Whether no key has a value.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.state().is_empty()
    }

    /// Removes every value, also those that other requests set meanwhile; does nothing where there
    /// is none to be seen. The session itself goes on: see [`destroy`](Self::destroy).
    pub fn clear(&self) {
        self.state().clear();
    }

    /// Call this when somebody signed in or authenticated anew: the session gets a new token, and
    /// the time of authentication and the absolute limit start now (ASVS 7.2.4).
    ///
    /// The old token is dead as soon as this is saved, and what other requests of the session
    /// began before cannot be saved after. If it is overtaken like that itself, or its session ended
    /// meanwhile, it begins another session, with what this request set and nothing of what
    /// [`get`](Self::get) showed before. Without a session, one begins. A lifetime that the
    /// session was given stays: [set it](Self::set_lifetime) anew if this sign-in wants another.
    ///
    /// # Errors
    ///
    /// [`HeadSent`](SessionErrorKind::HeadSent).
    pub fn sign_in(&self) -> Result<(), SessionError> {
        let now = self.shared.settings.now();
        self.state().sign_in(now)
    }

    /// Call this at any other change of privilege: the session gets a new token, and the old one
    /// is dead as soon as this is saved. Limits and the time of authentication stay.
    ///
    /// # Errors
    ///
    /// [`HeadSent`](SessionErrorKind::HeadSent).
    pub fn renew(&self) -> Result<(), SessionError> {
        self.state().renew()
    }

    /// Replaces the token as a matter of routine: unlike after [`renew`](Self::renew), the old one
    /// counts until the new one was first presented, and for a grace after that. Use it where
    /// nothing changed but time; [`with_rotation`](crate::SessionLayer::with_rotation) does it by
    /// itself.
    ///
    /// It changes nothing without a session, within a minute of a renewal, while the last rotation
    /// is settling, or if another request comes first. Losing or failing fails nobody.
    ///
    /// # Errors
    ///
    /// [`HeadSent`](SessionErrorKind::HeadSent).
    pub fn rotate(&self) -> Result<(), SessionError> {
        self.state().rotate()
    }

    /// Ends the session: log-out. Requests that are still running cannot bring it back.
    ///
    /// It happens however the request goes on: with a server error, an error of the service, a
    /// client that hangs up. After the head of the response it ends the session as well, only the
    /// cookie stays behind, worthless.
    pub fn destroy(&self) {
        self.state().destroy();
    }

    /// Gives this session a lifetime of its own. Without a session, it is for one that begins
    /// during this request.
    ///
    /// # Errors
    ///
    /// [`NeedsRenewal`](SessionErrorKind::NeedsRenewal) if the cookie in the browser would end at
    /// another time than the session: the cookie is only sent with a new token, so call
    /// [`sign_in`](Self::sign_in) or [`renew`](Self::renew) before this.
    pub fn set_lifetime(&self, lifetime: Lifetime) -> Result<(), SessionError> {
        self.state().set_lifetime(lifetime)
    }

    /// Starts the idle limit anew when the request is done. That happens by itself, whenever a
    /// tenth of the limit has passed; this does it at once.
    pub fn touch(&self) {
        self.state().touch();
    }

    /// Leaves the session idle, because no user is behind this request, but a page that polls: it
    /// does not count as a use, also if it changes something. (It does if somebody signs in, or if
    /// [`touch`](Self::touch) is called after this.)
    /// [`with_passive_requests`](crate::SessionLayer::with_passive_requests) says so for whole groups of
    /// requests.
    pub fn mark_passive(&self) {
        self.state().mark_passive();
    }

    /// Saves what has changed so far, now; `Ok` means that it is stored. (A [`touch`](Self::touch)
    /// may have failed, which the log tells; a [rotation](Self::rotate) waits for the response.) If
    /// this issues a cookie, it goes out with the response, whatever response that is.
    ///
    /// It goes on when this future is dropped or not polled any more.
    ///
    /// # Errors
    ///
    /// [`Gone`](SessionErrorKind::Gone), [`Superseded`](SessionErrorKind::Superseded),
    /// [`Conflict`](SessionErrorKind::Conflict): nothing was saved, what changed so far is
    /// forgotten, and since the rest of the application may rely on it, the response is replaced
    /// by a 409, unless it is a server error or the session is destroyed.
    /// [`Store`](SessionErrorKind::Store): it is not known; calling this again sends the same commit
    /// again, which happens once at most. [`CrossSite`](SessionErrorKind::CrossSite): nothing was
    /// saved. [`Discarded`](SessionErrorKind::Discarded): what this handle, or another one, changed
    /// before was not saved and never will be; what it changed since can be.
    /// [`TooManySessions`](SessionErrorKind::TooManySessions): nothing was saved.
    /// [`Entropy`](SessionErrorKind::Entropy): nothing was saved; calling this again tries again.
    pub async fn commit(&self) -> Result<(), SessionError> {
        self.mark_used();
        self.check_refusals()?;
        // Dropped here, it goes on in the background.
        let (id, commit) = (self.peek().id(), commit::commit(self.clone()));
        let committed = background::run(self.settings(), id, commit).await;
        // Whoever had the turn before may have taken these changes along, and failed.
        let refused = self.check_refusals();
        committed.and(refused)
    }

    /// Whether anybody else holds this session.
    pub(super) fn is_shared(&self) -> bool {
        Arc::strong_count(&self.shared) > 1
    }

    pub(super) fn epoch(&self) -> Option<u32> {
        Some(self.state().header()?.epoch)
    }

    pub(super) fn settings(&self) -> &Arc<Settings> {
        &self.shared.settings
    }

    pub(super) fn turn(&self) -> &tokio::sync::Mutex<()> {
        &self.shared.turn
    }

    /// The state, for the middleware's own purposes.
    pub(super) fn peek(&self) -> MutexGuard<'_, State> {
        lock(&self.shared.state)
    }

    /// # Errors
    ///
    /// If changes were refused or discarded since this was asked the last time: perhaps those of
    /// this handle, in the hands of somebody else.
    fn check_refusals(&self) -> Result<(), SessionError> {
        let state = self.peek();
        let refusals = state.refusals();
        let known = self.known_refusals.swap(refusals, Ordering::Relaxed);
        match state.latest_refusal() {
            Some(kind) if known != refusals => Err(kind.into()),
            _ => Ok(()),
        }
    }

    pub(super) fn mark_used(&self) {
        self.shared.was_used.store(true, Ordering::Relaxed);
    }

    pub(super) fn was_used(&self) -> bool {
        self.shared.was_used.load(Ordering::Relaxed)
    }

    /// The state, for the application.
    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.mark_used();
        let mut state = self.peek();
        state.catch_up();
        state
    }

    pub(super) fn new(settings: &Arc<Settings>, state: State) -> Self {
        let shared = Arc::new(Shared {
            settings: Arc::clone(settings),
            state: Mutex::new(state),
            turn: tokio::sync::Mutex::new(()),
            was_used: AtomicBool::new(false),
        });
        let known_refusals = AtomicUsize::new(0);
        Self {
            shared,
            known_refusals,
        }
    }
}

impl Clone for Session {
    fn clone(&self) -> Self {
        let known = self.known_refusals.load(Ordering::Relaxed);
        Self {
            shared: Arc::clone(&self.shared),
            known_refusals: AtomicUsize::new(known),
        }
    }
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session")
            .field("id", &self.peek().id())
            .finish_non_exhaustive()
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        let state = self.state.get_mut().unwrap_or_else(PoisonError::into_inner);
        if state.is_left_unsaved() {
            let id = state.id().map(tracing::field::display);
            tracing::error!(
                session.id = id,
                "changes lost: made after the response, not committed"
            );
        }
    }
}

/// A panic of an application's closure or `Deserialize` leaves the data behind the lock whole.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
