//! What the targets compare with, the formats of the crate read in another and simpler way; and the
//! world around a session.

pub mod head;
pub mod plan;
pub mod record;
pub mod site;
mod store;
pub mod token;
mod visit;
pub mod world;
