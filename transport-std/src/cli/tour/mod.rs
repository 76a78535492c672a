//! `miniwire tour`: the whole API, shown and checked against a server inside the process.
//!
//! One file per group of steps. A step is a promise in words, the call as the reference writes it, what came back, and
//! whether that is what was promised.

mod answers;
mod came;
pub(crate) mod certificates;
mod connections;
mod control;
mod data;
mod files;
mod framing;
mod javascript;
mod policy;
mod redirects;
mod scratch;
mod socket;
mod step;
mod usable;

use std::error::Error;
use std::io::{self, IsTerminal, Write};
use std::net::TcpStream;
use std::process::ExitCode;
use std::time::Instant;

use miniwire_std::serve::{Options, Server};
use miniwire_std::{BuildError, Client, ClientBuilder, DataType};
use serde_json::json;

use crate::{complain, json_output};
use came::{Came, Verdict};
use step::Step;

/// Run the whole API against a test server inside the program, over HTTPS, and print each call and what came back
///
/// Needs no network. Takes a few seconds. Exit status: 0 everything was as the reference promises, 1 something differs.
#[derive(clap::Args, Debug)]
pub(crate) struct TourArgs {
    /// Print a JSON object a step, one a line, for programs
    #[arg(long)]
    json: bool,
}

const APP_ID: &str = "2021000000000001";
const APP_VERSION: &str = "1.2.3";

type Group = fn(&mut Tour<'_>) -> Result<(), Box<dyn Error>>;

const GROUPS: &[(&str, Group)] = &[
    ("Sending data", data::steps),
    ("Taking the answer", answers::steps),
    ("Whom a mini program may talk to", policy::steps),
    ("Redirects", redirects::steps),
    ("Ending a call early", control::steps),
    ("Files", files::steps),
    ("The socket", socket::steps),
    ("Connections", connections::steps),
    ("Servers that cannot be trusted", certificates::steps),
    ("Answers that break HTTP", framing::steps),
    ("my.canIUse", usable::steps),
];

/// A tour under way.
struct Tour<'o> {
    server: Server,
    /// The client of the steps that need nothing special: *release*, `localhost` on the whitelist.
    client: Client,
    out: &'o mut dyn Write,
    style: Style,
    steps: usize,
    differing: usize,
}

/// How a step is printed.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Style {
    Plain,
    Coloured,
    Json,
}

/// Takes the tour.
pub(crate) fn run(args: &TourArgs) -> ExitCode {
    let colours = io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none();
    let style = match (args.json, colours) {
        (true, _) => Style::Json,
        (false, true) => Style::Coloured,
        (false, false) => Style::Plain,
    };
    match tour(&mut io::stdout(), style) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            complain(format_args!("the tour cannot go on: {error}"));
            ExitCode::FAILURE
        }
    }
}

/// Whether all was as promised.
fn tour(out: &mut dyn Write, style: Style) -> Result<bool, Box<dyn Error>> {
    let start = Instant::now();
    let mut tour = Tour::start(out, style)?;
    let origin = tour.server.https_url("");
    tour.remark(format_args!("https://localhost stands for {origin}, a server inside this program."));
    for (title, group) in GROUPS {
        tour.remark(format_args!("\n{title}"));
        group(&mut tour)?;
    }
    let (steps, differing, seconds) = (tour.steps, tour.differing, start.elapsed().as_secs_f64());
    match differing {
        0 => tour.remark(format_args!("\n{steps} steps, each as promised, in {seconds:.1} s")),
        _ => tour.remark(format_args!("\n{steps} steps, of which {differing} DIFFER, in {seconds:.1} s")),
    }
    Ok(differing == 0)
}

impl<'o> Tour<'o> {
    fn start(out: &'o mut dyn Write, style: Style) -> Result<Self, Box<dyn Error>> {
        let server = Server::start(Options::default())?;
        let client = new_client(&server, |client| client)?;
        Ok(Self { server, client, out, style, steps: 0, differing: 0 })
    }

    /// A client like the tour's own, but for what `change` changes.
    fn client(&self, change: impl FnOnce(ClientBuilder) -> ClientBuilder) -> Result<Client, BuildError> {
        new_client(&self.server, change)
    }

    /// A call of the tour's own client to a path of its server.
    fn request(&self, path: &str) -> Step {
        Step::new(&self.client, self.server.https_url(path))
    }

    /// The same through another client.
    fn request_of(&self, client: &Client, path: &str) -> Step {
        Step::new(client, self.server.https_url(path))
    }

    /// A port where nobody listens.
    fn nobody(&self) -> io::Result<Nobody> {
        TcpStream::connect(self.server.http()).map(Nobody)
    }

    /// Makes a call and shows it.
    fn step(&mut self, promise: &str, step: Step, verdict: impl FnOnce(&Came) -> Verdict) {
        let (call, came) = step.send();
        self.show_came(promise, &call, &came, &verdict(&came));
    }

