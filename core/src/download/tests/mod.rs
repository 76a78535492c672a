//! The download on three drivers, against a scripted peer: one description, every split, one result.

mod answers;
mod every_step;
mod idle;
mod links;
mod stores;

use std::prelude::v1::*;

use super::{Collect, Download, DownloadTask, Downloaded, Extension};
use crate::context::{Context, Limits};
use crate::drive::{Memory, asynch, blocking};
use crate::policy::{Api, Policy, Whitelist};
use crate::progress::ProgressUpdate;
use crate::reason::Reason;
use crate::request::Failure;
use crate::task::Task;
use crate::testing::script::{Peer, Split, Step};
use crate::testing::storage::{Did, Disk};
use crate::testing::{
    Driver, answer, answers, at_every_boundary, by_hand, development, everywhere, head_without_type, sends,
};

const URL: &str = "http://a.test/file";
const ROUTE: &str = "http a.test:80";

/// What a call showed, and how it ended.
#[derive(Clone, Debug, PartialEq)]
struct Seen {
    reason: Option<Reason>,
    code: Option<u8>,
    status: Option<u16>,
    headers: Vec<(String, String)>,
    received: u64,
    redirects: u8,
    /// As the outcome has it.
    extension: Option<String>,
    /// What was committed.
    file: Option<String>,
    disk: Disk,
    progress: Vec<ProgressUpdate>,
    sent: Vec<String>,
    /// Milliseconds.
    took: u64,
}

impl Seen {
    fn new(answer: Result<Downloaded<'_>, Failure<'_>>, disk: Disk, progress: Vec<ProgressUpdate>) -> Self {
        let (failure, done, response) = match answer {
            Ok(done) => (None, Some(done), Some(done.response)),
            Err(failure) => (Some(failure), None, failure.response),
        };
        let field = |(name, value): (&str, &[u8])| (name.to_string(), String::from_utf8_lossy(value).into_owned());
        Self {
            reason: failure.map(|failure| failure.reason),
            code: failure.map(|failure| failure.code()),
            status: response.map(|response| response.status()),
            headers: response.map(|response| response.headers().map(field).collect()).unwrap_or_default(),
            received: done.map_or(0, |done| done.received),
            redirects: done.map_or(0, |done| done.redirects),
            extension: done.and_then(|done| done.extension).map(|extension| extension.as_str().to_string()),
            file: disk.file(),
            disk,
            progress,
            sent: Vec::new(),
            took: 0,
        }
    }

    /// Status and file of a success.
    #[track_caller]
    fn success(&self) -> (u16, &str) {
        assert_eq!((self.reason, self.code), (None, None));
        (self.status.unwrap(), self.file.as_deref().expect("a success has a file"))
    }

    /// Reason, code, status of a failure, which leaves nothing behind.
    fn failure(&self) -> (Option<Reason>, Option<u8>, Option<u16>) {
        assert_eq!(self.file, None);
        (self.reason, self.code, self.status)
    }

    /// DOWN-02 and DOWN-05, whatever happened.
    #[track_caller]
    fn check(&self) {
        assert!(self.code.is_none_or(|code| Api::DownloadFile.codes().contains(&code)), "{self:?}");
        assert_eq!(self.file.is_some(), self.reason.is_none(), "{self:?}");
        for pair in self.progress.windows(2) {
            assert!(pair[0].progress <= pair[1].progress, "{:?}", self.progress);
            assert!(pair[0].total_bytes_written <= pair[1].total_bytes_written, "{:?}", self.progress);
            assert_ne!(pair[0], pair[1]);
        }
        let hundreds = self.progress.iter().filter(|update| update.progress == 100).count();
        assert!(hundreds <= 1, "{:?}", self.progress);
        let writes = self.disk.did.iter().filter(|did| matches!(did, Did::Write(_))).count();
        assert!(self.progress.len() <= writes + 1, "at most one per block");
        if self.reason.is_none() {
            let last = self.progress.last().expect("a last update");
            assert_eq!((hundreds, last.progress, last.total_bytes_written), (1, 100, self.received));
            assert_eq!(self.received, self.disk.bytes.len() as u64);
            assert_eq!(self.extension.as_deref(), self.disk.extension());
        }
    }
}

impl crate::testing::Seen for Seen {
    /// In how many blocks the file comes depends on the split; how many come before a failure, too.
    fn comparable(&self) -> Self {
        let mut seen = self.clone();
        seen.progress.clear();
        seen.disk.did.retain(|did| !matches!(did, Did::Write(_)));
        if seen.reason.is_some() {
            seen.disk.bytes.clear();
        }
        seen
    }
}

