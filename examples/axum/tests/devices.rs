//! The devices of a user over the wire: in memory, and in a Redis that two instances share.
#![allow(clippy::unwrap_used)]

use session_test_support::{Curl, Example, Http, Instance, Page, Redis};

const PROGRAM: &str = env!("CARGO_BIN_EXE_example-axum");

/// Proves: asvs_7_4_3, asvs_7_5_2.
#[test]
fn a_user_sees_every_device_ends_one_and_then_all_others() {
    with_each_store(|here, there| {
        let phone = sign_in(there, "ann", "Mozilla/5.0 (iPhone) Safari/604.1");
        let program = sign_in(here, "ann", "curl/8");
        let unknown = sign_in(there, "ann", "");
        let bob = sign_in(there, "bob", "curl/8");
        let laptop = sign_in(here, "ann", "Mozilla/5.0 (X11; Linux) Firefox/140.0");
        let page = laptop.get("/devices");
        assert_eq!(page.header("cache-control"), Some("no-store"));
        for (part, times) in [(">now<", 1), (">at most ", 3), (">in 30 minutes<", 4)] {
            assert_eq!(
                page.text.matches(part).count(),
                times,
                "{part}: {}",
                page.text
            );
        }
        let mut names = names(&page);
        assert_eq!(names.remove(0), "This device: Firefox on Linux");
        names.sort();
        assert_eq!(
            names,
            ["Safari on iPhone", "Unknown device", "curl"].map(another)
        );

        let id = format!("id={}", id(&program));
        assert_leads_to("/devices", &laptop.post("/devices/end", &[&id]));
        assert_eq!(program.get("/whoami").status, 401);
        assert_leads_to("/", &program.get("/devices"));
        assert_eq!(count(&phone), 3);

        let thief = laptop.thief();
        assert_leads_to("/devices", &laptop.post("/devices/end-others", &[]));
        for visitor in [&phone, &unknown, &thief] {
            assert_eq!(visitor.get("/whoami").status, 401);
        }
        assert_eq!(laptop.get("/whoami").text, "ann");
        assert_eq!(count(&laptop), 1);
        assert_eq!(bob.get("/whoami").text, "bob");
    });
}

/// Proves: asvs_7_5_2.
#[test]
fn nobody_sees_or_ends_a_session_of_somebody_else() {
    with_each_store(|here, there| {
        let ann = sign_in(here, "ann", "curl/8");
        let bob = sign_in(there, "bob", "curl/8");
        let stranger = there.visitor();
        assert_eq!(names(&bob.get("/devices")), ["This device: curl"]);
        assert_leads_to("/", &stranger.get("/devices"));

        let hers = format!("id={}", id(&ann));
        let nobodys = "id=0b7e1f4a-5d0c-4c57-9f83-5b7e3b0d6a11";
        // Whether there is such a session, the answer does not tell.
        for id in [&hers[..], nobodys] {
            assert_leads_to("/devices", &bob.post("/devices/end", &[id]));
            assert_leads_to("/?again", &stranger.post("/devices/end", &[id]));
        }
        assert_eq!(bob.post("/devices/end", &["id=hers"]).status, 422);
        for visitor in [&bob, &stranger] {
            let _ = visitor.post("/devices/end-others", &[]);
        }
        assert_eq!(ann.get("/whoami").text, "ann");
        // In this way, too, her own one ends for good.
        assert_leads_to("/devices", &ann.post("/devices/end", &[&hers]));
        assert_leads_to("/", &ann.get("/devices"));
        assert_eq!(ann.get("/whoami").status, 401);
    });
}

/// Proves: asvs_7_5_2.
#[test]
fn to_end_a_device_asks_for_a_sign_in_that_is_not_long_ago() {
    let (instance, _) = Example::new(PROGRAM, Http::One).start(&[("RECENT", "0")]);
    let (laptop, phone) = (sign_in(&instance, "ann", ""), sign_in(&instance, "ann", ""));
    let id = format!("id={}", id(&phone));
    assert_leads_to("/?again", &laptop.post("/devices/end", &[&id]));
    assert_leads_to("/?again", &laptop.post("/devices/end-others", &[]));
    assert_eq!(count(&phone), 2);
}

/// Tests an instance with its sessions in memory, and two that share them in Redis.
fn with_each_store(test: impl Fn(&Instance, &Instance)) {
    let example = Example::new(PROGRAM, Http::One);
    let (instance, _) = example.start(&[]);
    test(&instance, &instance);

    let redis = Redis::start();
    let url = redis.url();
    let [(here, _), (there, _)] = [0, 1].map(|_| example.start(&[("REDIS_URL", &url)]));
    test(&here, &there);
}

/// A user signs in with a program that calls itself like this.
fn sign_in(instance: &Instance, user: &str, program: &str) -> Curl {
    let visitor = instance.visitor();
    let form = format!("user={user}");
    let page = visitor.send("/login", &["--user-agent", program, "--data", &form]);
    assert_leads_to("/", &page);
    visitor
}

/// The public id of the session, as the page shows it.
fn id(visitor: &Curl) -> String {
    between(&visitor.get("/").text, "<code>", "</code>").remove(0)
}

/// The devices on the page, in their order.
fn names(page: &Page) -> Vec<String> {
    let titles = between(&page.text, "<h2>", "</h2>").into_iter();
    let names = between(&page.text, "class=\"name\">", "</p>");
    let rows = titles.zip(names);
    rows.map(|(title, name)| format!("{title}: {name}"))
        .collect()
}

fn count(visitor: &Curl) -> usize {
    names(&visitor.get("/devices")).len()
}

fn another(name: &str) -> String {
    format!("Another device: {name}")
}

/// Whatever stands between these two.
fn between(text: &str, start: &str, end: &str) -> Vec<String> {
    let parts = text.split(start).skip(1);
    let parts = parts.map(|part| part.split_once(end).unwrap().0.to_owned());
    parts.collect()
}

#[track_caller]
fn assert_leads_to(location: &str, page: &Page) {
    assert_eq!(page.status, 303);
    assert_eq!(page.header("location"), Some(location));
}
