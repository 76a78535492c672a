//! Listeners (SOCK-03).

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;

use miniwire_std::{Client, Failure, Message, RegistryFull, SocketClose, SocketListener, SocketOpen};
use miniwire_tests::{development, server, until};

use super::Log;

type Count = Arc<AtomicUsize>;

/// A listener that counts.
fn counting<E: 'static>() -> (Count, SocketListener<E>) {
    let count = Count::default();
    let counts = Arc::clone(&count);
    let listener = SocketListener::new(move |_: &E| {
        counts.fetch_add(1, Ordering::SeqCst);
    });
    (count, listener)
}

fn count(count: &Count) -> usize {
    count.load(Ordering::SeqCst)
}

#[test]
fn sock_03_each_registration_is_called_and_off_removes_one_or_all() {
    let server = server();
    let client = development(&server).build().unwrap();
    let (once_count, once) = counting::<Message>();
    let (twice_count, twice) = counting::<Message>();
    client.on_socket_message(once.clone()).unwrap();
    client.on_socket_message(twice.clone()).unwrap();
    client.on_socket_message(twice.clone()).unwrap();
    // Last, so that all others have been called when it is.
    let mut log = Log::of(&client);
    client.connect_socket(server.ws_url("/ws/echo")).connect().unwrap();
    log.expect(["open None"]);
    let say = |log: &Log| {
        client.send_socket_message("x").unwrap();
        log.expect(["message x false"]);
        (count(&once_count), count(&twice_count))
    };
    assert_eq!(say(&log), (1, 2));
    client.off_socket_message(Some(&twice));
    assert_eq!(say(&log), (2, 2));
    client.off_socket_message(Some(&twice));
    client.on_socket_message(twice.clone()).unwrap();
    client.on_socket_open(|_: &SocketOpen| ()).unwrap();
    client.off_socket_open(None);
    // It is behind the log now.
    assert_eq!(say(&log).0, 3);
    until(|| count(&twice_count) == 3);
    client.off_socket_message(None);
    log = Log::of(&client);
    assert_eq!(say(&log), (3, 3));
    client.close_socket(1000, "").unwrap();
}

#[test]
fn sock_03_each_of_the_four_events_has_on_and_off() {
    let server = server();
    let client = development(&server).build().unwrap();
    let (opens, open) = counting::<SocketOpen>();
    let (errors, error) = counting::<Failure>();
    let (messages, message) = counting::<Message>();
    let (ends, close) = counting::<SocketClose>();
    let register = || {
        client.on_socket_open(open.clone()).unwrap();
        client.on_socket_error(error.clone()).unwrap();
        client.on_socket_message(message.clone()).unwrap();
        client.on_socket_close(close.clone()).unwrap();
    };
    let run = || {
        let log = Log::of(&client);
        client.connect_socket(server.ws_url("/ws/raw/fin")).connect().unwrap();
        log.expect(["open None", "message hello false", "error 1 ConnectionClosed", "close 1006 "]);
        [&opens, &errors, &messages, &ends].map(count)
    };
    register();
    assert_eq!(run(), [1, 1, 1, 1]);
    client.off_socket_open(Some(&open));
    client.off_socket_error(Some(&error));
    client.off_socket_message(Some(&message));
    client.off_socket_close(Some(&close));
    assert_eq!(run(), [1, 1, 1, 1]);
    register();
    client.off_socket_open(None);
    client.off_socket_error(None);
    client.off_socket_message(None);
    client.off_socket_close(None);
    assert_eq!(run(), [1, 1, 1, 1]);
}

#[test]
fn sock_03_everything_can_be_called_from_inside_a_listener() {
    let server = server();
    let client = development(&server).build().unwrap();
    let log = Log::of(&client);
    let inside = client.clone();
    let (late_count, late) = counting::<Message>();
    let kept = Arc::new(Mutex::new(None));
    let itself = Arc::clone(&kept);
    let listener = client
        .on_socket_open(move |_: &SocketOpen| {
            inside.on_socket_message(late.clone()).unwrap();
            inside.off_socket_open(itself.lock().unwrap().as_ref());
            inside.send_socket_message("from inside").unwrap();
        })
        .unwrap();
    *kept.lock().unwrap() = Some(listener);
    let closer = client.clone();
    client.on_socket_message(move |_: &Message| closer.close_socket(3000, "enough").unwrap()).unwrap();
    let (again, url) = (client.clone(), server.ws_url("/ws/close/4000?now"));
    let once = AtomicUsize::new(0);
    client
        .on_socket_close(move |_: &SocketClose| {
            if once.fetch_add(1, Ordering::SeqCst) == 0 {
                again.connect_socket(&url).connect().unwrap();
            }
        })
        .unwrap();
    client.connect_socket(server.ws_url("/ws/echo")).connect().unwrap();
    log.expect(["open None", "message from inside false", "close 3000 enough", "open None", "close 4000 "]);
    log.silent();
    assert_eq!(count(&late_count), 1, "registered in the Open, called with the message");
    client.off_socket_close(None);
    client.off_socket_message(None);
}

