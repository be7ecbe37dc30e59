//! What a session costs a request, in instructions and in allocations.
//!
//! Each scenario calls a service with a session layer over a `MemoryStore`, and the same service
//! with the same requests without the layer; what is printed is the difference for one request.
//! The service is called directly, without sockets or a runtime, and its response has no headers,
//! so that the layer pays for the whole of every header that it adds. Sign-ins let the store grow,
//! and their numbers contain a share of that.
//!
//! * **Instructions** are counted by callgrind, in which this program runs itself. Counts come
//!   from two runs of different length, so that start-up cancels out; they do not depend on the
//!   load of the machine. System calls (the clock, the entropy of a new token) count as nothing.
//! * **SHA-256** is a column of its own and not in the instructions: callgrind knows no SHA
//!   instructions, so a digest shows as many times what it costs on most processors in use.
//! * **Allocations** are the calls that ask the global allocator for memory, new or more.
//!
//! Run it with `cargo bench --bench request`. It needs `valgrind` in the path; without it there
//! are only the allocations. To see where the instructions go, run the program that it builds
//! under callgrind as `request --run 'valid, read' true 10000`.

use std::{alloc::System, env, error::Error, hint::black_box, process::Command};

use bytes::Bytes;
use futures::FutureExt as _;
use http::{
    HeaderValue, Request, Response,
    header::{ACCEPT, COOKIE, HOST, SET_COOKIE, USER_AGENT},
};
use http_body_util::Empty;
use sha2::{Digest as _, Sha256};
use stats_alloc::{INSTRUMENTED_SYSTEM, StatsAlloc};
use tower::{Layer as _, Service, ServiceExt as _, service_fn};
use tower_session_layer::{MemoryStore, Session, SessionError, SessionLayer};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

fn main() -> Result<(), BoxError> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments[..] {
        ["--bench"] => print_table(),
        [RUN, scenario, layered, times] => run(scenario, layered.parse()?, times.parse()?),
        // `cargo test --all-targets` comes here; counts of a debug build would tell nothing.
        _ => Ok(()),
    }
}

fn print_table() -> Result<(), BoxError> {
    let has_valgrind = Command::new("valgrind").arg("--version").output().is_ok();
    let instructions = |scenario| {
        let net = || net(|layered, times| instructions(scenario, layered, times));
        has_valgrind.then(net).transpose()
    };
    let digest = instructions(DIGEST)?;
    let titles = ["instructions", "budget", "SHA-256", "allocations", "budget"];
    print_row("one request, net", titles.map(Some));
    for (scenario, digests, budget) in SCENARIOS {
        let sha = digest.map(|digest| digests * digest);
        let all = instructions(scenario)?;
        let others = all.zip(sha).map(|(all, sha)| all - sha);
        let allocations = net(|layered, times| allocations(scenario, layered, times))?;
        let (budget, allocations_budget) = budget.unzip();
        let row = [others, budget, sha, Some(allocations), allocations_budget];
        print_row(scenario, row);
    }
    if !has_valgrind {
        println!("\n`valgrind` is not in the path: instructions were NOT counted");
    }
    Ok(())
}

fn print_row<T: ToString>(name: &str, cells: [Option<T>; 5]) {
    let text = |cell: Option<T>| cell.map_or_else(|| "-".into(), |cell| cell.to_string());
    let cells = cells.map(|cell| format!("{:>12}", text(cell)));
    println!("{name:<24} | {}", cells.join(" | "));
}

/// The name, how many SHA-256 it computes, and the budget: instructions (without SHA-256) and
/// allocations.
const SCENARIOS: [(&str, i64, Option<Budget>); 7] = [
    ("no cookie, untouched", 0, Some((1_100, 4))),
    ("valid, untouched", 1, None),
    ("valid, lazy, unasked", 0, Some((1_500, 4))),
    ("valid, read", 1, Some((5_000, 10))),
    ("valid, insert", 1, Some((12_000, 20))),
    ("valid, update_now", 1, None),
    ("no cookie, sign-in", 1, None),
];
const DIGEST: &str = "SHA-256 of 32 bytes";

/// Sends requests of one kind, each to a session in the same state, with or without a layer.
fn run(scenario: &str, layered: bool, times: u64) -> Result<(), BoxError> {
    match scenario {
        DIGEST => digest(layered, times),
        "no cookie, untouched" => Visitor::new().send(layered, times, untouched),
        "valid, untouched" => Visitor::known()?.send(layered, times, untouched),
        "valid, lazy, unasked" => Visitor::known()?.lazy().send(layered, times, untouched),
        "valid, read" => Visitor::known()?.send(layered, times, read),
        "valid, insert" => Visitor::known()?.send(layered, times, insert),
        "valid, update_now" => Visitor::known()?.send(layered, times, increment),
        "no cookie, sign-in" => Visitor::new().send(layered, times, sign_in),
        _ => Err(format!("there is no scenario `{scenario}`").into()),
    }
}

fn digest(layered: bool, times: u64) -> Result<(), BoxError> {
    for _ in 0..times {
        let secret = black_box([7; 32]);
        if layered {
            black_box(Sha256::digest(secret));
        }
    }
    Ok(())
}

async fn untouched(_: Request<Body>) -> Result<Response<Body>, SessionError> {
    Ok(Response::default())
}

async fn read(request: Request<Body>) -> Result<Response<Body>, SessionError> {
    if let Some(session) = request.extensions().get::<Session>() {
        black_box(session.get::<u64>(COUNTER)?);
    }
    Ok(Response::default())
}

