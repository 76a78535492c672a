//! The request as it goes on the wire: request line, header fields, body (RFC 9112 section 3).

use super::hop::Hop;
use super::method::Method;
use super::outgoing::{Content, DEFAULT_CONTENT_TYPE, Outgoing};
use crate::api::Api;
use crate::base64;
use crate::context::Proxy;
use crate::data::{Data, WriteError};
use crate::digits::put_decimal;
use crate::http::exchange::Message;
use crate::policy::Permitted;
use crate::sink::{Full, Sink};

/// The request of this hop. Written anew for every buffer-full, so it holds references only.
impl Message for Hop<'_> {
    fn write(&self, out: &mut dyn Sink) -> Result<(), WriteError> {
        // A call without a URL has ended.
        let Some(url) = self.url() else { return Err(WriteError::NotConvertible) };
        let outgoing = self.outgoing();
        let message = RequestMessage { hop: self, outgoing: &outgoing, url: &url };
        message.request_line(out)?;
        message.fields(out)?;
        out.put(b"\r\n")?;
        match outgoing.content {
            Content::Data(data) if message.has_body() => message.data(data, out),
            Content::File(envelope, _) => Ok(envelope.write_before(out)?),
            Content::Data(_) | Content::None => Ok(()),
        }
    }

    fn content(&self) -> u64 {
        match self.outgoing().content {
            Content::File(_, bytes) => bytes,
            Content::Data(_) | Content::None => 0,
        }
    }

    fn write_after(&self, out: &mut dyn Sink) -> Result<(), WriteError> {
        match self.outgoing().content {
            Content::File(envelope, _) => Ok(envelope.write_after(out)?),
            Content::Data(_) | Content::None => Ok(()),
        }
    }
}

struct RequestMessage<'a> {
    hop: &'a Hop<'a>,
    outgoing: &'a Outgoing<'a>,
    url: &'a Permitted<'a>,
}

impl RequestMessage<'_> {
    fn has_body(&self) -> bool {
        self.hop.with_content && self.hop.method != Method::Get
    }

    /// RFC 9112 section 3.2: origin-form, or absolute-form for a proxy that is not a tunnel.
    fn request_line(&self, out: &mut dyn Sink) -> Result<(), WriteError> {
        out.put(self.hop.method.as_str().as_bytes())?;
        out.put(b" ")?;
        if self.hop.reading_proxy().is_some() {
            out.put(b"http://")?;
            self.url.host_header(out)?;
        }
        self.url.write_target(out)?;
        if let Content::Data(data) = self.outgoing.content
            && self.hop.with_content
            && self.hop.method == Method::Get
            && self.hop.content_length > 0
        {
            out.put(self.url.query_joint().as_str().as_bytes())?;
            self.data(data, out)?;
        }
        Ok(out.put(b" HTTP/1.1\r\n")?)
    }

    fn fields(&self, out: &mut dyn Sink) -> Result<(), WriteError> {
        out.put(b"Host: ")?;
        self.url.host_header(out)?;
        // CTX-02: https, whatever the URL's own scheme.
        out.put(b"\r\nReferer: https://")?;
        self.url.write_host(out)?;
        let context = self.hop.context;
        put_all(&["/", context.app_id(), "/", context.app_version(), "/page-frame.html\r\n"], out)?;
        self.default_field("User-Agent", self.hop.context.user_agent(), out)?;
        self.default_field("Accept", "*/*", out)?;
        // Nothing here can decode, so nothing is asked for (RFC 9110 section 12.5.3).
        self.default_field("Accept-Encoding", "identity", out)?;
        let is_form = self.content_type(out)?;
        for (name, value) in self.outgoing.headers.sent() {
            // Only the library knows a form's boundary.
            let overruled = is_form && name.eq_ignore_ascii_case("content-type");
            let left_behind = self.hop.left_origin && is_credential(name);
            if !(overruled || left_behind) {
                field(name, value, out)?;
            }
        }
        self.hop.input.write_fields(out)?;
        if let Some(proxy) = self.hop.reading_proxy() {
            proxy_authorization(proxy, out)?;
        }
        let length = if self.has_body() { self.hop.content_length } else { 0 };
        // RFC 9110 section 8.6: where the method expects a body, say that there is none.
        if length > 0 || matches!(self.hop.method, Method::Post | Method::Put) {
            out.put(b"Content-Length: ")?;
            put_decimal(length, out)?;
            out.put(b"\r\n")?;
        }
        Ok(())
    }

    fn default_field(&self, name: &str, value: &str, out: &mut dyn Sink) -> Result<(), Full> {
        if value.is_empty() || self.outgoing.headers.own(name).is_some() { Ok(()) } else { field(name, value, out) }
    }

    /// The default of data (REQ-02), or that of a form, which nothing replaces. Returns whether it is a form's.
    fn content_type(&self, out: &mut dyn Sink) -> Result<bool, Full> {
        match self.outgoing.content {
            Content::None => Ok(false),
            // Its data is in the query and never in a body.
            Content::Data(_) if self.outgoing.api == Api::ConnectSocket => Ok(false),
            Content::Data(_) => self.default_field("Content-Type", DEFAULT_CONTENT_TYPE, out).map(|()| false),
            Content::File(envelope, _) => {
                out.put(b"Content-Type: ")?;
                envelope.write_content_type(out)?;
                out.put(b"\r\n").map(|()| true)
            }
        }
    }

    fn data(&self, data: Data<'_>, out: &mut dyn Sink) -> Result<(), WriteError> {
        let mut exactly = Exactly { out, remaining: self.hop.content_length, exceeded: false };
        let written = match (data, self.hop.method) {
            (Data::Text(text), Method::Get) => {
                crate::url::write_query_text(text, &mut exactly).map_err(WriteError::from)
            }
            (data, _) => data.write(self.outgoing.form(), &mut exactly),
        };
        match written {
            Err(WriteError::Full) if exactly.exceeded => Err(WriteError::NotConvertible),
            Ok(()) if exactly.remaining > 0 => Err(WriteError::NotConvertible),
            written => written,
        }
    }
}

