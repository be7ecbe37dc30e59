//! The example over the wire, in both versions of HTTP.

use session_test_support::{Example, Http};

const PROGRAM: &str = env!("CARGO_BIN_EXE_example-hyper");

mod http1 {
    session_test_support::stories!(super::PROGRAM, super::Http::One);
}

mod http2 {
    session_test_support::stories!(super::PROGRAM, super::Http::Two);
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
