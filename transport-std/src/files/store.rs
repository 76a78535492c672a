//! The temporary directory of a context, and the files that downloads become in it (DOWN-01, DOWN-02).

use std::collections::hash_map::RandomState;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::hash::BuildHasher;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use miniwire_core::storage::{StorageFault, Store};

use super::fault::fault;
use crate::net::lock;

/// A directory of temporary files: made when the first is, removed when this is dropped.
#[derive(Debug)]
pub(crate) struct TemporaryFiles {
    /// Where the directory is made.
    parent: PathBuf,
    directory: Mutex<Option<PathBuf>>,
    next: AtomicU64,
}

impl TemporaryFiles {
    /// Below this directory.
    pub(crate) fn below(parent: PathBuf) -> Self {
        Self { parent, directory: Mutex::default(), next: AtomicU64::new(0) }
    }

    /// The directory, made if it is not there yet. Only its owner can look into it.
    fn directory(&self) -> io::Result<PathBuf> {
        let mut directory = lock(&self.directory);
        if let Some(there) = &*directory {
            return Ok(there.clone());
        }
        let mut builder = DirBuilder::new();
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        loop {
            // Not secret, only unlikely to be taken.
            let random = RandomState::new().hash_one(std::process::id());
            let path = self.parent.join(format!("miniwire-{random:016x}"));
            match builder.create(&path) {
                Ok(()) => return Ok(directory.insert(path).clone()),
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// Moves a file out of the directory, so that it stays when the directory goes. Copies it to another file system;
    /// what is at `to` is replaced, and is complete whatever happens.
    pub(crate) fn save(&self, temporary: &Path, to: &Path) -> io::Result<()> {
        if temporary.parent().is_none_or(|parent| lock(&self.directory).as_deref() != Some(parent)) {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "not a temporary file of this context"));
        }
        match fs::rename(temporary, to) {
            Err(error) if error.kind() == io::ErrorKind::CrossesDevices => {}
            renamed => return renamed.map(|()| sync_directory_of(to)),
        }
        let mut partial = to.as_os_str().to_owned();
        partial.push(format!(".{:016x}.incomplete", RandomState::new().hash_one(0)));
        let partial = PathBuf::from(partial);
        let copied = fs::copy(temporary, &partial)
            .and_then(|_| File::open(&partial)?.sync_all())
            .and_then(|()| fs::rename(&partial, to));
        if let Err(error) = copied {
            let _ = fs::remove_file(&partial);
            return Err(error);
        }
        sync_directory_of(to);
        // If it cannot be removed now, it goes with the directory.
        let _ = fs::remove_file(temporary);
        Ok(())
    }
}

impl Drop for TemporaryFiles {
    fn drop(&mut self) {
        if let Some(directory) = lock(&self.directory).take() {
            // There is nobody to tell where it cannot be removed.
            let _ = fs::remove_dir_all(directory);
        }
    }
}

/// One download's file.
#[derive(Debug)]
pub(crate) struct FileStore<'t> {
    files: &'t TemporaryFiles,
    partial: Option<(File, PathBuf)>,
    path: Option<PathBuf>,
}

impl<'t> FileStore<'t> {
    /// A file that is still to be created.
    pub(crate) fn new(files: &'t TemporaryFiles) -> Self {
        Self { files, partial: None, path: None }
    }

    /// `apFilePath`: where the file is, once it is complete.
    pub(crate) fn into_path(mut self) -> Option<PathBuf> {
        self.path.take()
    }

    fn complete(&mut self, extension: Option<&str>) -> io::Result<()> {
        let Some((file, partial)) = self.partial.take() else { return Err(io::ErrorKind::NotFound.into()) };
        let mut path = partial.with_extension("");
        if let Some(extension) = extension {
            path.set_extension(extension);
        }
        // Synced before it is renamed, so that a file of this name is complete also after a crash.
        let renamed = file.sync_all().and_then(|()| fs::rename(&partial, &path));
        if let Err(error) = renamed {
            let _ = fs::remove_file(&partial);
            return Err(error);
        }
        sync_directory_of(&path);
        self.path = Some(path);
        Ok(())
    }
}

impl Store for FileStore<'_> {
    fn create(&mut self, _: Option<u64>) -> Result<(), StorageFault> {
        self.discard();
        let create = || {
            let number = self.files.next.fetch_add(1, Ordering::Relaxed);
            // No extension is as long.
            let path = self.files.directory()?.join(format!("download-{number}.incomplete"));
            let file = OpenOptions::new().write(true).create_new(true).open(&path)?;
            Ok((file, path))
        };
        self.partial = Some(create().map_err(|error: io::Error| match fault(&error) {
            // The directory is not there to be written.
            StorageFault::NotFound => StorageFault::Denied,
            fault => fault,
        })?);
        Ok(())
    }

    fn write(&mut self, bytes: &[u8]) -> Result<(), StorageFault> {
        let Some((file, _)) = &mut self.partial else { return Err(StorageFault::Failed) };
        file.write_all(bytes).map_err(|error| fault(&error))
    }

    fn commit(&mut self, extension: Option<&str>) -> Result<(), StorageFault> {
        self.complete(extension).map_err(|error| fault(&error))
    }

    fn discard(&mut self) {
        if let Some((file, partial)) = self.partial.take() {
            drop(file);
            let _ = fs::remove_file(partial);
        }
    }
}

