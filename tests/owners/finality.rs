//! Who was thrown out stays out, whatever their requests were doing meanwhile.

use std::collections::BTreeSet;

use futures::future::join;
use http::StatusCode;
use session_test_support::Browser;
use tower_session_layer::{AtLimit, SessionErrorKind, SessionId, SessionLayer};

use crate::{
    common::{
        app::{Gate, app, handled},
        duo::{Duo, seen_with},
        race::race_on,
        visitor::{COOKIE, issued, token, with_pause},
    },
    site::{Site, duos_with, id_of, ids, is_over},
};

/// How a session can be ended from outside.
#[derive(Clone, Copy, Debug)]
enum By {
    Id,
    OwnId,
    All,
    Limit,
}

impl By {
    async fn end(self, site: &Site, id: SessionId) {
        let sessions = &site.sessions;
        let is_done = match self {
            Self::Id => sessions.revoke(id).await.unwrap(),
            Self::OwnId => sessions.revoke_of("ann", id).await.unwrap(),
            Self::All => sessions.revoke_all("ann").await.unwrap() == 1,
            Self::Limit => {
                let limited = &site.elsewhere;
                let limited = limited
                    .clone()
                    .with_sessions_per_owner(1, AtLimit::EvictOldest);
                let other = Browser::new(app(&limited));
                let page = other.get("/sign_in/owner:ann").await;
                other.get("/destroy").await;
                page.status == StatusCode::OK
            }
        };
        assert!(is_done, "{}: {self:?}", site.name);
    }
}

/// Proves: asvs_7_4_1.
#[tokio::test]
async fn no_request_in_flight_brings_back_what_was_revoked_or_its_place_in_a_list() {
    let rows = [
        ("/wait/get:a", StatusCode::OK),
        ("/wait/touch", StatusCode::OK),
        ("/wait/rotate", StatusCode::OK),
        ("/wait/insert:b:2", StatusCode::CONFLICT),
        ("/insert:b:2/wait", StatusCode::CONFLICT),
        ("/wait/update:n", StatusCode::CONFLICT),
        ("/wait/update_now:n", StatusCode::CONFLICT),
        ("/wait/take:a", StatusCode::CONFLICT),
        ("/wait/clear", StatusCode::CONFLICT),
        ("/wait/details:x", StatusCode::CONFLICT),
        ("/wait/renew", StatusCode::CONFLICT),
        ("/wait/renew/owner:ann", StatusCode::CONFLICT),
        ("/wait/renew/owner:bob", StatusCode::CONFLICT),
        ("/wait/renew/remember", StatusCode::CONFLICT),
        ("/wait/destroy", StatusCode::OK),
    ];
    for site in Site::all().await {
        for (path, status) in rows {
            for by in [By::Id, By::OwnId, By::All, By::Limit] {
                let case = format!("{}: {path} {by:?}", site.name);
                let (visitor, id) = site.signed_in("ann").await;
                visitor.get("/insert:a:1").await;
                let old = token(&visitor);
                let page = with_pause(&visitor, path, async || by.end(&site, id).await).await;
                assert_eq!(page.status, status, "{case}");
                assert_eq!(issued(&page), None, "{case}");
                visitor.jar().set(COOKIE, &old);
                assert!(is_over(&visitor).await, "{case}");
                assert_eq!(site.listed("ann").await, [], "{case}");
                assert_eq!(site.listed("bob").await, [], "{case}");
            }
        }
    }
}

/// Nor does it end another one to make room for itself.
#[tokio::test]
async fn a_request_whose_session_was_ended_takes_no_room() {
    let rows = ["/wait/renew/owner:ann", "/wait/renew/remember"];
    for at_limit in [AtLimit::EvictOldest, AtLimit::Refuse] {
        let one = |layer: &SessionLayer| layer.clone().with_sessions_per_owner(1, at_limit);
        for site in Site::all_with(one).await {
            for path in rows {
                let case = format!("{}: {path} {at_limit:?}", site.name);
                let (late, id) = site.signed_in("ann").await;
                let page = with_pause(&late, path, async || {
                    site.sessions.revoke(id).await.unwrap();
                    site.signed_in("ann").await;
                });
                assert_eq!(page.await.status, StatusCode::CONFLICT, "{case}");
                assert_eq!(site.listed("ann").await.len(), 1, "{case}");
                site.sessions.revoke_all("ann").await.unwrap();
            }
        }
    }
}

