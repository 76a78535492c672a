//! What a handler gives back.

use std::{future::Future, pin::Pin, time::Duration};

use hyper::{
    Response, StatusCode,
    header::{CONTENT_TYPE, HeaderValue},
    http,
};
use serde_json::Value;

use super::{
    body::{Body, Piece, Pieces, nothing, whole},
    link::{Ending, Link},
};

pub(super) const PLAIN: &str = "text/plain; charset=utf-8";

/// First some bytes or a pause, past hyper; then a response through hyper, the end, or a WebSocket.
pub(super) struct Answer {
    pub(super) first: Pieces,
    pub(super) then: Then,
}

pub(super) enum Then {
    Respond(Box<Response<Body>>),
    End(Ending),
    Talk(Talk),
}

/// What a handler does with a connection that is its own.
pub(super) type Talk = Box<dyn FnOnce(Link) -> Pin<Box<dyn Future<Output = Talked> + Send>> + Send>;

/// How the talk on a WebSocket ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Talked {
    pub(super) ending: Ending,
    /// The code of the client's close frame, or what stands for none, RFC 6455 section 7.1.5.
    pub(super) close: u16,
}

/// A request that a route does not take: a status, and a sentence saying why.
#[derive(Debug)]
pub(super) struct Refusal(pub(super) StatusCode, pub(super) String);

pub(super) type Handled = Result<Answer, Refusal>;

impl Answer {
    pub(super) fn respond(response: Response<Body>) -> Self {
        Self { first: nothing(), then: Then::Respond(Box::new(response)) }
    }

    /// 200 with `body`.
    pub(super) fn ok(media_type: &'static str, body: impl Into<hyper::body::Bytes>) -> Self {
        let mut response = Response::new(Body::whole(body));
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(media_type));
        Self::respond(response)
    }

    /// 200 with a JSON body.
    pub(super) fn json(value: &Value) -> Self {
        Self::ok("application/json", format!("{value}\n"))
    }

    /// Bytes that hyper would not write, and how the connection ends.
    pub(super) fn raw(pieces: Pieces, ending: Ending) -> Self {
        Self { first: pieces, then: Then::End(ending) }
    }

    /// Like [`Answer::raw`], in one run.
    pub(super) fn bytes(bytes: impl Into<hyper::body::Bytes>, ending: Ending) -> Self {
        Self::raw(whole(bytes), ending)
    }

    /// `first`, past hyper, and then the connection to `talk`.
    pub(super) fn talk<F>(first: Pieces, talk: impl FnOnce(Link) -> F + Send + 'static) -> Self
    where
        F: Future<Output = Talked> + Send + 'static,
    {
        Self { first, then: Then::Talk(Box::new(|link| Box::pin(talk(link)))) }
    }

    /// Puts a pause before all of it.
    pub(super) fn after(self, time: Duration) -> Self {
        Self { first: Box::new(std::iter::once(Piece::Pause(time)).chain(self.first)), then: self.then }
    }

    pub(super) fn with_status(mut self, code: StatusCode) -> Self {
        if let Then::Respond(response) = &mut self.then {
            *response.status_mut() = code;
        }
        self
    }
}

impl Refusal {
    pub(super) fn bad(why: impl Into<String>) -> Self {
        Self(StatusCode::BAD_REQUEST, why.into())
    }
}

impl From<Refusal> for Answer {
    fn from(Refusal(status, why): Refusal) -> Self {
        Self::ok(PLAIN, why + "\n").with_status(status)
    }
}

impl From<http::Error> for Refusal {
    fn from(error: http::Error) -> Self {
        Self::bad(error.to_string())
    }
}
