//! The socket on a thread of its own, as the reference has it: what happens comes through the listeners.

use std::sync::{Arc, Mutex};
use std::thread;

use miniwire_core::policy::Api;
use miniwire_core::reason::Reason;
use miniwire_core::socket::{Event, EventKind, Ticket};

use super::assemble::Assembler;
use super::connect::{Attempted, Options};
use super::control::Control;
use super::hub::Hub;
use super::listener::Told;
use super::message::{SocketClose, failure};
use super::pump::{Next, State};
use crate::answer::{Failure, Response};
use crate::client::Client;
use crate::net::lock;
use crate::started::Callbacks;

/// What the thread takes along.
struct Work {
    client: Client,
    options: Options,
    control: Arc<Control>,
    ticket: Ticket,
    callbacks: Option<Callbacks<()>>,
}

/// Starts an attempt. Returns why it could not be, unless `callbacks` were told.
pub(super) fn start(client: Client, options: Options, callbacks: Option<Callbacks<()>>) -> Option<Failure> {
    let control = Arc::new(Control::new(client.socket_queue()));
    let begun = options.check(&client).and_then(|()| client.hub().connect(&control, true));
    let ticket = match begun {
        Ok(ticket) => ticket,
        Err(reason) => return refuse(callbacks, failure(reason)),
    };
    let hub = Arc::clone(client.hub());
    // In a cell that both sides reach: where no thread can be had, the callbacks are still here to be called.
    let cell = Arc::new(Mutex::new(Some(Work { client, options, control, ticket, callbacks })));
    let theirs = Arc::clone(&cell);
    let spawned = thread::Builder::new().name("miniwire-socket".into()).spawn(move || {
        let taken = lock(&theirs).take();
        if let Some(work) = taken {
            work.run();
        }
    });
    let error = spawned.err()?;
    hub.notes(ticket, EventKind::Close);
    let callbacks = lock(&cell).take().and_then(|work| work.callbacks);
    refuse(callbacks, failure(Reason::TooManyTasks).with_detail(format!("no thread can be started: {error}")))
}

fn refuse(callbacks: Option<Callbacks<()>>, failure: Failure) -> Option<Failure> {
    match callbacks {
        Some(callbacks) => {
            callbacks.report(Err(failure));
            None
        }
        None => Some(failure),
    }
}

impl Work {
    fn run(self) {
        let Self { client, options, control, ticket, callbacks } = self;
        let hub = Arc::clone(client.hub());
        if let Some(callbacks) = callbacks {
            callbacks.report(Ok(()));
        }
        hub.report_replaced();
        let attempted = options.attempt(&client, &control);
        // The context may go while its socket is open: that is its end (CTX-06).
        drop(client);
        serve(&hub, ticket, attempted, options.max_message);
    }
}

/// Runs a socket to its end.
fn serve(hub: &Hub, ticket: Ticket, attempted: Attempted, max_message: usize) {
    let Attempted { pump, open, response, slot: _slot } = attempted;
    let mut pump = match pump {
        Ok(pump) => pump,
        // Not even memory or descriptors to wait with.
        Err(error) => {
            let failure = failure(Reason::ConnectionLost).with_detail(error.to_string());
            hub.report(ticket, &Told::Error(&failure));
            hub.report(ticket, &Told::Close(&SocketClose { code: 1006, reason: String::new() }));
            return;
        }
    };
    if let Some(open) = &open {
        hub.report(ticket, &Told::Open(open));
    }
    let mut assembler = Assembler::new(max_message);
    let mut taker = |event: Event<'_>| {
        match event {
            Event::Message { text, data, fin } => {
                if let Some(message) = assembler.piece(text, data, fin)? {
                    hub.report(ticket, &Told::Message(&message));
                }
            }
            Event::Error { reason } => hub.report(ticket, &Told::Error(&ended(reason, response.clone()))),
            Event::Close { code, reason } => {
                hub.report(ticket, &Told::Close(&SocketClose { code, reason: reason.into() }));
            }
            _ => {}
        }
        Ok(Next::More)
    };
    while pump.advance(true, &mut taker) != State::Finished {
        if pump.wait(None).is_err() {
            pump.abandon();
        }
    }
}

/// `onSocketError`, with what is known of an answer that was not 101.
pub(super) fn ended(reason: Reason, response: Option<Response>) -> Failure {
    Failure::new(Api::ConnectSocket, reason, response)
}
