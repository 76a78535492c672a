//! Compressed messages on a whole socket: what is offered and agreed on, both directions, limits (SOCK-09, SOCK-11).

use flate2::{Compress, Decompress, FlushCompress, FlushDecompress};

use super::drivers::{Act, Life, PLAIN, writes};
use super::*;
use crate::testing::script::{Split, Step};
use crate::testing::{Driver, answers, at_every_split, development, sends};
use crate::ws::connection::{Connection, Incoming};
use crate::ws::deflate::{Parameters, WindowBits};
use crate::ws::violation::Violation;

const URL: ConnectSocket<'static> = ConnectSocket::new("ws://a.test");
const AGREED: &str =
    "Sec-WebSocket-Extensions: permessage-deflate; server_max_window_bits=9; client_max_window_bits=9\r\n";
const OFFERED: &str =
    "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits=9; server_max_window_bits=9\r\n";
const WINDOW: usize = 512;
/// What a message leaves out at its end (RFC 7692 section 7.2.1).
const TAIL: &[u8] = &[0, 0, 0xff, 0xff];

fn parameters() -> Parameters {
    let bits = WindowBits::new(9).unwrap();
    Parameters { server_max_window_bits: bits, client_max_window_bits: bits, ..Parameters::DEFAULT }
}

/// The request, with the offer.
fn asked(offer: &str) -> String {
    let request = get("/", "a.test", "", "");
    request.strip_suffix("\r\n").unwrap().to_owned() + offer + "\r\n"
}

/// A life that offers compression; the server answers so, then sends and does this.
fn life(answer: &str, frames: &[u8], then: &[Step], acts: &[Act]) -> Life<'static> {
    let mut steps = vec![Step::Fresh(PLAIN), sends(asked(OFFERED))];
    steps.push(answers([switched(answer).as_bytes(), frames].concat()));
    steps.extend_from_slice(then);
    Life { acts: acts.into(), compress: true, ..Life::new(&development(), URL, steps) }
}

/// What zlib makes of a message in a window of 512 bytes, without the tail.
fn deflated(zlib: &mut Compress, plain: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(plain.len() + 64);
    zlib.compress_vec(plain, &mut bytes, FlushCompress::Sync).unwrap();
    assert!(bytes.ends_with(TAIL));
    bytes.truncate(bytes.len() - TAIL.len());
    bytes
}

fn zlib() -> Compress {
    Compress::new_with_window_bits(flate2::Compression::best(), false, 9)
}

/// Memory in which another socket has left what it had: windows, and tables of which no code is of use to the next.
pub(super) fn used() -> CompressionMemory<WINDOW, WINDOW, { WINDOW / 2 }> {
    let mut memory = CompressionMemory::new();
    let mut codec = memory.lend().agreed(Some(parameters())).unwrap();
    let text: Vec<u8> = (0..600_u32).map(|n| b'a' + (n * n / 7 % 23) as u8).collect();
    let message = deflated(&mut zlib(), &text);
    assert_eq!(message[0] >> 1 & 3, 2, "a block with dynamic codes");
    let (mut connection, mut rx) = (Connection::new(), theirs(0xc2, &message));
    let mut plain = 0;
    while plain < text.len() {
        let (consumed, incoming) = codec.inflater.read(&mut connection, &rx).unwrap();
        let Incoming::Data { data, .. } = incoming else { panic!("{incoming:?}") };
        plain += data.len();
        rx.drain(..consumed);
    }
    memory.inflate.fill(0xee);
    memory.deflate.fill(0xee);
    memory.heads.fill(0xeeee);
    memory
}

/// The server's end of a connection, and the end of the link.
fn bye() -> [Step; 3] {
    [writes(ours(0x88, &closing(1000, ""))), Step::Ends, Step::Closes]
}

fn shown(messages: &[&str]) -> Vec<Shown> {
    let messages = messages.iter().map(|text| Shown::Text((*text).into()));
    [Shown::Open(None)].into_iter().chain(messages).chain([Close(1000, String::new())]).collect()
}

#[test]
fn sock_11_messages_go_compressed_both_ways_on_every_driver() {
    let mut zlib = zlib();
    let news = "news, news and news again";
    let first = theirs(0xc1, &deflated(&mut zlib, news.as_bytes()));
    // The second one refers back to the first.
    let second = theirs(0xc1, &deflated(&mut zlib, news.as_bytes()));
    assert!(second.len() < first.len() / 2);
    let frames = [first, second, theirs(0x81, b"plain")].concat();
    // What our compressor makes of them: the second one, too, refers back.
    let (hello, again) = ([0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00], [0x02, 0x13, 0x00, 0x00]);
    let mut plain = Vec::with_capacity(64);
    let both = [&hello[..], TAIL, &again, TAIL].concat();
    Decompress::new(false).decompress_vec(&both, &mut plain, FlushDecompress::Sync).unwrap();
    assert_eq!(plain, b"HelloHello");
    let sent = [writes(ours(0xc1, &hello)), writes(ours(0xc1, &again)), answers(theirs(0x88, &closing(1000, "")))];
    let acts = [Act::Hear, Act::Hear, Act::Hear, Act::Text("Hello"), Act::Text("Hello")];
    let seen = life(AGREED, &frames, &[&sent[..], &bye()].concat(), &acts).run();
    assert_eq!((seen.failure, &seen.refused[..]), (None, &[][..]));
    assert_eq!(seen.shown, shown(&[news, news, "plain"]));
}

