//! What the images share: a byte transport without any network stack, so that the tables show the client alone.
//!
//! The transport is a handful of made-up registers, read and written as volatile: the compiler must take every byte for
//! unknown, and can leave nothing out.
#![no_std]

mod post;

use core::future::Future;
use core::panic::PanicInfo;
use core::pin::pin;
use core::task::{Context, Poll, Waker};

use miniwire_core::drive::{
    Link as BlockingLink, Memory, NoRandomness, Route, SocketMemory, Transport, asynch, blocking,
};
use miniwire_core::policy::{Policy, Whitelist};
use miniwire_core::reason::Fault;
use miniwire_core::request::Failure;
use miniwire_core::time::Instant;

pub use post::post;

const REGISTERS: usize = 0x4000_0000;

/// The made-up registers.
#[derive(Clone, Copy)]
pub enum Register {
    /// Milliseconds, low and high word.
    Clock = 0x00,
    ClockHigh = 0x04,
    /// How many bytes a transfer may move.
    Ready = 0x08,
    Receive = 0x0c,
    Transmit = 0x10,
    /// Anything that only the running program knows.
    Setting = 0x14,
    /// Where a result goes.
    Result = 0x18,
}

/// Reads a register.
pub fn read(register: Register) -> u32 {
    let address = (REGISTERS + register as usize) as *const u32;
    // SAFETY: the image is linked, looked at, and never run; an address in the peripheral region of the Cortex-M map
    // is aligned and holds no Rust object.
    unsafe { address.read_volatile() }
}

/// Writes a register.
pub fn write(register: Register, value: u32) {
    let address = (REGISTERS + register as usize) as *mut u32;
    // SAFETY: as in `read`.
    unsafe { address.write_volatile(value) }
}

/// The one connection.
pub struct Link;

impl Link {
    /// Fills as much of `buffer` as has come.
    pub fn receive(&mut self, buffer: &mut [u8]) -> usize {
        let length = buffer.len().min(read(Register::Ready) as usize);
        for byte in buffer.iter_mut().take(length) {
            *byte = read(Register::Receive) as u8;
        }
        length
    }

    /// Sends as much of `bytes` as can go.
    pub fn transmit(&mut self, bytes: &[u8]) -> usize {
        let length = bytes.len().min(read(Register::Ready) as usize);
        for byte in bytes.iter().take(length) {
            write(Register::Transmit, (*byte).into());
        }
        length
    }
}

impl embedded_io::ErrorType for Link {
    type Error = embedded_io::ErrorKind;
}

impl embedded_io::Read for Link {
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize, Self::Error> {
        Ok(self.receive(buffer))
    }
}

impl embedded_io::Write for Link {
    fn write(&mut self, bytes: &[u8]) -> Result<usize, Self::Error> {
        Ok(self.transmit(bytes))
    }

    fn flush(&mut self) -> Result<(), Self::Error> {
        Ok(())
    }
}

impl BlockingLink for Link {
    fn set_deadline(&mut self, until: Instant) {
        write(Register::Clock, until.as_millis() as u32);
    }
}

impl embedded_io_async::Read for Link {
    async fn read(&mut self, buffer: &mut [u8]) -> Result<usize, Self::Error> {
        Ok(self.receive(buffer))
    }
}

impl embedded_io_async::Write for Link {
    async fn write(&mut self, bytes: &[u8]) -> Result<usize, Self::Error> {
        Ok(self.transmit(bytes))
    }

    async fn flush(&mut self) -> Result<(), Self::Error> {
        Ok(())
    }
}

fn now() -> Instant {
    Instant::from_millis(u64::from(read(Register::ClockHigh)) << 32 | u64::from(read(Register::Clock)))
}

/// A network stack with plain TCP only.
pub struct Stack;

impl Transport for Stack {
    type Link = Link;

    fn now(&mut self) -> Instant {
        now()
    }

    fn connect(&mut self, route: &Route<'_>, _: Instant) -> Result<Link, Fault> {
        open(route)
    }

    fn secure(&mut self, _: Link, _: &Route<'_>, _: Instant) -> Result<Link, Fault> {
        Err(Fault::Tls)
    }
}

impl asynch::Transport for Stack {
    type Link = Link;

    fn now(&self) -> Instant {
        now()
    }

    async fn ended(&self, until: Instant) -> asynch::Ended {
        core::future::poll_fn(|_| if now() < until { Poll::Pending } else { Poll::Ready(()) }).await;
        asynch::Ended::Deadline
    }

