//! `my.connectSocket` and the calls around it (SOCK-01 to SOCK-12).

use core::fmt::{self, Write as _};

use embassy_futures::join::join;
use embassy_futures::select::select;
use heapless::String;
use miniwire_core::context::{BadContext, Context};
use miniwire_core::drive::{MIN_RECEIVE, MIN_TRANSMIT, Received, SocketMemory};
use miniwire_core::policy::Policy;
use miniwire_core::reason::Reason;
use miniwire_core::socket::{ConnectFailure, ConnectSocket, Rule, Sending, Settings};
use miniwire_embassy::{Client, Random, Socket};

use super::call::{Calls, Tour, expand};
use super::print::{Line, SingleQuoted};
use super::{APP_ID, APP_VERSION, SOCKETS, whitelist};
use crate::secure::Secured;

type Open<'m, 'a> = Socket<'m, 'a, 'static, 'static, &'static Secured, SOCKETS>;

/// What listeners would be told, in the words of the desktop's tour.
type Told = String<640>;

const SETTINGS: Settings = Settings::new();

/// Each is told all up to the Close.
const ENDS: &[(&str, &str, Settings)] = &[
    ("Pings are answered, at least the newest.", "/ws/ping/3", SETTINGS),
    (
        "A ping of one's own finds a server that is dead (here after 0.15 s of silence, twice).",
        "/ws/mute",
        SETTINGS.keep_alive(150),
    ),
    ("The server's Close has its code and its reason, and is no error.", "/ws/close/4001?reason=moved&now", SETTINGS),
    ("A connection that ends without one is an error, then a Close with 1006.", "/ws/raw/fin", SETTINGS),
    ("So is a server that breaks RFC 6455.", "/ws/raw/rsv1", SETTINGS),
    (
        "A message that is too long for the memory given is code 12, and closes with 1009 (here 1000 bytes).",
        "/ws/messages/100?size=1001&delay=0.05",
        SETTINGS,
    ),
];

/// What is known at once.
const REFUSED: &[(&str, &str)] = &[
    ("An empty URL is code 3,", ""),
    ("one that does not parse is code 4,", "wss://user@localhost/"),
    ("and one of another scheme is code 5.", "https://localhost/ws/echo"),
    ("ws without TLS is code 8.", "{plain}/ws/echo"),
];

const WHITELIST: (&str, &str) = (
    "The whitelist is not for sockets, unless .whitelist_sockets() was called: then it is code 1.",
    "wss://elsewhere.example/",
);

