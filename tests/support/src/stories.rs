//! What visitors of the examples experience, told once for all of them.
//!
//! The examples are one small app on different servers: `GET /`, `GET /visits` and
//! `POST /visits`, `POST /login` with `user` and `remember`, `POST /logout`, `GET /whoami`.

use crate::{
    browser::Page,
    example::Example,
    process::free_address,
    redis::Redis,
    secrets::{assert_tells_no_secret, contains},
};

/// Makes a test of each story.
///
/// Takes the program of an example, and the version of HTTP to speak with it.
#[macro_export]
macro_rules! stories {
    ($program:expr, $http:expr) => {
        $crate::stories! {
            $program, $http,
            visits_are_counted_for_each_visitor,
            looking_around_sets_no_cookie,
            two_instances_on_one_redis_share_a_session,
            a_session_in_redis_survives_a_restart,
            signing_in_changes_the_token_and_the_old_one_is_anonymous,
            signing_out_ends_the_session_and_a_replayed_cookie_is_anonymous,
            only_a_remembered_sign_in_outlives_the_browser,
            nobody_is_signed_in_without_a_name,
            a_form_that_is_too_large_is_refused,
            unknown_paths_and_wrong_methods_are_told_apart,
            the_cookie_is_as_strict_as_it_can_be,
            no_secret_is_in_redis,
            a_server_that_cannot_start_says_why,
        }
    };
    ($program:expr, $http:expr, $($story:ident),* $(,)?) => {
        $(
            #[test]
            fn $story() {
                $crate::stories::$story(&$crate::Example::new($program, $http));
            }
        )*
    };
}

/// Each visitor has a count of their own, whichever way they count.
pub fn visits_are_counted_for_each_visitor(example: &Example) {
    let (instance, visitor) = example.start(&[]);
    let another = instance.visitor();
    for (visitor, count) in [(&visitor, "1"), (&visitor, "2"), (&another, "1")] {
        assert_eq!(visitor.get("/visits").text, count);
    }
    assert_leads_to_the_page(&visitor.post("/visits", &[]));
    assert_eq!(visitor.get("/visits").text, "4");
}

/// Nothing that only looks at the session begins one.
///
/// Proves: asvs_7_6_2.
pub fn looking_around_sets_no_cookie(example: &Example) {
    let (_instance, visitor) = example.start(&[]);
    for (path, status) in [("/", 200), ("/whoami", 401), ("/nowhere", 404)] {
        let page = visitor.get(path);
        assert_eq!(page.status, status, "{path}");
        assert_eq!(page.set_cookie(), None, "{path}");
    }
    assert_leads_to_the_page(&visitor.post("/logout", &[]));
    assert_eq!(visitor.cookie(), None);
}

/// A visitor can be sent to any instance, in the middle of anything.
pub fn two_instances_on_one_redis_share_a_session(example: &Example) {
    let redis = Redis::start();
    let url = redis.url();
    let environment = [("REDIS_URL", &url[..])];
    let (_here, here) = example.start(&environment);
    let (instance, _) = example.start(&environment);
    let there = here.at(instance.address());

    for (visitor, count) in [(&here, "1"), (&there, "2"), (&here, "3")] {
        assert_eq!(visitor.get("/visits").text, count);
    }
    assert_leads_to_the_page(&there.post("/login", &["user=ann"]));
    assert_eq!(here.get("/whoami").text, "ann");
    let thief = here.thief();
    assert_leads_to_the_page(&here.post("/logout", &[]));
    assert_eq!(thief.at(instance.address()).get("/whoami").status, 401);
}

/// A deploy signs nobody out.
pub fn a_session_in_redis_survives_a_restart(example: &Example) {
    let redis = Redis::start();
    let url = redis.url();
    let environment = [("REDIS_URL", &url[..])];
    let (before, visitor) = example.start(&environment);
    assert_leads_to_the_page(&visitor.post("/login", &["user=ann"]));
    drop(before);
    let (after, _) = example.start(&environment);
    assert_eq!(visitor.at(after.address()).get("/whoami").text, "ann");
}

/// Whoever planted or saw the cookie before the sign-in gains nothing by it.
///
/// Proves: asvs_7_2_4.
pub fn signing_in_changes_the_token_and_the_old_one_is_anonymous(example: &Example) {
    let (_instance, visitor) = example.start(&[]);
    assert_eq!(visitor.get("/visits").text, "1");
    let thief = visitor.thief();

    assert_leads_to_the_page(&visitor.post("/login", &["user=ann"]));
    assert_eq!(visitor.get("/whoami").text, "ann");
    assert_eq!(visitor.get("/visits").text, "2", "the session goes on");
    assert_ne!(visitor.cookie(), thief.cookie());
    assert_eq!(thief.get("/whoami").status, 401);
}

/// Signing out takes the cookie away, and makes every copy of it worthless.
///
/// Proves: asvs_7_4_1.
pub fn signing_out_ends_the_session_and_a_replayed_cookie_is_anonymous(example: &Example) {
    let (_instance, visitor) = example.start(&[]);
    assert_leads_to_the_page(&visitor.post("/login", &["user=ann"]));
    let thief = visitor.thief();
    assert_eq!(thief.get("/whoami").text, "ann");

    assert_leads_to_the_page(&visitor.post("/logout", &[]));
    assert_eq!(visitor.cookie(), None);
    for visitor in [visitor, thief] {
        assert_eq!(visitor.get("/whoami").status, 401);
    }
}

