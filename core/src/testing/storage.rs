//! A store and a source that note what is done with them, and fail where they are told to.

use crate::storage::{Source, StorageFault, Store};

/// One call of a [`Store`].
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Did {
    Create(Option<u64>),
    Write(usize),
    Commit(Option<String>),
    Discard,
}

/// A store.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Disk {
    pub(crate) did: Vec<Did>,
    pub(crate) bytes: Vec<u8>,
    /// The call that fails, by its number.
    pub(crate) fails: Option<(usize, StorageFault)>,
}

impl Disk {
    fn note(&mut self, did: Did) -> Result<(), StorageFault> {
        let number = self.did.len();
        self.did.push(did);
        match self.fails {
            Some((at, fault)) if at == number => Err(fault),
            _ => Ok(()),
        }
    }

    fn count(&self, is: fn(&Did) -> bool) -> usize {
        self.did.iter().filter(|did| is(did)).count()
    }

    /// The file, if it was committed. Checks the law of a store: at most one file, `create` first, and after one that
    /// went well exactly one of `commit` and `discard`, last.
    #[track_caller]
    pub(crate) fn file(&self) -> Option<String> {
        let ends = self.count(|did| matches!(did, Did::Commit(_) | Did::Discard));
        let [Did::Create(_), rest @ ..] = &self.did[..] else {
            assert!(self.did.is_empty(), "{:?}", self.did);
            return None;
        };
        assert_eq!(self.count(|did| matches!(did, Did::Create(_))), 1, "{:?}", self.did);
        if let Some((0, _)) = self.fails {
            assert!(rest.is_empty(), "{:?}", self.did);
            return None;
        }
        assert_eq!(ends, 1, "{:?}", self.did);
        let last = rest.last().unwrap();
        assert!(matches!(last, Did::Commit(_) | Did::Discard), "{:?}", self.did);
        let failed = self.fails.is_some_and(|(at, _)| at + 1 == self.did.len());
        let text = || self.bytes.iter().map(|byte| char::from(*byte)).collect();
        (matches!(last, Did::Commit(_)) && !failed).then(text)
    }

    /// The extension that was suggested at the commit.
    pub(crate) fn extension(&self) -> Option<&str> {
        self.did.iter().find_map(|did| if let Did::Commit(extension) = did { extension.as_deref() } else { None })
    }
}

impl Store for Disk {
    fn create(&mut self, length: Option<u64>) -> Result<(), StorageFault> {
        self.note(Did::Create(length))
    }

    fn write(&mut self, bytes: &[u8]) -> Result<(), StorageFault> {
        assert!(!bytes.is_empty());
        self.bytes.extend_from_slice(bytes);
        self.note(Did::Write(bytes.len()))
    }

    fn commit(&mut self, extension: Option<&str>) -> Result<(), StorageFault> {
        self.note(Did::Commit(extension.map(str::to_owned)))
    }

    fn discard(&mut self) {
        let _ = self.note(Did::Discard);
    }
}

/// A file of so many `x`, of which a read gives some.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Xs {
    /// What the file says its length is.
    pub(crate) length: u64,
    /// What it is.
    pub(crate) actual: u64,
    /// The most bytes of one read.
    pub(crate) piece: usize,
    /// A read from here on fails.
    pub(crate) fails: Option<(u64, StorageFault)>,
    /// Where it is read.
    pub(crate) at: u64,
    pub(crate) rewinds: usize,
}

impl Xs {
    pub(crate) const fn new(length: u64) -> Self {
        Self { length, actual: length, piece: usize::MAX, fails: None, at: 0, rewinds: 0 }
    }
}

impl Source for Xs {
    fn len(&self) -> u64 {
        self.length
    }

    fn read(&mut self, buf: &mut [u8]) -> Result<usize, StorageFault> {
        let left = usize::try_from(self.actual - self.at).unwrap_or(usize::MAX);
        let read = buf.len().min(left).min(self.piece);
        if let Some((at, fault)) = self.fails
            && self.at + read as u64 > at
        {
            return Err(fault);
        }
        buf[..read].fill(b'x');
        self.at += read as u64;
        Ok(read)
    }

    fn rewind(&mut self) -> Result<(), StorageFault> {
        self.at = 0;
        self.rewinds += 1;
        Ok(())
    }
}
