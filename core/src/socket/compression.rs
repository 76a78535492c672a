//! Compressed messages of a socket: permessage-deflate (RFC 7692), in memory of the caller's.

use core::borrow::BorrowMut;

use crate::ws::deflate::{Bytes, Deflater, Heads, Inflater, Parameters, Tables, WindowBits, WindowTooSmall};

/// Both directions of an open socket on which permessage-deflate was agreed on. Its memory is borrowed or owned: slices,
/// arrays, boxes.
///
/// [`SocketTask::receive_with`](super::SocketTask::receive_with) and [`Sending::next_with`](super::Sending::next_with)
/// take it. Apart from the memory it is about 200 bytes, and the [`Tables`].
#[derive(Debug)]
pub struct Codec<W, H, T = Tables> {
    pub(super) inflater: Inflater<W, T>,
    pub(super) deflater: Deflater<W, H>,
}

impl<W: Bytes, H: Heads> Codec<W, H> {
    /// For what [`Opened::compression`](super::Opened::compression) says. `inflate` is the window of what comes,
    /// `deflate` that of what goes, and `heads` its table: see [`Inflater::new`] and [`Deflater::new`].
    ///
    /// # Errors
    /// [`WindowTooSmall`]; an offer of no more than there is prevents it.
    pub fn new(agreed: &Parameters, inflate: W, deflate: W, heads: H) -> Result<Self, WindowTooSmall> {
        Self::with_tables(agreed, inflate, deflate, heads, Tables::new())
    }
}

impl<W: Bytes, H: Heads, T: BorrowMut<Tables>> Codec<W, H, T> {
    /// As [`new`](Codec::new), with tables that are borrowed, or elsewhere: they are most of what it is.
    ///
    /// # Errors
    /// As there.
    pub fn with_tables(
        agreed: &Parameters,
        inflate: W,
        deflate: W,
        heads: H,
        tables: T,
    ) -> Result<Self, WindowTooSmall> {
        let inflater = Inflater::with_tables(agreed, inflate, tables)?;
        Ok(Self { inflater, deflater: Deflater::new(agreed, deflate, heads)? })
    }
}

/// The memory of one compressed socket for the sockets of [`drive`](crate::drive): windows of so many bytes for what comes
/// and for what goes, each 256 bytes to 32 KiB, of which the largest power of two is used, and a table that finds
/// repetitions; one entry for each two bytes of `DEFLATE` is a good number. Beside them it is 2,304 bytes.
///
/// At first it is all zeros, so a static takes no flash for it. One socket after another can have it.
///
/// ```
/// use miniwire_core::socket::CompressionMemory;
///
/// let mut memory = CompressionMemory::<1024, 512, 256>::new();
/// let offer = memory.lend().offer();
/// assert_eq!(offer.server_max_window_bits.bytes(), 1024);
/// ```
///
/// A window below 256 bytes does not compile:
///
/// ```compile_fail
/// # use miniwire_core::socket::CompressionMemory;
/// let mut memory = CompressionMemory::<255, 256, 128>::new();
/// memory.lend();
/// ```
#[derive(Debug)]
pub struct CompressionMemory<const INFLATE: usize, const DEFLATE: usize, const HEADS: usize> {
    pub(super) inflate: [u8; INFLATE],
    pub(super) deflate: [u8; DEFLATE],
    pub(super) heads: [u16; HEADS],
    tables: Tables,
}

impl<const INFLATE: usize, const DEFLATE: usize, const HEADS: usize> CompressionMemory<INFLATE, DEFLATE, HEADS> {
    const OFFER: Parameters = match (WindowBits::within(INFLATE), WindowBits::within(DEFLATE)) {
        (Some(server_max_window_bits), Some(client_max_window_bits)) => {
            Parameters { server_max_window_bits, client_max_window_bits, ..Parameters::DEFAULT }
        }
        _ => panic!("a window has 256 bytes at least"),
    };

    /// Memory without a use.
    pub const fn new() -> Self {
        Self { inflate: [0; INFLATE], deflate: [0; DEFLATE], heads: [0; HEADS], tables: Tables::new() }
    }

    /// For one socket, which offers windows as large as these.
    pub const fn lend(&mut self) -> Compression<'_> {
        let Self { inflate, deflate, heads, tables } = self;
        Compression { offer: Self::OFFER, inflate, deflate, heads, tables }
    }
}

impl<const INFLATE: usize, const DEFLATE: usize, const HEADS: usize> Default
    for CompressionMemory<INFLATE, DEFLATE, HEADS>
{
    fn default() -> Self {
        Self::new()
    }
}

/// What a socket of [`drive`](crate::drive) offers, and the memory that it offers it for: a
/// [`CompressionMemory`], [lent](CompressionMemory::lend).
#[derive(Debug)]
pub struct Compression<'m> {
    offer: Parameters,
    inflate: &'m mut [u8],
    deflate: &'m mut [u8],
    heads: &'m mut [u16],
    tables: &'m mut Tables,
}

/// A codec in memory that was lent.
pub(crate) type LentCodec<'m> = Codec<&'m mut [u8], &'m mut [u16], &'m mut Tables>;

impl<'m> Compression<'m> {
    /// With every message compressed by itself, in both directions (section 7.1.1): less is saved, and a message of the
    /// past cannot be guessed from the size of a new one.
    pub const fn without_takeover(mut self) -> Self {
        self.offer.server_no_context_takeover = true;
        self.offer.client_no_context_takeover = true;
        self
    }

    /// What is offered.
    pub const fn offer(&self) -> Parameters {
        self.offer
    }

    /// What messages go through, if that was agreed on. The offer was this one, so the windows suffice.
    pub(crate) fn agreed(self, agreed: Option<Parameters>) -> Option<LentCodec<'m>> {
        Codec::with_tables(&agreed?, self.inflate, self.deflate, self.heads, self.tables).ok()
    }
}
