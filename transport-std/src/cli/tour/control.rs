//! Callbacks, and what ends a call early (CTX-06, CTX-07, REQ-03, REQ-15).

use std::error::Error;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use miniwire_std::{Call, Client, RequestTask};

use super::Tour;
use super::came::Verdict;

pub(super) fn steps(tour: &mut Tour<'_>) -> Result<(), Box<dyn Error>> {
    callbacks(tour);
    tour.step("The timeout is for the whole call: code 13.", tour.request("/delay/20").timeout(150), |came| {
        came.fails(13, "Timeout")
    });
    tour.step(
        "A server that keeps on dripping does not put it off.",
        tour.request("/drip?numbytes=200&duration=20").base64().timeout(150),
        |came| came.fails(13, "Timeout"),
    );
    abort(tour);
    unload(tour)?;
    slots(tour)
}

fn callbacks(tour: &mut Tour<'_>) {
    for (promise, path, wanted) in [
        ("success is called, then complete;", "/json", "success 200, complete"),
        ("or fail, then complete; each once.", "/status/500", "fail 19 HttpStatus, complete"),
    ] {
        let (text, call) = tour.request(path).into_call();
        let (task, log) = start(call);
        task.wait();
        tour.show(promise, &with_callbacks(&text), &Verdict::same(log.text(), wanted));
    }
}

fn abort(tour: &mut Tour<'_>) {
    const WANTED: &str = "fail 20 Aborted, complete";
    let (text, call) = tour.request("/delay/20").into_call();
    let text = format!("task = {}\ntask.abort()", with_callbacks(&text));
    let (task, log) = start_and_arrive(tour, call);
    task.abort();
    task.wait();
    tour.show("abort() ends a call that waits: code 20.", &text, &Verdict::same(log.text(), WANTED));

    let (text, call) = tour.request("/json").into_call();
    let (task, log) = start(call);
    let handle = task.abort_handle();
    task.wait();
    handle.abort();
    thread::sleep(Duration::from_millis(20));
    let text = format!("task = {}\n// after the end:\ntask.abort()", with_callbacks(&text));
    tour.show("After the end it does nothing.", &text, &Verdict::same(log.text(), "success 200, complete"));
}

fn unload(tour: &mut Tour<'_>) -> Result<(), Box<dyn Error>> {
    let client = tour.client(|client| client)?;
    let (text, call) = tour.request_of(&client, "/delay/20").into_call();
    let (task, log) = start_and_arrive(tour, call);
    client.unload_page();
    task.wait();
    let text = format!("{}\nclient.unload_page()", with_callbacks(&text));
    tour.show(
        "Leaving the page ends its calls: code 1.",
        &text,
        &Verdict::same(log.text(), "fail 1 Unloaded, complete"),
    );
    tour.step("The next page makes calls of its own,", tour.request_of(&client, "/json"), |came| came.succeeds(200));
    client.shut_down();
    tour.step("until client.shut_down().", tour.request_of(&client, "/json"), |came| came.fails(1, "Unloaded"));
    Ok(())
}

fn slots(tour: &mut Tour<'_>) -> Result<(), Box<dyn Error>> {
    let client: Client = tour.client(|client| client.max_tasks(1))?;
    let (_, call) = tour.request_of(&client, "/delay/20").into_call();
    let (task, _) = start_and_arrive(tour, call);
    tour.step(
        "More calls at once than the client has slots for are code 20 (here one slot, and one call under way).",
        tour.request_of(&client, "/json"),
        |came| came.fails(20, "TooManyTasks"),
    );
    task.abort();
    task.wait();
    Ok(())
}

/// What was called, in order.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<String>>>);

impl Log {
    fn push(&self, what: impl Into<String>) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(what.into());
    }

    fn text(&self) -> String {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).join(", ")
    }
}

fn start(call: Call) -> (RequestTask, Log) {
    let log = Log::default();
    let (success, fail, complete) = (log.clone(), log.clone(), log.clone());
    let task = call
        .success(move |response| success.push(format!("success {}", response.status())))
        .fail(move |failure| fail.push(format!("fail {} {}", failure.code(), failure.reason().name())))
        .complete(move || complete.push("complete"))
        .start();
    (task, log)
}

/// Starts a call, and returns once the server has heard of it.
fn start_and_arrive(tour: &Tour<'_>, call: Call) -> (RequestTask, Log) {
    let before = tour.server.requests();
    let started = start(call);
    let patience = Instant::now();
    while tour.server.requests() == before && patience.elapsed() < Duration::from_secs(5) {
        thread::sleep(Duration::from_millis(1));
    }
    started
}

fn with_callbacks(call: &str) -> String {
    format!("{}, success, fail, complete}})", call.strip_suffix("})").unwrap_or(call))
}
