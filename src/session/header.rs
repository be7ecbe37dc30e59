//! The fixed part of a record.

use std::{ops::RangeInclusive, time::Duration};

use bytes::{Buf, BufMut};

use crate::session::{
    lifetime::{Lifetime, Timestamp, millis},
    record::UnreadableRecord,
    seal::Sealed,
    token::Verifier,
};

/// The fixed part of a record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Header {
    pub(crate) destroyed: bool,
    pub(crate) epoch: u32,
    pub(crate) verifier: Verifier,
    pub(crate) previous: Option<Previous>,
    pub(crate) nonce: Nonce,
    pub(crate) created: Timestamp,
    pub(crate) authenticated: Option<Timestamp>,
    pub(crate) touched: Timestamp,
    pub(crate) lifetime: Lifetime,
}

/// The verifier before the present one, and how it was replaced.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Previous {
    pub(crate) verifier: Verifier,
    pub(crate) replaced: Timestamp,
    pub(crate) by: Replacement,
}

/// How a verifier came to be replaced.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Replacement {
    /// At a change of privilege: it is dead.
    Renewal,
    /// At routine: it is good until a grace after its successor was first presented.
    Rotation {
        /// Erased when the grace is over.
        successor: Option<Sealed>,
        presented: Option<Timestamp>,
    },
}

/// Tells one commit from every other one to the same record.
pub(crate) type Nonce = [u8; 8];

impl Header {
    pub(crate) const LEN: usize = 168;
    pub(crate) const VERSION: u8 = 1;
    /// Versions to come are control characters, too, so that text is never taken for one.
    const NEWER_VERSIONS: RangeInclusive<u8> = 2..=31;

    /// The header of a session that begins now.
    pub(crate) fn new(verifier: Verifier, lifetime: Lifetime, now: Timestamp) -> Self {
        Self {
            destroyed: false,
            epoch: 0,
            verifier,
            previous: None,
            nonce: Nonce::default(),
            created: now,
            authenticated: None,
            touched: now,
            lifetime,
        }
    }

    /// When the session ends if nobody uses it.
    pub(crate) fn idle_deadline(&self) -> Timestamp {
        self.touched.after(self.lifetime.idle())
    }

    /// When the session ends however much it is used.
    pub(crate) fn absolute_deadline(&self) -> Timestamp {
        let start = self.created.max(self.authenticated.unwrap_or_default());
        start.after(self.lifetime.absolute())
    }

    pub(crate) fn deadline(&self) -> Timestamp {
        self.idle_deadline().min(self.absolute_deadline())
    }

    pub(super) fn read(bytes: &[u8]) -> Result<Self, UnreadableRecord> {
        use UnreadableRecord::{Corrupt, NewerVersion};
        match bytes.first() {
            Some(&Self::VERSION) if bytes.len() >= Self::LEN => {}
            Some(version) if Self::NEWER_VERSIONS.contains(version) => return Err(NewerVersion),
            _ => return Err(Corrupt),
        }
        let mut fields = &bytes[1..];
        let destroyed = flag(fields.get_u8()).ok_or(Corrupt)?;
        let replaced_by = fields.get_u8();
        let persistent = flag(fields.get_u8()).ok_or(Corrupt)?;
        Ok(Self {
            destroyed,
            epoch: fields.get_u32(),
            verifier: Verifier(array(&mut fields)),
            previous: Previous::read(replaced_by, &mut fields).ok_or(Corrupt)?,
            nonce: array(&mut fields),
            created: Timestamp(fields.get_u64()),
            authenticated: time(&mut fields),
            touched: Timestamp(fields.get_u64()),
            lifetime: read_lifetime(persistent, &mut fields),
        })
    }

    pub(super) fn write(&self, mut out: &mut [u8]) {
        out.put_u8(Self::VERSION);
        out.put_u8(self.destroyed.into());
        out.put_u8(self.previous.as_ref().map_or(0, Previous::tag));
        out.put_u8(self.lifetime.is_persistent().into());
        out.put_u32(self.epoch);
        out.put_slice(&self.verifier.0);
        Previous::write(self.previous.as_ref(), &mut out);
        out.put_slice(&self.nonce);
        out.put_u64(self.created.0);
        put_time(&mut out, self.authenticated);
        out.put_u64(self.touched.0);
        out.put_u64(millis(self.lifetime.idle()));
        out.put_u64(millis(self.lifetime.absolute()));
    }
}

impl Previous {
    fn tag(&self) -> u8 {
        match self.by {
            Replacement::Renewal => 1,
            Replacement::Rotation { .. } => 2,
        }
    }

    /// Outer `None`: the record is corrupt.
    #[allow(clippy::option_option)]
    fn read(tag: u8, fields: &mut &[u8]) -> Option<Option<Self>> {
        let verifier = Verifier(array(fields));
        let successor = Some(array(fields)).filter(|sealed| *sealed != ERASED);
        let replaced = Timestamp(fields.get_u64());
        let presented = time(fields);
        let by = match tag {
            0 => return Some(None),
            1 => Replacement::Renewal,
            2 => Replacement::Rotation {
                successor: successor.map(Sealed),
                presented,
            },
            _ => return None,
        };
        Some(Some(Self {
            verifier,
            replaced,
            by,
        }))
    }

    fn write(previous: Option<&Self>, out: &mut impl BufMut) {
        let (successor, presented) = match previous.map(|previous| &previous.by) {
            Some(Replacement::Rotation {
                successor,
                presented,
            }) => (*successor, *presented),
            Some(Replacement::Renewal) | None => (None, None),
        };
        out.put_slice(&previous.map_or([0; 32], |previous| previous.verifier.0));
        out.put_slice(&successor.map_or(ERASED, |sealed| sealed.0));
        put_time(out, previous.map(|previous| previous.replaced));
        put_time(out, presented);
    }
}

/// Stands for no seal; a seal that is all zeros does not occur.
const ERASED: [u8; 32] = [0; 32];

fn read_lifetime(persistent: bool, fields: &mut &[u8]) -> Lifetime {
    let idle = Duration::from_millis(fields.get_u64());
    let absolute = Duration::from_millis(fields.get_u64());
    match persistent {
        true => Lifetime::new(idle, absolute).persistent(),
        false => Lifetime::new(idle, absolute),
    }
}

fn flag(byte: u8) -> Option<bool> {
    match byte {
        0 => Some(false),
        1 => Some(true),
        _ => None,
    }
}

fn array<const N: usize>(fields: &mut &[u8]) -> [u8; N] {
    let mut array = [0; N];
    fields.copy_to_slice(&mut array);
    array
}

fn time(fields: &mut &[u8]) -> Option<Timestamp> {
    match fields.get_u64() {
        0 => None,
        time => Some(Timestamp(time)),
    }
}

fn put_time(out: &mut impl BufMut, time: Option<Timestamp>) {
    out.put_u64(time.map_or(0, |time| time.0));
}
