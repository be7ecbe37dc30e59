//! Tests of the laws of a [`SessionStore`], for those who write one.
//!
//! ```
//! # #[cfg(feature = "memory")] tokio_test::block_on(async {
//! use tower_session_layer::store::{MemoryStore, conformance};
//!
//! conformance::run(MemoryStore::new()).await;
//! # });
//! ```

mod laws;
mod owners;
mod random;
mod rotations;
mod subject;

use crate::store::SessionStore;

/// Runs every law against a store, in the presence of whatever else it holds.
///
/// It needs a tokio runtime. The sessions that it makes are left behind, with lifetimes of minutes.
///
/// # Panics
///
/// If the store breaks a law; the message says which, and how.
pub async fn run(store: impl SessionStore) {
    let subject = subject::Subject::new(store);
    laws::an_unknown_id_is_absent(&subject).await;
    laws::a_record_is_read_back_to_the_byte(&subject).await;
    laws::a_creation_never_overwrites(&subject).await;
    laws::a_repeated_commit_has_the_effect_of_one(&subject).await;
    laws::what_is_not_there_cannot_be_changed(&subject).await;
    laws::a_renewed_session_refuses_what_began_before(&subject).await;
    laws::a_destroyed_session_does_not_come_back(&subject).await;
    laws::a_session_past_its_limits_cannot_be_changed(&subject).await;
    laws::a_value_that_changed_is_a_conflict(&subject).await;
    laws::a_record_does_not_outgrow_its_limit(&subject).await;
    laws::different_keys_never_conflict(&subject).await;
    laws::one_of_concurrent_updates_of_a_value_is_committed(&subject).await;
    laws::one_creation_wins(&subject).await;
    rotations::a_repeated_commit_that_others_followed_is_unknown(&subject).await;
    rotations::of_concurrent_rotations_one_wins(&subject).await;
    rotations::a_rotation_settles_before_the_next(&subject).await;
    rotations::a_successor_is_presented_once_and_its_seal_erased_after_the_grace(&subject).await;
    random::every_commit_does_what_apply_does(&subject).await;
}

/// Runs the laws of stores that keep account of owners, see [`SessionStore::owned_by`].
///
/// It needs a tokio runtime. The sessions that it makes are left behind, with lifetimes of minutes.
///
/// ```
/// # #[cfg(feature = "memory")] tokio_test::block_on(async {
/// use tower_session_layer::store::{MemoryStore, conformance};
///
/// conformance::run_with_owners(MemoryStore::new()).await;
/// # });
/// ```
///
/// # Panics
///
/// If the store breaks a law; the message says which, and how.
pub async fn run_with_owners(store: impl SessionStore) {
    let subject = subject::Subject::new(store);
    owners::a_session_is_found_by_its_owner_until_it_ends(&subject).await;
    owners::what_is_found_has_its_record(&subject).await;
    owners::a_session_that_gets_another_owner_is_found_by_that_one_alone(&subject).await;
    owners::a_session_does_not_outlive_its_account(&subject).await;
    owners::an_owner_has_no_more_sessions_than_they_may(&subject).await;
    owners::a_session_that_ended_is_gone_also_where_there_is_no_room(&subject).await;
    owners::of_sessions_that_begin_at_once_as_many_are_admitted_as_may_be(&subject).await;
}
