//! Why a call failed: the precise [`Reason`], and the code that the API's own table gives it.
//!
//! A transport reports a [`Fault`]; the task knows what it was doing and turns that into a [`Reason`]. Only this file
//! turns a reason into a code, so that no API can report a code that its table does not list.
//!
//! ```
//! use miniwire_core::policy::Api;
//! use miniwire_core::reason::{CertificateFault, Reason};
//!
//! // The same code, and yet not the same to do.
//! let expired = Reason::Certificate(CertificateFault::Expired);
//! assert_eq!((Reason::HttpStatus.code(Api::Request), expired.code(Api::Request)), (19, 19));
//! assert_eq!(expired.name(), "CertificateExpired");
//! // The same reason, and another table.
//! let codes = [Api::Request, Api::UploadFile, Api::DownloadFile, Api::ConnectSocket].map(|api| Reason::HostNotAllowed.code(api));
//! assert_eq!(codes, [11, 4, 13, 1]);
//! ```

mod all;
mod words;

use crate::api::Api;
use crate::ws::violation::Violation;

/// What a transport reports when it cannot do what the task asked; which [`Reason`] it becomes depends on the step. On the
/// way to a proxy all of them are [`Reason::ProxyFailed`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Fault {
    /// The name did not resolve.
    Dns,
    /// No address accepted the connection.
    Connect,
    /// The link broke: a reset, an I/O error, a TLS record that does not decrypt.
    Lost,
    /// The TLS handshake failed for a reason other than the certificate.
    Tls,
    /// The peer does not speak TLS on this port.
    NotTls,
    /// The server's certificate was refused.
    Certificate(CertificateFault),
    /// The receive buffer is full and the task consumes nothing of it.
    ReceiveBufferFull,
}

/// What is wrong with a server's certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum CertificateFault {
    /// Its validity has ended.
    Expired,
    /// Its validity has not begun.
    NotYetValid,
    /// It is for another host.
    WrongHost,
    /// No configured root vouches for it; self-signed ones included.
    UnknownIssuer,
    /// An issuer in the chain is not a certificate authority.
    NotAnAuthority,
    /// Its key may not be used for this.
    WrongUsage,
    /// It has been revoked.
    Revoked,
    /// None of the pinned keys is in it.
    NotPinned,
    /// It is malformed, or its signature does not verify.
    Invalid,
}

/// Who ended a call that was under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Interrupt {
    /// The caller: `RequestTask.abort()`.
    Abort,
    /// The page was unloaded or the context shut down.
    Unload,
}