impl Drop for FileStore<'_> {
    fn drop(&mut self) {
        self.discard();
    }
}

/// Makes a rename last (POSIX keeps names in the directory). Where that fails a crash may undo the rename; it never
/// leaves half a file.
fn sync_directory_of(path: &Path) {
    if cfg!(unix) {
        let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let _ = File::open(parent).and_then(|directory| directory.sync_all());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files() -> TemporaryFiles {
        TemporaryFiles::below(std::env::temp_dir())
    }

    fn listing(files: &TemporaryFiles) -> Vec<String> {
        let directory = files.directory().unwrap();
        let entries = fs::read_dir(directory).unwrap();
        let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    #[test]
    fn down_02_a_file_has_its_name_only_when_it_is_complete() {
        let files = files();
        let mut store = FileStore::new(&files);
        store.create(None).unwrap();
        store.write(b"half").unwrap();
        assert_eq!(listing(&files), ["download-0.incomplete"]);
        store.write(b"whole").unwrap();
        store.commit(Some("png")).unwrap();
        let path = store.into_path().unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"halfwhole");
        assert_eq!(listing(&files), ["download-0.png"]);
    }

    #[test]
    fn down_02_what_is_discarded_or_dropped_leaves_nothing() {
        let files = files();
        let mut store = FileStore::new(&files);
        store.create(None).unwrap();
        store.write(b"x").unwrap();
        store.discard();
        assert!(listing(&files).is_empty());
        store.create(Some(1)).unwrap();
        drop(store);
        assert!(listing(&files).is_empty());
    }

    #[test]
    fn down_02_temporary_files_go_with_the_context_unless_saved() {
        let files = files();
        let mut paths = Vec::new();
        for _ in 0..2 {
            let mut store = FileStore::new(&files);
            store.create(None).unwrap();
            store.write(b"kept").unwrap();
            store.commit(None).unwrap();
            paths.push(store.into_path().unwrap());
        }
        let saved = std::env::temp_dir().join(format!("miniwire-saved-{}", std::process::id()));
        files.save(&paths[0], &saved).unwrap();
        let directory = files.directory().unwrap();
        assert!(paths[1].exists());
        drop(files);
        assert!(!directory.exists());
        assert_eq!(fs::read(&saved).unwrap(), b"kept");
        fs::remove_file(saved).unwrap();
    }

    #[test]
    fn down_02_only_what_was_downloaded_is_saved_and_replaces_whole_files() {
        let files = files();
        let mut store = FileStore::new(&files);
        store.create(None).unwrap();
        store.write(b"new").unwrap();
        store.commit(Some("txt")).unwrap();
        let temporary = store.into_path().unwrap();
        let own = std::env::temp_dir().join(format!("miniwire-own-{}", std::process::id()));
        fs::write(&own, b"old").unwrap();
        assert_eq!(files.save(&own, &temporary).unwrap_err().kind(), io::ErrorKind::InvalidInput);
        assert!(files.save(&temporary, &own.join("below a file")).is_err());
        assert_eq!(fs::read(&temporary).unwrap(), b"new");
        files.save(&temporary, &own).unwrap();
        assert_eq!(fs::read(&own).unwrap(), b"new");
        assert!(listing(&files).is_empty());
        assert!(files.save(&temporary, &own).is_err());
        fs::remove_file(own).unwrap();
    }

    #[test]
    fn down_02_a_name_that_is_not_complete_is_never_a_final_one() {
        let files = files();
        let mut store = FileStore::new(&files);
        // The longest extension that the core suggests has eight letters.
        store.create(None).unwrap();
        assert_eq!(listing(&files), ["download-0.incomplete"]);
        store.commit(Some("incomple")).unwrap();
        assert_eq!(listing(&files), ["download-0.incomple"]);
    }

    #[test]
    fn down_03_a_directory_that_cannot_be_written_is_denied() {
        let files = TemporaryFiles::below(std::env::temp_dir().join("miniwire-no-such-directory"));
        assert_eq!(FileStore::new(&files).create(None), Err(StorageFault::Denied));
    }

    #[cfg(unix)]
    #[test]
    fn down_01_only_the_owner_can_look_into_the_directory() {
        use std::os::unix::fs::PermissionsExt;
        let files = files();
        let mode = fs::metadata(files.directory().unwrap()).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o700);
    }
}
