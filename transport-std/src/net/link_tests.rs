use std::io::{Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use embedded_io::{Read, Write};

use super::*;
use crate::net::clock::Clock;
use crate::net::testing::{
    Identity, Signer, TlsPeer, authority, echo, idle, leaf, promptly, serve, serve_tls, serve_tls_versions,
};
use crate::net::tls::TlsOptions;

const ROUTE: Route<'_> = Route { secure: true, host: "a.test", port: 443, proxy: None };

fn connect(address: SocketAddr, clock: Clock) -> NetLink {
    let mut link = NetLink::new(Socket::new(TcpStream::connect(address).unwrap(), clock), &ROUTE);
    link.set_deadline(clock.now().after(5000));
    link
}

fn plain(server: impl Fn(TcpStream) + Send + Sync + 'static) -> NetLink {
    connect(serve(server), Clock::start())
}

fn identity() -> (Identity, Arc<ClientConfig>) {
    let root = Signer::root(authority("root"));
    let mut options = TlsOptions::new();
    options.only_given_roots();
    options.add_root(&root.der).unwrap();
    (root.identity(&leaf(&["a.test"]), &[]), options.config().unwrap())
}

fn secure(server: impl Fn(TlsPeer) + Send + Sync + 'static) -> NetLink {
    let (identity, config) = identity();
    connect(serve_tls(&identity, server), Clock::start()).secure(&config, "a.test").unwrap()
}

/// Reads until the end of the stream or an error.
fn read_to_end(link: &mut NetLink) -> (Vec<u8>, Result<(), ErrorKind>) {
    let (mut all, mut buf) = (Vec::new(), [0; 5000]);
    loop {
        match Read::read(link, &mut buf) {
            Ok(0) => return (all, Ok(())),
            Ok(n) => all.extend_from_slice(&buf[..n]),
            Err(error) => return (all, Err(error)),
        }
    }
}

fn eventually(mut what: impl FnMut() -> bool) -> bool {
    (0..500).any(|_| {
        thread::sleep(Duration::from_millis(1));
        what()
    })
}

/// Sends a lot and expects it back, unharmed.
fn echoes(mut link: NetLink) {
    let sent: Vec<u8> = (0..200_000_u32).map(|n| (n % 251) as u8).collect();
    let (mut back, mut buf) = (Vec::new(), [0; 7000]);
    for piece in sent.chunks(50_000) {
        let mut rest = piece;
        while !rest.is_empty() {
            let n = Write::write(&mut link, rest).unwrap();
            rest = &rest[n..];
        }
        Write::flush(&mut link).unwrap();
        let due = back.len() + piece.len();
        while back.len() < due {
            let n = Read::read(&mut link, &mut buf).unwrap();
            back.extend_from_slice(&buf[..n]);
        }
    }
    assert!(back == sent);
}

#[test]
fn core_04_bytes_pass_both_ways() {
    echoes(plain(echo));
    let (identity, config) = identity();
    for versions in [&[&rustls::version::TLS13], &[&rustls::version::TLS12]] {
        let address = serve_tls_versions(&identity, versions, echo);
        // The second one resumes the session of the first.
        for _ in 0..2 {
            echoes(connect(address, Clock::start()).secure(&config, "a.test").unwrap());
        }
    }
}

#[test]
fn core_04_an_empty_buffer_is_no_end() {
    for mut link in [plain(idle), secure(idle)] {
        assert_eq!(Read::read(&mut link, &mut []), Ok(0));
        assert_eq!(Write::write(&mut link, &[]), Ok(0));
    }
}

#[test]
fn req_18_the_end_of_a_plain_stream() {
    let mut link = plain(|mut stream| stream.write_all(b"body").unwrap());
    assert_eq!(read_to_end(&mut link), (b"body".to_vec(), Ok(())));
    assert_eq!(Read::read(&mut link, &mut [0; 8]), Ok(0), "and it stays ended");
}

#[test]
fn req_18_close_notify_is_the_end_and_anything_less_is_truncation() {
    let mut link = secure(|mut peer| {
        peer.write_all(b"body").unwrap();
        peer.conn.send_close_notify();
        peer.flush().unwrap();
    });
    assert_eq!(read_to_end(&mut link), (b"body".to_vec(), Ok(())));
    assert_eq!(Read::read(&mut link, &mut [0; 8]), Ok(0), "and it stays ended");

    let mut link = secure(|mut peer| {
        peer.write_all(b"bo").unwrap();
        peer.flush().unwrap();
        peer.sock.shutdown(Shutdown::Write).unwrap();
        idle(peer.sock);
    });
    assert_eq!(read_to_end(&mut link), (b"bo".to_vec(), Err(ErrorKind::ConnectionReset)));
    assert_eq!(Read::read(&mut link, &mut [0; 8]), Err(ErrorKind::ConnectionReset), "and it stays broken");
}

#[test]
fn req_18_a_forged_record_is_an_error() {
    let mut link = secure(|mut peer| {
        peer.write_all(b"body").unwrap();
        peer.flush().unwrap();
        peer.sock
            .write_all(&[23, 3, 3, 0, 20, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20])
            .unwrap();
        idle(peer.sock);
    });
    assert_eq!(read_to_end(&mut link), (b"body".to_vec(), Err(ErrorKind::InvalidData)));
    assert_eq!(Read::read(&mut link, &mut [0; 8]), Err(ErrorKind::InvalidData), "and it stays broken");
}

#[test]
fn req_03_the_deadline_holds_under_tls() {
    let mut link = secure(idle_tls);
    let clock = Clock::start();
    let mut again = connect(serve(idle), clock);
    promptly(60, || {
        again.set_deadline(clock.now().after(60));
        let (_, config) = identity();
        // Made anew each time, as a failed handshake takes the link with it.
        let link = std::mem::replace(&mut again, connect(serve(idle), clock));
        assert!(matches!(link.secure(&config, "a.test"), Err(Fault::Lost)));
    });
    // The link's own clock is some milliseconds older than this test's.
    link.set_deadline(Instant::from_millis(1));
    assert_eq!(Read::read(&mut link, &mut [0; 8]), Err(ErrorKind::TimedOut));
}

fn idle_tls(peer: TlsPeer) {
    idle(peer.sock);
}

#[test]
fn up_07_read_ready_tells_an_answer_from_silence() {
    let (go, gone) = mpsc::channel::<()>();
    let gone = std::sync::Mutex::new(gone);
    let mut link = secure(move |mut peer| {
        // The session tickets that a TLS 1.3 server sends by itself are no answer.
        peer.flush().unwrap();
        gone.lock().unwrap().recv().unwrap();
        peer.write_all(b"413").unwrap();
        peer.flush().unwrap();
        idle(peer);
    });
    thread::sleep(Duration::from_millis(50));
    assert!(!link.read_ready());
    go.send(()).unwrap();
    assert!(eventually(|| link.read_ready()));
    assert_eq!(Read::read(&mut link, &mut [0; 8]), Ok(3));
    assert!(!link.read_ready());

    let mut link = plain(|mut stream| stream.write_all(b"413").unwrap());
    assert!(eventually(|| link.read_ready()));
    assert_eq!(Read::read(&mut link, &mut [0; 8]), Ok(3));
    assert!(eventually(|| link.read_ready()), "an end can be read at once, too");
    assert_eq!(Read::read(&mut link, &mut [0; 8]), Ok(0));
}

#[test]
fn up_07_an_answer_is_heard_while_the_peer_reads_nothing() {
    let answer_and_stall = |mut peer: TlsPeer| {
        peer.write_all(b"413").unwrap();
        peer.flush().unwrap();
        thread::sleep(Duration::from_secs(4));
    };
    let mut link = secure(answer_and_stall);
    link.set_deadline(Instant::from_millis(60_000));
    while Write::write(&mut link, &[0; 65536]).is_ok() {}
    assert!(link.read_ready());
    assert_eq!(Read::read(&mut link, &mut [0; 8]), Ok(3));
}

#[test]
fn req_16_a_link_that_is_dropped_says_goodbye() {
    let (said, heard) = mpsc::channel();
    let said = std::sync::Mutex::new(said);
    let link = secure(move |mut peer| {
        let _ = said.lock().unwrap().send(peer.read(&mut [0; 8]).map_err(|error| error.kind()));
    });
    drop(link);
    assert_eq!(heard.recv().unwrap(), Ok(0));
}

#[test]
fn ctx_08_tls_starts_once() {
    let (_, config) = identity();
    assert!(matches!(secure(idle).secure(&config, "a.test"), Err(Fault::Tls)));
}
