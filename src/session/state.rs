//! One session during one request: what came in, what changed, and what the browser must be told.

use std::{num::NonZeroUsize, sync::Arc, time::Duration};

use crate::session::{
    announcement::Announcement,
    changes::{Changes, NewSecret},
    delta::{Delta, DeltaKind},
    error::{SessionError, SessionErrorKind},
    header::Header,
    lifetime::{Lifetime, Timestamp},
    outcome::Outcome,
    owner::Ended,
    record::Record,
    refusals::Refusals,
    rotation::Rotation,
    standing::{Activity, Standing},
    step::InFlight,
    token::{SessionId, Verifier},
};

/// A session as a request sees it: the record, the changes that are on their way to the store,
/// and above them the changes since.
pub(crate) struct State {
    /// What the store holds, as far as we know; `None` while there is no session.
    pub(super) stored: Option<Stored>,
    /// What the request may do while there is none.
    pub(super) standing: Standing,
    /// A session that ended during this request, until the store knows.
    pub(super) ended: Option<Ended>,
    pub(super) in_flight: Option<InFlight>,
    pub(super) pending: Changes,
    pub(super) activity: Activity,
    pub(super) announcement: Announcement,
    pub(super) limits: Limits,
    pub(super) refusals: Refusals,
    /// How long the record would be with all changes, at most.
    pub(super) len: usize,
    pub(super) head: Head,
}

/// A record that the request proved its right to.
pub(super) struct Stored {
    pub(super) id: SessionId,
    pub(super) record: Record,
    /// A committed change that `record` does not show yet: most requests end without looking.
    pub(super) ahead: Option<Arc<Delta>>,
    pub(super) loaded: Timestamp,
    pub(super) is_touch_due: bool,
    /// The successor of a rotation, if nobody had presented it before this request.
    pub(super) presents: Option<Verifier>,
    pub(super) rotation: Rotation,
}

/// What the configuration says about every session.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    pub(crate) lifetime: Lifetime,
    pub(crate) max_len: usize,
    /// How long one entry may become.
    pub(crate) max_entry_len: usize,
    /// How many sessions one owner may have.
    pub(crate) max_sessions: Option<NonZeroUsize>,
    /// How old a secret may become before it is replaced at routine, if that is wanted.
    pub(crate) rotate_every: Option<Duration>,
    /// How long a predecessor counts after its successor was presented.
    pub(crate) grace: Duration,
}

pub(super) enum Head {
    /// The response head is still ours: cookies can be issued.
    Held,
    Sent,
}

impl State {
    /// No session: one begins as `standing` allows, once something is inserted.
    pub(crate) fn empty(standing: Standing, limits: Limits) -> Self {
        Self {
            stored: None,
            standing,
            ended: None,
            in_flight: None,
            pending: Changes::default(),
            activity: Activity::AsDue,
            announcement: Announcement::Nothing,
            limits,
            refusals: Refusals::default(),
            len: Header::LEN,
            head: Head::Held,
        }
    }

    /// Makes the record show what was committed; to be called before anything is read or changed.
    pub(crate) fn catch_up(&mut self) {
        let Some(stored) = &mut self.stored else {
            return;
        };
        let Some(delta) = stored.ahead.take() else {
            return;
        };
        let after = match &delta.kind {
            DeltaKind::Change(change) => Some(stored.record.spliced(change, &delta)),
            DeltaKind::Rotate(rotate) => stored.record.rotated(rotate, &delta),
            DeltaKind::Create(_) | DeltaKind::Destroy => None,
        };
        if let Some(record) = after {
            stored.record = record;
        }
    }

    pub(crate) fn id(&self) -> Option<SessionId> {
        Some(self.stored.as_ref()?.id)
    }

    pub(crate) fn header(&self) -> Option<&Header> {
        Some(&self.stored.as_ref()?.record.header)
    }

    pub(crate) fn authenticated(&self) -> Option<Timestamp> {
        let sign_in = |changes: &Changes| match changes.renewal? {
            NewSecret::SignIn(at) => Some(at),
            NewSecret::Renewal => None,
        };
        let signed_in = self.layers().find_map(sign_in);
        signed_in.or_else(|| self.header()?.authenticated)
    }

    pub(crate) fn lifetime(&self) -> Lifetime {
        let lifetime = self.layers().find_map(|changes| changes.lifetime);
        let stored = || Some(self.header()?.lifetime);
        lifetime.or_else(stored).unwrap_or(self.limits.lifetime)
    }

    /// Takes in what is known of the request itself.
    pub(crate) fn attend(&mut self, activity: Activity, standing: Standing) {
        self.activity = activity;
        // Tokens that are worth nothing give no right that a request without one has not.
        if let (None, Standing::Free) = (&self.stored, self.standing) {
            self.standing = standing;
        }
    }

    pub(crate) fn touch(&mut self) {
        self.activity = Activity::Now;
    }

