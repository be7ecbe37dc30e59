//! How many sessions somebody may have, and what becomes of one more.

use futures::future::{Either, join, join_all, select};
use http::{Method, StatusCode, header::CONTENT_TYPE};
use session_test_support::Browser;
use tower_session_layer::{AtLimit, SessionErrorKind, SessionId, SessionLayer};

use crate::{
    common::{
        app::{App, app, handled},
        duo::Duo,
        race::race_on,
        visitor::{COOKIE, token, with_pause},
    },
    site::{Site, duos_with, id_of, ids, is_over, sorted},
};

/// So many, and no more.
fn at_most(most: usize, at_limit: AtLimit) -> impl Fn(&SessionLayer) -> SessionLayer {
    move |layer| layer.clone().with_sessions_per_owner(most, at_limit)
}

type Visitor = (Browser<App>, SessionId);

async fn assert_alive(site: &Site, all: &[Visitor], alive: &[usize], case: &str) {
    for (at, (visitor, _)) in all.iter().enumerate() {
        let lives = !is_over(visitor).await;
        assert_eq!(lives, alive.contains(&at), "{}: {case}: {at}", site.name);
    }
    let ids = sorted(alive.iter().map(|it| all[*it].1));
    assert_eq!(site.listed("ann").await, ids, "{}: {case}", site.name);
}

/// Proves: asvs_7_1_2.
#[tokio::test]
async fn the_one_who_signed_in_the_longest_time_ago_makes_room() {
    for site in Site::all_with(at_most(2, AtLimit::EvictOldest)).await {
        let mut all = Vec::new();
        for alive in [&[0][..], &[0, 1], &[1, 2]] {
            all.push(site.signed_in("ann").await);
            site.clock.pass(60);
            assert_alive(&site, &all, alive, "one after the other").await;
        }
        // It is one of them, so it needs no room; but it is the youngest from now on.
        all[1].0.get("/sign_in/owner:ann").await;
        assert_alive(&site, &all, &[1, 2], "again").await;
        site.signed_in("bob").await;
        assert_alive(&site, &all, &[1, 2], "somebody else").await;
        site.clock.pass(60);
        all.push(site.signed_in("ann").await);
        assert_alive(&site, &all, &[1, 3], "one more").await;
    }
}

/// Proves: asvs_7_1_2.
#[tokio::test]
async fn one_too_many_is_refused_where_nobody_is_to_make_room() {
    for site in Site::all_with(at_most(2, AtLimit::Refuse)).await {
        let all = site.all_signed_in(&["ann", "ann"]).await;
        let other = site.visitor();
        other.get("/sign_in/owner:bob").await;
        for visitor in [&site.visitor(), &other] {
            let before = visitor.jar().line();
            let page = visitor.get("/sign_in/owner:ann").await;
            assert_eq!(page.status, StatusCode::FORBIDDEN, "{}", site.name);
            assert_eq!(
                (page.set_cookie(), page.header("retry-after")),
                (None, None)
            );
            let told = visitor.at(committing(&site.layer));
            assert_eq!(told.get("/").await.status, StatusCode::FORBIDDEN);
            let mut call = visitor.request(Method::POST, "/sign_in/owner:ann");
            call.headers_mut()
                .insert(CONTENT_TYPE, "application/grpc".parse().unwrap());
            let page = visitor.send(call).await;
            assert_eq!(page.header("grpc-status"), Some("7"), "PERMISSION_DENIED");
            assert_eq!(visitor.jar().line(), before, "{}", site.name);
        }
        assert_eq!(other.get("/get_owner").await.text, "bob", "{}", site.name);
        assert_alive(&site, &all, &[0, 1], "refused").await;
        all[0].0.get("/sign_in/owner:ann").await;
        assert_alive(&site, &all, &[0, 1], "again").await;
    }
}

/// An app that is told why its sign-in is refused.
fn committing(layer: &SessionLayer) -> App {
    handled(layer, |session| async move {
        session.sign_in().unwrap();
        session.set_owner("ann").unwrap();
        assert_eq!(
            session.commit().await.unwrap_err().kind(),
            SessionErrorKind::TooManySessions
        );
        StatusCode::OK
    })
}

