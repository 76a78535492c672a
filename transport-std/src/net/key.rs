//! Which route a link was opened over.

use miniwire_core::drive::Route;

/// An owned [`Route`], its names in lower case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Key {
    secure: bool,
    host: Box<str>,
    port: u16,
    proxy: Option<(Box<str>, u16)>,
}

impl From<&Route<'_>> for Key {
    fn from(route: &Route<'_>) -> Self {
        let Route { secure, host, port, proxy } = *route;
        let lower = |host: &str| host.to_ascii_lowercase().into_boxed_str();
        Self { secure, host: lower(host), port, proxy: proxy.map(|(host, port)| (lower(host), port)) }
    }
}

impl Key {
    /// Whether this is the same route, its names in any letter case.
    pub(crate) fn is(&self, route: &Route<'_>) -> bool {
        let same_proxy = match (&self.proxy, route.proxy) {
            (None, None) => true,
            (Some((host, port)), Some((other, other_port))) => *port == other_port && host.eq_ignore_ascii_case(other),
            _ => false,
        };
        same_proxy
            && (self.secure, self.port) == (route.secure, route.port)
            && self.host.eq_ignore_ascii_case(route.host)
    }
}
