//! Records that are not what they should be when a request begins.

use http::StatusCode;
use session_test_support::Browser;
use tower_session_layer::SessionErrorKind;

use crate::{
    common::{
        app::{App, said},
        dice::Dice,
        log::Log,
    },
    places::Place,
};

/// Where the entries begin: the first one is the key `a` and its value.
const HEADER: usize = 168;

/// Where entries end, and a record may.
const ENTRIES_END: [usize; 2] = [HEADER, HEADER + 9];

pub(crate) type Damage = fn(&mut Vec<u8>);

pub(crate) const UNREADABLE: [(&str, Damage); 13] = [
    ("empty", Vec::clear),
    ("text", |record| *record = b"{\"a\":1}".to_vec()),
    ("zeros", |record| record.fill(0)),
    ("cut in the header", |record| record.truncate(HEADER - 1)),
    ("no such version", |record| record[0] = 0),
    ("neither live nor ended", |record| record[1] = 2),
    ("replaced in no known way", |record| record[2] = 3),
    ("neither persistent nor not", |record| record[3] = 2),
    ("cut in an entry", |record| record.truncate(HEADER + 3)),
    ("a byte too few", |record| record.truncate(record.len() - 1)),
    ("a byte too many", |record| record.push(b'x')),
    ("a value that overruns", |record| record[HEADER + 2] = 0xff),
    ("a key that is not text", |record| record[HEADER + 1] = 0xff),
];

#[tokio::test]
async fn whose_record_cannot_be_read_is_a_stranger_who_can_sign_in() {
    for place in Place::all().await {
        for (name, damage) in UNREADABLE {
            let (browser, id) = place.visitor().await;
            place.damage(&id, damage);
            assert_stranger(&browser, &id, name).await;
        }
    }
    let place = Place::redis().await;
    let (browser, id) = place.visitor().await;
    assert!(place.mistype(&id));
    assert_stranger(&browser, &id, "another type").await;
}

#[tokio::test]
async fn a_record_that_was_cut_anywhere_is_that_of_a_stranger() {
    let place = Place::redis().await;
    let (browser, id) = place.visitor().await;
    let cookie = browser.jar().clone();
    let whole = place.record(&id);
    for len in (0..whole.len())
        .rev()
        .filter(|len| !ENTRIES_END.contains(len))
    {
        place.damage(&id, |record| *record = whole[..len].to_vec());
        let page = browser.get("/get:a/is_new").await;
        assert_eq!(page.text, "none true", "{len} bytes");
        assert_eq!(page.set_cookie(), None, "{len} bytes");
    }
    place.damage(&id, |record| *record = whole.to_vec());
    let page = browser.get("/get:a").await;
    assert_eq!(page.text, "1", "and no damage is done to it");
    assert_eq!(cookie.line(), browser.jar().line());
}

#[tokio::test]
async fn whatever_bytes_are_garbled_nobody_is_locked_out() {
    let place = Place::redis().await;
    let mut dice = Dice::of(0, 1);
    for round in 0..400 {
        let (browser, id) = place.visitor().await;
        let mut garbled = place.record(&id);
        for _ in 0..=dice.roll(3) {
            // A first byte of later versions is another matter.
            let at = 1 + dice.roll(garbled.len() - 1);
            garbled[at] = u8::try_from(dice.roll(256)).unwrap();
        }
        place.damage(&id, |record| *record = garbled.clone());
        let what = format!("round {round}: {}", garbled.escape_ascii());
        for path in ["/get:a", "/insert:b:2", "/sign_in/insert:a:2", "/get:a"] {
            let page = browser.get(path).await;
            assert_eq!(page.status, StatusCode::OK, "{path}, {what}");
        }
        let page = browser.get("/get:a/destroy").await;
        assert_eq!((&*page.text, page.status), ("2", StatusCode::OK), "{what}");
    }
}

/// Times and limits that no session ever had, alone and all together.
#[tokio::test]
async fn whose_session_seems_to_last_for_ever_is_served() {
    let place = Place::redis().await;
    let fields = [128..136, 136..144, 144..152, 152..160, 160..168];
    let together = (144..168, 128..168);
    for field in fields.into_iter().chain([together.0, together.1]) {
        for byte in [0x7f, 0xff] {
            let (browser, id) = place.visitor().await;
            place.damage(&id, |record| record[field.clone()].fill(byte));
            for path in ["/insert:b:2", "/sign_in/insert:a:2", "/get:a", "/destroy"] {
                let page = browser.get(path).await;
                assert_eq!(page.status, StatusCode::OK, "{path}, {field:?}, {byte}");
            }
        }
    }
}

#[tokio::test]
async fn a_poisoned_value_harms_its_key_alone() {
    let decode = said(SessionErrorKind::Decode);
    for place in Place::all().await {
        let (browser, id) = place.visitor().await;
        // The value of `a` follows the key and four bytes of its length.
        place.damage(&id, |record| record[HEADER + 6] = b'?');
        let rows = [
            ("/get:a", &*decode),
            ("/take:a", &decode),
            ("/update:a", &decode),
            ("/get:n/keys/contains:a", "5 a,n true"),
            ("/update_now:n", "6"),
            ("/insert:a:2", ""),
            ("/get:a", "2"),
        ];
        for (path, text) in rows {
            assert_eq!(browser.get(path).await.text, text, "{path}");
        }
        place.damage(&id, |record| *record.last_mut().unwrap() = b'?');
        assert_eq!(browser.get("/get:a").await.text, decode);
        assert_eq!(browser.get("/remove:a/keys").await.text, "true n");
    }
}

/// Sees nothing of the session, and begins another one with the same cookie in hand.
async fn assert_stranger(browser: &Browser<App>, id: &str, name: &str) {
    let log = Log::start();
    let page = browser.get("/get:a/is_new").await;
    assert_eq!(
        (page.status, &*page.text),
        (StatusCode::OK, "none true"),
        "{name}"
    );
    assert_eq!(page.set_cookie(), None, "{name}");
    let said = log.take();
    assert!(
        said.contains("WARN") && said.contains("unreadable session record"),
        "{name}: {said}"
    );
    assert!(said.contains(id), "{name}: {said}");
    let page = browser.get("/sign_in/insert:a:2").await;
    assert_eq!(page.status, StatusCode::OK, "{name}");
    log.take();
    let page = browser.get("/get:a/id").await;
    let (value, new_id) = page.text.split_once(' ').unwrap();
    assert_eq!(value, "2", "{name}");
    assert_ne!(new_id, id, "{name}");
    assert_eq!(log.take(), "", "{name}");
}
