//! Well-formed responses whose status or header fields are the point.

use base64::{Engine, engine::general_purpose::STANDARD};
use hyper::{
    Response, StatusCode,
    header::{AUTHORIZATION, CONTENT_TYPE, ETAG, HeaderName, HeaderValue, LOCATION, WWW_AUTHENTICATE},
};
use serde_json::json;

use super::{
    answer::{Answer, Handled, PLAIN, Refusal, Then},
    body::{Body, Piece},
    call::Call,
    link::Ending,
    route::Route,
    text::object,
};

pub(super) const ROUTES: &[Route] =
    &[
        Route::new("/status/{code}", "?body=&type=&location= that status", status),
        Route::new("/delay/{seconds}", "answers after a while", |call| {
            Ok(Answer::json(&json!({})).after(call.seconds(0)?))
        }),
        Route::new("/no-content", "204", |_| {
            Ok(Answer::respond(Response::new(Body::whole(""))).with_status(StatusCode::NO_CONTENT))
        }),
        Route::new("/not-modified", "304, with the Content-Length that a 200 would have", not_modified),
        Route::new("/headers/{n}", "n extra header fields, X-Field-1 and on", fields),
        Route::new("/big-head/{bytes}", "a response head of exactly so many bytes", big_head),
        Route::new("/response-headers", "?k=v… header fields as the query says", response_headers),
        Route::new("/basic-auth/{user}/{password}", "401 unless the credentials are these", basic_auth),
        Route::new("/interim/{n}", "?code= n interim responses (103) before the final one", interim),
    ];

/// A status that can end an exchange.
pub(super) fn final_status(code: u16) -> Result<StatusCode, Refusal> {
    match StatusCode::from_u16(code) {
        Ok(status) if code >= 200 => Ok(status),
        _ => Err(Refusal::bad(format!("{code} is no final status"))),
    }
}

pub(super) fn status(call: &Call) -> Handled {
    let status = final_status(u16::try_from(call.count(0, 999)?).unwrap_or_default())?;
    let mut response =
        Response::builder().status(status).header(CONTENT_TYPE, call.arg("type").unwrap_or(PLAIN.as_bytes()));
    if let Some(location) = call.arg("location") {
        response = response.header(LOCATION, location);
    }
    if status == StatusCode::UNAUTHORIZED {
        response = response.header(WWW_AUTHENTICATE, "Basic realm=\"miniwire\"");
    }
    // These two have no body, RFC 9110 sections 15.3.5 and 15.4.5.
    let bare = [StatusCode::NO_CONTENT, StatusCode::NOT_MODIFIED].contains(&status);
    let body = if bare { &[] } else { call.arg("body").unwrap_or_default() };
    Ok(Answer::respond(response.body(Body::whole(body.to_vec()))?))
}

/// RFC 9110 section 8.6 allows this Content-Length, and no body follows it.
fn not_modified(_: &Call) -> Handled {
    Ok(Answer::bytes("HTTP/1.1 304 Not Modified\r\nETag: \"1\"\r\nContent-Length: 1234\r\n\r\n", Ending::Keep))
}

fn fields(call: &Call) -> Handled {
    let mut response = Response::builder().header(CONTENT_TYPE, PLAIN);
    for index in 1..=call.count(0, 20_000)? {
        response = response.header(format!("X-Field-{index}"), index);
    }
    Ok(Answer::respond(response.body(Body::whole("ok\n"))?))
}

fn big_head(call: &Call) -> Handled {
    let (start, end) = ("HTTP/1.1 200 OK\r\nContent-Length: 3\r\nX-Padding: ", "\r\n\r\n");
    let padding = call.count(0, 64 << 20)?.checked_sub(start.len() + end.len());
    let padding = padding.ok_or_else(|| Refusal::bad(format!("at least {}", start.len() + end.len())))?;
    Ok(Answer::bytes([start, &"x".repeat(padding), end, "ok\n"].concat(), Ending::Keep))
}

fn response_headers(call: &Call) -> Handled {
    let mut answer = Answer::json(&object(&call.args));
    for (name, value) in &call.args {
        let name = HeaderName::from_bytes(name).map_err(|error| Refusal::bad(error.to_string()))?;
        let value = HeaderValue::from_bytes(value).map_err(|error| Refusal::bad(error.to_string()))?;
        if ["content-length", "transfer-encoding", "connection", "upgrade"].contains(&name.as_str()) {
            return Err(Refusal::bad(format!("{name} is the server's own; see /raw")));
        }
        if let Then::Respond(response) = &mut answer.then {
            if name == CONTENT_TYPE {
                response.headers_mut().insert(name, value);
            } else {
                response.headers_mut().append(name, value);
            }
        }
    }
    Ok(answer)
}

fn basic_auth(call: &Call) -> Handled {
    let (user, password) = (call.place(0), call.place(1));
    if credentials(call).is_some_and(|given| given == [user, b":", password].concat()) {
        let user = String::from_utf8_lossy(user);
        return Ok(Answer::json(&json!({ "authenticated": true, "user": user })));
    }
    let response = Response::builder().status(StatusCode::UNAUTHORIZED);
    let response = response.header(WWW_AUTHENTICATE, "Basic realm=\"miniwire\"").header(ETAG, "\"1\"");
    Ok(Answer::respond(response.body(Body::whole(""))?))
}

fn interim(call: &Call) -> Handled {
    let count = call.count(0, 1_000_000)?;
    let code = call.count_arg("code", 103, 199)?;
    if !(100..=199).contains(&code) {
        return Err(Refusal::bad("an interim status is 1xx"));
    }
    let head = format!("HTTP/1.1 {code} Interim\r\nLink: </style.css>; rel=preload\r\n\r\n");
    let first = std::iter::repeat_with(move || Piece::Data(head.clone().into())).take(count);
    Ok(Answer { first: Box::new(first), ..Answer::json(&json!({ "interim": count })) })
}

/// What `Authorization: Basic` carries, RFC 7617.
fn credentials(call: &Call) -> Option<Vec<u8>> {
    let value = call.headers().get(AUTHORIZATION)?.as_bytes();
    let (scheme, encoded) = value.split_at_checked("Basic ".len())?;
    let mut decoded = vec![0; encoded.len()];
    let length = STANDARD.decode_slice(encoded, &mut decoded).ok()?;
    decoded.truncate(length);
    scheme.eq_ignore_ascii_case(b"Basic ").then_some(decoded)
}
