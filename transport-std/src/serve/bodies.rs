//! Well-formed responses whose body is the point.

use std::{iter, time::Duration};

use hyper::{
    Response, StatusCode,
    header::{CONTENT_ENCODING, CONTENT_TYPE},
    http::response::Builder,
};
use serde_json::json;

use super::{
    answer::{Answer, Handled, Refusal},
    body::{Body, Pattern, Piece, Pieces},
    call::Call,
    route::Route,
};

pub(super) const ROUTES: &[Route] = &[
    Route::new("/bytes/{n}", "?seed= n pseudo-random bytes, with Content-Length", bytes),
    Route::new("/stream-bytes/{n}", "?seed=&chunk_size= the same bytes, chunked", stream_bytes),
    Route::new("/drip", "?numbytes=&duration=&delay=&code= asterisks, spread over the duration", drip),
    Route::new("/html", "an HTML page", |_| Ok(Answer::ok("text/html; charset=utf-8", HTML))),
    Route::new("/json", "a JSON text", sample),
    Route::new("/encoding/utf8", "text in many scripts", |_| Ok(Answer::ok("text/plain; charset=utf-8", UTF8))),
    Route::new("/latin1", "text in ISO-8859-1, declared", |_| Ok(Answer::ok("text/plain; charset=ISO-8859-1", LATIN1))),
    Route::new("/gzip", "JSON with Content-Encoding: gzip", gzip),
    Route::new("/empty", "200 with Content-Length: 0", |_| Ok(Answer::respond(Response::new(Body::whole(""))))),
];

const HTML: &str = "<!DOCTYPE html>\n<html>\n<head><title>A page</title></head>\n<body>\n<h1>A page</h1>\n\
                    <p>It is here to be fetched.</p>\n</body>\n</html>\n";

const UTF8: &str = "Latin: Zwölf Boxkämpfer, où êtes-vous, żółć\nGreek: Καλημέρα κόσμε\nCyrillic: Съешь ещё\n\
                    Hebrew: שלום\nArabic: مرحبا\nThai: สวัสดี\nChinese: 你好，世界\nJapanese: こんにちは\n\
                    Korean: 안녕하세요\nBeyond the BMP: 😀 𝄞 𠜎\n";

/// "Grüße, ça coûte 5 £, ÿ" with one byte per letter.
const LATIN1: &[u8] = b"Gr\xfc\xdfe, \xe7a co\xfbte 5 \xa3, \xff\n";

/// How much of a long body is made at a time.
const BLOCK: usize = 64 << 10;

/// The most that one chunk may hold, or a body that is sent byte by byte.
const MOST: u64 = 16 << 20;

fn bytes(call: &Call) -> Handled {
    let length = call.number(0)?;
    let pieces = pattern(length, call.number_arg("seed")?.unwrap_or(0), BLOCK);
    Ok(Answer::respond(octets().body(Body::sized(length, pieces))?))
}

fn stream_bytes(call: &Call) -> Handled {
    let size = call.count_arg("chunk_size", 10 << 10, MOST)?;
    if size == 0 {
        return Err(Refusal::bad("chunk_size is 0"));
    }
    let pieces = pattern(call.number(0)?, call.number_arg("seed")?.unwrap_or(0), size);
    Ok(Answer::respond(octets().body(Body::chunked(pieces))?))
}

fn drip(call: &Call) -> Handled {
    let length = call.count_arg("numbytes", 10, MOST)?;
    let duration = call.seconds_arg("duration")?.unwrap_or(Duration::from_secs(2));
    let delay = call.seconds_arg("delay")?.unwrap_or_default();
    let pause = duration.checked_div(u32::try_from(length).unwrap_or(u32::MAX)).unwrap_or_default();
    let status = u16::try_from(call.count_arg("code", 200, 599)?).unwrap_or_default();
    let pieces = iter::repeat_with(move || [Piece::Pause(pause), Piece::Data("*".into())]).take(length).flatten();
    let body = Body::sized(length as u64, Box::new(pieces));
    let response = octets().status(super::heads::final_status(status)?).body(body)?;
    Ok(Answer::respond(response).after(delay))
}

fn sample(_: &Call) -> Handled {
    Ok(Answer::json(&json!({
        "title": "A sample",
        "numbers": [0, -1, 1.5, 1e21, 9_007_199_254_740_993_u64],
        "text": "quotes \" \\ / and \u{1} control, € and 😀",
        "nested": { "empty": {}, "list": [], "flags": [true, false, null] },
    })))
}

fn gzip(call: &Call) -> Handled {
    let body = format!("{}\n", json!({ "gzipped": true, "method": call.method().as_str() }));
    let response = Response::builder().header(CONTENT_TYPE, "application/json").header(CONTENT_ENCODING, "gzip");
    Ok(Answer::respond(response.body(Body::whole(stored_gzip(body.as_bytes())))?))
}

fn octets() -> Builder {
    Response::builder().status(StatusCode::OK).header(CONTENT_TYPE, "application/octet-stream")
}

fn pattern(length: u64, seed: u64, block: usize) -> Pieces {
    let (mut pattern, mut left) = (Pattern::new(seed), length);
    Box::new(iter::from_fn(move || {
        let size = usize::try_from(left).map_or(block, |left| left.min(block));
        left = left.saturating_sub(size as u64);
        let mut bytes = vec![0; size];
        pattern.fill(&mut bytes);
        (size > 0).then(|| Piece::Data(bytes.into()))
    }))
}

/// A gzip file (RFC 1952) of one stored block. `text` is short: its length fits in 16 bits.
fn stored_gzip(text: &[u8]) -> Vec<u8> {
    let length = u16::try_from(text.len()).unwrap_or(u16::MAX);
    let mut file = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff, 1];
    file.extend_from_slice(&length.to_le_bytes());
    file.extend_from_slice(&(!length).to_le_bytes());
    file.extend_from_slice(text);
    file.extend_from_slice(&crc32(text).to_le_bytes());
    file.extend_from_slice(&u32::from(length).to_le_bytes());
    file
}

fn crc32(bytes: &[u8]) -> u32 {
    let step = |crc: u32, _| if crc & 1 == 1 { crc >> 1 ^ 0xedb8_8320 } else { crc >> 1 };
    !bytes.iter().fold(!0, |crc, &byte| (0..8).fold(crc ^ u32::from(byte), step))
}
