use std::io::{Read as _, Write as _};
use std::net::SocketAddr;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use embedded_io::{ErrorKind, Read, Write};
use miniwire_core::reason::CertificateFault;

use super::*;
use testing::{BlackHole, Signer, after, authority, echo, idle, leaf, promptly, refused, serve, serve_tls};

/// A client that finds every name at `address`, and trusts `root`.
fn client(address: SocketAddr, root: Option<&Signer>) -> Arc<Shared> {
    let mut tls = TlsOptions::new();
    tls.only_given_roots();
    if let Some(root) = root {
        tls.add_root(&root.der).unwrap();
    }
    let lookup: Arc<Lookup> = Arc::new(move |_, _| Ok(vec![address]));
    Shared::new(tls, Some(lookup), PoolLimits::default()).unwrap()
}

fn call(shared: &Arc<Shared>) -> (Net, Arc<Switch>) {
    let switch = Arc::new(Switch::new());
    (Net::new(Arc::clone(shared), Arc::clone(&switch), StdInstant::now()), switch)
}

const PLAIN: Route<'_> = Route { secure: false, host: "a.test", port: 80, proxy: None };
const SECURE: Route<'_> = Route { secure: true, host: "a.test", port: 443, proxy: None };

fn in_ms(net: &mut Net, ms: u64) -> Instant {
    net.now().after(ms)
}

fn connected(net: &mut Net, route: &Route<'_>) -> NetLink {
    let until = in_ms(net, 5000);
    let link = net.connect(route, until).unwrap();
    if route.secure { net.secure(link, route, until).unwrap() } else { link }
}

fn echoes(net: &mut Net, link: &mut NetLink) {
    link.set_deadline(in_ms(net, 5000));
    assert_eq!(Write::write(link, b"hello"), Ok(5));
    Write::flush(link).unwrap();
    let mut buf = [0; 8];
    assert_eq!(Read::read(link, &mut buf), Ok(5));
    assert_eq!(&buf[..5], b"hello");
}

#[test]
fn req_16_a_kept_link_is_used_again() {
    let root = Signer::root(authority("root"));
    let identity = root.identity(&leaf(&["a.test"]), &[]);
    for (route, address) in [(PLAIN, serve(echo)), (SECURE, serve_tls(&identity, echo))] {
        let shared = client(address, Some(&root));
        let (mut net, _) = call(&shared);
        assert!(net.reuse(&route).is_none());
        let mut link = connected(&mut net, &route);
        echoes(&mut net, &mut link);
        net.keep(&route, link);
        assert_eq!(shared.pool.len(), 1);
        for _ in 0..3 {
            let (mut net, _) = call(&shared);
            assert!(net.reuse(&Route { port: 1, ..route }).is_none());
            let mut link = net.reuse(&route).unwrap();
            echoes(&mut net, &mut link);
            net.keep(&route, link);
            assert_eq!(net.timings(), Timings::default());
        }
    }
}

#[test]
fn req_16_what_must_not_be_kept_is_not() {
    let root = Signer::root(authority("root"));
    let identity = root.identity(&leaf(&["a.test"]), &[]);
    let shared = client(serve_tls(&identity, echo), Some(&root));
    let (mut net, _) = call(&shared);
    let link = connected(&mut net, &SECURE);
    net.keep(&Route { host: "b.test", ..SECURE }, link);
    assert_eq!(shared.pool.len(), 0, "as a link to another host");
    let until = in_ms(&mut net, 5000);
    let link = net.connect(&SECURE, until).unwrap();
    net.keep(&SECURE, link);
    assert_eq!(shared.pool.len(), 0, "as a secure link, but TLS was never started");
    let link = net.connect(&SECURE, until).unwrap();
    let other = Route { host: "b.test", ..SECURE };
    assert!(matches!(net.secure(link, &other, until), Err(Fault::Tls)), "secured for another host");

    // The server has said goodbye together with its answer.
    let shared = client(
        serve_tls(&identity, |mut peer| {
            let _ = peer.read(&mut [0; 8]);
            peer.conn.writer().write_all(b"hello").unwrap();
            peer.conn.send_close_notify();
            peer.flush().unwrap();
            idle(peer);
        }),
        Some(&root),
    );
    let (mut net, _) = call(&shared);
    let mut link = connected(&mut net, &SECURE);
    Write::write(&mut link, b"x").unwrap();
    assert_eq!(Read::read(&mut link, &mut [0; 8]), Ok(5));
    net.keep(&SECURE, link);
    assert_eq!(shared.pool.len(), 0);
}

