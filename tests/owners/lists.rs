//! What a list says of the sessions of somebody, and how they are ended by it.

use http::StatusCode;
use session_test_support::Browser;
use tower_session_layer::{Lifetime, SessionErrorKind, SessionId, Sessions};

use crate::{
    common::{
        app::{handled, said},
        visitor::COOKIE,
    },
    site::{Site, id_of, is_over, sorted},
};

/// Proves: asvs_7_5_2.
#[tokio::test]
async fn a_list_has_the_live_sessions_of_its_owner_and_nobody_elses() {
    for site in Site::all().await {
        assert_eq!(site.listed("ann").await, [], "{}", site.name);
        let all = site.all_signed_in(&["ann", "bob", "ann", "ann"]).await;
        site.visitor().get("/sign_in/insert:a:1").await;
        let ids = |of: &[usize]| sorted(of.iter().map(|it| all[*it].1));
        assert_eq!(site.listed("ann").await, ids(&[0, 2, 3]), "{}", site.name);
        assert_eq!(site.listed("bob").await, ids(&[1]), "{}", site.name);
        all[2].0.get("/destroy").await;
        assert_eq!(site.listed("ann").await, ids(&[0, 3]), "{}", site.name);
        assert_eq!(site.listed("an").await, [], "{}", site.name);
    }
}

#[tokio::test]
async fn who_was_used_last_comes_first_with_its_times_and_details() {
    for site in Site::all().await {
        let began = site.clock.now();
        let first = site.visitor();
        first.get("/sign_in/owner:ann/details:Firefox").await;
        site.clock.pass(10);
        let (second, second_id) = site.signed_in("ann").await;
        site.clock.pass(600);
        first.get("/insert:a:1").await;
        let list = site.sessions.list("ann").await.unwrap();
        let ids: Vec<_> = list.iter().map(|it| it.id()).collect();
        assert_eq!(ids, [id_of(&first).await, second_id], "{}", site.name);
        let [used, unused] = &list[..] else {
            panic!("two sessions")
        };
        let lifetime = Lifetime::default();
        assert_eq!(used.created_at(), began);
        assert_eq!(used.authenticated_at(), Some(began));
        assert_eq!(used.last_used_at(), site.clock.now());
        assert_eq!(used.expires_at(), site.clock.now() + lifetime.idle());
        assert_eq!(used.lifetime(), lifetime);
        assert_eq!(used.details::<String>().unwrap().unwrap(), "Firefox");
        assert_eq!(unused.details::<String>().unwrap(), None);
        let error = used.details::<u64>().unwrap_err();
        assert_eq!(error.kind(), SessionErrorKind::Decode);
        site.clock.pass(1);
        second.get("/details:Chrome").await;
        assert_eq!(
            second.get("/clear/get_details/get_owner").await.text,
            "Chrome ann"
        );
        let list = site.sessions.list("ann").await.unwrap();
        assert_eq!(list[0].details::<String>().unwrap().unwrap(), "Chrome");
    }
}

#[tokio::test]
async fn what_is_past_either_limit_is_listed_no_more() {
    for site in Site::all().await {
        let (_idle, idle) = site.signed_in("ann").await;
        let (busy, used) = site.signed_in("ann").await;
        assert_eq!(site.listed("ann").await, sorted([idle, used]));
        for _ in 0..2 {
            site.clock.pass(15 * 60);
            busy.get("/touch").await;
        }
        assert_eq!(site.listed("ann").await, [used], "{}: idle", site.name);
        for _ in 0..46 {
            site.clock.pass(15 * 60);
            busy.get("/touch").await;
        }
        assert_eq!(site.listed("ann").await, [], "{}: absolute", site.name);
        assert!(is_over(&busy).await, "{}", site.name);
    }
}

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

#[tokio::test]
async fn a_session_that_changes_hands_is_listed_with_whom_it_is() {
    for site in Site::all().await {
        let (visitor, id) = site.signed_in("ann").await;
        for (path, ann, bob) in [
            ("/sign_in/owner:bob", &[][..], &[id][..]),
            ("/sign_in/owner:ann", &[id], &[]),
            ("/sign_in/owner:ann", &[id], &[]),
            ("/renew/owner:bob/commit/sign_in/owner:ann", &[id], &[]),
            ("/sign_in", &[id], &[]),
            ("/remember", &[id], &[]),
            ("/clear/insert:a:1", &[id], &[]),
            ("/rotate", &[id], &[]),
            ("/renew/owner:bob", &[], &[id]),
        ] {
            visitor.get(path).await;
            assert_eq!(site.listed("ann").await, ann, "{}: {path}", site.name);
            assert_eq!(site.listed("bob").await, bob, "{}: {path}", site.name);
        }
        visitor.get("/destroy/sign_in/owner:ann").await;
        assert_eq!(site.listed("bob").await, [], "{}", site.name);
        assert_eq!(site.listed("ann").await, [id_of(&visitor).await]);
    }
}

#[tokio::test]
async fn a_session_that_was_prolonged_is_listed_as_long_as_it_lives() {
    for site in Site::all().await {
        let (visitor, id) = site.signed_in("ann").await;
        visitor.get("/renew/remember").await;
        for _ in 0..5 {
            site.clock.pass(11 * 24 * 60 * 60);
            assert_eq!(
                visitor.get("/touch/get_owner").await.text,
                "ann",
                "{}",
                site.name
            );
            assert_eq!(site.listed("ann").await, [id], "{}", site.name);
        }
        site.clock.pass(6 * 24 * 60 * 60);
        assert!(is_over(&visitor).await, "{}", site.name);
        assert_eq!(site.listed("ann").await, [], "{}", site.name);
    }
}

#[tokio::test]
async fn an_owner_is_a_name_that_comes_with_a_new_token() {
    let long = "n".repeat(256);
    for site in Site::all().await {
        let guest = site.visitor();
        guest.get("/insert:a:1").await;
        let (ann, _) = site.signed_in("ann").await;
        let rows = [
            (
                &guest,
                "/owner:ann".to_owned(),
                said(SessionErrorKind::NeedsRenewal),
            ),
            (
                &ann,
                "/owner:bob".into(),
                said(SessionErrorKind::NeedsRenewal),
            ),
            (&ann, "/owner:ann/get_owner".into(), "ann".into()),
            (
                &guest,
                "/sign_in/owner:".into(),
                said(SessionErrorKind::InvalidOwner),
            ),
            (
                &guest,
                format!("/sign_in/owner:{long}"),
                said(SessionErrorKind::InvalidOwner),
            ),
            (
                &ann,
                format!("/details:{}", "d".repeat(1023)),
                said(SessionErrorKind::TooLarge),
            ),
            (
                &guest,
                format!("/renew/owner:{}/details:{}", &long[1..], "d".repeat(1022)),
                String::new(),
            ),
            (
                &guest,
                "/insert:@owner:ann".into(),
                said(SessionErrorKind::InvalidKey),
            ),
            (
                &guest,
                "/keys/contains:@owner/get:@details/remove:@owner".into(),
                "a false none false".into(),
            ),
        ];
        for (visitor, path, text) in rows {
            assert_eq!(visitor.get(&path).await.text, text, "{}: {path}", site.name);
        }
        assert_eq!(site.listed("ann").await.len(), 1);
        assert_eq!(
            site.listed(&long[1..]).await,
            [id_of(&guest).await],
            "{}",
            site.name
        );
    }
}
