//! The committed inputs, and seeded mutations of them, through every target.
//!
//! A panic says which input failed; `cargo fuzz run TARGET FILE` or a debugger takes it from there.

use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::path::{Path, PathBuf};

use miniwire_fuzz::TARGETS;
use miniwire_fuzz::splits::Random;

/// Mutated inputs per target: some ten thousand, in a few seconds of a debug build.
const MUTATIONS: usize = 1000;

/// Of a target whose inputs are whole TLS handshakes: a tenth of a second each, as long as nothing is optimised.
const MUTATED_HANDSHAKES: usize = 100;

/// Longer inputs are replayed, but not mutated: they cost too much of the time.
const LONGEST_MUTATED: usize = 2048;

#[test]
fn ctx_04_policy() {
    replay("policy");
}

#[test]
fn ctx_04_url() {
    replay("url");
}

#[test]
fn req_07_json_write() {
    replay("json_write");
}

#[test]
fn req_09_percent() {
    replay("percent");
}

#[test]
fn req_09_query() {
    replay("query");
}

#[test]
fn req_11_json_validate() {
    replay("json_validate");
}

#[test]
fn req_12_base64() {
    replay("base64");
}

#[test]
fn req_12_utf8() {
    replay("utf8");
}

#[test]
fn sock_01_handshake() {
    replay("handshake");
}

#[test]
fn sock_09_extensions() {
    replay("extensions");
}

#[test]
fn sock_07_socket_bytes() {
    replay("socket_bytes");
}

#[test]
fn sock_02_socket_ops() {
    replay("socket_ops");
}

#[test]
fn sock_10_frames() {
    replay("frames");
}

#[test]
fn sock_09_inflate() {
    replay("inflate");
}

#[test]
fn req_14_resolve() {
    replay("resolve");
}

#[test]
fn req_18_head() {
    replay("head");
}

#[test]
fn req_18_response() {
    replay("response");
}

#[test]
fn core_03_request_bytes() {
    replay("request_bytes");
}

#[test]
fn ctx_07_request_ops() {
    replay("request_ops");
}

#[test]
fn up_02_multipart() {
    replay("multipart");
}

#[test]
fn ctx_07_transfer_ops() {
    replay("transfer_ops");
}

#[test]
fn ctx_08_tls_session() {
    replay_with("tls_session", MUTATED_HANDSHAKES);
}

#[test]
fn ctx_08_x509() {
    replay_with("x509", MUTATED_HANDSHAKES);
}

#[test]
fn core_03_every_target_has_a_program_and_inputs() {
    let manifest = fs::read_to_string(folder("Cargo.toml")).unwrap();
    for (name, _) in TARGETS {
        assert!(manifest.contains(&format!("path = \"fuzz_targets/{name}.rs\"")), "{name}");
        assert!(folder("fuzz_targets").join(name).with_extension("rs").exists(), "{name}");
        assert!(!inputs("corpus", name).is_empty(), "{name}");
    }
}

fn replay(target: &str) {
    replay_with(target, MUTATIONS);
}

fn replay_with(target: &str, mutations: usize) {
    let (_, run) = TARGETS.into_iter().find(|(name, _)| *name == target).unwrap();
    let mut seeds = inputs("corpus", target);
    seeds.extend(inputs("regressions", target));
    for (path, seed) in &seeds {
        check(run, seed, &path.display().to_string());
    }
    seeds.retain(|(_, seed)| seed.len() <= LONGEST_MUTATED);
    let mut random = Random::of(target.as_bytes());
    for round in 0..mutations {
        let (path, seed) = &seeds[random.below(seeds.len())];
        let (_, other) = &seeds[random.below(seeds.len())];
        let mutated = mutate(seed, other, &mut random);
        check(run, &mutated, &format!("mutation {round} of {}", path.display()));
    }
}

fn check(run: fn(&[u8]), input: &[u8], origin: &str) {
    if let Err(panic) = catch_unwind(AssertUnwindSafe(|| run(input))) {
        let kept = Path::new(env!("CARGO_TARGET_TMPDIR")).join("finding");
        fs::write(&kept, input).unwrap();
        #[allow(clippy::print_stderr)]
        {
            eprintln!("{origin}, kept as {}: {}", kept.display(), input.escape_ascii());
        }
        resume_unwind(panic);
    }
}

fn mutate(seed: &[u8], other: &[u8], random: &mut Random) -> Vec<u8> {
    let mut bytes = seed.to_vec();
    for _ in 0..=random.below(3) {
        let at = random.below(bytes.len() + 1);
        match random.below(7) {
            0 => bytes.truncate(at),
            1 => bytes.insert(at, random.number() as u8),
            2 if at < bytes.len() => bytes[at] ^= 1 << random.below(8),
            3 if at < bytes.len() => drop(bytes.remove(at)),
            4 => {
                let end = at + random.below(bytes.len() + 1 - at);
                let copy = bytes[at..end].to_vec();
                bytes.splice(at..at, copy);
            }
            5 => {
                let start = random.below(other.len() + 1);
                let end = start + random.below(other.len() + 1 - start);
                bytes.splice(at..at, other[start..end].iter().copied());
            }
            _ => {
                let telling = b"\r\n :;,/?#%&=\"\\[]{}0159aAfFzZ.+-\0\x7f\x80\xff\xc3\xed";
                bytes.insert(at, telling[random.below(telling.len())]);
            }
        }
    }
    bytes
}

fn inputs(kind: &str, target: &str) -> Vec<(PathBuf, Vec<u8>)> {
    let Ok(entries) = fs::read_dir(folder(kind).join(target)) else { return Vec::new() };
    let mut paths: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths.into_iter().map(|path| (path.clone(), fs::read(path).unwrap())).collect()
}

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}
