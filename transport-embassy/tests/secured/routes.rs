//! Other ways to a server: through a proxy, and over IPv6.

use miniwire_core::context::{Context, Proxy};
use miniwire_core::policy::Policy;
use miniwire_core::reason::{CertificateFault, Reason};
use miniwire_core::request::Request;

use crate::peer::Peer;
use crate::site::site;
use crate::support::{Signer, authority, config, leaf};
use crate::world::cable::Faults;
use crate::world::site::send;

#[test]
fn req_17_a_proxy_is_asked_for_a_tunnel_and_for_plain_requests() {
    let mut site = site(1, Faults::NONE);
    let root = Signer::root(authority("behind the proxy"));
    site.root = root.der.clone();
    let behind = config(&root.identity(&leaf(&["far.test"]), &[]), &[&rustls::version::TLS13]);
    let proxy = Peer::proxy(&mut site.world.executor, site.world.server, 3128, behind);
    let rule = Proxy { host: "192.168.69.2", port: 3128, credentials: Some("me:secret") };
    let context = Context::new("2021000000000001", "1.0.0", Policy::development()).unwrap().with_proxy(Some(&rule));
    site.run_as::<_, 1>(context, async |client, _| {
        for _ in 0..2 {
            let came = send(client, &Request::new("https://far.test/json")).await;
            assert_eq!(came, Ok((200, r#"{"a":1}"#.into())));
        }
        let came = send(client, &Request::new("https://farther.test/json")).await;
        assert_eq!(came, Err((19, Reason::Certificate(CertificateFault::WrongHost), None)));
        // In absolute-form, so that the script has no answer.
        let came = send(client, &Request::new("http://far.test/json")).await;
        assert_eq!(came, Err((19, Reason::HttpStatus, Some(400))));
    });
    assert_eq!(*proxy.tunnels.borrow(), ["far.test:443", "farther.test:443"]);
    let seen = proxy.seen.borrow();
    let last = &seen.last().unwrap().head;
    assert!(last.starts_with("GET http://far.test/json HTTP/1.1\r\n"), "{last}");
    let basic = |head: &str| head.contains("Proxy-Authorization: Basic bWU6c2VjcmV0\r\n");
    let asked: Vec<_> = seen.iter().map(|seen| (seen.method(), basic(&seen.head))).collect();
    assert_eq!(
        asked,
        [("CONNECT", true), ("GET", false), ("GET", false), ("CONNECT", true), ("GET", true)],
        "no credentials within the tunnel"
    );
}

#[cfg(feature = "ipv6")]
#[test]
fn core_04_calls_over_ipv6() {
    use embassy_net::{ConfigV6, Ipv6Address, Ipv6Cidr, StaticConfigV6};
    use miniwire_core::drive::SocketMemory;
    use miniwire_core::socket::{ConnectSocket, Sending, Settings};
    use rand_core::OsRng;

    let mut site = site(1, Faults::NONE);
    let root = Signer::root(authority("root of an address"));
    site.root = root.der.clone();
    let identity = root.identity(&leaf(&["fd00::2"]), &[]);
    let config = config(&identity, &[&rustls::version::TLS13]);
    let secured = Peer::start(&mut site.world.executor, site.world.server, 8443, 2, Some(config));
    let plain = Peer::start(&mut site.world.executor, site.world.server, 80, 2, None);
    for (stack, last) in [(site.world.board, 1), (site.world.server, 2)] {
        let address = Ipv6Cidr::new(Ipv6Address::new(0xfd00, 0, 0, 0, 0, 0, 0, last), 64);
        let config = StaticConfigV6 { address, gateway: None, dns_servers: [].into_iter().collect() };
        stack.set_config_v6(ConfigV6::Static(config));
    }
    site.run::<_, 1>(async |client, _| {
        for url in ["http://[fd00::2]/json", "http://[fd00::2]/json", "https://[fd00::2]:8443/json"] {
            assert_eq!(send(client, &Request::new(url)).await, Ok((200, r#"{"a":1}"#.into())), "{url}");
        }
        let (mut receive, mut transmit, mut message) = ([0; 512], [0; 256], [0; 64]);
        let memory = SocketMemory { receive: &mut receive, transmit: &mut transmit, message: &mut message };
        let (connect, random) = (ConnectSocket::new("wss://[fd00::2]:8443/socket"), std::cell::RefCell::new(OsRng));
        let mut socket = client.connect_socket(&connect, Settings::new(), &random, memory, |_, _| ()).await.unwrap();
        socket.send(Sending::text("hello")).await.unwrap();
        assert!(socket.recv().await.is_some());
        socket.close(1000, "").await.unwrap();
        while socket.recv().await.is_some() {}
    });
    assert_eq!((plain.connections.get(), secured.connections.get()), (1, 2));
}
