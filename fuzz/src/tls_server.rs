//! The server of `tls_session`: it has the keys and a good certificate, and says what the letters of the input tell it to.
//!
//! | letters | what they do |
//! |---|---|
//! | `s e c v f t k r q` | add a right ServerHello, EncryptedExtensions, Certificate, CertificateVerify, Finished, NewSessionTicket, KeyUpdate, CertificateRequest, close_notify to what is said next |
//! | `S C V F` and a number | add a wrong one |
//! | `d D x z Z` | add data, 64 times as much of it, bytes of the input, zeros, 128 times as many |
//! | `( h y Y i ~ < *` | begin a part; make it a handshake message; put its length before it in 2, 3 or 1 bytes; change a bit; cut it; double it all |
//! | `H A L T N` | say it in a record as a handshake, as data, as an alert, as another type, as a handshake in several records |
//! | `I P O R B G m` | exactly so inside, unencrypted, with another type outside, without a record, with a wrong tag, with a wrong length; change_cipher_spec |
//! | `j _ =` | pad the next record, lose it, say the last one again |
//! | <code>&#124; p ! $ w W</code> | read in pieces, pause, fail, end; write in pieces, fail to write |
//! | `g u Q b l X K` | the client reads, waits, asks, writes, flushes, closes, drops what is under way |
//!
//! A number is the next byte; of `0` to `9`, the digit.

mod records;

use std::cell::RefCell;
use std::rc::Rc;

use embedded_io::ErrorKind;

use crate::certificates::Key;
use crate::splits::Random;
use crate::tls_link::{Item, ServerEnd, Wire, WriteFault};

use crate::tls_identity::forged::{
    self, CERTIFICATE_REQUEST, CLOSE_NOTIFY, ENCRYPTED_EXTENSIONS, Forged, KEY_UPDATE, Keys, NEW_SESSION_TICKET,
};
use crate::tls_identity::{Identity, contains};

/// The longest content of a record: more than what is allowed, and than the client's memory.
const LONGEST: usize = 17_000;
/// As much is said.
const MOST: usize = 200_000;

/// What the client is to do.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Op {
    Read(usize),
    Wait,
    Ask,
    Write(usize),
    Flush,
    Close,
    Drop,
}

/// What the next letters were for.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Step {
    /// Something has come, or changed.
    Moved,
    Client(Op),
    End,
}

/// Where a right handshake stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Expected {
    EncryptedExtensions,
    RequestOrCertificate,
    Certificate,
    CertificateVerify,
    Finished,
    Nothing,
}

/// The server, and what may be expected of a client that hears it.
pub(crate) struct Server<'d> {
    input: &'d [u8],
    identity: &'d Identity,
    wire: Rc<RefCell<Wire>>,
    client_hello: Vec<u8>,
    peer: Option<Forged<ServerEnd>>,
    content: Vec<u8>,
    part: usize,
    padding: usize,
    lose: bool,
    last: Vec<u8>,
    /// Everything that was said, and how often something was.
    said: usize,
    /// Signatures and Finished that were right when they were made, and what the handshake's records had in them.
    made: [Vec<Vec<u8>>; 2],
    flight: Vec<u8>,
    expected: Expected,
    changed: bool,
    requested: bool,
    /// The handshake was as it should be, so far.
    pub(crate) strict: bool,
    /// A record came in it that nobody may take.
    broken: bool,
    /// Finished came within another message, where embedded-tls may find it.
    hidden: bool,
    /// How many certificates the handshake has shown so far; `None` where that depends on how one reads it.
    shown: Option<usize>,
    /// The link has failed, or lost something.
    pub(crate) disturbed: bool,
    /// What a client may read, in order, and where in it a record ends.
    pub(crate) plain: Vec<u8>,
    ends: Vec<usize>,
    /// Behind it comes close_notify.
    pub(crate) closed: bool,
    /// Behind it comes something that is not right.
    pub(crate) poisoned: bool,
    /// The client's keys for data, from its Finished on.
    next_theirs: Option<Keys>,
    absorbed: usize,
    /// What the client has said.
    pub(crate) heard: Vec<u8>,
    /// The client has said close_notify.
    pub(crate) client_closed: bool,
    /// The client's Finished has come.
    pub(crate) client_finished: bool,
}

