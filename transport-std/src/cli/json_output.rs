//! What `--json` prints: one object on one line, for programs.

use std::path::Path;

use miniwire_std::{DataType, Failure, Message, Reason, Response, SocketClose, SocketOpen};
use serde_json::{Value, json};

/// `success`: `{"ok":true,"status":…,"headers":[[name,value],…],"data":…}`.
pub(crate) fn success(response: &Response, data_type: DataType) -> String {
    format!("{{\"ok\":true,{}}}\n", answer(response, data_type))
}

/// `success` of an upload: `{"ok":true,"statusCode":…,"header":[[name,value],…],"data":…}`.
pub(crate) fn uploaded(response: &Response) -> String {
    let (header, data) = (headers(response), json!(response.data()));
    format!("{{\"ok\":true,\"statusCode\":{},\"header\":{header},\"data\":{data}}}\n", response.status())
}

/// `success` of a download: `{"ok":true,"apFilePath":…}`.
pub(crate) fn downloaded(path: &Path) -> String {
    format!("{{\"ok\":true,\"apFilePath\":{}}}\n", json!(path.to_string_lossy()))
}

/// `fail`: `{"ok":false,"error":…,"reason":…,"errorMessage":…}`, and the answer where one came.
pub(crate) fn failure(failure: &Failure, data_type: DataType) -> String {
    let answer = failure.response().map(|response| format!(",{}", answer(response, data_type)));
    failed(failure.code(), failure.reason(), &failure.to_string(), &answer.unwrap_or_default())
}

/// `fail` with this, and with what else is to be told.
pub(crate) fn failed(code: u8, reason: Reason, message: &str, more: &str) -> String {
    let (reason, message) = (reason.name(), json!(message));
    format!("{{\"ok\":false,\"error\":{code},\"reason\":\"{reason}\",\"errorMessage\":{message}{more}}}\n")
}

/// `onSocketOpen`: `{"event":"open","protocol":…}`, with null where none was chosen.
pub(crate) fn open(open: &SocketOpen) -> String {
    line(json!({"event": "open", "protocol": open.protocol()}))
}

/// `onSocketMessage`: `{"event":"message","data":…,"isBuffer":…}`.
pub(crate) fn message(message: &Message) -> String {
    line(json!({"event": "message", "data": message.data(), "isBuffer": message.is_buffer()}))
}

/// `onSocketError`: `{"event":"error","error":…,"reason":…,"errorMessage":…}`.
pub(crate) fn error(failure: &Failure) -> String {
    let (code, reason, message) = (failure.code(), failure.reason().name(), failure.to_string());
    line(json!({"event": "error", "error": code, "reason": reason, "errorMessage": message}))
}

/// `onSocketClose`: `{"event":"close","code":…,"reason":…}`.
pub(crate) fn close(close: &SocketClose) -> String {
    line(json!({"event": "close", "code": close.code, "reason": close.reason}))
}

fn line(object: Value) -> String {
    format!("{object}\n")
}

fn answer(response: &Response, data_type: DataType) -> String {
    let headers = headers(response);
    let data = match data_type {
        DataType::Json if !response.data().is_empty() => compact(response.data()),
        _ => json!(response.data()).to_string(),
    };
    format!("\"status\":{},\"headers\":{headers},\"data\":{data}", response.status())
}

fn headers(response: &Response) -> Value {
    response.headers().map(|(name, value)| json!([name, text(value)])).collect()
}

/// A field value; bytes that are not UTF-8 as ISO-8859-1, which field values were once defined to be.
fn text(value: &[u8]) -> String {
    match str::from_utf8(value) {
        Ok(text) => text.into(),
        Err(_) => value.iter().map(|byte| char::from(*byte)).collect(),
    }
}

/// A JSON text without the white space between its tokens. Numbers, escapes, order and repeated keys stay as they were.
fn compact(json: &str) -> String {
    let (mut in_string, mut escaped) = (false, false);
    let keep = |letter: &char| {
        let kept = in_string || !matches!(letter, ' ' | '\t' | '\n' | '\r');
        if *letter == '"' && !escaped {
            in_string = !in_string;
        }
        escaped = *letter == '\\' && !escaped;
        kept
    };
    json.chars().filter(keep).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn compact_json_is_the_same_on_one_line() {
        let text =
            "\r\n{ \"a \\\" b\\\\\" :\t[1e21, 1.0 , 9007199254740993] ,\n\"a \\\" b\\\\\": \"\u{e9} \\n\\u0041\" } ";
        assert_eq!(
            compact(text),
            "{\"a \\\" b\\\\\":[1e21,1.0,9007199254740993],\"a \\\" b\\\\\":\"\u{e9} \\n\\u0041\"}"
        );
        assert_eq!(compact(" \" x \" "), "\" x \"");
    }

    #[test]
    fn field_values_are_utf_8_or_else_latin_1() {
        assert_eq!(text("Zo\u{eb}".as_bytes()), "Zo\u{eb}");
        assert_eq!(text(b"Zo\xeb"), "Zo\u{eb}");
    }
}
