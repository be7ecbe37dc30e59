//! What the browser makes of responses, and what the passing of time does.

use crate::session::tests::protocol::{
    request::Work,
    request::{Cookie, Done, Phase, Why},
    steps::Who,
    store::{Record, Replacement, Successor, Token},
    world::{Breach, Request, World},
};

impl World {
    pub(super) fn deliver(&mut self, at: usize) {
        let Phase::Done(done) = &mut self.requests[at].phase else {
            return;
        };
        done.is_delivered = true;
        let (done, before) = (*done, self.jar);
        match done.cookie {
            Cookie::None => {}
            Cookie::Issue(token, _) => self.jar = Some(token),
            Cookie::Remove => self.jar = None,
        }
        let is_lost = before != self.jar && before.is_some_and(|token| self.is_sign_in(token));
        let was_known = before == done.from.token;
        if is_lost && !was_known && !may_cross(&done) {
            self.breach = Some(Breach::SignInUndone);
        }
    }

    fn is_sign_in(&self, token: Token) -> bool {
        let issued = Cookie::Issue(token, Why::SignedIn);
        self.done().any(|done| done.cookie == issued)
    }

    pub(super) fn done(&self) -> impl Iterator<Item = Done> {
        self.requests
            .iter()
            .filter_map(|request| match request.phase {
                Phase::Done(done) => Some(done),
                _ => None,
            })
    }

    pub(super) fn work(&self, at: usize) -> Option<Work> {
        match self.requests[at].phase {
            Phase::Working(work) => Some(work),
            _ => None,
        }
    }

    pub(super) fn who(&self, at: usize) -> Who {
        Who {
            name: at as u8 + 1,
            kind: self.requests[at].kind,
        }
    }

    pub(super) fn records(&self) -> impl Iterator<Item = &Record> {
        self.slots.iter().filter_map(|slot| slot.record.as_ref())
    }

    pub(super) fn is_any_sent(&self) -> bool {
        let is_sent = |request: &Request| matches!(request.phase, Phase::Sent(_));
        self.requests.iter().any(is_sent)
    }

    pub(super) fn is_any_in_grace(&self) -> bool {
        self.records()
            .any(|record| record.successor() == Some(Successor::InGrace))
    }

    pub(super) fn is_any_recent(&self) -> bool {
        let is_ended = self.slots.iter().any(|slot| slot.ended != 0);
        is_ended
            || self
                .records()
                .any(|record| record.destroyed || record.is_lately_renewed())
    }

    pub(super) fn end_graces(&mut self) {
        for record in self
            .slots
            .iter_mut()
            .filter_map(|slot| slot.record.as_mut())
        {
            if let Some(Replacement::Rotation { successor, .. }) = record.replacement_mut()
                && *successor == Successor::InGrace
            {
                *successor = Successor::Settled;
            }
        }
    }

    pub(super) fn end_minute(&mut self) {
        for slot in &mut self.slots {
            slot.ended = 0;
            slot.record = slot.record.filter(|record| !record.destroyed);
            let replacement = slot.record.as_mut().and_then(Record::replacement_mut);
            if let Some(Replacement::Renewal { recent }) = replacement {
                *recent = false;
            }
        }
    }
}

impl Record {
    fn replacement_mut(&mut self) -> Option<&mut Replacement> {
        Some(&mut self.previous.as_mut()?.by)
    }

    fn is_lately_renewed(&self) -> bool {
        let by = self.previous.map(|previous| previous.by);
        by == Some(Replacement::Renewal { recent: true })
    }
}

/// What the third promise excludes by name: the server cannot know what the browser has received
/// since, so these responses may cross that of a sign-in. Of two sign-ins, and of a sign-in and a
/// renewal, that race with one cookie, either may come last.
fn may_cross(done: &Done) -> bool {
    match done.cookie {
        Cookie::None => false,
        // Who comes with the cookie of a session that was renewed or ended creates none.
        Cookie::Issue(_, Why::Created) => !done.from.is_past,
        Cookie::Issue(_, Why::Rotated | Why::SignedIn | Why::Renewed) | Cookie::Remove => true,
    }
}
