//! The JSON and the text form of a value, against a plain writer and against reading them again.

use miniwire_core::data::{Data, Form, Value as _};
use miniwire_core::json::validate::Validator;

use crate::oracle;
use crate::splits::gathered;
use crate::tree::{Styled, Tree};

/// Writes the value that `data` says (see [`Tree::parse`]) as JSON and as text.
pub fn run(data: &[u8]) {
    let Some(tree) = Tree::parse(data) else { return };
    for apart in [false, true] {
        let value = Styled { tree: &tree, apart };
        let json = gathered(|out| value.write(Form::Json, out)).unwrap();
        assert_eq!(json, oracle::json(&tree).into_bytes());
        assert_eq!(Data::Value(&value).len(Form::Json), Ok(json.len() as u64));
        let text = gathered(|out| value.write(Form::Text, out)).unwrap();
        assert_eq!(text, oracle::text(&tree).into_bytes());
    }

    let json = oracle::json(&tree);
    let mut validator = Validator::new();
    assert_eq!(validator.push(json.as_bytes()).and_then(|()| validator.finish()), Ok(()), "{json}");
    let again = Tree::parse(json.as_bytes()).expect("another reader takes it");
    assert_eq!(oracle::json(&again), json, "it says the same to another reader");
}