#[test]
fn sock_11_where_the_server_declines_all_is_as_without() {
    let sent = [writes(ours(0x81, b"Hello")), answers(theirs(0x88, &closing(1000, "")))];
    let acts = [Act::Hear, Act::Text("Hello")];
    let seen = life("", &theirs(0x81, b"plain"), &[&sent[..], &bye()].concat(), &acts).run();
    assert_eq!(seen.shown, shown(&["plain"]));
    // A compressed message is a reserved bit then.
    let refused = [writes(ours(0x88, &closing(1002, ""))), Step::Ends, Step::Closes];
    let seen = life("", &[0xc1], &refused, &[]).run();
    assert_eq!(seen.shown[1..], broken(Reason::Violation(Violation::ReservedBit)));
}

#[test]
fn sock_11_without_memory_nothing_is_offered() {
    let connect = URL.compression(Parameters::DEFAULT);
    let answer = answers([switched("").as_bytes(), &theirs(0x88, &closing(1000, ""))].concat());
    let steps = [&[Step::Fresh(PLAIN), sends(asked("")), answer][..], &bye()].concat();
    assert_eq!(Life::new(&development(), connect, steps).run().shown, shown(&[]));
}

#[test]
fn sock_11_what_was_agreed_on_is_told_with_the_opening() {
    let agreed = |connect: ConnectSocket<'static>, offer: &str, answer: &str| {
        let steps = [Step::Fresh(PLAIN), sends(asked(offer)), answers(switched(answer)), Step::Closes];
        let (opened, _) = Life::new(&development(), connect, steps).open_by_hand();
        (opened.result, opened.compression)
    };
    let offer = URL.compression(parameters());
    assert_eq!(agreed(offer, OFFERED, AGREED), (Ok(()), Some(parameters())));
    assert_eq!(agreed(offer, OFFERED, ""), (Ok(()), None));
    assert_eq!(agreed(URL, "", ""), (Ok(()), None));
    assert_eq!(agreed(URL, "", AGREED), (Err(Reason::UnrequestedExtension), None));
    let alone =
        Parameters { server_no_context_takeover: true, client_no_context_takeover: true, ..Parameters::DEFAULT };
    let fields = "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits; server_no_context_takeover; \
                  client_no_context_takeover\r\n";
    let answer = "Sec-WebSocket-Extensions: permessage-deflate; server_no_context_takeover\r\n";
    assert_eq!(agreed(URL.compression(alone), fields, answer), (Ok(()), Some(alone)));
}

#[test]
fn sock_code_8_a_parameter_that_was_not_offered_has_a_reason_of_its_own() {
    let extension = "Sec-WebSocket-Extensions: permessage-deflate";
    for parameters in [
        // Larger than offered: 32 KiB without a word.
        "",
        "; server_max_window_bits=10",
        "; server_max_window_bits=9; client_max_window_bits=15",
        "; server_max_window_bits=9; client_max_window_bits",
        "; server_max_window_bits=9; server_max_window_bits=9",
        "; server_max_window_bits=07",
        "; server_max_window_bits=9; other",
        "; server_max_window_bits=9; server_no_context_takeover=1",
    ] {
        let answer = format!("{extension}{parameters}\r\n");
        let seen = life(&answer, b"", &[Step::Closes], &[]).run();
        assert_eq!(seen.failure(), (Some(Reason::ExtensionParameter), Some(8), Some(101)), "{parameters}");
    }
    for other in ["Sec-WebSocket-Extensions: x-other\r\n".into(), format!("{AGREED}{AGREED}")] {
        let seen = life(&other, b"", &[Step::Closes], &[]).run();
        assert_eq!(seen.failure(), (Some(Reason::UnrequestedExtension), Some(8), Some(101)), "{other}");
    }
}

