//! What each thing that can happen does to the world.

use crate::session::tests::protocol::{
    guards::Guards,
    request::{Cookie, Kind, Origin, Phase, Step, View},
    store::{
        Answer, Claim, Delta, DeltaKind, Entries, FORGED, Name, Previous, Record, Replacement,
        Successor, Token,
    },
    world::{Action, Breach, REQUESTS, Request, Slot, World},
};

impl World {
    /// A browser with a session, one that missed the response with its new token, and one with a
    /// token that somebody made up.
    pub(super) fn beginnings(kinds: [Kind; REQUESTS]) -> [Self; 3] {
        let fresh = Record {
            destroyed: false,
            epoch: 0,
            verifier: 0,
            previous: None,
            nonce: 0,
            entries: Entries::default(),
        };
        let rotated = Record {
            verifier: LOST,
            previous: Some(Previous {
                verifier: 0,
                by: Replacement::Rotation {
                    sealed: true,
                    successor: Successor::Unpresented,
                },
            }),
            ..fresh
        };
        [(fresh, 0), (rotated, 0), (fresh, FORGED)].map(|(record, secret)| {
            let mut slots = [Slot::default(); REQUESTS + 1];
            slots[0].record = Some(record);
            Self {
                requests: kinds.map(Request::new),
                slots,
                jar: Some(Token { session: 0, secret }),
                breach: None,
            }
        })
    }

    pub(super) fn actions_of(&self, at: usize, guards: Guards, actions: &mut Vec<Action>) {
        let request = &self.requests[at];
        match request.phase {
            Phase::Waiting if self.is_next(at) => actions.push(Action::Start(at)),
            Phase::Waiting => {}
            Phase::Sent(_) => actions.push(Action::Load(at)),
            Phase::Working(work) if work.is_unanswered => actions.extend([
                Action::SendAgain(at),
                Action::SendAgainInVain(at),
                Action::GiveUp(at),
            ]),
            Phase::Working(work) => {
                actions.extend([Action::Commit(at), Action::Lose(at)]);
                let is_hand_over = work.view.claim == Claim::Predecessor;
                if is_hand_over && matches!(work.step, Step::Rotate(_)) {
                    actions.push(Action::HandNothingOver(at));
                }
                if !guards.saved_before_head {
                    actions.push(Action::AnswerEarly(at));
                }
            }
            Phase::Done(done) if !done.is_delivered && done.cookie != Cookie::None => {
                actions.push(Action::Deliver(at));
            }
            Phase::Done(_) => {}
        }
        actions.extend(request.late.map(|_| Action::Arrive(at)));
    }

    /// Of several requests of one kind, the first starts first: which is which makes no difference.
    fn is_next(&self, at: usize) -> bool {
        let mut before = self.requests[..at].iter();
        before.all(|it| it.kind != self.requests[at].kind || it.phase != Phase::Waiting)
    }

    pub(super) fn start(&mut self, at: usize, guards: Guards) {
        let token = self.jar.filter(|_| self.requests[at].kind != Kind::Create);
        match token {
            Some(token) => self.requests[at].phase = Phase::Sent(token),
            None => self.begin(at, None, guards),
        }
    }

    pub(super) fn load(&mut self, at: usize, guards: Guards) {
        if let Phase::Sent(token) = self.requests[at].phase {
            self.begin(at, Some(token), guards);
        }
    }

    fn begin(&mut self, at: usize, token: Option<Token>, guards: Guards) {
        let slot = token.map(|token| self.slots[usize::from(token.session)]);
        let record = slot.and_then(|slot| slot.record);
        let judged = |guards| match (token, record) {
            (Some(token), Some(record)) => record.judge(token.secret, guards),
            _ => Claim::Unknown,
        };
        let has_ended = |(slot, token): (Slot, Token)| slot.ended >> token.secret & 1 == 1;
        let was_ended = slot.zip(token).is_some_and(has_ended);
        let is_past = was_ended || matches!(judged(Guards::ALL), Claim::Past { .. });
        let view = View::new(judged(guards), record);
        let from = Origin { token, is_past };
        self.requests[at].phase = self.who(at).begin(from, view);
    }

    pub(super) fn commit(&mut self, at: usize, is_sent_again: bool, guards: Guards) {
        let Some(work) = self.work(at) else { return };
        if is_sent_again && guards.patience {
            self.requests[at].late = None;
        }
        let (session, delta) = self.who(at).message(&work, is_sent_again);
        let answer = self.write(session, delta, guards);
        self.requests[at].phase = self.who(at).answered(work, answer);
        self.note_hand_over(session, delta, answer);
    }

    pub(super) fn lose(&mut self, at: usize) {
        let Some(mut work) = self.work(at) else {
            return;
        };
        self.requests[at].late = Some(self.who(at).message(&work, false));
        work.is_unanswered = true;
        self.requests[at].phase = Phase::Working(work);
    }

    pub(super) fn arrive(&mut self, at: usize, guards: Guards) {
        let Some((session, delta)) = self.requests[at].late.take() else {
            return;
        };
        let before = self.slots;
        self.write(session, delta, guards);
        let is_answered = matches!(self.requests[at].phase, Phase::Done(_));
        if is_answered && self.slots != before {
            self.breach = Some(Breach::WrittenAfterTheAnswer);
        }
    }

    pub(super) fn give_up(&mut self, at: usize, guards: Guards) {
        let Some(work) = self.work(at) else { return };
        if guards.not_after {
            self.requests[at].late = None;
        }
        self.requests[at].phase = self.who(at).given_up(work);
    }

    /// Applies a commit to its record.
    pub(super) fn write(&mut self, session: Name, delta: Delta, guards: Guards) -> Answer {
        let slot = &mut self.slots[usize::from(session)];
        let record = match delta.apply(slot.record, guards) {
            Ok(record) => record,
            Err(answer) => return answer,
        };
        if let Some(old) = slot.record {
            if record.epoch != old.epoch {
                slot.dead |= old.good_secrets();
            }
            if record.destroyed {
                let is_past = |secret: &u8| record.judge(*secret, Guards::ALL) != Claim::Unknown;
                slot.ended = (0..=FORGED).filter(is_past).map(|secret| 1 << secret).sum();
                slot.is_ended = true;
            }
            if delta.epoch().is_some_and(|epoch| epoch != old.epoch) {
                self.breach = Some(Breach::WrittenAfterARenewal);
            }
        }
        let is_kept = guards.tombstone || !record.destroyed;
        slot.record = is_kept.then_some(record);
        Answer::Committed
    }

    /// What is handed out by a rotation is the present token, and nobody has presented it.
    fn note_hand_over(&mut self, session: Name, delta: Delta, answer: Answer) {
        let record = self.slots[usize::from(session)].record;
        if let (DeltaKind::Rotate(rotate), Answer::Committed, Some(record)) =
            (delta.kind, answer, record)
            && (record.verifier != rotate.to || !record.is_unpresented())
        {
            self.breach = Some(Breach::HandedOutTooLate);
        }
    }
}

impl Request {
    fn new(kind: Kind) -> Self {
        Self {
            kind,
            phase: Phase::Waiting,
            late: None,
        }
    }
}

/// A secret that was made before, and did not reach the browser.
const LOST: Name = FORGED - 1;
