//! A visitor: requests with a cookie jar.

use std::{
    collections::BTreeMap,
    fmt::Debug,
    sync::{Arc, Mutex},
};

use bytes::Bytes;
use cookie::Cookie;
use http::{
    HeaderMap, HeaderValue, Method, Request, Response, StatusCode,
    header::{COOKIE, SET_COOKIE},
};
use http_body_util::{BodyExt as _, Full};
use tower::{Service, ServiceExt as _};

/// The cookies of one visitor, as name and value. Clones share them.
#[derive(Debug, Clone, Default)]
pub struct Jar(Arc<Mutex<BTreeMap<String, String>>>);

impl Jar {
    /// The value of a cookie.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<String> {
        self.0.lock().unwrap().get(name).cloned()
    }

    /// Sets a cookie, as an attacker would.
    pub fn set(&self, name: &str, value: &str) {
        self.0.lock().unwrap().insert(name.into(), value.into());
    }

    /// The `Cookie` line, if there is any cookie.
    #[must_use]
    pub fn line(&self) -> Option<HeaderValue> {
        let cookies = self.0.lock().unwrap();
        let pairs: Vec<_> = cookies
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        (!pairs.is_empty()).then(|| pairs.join("; ").parse().unwrap())
    }

    /// Takes in what a response says about cookies.
    pub fn take_in(&self, headers: &HeaderMap) {
        let mut cookies = self.0.lock().unwrap();
        for line in headers.get_all(SET_COOKIE) {
            let cookie = Cookie::parse(line.to_str().unwrap()).unwrap();
            match cookie.max_age().is_some_and(|age| age.is_zero()) {
                true => cookies.remove(cookie.name()),
                false => cookies.insert(cookie.name().into(), cookie.value().into()),
            };
        }
    }
}

/// A visitor of a tower service.
#[derive(Debug, Clone)]
pub struct Browser<S> {
    service: S,
    jar: Jar,
}

impl<S, B> Browser<S>
where
    S: Service<Request<Full<Bytes>>, Response = Response<B>, Error: Debug> + Clone,
    B: http_body::Body<Data = Bytes, Error: Debug>,
{
    /// A visitor without any cookie.
    pub fn new(service: S) -> Self {
        Self {
            service,
            jar: Jar::default(),
        }
    }

    /// The same visitor at another server of the same site.
    #[must_use]
    pub fn at(&self, service: S) -> Self {
        let jar = self.jar.clone();
        Self { service, jar }
    }

    /// The server that this is a visitor of.
    pub fn service(&self) -> &S {
        &self.service
    }

    /// The visitor's cookies.
    #[must_use]
    pub fn jar(&self) -> &Jar {
        &self.jar
    }

    /// Visits a page.
    pub async fn get(&self, path: &str) -> Page {
        self.send(self.request(Method::GET, path)).await
    }

    /// Sends an empty form.
    pub async fn post(&self, path: &str) -> Page {
        self.send(self.request(Method::POST, path)).await
    }

    /// A request as this visitor would send it now.
    pub fn request(&self, method: Method, path: &str) -> Request<Full<Bytes>> {
        let mut request = Request::builder().method(method).uri(path);
        if let Some(line) = self.jar.line() {
            request = request.header(COOKIE, line);
        }
        request.body(Full::default()).unwrap()
    }

    /// Sends a request and takes in the cookies of the response once its head is here.
    pub async fn send(&self, request: Request<Full<Bytes>>) -> Page {
        let response = self.service.clone().oneshot(request).await.unwrap();
        let (head, body) = response.into_parts();
        self.jar.take_in(&head.headers);
        let body = body.collect().await.unwrap().to_bytes();
        Page {
            status: head.status,
            headers: head.headers,
            text: String::from_utf8(body.to_vec()).unwrap(),
        }
    }
}

/// What came back.
#[derive(Debug)]
pub struct Page {
    /// The status.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The body.
    pub text: String,
}

impl Page {
    /// The only `Set-Cookie` line; `None` if there is none.
    #[must_use]
    pub fn set_cookie(&self) -> Option<&str> {
        let mut lines = self.headers.get_all(SET_COOKIE).iter();
        let line = lines.next().map(|line| line.to_str().unwrap());
        assert_eq!(lines.next(), None, "one Set-Cookie at most");
        line
    }

    /// The value of a header, if it has one.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }
}
