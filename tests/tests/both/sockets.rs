//! The servers that break RFC 6455, on embassy-net. What std makes of them is `e2e/socket/hostile.rs`; the table is one.

use std::cell::RefCell;
use std::sync::Mutex;
use std::thread;
use std::time::Instant;

use embassy_time::{Duration, Timer, with_timeout};
use miniwire_core::drive::{Received, SocketMemory};
use miniwire_core::http::head::Head;
use miniwire_core::policy::{Api, Policy};
use miniwire_core::reason::Reason;
use miniwire_core::socket::{ConnectSocket, Message, Settings};
use miniwire_embassy::{Client, Sockets};
use miniwire_std::serve::Server;
use miniwire_tests::hostile_sockets::{ENDS, TOO_LARGE, UNFINISHED};
use miniwire_tests::{codes, server};
use rand_core::OsRng;

use crate::on_embassy::{context, world};

/// Of a message. The longest that is to be reported has five bytes.
const MESSAGE: usize = 4096;
/// Worlds at once: most of their time they wait.
const AT_ONCE: usize = 6;

/// What is told of a server of this kind, and the code of the close frame that it sees. With `closing` the caller closes
/// after a while.
async fn ends(sockets: &Sockets<'_, 1>, server: &Server, kind: &str, closing: bool) -> (Vec<String>, Vec<u16>) {
    let client = Client::plain(sockets, context(Policy::development()));
    let (mut receive, mut transmit, mut message) = ([0; 1024], [0; 256], [0; MESSAGE]);
    let memory = SocketMemory { receive: &mut receive, transmit: &mut transmit, message: &mut message };
    let url = format!("ws://localhost:{}/ws/raw/{kind}", server.http().port());
    let (connect, random) = (ConnectSocket::new(&url), RefCell::new(OsRng));
    let mut lines = Vec::new();
    let on_open = |_: Head<'_>, protocol: Option<&str>| lines.push(format!("open {protocol:?}"));
    let mut socket = match client.connect_socket(&connect, Settings::new(), &random, memory, on_open).await {
        Ok(socket) => socket,
        // The attempt's end is what it returns, and there is no listener to be told the Close.
        Err(failure) => return (vec![error(failure.reason), "close 1006 ".into()], closes(server).await),
    };
    if closing {
        // Dropped while it waits, a `recv` has taken nothing.
        let quiet = with_timeout(Duration::from_millis(200), socket.recv()).await.is_err();
        assert!(quiet, "{kind}");
        socket.close(3000, "").await.expect("a code that may be sent");
    }
    while let Some(received) = socket.recv().await {
        lines.push(match received {
            Received::Message(Message::Text(text)) => format!("message {text} false"),
            Received::Message(message) => format!("message {:?} true", message.as_bytes()),
            Received::Error(reason) => error(reason),
            Received::Close { code, reason } => format!("close {code} {reason}"),
        });
    }
    (lines, closes(server).await)
}

/// The codes of the close frames that the server has seen, once there is one.
async fn closes(server: &Server) -> Vec<u16> {
    let (mut closes, start) = (server.take_closes(), Instant::now());
    while closes.is_empty() && start.elapsed().as_secs() < 10 {
        Timer::after(Duration::from_millis(2)).await;
        closes = server.take_closes();
    }
    closes
}

fn error(reason: Reason) -> String {
    let code = reason.code(Api::ConnectSocket);
    assert!(codes(Api::ConnectSocket).contains(&code), "{reason:?}");
    format!("error {code} {}", reason.name())
}

#[test]
fn sock_10_every_hostile_server_has_the_same_end_on_a_board() {
    let rows = ENDS.iter().flat_map(|(kinds, lines, seen)| kinds.split(' ').map(|kind| (kind, lines.to_vec(), *seen)));
    let unfinished = ["open None", "error 1 ConnectionClosed", "close 1006 "];
    let rows = rows.chain(UNFINISHED.iter().map(|kind| (*kind, unfinished.to_vec(), 3000)));
    let rows: Vec<_> = rows.chain([(TOO_LARGE, vec!["open None", "error 12 TooLarge"], 1009)]).collect();
    let (rows, wrong) = (Mutex::new(rows.into_iter()), Mutex::new(Vec::new()));
    thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                let server = server();
                let mut world = world(&server);
                let board = world.board;
                world.run(async {
                    let mut memory = miniwire_embassy::SocketMemory::<1, 4096, 1024>::new();
                    let sockets = Sockets::new(board, &mut memory);
                    loop {
                        let Some((kind, lines, seen)) = rows.lock().unwrap().next() else { return };
                        let (mut came, closes) = ends(&sockets, &server, kind, UNFINISHED.contains(&kind)).await;
                        if kind == TOO_LARGE {
                            // Whether the server says 1000 before it hears of that.
                            came.truncate(2);
                        }
                        if came != lines || closes != [seen] {
                            wrong.lock().unwrap().push(format!("{kind}: {came:?} {closes:?}, not {lines:?} [{seen}]"));
                        }
                    }
                });
            });
        }
    });
    let wrong = wrong.into_inner().unwrap();
    assert!(wrong.is_empty(), "{} of them:\n{}", wrong.len(), wrong.join("\n"));
}