/// `Max-Age` stands in the cookie of whoever asked for it last, and in no other.
pub fn only_a_remembered_sign_in_outlives_the_browser(example: &Example) {
    let (_instance, visitor) = example.start(&[]);
    let plain = ["user=ann"];
    let remembered = ["user=ann", "remember=on"];
    for (form, is_remembered) in [(&plain[..], false), (&remembered, true), (&plain, false)] {
        let page = visitor.post("/login", form);
        assert_leads_to_the_page(&page);
        let cookie = page.set_cookie().unwrap();
        assert_eq!(cookie.contains("Max-Age="), is_remembered, "{form:?}");
        let days = visitor.keeps_cookie_for().map(|it| it.as_secs() / 86_400);
        // Of sixty days some moments are over.
        assert_eq!(days, is_remembered.then_some(59), "{form:?}");
    }
}

/// A form without a name in it changes nothing.
pub fn nobody_is_signed_in_without_a_name(example: &Example) {
    let (_instance, visitor) = example.start(&[]);
    for form in [&[][..], &["user="], &["user= "], &["remember=on"]] {
        assert_eq!(visitor.post("/login", form).status, 400, "{form:?}");
    }
    assert_eq!(visitor.cookie(), None);
}

/// Nobody makes the server hold more than a form of the app can be.
pub fn a_form_that_is_too_large_is_refused(example: &Example) {
    let (_instance, visitor) = example.start(&[]);
    let user = format!("user={}", "x".repeat(16 * 1024));
    assert_eq!(visitor.post("/login", &[&user]).status, 413);
    assert_eq!(visitor.cookie(), None);
}

/// 404 where nothing is, 405 where something is but does not do that.
pub fn unknown_paths_and_wrong_methods_are_told_apart(example: &Example) {
    let (_instance, visitor) = example.start(&[]);
    let wrong = [
        ("POST", "/"),
        ("DELETE", "/visits"),
        ("GET", "/login"),
        ("GET", "/logout"),
        ("POST", "/whoami"),
    ];
    for (method, path) in wrong {
        let page = visitor.send(path, &["--request", method]);
        assert_eq!(page.status, 405, "{method} {path}");
        assert!(page.header("allow").is_some(), "{method} {path}");
    }
    for (method, path) in [("GET", "/nowhere"), ("POST", "/login/"), ("GET", "//")] {
        let page = visitor.send(path, &["--request", method]);
        assert_eq!(page.status, 404, "{method} {path}");
    }
}

/// `INSECURE_HTTP=1` gives up `Secure` and the prefix that needs it, and nothing else.
///
/// Proves: asvs_3_3_1, asvs_3_3_2, asvs_3_3_3, asvs_3_3_4.
pub fn the_cookie_is_as_strict_as_it_can_be(example: &Example) {
    let rows = [
        (
            "0",
            "__Host-id=",
            "; HttpOnly; SameSite=Lax; Secure; Path=/",
        ),
        ("1", "id=", "; HttpOnly; SameSite=Lax; Path=/"),
    ];
    for (insecure_http, name, attributes) in rows {
        let (_instance, visitor) = example.start(&[("INSECURE_HTTP", insecure_http)]);
        let page = visitor.get("/visits");
        let token = visitor.cookie().unwrap();
        let cookie = [name, &token, attributes].concat();
        assert_eq!(page.set_cookie(), Some(&cookie[..]));
        assert_eq!(visitor.get("/visits").text, "2");
    }
}

/// Who steals all of Redis can still be nobody.
///
/// Proves: asvs_16_2_5.
pub fn no_secret_is_in_redis(example: &Example) {
    let redis = Redis::start();
    let (_instance, visitor) = example.start(&[("REDIS_URL", &redis.url())]);
    let mut tokens = Vec::new();

    assert_eq!(visitor.get("/visits").text, "1");
    tokens.extend(visitor.cookie());
    for form in [&["user=ann"][..], &["user=ann", "remember=on"]] {
        assert_leads_to_the_page(&visitor.post("/login", form));
        tokens.extend(visitor.cookie());
    }
    assert_eq!(tokens.len(), 3);
    let dump = redis.dump();
    assert!(contains(&dump, b"\"ann\""), "this is where the session is");
    assert_tells_no_secret(&dump, &tokens);

    assert_leads_to_the_page(&visitor.post("/logout", &[]));
    assert_tells_no_secret(&redis.dump(), &tokens);
}

/// An error that an operator understands, and an exit code that a supervisor does.
pub fn a_server_that_cannot_start_says_why(example: &Example) {
    let nobody = format!("redis://{}", free_address());
    let (instance, _) = example.start(&[]);
    let taken = instance.address().to_string();
    let rows = [
        (
            "REDIS_URL",
            "somewhere",
            "not a url that redis can be reached at",
        ),
        ("REDIS_URL", &nobody, "redis cannot be reached"),
        ("ADDR", &taken, "cannot listen on"),
    ];
    for (name, value, message) in rows {
        // Nobody can listen there, so it ends in any case.
        let mut command = example.command(&[("ADDR", "192.0.2.1:1"), (name, value)]);
        let output = command.output().unwrap();
        let error = String::from_utf8(output.stderr).unwrap();
        assert!(!output.status.success(), "{value}");
        assert!(error.contains(message), "{value}: {error}");
        assert!(!error.contains("panicked"), "{value}: {error}");
    }
}

#[track_caller]
fn assert_leads_to_the_page(page: &Page) {
    assert_eq!(page.status, 303);
    assert_eq!(page.header("location"), Some("/"));
}