#[test]
fn sock_03_one_removed_during_the_event_is_not_called_any_more_and_one_added_is_next_time() {
    let server = server();
    let client = development(&server).build().unwrap();
    let (added_count, added) = counting::<Message>();
    let (removed_count, removed) = counting::<Message>();
    let (inside, theirs, first) = (client.clone(), removed.clone(), AtomicUsize::new(0));
    client
        .on_socket_message(move |_: &Message| {
            if first.fetch_add(1, Ordering::SeqCst) == 0 {
                inside.off_socket_message(Some(&theirs));
                inside.on_socket_message(added.clone()).unwrap();
            }
        })
        .unwrap();
    client.on_socket_message(removed).unwrap();
    let log = Log::of(&client);
    client.connect_socket(server.ws_url("/ws/messages/3?size=1")).connect().unwrap();
    let lines = log.to_the_close();
    assert_eq!(lines.len(), 5, "{lines:?}");
    assert_eq!((count(&removed_count), count(&added_count)), (0, 2));
    client.off_socket_message(None);
}

#[test]
fn sock_03_a_listener_that_panics_stops_no_other() {
    let server = server();
    let client = development(&server).build().unwrap();
    client.on_socket_open(|_: &SocketOpen| panic!("on purpose")).unwrap();
    client.on_socket_message(|_: &Message| panic!("on purpose")).unwrap();
    client.on_socket_error(|_: &Failure| panic!("on purpose")).unwrap();
    client.on_socket_close(|_: &SocketClose| panic!("on purpose")).unwrap();
    let log = Log::of(&client);
    for _ in 0..2 {
        client.connect_socket(server.ws_url("/ws/raw/fin")).connect().unwrap();
        log.expect(["open None", "message hello false", "error 1 ConnectionClosed", "close 1006 "]);
    }
    log.silent();
}

#[test]
fn sock_03_a_full_registry_says_so() {
    let client = miniwire_tests::builder().build().unwrap();
    let (_, listener) = counting::<Message>();
    for _ in 0..64 {
        client.on_socket_message(listener.clone()).unwrap();
    }
    assert_eq!(client.on_socket_message(listener.clone()).unwrap_err(), RegistryFull);
    assert_eq!(client.on_socket_close(|_: &SocketClose| ()).unwrap_err(), RegistryFull);
    client.off_socket_message(Some(&listener));
    client.on_socket_message(listener).unwrap();
}

#[test]
fn sock_03_from_many_threads_at_once() {
    let server = server();
    let client = development(&server).build().unwrap();
    let log = Log::of(&client);
    client.connect_socket(server.ws_url("/ws/echo")).connect().unwrap();
    log.expect(["open None"]);
    thread::scope(|scope| {
        for number in 0..8 {
            let client = &client;
            scope.spawn(move || {
                for index in 0..50 {
                    let (_, listener) = counting::<Message>();
                    client.on_socket_message(listener.clone()).unwrap();
                    client.send_socket_message(format!("{number} {index}")).unwrap();
                    client.off_socket_message(Some(&listener));
                }
            });
        }
    });
    // Each thread's messages come back in its order.
    let mut next = [0; 8];
    for _ in 0..400 {
        let line = log.next();
        let mut words = line.split(' ').skip(1).map(|word| word.parse::<usize>().unwrap_or(99));
        let (number, index) = (words.next().unwrap(), words.next().unwrap());
        assert_eq!(index, next[number], "{line}");
        next[number] += 1;
    }
    client.close_socket(1000, "").unwrap();
    log.expect(["close 1000 "]);
}

#[test]
fn sock_03_connections_from_many_threads_at_once_each_end_once() {
    let server = server();
    let client = development(&server).build().unwrap();
    let (opens, open) = counting::<SocketOpen>();
    let (ends, close) = counting::<SocketClose>();
    client.on_socket_open(open).unwrap();
    client.on_socket_close(close).unwrap();
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..10 {
                    client.connect_socket(server.ws_url("/ws/echo")).connect().unwrap();
                    let _ = client.send_socket_message("x");
                    client.close_socket(1000, "").unwrap();
                }
            });
        }
    });
    until(|| count(&ends) == 40);
    assert!(count(&opens) <= 40);
}

/// Calls the context when it is dropped.
struct Sends(Client);

impl Drop for Sends {
    fn drop(&mut self) {
        let _ = self.0.send_socket_message("from a drop");
        self.0.off_socket_error(None);
    }
}

#[test]
fn sock_03_what_a_removed_listener_holds_is_dropped_with_nothing_locked() {
    let server = server();
    let client = development(&server).build().unwrap();
    let sends = Sends(client.clone());
    let held = client.on_socket_message(move |_: &Message| sends.0.close_socket(1000, "").unwrap()).unwrap();
    drop(held);
    client.off_socket_message(None);
}
