//! What TLS runs over, and what it is to the call above it.

use embedded_io_async::{Read, Write};

/// A byte stream that can be waited on.
// No `Send` bound: the executors that this is for run tasks on one thread.
#[allow(async_fn_in_trait)]
pub trait Link: Read + Write {
    /// Returns when a read would not wait: something has come, or the stream has ended or broken. Reads nothing; may be
    /// dropped and called again freely.
    async fn readable(&mut self);
}
