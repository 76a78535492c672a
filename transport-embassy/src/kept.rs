//! Links kept for later calls (REQ-16).
//!
//! Nothing runs behind this: the stack itself closes a connection on which nothing was heard for too long. Each link is
//! looked at before it is used: bytes that the server sent while nothing was asked of it must not pass for the next
//! answer (RFC 9112 section 9.2), and a link that it has closed need not be tried.

use core::cell::Cell;

use embassy_time::Instant;
use miniwire_core::drive::Route;

use crate::connection::Connection;

/// Bytes of a route's names. Links to longer ones are not kept.
const NAMES: usize = 96;

/// An owned [`Route`].
pub(crate) struct Key {
    /// The host's name, then the proxy's.
    names: [u8; NAMES],
    host: u8,
    proxy: u8,
    port: u16,
    /// 0 without a proxy.
    proxy_port: u16,
    secure: bool,
}

impl Key {
    /// `None` where the names are too long.
    fn new(route: &Route<'_>) -> Option<Self> {
        let (proxy, proxy_port) = route.proxy.unwrap_or(("", 0));
        let mut names = [0; NAMES];
        let (host_name, rest) = names.split_at_mut_checked(route.host.len())?;
        let proxy_name = rest.get_mut(..proxy.len())?;
        for (to, from) in host_name.iter_mut().zip(route.host.bytes()).chain(proxy_name.iter_mut().zip(proxy.bytes())) {
            *to = from;
        }
        let (host, proxy) = (u8::try_from(route.host.len()).ok()?, u8::try_from(proxy.len()).ok()?);
        Some(Self { names, host, proxy, port: route.port, proxy_port, secure: route.secure })
    }

    /// Whether this is the same route, its names in any letter case.
    fn is(&self, route: &Route<'_>) -> bool {
        let (proxy, proxy_port) = route.proxy.unwrap_or(("", 0));
        let Some((host_name, rest)) = self.names.split_at_checked(self.host.into()) else { return false };
        (self.secure, self.port, self.proxy_port) == (route.secure, route.port, proxy_port)
            && host_name.eq_ignore_ascii_case(route.host.as_bytes())
            && rest.get(..self.proxy.into()).is_some_and(|name| name.eq_ignore_ascii_case(proxy.as_bytes()))
    }
}

/// The kept links of one client: no more than it has sockets.
pub(crate) struct Kept<'s, 'd, X, const N: usize> {
    places: [Cell<Option<Entry<'s, 'd, X>>>; N],
}

struct Entry<'s, 'd, X> {
    key: Key,
    since: Instant,
    link: Connection<'s, 'd, X>,
}

impl<'s, 'd, X, const N: usize> Kept<'s, 'd, X, N> {
    pub(crate) fn new() -> Self {
        Self { places: core::array::from_fn(|_| Cell::new(None)) }
    }

    /// A link over this route for which `is_alive` holds. Those for which it does not are closed.
    pub(crate) fn take(
        &self,
        route: &Route<'_>,
        is_alive: impl Fn(&Connection<'s, 'd, X>) -> bool,
    ) -> Option<Connection<'s, 'd, X>> {
        self.places.iter().find_map(|place| {
            let entry = place.take()?;
            if entry.key.is(route) {
                return is_alive(&entry.link).then_some(entry.link);
            }
            place.set(Some(entry));
            None
        })
    }

    /// Closes those for which `is_alive` does not hold.
    pub(crate) fn sweep(&self, is_alive: impl Fn(&Connection<'s, 'd, X>) -> bool) {
        for place in &self.places {
            place.set(place.take().filter(|entry| is_alive(&entry.link)));
        }
    }

    /// Keeps a link, if its route's names are not too long.
    pub(crate) fn put(&self, route: &Route<'_>, link: Connection<'s, 'd, X>) {
        let Some(key) = Key::new(route) else { return };
        let mut entry = Some(Entry { key, since: Instant::now(), link });
        for place in &self.places {
            let there = place.take();
            // As many places as sockets: one is free.
            let put = if there.is_none() { entry.take() } else { there };
            place.set(put);
        }
    }

    /// Closes the link that was kept first, of those for which `goes` holds, so that what it holds can be used. Whether
    /// there was one.
    pub(crate) fn close_oldest(&self, goes: impl Fn(&Connection<'s, 'd, X>) -> bool) -> bool {
        let mut oldest: Option<(&Cell<Option<Entry<'s, 'd, X>>>, Instant)> = None;
        for place in &self.places {
            if let Some(entry) = place.take() {
                if goes(&entry.link) && oldest.is_none_or(|(_, since)| entry.since < since) {
                    oldest = Some((place, entry.since));
                }
                place.set(Some(entry));
            }
        }
        if let Some((place, _)) = oldest {
            place.set(None);
        }
        oldest.is_some()
    }

    /// Closes all.
    pub(crate) fn close(&self) {
        for place in &self.places {
            place.set(None);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROUTE: Route<'_> = Route { secure: true, host: "host.test", port: 443, proxy: Some(("proxy", 8080)) };

    #[test]
    fn req_16_a_key_is_of_one_route_only() {
        let key = Key::new(&ROUTE).expect("short names");
        assert!(key.is(&ROUTE));
        assert!(key.is(&Route { host: "HOST.test", proxy: Some(("Proxy", 8080)), ..ROUTE }));
        for other in [
            Route { secure: false, ..ROUTE },
            Route { port: 80, ..ROUTE },
            Route { host: "host.tes", ..ROUTE },
            Route { host: "host.testp", ..ROUTE },
            Route { proxy: None, ..ROUTE },
            Route { proxy: Some(("proxy", 8081)), ..ROUTE },
            Route { host: "host.testproxy", proxy: None, ..ROUTE },
            Route { host: "host.testp", proxy: Some(("roxy", 8080)), ..ROUTE },
        ] {
            assert!(!key.is(&other), "{other:?}");
        }
    }

    #[test]
    fn req_16_names_that_are_too_long_are_not_kept() {
        let long = "x".repeat(NAMES);
        assert!(Key::new(&Route { host: &long, proxy: None, ..ROUTE }).is_some());
        assert!(Key::new(&Route { host: &long, ..ROUTE }).is_none());
        let longer = "x".repeat(NAMES + 1);
        assert!(Key::new(&Route { host: &longer, proxy: None, ..ROUTE }).is_none());
    }
}
