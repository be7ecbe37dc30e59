//! A visitor of the server in `src/main.rs`.

use std::env;

use example_tonic::{
    Jar, WithCookies,
    proto::{SignInRequest, visitors_client::VisitorsClient},
};
use tonic::{
    Code,
    transport::{Channel, Endpoint},
};
use tower::Layer as _;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let address = env::var("ADDR").unwrap_or("127.0.0.1:3000".into());
    let endpoint = Endpoint::from_shared(format!("http://{address}"))?;
    let mut server = VisitorsClient::new(Jar::default().layer(endpoint.connect().await?));

    for _ in 0..3 {
        visit(&mut server).await?;
    }
    let ann = SignInRequest {
        user: "ann".into(),
        remember: false,
    };
    server.sign_in(ann).await?;
    println!("signed in");
    who_am_i(&mut server).await?;
    visit(&mut server).await?;
    server.sign_out(()).await?;
    println!("signed out");
    who_am_i(&mut server).await
}

async fn visit(server: &mut Server) -> anyhow::Result<()> {
    let visits = server.visit(()).await?.into_inner();
    println!("visit number {}", visits.count);
    Ok(())
}

async fn who_am_i(server: &mut Server) -> anyhow::Result<()> {
    match server.who_am_i(()).await {
        Ok(user) => println!("I am {}", user.into_inner().name),
        Err(status) if status.code() == Code::Unauthenticated => println!("I am nobody"),
        Err(status) => return Err(status.into()),
    }
    Ok(())
}

type Server = VisitorsClient<WithCookies<Channel>>;
