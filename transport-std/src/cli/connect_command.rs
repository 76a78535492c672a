//! `miniwire connect`: a socket of `my.connectSocket`, between standard input and standard output.

use std::io::{self, BufRead, ErrorKind};
use std::process::{self, ExitCode};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use miniwire_std::{Client, ConnectSocket, Failure, Message, Reason, RegistryFull, SocketClose, SocketOpen};
use serde_json::Value;

use crate::policy_options::PolicyOptions;
use crate::request_command::{header, json};
use crate::socket_lines::{self, Line, told};
use crate::verbose::Verbose;
use crate::{WrongUsage, complain, json_output, write_out};

/// Connect a socket with my.connectSocket: send the lines of standard input, print the messages that come
///
/// Input is read once the socket is open, and no faster than the server takes it. When it has ended, all of it is sent and
/// nothing more has come for a while (--linger), the socket is closed with 1000, and the server's Close awaited. Ctrl-C
/// closes it at once; a second one cuts the connection.
///
/// A message is a line on standard output; a binary one is a note of its length, and its base64. Everything else goes to
/// standard error. Exit status: 0 the socket was open and has ended by a Close, whatever its code; 1 an error, or a line
/// that was read and not sent; 2 wrong usage.
#[derive(clap::Args, Debug)]
pub(crate) struct ConnectArgs {
    /// The URL: wss, or with --dev also ws
    url: String,
    /// Ask for this subprotocol; may be repeated, the one most wanted first
    #[arg(long = "protocol", value_name = "NAME")]
    protocols: Vec<String>,
    /// Join this string to the URL's query as it is
    #[arg(short, long, value_name = "DATA", allow_hyphen_values = true, group = "what")]
    data: Option<String>,
    /// Join this JSON value to the URL's query, converted
    #[arg(long, value_name = "JSON", allow_hyphen_values = true, group = "what", value_parser = json)]
    data_json: Option<Value>,
    /// Send this header with the opening handshake; may be repeated
    ///
    /// A later one of the same name replaces it. Referer, Host and what makes the handshake cannot be set: they are left
    /// out.
    #[arg(short = 'H', long = "header", value_name = "NAME: VALUE", allow_hyphen_values = true, value_parser = header)]
    headers: Vec<(String, String)>,
    /// Send a ping after so many seconds without a word from the server, and give up after as many again
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u32).range(1..=86_400))]
    ping: Option<u32>,
    /// The deadline until the socket is open in milliseconds; 0 is the default of 30000
    #[arg(long, value_name = "MS", default_value_t = 0, hide_default_value = true)]
    timeout: u32,
    /// How long the closing handshake may take in milliseconds
    #[arg(long, value_name = "MS", default_value_t = 5000)]
    close_timeout: u32,
    /// After the end of input, close when nothing has come for so many milliseconds
    ///
    /// What the server sends after our Close is not shown. With 0 it is sent at once.
    #[arg(long, value_name = "MS", default_value_t = 500)]
    linger: u64,
    /// At the end of input go on listening, until the server closes
    #[arg(long, conflicts_with = "linger")]
    no_close: bool,
    /// Print an event a line as a JSON object, and read objects
    ///
    /// Printed: {"event":"open","protocol":…}, {"event":"message","data":…,"isBuffer":…},
    /// {"event":"error","error":…,"reason":…,"errorMessage":…}, {"event":"close","code":…,"reason":…}. Read:
    /// {"send":TEXT}, {"send":BASE64,"isBuffer":true}, {"close":{"code":…,"reason":…}}, after which no more is read.
    /// Blank lines mean nothing. A socket that cannot be begun is an error without a close.
    #[arg(long, verbatim_doc_comment)]
    json: bool,
    /// Show the heads of the opening handshake on standard error
    #[arg(short, long)]
    verbose: bool,
    #[command(flatten)]
    policy: PolicyOptions,
}

/// Connects, and stays until the socket has ended.
pub(crate) fn run(args: ConnectArgs) -> ExitCode {
    match connect(args) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(wrong) => wrong.report(),
    }
}

