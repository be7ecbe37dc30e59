//! What to call a device: a few words of all that a browser says of itself.

use axum::http::{HeaderMap, header::USER_AGENT};

/// "Firefox on Linux", as far as the browser tells. Enough for its user to recognise it, and never
/// to decide by: it can say anything.
pub(crate) fn device(headers: &HeaderMap) -> String {
    let says = headers.get(USER_AGENT).and_then(|it| it.to_str().ok());
    let says = says.unwrap_or_default();
    match (known(&BROWSERS, says), known(&SYSTEMS, says)) {
        (Some(browser), Some(system)) => format!("{browser} on {system}"),
        (Some(browser), None) => browser.into(),
        (None, Some(system)) => format!("Unknown browser on {system}"),
        (None, None) => UNKNOWN_DEVICE.into(),
    }
}

/// Of several names the first in the table counts.
fn known(table: &[(&str, &'static str)], says: &str) -> Option<&'static str> {
    let row = table.iter().find(|(part, _)| says.contains(part));
    row.map(|(_, name)| *name)
}

/// What a device is called that does not say what it is.
pub(crate) const UNKNOWN_DEVICE: &str = "Unknown device";

/// Most of them also name those that they descend from: these come last.
const BROWSERS: [(&str, &str); 9] = [
    ("Edg", "Edge"),
    ("OPR/", "Opera"),
    ("SamsungBrowser/", "Samsung Internet"),
    ("FxiOS/", "Firefox"),
    ("Firefox/", "Firefox"),
    ("CriOS/", "Chrome"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
    ("curl/", "curl"),
];

const SYSTEMS: [(&str, &str); 7] = [
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("CrOS", "ChromeOS"),
    ("Windows", "Windows"),
    ("Macintosh", "macOS"),
    ("Linux", "Linux"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_device_is_called_by_its_browser_and_its_system_as_far_as_they_are_known() {
        let rows = [
            (
                "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
                "Firefox on Linux",
            ),
            (
                "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) \
                 Chrome/140.0.0.0 Safari/537.36",
                "Chrome on Windows",
            ),
            (
                "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) \
                 Chrome/140.0.0.0 Safari/537.36 Edg/140.0.0.0",
                "Edge on Windows",
            ),
            (
                "Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) AppleWebKit/537.36 (KHTML, like Gecko) \
                 Chrome/140.0.0.0 Safari/537.36",
                "Chrome on ChromeOS",
            ),
            (
                "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 \
                 (KHTML, like Gecko) Version/18.5 Safari/605.1.15",
                "Safari on macOS",
            ),
            (
                "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 \
                 (KHTML, like Gecko) CriOS/140.0.7339.39 Mobile/15E148 Safari/604.1",
                "Chrome on iPhone",
            ),
            (
                "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) \
                 SamsungBrowser/28.0 Chrome/130.0.0.0 Mobile Safari/537.36",
                "Samsung Internet on Android",
            ),
            ("curl/8.14.1", "curl"),
            ("Something/1.0 (Windows)", "Unknown browser on Windows"),
            ("Something/1.0", "Unknown device"),
            ("", "Unknown device"),
        ];
        for (says, name) in rows {
            let headers = HeaderMap::from_iter([(USER_AGENT, says.parse().unwrap())]);
            assert_eq!(device(&headers), name, "{says}");
        }
        assert_eq!(device(&HeaderMap::new()), "Unknown device");
    }
}
