//! Peers that mean harm, as the origin and as the proxy, with and without TLS, against all four calls of both
//! transports: each ends within its deadline, in bounded memory, with the right code.

mod memory;
mod on_embassy;
mod on_std;
mod scripts;
mod wire;
#[path = "../../../transport-embassy/tests/world/mod.rs"]
mod world;

use miniwire_core::policy::Api;

use scripts::{SCRIPTS, Script};

/// Where the peer stands.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Place {
    /// The origin, without TLS.
    Http,
    /// The origin, under TLS.
    Https,
    /// The proxy, asked for an `http` URL: the answer is the origin's, as far as anybody can tell.
    Forwarding,
    /// The origin, under TLS, behind a decent proxy.
    Tunnelled,
    /// The proxy, asked to CONNECT.
    Connecting,
}

const PLACES: [Place; 5] = [Place::Http, Place::Https, Place::Forwarding, Place::Tunnelled, Place::Connecting];
const APIS: [Api; 4] = [Api::Request, Api::UploadFile, Api::DownloadFile, Api::ConnectSocket];

/// The deadline of a call that is to reach it, in milliseconds.
const SHORT: u32 = 300;
/// The deadline of any other: a busy machine must not reach it.
const LONG: u32 = 5000;

/// Everything that is to be survived.
fn rows() -> impl Iterator<Item = (&'static Script, Place, Api)> {
    SCRIPTS.iter().flat_map(|script| PLACES.map(|place| APIS.map(|api| (script, place, api)))).flatten()
}
