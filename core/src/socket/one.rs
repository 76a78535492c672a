//! One connection per context (SOCK-02): which of several attempts counts, and what of it is reported.

use super::listeners::EventKind;
use crate::reason::Reason;
use crate::ws::close::{ABNORMAL, NORMAL};

/// What a second `connectSocket` does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Rule {
    /// It closes the first (1000) and takes its place.
    #[default]
    Replace,
    /// It fails with code 2.
    Reject,
}

/// One connection among those of a context.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Ticket(u64);

/// A connection that may be attempted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use = "the close of a replaced connection is to be reported"]
pub struct Attempt {
    /// Its name from now on.
    pub ticket: Ticket,
    /// The connection whose place it takes, and the code of the Close to be reported for it at once, without a reason:
    /// 1000, or 1006 where its Error has been reported. It is to be [ended](super::SocketTask::interrupt) with
    /// [`Interrupt::Abort`](crate::reason::Interrupt::Abort); nothing more of it is reported.
    pub replaced: Option<(Ticket, u16)>,
}

/// The rule of one connection per context, and its state (SOCK-02): a few bytes and no I/O, to be kept behind whatever a
/// platform locks with.
///
/// Every connection has a [`Ticket`]. Before something of it is reported to the listeners, [`reports`](Self::reports) is
/// asked, and only what it permits is reported; so the order of the events holds whatever the threads or tasks of two
/// connections do.
///
/// ```
/// use miniwire_core::reason::Reason;
/// use miniwire_core::socket::{EventKind, OneSocket, Rule};
///
/// let mut one = OneSocket::new(Rule::Replace);
/// let first = one.connect()?.ticket;
/// assert!(one.reports(first, EventKind::Open));
///
/// // A second connectSocket: the first is closed, and that is reported now, before anything of the second.
/// let second = one.connect()?;
/// assert_eq!(second.replaced, Some((first, 1000))); // report onSocketClose{1000}, and end `first`
/// assert!(!one.reports(first, EventKind::Message) && !one.reports(first, EventKind::Close));
/// assert!(one.reports(second.ticket, EventKind::Open));
/// # Ok::<(), Reason>(())
/// ```
#[derive(Debug)]
pub struct OneSocket {
    rule: Rule,
    last: u64,
    current: Stage,
}

/// What has been reported of the current connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// There is none.
    None,
    Connecting,
    Open,
    Failed,
}

impl OneSocket {
    /// Without a connection.
    pub const fn new(rule: Rule) -> Self {
        Self { rule, last: 0, current: Stage::None }
    }

    /// `my.connectSocket` is called, and its input is in order ([`ConnectSocket::refused`](super::ConnectSocket::refused)).
    ///
    /// # Errors
    /// [`Reason::SocketExists`] under [`Rule::Reject`], as long as the Close of the last one was not reported.
    pub fn connect(&mut self) -> Result<Attempt, Reason> {
        let replaced = match (self.current, self.rule) {
            (Stage::None, _) => None,
            (_, Rule::Reject) => return Err(Reason::SocketExists),
            (Stage::Failed, Rule::Replace) => Some((Ticket(self.last), ABNORMAL)),
            (Stage::Connecting | Stage::Open, Rule::Replace) => Some((Ticket(self.last), NORMAL)),
        };
        self.last = self.last.wrapping_add(1);
        self.current = Stage::Connecting;
        Ok(Attempt { ticket: Ticket(self.last), replaced })
    }

    /// Whether this is to be reported of that connection; then it counts as reported. Refuses what is of another
    /// connection than the current one, and what is out of order: a second Open, a message before it or behind the Error,
    /// a second Error, anything behind the Close.
    pub fn reports(&mut self, ticket: Ticket, event: EventKind) -> bool {
        let next = match (self.current, event) {
            (Stage::Connecting, EventKind::Open) | (Stage::Open, EventKind::Message) => Stage::Open,
            (Stage::Connecting | Stage::Open, EventKind::Error) => Stage::Failed,
            (Stage::Connecting | Stage::Open | Stage::Failed, EventKind::Close) => Stage::None,
            _ => return false,
        };
        let is_current = ticket == Ticket(self.last);
        if is_current {
            self.current = next;
        }
        is_current
    }

    /// The connection that there is: for `closeSocket`, and for the page's unload.
    pub fn current(&self) -> Option<Ticket> {
        (self.current != Stage::None).then_some(Ticket(self.last))
    }

    /// The connection that messages can be sent on.
    ///
    /// # Errors
    /// [`Reason::NotConnected`] unless its Open has been reported, and no Error or Close since.
    pub fn open(&self) -> Result<Ticket, Reason> {
        if self.current == Stage::Open { Ok(Ticket(self.last)) } else { Err(Reason::NotConnected) }
    }
}
