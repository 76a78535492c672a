//! The same calls on both transports: one description, equal results, codes and reasons.

mod bridge;
mod on_embassy;
mod on_std;
mod scenario;
#[path = "../../../transport-embassy/tests/world/mod.rs"]
mod world;

use std::net::TcpStream;

use miniwire_tests::server;

/// Bytes of a body, converted, that the calls may take.
const MAX_BODY: usize = 80_000;
/// Bytes of a file that the downloads may take.
const MAX_FILE: usize = 100_000;

#[test]
fn core_04_both_transports_end_every_call_alike() {
    let server = server();
    // A port that a client has: nobody can listen there.
    let taken = TcpStream::connect(server.http()).expect("the server");
    let closed = taken.local_addr().expect("an address").port();
    let origin = format!("http://localhost:{}", server.http().port());
    let secured = format!("https://localhost:{}", server.https().port());
    let scenarios = scenario::all(&origin, &secured, closed);

    let on_embassy = bridge::run(&scenarios, &server);
    let on_std = on_std::OnStd::trusting(server.ca_pem());
    let mut differing = Vec::new();
    for (scenario, embassy) in scenarios.iter().zip(on_embassy) {
        differing.extend(scenario.complaints(embassy, on_std.run(scenario)));
    }
    assert!(differing.is_empty(), "{}", differing.join("\n"));
}
