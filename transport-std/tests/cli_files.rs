//! `miniwire upload` and `miniwire download` as their user has them: options, both outputs, exit status, what stays.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};

use miniwire_std::serve::{Options, Pattern, Server};
use serde_json::{Value, json};

static SERVER: LazyLock<Server> = LazyLock::new(|| Server::start(Options::default()).unwrap());

/// A directory that goes when the test ends.
struct Scratch(PathBuf);

impl Scratch {
    fn new() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let name = format!("miniwire-cli-{}-files-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
        fs::create_dir(&path).unwrap();
        Self(path)
    }

    fn file(&self, name: &str, content: &[u8]) -> String {
        let path = self.0.join(name);
        fs::write(&path, content).unwrap();
        path.to_str().unwrap().into()
    }

    /// A path in it.
    fn at(&self, name: &str) -> String {
        self.0.join(name).to_str().unwrap().into()
    }

    fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(&self.0).unwrap();
        let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        fs::remove_dir_all(&self.0).unwrap();
    }
}

/// A subcommand with a path of the server, which is trusted.
fn miniwire(command: &str, path: &str, args: &[&str]) -> Command {
    static CA: LazyLock<String> = LazyLock::new(|| {
        // What is static is not dropped, so this file stays, in the build directory.
        let path = concat!(env!("CARGO_TARGET_TMPDIR"), "/miniwire-cli-files-ca.pem");
        fs::write(path, SERVER.ca_pem()).unwrap();
        path.into()
    });
    let url = if path.starts_with('/') { SERVER.https_url(path) } else { path.into() };
    let mut program = Command::new(env!("CARGO_BIN_EXE_miniwire"));
    program.args([command, &url, "--ca", &CA]).args(args).stdin(Stdio::null());
    for proxy in ["http_proxy", "https_proxy", "all_proxy", "no_proxy", "REQUEST_METHOD"] {
        program.env_remove(proxy).env_remove(proxy.to_uppercase());
    }
    program
}

fn upload(path: &str, file: &str, args: &[&str]) -> Command {
    miniwire("upload", path, &[&["--file", file, "--name", "photo"], args].concat())
}

fn download(path: &str, args: &[&str]) -> Command {
    miniwire("download", path, args)
}

fn run(mut command: Command) -> (Option<i32>, String, String) {
    let Output { status, stdout, stderr } = command.output().unwrap();
    (status.code(), String::from_utf8(stdout).unwrap(), String::from_utf8(stderr).unwrap())
}

/// The one object that `--json` prints, the exit status checked against it.
fn json_of(mut command: Command) -> Value {
    command.arg("--json");
    let (code, stdout, stderr) = run(command);
    assert_eq!(stdout.find('\n'), Some(stdout.len() - 1), "{stdout}{stderr}");
    assert_eq!(stderr, "");
    let object: Value = serde_json::from_str(&stdout).unwrap();
    assert_eq!(code, Some(if object["ok"] == true { 0 } else { 1 }));
    object
}

#[track_caller]
fn fails(command: Command, code: u64, reason: &str) -> Value {
    let object = json_of(command);
    assert_eq!((&object["ok"], &object["error"], &object["reason"]), (&json!(false), &json!(code), &json!(reason)));
    assert!(object["errorMessage"].as_str().is_some_and(|message| !message.is_empty()), "{object}");
    object
}

#[track_caller]
fn is_wrong_usage(command: Command, says: &str) {
    let (code, stdout, stderr) = run(command);
    assert_eq!((code, &*stdout), (Some(2), ""), "{stderr}");
    assert!(stderr.contains(says), "{stderr}");
}

#[test]
fn up_01_a_file_with_its_form() {
    let scratch = Scratch::new();
    let file = scratch.file("cat.png", b"bytes");
    let args = ["--form", "a=1", "--form", "b=x=y", "-H", "X-Trace: 7", "--type", "image"];
    let object = json_of(upload("/post", &file, &args));
    assert_eq!((&object["ok"], &object["statusCode"]), (&json!(true), &json!(200)));
    assert_eq!(object["header"][0], json!(["Content-Type", "application/json"]));
    let echo: Value = serde_json::from_str(object["data"].as_str().unwrap()).unwrap();
    assert_eq!(echo["form"], json!({"a": "1", "b": "x=y"}));
    assert_eq!(echo["files"], json!({"photo": "bytes"}));
    assert_eq!(echo["headers"]["X-Trace"], "7");
    assert_eq!(echo["parts"][2]["content_type"], "image/png");

    let other = scratch.file("cat", b"");
    let object = json_of(upload("/post", &other, &["--type", "audio"]));
    let echo: Value = serde_json::from_str(object["data"].as_str().unwrap()).unwrap();
    assert_eq!(echo["parts"][0]["content_type"], "audio/mpeg");
}

