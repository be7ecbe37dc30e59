//! One law per function; its name is the law.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use tokio::task::JoinSet;

use crate::{
    session::{
        delta::{Base, DeltaKind},
        record::Record,
        rotation::REMEMBERED,
    },
    store::{
        CommitAnswer::{self, Committed, Conflict, Gone, Superseded},
        Delta, SessionStore,
        conformance::subject::{LIFETIME, Subject, entry, new_id},
    },
};

pub(super) async fn an_unknown_id_is_absent(on: &Subject<impl SessionStore>) {
    assert_eq!(on.load(&new_id()).await, None);
}

pub(super) async fn a_record_is_read_back_to_the_byte(on: &Subject<impl SessionStore>) {
    let id = new_id();
    let creation = on.creation(&[("null", "null"), ("empty", ""), ("any", "\u{0}\r\n\u{e9}")]);
    assert_eq!(on.commit(&id, &creation).await, Committed);
    let DeltaKind::Create(record) = creation.kind else {
        return;
    };
    assert_eq!(on.load(&id).await.as_ref(), Some(record.as_bytes()));
}

pub(super) async fn a_creation_never_overwrites(on: &Subject<impl SessionStore>) {
    let id = on.session(&[("a", "1")]).await;
    let creation = on.creation(&[("a", "2")]);
    assert_eq!(on.commit(&id, &creation).await, Superseded);
    assert_eq!(on.value(&id, "a").await.as_deref(), Some(&b"1"[..]));
}

pub(super) async fn a_repeated_commit_has_the_effect_of_one(on: &Subject<impl SessionStore>) {
    let id = new_id();
    let base = Base::Is(Bytes::from_static(b"1"));
    let deltas = [
        on.creation(&[("a", "1")]),
        on.set("a", base, "2"),
        on.rotation(1, 2, Duration::ZERO),
        on.renewal(3),
        on.delta(DeltaKind::Destroy),
    ];
    for delta in deltas {
        assert_eq!(on.commit(&id, &delta).await, Committed);
        let once = on.load(&id).await;
        assert_eq!(on.commit(&id, &delta).await, Committed, "again: {delta:?}");
        assert_eq!(on.load(&id).await, once, "twice is as once: {delta:?}");
    }
}

pub(super) async fn what_is_not_there_cannot_be_changed(on: &Subject<impl SessionStore>) {
    let id = new_id();
    assert_eq!(on.commit(&id, &on.set("a", Base::Any, "1")).await, Gone);
    assert_eq!(on.commit(&id, &on.delta(DeltaKind::Destroy)).await, Gone);
    assert_eq!(on.load(&id).await, None);
}

pub(super) async fn a_renewed_session_refuses_what_began_before(on: &Subject<impl SessionStore>) {
    let id = on.session(&[]).await;
    let renewal = on.renewal(2);
    assert_eq!(on.commit(&id, &renewal).await, Committed);
    for late in [on.set("a", Base::Any, "1"), on.rotation(2, 3, REMEMBERED)] {
        assert_eq!(on.commit(&id, &late).await, Superseded, "{late:?}");
    }
    assert_eq!(on.value(&id, "a").await, None);
    // The repeated renewal is recognised even after another commit.
    let next = on.change(|change| change.epoch = 1);
    assert_eq!(on.commit(&id, &next).await, Committed);
    assert_eq!(on.commit(&id, &renewal).await, Committed);
}

pub(super) async fn a_destroyed_session_does_not_come_back(on: &Subject<impl SessionStore>) {
    let id = on.session(&[("a", "1")]).await;
    assert_eq!(
        on.commit(&id, &on.delta(DeltaKind::Destroy)).await,
        Committed
    );
    let late = [
        (on.set("a", Base::Any, "2"), Gone),
        (on.rotation(1, 2, Duration::ZERO), Gone),
        (on.delta(DeltaKind::Destroy), Gone),
        (on.creation(&[("a", "2")]), Superseded),
    ];
    for (delta, answer) in late {
        assert_eq!(on.commit(&id, &delta).await, answer, "{delta:?}");
    }
    assert_eq!(on.value(&id, "a").await, None);
}

