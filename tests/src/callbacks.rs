//! Callbacks that remember what they were told.

use std::fmt::Debug;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

use miniwire_std::{Call, DownloadCall, Downloaded, Failure, Response, UploadCall};

/// What a callback was told.
#[derive(Debug)]
pub enum Told<A> {
    /// `success`.
    Success(A),
    /// `fail`.
    Fail(Failure),
    /// `complete`.
    Complete,
}

/// What the callbacks of one call were told.
#[derive(Debug)]
pub struct Recorded<A>(Receiver<Told<A>>);

/// A call that reports through callbacks.
pub trait Reports: Sized {
    /// What `success` is given.
    type Answer: Debug + Send + 'static;

    /// With these callbacks.
    fn reporting(
        self,
        success: impl FnOnce(Self::Answer) + Send + 'static,
        fail: impl FnOnce(Failure) + Send + 'static,
        complete: impl FnOnce() + Send + 'static,
    ) -> Self;
}

macro_rules! reports {
    ($call:ty, $answer:ty) => {
        impl Reports for $call {
            type Answer = $answer;

            fn reporting(
                self,
                success: impl FnOnce($answer) + Send + 'static,
                fail: impl FnOnce(Failure) + Send + 'static,
                complete: impl FnOnce() + Send + 'static,
            ) -> Self {
                self.success(success).fail(fail).complete(complete)
            }
        }
    };
}

reports!(Call, Response);
reports!(UploadCall, Response);
reports!(DownloadCall, Downloaded);

/// The call with three callbacks that record.
pub fn recorded<C: Reports>(call: C) -> (C, Recorded<C::Answer>) {
    let (to, from) = channel();
    let [success, fail, complete] = [to.clone(), to.clone(), to];
    let call = call.reporting(
        move |answer| tell(&success, Told::Success(answer)),
        move |failure| tell(&fail, Told::Fail(failure)),
        move || tell(&complete, Told::Complete),
    );
    (call, Recorded(from))
}

fn tell<A>(to: &Sender<Told<A>>, told: Told<A>) {
    to.send(told).unwrap_or_default();
}

impl<A: Debug> Recorded<A> {
    /// Waits until the callbacks are gone, so that none can be called any more; they must have been called as CTX-07
    /// says. What was told before `complete`.
    ///
    /// # Errors
    /// What `fail` was told.
    #[track_caller]
    pub fn outcome(self) -> Result<A, Failure> {
        let mut told = Vec::new();
        while let Ok(next) = self.0.recv_timeout(Duration::from_secs(10)) {
            told.push(next);
        }
        let shown = format!("{told:?}");
        match (told.pop(), told.pop(), told.is_empty()) {
            (Some(Told::Complete), Some(Told::Success(answer)), true) => Ok(answer),
            (Some(Told::Complete), Some(Told::Fail(failure)), true) => {
                super::check(&failure);
                Err(failure)
            }
            _ => panic!("not success or fail, then complete, each once: {shown}"),
        }
    }
}
