//! From a network interface to addresses: DHCP, and the DNS server that it names.

use embassy_executor::Spawner;
use embassy_net::{Config, ConfigV4, DhcpConfig, Ipv4Address, Runner, Stack, StackResources, StaticConfigV4};
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

/// Starts the stack and waits for an address. `seed` makes port numbers and the like hard to guess. `dns` replaces the
/// DNS server that DHCP named.
///
/// # Errors
/// [`NoNetwork`].
pub async fn start(
    spawner: Spawner,
    ethernet: Lan9118,
    seed: u64,
    dns: Option<Ipv4Address>,
) -> Result<Stack<'static>, NoNetwork> {
    static RESOURCES: ConstStaticCell<StackResources<SOCKETS>> = ConstStaticCell::new(StackResources::new());
    let resources = RESOURCES.try_take().ok_or(NoNetwork::Busy)?;
    let (stack, runner) = embassy_net::new(ethernet, Config::dhcpv4(DhcpConfig::default()), resources, seed);
    spawner.spawn(run(runner).map_err(|_| NoNetwork::Busy)?);
    with_timeout(Duration::from_secs(10), stack.wait_config_up()).await.map_err(|_| NoNetwork::NoAddress)?;
    if let (Some(dns), Some(leased)) = (dns, stack.config_v4()) {
        let mut config = StaticConfigV4 { dns_servers: Default::default(), ..leased };
        // One fits into an empty list.
        let _ = config.dns_servers.push(dns);
        stack.set_config_v4(ConfigV4::Static(config));
        stack.wait_config_up().await;
    }
    Ok(stack)
}

#[embassy_executor::task]
async fn run(mut runner: Runner<'static, Lan9118>) -> ! {
    runner.run().await
}
