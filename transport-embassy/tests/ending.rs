//! Calls that are ended before their end: aborted, unloaded, dropped.

mod world;

use std::pin::{Pin, pin};
use std::task::{Context, Poll};

use embassy_time::{Duration, Timer};
use miniwire_core::reason::Reason;
use miniwire_core::request::Request;
use miniwire_embassy::{AbortHandle, Client, SocketMemory, Sockets};

use world::cable::Faults;
use world::clock;
use world::site::{Buffers, Came, context, send, site};

/// Where a call can be caught: connecting, waiting, reading; and for how long, at most.
const PLACES: [(&str, u64); 4] = [
    ("http://192.168.69.99/", 3000),
    ("http://silent.test/", 3000),
    ("http://192.168.69.2/hang", 3000),
    ("http://192.168.69.2/drip-for-ever", 3000),
];

async fn both<A, B>(one: impl Future<Output = A>, other: impl Future<Output = B>) -> (A, B) {
    let (mut one, mut other) = (pin!(one), pin!(other));
    let (mut first, mut second) = (None, None);
    std::future::poll_fn(|context| {
        if first.is_none()
            && let Poll::Ready(value) = one.as_mut().poll(context)
        {
            first = Some(value);
        }
        if second.is_none()
            && let Poll::Ready(value) = other.as_mut().poll(context)
        {
            second = Some(value);
        }
        if first.is_some() && second.is_some() { Poll::Ready(()) } else { Poll::Pending }
    })
    .await;
    (first.unwrap(), second.unwrap())
}

fn ended(came: Came) -> (u8, Reason) {
    came.map_err(|(code, reason, _)| (code, reason)).unwrap_err()
}

#[test]
fn req_15_abort_ends_a_call_at_once_wherever_it_is() {
    let mut site = site(1, Faults::NONE);
    site.names.borrow_mut().insert("silent.test".into(), world::udp::Name::Silence);
    let (board, server) = (site.world.board, site.server.clone());
    site.world.run(async move {
        let mut memory = SocketMemory::<2, 1536, 1024>::new();
        let sockets = Sockets::new(board, &mut memory);
        let client = Client::plain(&sockets, context());
        for (url, ms) in PLACES {
            let (abort, mut buffers) = (AbortHandle::new(), Buffers::new());
            let (request, start) = (Request::new(url), clock::now_ms());
            let call = async {
                let came = client.abortable(&abort).request(&request, buffers.memory()).await;
                (came.map_err(|failure| (failure.code(), failure.reason)).unwrap_err(), clock::now_ms() - start)
            };
            let aborting = async {
                Timer::after(Duration::from_millis(ms)).await;
                abort.abort();
            };
            assert_eq!(both(call, aborting).await.0, ((20, Reason::Aborted), ms), "{url}");
            Timer::after(Duration::from_millis(200)).await;
            let (idle, over) = sockets.idle();
            assert_eq!(server.open.get(), 2 - idle as u64, "{url}: the server was told");
            assert_eq!(idle, over, "{url}");
            // A handle that was used up ends the next call before it begins, until it is reset.
            let again = client.abortable(&abort).request(&request, buffers.memory()).await;
            assert_eq!(again.unwrap_err().reason, Reason::Aborted);
            abort.reset();
            let request = Request::new("http://192.168.69.2/json");
            client.abortable(&abort).request(&request, buffers.memory()).await.unwrap();
            abort.abort();
        }
    });
}

#[test]
fn ctx_06_unloading_ends_every_call_under_way_with_1() {
    let mut site = site(2, Faults::NONE);
    let board = site.world.board;
    site.world.run(async move {
        let mut memory = SocketMemory::<2, 1536, 1024>::new();
        let sockets = Sockets::new(board, &mut memory);
        let client = Client::plain(&sockets, context());
        let hang = Request::new("http://192.168.69.2/hang");
        let calls = both(send(&client, &hang), send(&client, &hang));
        let unloading = async {
            Timer::after(Duration::from_millis(700)).await;
            let full = send(&client, &Request::new("http://192.168.69.2/json")).await;
            assert_eq!(full, Err((20, Reason::TooManyTasks, None)), "both places are taken");
            client.unload_page();
        };
        let ((one, other), ()) = both(calls, unloading).await;
        assert_eq!((ended(one), ended(other)), ((1, Reason::Unloaded), (1, Reason::Unloaded)));
        assert_eq!(clock::now_ms(), 700);
        assert!(send(&client, &Request::new("http://192.168.69.2/json")).await.is_ok(), "later calls go on");
    });
}

/// Polls a future so many times, then drops it.
async fn polled<T>(mut future: Pin<&mut impl Future<Output = T>>, mut polls: u32) -> Option<T> {
    std::future::poll_fn(|context: &mut Context<'_>| {
        if polls == 0 {
            return Poll::Ready(None);
        }
        polls -= 1;
        future.as_mut().poll(context).map(Some)
    })
    .await
}

#[test]
fn core_04_a_call_may_be_dropped_after_any_poll_and_the_next_one_is_right() {
    for path in ["/json", "/large", "/drip", "/moved", "/echo"] {
        let mut k = 0;
        loop {
            let mut site = site(k.into(), Faults { lost: 0, doubled: 0, delay: (200, 900) });
            let (board, server) = (site.world.board, site.server.clone());
            let done = site.world.run(async move {
                let mut memory = SocketMemory::<2, 1536, 1024>::new();
                let sockets = Sockets::new(board, &mut memory);
                let client = Client::plain(&sockets, context());
                // Over a kept connection, that it must not spoil.
                assert!(send(&client, &Request::new("http://192.168.69.2/json")).await.is_ok());
                let url = format!("http://device.test{path}");
                let (request, mut buffers) = (Request::new(&url), Buffers::new());
                let done = {
                    let call = pin!(client.request(&request, buffers.memory()));
                    polled(call, k).await.is_some()
                };
                for _ in 0..3 {
                    let came = send(&client, &Request::new("http://device.test/json")).await;
                    assert_eq!(came, Ok((200, r#"{"a":1}"#.into())), "{path}, dropped after {k} polls");
                }
                Timer::after(Duration::from_millis(600)).await;
                let (idle, over) = sockets.idle();
                assert_eq!(idle, over, "a goodbye was not said: {path}, dropped after {k} polls");
                assert_eq!(server.open.get(), 2 - idle as u64, "{path}, dropped after {k} polls");
                done
            });
            if done {
                break;
            }
            k += 1;
        }
        assert!(k > 3, "{path} took {k} polls");
    }
}
