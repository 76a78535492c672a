//! Redirects (REQ-14).

use std::error::Error;

use miniwire_std::Method;
use miniwire_std::serve::Leaf;
use serde_json::json;

use super::Tour;

pub(super) fn steps(tour: &mut Tour<'_>) -> Result<(), Box<dyn Error>> {
    tour.step("Redirects are followed, at most 5.", tour.request("/redirect/5"), |came| {
        came.has("/raw_target", "/get")
    });
    tour.step("One more is code 19.", tour.request("/redirect/6"), |came| came.fails(19, "TooManyRedirects"));
    tour.step("Asked for as it is, a redirect is a success.", tour.request("/redirect/1").text().manual(), |came| {
        came.succeeds(302)
    });
    tour.step(
        "302 turns a POST into a GET without a body.",
        tour.request("/redirect-to?url=/anything/a").method(Method::Post).data(json!({"a": 1})),
        |came| came.has("/method", "GET").and(came.has("/data", "")),
    );
    tour.step(
        "307 keeps method and body.",
        tour.request("/redirect-to?url=/anything/a&status_code=307").method(Method::Post).data(json!({"a": 1})),
        |came| came.has("/method", "POST").and(came.has("/data", r#"{"a":1}"#)),
    );
    tour.step("Each hop passes the whitelist.", tour.request("/redirect-to?url=https://elsewhere.example/"), |came| {
        came.fails(11, "HostNotAllowed")
    });
    tour.step("No hop falls back to http.", tour.request("/redirect-to?url=http://localhost/"), |came| {
        came.fails(20, "PlainHttpRefused")
    });
    let other = tour.server.start_tls_with(tour.server.authority().issue(&Leaf::default())?)?.port();
    tour.step(
        "Credentials do not go along to another origin.",
        tour.request(&format!("/redirect-to?url=https://localhost:{other}/headers"))
            .header("Authorization", "Bearer secret"),
        |came| came.lacks("/headers/Authorization"),
    );
    Ok(())
}
