//! A blocking socket with a deadline and an interrupt.

use std::io::{self, ErrorKind};
#[cfg(unix)]
use std::mem::MaybeUninit;
use std::net::TcpStream;
use std::sync::{Arc, Weak};
use std::time::Duration;

use miniwire_core::time::Instant;

use super::clock::Clock;
use super::interrupt::{Interrupted, Switch, Wake};

/// A write that makes no progress for this long times out early, so that its caller can look whether the peer has
/// answered instead of reading (UP-07).
const LONGEST_WRITE: Duration = Duration::from_secs(1);

/// A connected socket. Reads and writes end with [`ErrorKind::TimedOut`] once the deadline has passed; writes possibly
/// earlier. After an interrupt they fail, and never report an end of stream.
pub(crate) struct Socket {
    // Shared with the switch (weakly) for the time of a call: an interrupt shuts the socket down.
    stream: Arc<TcpStream>,
    call: Option<Arc<Switch>>,
    clock: Clock,
    until: Instant,
    read_timeout: Timeout,
    write_timeout: Timeout,
}

impl Socket {
    pub(crate) fn new(stream: TcpStream, clock: Clock) -> Self {
        let stream = Arc::new(stream);
        Self {
            stream,
            call: None,
            clock,
            until: Instant::default(),
            read_timeout: Timeout::default(),
            write_timeout: Timeout::default(),
        }
    }

    /// Binds the socket to a call: an interrupt of that call now shuts it down.
    pub(crate) fn attach(&mut self, call: &Arc<Switch>) -> Result<(), Interrupted> {
        let stream = Arc::downgrade(&self.stream) as Weak<dyn Wake>;
        call.block_on(stream)?;
        self.call = Some(Arc::clone(call));
        Ok(())
    }

    /// Unbinds the socket from its call. Once this has returned `Ok`, an interrupt cannot harm it any more.
    pub(crate) fn detach(&mut self) -> Result<(), Interrupted> {
        self.call.take().map_or(Ok(()), |call| call.release())
    }

    /// Another handle of the same stream, which nothing here touches any more once this one is dropped.
    pub(crate) fn share(&self) -> io::Result<TcpStream> {
        self.stream.try_clone()
    }

    pub(crate) fn set_deadline(&mut self, until: Instant) {
        self.until = until;
    }

    pub(crate) fn past_deadline(&self) -> bool {
        self.clock.left(self.until).is_none()
    }

    pub(crate) fn interrupted(&self) -> bool {
        self.call.as_ref().is_some_and(|call| call.interrupted().is_some())
    }

    /// Whether a read would return at once: with bytes, the end of the stream, or an error.
    pub(crate) fn readable(&self) -> bool {
        !matches!(self.peek_available(), Err(error) if error.kind() == ErrorKind::WouldBlock)
    }

    /// Looks for a byte: one system call, where to leave the blocking mode and to come back takes two more.
    #[cfg(unix)]
    fn peek_available(&self) -> io::Result<usize> {
        let flags = libc::MSG_PEEK | libc::MSG_DONTWAIT;
        socket2::SockRef::from(&*self.stream).recv_with_flags(&mut [MaybeUninit::uninit()], flags)
    }

    #[cfg(not(unix))]
    fn peek_available(&self) -> io::Result<usize> {
        self.without_blocking(|stream| stream.peek(&mut [0]))
    }

    /// Reads what is there, or fails with [`ErrorKind::WouldBlock`].
    pub(crate) fn read_available(&self, buf: &mut [u8]) -> io::Result<usize> {
        self.without_blocking(|mut stream| io::Read::read(&mut stream, buf))
    }

    /// Writes what the socket takes, or fails with [`ErrorKind::WouldBlock`].
    pub(crate) fn write_available(&self, buf: &[u8]) -> io::Result<usize> {
        self.without_blocking(|mut stream| io::Write::write(&mut stream, buf))
    }