/// Proves: asvs_7_1_2.
#[tokio::test]
async fn whatever_ended_makes_room_at_once() {
    let one = |at_limit| at_most(1, at_limit);
    for at_limit in [AtLimit::Refuse, AtLimit::EvictOldest] {
        for site in Site::all_with(one(at_limit)).await {
            let (ann, id) = site.signed_in("ann").await;
            ann.get("/destroy").await;
            let (_ann, _) = site.signed_in("ann").await;
            site.sessions.revoke_all("ann").await.unwrap();
            let (_ann, id_of_next) = site.signed_in("ann").await;
            assert_ne!(id, id_of_next);
            site.sessions.revoke(id_of_next).await.unwrap();
            let (_ann, _) = site.signed_in("ann").await;
            // Nobody knows whose session a token from before a renewal ends.
            let (ann, _) = site.signed_in("bob").await;
            let old = token(&ann);
            ann.get("/renew").await;
            ann.jar().set(COOKIE, &old);
            ann.get("/destroy").await;
            let (_bob, _) = site.signed_in("bob").await;
            site.clock.pass(31 * 60);
            let (ann, _) = site.signed_in("ann").await;
            for _ in 0..48 {
                ann.get("/touch").await;
                site.clock.pass(15 * 60);
            }
            let (_ann, id) = site.signed_in("ann").await;
            assert_eq!(site.listed("ann").await, [id], "{}", site.name);
        }
    }
}

#[tokio::test]
async fn those_that_were_there_before_there_was_a_limit_leave_at_the_next_sign_in() {
    for site in Site::all().await {
        let mut all = Vec::new();
        for _ in 0..5 {
            all.push(site.signed_in("ann").await);
            site.clock.pass(1);
        }
        let limited = at_most(2, AtLimit::EvictOldest)(&site.layer);
        assert_alive(&site, &all, &[0, 1, 2, 3, 4], "before").await;
        let visitor = Browser::new(app(&limited));
        assert_eq!(
            visitor.get("/sign_in/owner:ann").await.status,
            StatusCode::OK
        );
        let id = id_of(&visitor).await;
        all.push((visitor, id));
        assert_alive(&site, &all, &[4, 5], "after").await;
    }
}

/// Proves: asvs_7_1_2.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_many_who_sign_in_at_once_there_are_never_more_than_may_be() {
    let duos = duos_with(at_most(LIMIT, AtLimit::EvictOldest)).await;
    race_on(duos, "evictions", 3, evictions).await;
    let duos = duos_with(at_most(LIMIT, AtLimit::Refuse)).await;
    race_on(duos, "refusals", 3, refusals).await;
}

/// Each of them comes in, and the last ones stay.
pub(super) async fn evictions(duo: &Duo, round: usize) {
    let statuses = storm(duo, &format!("evicted-{round}")).await;
    assert_eq!(statuses, [StatusCode::OK; CROWD]);
}

/// As many come in as may.
pub(super) async fn refusals(duo: &Duo, round: usize) {
    let statuses = storm(duo, &format!("refused-{round}")).await;
    let admitted = statuses.iter().filter(|it| **it == StatusCode::OK).count();
    assert_eq!(admitted, LIMIT, "{statuses:?}");
    let refused = statuses.iter().filter(|it| **it == StatusCode::FORBIDDEN);
    assert_eq!(refused.count(), CROWD - LIMIT, "{statuses:?}");
}

/// A crowd signs in as `owner` at two servers, while somebody looks all the time.
async fn storm(duo: &Duo, owner: &str) -> Vec<StatusCode> {
    let sessions = duo.sessions();
    let crowd: Vec<_> = (0..CROWD).map(|at| duo.visitor()[at % 2].clone()).collect();
    let path = format!("/sign_in/owner:{owner}");
    let sign_ins = Box::pin(join_all(crowd.iter().map(|it| it.get(&path))));
    let watch = Box::pin(async {
        loop {
            let count = sessions.count(owner).await.unwrap();
            assert!(count <= LIMIT, "{}: {count}", duo.name());
            tokio::task::yield_now().await;
        }
    });
    let pages = match select(sign_ins, watch).await {
        Either::Left((pages, _)) => pages,
        Either::Right((never, _)) => never,
    };
    assert_eq!(ids(&sessions, owner).await.len(), LIMIT, "{}", duo.name());
    let alive = join_all(crowd.iter().map(|it| it.get("/get_owner"))).await;
    let alive = alive.iter().filter(|page| page.text == owner).count();
    assert_eq!(alive, LIMIT, "{}: what lives is listed", duo.name());
    pages.iter().map(|page| page.status).collect()
}

/// As many enter at once as leave.
#[tokio::test]
async fn a_sign_in_that_loses_its_session_takes_one_place_and_not_two() {
    for site in Site::all_with(at_most(1, AtLimit::Refuse)).await {
        let (visitor, _) = site.signed_in("ann").await;
        let page = with_pause(&visitor, "/sign_in/owner:ann/wait", async || {
            visitor.get("/destroy").await;
        });
        assert_eq!(page.await.status, StatusCode::OK, "{}", site.name);
        assert_eq!(site.listed("ann").await, [id_of(&visitor).await]);
        let (left, right) = join(visitor.get("/destroy"), site.sessions.count("ann")).await;
        assert_eq!(left.status, StatusCode::OK);
        assert!(right.unwrap() <= 1);
        let (_next, id) = site.signed_in("ann").await;
        assert_eq!(site.listed("ann").await, [id], "{}", site.name);
    }
}

const LIMIT: usize = 3;
const CROWD: usize = 20;
