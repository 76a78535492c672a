//! The opening handshake as a server makes it, RFC 6455 section 4.2.

use hyper::{
    Method,
    header::{CONNECTION, HeaderName, UPGRADE},
};
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

use super::super::{answer::Refusal, call::Call};

/// The head of the 101 that a good client's request gets.
pub(super) fn accept(call: &Call) -> Result<String, Refusal> {
    let accept = accept_value(call)?;
    let protocol = protocol(call).map(|name| format!("Sec-WebSocket-Protocol: {name}\r\n")).unwrap_or_default();
    Ok(format!(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Accept: {accept}\r\n{protocol}\r\n"
    ))
}

/// The Sec-WebSocket-Accept of a good client's request.
pub(super) fn accept_value(call: &Call) -> Result<String, Refusal> {
    let good = call.method() == Method::GET
        && list(call, "upgrade").any(|name| name.eq_ignore_ascii_case("websocket"))
        && list(call, "connection").any(|name| name.eq_ignore_ascii_case("upgrade"));
    if !good {
        let why = format!("a WebSocket begins with GET, {UPGRADE}: websocket and {CONNECTION}: Upgrade");
        return Err(Refusal::bad(why));
    }
    if !list(call, "sec-websocket-version").eq(["13"]) {
        return Err(Refusal::bad("Sec-WebSocket-Version is not 13"));
    }
    let mut keys = list(call, "sec-websocket-key");
    match (keys.next(), keys.next()) {
        (Some(key), None) if is_key(key) => Ok(derive_accept_key(key.as_bytes())),
        _ => Err(Refusal::bad("Sec-WebSocket-Key is not 16 bytes in base64")),
    }
}

/// Of the subprotocols offered, the one that the query names, or else the first.
fn protocol(call: &Call) -> Option<&str> {
    let mut offered = list(call, "sec-websocket-protocol");
    match call.arg("protocol") {
        None => offered.next(),
        Some(wanted) => offered.find(|name| name.as_bytes() == wanted),
    }
}

/// The elements of a list, RFC 9110 section 5.6.1; none of a field that is not ASCII.
fn list<'c>(call: &'c Call, name: &'static str) -> impl Iterator<Item = &'c str> {
    let values = call.headers().get_all(HeaderName::from_static(name)).iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).map(str::trim).filter(|element| !element.is_empty())
}

/// 16 bytes in base64: 22 digits, of which the last holds two bits, and the padding.
fn is_key(key: &str) -> bool {
    let digit = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'+' || byte == b'/';
    key.strip_suffix("==")
        .is_some_and(|digits| digits.len() == 22 && digits.bytes().all(digit) && digits.ends_with(['A', 'Q', 'g', 'w']))
}
