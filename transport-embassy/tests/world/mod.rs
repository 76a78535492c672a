//! A world in one thread: two embassy-net stacks, a cable between them, servers on the far side, and a clock that jumps
//! to the next thing that happens. The same seed gives the same run.
#![allow(dead_code)] // Each test binary uses a part of it.

pub(crate) mod cable;
pub(crate) mod clock;
pub(crate) mod executor;
pub(crate) mod http;
pub(crate) mod site;
pub(crate) mod udp;
pub(crate) mod wire;

use embassy_net::{Config, Ipv4Address, Ipv4Cidr, Runner, Stack, StackResources, StaticConfigV4};

use cable::{Cable, Faults, Port};
use executor::Executor;

/// Sockets of the board's stack: two for the client, DNS, DHCP. One more, and embassy-net panics.
pub(crate) const BOARD_SOCKETS: usize = 4;

pub(crate) const BOARD: Ipv4Address = Ipv4Address::new(192, 168, 69, 1);
pub(crate) const SERVER: Ipv4Address = Ipv4Address::new(192, 168, 69, 2);
/// On the same network, and nobody is there.
pub(crate) const NOBODY: Ipv4Address = Ipv4Address::new(192, 168, 69, 99);

/// A board and a server.
pub(crate) struct World {
    pub(crate) board: Stack<'static>,
    pub(crate) server: Stack<'static>,
    pub(crate) cable: Cable,
    pub(crate) executor: Executor,
}

impl World {
    pub(crate) fn new(seed: u64, faults: Faults) -> Self {
        Self::with_board(seed, faults, fixed(BOARD))
    }

    /// With room for one more of the board's sockets, and 24 for the server.
    pub(crate) fn with_sockets(seed: u64, faults: Faults) -> Self {
        Self::sized::<{ BOARD_SOCKETS + 1 }, 24>(seed, faults, fixed(BOARD))
    }

    /// With room for as many listeners as a test may want.
    pub(crate) fn with_servers(seed: u64, faults: Faults) -> Self {
        Self::sized::<BOARD_SOCKETS, 96>(seed, faults, fixed(BOARD))
    }

    /// With another configuration of the board's stack.
    pub(crate) fn with_board(seed: u64, faults: Faults, config: Config) -> Self {
        Self::sized::<BOARD_SOCKETS, 24>(seed, faults, config)
    }

    fn sized<const N: usize, const M: usize>(seed: u64, faults: Faults, config: Config) -> Self {
        clock::make_room();
        let cable = Cable::new(seed, faults);
        let mut executor = Executor::new();
        let board = stack::<N>(&mut executor, cable.port(0), config, seed);
        let server = stack::<M>(&mut executor, cable.port(1), fixed(SERVER), seed ^ 0x5eed);
        Self { board, server, cable, executor }
    }

    pub(crate) fn spawn(&mut self, task: impl Future<Output = ()> + 'static) {
        self.executor.spawn(task);
    }

    pub(crate) fn run<T>(&mut self, task: impl Future<Output = T>) -> T {
        self.executor.run(task)
    }
}

pub(crate) fn stack<const N: usize>(executor: &mut Executor, port: Port, config: Config, seed: u64) -> Stack<'static> {
    // Tests are few and processes short.
    let resources = Box::leak(Box::new(StackResources::<N>::new()));
    let (stack, runner) = embassy_net::new(port, config, resources, seed);
    executor.spawn(run(runner));
    stack
}

async fn run(mut runner: Runner<'static, Port>) {
    runner.run().await;
}

/// A fixed address, and the server for DNS.
pub(crate) fn fixed(address: Ipv4Address) -> Config {
    Config::ipv4_static(StaticConfigV4 {
        address: Ipv4Cidr::new(address, 24),
        gateway: None,
        dns_servers: [SERVER].into_iter().collect(),
    })
}
