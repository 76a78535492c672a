//! The same calls on both transports: one description, equal results, codes and reasons.

mod on_embassy;
mod on_std;
mod scenario;
#[path = "../../../transport-embassy/tests/world/mod.rs"]
mod world;

use std::net::{SocketAddr, TcpStream};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use miniwire_std::serve::{IssuedBy, Leaf, Server};
use miniwire_tests::{Answer, Proxy, server};
use scenario::{Proxies, Room, Scenario, Site};

/// Bytes of a body, converted, that the calls may take.
const MAX_BODY: usize = 80_000;

#[test]
fn core_04_contexts_are_alike_on_both_transports() {
    alike(scenario::CONTEXT);
}

#[test]
fn core_04_requests_end_alike_on_both_transports() {
    alike(scenario::REQUESTS);
}

#[test]
fn core_04_proxies_are_alike_to_both_transports() {
    alike(scenario::PROXIES);
}

#[test]
fn core_04_uploads_and_downloads_end_alike_on_both_transports() {
    alike(scenario::FILES);
}

#[test]
fn core_04_sockets_are_alike_on_both_transports() {
    alike(scenario::SOCKETS);
}

#[test]
fn core_04_hostile_sockets_end_alike_on_both_transports() {
    alike(scenario::HOSTILE_SOCKETS);
}

/// Runs the scenarios of a room, first on embassy-net, then on std, on the same servers.
#[track_caller]
fn alike(room: Room) {
    let place = Place::new();
    let scenarios = room(&place.site);
    let on_embassy = on_embassy::run(&scenarios, &place.server, &place.addresses);
    let on_std = on_std::OnStd::with(&place.server);
    let mut differing = Vec::new();
    for (scenario, embassy) in scenarios.iter().zip(on_embassy) {
        let (embassy, std) = (embassy.without_chance(), on_std.run(scenario).without_chance());
        let Scenario { promise, ends, lines, closes, .. } = scenario;
        for (transport, came) in [("std", &std), ("embassy", &embassy)] {
            if came.ends() != *ends {
                differing.push(format!("{promise}: on {transport} {:?}, not {ends:?}", came.ends()));
            }
            if !lines.is_empty() && came.lines != *lines {
                differing.push(format!("{promise}: on {transport} {:?}, not {lines:?}", came.lines));
            }
            if came.closes != *closes {
                differing.push(format!("{promise}: on {transport} the server saw {:?}, not {closes:?}", came.closes));
            }
        }
        let parts = embassy.parts().into_iter().zip(std.parts());
        for ((name, embassy), (_, std)) in parts.filter(|((_, embassy), (_, std))| embassy != std) {
            differing.push(format!("{promise}: {name}\n  embassy {embassy:.800}\n  std     {std:.800}"));
        }
    }
    assert!(differing.is_empty(), "{}", differing.join("\n"));
}

/// The servers, which end with it.
struct Place {
    site: Site,
    server: Server,
    /// Of all of them.
    addresses: Vec<SocketAddr>,
    _proxies: [Proxy; 5],
    /// A connection, whose own port is one where nobody can listen.
    _taken: TcpStream,
}

impl Place {
    fn new() -> Self {
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
