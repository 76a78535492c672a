use std::io::Write;
use std::net::TcpStream;
use std::thread;
use std::time::Duration;

use super::*;
use crate::net::clock::Clock;
use crate::net::socket::Socket;
use crate::net::testing::pair;

fn route(host: &str) -> Route<'_> {
    Route { secure: false, host, port: 80, proxy: None }
}

fn at(ms: u64) -> Instant {
    Instant::from_millis(ms)
}

/// A link and its peer.
fn link(route: &Route<'_>) -> (NetLink, TcpStream) {
    let (stream, peer) = pair();
    (NetLink::new(Socket::new(stream, Clock::start()), route), peer)
}

/// Whether the link of this peer has been closed.
fn is_closed(peer: &TcpStream) -> bool {
    peer.set_read_timeout(Some(Duration::from_millis(20))).unwrap();
    matches!(peer.peek(&mut [0]), Ok(0))
}

#[test]
fn req_16_the_newest_link_goes_first() {
    let pool = Pool::new(PoolLimits::default());
    let a = route("a.test");
    let peers: Vec<_> = (0..3)
        .map(|_| {
            let (link, peer) = link(&a);
            pool.put(link, at(0));
            peer
        })
        .collect();
    for newest in (0..3).rev() {
        drop(pool.take(&a, at(0)).unwrap());
        assert!(is_closed(&peers[newest]));
        assert_eq!(pool.len(), newest);
    }
}

#[test]
fn req_16_only_exactly_the_same_route_is_served() {
    let pool = Pool::new(PoolLimits::default());
    let own = Route { proxy: Some(("p.test", 3128)), ..route("a.test") };
    let (link, _peer) = link(&own);
    pool.put(link, at(0));
    for other in [
        Route { host: "b.test", ..own },
        Route { port: 81, ..own },
        Route { secure: true, ..own },
        Route { proxy: None, ..own },
        Route { proxy: Some(("p.test", 3129)), ..own },
        Route { proxy: Some(("q.test", 3128)), ..own },
    ] {
        assert!(pool.take(&other, at(0)).is_none(), "{other:?}");
    }
    assert!(pool.take(&own, at(0)).is_some());
    assert!(pool.take(&own, at(0)).is_none(), "and only once");
}

#[test]
fn req_16_a_plain_link_never_serves_a_secure_route() {
    let secure = Route { secure: true, ..route("a.test") };
    let (link, _peer) = link(&secure);
    assert!(!link.serves(&secure));
}

#[test]
fn req_16_links_are_bounded_per_route_and_in_all() {
    let pool = Pool::new(PoolLimits { total: 5, per_route: 2, ..PoolLimits::default() });
    let hosts = ["a.test", "b.test", "c.test"];
    let peers: Vec<_> = (0..9)
        .map(|n| {
            let (link, peer) = link(&route(hosts[n % 3]));
            pool.put(link, at(0));
            peer
        })
        .collect();
    // Put in as a b c a b c a b c. The newest five are left, of which no route has more than two.
    let open = peers.iter().map(|peer| !is_closed(peer)).collect::<Vec<_>>();
    assert_eq!(open, [false, false, false, false, true, true, true, true, true]);
    assert_eq!(pool.len(), 5);
}

#[test]
fn req_16_a_busy_route_pushes_out_its_own() {
    let pool = Pool::new(PoolLimits::default());
    let (quiet, _peer) = link(&route("quiet.test"));
    pool.put(quiet, at(0));
    for _ in 0..20 {
        pool.put(link(&route("busy.test")).0, at(0));
    }
    assert_eq!(pool.len(), 5);
    assert!(pool.take(&route("quiet.test"), at(0)).is_some());
}

#[test]
fn req_16_links_grow_old() {
    let pool = Pool::new(PoolLimits { idle_ms: 500, ..PoolLimits::default() });
    let (one, _one) = link(&route("a.test"));
    let (two, _two) = link(&route("b.test"));
    pool.put(one, at(0));
    pool.put(two, at(400));
    assert!(pool.take(&route("c.test"), at(501)).is_none());
    assert_eq!(pool.len(), 1, "aged at use");
    let (three, _three) = link(&route("a.test"));
    pool.put(three, at(901));
    assert_eq!(pool.len(), 1, "aged at insert");
}

#[test]
fn req_16_none_are_kept_where_the_limit_is_zero() {
    for limits in
        [PoolLimits { total: 0, ..PoolLimits::default() }, PoolLimits { per_route: 0, ..PoolLimits::default() }]
    {
        let pool = Pool::new(limits);
        pool.put(link(&route("a.test")).0, at(0));
        assert_eq!(pool.len(), 0);
    }
}

#[test]
fn req_16_an_idle_link_that_was_closed_or_written_to_is_not_used() {
    let pool = Pool::new(PoolLimits::default());
    let a = route("a.test");
    let (quiet, _peer) = link(&a);
    let (closed, peer) = link(&a);
    drop(peer);
    let (written, mut noisy) = link(&a);
    noisy.write_all(b"HTTP/1.1 408 Request Timeout\r\n\r\n").unwrap();
    thread::sleep(Duration::from_millis(20));
    for link in [quiet, closed, written] {
        pool.put(link, at(0));
    }
    assert!(pool.take(&a, at(0)).is_some(), "the quiet one, below the other two");
    assert_eq!(pool.len(), 0);
}