    fn without_blocking<T>(&self, call: impl FnOnce(&TcpStream) -> io::Result<T>) -> io::Result<T> {
        self.stream.set_nonblocking(true)?;
        let result = call(&self.stream);
        self.stream.set_nonblocking(false)?;
        result
    }

    fn left(&self) -> io::Result<Duration> {
        self.clock.left(self.until).ok_or_else(|| ErrorKind::TimedOut.into())
    }

    /// What a failed or empty read or write means.
    fn explained(&self, error: io::Error) -> io::Error {
        match error.kind() {
            _ if self.interrupted() => ErrorKind::ConnectionAborted.into(),
            // What std reports when SO_RCVTIMEO or SO_SNDTIMEO strikes: the one on Unix, the other on Windows.
            ErrorKind::WouldBlock | ErrorKind::TimedOut => ErrorKind::TimedOut.into(),
            _ => error,
        }
    }
}

impl io::Read for Socket {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        loop {
            let left = self.left()?;
            if let Some(timeout) = self.read_timeout.change(left) {
                self.stream.set_read_timeout(Some(timeout))?;
            }
            match (&*self.stream).read(buf) {
                // An interrupt shuts the socket down, which looks like the end of the stream.
                Ok(0) if self.interrupted() => return Err(ErrorKind::ConnectionAborted.into()),
                Ok(n) => return Ok(n),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => {
                    let error = self.explained(error);
                    if error.kind() != ErrorKind::TimedOut {
                        return Err(error);
                    }
                    // Set for an earlier deadline, perhaps: set it anew, if there is time left.
                    self.read_timeout.forget();
                }
            }
        }
    }
}

// No `write_vectored`: std's `write` asks not to be sent SIGPIPE where the system would, `writev` cannot, and a program
// in C that embeds this need not ignore that signal.
impl io::Write for Socket {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        loop {
            let left = self.left()?.min(LONGEST_WRITE);
            if let Some(timeout) = self.write_timeout.change(left) {
                self.stream.set_write_timeout(Some(timeout))?;
            }
            match (&*self.stream).write(buf) {
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => {
                    let error = self.explained(error);
                    if error.kind() == ErrorKind::TimedOut {
                        self.write_timeout.forget();
                    }
                    return Err(error);
                }
                written => return written,
            }
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A timeout as it is set on the socket, remembered so that it is only changed when it must be.
#[derive(Clone, Copy, Debug, Default)]
struct Timeout(Option<Duration>);

impl Timeout {
    /// What to set for a call that has `left` time; `None` where what is set will do.
    ///
    /// Too short will do: the read is tried again, and then with the full time. Too long will do up to 10 ms and 1%.
    fn change(&mut self, left: Duration) -> Option<Duration> {
        let longest = left + left / 100 + Duration::from_millis(10);
        if self.0.is_some_and(|set| set <= longest) {
            return None;
        }
        self.0 = Some(left);
        self.0
    }

    fn forget(&mut self) {
        self.0 = None;
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};

    use miniwire_core::reason::Interrupt;

    use super::*;
    use crate::net::testing::{after, pair, promptly};

    fn socket(ms: u64) -> (Socket, TcpStream) {
        let (stream, peer) = pair();
        let clock = Clock::start();
        let mut socket = Socket::new(stream, clock);
        socket.set_deadline(clock.now().after(ms));
        (socket, peer)
    }

    fn kind<T: std::fmt::Debug>(result: io::Result<T>) -> ErrorKind {
        result.unwrap_err().kind()
    }

    #[test]
    fn req_16_the_warm_path_sets_no_timeout() {
        let (mut timeout, ms) = (Timeout::default(), Duration::from_millis);
        assert_eq!(timeout.change(ms(30_000)), Some(ms(30_000)), "a new socket");
        assert_eq!(timeout.change(ms(29_999)), None, "later in the call");
        assert_eq!(timeout.change(ms(29_800)), None);
        assert_eq!(timeout.change(ms(30_000)), None, "the next call");
        assert_eq!(timeout.change(ms(60_000)), None, "a longer one: the read will be tried again");
        assert_eq!(timeout.change(ms(1_000)), Some(ms(1_000)), "a shorter one");
        timeout.forget();
        assert_eq!(timeout.change(ms(60_000)), Some(ms(60_000)), "tried again");
    }

