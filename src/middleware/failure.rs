//! How a failure is told to the client, in the terms of its protocol.

use http::{
    HeaderMap, HeaderName, HeaderValue, Response, StatusCode,
    header::{CONTENT_TYPE, RETRY_AFTER},
};
use http_body::Body;

use crate::{
    middleware::{body::ResponseBody, events::SessionEvent, settings::Settings},
    session::{
        error::{SessionError, SessionErrorKind},
        token::SessionId,
    },
    store::StoreError,
};

/// The answer to a request whose session cannot be loaded or saved: head only, for any body.
///
/// `headers` are those of the request, or of the response that is replaced: its content type tells
/// which protocol the client speaks.
pub(super) fn response<B: Body>(
    error: &SessionError,
    headers: &HeaderMap,
) -> Response<ResponseBody<B>> {
    let status = error.status();
    let mut response = Response::new(ResponseBody::empty());
    response.extensions_mut().insert(error.kind());
    if let Some(content_type) = grpc_content_type(headers) {
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, content_type.clone());
        headers.insert(GRPC_STATUS, grpc_status(status));
        return response;
    }
    *response.status_mut() = status;
    if status == StatusCode::SERVICE_UNAVAILABLE {
        let retry_after = HeaderValue::from_static("1");
        response.headers_mut().insert(RETRY_AFTER, retry_after);
    }
    response
}

impl SessionError {
    /// What an HTTP client is told of this: 409 where another request came first, 403 where another
    /// site made this one or the user has too many sessions, 400 where its cookies contradict each other, 503 where the store failed,
    /// 500 where the application did.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        use SessionErrorKind::{
            Ambiguous, Conflict, CrossSite, Entropy, Gone, Store, Superseded, TooManySessions,
        };
        match self.kind() {
            Gone | Superseded | Conflict => StatusCode::CONFLICT,
            CrossSite | TooManySessions => StatusCode::FORBIDDEN,
            Ambiguous => StatusCode::BAD_REQUEST,
            Store | Entropy => StatusCode::SERVICE_UNAVAILABLE,
            _ => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }
}

pub(super) fn store_failed(error: StoreError) -> SessionError {
    SessionError::with_source(SessionErrorKind::Store, error)
}

/// Notes that a session was not saved. That another request came first, or that this one comes from
/// another site, is no fault of the server.
pub(super) fn note(error: &SessionError, id: Option<SessionId>, settings: &Settings) {
    let (cause, kind) = (error as &dyn std::error::Error, error.kind());
    let shown = id.map(tracing::field::display);
    match error.status().is_client_error() {
        true => {
            tracing::warn!(session.id = shown, error = cause, "session not saved");
            settings.tell(|| SessionEvent::Refused { id, kind });
        }
        false => tracing::error!(session.id = shown, error = cause, "session not saved"),
    }
}

/// Whether the service says that it failed: HTTP 5xx, or a code of gRPC that blames the server.
pub(super) fn is_server_error<B>(response: &Response<B>) -> bool {
    response.status().is_server_error() || is_grpc_failure(response.headers())
}

/// Whether a head or trailers carry a code of gRPC that blames the server.
pub(super) fn is_grpc_failure(headers: &HeaderMap) -> bool {
    let status = headers.get(GRPC_STATUS);
    status.is_some_and(|status| GRPC_SERVER_ERRORS.contains(&status.as_bytes()))
}

/// Whether the client waits for trailers with a status.
pub(super) fn is_grpc(headers: &HeaderMap) -> bool {
    grpc_content_type(headers).is_some_and(|it| !it.as_bytes().starts_with(GRPC_WEB))
}

/// The trailers of a call whose session could not be saved.
pub(super) fn trailers(error: &SessionError) -> HeaderMap {
    HeaderMap::from_iter([(GRPC_STATUS, grpc_status(error.status()))])
}

/// `application/grpc` and `application/grpc-web`, with or without a suffix or parameters.
fn grpc_content_type(headers: &HeaderMap) -> Option<&HeaderValue> {
    let content_type = headers.get(CONTENT_TYPE)?;
    let rest = content_type.as_bytes().strip_prefix(b"application/grpc")?;
    let rest = rest.strip_prefix(b"-web-text").unwrap_or(rest);
    let rest = rest.strip_prefix(b"-web").unwrap_or(rest);
    matches!(rest, [] | [b'+' | b';', ..]).then_some(content_type)
}

fn grpc_status(status: StatusCode) -> HeaderValue {
    HeaderValue::from_static(match status {
        StatusCode::CONFLICT => GRPC_ABORTED,
        StatusCode::FORBIDDEN => GRPC_PERMISSION_DENIED,
        StatusCode::BAD_REQUEST => GRPC_FAILED_PRECONDITION,
        StatusCode::SERVICE_UNAVAILABLE => GRPC_UNAVAILABLE,
        _ => GRPC_INTERNAL,
    })
}

const GRPC_STATUS: HeaderName = HeaderName::from_static("grpc-status");
const GRPC_WEB: &[u8] = b"application/grpc-web";
const GRPC_PERMISSION_DENIED: &str = "7";
const GRPC_FAILED_PRECONDITION: &str = "9";
const GRPC_ABORTED: &str = "10";
const GRPC_INTERNAL: &str = "13";
const GRPC_UNAVAILABLE: &str = "14";

/// Unknown, deadline exceeded, unimplemented, internal, unavailable, data loss.
const GRPC_SERVER_ERRORS: [&[u8]; 6] = [b"2", b"4", b"12", b"13", b"14", b"15"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn these_statuses_say_that_the_server_failed() {
        for (status, grpc_status, expected) in [
            (200, None, false),
            (404, None, false),
            (499, None, false),
            (500, None, true),
            (503, None, true),
            (599, None, true),
        ] {
            assert_eq!(is_failure(status, grpc_status), expected, "{status}");
        }
        for code in 0..=17 {
            let blames_the_server = [2, 4, 12, 13, 14, 15].contains(&code);
            let code = code.to_string();
            assert_eq!(is_failure(200, Some(&code)), blames_the_server, "{code}");
        }
    }

    fn is_failure(status: u16, grpc_status: Option<&str>) -> bool {
        let mut response = Response::builder().status(status);
        if let Some(code) = grpc_status {
            response = response.header(GRPC_STATUS, code);
        }
        is_server_error(&response.body(()).unwrap())
    }
}
