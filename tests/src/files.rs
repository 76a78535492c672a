//! Files and directories that go when the test ends.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

/// A directory that nothing else uses, removed with all that is in it.
#[derive(Debug)]
pub struct ScratchDirectory(PathBuf);

/// A file in a directory of its own, under the name that it was given.
#[derive(Debug)]
pub struct Scratch {
    path: PathBuf,
    _directory: ScratchDirectory,
}

impl ScratchDirectory {
    /// An empty one.
    pub fn new() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("miniwire-test-{}-{number}", std::process::id()));
        fs::create_dir(&path).expect("a new directory");
        Self(path)
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// The paths of all files in it, at any depth, sorted.
    pub fn files(&self) -> Vec<PathBuf> {
        let (mut files, mut directories) = (Vec::new(), vec![self.0.clone()]);
        while let Some(directory) = directories.pop() {
            // It may be removed meanwhile.
            for path in fs::read_dir(directory).into_iter().flatten().flatten().map(|entry| entry.path()) {
                if path.is_dir() { directories.push(path) } else { files.push(path) }
            }
        }
        files.sort();
        files
    }

    /// Whether there is nothing in it, not even a directory.
    pub fn is_empty(&self) -> bool {
        fs::read_dir(&self.0).is_ok_and(|mut entries| entries.next().is_none())
    }
}

impl Default for ScratchDirectory {
    fn default() -> Self {
        Self::new()
    }
}

impl Drop for ScratchDirectory {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

impl Scratch {
    /// A file of this name with this content.
    pub fn new(name: &str, content: &[u8]) -> Self {
        let directory = ScratchDirectory::new();
        let path = directory.path().join(name);
        fs::write(&path, content).expect("a new file");
        Self { path, _directory: directory }
    }

    /// A file of so many zero bytes that takes no room on the disk.
    pub fn sparse(name: &str, bytes: u64) -> Self {
        let scratch = Self::new(name, b"");
        let file = fs::OpenOptions::new().write(true).open(&scratch.path).expect("the file is there");
        file.set_len(bytes).expect("a sparse file");
        scratch
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }
}
