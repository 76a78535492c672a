//! The opening handshake as a task: from the call to the server's 101, or to why there is none (SOCK-01, SOCK-12).

use core::fmt;

use super::options::{Agreed, ConnectSocket, Handshake};
use crate::call::{Call, CallTask, Ended, Heard, Heed, Kind};
use crate::context::Context;
use crate::http::head::Head;
use crate::reason::Reason;
use crate::time::Instant;
#[cfg(feature = "permessage-deflate")]
use crate::ws::deflate::Parameters;
use crate::ws::handshake::HandshakeError;

/// One opening handshake. A [`Task`](crate::task::Task).
///
/// A success leaves the link open: there is no [`Release`](crate::task::Action::Release) before
/// [`Done`](crate::task::Action::Done). The link, and the bytes received that are not consumed, belong to the
/// [`SocketTask`](super::SocketTask) that goes on from there.
pub type OpeningTask<'r> = CallTask<'r, Opening<'r>>;

/// What an opening handshake brings. Borrows from the received bytes.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum OpeningEvent<'i> {
    /// An interim response (1xx); it can be ignored.
    Interim(Head<'i>),
    /// The answer: of the origin, or of a proxy that refuses. Comes once.
    Head {
        /// Status and fields.
        head: Head<'i>,
        /// The subprotocol that the server chose, of those asked for.
        protocol: Option<&'i str>,
        /// Whether it is a good one: this is the Open of the socket then.
        is_open: bool,
    },
}

/// How an opening handshake ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Opened {
    /// `Ok` is an open socket.
    pub result: Result<(), Reason>,
    /// The status of the answer, once its head has arrived.
    pub status: Option<u16>,
    /// What was agreed on about compression; `None` where none was offered, or where the server declined. Then messages
    /// are not compressed.
    #[cfg(feature = "permessage-deflate")]
    pub compression: Option<Parameters>,
}

impl Opened {
    /// An attempt that a driver gave up before, or after, the task had its say.
    pub const fn failed(reason: Reason) -> Self {
        Self {
            result: Err(reason),
            status: None,
            #[cfg(feature = "permessage-deflate")]
            compression: None,
        }
    }
}

/// An attempt that failed, for the callers of a whole [`connect`](crate::drive::blocking::Socket::connect).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ConnectFailure {
    /// Why.
    pub reason: Reason,
    /// The status of the answer, if its head has arrived.
    pub status: Option<u16>,
}

impl ConnectFailure {
    /// A failure before the server has said anything.
    pub const fn new(reason: Reason) -> Self {
        Self { reason, status: None }
    }

    /// The code of the socket's table.
    pub const fn code(&self) -> u8 {
        self.reason.socket_code()
    }
}

impl fmt::Display for ConnectFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.reason.message())
    }
}

impl core::error::Error for ConnectFailure {}

/// What the answer of an opening handshake means.
#[derive(Debug)]
pub struct Opening<'r> {
    handshake: &'r Handshake<'r>,
    #[cfg(feature = "permessage-deflate")]
    agreed: Agreed,
}

impl Opening<'_> {
    #[cfg(feature = "permessage-deflate")]
    const fn keep(&mut self, agreed: Agreed) {
        self.agreed = agreed;
    }

    #[cfg(not(feature = "permessage-deflate"))]
    const fn keep(&mut self, (): Agreed) {}
}

impl ConnectSocket<'_> {
    /// Why an attempt would end before it began: the `fail` of `my.connectSocket` (SOCK-01). A connection that there is
    /// stays as it is then (SOCK-02).
    pub fn refused(&self, context: &Context<'_>) -> Option<Reason> {
        // A key that is never sent.
        let handshake = Handshake::new(self, [0; 16]);
        OpeningTask::new(context, &handshake, Instant::default()).refused()
    }
}

