//! `/ws/raw/{kind}`: every head and every frame that breaks the protocol, and the rare ones that do not.

use std::collections::BTreeSet;

use miniwire_std::DataType;
use miniwire_tests::kinds::{SOCKETS, TOO_LARGE, UNFINISHED};
use miniwire_tests::{development, server};

use super::{Log, closes};

#[test]
fn sock_10_every_hostile_server_has_the_end_that_the_rfc_demands() {
    let server = server();
    let client = development(&server).build().unwrap();
    let log = Log::of(&client);
    for (kinds, lines, seen) in SOCKETS {
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
        SOCKETS.iter().flat_map(|(kinds, ..)| kinds.split(' ')).chain(UNFINISHED.iter().copied()).chain([TOO_LARGE]);
    assert_eq!(here.collect::<BTreeSet<_>>(), there);
}
