//! A stack in this process, and a bridge from it to the test server.

use std::collections::HashMap;
use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::rc::Rc;

use embassy_net::Stack;
use embassy_net::tcp::TcpSocket;
use embassy_time::{Duration, Timer, with_timeout};
use miniwire_std::serve::Server;

use crate::on_embassy;
use crate::scenario::{Came, Scenario};
use crate::world::cable::Faults;
use crate::world::udp::{self, Name, Names};
use crate::world::{SERVER, World, clock};

/// Makes the calls one after the other, `localhost` being the server.
pub(crate) fn run(scenarios: &[Scenario], server: &Server) -> Vec<Came> {
    clock::follow_real_time();
    let mut world = World::new(1, Faults { lost: 0, doubled: 0, delay: (0, 0) });
    for address in [server.http(), server.https()] {
        for _ in 0..6 {
            world.spawn(bridge(world.server, address));
        }
    }
    let names = Names::new(HashMap::from([("localhost".to_owned(), Name::Addresses(vec![SERVER]))]).into());
    world.spawn(udp::dns(world.server, names, Rc::default()));
    let board = world.board;
    world.run(on_embassy::run(board, server.ca_pem(), scenarios))
}

/// Carries the bytes of one connection after another between the stack and the server, ends included.
async fn bridge(stack: Stack<'static>, server: SocketAddr) {
    let (mut rx, mut tx) = (vec![0; 4096], vec![0; 4096]);
    let mut socket = TcpSocket::new(stack, &mut rx, &mut tx);
    socket.set_nagle_enabled(false);
    loop {
        if socket.accept(server.port()).await.is_ok() {
            let stream = TcpStream::connect(server).expect("the server");
            stream.set_nonblocking(true).expect("a socket");
            carry(&mut socket, stream).await;
        }
        let _ = with_timeout(Duration::from_millis(200), socket.flush()).await;
        socket.abort();
        let _ = with_timeout(Duration::from_millis(200), socket.flush()).await;
    }
}

async fn carry(socket: &mut TcpSocket<'_>, mut stream: TcpStream) {
    let (mut bytes, mut back) = ([0; 2048], [0; 2048]);
    let (mut server_ended, mut client_ended) = (false, false);
    loop {
        let mut moved = false;
        if !server_ended {
            match stream.read(&mut bytes) {
                Ok(0) => {
                    socket.close();
                    server_ended = true;
                }
                Ok(read) => {
                    moved = true;
                    let mut rest = &bytes[..read];
                    while !rest.is_empty() {
                        let Ok(written) = socket.write(rest).await else { return };
                        rest = &rest[written..];
                    }
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                Err(_) => {
                    let _ = with_timeout(Duration::from_millis(200), socket.flush()).await;
                    return socket.abort();
                }
            }
        }
        if socket.can_recv() {
            let Ok(read) = socket.read(&mut back).await else { return };
            moved = true;
            let mut rest = &back[..read];
            while !rest.is_empty() {
                match stream.write(rest) {
                    Ok(written) => rest = &rest[written..],
                    Err(error) if error.kind() == ErrorKind::WouldBlock => Timer::after(Duration::from_millis(1)).await,
                    Err(_) => break,
                }
            }
        } else if !socket.may_recv() && !client_ended {
            client_ended = true;
            let _ = stream.shutdown(Shutdown::Write);
        }
        if server_ended && client_ended {
            return;
        }
        if !moved {
            Timer::after(Duration::from_micros(500)).await;
        }
    }
}
