//! `my.connectSocket` and the calls around it (SOCK-01 to SOCK-12).

use std::error::Error;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

use miniwire_std::{Client, ConnectSocket, Failure, Message, RegistryFull, SocketClose, SocketOpen};

use super::came::Verdict;
use super::javascript::{quoted, shortened};
use super::{APP_ID, APP_VERSION, Tour};

pub(super) fn steps(tour: &mut Tour<'_>) -> Result<(), Box<dyn Error>> {
    talk(tour)?;
    ends(tour)?;
    one_connection(tour)?;
    refused(tour)?;
    failures(tour)
}

fn talk(tour: &mut Tour<'_>) -> Result<(), Box<dyn Error>> {
    let client = tour.client(|client| client)?;
    let told = Told::of(&client)?;
    let url = tour.server.wss_url("/ws/echo?protocol=chat");
    let connected = client.connect_socket(&url).protocol("news").protocol("chat").connect();
    tour.show(
        "The server chooses one of the subprotocols.",
        &written(&url, ", protocols: ['news', 'chat']"),
        &opened(&connected, &told, "open", "open {protocol: 'chat'}"),
    );
    for (promise, data, is_buffer) in [
        ("A text goes out, and comes back;", "caf\u{e9}", false),
        ("so do bytes: with isBuffer, data is their base64.", "AAEC/w==", true),
    ] {
        let sent = Message::from_data(data, is_buffer).and_then(|message| client.send_socket_message(message));
        let data = quoted(data);
        let wanted = format!("message {{data: {data}, isBuffer: {is_buffer}}}");
        let call = format!("my.sendSocketMessage({{data: {data}, isBuffer: {is_buffer}}})");
        tour.show(promise, &call, &opened(&sent, &told, "message", &wanted));
    }
    let sent = Message::from_data("%", true).and_then(|message| client.send_socket_message(message));
    let call = "my.sendSocketMessage({data: '%', isBuffer: true})";
    tour.show("What is not base64 is code 11.", call, &failed(&sent, 11, "MalformedBuffer"));

    let closed = client.close_socket(3001, "enough");
    tour.show(
        "closeSocket closes with a code and a reason, which this server repeats.",
        "my.closeSocket({code: 3001, reason: 'enough'})",
        &opened(&closed, &told, "close", "close {code: 3001, reason: 'enough'}"),
    );
    let sent = client.send_socket_message("too late");
    let call = "my.sendSocketMessage({data: 'too late'})";
    tour.show("A message now is code 10;", call, &failed(&sent, 10, "NotConnected"));
    let closed = client.close_socket(1000, "");
    tour.show("closing what is closed is success.", "my.closeSocket()", &Verdict::same(result(&closed), "success"));
    Ok(())
}

fn ends(tour: &mut Tour<'_>) -> Result<(), Box<dyn Error>> {
    let client = tour.client(|client| client)?;
    let told = Told::of(&client)?;
    let url = tour.server.wss_url("/ws/ping/3");
    let connected = client.connect_socket(&url).connect();
    let seen = if connected.is_ok() { told.until("close") } else { result(&connected) };
    let kept = seen.contains("\"3\"]}', isBuffer: false}, close {code: 1000");
    let wanted = "open {}, message with '3' as the last of the pongs, close {code: 1000, reason: ''}";
    tour.show("Pings are answered, at least the newest.", &written(&url, ""), &Verdict::new(kept, seen, wanted));

    let silent = "open {}, error {error: 1} (PeerSilent), close {code: 1006, reason: ''}";
    socket_step(
        tour,
        "A ping of one's own finds a server that is dead (here after 0.15 s of silence, twice).",
        "/ws/mute",
        ", keepAlive: 150",
        |call| call.keep_alive(150),
        silent,
    )?;
    for (promise, path, wanted) in [
        (
            "The server's Close has its code and its reason, and is no error.",
            "/ws/close/4001?reason=moved&now",
            "open {}, close {code: 4001, reason: 'moved'}",
        ),
        (
            "A connection that ends without one is an error, then a Close with 1006.",
            "/ws/raw/fin",
            "open {}, message {data: 'hello', isBuffer: false}, error {error: 1} (ConnectionLost), \
             close {code: 1006, reason: ''}",
        ),
        (
            "So is a server that breaks RFC 6455.",
            "/ws/raw/rsv1",
            "open {}, error {error: 1} (ViolationReservedBit), close {code: 1006, reason: ''}",
        ),
    ] {
        socket_step(tour, promise, path, "", |call| call, wanted)?;
    }
    socket_step(
        tour,
        "A message that is too long for the memory given is code 12, and closes with 1009 (here 1000 bytes).",
        "/ws/messages/100?size=1001&delay=0.05",
        ", maxMessage: 1000",
        |call| call.max_message(1000),
        "open {}, error {error: 12} (TooLarge), close {code: 1009, reason: ''}",
    )?;

    let client = tour.client(|client| client)?;
    let told = Told::of(&client)?;
    let url = tour.server.wss_url("/ws/mute");
    let connected = client.connect_socket(&url).connect();
    let open = told.until("open");
    client.unload_page();
    tour.show(
        "Leaving the page closes its socket with 1001.",
        &format!("{}\nclient.unload_page()", written(&url, "")),
        &Verdict::same(open, "open {}").and(opened(&connected, &told, "close", "close {code: 1001, reason: ''}")),
    );
    Ok(())
}

