//! Two days of a board's life: leases that run out, cables that are pulled, servers that restart, and calls all the while.
#![allow(clippy::print_stdout)] // The figures are for the reader.

mod world;

use std::cell::Cell;
use std::collections::{BTreeMap, HashMap};
use std::pin::pin;
use std::rc::Rc;
use std::task::Poll;

use embassy_net::{Config, Ipv4Address};
use embassy_time::{Duration, Timer, with_timeout};
use miniwire_core::media::FileType;
use miniwire_core::multipart::Boundary;
use miniwire_core::reason::Reason;
use miniwire_core::request::Request;
use miniwire_core::storage::Bytes;
use miniwire_core::upload::Upload;
use miniwire_embassy::{AbortHandle, Client, NoTls, SocketMemory, Sockets};

use world::cable::{Cable, Faults, Random};
use world::http::{Server, ok};
use world::site::{self, Buffers, context, send};
use world::udp::{self, Dhcp, Name, Names};
use world::{World, clock};

const DAYS: u64 = 2;
const DAY_MS: u64 = 24 * 3600 * 1000;
const LEASE_SECONDS: u32 = 600;
const SEED: u64 = 20_261_122;

const PATHS: [&str; 12] = [
    "/json",
    "/json",
    "/json",
    "/moved",
    "/large",
    "/missing",
    "/reset",
    "/cut",
    "/until-closed",
    "/drip",
    "/hang",
    "/slow",
];

/// How calls ended, counted.
type Tally = BTreeMap<String, u64>;

async fn pass(ms: u64) {
    Timer::after(Duration::from_millis(ms)).await;
}

/// One call of many kinds. Whatever happens, it ends when it must.
async fn call(client: &Client<'_, '_, NoTls, 2>, random: &mut Random, tally: &mut Tally) {
    let path = PATHS[random.below(PATHS.len() as u64) as usize];
    let host = ["192.168.69.2", "192.168.69.2:8080", "device.test", "device.test", "missing.test", "192.168.69.99"]
        [random.below(6) as usize];
    let (url, timeout) = (format!("http://{host}{path}"), 1 + random.below(15_000));
    let request = Request::new(&url).timeout(timeout as u32);
    let (mut buffers, abort, start) = (Buffers::new(), AbortHandle::new(), clock::now_ms());
    let after = Duration::from_millis(random.below(3000));
    let ended = match random.below(8) {
        0 => match with_timeout(after, client.request(&request, buffers.memory())).await {
            Ok(ended) => ended.map(|_| ()).map_err(|failure| failure.reason),
            Err(_) => {
                *tally.entry("dropped".into()).or_default() += 1;
                return;
            }
        },
        1 => {
            let mut aborting = pin!(Timer::after(after));
            let mut call = pin!(client.abortable(&abort).request(&request, buffers.memory()));
            std::future::poll_fn(|context| {
                if aborting.as_mut().poll(context).is_ready() {
                    abort.abort();
                }
                call.as_mut().poll(context)
            })
            .await
            .map(|_| ())
            .map_err(|failure| failure.reason)
        }
        2 => {
            let (url, file) = (format!("http://{host}/echo"), vec![0x5a; random.below(20_000) as usize]);
            let upload = Upload::new(&url, FileType::Image, "f", Boundary::new([1; 16])).file("f.jpg", 0);
            let ended = client.upload_file(&upload, &mut Bytes::new(&file), buffers.memory(), |_| {}).await;
            assert!(clock::now_ms() - start <= 30_000, "an upload took longer than it may");
            *tally.entry(format!("upload {:?}", ended.map(|_| ()).map_err(|failure| failure.reason))).or_default() += 1;
            return;
        }
        _ => client.request(&request, buffers.memory()).await.map(|_| ()).map_err(|failure| failure.reason),
    };
    assert!(clock::now_ms() - start <= timeout, "{url} took longer than it may");
    *tally.entry(format!("{ended:?}")).or_default() += 1;
}

async fn life(client: &Client<'_, '_, NoTls, 2>, seed: u64) -> Tally {
    let (mut random, mut tally) = (Random(seed), Tally::new());
    while clock::now_ms() < DAYS * DAY_MS {
        call(client, &mut random, &mut tally).await;
        let longest = if random.below(20) == 0 { 300_000 } else { 80_000 };
        pass(random.below(longest)).await;
        if random.below(200) == 0 {
            client.unload_page();
        }
    }
    tally
}