#[test]
fn req_15_an_interrupt_after_the_call_harms_no_kept_link() {
    let shared = client(serve(echo), None);
    let (mut net, switch) = call(&shared);
    let link = connected(&mut net, &PLAIN);
    net.keep(&PLAIN, link);
    assert!(switch.interrupt(Interrupt::Abort), "the call is not over yet, but the link is out of its reach");
    drop(net);
    let (mut net, switch) = call(&shared);
    let mut link = net.reuse(&PLAIN).unwrap();
    echoes(&mut net, &mut link);
    net.keep(&PLAIN, link);
    drop(net);
    assert!(!switch.interrupt(Interrupt::Unload), "the call is over");
    let (mut net, _) = call(&shared);
    let mut link = net.reuse(&PLAIN).unwrap();
    echoes(&mut net, &mut link);
}

#[test]
fn req_15_a_link_of_an_aborted_call_is_not_kept() {
    let shared = client(serve(echo), None);
    let (mut net, switch) = call(&shared);
    let link = connected(&mut net, &PLAIN);
    switch.interrupt(Interrupt::Abort);
    net.keep(&PLAIN, link);
    assert_eq!(shared.pool.len(), 0);
    assert_eq!(net.interrupted(), Some(Interrupt::Abort));
}

#[test]
fn req_15_interrupts_and_keeps_in_any_order() {
    let shared = client(serve(echo), None);
    for round in 0..200 {
        let (mut net, switch) = call(&shared);
        let mut link = net.reuse(&PLAIN).unwrap_or_else(|| connected(&mut net, &PLAIN));
        let other = thread::spawn(move || {
            if round % 2 == 0 {
                thread::yield_now();
            }
            switch.interrupt(Interrupt::Abort)
        });
        link.set_deadline(in_ms(&mut net, 5000));
        let _ = Write::write(&mut link, b"hello").and_then(|_| Read::read(&mut link, &mut [0; 5]));
        if net.interrupted().is_none() {
            net.keep(&PLAIN, link);
        }
        drop(net);
        let _ = other.join();
        // Whatever came first: what is in the pool works.
        let (mut net, _) = call(&shared);
        if let Some(mut link) = net.reuse(&PLAIN) {
            echoes(&mut net, &mut link);
            net.keep(&PLAIN, link);
        }
    }
}

#[test]
fn req_15_abort_in_every_phase() {
    let sleeping = Shared::new(
        TlsOptions::new(),
        Some(Arc::new(|_, _| {
            thread::sleep(Duration::from_secs(20));
            Ok(vec![])
        })),
        PoolLimits::default(),
    )
    .unwrap();
    let hole = BlackHole::new();
    let silent = serve(idle);
    let never_reads = serve(|_stream| thread::sleep(Duration::from_secs(20)));
    /// When it is where it is to be aborted, it says so.
    type Phase = fn(&mut Net, &dyn Fn());
    let phases: [(Arc<Shared>, Phase); 5] = [
        (sleeping, |net, ready| {
            ready();
            let until = in_ms(net, 20_000);
            assert!(matches!(net.connect(&PLAIN, until), Err(Fault::Dns)));
        }),
        (client(hole.address(), None), |net, ready| {
            ready();
            let until = in_ms(net, 20_000);
            assert!(matches!(net.connect(&PLAIN, until), Err(Fault::Connect)));
        }),
        (client(silent, None), |net, ready| {
            let until = in_ms(net, 20_000);
            let link = net.connect(&SECURE, until).unwrap();
            ready();
            assert!(matches!(net.secure(link, &SECURE, until), Err(Fault::Lost)));
        }),
        (client(never_reads, None), |net, ready| {
            let mut link = connected(net, &PLAIN);
            ready();
            while Write::write(&mut link, &[0; 65536]).is_ok() {}
        }),
        (client(silent, None), |net, ready| {
            let mut link = connected(net, &PLAIN);
            ready();
            assert_eq!(Read::read(&mut link, &mut [0; 8]), Err(ErrorKind::ConnectionAborted));
        }),
    ];
    for (shared, phase) in phases {
        promptly(50, || {
            let (mut net, switch) = call(&shared);
            phase(&mut net, &|| {
                let switch = Arc::clone(&switch);
                after(50, move || switch.interrupt(Interrupt::Abort));
            });
            assert_eq!(net.interrupted(), Some(Interrupt::Abort));
        });
        assert_eq!(shared.pool.len(), 0);
    }
}

