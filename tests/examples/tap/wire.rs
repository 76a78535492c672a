//! The board's stack on the TAP, with a cable between that can be made worse.

use std::error::Error;
use std::future::poll_fn;
use std::task::{Context, Poll};

use embassy_net::{Config, ConfigV4, Ipv4Address, Stack};
use embassy_net_driver::{Driver, RxToken as _, TxToken as _};
use embassy_net_tuntap::TunTapDevice;
use embassy_time::{Duration, Timer, with_timeout};

use crate::Verdict;
use crate::world::cable::{Cable, Faults, Port};
use crate::world::executor::Executor;
use crate::world::{BOARD_SOCKETS, clock, stack};

/// What dnsmasq has been told to give.
const ADDRESS: Ipv4Address = Ipv4Address::new(10, 0, 0, 50);
const ROUTER: Ipv4Address = Ipv4Address::new(10, 0, 0, 1);
/// Longer than smoltcp's pause before it asks for an address again.
const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) struct Wire {
    executor: Executor,
    cable: Cable,
    stack: Stack<'static>,
}

impl Wire {
    pub(crate) fn new(interface: &str) -> Result<Self, Box<dyn Error>> {
        let tap = TunTapDevice::new(interface)?;
        clock::follow_real_time();
        let mut executor = Executor::new();
        let cable = Cable::new(0, Faults { lost: 0, doubled: 0, delay: (0, 0) });
        let stack = stack::<BOARD_SOCKETS>(&mut executor, cable.port(0), Config::default(), 1);
        executor.spawn(patch(cable.port(1), tap));
        // A clock that follows the real one goes on only while somebody waits for it.
        executor.spawn(async {
            loop {
                Timer::after(Duration::from_millis(1)).await;
            }
        });
        Ok(Self { executor, cable, stack })
    }

    pub(crate) fn run<T>(&mut self, task: impl AsyncFnOnce(Stack<'static>) -> T) -> T {
        self.executor.run(task(self.stack))
    }

    /// Has an address given, anew where there is one.
    pub(crate) fn configure(&mut self) -> Verdict {
        self.run(async |stack| {
            stack.set_config_v4(ConfigV4::None);
            Timer::after(Duration::from_millis(10)).await;
            stack.set_config_v4(ConfigV4::Dhcp(Default::default()));
            with_timeout(PATIENCE, stack.wait_config_up()).await.map_err(|_| "no answer")?;
            let config = stack.config_v4().ok_or("no configuration")?;
            let given = (config.address.address(), config.gateway, config.dns_servers.first().copied());
            let right = given == (ADDRESS, Some(ROUTER), Some(ROUTER));
            if right { Ok(()) } else { Err(format!("{config:?}").into()) }
        })
    }

    pub(crate) fn set_faults(&self, seed: u64, faults: Faults) {
        self.cable.set_seed(seed);
        self.cable.set_faults(faults);
    }

    /// Frames that were sent, lost, doubled.
    pub(crate) fn counts(&self) -> [u64; 3] {
        self.cable.counts()
    }
}

/// Joins the cable's far end to the TAP.
async fn patch(mut port: Port, mut tap: TunTapDevice) {
    poll_fn(|context| {
        carry(&mut port, &mut tap, context);
        carry(&mut tap, &mut port, context);
        Poll::Pending
    })
    .await
}

fn carry(from: &mut impl Driver, to: &mut impl Driver, context: &mut Context<'_>) {
    while let Some((received, _)) = from.receive(context) {
        received.consume(|frame| {
            if let Some(room) = to.transmit(context) {
                room.consume(frame.len(), |room| room.copy_from_slice(frame));
            }
        });
    }
}
