//! The servers of the scenarios.

use std::net::{SocketAddr, TcpStream};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use miniwire_std::serve::{IssuedBy, Leaf, Server};
use miniwire_tests::{Answer, Proxy, server};

use crate::scenario::{Proxies, Site};

/// They end with it.
pub(crate) struct Place {
    pub(crate) site: Site,
    pub(crate) server: Server,
    /// Of all of them.
    #[allow(dead_code)] // Only a bridge asks.
    pub(crate) addresses: Vec<SocketAddr>,
    _proxies: [Proxy; 5],
    /// A connection, whose own port is one where nobody can listen.
    _taken: TcpStream,
}

impl Place {
    pub(crate) fn new() -> Self {
        let server = server();
        let with =
            |leaf: Leaf| server.start_tls_with(server.authority().issue(&leaf).expect("issued")).expect("a port");
        let elsewhere = with(Leaf::default().names(&["elsewhere.test"]));
        let untrusted = with(Leaf::default().issued_by(IssuedBy::UnknownRoot));
        let credentials = format!("Basic {}", STANDARD.encode("us er:pa:ss@"));
        let proxies = [
            Answer::Forward,
            Answer::ForwardFor(credentials),
            Answer::Bytes(b"HTTP/1.1 403 No\r\nContent-Length: 2\r\n\r\nno".into()),
            Answer::Bytes(b"garbage\r\n\r\n".into()),
            Answer::Silence,
        ];
        let proxies = proxies.map(Proxy::start);
        let [forwards, demands, refuses, garbles, silent] = proxies.each_ref().map(Proxy::port);
        let taken = TcpStream::connect(server.http()).expect("the server");
        let secure = |port| format!("https://localhost:{port}");
        let site = Site {
            plain: format!("http://localhost:{}", server.http().port()),
            secure: secure(server.https().port()),
            elsewhere: secure(elsewhere.port()),
            untrusted: secure(untrusted.port()),
            closed: taken.local_addr().expect("an address").port(),
            proxies: Proxies { forwards, demands, refuses, garbles, silent },
        };
        let at_ports =
            [forwards, demands, refuses, garbles, silent].map(|port| SocketAddr::from(([127, 0, 0, 1], port)));
        let addresses = [server.http(), server.https(), elsewhere, untrusted].into_iter().chain(at_ports).collect();
        Self { site, server, addresses, _proxies: proxies, _taken: taken }
    }
}
