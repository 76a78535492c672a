//! A directory of the tour's own.

use std::collections::hash_map::RandomState;
use std::fs;
use std::hash::BuildHasher;
use std::io;
use std::path::{Path, PathBuf};

/// Removed when dropped, with all that is in it.
pub(super) struct Scratch(PathBuf);

impl Scratch {
    pub(super) fn new() -> io::Result<Self> {
        let random = RandomState::new().hash_one(0);
        let path = std::env::temp_dir().join(format!("miniwire-tour-{random:016x}"));
        fs::create_dir(&path).map(|()| Self(path))
    }

    pub(super) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // There is nobody to tell where it cannot be removed.
        let _ = fs::remove_dir_all(&self.0);
    }
}
