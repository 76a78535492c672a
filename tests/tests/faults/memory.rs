//! Both drive loops against a server in memory, thousands of seeds each, on a clock that is a number.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use miniwire_core::context::Context;
use miniwire_core::download::Download;
use miniwire_core::drive::{Memory, Transport, asynch, blocking};
use miniwire_core::media::FileType;
use miniwire_core::multipart::Boundary;
use miniwire_core::policy::{Api, Policy, Whitelist};
use miniwire_core::reason::Reason;
use miniwire_core::request::{DataType, Method, Request};
use miniwire_core::upload::Upload;
use miniwire_core::{data, storage};
use miniwire_tests::faults::reader::answers;
use miniwire_tests::faults::{Asked, Faulty, Mix, Origin, Pace, Passed, Plan, Random, Reply, Virtual};

use crate::{Telling, seeds};

type Network = Faulty<Origin, <Origin as Transport>::Link, Virtual>;

/// Of each property below; `MINIWIRE_SEEDS` is another number.
const SEEDS: u64 = 500;

#[derive(Clone, Copy, Debug, PartialEq)]
enum Loop {
    Blocking,
    Asynch,
}

/// How the server frames its answer.
pub(crate) const PATHS: [&str; 8] =
    ["/length", "/chunked", "/close", "/interim", "/nothing", "/redirect", "/away", "/redirect-close"];

/// The body of every answer of a run: a JSON text, so that each data type takes it.
pub(crate) fn content(seed: u64) -> Vec<u8> {
    let mut random = Random::new(!seed);
    let length = [0, 1, 40, 700, 4000][random.below(5) as usize];
    let text: String = (0..length).map(|_| char::from(b'a' + random.below(26) as u8)).collect();
    format!("\"{text}\"").into_bytes()
}

