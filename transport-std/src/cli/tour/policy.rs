//! Whom a mini program may talk to: URL, policy, whitelist (CTX-03, CTX-04, REQ-17).

use std::error::Error;

use super::Tour;
use super::step::Step;

pub(super) fn steps(tour: &mut Tour<'_>) -> Result<(), Box<dyn Error>> {
    whitelist(tour)?;
    urls(tour);
    proxies(tour)
}

fn whitelist(tour: &mut Tour<'_>) -> Result<(), Box<dyn Error>> {
    tour.step(
        "A host that is not on the whitelist is code 11; nothing is sent.",
        Step::new(&tour.client, "https://elsewhere.example/"),
        |came| came.fails(11, "HostNotAllowed"),
    );
    tour.step(
        "An entry admits subdomains, not names that end alike.",
        Step::new(&tour.client, "https://notlocalhost/"),
        |came| came.fails(11, "HostNotAllowed"),
    );
    let plain = tour.server.http_url("/get");
    tour.step("Plain http is code 20.", Step::new(&tour.client, &plain), |came| came.fails(20, "PlainHttpRefused"));
    let development = tour.client(miniwire_std::ClientBuilder::development)?;
    tour.step("Only a client that was built with .development() speaks it.", Step::new(&development, &plain), |came| {
        came.has("/raw_target", "/get")
    });
    Ok(())
}

fn urls(tour: &mut Tour<'_>) {
    for (promise, url, code, reason) in [
        ("An empty URL is code 2.", "", 2, "UrlEmpty"),
        ("So is one that does not parse,", "https://user@localhost/", 2, "UrlMalformed"),
        ("one of another scheme,", "ftp://localhost/", 2, "UrlScheme"),
    ] {
        tour.step(promise, Step::new(&tour.client, url), |came| came.fails(code, reason));
    }
    let long = format!("/get?{}", "long".repeat(600));
    tour.step("and one that is too long.", tour.request(&long), |came| came.fails(2, "UrlTooLong"));
    tour.step("A % that begins no escape is code 15.", tour.request("/get?discount=5%"), |came| {
        came.fails(15, "MalformedEscape")
    });
}

fn proxies(tour: &mut Tour<'_>) -> Result<(), Box<dyn Error>> {
    // The test server answers requests in absolute form, as a proxy for http would.
    let proxy = tour.server.http_url("");
    let development = tour.client(|client| client.development().proxy(&proxy, ""))?;
    tour.step(
        "Through a proxy, http goes in absolute form.",
        Step::new(&development, "http://shop.example/get?page=2"),
        |came| came.has("/raw_target", "http://shop.example/get?page=2"),
    );
    let refused = tour.client(|client| client.proxy(&proxy, ""))?;
    tour.step(
        "https goes through a tunnel. A proxy that refuses one is code 23;",
        tour.request_of(&refused, "/get"),
        |came| came.fails(23, "ProxyRefused"),
    );
    let nobody = tour.nobody()?;
    let unreachable = tour.client(|client| client.proxy(&nobody.url("http"), ""))?;
    tour.step("so is one that cannot be reached.", tour.request_of(&unreachable, "/get"), |came| {
        came.fails(23, "ProxyFailed")
    });
    Ok(())
}
