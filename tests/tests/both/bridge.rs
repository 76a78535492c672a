//! A board in this process, and a bridge from its network to servers of the system's.

use std::collections::HashMap;
use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::rc::Rc;

use embassy_net::Stack;
use embassy_net::tcp::{State, TcpSocket};
use embassy_time::{Duration, Timer, with_timeout};

use crate::world::cable::Faults;
use crate::world::udp::{self, Name, Names};
use crate::world::{SERVER, World, clock};

/// A board on a good cable, with names that lead to the servers at these addresses, so many connections to each at once.
pub(crate) fn world(names: &[&str], addresses: &[SocketAddr], connections: usize) -> World {
    clock::follow_real_time();
    let mut world = World::with_servers(1, Faults { lost: 0, doubled: 0, delay: (0, 0) });
    for address in addresses {
        for _ in 0..connections {
            world.spawn(bridge(world.server, *address));
        }
    }
    let names = names.iter().map(|name| ((*name).to_owned(), Name::Addresses(vec![SERVER])));
    world.spawn(udp::dns(world.server, Names::new(names.collect::<HashMap<_, _>>().into()), Rc::default()));
    world
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
            stream.set_nodelay(true).expect("a socket");
            carry(&mut socket, stream).await;
        }
        let _ = with_timeout(Duration::from_millis(200), socket.flush()).await;
        socket.abort();
        let _ = with_timeout(Duration::from_millis(200), socket.flush()).await;
    }
}

/// Neither direction waits for the other.
async fn carry(socket: &mut TcpSocket<'_>, mut stream: TcpStream) {
    let (mut bytes, mut to_client, mut to_server) = ([0; 2048], Vec::new(), Vec::new());
    let (mut server_ended, mut client_ended) = (false, false);
    loop {
        let mut moved = false;
        if to_client.is_empty() && !server_ended {
            match stream.read(&mut bytes) {
                Ok(0) => {
                    socket.close();
                    server_ended = true;
                }
                Ok(read) => to_client.extend_from_slice(&bytes[..read]),
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                Err(_) => {
                    let _ = with_timeout(Duration::from_millis(200), socket.flush()).await;
                    return socket.abort();
                }
            }
        }
        if !to_client.is_empty() && (socket.can_send() || !socket.may_send()) {
            let Ok(written) = socket.write(&to_client).await else { return };
            to_client.drain(..written);
            moved = true;
        }
        if to_server.is_empty() && socket.can_recv() {
            let Ok(read) = socket.read(&mut bytes).await else { return };
            to_server.extend_from_slice(&bytes[..read]);
        }
        if !to_server.is_empty() {
            match stream.write(&to_server) {
                Ok(written) => {
                    to_server.drain(..written);
                    moved = true;
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                // It reads no more, and what it has said is still to be heard.
                Err(_) => to_server.clear(),
            }
        }
        if to_server.is_empty() && !socket.may_recv() && !client_ended {
            if !server_ended && socket.state() == State::Closed {
                // A reset.
                return;
            }
            client_ended = true;
            let _ = stream.shutdown(Shutdown::Write);
        }
        if server_ended && client_ended {
            return;
        }
        if !moved {
            Timer::after(Duration::from_millis(1)).await;
        }
    }
}
