//! From a host to its addresses, and from those to a connection.

use embassy_net::dns::DnsQueryType;
use embassy_net::{IpAddress, IpEndpoint, Stack};
use embassy_time::Duration;
use miniwire_core::reason::Fault;
use miniwire_core::url;

use crate::sockets::Tcp;

/// How long one of several addresses is tried. The last has all the time that there is.
const ATTEMPT: Duration = Duration::from_secs(4);

/// Connects to the first address of the host that answers. They are tried one after the other: IPv4 first, where the
/// stack has such an address itself.
pub(crate) async fn connect(stack: Stack<'_>, tcp: &mut Tcp<'_, '_>, host: &str, port: u16) -> Result<(), Fault> {
    if let Some(address) = url::ip_address(host) {
        let address = usable(address).ok_or(Fault::Connect)?;
        return tcp.connect(IpEndpoint { addr: address, port }, None).await;
    }
    let mut fault = Fault::Dns;
    let families = families(stack);
    let mut families = families.iter().flatten().peekable();
    while let Some(family) = families.next() {
        let Ok(addresses) = stack.dns_query(host, *family).await else { continue };
        let mut addresses = addresses.iter().peekable();
        while let Some(address) = addresses.next() {
            let is_last = addresses.peek().is_none() && families.peek().is_none();
            let limit = if is_last { None } else { Some(ATTEMPT) };
            match tcp.connect(IpEndpoint { addr: *address, port }, limit).await {
                Ok(()) => return Ok(()),
                Err(failed) => fault = failed,
            }
        }
    }
    Err(fault)
}

/// The families of addresses that the stack has one of.
fn families(stack: Stack<'_>) -> [Option<DnsQueryType>; 2] {
    #[cfg(feature = "ipv4")]
    let v4 = stack.config_v4().map(|_| DnsQueryType::A);
    #[cfg(not(feature = "ipv4"))]
    let v4 = None;
    #[cfg(feature = "ipv6")]
    let v6 = stack.config_v6().map(|_| DnsQueryType::Aaaa);
    #[cfg(not(feature = "ipv6"))]
    let v6 = None;
    [v4, v6]
}

/// `None` where the stack was built without this family.
fn usable(address: core::net::IpAddr) -> Option<IpAddress> {
    match address {
        #[cfg(feature = "ipv4")]
        core::net::IpAddr::V4(address) => Some(IpAddress::Ipv4(address)),
        #[cfg(feature = "ipv6")]
        core::net::IpAddr::V6(address) => Some(IpAddress::Ipv6(address)),
        #[allow(unreachable_patterns)]
        _ => None,
    }
}

/// Whether this is an address that the stack has now. A connection from another one is dead without knowing it.
pub(crate) fn is_local(stack: Stack<'_>, address: IpAddress) -> bool {
    match address {
        #[cfg(feature = "ipv4")]
        IpAddress::Ipv4(address) => stack.config_v4().is_some_and(|config| config.address.address() == address),
        #[cfg(feature = "ipv6")]
        IpAddress::Ipv6(address) => stack.config_v6().is_some_and(|config| config.address.address() == address),
        #[allow(unreachable_patterns)]
        _ => false,
    }
}
