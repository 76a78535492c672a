//! Whom a mini program may talk to: URL, policy, whitelist (CTX-03, CTX-04, REQ-17).

use miniwire_core::request::Request;

use super::Step;

/// With the policy *release*. Nothing of it reaches the network.
pub(super) const RELEASE: &[Step] = &[
    ("A host that is not on the whitelist is code 11; nothing is sent.", Request::new("https://elsewhere.example/")),
    ("An entry admits subdomains, not names that end alike.", Request::new("https://notlocalhost/")),
    ("Plain http is code 20.", Request::new("{plain}/get")),
    ("An empty URL is code 2.", Request::new("")),
    ("So is one that does not parse,", Request::new("https://user@localhost/")),
    ("one of another scheme,", Request::new("ftp://localhost/")),
    ("and one that is too long.", Request::new("/get?{long}")),
    ("A % that begins no escape is code 15.", Request::new("/get?discount=5%")),
];

pub(super) const DEVELOPMENT: Step =
    ("Only a client that was built with .development() speaks it.", Request::new("{plain}/get"));

pub(super) const THROUGH_PROXY: Step =
    ("Through a proxy, http goes in absolute form.", Request::new("http://shop.example/get?page=2"));

pub(super) const REFUSING_PROXY: Step =
    ("https goes through a tunnel. A proxy that refuses one is code 23;", Request::new("https://localhost/get"));

pub(super) const ABSENT_PROXY: Step = ("so is one that cannot be reached.", Request::new("https://localhost/get"));
