//! The middleware: from a request to its session, and from the session to the response.

mod background;
mod body;
mod clear;
mod commit;
mod committing;
mod ending;
mod facts;
mod failure;
mod future;
mod handle;
mod head;
mod hydrating;
mod json;
mod layer;
mod lazy;
mod loading;
mod nesting;
mod service;
mod session;
mod settings;
mod terms;

pub use self::{
    body::ResponseBody, clear::SiteData, future::ResponseFuture, layer::SessionLayer,
    lazy::LazySession, service::SessionService, session::Session, terms::StoreFailure,
};
