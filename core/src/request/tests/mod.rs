//! The request task and the loops that drive it, against a scripted peer on a clock of its own: one description, three
//! drivers, every split, one result.

mod answers;
mod buffers;
mod context;
mod every_step;
mod links;
mod proxies;
mod reasons;
mod redirects;
mod wire;

use std::prelude::v1::*;

use super::{Event, Outcome, Request, RequestTask};
use crate::context::Context;
use crate::data::Data;
use crate::drive::{Memory, asynch, blocking};
use crate::policy::{Api, Policy};
use crate::reason::Reason;
use crate::task::Task;
use crate::testing::script::{Peer, Split, Step};
use crate::testing::{
    Driver, answer, answers, at_every_boundary, by_hand, development, everywhere, head_without_type, sends,
};

/// A GET without data as it goes on the wire, with the caller's fields.
fn get(target: &str, host: &str, fields: &str) -> String {
    format!("GET {target} HTTP/1.1\r\n{}{fields}\r\n", head(host))
}

/// A request as it goes on the wire, its `Content-Length` after the caller's fields.
fn with_body(method: &str, target: &str, host: &str, fields: &str, body: &str) -> String {
    let length = body.len();
    format!("{method} {target} HTTP/1.1\r\n{}{fields}Content-Length: {length}\r\n\r\n{body}", head(host))
}

/// The fields that come first, whatever the caller's are, with the default content type.
fn head(host: &str) -> String {
    head_without_type(host) + "Content-Type: application/json\r\n"
}

/// What a call showed, and how it ended.
#[derive(Clone, Debug, PartialEq)]
struct Seen {
    outcome: Outcome,
    events: Vec<Shown>,
    body: String,
    sent: Vec<String>,
    /// Milliseconds.
    took: u64,
}

#[derive(Clone, Debug, PartialEq)]
enum Shown {
    Interim(u16),
    Redirect(u16),
    Head(u16, Vec<(String, String)>),
}

impl Seen {
    fn new(outcome: Outcome) -> Self {
        Self { outcome, events: Vec::new(), body: String::new(), sent: Vec::new(), took: 0 }
    }

    fn show(&mut self, event: Event<'_>) {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        self.events.push(match event {
            Event::Interim(head) => Shown::Interim(head.status()),
            Event::Redirect(head) => Shown::Redirect(head.status()),
            Event::Head { head, .. } => {
                Shown::Head(head.status(), head.fields().map(|(name, value)| (name.into(), text(value))).collect())
            }
            Event::Body(bytes) => {
                assert!(!bytes.is_empty());
                return self.body.push_str(&bytes.iter().map(|byte| char::from(*byte)).collect::<String>());
            }
        });
    }

    fn result(&self) -> Result<(), Reason> {
        self.outcome.result
    }

    /// Reason, code, status.
    fn failure(&self) -> (Option<Reason>, Option<u8>, Option<u16>) {
        let reason = self.outcome.result.err();
        (reason, reason.map(Reason::request_code), self.outcome.status)
    }

    /// The last request that was sent.
    #[track_caller]
    fn request(&self) -> &str {
        self.sent.last().unwrap()
    }
}

impl crate::testing::Seen for Seen {
    /// Without what may differ between two splits: how much of a body was shown before it was refused, and how much of a
    /// request's body was sent before an early answer came.
    fn comparable(&self) -> Self {
        let mut seen = self.clone();
        seen.sent = seen.sent.iter().filter_map(|sent| Some(sent.split_once("\r\n\r\n")?.0.to_string())).collect();
        if let Err(Reason::NotJson | Reason::NotText | Reason::TooLarge) = seen.outcome.result {
            seen.outcome.received = 0;
            seen.body.clear();
        }
        seen
    }
}

/// One call and what the peer does.
#[derive(Clone)]
struct Scenario<'a> {
    context: Context<'a>,
    request: Request<'a>,
    steps: Vec<Step>,
    redirect_memory: usize,
    limit: u64,
    streamed: bool,
    /// The script may go on after the call's end.
    unfinished: bool,
    /// The call is refused before it begins.
    refused: Option<Reason>,
    /// Receive and transmit buffers.
    buffers: Vec<(usize, usize)>,
}

impl<'a> Scenario<'a> {
    fn new(context: &Context<'a>, request: Request<'a>, steps: impl Into<Vec<Step>>) -> Self {
        Self {
            context: *context,
            request,
            steps: steps.into(),
            redirect_memory: 256,
            limit: u64::MAX,
            streamed: false,
            unfinished: false,
            refused: None,
            buffers: vec![(512, 256), (4096, 4096)],
        }
    }

