//! A site on the far side, and what a test needs to call it.

use std::collections::HashMap;
use std::rc::Rc;

use miniwire_core::context::Context;
use miniwire_core::drive::Memory;
use miniwire_core::policy::Policy;
use miniwire_core::reason::Reason;
use miniwire_core::request::Request;
use miniwire_embassy::{Client, Secure, SocketMemory, Sockets};

use super::cable::Faults;
use super::http::{Seen, Server, Step, answer, ok};
use super::udp::{self, Name, Names};
use super::{SERVER, World, clock};

/// What came of a call.
pub(crate) type Came = Result<(u16, String), (u8, Reason, Option<u16>)>;

pub(crate) fn context() -> Context<'static> {
    Context::new("2021000000000001", "1.0.0", Policy::development()).unwrap()
}

pub(crate) struct Buffers {
    pub(crate) receive: Vec<u8>,
    pub(crate) transmit: Vec<u8>,
    pub(crate) redirect: Vec<u8>,
    pub(crate) head: Vec<u8>,
    pub(crate) body: Vec<u8>,
}

impl Buffers {
    pub(crate) fn new() -> Self {
        let zeroed = |bytes| vec![0; bytes];
        Self {
            receive: zeroed(1024),
            transmit: zeroed(256),
            redirect: zeroed(512),
            head: zeroed(1024),
            body: zeroed(65536),
        }
    }

    pub(crate) fn memory(&mut self) -> Memory<'_> {
        let Self { receive, transmit, redirect, head, body } = self;
        Memory { receive, transmit, redirect, head, body }
    }
}

pub(crate) async fn send<'s, 'd, S: Secure<'s, 'd>, const N: usize>(
    client: &Client<'s, 'd, S, N>,
    request: &Request<'_>,
) -> Came {
    let mut buffers = Buffers::new();
    match client.request(request, buffers.memory()).await {
        Ok(response) => Ok((response.status(), response.text().to_owned())),
        Err(failure) => Err((failure.code(), failure.reason, failure.response.map(|response| response.status()))),
    }
}

pub(crate) fn routes(seen: &Seen) -> Vec<Step> {
    match seen.path() {
        "/json" => ok(r#"{"a":1}"#),
        "/echo" => ok(&seen.body),
        "/count" => ok(seen.body.len().to_string()),
        "/large" => ok(vec![b'x'; 60_000]),
        "/missing" => vec![Step::Send(answer("404 Not Found", "", b"\"gone\""))],
        "/busy" => vec![Step::Send(answer("429 Too Many Requests", "", b""))],
        // Its body has not been read, and will not be.
        "/early" => vec![Step::Send(answer("413 Content Too Large", "", b"\"too much\"")), Step::Wait(600_000)],
        "/moved" => vec![Step::Send(answer("302 Found", "Location: /json\r\n", b""))],
        "/reset" => vec![Step::Reset],
        "/cut" => vec![Step::Send(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n[1, ".to_vec()), Step::Close],
        "/cut-by-reset" => {
            vec![Step::Send(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n[1, ".to_vec()), Step::Wait(100), Step::Reset]
        }
        "/until-closed" => vec![Step::Send(b"HTTP/1.1 200 OK\r\n\r\n[1]".to_vec()), Step::Close],
        "/drip" => vec![Step::Drip(answer("200 OK", "", br#""drop by drop""#), 200)],
        "/drip-for-ever" => vec![Step::Drip(answer("200 OK", "", &[b' '; 60_000]), 1000)],
        "/hang" => vec![Step::Hang],
        "/slow" => vec![Step::Wait(5000), Step::Send(answer("200 OK", "", b"5"))],
        _ => vec![Step::Send(answer("400 Bad Request", "", b""))],
    }
}

pub(crate) struct Site {
    pub(crate) world: World,
    pub(crate) server: Server,
    pub(crate) names: Names,
}

pub(crate) fn site(seed: u64, faults: Faults) -> Site {
    let mut world = World::new(seed, faults);
    let server = Server::start(&mut world.executor, world.server, 80, 6, routes);
    let names = Names::new(HashMap::from([("device.test".to_owned(), Name::Addresses(vec![SERVER]))]).into());
    world.spawn(udp::dns(world.server, Rc::clone(&names), Rc::default()));
    Site { world, server, names }
}

impl Site {
    /// Makes a call with a client of its own; how it ended, and after how many milliseconds.
    pub(crate) fn call(&mut self, request: &Request<'_>) -> (Came, u64) {
        let board = self.world.board;
        self.world.run(async move {
            let mut memory = SocketMemory::<2, 8192, 1024>::new();
            let sockets = Sockets::new(board, &mut memory);
            let client = Client::plain(&sockets, context());
            let start = clock::now_ms();
            let came = send(&client, request).await;
            (came, clock::now_ms() - start)
        })
    }

    pub(crate) fn get(&mut self, path: &str) -> Came {
        self.call(&Request::new(&format!("http://192.168.69.2{path}"))).0
    }
}
