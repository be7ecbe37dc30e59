//! Records that go, or are damaged, while a request works.

use http::StatusCode;

use crate::{
    common::{
        log::Log,
        visitor::{COOKIE, token, with_pause},
    },
    damage::UNREADABLE,
    places::Place,
};

#[tokio::test]
async fn a_tombstone_that_was_evicted_lets_nothing_back_in() {
    let place = Place::redis().await;
    let (browser, id) = place.visitor().await;
    let cookie = token(&browser);
    let page = with_pause(&browser, "/wait/insert:b:2", async || {
        let page = browser.get("/destroy").await;
        assert_eq!(page.status, StatusCode::OK);
        assert!(place.evict(&id), "there was a tombstone");
    });
    assert_eq!(page.await.status, StatusCode::CONFLICT);
    assert!(!place.evict(&id), "nothing came back");
    browser.jar().set(COOKIE, &cookie);
    assert_eq!(browser.get("/get:a/is_new").await.text, "none true");
}

/// What happens meanwhile, whether it is possible here.
type Meanwhile = Box<dyn Fn(&Place, &str) -> bool>;

/// What a request did whose record became unreadable, or went, while it worked.
const WORK: [(&str, u16, &str); 9] = [
    ("/wait/get:a", 200, "1"),
    ("/touch/wait/get:a", 200, "1"),
    ("/wait/insert:b:2", 409, "none"),
    ("/wait/update:n", 409, "none"),
    ("/wait/clear", 409, "none"),
    ("/wait/renew", 409, "none"),
    ("/wait/sign_in/insert:a:2", 200, "2"),
    ("/wait/destroy", 200, "none"),
    ("/wait/destroy/insert:a:3", 200, "3"),
];

#[tokio::test]
async fn a_record_that_goes_or_is_damaged_while_a_request_works_is_gone_for_its_commit() {
    let damages = UNREADABLE.into_iter().map(|(name, damage)| {
        let meanwhile: Meanwhile = Box::new(move |place, id| {
            place.damage(id, damage);
            true
        });
        (name, meanwhile, "unreadable session record")
    });
    let others: [(_, Meanwhile, _); 2] = [
        ("evicted", Box::new(Place::evict), ""),
        (
            "another type",
            Box::new(Place::mistype),
            "unreadable session record",
        ),
    ];
    let rows: Vec<_> = damages.chain(others).collect();
    for place in Place::all().await {
        for (name, meanwhile, event) in &rows {
            for (path, status, after) in WORK {
                let case = format!("{name}, {path}, {}", place.name);
                let (browser, id) = place.visitor().await;
                let log = Log::start();
                let mut is_possible = true;
                let page = with_pause(&browser, path, async || {
                    is_possible = meanwhile(&place, &id);
                })
                .await;
                if !is_possible {
                    continue;
                }
                assert_eq!(page.status, status, "{case}");
                let log = log.take();
                let is_read = path == "/wait/get:a";
                // The header is enough to end a session.
                let ends = path.contains("destroy") && has_header(name);
                assert!(log.contains(event) || is_read || ends, "{case}: {log}");
                assert!(!log.contains("store"), "{case}: {log}");
                if !is_read && !path.contains("touch") {
                    assert_eq!(browser.get("/get:a").await.text, after, "{case}");
                }
            }
        }
    }
}

/// Whether only the entries are damaged.
fn has_header(name: &str) -> bool {
    ["cut in an entry", "a byte", "a value", "a key"]
        .iter()
        .any(|it| name.starts_with(it))
}

#[tokio::test]
async fn a_record_of_a_later_version_is_left_alone_and_a_failure() {
    for place in Place::all().await {
        let (browser, id) = place.visitor().await;
        for (path, is_meanwhile) in [
            ("/get:a", false),
            ("/wait/insert:a:2", true),
            ("/wait/sign_in", true),
            ("/wait/destroy", true),
        ] {
            let later = || place.damage(&id, |record| record[0] = 2);
            let log = Log::start();
            let page = match is_meanwhile {
                true => with_pause(&browser, path, async || later()).await,
                false => {
                    later();
                    browser.get(path).await
                }
            };
            assert_eq!(page.status, StatusCode::SERVICE_UNAVAILABLE, "{path}");
            assert_eq!(page.set_cookie(), None, "{path}");
            assert!(!log.take().is_empty(), "{path}");
            place.damage(&id, |record| record[0] = 1);
            assert_eq!(browser.get("/get:a").await.text, "1", "{path}");
        }
    }
}