    #[track_caller]
    fn once(&self, driver: Driver, split: Split, (receive, transmit): (usize, usize)) -> Seen {
        let mut peer = Peer::new(&self.steps, split);
        let start = peer.now();
        let mut redirects = vec![0; self.redirect_memory];
        let mut task = RequestTask::new(&self.context, &self.request, &mut redirects, start).with_limit(self.limit);
        if self.streamed {
            task = task.streamed();
        }
        if let Some(reason) = self.refused {
            task.refuse(reason);
        }
        let (mut rx, mut tx) = (vec![0; receive], vec![0; transmit]);
        let mut seen = Seen::new(Outcome { result: Ok(()), status: None, received: 0, redirects: 0 });
        let show = |event: Event<'_>| {
            seen.show(event);
            Ok(())
        };
        let outcome = match driver {
            Driver::ByHand => by_hand::run(&mut peer, task, (receive, transmit), show),
            Driver::Blocking => blocking::run(&mut peer, task, &mut rx, &mut tx, show),
            Driver::Asynch => peer.block_on(asynch::run(&peer, task, &mut rx, &mut tx, show)),
        };
        seen.outcome = outcome;
        seen.took = start.until(peer.now());
        seen.sent = if self.unfinished { peer.sent() } else { peer.finish() };
        seen
    }

    /// On every driver, with every size of buffers, whole and byte by byte: the same.
    #[track_caller]
    fn run_unsplit(&self, splits: &[Split]) -> Seen {
        everywhere(&self.buffers, splits, |driver, split, buffers| self.once(driver, split, buffers))
    }

    /// The same at each split in two as well (CORE-03).
    #[track_caller]
    fn run(&self) -> Seen {
        let seen = self.run_unsplit(&[Split::Whole, Split::Bytes]);
        at_every_boundary(&self.steps, &seen, |split| self.once(Driver::ByHand, split, self.buffers[0]));
        seen
    }

    /// Takes the answer whole, on both loops: the same.
    #[track_caller]
    fn call(&self, body: usize) -> Called {
        let mut all = Vec::new();
        for split in [Split::Whole, Split::Bytes] {
            for (receive, transmit) in &self.buffers {
                let (mut rx, mut tx, mut redirect) =
                    (vec![0; *receive], vec![0; *transmit], vec![0; self.redirect_memory]);
                let (mut head, mut data) = (vec![0; 1024], vec![0; body]);
                for driver in [Driver::Blocking, Driver::Asynch] {
                    let memory = Memory {
                        receive: &mut rx,
                        transmit: &mut tx,
                        redirect: &mut redirect,
                        head: &mut head,
                        body: &mut data,
                    };
                    let mut peer = Peer::new(&self.steps, split);
                    let answered = match driver {
                        Driver::Asynch => peer.block_on(asynch::request(&peer, &self.context, &self.request, memory)),
                        _ => blocking::request(&mut peer, &self.context, &self.request, memory),
                    };
                    let (reason, response) = match answered {
                        Ok(response) => (None, Some(response)),
                        Err(failure) => {
                            assert_eq!(failure.code(), failure.reason.request_code());
                            (Some(failure.reason), failure.response)
                        }
                    };
                    peer.finish();
                    let field =
                        |(name, value): (&str, &[u8])| (name.to_string(), String::from_utf8_lossy(value).into_owned());
                    all.push(Called {
                        reason,
                        status: response.map(|response| response.status()),
                        headers: response.map(|response| response.headers().map(field).collect()).unwrap_or_default(),
                        text: response.map(|response| response.text().to_string()).unwrap_or_default(),
                    });
                }
            }
        }
        assert!(all.windows(2).all(|pair| pair[0] == pair[1]), "{all:#?}");
        all.remove(0)
    }
}

/// What the caller of a loop gets.
#[derive(Clone, Debug, PartialEq)]
struct Called {
    reason: Option<Reason>,
    status: Option<u16>,
    headers: Vec<(String, String)>,
    text: String,
}

impl Called {
    fn ok(status: u16, text: &str) -> (Option<Reason>, Option<u16>, String) {
        (None, Some(status), text.into())
    }

    fn failed(reason: Reason, status: u16, text: &str) -> (Option<Reason>, Option<u16>, String) {
        (Some(reason), Some(status), text.into())
    }

    fn short(self) -> (Option<Reason>, Option<u16>, String) {
        (self.reason, self.status, self.text)
    }
}
