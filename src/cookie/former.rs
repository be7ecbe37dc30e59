//! Session cookies as they were configured before, removed from browsers that show them.

use http::{HeaderMap, HeaderValue, header::COOKIE};

use crate::{
    cookie::{SessionCookie, reading::values_of},
    session::token::Token,
};

#[derive(Clone, Debug)]
pub(super) struct Former {
    name: String,
    removal: HeaderValue,
}

impl Former {
    pub(super) fn of(cookie: &SessionCookie) -> Self {
        Self {
            name: cookie.name().to_owned(),
            removal: cookie.removal().clone(),
        }
    }

    /// Whether a request shows this cookie. If it is called like the `present` one, then by a value
    /// beside that or by one that is not ours.
    fn is_shown(&self, headers: &HeaderMap, present: &SessionCookie) -> bool {
        let mut values = values_of(&self.name, headers.get_all(COOKIE).iter());
        let first = values.next();
        match self.name == present.name() {
            true => first.is_some_and(|it| Token::parse(it).is_none()) || values.next().is_some(),
            false => first.is_some(),
        }
    }
}

/// The former cookies that a request shows, to be removed by its response.
#[derive(Default)]
pub(crate) struct Strays(Vec<Former>);

impl Strays {
    pub(crate) fn of(headers: &HeaderMap, present: &SessionCookie) -> Self {
        if present.former.is_empty() {
            return Self::default();
        }
        let former = present.former.iter();
        let shown = former.filter(|former| former.is_shown(headers, present));
        Self(shown.cloned().collect())
    }

    /// The name of each one, and the `Set-Cookie` that removes it.
    pub(crate) fn removals(&self) -> impl Iterator<Item = (&str, &HeaderValue)> {
        self.0.iter().map(|it| (&it.name[..], &it.removal))
    }
}
