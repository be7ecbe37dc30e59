//! Whole programs as visitors: the client of the example, and one in Python that speaks gRPC by a
//! library that nobody here wrote.

use std::{path::Path, process::Command};

use session_test_support::Redis;

use crate::visitor::serve;

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

#[test]
fn a_client_in_python_is_counted_signed_in_and_signed_out() {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap();
    let python = target.join("python/bin/python");
    assert!(python.exists(), "no {python:?}: run `scripts/test`");
    for redis in [None, Some(Redis::start())] {
        let (_server, address) = serve(redis.as_ref());
        let mut client = Command::new(&python);
        client
            .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/client.py"))
            .arg(address.to_string())
            .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/proto"));
        assert_eq!(output(&mut client), "all as expected\n");
    }
}

#[track_caller]
fn output(command: &mut Command) -> String {
    let output = command.output().unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {errors}");
    String::from_utf8(output.stdout).unwrap()
}
