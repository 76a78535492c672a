//! The same long upload again and again, over lines and to servers of many kinds: none may stall.
//!
//! The clock jumps, so no time passes but on the line: an upload that takes long waits for something. `MINIWIRE_SEED=n`
//! begins there, `MINIWIRE_SEEDS=n` makes so many.
#![allow(clippy::print_stdout)] // How long they took is for the reader.

use miniwire_core::context::Limits;
use miniwire_core::media::FileType;
use miniwire_core::multipart::Boundary;
use miniwire_core::storage;
use miniwire_core::upload::Upload;
use rustls::version::TLS13;

use crate::peer::Peer;
use crate::site::site;
use crate::support::{Signer, authority, config, leaf};
use crate::world::cable::{Faults, Random};
use crate::world::clock;
use crate::world::site::{Buffers, context};

const LENGTH: usize = 200_000;

/// Seeds that are tried unless more are asked for: ten of each kind of line.
const SEEDS: u64 = 30;

fn number(name: &str, otherwise: u64) -> u64 {
    std::env::var(name).map_or(otherwise, |value| value.parse().expect("a number"))
}

#[test]
fn up_03_long_uploads_over_tls_do_not_stall() {
    let first = number("MINIWIRE_SEED", 0);
    let mut longest = [0; 3];
    for seed in first..first + number("MINIWIRE_SEEDS", SEEDS) {
        let slowest = &mut longest[(seed % 3) as usize];
        *slowest = upload(seed).max(*slowest);
    }
    println!("at most {longest:?} ms without loss, with loss, with frames that overtake each other");
}

/// Uploads twice, over a new session and over the kept one; how many milliseconds the slower of the two took.
fn upload(seed: u64) -> u64 {
    let mut random = Random(seed);
    let delay = random.below(2) * random.below(15_000);
    let (lost, doubled, more) = match seed % 3 {
        0 => (0, 0, 0),
        1 => (random.below(40), random.below(30), 0),
        _ => (random.below(20), random.below(30), random.below(20_000)),
    };
    let faults = Faults { lost, doubled, delay: (delay, delay + more) };
    let mut site = site(seed, faults);
    let root = Signer::root(authority("root of the reader"));
    // Where frames overtake each other no window may close: smoltcp then forgets to repeat what was lost.
    let (window, pause) = match more {
        0 => (512 + random.below(16_000) as usize, random.below(4) * random.below(10_000)),
        _ => (8192, 0),
    };
    let config = config(&root.identity(&leaf(&["device.test"]), &[]), &[&TLS13]);
    let peer = Peer::reading(window, pause, Some(config)).run(&mut site.world.executor, site.world.server, 4433, 2);
    site.root = root.der.clone();
    site.apart = random.below(2) == 1;
    let mut limits = Limits::new();
    limits.upload_timeout = 600_000;
    let slowest = site.run_as::<_, 1>(context().with_limits(limits), async |client, _| {
        let mut slowest = 0;
        for turn in 0..2 {
            let (mut buffers, content) = (Buffers::new(), vec![b'y'; LENGTH]);
            let upload = Upload::new("https://device.test:4433/count", FileType::Image, "f", Boundary::new([1; 16]));
            let (upload, start) = (upload.file("f", 0), clock::now_ms());
            let mut source = storage::Bytes::new(&content);
            let came = client.upload_file(&upload, &mut source, buffers.memory(), |_| ()).await;
            let took = clock::now_ms() - start;
            let line = format!("seed {seed}, upload {turn}: {faults:?}, window {window}, pause {pause} us, {took} ms");
            let came = came.unwrap_or_else(|failure| panic!("{line}: {failure:?}"));
            assert!(came.text().parse().is_ok_and(|count: usize| count > LENGTH), "{line}: {}", came.text());
            slowest = took.max(slowest);
        }
        slowest
    });
    assert!(peer.connections.get() <= 2, "seed {seed}");
    slowest
}
