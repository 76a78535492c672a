//! What the end-to-end tests share: clients, peers on the loopback interface, and checks that every failure must pass.
//!
//! Everything that is started here ends with the value that stands for it.

mod callbacks;
pub mod faults;
mod files;
pub mod kinds;
mod names;
mod peer;
mod promptly;
mod proxy;

use std::fmt::Debug;
use std::io;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use miniwire_std::serve::{Options, Server};
use miniwire_std::{Client, ClientBuilder, Failure};

pub use callbacks::{Recorded, Reports, Told, recorded};
pub use files::{Scratch, ScratchDirectory};
pub use names::Unresolved;
pub use peer::{BlackHole, Peer, idle, read_head, refused, tls_config};
pub use promptly::promptly;
pub use proxy::{Answer, Proxy};

/// A test server of its own, so that tests can count its connections.
pub fn server() -> Server {
    Server::start(Options::default()).expect("the test server starts")
}

/// The *release* client that may talk to `localhost` and trusts the server's authority only.
pub fn release(server: &Server) -> ClientBuilder {
    builder().allow("localhost").root(server.ca_pem().as_bytes()).only_given_roots()
}

/// The *development* client, which trusts the server's authority only.
pub fn development(server: &Server) -> ClientBuilder {
    builder().development().root(server.ca_pem().as_bytes()).only_given_roots()
}

/// A client that is not configured further.
pub fn builder() -> ClientBuilder {
    Client::builder("2021000000000001", "1.0.0")
}

/// The failure, which must have one of the codes of the table, its reason's code, and one line for a person.
#[track_caller]
pub fn failed<A: Debug>(result: Result<A, Failure>) -> Failure {
    let failure = match result {
        Ok(answer) => panic!("a success: {answer:?}"),
        Err(failure) => failure,
    };
    check(&failure);
    failure
}

/// The failure, which must have this code and this reason.
#[track_caller]
pub fn fails<A: Debug>(result: Result<A, Failure>, code: u8, reason: &str) -> Failure {
    let failure = failed(result);
    assert_eq!((failure.code(), failure.reason().name()), (code, reason), "{failure:?}");
    failure
}

/// What holds for every failure.
#[track_caller]
pub fn check(failure: &Failure) {
    assert!(failure.api().codes().contains(&failure.code()), "{failure:?}");
    assert_eq!(failure.code(), failure.reason().code(failure.api()));
    let message = failure.to_string();
    assert!(!message.is_empty() && !message.contains('\n'), "{message:?}");
    assert!(failure.response().is_none_or(|response| response.status() >= 100), "{failure:?}");
}

/// Waits until `condition` holds, for twenty seconds at most.
#[track_caller]
pub fn until(condition: impl Fn() -> bool) {
    let start = Instant::now();
    while !condition() {
        assert!(start.elapsed() < Duration::from_secs(20), "it did not come about");
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// Runs the test of this name (`file::function`) once more, in a process of its own with these variables, and returns
/// `false`; in that process it returns `true`.
///
/// For what belongs to a process: its environment, its memory.
///
/// # Errors
/// Where the process cannot be started.
pub fn in_own_process(test: &str, environment: &[(&str, &str)]) -> io::Result<bool> {
    const MARK: &str = "MINIWIRE_TEST_CHILD";
    if std::env::var_os(MARK).is_some() {
        return Ok(true);
    }
    let output = Command::new(std::env::current_exe()?)
        .args([test, "--exact", "--nocapture"])
        .env(MARK, "1")
        .envs(environment.iter().copied())
        .stdin(Stdio::null())
        .output()?;
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));
    assert!(said.contains("1 passed"), "there is no test {test}: {said}");
    Ok(false)
}

/// The largest amount of memory that this process has had so far, in KiB; `None` where the system does not say.
pub fn peak_memory() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.split_whitespace().next()?.parse().ok()
}