impl<'d> Server<'d> {
    /// A server that does this.
    pub(crate) fn new(input: &'d [u8], identity: &'d Identity, wire: Rc<RefCell<Wire>>) -> Self {
        Self {
            input,
            identity,
            wire,
            client_hello: Vec::new(),
            peer: None,
            content: Vec::new(),
            part: 0,
            padding: 0,
            lose: false,
            last: Vec::new(),
            said: 0,
            made: [Vec::new(), Vec::new()],
            flight: Vec::new(),
            expected: Expected::EncryptedExtensions,
            changed: false,
            requested: false,
            strict: true,
            broken: false,
            hidden: false,
            shown: Some(0),
            disturbed: false,
            plain: Vec::new(),
            ends: vec![0],
            closed: false,
            poisoned: false,
            next_theirs: None,
            absorbed: 0,
            heard: Vec::new(),
            client_closed: false,
            client_finished: false,
        }
    }

    /// ClientHello has come.
    pub(crate) fn hear_hello(&mut self) {
        let mut end = ServerEnd { wire: Rc::clone(&self.wire), read: 0 };
        self.client_hello = forged::read_record(&mut end).unwrap();
        self.absorbed = end.read;
    }

    /// The handshake was right and whole: the client must have accepted it.
    pub(crate) fn is_honest(&self) -> bool {
        self.strict && self.expected == Expected::Nothing
    }

    /// The client may have accepted the handshake: what it must have been shown, it was shown, and nothing that it must not
    /// take.
    pub(crate) fn may_be_accepted(&self) -> bool {
        let has = |part: &[u8]| contains(&self.flight, part);
        self.identity.good.iter().any(|chain| has(&chain[0]))
            && self.made.iter().all(|made| made.iter().any(|one| has(one)))
            && (!self.broken || self.hidden)
    }

    /// The client must not have asked its link for more than is reasonable.
    pub(crate) fn check_calls(&self) {
        let wire = self.wire.borrow();
        let most = 2000 + 8 * (self.said + wire.outgoing.len());
        assert!(wire.calls <= most, "no end in bounded steps");
    }

    /// How often the link makes the client wait without a reason.
    pub(crate) fn pauses(&self) -> usize {
        let wire = self.wire.borrow();
        wire.incoming.iter().filter(|item| matches!(item, Item::Pause)).count() + usize::from(wire.fault.is_some())
    }

    /// Whether a client that has read so much can read on now: of a record, or what has come since.
    pub(crate) fn is_readable(&self, read: usize) -> bool {
        let wire = self.wire.borrow();
        !self.ends.contains(&read) || wire.ended || !wire.incoming.is_empty()
    }

    /// The server has closed the link.
    pub(crate) fn has_ended(&self) -> bool {
        self.wire.borrow().ended
    }

    /// Follows the letters until something has come, or the client is to do something.
    pub(crate) fn step(&mut self) -> Step {
        while let Some((&letter, rest)) = self.input.split_first() {
            self.input = rest;
            if let Some(step) = self.follow(letter) {
                return step;
            }
        }
        Step::End
    }

    /// There is nothing more.
    pub(crate) fn end(&mut self) {
        self.wire.borrow_mut().ended = true;
    }

    fn number(&mut self) -> usize {
        let Some((&byte, rest)) = self.input.split_first() else { return 0 };
        self.input = rest;
        usize::from(if byte.is_ascii_digit() { byte - b'0' } else { byte })
    }

    fn follow(&mut self, letter: u8) -> Option<Step> {
        if b"|p!$wW".contains(&letter) {
            self.follow_wire(letter);
            return Some(Step::Moved);
        }
        if b"gubQlXK".contains(&letter) {
            return Some(Step::Client(match letter {
                b'g' => Op::Read(self.number()),
                b'u' => Op::Wait,
                b'b' => Op::Write(self.number()),
                b'Q' => Op::Ask,
                b'l' => Op::Flush,
                b'X' => Op::Close,
                _ => Op::Drop,
            }));
        }
        if b"HALTNIPORBGm=".contains(&letter) {
            if self.said < MOST {
                self.follow_record(letter);
            }
            (self.content, self.part, self.padding) = (Vec::new(), 0, 0);
            return Some(Step::Moved);
        }
        self.follow_content(letter);
        self.content.truncate(LONGEST);
        self.part = self.part.min(LONGEST);
        None
    }

