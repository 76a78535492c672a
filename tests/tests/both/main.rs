//! The same calls on both transports: one description, equal results, codes and reasons.

mod on_embassy;
mod on_std;
mod scenario;
#[path = "../../../transport-embassy/tests/world/mod.rs"]
mod world;

use std::net::TcpStream;

use miniwire_std::serve::{IssuedBy, Leaf};
use miniwire_tests::server;
use scenario::{Scenario, Site};

/// Bytes of a body, converted, that the calls may take.
const MAX_BODY: usize = 80_000;

#[test]
fn core_04_both_transports_end_every_call_alike() {
    let server = server();
    let with = |leaf: Leaf| server.start_tls_with(server.authority().issue(&leaf).expect("issued")).expect("a port");
    let elsewhere = with(Leaf::default().names(&["elsewhere.test"]));
    let untrusted = with(Leaf::default().issued_by(IssuedBy::UnknownRoot));
    // A port that a client has: nobody can listen there.
    let taken = TcpStream::connect(server.http()).expect("the server");
    let secure = |port| format!("https://localhost:{port}");
    let site = Site {
        plain: format!("http://localhost:{}", server.http().port()),
        secure: secure(server.https().port()),
        elsewhere: secure(elsewhere.port()),
        untrusted: secure(untrusted.port()),
        closed: taken.local_addr().expect("an address").port(),
    };
    let mut scenarios = scenario::all(&site);
    if let Ok(only) = std::env::var("MINIWIRE_ONLY") {
        scenarios.retain(|scenario| scenario.promise.contains(&only));
    }

    let addresses = [server.http(), server.https(), elsewhere, untrusted];
    let on_embassy = on_embassy::run(&scenarios, &server, &addresses);
    let on_std = on_std::OnStd::with(&server);
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
