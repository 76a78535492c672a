//! `my.uploadFile` and `my.downloadFile`: from memory, and into nothing but a checksum.

use core::fmt;

use embassy_time::Instant;
use miniwire_core::context::{Context, Limits};
use miniwire_core::download::{Download, Downloaded};
use miniwire_core::media::FileType;
use miniwire_core::multipart::Boundary;
use miniwire_core::policy::Policy;
use miniwire_core::progress::ProgressUpdate;
use miniwire_core::reason::Reason;
use miniwire_core::request::Failure;
use miniwire_core::storage::{Source, StorageFault, Store};
use miniwire_core::upload::Upload;
use miniwire_embassy::AbortHandle;

use super::call::{Calls, Tour};
use super::print::{Checksum, Line, SingleQuoted};
use super::{APP_ID, APP_VERSION, whitelist};

const NAME: &str = "\u{732b}.png";
const LENGTH: u64 = 200_000;

impl Tour {
    pub(super) async fn uploads(&mut self, usual: Context<'static>) {
        let client = self.client(usual);
        let form = "A form goes out: the fields of formData, then the file, with its own name.";
        let (url, memory) = self.prepare("/post");
        let upload = new_upload(url).form_data(&[("album", "cats")]);
        // The answer has the file in it, so it is a small one.
        let came = client.upload_file(&upload, &mut Made::new(100), memory, |_| {}).await;
        Line::new(form).answer(&came).end();
        self.upload(&client, "Any status is success, and is heard before the file is sent.", "/early/413", &[], None)
            .await;

        let mut watcher = Watcher::default();
        let (url, memory) = self.prepare("/count");
        let upload = new_upload(url);
        let came = client.upload_file(&upload, &mut Made::new(LENGTH), memory, |update| watcher.update(update)).await;
        let promise = "onProgressUpdate tells how far it is, at last 100.";
        Line::new(promise).seen(&watcher).answer(&came).end();

        let abort = AbortHandle::new();
        let (url, memory) = self.prepare("/delay/5");
        let upload = new_upload(url);
        let calls = client.abortable(&abort);
        let came = calls.upload_file(&upload, &mut Made::new(LENGTH), memory, |_| abort.abort()).await;
        Line::new("abort() is code 12.").answer(&came).end();

        self.upload(&client, "A file that is not there is code 11.", "/post", &[], Some(StorageFault::NotFound)).await;
        self.upload(&client, "A directory is code 12.", "/post", &[], Some(StorageFault::NotAFile)).await;
        self.upload(&client, "A host off the whitelist is code 4.", "https://a.example/", &[], None).await;
        self.upload(&client, "http is code 13.", "{plain}/post", &[], None).await;

        let mut limits = Limits::new();
        limits.upload_timeout = 100;
        let hasty = self.client(usual.with_limits(limits));
        let promise = "A deadline is over the whole upload, 30 s by default (here 0.1 s).";
        self.upload(&hasty, promise, "/delay/5", &[], None).await;
    }

    /// The long upload so many times, each over a session of its own and then over the kept one: how long the slowest took,
    /// in milliseconds.
    ///
    /// # Errors
    /// Which one failed, why, and after how many milliseconds.
    pub async fn upload_often(&mut self, count: u16) -> Result<u64, (u16, Reason, u64)> {
        let mut slowest = 0;
        for turn in 0..count {
            let Ok(context) = Context::new(APP_ID, APP_VERSION, Policy::release(whitelist())) else { continue };
            let client = self.client(context);
            for _ in 0..2 {
                let (start, (url, memory)) = (Instant::now(), self.prepare("/count"));
                let upload = new_upload(url);
                let came = client.upload_file(&upload, &mut Made::new(LENGTH), memory, |_| {}).await;
                let took = start.elapsed().as_millis();
                came.map_err(|failure| (turn, failure.reason, took))?;
                slowest = took.max(slowest);
            }
        }
        Ok(slowest)
    }

    async fn upload(
        &mut self,
        client: &Calls,
        promise: &str,
        url: &str,
        form_data: &[(&str, &str)],
        fault: Option<StorageFault>,
    ) {
        let (url, memory) = self.prepare(url);
        let upload = new_upload(url).form_data(form_data);
        let came = client.upload_file(&upload, &mut Made { length: LENGTH, at: 0, fault }, memory, |_| {}).await;
        Line::new(promise).answer(&came).end();
    }