    #[test]
    fn req_03_the_deadline_holds_while_reading() {
        let (mut socket, _peer) = socket(0);
        promptly(60, || {
            socket.set_deadline(socket.clock.now().after(60));
            assert_eq!(kind(socket.read(&mut [0; 8])), ErrorKind::TimedOut);
        });
        assert_eq!(kind(socket.read(&mut [0; 8])), ErrorKind::TimedOut, "and it has passed for good");
        // The timeout on the socket is now shorter than what is left.
        promptly(200, || {
            socket.set_deadline(socket.clock.now().after(200));
            assert_eq!(kind(socket.read(&mut [0; 8])), ErrorKind::TimedOut);
        });
    }

    #[test]
    fn req_03_the_deadline_holds_while_writing() {
        let (mut socket, _peer) = socket(0);
        promptly(60, || {
            socket.set_deadline(socket.clock.now().after(60));
            while socket.write(&[0; 65536]).is_ok() {}
            assert!(socket.past_deadline());
        });
    }

    #[test]
    fn up_07_a_stalled_write_returns_before_its_deadline() {
        let (mut socket, _peer) = socket(60_000);
        let kind = loop {
            if let Err(error) = socket.write(&[0; 65536]) {
                break error.kind();
            }
        };
        assert_eq!(kind, ErrorKind::TimedOut);
        assert!(!socket.past_deadline());
    }

    #[test]
    fn req_15_abort_while_reading_is_no_end_of_stream() {
        promptly(50, || {
            let ((mut socket, _peer), switch) = (socket(5000), Arc::new(Switch::new()));
            socket.attach(&switch).unwrap();
            after(50, move || switch.interrupt(Interrupt::Abort));
            assert_eq!(kind(socket.read(&mut [0; 8])), ErrorKind::ConnectionAborted);
            assert_eq!(kind(socket.read(&mut [0; 8])), ErrorKind::ConnectionAborted);
        });
    }

    #[test]
    fn req_15_abort_while_writing() {
        promptly(50, || {
            let ((mut socket, _peer), switch) = (socket(5000), Arc::new(Switch::new()));
            socket.attach(&switch).unwrap();
            after(50, move || switch.interrupt(Interrupt::Abort));
            while socket.write(&[0; 65536]).is_ok() {}
            assert!(socket.interrupted());
        });
    }

    #[test]
    fn req_15_an_interrupt_after_the_call_leaves_the_socket_alone() {
        let ((mut socket, mut peer), switch) = (socket(5000), Arc::new(Switch::new()));
        socket.attach(&switch).unwrap();
        socket.detach().unwrap();
        switch.interrupt(Interrupt::Abort);
        peer.write_all(b"alive").unwrap();
        assert_eq!(socket.read(&mut [0; 8]).unwrap(), 5);
        assert!(!socket.interrupted());
        assert!(socket.attach(&switch).is_err(), "but that call gets it no more");
    }

    #[test]
    fn req_16_readable_tells_bytes_and_ends_from_silence() {
        let (mut socket, mut peer) = socket(5000);
        assert!(!socket.readable());
        peer.write_all(b"x").unwrap();
        assert!((0..100).any(|_| {
            std::thread::sleep(Duration::from_millis(1));
            socket.readable()
        }));
        assert_eq!(socket.read(&mut [0; 8]).unwrap(), 1);
        assert!(!socket.readable());
        drop(peer);
        assert!((0..100).any(|_| {
            std::thread::sleep(Duration::from_millis(1));
            socket.readable()
        }));
        assert_eq!(socket.read(&mut [0; 8]).unwrap(), 0);
    }
}
