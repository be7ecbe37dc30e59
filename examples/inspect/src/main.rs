//! Prints a session as JSON by its public id.
//!
//! ```sh
//! REDIS_URL=redis://127.0.0.1 cargo run -p example-inspect -- 0b7e1f4a-5d0c-4c57-9f83-5b7e3b0d6a11
//! ```

use std::{env, error::Error, process::ExitCode};

use tower_session_layer::{RedisStore, SessionId, SessionStore as _, store::inspect};

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    match run().await {
        Ok(session) => {
            println!("{session}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

async fn run() -> Result<String, Box<dyn Error>> {
    let id = env::args()
        .nth(1)
        .ok_or("which session? give its public id")?;
    let id: SessionId = id.parse()?;
    let url = env::var("REDIS_URL").unwrap_or_else(|_| "redis://127.0.0.1".to_owned());
    let record = RedisStore::connect(&url).await?.load(&id).await?;
    let record = record.ok_or("there is no such session")?;
    Ok(inspect(&record)?)
}
