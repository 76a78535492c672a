//! Requests, uploads and downloads.

use std::pin::{Pin, pin};
use std::task::{Context, Poll};

use embassy_time::{Duration, with_timeout};
use miniwire_core::data::Data;
use miniwire_core::download::Download;
use miniwire_core::media::FileType;
use miniwire_core::multipart::Boundary;
use miniwire_core::reason::{CertificateFault, Reason};
use miniwire_core::request::{DataType, Method, Request};
use miniwire_core::storage;
use miniwire_core::upload::Upload;
use miniwire_embassy::Sockets;
use rcgen::date_time_ymd;

use crate::peer::Peer;
use crate::site::{Secured, pass, site, site_with};
use crate::support::{Signer, authority, config, leaf};
use crate::world::cable::Faults;
use crate::world::clock;
use crate::world::http::{Seen, Server, Step};
use crate::world::site::{Buffers, Came, send};

fn fails(code: u8, reason: Reason) -> Came {
    Err((code, reason, None))
}

const JSON: &str = "https://device.test/json";

#[test]
fn ctx_08_a_request_over_tls_and_one_more_over_the_kept_session() {
    let mut site = site(1, Faults::NONE);
    site.run::<_, 1>(async |client, _| {
        for _ in 0..5 {
            assert_eq!(send(client, &Request::new(JSON)).await, Ok((200, r#"{"a":1}"#.into())));
            pass(1000).await;
        }
        assert_eq!(
            send(client, &Request::new("https://device.test/missing")).await,
            Err((19, Reason::HttpStatus, Some(404)))
        );
        assert_eq!(send(client, &Request::new("https://device.test/drip")).await.unwrap().1, r#""drop by drop""#);
    });
    assert_eq!(site.peer.connections.get(), 1);
}

#[test]
fn ctx_08_all_three_calls_over_a_cable_that_loses_doubles_and_reorders() {
    for seed in 0..10 {
        let mut site = site(seed, Faults::MANY);
        site.run::<_, 2>(async |client, _| {
            let large = Request::new("https://device.test/large").data_type(DataType::Text).timeout(600_000);
            let came = send(client, &large).await.unwrap_or_else(|failed| panic!("seed {seed}: {failed:?}"));
            assert!(came.1.len() == 60_000 && came.1.bytes().all(|byte| byte == b'x'));

            let (mut buffers, content) = (Buffers::new(), vec![b'y'; 20_000]);
            let boundary = Boundary::new([1; 16]);
            let upload = Upload::new("https://device.test/echo", FileType::Image, "f", boundary).file("f", 0);
            let mut source = storage::Bytes::new(&content);
            let echo = client.upload_file(&upload, &mut source, buffers.memory(), |_| ()).await.unwrap();
            assert!(echo.text().contains(&"y".repeat(20_000)), "seed {seed}");

            let (mut buffers, mut file) = (Buffers::new(), vec![0; 60_000]);
            let mut store = storage::Memory::new(&mut file);
            let download = Download::new("https://device.test/large");
            client.download_file(&download, &mut store, buffers.memory(), |_| ()).await.unwrap();
            assert_eq!(store.file(), Some(&[b'x'; 60_000][..]), "seed {seed}");
        });
    }
}

#[test]
fn ctx_08_tickets_that_come_before_the_answer_do_not_hold_up_what_is_sent() {
    let mut site = site(1, Faults::NONE);
    site.run::<_, 1>(async |client, _| {
        // More than all buffers on the way hold, over a new session, and the server answers at its end only.
        let (mut buffers, content) = (Buffers::new(), vec![b'y'; 40_000]);
        let boundary = Boundary::new([1; 16]);
        let upload = Upload::new("https://device.test/echo", FileType::Image, "f", boundary).file("f", 0);
        let mut source = storage::Bytes::new(&content);
        let start = clock::now_ms();
        assert!(client.upload_file(&upload, &mut source, buffers.memory(), |_| ()).await.is_ok());
        assert!(clock::now_ms() - start < 5000);
    });
}

#[test]
fn up_07_an_answer_is_heard_of_a_server_that_reads_no_more_under_tls() {
    for seed in 0..6 {
        let mut site = site(seed, if seed < 2 { Faults::NONE } else { Faults::MANY });
        site.apart = seed % 2 == 1;
        site.run::<_, 1>(async |client, _| {
            let (mut buffers, content) = (Buffers::new(), vec![b'y'; 200_000]);
            let upload =
                Upload::new("https://device.test/early", FileType::Image, "f", Boundary::new([1; 16])).file("f", 0);
            let mut source = storage::Bytes::new(&content);
            let start = clock::now_ms();
            let came = client.upload_file(&upload, &mut source, buffers.memory(), |_| ()).await.unwrap();
            assert_eq!((came.status(), came.text()), (413, "\"too much\""), "{seed}");
            assert!(clock::now_ms() - start < 15_000, "{seed}: {} ms", clock::now_ms() - start);
        });
    }
}

#[test]
fn ctx_08_a_server_that_is_not_the_one_is_refused_through_the_client() {
    let mut good = site(1, Faults::NONE);
    let plain = Peer::start(&mut good.world.executor, good.world.server, 80, 2, None);
    good.run::<_, 1>(async |client, _| {
        let call = async |url: &str| send(client, &Request::new(url)).await;
        assert_eq!(call("https://other.test/json").await, fails(19, Reason::Certificate(CertificateFault::WrongHost)));
        assert_eq!(call("https://192.168.69.2:80/json").await, fails(19, Reason::NotTls));
        assert_eq!(call(JSON).await, Ok((200, r#"{"a":1}"#.into())), "the session's memory is free again");
    });
    assert!(plain.seen.borrow().is_empty(), "nothing was said in the clear");

    let mut strange = site(2, Faults::NONE);
    strange.root = Signer::root(authority("another")).der.clone();
    let came = strange.run::<_, 1>(async |client, _| send(client, &Request::new(JSON)).await);
    assert_eq!(came, fails(19, Reason::Certificate(CertificateFault::UnknownIssuer)));

    let mut expired = leaf(&["device.test"]);
    expired.not_after = date_time_ymd(2020, 1, 1);
    let mut expired = site_with(3, Faults::NONE, expired);
    let came = expired.run::<_, 1>(async |client, _| send(client, &Request::new(JSON)).await);
    assert_eq!(came, fails(19, Reason::Certificate(CertificateFault::Expired)));
    for site in [good, strange, expired] {
        let refused = site.peer.seen.borrow().iter().filter(|seen| seen.head.contains("other.test")).count();
        assert_eq!(refused, 0, "no request was sent");
    }
}

#[test]
fn ctx_08_the_handshake_is_within_the_deadline() {
    let mut site = site(1, Faults::NONE);
    let hang = |_: &Seen| vec![Step::Hang];
    let silent = Server::start(&mut site.world.executor, site.world.server, 4433, 1, hang);
    let (came, took) = site.run::<_, 1>(async |client, _| {
        let start = clock::now_ms();
        let came = send(client, &Request::new("https://device.test:4433/").timeout(3000)).await;
        assert!(send(client, &Request::new(JSON)).await.is_ok(), "the session's memory is free again");
        (came, clock::now_ms() - start)
    });
    assert_eq!(came, fails(13, Reason::Timeout));
    assert!((3000..3200).contains(&took), "{took}");
    assert_eq!(silent.connections.get(), 1);
}

#[test]
fn ctx_08_without_anybody_to_serve_a_session_https_fails_at_once() {
    let mut site = site(1, Faults::NONE);
    let came = site.run::<_, 0>(async |client, _| send(client, &Request::new(JSON)).await);
    assert_eq!(came, fails(12, Reason::Tls));
}

#[test]
fn ctx_08_a_kept_session_makes_way_and_a_used_one_is_waited_for() {
    let mut site = site(1, Faults::NONE);
    let root = Signer::root(authority("root two"));
    let identity = root.identity(&leaf(&["device.test"]), &[]);
    site.root = root.der.clone();
    let versions = [&rustls::version::TLS13];
    let one = Peer::start(&mut site.world.executor, site.world.server, 4431, 2, Some(config(&identity, &versions)));
    let two = Peer::start(&mut site.world.executor, site.world.server, 4432, 2, Some(config(&identity, &versions)));
    site.run::<_, 1>(async |client, _| {
        for port in [4431, 4432, 4431] {
            let url = format!("https://device.test:{port}/json");
            assert!(send(client, &Request::new(&url)).await.is_ok());
        }
        assert_eq!((one.connections.get(), two.connections.get()), (2, 1));
        assert_eq!((one.clean.get(), two.clean.get()), (1, 1), "those that made way said close_notify");
        // The session is in use for five seconds.
        let (slow, start) = (Request::new("https://device.test:4431/slow"), clock::now_ms());
        let other = Request::new("https://device.test:4432/json");
        let (mut slow, mut other) = (pin!(send(client, &slow)), pin!(send(client, &other)));
        let mut done = (None, None);
        std::future::poll_fn(|context| {
            if done.0.is_none()
                && let Poll::Ready(came) = slow.as_mut().poll(context)
            {
                done.0 = Some((came, clock::now_ms() - start));
            }
            if done.1.is_none()
                && let Poll::Ready(came) = other.as_mut().poll(context)
            {
                done.1 = Some((came, clock::now_ms() - start));
            }
            if done.0.is_some() && done.1.is_some() { Poll::Ready(()) } else { Poll::Pending }
        })
        .await;
        let (Some((Ok(_), first)), Some((Ok(_), second))) = done else { panic!("{done:?}") };
        assert!(first >= 5000 && (first..first + 500).contains(&second), "{first} {second}");
    });
}

#[test]
fn ctx_08_a_session_that_the_server_has_closed_is_not_used_again() {
    let mut site = site(1, Faults::NONE);
    site.run::<_, 2>(async |client, sockets| {
        let until_closed = Request::new("https://device.test/until-closed").data_type(DataType::Text);
        assert_eq!(send(client, &until_closed).await, Ok((200, "[1]".into())));
        assert!(send(client, &Request::new(JSON)).await.is_ok());
        client.shut_down();
        pass(200).await;
        assert_eq!(sockets.idle().0, 3);
    });
    assert_eq!((site.peer.connections.get(), site.peer.open.get()), (2, 0));
}

#[test]
fn ctx_08_an_end_without_close_notify_is_no_end() {
    let mut site = site(1, Faults::NONE);
    site.run::<_, 1>(async |client, _| {
        for (path, reason) in [("/cut-by-reset", Reason::ConnectionLost), ("/reset", Reason::ConnectionLost)] {
            let url = format!("https://device.test{path}");
            let came = send(client, &Request::new(&url)).await;
            assert_eq!(came.map_err(|(code, reason, _)| (code, reason)), Err((12, reason)), "{path}");
        }
    });
}

/// Polls a future so often, then drops it.
async fn drop_after(polls: usize, future: impl Future) -> bool {
    let mut future = pin!(future);
    let mut polled = 0;
    std::future::poll_fn(|context: &mut Context<'_>| {
        if polled == polls {
            return Poll::Ready(false);
        }
        polled += 1;
        future.as_mut().poll(context).map(|_| true)
    })
    .await
}

#[test]
fn ctx_08_a_call_dropped_at_any_poll_leaves_no_session_that_answers_wrongly() {
    let mut site = site(1, Faults::NONE);
    site.run::<_, 1>(async |client, sockets| {
        for polls in 0.. {
            let completed = survives(client, sockets, async |call| drop_after(polls, call).await).await;
            if completed == [true; 2] {
                assert!(polls > 3, "{polls}");
                break;
            }
        }
    });
}

#[test]
fn ctx_08_a_call_dropped_at_any_time_leaves_no_session_that_answers_wrongly() {
    // A handshake and an exchange take several round trips of up to 40 ms here.
    let mut site = site(1, Faults { lost: 0, doubled: 0, delay: (500, 20_000) });
    site.run::<_, 1>(async |client, sockets| {
        for ms in 0.. {
            let limit = Duration::from_millis(ms);
            let completed = survives(client, sockets, async |call| with_timeout(limit, call).await.is_ok()).await;
            if completed == [true; 2] {
                assert!(ms > 20, "{ms}");
                break;
            }
        }
    });
}

/// Drops a call over a new session, and one over a kept one, and makes another each time. Whether they completed.
async fn survives(
    client: &Secured<'_, '_, '_, 1>,
    sockets: &Sockets<'_, 3>,
    mut drops: impl AsyncFnMut(Pin<&mut dyn Future<Output = ()>>) -> bool,
) -> [bool; 2] {
    let echo = |text| Request::new("https://device.test/echo").method(Method::Post).data(Data::Text(text));
    let mut completed = [false; 2];
    for (kept, completed) in [false, true].into_iter().zip(&mut completed) {
        if kept {
            assert!(send(client, &Request::new(JSON)).await.is_ok());
        }
        let request = echo("\"dropped\"");
        *completed = drops(pin!(async { drop(send(client, &request).await) })).await;
        assert_eq!(send(client, &echo("\"next\"")).await, Ok((200, "\"next\"".into())), "{kept}");
        if !kept {
            let close = Request::new("https://device.test/until-closed").data_type(DataType::Text);
            assert!(send(client, &close).await.is_ok());
        }
        pass(200).await;
        assert!(sockets.idle().0 >= 2, "{kept}");
    }
    completed
}

#[test]
fn req_16_a_kept_session_makes_way_where_every_socket_is_taken() {
    let mut site = site_with(1, Faults::NONE, leaf(&["device.test", "other.test", "192.168.69.2"]));
    let plain = Peer::start(&mut site.world.executor, site.world.server, 80, 4, None);
    site.run::<_, 3>(async |client, sockets| {
        // Three sockets and three sessions, all kept.
        for url in [JSON, "https://192.168.69.2/json", "https://other.test/json"] {
            assert!(send(client, &Request::new(url)).await.is_ok(), "{url}");
        }
        assert_eq!(sockets.idle().0, 0);
        // One makes way for each of these at the same time.
        let one = Request::new("http://device.test/json");
        let two = Request::new("http://192.168.69.2/json");
        let (mut one, mut two) = (pin!(send(client, &one)), pin!(send(client, &two)));
        let mut done = (None, None);
        let start = clock::now_ms();
        std::future::poll_fn(|context| {
            for (call, came) in [(one.as_mut(), &mut done.0), (two.as_mut(), &mut done.1)] {
                if came.is_none()
                    && let Poll::Ready(ended) = call.poll(context)
                {
                    *came = Some(ended);
                }
            }
            if done.0.is_some() && done.1.is_some() { Poll::Ready(()) } else { Poll::Pending }
        })
        .await;
        for came in [done.0, done.1] {
            assert_eq!(came, Some(Ok((200, r#"{"a":1}"#.into()))));
        }
        assert!(clock::now_ms() - start < 500, "{}", clock::now_ms() - start);
        assert!(send(client, &Request::new("https://other.test/json")).await.is_ok(), "still kept");
    });
    assert_eq!((plain.connections.get(), site.peer.connections.get()), (2, 3), "no more made way than had to");
}

#[test]
fn ctx_08_a_session_that_is_left_gives_its_socket_back_at_once_whatever_the_server_does() {
    let mut site = site(1, Faults::NONE);
    let cable = site.world.cable.clone();
    site.run::<_, 2>(async |client, sockets| {
        // A kept session, and a call in the middle of a write that stalls: the cable is out.
        assert!(send(client, &Request::new(JSON)).await.is_ok());
        let (mut buffers, content) = (Buffers::new(), vec![b'y'; 200_000]);
        let upload =
            Upload::new("https://192.168.69.2/echo", FileType::Image, "f", Boundary::new([1; 16])).file("f", 0);
        let mut source = storage::Bytes::new(&content);
        let mut call = pin!(client.upload_file(&upload, &mut source, buffers.memory(), |_| ()));
        assert!(with_timeout(Duration::from_millis(40), call.as_mut()).await.is_err());
        cable.set_up(false);
        assert!(with_timeout(Duration::from_secs(5), call.as_mut()).await.is_err());
        assert_eq!(sockets.idle().0, 1);
        client.shut_down();
        assert!(call.await.is_err());
        // The sessions' own tasks run, and no more time than that passes.
        pass(1).await;
        assert_eq!(sockets.idle().0, 3);
    });
}
