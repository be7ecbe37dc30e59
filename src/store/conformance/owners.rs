//! The laws of stores that keep account of owners.

use std::{num::NonZeroUsize, time::SystemTime};

use bytes::Bytes;

use crate::{
    session::{
        delta::{Base, Delta, DeltaKind, Renewal},
        lifetime::{Lifetime, Timestamp},
        owner::{Account, Listing},
        token::{SessionId, Verifier},
    },
    store::{
        CommitAnswer::{Committed, Conflict, Full, Gone, Superseded},
        SessionStore,
        conformance::{
            laws::at_once,
            subject::{LIFETIME, Subject, entry, fail, new_id},
        },
    },
};

pub(super) async fn a_session_is_found_by_its_owner_until_it_ends(on: &Subject<impl SessionStore>) {
    let [ann, bob] = [owner(), owner()];
    assert_eq!(on.sessions_of(&ann).await, []);
    let (first, second) = (on.session_of(&ann).await, on.session_of(&ann).await);
    let other = on.session_of(&bob).await;
    assert_eq!(on.sessions_of(&ann).await, sorted([first, second]));
    assert_eq!(on.sessions_of(&bob).await, [other]);
    let end = Delta {
        account: Account::Unlisted((&*ann).into()),
        ..on.delta(DeltaKind::Destroy)
    };
    assert_eq!(on.commit(&first, &end).await, Committed);
    assert_eq!(on.sessions_of(&ann).await, [second]);
    let over = on.now.after(LIFETIME.absolute());
    assert_eq!(on.sessions_at(&ann, over).await, []);
}

pub(super) async fn what_is_found_has_its_record(on: &Subject<impl SessionStore>) {
    let ann = owner();
    let id = on.session_of(&ann).await;
    let change = on.set("a", Base::Any, "1");
    assert_eq!(on.commit(&id, &change).await, Committed);
    let found = on.owned_by(&ann, on.now).await;
    assert_eq!(found, [(id, on.load(&id).await.unwrap_or_default())]);
}

pub(super) async fn a_session_that_gets_another_owner_is_found_by_that_one_alone(
    on: &Subject<impl SessionStore>,
) {
    let [ann, bob] = [owner(), owner()];
    let id = on.session_of(&ann).await;
    for (epoch, (from, to)) in [(&ann, &bob), (&bob, &ann)].into_iter().enumerate() {
        let change = on.change_of_owner(to, epoch, None);
        assert_eq!(on.commit(&id, &change).await, Committed);
        assert_eq!(on.sessions_of(from).await, []);
        assert_eq!(on.sessions_of(to).await, [id]);
    }
}

pub(super) async fn a_session_does_not_outlive_its_account(on: &Subject<impl SessionStore>) {
    let ann = owner();
    let id = on.session_of(&ann).await;
    let longer = Lifetime::new(LIFETIME.idle(), LIFETIME.absolute() * 2);
    let prolong = |until| Delta {
        account: listing(&ann, until, None),
        ..on.change(|change| change.lifetime = Some(longer))
    };
    let present = on.load(&id).await;
    let unaware = on
        .commit(&id, &prolong(on.now.after(LIFETIME.absolute())))
        .await;
    assert_eq!(Some(unaware), present.map(Conflict));
    let until = on.now.after(longer.absolute());
    assert_eq!(on.commit(&id, &prolong(until)).await, Committed);
    assert_eq!(on.sessions_at(&ann, Timestamp(until.0 - 1)).await, [id]);
    assert_eq!(on.sessions_at(&ann, until).await, []);
}

pub(super) async fn an_owner_has_no_more_sessions_than_they_may(on: &Subject<impl SessionStore>) {
    let ann = owner();
    let (first, second) = (on.session_of(&ann).await, on.session_of(&ann).await);
    let third = new_id();
    assert_eq!(
        on.commit(&third, &on.beginning(&ann, NonZeroUsize::new(2)))
            .await,
        Full
    );
    assert_eq!(on.load(&third).await, None, "nothing was applied");
    let again = on.change_of_owner(&ann, 0, NonZeroUsize::new(2));
    assert_eq!(
        on.commit(&first, &again).await,
        Committed,
        "it is one of them"
    );
    let end = Delta {
        account: Account::Unlisted((&*ann).into()),
        ..on.delta(DeltaKind::Destroy)
    };
    assert_eq!(on.commit(&second, &end).await, Committed);
    assert_eq!(
        on.commit(&third, &on.beginning(&ann, NonZeroUsize::new(2)))
            .await,
        Committed
    );
    assert_eq!(on.sessions_of(&ann).await, sorted([first, third]));
}

