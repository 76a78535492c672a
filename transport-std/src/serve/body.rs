//! What is sent, piece by piece, in constant memory.

use std::{
    convert::Infallible,
    fmt,
    future::Future,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use hyper::body::{Bytes, Frame, SizeHint};
use tokio::time::{Sleep, sleep};

/// One step of an answer.
pub(super) enum Piece {
    Data(Bytes),
    Pause(Duration),
}

/// The steps of an answer, made as they are needed.
pub(super) type Pieces = Box<dyn Iterator<Item = Piece> + Send>;

/// A response body for hyper. Each piece of data is one chunk where the coding is chunked.
pub(super) struct Body {
    pieces: Pieces,
    pause: Option<Pin<Box<Sleep>>>,
    left: Option<u64>,
}

/// Pieces that are one run of bytes.
pub(super) fn whole(bytes: impl Into<Bytes>) -> Pieces {
    Box::new(std::iter::once(Piece::Data(bytes.into())))
}

/// No pieces.
pub(super) fn nothing() -> Pieces {
    Box::new(std::iter::empty())
}

impl Body {
    /// A body with a Content-Length.
    pub(super) fn whole(bytes: impl Into<Bytes>) -> Self {
        let bytes = bytes.into();
        let length = bytes.len() as u64;
        Self::sized(length, whole(bytes))
    }

    /// A body with a Content-Length of `length`, which is what the pieces must add up to.
    pub(super) fn sized(length: u64, pieces: Pieces) -> Self {
        Self { pieces, pause: None, left: Some(length) }
    }

    /// A body that is sent chunked.
    pub(super) fn chunked(pieces: Pieces) -> Self {
        Self { pieces, pause: None, left: None }
    }
}

impl hyper::body::Body for Body {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        loop {
            if let Some(pause) = &mut self.pause {
                ready!(pause.as_mut().poll(cx));
                self.pause = None;
            }
            match self.pieces.next() {
                None => return Poll::Ready(None),
                Some(Piece::Pause(time)) => self.pause = Some(Box::pin(sleep(time))),
                // An empty chunk would be the last one.
                Some(Piece::Data(bytes)) if bytes.is_empty() => {}
                Some(Piece::Data(bytes)) => {
                    self.left = self.left.map(|left| left.saturating_sub(bytes.len() as u64));
                    return Poll::Ready(Some(Ok(Frame::data(bytes))));
                }
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.left == Some(0)
    }

    fn size_hint(&self) -> SizeHint {
        self.left.map_or_else(SizeHint::default, SizeHint::with_exact)
    }
}

impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Body").field("left", &self.left).finish_non_exhaustive()
    }
}

/// The bytes of `/bytes/{n}` and `/stream-bytes/{n}`: the output of SplitMix64 from `seed`, each word little-endian.
/// They can be computed from any offset, so that a test can check what it received without keeping it.
///
/// ```
/// use miniwire_std::serve::Pattern;
///
/// let (mut whole, mut part) = ([0; 24], [0; 9]);
/// Pattern::new(7).fill(&mut whole);
/// Pattern::at(7, 5).fill(&mut part);
/// assert_eq!(part, whole[5..14]);
/// ```
#[derive(Clone, Debug)]
pub struct Pattern {
    seed: u64,
    offset: u64,
}

impl Pattern {
    /// The bytes of `seed`, from the first.
    pub fn new(seed: u64) -> Self {
        Self::at(seed, 0)
    }

    /// The bytes of `seed`, from `offset`.
    pub fn at(seed: u64, offset: u64) -> Self {
        Self { seed, offset }
    }

    /// Fills `out` with the next bytes.
    pub fn fill(&mut self, out: &mut [u8]) {
        let to_boundary = (self.offset.wrapping_neg() % 8) as usize;
        let (start, rest) = out.split_at_mut(to_boundary.min(out.len()));
        self.fill_within_word(start);
        let (words, end) = rest.as_chunks_mut::<8>();
        let mut index = self.offset / 8;
        for to in words.iter_mut() {
            *to = word(self.seed, index).to_le_bytes();
            index = index.wrapping_add(1);
        }
        self.offset = self.offset.wrapping_add((words.len() as u64).wrapping_mul(8));
        self.fill_within_word(end);
    }

    /// Fills `out`, which ends no later than the word does.
    fn fill_within_word(&mut self, out: &mut [u8]) {
        let word = word(self.seed, self.offset / 8).to_le_bytes();
        for (to, from) in out.iter_mut().zip(word.iter().skip((self.offset % 8) as usize)) {
            *to = *from;
        }
        self.offset = self.offset.wrapping_add(out.len() as u64);
    }
}

fn word(seed: u64, index: u64) -> u64 {
    let z = seed.wrapping_add(index.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15));
    let z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}
