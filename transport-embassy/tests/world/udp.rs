//! DNS and DHCP servers, as far as a client's tests need them.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;

use embassy_net::udp::{PacketMetadata, UdpSocket};
use embassy_net::{Ipv4Address, Stack};

use super::SERVER;

/// What the DNS server says of a name.
#[derive(Clone, Debug)]
pub(crate) enum Name {
    Addresses(Vec<Ipv4Address>),
    /// It is an alias of itself.
    Loop,
    /// No answer at all.
    Silence,
    /// An answer that is cut short.
    Garbage,
}

/// The names that there are; all others do not exist.
pub(crate) type Names = Rc<RefCell<HashMap<String, Name>>>;

async fn serve_udp(stack: Stack<'static>, port: u16, mut answer: impl FnMut(&[u8]) -> Option<(Vec<u8>, bool)>) {
    let (mut rx, mut tx) = (vec![0; 4096], vec![0; 4096]);
    let (mut rx_meta, mut tx_meta) = ([PacketMetadata::EMPTY; 8], [PacketMetadata::EMPTY; 8]);
    let mut socket = UdpSocket::new(stack, &mut rx_meta, &mut rx, &mut tx_meta, &mut tx);
    socket.bind(port).expect("a free port");
    let mut packet = [0; 1500];
    loop {
        let Ok((length, from)) = socket.recv_from(&mut packet).await else { continue };
        if let Some((reply, broadcast)) = answer(&packet[..length]) {
            let to = if broadcast { (Ipv4Address::BROADCAST, 68).into() } else { from.endpoint };
            let _ = socket.send_to(&reply, to).await;
        }
    }
}

pub(crate) async fn dns(stack: Stack<'static>, names: Names, queries: Rc<Cell<u64>>) {
    serve_udp(stack, 53, move |query| {
        queries.set(queries.get() + 1);
        dns_answer(query, &names.borrow()).map(|reply| (reply, false))
    })
    .await;
}

fn dns_answer(query: &[u8], names: &HashMap<String, Name>) -> Option<Vec<u8>> {
    let mut labels = Vec::new();
    let mut at = 12;
    while let Some(length @ 1..) = query.get(at).copied().map(usize::from) {
        labels.push(String::from_utf8(query.get(at + 1..at + 1 + length)?.to_vec()).ok()?);
        at += 1 + length;
    }
    let question = query.get(12..at + 5)?;
    let name = names.get(&labels.join(".").to_ascii_lowercase());
    let (code, addresses, alias) = match name {
        None => (3, &[][..], false),
        Some(Name::Silence) => return None,
        Some(Name::Garbage) => return Some(query.get(..14)?.to_vec()),
        Some(Name::Loop) => (0, &[][..], true),
        Some(Name::Addresses(addresses)) => (0, &addresses[..], false),
    };
    let count = addresses.len() as u8 + u8::from(alias);
    let mut reply = query.get(..2)?.to_vec();
    reply.extend([0x81, 0x80 | code, 0, 1, 0, count, 0, 0, 0, 0]);
    reply.extend(question);
    for address in addresses {
        reply.extend([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4]);
        reply.extend(address.octets());
    }
    if alias {
        reply.extend([0xc0, 12, 0, 5, 0, 1, 0, 0, 0, 60, 0, 2, 0xc0, 12]);
    }
    Some(reply)
}

/// Hands out an address.
pub(crate) struct Dhcp {
    pub(crate) address: Cell<Ipv4Address>,
    pub(crate) lease_seconds: u32,
    /// Requests that were granted.
    pub(crate) granted: Cell<u64>,
}

pub(crate) async fn dhcp(stack: Stack<'static>, server: Rc<Dhcp>) {
    serve_udp(stack, 67, move |packet| {
        let reply = dhcp_answer(packet, &server)?;
        Some((reply, true))
    })
    .await;
}

fn dhcp_answer(packet: &[u8], server: &Dhcp) -> Option<Vec<u8>> {
    let options = packet.get(240..)?;
    let mut at = 0;
    let (mut kind, mut asked) = (0, None);
    while let [code @ 1..=254, length, ..] = options.get(at..)? {
        let value = options.get(at + 2..at + 2 + usize::from(*length))?;
        match (code, value) {
            (53, [value]) => kind = *value,
            (50, &[a, b, c, d]) => asked = Some(Ipv4Address::new(a, b, c, d)),
            _ => {}
        }
        at += 2 + value.len();
    }
    // While renewing, the address stands in the header.
    let held = Ipv4Address::new(packet[12], packet[13], packet[14], packet[15]);
    let wanted = asked.unwrap_or(held);
    let address = server.address.get();
    let answer = match kind {
        1 => 2,
        3 if wanted == address => {
            server.granted.set(server.granted.get() + 1);
            5
        }
        3 => 6,
        _ => return None,
    };
    let mut reply = vec![0; 240];
    reply[..4].copy_from_slice(&[2, 1, 6, 0]);
    reply[4..8].copy_from_slice(&packet[4..8]);
    reply[10] = 0x80;
    if answer != 6 {
        reply[16..20].copy_from_slice(&address.octets());
    }
    reply[20..24].copy_from_slice(&SERVER.octets());
    reply[28..34].copy_from_slice(&packet[28..34]);
    reply[236..].copy_from_slice(&[0x63, 0x82, 0x53, 0x63]);
    reply.extend([53, 1, answer, 54, 4]);
    reply.extend(SERVER.octets());
    if answer != 6 {
        reply.extend([51, 4]);
        reply.extend(server.lease_seconds.to_be_bytes());
        reply.extend([1, 4, 255, 255, 255, 0, 6, 4]);
        reply.extend(SERVER.octets());
    }
    reply.push(255);
    Some(reply)
}
