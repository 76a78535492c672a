//! Answers that hyper would not write: other framings, and connections that break.

use std::{fmt::Write, iter, time::Duration};

use hyper::StatusCode;
use serde_json::json;

use super::{
    answer::{Answer, Handled, Refusal},
    body::{Piece, Pieces, whole},
    call::Call,
    heads::final_status,
    link::Ending,
    route::{Reading, Route},
};

pub(super) const ROUTES: &[Route] = &[
    Route::new("/raw", "?answer=&pause=&end= the bytes of answer, as they are; pause after each byte", raw)
        .reading(Reading::Keep),
    Route::new(
        "/chunked/{n}",
        "?trailers=&extensions= n small chunks, with trailer fields and chunk extensions",
        chunked,
    ),
    Route::new("/close", "?end= a body that ends with the connection", |call| {
        Ok(Answer::bytes(
            "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nConnection: close\r\n\r\nuntil the end\n",
            call.ending(Ending::Close)?,
        ))
    }),
    Route::new("/http10", "?end= HTTP/1.0, and a body that ends with the connection", |call| {
        Ok(Answer::bytes(
            "HTTP/1.0 200 OK\r\nContent-Type: text/plain\r\n\r\nuntil the end\n",
            call.ending(Ending::Close)?,
        ))
    }),
    Route::new("/http10-length", "HTTP/1.0 with Content-Length, then closes", |_| {
        Ok(Answer::bytes("HTTP/1.0 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 3\r\n\r\nok\n", Ending::Close))
    }),
    Route::new("/http10-keep-alive", "HTTP/1.0 with Content-Length and Connection: keep-alive", |_| {
        Ok(Answer::bytes("HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 3\r\n\r\nok\n", Ending::Keep))
    }),
    Route::new("/early/{code}", "answers that status without reading the request's body", early)
        .reading(Reading::Leave),
    Route::new("/kill", "?end= closes without an answer", |call| Ok(Answer::bytes("", call.ending(Ending::Close)?)))
        .reading(Reading::Leave),
    Route::new(
        "/kill-reused",
        "?end= answers on a new connection; closes without an answer on a used one",
        kill_reused,
    ),
    Route::new("/reset", "resets the connection without an answer", |_| Ok(Answer::bytes("", Ending::Reset))),
    Route::new("/reset/{n}", "resets it after n bytes of a longer body", reset_within),
    Route::new("/truncated", "?length=&sent=&end= closes before the Content-Length is reached", truncated),
    Route::new("/truncated-chunked", "?end= closes before the last chunk", |call| {
        Ok(Answer::bytes(chunked_head("") + "5\r\nhello\r\n", call.ending(Ending::Close)?))
    }),
];

/// How long a peer is given to take what was sent, before a reset throws away what it has not read.
const TAKE: Duration = Duration::from_millis(100);

fn raw(call: &Call) -> Handled {
    let answer = call.arg("answer").unwrap_or(&call.body).to_vec();
    let pieces: Pieces = match call.seconds_arg("pause")? {
        None => whole(answer),
        Some(pause) => {
            Box::new(answer.into_iter().flat_map(move |byte| [Piece::Data(vec![byte].into()), Piece::Pause(pause)]))
        }
    };
    Ok(Answer::raw(pieces, call.ending(Ending::Close)?))
}

fn chunked(call: &Call) -> Handled {
    let (count, trailers) = (call.count(0, 1_000_000)?, call.count_arg("trailers", 1, 1000)?);
    let extended = call.arg("extensions").is_some();
    let chunk = move |index: usize| {
        let data = format!("chunk {index}\n");
        let extension = if extended { format!(";index={index};note=\"a\\\";b\"") } else { String::new() };
        Piece::Data(format!("{:x}{extension}\r\n{data}\r\n", data.len()).into())
    };
    let mut last = String::from("0\r\n");
    for index in 1..=trailers {
        // Writing to a string cannot fail.
        let _ = write!(last, "X-Trailer-{index}: {index}\r\n");
    }
    last.push_str("\r\n");
    let head = iter::once(Piece::Data(chunked_head("Trailer: X-Trailer-1\r\n").into()));
    let pieces = head.chain((0..count).map(chunk)).chain(iter::once(Piece::Data(last.into())));
    Ok(Answer::raw(Box::new(pieces), Ending::Keep))
}

fn early(call: &Call) -> Handled {
    let status = final_status(u16::try_from(call.count(0, 999)?).unwrap_or_default())?;
    let reason = status.canonical_reason().unwrap_or_default();
    let head =
        format!("HTTP/1.1 {} {reason}\r\nContent-Length: 6\r\nConnection: close\r\n\r\nearly\n", status.as_u16());
    Ok(Answer::bytes(head, Ending::Close))
}

fn kill_reused(call: &Call) -> Handled {
    match call.ordinal {
        1 => Ok(Answer::json(&json!({ "request": 1 }))),
        _ => Ok(Answer::bytes("", call.ending(Ending::Close)?)),
    }
}

fn reset_within(call: &Call) -> Handled {
    let sent = call.count(0, 16 << 20)?;
    let pause = iter::once(Piece::Pause(TAKE));
    let pieces = whole(head_and(sent.saturating_add(1), sent)).chain(pause);
    Ok(Answer::raw(Box::new(pieces), Ending::Reset))
}

fn truncated(call: &Call) -> Handled {
    let (length, sent) = (call.count_arg("length", 1000, 1 << 40)?, call.count_arg("sent", 10, 16 << 20)?);
    if sent >= length {
        return Err(Refusal(StatusCode::BAD_REQUEST, "sent is not less than length".into()));
    }
    Ok(Answer::bytes(head_and(length, sent), call.ending(Ending::Close)?))
}

/// A head that promises `length` bytes, and `sent` of them.
fn head_and(length: usize, sent: usize) -> Vec<u8> {
    let head = format!("HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: {length}\r\n\r\n");
    [head.into_bytes(), vec![b'x'; sent]].concat()
}

fn chunked_head(fields: &str) -> String {
    format!("HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n{fields}Transfer-Encoding: chunked\r\n\r\n")
}