/// Somebody with a stolen cookie is ended, and had just begun to end all others.
#[tokio::test]
async fn who_was_ended_ends_no_others() {
    for site in Site::all().await {
        for renews in [false, true] {
            let (late, id) = site.signed_in("ann").await;
            let (gate, sessions) = (Gate::closed(), site.sessions.clone());
            let waiting = gate.clone();
            let ending = handled(&site.layer, move |session| {
                let (gate, sessions) = (waiting.clone(), sessions.clone());
                async move {
                    if renews {
                        session.renew().unwrap();
                    }
                    gate.pass().await;
                    let error = sessions.revoke_others(&session).await.unwrap_err();
                    assert_eq!(error.kind(), SessionErrorKind::Gone);
                    error.status()
                }
            });
            let late = late.at(ending);
            let (page, ()) = join(late.get("/"), async {
                gate.arrival().await;
                site.sessions.revoke(id).await.unwrap();
                site.signed_in("ann").await;
                gate.open();
            })
            .await;
            assert_eq!(page.status, StatusCode::CONFLICT, "{}", site.name);
            assert_eq!(site.listed("ann").await.len(), 1, "{}", site.name);
            site.sessions.revoke_all("ann").await.unwrap();
        }
    }
}

/// Proves: asvs_7_4_1.
#[tokio::test]
async fn a_sign_in_in_flight_begins_a_session_of_its_own_for_whom_it_names() {
    let rows = [
        ("/wait/sign_in/owner:ann", "ann"),
        ("/sign_in/owner:ann/wait", "ann"),
        ("/wait/sign_in/owner:bob/insert:b:2", "bob"),
        ("/destroy/wait/sign_in/owner:ann", "ann"),
    ];
    let one = |layer: &SessionLayer| layer.clone().with_sessions_per_owner(1, AtLimit::Refuse);
    for site in Site::all_with(one).await {
        for (path, owner) in rows {
            for by in [By::Id, By::OwnId, By::All] {
                let case = format!("{}: {path} {by:?}", site.name);
                let (visitor, id) = site.signed_in("ann").await;
                visitor.get("/insert:a:1").await;
                let page = with_pause(&visitor, path, async || by.end(&site, id).await).await;
                assert_eq!(page.status, StatusCode::OK, "{case}");
                let seen = visitor.get("/get_owner/get:a").await.text;
                assert_eq!(seen, format!("{owner} none"), "{case}");
                let new = id_of(&visitor).await;
                assert_ne!(new, id, "{case}");
                assert_eq!(site.listed(owner).await, [new], "{case}");
                visitor.get("/destroy").await;
                assert_eq!(site.listed(owner).await, [], "{case}");
            }
        }
    }
}

/// The second copy of a form that was sent twice.
#[tokio::test]
async fn a_sign_in_that_meets_another_one_is_listed_too() {
    for site in Site::all().await {
        for begin in ["/sign_in/owner:ann", "/insert:a:1"] {
            let visitor = site.visitor();
            visitor.get(begin).await;
            let other = site.visitor();
            other.jar().set(COOKIE, &token(&visitor));
            let page = with_pause(&visitor, "/sign_in/wait/owner:ann", async || {
                other.get("/sign_in/owner:ann").await;
            });
            assert_eq!(page.await.status, StatusCode::OK, "{}", site.name);
            assert_eq!(site.listed("ann").await.len(), 2, "{}: {begin}", site.name);
            assert_eq!(site.sessions.revoke_all("ann").await.unwrap(), 2);
            assert!(is_over(&visitor).await && is_over(&other).await);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_races_a_revocation_leaves_nothing_behind_unless_it_is_a_sign_in() {
    let duos = duos_with(SessionLayer::clone).await;
    race_on(duos, "revocations", 40, racing_requests).await;
}

pub(super) async fn racing_requests(duo: &Duo, round: usize) {
    let sessions = duo.sessions();
    for path in [
        "/insert:b:2",
        "/update_now:n",
        "/renew/owner:bob",
        "/sign_in/owner:ann",
    ] {
        let [here, there] = duo.visitor();
        let ann = format!("ann-{round}");
        let path = path.replace("ann", &ann);
        here.get(&format!("/sign_in/owner:{ann}")).await;
        let old = here.jar().get(COOKIE).unwrap();
        // One of them has to come first: they take turns.
        let revoke = async {
            for _ in 0..round % 8 {
                tokio::task::yield_now().await;
            }
            sessions.revoke_all(&ann).await.unwrap()
        };
        let (page, _) = join(there.get(&path), revoke).await;
        assert!([200, 409].contains(&page.status.as_u16()), "{path}");
        assert_eq!(seen_with(&old, &here, "/is_new").await, "true", "{path}");
        let owner = here.get("/mark_passive/get_owner").await.text;
        let mut seen = BTreeSet::new();
        for listed in [&*ann, "bob"] {
            let ids = ids(&sessions, listed).await;
            seen.extend(ids.iter().map(|_| listed.to_owned()));
            sessions.revoke_all(listed).await.unwrap();
        }
        let alive: BTreeSet<_> = Some(owner).into_iter().filter(|it| it != "none").collect();
        assert_eq!(
            seen, alive,
            "{path}: what lives is listed, and nothing else"
        );
    }
}
