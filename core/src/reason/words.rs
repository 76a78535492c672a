//! What a reason is called, for programs, and what it says, for people.

use core::fmt;

use super::{CertificateFault, Reason};
use crate::ws::violation::Violation;

impl Reason {
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
