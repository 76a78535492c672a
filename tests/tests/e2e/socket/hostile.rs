//! `/ws/raw/{kind}`: every head and every frame that breaks the protocol, and the rare ones that do not.

use std::collections::BTreeSet;

use miniwire_std::DataType;
use miniwire_tests::{development, server};

use super::{Log, closes};

/// The kinds of servers, what the listeners are told of them, and the code of the close frame that each of them sees.
const ENDS: &[(&str, &[&str], u16)] = &[
    (
        "good in-one-piece byte-by-byte upper-case connection-list two-connections padded-accept no-reason early-hints \
         content-length chunked",
        &["open None", "message hello false", "close 1000 "],
        1000,
    ),
    ("no-accept", &["error 8 AcceptMissing", "close 1006 "], 1006),
    ("wrong-accept empty-accept long-accept", &["error 8 AcceptWrong", "close 1006 "], 1006),
    ("same-accepts two-accepts", &["error 8 AcceptRepeated", "close 1006 "], 1006),
    ("no-upgrade wrong-upgrade longer-upgrade", &["error 8 WrongUpgrade", "close 1006 "], 1006),
    ("no-connection keep-alive", &["error 8 WrongConnection", "close 1006 "], 1006),
    ("status-200", &["error 8 NotUpgraded", "close 1006 "], 1006),
    ("http10 status-100 folded space-before-colon garbage", &["error 8 MalformedHead", "close 1006 "], 1006),
    ("extension unknown-extension", &["error 8 UnrequestedExtension", "close 1006 "], 1006),
    ("protocol two-protocols empty-protocol", &["error 9 UnrequestedProtocol", "close 1006 "], 1006),
    ("truncated-head", &["error 1 ConnectionClosed", "close 1006 "], 1006),
    ("endless-head", &["error 12 HeadTooLarge", "close 1006 "], 1006),
    ("masked masked-ping masked-close", &["open None", "error 1 ViolationMasked", "close 1006 "], 1002),
    ("rsv1 rsv2 rsv3 rsv1-continuation rsv1-ping", &["open None", "error 1 ViolationReservedBit", "close 1006 "], 1002),
    ("opcode-3 opcode-11", &["open None", "error 1 ViolationReservedOpcode", "close 1006 "], 1002),
    ("long-ping long-pong long-close", &["open None", "error 1 ViolationLongControl", "close 1006 "], 1002),
    ("fragmented-ping fragmented-close", &["open None", "error 1 ViolationFragmentedControl", "close 1006 "], 1002),
    ("lone-continuation", &["open None", "error 1 ViolationUnexpectedContinuation", "close 1006 "], 1002),
    ("text-within-text binary-within-text", &["open None", "error 1 ViolationInterleavedMessage", "close 1006 "], 1002),
    (
        "length-16-for-7 length-64-for-7 length-64-for-16",
        &["open None", "error 1 ViolationOverlongLength", "close 1006 "],
        1002,
    ),
    ("length-2-63 length-2-64", &["open None", "error 1 ViolationLengthTopBit", "close 1006 "], 1002),
    ("ping-within unasked-pong", &["open None", "message hello false", "close 1000 "], 1000),
    ("empty-text", &["open None", "message  false", "close 1000 "], 1000),
    ("split-character", &["open None", "message \u{e9} false", "close 1000 "], 1000),
    (
        "bad-text-unfinished bad-text-fragment bad-text-end bad-text-surrogate bad-text-overlong bad-text-beyond \
         close-bad-reason",
        &["open None", "error 1 ViolationNotUtf8", "close 1006 "],
        1007,
    ),
    ("close-empty", &["open None", "close 1005 "], 1005),
    ("close-one-byte", &["open None", "error 1 ViolationCloseBody", "close 1006 "], 1002),
    (
        "close-0 close-999 close-1004 close-1005 close-1006 close-1015 close-1016 close-2999 close-5000 close-65535",
        &["open None", "error 1 ViolationCloseCode", "close 1006 "],
        1002,
    ),
    ("close-3000", &["open None", "close 3000 "], 3000),
    ("close-4999", &["open None", "close 4999 "], 4999),
    ("data-after-close two-closes garbage-after-close", &["open None", "close 1000 "], 1000),
    ("fin", &["open None", "message hello false", "error 1 ConnectionClosed", "close 1006 "], 1006),
    ("fin-mid-frame fin-mid-header fin-mid-message", &["open None", "error 1 ConnectionClosed", "close 1006 "], 1006),
    ("reset", &["open None", "message hello false", "error 1 ConnectionLost", "close 1006 "], 1006),
    ("reset-mid-frame", &["open None", "error 1 ConnectionLost", "close 1006 "], 1006),
    ("empty-fragments pings pings-within pongs", &["open None", "message hello false", "close 1000 "], 1000),
    ("long-frame", &["open None", "error 12 TooLarge", "close 1006 "], 1009),
];

/// One that is told 1009, and may have said 1000 before it heard of that.
const TOO_LARGE: &str = "fragments";

/// Those that announce more than they send and wait.
const UNFINISHED: &[&str] = &["length-2-62", "length-2-32"];

#[test]
fn sock_10_every_hostile_server_has_the_end_that_the_rfc_demands() {
    let server = server();
    let client = development(&server).build().unwrap();
    let log = Log::of(&client);
    for (kinds, lines, seen) in ENDS {
        for kind in kinds.split(' ') {
            let call = client.connect_socket(server.ws_url(&format!("/ws/raw/{kind}")));
            call.max_message(1 << 20).connect().unwrap();
            assert_eq!(log.to_the_close(), *lines, "{kind}");
            assert_eq!(closes(&server, 1), [*seen], "{kind}");
        }
    }
    client.connect_socket(server.ws_url(&format!("/ws/raw/{TOO_LARGE}"))).max_message(1 << 20).connect().unwrap();
    log.expect(["open None", "error 12 TooLarge"]);
    assert!(["close 1000 ", "close 1006 "].contains(&log.next().as_str()));
    assert_eq!(closes(&server, 1), [1009]);
    log.silent();
}

#[test]
fn sock_06_a_frame_that_never_ends_is_closed_by_the_caller() {
    let server = server();
    let client = development(&server).build().unwrap();
    let log = Log::of(&client);
    for kind in UNFINISHED {
        client.connect_socket(server.ws_url(&format!("/ws/raw/{kind}"))).connect().unwrap();
        log.expect(["open None"]);
        log.silent();
        client.close_socket(3000, "").unwrap();
        // The server closes the connection without a close frame of its own.
        log.expect(["error 1 ConnectionClosed", "close 1006 "]);
        assert_eq!(closes(&server, 1), [3000], "{kind}");
    }
}

#[test]
fn sock_10_the_table_has_every_kind() {
    let server = server();
    let client = development(&server).build().unwrap();
    let help = client.request(server.http_url("/help")).data_type(DataType::Text).send().unwrap();
    let (_, kinds) = help.data().split_once("Kinds of /ws/raw:\n").expect("the kinds are in the help");
    let there: BTreeSet<&str> = kinds.lines().filter_map(|line| line.split_whitespace().next()).collect();
    let here =
        ENDS.iter().flat_map(|(kinds, ..)| kinds.split(' ')).chain(UNFINISHED.iter().copied()).chain([TOO_LARGE]);
    assert_eq!(here.collect::<BTreeSet<_>>(), there);
}