/// What goes wrong later.
const FAILURES: &[(&str, ConnectSocket<'static>)] = &[
    ("No connection at all is code 1.", ConnectSocket::new("{nobody}")),
    ("A server that does not answer in time is code 6.", ConnectSocket::new("/ws/silent").timeout(150)),
    ("any status but 101 is code 8,", ConnectSocket::new("/ws/reject/403")),
    ("so is a wrong Sec-WebSocket-Accept,", ConnectSocket::new("/ws/raw/wrong-accept")),
    ("an extension that was not asked for,", ConnectSocket::new("/ws/raw/unknown-extension")),
    ("and such a subprotocol is code 9.", ConnectSocket::new("/ws/raw/protocol")),
];

impl Tour {
    pub(super) async fn socket(&mut self, context: Context<'static>) -> Result<(), BadContext> {
        let client = self.client(context);
        self.talk(&client).await;
        for (promise, path, settings) in ENDS {
            self.told(&client, promise, &ConnectSocket::new(path), *settings).await;
        }
        self.left(&client).await;
        self.replaced(&client).await;
        self.second_refused(&self.client(context).with_socket_rule(Rule::Reject)).await;
        for (promise, url) in REFUSED {
            self.refused(&client, promise, url).await;
        }
        let watched = Context::new(APP_ID, APP_VERSION, Policy::release(whitelist()).also_for_sockets())?;
        let (promise, url) = WHITELIST;
        self.refused(&self.client(watched), promise, url).await;
        for (promise, connect) in FAILURES {
            self.told(&client, promise, connect, SETTINGS).await;
        }
        self.stranger(context).await;
        Ok(())
    }

    async fn talk(&mut self, client: &Calls) {
        let mut told = Told::new();
        let random = self.trusted.usual;
        let (url, memory) = self.prepare_socket("/ws/echo?protocol=chat");
        let connect = ConnectSocket::new(url).protocols(&["news", "chat"]);
        let connected = open(client, &connect, SETTINGS, random, memory, &mut told).await;
        show("The server chooses one of the subprotocols.", &mut told);
        let Ok(socket) = connected else { return };
        let mut socket = socket.with_base64();
        for (promise, message) in [
            ("A text goes out, and comes back;", Ok(Sending::text("caf\u{e9}"))),
            ("so do bytes: with isBuffer, data is their base64.", Sending::base64("AAEC/w==")),
            ("What is not base64 is code 11.", Sending::base64("%")),
        ] {
            let sent = match message {
                Ok(message) => socket.send(message).await,
                Err(reason) => Err(reason),
            };
            match sent {
                Ok(()) => {
                    if let Some(received) = socket.recv().await {
                        tell(&mut told, Words(&received));
                    }
                }
                Err(reason) => tell(&mut told, Failed("fail", reason)),
            }
            show(promise, &mut told);
        }
        if socket.close(3001, "enough").await.is_ok() {
            hear(&mut socket, &mut told).await;
        }
        show("closeSocket closes with a code and a reason, which this server repeats.", &mut told);
        if let Err(reason) = socket.send(Sending::text("too late")).await {
            tell(&mut told, Failed("fail", reason));
        }
        show("A message now is code 10;", &mut told);
        match socket.close(1000, "").await {
            Ok(()) => tell(&mut told, "success"),
            Err(reason) => tell(&mut told, Failed("fail", reason)),
        }
        show("closing what is closed is success.", &mut told);
    }

    /// Connects, and shows all that is told up to the Close.
    async fn told(&mut self, client: &Calls, promise: &str, connect: &ConnectSocket<'static>, settings: Settings) {
        let mut told = Told::new();
        let random = self.trusted.usual;
        let (url, memory) = self.prepare_socket(connect.url);
        let mut connect: ConnectSocket<'_> = *connect;
        connect.url = url;
        match open(client, &connect, settings, random, memory, &mut told).await {
            Ok(mut socket) => hear(&mut socket, &mut told).await,
            Err(failure) => {
                tell(&mut told, Failed("error", failure.reason));
                tell(&mut told, Words(&Received::Close { code: 1006, reason: "" }));
            }
        }
        show(promise, &mut told);
    }

    async fn refused(&mut self, client: &Calls, promise: &str, url: &str) {
        let mut told = Told::new();
        let random = self.trusted.usual;
        let (url, memory) = self.prepare_socket(url);
        if let Err(failure) = open(client, &ConnectSocket::new(url), SETTINGS, random, memory, &mut told).await {
            tell(&mut told, Failed("fail", failure.reason));
        }
        show(promise, &mut told);
    }

    async fn left(&mut self, client: &Calls) {
        let (mut told, mut end) = (Told::new(), Told::new());
        let random = self.trusted.usual;
        let (url, memory) = self.prepare_socket("/ws/mute");
        if let Ok(mut socket) = open(client, &ConnectSocket::new(url), SETTINGS, random, memory, &mut told).await {
            client.unload_page();
            hear(&mut socket, &mut end).await;
        }
        Line::new("Leaving the page closes its socket with 1001.").seen(format_args!("{told}; {end}")).end();
    }

    /// There is memory for one session: the second shakes hands once the first is gone.
    async fn replaced(&mut self, client: &Calls) {
        let (mut told, mut end, mut second) = (Told::new(), Told::new(), Told::new());
        let (random, settings) = (self.trusted.usual, self.settings);
        let (url, memory) = self.prepare_socket("/ws/mute");
        if let Ok(mut socket) = open(client, &ConnectSocket::new(url), SETTINGS, random, memory, &mut told).await {
            let mut other = String::<64>::new();
            // Long enough for a port.
            let _ = expand(&mut other, "/ws/close/4002?now", &settings, "ws");
            let mut buffers = ([0; MIN_RECEIVE], [0; MIN_TRANSMIT], [0; 16]);
            let (receive, transmit, message) = (&mut buffers.0, &mut buffers.1, &mut buffers.2);
            let memory = SocketMemory { receive, transmit, message };
            join(
                async {
                    let connect = ConnectSocket::new(&other);
                    if let Ok(mut socket) = open(client, &connect, SETTINGS, random, memory, &mut second).await {
                        hear(&mut socket, &mut second).await;
                    }
                },
                async {
                    hear(&mut socket, &mut end).await;
                    drop(socket);
                },
            )
            .await;
        }
        let promise = "A second connection takes the place of the first.";
        Line::new(promise).seen(format_args!("{told}; {end}; {second}")).end();
    }

    async fn second_refused(&mut self, client: &Calls) {
        let (mut told, mut second) = (Told::new(), Told::new());
        let random = self.trusted.usual;
        let (url, memory) = self.prepare_socket("/ws/mute");
        let connect = ConnectSocket::new(url);
        if let Ok(socket) = open(client, &connect, SETTINGS, random, memory, &mut told).await {
            let mut buffers = ([0; MIN_RECEIVE], [0; MIN_TRANSMIT], [0; 16]);
            let (receive, transmit, message) = (&mut buffers.0, &mut buffers.1, &mut buffers.2);
            let memory = SocketMemory { receive, transmit, message };
            if let Err(failure) = open(client, &connect, SETTINGS, random, memory, &mut second).await {
                tell(&mut second, Failed("fail", failure.reason));
            }
            drop(socket);
        }
        let promise = "Or it is refused, where the context says so: code 2.";
        Line::new(promise).seen(format_args!("{told}; {second}")).end();
    }

    async fn stranger(&mut self, context: Context<'static>) {
        let stranger = self.trusted.stranger;
        let client = Client::new(self.sockets, context, stranger);
        let mut spare = self.trusted.spare.take();
        if let Some(memory) = &mut spare {
            let connect = ConnectSocket::new("/ws/echo");
            let step = self.told(&client, "A bad certificate is code 7,", &connect, SETTINGS);
            select(stranger.serve(memory), step).await;
        }
        self.trusted.spare = spare;
    }
}

async fn open<'m, 'a>(
    client: &'a Calls,
    connect: &ConnectSocket<'_>,
    settings: Settings,
    random: &'a dyn Random,
    memory: SocketMemory<'m>,
    told: &mut Told,
) -> Result<Open<'m, 'a>, ConnectFailure> {
    let on_open = |_: miniwire_core::http::head::Head<'_>, protocol: Option<&str>| match protocol {
        Some(name) => tell(told, format_args!("open {{protocol: {}}}", SingleQuoted(name))),
        None => tell(told, "open {}"),
    };
    client.connect_socket(connect, settings, random, memory, on_open).await
}

