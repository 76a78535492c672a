//! A call whose peer sends arbitrary bytes, at several splits (CORE-03).
//!
//! The first line of the input is letters that choose the call; the rest is what the peer answers to each request,
//! separated by the byte 0x1E. The peer answers once it has the whole request, and closes when it has nothing left to
//! say.
//!
//! Where an answer has bytes behind its end, a client that has read them knows that the connection is spoilt, and one
//! that has not does not: what follows on that connection is then not compared between splits. A body that `dataType`
//! refuses, or that is too long, is handed out up to the last piece before the fault, so there only the common beginning
//! is compared, and what had been read of the link, which ends with it, is not.

use miniwire_core::reason::{Fault, Reason};
use miniwire_core::request::{DataType, Method, Outcome, Redirect};
use miniwire_core::time::Instant;

use crate::call::Call;
use crate::oracle::{self, Ended};
use crate::splits::Random;
use crate::watched::{Log, Next, Watched};

const ENTRIES: [&str; 3] = ["example.com", "192.0.2.1", "[2001:db8::1]"];

/// The receive buffer. Not the smallest, so that more heads fit.
const RECEIVE: usize = 600;

/// How a call went.
#[derive(Debug)]
struct Played {
    log: Log,
    outcome: Outcome,
    /// Whether each link was kept, where no bytes were left over.
    kept: Vec<Option<bool>>,
    /// Left-over bytes were taken for the next answer.
    raced: bool,
}

/// Plays the input. Letters: `t` text, `b` base64, `s` streamed, `m` manual redirects, `p` POST, `u` PUT, `e` DELETE,
/// `q` with data, `h` plain http under *development*, `d` *development*, `x` a proxy, `k` the first link is a kept one,
/// `l` a limit of 16 bytes, `r` little room for redirects.
pub fn run(data: &[u8]) {
    let Some(line) = data.iter().position(|byte| *byte == b'\n') else { return };
    let (letters, answers) = (&data[..line], &data[line + 1..]);
    let has = |letter| letters.contains(&letter);
    let method = match () {
        () if has(b'p') => Method::Post,
        () if has(b'u') => Method::Put,
        () if has(b'e') => Method::Delete,
        () => Method::Get,
    };
    let call = Call {
        url: if has(b'h') { "http://api.example.com/a/b?c" } else { "https://api.example.com/a/b?c" },
        entries: &ENTRIES,
        development: has(b'd') || has(b'h'),
        proxy: has(b'x'),
        method,
        has_data: has(b'q'),
        body: if has(b'q') && method != Method::Get { b"{\"key\":\"value\"}".repeat(30) } else { Vec::new() },
        data_type: match () {
            () if has(b't') => DataType::Text,
            () if has(b'b') => DataType::Base64,
            () => DataType::Json,
        },
        redirect: if has(b'm') { Redirect::Manual } else { Redirect::Follow },
        streamed: has(b's'),
        limit: has(b'l').then_some(16),
        redirect_memory: if has(b'r') { 40 } else { 1024 },
        timeout: 0,
    };
    let answers = answers.split(|byte| *byte == 0x1e).collect::<Vec<_>>();
    let mut random = Random::of(data);
    let whole = play(&call, &answers, has(b'k'), 1024, &mut || usize::MAX);
    let single = play(&call, &answers, has(b'k'), 256, &mut || 1);
    compare(&whole, &single);
    for longest in [8, 100] {
        let split = play(&call, &answers, has(b'k'), 256 + longest, &mut || 1 + random.below(longest));
        compare(&whole, &split);
    }
}

fn play(call: &Call<'_>, answers: &[&[u8]], kept: bool, tx: usize, size: &mut dyn FnMut() -> usize) -> Played {
    let now = Instant::from_millis(1000);
    let total = answers.iter().map(|answer| answer.len()).sum::<usize>();
    Watched::start(call, now, |mut task| {
        let (mut rx, mut tx) = (Vec::new(), vec![0; tx]);
        let (mut answers, mut answer, mut is_kept, mut raced) = (answers.iter(), &b""[..], kept, false);
        let (mut links, mut whole) = (Vec::new(), &b""[..]);
        // A byte is read, shown, and at most once waited for; each hop has some steps of its own.
        for _ in 0..4 * total + 200 {
            match task.poll(now, &mut rx, &mut tx) {
                Next::Connect { reuse } => {
                    (rx, answer) = (Vec::new(), b"");
                    task.connected(reuse && std::mem::take(&mut is_kept));
                }
                Next::Secure => task.secured(),
                Next::Transmit { more: true } | Next::Continue => {}
                Next::Transmit { more: false } => {
                    raced |= !rx.is_empty() || !answer.is_empty();
                    whole = answers.next().copied().unwrap_or_default();
                    answer = whole;
                }
                Next::Read if rx.len() == RECEIVE => task.fault(Fault::ReceiveBufferFull),
                Next::Read if answer.is_empty() => task.end_of_stream(),
                Next::Read => {
                    let (piece, rest) = answer.split_at(size().min(answer.len()).min(RECEIVE - rx.len()));
                    rx.extend_from_slice(piece);
                    answer = rest;
                }
                Next::Release { keep } => {
                    assert!(!keep || raced || is_reusable(whole, whole.len() - answer.len()));
                    links.push((rx.is_empty() && answer.is_empty()).then_some(keep));
                    rx.clear();
                }
                Next::Done(outcome) => {
                    assert_eq!(task.poll(now.after(1 << 40), &mut rx, &mut tx), Next::Done(outcome));
                    return Played { log: task.log, outcome, kept: links, raced };
                }
            }
        }
        panic!("no end in bounded steps");
    })
}

/// Whether a client that has read so many bytes of what the peer says may use the connection again.
fn is_reusable(answer: &[u8], read: usize) -> bool {
    matches!(oracle::response(answer).ended, Ended::Complete { persists: true, left } if read == answer.len() - left)
}

fn compare(one: &Played, other: &Played) {
    if one.raced || other.raced {
        return;
    }
    let (one_end, other_end) = (one.outcome, other.outcome);
    assert_eq!(
        (one_end.result, one_end.status, one_end.redirects),
        (other_end.result, other_end.status, other_end.redirects)
    );
    let without_body = |played: &Played| Log { body: Vec::new(), ..played.log.clone() };
    assert_eq!(without_body(one), without_body(other));
    let (one_body, other_body) = (&one.log.body, &other.log.body);
    if matches!(one_end.result, Err(Reason::NotJson | Reason::NotText | Reason::TooLarge)) {
        assert!(one_body.starts_with(other_body) || other_body.starts_with(one_body));
        let earlier =
            |played: &Played| played.kept.split_last().map(|(last, rest)| (*last != Some(true), rest.to_vec()));
        assert_eq!(earlier(one), earlier(other));
    } else {
        assert_eq!(one_body, other_body);
        assert_eq!(one.kept, other.kept);
    }
}
