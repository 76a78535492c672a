//! No byte for 30 s, and a byte every 29 s: DOWN-04.

use super::*;

const SECURE: &str = "https a.test:443";

/// The length of a drip that takes ten minutes.
const DRIPS: usize = 21;

#[test]
fn down_04_no_byte_for_30_seconds_is_12() {
    let head = "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n";
    let scripts: [(&[Step], Option<u16>); 5] = [
        (&[Step::Connect(SECURE)], None),
        (&[Step::Connect(SECURE), Step::Secure], None),
        (&[Step::Connect(SECURE), Step::Secure, Step::Request], None),
        (&[Step::Connect(SECURE), Step::Secure, Step::Request, answers("HTTP/1.1 200")], None),
        (&[Step::Connect(SECURE), Step::Secure, Step::Request, answers(head), answers("x")], Some(200)),
    ];
    for (steps, status) in scripts {
        let steps = [steps, &[Step::Stalls, Step::Closes]].concat();
        let seen = Scenario::new(&development(), "https://a.test/", steps).run();
        assert_eq!(seen.failure(), (Some(Reason::Timeout), Some(12), status));
        assert_eq!(seen.took, 30_000);
    }
    // While the link is still being opened.
    let scenario = Scenario::new(&development(), URL, [Step::Waits(31_000), Step::Connect(ROUTE)]);
    for driver in [Driver::ByHand, Driver::Blocking, Driver::Asynch] {
        let mut peer = Peer::new(&scenario.steps, Split::Whole);
        let start = peer.now();
        let (mut rx, mut tx, mut disk) = ([0; 512], [0; 256], Disk::default());
        let memory = Memory { receive: &mut rx, transmit: &mut tx, redirect: &mut [], head: &mut [], body: &mut [] };
        let failed = match driver {
            Driver::Asynch => {
                peer.block_on(asynch::download(&peer, &scenario.context, &scenario.download, &mut disk, memory, |_| {}))
            }
            _ => blocking::download(&mut peer, &scenario.context, &scenario.download, &mut disk, memory, |_| {}),
        };
        assert_eq!(failed.map_err(|failure| (failure.reason, failure.code())), Err((Reason::Timeout, 12)));
        assert_eq!((start.until(peer.now()), disk.did.len()), (30_000, 0));
    }
}

#[test]
fn down_04_a_byte_every_29_seconds_for_ten_minutes_is_fine() {
    let mut steps = vec![Step::Connect(SECURE), Step::Secure, Step::Request];
    for byte in format!("HTTP/1.1 200 OK\r\nContent-Length: {DRIPS}\r\n\r\n{}", "x".repeat(DRIPS)).chars() {
        steps.extend([Step::Waits(29_000), answers(byte.to_string())]);
    }
    steps.push(Step::Keeps);
    let seen = Scenario::new(&development(), "https://a.test/", steps).run_unsplit(&[Split::Whole]);
    assert_eq!(seen.success(), (200, "x".repeat(DRIPS).as_str()));
    assert!(seen.took > 1_000_000);
}

#[test]
fn down_04_every_step_has_30_seconds_of_its_own() {
    let steps = [
        Step::Waits(29_000),
        Step::Connect(SECURE),
        Step::Waits(29_000),
        Step::Secure,
        Step::Waits(29_000),
        Step::Takes(10),
        Step::Request,
        Step::Waits(29_000),
        answers("HTTP/1.1 302 x\r\nLocation: https://b.test/\r\n\r\n"),
        Step::Closes,
        Step::Waits(29_000),
        Step::Connect("https b.test:443"),
        Step::Waits(29_000),
        Step::Secure,
        Step::Request,
        Step::Waits(29_000),
        answer("200 OK", "x"),
        Step::Keeps,
    ];
    let seen = Scenario::new(&development(), "https://a.test/", steps).run();
    assert_eq!((seen.success(), seen.took), ((200, "x"), 7 * 29_000));
}

#[test]
fn down_04_a_slow_tunnel_is_fine_too() {
    let proxy = crate::context::Proxy { host: "p.test", port: 1, credentials: None };
    let context = development().with_proxy(Some(&proxy));
    let steps = [
        Step::Waits(29_000),
        Step::Connect("https a.test:443 via p.test:1"),
        Step::Request,
        Step::Waits(29_000),
        answers("HTTP/1.1 2"),
        Step::Waits(29_000),
        answers("00 OK\r\n\r\n"),
        Step::Waits(29_000),
        Step::Secure,
        Step::Request,
        Step::Waits(29_000),
        answer("200 OK", "x"),
        Step::Keeps,
    ];
    assert_eq!(Scenario::new(&context, "https://a.test/", steps).run().success(), (200, "x"));
}

#[test]
fn down_04_an_interruption_that_means_nothing_is_no_sign_of_life() {
    let hiccups: Vec<Step> = (0..5).flat_map(|_| [Step::Waits(7_000), Step::Hiccup]).collect();
    let steps = [&[Step::Connect(ROUTE), Step::Request][..], &hiccups, &[Step::Closes]].concat();
    let seen = Scenario::new(&development(), URL, steps[..steps.len() - 3].to_vec());
    let mut scenario = seen;
    scenario.steps.extend([Step::Stalls, Step::Closes]);
    let seen = scenario.run();
    assert_eq!((seen.failure(), seen.took), ((Some(Reason::Timeout), Some(12), None), 30_000));
}

#[test]
fn down_04_the_context_says_how_long() {
    let patient = development().with_limits(limits(|limits| limits.download_idle = 100_000));
    let steps = |wait, end| [Step::Connect(ROUTE), Step::Request, Step::Waits(wait), answer("200 OK", "x"), end];
    assert_eq!(Scenario::new(&patient, URL, steps(99_999, Step::Keeps)).run().success(), (200, "x"));
    let seen = Scenario::new(&patient, URL, steps(100_000, Step::Closes)).run();
    assert_eq!(seen.failure(), (Some(Reason::Timeout), Some(12), None));
}
