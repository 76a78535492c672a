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

use core::fmt;

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

    /// A stable name for programs: the variant's own, a certificate's fault or a violation joined to it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Unloaded => "Unloaded",
            Self::UrlEmpty => "UrlEmpty",
            Self::UrlMalformed => "UrlMalformed",
            Self::UrlScheme => "UrlScheme",
            Self::UrlTooLong => "UrlTooLong",
            Self::IllegalHeader => "IllegalHeader",
            Self::IllegalOption => "IllegalOption",
            Self::HostNotAllowed => "HostNotAllowed",
            Self::Dns => "Dns",
            Self::Connect => "Connect",
            Self::ConnectionLost => "ConnectionLost",
            Self::ConnectionClosed => "ConnectionClosed",
            Self::Tls => "Tls",
            Self::Timeout => "Timeout",
            Self::NotJson => "NotJson",
            Self::NotText => "NotText",
            Self::UnsupportedEncoding => "UnsupportedEncoding",
            Self::UnsupportedCharset => "UnsupportedCharset",
            Self::TooLarge => "TooLarge",
            Self::DataNotConvertible => "DataNotConvertible",
            Self::MalformedEscape => "MalformedEscape",
            Self::HttpStatus => "HttpStatus",
            Self::MalformedHead => "MalformedHead",
            Self::HeadTooLarge => "HeadTooLarge",
            Self::MalformedFraming => "MalformedFraming",
            Self::Certificate(fault) => match fault {
                CertificateFault::Expired => "CertificateExpired",
                CertificateFault::NotYetValid => "CertificateNotYetValid",
                CertificateFault::WrongHost => "CertificateWrongHost",
                CertificateFault::UnknownIssuer => "CertificateUnknownIssuer",
                CertificateFault::NotAnAuthority => "CertificateNotAnAuthority",
                CertificateFault::WrongUsage => "CertificateWrongUsage",
                CertificateFault::Revoked => "CertificateRevoked",
                CertificateFault::NotPinned => "CertificateNotPinned",
                CertificateFault::Invalid => "CertificateInvalid",
            },
            Self::NotTls => "NotTls",
            Self::TooManyRedirects => "TooManyRedirects",
            Self::BadRedirect => "BadRedirect",
            Self::Aborted => "Aborted",
            Self::PlainHttpRefused => "PlainHttpRefused",
            Self::RateLimited => "RateLimited",
            Self::TooManyTasks => "TooManyTasks",
            Self::ProxyRefused => "ProxyRefused",
            Self::ProxyFailed => "ProxyFailed",
            Self::BufferTooSmall => "BufferTooSmall",
            Self::FileNotFound => "FileNotFound",
            Self::NotAFile => "NotAFile",
            Self::FileUnreadable => "FileUnreadable",
            Self::FileChanged => "FileChanged",
            Self::FileTooLarge => "FileTooLarge",
            Self::FileFailed => "FileFailed",
            Self::StoreFull => "StoreFull",
            Self::StoreDenied => "StoreDenied",
            Self::StoreFailed => "StoreFailed",
            Self::SocketExists => "SocketExists",
            Self::NotUpgraded => "NotUpgraded",
            Self::WrongUpgrade => "WrongUpgrade",
            Self::WrongConnection => "WrongConnection",
            Self::AcceptMissing => "AcceptMissing",
            Self::AcceptRepeated => "AcceptRepeated",
            Self::AcceptWrong => "AcceptWrong",
            Self::UnrequestedExtension => "UnrequestedExtension",
            Self::ExtensionParameter => "ExtensionParameter",
            Self::UnrequestedProtocol => "UnrequestedProtocol",
            Self::ProtocolRepeated => "ProtocolRepeated",
            Self::NotConnected => "NotConnected",
            Self::MalformedBuffer => "MalformedBuffer",
            Self::SendFailed => "SendFailed",
            Self::PeerSilent => "PeerSilent",
            Self::CloseTimeout => "CloseTimeout",
            Self::NoRandomness => "NoRandomness",
            Self::Violation(violation) => match violation {
                Violation::ReservedBit => "ViolationReservedBit",
                Violation::ReservedOpcode => "ViolationReservedOpcode",
                Violation::Masked => "ViolationMasked",
                Violation::FragmentedControl => "ViolationFragmentedControl",
                Violation::LongControl => "ViolationLongControl",
                Violation::OverlongLength => "ViolationOverlongLength",
                Violation::LengthTopBit => "ViolationLengthTopBit",
                Violation::UnexpectedContinuation => "ViolationUnexpectedContinuation",
                Violation::InterleavedMessage => "ViolationInterleavedMessage",
                Violation::CloseBody => "ViolationCloseBody",
                Violation::CloseCode => "ViolationCloseCode",
                Violation::NotUtf8 => "ViolationNotUtf8",
                #[cfg(feature = "permessage-deflate")]
                Violation::Compression => "ViolationCompression",
            },
        }
    }

    /// One line for a person: what happened and what to do about it.
    pub const fn message(self) -> &'static str {
        match self {
            Self::Unloaded => "the page was unloaded or the context shut down before the call had ended",
            Self::UrlEmpty => "the URL is empty",
            Self::UrlMalformed => "the URL is malformed; write scheme://host[:port]/path, without a user name",
            Self::UrlScheme => "the URL's scheme is neither http nor https; for a socket, neither ws nor wss",
            Self::UrlTooLong => "the URL is longer than the limit; send long data in the body of a POST",
            Self::IllegalHeader => "a header's name or value has a byte that HTTP forbids",
            Self::IllegalOption => "options contradict each other: GET takes a string or a value as data, not bytes",
            Self::HostNotAllowed => "the host is not on the whitelist; add it to the context's policy",
            Self::Dns => "the host's name did not resolve; check the name and the DNS server",
            Self::Connect => {
                "no connection: the host refused it or cannot be reached; check the host, the port and the network"
            }
            Self::ConnectionLost => "the connection broke before the response was complete",
            Self::ConnectionClosed => "the server closed the connection before the response was complete",
            Self::Tls => {
                "the TLS handshake failed; the server may not support TLS 1.2 or 1.3 with a common cipher suite"
            }
            Self::Timeout => {
                "the deadline passed before the response was complete; raise timeout if the server is slow"
            }
            Self::NotJson => "the body is not JSON; ask for dataType text, or make the server answer with JSON",
            Self::NotText => "the body is not text in its declared charset; ask for dataType base64",
            Self::UnsupportedEncoding => "the body has a content-encoding, and none was asked for",
            Self::UnsupportedCharset => {
                "the body's charset is not UTF-8, US-ASCII or ISO-8859-1; ask for dataType base64"
            }
            Self::TooLarge => "the body is larger than the memory or limit given; stream it or raise the limit",
            Self::DataNotConvertible => {
                "the data cannot be converted to the form that the method and content-type ask for"
            }
            Self::MalformedEscape => {
                "a % in the URL is not followed by two hexadecimal digits; write %25 for a percent sign"
            }
            Self::HttpStatus => "the server answered with an error status",
            Self::MalformedHead => "the response head is not valid HTTP/1.1",
            Self::HeadTooLarge => "the response head does not fit the memory given; give a larger receive buffer",
            Self::MalformedFraming => "the response's length is malformed or stated in conflicting ways",
            Self::Certificate(fault) => match fault {
                CertificateFault::Expired => "the server's certificate has expired; renew it, or check this clock",
                CertificateFault::NotYetValid => "the server's certificate is not valid yet; check this clock",
                CertificateFault::WrongHost => "the server's certificate is for another host",
                CertificateFault::UnknownIssuer => {
                    "no trusted root vouches for the server's certificate; add its root to the context"
                }
                CertificateFault::NotAnAuthority => {
                    "an issuer in the server's certificate chain is not a certificate authority"
                }
                CertificateFault::WrongUsage => "the server's certificate may not be used for a TLS server",
                CertificateFault::Revoked => "the server's certificate has been revoked",
                CertificateFault::NotPinned => "the server's key is not one of the pinned keys",
                CertificateFault::Invalid => "the server's certificate is malformed or its signature does not verify",
            },
            Self::NotTls => "the server does not speak TLS on this port; check the port, or the scheme",
            Self::TooManyRedirects => "there were more redirects than the limit",
            Self::BadRedirect => {
                "the server redirects to something that cannot be followed, or no memory was given to follow it"
            }
            Self::Aborted => "the call was aborted",
            Self::PlainHttpRefused => "the policy refuses plain http and ws; use https and wss",
            Self::RateLimited => "the server limits the traffic (429); try again later",
            Self::TooManyTasks => "too many tasks at once; wait until one has ended",
            Self::ProxyRefused => "the proxy refused to connect; check its rules and the credentials",
            Self::ProxyFailed => "the proxy cannot be reached or does not answer as an HTTP proxy; check its address",
            Self::BufferTooSmall => "a buffer is smaller than the minimum (512 bytes to receive, 256 to transmit)",
            Self::FileNotFound => "the file does not exist; check filePath",
            Self::NotAFile => "what filePath names is not a regular file",
            Self::FileUnreadable => "the file may not be read; check its permissions",
            Self::FileChanged => "the file changed its size while it was being sent",
            Self::FileTooLarge => "the file is larger than the limit",
            Self::FileFailed => "reading the file failed",
            Self::StoreFull => "there is no room for the download",
            Self::StoreDenied => "the directory for downloads may not be written; check its permissions",
            Self::StoreFailed => "writing the download failed",
            Self::SocketExists => "a socket is connected already; close it first, or let a new one replace it",
            Self::NotUpgraded => {
                "the server did not switch to the WebSocket protocol; check the URL's path and the status"
            }
            Self::WrongUpgrade => "the server's Upgrade field does not name websocket",
            Self::WrongConnection => {
                "the server's Connection field does not name upgrade; a proxy in between may not carry WebSockets"
            }
            Self::AcceptMissing => "the server's answer has no Sec-WebSocket-Accept",
            Self::AcceptRepeated => "the server's answer has more than one Sec-WebSocket-Accept",
            Self::AcceptWrong => "the server's Sec-WebSocket-Accept does not answer this client's key",
            Self::UnrequestedExtension => "the server chose a WebSocket extension that was not asked for",
            Self::ExtensionParameter => "the server chose parameters of a WebSocket extension that were not asked for",
            Self::UnrequestedProtocol => "the server chose a subprotocol that was not asked for; name it in protocols",
            Self::ProtocolRepeated => "the server chose more than one subprotocol",
            Self::NotConnected => "the socket is not open; send after onSocketOpen and before onSocketClose",
            Self::MalformedBuffer => {
                "the data is not base64; with isBuffer it must be, padded and in the standard alphabet"
            }
            Self::SendFailed => "the message could not be written to the connection",
            Self::PeerSilent => "the server does not answer pings any more",
            Self::CloseTimeout => "the server did not answer the closing handshake in time",
            Self::NoRandomness => "the source of random bytes failed",
            Self::Violation(violation) => violation.message(),
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.message())
    }
}

#[cfg(test)]
mod tests;
