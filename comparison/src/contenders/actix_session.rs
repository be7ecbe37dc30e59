//! actix-session, on its store for Redis and on the server of its framework.
//!
//! As in its documentation there is one store for all workers. Cookies are signed, which is less
//! work than to encrypt them, its default.

use actix_session::{
    Session, SessionGetError, SessionInsertError, SessionMiddleware, config::CookieContentSecurity,
    storage::RedisSessionStore,
};
use actix_web::{
    App, Error, HttpServer,
    cookie::Key,
    rt::System,
    web::{self, Path},
};

use crate::{
    BoxError,
    contenders::serving::announce,
    content::{COUNTER, Content, SMALL},
};

pub(super) fn serve(redis: String, workers: usize) -> Result<(), BoxError> {
    System::new().block_on(async move {
        let key = Key::generate();
        let store = RedisSessionStore::new(redis).await?;
        let app = move || {
            let sessions = SessionMiddleware::builder(store.clone(), key.clone())
                .cookie_content_security(CookieContentSecurity::Signed);
            App::new().wrap(sessions.build()).configure(routes)
        };
        let server = HttpServer::new(app).workers(workers).disable_signals();
        let server = server.bind("127.0.0.1:0")?;
        server.addrs().into_iter().for_each(announce);
        Ok(server.run().await?)
    })
}

fn routes(config: &mut web::ServiceConfig) {
    config
        .route("/untouched", web::get().to(async || "untouched"))
        .route("/read", web::get().to(read))
        .route("/increment", web::post().to(increment))
        .route("/sign-in", web::post().to(sign_in))
        .route("/write/{keys}/{bytes}", web::post().to(write));
}

async fn read(session: Session) -> Result<String, SessionGetError> {
    let counter: Option<u64> = session.get(COUNTER)?;
    Ok(counter.unwrap_or_default().to_string())
}

async fn increment(session: Session) -> Result<String, Error> {
    let counter: Option<u64> = session.get(COUNTER)?;
    let counter = counter.unwrap_or_default() + 1;
    session.insert(COUNTER, counter)?;
    Ok(counter.to_string())
}

async fn sign_in(session: Session) -> Result<&'static str, SessionInsertError> {
    session.renew();
    store(&session, SMALL)?;
    Ok("signed in")
}

async fn write(
    session: Session,
    path: Path<(usize, usize)>,
) -> Result<&'static str, SessionInsertError> {
    let (keys, bytes) = path.into_inner();
    store(&session, Content { keys, bytes })?;
    Ok("written")
}

fn store(session: &Session, content: Content) -> Result<(), SessionInsertError> {
    for (key, value) in content.entries() {
        session.insert(key, value)?;
    }
    Ok(())
}
