//! The example over the wire.
#![allow(clippy::unwrap_used)]

use session_test_support::{Example, Http, Python, stories};

const PROGRAM: &str = env!("CARGO_BIN_EXE_example-axum");

stories!(PROGRAM, Http::One);

/// Proves: asvs_7_2_4, asvs_7_4_1, rfc6265bis_c5.
#[test]
fn urllib_keeps_a_session_until_it_signs_out() {
    Python::Urllib.visits(&Example::new(PROGRAM, Http::One));
}

/// Proves: asvs_7_2_4, asvs_7_4_1, rfc6265bis_c5.
#[test]
fn aiohttp_keeps_a_session_until_it_signs_out() {
    Python::Aiohttp.visits(&Example::new(PROGRAM, Http::One));
}

/// Proves: asvs_7_2_4, asvs_7_4_1, rfc6265bis_c5, rfc6265bis_c11.
#[test]
fn httpx_keeps_a_session_until_it_signs_out() {
    Python::Httpx.visits(&Example::new(PROGRAM, Http::One));
}

#[test]
fn the_page_shows_the_session() {
    let (_instance, visitor) = Example::new(PROGRAM, Http::One).start(&[]);
    assert!(visitor.get("/").text.contains("Hello, visitor"));
    assert_eq!(visitor.get("/visits").text, "1");
    let page = visitor.get("/");
    for part in [
        ">1</p>",
        "<code>",
        "not yet",
        "in 30 minutes",
        "12 hours in all",
    ] {
        assert!(page.text.contains(part), "{part}: {}", page.text);
    }
    assert_eq!(page.header("cache-control"), Some("no-store"));
}

#[test]
fn the_page_shows_a_name_as_text_whatever_it_is() {
    let (_instance, visitor) = Example::new(PROGRAM, Http::One).start(&[]);
    let name = "</title><script>\"O'Neill\" & sons";
    let page = visitor.post("/login", &[&format!("user={name}")]);
    assert_eq!(page.status, 303);
    assert_eq!(visitor.get("/whoami").text, name);

    let page = visitor.get("/").text;
    assert!(!page.contains("<script"));
    let shown = "&#60;/title&#62;&#60;script&#62;&#34;O&#39;Neill&#34; &#38; sons";
    assert_eq!(page.matches(shown).count(), 3);
    assert!(page.contains("Sign out"));
}
