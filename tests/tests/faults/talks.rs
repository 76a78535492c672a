//! WebSockets over both drive loops against a server in memory: what is received is a beginning of what was sent, byte
//! for byte, in both directions.

use miniwire_core::context::Context;
use miniwire_core::drive::{Received, SocketMemory, Transport, asynch, blocking};
use miniwire_core::policy::{Api, Policy};
use miniwire_core::reason::Reason;
use miniwire_core::socket::{ConnectSocket, Message as Borrowed, Sending, Settings};
use miniwire_tests::faults::talk::{Message, said, sent};
use miniwire_tests::faults::{Faulty, Mix, Origin, Pace, Plan, Random, Virtual, reader};

use crate::{Telling, seeds};

type Network = Faulty<Origin, <Origin as Transport>::Link, Virtual>;

/// Of each property below; `MINIWIRE_SEEDS` is another number.
const SEEDS: u64 = 300;

const URL: &str = "ws://a.test/";

/// How long the attempt may take, and what the socket waits for: what has no stall may take as long as it takes.
fn patience(mix: Mix) -> (u32, Settings) {
    match mix {
        Mix::Gentle => (600_000, Settings::new().keep_alive(600_000).close_timeout(600_000).send_timeout(600_000)),
        _ => (10_000, Settings::new().keep_alive(5000).close_timeout(3000).send_timeout(4000)),
    }
}

/// What a client was told.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Told {
    pub(crate) messages: Vec<Message>,
    pub(crate) errors: Vec<Reason>,
    pub(crate) closes: Vec<u16>,
    /// Messages that it was told are sent.
    pub(crate) sent: usize,
}

impl Told {
    pub(crate) fn take(&mut self, received: Received<'_>) {
        assert!(self.closes.is_empty(), "nothing comes after the Close: {self:?}");
        match received {
            Received::Message(message) => {
                assert!(self.errors.is_empty(), "no message comes after the Error: {self:?}");
                self.messages.push((matches!(message, Borrowed::Text(_)), message.as_bytes().to_vec()));
            }
            Received::Error(reason) => self.errors.push(reason),
            Received::Close { code, .. } => self.closes.push(code),
        }
    }

    /// What holds whatever happened.
    pub(crate) fn check(&self, seed: u64) {
        let Self { errors, closes, .. } = self;
        assert_eq!(closes.len(), 1, "{self:?}");
        assert!(errors.len() <= 1, "{self:?}");
        assert!(errors.iter().all(|reason| Api::ConnectSocket.codes().contains(&reason.code(Api::ConnectSocket))));
        assert!(self.sent <= sent(seed).len());
    }

    /// What holds where every byte that arrived was one that was sent.
    pub(crate) fn is_true(&self, seed: u64, heard: &[Message]) {
        assert!(said(seed).starts_with(&self.messages), "received {:?}", self.messages);
        assert!(sent(seed).starts_with(heard), "the server heard {heard:?}");
    }

    /// What holds where nothing was lost either.
    pub(crate) fn is_whole(&self, seed: u64, heard: &[Message]) {
        assert_eq!((&self.messages, heard), (&said(seed), &sent(seed)[..]));
        assert_eq!((&self.errors[..], &self.closes[..], self.sent), (&[][..], &[1000][..], sent(seed).len()));
    }
}

pub(crate) fn sending((text, bytes): &Message) -> Sending<'_> {
    match std::str::from_utf8(bytes) {
        Ok(string) if *text => Sending::text(string),
        _ => Sending::binary(bytes),
    }
}

struct Run {
    seed: u64,
    mix: Mix,
    clock: Virtual,
    origin: Origin,
    network: Network,
}

impl Run {
    fn new(seed: u64, mix: Mix) -> Self {
        let plan = Plan::seeded(seed, mix);
        let clock = Virtual::default();
        let origin = Origin::talking(clock.clone(), seed);
        let network = Faulty::new(origin.clone(), clock.clone(), plan);
        Self { seed, mix, clock, origin, network }
    }

    fn heard(&self) -> Vec<Message> {
        self.origin.talks().pop().map_or(Vec::new(), |talk| talk.heard().to_vec())
    }
}

