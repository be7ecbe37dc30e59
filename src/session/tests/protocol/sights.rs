//! What must happen in some world: a model in which nothing happens keeps every promise.

use stateright::Property;

use crate::session::tests::protocol::{
    request::{Cookie, Done, Kind, Phase, Status, Step, Why, Work},
    store::{FORGED, Record, Replacement, Successor, Token},
    world::{Protocol, World},
};

type IsSeen = fn(&Protocol, &World) -> bool;

pub(super) fn all() -> Vec<Property<Protocol>> {
    let sights = [&OF_TOKENS[..], &OF_CHANGES];
    let sights = sights.into_iter().flatten();
    sights
        .map(|(name, is_seen)| Property::sometimes(name, *is_seen))
        .collect()
}

const OF_TOKENS: [(&str, IsSeen); 8] = [
    ("three responses carry the same successor", |_, world| {
        let rotated = |done: Done| matches!(done.cookie, Cookie::Issue(_, Why::Rotated));
        world.done().filter(|done| rotated(*done)).count() == 3
    }),
    ("a successor is presented", |_, world| {
        world.is_any_in_grace()
    }),
    ("a rotation follows a rotation", |_, world| {
        let by_rotation = |record: &Record| record.successor().is_some();
        let is_later = |record: &Record| record.previous.is_some_and(|it| it.verifier != 0);
        world
            .records()
            .any(|record| by_rotation(record) && is_later(record))
    }),
    ("a seal is erased", |_, world| {
        world
            .records()
            .any(|record| match record.previous.map(|previous| previous.by) {
                Some(Replacement::Rotation { sealed, successor }) => {
                    !sealed && successor == Successor::Settled
                }
                _ => false,
            })
    }),
    ("a sign-in that is too late begins a session", |_, world| {
        world
            .done()
            .any(|done| match (done.from.token, done.cookie) {
                (Some(from), Cookie::Issue(token, Why::SignedIn)) => {
                    from.secret != FORGED && from.session != token.session
                }
                _ => false,
            })
    }),
    (
        "two sign-ins race with one token, and both are good",
        |_, world| {
            let is_good = |done: &Done| match done.cookie {
                Cookie::Issue(token, Why::SignedIn) => world.is_good(token),
                _ => false,
            };
            let is_ours = |token: Token| token.secret == 0;
            let raced = |done: &Done| done.from.token.is_some_and(is_ours) && is_good(done);
            world.done().filter(raced).count() == 2
        },
    ),
    ("a renewed token logs out", |_, world| {
        let logs_out = |done: Done| done.from.is_past && done.cookie == Cookie::Remove;
        world.done().any(logs_out)
    }),
    ("a request from the past is refused", |_, world| {
        world
            .done()
            .any(|done| done.from.is_past && done.status == Status::Refused)
    }),
];

const OF_CHANGES: [(&str, IsSeen); 5] = [
    ("two increments that overlap both count", |_, world| {
        world
            .records()
            .any(|record| record.entries.number.count_ones() == 2)
    }),
    ("what two requests want to take, one gets", |_, world| {
        let is_refused = |at: usize| match world.requests[at].phase {
            Phase::Done(done) => done.status == Status::Refused && !done.from.is_past,
            _ => false,
        };
        (0..3).any(|at| world.requests[at].kind == Kind::Take && is_refused(at))
    }),
    ("a change that is sent again has happened", |_, world| {
        world
            .sent_again(Step::Change)
            .any(|(nonce, _, present)| nonce == present)
    }),
    ("a change that is sent again cannot tell", |_, world| {
        let cannot_tell = |(nonce, known, present)| present != known && present != nonce;
        world.sent_again(Step::Change).any(cannot_tell)
    }),
    ("a session is created while another one ends", |_, world| {
        world.slots.iter().any(|slot| slot.is_ended)
            && world.slots[1..].iter().any(|slot| slot.record.is_some())
    }),
];

impl World {
    /// Of the steps that may have happened: their nonce, the one they know, and the present one.
    fn sent_again(&self, step: Step) -> impl Iterator<Item = (u8, u8, u8)> {
        let unanswered = move |at: usize| -> Option<(u8, u8, u8)> {
            let is_one = |work: &Work| work.is_unanswered && work.step == step;
            let work = self.work(at).filter(is_one)?;
            let (session, delta) = self.who(at).message(&work, true);
            let record = self.slots[usize::from(session)].record?;
            Some((delta.nonce, work.view.nonce, record.nonce))
        };
        (0..self.requests.len()).filter_map(unanswered)
    }
}
