//! How a pump waits: for its link, for whoever wakes it, for a time.

use std::io::{self, ErrorKind};
use std::sync::{Arc, Weak};
use std::time::Duration;

use mio::{Events, Poll, Token, Waker};

use super::control::Control;
use crate::net::{DuplexLink, Wake};

/// How long a wait lasts at most before it begins anew: longer ones are not for every system.
const LONGEST: Duration = Duration::from_secs(3600);

const LINK: Token = Token(0);
const WAKE: Token = Token(1);

/// Two descriptors beside the link's.
pub(super) struct Waiter {
    poll: Poll,
    events: Events,
    // Held for the switch, which refers to it weakly.
    _waker: Arc<Waker>,
}

impl Waiter {
    /// For this link. What `control` was told before this is not waited for.
    ///
    /// # Errors
    /// Where the system has no descriptors left.
    pub(super) fn new(control: &Control, link: Option<&mut DuplexLink>) -> io::Result<Self> {
        let poll = Poll::new()?;
        let waker = Arc::new(Waker::new(poll.registry(), WAKE)?);
        if let Some(link) = link {
            link.register(poll.registry(), LINK)?;
        }
        control.runs(&waker);
        // Refused where the interrupt came already: it is found when the pump next moves.
        let _ = control.switch().block_on(Arc::downgrade(&waker) as Weak<dyn Wake>);
        Ok(Self { poll, events: Events::with_capacity(2), _waker: waker })
    }

    /// Waits, but not longer than so.
    pub(super) fn wait(&mut self, time: Duration) -> io::Result<()> {
        match self.poll.poll(&mut self.events, Some(time.min(LONGEST))) {
            Err(error) if error.kind() != ErrorKind::Interrupted => Err(error),
            _ => Ok(()),
        }
    }
}
