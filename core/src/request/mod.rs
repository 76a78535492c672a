//! `my.request` (and `my.httpRequest`, its deprecated alias: REQ-20): what is asked, the task that carries it out,
//! and its answer.

mod check;
mod collect;
mod options;
mod task;

pub(crate) use collect::answered;
pub use collect::{Collect, Failure, JsonError, Response};
pub use options::{DataType, Method, Redirect, Request};
pub use task::{Answer, Event, Outcome, RequestTask};

#[cfg(test)]
mod tests;
