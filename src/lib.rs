//! x
#[cfg(feature = "axum")]
pub mod axum;
mod cookie;
mod middleware;
mod session;
pub mod store;

#[cfg(feature = "memory")]
pub use crate::store::MemoryStore;
#[cfg(feature = "redis")]
pub use crate::store::RedisStore;
pub use crate::store::SessionStore;
pub use crate::{
    cookie::SessionCookie,
    middleware::{
        LazySession, ResponseBody, ResponseFuture, Session, SessionLayer, SessionService,
    },
    session::{
        error::{SessionError, SessionErrorKind},
        lifetime::Lifetime,
        token::{InvalidSessionId, SessionId},
    },
};
