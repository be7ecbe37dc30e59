//! Many sessions of many owners.
//!
//! `scripts/measure owners` prints the figures of `docs/owners.md`.
#![cfg(feature = "redis")]

use std::{
    env,
    time::{Duration, Instant},
};

use bb8_redis::redis::{Client, Connection, FromRedisValue as _, Value, cmd};
use futures::{StreamExt as _, stream};
use session_test_support::{Browser, Redis};
use tower_session_layer::{RedisStore, SessionId, SessionLayer};

use crate::{
    common::app::app,
    site::{ids, sorted},
};

/// Owners, and sessions of each: a quarter idle for too long, and a quarter past the absolute limit.
const SMALL: (usize, usize) = (20, 48);
const FULL: (usize, usize) = (1_000, 100);

/// Sessions of one owner.
const MANY: (usize, usize) = (500, 10_000);

fn is_full() -> bool {
    env::var_os("OWNERS_IN_FULL").is_some()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_list_is_exact_among_many_of_which_half_have_expired() {
    let site = Site::start().await;
    let (owners, each) = if is_full() { FULL } else { SMALL };
    let begun = Instant::now();
    let sessions = sign_in_all(&site.layer, owners, each).await;
    println!(
        "{} sessions of {owners} owners began in {:?}",
        owners * each,
        begun.elapsed()
    );
    let memory = site
        .redis
        .cli(&["MEMORY", "USAGE", "session:owner:0", "SAMPLES", "0"]);
    println!("bytes of the account of one of {each}: {memory}");
    site.watch();
    let looked = Instant::now();
    assert_exact(&site.layer, &sessions, owners).await;
    println!("listed twice each in {:?}", looked.elapsed());
    site.commands_are_small("lists");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_who_has_very_many_loses_them_by_small_commands() {
    let site = Site::start().await;
    let (small, full) = MANY;
    let many = if is_full() { full } else { small };
    sign_in_many(&site.layer, 0..many, |_| (0, Age::Young)).await;
    sign_in_many(&site.layer, 0..1, |_| (1, Age::Young)).await;
    let memory = site
        .redis
        .cli(&["MEMORY", "USAGE", "session:owner:0", "SAMPLES", "0"]);
    let members = site.redis.cli(&["ZCARD", "session:owner:0"]);
    println!("bytes of the account: {memory}, {members} members, {many} sessions");
    site.watch();
    let sessions = site.layer.sessions();
    let begun = Instant::now();
    assert_eq!(sessions.revoke_all("0").await.unwrap(), many);
    println!("{many} sessions were revoked in {:?}", begun.elapsed());
    site.commands_are_small("revocation");
    assert_eq!(ids(&sessions, "0").await, []);
    assert_eq!(ids(&sessions, "1").await.len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_whose_very_many_have_expired_signs_in_by_small_commands() {
    let site = Site::start().await;
    let (small, full) = MANY;
    let many = if is_full() { full } else { small };
    sign_in_many(&site.layer, 0..many, |_| (0, Age::Ended)).await;
    assert_eq!(ids(&site.layer.sessions(), "0").await, []);
    site.watch();
    let begun = Instant::now();
    let young = sign_in_many(&site.layer, 0..1, |_| (0, Age::Young)).await;
    println!(
        "a sign-in among {many} that expired took {:?}",
        begun.elapsed()
    );
    site.commands_are_small("sign-in");
    assert_eq!(ids(&site.layer.sessions(), "0").await, [young[0].2]);
}

/// How old a session is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Age {
    Young,
    Idle,
    Ended,
}

impl Age {
    fn hours(self) -> u64 {
        match self {
            Self::Young => 0,
            Self::Idle => 2,
            Self::Ended => 13,
        }
    }

    fn of(number: usize) -> Self {
        match number % 4 {
            0 => Self::Idle,
            1 => Self::Ended,
            _ => Self::Young,
        }
    }
}

/// A session, by the number of its owner.
type Made = (usize, Age, SessionId);

struct Site {
    redis: Redis,
    layer: SessionLayer,
}

impl Site {
    async fn start() -> Self {
        let redis = Redis::start();
        let store = RedisStore::connect(&redis.url()).await.unwrap();
        let layer = SessionLayer::new(store.with_deadline(Duration::from_secs(30)));
        Self { redis, layer }
    }

    /// Notes every command from now on.
    fn watch(&self) {
        for order in [
            &["CONFIG", "SET", "slowlog-log-slower-than", "0"][..],
            &["CONFIG", "SET", "slowlog-max-len", "1000000"],
            &["SLOWLOG", "RESET"],
            &["CONFIG", "RESETSTAT"],
        ] {
            assert_eq!(self.redis.cli(order), "OK");
        }
    }

    /// None of them goes through all keys, and none has more to do than the next one.
    #[track_caller]
    fn commands_are_small(&self, what: &str) {
        for endless in ["keys", "scan", "zscan", "smembers"] {
            assert_eq!(self.redis.calls(endless), 0, "{endless}");
        }
        let commands = noted(&self.redis);
        for noted in &commands {
            assert!(noted.arguments <= MOST_ARGUMENTS, "{noted:?}");
        }
        let longest = commands.iter().max_by_key(|it| it.micros).unwrap();
        let Noted { micros, name, .. } = longest;
        println!("the longest command of the {what}: {micros} µs, {name}");
    }
}

async fn sign_in_all(layer: &SessionLayer, owners: usize, each: usize) -> Vec<Made> {
    let owner_and_age = |number| (number % owners, Age::of(number / owners));
    sign_in_many(layer, 0..owners * each, owner_and_age).await
}

/// Many sign in, a lot of them at the same time, each as long ago as it is old.
async fn sign_in_many(
    layer: &SessionLayer,
    numbers: std::ops::Range<usize>,
    owner_and_age: impl Fn(usize) -> (usize, Age),
) -> Vec<Made> {
    let apps = [Age::Young, Age::Idle, Age::Ended].map(|age| {
        let layer = layer.clone().with_clock(move || {
            std::time::SystemTime::now() - Duration::from_secs(age.hours() * 3600)
        });
        (age, app(&layer))
    });
    let sign_ins = numbers.map(|number| {
        let (owner, age) = owner_and_age(number);
        let (_, app) = apps.iter().find(|it| it.0 == age).unwrap();
        let visitor = Browser::new(app.clone());
        async move {
            let path = format!("/sign_in/owner:{owner}/commit/id");
            let id = visitor.get(&path).await.text.parse().unwrap();
            (owner, age, id)
        }
    });
    stream::iter(sign_ins)
        .buffer_unordered(AT_ONCE)
        .collect()
        .await
}

/// Each owner's list has the young ones, and those alone.
async fn assert_exact(layer: &SessionLayer, sessions: &[Made], owners: usize) {
    let owner = |number: usize| sessions.iter().filter(move |it| it.0 == number);
    for number in 0..owners {
        let alive = owner(number).filter(|it| it.1 == Age::Young).map(|it| it.2);
        let listed = ids(&layer.sessions(), &number.to_string()).await;
        assert_eq!(listed, sorted(alive), "owner {number}");
        assert_eq!(listed.len(), owner(number).count() / 2);
    }
}

/// The same where an owner's account and sessions are on different servers.
#[cfg(all(feature = "redis-cluster", feature = "redis-sentinel"))]
pub(crate) async fn lists_and_revocation(layer: &SessionLayer) {
    let (owners, each) = if is_full() { FULL } else { SMALL };
    let many = if is_full() { MANY.1 } else { MANY.0 };
    let sessions = sign_in_all(layer, owners, each).await;
    assert_exact(layer, &sessions, owners).await;
    // The number of nobody else.
    sign_in_many(layer, 0..many, |_| (owners, Age::Young)).await;
    let (begun, owner) = (Instant::now(), owners.to_string());
    assert_eq!(layer.sessions().revoke_all(&owner).await.unwrap(), many);
    println!(
        "{many} sessions on a Cluster were revoked in {:?}",
        begun.elapsed()
    );
    assert_eq!(ids(&layer.sessions(), &owner).await, []);
}

/// A command, as Redis noted it.
#[derive(Debug)]
struct Noted {
    micros: u64,
    name: String,
    arguments: usize,
}

fn noted(redis: &Redis) -> Vec<Noted> {
    let mut connection: Connection = Client::open(redis.url()).unwrap().get_connection().unwrap();
    let log: Vec<Vec<Value>> = cmd("SLOWLOG")
        .arg("GET")
        .arg(1_000_000)
        .query(&mut connection)
        .unwrap();
    let noted = log.into_iter().map(|entry| {
        let micros = u64::from_redis_value(entry[2].clone()).unwrap();
        let words: Vec<Vec<u8>> = Vec::from_redis_value(entry[3].clone()).unwrap();
        let words: Vec<_> = words.iter().map(|it| String::from_utf8_lossy(it)).collect();
        // Of long commands it keeps 31 arguments, and how many there are beside these.
        let more = words
            .last()
            .and_then(|it| it.strip_prefix("... ("))
            .and_then(|it| {
                let number = it.strip_suffix(" more arguments)")?;
                number.parse().ok()
            });
        let arguments = words.len() + more.unwrap_or(0);
        let name = words.iter().take(5).filter(|it| it.len() < 40);
        let name = name.map(|it| it.to_string()).collect::<Vec<_>>().join(" ");
        Noted {
            micros,
            name,
            arguments,
        }
    });
    noted.collect()
}

const AT_ONCE: usize = 64;
/// A hundred ids, and what is said about them.
const MOST_ARGUMENTS: usize = 110;
