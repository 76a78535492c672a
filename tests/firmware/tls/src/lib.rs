//! What the images with TLS share: the made-up byte transport with verified TLS over it, for one session.
#![no_std]

use core::cell::Cell;
use core::task::Poll;

use embedded_io::{ErrorKind, ErrorType};
use embedded_io_async::{Read, Write};
use firmware::{Link, Register, read};
use miniwire_core::drive::{NoRandomness, Route, asynch};
use miniwire_core::reason::Fault;
use miniwire_core::time::Instant;
use miniwire_embassy::tls::{self, CertificateDer, CryptoRng, RngCore, RngError, Session, Trust};

/// Who is trusted.
pub static ROOT: CertificateDer<'static> = CertificateDer::from_slice(include_bytes!("root.der"));

/// The one connection, which can be waited on.
pub struct Wire(pub Link);

impl ErrorType for Wire {
    type Error = ErrorKind;
}

impl Read for Wire {
    async fn read(&mut self, buffer: &mut [u8]) -> Result<usize, ErrorKind> {
        Ok(self.0.receive(buffer))
    }
}

impl Write for Wire {
    async fn write(&mut self, bytes: &[u8]) -> Result<usize, ErrorKind> {
        Ok(self.0.transmit(bytes))
    }

    async fn flush(&mut self) -> Result<(), ErrorKind> {
        Ok(())
    }
}

impl tls::Link for Wire {
    async fn readable(&mut self) {
        core::future::poll_fn(|_| if read(Register::Ready) == 0 { Poll::Pending } else { Poll::Ready(()) }).await;
    }
}

/// The board's random number generator.
pub struct Random;

impl RngCore for Random {
    fn next_u32(&mut self) -> u32 {
        read(Register::Setting)
    }

    fn next_u64(&mut self) -> u64 {
        u64::from(self.next_u32()) << 32 | u64::from(self.next_u32())
    }

    fn fill_bytes(&mut self, bytes: &mut [u8]) {
        for byte in bytes {
            *byte = self.next_u32() as u8;
        }
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), RngError> {
        self.fill_bytes(bytes);
        Ok(())
    }
}

impl CryptoRng for Random {}

/// Before and after TLS.
pub enum Stream<'b> {
    Plain(Wire),
    Secure(Session<'b, Wire>),
}

impl ErrorType for Stream<'_> {
    type Error = ErrorKind;
}

impl Read for Stream<'_> {
    async fn read(&mut self, buffer: &mut [u8]) -> Result<usize, ErrorKind> {
        match self {
            Self::Plain(wire) => wire.read(buffer).await,
            Self::Secure(session) => session.read(buffer).await,
        }
    }
}

impl Write for Stream<'_> {
    async fn write(&mut self, bytes: &[u8]) -> Result<usize, ErrorKind> {
        match self {
            Self::Plain(wire) => wire.write(bytes).await,
            Self::Secure(session) => session.write(bytes).await,
        }
    }

    async fn flush(&mut self) -> Result<(), ErrorKind> {
        match self {
            Self::Plain(wire) => wire.flush().await,
            Self::Secure(session) => session.flush().await,
        }
    }
}

/// A network stack with TCP and TLS.
pub struct Stack<'b> {
    /// For the one session.
    buffers: Cell<Option<tls::Buffers<'b>>>,
}

impl<'b> Stack<'b> {
    /// Its one session will use these buffers.
    pub fn new(buffers: tls::Buffers<'b>) -> Self {
        Self { buffers: Cell::new(Some(buffers)) }
    }
}

impl<'b> asynch::Transport for Stack<'b> {
    type Link = Stream<'b>;

    fn now(&self) -> Instant {
        Instant::from_millis(u64::from(read(Register::ClockHigh)) << 32 | u64::from(read(Register::Clock)))
    }

    async fn ended(&self, until: Instant) -> asynch::Ended {
        core::future::poll_fn(|_| if self.now() < until { Poll::Pending } else { Poll::Ready(()) }).await;
        asynch::Ended::Deadline
    }

    async fn connect(&self, route: &Route<'_>) -> Result<Stream<'b>, Fault> {
        let (host, port) = route.first_hop();
        firmware::dial(host, port).then_some(Stream::Plain(Wire(Link))).ok_or(Fault::Connect)
    }

    async fn secure(&self, link: Stream<'b>, route: &Route<'_>) -> Result<Stream<'b>, Fault> {
        let (Stream::Plain(wire), Some(buffers)) = (link, self.buffers.take()) else {
            return Err(Fault::Tls);
        };
        let root = tls::root(&ROOT).map_err(|_| Fault::Tls)?;
        let now = read(Register::Clock).into();
        tls::open(wire, route.host, &Trust::new(&[root]), now, &mut Random, buffers).await.map(Stream::Secure)
    }
}

impl asynch::SocketTransport for Stack<'_> {
    fn random(&self, bytes: &mut [u8]) -> Result<(), NoRandomness> {
        Random.fill_bytes(bytes);
        if read(Register::Ready) != 0 { Ok(()) } else { Err(NoRandomness) }
    }

    async fn readable(&self, link: &mut Self::Link) {
        match link {
            Stream::Plain(wire) => tls::Link::readable(wire).await,
            Stream::Secure(session) => session.readable().await,
        }
    }
}
