//! Cookies for a gRPC client, which has none by itself.

use std::{
    fmt,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll},
};

use cookie::{Cookie, CookieJar};
use http::{
    HeaderMap, HeaderValue, Request, Response,
    header::{COOKIE, SET_COOKIE},
};
use tower::{Layer, Service};

/// A layer for the channel to one server: keeps what `set-cookie` brings, and sends it as `cookie`.
/// Clones share their cookies.
///
/// It sends `Secure` cookies over plain http too, as browsers do on the machine they run on. For
/// any other machine connect with TLS: who reads the cookie owns the session.
#[derive(Clone, Default)]
pub struct Jar(Arc<Mutex<CookieJar>>);

impl Jar {
    /// The `cookie` header, if there is any cookie.
    #[must_use]
    pub fn header(&self) -> Option<HeaderValue> {
        let pairs: Vec<_> = self
            .cookies()
            .iter()
            .map(|cookie| cookie.stripped().to_string())
            .collect();
        if pairs.is_empty() {
            return None;
        }
        let mut header = HeaderValue::try_from(pairs.join("; ")).ok()?;
        header.set_sensitive(true);
        Some(header)
    }

    /// Takes in the cookies of a response.
    pub fn keep(&self, headers: &HeaderMap) {
        let lines = headers.get_all(SET_COOKIE).into_iter();
        let parse = |line: &HeaderValue| Cookie::parse(line.to_str().ok()?.to_owned()).ok();
        let mut cookies = self.cookies();
        for cookie in lines.filter_map(parse) {
            match cookie.max_age() {
                Some(age) if !age.is_positive() => cookies.force_remove(cookie.name()),
                _ => cookies.add_original(cookie),
            }
        }
    }

    fn cookies(&self) -> MutexGuard<'_, CookieJar> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Jar {
    /// Cookies are secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Jar").finish_non_exhaustive()
    }
}

impl<S> Layer<S> for Jar {
    type Service = WithCookies<S>;

    fn layer(&self, inner: S) -> Self::Service {
        let jar = self.clone();
        WithCookies { inner, jar }
    }
}

/// A service with a [`Jar`] of cookies.
#[derive(Debug, Clone)]
pub struct WithCookies<S> {
    inner: S,
    jar: Jar,
}

impl<S, ReqBody, ResBody> Service<Request<ReqBody>> for WithCookies<S>
where
    S: Service<Request<ReqBody>, Response = Response<ResBody>>,
    S::Future: Send + 'static,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = Pin<Box<dyn Future<Output = Result<S::Response, S::Error>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<ReqBody>) -> Self::Future {
        if let Some(cookies) = self.jar.header() {
            request.headers_mut().insert(COOKIE, cookies);
        }
        let response = self.inner.call(request);
        let jar = self.jar.clone();
        Box::pin(async move {
            let response = response.await?;
            jar.keep(response.headers());
            Ok(response)
        })
    }
}
