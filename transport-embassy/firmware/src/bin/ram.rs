//! What a call takes of RAM: the size of its future, the memory that is lent to it, and how deep the stack gets.
//!
//! First without any network stack, over a link that knows one answer: what the stack holds then is the project's own.
//! Then over embassy-net, and beside it a GET that is written by hand on a socket of embassy-net's.
#![no_std]
#![no_main]

use core::future::Future;
use core::pin::{Pin, pin};
use core::task::{Context as Polling, Poll, Waker};

use embassy_executor::Spawner;
use embassy_net::{Stack, dns::DnsQueryType, tcp::TcpSocket};
use embedded_io_async::{ErrorKind, ErrorType, Read, Write};
use miniwire_core::context::Context;
use miniwire_core::download::Download;
use miniwire_core::drive::asynch::{self, Ended, Socket, SocketTransport, Transport};
use miniwire_core::drive::{self, MIN_RECEIVE, MIN_TRANSMIT, Memory, NoRandomness, Received, Route};
use miniwire_core::media::FileType;
use miniwire_core::multipart::Boundary;
use miniwire_core::policy::Policy;
use miniwire_core::reason::{Fault, Reason};
use miniwire_core::request::Request;
use miniwire_core::socket::{ConnectSocket, Sending, Settings};
use miniwire_core::storage::{self, Bytes};
use miniwire_core::time::Instant;
use miniwire_core::upload::Upload;
use miniwire_embassy::{Client, SocketMemory, Sockets};
use miniwire_firmware::board::{self, console::line, executor, host, random, stack};
use miniwire_firmware::network;
use rand_chacha::rand_core::RngCore as _;
use static_cell::{ConstStaticCell, StaticCell};

const HEAD: usize = 192;
const BODY: usize = 192;
const FILE: &[u8] = &[b'm'; 4096];

/// The least that a call can do with.
struct Buffers {
    receive: [u8; MIN_RECEIVE],
    transmit: [u8; MIN_TRANSMIT],
    head: [u8; HEAD],
    body: [u8; BODY],
}

impl Buffers {
    fn memory(&mut self) -> Memory<'_> {
        let Self { receive, transmit, head, body } = self;
        Memory { receive, transmit, redirect: &mut [], head, body }
    }
}

#[cortex_m_rt::entry]
fn main() -> ! {
    executor::run(|spawner| {
        if let Ok(task) = ram(spawner) {
            spawner.spawn(task);
        }
    })
}

#[embassy_executor::task]
async fn ram(spawner: Spawner) {
    static BUFFERS: ConstStaticCell<Buffers> = ConstStaticCell::new(Buffers {
        receive: [0; MIN_RECEIVE],
        transmit: [0; MIN_TRANSMIT],
        head: [0; HEAD],
        body: [0; BODY],
    });
    static FLASH: ConstStaticCell<[u8; FILE.len()]> = ConstStaticCell::new([0; FILE.len()]);
    static COMMAND_LINE: ConstStaticCell<[u8; 512]> = ConstStaticCell::new([0; 512]);

    let settings = host::Settings::read(COMMAND_LINE.take());
    let (Some(board), Some(mut random)) = (board::start(), random::from_host(&settings)) else { host::exit(false) };
    let Ok(context) = Context::new("2021000000000001", "1.0.0", Policy::development()) else { host::exit(false) };
    let (buffers, flash) = (BUFFERS.take(), FLASH.take());
    say("memory lent to a call", size_of::<Buffers>());
    alone(&context, buffers, flash);

    let Ok(network) = network::start(spawner, board.ethernet, random.next_u64()).await else { host::exit(false) };
    let port = settings.number("http").unwrap_or_default();
    stack::paint();
    embassy_time::Timer::after_millis(50).await;
    say("stack down to this task", stack::start().saturating_sub(stack::pointer()) as usize);
    say("stack with nothing to do", stack::used(stack::start()) as usize);
    let is_heard = by_hand(network, port).await;
    let are_made = over_embassy(network, context, port, buffers, flash).await;
    host::exit(is_heard && are_made)
}

