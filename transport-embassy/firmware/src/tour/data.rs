//! What a call sends: methods, data, headers (REQ-01 to REQ-09, CTX-02, CTX-09).

use miniwire_core::data::Data;
use miniwire_core::request::{Method, Request};
use serde::Serialize;

use super::Step;

#[derive(Serialize)]
struct Search {
    name: &'static str,
    tags: [&'static str; 2],
    n: f64,
}

#[derive(Serialize)]
struct Page {
    size: u8,
}

#[derive(Serialize)]
struct Order {
    from: &'static str,
    big: f64,
    whole: f64,
    list: (bool, Option<u8>),
}

#[derive(Serialize)]
struct Letter {
    from: &'static str,
    to: &'static str,
}

#[derive(Serialize)]
struct Id {
    id: u8,
}

const FORM: &[(&str, &str)] = &[("content-type", "application/x-www-form-urlencoded")];

pub(super) const STEPS: &[Step] = &[
    (
        "On GET, data becomes a query string.",
        Request::new("/get").data(Data::Value(&Search { name: "Zoë & co", tags: ["a", "b"], n: 1.5 })),
    ),
    (
        "It is joined to the query that the URL has, and the fragment is not sent.",
        Request::new("/get?page=2#top").data(Data::Value(&Page { size: 10 })),
    ),
    ("A string is joined as it is.", Request::new("/get").data(Data::Text("q=a+b%20c"))),
    (
        "On POST, data becomes JSON, byte for byte what JSON.stringify gives.",
        Request::new("/post").method(Method::Post).data(Data::Value(&Order {
            from: "Zoë",
            big: 1e21,
            whole: 2.0,
            list: (true, None),
        })),
    ),
    (
        "With the content type of a form it becomes a form.",
        Request::new("/post").method(Method::Post).headers(FORM).data(Data::Value(&Letter { from: "Zoë", to: "a=b" })),
    ),
    (
        "A string is sent as it is, whatever the content type.",
        Request::new("/post")
            .method(Method::Post)
            .headers(&[("Content-Type", "text/plain")])
            .data(Data::Text("{as it is}")),
    ),
    ("PUT is the same.", Request::new("/put").method(Method::Put).data(Data::Value(&[1, 2]))),
    ("And so is DELETE.", Request::new("/delete").method(Method::Delete).data(Data::Value(&Id { id: 7 }))),
    (
        "Data that has no such form is code 15.",
        Request::new("/post").method(Method::Post).headers(FORM).data(Data::Value(&["no", "keys"])),
    ),
    ("The content type is application/json, also on GET.", Request::new("/headers")),
    ("Headers are sent as they are spelt.", Request::new("/get").headers(&[("x-Trace-ID", "42")])),
    (
        "The referer names the mini program; it cannot be set.",
        Request::new("/headers").headers(&[("Referer", "https://elsewhere.example/")]),
    ),
    ("A header cannot smuggle in another.", Request::new("/headers").headers(&[("X-A", "1\r\nX-B: 2")])),
];
