//! What a call sends: methods, data, headers (REQ-01 to REQ-09, CTX-02, CTX-09).

use std::error::Error;

use miniwire_std::Method;
use serde_json::json;

use super::{APP_ID, APP_VERSION, Tour};

pub(super) fn steps(tour: &mut Tour<'_>) -> Result<(), Box<dyn Error>> {
    get(tour);
    bodies(tour);
    headers(tour);
    Ok(())
}

fn get(tour: &mut Tour<'_>) {
    tour.step(
        "On GET, data becomes a query string.",
        tour.request("/get").data(json!({"name": "Zoë & co", "tags": ["a", "b"], "n": 1.5})),
        |came| came.has("/raw_target", "/get?name=Zo%C3%AB%20%26%20co&tags=a&tags=b&n=1.5"),
    );
    tour.step(
        "It is joined to the query that the URL has, and the fragment is not sent.",
        tour.request("/get?page=2#top").data(json!({"size": 10})),
        |came| came.has("/raw_target", "/get?page=2&size=10"),
    );
    tour.step("A string is joined as it is.", tour.request("/get").data_text("q=a+b%20c"), |came| {
        came.has("/raw_target", "/get?q=a+b%20c")
    });
}

fn bodies(tour: &mut Tour<'_>) {
    let value = json!({"from": "Zoë", "big": 1e21, "whole": 2.0, "list": [true, null]});
    tour.step(
        "On POST, data becomes JSON, byte for byte what JSON.stringify gives.",
        tour.request("/post").method(Method::Post).data(value),
        |came| came.has("/data", r#"{"from":"Zoë","big":1e+21,"whole":2,"list":[true,null]}"#),
    );
    tour.step(
        "With the content type of a form it becomes a form.",
        tour.request("/post").method(Method::Post).form().data(json!({"from": "Zoë", "to": "a=b"})),
        |came| came.has("/form", json!({"from": "Zoë", "to": "a=b"})),
    );
    tour.step(
        "A string is sent as it is, whatever the content type.",
        tour.request("/post").method(Method::Post).header("Content-Type", "text/plain").data_text("{as it is}"),
        |came| came.has("/data", "{as it is}"),
    );
    tour.step("PUT is the same.", tour.request("/put").method(Method::Put).data(json!([1, 2])), |came| {
        came.has("/json", json!([1, 2]))
    });
    tour.step("And so is DELETE.", tour.request("/delete").method(Method::Delete).data(json!({"id": 7})), |came| {
        came.has("/json", json!({"id": 7}))
    });
    tour.step(
        "Data that has no such form is code 15.",
        tour.request("/post").method(Method::Post).form().data(json!(["no", "keys"])),
        |came| came.fails(15, "DataNotConvertible"),
    );
}

fn headers(tour: &mut Tour<'_>) {
    tour.step("The content type is application/json, also on GET.", tour.request("/headers"), |came| {
        came.has("/headers/Content-Type", "application/json")
    });
    tour.step("Headers are sent as they are spelt.", tour.request("/get").header("x-Trace-ID", "42"), |came| {
        came.has("/headers/X-Trace-Id", "42")
    });
    let referer = format!("https://localhost/{APP_ID}/{APP_VERSION}/page-frame.html");
    tour.step(
        "The referer names the mini program; it cannot be set.",
        tour.request("/headers").header("Referer", "https://elsewhere.example/"),
        |came| came.has("/headers/Referer", referer),
    );
    tour.step("A header cannot smuggle in another.", tour.request("/headers").header("X-A", "1\r\nX-B: 2"), |came| {
        came.fails(2, "IllegalHeader")
    });
}
