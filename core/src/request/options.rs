//! The input of `my.request`: REQ-01 to REQ-05.

use crate::api::Api;
pub use crate::call::method::Method;
use crate::call::{Content, Headers, Input, Outgoing};
use crate::data::Data;

/// What the body of the answer is converted to (REQ-04).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum DataType {
    /// One JSON text in UTF-8, handed out as text or as a typed value.
    #[default]
    Json,
    /// Text: UTF-8, or the declared US-ASCII or ISO-8859-1 turned into UTF-8, which can be twice as long (REQ-12).
    Text,
    /// The base64 form of the bytes, padded: four characters for each three bytes begun.
    Base64,
}

impl DataType {
    /// The data type of this name: `json`, `text` or `base64`, in lower case; `None` for any other.
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
    /// The server's URL: `https://`, and `http://` where the policy permits it. Its limit is
    /// [`Limits::url`](crate::context::Limits::url).
    pub url: &'r str,
    /// The method.
    pub method: Method,
    /// Header fields. `content-type: application/json` is sent unless one is given here. Those that are the library's
    /// own (`Host`, `Content-Length`, `Transfer-Encoding`, `Connection`, `Referer`, `Upgrade`, `Sec-WebSocket-*`) are
    /// left out silently, as is all but the last of a repeated name (CTX-02, CTX-09). An illegal byte in a name or a value
    /// is [`Reason::IllegalHeader`](crate::reason::Reason::IllegalHeader) (code 2).
    pub headers: &'r [(&'r str, &'r str)],
    /// What is sent: in the query on GET, else as the body (REQ-05 to REQ-09).
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

    /// With this timeout in milliseconds; 0 is the default of 30,000.
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
}

impl Input for Request<'_> {
    fn outgoing(&self) -> Outgoing<'_> {
        Outgoing {
            api: Api::Request,
            url: self.url,
            method: self.method,
            headers: Headers(self.headers),
            content: Content::Data(self.data),
            follow: matches!(self.redirect, Redirect::Follow),
        }
    }
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
}