/// Whether the socket was open, and nothing went wrong.
fn connect(args: ConnectArgs) -> Result<bool, WrongUsage> {
    let mut client = args.policy.client(&args.url)?;
    if args.policy.names_hosts() {
        client = client.whitelist_sockets();
    }
    let verbose = args.verbose.then(|| Arc::new(Mutex::new(Verbose::new())));
    if let Some(verbose) = verbose.clone() {
        client = client.trace(move |what| lock(&verbose).trace(what));
    }
    let client = client.socket_queue(QUEUE).build().map_err(WrongUsage::new)?;
    let session = Arc::new(Session::new(args.json));
    let finished = session.listen(&client).map_err(WrongUsage::new)?;
    let linger = (!args.no_close).then(|| Duration::from_millis(args.linger));
    let call = configured(client.connect_socket(&args.url), args);
    session.state().client = Some(client);
    match call.connect() {
        Ok(()) => {
            session.close_at_ctrl_c();
            session.read(linger);
            drop(session.wait(|state| state.closed && !state.sending));
            // With the client go the listeners, but for those of the socket's thread. It may have an answer to the
            // server's Close to send yet.
            session.leave();
            // An error is what is waited for: nobody is left to send anything.
            let _ = finished.recv();
        }
        Err(failure) => session.error(&failure),
    }
    if let Some(verbose) = verbose {
        lock(&verbose).finish(None);
    }
    let state = session.state();
    Ok(state.opened && !state.failed)
}

fn configured(mut call: ConnectSocket, args: ConnectArgs) -> ConnectSocket {
    call = call.timeout(args.timeout).close_timeout(args.close_timeout);
    for name in args.protocols {
        call = call.protocol(name);
    }
    for (name, value) in args.headers {
        call = call.header(name, value);
    }
    if let Some(seconds) = args.ping {
        call = call.keep_alive(seconds.saturating_mul(1000));
    }
    match (args.data, args.data_json) {
        (Some(text), _) => call.data_text(text),
        (_, Some(value)) => call.data(value),
        _ => call,
    }
}

/// A socket, and what is known of it: shared by its listeners, the reader of the input, and who waits for the end.
struct Session {
    json: bool,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    /// Until the socket is closed.
    client: Option<Client>,
    opened: bool,
    closed: bool,
    /// A line is being sent.
    sending: bool,
    /// How many messages have come.
    heard: u64,
    /// Something went wrong.
    failed: bool,
    /// Nobody reads any more what is printed.
    unread: bool,
}

/// Bytes of messages that may wait to be sent: little, so that the end of the input is not far from what is sent.
const QUEUE: usize = 64 * 1024;

/// How long the reader waits for room in the queue before it tries again.
const ROOM: Duration = Duration::from_millis(2);

impl Session {
    fn new(json: bool) -> Self {
        Self { json, state: Mutex::default(), changed: Condvar::new() }
    }

    /// Registers the listeners. What is returned has no sender any more once they are gone.
    fn listen(self: &Arc<Self>, client: &Client) -> Result<Receiver<()>, RegistryFull> {
        let (held, gone) = mpsc::channel();
        let (open, error, message, close) = (Arc::clone(self), Arc::clone(self), Arc::clone(self), Arc::clone(self));
        client.on_socket_open(move |event: &SocketOpen| open.open(event))?;
        client.on_socket_error(move |failure: &Failure| error.error(failure))?;
        client.on_socket_message(move |event: &Message| message.message(event))?;
        client.on_socket_close(move |event: &SocketClose| {
            let _ = &held;
            close.closed(event);
        })?;
        Ok(gone)
    }

    fn open(&self, open: &SocketOpen) {
        if self.json {
            self.show(json_output::open(open));
        } else {
            let protocol = open.protocol().map(|name| format!(", protocol {name}"));
            complain(format_args!("open{}", protocol.unwrap_or_default()));
        }
        self.change(|state| state.opened = true);
    }

    fn message(&self, message: &Message) {
        let data = message.data();
        self.show(match (self.json, message.is_buffer()) {
            (true, _) => json_output::message(message),
            (false, false) => format!("{data}\n"),
            (false, true) => format!("(binary, {} bytes) {data}\n", message.as_bytes().len()),
        });
        self.change(|state| state.heard = state.heard.wrapping_add(1));
    }

    fn error(&self, failure: &Failure) {
        if self.json {
            self.show(json_output::error(failure));
        } else {
            complain(told(failure));
        }
        self.change(|state| state.failed = true);
    }

    fn closed(&self, close: &SocketClose) {
        if self.json {
            self.show(json_output::close(close));
        } else if close.reason.is_empty() {
            complain(format_args!("closed with {}", close.code));
        } else {
            // As a literal: what a terminal would obey is escaped.
            complain(format_args!("closed with {}: {:?}", close.code, close.reason));
        }
        self.change(|state| state.closed = true);
    }

