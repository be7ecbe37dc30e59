//! A record that has a key twice. Nothing writes one, but what comes out of a store can be damaged.

use crate::places::Place;

#[tokio::test]
async fn of_a_key_that_is_there_twice_the_first_one_counts_and_any_change_leaves_one() {
    let rows = [
        ("/get:n/keys", "5 a,n", "5"),
        ("/update_now:n", "6", "6"),
        ("/update:n/update:n", "", "7"),
        ("/take:n", "5", "none"),
        ("/remove:n", "true", "none"),
        ("/number:n:1", "", "1"),
        ("/update_now:a2", "1", "5"),
        ("/clear", "", "none"),
    ];
    for place in Place::all().await {
        for (path, text, after) in rows {
            let (browser, id) = place.visitor().await;
            place.damage(&id, |record| record.extend(b"\x01n\x00\x00\x00\x019"));
            let page = browser.get(path).await;
            let case = format!("{path}, {}", place.name);
            assert_eq!((page.status.as_u16(), &*page.text), (200, text), "{case}");
            assert_eq!(browser.get("/get:n").await.text, after, "{case}");
            let record = place.record(&id);
            let entries = record
                .windows(6)
                .filter(|it| it.starts_with(b"\x01n\0\0\0\x01"));
            let is_left = match (path, after) {
                ("/get:n/keys" | "/update_now:a2", _) => 2,
                (_, "none") => 0,
                _ => 1,
            };
            assert_eq!(entries.count(), is_left, "{case}");
        }
    }
}