/// Why a call failed, precisely.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Reason {
    /// The page was unloaded, or the context shut down, with the call in flight.
    Unloaded,
    /// The URL is empty.
    UrlEmpty,
    /// The URL does not parse, or says something that this library refuses (a user name, a backslash, a bare IPv4
    /// number).
    UrlMalformed,
    /// The URL's scheme is not one of the API's.
    UrlScheme,
    /// The URL, data included, is longer than the limit.
    UrlTooLong,
    /// A header's name or value has a byte that RFC 9110 section 5 forbids.
    IllegalHeader,
    /// An option cannot be used: bytes as data on GET, an upload without `fileName`, a subprotocol that is no name, a
    /// code or a reason that a Close may not have.
    IllegalOption,
    /// The whitelist does not admit the host.
    HostNotAllowed,
    /// The name did not resolve.
    Dns,
    /// No address of the host accepted a connection.
    Connect,
    /// The link broke before the response was complete.
    ConnectionLost,
    /// The server closed the connection before the response was complete.
    ConnectionClosed,
    /// The TLS handshake failed for a reason other than the certificate.
    Tls,
    /// The deadline passed.
    Timeout,
    /// `dataType` is `json` and the body is not one JSON text.
    NotJson,
    /// `dataType` is `text` and the body is not text in the declared charset.
    NotText,
    /// The body has a content coding that is not supported.
    UnsupportedEncoding,
    /// The body has a charset that is not supported.
    UnsupportedCharset,
    /// The body, or a socket's message, is larger than the memory or the limit given.
    TooLarge,
    /// The data could not be converted.
    DataNotConvertible,
    /// The URL, or a string of data joined to it, has a `%` without two hexadecimal digits.
    MalformedEscape,
    /// The status is 4xx or 5xx, but not 429.
    HttpStatus,
    /// The response head breaks RFC 9112.
    MalformedHead,
    /// The response head is larger than the memory given, or has too many fields.
    HeadTooLarge,
    /// The body's framing is conflicting or malformed (RFC 9112 sections 6 and 7).
    MalformedFraming,
    /// The server's certificate was refused.
    Certificate(CertificateFault),
    /// The server does not speak TLS on this port.
    NotTls,
    /// There were more redirects than the limit.
    TooManyRedirects,
    /// The target of a redirect is not a URL that can be followed.
    BadRedirect,
    /// The caller aborted the call.
    Aborted,
    /// The policy refuses `http` and `ws`.
    PlainHttpRefused,
    /// The status is 429.
    RateLimited,
    /// The context has no slot left for another task.
    TooManyTasks,
    /// The proxy refused to connect.
    ProxyRefused,
    /// The proxy could not be reached, or what it said is not HTTP.
    ProxyFailed,
    /// A buffer that the caller gave is below the documented minimum (CORE-05): 512 bytes to receive, 256 to transmit.
    BufferTooSmall,
    /// The file to be uploaded does not exist.
    FileNotFound,
    /// It is a directory, a pipe or a device.
    NotAFile,
    /// It may not be read.
    FileUnreadable,
    /// Its size changed while it was sent.
    FileChanged,
    /// It is larger than can be sent.
    FileTooLarge,
    /// Reading it failed.
    FileFailed,
    /// The store has no room for the download.
    StoreFull,
    /// The store may not be written.
    StoreDenied,
    /// Writing to the store failed.
    StoreFailed,
    /// A socket is connected, and the context's rule is to refuse a second one.
    SocketExists,
    /// The answer to the opening handshake is not 101.
    NotUpgraded,
    /// Its `Upgrade` does not name `websocket`.
    WrongUpgrade,
    /// Its `Connection` does not name `upgrade`.
    WrongConnection,
    /// It has no `Sec-WebSocket-Accept`.
    AcceptMissing,
    /// It has more than one `Sec-WebSocket-Accept`.
    AcceptRepeated,
    /// Its `Sec-WebSocket-Accept` does not answer the key.
    AcceptWrong,
    /// The server chose an extension that was not asked for.
    UnrequestedExtension,
    /// The server chose parameters of permessage-deflate that are illegal, or not what was offered.
    ExtensionParameter,
    /// The server chose a subprotocol that was not asked for.
    UnrequestedProtocol,
    /// The server chose more than one subprotocol.
    ProtocolRepeated,
    /// The socket is not open, or not any more.
    NotConnected,
    /// The data to send is not base64.
    MalformedBuffer,
    /// The message could not be written.
    SendFailed,
    /// Nothing came from the server, not even the answer to a ping.
    PeerSilent,
    /// The server did not answer the closing handshake in time.
    CloseTimeout,
    /// The transport's source of random bytes failed.
    NoRandomness,
    /// The server broke RFC 6455.
    Violation(Violation),
}

impl Reason {
    /// The code that this API's own table gives it. No API reports a code that its table does not list.
    pub const fn code(self, api: Api) -> u8 {
        match api {
            Api::Request => self.request_code(),
            Api::UploadFile => self.upload_code(),
            Api::DownloadFile => self.download_code(),
            Api::ConnectSocket => self.socket_code(),
        }
    }

    /// The code of `my.request`'s table:
    ///
    /// | code | what is wrong |
    /// |---:|---|
    /// | 1 | the page is gone |
    /// | 2 | the URL, a header field, an option or a buffer |
    /// | 11 | the host is not on the whitelist |
    /// | 12 | the network, up to TLS; the connection ended too early |
    /// | 13 | the deadline has passed |
    /// | 14 | the body: not what `dataType` asked for, or too large |
    /// | 15 | the data cannot be converted; a malformed `%` escape |
    /// | 19 | the server: an error status, a malformed answer, its certificate, its redirects |
    /// | 20 | aborted; plain http refused; status 429; too many calls at once |
    /// | 23 | the proxy |
    pub const fn request_code(self) -> u8 {
        match self {
            Self::Unloaded => 1,
            Self::UrlEmpty
            | Self::UrlMalformed
            | Self::UrlScheme
            | Self::UrlTooLong
            | Self::IllegalHeader
            | Self::IllegalOption
            | Self::BufferTooSmall => 2,
            Self::HostNotAllowed => 11,
            Self::Dns
            | Self::Connect
            | Self::ConnectionLost
            | Self::ConnectionClosed
            | Self::Tls
            // A request has no file, no store and no socket.
            | Self::FileNotFound
            | Self::NotAFile
            | Self::FileUnreadable
            | Self::FileChanged
            | Self::FileTooLarge
            | Self::FileFailed
            | Self::StoreFull
            | Self::StoreDenied
            | Self::StoreFailed
            | Self::SocketExists
            | Self::NotUpgraded
            | Self::WrongUpgrade
            | Self::WrongConnection
            | Self::AcceptMissing
            | Self::AcceptRepeated
            | Self::AcceptWrong
            | Self::UnrequestedExtension
            | Self::ExtensionParameter
            | Self::UnrequestedProtocol
            | Self::ProtocolRepeated
            | Self::NotConnected
            | Self::MalformedBuffer
            | Self::SendFailed
            | Self::PeerSilent
            | Self::CloseTimeout
            | Self::NoRandomness
            | Self::Violation(_) => 12,
            Self::Timeout => 13,
            Self::NotJson
            | Self::NotText
            | Self::UnsupportedEncoding
            | Self::UnsupportedCharset
            | Self::TooLarge => 14,
            Self::DataNotConvertible | Self::MalformedEscape => 15,
            Self::HttpStatus
            | Self::MalformedHead
            | Self::HeadTooLarge
            | Self::MalformedFraming
            | Self::Certificate(_)
            | Self::NotTls
            | Self::TooManyRedirects
            | Self::BadRedirect => 19,
            Self::Aborted | Self::PlainHttpRefused | Self::RateLimited | Self::TooManyTasks => 20,
            Self::ProxyRefused | Self::ProxyFailed => 23,
        }
    }

