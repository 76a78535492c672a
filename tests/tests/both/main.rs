//! The same calls on both transports: one description, equal results, codes and reasons.

mod bridge;
mod on_embassy;
mod on_std;
mod place;
mod scenario;
#[path = "../../../transport-embassy/tests/world/mod.rs"]
mod world;

use on_std::OnStd;
use place::Place;
use scenario::Room;

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
    let Place { site, server, addresses, .. } = &Place::new();
    let scenarios = room(site);
    let mut world = bridge::world(&["localhost"], addresses, 8);
    let board = world.board;
    let on_embassy = world.run(on_embassy::run(board, server.ca_pem(), server, &scenarios));
    let on_std = OnStd::new(server.ca_pem(), server);
    let pairs = scenarios.iter().zip(on_embassy);
    let differing: Vec<_> =
        pairs.flat_map(|(scenario, embassy)| scenario.complaints(embassy, on_std.run(scenario))).collect();
    assert!(differing.is_empty(), "{}", differing.join("\n"));
}