async fn insert(request: Request<Body>) -> Result<Response<Body>, SessionError> {
    if let Some(session) = request.extensions().get::<Session>() {
        session.insert("key5", TEXT)?;
    }
    Ok(Response::default())
}

async fn increment(request: Request<Body>) -> Result<Response<Body>, SessionError> {
    if let Some(session) = request.extensions().get::<Session>() {
        let add_one = |count: Option<u64>| count.unwrap_or(0) + 1;
        black_box(session.update_now(COUNTER, add_one).await?);
    }
    Ok(Response::default())
}

async fn sign_in(request: Request<Body>) -> Result<Response<Body>, SessionError> {
    if let Some(session) = request.extensions().get::<Session>() {
        session.sign_in()?;
        session.insert("user", TEXT)?;
    }
    Ok(Response::default())
}

/// Begins a session of ten keys: 300 bytes of keys and JSON.
async fn fill(request: Request<Body>) -> Result<Response<Body>, SessionError> {
    if let Some(session) = request.extensions().get::<Session>() {
        for key in 0..10 {
            session.insert(&format!("key{key}"), TEXT)?;
        }
        session.insert(COUNTER, 10_000_000)?;
    }
    Ok(Response::default())
}

/// Somebody who sends requests.
struct Visitor {
    layer: SessionLayer,
    cookie: Option<HeaderValue>,
}

impl Visitor {
    /// A visitor without a cookie.
    fn new() -> Self {
        Self {
            layer: SessionLayer::new(MemoryStore::new()),
            cookie: None,
        }
    }

    /// A visitor with a session of ten keys.
    fn known() -> Result<Self, BoxError> {
        let mut visitor = Self::new();
        let mut service = visitor.layer.layer(service_fn(fill));
        let response = call(&mut service, visitor.request())?;
        let cookie = response.headers().get(SET_COOKIE).ok_or("no cookie")?;
        let pair = cookie.to_str()?.split(';').next();
        visitor.cookie = pair.map(HeaderValue::from_str).transpose()?;
        Ok(visitor)
    }

    fn lazy(self) -> Self {
        let layer = self.layer.lazy();
        Self { layer, ..self }
    }

    fn send<H, F>(&self, layered: bool, times: u64, handler: H) -> Result<(), BoxError>
    where
        H: Fn(Request<Body>) -> F + Clone,
        F: Future<Output = Result<Response<Body>, SessionError>>,
    {
        let service = service_fn(handler);
        match layered {
            true => self.repeat(times, self.layer.layer(service)),
            false => self.repeat(times, service),
        }
    }

    fn repeat<S>(&self, times: u64, mut service: S) -> Result<(), BoxError>
    where
        S: Service<Request<Body>, Error = SessionError>,
    {
        for _ in 0..times {
            black_box(call(&mut service, black_box(self.request()))?);
        }
        Ok(())
    }

    fn request(&self) -> Request<Body> {
        let mut request = Request::new(Body::new());
        let headers = request.headers_mut();
        headers.insert(HOST, HeaderValue::from_static("example.org"));
        headers.insert(ACCEPT, HeaderValue::from_static("*/*"));
        headers.insert(USER_AGENT, HeaderValue::from_static("bench"));
        if let Some(cookie) = &self.cookie {
            headers.insert(COOKIE, cookie.clone());
        }
        request
    }
}

/// Where the store is memory, every future is ready when it is first polled.
fn call<S>(service: &mut S, request: Request<Body>) -> Result<S::Response, BoxError>
where
    S: Service<Request<Body>, Error = SessionError>,
{
    let response = async { service.ready().await?.call(request).await };
    Ok(response.now_or_never().ok_or("a future was not ready")??)
}

/// What the layer adds to one request, from totals over many.
fn net(total: impl Fn(bool, u64) -> Result<i64, BoxError>) -> Result<i64, BoxError> {
    let sum = |layered| Ok(total(layered, WARM_UP + TIMES)? - total(layered, WARM_UP)?);
    let net: Result<i64, BoxError> = sum(true).and_then(|layered| Ok(layered - sum(false)?));
    Ok((net? as f64 / TIMES as f64).round() as i64)
}

fn allocations(scenario: &str, layered: bool, times: u64) -> Result<i64, BoxError> {
    let before = ALLOCATOR.stats();
    run(scenario, layered, times)?;
    let change = ALLOCATOR.stats() - before;
    Ok(i64::try_from(change.allocations + change.reallocations)?)
}

fn instructions(scenario: &str, layered: bool, times: u64) -> Result<i64, BoxError> {
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
        .arg(env::current_exe()?)
        .args([RUN, scenario, &layered.to_string(), &times.to_string()])
        .output()?;
    let report = String::from_utf8(output.stderr)?;
    let collected = report
        .lines()
        .find_map(|line| line.split_once("Collected :"));
    let collected = collected.filter(|_| output.status.success());
    let (_, number) = collected.ok_or(report.as_str())?;
    Ok(number.trim().parse()?)
}

type Body = Empty<Bytes>;
type Budget = (i64, i64);
type BoxError = Box<dyn Error + Send + Sync>;

const RUN: &str = "--run";
const WARM_UP: u64 = 100;
const TIMES: u64 = 2_000;
const TEXT: &str = "twenty-six letters or so..";
const COUNTER: &str = "key4";
