//! Kept connections, and what becomes of connections that nobody wants any more.

mod world;

use embassy_time::{Duration, Timer};
use miniwire_core::reason::Reason;
use miniwire_core::request::Request;
use miniwire_embassy::{Client, NoTls, SocketMemory, Sockets};

use world::cable::Faults;
use world::clock;
use world::http::{Seen, Server, Step, answer, ok};
use world::site::{Site, context, send, site};

const URL: &str = "http://192.168.69.2/json";

fn with_client<T>(site: &mut Site, test: impl AsyncFnOnce(&Client<'_, '_, NoTls, 2>, &Sockets<'_, 2>) -> T) -> T {
    let board = site.world.board;
    site.world.run(async move {
        let mut memory = SocketMemory::<2, 1536, 1024>::new();
        let sockets = Sockets::new(board, &mut memory);
        let client = Client::plain(&sockets, context());
        test(&client, &sockets).await
    })
}

async fn pass(ms: u64) {
    Timer::after(Duration::from_millis(ms)).await;
}

#[test]
fn req_16_a_connection_is_kept_and_used_again() {
    let mut site = site(1, Faults::NONE);
    let server = site.server.clone();
    with_client(&mut site, async |client, sockets| {
        for _ in 0..10 {
            assert!(send(client, &Request::new(URL)).await.is_ok());
            pass(1000).await;
        }
        assert_eq!(sockets.idle(), (1, 1));
    });
    assert_eq!(server.connections.get(), 1);
}

#[test]
fn req_16_an_idle_connection_is_closed_after_its_time_by_itself() {
    let mut site = site(2, Faults::NONE);
    let server = site.server.clone();
    with_client(&mut site, async |client, _| {
        assert!(send(client, &Request::new(URL)).await.is_ok());
        pass(59_000).await;
        assert_eq!(server.open.get(), 1);
        pass(3000).await;
        assert_eq!(server.open.get(), 0, "the server knows");
        assert!(send(client, &Request::new(URL)).await.is_ok());
        assert_eq!(server.connections.get(), 2);
    });
}

#[test]
fn req_16_a_connection_that_the_server_has_closed_is_not_used() {
    let mut site = site(3, Faults::NONE);
    let server = site.server.clone();
    with_client(&mut site, async |client, _| {
        for restarts in 1..4 {
            assert!(send(client, &Request::new(URL)).await.is_ok());
            server.restarts.set(restarts);
            pass(2000).await;
        }
    });
    assert_eq!(server.connections.get(), 3);
}

#[test]
fn req_16_bytes_that_nobody_asked_for_spoil_a_kept_connection() {
    let mut site = site(4, Faults::NONE);
    let script = |seen: &Seen| match seen.path() {
        "/late" => {
            let smuggled = Step::Send(answer("200 OK", "", b"\"smuggled\""));
            vec![Step::Send(answer("200 OK", "", b"1")), Step::Wait(100), smuggled]
        }
        _ => ok("2"),
    };
    let server = Server::start(&mut site.world.executor, site.world.server, 8080, 3, script);
    with_client(&mut site, async |client, _| {
        assert_eq!(send(client, &Request::new("http://192.168.69.2:8080/late")).await, Ok((200, "1".into())));
        pass(500).await;
        assert_eq!(send(client, &Request::new("http://192.168.69.2:8080/")).await, Ok((200, "2".into())));
    });
    assert_eq!(server.connections.get(), 2);
}

#[test]
fn req_16_a_kept_connection_that_dies_unheard_is_replaced_once() {
    let mut site = site(5, Faults::NONE);
    let script = |seen: &Seen| match seen.path() {
        "/first" => ok("1"),
        "/reset" => vec![Step::Reset],
        _ => ok("2"),
    };
    let server = Server::start(&mut site.world.executor, site.world.server, 8080, 3, script);
    let (cable, restarts) = (site.world.cable.clone(), server.restarts.clone());
    with_client(&mut site, async |client, _| {
        assert!(send(client, &Request::new("http://192.168.69.2:8080/first")).await.is_ok());
        // The server restarts while the cable is out: the client cannot know.
        cable.set_up(false);
        restarts.set(1);
        pass(2000).await;
        cable.set_up(true);
        pass(10).await;
        assert_eq!(send(client, &Request::new("http://192.168.69.2:8080/")).await, Ok((200, "2".into())));
        // One that dies twice is not tried a third time.
        assert_eq!(
            send(client, &Request::new("http://192.168.69.2:8080/reset")).await,
            Err((12, Reason::ConnectionLost, None))
        );
    });
    assert_eq!(server.connections.get(), 3);
}

#[test]
fn req_16_a_kept_connection_makes_way_where_every_socket_is_taken() {
    let mut site = site(6, Faults::NONE);
    let mut servers = Vec::new();
    for port in 8080..8083 {
        servers.push(Server::start(&mut site.world.executor, site.world.server, port, 2, |_| ok("1")));
    }
    with_client(&mut site, async |client, sockets| {
        for port in [8080, 8081, 8082, 8081, 8082, 8080] {
            let url = format!("http://192.168.69.2:{port}/");
            assert!(send(client, &Request::new(&url)).await.is_ok());
        }
        assert_eq!(sockets.idle().0, 0, "both are kept");
        pass(100).await;
        let open: Vec<_> = servers.iter().map(|server| server.open.get()).collect();
        assert_eq!(open, [1, 0, 1], "the oldest was closed");
        let connections: Vec<_> = servers.iter().map(|server| server.connections.get()).collect();
        assert_eq!(connections, [2, 1, 1]);
    });
}

#[test]
fn req_16_a_connection_of_an_address_that_is_gone_is_not_used() {
    let mut site = site(7, Faults::NONE);
    let (board, server) = (site.world.board, site.server.clone());
    with_client(&mut site, async |client, _| {
        assert!(send(client, &Request::new(URL)).await.is_ok());
        let config = world::fixed(embassy_net::Ipv4Address::new(192, 168, 69, 7));
        board.set_config_v4(config.ipv4);
        let start = clock::now_ms();
        assert!(send(client, &Request::new(URL)).await.is_ok());
        // Two stacks that ask for each other's hardware address take a while.
        assert!(clock::now_ms() - start < 5000);
    });
    assert_eq!(server.connections.get(), 2);
}

#[test]
fn ctx_06_shutting_down_closes_what_is_kept() {
    let mut site = site(8, Faults::NONE);
    let server = site.server.clone();
    with_client(&mut site, async |client, sockets| {
        assert!(send(client, &Request::new(URL)).await.is_ok());
        assert_eq!(server.open.get(), 1);
        client.shut_down();
        pass(10).await;
        assert_eq!((server.open.get(), sockets.idle()), (0, (2, 2)));
        assert_eq!(send(client, &Request::new(URL)).await, Err((1, Reason::Unloaded, None)));
    });
}