/// Over a link that knows one answer.
#[inline(never)]
fn alone(context: &Context<'_>, buffers: &mut Buffers, flash: &mut [u8]) {
    let answer = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 14\r\n\r\n{\"celsius\":21}";
    let known = Known(answer.as_bytes());
    let request = Request::new("http://device.example/status");
    deepest("a request alone", pin!(asynch::request(&known, context, &request, buffers.memory())));

    let upload = Upload::new("http://device.example/log", FileType::Image, "log", Boundary::new([7; 16]));
    let upload = upload.file("log.bin", FILE.len() as u64);
    let mut file = Bytes::new(FILE);
    deepest("an upload alone", pin!(asynch::upload(&known, context, &upload, &mut file, buffers.memory(), |_| {})));

    let download = Download::new("http://device.example/firmware");
    let mut store = storage::Memory::new(flash);
    deepest(
        "a download alone",
        pin!(asynch::download(&known, context, &download, &mut store, buffers.memory(), |_| {})),
    );

    say("open socket", size_of::<Socket<'_, Known<'_>>>());
    // What answers the key of `Known`; a message and the Close come right behind it.
    let answer = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
        Sec-WebSocket-Accept: CdXSYUsvsaMthlEXWDNURGWA/1o=\r\n\r\n\x81\x05hello\x88\x02\x03\xe8";
    deepest("a socket alone", pin!(talk(&Known(answer), context, buffers)));
}

/// A socket from its handshake to its end, with a message each way.
async fn talk(known: &Known<'_>, context: &Context<'_>, buffers: &mut Buffers) -> Result<(), Reason> {
    let memory = drive::SocketMemory {
        receive: &mut buffers.receive,
        transmit: &mut buffers.transmit,
        message: &mut buffers.body,
    };
    let connect = ConnectSocket::new("ws://device.example/chat");
    let connected = Socket::connect(known, context, &connect, Settings::new(), memory, |_, _| {}).await;
    let mut socket = connected.map_err(|failure| failure.reason)?;
    loop {
        match socket.recv().await {
            Some(Received::Message(_)) => {
                socket.send(Sending::text("on")).await?;
                socket.close(1000, "").await?;
            }
            Some(Received::Error(reason)) => return Err(reason),
            Some(Received::Close { .. }) => {}
            None => return Ok(()),
        }
    }
}

/// Polls a future until it is ready, and says how large it is and how much stack its polls take.
#[inline(never)]
fn deepest<T, E>(what: &str, mut future: Pin<&mut impl Future<Output = Result<T, E>>>) {
    stack::paint();
    let from = stack::pointer();
    let mut polling = Polling::from_waker(Waker::noop());
    let result = loop {
        if let Poll::Ready(result) = future.as_mut().poll(&mut polling) {
            break result.is_ok();
        }
    };
    let used = stack::used(from);
    say_of("future of", what, size_of_val(&*future));
    say_of("stack of", what, used as usize);
    if !result {
        host::exit(false);
    }
}

/// A GET without miniwire.
async fn by_hand(network: Stack<'static>, port: u16) -> bool {
    static SPACE: ConstStaticCell<([u8; 1024], [u8; 512])> = ConstStaticCell::new(([0; 1024], [0; 512]));
    let (receive, transmit) = SPACE.take();
    stack::paint();
    let Ok(addresses) = network.dns_query("localhost", DnsQueryType::A).await else { return false };
    let Some(address) = addresses.first() else { return false };
    let mut socket = TcpSocket::new(network, receive, transmit);
    if socket.connect((*address, port)).await.is_err() {
        return false;
    }
    let request = b"GET /json HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    let mut buffer = [0; 64];
    let mut length = 0;
    if socket.write_all(request).await.is_ok() {
        while let Ok(read @ 1..) = socket.read(&mut buffer).await {
            length += read;
        }
    }
    say("stack with a GET by hand", stack::used(stack::start()) as usize);
    length > 0
}

/// The calls of a client.
async fn over_embassy(
    network: Stack<'static>,
    context: Context<'static>,
    port: u16,
    buffers: &mut Buffers,
    flash: &mut [u8],
) -> bool {
    static MEMORY: ConstStaticCell<SocketMemory<1, 1024, 512>> = ConstStaticCell::new(SocketMemory::new());
    static SOCKETS: StaticCell<Sockets<'static, 1>> = StaticCell::new();
    let sockets = SOCKETS.init(Sockets::new(network, MEMORY.take()));
    let client = Client::plain(sockets, context);
    say("client with one socket", size_of_val(&client) + size_of_val(sockets));

    let url = |path| {
        let mut url = heapless::String::<48>::new();
        // A port and a short path fit.
        let _ = core::fmt::Write::write_fmt(&mut url, format_args!("http://localhost:{port}{path}"));
        url
    };
    let status = url("/json");
    stack::paint();
    let request = Request::new(&status);
    let call = client.request(&request, buffers.memory());
    let size = size_of_val(&call);
    let requested = call.await.is_ok();
    report("a request", size, requested);

    let count = url("/count");
    stack::paint();
    let upload = Upload::new(&count, FileType::Image, "log", Boundary::new([7; 16])).file("log.bin", 0);
    let mut file = Bytes::new(FILE);
    let call = client.upload_file(&upload, &mut file, buffers.memory(), |_| {});
    let size = size_of_val(&call);
    let uploaded = call.await.is_ok();
    report("an upload", size, uploaded);

    let bytes = url("/bytes/4096");
    stack::paint();
    let download = Download::new(&bytes);
    let mut store = storage::Memory::new(flash);
    let call = client.download_file(&download, &mut store, buffers.memory(), |_| {});
    let size = size_of_val(&call);
    let downloaded = call.await.is_ok();
    report("a download", size, downloaded);
    requested && uploaded && downloaded
}

fn report(what: &str, size: usize, went_well: bool) {
    let used = stack::used(stack::start());
    say_of("future of", what, size);
    say_of("stack with", what, used as usize);
    if !went_well {
        line(format_args!("{what} failed"));
    }
}

fn say(what: &str, bytes: usize) {
    line(format_args!("{what}: {bytes} bytes"));
}

fn say_of(measure: &str, what: &str, bytes: usize) {
    line(format_args!("{measure} {what}: {bytes} bytes"));
}

/// A network that knows one answer.
struct Known<'a>(&'a [u8]);