pub(crate) fn serve(asked: &Asked, seed: u64) -> Reply {
    let body = content(seed);
    let with_length = |head: &str| [format!("{head}Content-Length: {}\r\n\r\n", body.len()).as_bytes(), &body].concat();
    let redirect = |to: &str, more: &str| {
        format!("HTTP/1.1 307 Elsewhere\r\nLocation: {to}\r\n{more}Content-Length: 5\r\n\r\ngone\n").into_bytes()
    };
    match asked.path() {
        "/length" => (with_length("HTTP/1.1 200 OK\r\n"), false),
        "/interim" => {
            (with_length("HTTP/1.1 103 Early\r\nLink: x\r\n\r\nHTTP/1.1 100 Go\r\n\r\nHTTP/1.1 200 OK\r\n"), false)
        }
        "/chunked" => (chunked(&body, seed), false),
        "/close" => ([b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n", &body[..]].concat(), true),
        "/nothing" => (b"HTTP/1.1 204 Nothing\r\nX: y\r\n\r\n".to_vec(), false),
        "/redirect" => (redirect("/length", ""), false),
        "/redirect-close" => (redirect("/chunked", "Connection: close\r\n"), true),
        "/away" => (redirect("http://b.test/chunked", ""), false),
        _ => (b"HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\n\r\nno".to_vec(), false),
    }
}

fn chunked(body: &[u8], seed: u64) -> Vec<u8> {
    let (mut random, mut rest) = (Random::new(seed ^ 0xC), body);
    let mut out = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n".to_vec();
    while !rest.is_empty() {
        let (chunk, after) = rest.split_at((1 + random.below(900) as usize).min(rest.len()));
        let extension = [";x", "", ";name=\"value\""][random.below(3) as usize];
        out.extend(format!("{:x}{extension}\r\n", chunk.len()).as_bytes());
        out.extend(chunk);
        out.extend(b"\r\n");
        rest = after;
    }
    out.extend(b"0\r\nT: u\r\n\r\n");
    out
}

/// A success's status and bytes, or a failure's reason.
type Result = std::result::Result<(u16, Vec<u8>), Reason>;

/// One run: a plan, a loop, a server.
struct Run {
    plan: Plan,
    seed: u64,
    how: Loop,
    clock: Virtual,
    origin: Origin,
    network: Network,
    buffers: (Vec<u8>, Vec<u8>),
}

impl Run {
    fn new(seed: u64, mix: Mix, how: Loop) -> Self {
        let (plan, clock) = (Plan::seeded(seed, mix), Virtual::default());
        let origin = Origin::new(clock.clone(), move |asked| serve(asked, seed));
        let network = Faulty::new(origin.clone(), clock.clone(), plan.clone());
        let mut random = Random::new(seed ^ 0xB);
        let receive = vec![0; [512, 700, 16 << 10][random.below(3) as usize]];
        let transmit = vec![0; [256, 300, 4096][random.below(3) as usize]];
        Self { plan, seed, how, clock, origin, network, buffers: (receive, transmit) }
    }

    fn telling(&self) -> Telling<(Plan, Loop)> {
        Telling((self.plan.clone(), self.how))
    }

    fn path(&self) -> &'static str {
        PATHS[Random::new(self.seed ^ 0xA).below(PATHS.len() as u64) as usize]
    }

    fn request(&mut self, request: &Request<'_>) -> Result {
        let context = Context::new("1", "1", Policy::development()).unwrap();
        let (mut redirect, mut head, mut body) = ([0; 256], [0; 512], [0; 8192]);
        let start = self.clock.now();
        let Self { network, how, clock, buffers: (receive, transmit), .. } = self;
        let memory = Memory { receive, transmit, redirect: &mut redirect, head: &mut head, body: &mut body };
        let result = match how {
            Loop::Blocking => blocking::request(network, &context, request, memory),
            Loop::Asynch => clock.block_on(asynch::request(&*network, &context, request, memory)),
        };
        let took = start.until(clock.now());
        assert!(took <= 30_000, "it took {took} ms");
        match result {
            Ok(response) => Ok((response.status(), response.text().as_bytes().to_vec())),
            Err(failure) => {
                assert!(Api::Request.codes().contains(&failure.code()), "{failure:?}");
                Err(failure.reason)
            }
        }
    }

    fn upload(&mut self, file: &[u8]) -> Result {
        let context = Context::new("1", "1", Policy::release(Whitelist::new(&["a.test"]).unwrap())).unwrap();
        let upload = Upload::new("https://a.test/length", FileType::Image, "f", Boundary::new([7; 16]));
        let upload = upload.file("f.png", file.len() as u64);
        let (mut head, mut body, mut source) = ([0; 512], [0; 8192], storage::Bytes::new(file));
        let (mut last, start) = (None, self.clock.now());
        let progress = |update: miniwire_core::progress::ProgressUpdate| last = Some(update);
        let Self { network, how, clock, buffers: (receive, transmit), .. } = self;
        let memory = Memory { receive, transmit, redirect: &mut [], head: &mut head, body: &mut body };
        let result = match how {
            Loop::Blocking => blocking::upload(network, &context, &upload, &mut source, memory, progress),
            Loop::Asynch => clock.block_on(asynch::upload(&*network, &context, &upload, &mut source, memory, progress)),
        };
        let took = start.until(clock.now());
        assert!(took <= 30_000, "it took {took} ms");
        match result {
            Ok(response) => {
                assert_eq!(last.map(|update| update.progress), Some(100));
                Ok((response.status(), response.text().as_bytes().to_vec()))
            }
            Err(failure) => {
                assert!(Api::UploadFile.codes().contains(&failure.code()), "{failure:?}");
                Err(failure.reason)
            }
        }
    }

    fn download(&mut self) -> Result {
        let context = Context::new("1", "1", Policy::development()).unwrap();
        let url = format!("https://a.test{}", self.path());
        let (mut redirect, mut head, mut file) = ([0; 256], [0; 512], [0; 8192]);
        let mut store = storage::Memory::new(&mut file);
        let Self { network, how, clock, buffers: (receive, transmit), .. } = self;
        let memory = Memory { receive, transmit, redirect: &mut redirect, head: &mut head, body: &mut [] };
        let download = Download::new(&url);
        let result = match how {
            Loop::Blocking => blocking::download(network, &context, &download, &mut store, memory, |_| {}),
            Loop::Asynch => {
                clock.block_on(asynch::download(&*network, &context, &download, &mut store, memory, |_| {}))
            }
        };
        match result.map(|downloaded| (downloaded.response.status(), downloaded.received)) {
            Ok((status, received)) => {
                let file = store.file().expect("a success has a file").to_vec();
                assert_eq!(file.len() as u64, received);
                Ok((status, file))
            }
            Err(failure) => {
                assert!(Api::DownloadFile.codes().contains(&failure.code()), "{failure:?}");
                let reason = failure.reason;
                assert_eq!(store.file(), None, "a failure leaves nothing");
                Err(reason)
            }
        }
    }

    /// Whether a success is what the server sent, as far as anybody but the injector could tell.
    fn judge(&self, result: &Result, expected: &(u16, Vec<u8>)) {
        let Ok(success) = result else {
            // Time and boundaries hurt nobody.
            assert!(!self.is(Mix::Gentle), "{result:?}");
            return;
        };
        let passed = self.network.passed();
        let lied = passed.iter().any(|link| link.lied_up || link.lied_down);
        let ends_with_the_link = self.path() == "/close" && !self.is(Mix::Gentle);
        if !lied && !ends_with_the_link {
            assert_eq!(success, expected, "{passed:?}");
        }
        let heard = |link: &Passed| answers(&link.bytes, link.ended).contains(success);
        assert!(passed.iter().any(heard), "nobody said {success:?}: {passed:?}");
    }

    fn is(&self, mix: Mix) -> bool {
        self.plan == Plan::seeded(self.seed, mix)
    }

    fn expected(&self) -> (u16, Vec<u8>) {
        match self.path() {
            "/nothing" => (204, Vec::new()),
            _ => (200, content(self.seed)),
        }
    }
}

/// Runs every seed over both loops; how many successes and failures there were.
fn all(count: u64, mix: Mix, call: impl Fn(&mut Run) -> Result) -> (usize, usize) {
    let mut counts = (0, 0);
    for seed in seeds(count) {
        for how in [Loop::Blocking, Loop::Asynch] {
            let mut run = Run::new(seed, mix, how);
            let _telling = run.telling();
            // Twice: the second call meets a link that was kept, or one that should not have been.
            for _ in 0..2 {
                match call(&mut run) {
                    Ok(_) => counts.0 += 1,
                    Err(_) => counts.1 += 1,
                }
            }
        }
    }
    counts
}

fn get(run: &mut Run) -> Result {
    let url = format!("http://a.test{}", run.path());
    let data_type = [DataType::Json, DataType::Text, DataType::Base64][(run.seed % 3) as usize];
    let mut result = run.request(&Request::new(&url).data_type(data_type));
    if let (DataType::Base64, Ok((_, body))) = (data_type, &mut result) {
        *body = STANDARD.decode(&*body).expect("base64");
    }
    run.judge(&result, &run.expected());
    result
}

fn post(run: &mut Run) -> Result {
    let sent = content(run.seed ^ 1);
    let text = std::str::from_utf8(&sent).unwrap();
    let url = format!("http://a.test{}", run.path());
    let request = Request::new(&url).method(Method::Post).data(data::Data::Text(text)).data_type(DataType::Text);
    let result = run.request(&request);
    run.judge(&result, &run.expected());
    if result.is_ok() && !run.network.passed().iter().any(|link| link.lied_up) {
        assert!(run.origin.asked().iter().all(|asked| asked.body == sent), "what the server got is what was sent");
    }
    result
}

fn upload(run: &mut Run) -> Result {
    let file = content(run.seed ^ 2);
    let result = run.upload(&file);
    match &result {
        Err(_) => assert!(!run.is(Mix::Gentle), "{result:?}"),
        Ok(success) => {
            let passed = run.network.passed();
            // What is no text becomes text with replacement characters (UP-04).
            let same = |(status, body): (u16, Vec<u8>)| {
                (status, String::from_utf8_lossy(&body).into_owned().into_bytes()) == *success
            };
            let heard = |link: &Passed| answers(&link.bytes, link.ended).into_iter().any(same);
            assert!(passed.iter().any(heard), "nobody said {success:?}: {passed:?}");
            if !passed.iter().any(|link| link.lied_up || link.lied_down) {
                assert_eq!(*success, (200, content(run.seed)));
                let asked = run.origin.asked();
                let arrived = |asked: &Asked| asked.body.windows(file.len()).any(|window| window == file);
                assert!(asked.iter().all(arrived), "the whole file, each time");
            }
        }
    }
    result
}

fn download(run: &mut Run) -> Result {
    let result = run.download();
    // A download without content is no file that anybody asked for, but a success all the same.
    run.judge(&result, &run.expected());
    result
}

macro_rules! properties {
    ($($call:ident: $gentle:ident, $breaking:ident, $lying:ident;)*) => {$(
        #[test]
        fn $gentle() {
            assert_eq!(all(SEEDS, Mix::Gentle, $call).1, 0);
        }

        #[test]
        fn $breaking() {
            let (successes, failures) = all(SEEDS, Mix::Breaking, $call);
            assert!(successes > 200 && failures > 200, "{successes} {failures}");
        }

        #[test]
        fn $lying() {
            let (successes, failures) = all(SEEDS, Mix::Lying, $call);
            assert!(successes > 100 && failures > 200, "{successes} {failures}");
        }
    )*};
}

properties! {
    get: req_18_time_and_boundaries_change_no_answer, req_18_no_broken_link_makes_a_short_success,
        req_18_a_success_is_what_arrived_whatever_that_was;
    post: req_05_time_and_boundaries_change_no_body, req_05_no_broken_link_makes_half_a_body_a_success,
        req_05_a_success_after_a_post_is_what_arrived;
    upload: up_03_time_and_boundaries_change_no_file, up_03_no_broken_link_makes_half_a_file_a_success,
        up_04_a_success_after_an_upload_is_what_arrived;
    download: down_02_time_and_boundaries_change_no_file, down_02_no_broken_link_makes_a_short_file,
        down_02_a_file_is_what_arrived;
}

#[test]
fn a_seed_runs_the_same_way_again() {
    for seed in seeds(200) {
        for how in [Loop::Blocking, Loop::Asynch] {
            let outcome = || {
                let mut run = Run::new(seed, Mix::Lying, how);
                let results = [get(&mut run), get(&mut run)];
                let bytes: Vec<_> = run.network.passed().into_iter().map(|link| (link.bytes, link.ended)).collect();
                (results, bytes, run.clock.now())
            };
            assert_eq!(outcome(), outcome(), "{seed}");
        }
    }
}
