//! From a network interface to addresses: DHCP, and the DNS server that it names.

use embassy_executor::Spawner;
use embassy_net::{Config, DhcpConfig, Runner, Stack, StackResources};
use embassy_time::{Duration, with_timeout};
use static_cell::ConstStaticCell;

use crate::board::lan9118::Lan9118;

/// DHCP, DNS, and so many connections.
const SOCKETS: usize = 2 + 4;

/// Why there is no network.
#[derive(Clone, Copy, Debug)]
pub enum NoNetwork {
    /// [`start`] was called twice.
    Busy,
    /// No DHCP server answered.
    NoAddress,
}

/// Starts the stack and waits for an address. `seed` makes port numbers and the like hard to guess.
///
/// # Errors
/// [`NoNetwork`].
pub async fn start(spawner: Spawner, ethernet: Lan9118, seed: u64) -> Result<Stack<'static>, NoNetwork> {
    static RESOURCES: ConstStaticCell<StackResources<SOCKETS>> = ConstStaticCell::new(StackResources::new());
    let resources = RESOURCES.try_take().ok_or(NoNetwork::Busy)?;
    let (stack, runner) = embassy_net::new(ethernet, Config::dhcpv4(DhcpConfig::default()), resources, seed);
    spawner.spawn(run(runner).map_err(|_| NoNetwork::Busy)?);
    with_timeout(Duration::from_secs(10), stack.wait_config_up()).await.map_err(|_| NoNetwork::NoAddress)?;
    Ok(stack)
}

#[embassy_executor::task]
async fn run(mut runner: Runner<'static, Lan9118>) -> ! {
    runner.run().await
}