/// Credentials that do not follow a redirect to another origin.
fn is_credential(name: &str) -> bool {
    name.eq_ignore_ascii_case("authorization") || name.eq_ignore_ascii_case("cookie")
}

fn field(name: &str, value: &str, out: &mut dyn Sink) -> Result<(), Full> {
    put_all(&[name, ": ", value, "\r\n"], out)
}

fn put_all(parts: &[&str], out: &mut dyn Sink) -> Result<(), Full> {
    parts.iter().try_for_each(|part| out.put(part.as_bytes()))
}

/// RFC 7617, with the credentials as they were given.
fn proxy_authorization(proxy: Proxy<'_>, out: &mut dyn Sink) -> Result<(), Full> {
    let Some(credentials) = proxy.credentials else { return Ok(()) };
    out.put(b"Proxy-Authorization: Basic ")?;
    let mut encoder = base64::Encoder::new();
    encoder.put(credentials.as_bytes(), out)?;
    encoder.finish(out)?;
    out.put(b"\r\n")
}

/// Asks the proxy of this hop for a tunnel to the origin (RFC 9110 section 9.3.6).
pub(super) struct ConnectMessage<'a>(pub(super) &'a Hop<'a>);

impl Message for ConnectMessage<'_> {
    fn write(&self, out: &mut dyn Sink) -> Result<(), WriteError> {
        let Self(hop) = self;
        let (Some(url), Some(proxy)) = (hop.url(), hop.proxy) else { return Err(WriteError::NotConvertible) };
        out.put(b"CONNECT ")?;
        url.write_authority_form(out)?;
        out.put(b" HTTP/1.1\r\nHost: ")?;
        url.write_authority_form(out)?;
        out.put(b"\r\n")?;
        if !hop.context.user_agent().is_empty() {
            field("User-Agent", hop.context.user_agent(), out)?;
        }
        proxy_authorization(proxy, out)?;
        Ok(out.put(b"\r\n")?)
    }
}

/// Holds a value to the length that was announced for it: a body of another length would desynchronise the connection.
struct Exactly<'s> {
    out: &'s mut dyn Sink,
    remaining: u64,
    exceeded: bool,
}

impl Sink for Exactly<'_> {
    fn put(&mut self, bytes: &[u8]) -> Result<(), Full> {
        match self.remaining.checked_sub(bytes.len() as u64) {
            Some(remaining) => self.remaining = remaining,
            None => {
                self.exceeded = true;
                return Err(Full);
            }
        }
        self.out.put(bytes)
    }
}
