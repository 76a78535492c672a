//! The `miniwire` program.

mod download_command;
mod file_options;
mod json_output;
mod policy_options;
mod request_command;
mod serve_command;
mod tour;
mod upload_command;
mod verbose;

use std::fmt;
use std::io::{self, ErrorKind, Write};
use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// The network API of a mini program, from the command line
///
/// Exit status: 0 success, 1 the call failed, 2 wrong usage.
#[derive(Parser)]
#[command(name = "miniwire", version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Request(Box<request_command::RequestArgs>),
    Upload(Box<upload_command::UploadArgs>),
    Download(Box<download_command::DownloadArgs>),
    Serve(serve_command::ServeArgs),
    Tour(tour::TourArgs),
}

/// Exit status 2: what the program was asked to do makes no sense. Carries the line that says why.
#[derive(Debug)]
pub(crate) struct WrongUsage(String);

fn main() -> ExitCode {
    match Cli::parse().command {
        Command::Request(args) => request_command::run(*args),
        Command::Upload(args) => upload_command::run(*args),
        Command::Download(args) => download_command::run(*args),
        Command::Serve(args) => serve_command::run(&args),
        Command::Tour(args) => tour::run(&args),
    }
}

impl WrongUsage {
    pub(crate) fn new(why: impl fmt::Display) -> Self {
        Self(why.to_string())
    }

    /// Says why, and gives the exit status.
    pub(crate) fn report(&self) -> ExitCode {
        complain(&self.0);
        ExitCode::from(2)
    }
}

/// Writes to standard output. A reader that has gone away has seen enough.
pub(crate) fn print(bytes: &[u8]) -> io::Result<()> {
    let mut out = io::stdout().lock();
    match out.write_all(bytes).and_then(|()| out.flush()) {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        written => written,
    }
}

/// Writes a line to standard error. If that is gone, nobody is left to tell.
pub(crate) fn complain(line: impl fmt::Display) {
    let _ = writeln!(io::stderr(), "miniwire: {line}");
}
