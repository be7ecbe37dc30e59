//! The pure floor: what a session is and what a request changed, without i/o, clock or store.
//!
//! Time is an argument, randomness is an argument, and every question the middleware has is
//! answered by a value.

pub(crate) mod announcement;
mod answer;
pub(crate) mod changes;
pub(crate) mod claim;
pub(crate) mod delta;
mod edit;
pub(crate) mod error;
pub(crate) mod header;
pub(crate) mod law;
pub(crate) mod lifetime;
pub(crate) mod outcome;
pub(crate) mod owner;
pub(crate) mod record;
mod refusals;
pub(crate) mod rotation;
pub(crate) mod seal;
mod several;
pub(crate) mod splice;
pub(crate) mod standing;
pub(crate) mod state;
pub(crate) mod step;
pub(crate) mod token;
mod view;

#[cfg(test)]
mod tests;