    fn follow_wire(&mut self, letter: u8) {
        const KINDS: [ErrorKind; 4] =
            [ErrorKind::Interrupted, ErrorKind::ConnectionReset, ErrorKind::InvalidData, ErrorKind::Unsupported];
        let number = if b"p$".contains(&letter) { 0 } else { self.number() };
        self.said += 1;
        let kind = KINDS[number % 4];
        let mut wire = self.wire.borrow_mut();
        match letter {
            b'|' => wire.piece = number,
            b'p' => wire.incoming.push_back(Item::Pause),
            b'!' => {
                wire.incoming.push_back(Item::Failure(kind));
                self.disturbed |= number % 4 != 0;
            }
            b'$' => {
                wire.ended = true;
                self.disturbed |= !self.is_honest();
                self.poisoned = true;
            }
            b'w' => wire.window = number,
            _ => {
                wire.fault = Some(match number {
                    0 => WriteFault::Pause,
                    1 => WriteFault::Nothing,
                    _ => WriteFault::Failure(kind),
                });
                self.disturbed |= number != 0 && number % 4 != 0;
            }
        }
    }

    fn follow_content(&mut self, letter: u8) {
        let number = if b"SCVFDdxzZ~<hj".contains(&letter) { self.number() } else { 0 };
        let (identity, part) = (self.identity, self.part);
        match letter {
            b's' => self.content.extend(forged::server_hello(&identity.key_share)),
            b'e' => self.content.extend(ENCRYPTED_EXTENSIONS),
            b'c' => self.content.extend(forged::certificate(&identity.good[0])),
            b't' => self.content.extend(NEW_SESSION_TICKET),
            b'k' => self.content.extend(KEY_UPDATE),
            b'r' => self.content.extend(CERTIFICATE_REQUEST),
            b'q' => self.content.extend(CLOSE_NOTIFY),
            b'v' | b'V' | b'f' | b'F' => self.follow_proof(letter, number),
            b'S' => self.content.extend(identity.wrong_hello(number)),
            b'C' if number == 1 => self.content.extend(forged::certificate(&identity.good[1])),
            b'C' => self.content.extend(forged::certificate(&identity.bad[number % identity.bad.len()])),
            b'd' => self.add_data(number),
            b'D' => self.add_data(64 * number),
            b'x' => {
                let (bytes, rest) = self.input.split_at(number.min(self.input.len()));
                self.content.extend(bytes);
                self.input = rest;
            }
            b'z' => self.content.resize(self.content.len() + number, 0),
            b'Z' => self.content.resize(self.content.len() + 128 * number, 0),
            b'(' => self.part = self.content.len(),
            b'h' => {
                let body = self.content.split_off(part);
                self.content.extend(forged::message(number as u8, &body));
                self.part = self.content.len();
            }
            b'y' | b'Y' | b'i' => {
                let length = (self.content.len() - part).to_be_bytes();
                let digits = 8 - match letter {
                    b'y' => 2,
                    b'Y' => 3,
                    _ => 1,
                };
                self.content.splice(part..part, length[digits..].iter().copied());
            }
            b'~' => {
                let bit = self.number();
                let length = self.content.len().max(1);
                if let Some(byte) = self.content.get_mut(number % length) {
                    *byte ^= 1 << (bit % 8);
                }
            }
            b'<' => {
                self.content.truncate(self.content.len().saturating_sub(number));
                self.part = self.part.min(self.content.len());
            }
            b'*' => self.content.extend_from_within(..),
            b'j' => self.padding = number,
            b'_' => self.lose = true,
            _ => {}
        }
    }

    /// Data that is never the same for long.
    fn add_data(&mut self, count: usize) {
        let mut random = Random::new((self.plain.len() + self.content.len()) as u64);
        self.content.extend((0..count).map(|_| random.number() as u8));
    }

    fn follow_proof(&mut self, letter: u8, number: usize) {
        let Some(peer) = &mut self.peer else { return };
        let before = peer.transcript.len();
        peer.transcript.extend(&self.content);
        let made = match letter {
            b'v' => peer.certificate_verify(&self.identity.key),
            b'V' if number == 0 => peer.certificate_verify(&Key::new(9)),
            b'V' => {
                let who: &[u8] = if number == 1 { b"client" } else { b"server" };
                let signature = self.identity.key.sign(&forged::signed_content(who, &[0; 32]));
                let scheme = [[4, 3], [5, 3], [8, 4], [8, 5], [8, 6], [8, 7], [2, 3], [4, 1]][number % 8];
                let length = (signature.len() as u16).to_be_bytes();
                forged::message(15, &[&scheme[..], &length, &signature].concat())
            }
            b'f' => peer.finished(),
            _ => forged::message(20, &vec![number as u8; if number < 2 { 32 } else { number }]),
        };
        peer.transcript.truncate(before);
        match letter {
            // Without the header, which embedded-tls does not look at closely.
            b'v' => self.made[0].push(made[8..].to_vec()),
            b'f' => self.made[1].push(made[4..].to_vec()),
            _ => {}
        }
        self.content.extend(made);
    }
}
