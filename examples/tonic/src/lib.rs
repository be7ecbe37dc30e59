//! What the server and the client of the gRPC example share.

mod jar;

pub use self::jar::{Jar, WithCookies};

/// What the build script makes of `proto/visitors.proto`.
#[allow(clippy::too_many_lines)]
pub mod proto {
    tonic::include_proto!("visitors");
}