/// What happens to the network.
async fn trouble(cable: Cable, servers: [Server; 2], dhcp: Rc<Dhcp>) {
    let mut random = Random(SEED ^ 1);
    while clock::now_ms() < DAYS * DAY_MS {
        pass(random.below(600_000)).await;
        match random.below(5) {
            0 => {
                cable.set_up(false);
                pass(random.below(120_000)).await;
                cable.set_up(true);
            }
            1 => servers.iter().for_each(|server| server.restarts.set(server.restarts.get() + 1)),
            2 => {
                cable.set_faults(Faults::MANY);
                pass(random.below(300_000)).await;
                cable.set_faults(Faults::NONE);
            }
            3 => dhcp.address.set(Ipv4Address::new(192, 168, 69, 10 + random.below(20) as u8)),
            _ => {
                // Every frame is lost, and nobody is told.
                cable.set_faults(Faults { lost: 1000, ..Faults::NONE });
                pass(random.below(60_000)).await;
                cable.set_faults(Faults::NONE);
            }
        }
    }
    cable.set_faults(Faults::NONE);
    cable.set_up(true);
}

#[test]
fn core_04_two_days_of_calls_leave_nothing_leaked_stuck_or_panicked() {
    let mut world = World::with_board(SEED, Faults::NONE, Config::dhcpv4(Default::default()));
    let site = Server::start(&mut world.executor, world.server, 80, 8, site::routes);
    let other = Server::start(&mut world.executor, world.server, 8080, 8, |_| ok("1"));
    let names = Names::new(HashMap::from([("device.test".to_owned(), Name::Addresses(vec![world::SERVER]))]).into());
    world.spawn(udp::dns(world.server, names, Rc::default()));
    let address = Cell::new(Ipv4Address::new(192, 168, 69, 10));
    let dhcp = Rc::new(Dhcp { address, lease_seconds: LEASE_SECONDS, granted: Cell::new(0) });
    world.spawn(udp::dhcp(world.server, Rc::clone(&dhcp)));
    world.spawn(trouble(world.cable.clone(), [site.clone(), other.clone()], Rc::clone(&dhcp)));
    let (board, cable) = (world.board, world.cable.clone());
    let tallies = world.run(async move {
        let mut memory = SocketMemory::<2, 8192, 2048>::new();
        let sockets = Sockets::new(board, &mut memory);
        let client = Client::plain(&sockets, context());
        let lives = [life(&client, SEED ^ 2), life(&client, SEED ^ 3)];
        let mut lives = lives.map(Box::pin);
        let mut tallies = [None, None];
        std::future::poll_fn(|context| {
            for (tally, life) in tallies.iter_mut().zip(&mut lives) {
                if tally.is_none()
                    && let Poll::Ready(found) = life.as_mut().poll(context)
                {
                    *tally = Some(found);
                }
            }
            if tallies.iter().all(Option::is_some) { Poll::Ready(()) } else { Poll::Pending }
        })
        .await;
        // Once the network is well again, so is the client.
        pass(1_200_000).await;
        let request = Request::new("http://device.test/json");
        assert_eq!(send(&client, &request).await, Ok((200, r#"{"a":1}"#.into())));
        client.shut_down();
        pass(100_000).await;
        assert_eq!(sockets.idle(), (2, 2), "a socket is gone, or still has something to say");
        assert_eq!((site.open.get(), other.open.get()), (0, 0), "a connection was left open");
        tallies
    });
    let mut all = Tally::new();
    for (ended, count) in tallies.into_iter().flatten().flatten() {
        *all.entry(ended).or_default() += count;
    }
    let frames = cable.counts();
    println!("{} s; {} leases; frames sent, lost, doubled: {frames:?}", clock::now_ms() / 1000, dhcp.granted.get());
    println!("{all:#?}");
    assert!(clock::now_ms() >= DAYS * DAY_MS);
    assert!(dhcp.granted.get() > 300, "leases were renewed");
    let count = |ended: &str| all.get(ended).copied().unwrap_or(0);
    assert!(count("Ok(())") > 1000);
    for reason in [
        Reason::Connect,
        Reason::Dns,
        Reason::Timeout,
        Reason::Aborted,
        Reason::ConnectionLost,
        Reason::ConnectionClosed,
        Reason::HttpStatus,
    ] {
        assert!(count(&format!("{:?}", Err::<(), _>(reason))) > 20, "{reason:?} is rare");
    }
}
