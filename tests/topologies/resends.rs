//! Commits on a cluster that have no reply are sent again, and happen once.

use std::time::Duration;

use bb8::Pool;
use futures::future::join;
use http::StatusCode;
use session_test_support::{Browser, Fault, Page, Proxy};
use tokio::{
    sync::oneshot,
    time::{sleep, timeout},
};
use tower_session_layer::{SessionLayer, store::redis::Watched};

use crate::{
    common::{
        app::{App, app},
        visitor::with_pause,
    },
    site::Site,
};

/// Visits a path whose commit happens, and nobody can be reached where it did until something has
/// happened `meanwhile`. So many bytes of the reply arrive.
async fn cut_off(
    network: &Proxy,
    visitor: &Browser<App>,
    path: &str,
    arriving: usize,
    meanwhile: impl AsyncFnOnce(),
) -> Page {
    let path = format!("/wait{path}");
    let (armed, armed_too) = oneshot::channel();
    let visit = with_pause(visitor, &path, async || {
        network.next(1, Fault::CutReply(arriving));
        network.begin(Fault::Closed);
        armed.send(()).unwrap();
    });
    let meanwhile = async {
        armed_too.await.unwrap();
        let befallen = async {
            while !network.has_befallen() {
                sleep(Duration::from_millis(1)).await;
            }
        };
        // Not so if its server has no connection left to go through.
        let befallen = timeout(PATIENCE, befallen).await;
        assert!(
            befallen.is_ok(),
            "the commit goes through the network, and is answered"
        );
        meanwhile().await;
        network.end();
    };
    join(visit, meanwhile).await.0
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_commit_whose_reply_is_cut_happens_once() {
    let site = Site::start(0);
    for path in ["/update:n", "/update_now:n"] {
        let visitor = site.visitor().await;
        visitor.get("/number:n:1").await;
        let network = site.network_of(&visitor).await;
        let page = cut_off(network, &visitor, path, 0, async || {}).await;
        assert_eq!(
            page.status,
            StatusCode::OK,
            "{path}: it is known to be saved"
        );
        let seen = visitor.get("/get_number:n").await.text;
        assert_eq!(seen, "Some(2)", "{path}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_commit_that_is_sent_again_does_not_undo_what_came_between() {
    let site = Site::start(0);
    // Each leads back to where the commit came from: values alone do not tell.
    let rows = [("/update:n", "/number:n:1"), ("/number:n:2", "/number:n:1")];
    for (path, meanwhile) in rows {
        let visitor = site.visitor().await;
        visitor.get("/number:n:1").await;
        let network = site.network_of(&visitor).await;
        let other = visitor.at(site.visitor().await.service().clone());
        other.get("/").await;
        let between = async || {
            let page = other.get(meanwhile).await;
            assert_eq!(page.status, StatusCode::OK, "{path}: the other is saved");
        };
        let page = cut_off(network, &visitor, path, 0, between).await;
        let seen = other.get("/get_number:n").await.text;
        assert_eq!(seen, "Some(1)", "{path} was answered {}", page.status);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_commit_whose_connection_ends_while_it_waits_for_replicas_is_sent_again_and_waits_again()
{
    let site = Site::start(1);
    let waiting = Pool::builder().max_size(2);
    let waiting = waiting.build(Watched::cluster(site.connector())).await;
    let store = site.store().await.wait_for_replicas(1, waiting.unwrap());
    let visitor = Browser::new(app(&SessionLayer::new(store)));
    assert_eq!(visitor.get("/number:n:1").await.status, StatusCode::OK);
    let network = site.network_of(&visitor).await;
    let page = cut_off(network, &visitor, "/update:n", usize::MAX, async || {}).await;
    assert_eq!(
        page.status,
        StatusCode::OK,
        "it is known to be on a replica"
    );
    assert_eq!(visitor.get("/get_number:n").await.text, "Some(2)");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sign_in_whose_account_is_late_to_answer_is_not_refused_before_its_deadline() {
    let site = Site::start(0);
    let store = site.store().await.with_deadline(PATIENCE);
    let visitor = Browser::new(app(&SessionLayer::new(store)));
    let (_, network) = site.primary_of("session:owner:ann");
    // Longer than the client waits for one answer.
    network.next(1, Fault::Latency(Duration::from_millis(700)));
    let page = visitor.get("/sign_in/owner:ann").await;
    assert_eq!(page.status, StatusCode::OK);
    assert!(network.has_befallen(), "it was late");
}

/// Longer than any request takes.
const PATIENCE: Duration = Duration::from_secs(10);