#[test]
fn up_04_the_answer_is_printed_whatever_its_status() {
    let scratch = Scratch::new();
    let file = scratch.file("cat.png", b"bytes");
    assert_eq!(run(upload("/count", &file, &[])), (Some(0), "{\"length\":198}\n".into(), String::new()));
    let said = "miniwire: the server answered with status 413\n";
    assert_eq!(run(upload("/early/413", &file, &[])), (Some(0), "early\n".into(), said.into()));
    let object = json_of(upload("/status/404?body=gone", &file, &[]));
    assert_eq!((&object["statusCode"], &object["data"]), (&json!(404), &json!("gone")));
}

#[test]
fn up_05_the_deadline_can_be_raised_or_lowered() {
    let scratch = Scratch::new();
    let file = scratch.file("cat.png", b"bytes");
    fails(upload("/delay/5", &file, &["--timeout", "100"]), 12, "Timeout");
}

#[test]
fn up_every_code() {
    let scratch = Scratch::new();
    let file = scratch.file("cat.png", b"bytes");
    fails(upload("/post", &file, &["--allow", "a.test"]), 4, "HostNotAllowed");
    fails(upload("/post", &scratch.at("absent"), &[]), 11, "FileNotFound");
    fails(upload("nonsense", &file, &[]), 11, "UrlMalformed");
    fails(upload("/post", &scratch.at(""), &[]), 12, "NotAFile");
    fails(upload(&SERVER.http_url("/post"), &file, &[]), 13, "PlainHttpRefused");
    assert_eq!(json_of(upload(&SERVER.http_url("/post"), &file, &["--dev"]))["statusCode"], 200);
    let failure = fails(upload("/truncated", &file, &[]), 12, "ConnectionClosed");
    assert_eq!(failure["status"], 200);
    let (code, stdout, stderr) = run(upload("/kill", &file, &[]));
    assert_eq!((code, &*stdout), (Some(1), ""));
    assert!(stderr.starts_with("miniwire: error 12 (ConnectionClosed): "), "{stderr}");
}

#[test]
fn up_01_wrong_usage() {
    let scratch = Scratch::new();
    let file = scratch.file("cat.png", b"bytes");
    is_wrong_usage(upload("/post", &file, &["--type", "pdf"]), "image, video, audio");
    is_wrong_usage(upload("/post", &file, &["--form", "x"]), "name=value");
    is_wrong_usage(upload("/post", &file, &["-H", "x"]), "name: value");
    is_wrong_usage(miniwire("upload", "/post", &["--file", &file]), "--name");
    is_wrong_usage(miniwire("upload", "/post", &["--name", "f"]), "--file");
}

#[test]
fn down_01_the_file_is_saved_whole_under_its_name() {
    let scratch = Scratch::new();
    let (to, mut expected) = (scratch.at("saved.bin"), vec![0; 300_000]);
    Pattern::new(9).fill(&mut expected);
    assert_eq!(run(download("/bytes/300000?seed=9", &["-o", &to])), (Some(0), format!("{to}\n"), String::new()));
    assert_eq!(fs::read(&to).unwrap(), expected);
    let object = json_of(download("/bytes/3?seed=9", &["-o", &to]));
    assert_eq!(object, json!({"ok": true, "apFilePath": to}));
    assert_eq!(fs::read(&to).unwrap(), expected[..3]);
    assert_eq!(scratch.names(), ["saved.bin"]);
}

