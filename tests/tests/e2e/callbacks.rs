//! `success` or `fail`, then `complete`, each exactly once, whatever happens.

use std::panic::panic_any;
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use miniwire_core::request::Method::Post;
use miniwire_std::{DataType, RequestTask, Response};
use miniwire_tests::{Peer, Recorded, fails, promptly, recorded, release, server, until};
use serde::Serialize;

/// Stays quiet about panics that the tests cause on purpose.
fn without_panic_messages() {
    static ONCE: std::sync::Once = std::sync::Once::new();
    ONCE.call_once(|| {
        let usual = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            if !info.payload().is::<OnPurpose>() && !info.payload().is::<PanicsAgain>() {
                usual(info);
            }
        }));
    });
}

struct OnPurpose;

/// A panic's payload that panics when it is dropped.
struct PanicsAgain;

impl Drop for PanicsAgain {
    fn drop(&mut self) {
        panic_any(OnPurpose);
    }
}

#[test]
fn ctx_07_success_then_complete() {
    let server = server();
    let client = release(&server).build().unwrap();
    let (call, recorded) = recorded(client.request(server.https_url("/get?a=1")));
    call.start().wait();
    let response = recorded.outcome().unwrap();
    assert_eq!(response.json::<serde_json::Value>().unwrap()["args"]["a"], "1");
}

#[test]
fn ctx_07_fail_then_complete() {
    let (server, silent) = (server(), Peer::silent());
    let client = release(&server).build().unwrap();
    let url = |path: &str| server.https_url(path);
    for (url, code, reason, status) in [
        (String::new(), 2, "UrlEmpty", None),
        ("https://other.test/".into(), 11, "HostNotAllowed", None),
        ("http://localhost/".into(), 20, "PlainHttpRefused", None),
        (url("/kill"), 12, "ConnectionClosed", None),
        (url("/html"), 14, "NotJson", Some(200)),
        (url("/status/500"), 19, "HttpStatus", Some(500)),
        (url("/malformed/chunk-plus"), 19, "MalformedFraming", Some(200)),
        (silent.https_url("/"), 13, "Timeout", None),
    ] {
        let (call, recorded) = recorded(client.request(&url).timeout(300));
        call.start().wait();
        let failure = fails(recorded.outcome(), code, reason);
        assert_eq!(failure.response().map(Response::status), status, "{url}");
    }
}

#[test]
fn ctx_07_no_callback_is_needed() {
    let server = server();
    let client = release(&server).build().unwrap();
    client.request(server.https_url("/get")).start().wait();
    client.request("").start().wait();
    drop(client.request(server.https_url("/get")).start());
    until(|| server.requests() == 2);
}

#[test]
fn ctx_07_a_panic_in_a_callback_keeps_no_other_from_being_called() {
    without_panic_messages();
    let server = server();
    let client = release(&server).build().unwrap();
    for path in ["/get", "/status/404"] {
        for panics in ["success", "fail", "complete", "all"] {
            for again in [false, true] {
                let told = Arc::new(Mutex::new(Vec::new()));
                let tell = |what: &'static str| {
                    let told = Arc::clone(&told);
                    move || {
                        told.lock().unwrap().push(what);
                        if panics == what || panics == "all" {
                            if again {
                                panic_any(PanicsAgain);
                            }
                            panic_any(OnPurpose);
                        }
                    }
                };
                let (success, fail, complete) = (tell("success"), tell("fail"), tell("complete"));
                let call = client.request(server.https_url(path)).data_type(DataType::Text);
                call.success(move |_| success()).fail(move |_| fail()).complete(complete).start().wait();
                let first = if path == "/get" { "success" } else { "fail" };
                assert_eq!(*told.lock().unwrap(), [first, "complete"], "{panics} panics");
            }
        }
    }
    assert_eq!(server.connections(), 1, "nor does it harm the connection");
}

#[test]
fn ctx_07_a_panic_while_data_is_converted_is_a_failure() {
    struct Panics;
    impl Serialize for Panics {
        fn serialize<S: serde::Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
            panic_any(OnPurpose)
        }
    }
    without_panic_messages();
    let server = server();
    let client = release(&server).max_tasks(1).build().unwrap();
    for _ in 0..3 {
        let (call, recorded) = recorded(client.request(server.https_url("/post")).method(Post).data(Panics));
        call.start().wait();
        fails(recorded.outcome(), 15, "DataNotConvertible");
    }
    assert_eq!(client.request(server.https_url("/get")).send().unwrap().status(), 200, "the slot was given back");
}

#[test]
fn ctx_07_a_panic_in_the_streamed_body_is_the_callers() {
    without_panic_messages();
    let server = server();
    let client = release(&server).max_tasks(1).build().unwrap();
    let call = client.request(server.https_url("/bytes/100000"));
    let caught =
        std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| call.send_streamed(|_| panic_any(OnPurpose))));
    assert!(caught.is_err_and(|payload| payload.is::<OnPurpose>()));
    assert_eq!(client.request(server.https_url("/get")).send().unwrap().status(), 200, "the slot was given back");
    assert_eq!(server.connections(), 2, "the connection was not");
}

#[test]
fn ctx_06_unloading_ends_whatever_is_in_flight() {
    let (server, silent) = (server(), Peer::silent());
    let client = release(&server).build().unwrap();
    promptly(60, || {
        let urls = [
            server.https_url("/delay/20"),
            server.https_url("/drip?numbytes=3&duration=20"),
            silent.https_url("/"),
            server.https_url("/delay/20"),
        ];
        let calls: Vec<(RequestTask, Recorded<Response>)> = urls
            .iter()
            .map(|url| {
                let (call, recorded) = recorded(client.request(url));
                (call.start(), recorded)
            })
            .collect();
        thread::sleep(Duration::from_millis(60));
        client.unload_page();
        for (task, recorded) in calls {
            task.wait();
            fails(recorded.outcome(), 1, "Unloaded");
        }
    });
    assert_eq!(client.request(server.https_url("/get")).send().unwrap().status(), 200, "later calls are not affected");
}

