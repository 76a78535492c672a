//! What a call brings: data types, statuses, headers (REQ-10 to REQ-13, REQ-19).

use std::error::Error;
use std::ops::ControlFlow;

use miniwire_std::serve::Pattern;
use miniwire_std::{Client, Method};

use super::Tour;
use super::came::{Came, Verdict};

pub(super) fn steps(tour: &mut Tour<'_>) -> Result<(), Box<dyn Error>> {
    data_types(tour);
    statuses(tour);
    headers(tour);
    limits(tour)
}

fn data_types(tour: &mut Tour<'_>) {
    tour.step("JSON, the default data type, is checked to the last byte.", tour.request("/json"), |came| {
        came.has("/nested/flags", serde_json::json!([true, false, null]))
    });
    tour.step("No body is success with empty data.", tour.request("/no-content"), |came| came.succeeds(204));
    tour.step("Text may be UTF-8, or ISO-8859-1 where the server says so.", tour.request("/latin1").text(), |came| {
        came.brings("Grüße, ça coûte 5 £, ÿ\n")
    });
    tour.step(
        "base64 takes any bytes.",
        tour.request("/raw?answer=HTTP/1.1%20200%20OK%0d%0aContent-Length:%204%0d%0a%0d%0a%00%ff%fe%01").base64(),
        |came| came.brings("AP/+AQ=="),
    );
    tour.step("A page of HTML is not JSON: code 14.", tour.request("/html"), |came| came.fails(14, "NotJson"));
    tour.step("Random bytes are not text: code 14.", tour.request("/bytes/64?seed=1").text(), |came| {
        came.fails(14, "NotText")
    });
    tour.step("A content-encoding was not asked for: code 14.", tour.request("/gzip"), |came| {
        came.fails(14, "UnsupportedEncoding")
    });
}

fn statuses(tour: &mut Tour<'_>) {
    tour.step(
        "4xx and 5xx are code 19, with status, headers and data.",
        tour.request("/status/404?body=%7B%22why%22:%22gone%22%7D&type=application/json"),
        |came| came.fails_with(19, "HttpStatus", 404, r#"{"why":"gone"}"#),
    );
    tour.step("So is 500.", tour.request("/status/500?body=down").method(Method::Post).text(), |came| {
        came.fails_with(19, "HttpStatus", 500, "down")
    });
    tour.step(
        "An error page of HTML where JSON was asked for is 14, with its status.",
        tour.request("/status/404?body=%3Chtml%3E&type=text/html"),
        |came| came.fails_with(14, "NotJson", 404, ""),
    );
    tour.step("429 is code 20.", tour.request("/status/429"), |came| came.fails_with(20, "RateLimited", 429, ""));
}

fn headers(tour: &mut Tour<'_>) {
    tour.step(
        "Headers are found in any letter case, and repeated ones are all kept.",
        tour.request("/response-headers?set-cookie=a&set-cookie=b"),
        |Came(result)| {
            let found = |response: &miniwire_std::Response| {
                let all: Vec<_> = response.headers().all("SET-COOKIE").map(String::from_utf8_lossy).collect();
                format!("success with set-cookie = {}", all.join(" and "))
            };
            Verdict::same(result.as_ref().map_or_else(ToString::to_string, found), "success with set-cookie = a and b")
        },
    );
}

fn limits(tour: &mut Tour<'_>) -> Result<(), Box<dyn Error>> {
    let small = tour.client(|client| client.max_body(1000))?;
    tour.step(
        "A body over the client's limit is code 14, before any of it is kept (here 1,000 bytes).",
        tour.request_of(&small, "/bytes/1001").base64(),
        |came| came.fails(14, "TooLarge"),
    );
    let url = tour.server.https_url("/bytes/16777216?seed=7");
    let verdict = streamed(&small, &url);
    let call = format!("client.request({url:?}).send_streamed(|bytes| …)");
    tour.show("Streamed, it may be of any length: here 16 MiB in a fixed memory.", &call, &verdict);
    Ok(())
}

fn streamed(client: &Client, url: &str) -> Verdict {
    const LENGTH: u64 = 16 << 20;
    let (mut length, mut got, mut sent, mut pattern) = (0_u64, Checksum::new(), Checksum::new(), Pattern::new(7));
    let mut expected = Vec::new();
    let result = client.request(url).send_streamed(|bytes| {
        length = length.saturating_add(bytes.len() as u64);
        got.push(bytes);
        expected.resize(bytes.len(), 0);
        pattern.fill(&mut expected);
        sent.push(&expected);
        ControlFlow::Continue(())
    });
    let seen = match result {
        Ok(response) => format!("success {{status: {}}}, {length} bytes, checksum {:016x}", response.status(), got.0),
        Err(failure) => format!("fail {{error: {}}}: {failure}, after {length} bytes", failure.code()),
    };
    Verdict::same(seen, format!("success {{status: 200}}, {LENGTH} bytes, checksum {:016x}", sent.0))
}

/// FNV-1a, 64 bits.
struct Checksum(u64);

impl Checksum {
    fn new() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }

    fn push(&mut self, bytes: &[u8]) {
        self.0 = bytes.iter().fold(self.0, |sum, byte| (sum ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3));
    }
}
