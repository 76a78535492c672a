//! The tour: the calls that `miniwire tour` makes on a desktop, made by a board.
//!
//! It prints what each call brought, a JSON object a line. Whether that is right is not judged here: it has to be what the
//! desktop's tour printed, which was judged there. tests/stages/board.py compares.

mod answers;
mod call;
mod certificates;
mod control;
mod data;
mod files;
mod framing;
mod policy;
mod print;
mod redirects;
mod socket;
mod usable;

use embassy_time::Timer;
use miniwire_core::context::{BadContext, Context, Limits, Proxy, ProxyRule};
use miniwire_core::policy::{Policy, Whitelist};
use miniwire_core::request::Request;
use miniwire_embassy::Client;
use static_cell::StaticCell;

use call::Calls;
pub use call::{Buffers, Tour, Trusted};
use print::{Checksum, Line};

use crate::board::executor;

/// A promise, in the words of the desktop's tour, and the call that shows it. In URLs, what begins with a slash is of the
/// tour's server, and `{name}` stands for an origin that the settings give a port.
type Step = (&'static str, Request<'static>);

/// Calls at once, and sockets.
pub const SOCKETS: usize = 2;

const APP_ID: &str = "2021000000000001";
const APP_VERSION: &str = "1.2.3";

impl Tour {
    /// Takes the tour, once.
    ///
    /// # Errors
    /// Where a context cannot be made.
    pub async fn take(mut self) -> Result<(), BadContext> {
        let release = Context::new(APP_ID, APP_VERSION, Policy::release(whitelist()))?;
        let development = Context::new(APP_ID, APP_VERSION, Policy::development())?;
        // A client a group: what it has kept is closed with it, and its sockets are free for the next.
        self.group(release, data::STEPS).await;
        self.group(release, answers::STEPS).await;
        self.limited(release).await;
        self.whom(release, development).await;
        self.group(release, redirects::STEPS).await;
        self.endings(release).await;
        self.uploads(release).await;
        let watched = Context::new(APP_ID, APP_VERSION, Policy::release(whitelist()).also_for_downloads())?;
        self.downloads(release, watched).await;
        self.socket(release).await?;
        self.connections(release).await;
        self.group(release, framing::STEPS).await;
        self.certificates(release).await;
        let client = self.client(release);
        for (promise, schema) in usable::STEPS {
            Line::new(promise).seen(client.can_i_use(schema)).end();
        }
        Ok(())
    }

    /// Makes one call, and another over the session that it leaves: the size of the future, and for how many of the
    /// processor's clocks each of them kept it busy. `None` where one of them failed.
    pub async fn twice(&mut self) -> Option<(usize, [u32; 2])> {
        let context = Context::new(APP_ID, APP_VERSION, Policy::release(whitelist())).ok()?;
        let client = self.client(context);
        let (mut size, mut busy) = (0, [0; 2]);
        for busy in &mut busy {
            let (url, memory) = self.prepare("/json");
            let request = Request::new(url);
            let call = client.request(&request, memory);
            size = size_of_val(&call);
            let before = executor::busy();
            call.await.ok()?;
            // What ended the call is counted once there is nothing to do.
            Timer::after_millis(50).await;
            *busy = executor::busy().wrapping_sub(before);
        }
        Some((size, busy))
    }

    /// A client of its own, which shares only the sockets.
    fn client(&self, context: Context<'static>) -> Calls {
        Client::new(self.sockets, context, self.trusted.usual)
    }

    async fn group(&mut self, context: Context<'static>, steps: &[Step]) {
        let client = self.client(context);
        for step in steps {
            self.step(&client, *step).await;
        }
    }

    async fn limited(&mut self, context: Context<'static>) {
        let mut limits = Limits::new();
        limits.body = 1000;
        self.group(context.with_limits(limits), &[answers::LIMITED]).await;

        let client = self.client(context);
        let (url, memory) = self.prepare("/bytes/16777216?seed=7");
        let mut checksum = Checksum::new();
        let outcome = client
            .request_streamed(&Request::new(url), memory, |event| {
                if let miniwire_core::request::Event::Body(bytes) = event {
                    checksum.push(bytes);
                }
                Ok(())
            })
            .await;
        let line = Line::new("Streamed, it may be of any length: here 16 MiB in a fixed memory.");
        let Checksum { length, sum } = checksum;
        match (outcome.result, outcome.status) {
            (Ok(()), Some(status)) => {
                line.seen(format_args!("success {{status: {status}}}, {length} bytes, checksum {sum:016x}")).end()
            }
            (result, _) => line.seen(format_args!("{result:?} after {length} bytes")).end(),
        }
    }

    async fn whom(&mut self, release: Context<'static>, development: Context<'static>) {
        self.group(release, policy::RELEASE).await;
        self.group(development, &[policy::DEVELOPMENT]).await;
        // The test server answers requests in absolute form, as a proxy for http would.
        let [server, nobody] = ["http", "nobody"].map(|setting| Proxy {
            host: "localhost",
            port: self.settings.number(setting).unwrap_or(1),
            credentials: None,
        });
        // A client borrows its proxy for as long as its sockets live.
        static PROXIES: StaticCell<[Proxy<'static>; 2]> = StaticCell::new();
        let [server, nobody] = PROXIES.init([server, nobody]);
        let (server, nobody): (&dyn ProxyRule, &dyn ProxyRule) = (server, nobody);
        self.group(development.with_proxy(Some(server)), &[policy::THROUGH_PROXY]).await;
        self.group(release.with_proxy(Some(server)), &[policy::REFUSING_PROXY]).await;
        self.group(release.with_proxy(Some(nobody)), &[policy::ABSENT_PROXY]).await;
    }

    async fn connections(&mut self, context: Context<'static>) {
        let client = self.client(context);
        for _ in 0..2 {
            self.quietly(&client, "/get").await;
        }
        self.step(&client, ("Three calls one after another share a connection.", Request::new("/get"))).await;
        drop(client);
        let client = self.client(context);
        self.quietly(&client, "/kill-reused").await;
        self.step(&client, control::KILL_REUSED).await;
        self.step(&client, ("No connection at all is code 12.", Request::new("{nobody}"))).await;
        self.step(&client, ("A reset before the answer is code 12.", Request::new("/reset"))).await;
    }

    /// Makes a call of which nothing is shown.
    async fn quietly(&mut self, client: &Calls, path: &str) {
        let (url, memory) = self.prepare(path);
        let _ = client.request(&Request::new(url), memory).await;
    }
}

/// The one host that all of this is about.
fn whitelist() -> Whitelist<'static> {
    Whitelist::new(&["localhost"]).unwrap_or_default()
}
