//! What a commit of the model does to a record.

use crate::session::tests::protocol::{
    guards::Guards,
    store::{Answer, Change, Delta, DeltaKind, Previous, Record, Replacement, Rotate, Successor},
};

impl Delta {
    /// The record that takes the place of `current`, or the answer that leaves it as it is.
    pub(super) fn apply(self, current: Option<Record>, guards: Guards) -> Result<Record, Answer> {
        if guards.repeat && current.is_some_and(|record| self.is_done_in(&record)) {
            return Err(Answer::Committed);
        }
        match self.kind {
            DeltaKind::Create(record) => match current {
                None => Ok(record),
                Some(_) => Err(Answer::Superseded),
            },
            DeltaKind::Destroy => self.destroy(current),
            DeltaKind::Change(change) => self.change(change, current, guards),
            DeltaKind::Rotate(rotate) => self.rotate(rotate, current, guards),
        }
    }

    /// Whether this very commit was the last one of the record.
    fn is_done_in(&self, record: &Record) -> bool {
        match self.kind {
            DeltaKind::Create(_) => record.nonce == self.nonce,
            DeltaKind::Destroy => record.destroyed && record.nonce == self.nonce,
            DeltaKind::Rotate(_) => !record.destroyed && record.nonce == self.nonce,
            DeltaKind::Change(change) => {
                let is_renewed = change.renewal == Some(record.verifier);
                !record.destroyed && (record.nonce == self.nonce || is_renewed)
            }
        }
    }

    fn destroy(&self, current: Option<Record>) -> Result<Record, Answer> {
        let record = current.filter(|record| !record.destroyed);
        let record = record.ok_or(Answer::Gone)?;
        Ok(Record {
            destroyed: true,
            nonce: self.nonce,
            entries: Default::default(),
            ..record
        })
    }

    fn change(
        &self,
        change: Change,
        current: Option<Record>,
        guards: Guards,
    ) -> Result<Record, Answer> {
        let record = live(current, guards)?;
        let is_known = change.known.is_none_or(|known| known == record.nonce);
        let cannot_tell = guards.known && !is_known;
        if guards.known_first && cannot_tell {
            return Err(Answer::Unknown);
        }
        if guards.epoch && record.epoch != change.epoch {
            return Err(Answer::Superseded);
        }
        if cannot_tell {
            return Err(Answer::Unknown);
        }
        if guards.base && !change.stands_on(&record) {
            return Err(Answer::Conflict(record));
        }
        Ok(record.changed(change, self.nonce))
    }

    fn rotate(
        &self,
        rotate: Rotate,
        current: Option<Record>,
        guards: Guards,
    ) -> Result<Record, Answer> {
        let mut record = live(current, guards)?;
        if guards.epoch && record.epoch != rotate.epoch {
            return Err(Answer::Superseded);
        }
        let is_done = record.is_handed_over_by(rotate, guards);
        if is_done && guards.written_once {
            return Err(Answer::Committed);
        }
        record.nonce = self.nonce;
        if is_done {
            return Ok(record);
        }
        let is_due = !guards.settled || record.is_settled();
        if record.verifier != rotate.from || !is_due {
            return Err(Answer::Superseded);
        }
        record.verifier = rotate.to;
        record.previous = Some(Previous {
            verifier: rotate.from,
            by: Replacement::Rotation {
                sealed: true,
                successor: Successor::Unpresented,
            },
        });
        Ok(record)
    }
}

impl Delta {
    /// The epoch that was loaded.
    pub(super) fn epoch(&self) -> Option<u8> {
        match self.kind {
            DeltaKind::Change(change) => Some(change.epoch),
            DeltaKind::Rotate(rotate) => Some(rotate.epoch),
            DeltaKind::Create(_) | DeltaKind::Destroy => None,
        }
    }
}

impl Change {
    fn stands_on(&self, record: &Record) -> bool {
        let is_number = |number| number == record.entries.number;
        let is_untaken = record.entries.taken_by.is_none();
        self.base.number.is_none_or(is_number) && (!self.base.untaken || is_untaken)
    }
}

impl Record {
    fn changed(mut self, change: Change, nonce: u8) -> Self {
        self.nonce = nonce;
        self.entries.own |= change.own;
        self.entries.number = change.number.unwrap_or(self.entries.number);
        self.entries.taken_by = change.takes.or(self.entries.taken_by);
        self.note_presented(change.presents);
        if let Some(verifier) = change.renewal {
            self.epoch += 1;
            self.previous = Some(Previous {
                verifier: std::mem::replace(&mut self.verifier, verifier),
                by: Replacement::Renewal { recent: true },
            });
        }
        self
    }

    fn note_presented(&mut self, presents: Option<u8>) {
        let is_current = presents == Some(self.verifier);
        if let Some(Previous {
            by: Replacement::Rotation { sealed, successor },
            ..
        }) = &mut self.previous
        {
            match successor {
                Successor::Unpresented if is_current => *successor = Successor::InGrace,
                Successor::Unpresented | Successor::InGrace => {}
                Successor::Settled => *sealed = false,
            }
        }
    }

    /// Whether this is the successor that `rotate` hands to one more bearer of its predecessor.
    fn is_handed_over_by(&self, rotate: Rotate, guards: Guards) -> bool {
        let is_previous = self.previous.is_some_and(|it| it.verifier == rotate.from);
        let is_fresh = !guards.fresh || self.is_unpresented();
        self.verifier == rotate.to && is_previous && is_fresh && self.successor().is_some()
    }

    /// Whether a rotation now would cut off nobody.
    pub(super) fn is_settled(&self) -> bool {
        match self.previous.map(|previous| previous.by) {
            None => true,
            Some(Replacement::Renewal { recent }) => !recent,
            Some(Replacement::Rotation { successor, .. }) => successor == Successor::Settled,
        }
    }
}

/// Only what lives is changed.
fn live(current: Option<Record>, guards: Guards) -> Result<Record, Answer> {
    let mut record = current.ok_or(Answer::Gone)?;
    if record.destroyed && guards.existence {
        return Err(Answer::Gone);
    }
    record.destroyed = false;
    Ok(record)
}