/// Tells all up to the Close.
async fn hear(socket: &mut Open<'_, '_>, told: &mut Told) {
    while let Some(received) = socket.recv().await {
        tell(told, Words(&received));
        if matches!(received, Received::Close { .. }) {
            return;
        }
    }
}

/// What does not fit is cut off, and the comparison will show it.
fn tell(told: &mut Told, what: impl fmt::Display) {
    let comma = if told.is_empty() { "" } else { ", " };
    let _ = write!(told, "{comma}{what}");
}

fn show(promise: &str, told: &mut Told) {
    Line::new(promise).seen(&*told).end();
    told.clear();
}

struct Words<'r, 'm>(&'r Received<'m>);

impl fmt::Display for Words<'_, '_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self.0 {
            Received::Message(message) => {
                let (data, is_buffer) = message.data().unwrap_or(("bytes", true));
                let data = SingleQuoted(Shortened(data));
                write!(f, "message {{data: {data}, isBuffer: {is_buffer}}}")
            }
            Received::Error(reason) => Failed("error", reason).fmt(f),
            Received::Close { code, reason } => {
                write!(f, "close {{code: {code}, reason: {}}}", SingleQuoted(reason))
            }
        }
    }
}

struct Failed(&'static str, Reason);

impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(how, reason) = self;
        write!(f, "{how} {{error: {}}} ({})", reason.socket_code(), reason.name())
    }
}

/// A text as long as the desktop's tour shows it.
struct Shortened<'t>(&'t str);

impl fmt::Display for Shortened<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.char_indices().nth(90) {
            Some((end, _)) => write!(f, "{}…", self.0.get(..end).unwrap_or_default()),
            None => f.write_str(self.0),
        }
    }
}
