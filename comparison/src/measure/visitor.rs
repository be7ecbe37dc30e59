//! Somebody who sends requests, one after the other, over one connection.

use std::{collections::BTreeMap, net::SocketAddr};

use httparse::{EMPTY_HEADER, Response, Status};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use crate::BoxError;

/// A connection, and the cookies that were set over it.
#[derive(Debug)]
pub(super) struct Visitor {
    stream: TcpStream,
    cookies: BTreeMap<String, String>,
    received: Vec<u8>,
    head_len: usize,
}

impl Visitor {
    pub(super) async fn connect(address: SocketAddr) -> Result<Self, BoxError> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Self {
            stream,
            cookies: BTreeMap::new(),
            received: Vec::with_capacity(4096),
            head_len: 0,
        })
    }

    /// Sends a request with all cookies, and keeps those that are set. What comes of it is the body.
    pub(super) async fn ask(&mut self, method: &str, path: &str) -> Result<String, BoxError> {
        let request = self.request(method, path);
        let status = self.exchange(&request).await?;
        if status != 200 {
            return Err(format!("{method} {path} was answered with {status}").into());
        }
        self.keep_cookies()?;
        Ok(str::from_utf8(&self.received[self.head_len..])?.to_owned())
    }

    pub(super) fn has_cookies(&self) -> bool {
        !self.cookies.is_empty()
    }

    /// A request as it is sent.
    pub(super) fn request(&self, method: &str, path: &str) -> Vec<u8> {
        let mut request = format!("{method} {path} HTTP/1.1\r\nhost: localhost\r\n");
        if method == "POST" {
            request += "content-length: 0\r\n";
        }
        if self.has_cookies() {
            let pairs = self
                .cookies
                .iter()
                .map(|(name, value)| format!("{name}={value}"));
            request += &format!("cookie: {}\r\n", pairs.collect::<Vec<_>>().join("; "));
        }
        (request + "\r\n").into_bytes()
    }

    /// Sends a request, and receives the whole response. What comes of it is its status.
    pub(super) async fn exchange(&mut self, request: &[u8]) -> Result<u16, BoxError> {
        self.stream.write_all(request).await?;
        self.received.clear();
        loop {
            if self.stream.read_buf(&mut self.received).await? == 0 {
                return Err("the connection was closed".into());
            }
            if let Some((status, head_len, body_len)) = head(&self.received)? {
                self.head_len = head_len;
                if self.received.len() >= head_len + body_len {
                    return Ok(status);
                }
            }
        }
    }

    fn keep_cookies(&mut self) -> Result<(), BoxError> {
        let head = str::from_utf8(&self.received[..self.head_len])?;
        for line in head.lines() {
            let Some(("set-cookie", cookie)) = line.split_once(": ") else {
                continue;
            };
            let pair = cookie.split(';').next().unwrap_or_default();
            let (name, value) = pair.split_once('=').ok_or("a cookie without a value")?;
            match value {
                "" => self.cookies.remove(name),
                _ => self.cookies.insert(name.to_owned(), value.to_owned()),
            };
        }
        Ok(())
    }
}

/// The status, the length of the head, and that of the body that it announces, if it is complete.
fn head(received: &[u8]) -> Result<Option<(u16, usize, usize)>, BoxError> {
    let mut headers = [EMPTY_HEADER; 16];
    let mut response = Response::new(&mut headers);
    let Status::Complete(head_len) = response.parse(received)? else {
        return Ok(None);
    };
    let mut headers = response.headers.iter();
    let length = headers.find(|header| header.name.eq_ignore_ascii_case("content-length"));
    let length = length.ok_or("a response without a content-length")?;
    let body_len = str::from_utf8(length.value)?.parse()?;
    Ok(Some((
        response.code.unwrap_or_default(),
        head_len,
        body_len,
    )))
}
