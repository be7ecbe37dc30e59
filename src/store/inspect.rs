//! A record as a person reads it.

use cookie::time::{OffsetDateTime, format_description::well_known::Rfc3339};
use serde_json::{Map, Value, json};

use crate::{
    session::{header::Replacement, lifetime::Timestamp, record::Record},
    store::NotARecord,
};

/// Shows the record of a session as JSON, for support and debugging: times and limits, and every
/// entry with its value. Nothing in it helps to take the session over: there are no verifiers.
///
/// The example `inspect` prints a session in Redis by its public id.
///
/// # Errors
///
/// [`NotARecord`] if the bytes are something else, or damaged.
pub fn inspect(record: &[u8]) -> Result<String, NotARecord> {
    let record = Record::parse(record.to_vec().into())?;
    let header = &record.header;
    let previous = header.previous.as_ref().map(|previous| {
        let replaced = time(previous.replaced);
        match previous.by {
            Replacement::Renewal => json!({ "replaced_by": "renewal", "replaced": replaced }),
            Replacement::Rotation {
                successor,
                presented,
            } => json!({
                "replaced_by": "rotation",
                "replaced": replaced,
                "successor_presented": presented.map(time),
                "successor_sealed": successor.is_some(),
            }),
        }
    });
    let shown = json!({
        "state": if header.destroyed { "destroyed" } else { "live" },
        "created": time(header.created),
        "authenticated": header.authenticated.map(time),
        "touched": time(header.touched),
        "ends_if_unused": time(header.deadline()),
        "ends_at_last": time(header.absolute_deadline()),
        "idle_limit_seconds": header.lifetime.idle().as_secs(),
        "absolute_limit_seconds": header.lifetime.absolute().as_secs(),
        "cookie_outlives_browser": header.lifetime.is_persistent(),
        "renewals": header.epoch,
        "previous_token": previous,
        "bytes": record.as_bytes().len(),
        "entries": entries(&record),
    });
    Ok(format!("{shown:#}"))
}

fn entries(record: &Record) -> Map<String, Value> {
    let entry = |entry: crate::session::record::Entry<'_>| {
        let key = String::from_utf8_lossy(entry.key).into_owned();
        let unreadable = |_| json!({ "not_json": entry.value.escape_ascii().to_string() });
        let value = serde_json::from_slice(entry.value).unwrap_or_else(unreadable);
        (key, value)
    };
    record.entries().map(entry).collect()
}

fn time(at: Timestamp) -> Value {
    let at = OffsetDateTime::from_unix_timestamp_nanos(i128::from(at.0) * 1_000_000);
    let text = at.ok().and_then(|at| at.format(&Rfc3339).ok());
    text.map_or(Value::Null, Value::String)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::{
        header::{Header, Previous},
        lifetime::Lifetime,
        record::put_entry,
        seal::Sealed,
        token::Verifier,
    };

    #[test]
    fn a_record_is_shown_without_its_verifier() {
        let header = Header::new(Verifier([0xab; 32]), Lifetime::default(), Timestamp(1_000));
        let mut bytes = vec![0; Header::LEN];
        put_entry(&mut bytes, "user", b"\"ferris\"");
        put_entry(&mut bytes, "broken", b"{");
        let record = Record::assemble(header, bytes).into_bytes();
        let shown: Value = serde_json::from_str(&inspect(&record).unwrap()).unwrap();
        assert_eq!(
            shown,
            json!({
                "state": "live",
                "created": "1970-01-01T00:00:01Z",
                "authenticated": null,
                "touched": "1970-01-01T00:00:01Z",
                "ends_if_unused": "1970-01-01T00:30:01Z",
                "ends_at_last": "1970-01-01T12:00:01Z",
                "idle_limit_seconds": 1800,
                "absolute_limit_seconds": 43_200,
                "cookie_outlives_browser": false,
                "renewals": 0,
                "previous_token": null,
                "bytes": record.len(),
                "entries": { "user": "ferris", "broken": { "not_json": "{" } },
            })
        );
        assert!(inspect(b"something else").is_err());
    }

    #[test]
    fn the_previous_token_is_shown_without_its_verifier_and_seal() {
        let rotation = |successor, presented| Replacement::Rotation {
            successor,
            presented,
        };
        let first = "1970-01-01T00:00:01Z";
        let rows = [
            (
                Replacement::Renewal,
                json!({ "replaced_by": "renewal", "replaced": first }),
            ),
            (
                rotation(Some(Sealed([0xab; 32])), None),
                json!({
                    "replaced_by": "rotation", "replaced": first,
                    "successor_presented": null, "successor_sealed": true,
                }),
            ),
            (
                rotation(None, Some(Timestamp(1_000))),
                json!({
                    "replaced_by": "rotation", "replaced": first,
                    "successor_presented": first, "successor_sealed": false,
                }),
            ),
        ];
        for (by, expected) in rows {
            let verifier = Verifier([0xab; 32]);
            let mut header = Header::new(verifier, Lifetime::default(), Timestamp(1_000));
            let replaced = Timestamp(1_000);
            header.previous = Some(Previous {
                verifier,
                replaced,
                by,
            });
            header.destroyed = true;
            let record = Record::assemble(header, vec![0; Header::LEN]).into_bytes();
            let shown: Value = serde_json::from_str(&inspect(&record).unwrap()).unwrap();
            assert_eq!(shown["previous_token"], expected);
            assert_eq!(shown["state"], "destroyed");
        }
    }
}
