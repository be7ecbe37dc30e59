//! Somebody who sends requests.

use std::hint::black_box;

use bytes::Bytes;
use http::{
    HeaderValue, Request, Response,
    header::{ACCEPT, COOKIE, HOST, SET_COOKIE, USER_AGENT},
};
use http_body_util::Empty;
use tower::{Layer, Service, ServiceExt as _, service_fn, util::ServiceFn};

use crate::BoxError;

/// Somebody who sends requests to services with this layer, or without.
#[derive(Debug, Clone)]
pub(crate) struct Visitor<L> {
    pub(crate) layer: L,
    cookie: Option<HeaderValue>,
}

impl<L> Visitor<L> {
    /// A visitor without a cookie.
    pub(crate) fn new(layer: L) -> Self {
        Self {
            layer,
            cookie: None,
        }
    }

    /// A visitor with the session that a handler begins.
    pub(crate) async fn known<H, B>(layer: L, begin: H) -> Result<Self, BoxError>
    where
        L: Layer<ServiceFn<H>>,
        L::Service: Answers<B>,
    {
        let mut visitor = Self::new(layer);
        let service = visitor.layer.layer(service_fn(begin));
        let response = service.oneshot(visitor.request()).await?;
        let cookie = response.headers().get(SET_COOKIE).ok_or("no cookie")?;
        let pair = cookie.to_str()?.split(';').next();
        visitor.cookie = pair.map(HeaderValue::from_str).transpose()?;
        Ok(visitor)
    }

    pub(crate) async fn send<H, B>(
        &self,
        layered: bool,
        times: u64,
        handler: H,
    ) -> Result<(), BoxError>
    where
        L: Layer<ServiceFn<H>>,
        L::Service: Answers<B>,
        ServiceFn<H>: Answers<Body>,
    {
        let service = service_fn(handler);
        match layered {
            true => self.repeat(times, self.layer.layer(service)).await,
            false => self.repeat(times, service).await,
        }
    }

    async fn repeat<B>(&self, times: u64, mut service: impl Answers<B>) -> Result<(), BoxError> {
        for _ in 0..times {
            let request = black_box(self.request());
            black_box(service.ready().await?.call(request).await?);
        }
        Ok(())
    }

    pub(crate) fn request(&self) -> Request<Body> {
        let mut request = Request::new(Body::new());
        let headers = request.headers_mut();
        headers.insert(HOST, HeaderValue::from_static("example.org"));
        headers.insert(ACCEPT, HeaderValue::from_static("*/*"));
        headers.insert(USER_AGENT, HeaderValue::from_static("bench"));
        if let Some(cookie) = &self.cookie {
            headers.insert(COOKIE, cookie.clone());
        }
        request
    }
}

/// A service that answers these requests.
pub(crate) trait Answers<B>:
    Service<Request<Body>, Response = Response<B>, Error = BoxError>
{
}

impl<S, B> Answers<B> for S where S: Service<Request<Body>, Response = Response<B>, Error = BoxError>
{}

pub(crate) type Body = Empty<Bytes>;
