//! Redirects (REQ-14).

use miniwire_core::data::Data;
use miniwire_core::request::{DataType, Method, Redirect, Request};
use serde::Serialize;

use super::Step;

#[derive(Serialize)]
struct Value {
    a: u8,
}

const VALUE: Data<'_> = Data::Value(&Value { a: 1 });

pub(super) const STEPS: &[Step] = &[
    ("Redirects are followed, at most 5.", Request::new("/redirect/5")),
    ("One more is code 19.", Request::new("/redirect/6")),
    (
        "Asked for as it is, a redirect is a success.",
        Request::new("/redirect/1").data_type(DataType::Text).redirect(Redirect::Manual),
    ),
    (
        "302 turns a POST into a GET without a body.",
        Request::new("/redirect-to?url=/anything/a").method(Method::Post).data(VALUE),
    ),
    (
        "307 keeps method and body.",
        Request::new("/redirect-to?url=/anything/a&status_code=307").method(Method::Post).data(VALUE),
    ),
    (
        "Credentials do not go along to another origin.",
        Request::new("/redirect-to?url={intermediate}/headers").headers(&[("Authorization", "Bearer secret")]),
    ),
    ("Each hop passes the whitelist.", Request::new("/redirect-to?url=https://elsewhere.example/")),
    ("No hop falls back to http.", Request::new("/redirect-to?url=http://localhost/")),
];
