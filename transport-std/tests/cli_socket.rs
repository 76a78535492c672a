//! `miniwire connect` as its user has it: options, input in both forms, events, exit status.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, Command, Output, Stdio};
use std::sync::LazyLock;
use std::time::{Duration, Instant};

use miniwire_std::serve::{Options, Server};
use serde_json::{Value, json};

static SERVER: LazyLock<Server> = LazyLock::new(|| Server::start(Options::default()).unwrap());

/// `miniwire connect` to a path of the server, which is trusted, or to a URL.
fn connect(path: &str, args: &[&str]) -> Command {
    static CA: LazyLock<String> = LazyLock::new(|| {
        // What is static is not dropped, so this file stays, in the build directory.
        let path = concat!(env!("CARGO_TARGET_TMPDIR"), "/miniwire-cli-socket-ca.pem");
        fs::write(path, SERVER.ca_pem()).unwrap();
        path.into()
    });
    let url = if path.starts_with('/') { SERVER.wss_url(path) } else { path.into() };
    miniwire(&[&["connect", &url, "--ca", &CA], args].concat())
}

fn miniwire(args: &[&str]) -> Command {
    let mut program = Command::new(env!("CARGO_BIN_EXE_miniwire"));
    program.args(args).stdin(Stdio::null());
    for proxy in ["http_proxy", "https_proxy", "all_proxy", "no_proxy", "REQUEST_METHOD"] {
        program.env_remove(proxy).env_remove(proxy.to_uppercase());
    }
    program
}

/// Ends the program, also where a test fails.
struct Running(Child);

impl Running {
    fn of(mut command: Command) -> Self {
        Self(command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap())
    }

    fn lines(&mut self) -> impl Iterator<Item = String> + use<> {
        BufReader::new(self.0.stdout.take().unwrap()).lines().map(Result::unwrap)
    }

    fn write(&mut self, input: &str) {
        self.0.stdin.as_mut().unwrap().write_all(input.as_bytes()).unwrap();
    }

    #[cfg(unix)]
    fn signal(&self, name: &str) {
        assert!(Command::new("kill").args(["-s", name, &self.0.id().to_string()]).status().unwrap().success());
    }