#[test]
fn sock_09_the_memory_limits_the_plain_bytes_on_every_driver() {
    let frames = theirs(0xc2, &deflated(&mut zlib(), &[7; 65]));
    assert!(frames.len() < 64);
    let then = [
        writes(ours(0x88, &closing(1009, ""))),
        answers([theirs(0x81, b"late"), theirs(0x88, &closing(1009, ""))].concat()),
        Step::Ends,
        Step::Closes,
    ];
    let scenario = life(AGREED, &frames, &then, &[]);
    for driver in [Driver::Blocking, Driver::Asynch] {
        let seen = scenario.once(driver, Split::Whole, (512, 256));
        assert_eq!(seen.shown, [Shown::Open(None), Error(Reason::TooLarge), Close(1009, String::new())]);
    }
    assert_eq!(Reason::TooLarge.socket_code(), 12);
}

#[test]
fn sock_09_a_streamed_message_may_be_of_any_length_when_plain() {
    let long = vec![7; 70_000];
    let frames = [theirs(0xc2, &deflated(&mut zlib(), &long)), theirs(0x88, &closing(1000, ""))].concat();
    let scenario = life(AGREED, &frames, &bye(), &[Act::Stream]);
    for driver in [Driver::Blocking, Driver::Asynch] {
        let seen = scenario.once(driver, Split::Whole, (512, 256));
        assert_eq!(seen.shown, [Shown::Open(None), Shown::Binary(long.clone()), Close(1000, String::new())]);
    }
}

/// An open socket with a codec of 512 bytes.
fn hand() -> Hand {
    let codec = Codec::new(&parameters(), vec![0; WINDOW], vec![0; WINDOW], vec![0; WINDOW / 2]);
    Hand { codec: Some(codec.unwrap()), ..Hand::new(Settings::new()) }
}

#[test]
fn sock_09_a_bomb_ends_in_12_and_1009_with_bounded_work() {
    const LIMIT: usize = 64 * 1024;
    // 16 MiB of zeros: 256 times the same 64 KiB.
    let part = [&deflated(&mut zlib(), &[0; 64 * 1024]), TAIL].concat();
    let bomb = part.repeat(256);
    let bomb = theirs(0xc2, bomb.strip_suffix(TAIL).unwrap());
    assert!(bomb.len() < 100_000, "{} bytes", bomb.len());
    let mut socket = hand();
    let (mut memory, mut plain, mut turns, mut rest) = (vec![0; LIMIT], 0, 0, &bomb[..]);
    let mut assemble = Assemble::new(&mut memory);
    let mut ends = Vec::new();
    loop {
        turns += 1;
        let (consumed, event) =
            socket.task.receive_with(socket.now, socket.codec.as_mut(), &rest[..rest.len().min(512)]);
        rest = &rest[consumed..];
        match event {
            Some(Event::Message { text, data, fin }) => {
                plain += data.len();
                if let Err(reason) = assemble.piece(text, data, fin) {
                    socket.task.refuse(socket.now, reason);
                }
            }
            Some(Event::Error { reason }) => ends.push(Error(reason)),
            Some(Event::Close { .. }) => panic!("the server has not closed"),
            None if consumed == 0 && rest.is_empty() => break,
            None => {}
        }
    }
    assert_eq!(ends, [Error(Reason::TooLarge)]);
    assert!(plain <= LIMIT + WINDOW, "{plain} plain bytes were made");
    // Nothing is decompressed after that: what is left of the bomb is only passed over.
    assert!(turns <= 2 * (LIMIT / WINDOW + bomb.len() / 512), "{turns} turns");
    socket.turn();
    assert_eq!(socket.sent, ours(0x88, &closing(1009, "")));
    socket.gets(&theirs(0x88, &closing(1009, "")));
    assert_eq!(socket.shown, [Close(1009, String::new())]);
}

#[test]
fn sock_11_compressed_frames_are_heard_at_every_split() {
    let mut zlib = zlib();
    let text = deflated(&mut zlib, "Grüße und Küsse, Grüße und Küsse".as_bytes());
    let (start, end) = text.split_at(7);
    let frames = [
        &theirs(0x41, start)[..],
        &theirs(0x89, b"p"),
        &theirs(0x80, end),
        &theirs(0xc2, &deflated(&mut zlib, &[5; 2000])),
        &theirs(0x82, b"as it is"),
        &theirs(0x88, &closing(1000, "bye")),
    ]
    .concat();
    let (seen, sent) = at_every_split(&frames, |pieces| {
        let mut socket = hand();
        pieces.iter().for_each(|piece| socket.gets(piece));
        socket.ends();
        socket.insist()
    });
    let text = Shown::Text("Grüße und Küsse, Grüße und Küsse".into());
    let plain = [Shown::Binary(vec![5; 2000]), Shown::Binary(b"as it is".into())];
    assert_eq!(seen, [&[text][..], &plain, &[Close(1000, "bye".into())]].concat());
    assert_eq!(sent, [ours(0x8a, b"p"), ours(0x88, &closing(1000, ""))].concat());
}

