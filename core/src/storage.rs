//! Files as the core sees them: what an upload reads from, and what a download is written to (UP-03, DOWN-03).

use crate::sink::{Sink, Window};

/// Why a file cannot be read or written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum StorageFault {
    /// There is no such file.
    NotFound,
    /// It is a directory, a pipe or a device.
    NotAFile,
    /// It may not be read, or the store may not be written.
    Denied,
    /// The file's size changed while it was read.
    Changed,
    /// The store is full.
    Full,
    /// The medium failed.
    Failed,
}

/// A file to be uploaded.
pub trait Source {
    /// Its length in bytes when the upload began. Asked before the first read.
    fn len(&self) -> u64;

    /// Whether it has no bytes.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Reads on into `buf`; 0 at the end of the file, and before it only where `buf` is empty. Asked for more once the
    /// whole length was read, so that a file that has grown is noticed. Called between two awaits, it holds up the task.
    ///
    /// # Errors
    /// [`StorageFault`], which ends the upload with the reason of [`source_reason`](crate::upload::source_reason).
    fn read(&mut self, buf: &mut [u8]) -> Result<usize, StorageFault>;

    /// Starts again from the first byte: the connection died before the server had answered, and the upload is sent
    /// once more.
    ///
    /// # Errors
    /// [`StorageFault`].
    fn rewind(&mut self) -> Result<(), StorageFault>;
}

/// A file in memory.
#[derive(Clone, Copy, Debug)]
pub struct Bytes<'b> {
    all: &'b [u8],
    rest: &'b [u8],
}

impl<'b> Bytes<'b> {
    /// The file that these bytes are.
    pub const fn new(bytes: &'b [u8]) -> Self {
        Self { all: bytes, rest: bytes }
    }
}

impl Source for Bytes<'_> {
    fn len(&self) -> u64 {
        self.all.len() as u64
    }

    fn read(&mut self, buf: &mut [u8]) -> Result<usize, StorageFault> {
        let mut window = Window::new(0, buf);
        // What does not fit is read next time.
        let _ = window.put(self.rest);
        let read = window.len();
        self.rest = self.rest.get(read..).unwrap_or_default();
        Ok(read)
    }

    fn rewind(&mut self) -> Result<(), StorageFault> {
        self.rest = self.all;
        Ok(())
    }
}

/// What a download is written to: a directory, a flash file system, a buffer.
///
/// The calls come in this order: `create`, any number of `write`, then `commit` or `discard`, exactly one of the two and
/// only after a `create` that went well. A call whose future or task is dropped discards. A file is to be seen by others
/// only once it is committed (DOWN-02). A fault ends the download with the reason of
/// [`store_reason`](crate::download::store_reason).
pub trait Store {
    /// Begins a file, of so many bytes if the server says so: then exactly so many come before `commit`.
    ///
    /// # Errors
    /// [`StorageFault`].
    fn create(&mut self, length: Option<u64>) -> Result<(), StorageFault>;

    /// Writes all of `bytes` at the end of the file.
    ///
    /// # Errors
    /// [`StorageFault`].
    fn write(&mut self, bytes: &[u8]) -> Result<(), StorageFault>;

    /// The file is complete. Its content, or else its URL, suggests this extension, without a dot.
    ///
    /// # Errors
    /// [`StorageFault`]; nothing of the file stays then.
    fn commit(&mut self, extension: Option<&str>) -> Result<(), StorageFault>;

    /// The file will not be completed: nothing of it stays.
    fn discard(&mut self);
}

/// A store that is a buffer of the caller's.
#[derive(Debug)]
pub struct Memory<'m> {
    memory: &'m mut [u8],
    length: usize,
    committed: bool,
}

impl<'m> Memory<'m> {
    /// Over this buffer, whose size is the limit: a longer file is [`StorageFault::Full`], before its first byte where its
    /// length is stated.
    pub const fn new(memory: &'m mut [u8]) -> Self {
        Self { memory, length: 0, committed: false }
    }

    /// The file, once it is committed.
    pub fn file(&self) -> Option<&[u8]> {
        self.memory.get(..self.length).filter(|_| self.committed)
    }
}

impl Store for Memory<'_> {
    fn create(&mut self, length: Option<u64>) -> Result<(), StorageFault> {
        self.discard();
        match length {
            Some(length) if length > self.memory.len() as u64 => Err(StorageFault::Full),
            _ => Ok(()),
        }
    }

    fn write(&mut self, bytes: &[u8]) -> Result<(), StorageFault> {
        let mut window = Window::new(0, self.memory.get_mut(self.length..).unwrap_or_default());
        window.put(bytes).map_err(|_| StorageFault::Full)?;
        self.length = self.length.saturating_add(bytes.len());
        Ok(())
    }

    fn commit(&mut self, _: Option<&str>) -> Result<(), StorageFault> {
        self.committed = true;
        Ok(())
    }

    fn discard(&mut self) {
        self.length = 0;
        self.committed = false;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn up_03_bytes_are_a_file() {
        let (mut file, mut buf) = (Bytes::new(b"hello"), [0; 3]);
        assert_eq!((file.len(), file.is_empty()), (5, false));
        for _ in 0..2 {
            assert_eq!((file.read(&mut buf), &buf[..3]), (Ok(3), &b"hel"[..]));
            assert_eq!((file.read(&mut buf), &buf[..2]), (Ok(2), &b"lo"[..]));
            assert_eq!(file.read(&mut buf), Ok(0));
            file.rewind().unwrap();
        }
    }

    #[test]
    fn down_03_a_buffer_is_a_store_that_shows_only_what_is_complete() {
        let mut memory = [0; 5];
        let mut store = Memory::new(&mut memory);
        store.create(Some(5)).unwrap();
        store.write(b"hel").unwrap();
        assert_eq!(store.file(), None);
        store.write(b"lo").unwrap();
        store.commit(Some("txt")).unwrap();
        assert_eq!(store.file(), Some(&b"hello"[..]));
        store.create(None).unwrap();
        assert_eq!(store.file(), None);
        assert_eq!(store.write(b"too long"), Err(StorageFault::Full));
        store.discard();
        assert_eq!(store.create(Some(6)), Err(StorageFault::Full));
    }
}
