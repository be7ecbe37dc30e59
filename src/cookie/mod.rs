//! The session cookie: tokens from `Cookie` lines, and tokens to `Set-Cookie`.

mod builder;
mod former;
mod reading;
mod rules;
mod writing;

pub(crate) use former::Strays;
pub(crate) use reading::{Presented, Unread};
pub use {
    builder::SessionCookieBuilder,
    rules::{InvalidSessionCookie, SameSite},
    writing::SessionCookie,
};
