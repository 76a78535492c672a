//! A file to be uploaded.

use std::fs::{self, File};
use std::io::{ErrorKind, Read, Seek};
use std::path::Path;

use miniwire_core::storage::{Source, StorageFault};

use super::fault::fault;

/// An open regular file, read from its start to the length that it had when it was opened.
#[derive(Debug)]
pub(crate) struct FileSource {
    file: File,
    length: u64,
    read: u64,
}

impl FileSource {
    /// Opens a regular file.
    pub(crate) fn open(path: &Path) -> Result<Self, StorageFault> {
        // Asked before it is opened, too: opening a pipe waits for somebody to write to it.
        let kind = fs::metadata(path).map_err(|error| fault(&error))?;
        if !kind.is_file() {
            return Err(StorageFault::NotAFile);
        }
        let file = File::open(path).map_err(|error| fault(&error))?;
        let opened = file.metadata().map_err(|error| fault(&error))?;
        if !opened.is_file() {
            return Err(StorageFault::NotAFile);
        }
        Ok(Self { file, length: opened.len(), read: 0 })
    }
}

impl Source for FileSource {
    fn len(&self) -> u64 {
        self.length
    }

    fn read(&mut self, buf: &mut [u8]) -> Result<usize, StorageFault> {
        let left = usize::try_from(self.length - self.read).unwrap_or(usize::MAX);
        let room = left.min(buf.len());
        let read = loop {
            match self.file.read(&mut buf[..room]) {
                Ok(read) => break read,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(fault(&error)),
            }
        };
        self.read += read as u64;
        // A file that has shrunk ends early; one that has grown is longer than was announced.
        let shrunk = read == 0 && room > 0;
        let grown = || self.file.metadata().is_ok_and(|now| now.len() != self.length);
        if shrunk || (self.read == self.length && grown()) {
            return Err(StorageFault::Changed);
        }
        Ok(read)
    }

    fn rewind(&mut self) -> Result<(), StorageFault> {
        self.read = 0;
        self.file.rewind().map_err(|error| fault(&error))
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::path::PathBuf;

    use super::*;

    fn path(name: &str) -> PathBuf {
        std::env::temp_dir().join(format!("miniwire-source-{}-{name}", std::process::id()))
    }

    fn read_all(source: &mut FileSource) -> Result<Vec<u8>, StorageFault> {
        let (mut all, mut buf) = (Vec::new(), [0; 7]);
        loop {
            match source.read(&mut buf)? {
                0 => return Ok(all),
                read => all.extend_from_slice(&buf[..read]),
            }
        }
    }

    #[test]
    fn up_03_a_file_is_read_piece_by_piece_and_again() {
        let path = path("whole");
        fs::write(&path, b"a file of some bytes").unwrap();
        let mut source = FileSource::open(&path).unwrap();
        assert_eq!(source.len(), 20);
        assert_eq!(read_all(&mut source).unwrap(), b"a file of some bytes");
        source.rewind().unwrap();
        assert_eq!(read_all(&mut source).unwrap(), b"a file of some bytes");
        fs::remove_file(path).unwrap();
    }

    #[test]
    fn up_07_a_file_that_changes_size_is_told() {
        let path = path("changing");
        fs::write(&path, b"0123456789").unwrap();
        let mut source = FileSource::open(&path).unwrap();
        source.read(&mut [0; 4]).unwrap();
        File::create(&path).unwrap();
        assert_eq!(read_all(&mut source), Err(StorageFault::Changed));

        fs::write(&path, b"0123456789").unwrap();
        let mut source = FileSource::open(&path).unwrap();
        fs::OpenOptions::new().append(true).open(&path).unwrap().write_all(b"more").unwrap();
        assert_eq!(read_all(&mut source), Err(StorageFault::Changed));
        fs::remove_file(path).unwrap();
    }

    #[test]
    fn up_01_what_is_no_regular_file_is_refused() {
        assert_eq!(FileSource::open(&path("absent")).unwrap_err(), StorageFault::NotFound);
        assert_eq!(FileSource::open(Path::new("")).unwrap_err(), StorageFault::NotFound);
        assert_eq!(FileSource::open(&std::env::temp_dir()).unwrap_err(), StorageFault::NotAFile);
        #[cfg(unix)]
        assert_eq!(FileSource::open(Path::new("/dev/null")).unwrap_err(), StorageFault::NotAFile);
    }
}
