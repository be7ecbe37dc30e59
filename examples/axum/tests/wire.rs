//! The example over the wire.
#![allow(clippy::unwrap_used)]

use session_test_support::{Example, Http, Python, stories};

const PROGRAM: &str = env!("CARGO_BIN_EXE_example-axum");

stories!(PROGRAM, Http::One);

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

/// Proves: asvs_7_5_1, asvs_7_5_3.
#[test]
fn a_sensitive_step_asks_for_a_sign_in_that_is_not_long_ago() {
    let example = Example::new(PROGRAM, Http::One);
    for (recent, leads_to, visits) in [("300", "/", "1"), ("0", "/?again", "2")] {
        let (_instance, visitor) = example.start(&[("RECENT", recent)]);
        assert_eq!(visitor.get("/visits").text, "1");
        let stranger = visitor.post("/forget", &[]);
        assert_eq!(stranger.header("location"), Some("/?again"));
        assert_eq!(
            visitor.post("/login", &["user=ann", "remember=on"]).status,
            303
        );
        let page = visitor.post("/forget", &[]);
        assert_eq!(page.header("location"), Some(leads_to));
        assert_eq!(visitor.get("/visits").text, visits);
        let page = visitor.get(leads_to).text;
        assert_eq!(page.contains("Sign in again"), leads_to == "/?again");
        assert!(page.contains("name=\"remember\"") == (recent == "0"));
    }
}

/// Proves: asvs_14_3_1.
#[test]
fn signing_out_clears_what_scripts_kept() {
    let (_instance, visitor) = Example::new(PROGRAM, Http::One).start(&[]);
    assert_eq!(visitor.post("/login", &["user=ann"]).status, 303);
    let page = visitor.post("/logout", &[]);
    assert_eq!(page.header("clear-site-data"), Some("\"storage\""));
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

#[test]
fn a_name_is_as_long_as_that_of_an_owner_can_be() {
    let (_instance, visitor) = Example::new(PROGRAM, Http::One).start(&[]);
    for (bytes, status) in [(255, 303), (256, 400)] {
        let form = format!("user={}", "x".repeat(bytes));
        assert_eq!(visitor.post("/login", &[&form]).status, status);
    }
    assert_eq!(visitor.get("/whoami").text, "x".repeat(255));
}
