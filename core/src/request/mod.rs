//! `my.request` (and `my.httpRequest`, its deprecated alias: REQ-20): what is asked, the task that carries it out,
//! and its answer.
//!
//! A whole life, without a network:
//!
//! ```
//! use miniwire_core::context::Context;
//! use miniwire_core::policy::{Policy, Whitelist};
//! use miniwire_core::request::{Event, Request, RequestTask};
//! use miniwire_core::task::{Action, Poll, Task};
//! use miniwire_core::time::Instant;
//!
//! let whitelist = Whitelist::new(&["example.com"]).unwrap();
//! let context = Context::new("2021000000000001", "1.0.0", Policy::release(whitelist)).unwrap();
//! let request = Request::new("https://api.example.com/status");
//! let (now, mut redirects, mut tx) = (Instant::from_millis(0), [0; 256], [0; 256]);
//! let mut task = RequestTask::new(&context, &request, &mut redirects, now);
//!
//! // The task asks for a link, and for TLS on it; the driver does both.
//! let Poll { action: Action::Connect { .. }, .. } = task.poll(now, b"", &mut tx) else { panic!() };
//! assert_eq!((task.route().host, task.route().port), ("api.example.com", 443));
//! task.connected(false).unwrap();
//! let Poll { action: Action::Secure, .. } = task.poll(now, b"", &mut tx) else { panic!() };
//! task.secured().unwrap();
//!
//! // The request goes out, in pieces that fit `tx`.
//! loop {
//!     match task.poll(now, b"", &mut tx).action {
//!         Action::Transmit { length, .. } => print!("{}", str::from_utf8(&tx[..length]).unwrap()),
//!         Action::Read => break,
//!         other => panic!("{other:?}"),
//!     }
//! }
//!
//! // The response comes in; events borrow from it.
//! let mut rx = &b"HTTP/1.1 200 OK\r\nContent-Length: 11\r\n\r\n{\"up\":true}"[..];
//! let outcome = loop {
//!     let Poll { consumed, action } = task.poll(now, rx, &mut tx);
//!     match action {
//!         Action::Event(Event::Head { head, .. }) => assert_eq!(head.status(), 200),
//!         Action::Event(Event::Body(bytes)) => assert_eq!(bytes, b"{\"up\":true}"),
//!         Action::Release { keep } => assert!(keep),
//!         Action::Done(outcome) => break outcome,
//!         other => panic!("{other:?}"),
//!     }
//!     rx = &rx[consumed..];
//! };
//! assert_eq!(outcome.result, Ok(()));
//! ```

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
