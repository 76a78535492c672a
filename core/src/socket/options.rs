//! The input of `my.connectSocket`, and the request that it makes (SOCK-01).

use crate::api::Api;
use crate::call::method::Method;
use crate::call::{Content, Headers, Input, Outgoing};
use crate::data::Data;
use crate::http::head::Head;
use crate::sink::{Full, Sink};
#[cfg(feature = "permessage-deflate")]
use crate::ws::deflate::{self, Parameters};
use crate::ws::handshake::{self, BadProtocol, HandshakeError, Key, Protocols};

/// The input of `my.connectSocket`. Everything but the URL has the reference's default.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct ConnectSocket<'r> {
    /// The server's URL: `wss://`, and `ws://` where the policy permits it. Empty is code 3, malformed 4, any other
    /// scheme 5.
    pub url: &'r str,
    /// What is joined to the URL's query, as on GET (REQ-06). Bytes are
    /// [`Reason::IllegalOption`](crate::reason::Reason::IllegalOption) (code 1).
    pub data: Data<'r>,
    /// Header fields. Those that are the library's own are left out silently, as for
    /// [`Request::headers`](crate::request::Request::headers); `Sec-WebSocket-Protocol` is taken for
    /// [`protocols`](Self::protocols) where that is empty.
    pub header: &'r [(&'r str, &'r str)],
    /// The subprotocols asked for, in order of preference: names, or lists of names separated by commas. One that is empty,
    /// repeated or no token is [`Reason::IllegalOption`](crate::reason::Reason::IllegalOption) (code 1).
    pub protocols: &'r [&'r str],
    /// The deadline from the call to the server's answer, in milliseconds, name resolution and TLS included; 0 means the
    /// default of 30,000 (SOCK-12).
    pub timeout: u32,
    /// The compression that is offered: permessage-deflate (RFC 7692); none by default. Whether the server agreed says
    /// [`Opened::compression`](super::Opened::compression). A socket of [`drive`](crate::drive) offers what its memory
    /// is for, whatever stands here.
    #[cfg(feature = "permessage-deflate")]
    pub compression: Option<Parameters>,
}

impl<'r> ConnectSocket<'r> {
    /// A connection to this URL with every default.
    pub const fn new(url: &'r str) -> Self {
        Self {
            url,
            data: Data::None,
            header: &[],
            protocols: &[],
            timeout: 0,
            #[cfg(feature = "permessage-deflate")]
            compression: None,
        }
    }

    /// With this data.
    pub const fn data(mut self, data: Data<'r>) -> Self {
        self.data = data;
        self
    }

    /// With these header fields.
    pub const fn header(mut self, header: &'r [(&'r str, &'r str)]) -> Self {
        self.header = header;
        self
    }

    /// With these subprotocols.
    pub const fn protocols(mut self, protocols: &'r [&'r str]) -> Self {
        self.protocols = protocols;
        self
    }

    /// With this timeout in milliseconds; 0 is the default of 30,000.
    pub const fn timeout(mut self, milliseconds: u32) -> Self {
        self.timeout = milliseconds;
        self
    }

    /// With an offer to compress messages (RFC 7692). The windows of the offer are the memory that is needed once it is
    /// accepted.
    #[cfg(feature = "permessage-deflate")]
    pub const fn compression(mut self, offer: Parameters) -> Self {
        self.compression = Some(offer);
        self
    }

    /// The deadline in milliseconds from the call's start.
    pub(super) const fn deadline(&self) -> u64 {
        if self.timeout == 0 { 30_000 } else { self.timeout as u64 }
    }
}

/// What is agreed on about compression.
#[cfg(feature = "permessage-deflate")]
pub(super) type Agreed = Option<Parameters>;
#[cfg(not(feature = "permessage-deflate"))]
pub(super) type Agreed = ();

/// The request of one opening handshake: the input and its key (RFC 6455 section 4.1).
#[derive(Debug)]
pub struct Handshake<'r> {
    connect: ConnectSocket<'r>,
    key: Key,
    /// The caller's `Sec-WebSocket-Protocol`, if it is what names the subprotocols.
    header_protocols: [&'r str; 1],
    by_header: bool,
}

impl<'r> Handshake<'r> {
    /// With 16 bytes from a random source; they may not have been used for anything else.
    pub fn new(connect: &ConnectSocket<'r>, random: [u8; 16]) -> Self {
        let by_header = Headers(connect.header).own("sec-websocket-protocol").filter(|_| connect.protocols.is_empty());
        Self {
            connect: *connect,
            key: Key::fresh(random),
            header_protocols: [by_header.unwrap_or_default()],
            by_header: by_header.is_some(),
        }
    }

    /// What is asked for.
    pub(super) const fn connect(&self) -> &ConnectSocket<'r> {
        &self.connect
    }

    /// The subprotocols asked for.
    pub(super) fn protocols(&self) -> Result<Protocols<'_>, BadProtocol> {
        Protocols::new(if self.by_header { &self.header_protocols } else { self.connect.protocols })
    }

    /// Checks an answer. Returns the subprotocol that it chooses, if it chooses any, and what it agrees on.
    pub(super) fn check(&self, head: &Head<'_>) -> Result<(Option<&str>, Agreed), HandshakeError> {
        let protocols = self.protocols().unwrap_or(Protocols::NONE);
        #[cfg(feature = "permessage-deflate")]
        if let Some(offer) = &self.connect.compression {
            return deflate::check_offer(head, &self.key, protocols, offer);
        }
        handshake::check(head, &self.key, protocols).map(|protocol| (protocol, Agreed::default()))
    }
}

impl Input for Handshake<'_> {
    fn outgoing(&self) -> Outgoing<'_> {
        Outgoing {
            api: Api::ConnectSocket,
            url: self.connect.url,
            method: Method::Get,
            headers: Headers(self.connect.header),
            content: Content::Data(self.connect.data),
            // RFC 6455 section 4.1 leaves it to the client.
            follow: false,
        }
    }

    fn write_fields(&self, out: &mut dyn Sink) -> Result<(), Full> {
        handshake::write_fields(&self.key, self.protocols().unwrap_or(Protocols::NONE), out)?;
        #[cfg(feature = "permessage-deflate")]
        if let Some(offer) = &self.connect.compression {
            offer.write_field(out)?;
        }
        Ok(())
    }
}
