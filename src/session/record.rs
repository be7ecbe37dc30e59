//! The record: what the store holds for one session, a header and raw entries.
//!
//! All integers are big-endian; times are Unix milliseconds, spans are milliseconds, and zero
//! stands for "never" where a time may be absent.
//!
//! | offset | bytes | field |
//! |-------:|------:|-------|
//! | 0 | 1 | format version, 1 |
//! | 1 | 1 | 0 live, 1 destroyed (a tombstone has no entries) |
//! | 2 | 1 | what became of the previous verifier: 0 there is none, 1 renewed away, 2 rotated away |
//! | 3 | 1 | 1 if the cookie outlives the browser, else 0 |
//! | 4 | 4 | epoch: how often the session was renewed |
//! | 8 | 32 | verifier |
//! | 40 | 32 | previous verifier |
//! | 72 | 32 | successor sealed under the previous secret; zeros when there is none |
//! | 104 | 8 | when the previous verifier was replaced |
//! | 112 | 8 | when the successor was first presented |
//! | 120 | 8 | nonce of the last commit |
//! | 128 | 8 | created |
//! | 136 | 8 | authenticated |
//! | 144 | 8 | last touched |
//! | 152 | 8 | idle limit |
//! | 160 | 8 | absolute limit |
//! | 168 | … | entries |
//!
//! An entry is the length of its key (1 byte), the key, the length of its value (4 bytes), the
//! value. Keys that start with `@` are reserved.

use std::fmt;

use bytes::{BufMut, Bytes};

use crate::session::header::Header;

/// A record that was read and is well-formed.
#[derive(Clone)]
pub(crate) struct Record {
    pub(crate) header: Header,
    bytes: Bytes,
}

impl Record {
    /// Reads a record, without decoding any value.
    pub(crate) fn parse(bytes: Bytes) -> Result<Self, UnreadableRecord> {
        let record = Self::parse_header(bytes)?;
        match record.has_valid_entries() {
            true => Ok(record),
            false => Err(UnreadableRecord::Corrupt),
        }
    }

    /// Reads the header alone. It is enough to end a session, whatever became of its entries.
    pub(crate) fn parse_header(bytes: Bytes) -> Result<Self, UnreadableRecord> {
        let header = Header::read(&bytes)?;
        Ok(Self { header, bytes })
    }

    pub(crate) fn has_valid_entries(&self) -> bool {
        let mut rest = &self.bytes[Header::LEN..];
        // Where all of it is text, as it often is, no key has to be looked at.
        let is_ascii = rest.is_ascii();
        while !rest.is_empty() {
            match split_entry(rest) {
                Some((entry, after)) if entry.has_valid_key(is_ascii) => rest = after,
                _ => return false,
            }
        }
        true
    }

    /// Puts a record together from its header and the bytes of its entries.
    ///
    /// `entries` has to be made of [`put_entry`] or of slices of another record's entries, after
    /// [`Header::LEN`] bytes of room for the header.
    pub(crate) fn assemble(header: Header, mut bytes: Vec<u8>) -> Self {
        header.write(&mut bytes[..Header::LEN]);
        Self {
            header,
            bytes: bytes.into(),
        }
    }

    /// The raw value under `key`.
    pub(crate) fn value(&self, key: &str) -> Option<&[u8]> {
        let entry = self.entries().find(|entry| entry.key == key.as_bytes())?;
        Some(entry.value)
    }

    /// The raw value under `key`, as a share of the record.
    pub(crate) fn shared_value(&self, key: &str) -> Option<Bytes> {
        Some(self.bytes.slice_ref(self.value(key)?))
    }

    pub(crate) fn entries(&self) -> impl Iterator<Item = Entry<'_>> {
        let mut rest = &self.bytes[Header::LEN..];
        std::iter::from_fn(move || {
            let (entry, after) = split_entry(rest)?;
            rest = after;
            Some(entry)
        })
    }

    pub(crate) fn as_bytes(&self) -> &Bytes {
        &self.bytes
    }

    pub(crate) fn into_bytes(self) -> Bytes {
        self.bytes
    }
}

impl fmt::Debug for Record {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Record")
            .field("header", &self.header)
            .field("len", &self.bytes.len())
            .finish()
    }
}

/// One entry of a record, as it stands in the record's bytes.
#[derive(Clone, Copy)]
pub(crate) struct Entry<'a> {
    pub(crate) key: &'a [u8],
    pub(crate) value: &'a [u8],
    /// Lengths, key and value.
    pub(crate) raw: &'a [u8],
}

impl<'a> Entry<'a> {
    pub(crate) fn is_reserved(&self) -> bool {
        self.key.first() == Some(&RESERVED)
    }

    fn has_valid_key(&self, is_ascii: bool) -> bool {
        !self.key.is_empty() && (is_ascii || std::str::from_utf8(self.key).is_ok())
    }
}

/// Why the bytes in the store are not a record that we can use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum UnreadableRecord {
    /// Truncated or garbled.
    Corrupt,
    /// Written by a later release.
    NewerVersion,
}

/// What the keys begin with that no application can set.
pub(crate) const RESERVED: u8 = b'@';

/// Writes one entry behind the others.
pub(crate) fn put_entry(out: &mut Vec<u8>, key: &str, value: &[u8]) {
    debug_assert!(key.len() < 256 && u32::try_from(value.len()).is_ok());
    out.put_u8(key.len() as u8);
    out.put_slice(key.as_bytes());
    out.put_u32(value.len() as u32);
    out.put_slice(value);
}

