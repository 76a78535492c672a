//! What a call brings: data types, statuses, headers (REQ-10 to REQ-13).

use miniwire_core::request::{DataType, Method, Request};

use super::Step;

pub(super) const STEPS: &[Step] = &[
    ("JSON, the default data type, is checked to the last byte.", Request::new("/json")),
    ("No body is success with empty data.", Request::new("/no-content")),
    ("Text may be UTF-8, or ISO-8859-1 where the server says so.", text("/latin1")),
    (
        "base64 takes any bytes.",
        base64("/raw?answer=HTTP/1.1%20200%20OK%0d%0aContent-Length:%204%0d%0a%0d%0a%00%ff%fe%01"),
    ),
    ("A page of HTML is not JSON: code 14.", Request::new("/html")),
    ("Random bytes are not text: code 14.", text("/bytes/64?seed=1")),
    ("A content-encoding was not asked for: code 14.", Request::new("/gzip")),
    (
        "4xx and 5xx are code 19, with status, headers and data.",
        Request::new("/status/404?body=%7B%22why%22:%22gone%22%7D&type=application/json"),
    ),
    ("So is 500.", text("/status/500?body=down").method(Method::Post)),
    (
        "An error page of HTML where JSON was asked for is 14, with its status.",
        Request::new("/status/404?body=%3Chtml%3E&type=text/html"),
    ),
    ("429 is code 20.", Request::new("/status/429")),
    (
        "Headers are found in any letter case, and repeated ones are all kept.",
        Request::new("/response-headers?set-cookie=a&set-cookie=b"),
    ),
];

/// With a client that takes no body of more than 1,000 bytes.
pub(super) const LIMITED: Step =
    ("A body over the client's limit is code 14, before any of it is kept (here 1,000 bytes).", base64("/bytes/1001"));

const fn text(path: &str) -> Request<'_> {
    Request::new(path).data_type(DataType::Text)
}

const fn base64(path: &str) -> Request<'_> {
    Request::new(path).data_type(DataType::Base64)
}