    /// Prints it. Without a reader there is nothing to stay for.
    fn show(&self, lines: String) {
        if self.state().unread {
            return;
        }
        if let Err(error) = write_out(lines.as_bytes()) {
            let lost = error.kind() != ErrorKind::BrokenPipe;
            if lost {
                complain(format_args!("standard output: {error}"));
            }
            self.change(|state| {
                state.unread = true;
                state.failed |= lost;
            });
            self.close(1000, "");
        }
    }

    /// Closes in an orderly way at the first Ctrl-C, or another signal that asks a program to end; ends the process at the
    /// second.
    fn close_at_ctrl_c(self: &Arc<Self>) {
        let (session, asked) = (Arc::clone(self), AtomicBool::new(false));
        // Without it, the program ends as others do: at once.
        let _ = ctrlc::set_handler(move || {
            if asked.swap(true, Ordering::Relaxed) {
                process::exit(1);
            }
            session.close(1000, "");
        });
    }

    /// Reads the input, on a thread of its own: nothing ends a read that waits for somebody to type. At its end the socket
    /// is closed once nothing has come for so long, or left open.
    fn read(self: &Arc<Self>, linger: Option<Duration>) {
        let session = Arc::clone(self);
        let spawned = thread::Builder::new().name("input".into()).spawn(move || {
            if session.send_lines(&mut io::stdin().lock())
                && let Some(linger) = linger
            {
                session.wait_for_silence(linger);
                session.close(1000, "");
            }
        });
        if let Err(error) = spawned {
            self.wrong(format_args!("standard input: {error}"));
            self.close(1000, "");
        }
    }

    /// Sends each line once the socket is open. Returns whether that was all of them.
    fn send_lines(&self, input: &mut impl BufRead) -> bool {
        if !self.wait(|state| state.opened || state.closed).opened {
            return false;
        }
        let mut line = Vec::new();
        for number in 1_u64.. {
            line.clear();
            match input.read_until(b'\n', &mut line) {
                Ok(0) => break,
                Ok(_) => {}
                Err(error) => {
                    self.wrong(format_args!("standard input: {error}"));
                    break;
                }
            }
            let line = line.strip_suffix(b"\n").unwrap_or(&line);
            let line = line.strip_suffix(b"\r").unwrap_or(line);
            match if self.json { socket_lines::json(line) } else { socket_lines::text(line) } {
                Ok(Line::Nothing) => {}
                Ok(Line::Send(message)) => {
                    self.change(|state| state.sending = true);
                    let sent = self.send(&message);
                    if let Err(failure) = &sent {
                        self.wrong(format_args!("line {number}: {}", told(failure)));
                    }
                    self.change(|state| state.sending = false);
                    if sent.is_err() {
                        return false;
                    }
                }
                Ok(Line::Close(code, reason)) => match self.close(code, &reason) {
                    Some(failure) => self.wrong(format_args!("line {number}: {}", told(&failure))),
                    None => return false,
                },
                Err(why) => self.wrong(format_args!("line {number}: {why}")),
            }
        }
        true
    }

    /// Sends it as soon as there is room in the queue.
    fn send(&self, message: &Message) -> Result<(), Failure> {
        // Without a client the program is about to end.
        while let Some(client) = self.client() {
            match client.send_socket_message(message.clone()) {
                Err(failure) if failure.reason() == Reason::SendFailed => thread::sleep(ROOM),
                sent => return sent,
            }
        }
        Ok(())
    }

    fn wait_for_silence(&self, linger: Duration) {
        let mut state = self.state();
        loop {
            let heard = state.heard;
            let same = |state: &mut State| state.heard == heard && !state.closed;
            let waited = self.changed.wait_timeout_while(state, linger, same).unwrap_or_else(PoisonError::into_inner);
            if waited.1.timed_out() || waited.0.closed {
                return;
            }
            state = waited.0;
        }
    }

    /// Closes the socket, or gives it up where it is not open yet. Returns why that cannot be.
    fn close(&self, code: u16, reason: &str) -> Option<Failure> {
        self.client()?.close_socket(code, reason).err()
    }

    /// Says what is wrong with the input. It is not the end.
    fn wrong(&self, why: impl std::fmt::Display) {
        complain(why);
        self.change(|state| state.failed = true);
    }

    /// For a moment only, or the client would outlive its socket.
    fn client(&self) -> Option<Client> {
        self.state().client.clone()
    }

    fn leave(&self) {
        let client = self.state().client.take();
        drop(client);
    }

    fn change(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.state());
        self.changed.notify_all();
    }

    fn wait(&self, until: impl Fn(&State) -> bool) -> MutexGuard<'_, State> {
        self.changed.wait_while(self.state(), |state| !until(state)).unwrap_or_else(PoisonError::into_inner)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
