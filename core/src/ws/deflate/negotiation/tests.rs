use std::prelude::v1::*;

use super::*;
use crate::http::head::HeadReader;
use crate::sink::Window;

/// What becomes of an offer by answers with these fields.
fn answered(offer: &Parameters, values: &[&str]) -> Result<Option<Parameters>, HandshakeError> {
    let fields: String = values.iter().map(|value| format!("Sec-WebSocket-Extensions: {value}\r\n")).collect();
    let raw = format!(
        "HTTP/1.1 101 x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n{fields}Sec-WebSocket-Protocol: chat\r\n\r\n"
    );
    let (head, _) = HeadReader::new().read(raw.as_bytes()).unwrap().unwrap();
    let key = Key::fresh(*b"the sample nonce");
    check_offer(&head, &key, Protocols::new(&["chat"]).unwrap(), offer).map(|(chosen, agreed)| {
        assert_eq!(chosen, Some("chat"));
        agreed
    })
}

fn bits(bits: u8) -> WindowBits {
    WindowBits::new(bits).unwrap()
}

fn field(offer: &Parameters) -> String {
    let mut buf = [0; 256];
    let mut out = Window::new(0, &mut buf);
    offer.write_field(&mut out).unwrap();
    String::from_utf8(out.into_filled().to_vec()).unwrap()
}

const SMALL: Parameters = Parameters {
    server_max_window_bits: WindowBits(10),
    server_no_context_takeover: true,
    client_max_window_bits: WindowBits(9),
    client_no_context_takeover: true,
};

#[test]
fn sock_01_the_offer_says_what_there_is_memory_for() {
    let offered = "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits";
    assert_eq!(field(&Parameters::DEFAULT), format!("{offered}\r\n"));
    let small = "=9; server_max_window_bits=10; server_no_context_takeover; client_no_context_takeover\r\n";
    assert_eq!(field(&SMALL), format!("{offered}{small}"));
}

#[test]
fn sock_01_an_answer_may_decline_or_narrow_the_offer() {
    let offer = Parameters::DEFAULT;
    assert_eq!(answered(&offer, &[]), Ok(None));
    assert_eq!(answered(&offer, &["permessage-deflate"]), Ok(Some(offer)));
    // Also what was not asked for, where it binds the server alone (sections 7.1.1.1 and 7.1.2.1).
    let narrow = "permessage-deflate;server_no_context_takeover ; server_max_window_bits = 8; \
                  client_no_context_takeover; client_max_window_bits=\"1\\0\"";
    let agreed = Parameters {
        server_max_window_bits: bits(8),
        server_no_context_takeover: true,
        client_max_window_bits: bits(10),
        client_no_context_takeover: true,
    };
    assert_eq!(answered(&offer, &[narrow]), Ok(Some(agreed)));
    assert_eq!(answered(&offer, &[" , permessage-deflate ,"]), Ok(Some(offer)));
}

#[test]
fn sock_01_an_answer_may_not_widen_the_offer() {
    let all = "permessage-deflate; server_max_window_bits=10; server_no_context_takeover";
    assert_eq!(answered(&SMALL, &[all]), Ok(Some(SMALL)));
    assert_eq!(answered(&SMALL, &[]), Ok(None));
    for bad in [
        "permessage-deflate",
        "permessage-deflate; server_no_context_takeover",
        "permessage-deflate; server_max_window_bits=10",
        "permessage-deflate; server_max_window_bits=11; server_no_context_takeover",
        "permessage-deflate; server_max_window_bits=10; server_no_context_takeover; client_max_window_bits=10",
    ] {
        assert_eq!(answered(&SMALL, &[bad]), Err(HandshakeError::ExtensionParameter), "{bad}");
    }
}

#[test]
fn sock_01_parameters_are_those_of_the_rfc() {
    for bad in [
        "x",
        "",
        "server_no_context_takeover; server_no_context_takeover",
        "client_no_context_takeover; client_no_context_takeover",
        "server_no_context_takeover=1",
        "client_no_context_takeover=\"\"",
        "server_max_window_bits",
        "client_max_window_bits",
        "server_max_window_bits=",
        "server_max_window_bits=7",
        "server_max_window_bits=16",
        "server_max_window_bits=010",
        "server_max_window_bits=08",
        "server_max_window_bits=+9",
        "server_max_window_bits=9.0",
        "server_max_window_bits=100",
        "server_max_window_bits=\"10",
        "server_max_window_bits=10\"",
        "server_max_window_bits=\"\"",
        "server_max_window_bits=\"",
        "server_max_window_bits=\"10\\\"",
        "server_max_window_bits=\"10,11\"",
        "server_max_window_bits=1\\0",
        "server_max_window_bits=10; server_max_window_bits=10",
        "client_max_window_bits=10; client_max_window_bits=10",
        "Server_max_window_bits=10",
    ] {
        let answer = format!("permessage-deflate; {bad}");
        let error = answered(&Parameters::DEFAULT, &[&answer]);
        assert_eq!(error, Err(HandshakeError::ExtensionParameter), "{bad}");
    }
}

#[test]
fn sock_01_no_other_extension_is_accepted_beside_it() {
    for bad in [
        &["permessage-deflate, permessage-deflate"][..],
        &["permessage-deflate", "permessage-deflate"],
        &["permessage-deflate, x"],
        &["x", "permessage-deflate"],
        &["permessage-bzip2"],
        &["permessage-deflat"],
        &["; server_no_context_takeover"],
        &[""],
        &[","],
    ] {
        assert_eq!(answered(&Parameters::DEFAULT, bad), Err(HandshakeError::Extension), "{bad:?}");
    }
}

#[test]
fn sock_01_window_bits_are_8_to_15() {
    assert_eq!((WindowBits::new(7), WindowBits::new(16)), (None, None));
    assert_eq!((WindowBits::MIN.bytes(), WindowBits::MAX.bytes(), WindowBits::MAX.bits()), (256, 32_768, 15));
    let within = [(0, None), (255, None), (256, Some(8)), (1023, Some(9)), (32_768, Some(15)), (1 << 20, Some(15))];
    for (bytes, largest) in within {
        assert_eq!(WindowBits::within(bytes).map(WindowBits::bits), largest);
    }
}
