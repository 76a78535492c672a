//! What ends a call early (CTX-06, CTX-07, REQ-03, REQ-15).

use core::fmt;

use embassy_futures::join::{join, join3};
use embassy_time::Timer;
use miniwire_core::context::Context;
use miniwire_core::data::Data;
use miniwire_core::drive::Memory;
use miniwire_core::request::{DataType, Failure, Method, Request, Response};
use miniwire_embassy::AbortHandle;
use serde::Serialize;

use super::Step;
use super::call::{Calls, Tour};
use super::print::{Line, SingleQuoted};

#[derive(Serialize)]
struct Id {
    id: u8,
}

pub(super) const KILL_REUSED: Step = (
    "A kept connection that turns out to be dead is replaced by a fresh one, once, unnoticed.",
    Request::new("/kill-reused").method(Method::Post).data(Data::Value(&Id { id: 7 })),
);

const DEADLINES: &[Step] = &[
    ("The timeout is for the whole call: code 13.", Request::new("/delay/20").timeout(150)),
    (
        "A server that keeps on dripping does not put it off.",
        // Time for a handshake, as the first bytes are to come.
        Request::new("/drip?numbytes=200&duration=20").data_type(DataType::Base64).timeout(5000),
    ),
];

impl Tour {
    pub(super) async fn endings(&mut self, context: Context<'static>) {
        let client = self.client(context);
        for (promise, path) in
            [("success is called, then complete;", "/json"), ("or fail, then complete; each once.", "/status/500")]
        {
            let (url, memory) = self.prepare(path);
            let came = client.request(&Request::new(url), memory).await;
            Line::new(promise).seen(Briefly(&came)).end();
        }
        for step in DEADLINES {
            self.step(&client, *step).await;
        }
        self.abort(&client).await;
        self.unload(&client).await;
        drop(client);
        self.places(context).await;
    }

    async fn abort(&mut self, client: &Calls) {
        let handle = AbortHandle::new();
        let (url, memory) = self.prepare("/delay/20");
        let request = Request::new(url);
        let (came, ()) = join(client.abortable(&handle).request(&request, memory), async {
            Timer::after_millis(100).await;
            handle.abort();
        })
        .await;
        Line::new("abort() ends a call that waits: code 20.").seen(Briefly(&came)).end();

        handle.reset();
        let (url, memory) = self.prepare("/json");
        let came = client.abortable(&handle).request(&Request::new(url), memory).await;
        handle.abort();
        Line::new("After the end it does nothing.").seen(Briefly(&came)).end();
    }

    async fn unload(&mut self, client: &Calls) {
        let (url, memory) = self.prepare("/delay/20");
        let request = Request::new(url);
        let (came, ()) = join(client.request(&request, memory), async {
            Timer::after_millis(100).await;
            client.unload_page();
        })
        .await;
        Line::new("Leaving the page ends its calls: code 1.").seen(Briefly(&came)).end();
        self.step(client, ("The next page makes calls of its own,", Request::new("/json"))).await;
        client.shut_down();
        self.step(client, ("until client.shut_down().", Request::new("/json"))).await;
    }

    /// As many calls as the client has places, and one more.
    async fn places(&mut self, context: Context<'static>) {
        let client = self.client(context);
        let (url, memory) = self.prepare("/delay/20");
        let request = Request::new(url);
        let (one, two) = (AbortHandle::new(), AbortHandle::new());
        let (mut receive, mut transmit) = ([0; 512], [0; 256]);
        let second =
            Memory { receive: &mut receive, transmit: &mut transmit, redirect: &mut [], head: &mut [], body: &mut [] };
        let (_, _, refused) = join3(
            client.abortable(&one).request(&request, memory),
            client.abortable(&two).request(&request, second),
            async {
                Timer::after_millis(100).await;
                let (mut receive, mut transmit) = ([0; 512], [0; 256]);
                let third = Memory {
                    receive: &mut receive,
                    transmit: &mut transmit,
                    redirect: &mut [],
                    head: &mut [],
                    body: &mut [],
                };
                let came = client.request(&request, third).await.map(|response| response.status());
                let came = came.map_err(|failure| (failure.code(), failure.reason));
                one.abort();
                two.abort();
                came
            },
        )
        .await;
        let line = Line::new(
            "More calls at once than the client has slots for are code 20 (here one slot, and one call under way).",
        );
        match refused {
            Ok(status) => line.seen(format_args!("success {{status: {status}}}")).end(),
            Err((code, reason)) => {
                line.seen(format_args!(
                    "fail {{error: {code}, errorMessage: {}}} ({})",
                    SingleQuoted(reason),
                    reason.name()
                ))
                .end();
            }
        }
    }
}

/// How a call ended, as the desktop's callbacks tell it.
struct Briefly<'c, 'b>(&'c Result<Response<'b>, Failure<'b>>);

impl fmt::Display for Briefly<'_, '_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Ok(response) => write!(f, "success {}", response.status()),
            Err(failure) => write!(f, "fail {} {}", failure.code(), failure.reason.name()),
        }
    }
}
