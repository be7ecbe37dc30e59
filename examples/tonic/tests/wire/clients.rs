//! Whole programs as visitors: the client of the example, and one in Python that speaks gRPC by a
//! library that nobody here wrote.

use std::process::Command;

use session_test_support::{Redis, output, python};

use crate::visitor::{PROGRAM, serve};

#[test]
fn its_own_client_is_counted_signed_in_and_signed_out() {
    for redis in [None, Some(Redis::start())] {
        let (_server, address) = serve(redis.as_ref());
        let mut client = Command::new(env!("CARGO_BIN_EXE_example-tonic-client"));
        client.env("ADDR", address.to_string());
        assert_eq!(
            output(&mut client),
            "visit number 1\n\
             visit number 2\n\
             visit number 3\n\
             signed in\n\
             I am ann\n\
             visit number 4\n\
             signed out\n\
             I am nobody\n",
        );
    }
}

/// Proves: asvs_7_2_4, asvs_7_4_1.
#[test]
fn a_client_in_python_is_counted_signed_in_and_signed_out() {
    for redis in [None, Some(Redis::start())] {
        let (_server, address) = serve(redis.as_ref());
        let mut client = python(PROGRAM);
        client
            .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/client.py"))
            .arg(address.to_string())
            .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/proto"));
        assert_eq!(output(&mut client), "all as expected\n");
    }
}