    /// Shows a call that was made.
    fn show_came(&mut self, promise: &str, call: &str, came: &Came, verdict: &Verdict) {
        let answer = (self.style == Style::Json).then(|| match &came.0 {
            Ok(response) => json_output::success(response, DataType::Text),
            Err(failure) => json_output::failure(failure, DataType::Text),
        });
        self.show_step(promise, call, verdict, answer.as_deref());
    }

    /// Shows anything else.
    fn show(&mut self, promise: &str, call: &str, verdict: &Verdict) {
        self.show_step(promise, call, verdict, None);
    }

    fn show_step(&mut self, promise: &str, call: &str, verdict: &Verdict, answer: Option<&str>) {
        self.steps = self.steps.saturating_add(1);
        self.differing = self.differing.saturating_add(usize::from(!verdict.kept));
        if self.style == Style::Json {
            let (promise, call, seen) = (json!(promise), json!(call), json!(verdict.seen));
            let answer = answer.map(|answer| format!(",\"answer\":{}", answer.trim_end())).unwrap_or_default();
            let kept = verdict.kept;
            return self.line(format_args!(
                "{{\"promise\":{promise},\"kept\":{kept},\"call\":{call},\"seen\":{seen}{answer}}}"
            ));
        }
        let mark = match (verdict.kept, self.style == Style::Coloured) {
            (true, false) => "ok     ",
            (true, true) => "\x1b[32mok\x1b[0m     ",
            (false, false) => "DIFFERS",
            (false, true) => "\x1b[31mDIFFERS\x1b[0m",
        };
        self.line(format_args!("  {promise}"));
        for line in call.lines() {
            self.line(format_args!("          {line}"));
        }
        self.line(format_args!("  {mark} {}", verdict.seen));
        if !verdict.kept {
            self.line(format_args!("          expected {}", verdict.wanted));
        }
    }

    /// A line that is for people only.
    fn remark(&mut self, text: std::fmt::Arguments<'_>) {
        if self.style != Style::Json {
            self.line(text);
        }
    }

    /// A line, the ports in it left out. If nobody reads it any more, the exit status still tells.
    fn line(&mut self, text: std::fmt::Arguments<'_>) {
        let mut text = text.to_string();
        if self.steps > 0 {
            text = text.replace(&self.server.https_url(""), "https://localhost");
            text = text.replace(&self.server.http_url(""), "http://127.0.0.1");
            text = text.replace(&self.server.wss_url(""), "wss://localhost");
            text = text.replace(&self.server.ws_url(""), "ws://127.0.0.1");
        }
        let _ = writeln!(self.out, "{text}");
    }
}

/// A port that a client has: while it does, nobody can listen there.
struct Nobody(TcpStream);

impl Nobody {
    fn url(&self, scheme: &str) -> String {
        format!("{scheme}://localhost:{}", self.0.local_addr().map_or(0, |address| address.port()))
    }
}

fn new_client(server: &Server, change: impl FnOnce(ClientBuilder) -> ClientBuilder) -> Result<Client, BuildError> {
    let client = Client::builder(APP_ID, APP_VERSION).root(server.ca_pem().as_bytes()).only_given_roots();
    change(client.allow("localhost")).build()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_broken_promise_is_told_and_counted() {
        let mut out = Vec::new();
        let mut tour = Tour::start(&mut out, Style::Plain).unwrap();
        tour.step("It is 404.", tour.request("/status/200"), |came| came.fails(19, "HttpStatus"));
        tour.step("It is 200.", tour.request("/status/200"), |came| came.succeeds(200));
        assert_eq!((tour.steps, tour.differing), (2, 1));
        drop(tour);
        let out = String::from_utf8(out).unwrap();
        let expected = "  It is 404.\n          my.request({url: 'https://localhost/status/200'})\n  \
                        DIFFERS success {status: 200, data: ''}\n          expected fail {error: 19} (HttpStatus)\n  \
                        It is 200.\n          my.request({url: 'https://localhost/status/200'})\n  \
                        ok      success {status: 200, data: ''}\n";
        assert_eq!(out, expected);
    }

    #[test]
    fn for_programs_a_step_is_an_object_on_a_line() {
        let mut out = Vec::new();
        let mut tour = Tour::start(&mut out, Style::Json).unwrap();
        tour.remark(format_args!("for people"));
        tour.step("It is 404.", tour.request("/status/404?body=gone").text(), |came| came.succeeds(404));
        assert_eq!((tour.steps, tour.differing), (1, 1));
        drop(tour);
        let step: serde_json::Value = serde_json::from_slice(&out).unwrap();
        assert_eq!((&step["promise"], &step["kept"]), (&json!("It is 404."), &json!(false)));
        assert_eq!(step["call"], "my.request({url: 'https://localhost/status/404?body=gone', dataType: 'text'})");
        assert_eq!((&step["answer"]["reason"], &step["answer"]["data"]), (&json!("HttpStatus"), &json!("gone")));
    }
}