#[test]
fn down_01_without_a_name_it_is_a_temporary_file_that_stays() {
    let scratch = Scratch::new();
    let mut paths = Vec::new();
    for _ in 0..2 {
        let mut command = download("/anything/a.txt", &[]);
        command.env("TMPDIR", &scratch.0);
        let object = json_of(command);
        let path = PathBuf::from(object["apFilePath"].as_str().unwrap());
        assert_eq!(path.extension().unwrap(), "txt");
        assert_eq!(path.parent(), Some(&*scratch.0));
        paths.push(path.file_name().unwrap().to_str().unwrap().to_owned());
    }
    paths.sort();
    assert_eq!(scratch.names(), paths);
}

#[test]
fn down_every_code() {
    let scratch = Scratch::new();
    let to = scratch.file("old", b"old");
    let save = |path: &str, more: &[&str]| download(path, &[&["-o", &*to], more].concat());
    for (path, reason) in [
        ("/status/404?body=gone", "HttpStatus"),
        ("/truncated?length=100000&sent=99999", "ConnectionClosed"),
        ("nonsense", "UrlMalformed"),
    ] {
        fails(save(path, &[]), 12, reason);
    }
    assert_eq!(fails(save("/status/404", &[]), 12, "HttpStatus")["status"], 404);
    fails(save("/drip?numbytes=2&duration=10", &["--timeout", "100"]), 12, "Timeout");
    fails(save("/get", &["--allow", "a.test"]), 13, "HostNotAllowed");
    fails(save(&SERVER.http_url("/get"), &[]), 20, "PlainHttpRefused");
    // What was there is still there, and nothing else.
    assert_eq!((fs::read(&to).unwrap(), scratch.names()), (b"old".to_vec(), vec!["old".into()]));
    fails(download("/get", &["-o", &scratch.at("no/such/directory")]), 13, "StoreDenied");
    is_wrong_usage(download("/get", &["-o", &scratch.at("")]), "a directory");
}

#[cfg(unix)]
#[test]
fn down_02_a_full_disk_leaves_nothing() {
    let scratch = Scratch::new();
    let inner = download("/bytes/3000000", &["-o", &scratch.at("large"), "--json"]);
    let mut limited = Command::new("sh");
    // Where the signal is ignored, writing beyond the limit fails.
    limited.args(["-c", "trap '' XFSZ && ulimit -f 1000 && exec \"$@\"", "sh"]).arg(inner.get_program());
    limited.args(inner.get_args()).stdin(Stdio::null());
    let (code, stdout, stderr) = run(limited);
    let object: Value = serde_json::from_str(&stdout).expect(&stderr);
    assert_eq!((code, &object["error"], &object["reason"]), (Some(1), &json!(12), &json!("StoreFull")));
    assert!(scratch.names().is_empty());
}

#[cfg(unix)]
#[test]
fn down_05_ctrl_c_aborts_and_leaves_nothing() {
    for signal in ["INT", "TERM"] {
        let scratch = Scratch::new();
        let mut command = download("/drip?numbytes=1000&duration=60", &["-o", &scratch.at("never"), "--json"]);
        let child = command.stdout(Stdio::piped()).spawn().unwrap();
        while !holds_a_file(&scratch.0) {
            std::thread::sleep(std::time::Duration::from_millis(5));
        }
        let id = child.id().to_string();
        assert!(Command::new("kill").args(["-s", signal, &id]).status().unwrap().success());
        let output = child.wait_with_output().unwrap();
        let object: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!((&object["error"], &object["reason"]), (&json!(12), &json!("Aborted")));
        assert_eq!(output.status.code(), Some(1));
        assert!(scratch.names().is_empty());
    }
}

/// Whether the temporary directory in it has a file.
#[cfg(unix)]
fn holds_a_file(directory: &Path) -> bool {
    let mut entries = fs::read_dir(directory).unwrap().flatten();
    entries.any(|entry| fs::read_dir(entry.path()).is_ok_and(|mut files| files.next().is_some()))
}

#[test]
fn down_02_killed_at_any_moment_a_final_name_is_complete() {
    let scratch = Scratch::new();
    let to = scratch.at("final");
    for round in 0..12 {
        let mut child = download("/bytes/3000000", &["-o", &to]).stdout(Stdio::null()).spawn().unwrap();
        std::thread::sleep(std::time::Duration::from_millis(round * 12));
        child.kill().unwrap();
        child.wait().unwrap();
        if let Ok(found) = fs::metadata(&to) {
            assert_eq!(found.len(), 3_000_000);
            fs::remove_file(&to).unwrap();
        }
    }
}
