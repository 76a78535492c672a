//! An upload or a download through arbitrary sequences of answers, faults, interrupts, clock steps and misuse.

use std::cell::RefCell;
use std::fmt::Debug;

use arbitrary::{Arbitrary, Unstructured};
use miniwire_core::context::{Context, Proxy};
use miniwire_core::download::{Collect as Download, DownloadTask};
use miniwire_core::media::FileType;
use miniwire_core::multipart::Boundary;
use miniwire_core::policy::{Api, Policy, Whitelist};
use miniwire_core::progress::ProgressUpdate;
use miniwire_core::reason::{Fault, Interrupt, Reason};
use miniwire_core::storage::{Source, StorageFault, Store};
use miniwire_core::task::{Action, Poll, Task};
use miniwire_core::time::Instant;
use miniwire_core::upload::{Collect as Upload, Feed, UploadTask};

use crate::request_ops::{ANSWERS, URLS, fault};

const FAULTS: [StorageFault; 6] = [
    StorageFault::NotFound,
    StorageFault::NotAFile,
    StorageFault::Denied,
    StorageFault::Changed,
    StorageFault::Full,
    StorageFault::Failed,
];

/// What is called, and what happens.
#[derive(Debug, Arbitrary)]
struct Plan<'a> {
    upload: bool,
    url: u8,
    development: bool,
    opted_in: bool,
    proxy: bool,
    length: u16,
    /// How much longer or shorter the file is than it says.
    skew: i8,
    /// Bytes of one read of it.
    piece: u8,
    /// The operation of the source or the store that fails, and how.
    fails: Option<(u8, u8)>,
    memory: u8,
    tx: u8,
    rx: u8,
    ops: Vec<Op<'a>>,
}

/// One thing that happens: before the next step, or in place of what it asks for.
#[derive(Clone, Copy, Debug, Arbitrary)]
enum Op<'a> {
    /// What is asked for succeeds.
    Proceed,
    /// The peer says one of the answers.
    Answer(u8),
    /// The peer says this.
    Bytes(&'a [u8]),
    /// The peer closes.
    Close,
    /// A link is a kept one, if that will do.
    Kept,
    /// What is asked for fails.
    Fault(u8),
    /// Sending fails.
    WriteFails,
    /// Nothing comes for a while.
    Tick(u16),
    /// The call is aborted, or the page unloaded.
    Interrupt(bool),
    /// The driver says what it was not asked.
    Misuse,
}

/// Plays the call and the operations that `data` stands for, by the `arbitrary` crate.
pub fn run(data: &[u8]) {
    let Ok(plan) = Plan::arbitrary_take_rest(Unstructured::new(data)) else { return };
    let entries = ["example.com", "192.0.2.1:444", "[2001:db8::1]"];
    let policy = match Policy::release(Whitelist::new(&entries).unwrap()) {
        _ if plan.development => Policy::development(),
        policy if plan.opted_in => policy.also_for_downloads(),
        policy => policy,
    };
    let proxy = Proxy { host: "proxy.example", port: 3128, credentials: Some("user:password") };
    let context = Context::new("1", "2", policy).unwrap();
    let context = if plan.proxy { context.with_proxy(Some(&proxy)) } else { context };
    if plan.upload { upload(&context, &plan) } else { download(&context, &plan) }
}

fn upload(context: &Context<'_>, plan: &Plan<'_>) {
    let mut file = File { plan, at: 0, reads: 0 };
    let url = URLS[usize::from(plan.url) % URLS.len()];
    let input = miniwire_core::upload::Upload::new(url, FileType::Image, "key", Boundary::new([7; 16]));
    let input = input.file("a.png", plan.length.into()).form_data(&[("a", "b"), ("c", "d")]);
    let (mut head, mut data, watch) = (vec![0; 512], vec![0; plan.memory.into()], Watch::default());
    let mut collect = Upload::new(&mut head, &mut data, |update| watch.update(update));
    let task = UploadTask::new(context, &input, start(plan)).with_limit(collect.limit());
    let mut feed = Feed::new(&mut file);
    let outcome = play(task, plan, |event| collect.event(event), |offset, space| feed.fill(offset, space));
    let answer = collect.answer(outcome);
    watch.check_end(answer.is_ok());
    match answer {
        Ok(response) => assert_eq!(Some(response.status()), outcome.status),
        Err(failure) => {
            assert_eq!(failure.api, Api::UploadFile);
            assert!([4, 11, 12, 13].contains(&failure.code()));
            assert_eq!(failure.response.map(|response| response.status()), outcome.status);
        }
    }
}