/// It would else make room for itself.
pub(super) async fn a_session_that_ended_is_gone_also_where_there_is_no_room(
    on: &Subject<impl SessionStore>,
) {
    let (ann, bob) = (owner(), owner());
    let late = on.session_of(&bob).await;
    on.session_of(&ann).await;
    let end = on.delta(DeltaKind::Destroy);
    assert_eq!(on.commit(&late, &end).await, Committed);
    let change = on.change_of_owner(&ann, 0, NonZeroUsize::new(1));
    assert_eq!(on.commit(&late, &change).await, Gone);
    let renewed = on.session_of(&bob).await;
    assert_eq!(on.commit(&renewed, &on.renewal(9)).await, Committed);
    let change = on.change_of_owner(&ann, 0, NonZeroUsize::new(1));
    assert_eq!(on.commit(&renewed, &change).await, Superseded);
}

pub(super) async fn of_sessions_that_begin_at_once_as_many_are_admitted_as_may_be(
    on: &Subject<impl SessionStore>,
) {
    for limit in 1..=3 {
        let ann = owner();
        let beginnings = (0..8).map(|_| (new_id(), on.beginning(&ann, NonZeroUsize::new(limit))));
        let answers = at_once(on, beginnings.collect()).await;
        let committed = answers.iter().filter(|it| **it == Committed).count();
        assert_eq!(committed, limit, "{answers:?}");
        assert_eq!(on.sessions_of(&ann).await.len(), limit);
    }
}

impl<S: SessionStore> Subject<S> {
    fn beginning(&self, owner: &str, limit: Option<NonZeroUsize>) -> Delta {
        Delta {
            account: listing(owner, self.now.after(LIFETIME.absolute()), limit),
            ..self.creation(&[("@owner", &as_json(owner))])
        }
    }

    async fn session_of(&self, owner: &str) -> SessionId {
        let id = new_id();
        assert_eq!(
            self.commit(&id, &self.beginning(owner, None)).await,
            Committed
        );
        id
    }

    /// A renewal in this epoch that gives the session to `owner`.
    fn change_of_owner(&self, owner: &str, epoch: usize, limit: Option<NonZeroUsize>) -> Delta {
        let change = self.change(|change| {
            change.epoch = epoch as u32;
            change.renewal = Some(Renewal {
                verifier: Verifier([epoch as u8 + 2; 32]),
                authenticated: None,
            });
            let owner = entry("@owner", Base::Any, Some(&as_json(owner)));
            change.entries.push(owner);
        });
        Delta {
            account: listing(owner, self.now.after(LIFETIME.absolute()), limit),
            ..change
        }
    }

    async fn sessions_of(&self, owner: &str) -> Vec<SessionId> {
        self.sessions_at(owner, self.now).await
    }

    async fn sessions_at(&self, owner: &str, now: Timestamp) -> Vec<SessionId> {
        let owned = self.owned_by(owner, now).await.into_iter();
        sorted(owned.map(|(id, _)| id))
    }

    async fn owned_by(&self, owner: &str, now: Timestamp) -> Vec<(SessionId, Bytes)> {
        let owned = self.store.owned_by(owner, SystemTime::from(now)).await;
        owned.unwrap_or_else(|error| fail("owned_by", &error))
    }
}

fn listing(owner: &str, until: Timestamp, limit: Option<NonZeroUsize>) -> Account {
    Account::Listed(Listing {
        owner: owner.into(),
        until,
        limit,
    })
}

fn sorted(ids: impl IntoIterator<Item = SessionId>) -> Vec<SessionId> {
    let mut ids: Vec<_> = ids.into_iter().collect();
    ids.sort();
    ids
}

fn as_json(owner: &str) -> String {
    format!("{owner:?}")
}

/// Somebody whom the store has never heard of.
fn owner() -> String {
    format!("ann \"\u{e9}\" {}", new_id())
}