    fn code(&mut self) -> Option<i32> {
        self.0.wait().unwrap().code()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Gives it this input, all at once: exit status and both outputs.
fn run(mut command: Command, input: impl Into<Vec<u8>>) -> (Option<i32>, String, String) {
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let (mut stdin, input) = (child.stdin.take().unwrap(), input.into());
    // Where the program ends early, nobody reads it.
    let writer = std::thread::spawn(move || drop(stdin.write_all(&input)));
    let Output { status, stdout, stderr } = child.wait_with_output().unwrap();
    writer.join().unwrap();
    (status.code(), String::from_utf8(stdout).unwrap(), String::from_utf8(stderr).unwrap())
}

/// The events of `--json`, and the exit status.
fn events(mut command: Command, input: &str) -> (Vec<Value>, Option<i32>) {
    command.arg("--json");
    let (code, stdout, stderr) = run(command, input);
    assert_eq!(stderr, "");
    (stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect(), code)
}

/// Also where the machine has much to do, an answer comes in this time.
const PATIENTLY: &[&str] = &["--linger", "3000"];

/// What a socket fails with before it is open: code, reason, and whether a Close came behind it.
#[track_caller]
fn fails(command: Command) -> (u64, String, bool) {
    let (events, status) = events(command, "");
    assert_eq!(status, Some(1));
    let error = &events[0];
    assert_eq!(error["event"], "error");
    assert!(error["errorMessage"].as_str().is_some_and(|message| !message.is_empty()), "{error}");
    let close = events.get(1).inspect(|close| {
        assert_eq!(**close, json!({"event": "close", "code": 1006, "reason": ""}));
    });
    assert!(events.len() <= 2, "{events:?}");
    (error["error"].as_u64().unwrap(), error["reason"].as_str().unwrap().into(), close.is_some())
}

/// The `fail` of `my.connectSocket`.
fn at_once(code: u64, reason: &str) -> (u64, String, bool) {
    (code, reason.into(), false)
}

/// `onSocketError`, then `onSocketClose`.
fn later(code: u64, reason: &str) -> (u64, String, bool) {
    (code, reason.into(), true)
}

#[track_caller]
fn is_wrong_usage(command: Command, says: &str) {
    let (code, stdout, stderr) = run(command, "");
    assert_eq!((code, &*stdout), (Some(2), ""), "{stderr}");
    assert!(stderr.contains(says), "{stderr}");
}

#[test]
fn sock_04_lines_are_sent_and_messages_are_shown() {
    let said = "miniwire: open\nminiwire: closed with 1000\n";
    let shown = "hello\n\n {\"é\"} \nlast\n";
    // A line ends with LF or CR LF, the last one with nothing.
    let typed = "hello\n\r\n {\"é\"} \nlast";
    assert_eq!(run(connect("/ws/echo", PATIENTLY), typed), (Some(0), shown.into(), said.into()));
}

#[test]
fn sock_05_a_binary_message_is_shown_as_base64_with_its_length() {
    let (code, stdout, stderr) = run(connect("/ws/messages/1?kind=binary&size=3", &["--no-close"]), "");
    assert_eq!((code, &*stderr), (Some(0), "miniwire: open\nminiwire: closed with 1000\n"));
    let base64 = stdout.strip_prefix("(binary, 3 bytes) ").unwrap();
    assert_eq!((base64.len(), base64.ends_with('\n')), (5, true), "{stdout}");
}

#[test]
fn sock_05_json_is_an_event_a_line() {
    let input = "{\"send\":\"h\\u00e9 \\\"\\n\"}\n\n{\"send\":\"AQID\",\"isBuffer\":true}\n";
    let (code, stdout, stderr) = run(connect("/ws/echo", &[PATIENTLY, &["--json"]].concat()), input);
    let expected = "{\"event\":\"open\",\"protocol\":null}\n\
                    {\"event\":\"message\",\"data\":\"hé \\\"\\n\",\"isBuffer\":false}\n\
                    {\"event\":\"message\",\"data\":\"AQID\",\"isBuffer\":true}\n\
                    {\"event\":\"close\",\"code\":1000,\"reason\":\"\"}\n";
    assert_eq!((code, &*stdout, &*stderr), (Some(0), expected, ""));
}

#[test]
fn sock_07_json_has_the_error_before_the_close() {
    let (code, stdout, stderr) = run(connect("/ws/drop", &["--json"]), "{\"send\":\"x\"}");
    let expected = "{\"event\":\"open\",\"protocol\":null}\n\
                    {\"event\":\"error\",\"error\":1,\"reason\":\"ConnectionLost\",\
                    \"errorMessage\":\"the connection broke before the response was complete\"}\n\
                    {\"event\":\"close\",\"code\":1006,\"reason\":\"\"}\n";
    assert_eq!((code, &*stdout, &*stderr), (Some(1), expected, ""));

    let (code, stdout, stderr) = run(connect("/ws/drop", &[]), "x");
    assert_eq!((code, &*stdout), (Some(1), ""));
    let lines: Vec<&str> = stderr.lines().collect();
    assert_eq!(lines.len(), 3, "{stderr}");
    assert!(lines[1].starts_with("miniwire: error 1 (ConnectionLost): "), "{stderr}");
    assert_eq!(lines[2], "miniwire: closed with 1006");
}

#[test]
fn sock_06_an_object_closes_with_its_code_and_reason_and_is_the_last() {
    let server = Server::start(Options::default()).unwrap();
    let url = server.ws_url("/ws/echo");
    for (close, code, reason) in [
        (r#"{"close":{"code":3001,"reason":"enough"}}"#, 3001, "enough"),
        (r#"{"close":{"code":4999}}"#, 4999, ""),
        (r#"{"close":{}}"#, 1000, ""),
    ] {
        let input = format!("{close}\n{{\"send\":\"not any more\"}}\nnot even JSON\n");
        let (events, status) = events(connect(&url, &["--dev"]), &input);
        assert_eq!(events[1..], [json!({"event": "close", "code": code, "reason": reason})]);
        assert_eq!((status, server.take_closes()), (Some(0), vec![code]));
    }
}

#[test]
fn sock_06_the_servers_close_is_shown_whatever_its_code() {
    let (events, status) = events(connect("/ws/close/4001?reason=bye&now", &["--no-close"]), "");
    assert_eq!(events[1..], [json!({"event": "close", "code": 4001, "reason": "bye"})]);
    assert_eq!(status, Some(0));
    // A terminal is not to obey it.
    let (code, stdout, stderr) = run(connect("/ws/close/1011?reason=a%1bb&now", &["--no-close"]), "");
    assert_eq!((code, &*stdout), (Some(0), ""));
    assert_eq!(stderr, "miniwire: open\nminiwire: closed with 1011: \"a\\u{1b}b\"\n");
    // Ours answers it before the program ends.
    let server = Server::start(Options::default()).unwrap();
    let (code, ..) = run(connect(&server.ws_url("/ws/close/4002?now"), &["--dev", "--no-close"]), "");
    assert_eq!((code, server.take_closes()), (Some(0), vec![4002]));
}

#[test]
fn sock_06_the_end_of_input_closes_with_1000() {
    let server = Server::start(Options::default()).unwrap();
    let url = server.ws_url("/ws/messages/1000000?delay=1");
    let start = Instant::now();
    let (code, stdout, _) = run(connect(&url, &["--dev", "--linger", "0"]), "");
    assert_eq!((code, &*stdout, server.take_closes()), (Some(0), "", vec![1000]));
    assert!(start.elapsed() < Duration::from_secs(9));
}

#[test]
fn sock_06_an_answer_that_comes_within_the_linger_is_shown() {
    let answer = |linger| run(connect("/ws/echo?delay=0.4", &["--linger", linger]), "late").1;
    assert_eq!(answer("5000"), "late\n");
    assert_eq!(answer("0"), "");
    // Each message begins it anew.
    let (code, stdout, _) = run(connect("/ws/messages/6?size=1&delay=0.8", &["--linger", "3000"]), "");
    assert_eq!((code, stdout.lines().count()), (Some(0), 6));
}

#[test]
fn sock_06_no_close_listens_until_the_server_closes() {
    let (code, stdout, stderr) = run(connect("/ws/messages/2?size=4&delay=0.7", &["--no-close"]), "");
    assert_eq!((code, &*stderr), (Some(0), "miniwire: open\nminiwire: closed with 1000\n"));
    assert_eq!(stdout.lines().map(str::len).collect::<Vec<_>>(), [4, 4]);
}

#[test]
fn sock_04_a_line_is_sent_when_it_is_typed() {
    let mut running = Running::of(connect("/ws/echo", &["--json"]));
    let mut lines = running.lines();
    for typed in ["one", "two"] {
        running.write(&format!("{{\"send\":\"{typed}\"}}\n"));
        if typed == "one" {
            assert_eq!(lines.next().unwrap(), "{\"event\":\"open\",\"protocol\":null}");
        }
        assert_eq!(lines.next().unwrap(), format!("{{\"event\":\"message\",\"data\":\"{typed}\",\"isBuffer\":false}}"));
    }
    drop(running.0.stdin.take());
    assert_eq!(lines.next().unwrap(), "{\"event\":\"close\",\"code\":1000,\"reason\":\"\"}");
    assert_eq!((lines.next(), running.code()), (None, Some(0)));
}

#[test]
fn sock_04_input_that_is_faster_than_the_server_waits_and_none_is_lost() {
    let mut input = String::new();
    for number in 0..1500 {
        input.push_str(&format!("{number} {}\n", "x".repeat(number * 7 % 9001)));
    }
    let (code, stdout, stderr) = run(connect("/ws/echo", PATIENTLY), &*input);
    assert!(stdout == input, "{} of {} bytes", stdout.len(), input.len());
    assert_eq!((code, &*stderr), (Some(0), "miniwire: open\nminiwire: closed with 1000\n"));
    // One line alone may be longer than what may wait.
    let long = "y".repeat(3_000_000) + "\n";
    let (_, stdout, _) = run(connect("/ws/echo", PATIENTLY), &*long);
    assert!(stdout == long, "{} bytes", stdout.len());
}

#[test]
fn sock_04_a_line_that_cannot_be_sent_is_told_and_the_next_is_sent() {
    let input = "{\"send\":\"1\"}\nsend\n{\"send\":\"!\",\"isBuffer\":true}\n{\"close\":{\"code\":1005}}\n\
                 {\"close\":{\"reason\":7}}\n{\"send\":\"6\"}\n";
    let (code, stdout, stderr) = run(connect("/ws/echo", &[PATIENTLY, &["--json"]].concat()), input);
    assert_eq!(code, Some(1));
    assert_eq!(stdout.matches("\"event\":\"message\"").count(), 2, "{stdout}");
    assert!(stdout.ends_with("{\"event\":\"close\",\"code\":1000,\"reason\":\"\"}\n"), "{stdout}");
    let lines: Vec<&str> = stderr.lines().collect();
    for (line, says) in lines.iter().zip([
        "miniwire: line 2: this is not JSON: ",
        "miniwire: line 3: error 11 (MalformedBuffer): ",
        "miniwire: line 4: error 1 (IllegalOption): ",
        "miniwire: line 5: a line is {\"send\":TEXT}, ",
    ]) {
        assert!(line.starts_with(says), "{stderr}");
    }
    assert_eq!(lines.len(), 4, "{stderr}");

    let (code, stdout, stderr) = run(connect("/ws/echo", PATIENTLY), b"a\nb\xff\nc\n");
    assert_eq!((code, &*stdout), (Some(1), "a\nc\n"));
    assert!(stderr.contains("miniwire: line 2: this is not UTF-8: "), "{stderr}");
}

#[test]
fn sock_04_a_line_that_was_read_and_not_sent_is_told() {
    let (code, stdout, stderr) = run(connect("/ws/close/4001", &[]), ("x".repeat(20_000) + "\n").repeat(1_000));
    let unsent = stderr.lines().filter(|line| line.starts_with("miniwire: line "));
    let unsent: Vec<_> = unsent.filter(|line| line.contains(": error 10 (NotConnected): ")).collect();
    // Whether a line is read by then is between the server, the pipe and the clock; it is told, or there is none.
    assert!(unsent.len() <= 1, "{stderr}");
    assert_eq!((code, &*stdout), (Some(i32::from(!unsent.is_empty())), ""), "{stderr}");
    assert!(stderr.contains("miniwire: closed with 4001\n"), "{stderr}");
}

#[test]
fn sock_01_protocols_data_and_headers_go_out() {
    let (all, status) = events(connect("/ws/echo", &["--protocol", "news", "--protocol", "chat"]), "");
    assert_eq!((&all[0], status), (&json!({"event": "open", "protocol": "news"}), Some(0)));
    let (_, _, stderr) = run(connect("/ws/echo?protocol=chat", &["--protocol", "news", "--protocol", "chat"]), "");
    assert!(stderr.starts_with("miniwire: open, protocol chat\n"), "{stderr}");

    let info = |args: &[&str]| {
        let (all, _) = events(connect("/ws/info?a=1", &[&["--no-close"], args].concat()), "");
        serde_json::from_str::<Value>(all[1]["data"].as_str().unwrap()).unwrap()
    };
    assert_eq!(info(&["-d", "b=+%20"])["raw_target"], "/ws/info?a=1&b=+%20");
    assert_eq!(info(&["--data-json", r#"{"n":1.0,"s":"ë"}"#])["raw_target"], "/ws/info?a=1&n=1&s=%C3%AB");
    let fields = info(&["-H", "X-a:1", "--header", "x-A: 2", "-H", "Upgrade: h2c"])["raw_headers"].clone();
    let field = |name| fields.as_array().unwrap().iter().filter(|field| field[0] == name).collect::<Vec<_>>().len();
    assert_eq!((field("x-A"), field("X-a"), field("Upgrade")), (1, 0, 1), "{fields}");
    let referer = ["--appid", "2021", "--app-version", "1.2"];
    assert!(info(&referer)["raw_headers"].to_string().contains("/2021/1.2/page-frame.html"));
}

#[test]
fn sock_01_what_is_known_at_once_is_an_error_without_a_close() {
    for (url, code, reason) in [
        ("", 3, "UrlEmpty"),
        ("wss://a b", 4, "UrlMalformed"),
        ("https://localhost/", 5, "UrlScheme"),
        ("ws://localhost/", 8, "PlainHttpRefused"),
    ] {
        assert_eq!(fails(connect(url, &[])), at_once(code, reason), "{url}");
    }
    assert_eq!(fails(connect("/ws/echo", &["--protocol", "a b"])), at_once(1, "IllegalOption"));
    assert_eq!(fails(connect("/ws/echo", &["-H", "a b: c"])), at_once(1, "IllegalHeader"));
    let (code, stdout, stderr) = run(connect("", &[]), "");
    assert_eq!((code, &*stdout), (Some(1), ""));
    assert!(stderr.starts_with("miniwire: error 3 (UrlEmpty): ") && stderr.lines().count() == 1, "{stderr}");
}

#[test]
fn sock_07_what_goes_wrong_later_is_an_error_and_a_close() {
    for (path, code, reason) in [
        ("/ws/reject/403", 8, "NotUpgraded"),
        ("/ws/raw/wrong-accept", 8, "AcceptWrong"),
        ("/ws/raw/protocol", 9, "UnrequestedProtocol"),
        ("/ws/raw/endless-head", 12, "HeadTooLarge"),
        ("/kill", 1, "ConnectionClosed"),
    ] {
        assert_eq!(fails(connect(path, &[])), later(code, reason), "{path}");
    }
    let untrusted = miniwire(&["connect", &SERVER.wss_url("/ws/echo")]);
    assert_eq!(fails(untrusted), later(7, "CertificateUnknownIssuer"));
}

#[test]
fn ctx_03_hosts_are_limited_where_they_are_named() {
    assert_eq!(fails(connect("/ws/echo", &["--allow", "a.test"])), at_once(1, "HostNotAllowed"));
    assert_eq!(run(connect("/ws/echo", &["--allow", "a.test", "--allow", "localhost"]), "").0, Some(0));
    assert_eq!(run(connect(&SERVER.ws_url("/ws/echo"), &["--dev", "--linger", "3000"]), "x").1, "x\n");
    assert_eq!(fails(connect(&SERVER.ws_url("/ws/echo"), &[])), at_once(8, "PlainHttpRefused"));
}

#[test]
fn req_17_a_proxy_that_refuses_is_1() {
    let proxy = SERVER.http_url("");
    assert_eq!(fails(connect("/ws/echo", &["--proxy", &proxy])), later(1, "ProxyRefused"));
    let mut command = connect("/ws/echo", &[]);
    command.env("HTTPS_PROXY", &proxy);
    assert_eq!(fails(command), later(1, "ProxyRefused"));
}

#[test]
fn sock_12_the_deadlines_can_be_set() {
    assert_eq!(fails(connect("/ws/silent", &["--timeout", "100"])), later(6, "Timeout"));
    let (events, status) = events(connect("/ws/mute", &["--close-timeout", "100", "--linger", "0"]), "");
    assert_eq!((&events[1]["reason"], &events[2]["code"]), (&json!("CloseTimeout"), &json!(1006)));
    assert_eq!((events.len(), status), (3, Some(1)));
}

#[test]
fn sock_08_a_server_that_does_not_answer_a_ping_is_given_up() {
    let (events, status) = events(connect("/ws/mute", &["--ping", "1", "--no-close"]), "");
    assert_eq!((&events[1]["error"], &events[1]["reason"]), (&json!(1), &json!("PeerSilent")));
    assert_eq!((&events[2]["code"], status), (&json!(1006), Some(1)));
    // One that answers is not.
    let mut running = Running::of(connect("/ws/echo", &["--ping", "1", "--linger", "3000"]));
    std::thread::sleep(Duration::from_millis(2500));
    running.write("still there\n");
    drop(running.0.stdin.take());
    assert_eq!(running.lines().collect::<Vec<_>>(), ["still there"]);
    assert_eq!(running.code(), Some(0));
}

#[cfg(unix)]
#[test]
fn sock_06_ctrl_c_closes_in_an_orderly_way() {
    let server = Server::start(Options::default()).unwrap();
    for signal in ["INT", "TERM"] {
        let mut running = Running::of(connect(&server.ws_url("/ws/echo"), &["--dev", "--json"]));
        let mut lines = running.lines();
        lines.next().unwrap();
        running.signal(signal);
        assert_eq!(lines.next().unwrap(), "{\"event\":\"close\",\"code\":1000,\"reason\":\"\"}");
        assert_eq!((lines.next(), running.code(), server.take_closes()), (None, Some(0), vec![1000]));
    }
}

#[cfg(unix)]
#[test]
fn sock_06_a_second_ctrl_c_cuts_the_connection() {
    let server = Server::start(Options::default()).unwrap();
    let mut running =
        Running::of(connect(&server.ws_url("/ws/mute?"), &["--dev", "--json", "--close-timeout", "60000"]));
    let mut lines = running.lines();
    lines.next().unwrap();
    running.signal("INT");
    // Or the two could be one.
    let start = Instant::now();
    std::thread::sleep(Duration::from_millis(300));
    running.signal("INT");
    assert_eq!((lines.next(), running.code()), (None, Some(1)));
    assert!(start.elapsed() < Duration::from_secs(30));
}

#[cfg(unix)]
#[test]
fn sock_06_ctrl_c_gives_up_an_attempt() {
    let server = Server::start(Options::default()).unwrap();
    let mut running = Running::of(connect(&server.ws_url("/ws/silent"), &["--dev", "--json"]));
    while server.requests() == 0 {
        std::thread::sleep(Duration::from_millis(5));
    }
    running.signal("INT");
    let lines: Vec<_> = running.lines().collect();
    assert_eq!(lines, ["{\"event\":\"close\",\"code\":1000,\"reason\":\"\"}"]);
    assert_eq!(running.code(), Some(1));
}

#[test]
fn a_reader_that_goes_away_ends_the_socket_and_is_no_failure() {
    for args in [&[][..], &["--json"]] {
        let command = connect("/ws/messages/1000000000?size=1000", &[&["--no-close"], args].concat());
        let mut running = Running::of(command);
        let mut lines = running.lines();
        lines.next().unwrap();
        drop(lines);
        let mut stderr = String::new();
        running.0.stderr.take().unwrap().read_to_string(&mut stderr).unwrap();
        assert!(!stderr.contains("standard output") && !stderr.contains("error"), "{stderr}");
        assert_eq!(running.code(), Some(0));
    }
}

#[cfg(target_os = "linux")]
#[test]
fn output_that_is_lost_is_a_failure() {
    let full = fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let mut command = connect("/ws/messages/1000000000?size=1000", &["--no-close"]);
    let output = command.stdout(full).stderr(Stdio::piped()).spawn().unwrap().wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(stderr.matches("miniwire: standard output: ").count(), 1, "{stderr}");
}

#[test]
fn verbose_shows_the_heads_and_no_frames() {
    let secret = ["-v", "-H", "Authorization: Bearer s3cret", "--linger", "3000"];
    for url in ["/ws/echo", &SERVER.ws_url("/ws/echo")] {
        let dev: &[&str] = if url.starts_with('/') { &[] } else { &["--dev"] };
        let (code, stdout, stderr) = run(connect(url, &[&secret, dev].concat()), "hello\nthere\n");
        assert_eq!((code, &*stdout), (Some(0), "hello\nthere\n"));
        let lines: Vec<&str> = stderr.lines().collect();
        for line in [
            "> GET /ws/echo HTTP/1.1",
            "> Authorization: (hidden)",
            "> Upgrade: websocket",
            "< HTTP/1.1 101 Switching Protocols",
        ] {
            assert!(lines.contains(&line), "{line} is missing in {stderr}");
        }
        let behind = stderr.split_once("miniwire: open\n").unwrap().1;
        assert_eq!(behind, "miniwire: closed with 1000\n");
        assert!(!stderr.contains("s3cret") && !stderr.contains("hello"), "{stderr}");
    }
}

#[test]
fn wrong_usage_is_exit_status_2() {
    is_wrong_usage(miniwire(&["connect"]), "<URL>");
    is_wrong_usage(connect("/ws/echo", &["-H", "x"]), "a header is written 'name: value'");
    is_wrong_usage(connect("/ws/echo", &["-d", "a", "--data-json", "1"]), "cannot be used with");
    is_wrong_usage(connect("/ws/echo", &["--data-json", "{a:1}"]), "this is not JSON: ");
    is_wrong_usage(connect("/ws/echo", &["--no-close", "--linger", "1"]), "cannot be used with");
    is_wrong_usage(connect("/ws/echo", &["--allow", "https://localhost"]), "not a whitelist entry");
    is_wrong_usage(connect("/ws/echo", &["--ca", "/no/such/file"]), "--ca");
    for bad in ["--ping=0", "--ping=x", "--timeout=-1", "--close-timeout=x", "--linger=-1"] {
        is_wrong_usage(connect("/ws/echo", &[bad]), bad.split_once('=').unwrap().0);
    }
}

#[test]
fn help_is_exit_status_0() {
    let (code, stdout, stderr) = run(miniwire(&["connect", "--help"]), "");
    assert_eq!((code, &*stderr), (Some(0), ""));
    for says in ["--no-close", "{\"event\":\"open\",\"protocol\":…}", "A second one cuts", "[default: 500]"] {
        let plain = stdout.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(plain.to_lowercase().contains(&says.to_lowercase()), "{says}: {stdout}");
    }
}
