//! The client's blocking socket as a client of the Autobahn test suite: it echoes every message of every case.
//! `tests/stages/autobahn.sh` and `tests/stages/autobahn-deflate.sh` run it.
//!
//! `autobahn_socket URL AGENT [--root FILE] [--compress kept|alone]`: over `wss` with this root alone; with compression
//! offered, each message referring back to those before or standing alone.
#![allow(clippy::print_stdout)]

use std::error::Error;
use std::time::Duration;

use miniwire_std::{Client, ConnectSocket, Parameters, Socket, SocketEvent};
use miniwire_tests::builder;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// The length of the suite's largest message.
const MAX_MESSAGE: usize = 16 << 20;
/// No case is silent for so long.
const PATIENCE: Duration = Duration::from_secs(60);

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [url, agent, options @ ..] = &arguments[..] else {
        return Err("usage: autobahn_socket URL AGENT [--root FILE] [--compress kept|alone]".into());
    };
    let (mut client, mut offer) = (builder().development(), None);
    for option in options.chunks(2) {
        match option {
            [name, file] if name == "--root" => client = client.root(&std::fs::read(file)?).only_given_roots(),
            [name, mode] if name == "--compress" => {
                let alone = mode == "alone";
                offer = Some(Parameters { client_no_context_takeover: alone, ..Parameters::DEFAULT });
            }
            other => return Err(format!("unknown: {other:?}").into()),
        }
    }
    let suite = Suite { client: client.build()?, url, offer };
    let Some(SocketEvent::Message(count)) = suite.plain("/getCaseCount").open()?.recv_timeout(PATIENCE)? else {
        return Err("the suite does not say how many cases there are".into());
    };
    let count: u32 = count.data().parse()?;
    for case in 1..=count {
        echo(suite.offering(&format!("/runCase?case={case}&agent={agent}")).open()?)?;
    }
    echo(suite.plain(&format!("/updateReports?agent={agent}")).open()?)?;
    println!("{count} cases");
    Ok(())
}

struct Suite<'s> {
    client: Client,
    url: &'s str,
    offer: Option<Parameters>,
}

impl Suite<'_> {
    fn plain(&self, path: &str) -> ConnectSocket {
        self.client.connect_socket(format!("{}{path}", self.url)).max_message(MAX_MESSAGE)
    }

    fn offering(&self, path: &str) -> ConnectSocket {
        match self.offer {
            Some(offer) => self.plain(path).compress_with(offer),
            None => self.plain(path),
        }
    }
}

/// Sends every message back until the socket ends, in whatever way: what the suite thinks of it is in its report.
fn echo(mut socket: Socket) -> Result<()> {
    while let Some(event) = socket.recv_timeout(PATIENCE)? {
        if let SocketEvent::Message(message) = event {
            // A socket that is closing takes none.
            let _ = socket.send(message);
        }
    }
    Ok(())
}
