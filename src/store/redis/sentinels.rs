//! Who is the master, as Sentinels say.

use std::{sync::Arc, time::Instant};

use redis::{Client, RedisError, sentinel::SentinelClient};
use tokio::sync::Mutex;

/// Sentinels, and what they said last.
#[derive(Clone)]
pub(super) struct Sentinels(Arc<Mutex<Lookup>>);

struct Lookup {
    client: SentinelClient,
    /// And when they had said it.
    last: Option<(Instant, Result<Client, RedisError>)>,
}

impl Sentinels {
    /// Asks who it is. Those who come while somebody asks take the same answer, whatever it is: it takes
    /// a second if one of the Sentinels is out of reach, and would take as many for as many who ask.
    pub(super) async fn master(&self) -> Result<Client, RedisError> {
        let came = Instant::now();
        let mut lookup = self.0.lock().await;
        match &lookup.last {
            Some((said, master)) if *said > came => master.clone(),
            _ => {
                // Dropped here, they were asked in vain, and the next one asks them.
                let master = lookup.client.async_get_client().await;
                lookup.last = Some((Instant::now(), master.clone()));
                master
            }
        }
    }
}

impl From<SentinelClient> for Sentinels {
    fn from(client: SentinelClient) -> Self {
        let last = None;
        Self(Arc::new(Mutex::new(Lookup { client, last })))
    }
}