/// Receives what the server says, sends what the client has to say, closes, and hears the end. `None` where the attempt
/// failed. `$wait` is what an operation is waited for with.
macro_rules! talk {
    ($seed:expr, $connected:expr, $($wait:tt)*) => {{
        let mut told = Told::default();
        match $connected {
            Err(failure) => {
                let code = failure.reason.code(Api::ConnectSocket);
                assert!(Api::ConnectSocket.codes().contains(&code), "{failure:?}");
                None
            }
            Ok(mut socket) => {
                while told.messages.len() < said($seed).len() && told.closes.is_empty() {
                    let Some(received) = socket.recv()$($wait)* else { break };
                    told.take(received);
                }
                for message in &sent($seed) {
                    if socket.send(sending(message))$($wait)*.is_err() {
                        break;
                    }
                    told.sent += 1;
                }
                let _ = socket.close(1000, "")$($wait)*;
                while let Some(received) = socket.recv()$($wait)* {
                    told.take(received);
                }
                Some(told)
            }
        }
    }};
}

impl Run {
    fn blocking(&mut self) -> Option<Told> {
        let (mut receive, mut transmit, mut message) = self.buffers();
        let memory = SocketMemory { receive: &mut receive, transmit: &mut transmit, message: &mut message };
        let context = Context::new("1", "1", Policy::development()).unwrap();
        let (ms, settings) = patience(self.mix);
        let connect = ConnectSocket::new(URL).timeout(ms);
        let network = &mut self.network;
        talk!(self.seed, blocking::Socket::connect(network, &context, &connect, settings, memory, |_, _| ()),)
    }

    fn asynch(&self) -> Option<Told> {
        let (mut receive, mut transmit, mut message) = self.buffers();
        let memory = SocketMemory { receive: &mut receive, transmit: &mut transmit, message: &mut message };
        let context = Context::new("1", "1", Policy::development()).unwrap();
        let (ms, settings) = patience(self.mix);
        let connect = ConnectSocket::new(URL).timeout(ms);
        self.clock.block_on(async {
            let connected =
                asynch::Socket::connect(&self.network, &context, &connect, settings, memory, |_, _| ()).await;
            talk!(self.seed, connected, .await)
        })
    }

    fn buffers(&self) -> (Vec<u8>, Vec<u8>, Vec<u8>) {
        let mut random = Random::new(self.seed ^ 0xB);
        let receive = [512, 700, 16 << 10][random.below(3) as usize];
        let transmit = [256, 300, 4096][random.below(3) as usize];
        (vec![0; receive], vec![0; transmit], vec![0; 8192])
    }
}

/// Runs every seed over both loops; how many ended well and how many did not.
fn all(mix: Mix) -> (usize, usize) {
    let mut counts = (0, 0);
    for seed in seeds(SEEDS) {
        for is_async in [false, true] {
            let _telling = Telling((Plan::seeded(seed, mix), is_async));
            let mut run = Run::new(seed, mix);
            let told = if is_async { run.asynch() } else { run.blocking() };
            let took = run.clock.now().as_millis();
            // The longest: an attempt, silence, a frame that is not taken, a Close without an answer; and every delay.
            assert!(mix == Mix::Gentle || took < 120_000, "it took {took} ms");
            match judge(&run, mix, told) {
                true => counts.0 += 1,
                false => counts.1 += 1,
            }
        }
    }
    counts
}

fn judge(run: &Run, mix: Mix, told: Option<Told>) -> bool {
    let (seed, heard) = (run.seed, run.heard());
    let Some(told) = told else {
        assert_ne!(mix, Mix::Gentle, "time and boundaries hurt nobody");
        return false;
    };
    told.check(seed);
    let passed = run.network.passed();
    if mix == Mix::Gentle {
        told.is_whole(seed, &heard);
    }
    match passed.iter().any(|link| link.lied_up || link.lied_down) {
        false => told.is_true(seed, &heard),
        // Without TLS nobody can tell: what was received is what arrived.
        true => assert!(
            passed.iter().any(|link| reader::messages(&link.bytes).starts_with(&told.messages)),
            "nobody said {told:?}: {passed:?}"
        ),
    }
    told.errors.is_empty()
}

#[test]
fn sock_05_time_and_boundaries_change_no_message() {
    assert_eq!(all(Mix::Gentle).1, 0);
}

#[test]
fn sock_07_no_broken_link_makes_half_a_message_one() {
    let (well, badly) = all(Mix::Breaking);
    assert!(well > 30 && badly > 100, "{well} {badly}");
}

#[test]
fn sock_05_a_message_is_what_arrived_whatever_that_was() {
    let (well, badly) = all(Mix::Lying);
    assert!(well > 20 && badly > 100, "{well} {badly}");
}

#[test]
fn a_seed_talks_the_same_way_again() {
    for seed in seeds(100) {
        let outcome = || {
            let mut run = Run::new(seed, Mix::Lying);
            (run.asynch(), run.blocking(), run.heard(), run.clock.now())
        };
        assert_eq!(outcome(), outcome(), "{seed}");
    }
}
