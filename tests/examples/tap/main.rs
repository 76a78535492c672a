//! The board's client over a TAP: embassy-net here, the kernel's TCP and servers that nobody here wrote at the other end.
//!
//! `tap SETTINGS` reads where the servers are, as JSON; `tests/stages/tap.sh` starts them, in a network of its own, and this.
//! What `miniwire-std` does with the same servers, over the kernel's own stack, must be the same.
#![allow(clippy::print_stdout)]

#[path = "../../tests/both/on_embassy.rs"]
mod on_embassy;
#[path = "../../tests/both/on_std.rs"]
mod on_std;
mod others;
#[path = "../../tests/both/scenario.rs"]
mod scenario;
mod sockets;
mod wire;
#[path = "../../../transport-embassy/tests/world/mod.rs"]
mod world;

use std::error::Error;
use std::time::Instant;

use serde::Deserialize;

use on_std::OnStd;
use scenario::Scenario;
use wire::Wire;
use world::cable::Faults;

/// Bytes of a body, converted, that the calls may take.
const MAX_BODY: usize = 1_000_000;
/// Bytes of a file that the downloads may take.
const MAX_FILE: usize = 1_000_000;

/// Frames that are lost (2 % in each direction), come twice, come late and overtake each other.
const POOR: Faults = Faults { lost: 20, doubled: 10, delay: (200, 3000) };
/// How often it is tried over a poor line.
const SEEDS: u64 = 2;

/// Where the servers are.
#[derive(Deserialize)]
pub(crate) struct Settings {
    /// The TAP.
    interface: String,
    /// Certificates that are trusted, PEM.
    roots: String,
    /// `miniwire serve`, for http and https.
    serve: (u16, u16),
    /// A port of the loopback interface where nobody listens.
    closed: u16,
    pub(crate) others: others::Others,
    pub(crate) websockets: sockets::Listed,
}

fn main() -> Result<(), Box<dyn Error>> {
    let settings = std::env::args().nth(1).ok_or("usage: tap SETTINGS")?;
    let settings: Settings = serde_json::from_slice(&std::fs::read(settings)?)?;
    let roots = std::fs::read_to_string(&settings.roots)?;
    let mut verdicts = Verdicts::default();
    let mut wire = Wire::new(&settings.interface)?;

    verdicts.say("DHCP: an address, a gateway and a name server", wire.configure());
    let (http, https) = settings.serve;
    let (origin, secured) = (format!("http://localhost:{http}"), format!("https://localhost:{https}"));
    for (whose, scenarios) in [
        ("miniwire serve", scenario::all(&origin, &secured, settings.closed)),
        ("others", others::all(&settings.others)),
    ] {
        compare(&mut verdicts, &mut wire, whose, &roots, &scenarios);
    }
    wire.run(async |stack| others::alone(stack, &roots, &settings.others, &mut verdicts).await);
    wire.run(async |stack| sockets::all(stack, &roots, &settings.websockets, &mut verdicts).await);

    for seed in 0..SEEDS {
        wire.set_faults(seed, POOR);
        let of_this = |what: &str| format!("a poor line, seed {seed}: {what}");
        verdicts.say(&of_this("DHCP, anew"), wire.configure());
        let scenarios = others::over_a_poor_line(&settings.others);
        compare(&mut verdicts, &mut wire, &of_this("others"), &roots, &scenarios);
        wire.run(async |stack| sockets::over_a_poor_line(stack, &roots, &settings.websockets, &mut verdicts).await);
        let [sent, lost, doubled] = wire.counts();
        verdicts.say(&of_this("frames were lost"), if lost > 0 { Ok(()) } else { Err("none".into()) });
        note(&format!("{sent} frames so far, {lost} lost, {doubled} doubled"));
    }
    verdicts.end()
}

/// Makes the calls on both transports.
fn compare(verdicts: &mut Verdicts, wire: &mut Wire, whose: &str, roots: &str, scenarios: &[Scenario]) {
    let start = Instant::now();
    let on_embassy = wire.run(async |stack| on_embassy::run(stack, roots, scenarios).await);
    let took = start.elapsed();
    let on_std = OnStd::trusting(roots);
    for (scenario, embassy) in scenarios.iter().zip(on_embassy) {
        let complaints = scenario.complaints(embassy, on_std.run(scenario));
        let result = if complaints.is_empty() { Ok(()) } else { Err(brief(&complaints.join("\n")).into()) };
        verdicts.say(&format!("{whose}: {}", scenario.promise), result);
    }
    note(&format!("{} calls of the board in {:.1} s", scenarios.len(), took.as_secs_f32()));
}

pub(crate) fn note(text: &str) {
    println!("        {text}");
}

fn brief(text: &str) -> String {
    text.lines().map(|line| line.chars().take(600).collect::<String>() + "\n").collect()
}

pub(crate) type Verdict = Result<(), Box<dyn Error>>;

/// What was found, and how often.
#[derive(Default)]
pub(crate) struct Verdicts {
    passed: u32,
    failed: u32,
}

impl Verdicts {
    pub(crate) fn say(&mut self, name: &str, result: Verdict) {
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
