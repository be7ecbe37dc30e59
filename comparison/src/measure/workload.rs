//! Requests of one kind.

use crate::{
    BoxError,
    content::{Content, FEW, MANY, SMALL},
};

/// What visitors have, and what they ask for again and again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Workload {
    pub(crate) name: &'static str,
    pub(crate) title: &'static str,
    /// What the session of a visitor contains; without, the visitor has none.
    pub(crate) session: Option<Content>,
    pub(crate) action: Action,
}

/// What a request is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Action {
    Nothing,
    Read,
    Increment,
    SignIn,
    WriteAll,
}

impl Action {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Nothing => "untouched",
            Self::Read => "read one key",
            Self::Increment => "increment one key",
            Self::SignIn => "sign in",
            Self::WriteAll => "write all keys",
        }
    }
}

impl Workload {
    /// The kinds that are compared.
    pub(crate) const ALL: [Self; 7] = [
        Self::new(
            "no-cookie",
            "No cookie, session untouched",
            None,
            Action::Nothing,
        ),
        Self::new(
            "untouched",
            "Valid cookie, session untouched",
            Some(SMALL),
            Action::Nothing,
        ),
        Self::new(
            "read",
            "Read one key of ten, 300 bytes",
            Some(SMALL),
            Action::Read,
        ),
        Self::new(
            "increment",
            "Increment one key of ten, 300 bytes",
            Some(SMALL),
            Action::Increment,
        ),
        Self::new(
            "sign-in",
            "Sign-in: a new session of ten keys",
            None,
            Action::SignIn,
        ),
        Self::new(
            "read-16k",
            "Read one key of 480, 16 KB",
            Some(MANY),
            Action::Read,
        ),
        Self::new(
            "read-16k-few",
            "Read one key of ten, 16 KB",
            Some(FEW),
            Action::Read,
        ),
    ];

    pub(crate) const fn new(
        name: &'static str,
        title: &'static str,
        session: Option<Content>,
        action: Action,
    ) -> Self {
        Self {
            name,
            title,
            session,
            action,
        }
    }

    pub(crate) fn named(name: &str) -> Result<Self, BoxError> {
        let found = Self::ALL.into_iter().find(|it| it.name == name);
        found.ok_or_else(|| format!("there is no workload `{name}`").into())
    }

    /// The method and the path of its request.
    pub(crate) fn request(self) -> (&'static str, String) {
        match self.action {
            Action::Nothing => ("GET", "/untouched".to_owned()),
            Action::Read => ("GET", "/read".to_owned()),
            Action::Increment => ("POST", "/increment".to_owned()),
            Action::SignIn => ("POST", "/sign-in".to_owned()),
            Action::WriteAll => ("POST", write(self.session.unwrap_or(SMALL))),
        }
    }
}

/// The path that stores this content.
pub(crate) fn write(content: Content) -> String {
    format!("/write/{}/{}", content.keys, content.bytes)
}