    /// The code of `my.uploadFile`'s table, and 4 from its FAQ:
    ///
    /// | code | what is wrong |
    /// |---:|---|
    /// | 4 | the host is not on the whitelist |
    /// | 11 | the file does not exist; the URL, a header field, an option or a buffer |
    /// | 12 | everything else: the network, the server, the file, the time, an abort |
    /// | 13 | the file may not be read; plain http refused |
    pub const fn upload_code(self) -> u8 {
        match self {
            Self::HostNotAllowed => 4,
            Self::UrlEmpty
            | Self::UrlMalformed
            | Self::UrlScheme
            | Self::UrlTooLong
            | Self::MalformedEscape
            | Self::IllegalHeader
            | Self::IllegalOption
            | Self::BufferTooSmall
            | Self::FileNotFound => 11,
            Self::PlainHttpRefused | Self::FileUnreadable => 13,
            _ => 12,
        }
    }

    /// The code of `my.downloadFile`'s table:
    ///
    /// | code | what is wrong |
    /// |---:|---|
    /// | 12 | everything else: the URL, the network, the status, the store, silence, an abort |
    /// | 13 | the host is not on the whitelist; the store may not be written |
    /// | 20 | plain http refused |
    pub const fn download_code(self) -> u8 {
        match self {
            Self::HostNotAllowed | Self::StoreDenied => 13,
            Self::PlainHttpRefused => 20,
            _ => 12,
        }
    }

    /// The code of the socket's table, of `fail`, of `onSocketError` and of sending:
    ///
    /// | code | what is wrong |
    /// |---:|---|
    /// | 1 | whatever has no code of its own: the network, a violation of RFC 6455, the whitelist, an option |
    /// | 2 | there is a connection, and the rule is *reject* |
    /// | 3, 4, 5 | the URL is empty, malformed or too long, of another scheme |
    /// | 6 | connecting has taken too long |
    /// | 7 | the server's certificate |
    /// | 8 | the answer to the opening handshake; plain ws refused |
    /// | 9 | the subprotocol that the server chose |
    /// | 10 | the socket is not open |
    /// | 11 | what is sent is not base64, or could not be written |
    /// | 12 | the message, or the answer's head, is larger than the memory |
    pub const fn socket_code(self) -> u8 {
        match self {
            Self::SocketExists => 2,
            Self::UrlEmpty => 3,
            // `OpeningTask` tells a malformed `ws` URL from any other text.
            Self::UrlMalformed | Self::UrlTooLong | Self::MalformedEscape => 4,
            Self::UrlScheme => 5,
            Self::Timeout => 6,
            Self::Certificate(_) => 7,
            Self::PlainHttpRefused
            | Self::MalformedHead
            | Self::MalformedFraming
            | Self::NotUpgraded
            | Self::WrongUpgrade
            | Self::WrongConnection
            | Self::AcceptMissing
            | Self::AcceptRepeated
            | Self::AcceptWrong
            | Self::UnrequestedExtension
            | Self::ExtensionParameter => 8,
            Self::UnrequestedProtocol | Self::ProtocolRepeated => 9,
            Self::NotConnected => 10,
            Self::MalformedBuffer | Self::SendFailed => 11,
            Self::TooLarge | Self::HeadTooLarge => 12,
            _ => 1,
        }
    }
}

#[cfg(test)]
mod tests;
