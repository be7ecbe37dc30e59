//! The laws of commits that are sent again, and of routine rotations.

use std::time::Duration;

use bytes::Bytes;

use crate::{
    session::{
        delta::{Base, Delta, DeltaKind},
        header::Replacement,
        lifetime::Timestamp,
        record::Record,
        rotation::DEFAULT_GRACE,
        token::{SessionId, Verifier},
    },
    store::{
        CommitAnswer::{Committed, Superseded, Unknown},
        SessionStore,
        conformance::{
            laws::at_once,
            subject::{Subject, new_id},
        },
    },
};

pub(super) async fn a_repeated_commit_that_others_followed_is_unknown(
    on: &Subject<impl SessionStore>,
) {
    let id = new_id();
    let creation = on.creation(&[("n", "0")]);
    assert_eq!(on.commit(&id, &creation).await, Committed);
    let mut lost = on.set("n", Base::Is(Bytes::from_static(b"0")), "1");
    if let DeltaKind::Change(change) = &mut lost.kind {
        change.known = creation.nonce;
    }
    for value in ["1", "0"] {
        let other = on.set("n", Base::Any, value);
        assert_eq!(on.commit(&id, &other).await, Committed);
    }
    assert_eq!(on.commit(&id, &lost.repeated()).await, Unknown);
    assert_eq!(on.value(&id, "n").await.as_deref(), Some(&b"0"[..]));
    assert_eq!(on.commit(&id, &lost).await, Committed);
    assert_eq!(on.commit(&id, &lost.repeated()).await, Committed);
    // Even if one of the others renewed the session: this may have happened before that.
    assert_eq!(on.commit(&id, &on.renewal(2)).await, Committed);
    assert_eq!(on.commit(&id, &lost.repeated()).await, Unknown);
}

pub(super) async fn of_concurrent_rotations_one_wins(on: &Subject<impl SessionStore>) {
    let id = on.session(&[("a", "1")]).await;
    let rotations = (2..10).map(|to| (id, on.rotation(1, to, SOON)));
    let answers = at_once(on, rotations.collect()).await;
    let winners = answers.iter().filter(|answer| **answer == Committed);
    assert_eq!(winners.count(), 1, "{answers:?}");
    assert_eq!(on.value(&id, "a").await.as_deref(), Some(&b"1"[..]));
}

pub(super) async fn a_rotation_settles_before_the_next(on: &Subject<impl SessionStore>) {
    let id = on.session(&[]).await;
    let presents = on.change(|change| change.presents = Some(Verifier([2; 32])));
    let rows = [
        (on.rotation(1, 2, SOON), Committed),
        (on.rotation(2, 3, SOON), Superseded),
        // To hand out the same successor again is no other rotation.
        (on.rotation(1, 2, SOON), Committed),
        (presents, Committed),
        (on.rotation(1, 2, SOON), Superseded),
        (on.rotation(2, 3, SOON), Superseded),
        (on.rotation(1, 3, DEFAULT_GRACE), Superseded),
        (on.rotation(2, 3, DEFAULT_GRACE), Committed),
    ];
    for (row, (delta, answer)) in rows.into_iter().enumerate() {
        assert_eq!(on.commit(&id, &delta).await, answer, "row {row}");
    }
}

pub(super) async fn a_successor_is_presented_once_and_its_seal_erased_after_the_grace(
    on: &Subject<impl SessionStore>,
) {
    let id = on.session(&[]).await;
    let write = |presents: u8, after: Duration| {
        let delta = on.change(|change| change.presents = Some(Verifier([presents; 32])));
        let now = on.now.after(after);
        Delta { now, ..delta }
    };
    let second = Duration::from_secs(1);
    let rows = [
        (on.rotation(1, 2, SOON), true, None),
        (write(1, SOON), true, None),
        (write(2, second), true, Some(on.now.after(second))),
        (write(2, 2 * second), true, Some(on.now.after(second))),
        (write(1, DEFAULT_GRACE), true, Some(on.now.after(second))),
        (
            write(1, DEFAULT_GRACE + second),
            false,
            Some(on.now.after(second)),
        ),
    ];
    for (row, (delta, is_sealed, presented)) in rows.into_iter().enumerate() {
        assert_eq!(on.commit(&id, &delta).await, Committed, "row {row}");
        assert_eq!(
            successor(on, &id).await,
            Some((is_sealed, presented)),
            "row {row}"
        );
    }
}

/// Whether the successor of a rotation is still sealed in the record, and when it was presented.
async fn successor(
    on: &Subject<impl SessionStore>,
    id: &SessionId,
) -> Option<(bool, Option<Timestamp>)> {
    let record = Record::parse(on.load(id).await?).ok()?;
    match record.header.previous?.by {
        Replacement::Renewal => None,
        Replacement::Rotation {
            successor,
            presented,
        } => Some((successor.is_some(), presented)),
    }
}

const SOON: Duration = Duration::ZERO;
