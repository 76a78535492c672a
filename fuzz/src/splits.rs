//! One input in many pieces, one output through many windows (CORE-03, CORE-05).

use std::fmt::Debug;

use miniwire_core::data::WriteError;
use miniwire_core::sink::{Full, Sink, Window};

/// The longest input that is split at every place; longer ones are split at random ones.
const EVERY_SPLIT: usize = 24;

/// The most windows that an output is gathered through: it is written once for each, which takes quadratic time.
const WINDOWS: usize = 256;

/// Pseudo-random numbers (SplitMix64): the same for the same seed.
#[derive(Clone, Debug)]
pub struct Random(u64);

impl Random {
    /// Seeded with a number.
    pub const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// Seeded with an input, so that a finding comes back with it.
    pub fn of(bytes: &[u8]) -> Self {
        // FNV-1a.
        Self(
            bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
                (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3)
            }),
        )
    }

    /// The next number.
    pub fn number(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `end`, or 0.
    pub fn below(&mut self, end: usize) -> usize {
        (self.number() % end.max(1) as u64) as usize
    }
}

/// Runs `run` over `bytes` whole, byte by byte, and at other splits. All must give the same, which is returned.
#[track_caller]
pub fn at_splits<T: PartialEq + Debug>(bytes: &[u8], mut run: impl FnMut(&[&[u8]]) -> T) -> T {
    let whole = run(&[bytes]);
    if bytes.len() < 2 {
        return whole;
    }
    assert_eq!(run(&bytes.chunks(1).collect::<Vec<_>>()), whole, "byte by byte");
    let mut random = Random::of(bytes);
    if bytes.len() <= EVERY_SPLIT {
        for at in 1..bytes.len() {
            let (left, right) = bytes.split_at(at);
            assert_eq!(run(&[left, right]), whole, "split at {at}");
        }
    } else {
        let at = 1 + random.below(bytes.len() - 1);
        let (left, right) = bytes.split_at(at);
        assert_eq!(run(&[left, right]), whole, "split at {at}");
    }
    for longest in [5, 40] {
        let pieces = random_pieces(bytes, longest, &mut random);
        assert_eq!(run(&pieces), whole, "split into {:?}", pieces.iter().map(|piece| piece.len()).collect::<Vec<_>>());
    }
    whole
}

/// Pieces of 0 to `longest` bytes.
fn random_pieces<'b>(bytes: &'b [u8], longest: usize, random: &mut Random) -> Vec<&'b [u8]> {
    let (mut rest, mut pieces) = (bytes, Vec::new());
    while !rest.is_empty() {
        let (piece, after) = rest.split_at(random.below(longest + 1).min(rest.len()));
        pieces.push(piece);
        rest = after;
    }
    pieces
}

/// A sink without an end.
#[derive(Debug, Default)]
pub struct Gathered(pub Vec<u8>);

impl Sink for Gathered {
    fn put(&mut self, bytes: &[u8]) -> Result<(), Full> {
        self.0.extend_from_slice(bytes);
        Ok(())
    }
}

/// What `write` writes, at once and through windows of several sizes, which must add up to the same.
///
/// # Errors
/// The writer's own.
#[track_caller]
pub fn gathered(write: impl Fn(&mut dyn Sink) -> Result<(), WriteError>) -> Result<Vec<u8>, WriteError> {
    let mut whole = Gathered::default();
    let end = write(&mut whole);
    assert_ne!(end, Err(WriteError::Full), "full without an end");
    for size in [1, 7, 256] {
        if whole.0.len() > WINDOWS * size {
            continue;
        }
        let (mut sum, mut buf) = (Vec::new(), vec![0; size]);
        let window_end = loop {
            let mut window = Window::new(sum.len() as u64, &mut buf);
            let window_end = write(&mut window);
            let filled = window.into_filled();
            sum.extend_from_slice(filled);
            if window_end != Err(WriteError::Full) {
                break window_end;
            }
            assert_eq!(filled.len(), size, "said to be full, and is not");
        };
        assert_eq!((&sum, window_end), (&whole.0, end), "through windows of {size}");
    }
    end.map(|()| whole.0)
}
