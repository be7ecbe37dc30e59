//! Server-side HTTP sessions for any [tower](tower_layer) service.
//!
//! A [`SessionLayer`] wraps a service. For each request it reads the session cookie, loads the
//! session from a store (Redis, or memory), and puts a [`Session`] into the request's extensions.
//! When the service has answered, it saves what changed, and then lets the response go, with a
//! cookie if there is a new one.
//!
//! ```
//! # #[cfg(all(feature = "axum", feature = "memory"))] {
//! use axum::{Router, routing::{get, post}};
//! use tower_session_layer::{MemoryStore, Session, SessionError, SessionLayer};
//!
//! async fn visits(session: Session) -> Result<String, SessionError> {
//!     let visits = session.update_now("visits", |n: Option<u64>| n.unwrap_or(0) + 1).await?;
//!     Ok(format!("visit number {visits}"))
//! }
//!
//! async fn sign_in(session: Session) -> Result<&'static str, SessionError> {
//!     // … check the password …
//!     session.sign_in()?;
//!     session.insert("user", "ferris")?;
//!     Ok("welcome")
//! }
//!
//! let app: Router = Router::new()
//!     .route("/visits", get(visits))
//!     .route("/sign-in", post(sign_in))
//!     .layer(SessionLayer::new(MemoryStore::new()));
//! # }
//! ```
//!
//! # What to hold on to
//!
//! * **Overlapping requests** of one session lose nothing: changes of different keys never meet,
//!   and [`Session::update`] is a true read-modify-write.
//! * **A sign-in works when it is repeated**, or overtaken by another one: then it begins a session
//!   of its own. All else that comes after a renewal or a log-out is refused.
//! * **Log-out is final**: after [`Session::destroy`] no request brings the session back, however
//!   long it has been running.
//! * **Call [`Session::sign_in`]** whenever somebody authenticates. It replaces the token, so that
//!   one that was planted or stolen before is worth nothing after.
//! * **Saved before seen**: the response is let go once the store acknowledged the commit. If that
//!   fails, the client gets 503 (gRPC `UNAVAILABLE`); if another request came first, 409
//!   (`ABORTED`). Nobody is told "saved" who was not.
//! * **[Rotation](SessionLayer::with_rotation)** replaces tokens at routine, and logs nobody out.
//! * **What has begun is finished** when the client hangs up. Call [`SessionLayer::drain`] at
//!   shutdown, once the server has stopped.
//! * **Bodies that stream** end when what changed meanwhile is saved.
//! * **A request that fails** (5xx, an error of the service) changes nothing, save that a session
//!   which it destroyed ends.
//! * **The store holds hashes** of secrets. Who reads all of it still cannot log in.
//! * **Several session cookies** in one request are never guessed between: the only live session
//!   counts, or none.
//! * **Requests of nobody**, a page that polls, [need not keep](SessionLayer::with_passive_requests) a
//!   session alive.
//!
//! # Eager or lazy
//!
//! | | eager (default) | [lazy](SessionLayer::lazy) |
//! |---|---|---|
//! | in the extensions | [`Session`] | [`LazySession`], `load().await` gives a [`Session`] |
//! | with axum | `Session` as an argument | the same |
//! | request without a cookie | no command | no command |
//! | cookie, nobody looks | one `GET` | no command |
//! | cookie, somebody looks | one `GET` | one `GET` |
//! | something changed | one command more | one command more |
//!
//! # Features
//!
//! | feature | default | brings |
//! |---|---|---|
//! | `memory` | yes | `MemoryStore`, sessions in one process |
//! | `redis` | yes | `RedisStore`, sessions in Redis behind a bb8 pool |
//! | `redis-tls` | no | TLS to Redis, by rustls |
//! | `redis-sentinel` | no | Redis behind Sentinels |
//! | `redis-cluster` | no | Redis Cluster |
//! | `axum` | no | `Session` and `LazySession` as extractors |
//! | `conformance` | no | a suite of tests for those who write a store |

#[cfg(feature = "axum")]
pub mod axum;
mod cookie;
#[cfg(fuzzing)]
#[doc(hidden)]
pub mod fuzzing;
mod middleware;
mod session;
pub mod store;

#[cfg(feature = "memory")]
pub use crate::store::MemoryStore;
#[cfg(feature = "redis")]
pub use crate::store::RedisStore;
pub use crate::{
    cookie::{InvalidSessionCookie, SameSite, SessionCookie, SessionCookieBuilder},
    middleware::{
        AtLimit, LazySession, ResponseBody, ResponseFuture, Revocation, Session, SessionEvent,
        SessionInfo, SessionLayer, SessionService, Sessions, SiteData, StoreFailure,
    },
    session::{
        error::{SessionError, SessionErrorKind},
        lifetime::Lifetime,
        token::{InvalidSessionId, SessionId},
    },
    store::SessionStore,
};

/// Compiles the README's example.
#[cfg(all(doctest, feature = "axum", feature = "redis"))]
#[doc = include_str!("../README.md")]
mod readme {}
