//! Reads one response head many times, for `tests/stages/head-cost.sh` to count the instructions of.
//!
//! ```text
//! head_cost (miniwire|httparse) FIELDS ROUNDS
//! ```
//!
//! Either way every field's name and value are touched, as a caller's loop over them would.

use std::hint::black_box;
use std::process::ExitCode;

use miniwire_core::http::head::HeadReader;

/// Fields as servers and what stands before them send them, most common first.
const USUAL: [&str; 20] = [
    "Date: Sun, 06 Nov 1994 08:49:37 GMT",
    "Content-Type: application/json; charset=utf-8",
    "Content-Length: 1270",
    "Connection: keep-alive",
    "Server: nginx/1.22.1",
    "Cache-Control: private, max-age=0, must-revalidate",
    "ETag: W/\"4f6-18a2b3c4d5e\"",
    "Vary: Accept-Encoding, Origin",
    "X-Request-Id: 9f1c7a52-6a0b-4f7e-9f5d-2f7b1f0a3c11",
    "Strict-Transport-Security: max-age=31536000; includeSubDomains",
    "Set-Cookie: session=2b7e151628aed2a6abf7158809cf4f3c; Path=/; HttpOnly; Secure; SameSite=Lax",
    "Access-Control-Allow-Origin: https://app.example.com",
    "Access-Control-Allow-Credentials: true",
    "X-Content-Type-Options: nosniff",
    "X-Frame-Options: DENY",
    "Referrer-Policy: strict-origin-when-cross-origin",
    "Content-Security-Policy: default-src 'self'; img-src *; frame-ancestors 'none'; object-src 'none'",
    "Last-Modified: Sat, 05 Nov 1994 21:15:02 GMT",
    "Via: 1.1 edge-7 (cache)",
    "Age: 12",
];

fn head(fields: usize) -> Vec<u8> {
    let mut head = String::from("HTTP/1.1 200 OK\r\n");
    for number in 0..fields {
        match USUAL.get(number) {
            Some(line) => head.push_str(line),
            None => head.push_str(&format!("X-Trace-{number}: span={number:016x}; sampled=1")),
        }
        head.push_str("\r\n");
    }
    head.push_str("\r\n");
    head.into_bytes()
}

fn touch(sum: &mut usize, name: &str, value: &[u8]) {
    *sum = sum.wrapping_add(black_box(name).len()).wrapping_add(black_box(value).len());
}

#[inline(never)]
fn count_miniwire(bytes: &[u8]) -> Option<usize> {
    let (head, facts) = HeadReader::new().read(bytes).ok()??;
    black_box(facts);
    let mut sum = usize::from(head.status());
    for (name, value) in head.fields() {
        touch(&mut sum, name, value);
    }
    Some(sum)
}

#[inline(never)]
fn count_httparse(bytes: &[u8]) -> Option<usize> {
    let mut slots = [httparse::EMPTY_HEADER; 100];
    let mut response = httparse::Response::new(&mut slots);
    response.parse(bytes).ok()?.is_complete().then_some(())?;
    let mut sum = usize::from(response.code?);
    for field in response.headers.iter() {
        touch(&mut sum, field.name, field.value);
    }
    Some(sum)
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [which, fields, rounds] = arguments.as_slice() else { return ExitCode::FAILURE };
    let (Ok(fields), Ok(rounds)) = (fields.parse(), rounds.parse::<u32>()) else { return ExitCode::FAILURE };
    let read = match which.as_str() {
        "miniwire" => count_miniwire,
        "httparse" => count_httparse,
        _ => return ExitCode::FAILURE,
    };
    let head = head(fields);
    for _ in 0..rounds {
        if read(black_box(&head)).is_none() {
            return ExitCode::FAILURE;
        }
    }
    ExitCode::SUCCESS
}
