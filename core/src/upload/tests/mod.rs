//! The upload on three drivers, against a scripted peer: one description, every split, one result.

mod answers;
mod every_step;
mod files;
mod links;
mod progress;
mod wire;

use std::prelude::v1::*;

use super::{Collect, Feed, Upload, UploadTask};
use crate::context::{Context, Limits};
use crate::drive::{Memory, asynch, blocking};
use crate::media::FileType;
use crate::multipart::Boundary;
use crate::policy::{Api, Policy};
use crate::progress::ProgressUpdate;
use crate::reason::Reason;
use crate::request::{Failure, Response};
use crate::storage::{Bytes, Source};
use crate::task::Task;
use crate::testing::script::{Peer, Split, Step};
use crate::testing::{
    Driver, answer, answers, at_every_boundary, by_hand, development, everywhere, head_without_type, sends,
};

const URL: &str = "http://a.test/up";
const ROUTE: &str = "http a.test:80";
const BOUNDARY: Boundary = Boundary::new([0x5a; 16]);
/// As it is written in a body, two dashes before it.
const LINE: &str = "------miniwire5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a";

/// A picture called `cat.png` under the key `photo`.
fn photo(url: &str) -> Upload<'_> {
    Upload::new(url, FileType::Image, "photo", BOUNDARY).file("cat.png", 0)
}

/// The body of that picture, without further fields.
fn photo_body(content: &str) -> String {
    format!("{}\r\n{content}\r\n{LINE}--\r\n", photo_part())
}

fn photo_part() -> String {
    format!(
        "{LINE}\r\nContent-Disposition: form-data; name=\"photo\"; filename=\"cat.png\"\r\nContent-Type: image/png\r\n"
    )
}

/// A whole request as it goes on the wire.
fn post(target: &str, host: &str, fields: &str, body: &str) -> String {
    let (head, boundary, length) = (head_without_type(host), &LINE[2..], body.len());
    format!(
        "POST {target} HTTP/1.1\r\n{head}Content-Type: multipart/form-data; boundary={boundary}\r\n{fields}\
         Content-Length: {length}\r\n\r\n{body}"
    )
}

/// What a call showed, and how it ended.
#[derive(Clone, Debug, PartialEq)]
struct Seen {
    reason: Option<Reason>,
    code: Option<u8>,
    status: Option<u16>,
    headers: Vec<(String, String)>,
    text: String,
    progress: Vec<ProgressUpdate>,
    sent: Vec<String>,
    /// Milliseconds.
    took: u64,
}

impl Seen {
    fn new(answer: Result<Response<'_>, Failure<'_>>) -> Self {
        let (failure, response) = match answer {
            Ok(response) => (None, Some(response)),
            Err(failure) => (Some(failure), failure.response),
        };
        let field = |(name, value): (&str, &[u8])| (name.to_string(), String::from_utf8_lossy(value).into_owned());
        Self {
            reason: failure.map(|failure| failure.reason),
            code: failure.map(|failure| failure.code()),
            status: response.map(|response| response.status()),
            headers: response.map(|response| response.headers().map(field).collect()).unwrap_or_default(),
            text: response.map(|response| response.text().to_string()).unwrap_or_default(),
            progress: Vec::new(),
            sent: Vec::new(),
            took: 0,
        }
    }

    /// Status and data of a success.
    #[track_caller]
    fn success(&self) -> (u16, &str) {
        assert_eq!((self.reason, self.code), (None, None));
        (self.status.unwrap(), &self.text)
    }

    fn failure(&self) -> (Option<Reason>, Option<u8>, Option<u16>) {
        (self.reason, self.code, self.status)
    }

    /// UP-06, whatever happened.
    #[track_caller]
    fn check_progress(&self, expected: u64) {
        for pair in self.progress.windows(2) {
            assert!(pair[0].progress <= pair[1].progress, "{:?}", self.progress);
            assert!(pair[0].total_bytes_written <= pair[1].total_bytes_written, "{:?}", self.progress);
            assert_ne!(pair[0], pair[1]);
        }
        for update in &self.progress {
            assert!(update.total_bytes_written <= expected && update.total_bytes_expected_to_write == expected);
            assert!(update.progress <= 100);
        }
        let hundreds = self.progress.iter().filter(|update| update.progress == 100).count();
        assert!(hundreds <= 1);
        if self.reason.is_none() {
            assert_eq!((hundreds, self.progress.last().map(|update| update.progress)), (1, Some(100)));
        }
    }
}