fn download(context: &Context<'_>, plan: &Plan<'_>) {
    let mut disk = Disk { plan, calls: 0, state: State::Before, bytes: 0 };
    let input = miniwire_core::download::Download::new(URLS[usize::from(plan.url) % URLS.len()]);
    let (mut redirects, mut head) = (vec![0; plan.memory.into()], vec![0; 512]);
    let watch = Watch::default();
    let mut collect = Download::new(&mut disk, &mut head, |update| watch.update(update));
    let task = DownloadTask::new(context, &input, &mut redirects, start(plan));
    let outcome = play(task, plan, |event| collect.event(event), |_, _| panic!("content is asked for"));
    let answer = collect.answer(outcome);
    watch.check_end(answer.is_ok() || outcome.result.is_ok());
    match answer {
        Ok(done) => {
            assert!((200..300).contains(&done.response.status()));
            assert_eq!((done.received, disk.state), (disk.bytes, State::Committed));
        }
        Err(failure) => {
            assert_eq!(failure.api, Api::DownloadFile);
            assert!([12, 13, 20].contains(&failure.code()));
            assert_eq!(failure.response.map(|response| response.status()), outcome.status);
            assert!(matches!(disk.state, State::Before | State::Discarded | State::CommitFailed));
        }
    }
}

fn start(plan: &Plan<'_>) -> Instant {
    Instant::from_millis(u64::from(plan.length) << (plan.tx % 48))
}

