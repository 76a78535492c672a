//! Whole lives over a scripted peer, on both loops, whole and byte by byte, with the smallest buffers: the same
//! (SOCK-01, SOCK-04 to SOCK-08, CORE-04, CORE-05).

use super::*;
use crate::drive::asynch::Socket as Asynch;
use crate::drive::blocking::Socket as Blocking;
use crate::drive::{Received, SocketMemory};
use crate::testing::script::{Bytes, Peer, Split, Step};
use crate::testing::{Driver, answers, at_every_boundary, by_hand, development, everywhere, sends};

/// What the caller does once the socket is open; then it listens to the end.
#[derive(Clone, Copy, Debug)]
pub(super) enum Act {
    Text(&'static str),
    Base64(&'static str),
    Close(u16, &'static str),
    Hear,
    /// Hears the rest in pieces.
    Stream,
}

/// One socket and what the peer does.
#[derive(Clone)]
pub(super) struct Life<'a> {
    pub(super) context: Context<'a>,
    pub(super) connect: ConnectSocket<'a>,
    pub(super) settings: Settings,
    pub(super) steps: Vec<Step>,
    pub(super) acts: Vec<Act>,
    pub(super) memory: usize,
    pub(super) base64: bool,
    pub(super) draws: usize,
    /// The script may go on after the end.
    pub(super) unfinished: bool,
    pub(super) buffers: Vec<(usize, usize)>,
    /// Compression is offered.
    #[cfg(feature = "permessage-deflate")]
    pub(super) compress: bool,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) struct Seen {
    pub(super) failure: Option<(Reason, Option<u16>)>,
    pub(super) shown: Vec<Shown>,
    pub(super) refused: Vec<Reason>,
    pub(super) took: u64,
}

impl crate::testing::Seen for Seen {
    fn comparable(&self) -> Self {
        self.clone()
    }
}

impl Seen {
    fn show(&mut self, received: Received<'_>) {
        self.shown.push(match received {
            Received::Message(Message::Text(text)) => Shown::Text(text.into()),
            Received::Message(Message::Base64(text)) => Shown::Text(format!("base64 {text}")),
            Received::Message(Message::Binary(bytes)) => Shown::Binary(bytes.into()),
            Received::Error(reason) => Error(reason),
            Received::Close { code, reason } => Close(code, reason.into()),
        });
    }

    /// Reason, code, status.
    pub(super) fn failure(&self) -> (Option<Reason>, Option<u8>, Option<u16>) {
        let reason = self.failure.map(|(reason, _)| reason);
        (reason, reason.map(Reason::socket_code), self.failure.and_then(|(_, status)| status))
    }
}

pub(super) const PLAIN: &str = "http a.test:80";

/// The steps of a plain connection to `a.test` up to the answer.
pub(super) fn asked() -> Vec<Step> {
    vec![Step::Fresh(PLAIN), sends(get("/", "a.test", "", ""))]
}

/// A peer that answers, sends these frames with the answer, and then does `then`.
pub(super) fn opened(frames: &[u8], then: &[Step]) -> Vec<Step> {
    let mut steps = asked();
    steps.push(answers([switched("").as_bytes(), frames].concat()));
    steps.extend_from_slice(then);
    steps
}

pub(super) fn writes(frame: Vec<u8>) -> Step {
    Step::Writes(Bytes(frame))
}

impl<'a> Life<'a> {
    pub(super) fn new(context: &Context<'a>, connect: ConnectSocket<'a>, steps: impl Into<Vec<Step>>) -> Self {
        Self {
            context: *context,
            connect,
            settings: Settings::new(),
            steps: steps.into(),
            acts: Vec::new(),
            memory: 64,
            base64: false,
            draws: usize::MAX,
            unfinished: false,
            buffers: vec![(512, 256), (4096, 4096)],
            #[cfg(feature = "permessage-deflate")]
            compress: false,
        }
    }

    /// Drives with the loop that `$Socket` is of; `$wait` waits for a future, or is nothing.
    pub(super) fn once(&self, driver: Driver, split: Split, (receive, transmit): (usize, usize)) -> Seen {
        #[cfg(feature = "permessage-deflate")]
        let mut windows = self.compress.then(compression::used);
        macro_rules! live {
            ($socket:ident, $peer:expr, $memory:expr, $seen:expr $(, $wait:tt)?) => {{
                let mut protocol = None;
                let on_open = |_: crate::http::head::Head<'_>, chosen: Option<&str>| {
                    protocol = Some(chosen.map(String::from));
                };
                let (context, connect, settings) = (&self.context, &self.connect, self.settings);
                #[cfg(feature = "permessage-deflate")]
                let connected = match &mut windows {
                    Some(windows) => {
                        let lent = windows.lend();
                        $socket::connect_compressed($peer, context, connect, settings, $memory, lent, on_open)
                            $(.$wait)?
                    }
                    None => $socket::connect($peer, context, connect, settings, $memory, on_open)$(.$wait)?,
                };
                #[cfg(not(feature = "permessage-deflate"))]
                let connected = $socket::connect($peer, context, connect, settings, $memory, on_open)$(.$wait)?;
                match connected {
                    Err(failure) => {
                        assert_eq!(protocol, None, "an attempt that fails was never open");
                        $seen.failure = Some((failure.reason, failure.status));
                    }
                    Ok(mut socket) => {
                        $seen.shown.push(Shown::Open(protocol.expect("an open socket has a head")));
                        if self.base64 {
                            socket = socket.with_base64();
                        }
                        for act in &self.acts {
                            let done = match *act {
                                Act::Text(text) => socket.send(Sending::text(text))$(.$wait)?,
                                Act::Base64(text) => match Sending::base64(text) {
                                    Ok(sending) => socket.send(sending)$(.$wait)?,
                                    Err(reason) => Err(reason),
                                },
                                Act::Close(code, reason) => socket.close(code, reason)$(.$wait)?,
                                Act::Hear => {
                                    let received = socket.recv()$(.$wait)?;
                                    $seen.show(received.expect("something comes"));
                                    Ok(())
                                }
                                Act::Stream => {
                                    let mut whole = Vec::new();
                                    let received = socket.recv_streamed(|text, data, fin| {
                                        assert!(!text);
                                        whole.extend_from_slice(data);
                                        if fin {
                                            $seen.shown.push(Shown::Binary(std::mem::take(&mut whole)));
                                        }
                                        Ok(())
                                    })$(.$wait)?;
                                    $seen.show(received.expect("the end comes"));
                                    Ok(())
                                }
                            };
                            $seen.refused.extend(done.err());
                        }
                        while let Some(received) = socket.recv()$(.$wait)? {
                            $seen.show(received);
                        }
                        assert_eq!(socket.recv()$(.$wait)?, None);
                        assert!(!socket.is_open());
                    }
                }
            }};
        }
        let mut peer = Peer::new(&self.steps, split).with_draws(self.draws);
        let start = peer.now();
        let (mut rx, mut tx, mut message) = (vec![0; receive], vec![0; transmit], vec![0; self.memory]);
        let memory = SocketMemory { receive: &mut rx, transmit: &mut tx, message: &mut message };
        let mut seen = Seen { failure: None, shown: Vec::new(), refused: Vec::new(), took: 0 };
        match driver {
            Driver::Blocking => live!(Blocking, &mut peer, memory, seen),
            _ => peer.block_on(async { live!(Asynch, &peer, memory, seen, await) }),
        }
        seen.took = start.until(peer.now());
        if !self.unfinished {
            peer.finish();
        }
        seen
    }

    #[track_caller]
    pub(super) fn run(&self) -> Seen {
        let seen = everywhere(&self.buffers, &[Split::Whole, Split::Bytes], |driver, split, buffers| {
            self.once(driver, split, buffers)
        });
        at_every_boundary(&self.steps, &seen, |split| self.once(Driver::Blocking, split, self.buffers[0]));
        seen
    }

    /// The opening handshake alone, by hand, at every split: how it ended, and what was received behind it.
    #[track_caller]
    pub(super) fn open_by_hand(&self) -> (Opened, Option<String>) {
        let once = |split, buffers| {
            let mut peer = Peer::new(&self.steps, split);
            let handshake = Handshake::new(&self.connect, [0; 16]);
            let task = OpeningTask::new(&self.context, &handshake, peer.now());
            let refused = task.refused();
            let mut chosen = None;
            let event = |event: OpeningEvent<'_>| {
                if let OpeningEvent::Head { protocol, .. } = event {
                    chosen = protocol.map(String::from);
                }
                Ok(())
            };
            let (opened, link, _) = by_hand::run_over(&mut peer, task, buffers, event, |_, _| panic!("no content"));
            assert_eq!(link.is_some(), opened.result.is_ok(), "a success hands the link over");
            assert!(refused.is_none() || refused == opened.result.err());
            drop(link);
            (opened, chosen)
        };
        let whole = once(Split::Whole, (4096, 4096));
        for split in (1..1000).map(Split::At).chain([Split::Bytes]) {
            for buffers in [(512, 256), (4096, 4096)] {
                assert_eq!(once(split, buffers), whole, "{split:?}");
            }
        }
        whole
    }
}

