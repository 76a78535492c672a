//! The board's client over a TAP: embassy-net here, the kernel's TCP and servers that nobody here wrote at the other end.
//!
//! `tap SETTINGS [PART OF A NAME]` reads where the servers are, as JSON; `tests/stages/tap.sh` starts them, in a network of
//! its own, and this.
//! What `miniwire-std` does with the same servers, over the kernel's own stack, must be the same.
#![allow(clippy::print_stdout)]

#[path = "../../tests/both/on_embassy/mod.rs"]
mod on_embassy;
#[path = "../../tests/both/on_std/mod.rs"]
mod on_std;
mod others;
#[path = "../../tests/both/place.rs"]
mod place;
#[path = "../../tests/both/scenario/mod.rs"]
mod scenario;
mod sockets;
mod wire;
#[path = "../../../transport-embassy/tests/world/mod.rs"]
mod world;

use std::error::Error;
use std::thread;
use std::time::Instant;

use embassy_time::{Duration, Timer};
use miniwire_std::serve::Server;
use serde::Deserialize;

use on_std::OnStd;
use place::Place;
use scenario::{Room, Scenario};
use wire::Wire;
use world::cable::Faults;

/// Frames that are lost (2 % in each direction), come twice, come late and overtake each other.
const POOR: Faults = Faults { lost: 20, doubled: 10, delay: (200, 3000) };
/// How often it is tried over a poor line.
const SEEDS: u64 = 2;

/// What both transports are asked for in the tests, over a bridge.
const ROOMS: [Room; 6] = [
    scenario::CONTEXT,
    scenario::REQUESTS,
    scenario::PROXIES,
    scenario::FILES,
    scenario::SOCKETS,
    scenario::HOSTILE_SOCKETS,
];

/// Where the servers are.
#[derive(Deserialize)]
struct Settings {
    /// The TAP.
    interface: String,
    /// Certificates that are trusted, PEM.
    roots: String,
    others: others::Others,
    websockets: sockets::Listed,
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let settings = arguments.next().ok_or("usage: tap SETTINGS [PART OF A NAME]")?;
    let settings: Settings = serde_json::from_slice(&std::fs::read(settings)?)?;
    let Place { site, server, .. } = &Place::new();
    let roots = std::fs::read_to_string(&settings.roots)? + server.ca_pem();
    let mut board = Board {
        wire: Wire::new(&settings.interface)?,
        roots,
        server,
        only: arguments.next(),
        verdicts: Verdicts::default(),
    };

    board.configure("DHCP: an address, a gateway and a name server");
    for room in ROOMS {
        board.compare("miniwire's own server: ", room(site));
    }
    board.compare("", others::all(&settings.others));
    board.compare("", sockets::all(&settings.websockets));
    if board.only.is_none() {
        board.alone(&settings.others);
    }

    for seed in 0..SEEDS {
        board.wire.set_faults(seed, POOR);
        let of_this = format!("a poor line, seed {seed}: ");
        board.configure(&format!("{of_this}DHCP, anew"));
        board.compare(&of_this, others::over_a_poor_line(&settings.others));
        board.compare(&of_this, sockets::over_a_poor_line(&settings.websockets));
        let [sent, lost, doubled] = board.wire.counts();
        let result = if lost > 0 { Ok(()) } else { Err("none".into()) };
        board.verdicts.say(&format!("{of_this}frames were lost"), result);
        note(&format!("{sent} frames so far, {lost} lost, {doubled} doubled"));
    }
    board.verdicts.end()
}

/// The board, and what is said of it.
struct Board<'s> {
    wire: Wire,
    /// PEM.
    roots: String,
    server: &'s Server,
    /// Only what has this in its name.
    only: Option<String>,
    verdicts: Verdicts,
}

impl Board<'_> {
    fn configure(&mut self, what: &str) {
        let result = self.wire.configure();
        self.verdicts.say(what, result);
    }

    /// Makes the calls on both transports.
    fn compare(&mut self, whose: &str, scenarios: Vec<Scenario>) {
        let Self { wire, roots, server, only, verdicts } = self;
        let is_asked = |it: &Scenario| only.as_ref().is_none_or(|only| format!("{whose}{}", it.promise).contains(only));
        let scenarios = &scenarios.into_iter().filter(is_asked).collect::<Vec<_>>();
        if scenarios.is_empty() {
            return;
        }
        let start = Instant::now();
        let on_embassy = wire.run(async |stack| on_embassy::run(stack, roots, server, scenarios).await);
        let took = start.elapsed();
        let on_std = thread::scope(|scope| {
            let (roots, server) = (&*roots, *server);
            let calls = scope.spawn(move || {
                let on_std = OnStd::new(roots, server);
                scenarios.iter().map(|scenario| on_std.run(scenario)).collect::<Vec<_>>()
            });
            // The board's network goes on meanwhile: it answers, and its timers run.
            wire.run(async |_| {
                while !calls.is_finished() {
                    Timer::after(Duration::from_millis(1)).await;
                }
            });
            calls.join().expect("std's calls")
        });
        for ((scenario, embassy), std) in scenarios.iter().zip(on_embassy).zip(on_std) {
            let complaints = scenario.complaints(embassy, std);
            let result = if complaints.is_empty() { Ok(()) } else { Err(brief(&complaints.join("\n")).into()) };
            verdicts.say(&format!("{whose}{}", scenario.promise), result);
        }
        note(&format!("{} calls of the board in {:.1} s", scenarios.len(), took.as_secs_f32()));
    }

    fn alone(&mut self, others: &others::Others) {
        let Self { wire, roots, verdicts, .. } = self;
        wire.run(async |stack| others::alone(stack, roots, others, verdicts).await);
    }
}

fn note(text: &str) {
    println!("        {text}");
}

fn brief(text: &str) -> String {
    text.lines().map(|line| line.chars().take(600).collect::<String>() + "\n").collect()
}

type Verdict = Result<(), Box<dyn Error>>;

/// What was found, and how often.
#[derive(Default)]
struct Verdicts {
    passed: u32,
    failed: u32,
}

impl Verdicts {
    fn say(&mut self, name: &str, result: Verdict) {
        match result {
            Ok(()) => {
                self.passed += 1;
                println!("ok      {name}");
            }
            Err(error) => {
                self.failed += 1;
                println!("FAILED  {name}: {error}");
            }
        }
    }

    fn end(self) -> Verdict {
        println!("\n{} passed, {} failed", self.passed, self.failed);
        if self.failed == 0 && self.passed > 0 { Ok(()) } else { Err("not all of it works".into()) }
    }
}