    /// `watched` has a whitelist for downloads too.
    pub(super) async fn downloads(&mut self, usual: Context<'static>, watched: Context<'static>) {
        let client = self.client(usual);
        let (mut watcher, mut store) = (Watcher::default(), Counted::new());
        let (url, memory) = self.prepare("/bytes/200000?seed=3");
        let download = Download::new(url);
        let came = client.download_file(&download, &mut store, memory, |update| watcher.update(update)).await;
        let line = Line::new("The file is whole, in a temporary directory.");
        match came {
            Ok(_) if store.is_committed => line.seen(&watcher).file(&store.checksum).end(),
            _ => line.seen(Briefly(&came)).end(),
        }

        let (url, memory) = self.prepare("/anything/picture.png");
        let came = client.download_file(&Download::new(url), &mut store, memory, |_| {}).await;
        let line = Line::new("Its extension is that of the content, else of the URL.");
        match came.as_ref().ok().and_then(|downloaded| downloaded.extension) {
            Some(extension) => line.seen(format_args!(".{}", extension.as_str())).end(),
            None => line.seen(Briefly(&came)).end(),
        }

        let strict = self.client(watched);
        for (client, promise, url) in [
            (&client, "A status other than 2xx is code 12.", "/status/404?body=gone"),
            (&client, "A file that breaks off is code 12, and nothing of it stays.", "/truncated"),
            (&strict, "A whitelist is enforced where that is asked for: code 13.", "https://a.example/"),
            (&strict, "http is code 20.", "{plain}/get"),
        ] {
            let mut store = Counted::new();
            let (url, memory) = self.prepare(url);
            let came = client.download_file(&Download::new(url), &mut store, memory, |_| {}).await;
            let line = Line::new(promise);
            if store.is_committed {
                line.seen("a file that is committed").end();
            } else {
                line.seen(Briefly(&came)).end();
            }
        }
        let abort = AbortHandle::new();
        let (url, memory) = self.prepare("/drip?numbytes=100&duration=10");
        let calls = client.abortable(&abort);
        let came = calls.download_file(&Download::new(url), &mut store, memory, |_| abort.abort()).await;
        Line::new("abort() is code 12.").seen(Briefly(&came)).end();
    }
}

fn new_upload(url: &str) -> Upload<'_> {
    // The tour sends no secrets. A product makes a boundary of random bytes, so that nobody can put it into a file.
    Upload::new(url, FileType::Image, "photo", Boundary::new([7; 16])).file(NAME, 0)
}

/// A file that is made up as it is read.
struct Made {
    length: u64,
    at: u64,
    fault: Option<StorageFault>,
}

impl Made {
    const fn new(length: u64) -> Self {
        Self { length, at: 0, fault: None }
    }
}

impl Source for Made {
    fn len(&self) -> u64 {
        self.length
    }

    fn read(&mut self, buf: &mut [u8]) -> Result<usize, StorageFault> {
        if let Some(fault) = self.fault {
            return Err(fault);
        }
        let mut read = 0;
        for byte in buf.iter_mut().take(usize::try_from(self.length.saturating_sub(self.at)).unwrap_or(usize::MAX)) {
            *byte = self.at.to_le_bytes().iter().fold(0, |sum, byte| sum ^ byte);
            self.at = self.at.saturating_add(1);
            read += 1;
        }
        Ok(read)
    }

    fn rewind(&mut self) -> Result<(), StorageFault> {
        self.at = 0;
        Ok(())
    }
}

/// A store that keeps a checksum of its file.
struct Counted {
    checksum: Checksum,
    is_committed: bool,
}

impl Counted {
    const fn new() -> Self {
        Self { checksum: Checksum::new(), is_committed: false }
    }
}

impl Store for Counted {
    fn create(&mut self, _: Option<u64>) -> Result<(), StorageFault> {
        *self = Self::new();
        Ok(())
    }

    fn write(&mut self, bytes: &[u8]) -> Result<(), StorageFault> {
        self.checksum.push(bytes);
        Ok(())
    }

    fn commit(&mut self, _: Option<&str>) -> Result<(), StorageFault> {
        self.is_committed = true;
        Ok(())
    }

    fn discard(&mut self) {
        *self = Self::new();
    }
}

/// Whether the progress never fell and ended at 100, once.
#[derive(Default)]
struct Watcher {
    updates: u32,
    last: ProgressUpdate,
    has_fallen: bool,
    at_100: u32,
}

impl Watcher {
    fn update(&mut self, update: ProgressUpdate) {
        self.updates = self.updates.saturating_add(1);
        self.has_fallen |= update.progress < self.last.progress;
        self.at_100 = self.at_100.saturating_add(u32::from(update.progress == 100));
        self.last = update;
    }
}

impl fmt::Display for Watcher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (updates, rising) = (self.updates, !self.has_fallen);
        let ends = self.at_100 == 1 && self.last.progress == 100 && self.last.total_bytes_written == LENGTH;
        write!(f, "{updates} updates, rising: {rising}, the last and only that at 100: {ends}")
    }
}

/// How a download ended, as the desktop's tour tells it.
struct Briefly<'c, 'b>(&'c Result<Downloaded<'b>, Failure<'b>>);

impl fmt::Display for Briefly<'_, '_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Ok(downloaded) => write!(f, "success {{received: {}}}", downloaded.received),
            Err(failure) => {
                let (code, name, message) = (failure.code(), failure.reason.name(), SingleQuoted(failure));
                write!(f, "fail {{error: {code}, errorMessage: {message}}} ({name})")
            }
        }
    }
}
