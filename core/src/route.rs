//! Where a call asks for a link to.

/// Where a link leads, and what must be the same for a kept link to be used again (REQ-16).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Route<'a> {
    /// TLS, verified for `host`.
    pub secure: bool,
    /// The origin's host: a name, or an IP address (IPv6 without brackets).
    pub host: &'a str,
    /// The origin's port.
    pub port: u16,
    /// The proxy to connect to instead, host and port.
    pub proxy: Option<(&'a str, u16)>,
}

impl<'a> Route<'a> {
    /// The host and port that a socket connects to: the proxy's where there is one.
    pub const fn first_hop(&self) -> (&'a str, u16) {
        match self.proxy {
            Some(proxy) => proxy,
            None => (self.host, self.port),
        }
    }
}
