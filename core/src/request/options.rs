//! The input of `my.request`: REQ-01 to REQ-05.

use crate::data::{Data, Form};
use crate::http::chunked::{is_text, is_token};

/// A request method (REQ-01).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Method {
    /// GET, the default.
    #[default]
    Get,
    /// POST.
    Post,
    /// PUT.
    Put,
    /// DELETE.
    Delete,
}

impl Method {
    /// As it is written in a request line.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Delete => "DELETE",
        }
    }

    /// The method of this name, in any letter case.
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Get, Self::Post, Self::Put, Self::Delete].into_iter().find(|m| m.as_str().eq_ignore_ascii_case(name))
    }
}

/// What the body of the answer is converted to (REQ-04).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum DataType {
    /// One JSON text in UTF-8, handed out as text or as a typed value.
    #[default]
    Json,
    /// Text in UTF-8.
    Text,
    /// The base64 form of the bytes.
    Base64,
}

impl DataType {
    /// The data type of this name: `json`, `text` or `base64`.
    pub fn from_name(name: &str) -> Option<Self> {
        match name {
            "json" => Some(Self::Json),
            "text" => Some(Self::Text),
            "base64" => Some(Self::Base64),
            _ => None,
        }
    }
}

/// What happens on a redirect (REQ-14).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Redirect {
    /// It is followed, up to the context's limit.
    #[default]
    Follow,
    /// The 3xx is the answer, a success.
    Manual,
}

/// The input of `my.request`. Everything but the URL has the reference's default.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Request<'r> {
    /// The server's URL.
    pub url: &'r str,
    /// The method.
    pub method: Method,
    /// Header fields. `content-type: application/json` is sent unless one is given here. Those that are the library's
    /// own (`Host`, `Content-Length`, `Transfer-Encoding`, `Connection`, `Referer`, `Upgrade`, `Sec-WebSocket-*`) are
    /// left out silently, as is all but the last of a repeated name (CTX-02, CTX-09).
    pub headers: &'r [(&'r str, &'r str)],
    /// What is sent.
    pub data: Data<'r>,
    /// The deadline over the whole call, in milliseconds; 0 means the default of 30,000 (REQ-03).
    pub timeout: u32,
    /// What the body of the answer is converted to.
    pub data_type: DataType,
    /// What happens on a redirect.
    pub redirect: Redirect,
}

impl<'r> Request<'r> {
    /// A GET of this URL with every default.
    pub const fn new(url: &'r str) -> Self {
        Self {
            url,
            method: Method::Get,
            headers: &[],
            data: Data::None,
            timeout: 0,
            data_type: DataType::Json,
            redirect: Redirect::Follow,
        }
    }

    /// With this method.
    pub const fn method(mut self, method: Method) -> Self {
        self.method = method;
        self
    }

    /// With these header fields.
    pub const fn headers(mut self, headers: &'r [(&'r str, &'r str)]) -> Self {
        self.headers = headers;
        self
    }

    /// With this data.
    pub const fn data(mut self, data: Data<'r>) -> Self {
        self.data = data;
        self
    }

    /// With this timeout in milliseconds.
    pub const fn timeout(mut self, milliseconds: u32) -> Self {
        self.timeout = milliseconds;
        self
    }

    /// With this data type.
    pub const fn data_type(mut self, data_type: DataType) -> Self {
        self.data_type = data_type;
        self
    }

    /// With this redirect mode.
    pub const fn redirect(mut self, redirect: Redirect) -> Self {
        self.redirect = redirect;
        self
    }

    /// The deadline in milliseconds from the call's start.
    pub(super) const fn deadline(&self) -> u64 {
        if self.timeout == 0 { 30_000 } else { self.timeout as u64 }
    }

    /// Whether every header could be written (CTX-09).
    pub(super) fn has_legal_headers(&self) -> bool {
        self.headers
            .iter()
            .all(|(name, value)| !name.is_empty() && name.bytes().all(is_token) && value.bytes().all(is_text))
    }

    /// The caller's fields that are sent: not the library's own, and of a repeated name only the last.
    pub(super) fn own_headers(&self) -> impl Iterator<Item = (&'r str, &'r str)> {
        let headers = self.headers;
        headers.iter().enumerate().filter_map(move |(at, (name, value))| {
            let later = headers.get(at.saturating_add(1)..).unwrap_or_default();
            let sent = !is_reserved(name) && !later.iter().any(|(other, _)| other.eq_ignore_ascii_case(name));
            sent.then_some((*name, *value))
        })
    }

