//! The session cookie: tokens from `Cookie` lines, and tokens to `Set-Cookie`.

mod reading;
mod writing;

pub(crate) use reading::{CookieLines, Presented};
pub use writing::SessionCookie;
