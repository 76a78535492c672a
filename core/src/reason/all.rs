//! Every reason there is, in one list that cannot forget one.

use super::{CertificateFault, Reason};
use crate::ws::violation::Violation;

impl Reason {
    /// Every reason, with each fault of a certificate and each violation: for whoever has words of their own for them, and
    /// for tests.
    pub fn all() -> impl Iterator<Item = Self> {
        let certificates = CertificateFault::all().map(Self::Certificate);
        PLAIN.iter().copied().chain(certificates).chain(VIOLATIONS.iter().copied().map(Self::Violation))
    }
}

impl CertificateFault {
    /// Every fault.
    pub fn all() -> impl Iterator<Item = Self> {
        FAULTS.iter().copied()
    }
}

/// Makes a constant of these variants, and a match that does not compile while one of the type's is missing. Those behind
/// `but` have values of their own.
macro_rules! every {
    ($list:ident of $type:ident $(but $rest:pat)? => $($(#[$attribute:meta])* $variant:ident,)+) => {
        const $list: &[$type] = &[$($(#[$attribute])* $type::$variant,)+];

        const _: fn(&$type) = |value| match value {
            $($rest => {},)?
            $($(#[$attribute])* $type::$variant => {},)+
        };
    };
}

every! { PLAIN of Reason but Reason::Certificate(_) | Reason::Violation(_) =>
    Unloaded,
    UrlEmpty,
    UrlMalformed,
    UrlScheme,
    UrlTooLong,
    IllegalHeader,
    IllegalOption,
    HostNotAllowed,
    Dns,
    Connect,
    ConnectionLost,
    ConnectionClosed,
    Tls,
    Timeout,
    NotJson,
    NotText,
    UnsupportedEncoding,
    UnsupportedCharset,
    TooLarge,
    DataNotConvertible,
    MalformedEscape,
    HttpStatus,
    MalformedHead,
    HeadTooLarge,
    MalformedFraming,
    NotTls,
    TooManyRedirects,
    BadRedirect,
    Aborted,
    PlainHttpRefused,
    RateLimited,
    TooManyTasks,
    ProxyRefused,
    ProxyFailed,
    BufferTooSmall,
    FileNotFound,
    NotAFile,
    FileUnreadable,
    FileChanged,
    FileTooLarge,
    FileFailed,
    StoreFull,
    StoreDenied,
    StoreFailed,
    SocketExists,
    NotUpgraded,
    WrongUpgrade,
    WrongConnection,
    AcceptMissing,
    AcceptRepeated,
    AcceptWrong,
    UnrequestedExtension,
    ExtensionParameter,
    UnrequestedProtocol,
    ProtocolRepeated,
    NotConnected,
    MalformedBuffer,
    SendFailed,
    PeerSilent,
    CloseTimeout,
    NoRandomness,
}

every! { FAULTS of CertificateFault =>
    Expired,
    NotYetValid,
    WrongHost,
    UnknownIssuer,
    NotAnAuthority,
    WrongUsage,
    Revoked,
    NotPinned,
    Invalid,
}

every! { VIOLATIONS of Violation =>
    ReservedBit,
    ReservedOpcode,
    Masked,
    FragmentedControl,
    LongControl,
    OverlongLength,
    LengthTopBit,
    UnexpectedContinuation,
    InterleavedMessage,
    CloseBody,
    CloseCode,
    NotUtf8,
    #[cfg(feature = "permessage-deflate")]
    Compression,
}
