//! Callbacks that remember what they were told.

use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

use miniwire_std::{Call, Failure, Response};

/// What a callback was told.
#[derive(Debug)]
pub enum Told {
    /// `success`.
    Success(Response),
    /// `fail`.
    Fail(Failure),
    /// `complete`.
    Complete,
}

/// What the callbacks of one call were told.
#[derive(Debug)]
pub struct Recorded(Receiver<Told>);

/// The call with three callbacks that record.
pub fn recorded(call: Call) -> (Call, Recorded) {
    let (to, from) = channel();
    let [success, fail, complete] = [to.clone(), to.clone(), to];
    let tell = |to: &Sender<Told>, told| to.send(told).unwrap_or_default();
    let call = call
        .success(move |response| tell(&success, Told::Success(response)))
        .fail(move |failure| tell(&fail, Told::Fail(failure)))
        .complete(move || tell(&complete, Told::Complete));
    (call, Recorded(from))
}

impl Recorded {
    /// Waits until the callbacks are gone, so that none can be called any more; they must have been called as CTX-07
    /// says. What was told before `complete`.
    #[track_caller]
    pub fn outcome(self) -> Result<Response, Failure> {
        let mut told = Vec::new();
        while let Ok(next) = self.0.recv_timeout(Duration::from_secs(10)) {
            told.push(next);
        }
        let shown = format!("{told:?}");
        match (told.pop(), told.pop(), told.is_empty()) {
            (Some(Told::Complete), Some(Told::Success(response)), true) => Ok(response),
            (Some(Told::Complete), Some(Told::Fail(failure)), true) => {
                super::check(&failure);
                Err(failure)
            }
            _ => panic!("not success or fail, then complete, each once: {shown}"),
        }
    }
}
