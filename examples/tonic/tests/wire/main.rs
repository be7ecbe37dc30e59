//! The example over the wire: what visitors of the server experience.
#![allow(clippy::unwrap_used)]

mod clients;
mod outage;
mod visitor;

use session_test_support::{Http, Redis, stories};
use tokio::task::JoinSet;
use tonic::Code;

use crate::visitor::{PROGRAM, Visitor, serve};

stories!(PROGRAM, Http::Two, a_server_that_cannot_start_says_why);

#[tokio::test]
async fn two_servers_on_one_redis_share_a_session() {
    let redis = Redis::start();
    let (_here, here) = serve(Some(&redis));
    let (_there, there) = serve(Some(&redis));
    let here = Visitor::new(here).await;
    let there = here.at(there).await;

    for (visitor, count) in [(&here, 1), (&there, 2), (&here, 3)] {
        assert_eq!(visitor.visit().await, Ok(count));
    }
    there.sign_in("ann", false).await.unwrap();
    assert_eq!(here.who_am_i().await.as_deref(), Ok("ann"));
    here.sign_out().await.unwrap();
    assert_eq!(there.who_am_i().await, Err(Code::Unauthenticated));
}

#[tokio::test]
async fn visits_at_the_same_time_all_count() {
    let redis = Redis::start();
    let (_here, here) = serve(Some(&redis));
    let (_there, there) = serve(Some(&redis));
    let here = Visitor::new(here).await;
    let there = here.at(there).await;
    assert_eq!(here.visit().await, Ok(1));

    let mut visits = JoinSet::new();
    for _ in 0..25 {
        for visitor in [here.clone(), there.clone()] {
            visits.spawn(async move { visitor.visit().await.unwrap() });
        }
    }
    let mut counts = visits.join_all().await;
    counts.sort_unstable();
    assert_eq!(counts, (2..=51).collect::<Vec<_>>());
}

#[tokio::test]
async fn signing_in_changes_the_token_and_the_old_one_is_nobody() {
    for redis in [None, Some(Redis::start())] {
        let (_server, address) = serve(redis.as_ref());
        let visitor = Visitor::new(address).await;
        assert_eq!(visitor.visit().await, Ok(1));
        let thief = visitor.thief(address).await;

        visitor.sign_in("ann", false).await.unwrap();
        assert_eq!(visitor.who_am_i().await.as_deref(), Ok("ann"));
        assert_eq!(visitor.visit().await, Ok(2), "the session goes on");
        assert_ne!(visitor.cookie(), thief.cookie());
        assert_eq!(thief.who_am_i().await, Err(Code::Unauthenticated));
    }
}

#[tokio::test]
async fn signing_out_takes_the_cookie_and_is_final_for_a_copy_of_it() {
    for redis in [None, Some(Redis::start())] {
        let (_server, address) = serve(redis.as_ref());
        let visitor = Visitor::new(address).await;
        visitor.sign_in("ann", false).await.unwrap();
        let thief = visitor.thief(address).await;
        assert_eq!(thief.who_am_i().await.as_deref(), Ok("ann"));

        visitor.sign_out().await.unwrap();
        assert_eq!(visitor.cookie(), None);
        for visitor in [visitor, thief] {
            assert_eq!(visitor.who_am_i().await, Err(Code::Unauthenticated));
        }
    }
}

#[tokio::test]
async fn only_a_remembered_sign_in_outlives_the_client() {
    let (_server, address) = serve(None);
    let visitor = Visitor::new(address).await;
    for remember in [false, true, false] {
        let metadata = visitor.sign_in("ann", remember).await.unwrap();
        let cookie = metadata.get("set-cookie").unwrap().to_str().unwrap();
        assert_eq!(cookie.contains("; Max-Age="), remember, "{remember}");
    }
}

#[tokio::test]
async fn nobody_is_signed_in_without_a_name() {
    let (_server, address) = serve(None);
    let visitor = Visitor::new(address).await;
    for name in ["", " "] {
        let error = visitor.sign_in(name, true).await.unwrap_err();
        assert_eq!(error, Code::InvalidArgument);
    }
    assert_eq!(visitor.cookie(), None);
}
