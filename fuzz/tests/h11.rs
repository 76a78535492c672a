//! The committed responses as h11, a reader in Python that nobody here wrote, reads them.
//!
//! Its readings are recorded in `vectors/h11.json` by `vectors/record_h11.py`.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use miniwire_fuzz::oracle::hyper::Whole;
use miniwire_fuzz::response;
use serde::Deserialize;

/// What h11 takes for a whole response and the library refuses, on purpose (REQ-18).
const REFUSED: [(&str, &str); 12] = [
    ("head/bare-lf", "a line ends in a bare LF"),
    ("head/bare-lf-end", "a line ends in a bare LF"),
    ("head/fields-101", "more than 100 fields"),
    ("head/fold", "a folded line"),
    ("head/lf-field", "a line ends in a bare LF"),
    ("head/lf-in-first", "a line ends in a bare LF"),
    ("head/version", "HTTP/2.0 in a status line"),
    ("response/both", "Content-Length beside Transfer-Encoding"),
    ("response/chunked-16", "a folded line in the trailer section"),
    ("response/chunked-end-no-lf", "the last line ends in a bare LF"),
    ("response/interim-33", "more than 32 interim responses"),
    ("response/te-10", "Transfer-Encoding in HTTP/1.0"),
];

/// What the library takes for a whole response and h11 refuses.
const TAKEN: [(&str, &str); 2] = [
    ("response/chunked-04", "white space before a chunk extension (RFC 9112 section 7.1.1)"),
    ("response/length-list", "the same length in several fields, once with a leading zero (RFC 9110 section 8.6)"),
];

#[derive(Deserialize)]
struct Recorded {
    status: u16,
    fields: Vec<(String, String)>,
    body: String,
}

#[test]
fn req_18_h11_reads_the_committed_responses_alike() {
    let fuzz = Path::new(env!("CARGO_MANIFEST_DIR"));
    let recorded = fs::read_to_string(fuzz.join("vectors/h11.json")).unwrap();
    let mut recorded: BTreeMap<String, serde_json::Value> = serde_json::from_str(&recorded).unwrap();
    assert_eq!(recorded.remove(""), Some("h11 0.16.0".into()));
    for (name, theirs) in recorded {
        let data = fs::read(fuzz.join("corpus").join(&name)).unwrap();
        let ours = response::whole(&data);
        let theirs: Option<Recorded> = serde_json::from_value(theirs).unwrap();
        let among = |list: &[(&str, &str)]| list.iter().any(|(other, _)| *other == name);
        assert_eq!(ours.is_none() && theirs.is_some(), among(&REFUSED), "{name}: is one of REFUSED");
        assert_eq!(ours.is_some() && theirs.is_none(), among(&TAKEN), "{name}: is one of TAKEN");
        if let (Some(ours), Some(theirs)) = (ours, theirs) {
            assert_eq!(ours, theirs.whole(), "{name}");
        }
    }
}

impl Recorded {
    fn whole(self) -> Whole {
        // Latin-1.
        let bytes = |text: &str| text.chars().map(|letter| letter as u8).collect();
        let fields = self.fields.iter().map(|(name, value)| (name.clone(), bytes(value))).collect();
        let digit = |byte: u8| char::from(byte).to_digit(16).unwrap() as u8;
        let body = self.body.as_bytes().chunks(2).map(|two| digit(two[0]) * 16 + digit(two[1])).collect();
        Whole::new(self.status, fields, body)
    }
}
