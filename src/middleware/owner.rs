//! Whose session it is, and what its owner reads of it in a list.

use serde::{Serialize, de::DeserializeOwned};

use crate::{
    middleware::{
        json::{decode, encode},
        session::Session,
    },
    session::error::SessionError,
};

impl Session {
    /// Says whose session this is: the user's id, by which [`Sessions`](crate::Sessions) finds it. Call
    /// it at every sign-in, after [`sign_in`](Self::sign_in): if the session turns out to have ended, the
    /// sign-in begins another one with what this request said. Otherwise the session keeps its owner until
    /// it ends or gets another one; [`clear`](Self::clear) leaves it.
    ///
    /// Where the store is Redis the name is part of a key: better an opaque id than an address.
    ///
    /// ```
    /// # fn welcome(session: &tower_session_layer::Session, user: u64) -> Result<(), tower_session_layer::SessionError> {
    /// session.sign_in()?;
    /// session.set_owner(user.to_string())?;
    /// session.set_details("Firefox on Linux")
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`InvalidOwner`](crate::SessionErrorKind::InvalidOwner) unless it has 1 to 255 bytes.
    /// [`NeedsRenewal`](crate::SessionErrorKind::NeedsRenewal) if a session without this owner exists
    /// and gets no new token: call [`sign_in`](Self::sign_in) or [`renew`](Self::renew) before this.
    /// Those of [`insert`](Self::insert).
    pub fn set_owner(&self, owner: impl AsRef<str>) -> Result<(), SessionError> {
        self.state().set_owner(owner.as_ref())
    }

    /// Whose session this is, if that was said.
    #[must_use]
    pub fn owner(&self) -> Option<String> {
        Some(self.state().owner()?.as_ref().into())
    }

    /// Attaches what the owner is to read in the list of their sessions, whatever helps to recognise
    /// one: a device, a place. At most 1,024 bytes of JSON, which count for the session's size. It can
    /// be set at any time, and begins a session where there is none, like [`insert`](Self::insert);
    /// [`clear`](Self::clear) leaves it.
    ///
    /// # Errors
    ///
    /// Those of [`insert`](Self::insert).
    pub fn set_details(&self, details: impl Serialize) -> Result<(), SessionError> {
        let details = encode(&details)?;
        self.state().set_details(details)
    }

    /// What was attached for the list of the owner's sessions.
    ///
    /// # Errors
    ///
    /// [`Decode`](crate::SessionErrorKind::Decode) if it is of another type.
    pub fn details<T: DeserializeOwned>(&self) -> Result<Option<T>, SessionError> {
        self.state().details().map(decode).transpose()
    }
}