fn one_connection(tour: &mut Tour<'_>) -> Result<(), Box<dyn Error>> {
    let (first, second) = (tour.server.wss_url("/ws/mute"), tour.server.wss_url("/ws/close/4002?now"));
    let call = format!("{}\n{}", written(&first, ""), written(&second, ""));

    let client = tour.client(|client| client)?;
    let told = Told::of(&client)?;
    let connected = client.connect_socket(&first).connect();
    let open = told.until("open");
    let connected = connected.and_then(|()| client.connect_socket(&second).connect());
    let replaced = opened(&connected, &told, "close", "close {code: 1000, reason: ''}");
    let verdict = Verdict::same(open, "open {}")
        .and(replaced)
        .and(Verdict::same(told.until("close"), "open {}, close {code: 4002, reason: ''}"));
    tour.show("A second connection takes the place of the first.", &call, &verdict);

    let client = tour.client(miniwire_std::ClientBuilder::reject_second_socket)?;
    let told = Told::of(&client)?;
    let connected = client.connect_socket(&first).connect();
    let open = opened(&connected, &told, "open", "open {}");
    let connected = client.connect_socket(&second).connect();
    let verdict = open.and(failed(&connected, 2, "SocketExists"));
    tour.show("Or it is refused, where the context says so: code 2.", &call, &verdict);
    client.close_socket(1000, "")?;
    Ok(())
}

/// What is known at once is `fail`, and no event.
fn refused(tour: &mut Tour<'_>) -> Result<(), Box<dyn Error>> {
    let limited = tour.client(miniwire_std::ClientBuilder::whitelist_sockets)?;
    let release = tour.client.clone();
    let (http, plain) = (tour.server.https_url("/ws/echo"), tour.server.ws_url("/ws/echo"));
    for (promise, client, url, code, reason) in [
        ("An empty URL is code 3,", &release, "", 3, "UrlEmpty"),
        ("one that does not parse is code 4,", &release, "wss://user@localhost/", 4, "UrlMalformed"),
        ("and one of another scheme is code 5.", &release, &*http, 5, "UrlScheme"),
        ("ws without TLS is code 8.", &release, &plain, 8, "PlainHttpRefused"),
        (
            "The whitelist is not for sockets, unless .whitelist_sockets() was called: then it is code 1.",
            &limited,
            "wss://elsewhere.example/",
            1,
            "HostNotAllowed",
        ),
    ] {
        let connected = client.connect_socket(url).connect();
        tour.show(promise, &written(url, ""), &failed(&connected, code, reason));
    }
    Ok(())
}

/// What goes wrong later comes through the listeners.
fn failures(tour: &mut Tour<'_>) -> Result<(), Box<dyn Error>> {
    let nobody = tour.nobody()?;
    let url = nobody.url("wss");
    let client = tour.client.clone();
    failure_step(tour, "No connection at all is code 1.", &client, (&url, ""), |call| call, (1, "Connect"))?;

    let url = tour.server.wss_url("/ws/silent");
    let timeout = (&*url, ", timeout: 150");
    failure_step(
        tour,
        "A server that does not answer in time is code 6.",
        &client,
        timeout,
        |call| call.timeout(150),
        (6, "Timeout"),
    )?;
    let stranger = Client::builder(APP_ID, APP_VERSION).only_given_roots().build()?;
    let url = tour.server.wss_url("/ws/echo");
    let unknown = (7, "CertificateUnknownIssuer");
    failure_step(tour, "A bad certificate is code 7,", &stranger, (&url, ""), |call| call, unknown)?;
    for (promise, path, code, reason) in [
        ("any status but 101 is code 8,", "/ws/reject/403", 8, "NotUpgraded"),
        ("so is a wrong Sec-WebSocket-Accept,", "/ws/raw/wrong-accept", 8, "AcceptWrong"),
        ("an extension that was not asked for,", "/ws/raw/unknown-extension", 8, "UnrequestedExtension"),
        ("and such a subprotocol is code 9.", "/ws/raw/protocol", 9, "UnrequestedProtocol"),
    ] {
        let url = tour.server.wss_url(path);
        failure_step(tour, promise, &client, (&url, ""), |call| call, (code, reason))?;
    }
    Ok(())
}