/// One call and what the peer does.
#[derive(Clone)]
struct Scenario<'a> {
    context: Context<'a>,
    download: Download<'a>,
    disk: Disk,
    steps: Vec<Step>,
    redirect_memory: usize,
    /// Memory for the head.
    head: usize,
    /// Receive and transmit buffers.
    buffers: Vec<(usize, usize)>,
    /// The call is refused before it begins.
    refused: Option<Reason>,
}

impl<'a> Scenario<'a> {
    fn new(context: &Context<'a>, url: &'a str, steps: impl Into<Vec<Step>>) -> Self {
        Self {
            context: *context,
            download: Download::new(url),
            disk: Disk::default(),
            steps: steps.into(),
            redirect_memory: 256,
            head: 1024,
            buffers: vec![(512, 256), (4096, 4096)],
            refused: None,
        }
    }

    #[track_caller]
    fn once(&self, driver: Driver, split: Split, (receive, transmit): (usize, usize)) -> Seen {
        let (mut peer, mut disk) = (Peer::new(&self.steps, split), self.disk.clone());
        let start = peer.now();
        let (mut rx, mut tx, mut redirect, mut head) =
            (vec![0; receive], vec![0; transmit], vec![0; self.redirect_memory], vec![0; self.head]);
        let mut updates = Vec::new();
        let on_progress = |update| updates.push(update);
        let memory =
            Memory { receive: &mut rx, transmit: &mut tx, redirect: &mut redirect, head: &mut head, body: &mut [] };
        let answer = match driver {
            Driver::ByHand => {
                let mut collect = Collect::new(&mut disk, memory.head, on_progress);
                let mut task = DownloadTask::new(&self.context, &self.download, memory.redirect, start);
                if let Some(reason) = self.refused {
                    task.refuse(reason);
                }
                let outcome = by_hand::run(&mut peer, task, (receive, transmit), |event| collect.event(event));
                collect.answer(outcome)
            }
            Driver::Blocking => {
                blocking::download(&mut peer, &self.context, &self.download, &mut disk, memory, on_progress)
            }
            Driver::Asynch => {
                let call = asynch::download(&peer, &self.context, &self.download, &mut disk, memory, on_progress);
                peer.block_on(call)
            }
        };
        let mut seen = Seen::new(answer, disk, updates);
        seen.took = start.until(peer.now());
        seen.sent = peer.finish();
        seen.check();
        seen
    }

    #[track_caller]
    fn run_unsplit(&self, splits: &[Split]) -> Seen {
        everywhere(&self.buffers, splits, |driver, split, buffers| self.once(driver, split, buffers))
    }

    /// On every driver, with every size of buffers, whole, byte by byte, and at each split in two (CORE-03).
    #[track_caller]
    fn run(&self) -> Seen {
        let seen = self.run_unsplit(&[Split::Whole, Split::Bytes]);
        at_every_boundary(&self.steps, &seen, |split| self.once(Driver::ByHand, split, self.buffers[0]));
        seen
    }
}

/// A plain exchange with this answer.
fn answered(response: impl AsRef<[u8]>, then: &[Step]) -> Seen {
    let steps = [&[Step::Connect(ROUTE), Step::Request, answers(response)], then].concat();
    Scenario::new(&development(), URL, steps).run()
}

/// Under *release*, with a whitelist of `a.test`.
fn release<'c>() -> Policy<'c> {
    Policy::release(Whitelist::new(&["a.test"]).unwrap())
}

fn under(policy: Policy<'_>) -> Context<'_> {
    Context::new("2021000000000001", "1.0.0", policy).unwrap().with_user_agent("kiosk/7").unwrap()
}

fn limits(set: impl FnOnce(&mut Limits)) -> Limits {
    let mut limits = Limits::new();
    set(&mut limits);
    limits
}

#[test]
fn down_01_the_extension_of_a_url_is_that_of_its_last_segment() {
    let of = |path| Extension::of_path(path).map(|extension| extension.as_str().to_owned());
    assert_eq!(of("/a/b.c/photo.PNG?x=y.jpg").as_deref(), Some("PNG"));
    assert_eq!(of("/archive.tar.gz").as_deref(), Some("gz"));
    for none in ["", "/", "/a", "/a.", "/.hidden", "/a.b/c", "/a.toolongext", "/a.%2e", "/a.p-g", "?a/b.c"] {
        assert_eq!(of(none), None, "{none}");
    }
}
