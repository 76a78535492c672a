//! Names that do not resolve as long as a test wants.

use std::io;
use std::net::SocketAddr;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};

/// A resolver that answers nobody until this is dropped, and then with no address.
#[derive(Debug)]
pub struct Unresolved {
    _hold: Sender<()>,
    held: Arc<Mutex<Receiver<()>>>,
}

impl Unresolved {
    /// One that nobody has asked.
    pub fn new() -> Self {
        let (hold, held) = channel();
        Self { _hold: hold, held: Arc::new(Mutex::new(held)) }
    }

    /// What a client is given as its resolver.
    pub fn resolver(&self) -> impl Fn(&str, u16) -> io::Result<Vec<SocketAddr>> + Send + Sync + 'static {
        let held = Arc::clone(&self.held);
        move |_, _| {
            // Nothing is ever sent, so this ends with the sender; whoever waits for the lock is next.
            let _ = held.lock().unwrap_or_else(PoisonError::into_inner).recv();
            Ok(Vec::new())
        }
    }
}

impl Default for Unresolved {
    fn default() -> Self {
        Self::new()
    }
}
