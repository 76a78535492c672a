//! What a call sends, whichever API it is of.

use core::fmt;

use super::method::Method;
use crate::api::Api;
use crate::data::{Data, Form};
use crate::percent;
use crate::reason::Reason;
use crate::scan::{text_length, token_length};
use crate::sink::{Count, Full, Sink};
use crate::url;

/// The input of an API. A task keeps a reference to it, and asks it anew for each piece that it sends.
pub(crate) trait Input {
    /// What it asks for.
    fn outgoing(&self) -> Outgoing<'_>;

    /// Writes header fields that only this API has, each with its CRLF.
    fn write_fields(&self, out: &mut dyn Sink) -> Result<(), Full> {
        let _ = out;
        Ok(())
    }
}

// Not a supertrait: as a part of every input it would bring all of `core::fmt` into every program.
impl fmt::Debug for dyn Input + '_ {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.outgoing().fmt(f)
    }
}

/// The request of the first hop.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Outgoing<'r> {
    pub(crate) api: Api,
    pub(crate) url: &'r str,
    pub(crate) method: Method,
    pub(crate) headers: Headers<'r>,
    pub(crate) content: Content<'r>,
    /// Whether redirects are followed.
    pub(crate) follow: bool,
}

/// What goes with the head.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Content<'r> {
    /// Nothing.
    None,
    /// Data: in the query on GET, else as the body (REQ-06 to REQ-08).
    Data(Data<'r>),
    /// A file of so many bytes, in what surrounds it (UP-02).
    File(&'r dyn Envelope, u64),
}

/// What surrounds a file that is sent. A trait, so that only programs that send files have multipart in them.
pub(crate) trait Envelope {
    /// Writes the content type of the whole.
    fn write_content_type(&self, out: &mut dyn Sink) -> Result<(), Full>;

    /// Writes what comes before the file's bytes.
    fn write_before(&self, out: &mut dyn Sink) -> Result<(), Full>;

    /// Writes what comes after them.
    fn write_after(&self, out: &mut dyn Sink) -> Result<(), Full>;

    /// The length of the whole with a file of so many bytes; `None` where it passes 2^64.
    fn len(&self, file: u64) -> Option<u64>;
}

impl fmt::Debug for dyn Envelope + '_ {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Envelope")
    }
}

impl Outgoing<'_> {
    /// The length of what goes with the head, or why it cannot be sent.
    pub(crate) fn length(&self) -> Result<u64, Reason> {
        match self.content {
            Content::None => Ok(0),
            Content::Data(data) => self.data_length(data),
            Content::File(envelope, file) => envelope.len(file).ok_or(Reason::FileTooLarge),
        }
    }

    /// REQ-05 to REQ-09.
    fn data_length(&self, data: Data<'_>) -> Result<u64, Reason> {
        match (data, self.method) {
            (Data::Bytes(_), Method::Get) => return Err(Reason::IllegalOption),
            (Data::Text(text), method) if method == Method::Get || self.form() == Form::Query => {
                if percent::has_malformed_escape(text.as_bytes()) {
                    return Err(Reason::MalformedEscape);
                }
                if method == Method::Get {
                    if text.bytes().any(|byte| byte.is_ascii_control()) {
                        return Err(Reason::UrlMalformed);
                    }
                    let mut count = Count::new();
                    url::write_query_text(text, &mut count).map_err(|_| Reason::DataNotConvertible)?;
                    return Ok(count.bytes());
                }
            }
            _ => {}
        }
        data.len(self.form()).map_err(|_| Reason::DataNotConvertible)
    }

    /// The form that data takes: in the query on GET (REQ-06), else by the content type (REQ-07, REQ-08).
    pub(crate) fn form(&self) -> Form {
        let content_type = self.headers.own("content-type").unwrap_or(DEFAULT_CONTENT_TYPE);
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

/// The content type of data, unless the caller gives one (REQ-02).
pub(crate) const DEFAULT_CONTENT_TYPE: &str = "application/json";

/// The caller's header fields.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Headers<'r>(pub(crate) &'r [(&'r str, &'r str)]);

impl<'r> Headers<'r> {
    /// Whether every one could be written (CTX-09).
    pub(crate) fn are_legal(&self) -> bool {
        self.0.iter().all(|(name, value)| {
            let (name, value) = (name.as_bytes(), value.as_bytes());
            !name.is_empty() && token_length(name) == name.len() && text_length(value) == value.len()
        })
    }

    /// Those that are sent: not the library's own, and of a repeated name only the last.
    pub(crate) fn sent(&self) -> impl Iterator<Item = (&'r str, &'r str)> {
        let headers = self.0;
        headers.iter().enumerate().filter_map(move |(at, (name, value))| {
            let later = headers.get(at.saturating_add(1)..).unwrap_or_default();
            let sent = !is_reserved(name) && !later.iter().any(|(other, _)| other.eq_ignore_ascii_case(name));
            sent.then_some((*name, *value))
        })
    }

    /// The value that is sent for this name, if the caller gave one.
    pub(crate) fn own(&self, name: &str) -> Option<&'r str> {
        self.0.iter().rev().find(|(other, _)| other.eq_ignore_ascii_case(name)).map(|(_, value)| *value)
    }
}

/// Fields that only the library sets (CTX-09). `Sec-WebSocket-Protocol` has no meaning outside a socket, whose task
/// writes it itself.
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
    fn ctx_09_only_legal_headers_pass() {
        let legal = |name: &str, value: &str| Headers(&[(name, value)]).are_legal();
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
        let headers = Headers(&[
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
        ]);
        assert_eq!(headers.sent().collect::<Vec<_>>(), [("B", "2"), ("A", "3")]);
        assert_eq!(headers.own("a"), Some("3"));
    }

    #[test]
    fn req_08_the_content_type_decides_the_form() {
        let form = |method, headers| {
            let content = Content::Data(Data::None);
            Outgoing { api: Api::Request, url: "", method, headers: Headers(headers), content, follow: true }.form()
        };
        assert_eq!(form(Method::Post, &[]), Form::Json);
        assert_eq!(form(Method::Post, &[("Content-Type", "Application/JSON; charset=utf-8")]), Form::Json);
        assert_eq!(form(Method::Put, &[("content-type", "application/x-www-form-urlencoded")]), Form::Query);
        assert_eq!(form(Method::Delete, &[("content-type", "text/plain")]), Form::Text);
        assert_eq!(form(Method::Get, &[("content-type", "text/plain")]), Form::Query);
    }
}