#[test]
fn sock_07_a_compressed_message_that_is_none_ends_in_one_error_and_one_close() {
    let text = deflated(&mut zlib(), b"not \xff UTF-8");
    for (payload, violation) in [
        (&[0x07, 0, 0][..], Violation::Compression),
        // Cut short.
        (&[0xf2, 0x48], Violation::Compression),
        (&text, Violation::NotUtf8),
    ] {
        let (seen, sent) = at_every_split(&theirs(0xc1, payload), |pieces| {
            let mut socket = hand();
            pieces.iter().for_each(|piece| socket.gets(piece));
            socket.ends();
            socket.insist()
        });
        assert_eq!(seen, broken(Reason::Violation(violation)));
        assert_eq!(sent, ours(0x88, &closing(1007, "")));
    }
}

/// Sends with a buffer of so many bytes; what zlib reads of it.
fn received(mut sending: Sending<'_>, buffer: usize) -> Vec<u8> {
    let mut socket = hand();
    let (mut compressed, mut fin) = (Vec::new(), false);
    while !sending.is_done() {
        assert!(!fin);
        let mut tx = vec![0; buffer];
        let mask = Mask::fresh([0; 4]);
        let length = sending.next_with(&mut socket.task, socket.codec.as_mut(), mask, &mut tx).unwrap();
        assert_eq!(tx[0] & 0x40 != 0, compressed.is_empty(), "the first frame says so");
        fin = tx[0] & 0x80 != 0;
        let header = if tx[1] & 0x7f < 126 { 6 } else { 8 };
        compressed.extend_from_slice(&tx[header..length]);
    }
    assert!(fin);
    compressed.extend_from_slice(TAIL);
    let mut plain = Vec::with_capacity(100_000);
    Decompress::new(false).decompress_vec(&compressed, &mut plain, FlushDecompress::Sync).unwrap();
    plain
}

#[test]
fn sock_04_messages_of_every_form_go_compressed_in_any_buffer() {
    // Bytes that become longer, and bytes that become shorter.
    let noise: Vec<u8> = (0..5_000_u32).map(|at| 144 + (at.wrapping_mul(0x9e37_79b1) >> 25) as u8 % 112).collect();
    for bytes in [&noise[..], &[7; 5_000], b"", b"x"] {
        let mut base64 = [0; 8_000];
        let mut out = crate::sink::Window::new(0, &mut base64);
        let mut encoder = crate::base64::Encoder::new();
        encoder.put(bytes, &mut out).and_then(|()| encoder.finish(&mut out)).unwrap();
        let base64 = std::str::from_utf8(out.into_filled()).unwrap();
        for buffer in [256, 257, 1000, 4096, 20_000] {
            assert_eq!(received(Sending::binary(bytes), buffer), bytes);
            assert_eq!(received(Sending::base64(base64).unwrap(), buffer), bytes);
        }
    }
    let text = "Grüße ".repeat(500);
    assert_eq!(received(Sending::text(&text), 256), text.as_bytes());
}

#[test]
fn sock_code_10_and_11_are_the_same_compressed() {
    let mut socket = hand();
    let mut send = |text, data: &[u8], fin, compressed: bool| {
        let codec = socket.codec.as_mut().filter(|_| compressed);
        socket.task.send_with(codec, text, data, fin, Mask::fresh([0; 4]), &mut [0; 256]).map(|sent| sent.taken)
    };
    assert_eq!(send(true, b"\xff", true, true), Err(Reason::SendFailed));
    assert_eq!(send(true, b"a", false, true), Ok(1));
    assert_eq!(send(true, b"a", true, false), Err(Reason::SendFailed));
    assert_eq!(send(true, b"b", true, true), Ok(1));
    let mut socket = hand();
    socket.task.close(socket.now, 1000, "").unwrap();
    let refused = socket.task.send_with(socket.codec.as_mut(), true, b"a", true, Mask::fresh([0; 4]), &mut [0; 256]);
    assert_eq!(refused, Err(Reason::NotConnected));
}

#[test]
fn sock_11_windows_below_256_bytes_are_no_offer() {
    // In `CompressionMemory` they do not compile.
    for (inflate, deflate) in [(255, 256), (256, 255)] {
        let offer = Parameters {
            server_max_window_bits: WindowBits::MIN,
            client_max_window_bits: WindowBits::MIN,
            ..Parameters::DEFAULT
        };
        assert!(Codec::new(&offer, vec![0; inflate], vec![0; deflate], vec![]).is_err());
    }
    let mut windows = CompressionMemory::<1000, 40_000, 0>::new();
    let offer = windows.lend().without_takeover().offer();
    assert_eq!((offer.server_max_window_bits.bytes(), offer.client_max_window_bits.bytes()), (512, 32_768));
    assert!(offer.server_no_context_takeover && offer.client_no_context_takeover);
}