/// How many bytes an entry takes in a record.
pub(crate) fn entry_len(key: &str, value: &[u8]) -> usize {
    1 + key.len() + 4 + value.len()
}

fn split_entry(bytes: &[u8]) -> Option<(Entry<'_>, &[u8])> {
    let (&key_len, rest) = bytes.split_first()?;
    let (key, rest) = rest.split_at_checked(key_len.into())?;
    let (value_len, rest) = rest.split_first_chunk()?;
    let value_len = usize::try_from(u32::from_be_bytes(*value_len)).ok()?;
    let (value, after) = rest.split_at_checked(value_len)?;
    let raw = &bytes[..bytes.len() - after.len()];
    Some((Entry { key, value, raw }, after))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::prelude::*;

    use super::*;
    use crate::session::{
        header::{Previous, Replacement},
        lifetime::{Lifetime, Timestamp},
        seal::Sealed,
        token::Verifier,
    };

    fn header() -> Header {
        Header {
            destroyed: false,
            epoch: 0x0102_0304,
            verifier: Verifier([0xaa; 32]),
            previous: Some(Previous {
                verifier: Verifier([0xbb; 32]),
                replaced: Timestamp(0x10),
                by: Replacement::Rotation {
                    successor: Some(Sealed([0xcc; 32])),
                    presented: Some(Timestamp(0x11)),
                },
            }),
            nonce: [0xdd; 8],
            created: Timestamp(0x12),
            authenticated: Some(Timestamp(0x13)),
            touched: Timestamp(0x14),
            lifetime: Lifetime::new(Duration::from_millis(0x15), Duration::from_millis(0x16))
                .persistent(),
        }
    }

    fn record(entries: &[(&str, &[u8])]) -> Record {
        let mut bytes = vec![0; Header::LEN];
        for (key, value) in entries {
            put_entry(&mut bytes, key, value);
        }
        Record::assemble(header(), bytes)
    }

    /// The layout is what other releases, and the script in Redis, rely on.
    #[test]
    fn golden_layout() {
        let mut golden = vec![1, 0, 2, 1, 1, 2, 3, 4];
        golden.extend([0xaa; 32]);
        golden.extend([0xbb; 32]);
        golden.extend([0xcc; 32]);
        for time in [0x10, 0x11] {
            golden.extend([0, 0, 0, 0, 0, 0, 0, time]);
        }
        golden.extend([0xdd; 8]);
        for time in [0x12, 0x13, 0x14, 0x15, 0x16] {
            golden.extend([0, 0, 0, 0, 0, 0, 0, time]);
        }
        assert_eq!(golden.len(), Header::LEN);
        golden.extend(b"\x01k\x00\x00\x00\x02\"\"");
        assert_eq!(record(&[("k", b"\"\"")]).as_bytes(), &golden);
    }

    #[test]
    fn a_record_reads_back() {
        let written = record(&[("a", b"1"), ("b", b""), ("@owner", b"2")]);
        let read = Record::parse(written.as_bytes().clone()).unwrap();
        assert_eq!(read.header, header());
        assert_eq!(read.value("a"), Some(&b"1"[..]));
        assert_eq!(read.value("b"), Some(&b""[..]));
        assert_eq!(read.value("c"), None);
        let reserved = read.entries().filter(Entry::is_reserved);
        assert_eq!(reserved.map(|it| it.key).collect::<Vec<_>>(), [b"@owner"]);
    }

    #[test]
    fn a_truncated_or_prolonged_record_is_corrupt() {
        let whole = record(&[("key", b"value")]).into_bytes();
        for len in (0..whole.len()).filter(|len| *len != Header::LEN) {
            let cut = Record::parse(whole.slice(..len));
            assert_eq!(cut.unwrap_err(), UnreadableRecord::Corrupt, "{len} bytes");
        }
        let prolonged = [&whole[..], b"x"].concat();
        assert!(Record::parse(prolonged.into()).is_err());
    }

    #[test]
    fn garbled_fields_are_corrupt_and_later_versions_are_not_judged() {
        let garbled = |at: usize, byte: u8| {
            let mut bytes = record(&[]).into_bytes().to_vec();
            bytes[at] = byte;
            Record::parse(bytes.into()).unwrap_err()
        };
        assert_eq!(garbled(0, 0), UnreadableRecord::Corrupt);
        assert_eq!(garbled(0, b'{'), UnreadableRecord::Corrupt);
        assert_eq!(garbled(0, 2), UnreadableRecord::NewerVersion);
        for (at, byte) in [(1, 2), (2, 3), (3, 2)] {
            assert_eq!(garbled(at, byte), UnreadableRecord::Corrupt, "at {at}");
        }
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_never_panic(bytes: Vec<u8>) {
            let _ = Record::parse(bytes.into());
        }

        #[test]
        fn arbitrary_entries_never_panic(entries: Vec<u8>) {
            let mut bytes = record(&[]).into_bytes().to_vec();
            bytes.extend(entries);
            if let Ok(record) = Record::parse(bytes.into()) {
                let raw: usize = record.entries().map(|entry| entry.raw.len()).sum();
                prop_assert_eq!(raw + Header::LEN, record.as_bytes().len());
            }
        }
    }
}