/// Connects to a path, with options as they are written, and shows all that is told.
fn socket_step(
    tour: &mut Tour<'_>,
    promise: &str,
    path: &str,
    options: &str,
    configure: impl FnOnce(ConnectSocket) -> ConnectSocket,
    wanted: &str,
) -> Result<(), Box<dyn Error>> {
    let (client, url) = (tour.client(|client| client)?, tour.server.wss_url(path));
    let told = Told::of(&client)?;
    let connected = configure(client.connect_socket(&url)).connect();
    tour.show(promise, &written(&url, options), &opened(&connected, &told, "close", wanted));
    Ok(())
}

/// An attempt that ends with this code and reason.
fn failure_step(
    tour: &mut Tour<'_>,
    promise: &str,
    client: &Client,
    (url, options): (&str, &str),
    configure: impl FnOnce(ConnectSocket) -> ConnectSocket,
    (code, reason): (u8, &str),
) -> Result<(), Box<dyn Error>> {
    let told = Told::of(client)?;
    let connected = configure(client.connect_socket(url)).connect();
    let wanted = format!("error {{error: {code}}} ({reason}), close {{code: 1006, reason: ''}}");
    tour.show(promise, &written(url, options), &opened(&connected, &told, "close", &wanted));
    Ok(())
}

/// The call as the reference writes it. What it has no option for is written as if it had.
fn written(url: &str, options: &str) -> String {
    format!("my.connectSocket({{url: {}{options}}})", quoted(&shortened(url)))
}

/// What was told up to an event of this name, if the call was a success.
fn opened(called: &Result<(), Failure>, told: &Told, until: &str, wanted: &str) -> Verdict {
    Verdict::same(if called.is_ok() { told.until(until) } else { result(called) }, wanted)
}

fn failed(called: &Result<(), Failure>, code: u8, reason: &str) -> Verdict {
    Verdict::same(result(called), format!("fail {{error: {code}}} ({reason})"))
}

fn result(called: &Result<(), Failure>) -> String {
    match called {
        Ok(()) => "success".into(),
        Err(failure) => format!("fail {}", coded(failure)),
    }
}

fn coded(failure: &Failure) -> String {
    format!("{{error: {}}} ({})", failure.code(), failure.reason().name())
}

/// What the listeners of a client are told.
struct Told(Receiver<String>);

/// How long the next event is waited for.
const PATIENCE: Duration = Duration::from_secs(10);

impl Told {
    /// Listens, in place of who listened before.
    fn of(client: &Client) -> Result<Self, RegistryFull> {
        let (sender, receiver) = channel();
        // Nobody may listen any more.
        let tell = |sender: &Sender<String>, text: String| drop(sender.send(text));
        let (open, error, message, close) = (sender.clone(), sender.clone(), sender.clone(), sender);
        client.off_socket_open(None);
        client.on_socket_open(move |event: &SocketOpen| {
            let protocol = event.protocol().map(|name| format!("protocol: {}", quoted(name)));
            tell(&open, format!("open {{{}}}", protocol.unwrap_or_default()));
        })?;
        client.off_socket_error(None);
        client.on_socket_error(move |failure: &Failure| tell(&error, format!("error {}", coded(failure))))?;
        client.off_socket_message(None);
        client.on_socket_message(move |event: &Message| {
            let data = quoted(&shortened(&event.data()));
            tell(&message, format!("message {{data: {data}, isBuffer: {}}}", event.is_buffer()));
        })?;
        client.off_socket_close(None);
        client.on_socket_close(move |event: &SocketClose| {
            tell(&close, format!("close {{code: {}, reason: {}}}", event.code, quoted(&event.reason)));
        })?;
        Ok(Self(receiver))
    }

    /// All up to the next event of this name.
    fn until(&self, name: &str) -> String {
        let mut events: Vec<String> = Vec::new();
        while !events.last().is_some_and(|event| event.starts_with(name)) {
            match self.0.recv_timeout(PATIENCE) {
                Ok(event) => events.push(event),
                Err(_) => {
                    events.push("nothing more".into());
                    break;
                }
            }
        }
        events.join(", ")
    }
}
