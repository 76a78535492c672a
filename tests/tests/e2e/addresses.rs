//! Every address of a host is tried, in both families; a dead one costs next to nothing.

use std::io;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use miniwire_std::{Client, ClientBuilder};
use miniwire_tests::{BlackHole, Peer, builder, fails, promptly, refused, release, server};

const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}";

fn finding(addresses: &[SocketAddr]) -> Client {
    let addresses = addresses.to_vec();
    builder().development().resolver(move |_, _| Ok(addresses.clone())).build().unwrap()
}

#[track_caller]
fn succeeds(client: &Client) {
    assert_eq!(client.request("http://a.test/").send().unwrap().status(), 200);
}

#[test]
fn req_03_a_refused_address_gives_way_at_once() {
    let peer = Peer::answering(OK);
    let mut addresses: Vec<_> = (0..20).map(|_| refused()).collect();
    addresses.push(peer.address());
    promptly(0, || succeeds(&finding(&addresses)));
    promptly(0, || succeeds(&finding(&[peer.address(), refused()])));
}

#[test]
fn req_03_a_silent_address_does_not_cost_its_time_out() {
    let (peer, hole) = (Peer::answering(OK), BlackHole::new().unwrap());
    promptly(250, || succeeds(&finding(&[hole.address(), peer.address()])));
    promptly(250, || succeeds(&finding(&[hole.address(), refused(), peer.address()])));
    promptly(500, || succeeds(&finding(&[hole.address(), hole.address(), peer.address()])));
}

#[test]
fn req_03_both_families_are_tried() {
    let four = Peer::answering(OK);
    let six = SocketAddr::new(IpAddr::V6(Ipv6Addr::LOCALHOST), refused().port());
    promptly(0, || succeeds(&finding(&[six, four.address()])));
    promptly(0, || succeeds(&finding(&[four.address(), six])));
    // And IPv6 where there is any.
    let ok = |mut stream: std::net::TcpStream, _| {
        if miniwire_tests::read_head(&mut stream).is_some() {
            let _ = io::Write::write_all(&mut stream, OK.as_bytes());
        }
    };
    if let Ok(six) = Peer::start_on(SocketAddr::new(IpAddr::V6(Ipv6Addr::LOCALHOST), 0), ok) {
        succeeds(&finding(&[refused(), six.address()]));
        let client = builder().development().build().unwrap();
        let url = format!("http://{}/", six.address());
        assert!(url.starts_with("http://[::1]:"));
        assert_eq!(client.request(url).send().unwrap().status(), 200);
        assert_eq!(six.accepted(), 2);
    }
}

#[test]
fn req_03_no_address_accepts() {
    promptly(0, || {
        fails(finding(&[refused(), refused()]).request("http://a.test/").send(), 12, "Connect");
    });
    fails(builder().development().build().unwrap().request(format!("http://{}/", refused())).send(), 12, "Connect");
}

#[test]
fn req_03_a_name_that_does_not_resolve() {
    let with = |builder: ClientBuilder| builder.development().build().unwrap();
    let client = with(builder().resolver(|_, _| Err(io::ErrorKind::NotFound.into())));
    fails(client.request("http://a.test/").send(), 12, "Dns");
    fails(finding(&[]).request("http://a.test/").send(), 12, "Dns");
    let client = with(builder().resolver(|_, _| std::panic::resume_unwind(Box::new("a resolver's panic"))));
    fails(client.request("http://a.test/").send(), 12, "Dns");
    // By the system's resolver; RFC 6761 section 6.4 promises that this name does not exist.
    fails(with(builder()).request("http://a.invalid/").send(), 12, "Dns");
}

#[test]
fn req_03_a_resolver_is_told_the_name_and_the_port_and_never_an_address() {
    let server = server();
    let address = server.https();
    let asked = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&asked);
    let client = release(&server)
        .allow("127.0.0.1")
        .resolver(move |host, port| {
            count.fetch_add(1, Ordering::SeqCst);
            assert_eq!((host, port), ("localhost", address.port()));
            Ok(vec![address])
        })
        .build()
        .unwrap();
    client.request(format!("https://{address}/get")).send().unwrap();
    assert_eq!(asked.load(Ordering::SeqCst), 0);
    client.request(server.https_url("/get")).send().unwrap();
    client.request(format!("https://LOCALHOST:{}/get", address.port())).send().unwrap();
    assert_eq!((asked.load(Ordering::SeqCst), server.connections()), (1, 2), "and not for a kept connection");
}

#[test]
fn req_03_slow_lookups_do_not_hold_each_other_up_for_ever() {
    let peer = Peer::answering(OK);
    let address = peer.address();
    let client = builder()
        .development()
        .resolver(move |host, _| {
            if host == "slow.test" {
                thread::sleep(Duration::from_millis(300));
            }
            Ok(vec![address])
        })
        .build()
        .unwrap();
    let slow: Vec<_> = (0..40)
        .map(|_| {
            let client = client.clone();
            thread::spawn(move || client.request("http://slow.test/").timeout(100).send().map(|_| ()))
        })
        .collect();
    for call in slow {
        assert_eq!(call.join().unwrap().unwrap_err().code(), 13);
    }
    assert_eq!(client.request("http://fast.test/").send().unwrap().status(), 200);
}

#[test]
fn req_03_tls_is_verified_for_the_name_whatever_the_address() {
    let server = server();
    let address = server.https();
    let client =
        release(&server).allow("other.test").resolver(move |_, _| Ok(vec![refused(), address])).build().unwrap();
    assert_eq!(client.request("https://localhost/get").send().unwrap().status(), 200);
    fails(client.request("https://other.test/get").send(), 19, "CertificateWrongHost");
}