struct Link<'a>(&'a [u8]);

impl<'a> Transport for Known<'a> {
    type Link = Link<'a>;

    fn now(&self) -> Instant {
        Instant::from_millis(0)
    }

    async fn ended(&self, _: Instant) -> Ended {
        core::future::pending().await
    }

    async fn connect(&self, _: &Route<'_>) -> Result<Link<'a>, Fault> {
        Ok(Link(self.0))
    }

    async fn secure(&self, _: Link<'a>, _: &Route<'_>) -> Result<Link<'a>, Fault> {
        Err(Fault::Tls)
    }
}

impl SocketTransport for Known<'_> {
    fn random(&self, bytes: &mut [u8]) -> Result<(), NoRandomness> {
        bytes.fill(7);
        Ok(())
    }

    async fn readable(&self, _: &mut Link<'_>) {}
}

impl ErrorType for Link<'_> {
    type Error = ErrorKind;
}

impl Read for Link<'_> {
    async fn read(&mut self, buf: &mut [u8]) -> Result<usize, ErrorKind> {
        let (now, later) = self.0.split_at_checked(buf.len()).unwrap_or((self.0, &[]));
        for (to, from) in buf.iter_mut().zip(now) {
            *to = *from;
        }
        self.0 = later;
        Ok(now.len())
    }
}

impl Write for Link<'_> {
    async fn write(&mut self, buf: &[u8]) -> Result<usize, ErrorKind> {
        Ok(buf.len())
    }

    async fn flush(&mut self) -> Result<(), ErrorKind> {
        Ok(())
    }
}