#[test]
fn req_03_the_deadline_holds_in_every_phase() {
    let hole = BlackHole::new();
    let shared = client(hole.address(), None);
    promptly(60, || {
        let (mut net, _) = call(&shared);
        let until = in_ms(&mut net, 60);
        assert!(net.connect(&PLAIN, until).is_err());
        assert!(net.now() >= until);
    });
    let shared = client(serve(idle), None);
    promptly(60, || {
        let (mut net, _) = call(&shared);
        let until = in_ms(&mut net, 5000);
        let link = net.connect(&SECURE, until).unwrap();
        let until = in_ms(&mut net, 60);
        assert!(matches!(net.secure(link, &SECURE, until), Err(Fault::Lost)));
    });
    promptly(60, || {
        let (mut net, _) = call(&shared);
        let mut link = connected(&mut net, &PLAIN);
        link.set_deadline(in_ms(&mut net, 60));
        assert_eq!(Read::read(&mut link, &mut [0; 8]), Err(ErrorKind::TimedOut));
    });
}

#[test]
fn req_17_the_proxy_is_the_first_hop() {
    let asked = Arc::new(Mutex::new(Vec::new()));
    let (log, address) = (Arc::clone(&asked), serve(echo));
    let lookup: Arc<Lookup> = Arc::new(move |host, port| {
        log.lock().unwrap().push((host.to_owned(), port));
        Ok(vec![address])
    });
    let shared = Shared::new(TlsOptions::new(), Some(lookup), PoolLimits::default()).unwrap();
    let (mut net, _) = call(&shared);
    let route = Route { proxy: Some(("proxy.test", 3128)), ..PLAIN };
    let link = connected(&mut net, &route);
    net.keep(&route, link);
    assert_eq!(*asked.lock().unwrap(), [("proxy.test".to_owned(), 3128)]);
    assert!(net.reuse(&PLAIN).is_none(), "a link to a proxy is no link to the origin");
    assert!(net.reuse(&route).is_some());
}

#[test]
fn ctx_08_the_certificate_is_verified_for_the_origin() {
    let root = Signer::root(authority("root"));
    let shared = client(serve_tls(&root.identity(&leaf(&["b.test"]), &[]), echo), Some(&root));
    let (mut net, _) = call(&shared);
    let until = in_ms(&mut net, 5000);
    let link = net.connect(&SECURE, until).unwrap();
    let fault = net.secure(link, &SECURE, until).err();
    assert_eq!(fault, Some(Fault::Certificate(CertificateFault::WrongHost)));
}

#[test]
fn req_03_faults_timings_and_traces() {
    let shared = client(refused(), None);
    let (mut net, _) = call(&shared);
    let until = in_ms(&mut net, 5000);
    assert_eq!(net.connect(&PLAIN, until).err(), Some(Fault::Connect));

    let root = Signer::root(authority("root"));
    let shared = client(serve_tls(&root.identity(&leaf(&["a.test"]), &[]), echo), Some(&root));
    let seen = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&seen);
    let (net, _) = call(&shared);
    let mut net = net.with_tracer(Some(Arc::new(move |what| {
        assert_eq!(what, Trace::Secured);
        count.fetch_add(1, Ordering::SeqCst);
    })));
    drop(connected(&mut net, &SECURE));
    let Timings { resolve, connect, tls, first_byte: _ } = net.timings();
    assert!([resolve, connect, tls].iter().all(|time| !time.is_zero()), "{:?}", net.timings());
    net.trace(Trace::Secured);
    assert_eq!(seen.load(Ordering::SeqCst), 1);
}