impl crate::testing::Seen for Seen {
    /// How many blocks were written depends on their size; how much was sent before the end of the call, on when it came.
    /// What must be sent is in the script.
    fn comparable(&self) -> Self {
        let mut seen = self.clone();
        seen.progress.clear();
        seen.sent.clear();
        seen
    }
}

/// One call and what the peer does.
#[derive(Clone)]
struct Scenario<'a, S> {
    context: Context<'a>,
    upload: Upload<'a>,
    source: S,
    steps: Vec<Step>,
    /// Memory for the data, and for the head.
    data: usize,
    head: usize,
    /// Receive and transmit buffers.
    buffers: Vec<(usize, usize)>,
    /// The call is refused before it begins.
    refused: Option<Reason>,
}

impl<'a> Scenario<'a, Bytes<'a>> {
    fn new(context: &Context<'a>, upload: Upload<'a>, content: &'a str, steps: impl Into<Vec<Step>>) -> Self {
        Self::of(context, upload, Bytes::new(content.as_bytes()), steps)
    }
}

impl<'a, S: Source + Clone> Scenario<'a, S> {
    fn of(context: &Context<'a>, upload: Upload<'a>, source: S, steps: impl Into<Vec<Step>>) -> Self {
        Self {
            context: *context,
            upload,
            source,
            steps: steps.into(),
            data: 256,
            head: 1024,
            buffers: vec![(512, 256), (513, 300), (4096, 4096)],
            refused: None,
        }
    }

    #[track_caller]
    fn once(&self, driver: Driver, split: Split, (receive, transmit): (usize, usize)) -> Seen {
        let (mut peer, mut source) = (Peer::new(&self.steps, split), self.source.clone());
        let start = peer.now();
        let (mut rx, mut tx, mut head, mut data) =
            (vec![0; receive], vec![0; transmit], vec![0; self.head], vec![0; self.data]);
        let mut updates = Vec::new();
        let on_progress = |update| updates.push(update);
        let memory =
            Memory { receive: &mut rx, transmit: &mut tx, redirect: &mut [], head: &mut head, body: &mut data };
        let answer = match driver {
            Driver::ByHand => {
                let mut collect = Collect::new(memory.head, memory.body, on_progress);
                let upload = self.upload.of_length(source.len());
                let mut task = UploadTask::new(&self.context, &upload, start).with_limit(collect.limit());
                if let Some(reason) = self.refused {
                    task.refuse(reason);
                }
                let mut feed = Feed::new(&mut source);
                let event = |event: super::Event<'_>| collect.event(event);
                let fill = |offset, space: &mut [u8]| feed.fill(offset, space);
                let outcome = by_hand::run_with_content(&mut peer, task, (receive, transmit), event, fill);
                collect.answer(outcome)
            }
            Driver::Blocking => {
                blocking::upload(&mut peer, &self.context, &self.upload, &mut source, memory, on_progress)
            }
            Driver::Asynch => {
                let call = asynch::upload(&peer, &self.context, &self.upload, &mut source, memory, on_progress);
                peer.block_on(call)
            }
        };
        let mut seen = Seen::new(answer);
        seen.progress = updates;
        seen.took = start.until(peer.now());
        seen.sent = peer.finish();
        seen.check_progress(self.source.len());
        assert!(seen.code.is_none_or(|code| Api::UploadFile.codes().contains(&code)), "{seen:?}");
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

/// Without a step of the peer: what is known at once.
#[track_caller]
fn refused(context: &Context<'_>, upload: Upload<'_>) -> (Option<Reason>, Option<u8>, Option<u16>) {
    Scenario::new(context, upload, "x", []).run().failure()
}

/// Under *release*, `a.test` is on the whitelist.
fn release<'c>() -> Context<'c> {
    let whitelist = crate::policy::Whitelist::new(&["a.test"]).unwrap();
    Context::new("2021000000000001", "1.0.0", Policy::release(whitelist)).unwrap()
}

fn limits(set: impl FnOnce(&mut Limits)) -> Limits {
    let mut limits = Limits::new();
    set(&mut limits);
    limits
}
