//! `RequestTask.abort()` in each phase, and what it leaves behind.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::mpsc::channel;
use std::thread;
use std::time::{Duration, Instant};

use miniwire_core::request::Method::Post;
use miniwire_std::serve::{Identity, Leaf};
use miniwire_std::{Call, DataType, Trace};
use miniwire_tests::{
    BlackHole, Peer, Unresolved, builder, development, fails, promptly, recorded, release, server, until,
};
use rustls::{ServerConfig, ServerConnection};

/// Aborts the call 60 ms after its start; it must report that within another 50 ms, started as well as sent.
#[track_caller]
fn aborts_promptly(phase: &str, call: impl Fn() -> Call) {
    promptly(60, || {
        let (call, recorded) = recorded(call().timeout(30_000).data_type(DataType::Text));
        let task = call.start();
        thread::sleep(Duration::from_millis(60));
        task.abort();
        task.wait();
        let failure = fails(recorded.outcome(), 20, "Aborted");
        assert!(failure.response().is_none_or(|response| response.data().is_empty()), "{phase}");
    });
    promptly(60, || {
        let mut call = call().timeout(30_000).data_type(DataType::Text);
        let handle = call.abort_handle();
        let other = thread::spawn(move || {
            thread::sleep(Duration::from_millis(60));
            handle.abort();
        });
        fails(call.send(), 20, "Aborted");
        other.join().unwrap();
    });
}

#[test]
fn req_15_abort_while_resolving() {
    let names = Unresolved::new();
    let client = builder().development().resolver(names.resolver()).build().unwrap();
    aborts_promptly("resolving", || client.request("http://a.test/"));
}

#[test]
fn req_15_abort_while_connecting() {
    let hole = BlackHole::new().unwrap();
    let client = builder().development().build().unwrap();
    aborts_promptly("connecting", || client.request(format!("http://{}/", hole.address())));
}

#[test]
fn req_15_abort_while_shaking_hands() {
    let (server, silent) = (server(), Peer::silent());
    let client = release(&server).build().unwrap();
    aborts_promptly("TLS", || client.request(silent.https_url("/")));
}

#[test]
fn req_15_abort_while_sending() {
    let (server, deaf) = (server(), Peer::deaf());
    let client = development(&server).build().unwrap();
    aborts_promptly("sending", || client.request(deaf.http_url("/")).method(Post).data_bytes(vec![0; 16 << 20]));
}