    async fn connect(&self, route: &Route<'_>) -> Result<Link, Fault> {
        open(route)
    }

    async fn secure(&self, _: Link, _: &Route<'_>) -> Result<Link, Fault> {
        Err(Fault::Tls)
    }
}

fn draw(bytes: &mut [u8]) -> Result<(), NoRandomness> {
    for byte in bytes {
        *byte = read(Register::Setting) as u8;
    }
    if read(Register::Ready) != 0 { Ok(()) } else { Err(NoRandomness) }
}

impl blocking::SocketTransport for Stack {
    fn random(&mut self, bytes: &mut [u8]) -> Result<(), NoRandomness> {
        draw(bytes)
    }
}

impl asynch::SocketTransport for Stack {
    fn random(&self, bytes: &mut [u8]) -> Result<(), NoRandomness> {
        draw(bytes)
    }

    async fn readable(&self, _: &mut Link) {
        core::future::poll_fn(|_| if read(Register::Ready) == 0 { Poll::Pending } else { Poll::Ready(()) }).await;
    }
}

fn open(route: &Route<'_>) -> Result<Link, Fault> {
    let (host, port) = route.first_hop();
    dial(host, port).then_some(Link).ok_or(Fault::Connect)
}

/// Opens the connection.
pub fn dial(host: &str, port: u16) -> bool {
    for byte in host.bytes() {
        write(Register::Transmit, byte.into());
    }
    write(Register::Transmit, port.into());
    read(Register::Ready) != 0
}

/// Both policies are linked: which one holds is known only when the program runs.
pub fn policy() -> Policy<'static> {
    match (read(Register::Setting), Whitelist::new(&["device.local", "192.168.0.1:8080"])) {
        (0, Ok(whitelist)) => Policy::release(whitelist),
        (0, Err(_)) => Policy::default(),
        _ => Policy::development(),
    }
}

/// Memory for one call.
pub struct Buffers {
    receive: [u8; 1024],
    transmit: [u8; 256],
    redirect: [u8; 256],
    head: [u8; 1024],
    body: [u8; 1024],
}

impl Buffers {
    /// Empty.
    pub const fn new() -> Self {
        Self { receive: [0; 1024], transmit: [0; 256], redirect: [0; 256], head: [0; 1024], body: [0; 1024] }
    }

    /// Lent to a socket.
    pub fn socket_memory(&mut self) -> SocketMemory<'_> {
        SocketMemory { receive: &mut self.receive, transmit: &mut self.transmit, message: &mut self.body }
    }

    /// Lent to a call.
    pub fn memory(&mut self) -> Memory<'_> {
        let Self { receive, transmit, redirect, head, body } = self;
        Memory { receive, transmit, redirect, head, body }
    }
}

impl Default for Buffers {
    fn default() -> Self {
        Self::new()
    }
}

/// Hands out an answer.
pub fn show(status: u16, data: &[u8]) {
    write(Register::Result, status.into());
    for byte in data {
        write(Register::Result, (*byte).into());
    }
}

/// Hands out a failure.
pub fn show_failure(failure: &Failure<'_>) {
    write(Register::Result, failure.code().into());
}

/// Polls a future until it is ready.
pub fn block_on<T>(future: impl Future<Output = T>) -> T {
    let mut future = pin!(future);
    let mut context = Context::from_waker(Waker::noop());
    loop {
        if let Poll::Ready(value) = future.as_mut().poll(&mut context) {
            return value;
        }
    }
}

/// Functions that poll a future, each under the name of what it is the future of.
#[macro_export]
macro_rules! polls {
    ($($name:ident)*) => {$(
        #[inline(never)]
        fn $name<F: ::core::future::Future>(future: ::core::pin::Pin<&mut F>) -> ::core::task::Poll<F::Output> {
            future.poll(&mut ::core::task::Context::from_waker(::core::task::Waker::noop()))
        }
    )*};
}

/// Polls a future to its end, with a function of [`polls`].
#[macro_export]
macro_rules! to_the_end {
    ($poll:ident, $future:expr) => {{
        let mut future = ::core::pin::pin!($future);
        loop {
            if let ::core::task::Poll::Ready(output) = $poll(future.as_mut()) {
                break output;
            }
        }
    }};
}

/// After the program.
pub fn halt() -> ! {
    loop {
        read(Register::Ready);
    }
}

#[panic_handler]
fn panic(_: &PanicInfo<'_>) -> ! {
    halt()
}
