//! The middleware: from a request to its session, and from the session to the response.

mod background;
mod body;
mod clear;
mod commit;
mod committing;
mod ending;
mod events;
mod facts;
mod failure;
mod future;
mod handle;
mod head;
mod hydrating;
mod info;
mod json;
mod layer;
mod lazy;
mod limit;
mod loading;
mod nesting;
mod owner;
mod service;
mod session;
mod sessions;
mod settings;
mod terms;

pub use self::{
    body::ResponseBody,
    clear::SiteData,
    events::{Revocation, SessionEvent},
    future::ResponseFuture,
    info::SessionInfo,
    layer::SessionLayer,
    lazy::LazySession,
    limit::AtLimit,
    service::SessionService,
    session::Session,
    sessions::Sessions,
    terms::StoreFailure,
};
