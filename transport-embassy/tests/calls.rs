//! Calls over a cable, good and bad: the same answers and the same codes as anywhere else.

mod world;

use miniwire_core::reason::Reason;
use miniwire_core::request::{DataType, Request};

use world::NOBODY;
use world::cable::Faults;
use world::site::{Came, site};
use world::udp::Name;

fn fails(code: u8, reason: Reason) -> Came {
    Err((code, reason, None))
}

#[test]
fn core_04_a_request_over_embassy_net() {
    let mut site = site(1, Faults::NONE);
    assert_eq!(site.get("/json"), Ok((200, r#"{"a":1}"#.into())));
    assert_eq!(site.get("/missing"), Err((19, Reason::HttpStatus, Some(404))));
    assert_eq!(site.get("/busy"), Err((20, Reason::RateLimited, Some(429))));
    assert_eq!(site.get("/moved"), Ok((200, r#"{"a":1}"#.into())));
    assert_eq!(site.get("/until-closed"), Ok((200, "[1]".into())));
    assert_eq!(site.get("/drip"), Ok((200, r#""drop by drop""#.into())));
}

#[test]
fn req_codes_of_a_network_that_fails() {
    let mut site = site(2, Faults::NONE);
    site.names.borrow_mut().extend([
        ("silent.test".to_owned(), Name::Silence),
        ("loop.test".to_owned(), Name::Loop),
        ("garbage.test".to_owned(), Name::Garbage),
        ("nowhere.test".to_owned(), Name::Addresses(vec![NOBODY])),
    ]);
    let mut call = |url: &str| site.call(&Request::new(url).timeout(20_000));
    assert_eq!(call("http://device.test/json").0, Ok((200, r#"{"a":1}"#.into())));
    assert_eq!(call("http://DEVICE.test./json").0, Ok((200, r#"{"a":1}"#.into())));
    assert_eq!(call("http://missing.test/").0, fails(12, Reason::Dns));
    assert_eq!(call("http://silent.test/").0, fails(12, Reason::Dns));
    assert_eq!(call("http://loop.test/").0, fails(12, Reason::Dns));
    assert_eq!(call("http://garbage.test/").0, fails(12, Reason::Dns));
    assert_eq!(call("http://192.168.69.2:81/").0, fails(12, Reason::Connect), "refused");
    assert_eq!(call("http://192.168.69.99/"), (fails(13, Reason::Timeout), 20_000), "nobody there");
    assert_eq!(call("http://nowhere.test/").0, fails(13, Reason::Timeout));
    assert_eq!(call("http://10.1.1.1/").0, fails(13, Reason::Timeout), "no route");
    assert_eq!(call("http://192.168.69.2/reset").0, fails(12, Reason::ConnectionLost));
    assert_eq!(call("http://192.168.69.2/cut").0, Err((12, Reason::ConnectionClosed, Some(200))));
    assert_eq!(call("http://192.168.69.2/cut-by-reset").0, Err((12, Reason::ConnectionLost, Some(200))));
    assert_eq!(call("https://192.168.69.2:80/").0, fails(12, Reason::Tls));
}

#[test]
fn req_03_the_deadline_holds_whatever_the_server_does() {
    let mut site = site(3, Faults::NONE);
    for path in ["/hang", "/drip-for-ever", "/slow"] {
        let url = format!("http://192.168.69.2{path}");
        let (came, took) = site.call(&Request::new(&url).timeout(1234));
        assert_eq!(
            (came.map_err(|(code, reason, _)| (code, reason)), took),
            (Err((13, Reason::Timeout)), 1234),
            "{path}"
        );
    }
    let (came, took) = site.call(&Request::new("http://192.168.69.2/hang"));
    assert_eq!((came, took), (fails(13, Reason::Timeout), 30_000), "the default");
}

#[test]
fn req_19_a_large_body_comes_whole_over_a_cable_that_loses_doubles_and_reorders() {
    let mut counts = [0; 3];
    for seed in 0..20 {
        let mut site = site(seed, Faults::MANY);
        let (came, _) =
            site.call(&Request::new("http://192.168.69.2/large").data_type(DataType::Text).timeout(300_000));
        let (status, text) = came.unwrap_or_else(|failed| panic!("seed {seed}: {failed:?}"));
        assert_eq!((status, text.len()), (200, 60_000), "seed {seed}");
        assert!(text.bytes().all(|byte| byte == b'x'), "seed {seed}");
        assert_eq!(site.server.connections.get(), 1);
        counts.iter_mut().zip(site.world.cable.counts()).for_each(|(sum, count)| *sum += count);
    }
    assert!(counts[1] > 20 && counts[2] > 20, "the cable was good: {counts:?}");
}
