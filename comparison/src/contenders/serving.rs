//! Serving a router on the loopback.

use std::{io, net::SocketAddr, process, thread};

use axum::{Router, serve::ListenerExt as _};
use tokio::{net::TcpListener, runtime::Builder};

use crate::BoxError;

/// Serves with so many worker threads. All tasks run on them, those of the clients of Redis too.
pub(super) fn serve(
    workers: usize,
    router: impl Future<Output = Result<Router, BoxError>> + Send + 'static,
) -> Result<(), BoxError> {
    let runtime = Builder::new_multi_thread()
        .worker_threads(workers)
        .enable_all()
        .build()?;
    runtime.block_on(async {
        tokio::spawn(async {
            let router = router.await?;
            let listener = TcpListener::bind("127.0.0.1:0").await?;
            announce(listener.local_addr()?);
            let listener = listener.tap_io(|tcp| {
                let _ = tcp.set_nodelay(true);
            });
            Ok(axum::serve(listener, router).await?)
        })
        .await?
    })
}

/// Tells whoever started this program where it serves.
pub(super) fn announce(address: SocketAddr) {
    println!("{address}");
}

/// Ends this program when the one that started it has ended, however that came about.
pub(super) fn end_with_standard_input() {
    thread::spawn(|| {
        let _ = io::copy(&mut io::stdin(), &mut io::sink());
        process::exit(0);
    });
}
