//! The socket on a thread of its own, as the reference has it: what happens comes through the listeners.

use std::sync::{Arc, Mutex};
use std::thread;

use miniwire_core::policy::Api;
use miniwire_core::reason::Reason;
use miniwire_core::socket::{Event, EventKind, Ticket};
use miniwire_core::ws::close::ABNORMAL;

use super::assemble::Assembler;
use super::attempt::{Attempted, Options};
use super::control::Control;
use super::hub::Hub;
use super::listener::Told;
use super::message::{SocketClose, failure};
use super::pump::{Next, State};
use crate::answer::{Failure, Response};
use crate::callbacks::{Callbacks, caught};
use crate::client::Client;
use crate::net::lock;

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
    // The data is the caller's, and may panic.
    let checked = caught(|| options.check(&client)).unwrap_or(Err(Reason::DataNotConvertible));
    let begun = checked.and_then(|()| client.hub().connect(&control, true));
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
        let served = caught(|| {
            let attempted = options.attempt(&client, &control);
            // The context may go while its socket is open: that is its end (CTX-06).
            drop(client);
            serve(&hub, ticket, attempted, options.max_message);
        });
        if served.is_none() {
            give_up(
                &hub,
                ticket,
                &failure(Reason::DataNotConvertible).with_detail("code of the caller's has panicked"),
            );
        }
    }
}

/// Runs a socket to its end.
fn serve(hub: &Hub, ticket: Ticket, attempted: Attempted, max_message: usize) {
    let Attempted { mut pump, open, response, slot: _slot } = attempted;
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
    loop {
        match pump.advance(true, &mut taker) {
            State::Finished => return,
            State::Waits if pump.wait(None).is_err() => pump.abandon(),
            _ => {}
        }
    }
}

/// Reports an end that the pump cannot.
fn give_up(hub: &Hub, ticket: Ticket, why: &Failure) {
    hub.report(ticket, &Told::Error(why));
    hub.report(ticket, &Told::Close(&SocketClose { code: ABNORMAL, reason: String::new() }));
}

/// `onSocketError`, with what is known of an answer that was not 101.
pub(super) fn ended(reason: Reason, response: Option<Response>) -> Failure {
    Failure::new(Api::ConnectSocket, reason, response)
}
