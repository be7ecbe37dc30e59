//! How sessions are ended from outside.

use http::StatusCode;
use session_test_support::Browser;
use tower_session_layer::{SessionId, Sessions};

use crate::{
    common::{app::handled, visitor::COOKIE},
    site::{Site, id_of, is_over},
};

/// Proves: asvs_7_4_5.
#[tokio::test]
async fn whichever_session_is_revoked_is_over_and_listed_no_more() {
    for site in Site::all().await {
        let all = site.all_signed_in(&["ann", "ann", "bob"]).await;
        let [ann, other, bob] = &all[..] else {
            panic!("three")
        };
        let guest = site.visitor();
        guest.get("/insert:a:1").await;
        let sessions = &site.sessions;
        assert!(!sessions.revoke_of("bob", ann.1).await.unwrap(), "not his");
        assert!(sessions.revoke_of("ann", ann.1).await.unwrap());
        assert!(
            !sessions.revoke_of("ann", ann.1).await.unwrap(),
            "only once"
        );
        assert!(sessions.revoke(bob.1).await.unwrap());
        assert!(!sessions.revoke(bob.1).await.unwrap(), "only once");
        let of_guest = id_of(&guest).await;
        assert!(!sessions.revoke_of("ann", of_guest).await.unwrap());
        assert!(sessions.revoke(of_guest).await.unwrap());
        for (visitor, is_revoked) in [
            (&ann.0, true),
            (&other.0, false),
            (&bob.0, true),
            (&guest, true),
        ] {
            assert_eq!(is_over(visitor).await, is_revoked, "{}", site.name);
        }
        assert_eq!(site.listed("ann").await, [other.1], "{}", site.name);
        assert_eq!(site.listed("bob").await, [], "{}", site.name);
        let nobody: SessionId = "00000000-0000-4000-8000-000000000000".parse().unwrap();
        assert!(!sessions.revoke(nobody).await.unwrap());
    }
}

/// Proves: asvs_7_4_2, asvs_7_4_5.
#[tokio::test]
async fn all_sessions_of_an_account_end_at_once_and_no_others() {
    for site in Site::all().await {
        let all = site.all_signed_in(&["ann", "bob", "ann", "ann"]).await;
        all[3].0.get("/destroy").await;
        assert_eq!(site.sessions.revoke_all("ann").await.unwrap(), 2);
        assert_eq!(site.sessions.revoke_all("ann").await.unwrap(), 0);
        for (visitor, is_revoked) in [(&all[0], true), (&all[2], true), (&all[1], false)] {
            assert_eq!(is_over(&visitor.0).await, is_revoked, "{}", site.name);
        }
        assert_eq!(site.listed("ann").await, []);
        assert_eq!(site.listed("bob").await, [all[1].1], "{}", site.name);
    }
}

#[tokio::test]
async fn what_had_ended_by_itself_is_not_counted_among_what_was_revoked() {
    for site in Site::all().await {
        let (_old, old) = site.signed_in("ann").await;
        let (_idle, _) = site.signed_in("ann").await;
        site.clock.pass(31 * 60);
        let (_live, _) = site.signed_in("ann").await;
        assert!(!site.sessions.revoke(old).await.unwrap(), "{}", site.name);
        assert!(!site.sessions.revoke_of("ann", old).await.unwrap());
        assert_eq!(
            site.sessions.revoke_all("ann").await.unwrap(),
            1,
            "{}",
            site.name
        );
    }
}

/// Proves: asvs_7_4_3, asvs_7_5_2.
#[tokio::test]
async fn after_a_change_of_credentials_all_others_end_and_this_one_goes_on_renewed() {
    for site in Site::all().await {
        let all = site.all_signed_in(&["ann", "ann", "bob", "ann"]).await;
        let changes_password = |sessions: Sessions| {
            handled(&site.elsewhere, move |session| {
                let sessions = sessions.clone();
                async move {
                    session.renew().unwrap();
                    assert_eq!(sessions.revoke_others(&session).await.unwrap(), 2);
                    let list = sessions.list("ann").await.unwrap();
                    assert!(list.iter().all(|it| it.is_current(&session)));
                    StatusCode::OK
                }
            })
        };
        let here = all[1].0.at(changes_password(site.sessions.clone()));
        let old = here.jar().get(COOKIE);
        assert_eq!(here.get("/").await.status, StatusCode::OK);
        assert_ne!(here.jar().get(COOKIE), old, "renewed");
        for (at, is_revoked) in [true, false, false, true].into_iter().enumerate() {
            assert_eq!(is_over(&all[at].0).await, is_revoked, "{}: {at}", site.name);
        }
        assert_eq!(site.listed("ann").await, [all[1].1], "{}", site.name);
        let guest = Browser::new(handled(&site.layer, {
            let sessions = site.sessions.clone();
            move |session| {
                let sessions = sessions.clone();
                async move {
                    assert_eq!(sessions.revoke_others(&session).await.unwrap(), 0);
                    StatusCode::OK
                }
            }
        }));
        assert_eq!(
            guest.get("/").await.status,
            StatusCode::OK,
            "nobody's others"
        );
    }
}
