//! A request from a board, and a single fault: at each byte of what the server says, at each record, at each byte of what
//! the board says.

use std::cell::RefCell;

use embassy_time::{Duration, Timer};
use miniwire_core::policy::Api;
use miniwire_core::reason::Reason;
use miniwire_embassy::Sockets;
use miniwire_tests::faults::{Direction, Fault, Origin, Plan, Virtual};

use crate::Telling;
use crate::board::{BoardTls, DEADLINE, Outcome, SLACK, Scene, call, client, run};
use crate::offsets::{ALERTS, OUT_OF_ORDER, records};
use crate::world::clock;

const ANSWER: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 12\r\n\r\nexactly this";
const BODY: &[u8] = b"exactly this";

/// Where the requests are made.
struct Bench<'b, 's, 'd> {
    sockets: &'s Sockets<'d, 2>,
    tls: &'b BoardTls<'s, 'd>,
    scene: &'b RefCell<Scene>,
    url: &'static str,
}

const SECURE: &str = "https://a.test/";
const PLAIN: &str = "http://a.test/";

impl Bench<'_, '_, '_> {
    /// Where the records of an answer begin, its end last: what the server says when nothing is in the way.
    async fn clean(&self) -> Vec<usize> {
        let (outcome, _, said) = self.request(Plan::one(9, Direction::Up, 0, Fault::Split)).await;
        assert_eq!(outcome, Ok((200, BODY.to_vec())));
        let records = records(&said);
        assert!(records.len() > 4, "{records:?}");
        records
    }

    /// A request that meets this plan: what came of it, after how many milliseconds, and what the server said.
    async fn request(&self, plan: Plan) -> (Outcome, u64, Vec<u8>) {
        let _telling = Telling(plan.clone());
        let now = Scene::new(plan, Origin::new(Virtual::default(), |_| (ANSWER.to_vec(), false)));
        *self.scene.borrow_mut() = now.clone();
        let (client, start) = (client(self.sockets, self.tls, DEADLINE), clock::now_ms());
        let outcome = call(&client, Api::Request, self.url, None).await;
        let took = clock::now_ms() - start;
        if let Ok(success) = &outcome {
            assert_eq!(*success, (200, BODY.to_vec()));
        }
        drop(client);
        // For the server's sockets to be back at their door.
        Timer::after(Duration::from_secs(2)).await;
        (outcome, took, now.passed().first().map_or(Vec::new(), |link| link.bytes.clone()))
    }

    /// Meets each fault at each of these places.
    async fn at_each(
        &self,
        direction: Direction,
        places: impl Iterator<Item = usize>,
        faults: &[Fault],
        allowed: &[Option<Reason>],
    ) {
        for at in places {
            for fault in faults {
                let plan = Plan::one(0, direction, at as u64, fault.clone());
                let (outcome, took, said) = self.request(plan.clone()).await;
                // Signatures differ by a byte or two in length: what was to stand before a record may stand within one, and
                // what is left of that is waited for.
                let within = matches!(fault, Fault::Insert(_)) && !begins_a_record(&said, at);
                let came = outcome.err();
                let is_expected = allowed.contains(&came) || within && came == TIMEOUT;
                assert!(is_expected, "{plan:?}: {came:?} after {took} ms, not one of {allowed:?}");
                let due = if came == TIMEOUT { u64::from(DEADLINE) } else { 0 };
                assert!((due..=due + SLACK).contains(&took), "{plan:?}: {came:?} after {took} ms");
            }
        }
    }
}

fn begins_a_record(said: &[u8], at: usize) -> bool {
    let mut start = 0;
    while let Some([_, _, _, high, low]) = said.get(start..start + 5).filter(|_| start < at) {
        start += 5 + usize::from(u16::from_be_bytes([*high, *low]));
    }
    start == at
}

