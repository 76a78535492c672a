//! What a server can do wrong.

use core::fmt;

/// The server broke RFC 6455. The connection is to be failed (section 7.1.7).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Violation {
    /// A reserved bit is set, though no extension was agreed on (section 5.2).
    ReservedBit,
    /// The opcode is reserved (section 5.2).
    ReservedOpcode,
    /// The frame is masked; only a client's frames are (section 5.1).
    Masked,
    /// A control frame is not the only one of its message (section 5.5).
    FragmentedControl,
    /// A control frame has more than 125 bytes of payload (section 5.5).
    LongControl,
    /// The payload length is not in its shortest form (section 5.2).
    OverlongLength,
    /// The payload length is 2^63 bytes or more (section 5.2).
    LengthTopBit,
    /// A continuation frame, but no message to continue (section 5.4).
    UnexpectedContinuation,
    /// A message begins before the last one has ended (section 5.4).
    InterleavedMessage,
    /// The body of a Close frame is a single byte (section 5.5.1).
    CloseBody,
    /// The code of a Close frame may not stand in one (section 7.4).
    CloseCode,
    /// A text message or the reason of a Close frame is not UTF-8 (section 8.1).
    NotUtf8,
    /// A compressed message cannot be decompressed (RFC 7692 section 7.2.2).
    #[cfg(feature = "permessage-deflate")]
    Compression,
}

impl Violation {
    /// One line for a person.
    pub const fn message(self) -> &'static str {
        match self {
            Self::ReservedBit => "the server set a reserved bit of a frame",
            Self::ReservedOpcode => "the server sent a frame with a reserved opcode",
            Self::Masked => "the server masked a frame",
            Self::FragmentedControl => "the server fragmented a control frame",
            Self::LongControl => "the server sent a control frame of more than 125 bytes",
            Self::OverlongLength => "the server wrote a frame's length in a form longer than needed",
            Self::LengthTopBit => "the server announced a frame of 2^63 bytes or more",
            Self::UnexpectedContinuation => "the server continued a message that had not begun",
            Self::InterleavedMessage => "the server began a message within another one",
            Self::CloseBody => "the server sent a Close frame with half a code",
            Self::CloseCode => "the server sent a Close frame with a code that may not be sent",
            Self::NotUtf8 => "the server sent text that is not UTF-8",
            #[cfg(feature = "permessage-deflate")]
            Self::Compression => "the server sent a compressed message that cannot be decompressed",
        }
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.message())
    }
}

impl core::error::Error for Violation {}
