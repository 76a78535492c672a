//! One route: which requests it is for, and who answers them.

use hyper::{
    StatusCode,
    header::{ALLOW, HeaderValue},
};

use super::{
    answer::{Answer, Handled, Refusal, Then},
    call::Call,
};

/// One line of the list that `/help` shows.
pub(super) struct Route {
    /// The path; each `{name}` stands for one segment, `*` at the end for any rest.
    pub(super) pattern: &'static str,
    /// The query arguments that it takes, and what it answers.
    pub(super) about: &'static str,
    /// The methods that it takes; any, if empty.
    methods: &'static [&'static str],
    pub(super) reading: Reading,
    handler: fn(&Call) -> Handled,
}

/// What is done with a request's body before the handler runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reading {
    /// It is kept, up to the limit, beyond which the answer is 413.
    Keep,
    /// It is read and counted.
    Count,
    /// It is not read: the handler answers at once.
    Leave,
}

impl Route {
    /// A route that takes any method, and any body without keeping it.
    pub(super) const fn new(pattern: &'static str, about: &'static str, handler: fn(&Call) -> Handled) -> Self {
        Self { pattern, about, methods: &[], reading: Reading::Count, handler }
    }

    pub(super) const fn only(mut self, methods: &'static [&'static str]) -> Self {
        self.methods = methods;
        self
    }

    pub(super) const fn reading(mut self, reading: Reading) -> Self {
        self.reading = reading;
        self
    }

    pub(super) fn answer(&self, call: &Call) -> Answer {
        if self.methods.is_empty() || self.methods.contains(&call.method().as_str()) {
            return (self.handler)(call).unwrap_or_else(Answer::from);
        }
        let mut answer = Answer::from(Refusal(StatusCode::METHOD_NOT_ALLOWED, "method not allowed".into()));
        if let (Then::Respond(response), Ok(allow)) =
            (&mut answer.then, HeaderValue::from_str(&self.methods.join(", ")))
        {
            response.headers_mut().insert(ALLOW, allow);
        }
        answer
    }
}
