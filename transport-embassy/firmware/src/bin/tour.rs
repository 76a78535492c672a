//! The tour of a board: DHCP, DNS, then the calls that `miniwire tour` makes on a desktop.
//!
//! Started by tests/stages/board.py, which says what the settings are.
#![no_std]
#![no_main]

use embassy_executor::Spawner;
use embassy_time::{Instant, Timer};
use miniwire_embassy::{SocketMemory, Sockets, TlsMemory};
use miniwire_firmware::board::{self, console::line, executor, host, host::Settings, random, stack};
use miniwire_firmware::network;
use miniwire_firmware::secure::{self, Secured};
use miniwire_firmware::tour::{Buffers, SOCKETS, Tour, Trusted};
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::{RngCore as _, SeedableRng as _};
use static_cell::{ConstStaticCell, StaticCell};

#[cortex_m_rt::entry]
fn main() -> ! {
    stack::paint();
    executor::run(|spawner| {
        if let Ok(task) = tour(spawner) {
            spawner.spawn(task);
        }
    })
}

#[embassy_executor::task]
async fn tour(spawner: Spawner) {
    static COMMAND_LINE: ConstStaticCell<[u8; 2560]> = ConstStaticCell::new([0; 2560]);
    static MEMORY: ConstStaticCell<SocketMemory<SOCKETS, 2048, 1024>> = ConstStaticCell::new(SocketMemory::new());
    static SOCKET_CELL: StaticCell<Sockets<'static, SOCKETS>> = StaticCell::new();
    static BUFFERS: ConstStaticCell<Buffers> = ConstStaticCell::new(Buffers::new());
    static SPARE: ConstStaticCell<TlsMemory> = ConstStaticCell::new(TlsMemory::new());
    static SECURED: [StaticCell<Secured>; 3] = [const { StaticCell::new() }; 3];

    let settings = Settings::read(COMMAND_LINE.take());
    let (Some(board), Some(mut random)) = (board::start(), random::from_host(&settings)) else {
        line(format_args!("# no board, or no seed"));
        host::exit(false)
    };
    let Some(roots) = secure::roots(&settings) else {
        line(format_args!("# no root"));
        host::exit(false)
    };
    let network = match network::start(spawner, board.ethernet, random.next_u64()).await {
        Ok(network) => network,
        Err(why) => {
            line(format_args!("# no network: {why:?}"));
            host::exit(false)
        }
    };
    line(format_args!("# an address after {} ms", Instant::now().as_millis()));
    let sockets = SOCKET_CELL.init(Sockets::new(network, MEMORY.take()));
    let [usual, pinned, stranger] = &SECURED;
    let trusted = Trusted {
        usual: usual.init(secure::new(roots, &[], generator(&mut random))),
        pinned: pinned.init(secure::new(roots, &[[7; 32]], generator(&mut random))),
        stranger: stranger.init(secure::new(&[], &[], generator(&mut random))),
        spare: SPARE.try_take(),
    };
    let is_served = secure::serve(spawner, trusted.usual);
    let mut tour = Tour::new(settings, sockets, trusted, BUFFERS.take());
    stack::paint();
    line(format_args!("# stack down to this task: {} bytes", stack::start().saturating_sub(stack::pointer())));
    let start = Instant::now();
    if let Some((size, [first, second])) = tour.twice().await {
        line(format_args!("# future of a request: {size} bytes"));
        line(format_args!("# first HTTPS request: {first} clocks"));
        line(format_args!("# another over its session: {second} clocks"));
    }
    line(format_args!("# stack with the first HTTPS request: {} bytes", stack::used(stack::start())));
    line(format_args!("# it took {} ms of the host's time", start.elapsed().as_millis()));
    if settings.get("first").is_some() {
        host::exit(is_served);
    }
    if let Some(count) = settings.number("uploads") {
        match tour.upload_often(count).await {
            Ok(slowest) => line(format_args!("# {count} times two long uploads: at most {slowest} ms")),
            Err((turn, reason, ms)) => line(format_args!("# long upload {turn}: {reason:?} after {ms} ms")),
        }
    }
    let is_made = is_served && tour.take().await.is_ok();

    let (rounds, slept) = (executor::rounds(), 500);
    Timer::after_millis(slept).await;
    let rounds = executor::rounds().wrapping_sub(rounds);
    line(format_args!("# looked {rounds} times for something to do in {slept} ms without"));
    let (used, room) = (stack::used(stack::start()), stack::room());
    line(format_args!("# peak stack {used} bytes of {room}"));
    line(format_args!("# end after {} ms", Instant::now().as_millis()));
    host::exit(is_made && used < room)
}

/// A generator of its own for everyone who needs one.
fn generator(random: &mut ChaCha20Rng) -> ChaCha20Rng {
    let mut seed = [0; 32];
    random.fill_bytes(&mut seed);
    ChaCha20Rng::from_seed(seed)
}
