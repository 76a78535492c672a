//! Calls under TLS and sockets through the whole client, over cables good and bad (CTX-08, SOCK).

mod peer;
mod requests;
mod routes;
mod site;
mod soak;
mod sockets;
#[path = "../support/mod.rs"]
mod support;
#[path = "../world/mod.rs"]
mod world;
