//! What a list says of the sessions of somebody.

use tower_session_layer::{Lifetime, SessionErrorKind};

use crate::{
    common::app::said,
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
async fn an_owner_comes_with_a_new_token() {
    let needs_renewal = said(SessionErrorKind::NeedsRenewal);
    for site in Site::all().await {
        let guest = site.visitor();
        guest.get("/insert:a:1").await;
        let (ann, id) = site.signed_in("ann").await;
        let rows = [
            (&guest, "/owner:ann", &*needs_renewal),
            (&ann, "/owner:bob", &needs_renewal),
            (&ann, "/owner:ann/get_owner", "ann"),
            (&guest, "/renew/owner:bob/get_owner", "bob"),
        ];
        for (visitor, path, text) in rows {
            assert_eq!(visitor.get(path).await.text, text, "{}: {path}", site.name);
        }
        assert_eq!(site.listed("ann").await, [id], "{}", site.name);
        assert_eq!(site.listed("bob").await, [id_of(&guest).await]);
    }
}

#[tokio::test]
async fn names_and_details_have_limits_and_are_no_values_of_the_session() {
    let (name, details) = ("n".repeat(255), "d".repeat(1022));
    let rows = [
        (
            "/sign_in/owner:".into(),
            said(SessionErrorKind::InvalidOwner),
        ),
        (
            format!("/sign_in/owner:{name}n"),
            said(SessionErrorKind::InvalidOwner),
        ),
        (
            format!("/details:{details}d"),
            said(SessionErrorKind::TooLarge),
        ),
        (
            format!("/sign_in/owner:{name}/details:{details}"),
            String::new(),
        ),
        (
            "/insert:@owner:ann".into(),
            said(SessionErrorKind::InvalidKey),
        ),
        (
            "/keys/contains:@owner/get:@details/remove:@owner".into(),
            " false none false".into(),
        ),
        ("/get_owner/is_empty".into(), format!("{name} true")),
    ];
    for site in Site::all().await {
        let visitor = site.visitor();
        for (path, text) in &rows {
            assert_eq!(&visitor.get(path).await.text, text, "{}: {path}", site.name);
        }
        assert_eq!(site.listed(&name).await, [id_of(&visitor).await]);
    }
}
