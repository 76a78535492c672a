//! Sockets to the servers of `tests/stages/websocket_peers.py`, with TLS and without, directly, behind nginx and through
//! a proxy.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use miniwire_core::reason::Reason;
use serde::Deserialize;

use crate::scenario::{Do, Rules, Scenario, close, socket, text};

/// What `websocket_peers.py` says of its servers.
#[derive(Deserialize)]
pub(crate) struct Listed {
    peers: Vec<Peer>,
    refusing: Vec<Refusing>,
    locked: Peer,
}

#[derive(Deserialize)]
struct Peer {
    #[serde(default)]
    name: String,
    url: String,
    proxy: Option<String>,
    /// It agrees to compress.
    #[serde(default)]
    deflate: bool,
}

#[derive(Deserialize)]
struct Refusing {
    url: String,
    status: u16,
}

/// The longest message.
const MESSAGE: usize = 70_000;

pub(crate) fn all(listed: &Listed) -> Vec<Scenario> {
    let mut all = Vec::new();
    for peer in &listed.peers {
        all.extend([peer.sizes(), peer.fragments(), peer.both(), peer.closes(), peer.pings(), peer.chooses()]);
        let compressible = [peer.sizes(), peer.fragments(), peer.both(), peer.closes()];
        all.extend(compressible.map(|talks| peer.asked_to_compress(talks)));
    }
    for Refusing { url, status } in &listed.refusing {
        all.push(socket(&format!("{status}:"), url).fails(8, Reason::NotUpgraded, *status));
    }
    let locked = socket("a proxy without credentials:", &listed.locked.url).rules(listed.locked.rules());
    all.push(locked.fails(1, Reason::ProxyRefused, 407));
    all
}

/// One server with TLS, and one that compresses.
pub(crate) fn over_a_poor_line(listed: &Listed) -> Vec<Scenario> {
    let mut all = Vec::new();
    for peer in listed.peers.iter().skip(1).take(2) {
        let talks = [peer.fragments(), peer.both(), peer.closes()];
        all.extend(talks.map(|talks| if peer.deflate { peer.asked_to_compress(talks) } else { talks }));
    }
    all
}

impl Peer {
    fn talks(&self, what: &str, path: &str) -> Scenario {
        socket(&format!("{}: {what}:", self.name), &format!("{}{path}", self.url)).rules(self.rules())
    }

    fn asked_to_compress(&self, talks: Scenario) -> Scenario {
        let mut talks = talks.set(|it| it.compress = true);
        talks.promise += " compressed";
        if let Some(open) = talks.lines.first_mut().filter(|_| self.deflate) {
            *open += " compressed";
        }
        talks
    }

    /// Through the proxy, which is of this host.
    fn rules(&self) -> Rules {
        let Some(url) = &self.proxy else { return Rules::Development };
        // There are a few in the life of this process.
        let url: &'static str = url.strip_prefix("http://").expect("a proxy").to_owned().leak();
        let (credentials, address) = url.rsplit_once('@').map_or((None, url), |(user, address)| (Some(user), address));
        let (_, port) = address.rsplit_once(':').expect("a port");
        Rules::Through(port.parse().expect("a port"), credentials)
    }

    /// Text, bytes, and nothing, up to more than any buffer holds but the message's.
    fn sizes(&self) -> Scenario {
        let contents = [0, 1, 125, 126, 4096, 65_535, 65_536, MESSAGE].map(|size| {
            let bytes: Vec<u8> = (0..size).map(|at: usize| (at * 7 + at / 251) as u8).collect();
            (bytes, "a\u{e9}\u{20ac}\u{1f600}".repeat(size / 10))
        });
        echoed(self.talks("messages of every size", "/echo"), contents)
    }

    fn fragments(&self) -> Scenario {
        let contents = [0, 3, 100, 1000].map(|length| {
            let text = "\u{e9}\u{20ac}\u{1f600}".repeat(length);
            (text.clone().into_bytes(), text)
        });
        echoed(self.talks("random fragments", "/echo?seed=7&most=300&delay=0.001"), contents)
    }

    /// Both sides send at once; the server says what it got.
    fn both(&self) -> Scenario {
        const COUNT: usize = 100;
        let suite = rustls::crypto::ring::cipher_suite::TLS13_AES_128_GCM_SHA256.tls13().expect("SHA-256");
        let mut hash = suite.common.hash_provider.start();
        let (mut steps, mut lines, mut sent) = (Vec::new(), Vec::new(), 0);
        for index in 0..COUNT {
            let message: Vec<u8> = (0..index * 31).map(|at| (at * 3 + index) as u8).collect();
            hash.update(&message);
            sent += message.len();
            steps.extend([Do::Bytes(message), Do::HearNow]);
            lines.push(bytes_came(&theirs(index)));
        }
        steps.push(text("end"));
        let hash: String = hash.finish().as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
        let report = format!(r#"{{"messages":{COUNT},"bytes":{sent},"sha256":"{hash}"}}"#);
        lines.extend([format!("message {report} false"), "close 1000 ".into()]);
        self.talks("both directions at once", &format!("/both/{COUNT}?size=3000&seed=3")).does(steps).tells(lines)
    }

    fn closes(&self) -> Scenario {
        let talks = self.talks("the server closes", "/close/4321?reason=so%20long");
        talks.does([text("go on")]).tells(["close 4321 so long"])
    }

    fn pings(&self) -> Scenario {
        self.talks("pings", "/ping/20").tells(["message 20 false", "close 1000 "])
    }

    fn chooses(&self) -> Scenario {
        let talks = self.talks("subprotocols", "/echo").does([close(3000, "enough")]).tells(["close 3000 enough"]);
        talks.set(|it| it.protocols = vec!["unheard-of", "chat"]).agrees("chat")
    }
}

/// The messages, each as bytes and as text, come back before the client closes.
fn echoed(talks: Scenario, contents: impl IntoIterator<Item = (Vec<u8>, String)>) -> Scenario {
    let (mut steps, mut lines) = (Vec::new(), Vec::new());
    for (bytes, text) in contents {
        lines.extend([bytes_came(&bytes), format!("message {text} false")]);
        steps.extend([Do::Bytes(bytes), Do::Hear, Do::Text(text), Do::Hear]);
    }
    steps.push(close(3000, "enough"));
    lines.push("close 3000 enough".into());
    talks.does(steps).tells(lines)
}

fn bytes_came(bytes: &[u8]) -> String {
    format!("message {} true", STANDARD.encode(bytes))
}

/// The server's message of this number, of 3000 bytes, with seed 3.
fn theirs(index: usize) -> Vec<u8> {
    let mut bytes: Vec<u8> = (0..3000).map(|at| (3 + index + at) as u8).collect();
    let number = u32::try_from(index).unwrap_or(u32::MAX).to_be_bytes();
    bytes.iter_mut().zip(number).for_each(|(byte, digit)| *byte = digit);
    bytes
}
