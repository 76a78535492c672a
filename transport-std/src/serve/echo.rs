//! Routes that say what they received, as httpbin does, and a little more.

use base64::{Engine, engine::general_purpose::STANDARD};
use hyper::header::{CONTENT_TYPE, USER_AGENT};
use serde_json::{Map, Value, json};

use super::{
    answer::{Answer, Handled},
    call::Call,
    multipart::{self, Part},
    route::{Reading, Route},
    text::{canonical, object, pairs},
};

pub(super) const ROUTES: &[Route] = &[
    Route::new("/get", "echoes a GET as JSON: args, headers, raw_headers, raw_target, url…", echo)
        .only(&["GET", "HEAD", "OPTIONS"])
        .reading(Reading::Keep),
    Route::new("/post", "echoes a POST: the same, with data, files, form and json", echo)
        .only(&["POST", "OPTIONS"])
        .reading(Reading::Keep),
    Route::new("/put", "echoes a PUT", echo).only(&["PUT", "OPTIONS"]).reading(Reading::Keep),
    Route::new("/delete", "echoes a DELETE", echo).only(&["DELETE", "OPTIONS"]).reading(Reading::Keep),
    Route::new("/anything/*", "echoes any method, on any path below", echo).reading(Reading::Keep),
    Route::new("/count", "reads a body of any length without keeping it: {\"length\":n}", count),
    Route::new("/headers", "the request's headers", headers),
    Route::new("/user-agent", "the request's User-Agent", user_agent),
    Route::new("/ip", "the client's address", ip),
];

fn echo(call: &Call) -> Handled {
    let (parts, form, data) = if has_media_type(call, "multipart/form-data") {
        let parts = multipart::parts(content_type(call), &call.body)?;
        let form = parts.iter().filter(|part| part.file_name.is_none()).map(|part| (part.name(), part.data.to_vec()));
        let form = object(&form.collect());
        (parts, form, String::new())
    } else if has_media_type(call, "application/x-www-form-urlencoded") {
        (Vec::new(), object(&pairs(&call.body)), String::new())
    } else {
        (Vec::new(), json!({}), text_of(&call.body))
    };
    let files = parts.iter().filter(|part| part.file_name.is_some());
    let files: Map<_, _> = files.map(|part| (part.name.clone(), text_of(&part.data).into())).collect();
    let url = if call.head.target.starts_with('/') { call.origin() } else { String::new() } + &call.head.target;
    Ok(Answer::json(&json!({
        "args": object(&call.args),
        "data": data,
        "files": files,
        "form": form,
        "headers": header_object(call),
        "json": serde_json::from_slice(&call.body).unwrap_or(Value::Null),
        "method": call.method().as_str(),
        "origin": call.peer.ip().to_string(),
        "parts": parts.iter().map(Part::describe).collect::<Vec<_>>(),
        "raw_headers": raw_headers(call),
        "raw_target": call.head.target,
        "url": url,
    })))
}

/// The header fields as they were on the wire: pairs of name and value.
pub(super) fn raw_headers(call: &Call) -> Value {
    call.head.fields.iter().map(|(name, value)| json!([name, value])).collect()
}

fn count(call: &Call) -> Handled {
    Ok(Answer::json(&json!({ "length": call.body_length })))
}

fn headers(call: &Call) -> Handled {
    Ok(Answer::json(&json!({ "headers": header_object(call) })))
}

fn user_agent(call: &Call) -> Handled {
    let agent = call.headers().get(USER_AGENT).map(|agent| String::from_utf8_lossy(agent.as_bytes()));
    Ok(Answer::json(&json!({ "user-agent": agent })))
}

fn ip(call: &Call) -> Handled {
    Ok(Answer::json(&json!({ "origin": call.peer.ip().to_string() })))
}

/// Canonical names; repeated fields joined with a comma.
fn header_object(call: &Call) -> Value {
    let mut object: Map<String, Value> = Map::new();
    for (name, value) in &call.head.fields {
        let joined = match object.get(&canonical(name)).and_then(Value::as_str) {
            Some(earlier) => format!("{earlier},{value}"),
            None => value.clone(),
        };
        object.insert(canonical(name), joined.into());
    }
    Value::Object(object)
}

fn has_media_type(call: &Call, media_type: &str) -> bool {
    let essence = content_type(call).split(|&byte| byte == b';').next().unwrap_or_default();
    essence.trim_ascii().eq_ignore_ascii_case(media_type.as_bytes())
}

fn content_type(call: &Call) -> &[u8] {
    call.headers().get(CONTENT_TYPE).map_or(&[][..], |value| value.as_bytes())
}

/// The body as text; as a base64 data URL where it is not UTF-8.
fn text_of(body: &[u8]) -> String {
    if let Ok(text) = str::from_utf8(body) {
        return text.into();
    }
    let mut encoded = vec![0; body.len().div_ceil(3).saturating_mul(4)];
    let length = STANDARD.encode_slice(body, &mut encoded).unwrap_or(0);
    encoded.truncate(length);
    format!("data:application/octet-stream;base64,{}", String::from_utf8_lossy(&encoded))
}
