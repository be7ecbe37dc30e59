//! The example over the wire, in both versions of HTTP.

use session_test_support::{Example, Http, Python};

const PROGRAM: &str = env!("CARGO_BIN_EXE_example-hyper");

mod http1 {
    session_test_support::stories!(super::PROGRAM, super::Http::One);
}

mod http2 {
    session_test_support::stories!(super::PROGRAM, super::Http::Two);
}

/// Proves: asvs_7_2_4, asvs_7_4_1.
#[test]
fn urllib_keeps_a_session_until_it_signs_out() {
    Python::Urllib.visits(&Example::new(PROGRAM, Http::One));
}

/// Proves: asvs_7_2_4, asvs_7_4_1.
#[test]
fn aiohttp_keeps_a_session_until_it_signs_out() {
    Python::Aiohttp.visits(&Example::new(PROGRAM, Http::One));
}

/// Proves: asvs_7_2_4, asvs_7_4_1, rfc6265bis_c11.
#[test]
fn httpx_keeps_a_session_until_it_signs_out_with_http1() {
    Python::Httpx.visits(&Example::new(PROGRAM, Http::One));
}

/// Proves: asvs_7_2_4, asvs_7_4_1, rfc6265bis_c11.
#[test]
fn httpx_keeps_a_session_until_it_signs_out_with_http2() {
    Python::Httpx.visits(&Example::new(PROGRAM, Http::Two));
}

#[test]
fn the_page_tells_about_the_session() {
    let (_instance, visitor) = Example::new(PROGRAM, Http::One).start(&[]);
    let page = visitor.get("/");
    assert_eq!(page.text, "Hello, visitor\nvisits: 0\nsession: none yet\n");
    assert_eq!(visitor.get("/visits").text, "1");
    assert_eq!(visitor.post("/login", &["user=<ann>"]).status, 303);
    let page = visitor.get("/");
    assert!(page.text.starts_with("Hello, <ann>\nvisits: 1\nsession: "));
    assert_eq!(
        page.header("content-type"),
        Some("text/plain; charset=utf-8")
    );
}