#[test]
fn req_15_abort_while_sending_under_tls() {
    let server = server();
    let Identity { chain, key } = server.authority().issue(&Leaf::default()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let config = Arc::new(config.with_no_client_auth().with_single_cert(chain, key).unwrap());
    // It shakes hands, and reads nothing after that.
    let deaf = Peer::start(move |mut stream, _| {
        let mut connection = ServerConnection::new(Arc::clone(&config)).unwrap();
        while connection.is_handshaking() && connection.complete_io(&mut stream).is_ok() {}
        thread::sleep(Duration::from_secs(20));
    });
    let client = release(&server).build().unwrap();
    aborts_promptly("sending, TLS", || client.request(deaf.https_url("/")).method(Post).data_bytes(vec![0; 16 << 20]));
}

#[test]
fn req_15_abort_while_waiting() {
    let server = server();
    let client = development(&server).build().unwrap();
    aborts_promptly("waiting, TLS", || client.request(server.https_url("/delay/20")));
    aborts_promptly("waiting", || client.request(server.http_url("/delay/20")));
}

#[test]
fn req_15_abort_while_receiving() {
    let server = server();
    let client = development(&server).build().unwrap();
    for path in ["/drip?numbytes=20000&duration=20", "/drip?numbytes=3&duration=20"] {
        aborts_promptly("receiving, TLS", || client.request(server.https_url(path)));
        aborts_promptly("receiving", || client.request(server.http_url(path)));
    }
}

#[test]
fn req_15_abort_while_a_redirect_is_followed() {
    let server = server();
    let client = release(&server).build().unwrap();
    aborts_promptly("redirect", || client.request(server.https_url("/redirect-to?url=/delay/20")));
}

#[test]
fn req_15_abort_at_any_moment_ends_the_call_in_one_of_two_ways() {
    let server = server();
    let client = release(&server).build().unwrap();
    let url = server.https_url("/get");
    for micros in (0..60).map(|step| step * 50) {
        let (call, recorded) = recorded(client.request(&url));
        let task = call.start();
        let start = Instant::now();
        while start.elapsed() < Duration::from_micros(micros) {
            std::hint::spin_loop();
        }
        task.abort();
        task.abort();
        task.wait();
        match recorded.outcome() {
            Ok(response) => assert_eq!(response.status(), 200),
            Err(failure) => assert_eq!((failure.code(), failure.reason().name()), (20, "Aborted")),
        }
        // Whatever became of it, the next call is not harmed.
        assert_eq!(client.request(&url).send().unwrap().status(), 200);
    }
}

#[test]
fn req_15_abort_before_the_start() {
    let server = server();
    let client = release(&server).build().unwrap();
    let mut call = client.request(server.https_url("/get"));
    call.abort_handle().abort();
    fails(call.send(), 20, "Aborted");
    let (mut call, recorded) = recorded(client.request(server.https_url("/get")));
    call.abort_handle().abort();
    call.start().wait();
    fails(recorded.outcome(), 20, "Aborted");
    let mut call = client.request(server.https_url("/get"));
    call.abort_handle().abort();
    fails(call.send_streamed(|_| ControlFlow::Continue(())), 20, "Aborted");
    assert_eq!(server.connections(), 0, "nothing was begun");
}

#[test]
fn req_15_abort_after_the_end_is_a_no_op_and_harms_no_kept_connection() {
    let server = server();
    let client = release(&server).build().unwrap();
    let url = server.https_url("/get");
    let mut handles = Vec::new();
    for _ in 0..5 {
        let (call, recorded) = recorded(client.request(&url));
        let task = call.start();
        handles.push(task.abort_handle());
        task.wait();
        recorded.outcome().unwrap();
        handles.iter().for_each(miniwire_std::AbortHandle::abort);
    }
    assert_eq!(server.connections(), 1);
}

#[test]
fn req_15_the_connection_of_an_aborted_call_is_not_reused() {
    let server = server();
    let client = development(&server).build().unwrap();
    for url in [server.https_url(""), server.http_url("")] {
        let before = server.connections();
        client.request(format!("{url}/get")).send().unwrap();
        let (call, recorded) = recorded(client.request(format!("{url}/delay/2")));
        let (requests, task) = (server.requests(), call.start());
        until(|| server.requests() > requests);
        assert_eq!(server.connections(), before + 1, "it has the kept connection");
        task.abort();
        task.wait();
        fails(recorded.outcome(), 20, "Aborted");
        client.request(format!("{url}/get")).send().unwrap();
        assert_eq!(server.connections(), before + 2);
    }
}

#[test]
fn req_15_abort_from_inside_callbacks() {
    let server = server();
    let client = release(&server).build().unwrap();
    for path in ["/get", "/status/404"] {
        let (to, from) = channel();
        let mut call = client.request(server.https_url(path)).data_type(DataType::Text);
        let handles = [call.abort_handle(), call.abort_handle(), call.abort_handle()];
        let [a, b, c] = handles.map(|handle| {
            let to = to.clone();
            move |what: &'static str| {
                handle.abort();
                to.send(what).unwrap();
            }
        });
        let call = call.success(move |_| a("success")).fail(move |_| b("fail")).complete(move || c("complete"));
        call.start().wait();
        drop(to);
        let told: Vec<_> = from.iter().collect();
        assert_eq!(told, [if path == "/get" { "success" } else { "fail" }, "complete"]);
    }
    assert_eq!(server.connections(), 1, "the connection is kept");
}

#[test]
fn req_15_abort_from_the_streamed_body() {
    let server = server();
    let client = release(&server).build().unwrap();
    let mut call = client.request(server.https_url("/bytes/10000000"));
    let (handle, mut seen) = (call.abort_handle(), 0);
    let failure = fails(
        call.send_streamed(|bytes| {
            seen += bytes.len();
            handle.abort();
            ControlFlow::Continue(())
        }),
        20,
        "Aborted",
    );
    assert!((1..10_000_000).contains(&seen));
    assert_eq!(failure.response().unwrap().status(), 200);
}

#[test]
fn req_15_abort_from_the_trace() {
    // What is seen on the wire may be the reason to end the call.
    let server = server();
    let (to, from) = channel::<miniwire_std::AbortHandle>();
    let from = std::sync::Mutex::new(from);
    let client = release(&server)
        .trace(move |what| {
            if let Trace::Received(_) = what {
                from.lock().unwrap().try_iter().for_each(|handle| handle.abort());
            }
        })
        .build()
        .unwrap();
    let mut call = client.request(server.https_url("/get"));
    to.send(call.abort_handle()).unwrap();
    fails(call.send(), 20, "Aborted");
}

#[test]
fn req_15_dropping_the_task_changes_nothing() {
    let server = server();
    let client = release(&server).build().unwrap();
    let (call, recorded) = recorded(client.request(server.https_url("/delay/0.1")));
    drop(call.start());
    drop(client);
    assert_eq!(recorded.outcome().unwrap().status(), 200);
}
