//! Compression offered over real sockets (RFC 7692). Messages that come compressed are proved with servers that others
//! wrote: `tests/stages/autobahn-deflate.sh`, `tests/stages/websocket-peers.sh`.

use miniwire_std::{Message, SocketEvent};
use miniwire_tests::{check, release, server};

#[test]
fn sock_11_a_server_that_declines_compression_is_talked_to_without() {
    let server = server();
    let client = release(&server).build().unwrap();
    let mut socket = client.connect_socket(server.wss_url("/ws/echo")).compress().open().unwrap();
    assert_eq!(socket.opened().header("sec-websocket-extensions"), None);
    socket.send("hello").unwrap();
    let Some(SocketEvent::Message(Message::Text(back))) = socket.recv() else { panic!("no message") };
    assert_eq!(back, "hello");
    socket.close(1000, "").unwrap();
    assert!(matches!(socket.recv(), Some(SocketEvent::Close(close)) if close.code == 1000));
}

#[test]
fn sock_11_where_compression_is_agreed_on_messages_may_come_as_they_are() {
    let server = server();
    let client = release(&server).build().unwrap();
    let mut socket = client.connect_socket(server.wss_url("/ws/raw/extension")).compress().open().unwrap();
    assert_eq!(socket.opened().header("sec-websocket-extensions"), Some("permessage-deflate"));
    let Some(SocketEvent::Message(Message::Text(hello))) = socket.recv() else { panic!("no message") };
    assert_eq!(hello, "hello");
    assert!(matches!(socket.recv(), Some(SocketEvent::Close(close)) if close.code == 1000));
}

#[test]
fn sock_code_8_another_extension_and_wider_windows_than_offered_are_refused() {
    use miniwire_std::{Parameters, WindowBits};
    let server = server();
    let client = release(&server).build().unwrap();
    let other = client.connect_socket(server.wss_url("/ws/raw/unknown-extension")).compress().open().unwrap_err();
    let narrow = Parameters { server_max_window_bits: WindowBits::MIN, ..Parameters::DEFAULT };
    let wide = client.connect_socket(server.wss_url("/ws/raw/extension")).compress_with(narrow).open().unwrap_err();
    for (failure, name) in [(other, "UnrequestedExtension"), (wide, "ExtensionParameter")] {
        check(&failure);
        assert_eq!((failure.code(), failure.reason().name()), (8, name));
    }
}