#[test]
fn ctx_06_a_call_that_has_just_been_started_is_in_flight() {
    let server = server();
    let client = release(&server).build().unwrap();
    for _ in 0..50 {
        let (call, recorded) = recorded(client.request(server.https_url("/delay/20")));
        let task = call.start();
        client.unload_page();
        task.wait();
        fails(recorded.outcome(), 1, "Unloaded");
    }
}

#[test]
fn ctx_06_shut_down_ends_whatever_is_in_flight_and_all_that_follows() {
    let server = server();
    promptly(60, || {
        let client = release(&server).build().unwrap();
        let (call, recorded) = recorded(client.request(server.https_url("/delay/20")));
        let task = call.start();
        let (sending, url) = (client.clone(), server.https_url("/delay/20"));
        let sending = thread::spawn(move || fails(sending.request(url).send(), 1, "Unloaded"));
        thread::sleep(Duration::from_millis(60));
        client.shut_down();
        task.wait();
        fails(recorded.outcome(), 1, "Unloaded");
        sending.join().unwrap();
        fails(client.request(server.https_url("/get")).send(), 1, "Unloaded");
    });
}

#[test]
fn ctx_06_the_first_interrupt_counts() {
    let server = server();
    let client = release(&server).build().unwrap();
    let (call, first) = recorded(client.request(server.https_url("/delay/20")));
    let task = call.start();
    task.abort();
    client.unload_page();
    task.wait();
    fails(first.outcome(), 20, "Aborted");
    let (call, second) = recorded(client.request(server.https_url("/delay/20")));
    let task = call.start();
    client.unload_page();
    task.abort();
    task.wait();
    fails(second.outcome(), 1, "Unloaded");
}

#[test]
fn ctx_07_one_task_too_many_is_the_one_that_was_started_last() {
    let server = server();
    let client = release(&server).max_tasks(2).build().unwrap();
    for _ in 0..20 {
        let calls: Vec<_> = (0..3)
            .map(|_| {
                let (call, recorded) = recorded(client.request(server.https_url("/delay/20")));
                (call.start(), recorded)
            })
            .collect();
        let mut calls = calls.into_iter();
        let (one, two, three) = (calls.next().unwrap(), calls.next().unwrap(), calls.next().unwrap());
        three.0.wait();
        fails(three.1.outcome(), 20, "TooManyTasks");
        fails(client.request(server.https_url("/get")).send(), 20, "TooManyTasks");
        for (task, recorded) in [one, two] {
            task.abort();
            task.wait();
            fails(recorded.outcome(), 20, "Aborted");
        }
    }
    assert_eq!(client.request(server.https_url("/get")).send().unwrap().status(), 200);
}

#[test]
fn ctx_07_no_slots_is_no_calls() {
    let server = server();
    let client = release(&server).max_tasks(0).build().unwrap();
    fails(client.request(server.https_url("/get")).send(), 20, "TooManyTasks");
    let (call, recorded) = recorded(client.request(server.https_url("/get")));
    call.start().wait();
    fails(recorded.outcome(), 20, "TooManyTasks");
}

#[test]
fn ctx_07_a_new_call_can_be_started_from_inside_a_callback() {
    let server = server();
    let client = release(&server).max_tasks(1).build().unwrap();
    let (to, from) = channel();
    let (again, url) = (client.clone(), server.https_url("/get"));
    let call = client.request(&url).complete(move || {
        let (call, recorded) = recorded(again.request(url));
        to.send((call.start(), recorded)).unwrap();
    });
    call.start().wait();
    let (task, recorded) = from.recv_timeout(Duration::from_secs(5)).unwrap();
    task.wait();
    assert_eq!(recorded.outcome().unwrap().status(), 200);
}

#[test]
fn ctx_07_a_task_can_be_waited_for_in_its_own_callback() {
    // It cannot have ended there; it must not wait for ever either.
    let server = server();
    let client = release(&server).build().unwrap();
    let (task_to, task_from) = channel::<RequestTask>();
    let (done_to, done_from) = channel();
    let call = client.request(server.https_url("/get")).complete(move || {
        task_from.recv_timeout(Duration::from_secs(5)).unwrap().wait();
        done_to.send(()).unwrap();
    });
    task_to.send(call.start()).unwrap();
    done_from.recv_timeout(Duration::from_secs(5)).unwrap();
}

#[test]
fn ctx_07_many_at_once() {
    let server = server();
    let client = release(&server).max_tasks(100).build().unwrap();
    let calls: Vec<_> = (0..100)
        .map(|n| {
            let path = ["/get", "/status/404", "/delay/20", "/html"][n % 4];
            let (call, recorded) = recorded(client.request(server.https_url(path)).data_type(DataType::Text));
            (n, call.start(), recorded)
        })
        .collect();
    for (n, task, recorded) in calls {
        if n % 4 == 2 {
            task.abort();
        }
        task.wait();
        let outcome = recorded.outcome();
        match n % 4 {
            1 => drop(fails(outcome, 19, "HttpStatus")),
            2 => drop(fails(outcome, 20, "Aborted")),
            _ => assert_eq!(outcome.unwrap().status(), 200),
        }
    }
}
