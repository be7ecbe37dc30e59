//! What a request of the model sends to the store, and what it makes of the answers.

use crate::session::tests::protocol::{
    request::{Cookie, Kind, Origin, Phase, Status, Step, View, Why, Work},
    store::{Answer, Base, Change, Claim, Delta, DeltaKind, Entries, Name, Record, Rotate, Token},
};

/// A request by its number, counted from one. The secret and the session that it may make have
/// the same number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Who {
    pub(super) name: Name,
    pub(super) kind: Kind,
}

impl Who {
    /// What comes of a request that was just loaded and handled.
    pub(super) fn begin(self, from: Origin, view: View) -> Phase {
        let mut work = Work {
            from,
            view,
            step: Step::Change,
            is_unanswered: false,
            saved: None,
        };
        let writes = self.kind.inserts() || self.kind.increments();
        match (view.claim, self.kind) {
            (
                Claim::Current | Claim::Predecessor | Claim::Past { may_destroy: true },
                Kind::Destroy,
            ) => work.step = Step::Destroy,
            (Claim::Current | Claim::Predecessor, _) => {
                if !self.is_change_due(&view) && !is_touch_due(&view) {
                    return self.rotate_or_end(work);
                }
            }
            (Claim::Unknown, _) if writes => work.step = Step::Create,
            (Claim::Past { .. }, Kind::SignIn) => work.step = Step::Create,
            (Claim::Past { .. }, _) if writes => return work.end(Status::Refused),
            _ => return work.end(Status::Ok),
        }
        Phase::Working(work)
    }

    /// What the step in hand asks, and of which session.
    pub(super) fn message(self, work: &Work, is_sent_again: bool) -> (Name, Delta) {
        let loaded = work.session().unwrap_or(self.name);
        let change = || DeltaKind::Change(self.change(work, is_sent_again));
        let (session, step, kind) = match work.step {
            Step::Change => (loaded, 0, change()),
            Step::Destroy => (loaded, 0, DeltaKind::Destroy),
            Step::Create => (self.name, 1, DeltaKind::Create(self.creation())),
            Step::Rotate(to) => {
                let epoch = work.view.epoch;
                let from = work.from.token.map_or(self.name, |token| token.secret);
                (loaded, 2, DeltaKind::Rotate(Rotate { epoch, from, to }))
            }
        };
        let nonce = self.nonce(step);
        (session, Delta { nonce, kind })
    }

    /// What comes of the answer to the step in hand.
    pub(super) fn answered(self, mut work: Work, answer: Answer) -> Phase {
        work.is_unanswered = false;
        match (work.step, answer) {
            (Step::Change, Answer::Committed) => self.changed(work),
            (Step::Change, _) if !self.is_change_due(&work.view) => self.rotate_or_end(work),
            (Step::Change, Answer::Gone | Answer::Superseded) if self.kind == Kind::SignIn => {
                work.step = Step::Create;
                Phase::Working(work)
            }
            (Step::Change, Answer::Conflict(record)) if self.kind != Kind::Take => {
                work.view.entries = record.entries;
                work.view.nonce = record.nonce;
                Phase::Working(work)
            }
            (Step::Create, Answer::Committed) => self.created(work),
            (Step::Destroy, Answer::Committed | Answer::Gone) => {
                work.saved = work.session();
                work.end_with(Status::Ok, Cookie::Remove)
            }
            (Step::Rotate(secret), Answer::Committed) => {
                let session = work.session().unwrap_or(self.name);
                work.issue(Token { session, secret }, Why::Rotated)
            }
            // It comes by itself, and comes again.
            (Step::Rotate(_), _) => work.end(Status::Ok),
            (_, Answer::Unknown) => work.end(Status::Unsure),
            _ => work.end(Status::Refused),
        }
    }

    /// What comes of a step whose answer nobody waits for any longer.
    pub(super) fn given_up(self, work: Work) -> Phase {
        self.answered(work, Answer::Unknown)
    }

    fn changed(self, mut work: Work) -> Phase {
        if self.is_change_due(&work.view) {
            work.saved = work.session();
        }
        let token = Token {
            session: work.session().unwrap_or(self.name),
            secret: self.name,
        };
        match self.kind {
            Kind::SignIn => work.issue(token, Why::SignedIn),
            Kind::Renew => work.issue(token, Why::Renewed),
            _ => self.rotate_or_end(work),
        }
    }

    fn created(self, mut work: Work) -> Phase {
        work.saved = Some(self.name);
        let token = Token {
            session: self.name,
            secret: self.name,
        };
        match self.kind {
            Kind::SignIn => work.issue(token, Why::SignedIn),
            _ => work.issue(token, Why::Created),
        }
    }

    /// A rotation is a step of its own: whether it comes about or not, the changes are saved.
    fn rotate_or_end(self, mut work: Work) -> Phase {
        let successor = match work.view.claim {
            Claim::Current if self.kind == Kind::Rotate => Some(self.name),
            Claim::Predecessor => work.view.unpresented,
            _ => None,
        };
        match successor {
            None => work.end(Status::Ok),
            Some(successor) => {
                work.step = Step::Rotate(successor);
                Phase::Working(work)
            }
        }
    }

    pub(super) fn is_change_due(self, view: &View) -> bool {
        let takes = self.kind == Kind::Take && view.entries.taken_by.is_none();
        takes || self.kind.inserts() || self.kind.increments() || self.kind.renews()
    }

    fn change(self, work: &Work, is_sent_again: bool) -> Change {
        let (view, kind) = (&work.view, self.kind);
        let secret = work.from.token.map(|token| token.secret);
        let takes = kind == Kind::Take && view.entries.taken_by.is_none();
        let (number, is_update) = (view.entries.number, kind.increments());
        Change {
            epoch: view.epoch,
            known: is_sent_again.then_some(view.nonce),
            presents: secret.filter(|_| view.claim == Claim::Current),
            renewal: kind.renews().then_some(self.name),
            base: Base {
                number: is_update.then_some(number),
                untaken: takes,
            },
            own: self.inserted(),
            // Where a guard is missing, it may count further than there is room for.
            number: is_update.then_some(number.wrapping_add(self.increment())),
            takes: takes.then_some(self.name),
        }
    }

    fn creation(self) -> Record {
        Record {
            destroyed: false,
            epoch: 0,
            verifier: self.name,
            previous: None,
            nonce: self.nonce(1),
            entries: Entries {
                own: self.inserted(),
                number: if self.kind.increments() {
                    self.increment()
                } else {
                    0
                },
                taken_by: None,
            },
        }
    }

    pub(super) fn inserted(self) -> u8 {
        u8::from(self.kind.inserts()) << self.name
    }

    pub(super) fn increment(self) -> u8 {
        1 << (2 * (self.name - 1))
    }

    /// Every write of a request has its own; 0 is the nonce of what was there before.
    fn nonce(self, step: Name) -> Name {
        3 * self.name + step
    }
}

/// The first request with a new token notes that the browser has it.
fn is_touch_due(view: &View) -> bool {
    view.claim == Claim::Current && view.unpresented.is_some()
}