fn play<K: Task>(
    mut task: K,
    plan: &Plan<'_>,
    mut on_event: impl FnMut(K::Event<'_>) -> Result<(), Reason>,
    mut content: impl FnMut(u64, &mut [u8]) -> Result<usize, Reason>,
) -> K::Outcome
where
    K::Outcome: PartialEq + Debug,
{
    let mut now = start(plan);
    let receive = 256 + 4 * usize::from(plan.rx);
    let (mut rx, mut tx) = (Vec::new(), vec![0; 256 + usize::from(plan.tx)]);
    let (mut wire, mut said, mut ops) = (Vec::new(), 0, plan.ops.iter().copied());
    let (mut steps, mut linked, mut sent) = (0, false, 0);
    loop {
        let op = ops.next();
        match op {
            Some(Op::Answer(which)) => wire.extend_from_slice(ANSWERS[usize::from(which) % ANSWERS.len()]),
            Some(Op::Bytes(bytes)) => wire.extend_from_slice(bytes),
            Some(Op::Tick(ms)) => now = now.after(ms.into()),
            Some(Op::Interrupt(true)) => task.interrupt(Interrupt::Abort),
            Some(Op::Interrupt(false)) => task.interrupt(Interrupt::Unload),
            _ => {}
        }
        let failure = if let Some(Op::Fault(which)) = op { Some(fault(which)) } else { None };
        let Poll { consumed, action } = task.poll(now, &rx, &mut tx);
        assert!(consumed <= rx.len());
        // Once a link is given up, the next may be reported before it was asked for.
        if matches!(op, Some(Op::Misuse)) && !matches!(action, Action::Release { .. }) {
            let (connect, secure) = (matches!(action, Action::Connect { .. }), matches!(action, Action::Secure));
            assert!(connect || task.connected(false).is_err());
            assert!(secure || task.secured().is_err());
        }
        let mut received = false;
        match action {
            Action::Done(outcome) => {
                assert!(!linked, "a link is left open");
                task.interrupt(Interrupt::Abort);
                task.fault(Fault::Lost);
                task.refuse(Reason::Dns);
                task.end_of_stream();
                task.write_failed();
                let again = task.poll(now.after(u64::MAX), b"x", &mut tx);
                assert!(matches!(again, Poll { consumed: 0, action: Action::Done(same) } if same == outcome));
                return outcome;
            }
            Action::Event(event) => {
                if let Err(reason) = on_event(event) {
                    task.refuse(reason);
                }
            }
            Action::Continue => {}
            Action::Release { .. } => {
                assert!(std::mem::take(&mut linked), "there is no link");
                rx.clear();
                wire.clear();
                steps += 1;
                continue;
            }
            Action::Fill { at, end, offset } => match content(offset, &mut tx[at..end]) {
                Ok(bytes) => task.filled(bytes),
                Err(reason) => task.refuse(reason),
            },
            Action::Connect { .. } | Action::Secure | Action::Transmit { .. } | Action::Read if failure.is_some() => {
                task.fault(failure.unwrap());
            }
            Action::Connect { reuse } => {
                assert!(!std::mem::replace(&mut linked, true), "a second link");
                rx.clear();
                task.connected(reuse && matches!(op, Some(Op::Kept))).unwrap();
                steps += 1;
                continue;
            }
            Action::Secure => task.secured().unwrap(),
            Action::Transmit { .. } if matches!(op, Some(Op::WriteFails)) => task.write_failed(),
            Action::Transmit { length, more } => {
                sent += length;
                received = more && !wire.is_empty();
            }
            Action::Read if matches!(op, Some(Op::Close)) => task.end_of_stream(),
            Action::Read => received = true,
        }
        rx.drain(..consumed);
        if received {
            let room = receive - rx.len();
            if room == 0 {
                task.fault(Fault::ReceiveBufferFull);
            } else if wire.is_empty() && op.is_none() {
                task.end_of_stream();
            }
            said += wire.len().min(room);
            rx.extend(wire.drain(..wire.len().min(room)));
        }
        steps += 1;
        // A read of the file may give one byte.
        let bound = 300 + 3 * plan.ops.len() + 6 * said + 2 * sent + 4 * usize::from(plan.length);
        assert!(steps < bound, "no end in bounded steps");
    }
}

/// Progress as it is told.
#[derive(Default)]
struct Watch(RefCell<Option<ProgressUpdate>>);

impl Watch {
    fn update(&self, update: ProgressUpdate) {
        let last = self.0.replace(Some(update)).unwrap_or_default();
        assert!(update.progress >= last.progress && update.total_bytes_written >= last.total_bytes_written);
        assert!(update.progress <= 100 && last.progress < 100, "100 comes once and last");
    }

    fn check_end(&self, success: bool) {
        if success {
            assert_eq!(self.0.borrow().map(|last| last.progress), Some(100));
        }
    }
}

/// A file that may be another than it says, and may fail.
struct File<'p, 'a> {
    plan: &'p Plan<'a>,
    at: u64,
    reads: usize,
}

impl Source for File<'_, '_> {
    fn len(&self) -> u64 {
        self.plan.length.into()
    }

    fn read(&mut self, buf: &mut [u8]) -> Result<usize, StorageFault> {
        assert!(!buf.is_empty());
        self.reads += 1;
        if let Some((at, fault)) = self.plan.fails
            && self.reads == 1 + usize::from(at)
        {
            return Err(FAULTS[usize::from(fault) % 6]);
        }
        let actual = self.len().saturating_add_signed(self.plan.skew.into());
        let left = usize::try_from(actual.saturating_sub(self.at)).unwrap();
        let read = buf.len().min(left).min(1 + usize::from(self.plan.piece));
        buf[..read].fill(b'x');
        self.at += read as u64;
        Ok(read)
    }

    fn rewind(&mut self) -> Result<(), StorageFault> {
        self.at = 0;
        Ok(())
    }
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum State {
    Before,
    Open,
    Committed,
    CommitFailed,
    Discarded,
}

/// A store that insists on its law, and may fail.
struct Disk<'p, 'a> {
    plan: &'p Plan<'a>,
    calls: usize,
    state: State,
    bytes: u64,
}

impl Disk<'_, '_> {
    fn fails(&mut self) -> Result<(), StorageFault> {
        self.calls += 1;
        match self.plan.fails {
            Some((at, fault)) if self.calls == 1 + usize::from(at) => Err(FAULTS[usize::from(fault) % 6]),
            _ => Ok(()),
        }
    }
}

impl Store for Disk<'_, '_> {
    fn create(&mut self, _: Option<u64>) -> Result<(), StorageFault> {
        assert_eq!((self.state, self.calls), (State::Before, 0));
        self.fails()?;
        self.state = State::Open;
        Ok(())
    }

    fn write(&mut self, bytes: &[u8]) -> Result<(), StorageFault> {
        assert_eq!(self.state, State::Open);
        assert!(!bytes.is_empty());
        self.fails()?;
        self.bytes += bytes.len() as u64;
        Ok(())
    }

    fn commit(&mut self, extension: Option<&str>) -> Result<(), StorageFault> {
        assert_eq!(self.state, State::Open);
        assert!(extension.is_none_or(|text| text.bytes().all(|byte| byte.is_ascii_alphanumeric())));
        self.state = State::CommitFailed;
        self.fails()?;
        self.state = State::Committed;
        Ok(())
    }

    fn discard(&mut self) {
        assert_eq!(self.state, State::Open);
        self.state = State::Discarded;
    }
}
