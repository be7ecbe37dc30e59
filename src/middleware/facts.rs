//! What a session tells of itself.

use std::time::{Duration, SystemTime};

use crate::{
    middleware::session::Session,
    session::{lifetime::Lifetime, token::SessionId},
};

impl Session {
    /// The public id of the session; `None` until it is stored for the first time.
    #[must_use]
    pub fn id(&self) -> Option<SessionId> {
        self.state().id()
    }

    /// Whether there is no session in the store yet (or no longer).
    #[must_use]
    pub fn is_new(&self) -> bool {
        self.id().is_none()
    }

    /// When somebody last signed in, if anybody did (ASVS 7.5.1, 7.5.3).
    #[must_use]
    pub fn authenticated_at(&self) -> Option<SystemTime> {
        self.state().authenticated().map(Into::into)
    }

    /// How long ago somebody last signed in, if anybody did. Before a sensitive step an application
    /// asks for the password again if this is too long, and then calls [`sign_in`](Self::sign_in)
    /// (ASVS 7.5.1, 7.5.3).
    #[must_use]
    pub fn authentication_age(&self) -> Option<Duration> {
        let authenticated = self.state().authenticated()?;
        Some(self.settings().now().since(authenticated))
    }

    /// When the session began; `None` until it is stored for the first time.
    #[must_use]
    pub fn created_at(&self) -> Option<SystemTime> {
        Some(self.state().header()?.created.into())
    }

    /// When the session ends if it is not used from now on; `None` until it is stored for the
    /// first time.
    #[must_use]
    pub fn expires_at(&self) -> Option<SystemTime> {
        Some(self.state().header()?.deadline().into())
    }

    /// The lifetime of this session.
    #[must_use]
    pub fn lifetime(&self) -> Lifetime {
        self.state().lifetime()
    }
}
