//! The request as it goes on the wire: request line, header fields, body (RFC 9112 section 3).

use super::options::{DEFAULT_CONTENT_TYPE, Method, Request};
use crate::base64;
use crate::context::{Context, Proxy};
use crate::data::{Data, WriteError};
use crate::digits::put_decimal;
use crate::http::exchange::Message;
use crate::policy::Permitted;
use crate::sink::{Full, Sink};

/// One hop of a call. Written anew for every buffer-full, so it holds references only.
pub(super) struct RequestMessage<'a> {
    pub(super) context: &'a Context<'a>,
    pub(super) request: &'a Request<'a>,
    pub(super) url: Permitted<'a>,
    pub(super) proxy: Option<Proxy<'a>>,
    pub(super) method: Method,
    /// The data goes with this hop: in the query on GET, else in the body.
    pub(super) with_data: bool,
    /// Its length, as it was counted when the call began.
    pub(super) data_length: u64,
    /// A redirect has left the origin that the caller named (REQ-14).
    pub(super) left_origin: bool,
}

impl Message for RequestMessage<'_> {
    fn write(&self, out: &mut dyn Sink) -> Result<(), WriteError> {
        self.request_line(out)?;
        self.fields(out)?;
        out.put(b"\r\n")?;
        if self.has_body() { self.data(out) } else { Ok(()) }
    }
}

impl RequestMessage<'_> {
    fn has_body(&self) -> bool {
        self.with_data && self.method != Method::Get
    }

    /// RFC 9112 section 3.2: origin-form, or absolute-form for a proxy that is not a tunnel.
    fn request_line(&self, out: &mut dyn Sink) -> Result<(), WriteError> {
        out.put(self.method.as_str().as_bytes())?;
        out.put(b" ")?;
        if self.proxy.is_some() && !self.url.scheme().is_secure() {
            out.put(b"http://")?;
            self.url.host_header(out)?;
        }
        self.url.write_target(out)?;
        if self.with_data && self.method == Method::Get && self.data_length > 0 {
            out.put(self.url.query_joint().as_str().as_bytes())?;
            self.data(out)?;
        }
        Ok(out.put(b" HTTP/1.1\r\n")?)
    }

    fn fields(&self, out: &mut dyn Sink) -> Result<(), WriteError> {
        out.put(b"Host: ")?;
        self.url.host_header(out)?;
        // CTX-02: https, whatever the URL's own scheme.
        out.put(b"\r\nReferer: https://")?;
        self.url.write_host(out)?;
        for part in ["/", self.context.app_id(), "/", self.context.app_version(), "/page-frame.html\r\n"] {
            out.put(part.as_bytes())?;
        }
        self.default_field("User-Agent", self.context.user_agent(), out)?;
        self.default_field("Accept", "*/*", out)?;
        // Nothing here can decode, so nothing is asked for (RFC 9110 section 12.5.3).
        self.default_field("Accept-Encoding", "identity", out)?;
        self.default_field("Content-Type", DEFAULT_CONTENT_TYPE, out)?;
        for (name, value) in self.request.own_headers() {
            if !(self.left_origin && is_credential(name)) {
                field(name, value, out)?;
            }
        }
        if let (Some(proxy), false) = (self.proxy, self.url.scheme().is_secure()) {
            proxy_authorization(proxy, out)?;
        }
        let length = if self.has_body() { self.data_length } else { 0 };
        // RFC 9110 section 8.6: where the method expects a body, say that there is none.
        if length > 0 || matches!(self.method, Method::Post | Method::Put) {
            out.put(b"Content-Length: ")?;
            put_decimal(length, out)?;
            out.put(b"\r\n")?;
        }
        Ok(())
    }

    fn default_field(&self, name: &str, value: &str, out: &mut dyn Sink) -> Result<(), Full> {
        if value.is_empty() || self.request.own_header(name).is_some() { Ok(()) } else { field(name, value, out) }
    }

    fn data(&self, out: &mut dyn Sink) -> Result<(), WriteError> {
        let mut exactly = Exactly { out, remaining: self.data_length, exceeded: false };
        let written = match (self.request.data, self.method) {
            (Data::Text(text), Method::Get) => {
                crate::url::write_query_text(text, &mut exactly).map_err(WriteError::from)
            }
            (data, _) => data.write(self.request.form(), &mut exactly),
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
    for part in [name, ": ", value, "\r\n"] {
        out.put(part.as_bytes())?;
    }
    Ok(())
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

/// Asks a proxy for a tunnel to the origin (RFC 9110 section 9.3.6).
pub(super) struct ConnectMessage<'a> {
    pub(super) context: &'a Context<'a>,
    pub(super) proxy: Proxy<'a>,
    pub(super) url: Permitted<'a>,
}

impl Message for ConnectMessage<'_> {
    fn write(&self, out: &mut dyn Sink) -> Result<(), WriteError> {
        out.put(b"CONNECT ")?;
        self.url.write_authority_form(out)?;
        out.put(b" HTTP/1.1\r\nHost: ")?;
        self.url.write_authority_form(out)?;
        out.put(b"\r\n")?;
        if !self.context.user_agent().is_empty() {
            field("User-Agent", self.context.user_agent(), out)?;
        }
        proxy_authorization(self.proxy, out)?;
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