fn life(connect: ConnectSocket<'static>, steps: Vec<Step>, acts: &[Act]) -> Life<'static> {
    Life { acts: acts.into(), ..Life::new(&development(), connect, steps) }
}

const URL: ConnectSocket<'static> = ConnectSocket::new("ws://a.test");

fn text(text: &str) -> Shown {
    Shown::Text(text.into())
}

const OPEN: Shown = Shown::Open(None);

#[test]
fn sock_01_first_frames_in_one_piece_with_the_answer_are_heard() {
    let frames = [theirs(0x81, b"hello"), theirs(0x88, &closing(1000, "bye"))].concat();
    let then = [writes(ours(0x88, &closing(1000, ""))), Step::Ends, Step::Closes];
    let seen = life(URL, opened(&frames, &then), &[]).run();
    assert_eq!((seen.failure, seen.shown), (None, vec![OPEN, text("hello"), Close(1000, "bye".into())]));
}

#[test]
fn sock_01_a_101_that_is_refused_is_no_open() {
    let answer = switched("").replace("ICX+Yqv66kxgM0FcWaLWlFLwTAI=", "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
    let steps = [asked(), vec![answers(answer), Step::Closes]].concat();
    let seen = life(URL, steps, &[]).run();
    assert_eq!((seen.failure(), seen.shown), ((Some(Reason::AcceptWrong), Some(8), Some(101)), vec![]));
}

#[test]
fn sock_04_messages_go_both_ways() {
    let steps = opened(
        b"",
        &[
            writes(ours(0x81, b"hello")),
            answers(theirs(0x81, b"HELLO")),
            writes(ours(0x82, b"hi")),
            answers(theirs(0x82, b"HI")),
            writes(ours(0x88, &closing(1000, "done"))),
            answers(theirs(0x88, &closing(1000, ""))),
            Step::Ends,
            Step::Closes,
        ],
    );
    let acts = [Act::Text("hello"), Act::Hear, Act::Base64("aGk="), Act::Hear, Act::Close(1000, "done")];
    let mut scenario = life(URL, steps, &acts);
    let seen = scenario.run();
    assert_eq!(seen.shown, [OPEN, text("HELLO"), Shown::Binary(b"HI".to_vec()), Close(1000, String::new())]);
    assert!(seen.refused.is_empty());
    scenario.base64 = true;
    assert_eq!(scenario.run().shown[2], text("base64 SEk="));
}

#[test]
fn sock_09_a_message_beyond_the_memory_is_12_on_every_driver() {
    let steps = opened(
        &theirs(0x82, &[7; 65]),
        &[
            writes(ours(0x88, &closing(1009, ""))),
            answers([theirs(0x81, b"late"), theirs(0x88, &closing(1009, ""))].concat()),
            Step::Ends,
            Step::Closes,
        ],
    );
    let seen = life(URL, steps, &[]).run();
    assert_eq!(seen.shown, [OPEN, Error(Reason::TooLarge), Close(1009, String::new())]);
}

#[test]
fn sock_09_a_streamed_message_may_be_of_any_length() {
    let long = vec![7; 70_000];
    let frames = [theirs(0x02, &long), theirs(0x80, b"end"), theirs(0x88, b"")].concat();
    let steps = opened(&frames, &[writes(ours(0x88, b"")), Step::Ends, Step::Closes]);
    let scenario = life(URL, steps, &[Act::Stream]);
    for driver in [Driver::Blocking, Driver::Asynch] {
        let seen = scenario.once(driver, Split::Whole, (512, 256));
        assert_eq!(seen.shown, [OPEN, Shown::Binary([&long[..], b"end"].concat()), Close(1005, String::new())]);
    }
}

#[test]
fn sock_07_abnormal_ends_on_every_driver() {
    let ends = [(Step::Ends, Reason::ConnectionClosed), (Step::Breaks, Reason::ConnectionLost)];
    for (end, reason) in ends {
        let seen = life(URL, opened(&theirs(0x81, b"a"), &[end, Step::Closes]), &[]).run();
        let [error, close] = broken(reason);
        assert_eq!(seen.shown, [OPEN, text("a"), error, close]);
    }
}

#[test]
fn sock_code_11_a_write_that_fails_is_told_and_what_was_received_is_heard() {
    let steps =
        opened(b"", &[Step::WriteBreaks, answers(theirs(0x88, &closing(1001, "away"))), Step::Ends, Step::Closes]);
    let seen = life(URL, steps, &[Act::Text("x"), Act::Text("y")]).run();
    assert_eq!(seen.refused, [Reason::SendFailed, Reason::NotConnected]);
    assert_eq!(seen.refused.iter().map(|reason| reason.socket_code()).collect::<Vec<_>>(), [11, 10]);
    assert_eq!(seen.shown, [OPEN, Close(1001, "away".into())]);
}

#[test]
fn sock_08_the_keep_alive_pings_and_gives_up() {
    let ping = || writes(ours(0x89, b""));
    let silence = Step::Waits(1_000);
    let pong = answers(theirs(0x8a, b""));
    let steps = [silence.clone(), ping(), Step::Waits(500), pong, silence, ping(), Step::Stalls, Step::Closes];
    let steps = opened(b"", &steps);
    let mut scenario = life(URL, steps, &[]);
    scenario.settings = Settings::new().keep_alive(1_000);
    let seen = scenario.run();
    assert_eq!(seen.shown, [&[OPEN][..], &broken(Reason::PeerSilent)].concat());
    assert_eq!(seen.took, 1_000 + 500 + 1_000 + 1_000);
}

#[test]
fn sock_12_a_close_without_an_answer_is_cut() {
    let steps = opened(b"", &[writes(ours(0x88, &closing(1000, ""))), Step::Stalls, Step::Closes]);
    let seen = life(URL, steps, &[Act::Close(1000, "")]).run();
    assert_eq!(seen.shown, [&[OPEN][..], &broken(Reason::CloseTimeout)].concat());
    assert_eq!(seen.took, 5_000);
}

#[test]
fn ctx_06_an_unloaded_page_closes_with_1001_on_every_driver() {
    let steps = opened(
        &theirs(0x81, b"a"),
        &[Step::Interrupts(Interrupt::Unload), writes(ours(0x88, &closing(1001, ""))), Step::Breaks, Step::Closes],
    );
    let seen = life(URL, steps, &[]).run();
    assert_eq!(seen.shown, [OPEN, text("a"), Close(1001, String::new())]);
}

#[test]
fn sock_10_without_randomness_nothing_is_sent() {
    let mut scenario = life(URL, vec![], &[]);
    scenario.draws = 0;
    assert_eq!(scenario.run().failure(), (Some(Reason::NoRandomness), Some(1), None));

    let mut scenario = life(URL, opened(&theirs(0x89, b"p"), &[Step::Closes]), &[]);
    scenario.draws = 1;
    assert_eq!(scenario.run().shown, [&[OPEN][..], &broken(Reason::NoRandomness)].concat());
}

#[test]
fn core_05_buffers_below_the_minimum_are_refused() {
    for buffers in [(511, 256), (512, 255), (0, 0)] {
        let mut scenario = life(URL, vec![], &[]);
        scenario.buffers = vec![buffers];
        assert_eq!(scenario.run().failure(), (Some(Reason::BufferTooSmall), Some(1), None));
    }
}

#[test]
fn sock_08_a_wait_that_is_given_up_costs_nothing_and_a_read_that_is_costs_the_socket() {
    use std::future::Future;
    use std::pin::pin;
    use std::task::{Context as Waking, Waker};
    let steps = opened(b"", &[Step::Waits(100), answers(theirs(0x81, b"hi")), Step::Stalls, Step::Closes]);
    let peer = Peer::new(&steps, Split::Whole);
    let (mut rx, mut tx, mut message) = ([0; 512], [0; 256], [0; 64]);
    let memory = SocketMemory { receive: &mut rx, transmit: &mut tx, message: &mut message };
    let context = development();
    let connected = Asynch::connect(&peer, &context, &URL, Settings::new(), memory, |_, _| {});
    let mut socket = peer.block_on(connected).unwrap();
    let mut waking = Waking::from_waker(Waker::noop());
    for _ in 0..3 {
        assert!(pin!(socket.ready()).poll(&mut waking).is_pending());
        // A whole `recv` waits in the same way before it reads.
        assert!(pin!(socket.recv()).poll(&mut waking).is_pending());
    }
    peer.block_on(socket.ready());
    assert_eq!(peer.block_on(socket.recv()), Some(Received::Message(Message::Text("hi"))));
    drop(socket);
    peer.finish();
}

#[test]
fn sock_08_what_is_no_message_yet_keeps_nobody_from_sending() {
    use std::task::Poll;
    let steps = opened(
        b"",
        &[
            answers(theirs(0x89, b"p")),
            writes(ours(0x8a, b"p")),
            Step::Waits(100),
            answers(theirs(0x01, b"h")),
            Step::Waits(100),
            writes(ours(0x81, b"go on")),
            answers(theirs(0x80, b"i")),
            Step::Closes,
        ],
    );
    for split in [Split::Whole, Split::Bytes] {
        let peer = Peer::new(&steps, split);
        let (mut rx, mut tx, mut message) = ([0; 512], [0; 256], [0; 64]);
        let memory = SocketMemory { receive: &mut rx, transmit: &mut tx, message: &mut message };
        let context = development();
        let connected = Asynch::connect(&peer, &context, &URL, Settings::new(), memory, |_, _| {});
        let mut socket = peer.block_on(connected).unwrap();
        // A Ping, and the first half of a message.
        for _ in 0..2 {
            peer.block_on(socket.ready());
            assert_eq!(peer.block_on(socket.recv_now()), Poll::Pending);
            assert_eq!(peer.block_on(socket.recv_now()), Poll::Pending, "again, without a wait");
        }
        peer.block_on(socket.send(Sending::text("go on"))).unwrap();
        assert_eq!(peer.block_on(socket.recv_now()), Poll::Ready(Some(Received::Message(Message::Text("hi")))));
        drop(socket);
        peer.finish();
    }
}