    pub(crate) fn mark_passive(&mut self) {
        self.activity = Activity::Never;
    }

    pub(super) fn is_touch_due(&self) -> bool {
        match self.activity {
            Activity::AsDue => self.stored.as_ref().is_some_and(|it| it.is_touch_due),
            Activity::Now => true,
            Activity::Never => false,
        }
    }

    pub(crate) fn sign_in(&mut self, now: Timestamp) -> Result<(), SessionError> {
        self.check_head()?;
        self.pending.renewal = Some(NewSecret::SignIn(now));
        Ok(())
    }

    pub(crate) fn renew(&mut self) -> Result<(), SessionError> {
        if self.stored.is_some() {
            self.check_head()?;
            self.pending.renewal.get_or_insert(NewSecret::Renewal);
        }
        self.refuse_unseen();
        Ok(())
    }

    pub(crate) fn set_lifetime(&mut self, lifetime: Lifetime) -> Result<(), SessionError> {
        if !self.issues_a_token() && !fits_cookie_of(self.lifetime(), lifetime) {
            return Err(SessionErrorKind::NeedsRenewal.into());
        }
        self.pending.lifetime = Some(lifetime);
        Ok(())
    }

    /// Whether the session is to have another token, or its first one, with what changes now.
    pub(super) fn issues_a_token(&self) -> bool {
        let begins = self.in_flight.as_ref().and_then(InFlight::created_id);
        let is_to_begin = self.stored.is_none() && begins.is_none();
        is_to_begin || self.pending.renewal.is_some()
    }

    /// Ends the session and forgets every change; what comes after belongs to a new one.
    pub(crate) fn destroy(&mut self) {
        if let (None, Some(kind)) = (&self.stored, self.standing.forbids_to_end()) {
            self.refusals.add(kind);
            return;
        }
        let created = self.in_flight.as_ref().and_then(InFlight::created_id);
        let past = match self.standing {
            Standing::OnlyBySignIn { ends, .. } => ends,
            Standing::Free | Standing::OnlyLook => None,
        };
        if let Some(id) = self.id().or(created).or(past) {
            let owner = self.owner_in_store();
            self.ended = Some(Ended { id, owner });
            self.standing = Standing::Free;
        }
        self.stored = None;
        self.in_flight.take_if(|in_flight| !in_flight.is_end());
        self.pending = Changes::default();
        self.activity.settle();
        self.refusals.bind_response = false;
        self.len = Header::LEN;
    }

    /// Forgets the changes that are not saved yet, because the request failed as a whole. A
    /// session that was ended stays ended.
    pub(crate) fn discard(&mut self) {
        self.catch_up();
        let in_flight = self.in_flight.take_if(|in_flight| !in_flight.is_end());
        if self.pending.is_dirty() || in_flight.is_some_and(|it| it.changes().is_dirty()) {
            self.refusals.add(SessionErrorKind::Discarded);
        }
        self.pending = Changes::default();
        self.activity.settle();
        if let Some(stored) = &mut self.stored {
            stored.rotation.call_off();
        }
        self.refusals.bind_response = false;
        self.len = self.measure();
    }

    /// Forgets all that is not saved, even that the session was ended.
    pub(crate) fn forget(&mut self) {
        self.discard();
        self.in_flight = None;
        self.ended = None;
    }

    /// Lets the response head go, and with it the chance to issue a cookie.
    pub(crate) fn send_head(&mut self) -> Announcement {
        self.head = Head::Sent;
        std::mem::take(&mut self.announcement)
    }

    pub(super) fn is_head_held(&self) -> bool {
        matches!(self.head, Head::Held)
    }

    /// Whether there are changes that are not saved although the head is out.
    pub(crate) fn is_left_unsaved(&self) -> bool {
        let is_worth_a_commit = !matches!(self.outcome(), Outcome::Nothing | Outcome::Touch);
        !self.is_head_held() && is_worth_a_commit
    }

    /// The changes that the store does not know yet, newest first.
    pub(super) fn layers(&self) -> impl DoubleEndedIterator<Item = &Changes> {
        let in_flight = self.in_flight.as_ref().map(InFlight::changes);
        [Some(&self.pending), in_flight].into_iter().flatten()
    }

    pub(super) fn check_head(&self) -> Result<(), SessionError> {
        self.head.check()
    }
}

impl Head {
    pub(super) fn check(&self) -> Result<(), SessionError> {
        match self {
            Self::Held => Ok(()),
            Self::Sent => Err(SessionErrorKind::HeadSent.into()),
        }
    }
}

/// Whether the cookie that was issued for one lifetime serves the other one as well.
fn fits_cookie_of(issued: Lifetime, lifetime: Lifetime) -> bool {
    match (issued.is_persistent(), lifetime.is_persistent()) {
        (true, true) => lifetime.absolute() <= issued.absolute(),
        (issued, lifetime) => issued == lifetime,
    }
}
