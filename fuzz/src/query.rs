//! The query string, against a plain writer and against decoding it again.

use miniwire_core::data::{Data, Form, Value as _, WriteError};
use miniwire_core::query::STORED_KEY_MAX;

use crate::oracle;
use crate::splits::gathered;
use crate::tree::{Styled, Tree};

/// Writes the value that `data` says (see [`Tree::parse`]) as a query string.
pub fn run(data: &[u8]) {
    let Some(tree) = Tree::parse(data) else { return };
    let value = Styled { tree: &tree, apart: false };
    let written = gathered(|out| value.write(Form::Query, out));
    assert_eq!(written.as_ref().ok().cloned(), oracle::query(&tree).map(String::into_bytes));
    assert_eq!(Data::Value(&value).len(Form::Query), written.as_ref().map(|text| text.len() as u64).map_err(|e| *e));

    let apart = gathered(|out| Styled { tree: &tree, apart: true }.write(Form::Query, out));
    let long_key = matches!(&tree, Tree::Object(entries) if entries.iter().any(|(key, _)| key.len() > STORED_KEY_MAX));
    assert_eq!(apart, if long_key { Err(WriteError::NotConvertible) } else { written.clone() });

    let (Ok(written), Tree::Object(_)) = (written, &tree) else { return };
    let pairs = oracle::query_pairs(&tree);
    assert!(written.iter().all(|byte| byte.is_ascii_alphanumeric() || b"-_.!~*'()%&=".contains(byte)));
    if !pairs.is_empty() {
        assert_eq!(read_back(&written), pairs);
    }
}

fn read_back(query: &[u8]) -> Vec<(String, Option<String>)> {
    let decode = |text: &[u8]| String::from_utf8(oracle::percent_decode(text).unwrap()).unwrap();
    let pair = |pair: &[u8]| match pair.iter().position(|byte| *byte == b'=') {
        Some(at) => (decode(&pair[..at]), Some(decode(&pair[at + 1..]))),
        None => (decode(pair), None),
    };
    query.split(|byte| *byte == b'&').map(pair).collect()
}
