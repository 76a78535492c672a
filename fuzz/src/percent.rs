//! Percent-encoding, against a table and its own decoding.

use miniwire_core::percent::{Encoded, encode_uri_component, has_malformed_escape};
use miniwire_core::sink::Sink as _;
use miniwire_core::url::write_query_text;

use crate::oracle;
use crate::splits::{Gathered, at_splits, gathered};

/// Encodes `data` as text would be and as bytes, and looks for malformed escapes in it.
pub fn run(data: &[u8]) {
    let encoded = at_splits(data, |pieces| {
        let mut out = Gathered::default();
        let mut adaptor = Encoded::new(&mut out);
        pieces.iter().try_for_each(|piece| adaptor.put(piece)).unwrap();
        out.0
    });
    assert_eq!(encoded, oracle::percent_encode(data, b"-_.!~*'()").into_bytes());
    assert_eq!(oracle::percent_decode(&encoded).as_deref(), Some(data));
    assert!(!has_malformed_escape(&encoded));
    assert_eq!(has_malformed_escape(data), oracle::percent_decode(data).is_none());

    let Ok(text) = std::str::from_utf8(data) else { return };
    assert_eq!(gathered(|out| Ok(encode_uri_component(text, out)?)).unwrap(), encoded);
    // RFC 3986 appendix A: unreserved, reserved without the fragment's sign, and the escape's own.
    let query = gathered(|out| Ok(write_query_text(text, out)?)).unwrap();
    assert_eq!(query, oracle::percent_encode(data, b"-._~:/?[]@!$&'()*+,;=%").into_bytes());
}