pub(super) async fn a_session_past_its_limits_cannot_be_changed(on: &Subject<impl SessionStore>) {
    let id = on.session(&[]).await;
    let idle = on.change(|change| change.loaded = on.now.after(LIFETIME.idle()));
    assert_eq!(on.commit(&id, &idle).await, Gone);
    let in_time = Delta {
        now: on.now.after(LIFETIME.absolute() - Duration::from_millis(1)),
        ..on.change(|_| {})
    };
    assert_eq!(on.commit(&id, &in_time).await, Committed);
    let late = Delta {
        now: on.now.after(LIFETIME.absolute()),
        ..on.change(|_| {})
    };
    let rotation = on.rotation(1, 2, LIFETIME.absolute());
    for late in [late, rotation] {
        assert_eq!(on.commit(&id, &late).await, Gone, "{late:?}");
    }
}

pub(super) async fn a_value_that_changed_is_a_conflict(on: &Subject<impl SessionStore>) {
    let id = on.session(&[("a", "1"), ("null", "null")]).await;
    let before = on.load(&id).await;
    let is = |value| Base::Is(Bytes::from_static(value));
    for (key, base) in [
        ("a", Base::Absent),
        ("a", is(b"2")),
        ("b", is(b"1")),
        ("null", Base::Absent),
    ] {
        let delta = on.set(key, base, "3");
        let answer = on.commit(&id, &delta).await;
        assert_eq!(Some(answer), before.clone().map(Conflict), "{delta:?}");
    }
    for (key, base) in [("a", is(b"1")), ("b", Base::Absent), ("null", is(b"null"))] {
        let delta = on.set(key, base, "3");
        assert_eq!(on.commit(&id, &delta).await, Committed, "{delta:?}");
    }
}

pub(super) async fn a_record_does_not_outgrow_its_limit(on: &Subject<impl SessionStore>) {
    let id = on.session(&[("a", "1234567890")]).await;
    let limited = |value| {
        on.change(|change| {
            change.max_len = 100;
            change.entries.push(entry("a", Base::Any, Some(value)));
        })
    };
    let grown = on.commit(&id, &limited("12345678901")).await;
    assert!(matches!(grown, Conflict(_)), "{grown:?}");
    assert_eq!(on.commit(&id, &limited("0987654321")).await, Committed);
    assert_eq!(on.commit(&id, &limited("1")).await, Committed);
}

pub(super) async fn different_keys_never_conflict(on: &Subject<impl SessionStore>) {
    let id = on.session(&[]).await;
    let keys: Vec<_> = (0..26).map(|key| key.to_string()).collect();
    let deltas = keys.iter().map(|key| on.set(key, Base::Absent, key));
    let answers = at_once(on, deltas.map(|delta| (id, delta)).collect()).await;
    assert!(
        answers.iter().all(|answer| *answer == Committed),
        "{answers:?}"
    );
    for key in &keys {
        assert_eq!(on.value(&id, key).await.as_deref(), Some(key.as_bytes()));
    }
}

pub(super) async fn one_of_concurrent_updates_of_a_value_is_committed(
    on: &Subject<impl SessionStore>,
) {
    let id = on.session(&[("n", "0")]).await;
    for round in 0..8 {
        let base = on.value(&id, "n").await.unwrap_or_default();
        let deltas =
            (0..8).map(|value| on.set("n", Base::Is(base.clone()), &format!("{round}.{value}")));
        let answers = at_once(on, deltas.map(|delta| (id, delta)).collect()).await;
        let committed = answers
            .iter()
            .filter(|answer| **answer == Committed)
            .count();
        assert_eq!(
            committed, 1,
            "of updates of one value one is committed: {answers:?}"
        );
    }
}

pub(super) async fn one_creation_wins(on: &Subject<impl SessionStore>) {
    let id = new_id();
    let deltas = (0..8).map(|value| on.creation(&[("a", &value.to_string())]));
    let answers = at_once(on, deltas.map(|delta| (id, delta)).collect()).await;
    let committed = answers
        .iter()
        .filter(|answer| **answer == Committed)
        .count();
    assert_eq!(committed, 1, "{answers:?}");
    let record = on.load(&id).await.map(Record::parse);
    assert!(matches!(record, Some(Ok(_))), "{record:?}");
}

pub(super) async fn at_once<S: SessionStore>(
    on: &Subject<S>,
    commits: Vec<(crate::SessionId, Delta)>,
) -> Vec<CommitAnswer> {
    let mut tasks = JoinSet::new();
    for (id, delta) in commits {
        let store = Arc::clone(&on.store);
        tasks.spawn(async move { store.commit(&id, &delta).await });
    }
    let answers = tasks.join_all().await.into_iter();
    let answers = answers.collect::<Result<_, _>>();
    answers.unwrap_or_else(|error| crate::store::conformance::subject::fail("commit", &error))
}
