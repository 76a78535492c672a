//! The bodies of the fuzz targets: ordinary functions from bytes to nothing, which panic on a finding.
//!
//! The programs in `fuzz_targets/` hand them what libFuzzer makes up. `tests/corpora.rs` hands them the committed
//! inputs and seeded mutations of these, so every property is also checked by `cargo test`.
//!
//! A target states properties (no panic, the same result at every split, an end in bounded steps) and compares with
//! another implementation: a crate where there is one that checks strictly, else a plain one in [`oracle`], written
//! from the specification over the whole input and without regard to speed.

pub mod base64;
pub mod call;
mod certificates;
pub mod extensions;
pub mod frames;
pub mod handshake;
pub mod head;
pub mod inflate;
pub mod json_validate;
pub mod json_write;
pub mod multipart;
pub mod oracle;
pub mod percent;
pub mod policy;
pub mod query;
pub mod request_bytes;
pub mod request_ops;
pub mod resolve;
pub mod response;
pub mod socket_bytes;
pub mod socket_ops;
pub mod socket_sending;
pub mod socket_watch;
pub mod splits;
mod tls_identity;
mod tls_link;
mod tls_server;
pub mod tls_session;
pub mod transfer_ops;
pub mod tree;
pub mod url;
pub mod utf8;
pub mod watched;
pub mod x509;

/// What a target does with an input.
pub type Run = fn(&[u8]);

/// Every target, by the name of its program and of its folder of inputs.
pub const TARGETS: [(&str, Run); 23] = [
    ("base64", base64::run),
    ("extensions", extensions::run),
    ("frames", frames::run),
    ("handshake", handshake::run),
    ("head", head::run),
    ("inflate", inflate::run),
    ("json_validate", json_validate::run),
    ("json_write", json_write::run),
    ("multipart", multipart::run),
    ("percent", percent::run),
    ("policy", policy::run),
    ("query", query::run),
    ("request_bytes", request_bytes::run),
    ("request_ops", request_ops::run),
    ("resolve", resolve::run),
    ("response", response::run),
    ("socket_bytes", socket_bytes::run),
    ("socket_ops", socket_ops::run),
    ("tls_session", tls_session::run),
    ("transfer_ops", transfer_ops::run),
    ("url", url::run),
    ("utf8", utf8::run),
    ("x509", x509::run),
];