impl<'r> OpeningTask<'r> {
    /// Starts an attempt. One that the context refuses ends at the first `poll`; [`refused`](Self::refused) says so at
    /// once.
    pub fn new(context: &'r Context<'r>, handshake: &'r Handshake<'r>, now: Instant) -> Self {
        let deadline = now.after(handshake.connect().deadline());
        let mut call = Call::new(context, handshake, &mut [], deadline).unshared();
        // The table has a code for what begins like a socket's URL and is none, and one for every other text.
        let is_about_url =
            |reason| matches!(reason, Reason::UrlMalformed | Reason::UrlTooLong | Reason::MalformedEscape);
        if let Some(Err(reason)) = call.result()
            && is_about_url(reason)
            && !begins_like_a_url(handshake.connect().url)
        {
            call.restate(Reason::UrlScheme);
        }
        if handshake.protocols().is_err() {
            call.refuse(Reason::IllegalOption);
        }
        let kind = Opening {
            handshake,
            #[cfg(feature = "permessage-deflate")]
            agreed: None,
        };
        Self { call, kind }
    }

    /// Why the attempt ends before it begins: the `fail` of `my.connectSocket` (SOCK-01). To be asked before the first
    /// `poll`.
    pub fn refused(&self) -> Option<Reason> {
        self.call.result().and_then(Result::err)
    }
}

impl Kind for Opening<'_> {
    type Event<'i> = OpeningEvent<'i>;
    type Outcome = Opened;

    const HANDS_OVER: bool = true;
    const FOLLOWS: bool = false;

    fn hear<'i>(&mut self, heard: Heard<'i>, heed: Heed<'_>) -> Result<(OpeningEvent<'i>, Option<Reason>), Reason> {
        match heard {
            Heard::Interim(head) => Ok((OpeningEvent::Interim(head), None)),
            Heard::Head(head) | Heard::Redirect(head) => {
                let (chosen, doom) = match self.handshake.check(&head) {
                    Ok((chosen, agreed)) => {
                        self.keep(agreed);
                        (chosen.is_some(), None)
                    }
                    Err(error) => (false, Some(reason(error))),
                };
                let named = head.fields().get("sec-websocket-protocol").filter(|_| chosen);
                let protocol = named.and_then(|name| core::str::from_utf8(name).ok());
                let is_open = doom.is_none() && heed.is_sent();
                Ok((OpeningEvent::Head { head, protocol, is_open }, doom))
            }
            // Behind a head that was refused.
            Heard::Body(_) => Err(Reason::NotUpgraded),
        }
    }

    fn complete(&mut self) -> Result<(), Reason> {
        Ok(())
    }

    fn outcome(&self, ended: Ended) -> Opened {
        Opened {
            result: ended.result,
            status: ended.status,
            #[cfg(feature = "permessage-deflate")]
            compression: self.agreed,
        }
    }
}

fn begins_like_a_url(text: &str) -> bool {
    ["ws://", "wss://"]
        .iter()
        .any(|start| text.get(..start.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(start)))
}

/// What is wrong with an answer.
const fn reason(error: HandshakeError) -> Reason {
    match error {
        HandshakeError::Status => Reason::NotUpgraded,
        HandshakeError::Version => Reason::MalformedHead,
        HandshakeError::Upgrade => Reason::WrongUpgrade,
        HandshakeError::Connection => Reason::WrongConnection,
        HandshakeError::AcceptMissing => Reason::AcceptMissing,
        HandshakeError::AcceptRepeated => Reason::AcceptRepeated,
        HandshakeError::AcceptWrong => Reason::AcceptWrong,
        HandshakeError::Extension => Reason::UnrequestedExtension,
        #[cfg(feature = "permessage-deflate")]
        HandshakeError::ExtensionParameter => Reason::ExtensionParameter,
        HandshakeError::ProtocolRepeated => Reason::ProtocolRepeated,
        HandshakeError::ProtocolNotAsked => Reason::UnrequestedProtocol,
    }
}
