//! How the pages look: in light and dark, on a phone and on a wide screen.

use std::path::Path;

use serde_json::json;

use crate::{browser::Browser, devices::PHONE, site::Site, tab::Tab};

/// Leaves pictures behind, for people to look at.
#[tokio::test]
async fn the_page_is_readable_in_light_and_dark_on_narrow_and_wide_screens() {
    let (site, browser) = (Site::start(), Browser::start().await);
    let tab = browser.tab().await;
    tab.open(&site.url()).await;
    assert_is_readable_everywhere(&tab, "page-visitor").await;
    tab.sign_in("ann", true).await;
    for _ in 0..3 {
        tab.count_a_visit().await;
    }
    assert_is_readable_everywhere(&tab, "page-signed-in").await;
    tab.open(&(site.url() + "?again")).await;
    assert_is_readable_everywhere(&tab, "page-asked-again").await;
    tab.sign_out().await;
    tab.sign_in(&"W".repeat(LONGEST), false).await;
    assert_is_readable_everywhere(&tab, "page-long-name").await;
}

/// Leaves pictures behind as well.
#[tokio::test]
async fn the_devices_are_readable_in_light_and_dark_on_narrow_and_wide_screens() {
    let (site, browser) = (Site::start(), Browser::start().await);
    let tab = browser.tab().await;
    let long_name = "W".repeat(LONGEST);
    for (user, name) in [("ann", "devices"), (&long_name, "devices-long-name")] {
        tab.open(&site.url()).await;
        tab.sign_in(user, true).await;
        tab.open(&(site.url() + "devices")).await;
        assert_is_readable_everywhere(&tab, &format!("{name}-alone")).await;
        for program in [PHONE, ""] {
            sign_in_elsewhere(&site, user, program);
        }
        tab.open(&(site.url() + "devices")).await;
        assert_is_readable_everywhere(&tab, name).await;
        tab.sign_out().await;
    }
}

/// Signs in with a program that calls itself like this.
fn sign_in_elsewhere(site: &Site, user: &str, program: &str) {
    let form = format!("user={user}");
    let sign_in = ["--user-agent", program, "--data", &form];
    assert_eq!(site.visitor().send("/login", &sign_in).status, 303);
}

async fn assert_is_readable_everywhere(tab: &Tab, what: &str) {
    for (scheme, lightness) in [("light", true), ("dark", false)] {
        for (screen, width) in [("phone", 360), ("wide", 1280)] {
            let name = format!("{what}-{scheme}-{screen}");
            tab.appear(scheme, width).await;
            tab.take_picture(&name).await;
            let sight = tab.run(include_str!("sight.js")).await;
            assert_eq!(sight["is_light"], lightness, "{name}");
            assert_eq!(sight["sticks_out"], json!([]), "{name}");
            assert_eq!(sight["faint"], json!([]), "{name}");
        }
    }
}

impl Tab {
    async fn appear(&self, scheme: &str, width: u32) {
        let devtools = self.focused().await.cdp();
        let colors = json!({ "features": [{ "name": "prefers-color-scheme", "value": scheme }] });
        let colors = devtools.send_raw("Emulation.setEmulatedMedia", colors);
        colors.await.unwrap();
        let (devices, is_phone) = (devtools.emulation(), width < 600);
        // A screen first, then one that is high enough for all of the page.
        for least in ["0", "document.documentElement.scrollHeight"] {
            let height = self.run(&format!("return Math.max(900, {least})")).await;
            let height = height.as_u64().unwrap().try_into().unwrap();
            let device = devices.set_device_metrics_override(width, height, 2.0, is_phone);
            device.await.unwrap();
        }
    }

    /// Cargo tells where tests may leave files: below its target directory.
    async fn take_picture(&self, name: &str) {
        let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join("screenshots");
        std::fs::create_dir_all(&directory).unwrap();
        let picture = directory.join(name).with_extension("png");
        self.focused().await.screenshot(&picture).await.unwrap();
        let len = picture.metadata().unwrap().len();
        assert!(len > 10_000, "{picture:?} shows something");
    }
}

/// How long a name the form lets through.
const LONGEST: usize = 80;