const LOST: Option<Reason> = Some(Reason::ConnectionLost);
const CLOSED: Option<Reason> = Some(Reason::ConnectionClosed);
const NOT_TLS: Option<Reason> = Some(Reason::NotTls);
const BAD_TLS: Option<Reason> = Some(Reason::Tls);
const TIMEOUT: Option<Reason> = Some(Reason::Timeout);

#[test]
fn ctx_08_an_end_at_any_byte_is_no_success_on_a_board() {
    run(async |sockets, tls, scene| {
        let bench = Bench { sockets, tls, scene, url: SECURE };
        let end = *bench.clean().await.last().unwrap();
        // Signatures differ by a few bytes in length. Every byte would take minutes.
        let places = (0..end - 10).step_by(13);
        let faults = [Fault::End, Fault::Reset];
        bench.at_each(Direction::Down, places, &faults, &[LOST, CLOSED, NOT_TLS]).await;
        let places = (0..300).step_by(29);
        bench.at_each(Direction::Up, places, &[Fault::Reset], &[LOST, NOT_TLS]).await;
    });
}

#[test]
fn req_03_a_stall_at_each_step_of_a_handshake_is_13_on_a_board() {
    run(async |sockets, tls, scene| {
        let bench = Bench { sockets, tls, scene, url: SECURE };
        let records = bench.clean().await;
        // At a record's first byte, within its header, after the header, within the record.
        let places = records[..records.len() - 1].iter().flat_map(|start| [0, 3, 5, 20].map(|within| start + within));
        bench.at_each(Direction::Down, places, &[Fault::Stall], &[TIMEOUT]).await;
        bench.at_each(Direction::Up, [0, 3, 100].into_iter(), &[Fault::Stall], &[TIMEOUT]).await;
    });
}

#[test]
fn ctx_08_an_alert_at_each_record_is_12_on_a_board() {
    run(async |sockets, tls, scene| {
        let bench = Bench { sockets, tls, scene, url: SECURE };
        let records = bench.clean().await;
        let places = records[..records.len() - 1].iter().copied();
        let alerts = ALERTS.map(|description| [1, 2].map(|level| vec![21, 3, 3, 0, 2, level, description]));
        let alerts: Vec<_> = alerts.into_iter().flatten().map(Fault::Insert).collect();
        bench.at_each(Direction::Down, places, &alerts, &[BAD_TLS, LOST, CLOSED]).await;
    });
}

#[test]
fn ctx_08_a_record_out_of_order_is_12_on_a_board() {
    run(async |sockets, tls, scene| {
        let bench = Bench { sockets, tls, scene, url: SECURE };
        let records = bench.clean().await;
        for start in &records[..records.len() - 1] {
            let faults: Vec<_> = OUT_OF_ORDER.iter().map(|(_, record)| Fault::Insert(record.to_vec())).collect();
            let allowed = if *start == 0 { &[BAD_TLS, NOT_TLS, LOST][..] } else { &[BAD_TLS, LOST] };
            bench.at_each(Direction::Down, std::iter::once(*start), &faults, allowed).await;
        }
    });
}

#[test]
fn req_18_a_fault_at_each_byte_without_tls_on_a_board() {
    run(async |sockets, tls, scene| {
        let bench = Bench { sockets, tls, scene, url: PLAIN };
        let (down, up) = (0..ANSWER.len(), 0..150);
        bench.at_each(Direction::Down, down.clone(), &[Fault::End], &[CLOSED]).await;
        bench.at_each(Direction::Down, down.clone(), &[Fault::Reset], &[LOST]).await;
        bench.at_each(Direction::Down, down, &[Fault::Stall], &[TIMEOUT]).await;
        bench.at_each(Direction::Up, up.clone(), &[Fault::Reset], &[LOST]).await;
        bench.at_each(Direction::Up, up, &[Fault::Stall], &[TIMEOUT]).await;
        let whole = Plan::one(0, Direction::Down, ANSWER.len() as u64, Fault::End);
        assert_eq!(bench.request(whole).await.0, Ok((200, BODY.to_vec())));
    });
}