    /// The value that is sent for this name, if the caller gave one.
    pub(super) fn own_header(&self, name: &str) -> Option<&'r str> {
        self.headers.iter().rev().find(|(other, _)| other.eq_ignore_ascii_case(name)).map(|(_, value)| *value)
    }

    /// The form that data takes: in the query on GET (REQ-06), else by the content type (REQ-07, REQ-08).
    pub(super) fn form(&self) -> Form {
        let content_type = self.own_header("content-type").unwrap_or(DEFAULT_CONTENT_TYPE);
        if self.method == Method::Get {
            Form::Query
        } else if contains_ignoring_case(content_type, "application/json") {
            Form::Json
        } else if contains_ignoring_case(content_type, "application/x-www-form-urlencoded") {
            Form::Query
        } else {
            Form::Text
        }
    }
}

pub(super) const DEFAULT_CONTENT_TYPE: &str = "application/json";

/// Fields that only the library sets (CTX-09). `Sec-WebSocket-Protocol` has no meaning outside a socket.
fn is_reserved(name: &str) -> bool {
    const RESERVED: [&str; 6] = ["host", "content-length", "transfer-encoding", "connection", "referer", "upgrade"];
    const SOCKET: &str = "sec-websocket-";
    RESERVED.iter().any(|reserved| name.eq_ignore_ascii_case(reserved))
        || name.get(..SOCKET.len()).is_some_and(|start| start.eq_ignore_ascii_case(SOCKET))
}

fn contains_ignoring_case(text: &str, lower: &str) -> bool {
    text.as_bytes().windows(lower.len()).any(|window| window.eq_ignore_ascii_case(lower.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn req_01_the_methods_are_four() {
        assert_eq!(Request::new("").method, Method::Get);
        for name in ["GET", "post", "Put", "DELETE"] {
            assert!(Method::from_name(name).is_some());
        }
        assert_eq!(Method::from_name("PATCH"), None);
    }

    #[test]
    fn req_03_a_timeout_of_0_is_30_seconds() {
        assert_eq!(Request::new("").deadline(), 30_000);
        assert_eq!(Request::new("").timeout(1).deadline(), 1);
    }

    #[test]
    fn ctx_09_only_legal_headers_pass() {
        let legal = |name: &str, value: &str| Request::new("").headers(&[(name, value)]).has_legal_headers();
        assert!(legal("X-a_1", "any \t value \u{4e2d}"));
        assert!(legal("x", ""));
        for name in ["", "a b", "a:", "a\r\n", "\u{4e2d}", "a\0", "(a)", "a/b"] {
            assert!(!legal(name, "v"), "{name:?}");
        }
        for value in ["a\r\nb: c", "a\nb", "a\rb", "a\0", "\x7f", "\x1b"] {
            assert!(!legal("a", value), "{value:?}");
        }
    }

    #[test]
    fn ctx_09_the_librarys_own_fields_are_left_out_and_a_later_duplicate_replaces() {
        let headers = [
            ("HOST", "evil"),
            ("Referer", "x"),
            ("a", "1"),
            ("Sec-WebSocket-Key", "x"),
            ("content-Length", "9"),
            ("B", "2"),
            ("A", "3"),
            ("transfer-encoding", "chunked"),
            ("Upgrade", "h2c"),
            ("connection", "upgrade"),
        ];
        let request = Request::new("").headers(&headers);
        assert_eq!(request.own_headers().collect::<Vec<_>>(), [("B", "2"), ("A", "3")]);
        assert_eq!(request.own_header("a"), Some("3"));
    }

    #[test]
    fn req_08_the_content_type_decides_the_form() {
        let form = |method, value: &str| Request::new("").method(method).headers(&[("Content-Type", value)]).form();
        assert_eq!(Request::new("").method(Method::Post).form(), Form::Json);
        assert_eq!(form(Method::Post, "Application/JSON; charset=utf-8"), Form::Json);
        assert_eq!(form(Method::Put, "application/x-www-form-urlencoded"), Form::Query);
        assert_eq!(form(Method::Delete, "text/plain"), Form::Text);
        assert_eq!(form(Method::Get, "text/plain"), Form::Query);
    }
}
