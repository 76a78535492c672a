use std::borrow::Cow;
use std::collections::BTreeMap;
use std::prelude::v1::*;

use serde::ser::{SerializeMap, SerializeSeq, Serializer};

use super::*;
use crate::sink::Window;
use crate::{json, query};

fn written(value: &dyn Value, form: Form) -> Result<String, WriteError> {
    let mut whole = Vec::new();
    loop {
        let mut buf = [0; 5];
        let mut window = Window::new(whole.len() as u64, &mut buf);
        let end = value.write(form, &mut window);
        whole.extend_from_slice(window.into_filled());
        match end {
            Err(WriteError::Full) => {}
            end => return end.map(|()| String::from_utf8(whole).unwrap()),
        }
    }
}

/// Checks JSON, query and text form.
#[track_caller]
fn check(value: &dyn Value, json: &str, query: &str, text: &str) {
    assert_eq!(written(value, Form::Json).as_deref(), Ok(json));
    assert_eq!(written(value, Form::Query).as_deref(), Ok(query));
    assert_eq!(written(value, Form::Text).as_deref(), Ok(text));
}

/// Checks a value that has no query form.
#[track_caller]
fn check_array(value: &dyn Value, json: &str) {
    assert_eq!(written(value, Form::Json).as_deref(), Ok(json));
    assert_eq!(written(value, Form::Query), Err(WriteError::NotConvertible));
    assert_eq!(written(value, Form::Text).as_deref(), Ok(json));
}

#[derive(Serialize, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[serde(rename_all = "kebab-case")]
enum Colour {
    Red,
    DarkBlue,
}

#[derive(Serialize)]
enum Shape {
    #[serde(rename = "no \"shape\"")]
    Nothing,
    Circle(f64),
    Line(i8, i8),
    Box {
        w: u8,
        h: Option<u8>,
    },
}

#[derive(Serialize)]
struct Unit;

#[derive(Serialize)]
struct Metres(f64);

#[derive(Serialize)]
struct Pair(u8, &'static str);

#[derive(Serialize)]
struct Empty {}

/// One field.
#[derive(Serialize)]
struct A<T> {
    a: T,
}

struct Bytes(&'static [u8]);

impl Serialize for Bytes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(self.0)
    }
}

#[test]
fn req_08_scalars_are_their_text() {
    check(&"a \"b\"\n", r#""a \"b\"\n""#, "a \"b\"\n", "a \"b\"\n");
    check(&String::from("é"), "\"é\"", "é", "é");
    check(&Cow::Borrowed("x"), "\"x\"", "x", "x");
    check(&'€', "\"€\"", "€", "€");
    check(&true, "true", "true", "true");
    check(&-5i8, "-5", "-5", "-5");
    check(&i16::MIN, "-32768", "-32768", "-32768");
    check(&i32::MIN, "-2147483648", "-2147483648", "-2147483648");
    check(&200u8, "200", "200", "200");
    check(&u16::MAX, "65535", "65535", "65535");
    check(&u32::MAX, "4294967295", "4294967295", "4294967295");
    check(&1.0, "1", "1", "1");
    check(&-0.0, "0", "0", "0");
    check(&f64::NAN, "null", "NaN", "NaN");
    check(&f32::NEG_INFINITY, "null", "-Infinity", "-Infinity");
    check(&0.1f32, "0.10000000149011612", "0.10000000149011612", "0.10000000149011612");
    check(&Colour::DarkBlue, "\"dark-blue\"", "dark-blue", "dark-blue");
    check(&Metres(1e21), "1e+21", "1e+21", "1e+21");
    check(&Some(3), "3", "3", "3");
    check(&None::<u8>, "null", "", "");
    check(&(), "null", "", "null");
    check(&Unit, "null", "", "null");
}

#[test]
fn req_07_integers_beyond_a_javascript_number_keep_their_digits() {
    let digits = "-170141183460469231731687303715884105728";
    check(&i128::MIN, digits, digits, digits);
    let digits = "340282366920938463463374607431768211455";
    check(&A { a: u128::MAX }, &format!("{{\"a\":{digits}}}"), &format!("a={digits}"), &format!("{{\"a\":{digits}}}"));
    check(&i64::MIN, "-9223372036854775808", "-9223372036854775808", "-9223372036854775808");
    check(&u64::MAX, "18446744073709551615", "18446744073709551615", "18446744073709551615");
}

#[test]
fn req_09_an_array_repeats_the_key() {
    check(&A { a: [1, 2] }, r#"{"a":[1,2]}"#, "a=1&a=2", r#"{"a":[1,2]}"#);
    check(&A { a: (1, "x y") }, r#"{"a":[1,"x y"]}"#, "a=1&a=x%20y", r#"{"a":[1,"x y"]}"#);
    check(&A { a: Pair(1, "=") }, r#"{"a":[1,"="]}"#, "a=1&a=%3D", r#"{"a":[1,"="]}"#);
    check(&A { a: Bytes(&[0, 255]) }, r#"{"a":[0,255]}"#, "a=0&a=255", r#"{"a":[0,255]}"#);
    check(&A { a: Vec::<u8>::new() }, r#"{"a":[]}"#, "", r#"{"a":[]}"#);
    check(
        &A { a: (true, 1.5, f64::NAN) },
        r#"{"a":[true,1.5,null]}"#,
        "a=true&a=1.5&a=NaN",
        r#"{"a":[true,1.5,null]}"#,
    );
}

#[test]
fn req_09_null_is_the_bare_key_and_an_absent_option_is_skipped() {
    check(&A { a: () }, r#"{"a":null}"#, "a", r#"{"a":null}"#);
    check(&A { a: Unit }, r#"{"a":null}"#, "a", r#"{"a":null}"#);
    check(&A { a: None::<u8> }, r#"{"a":null}"#, "", r#"{"a":null}"#);
    check(&A { a: Some(()) }, r#"{"a":null}"#, "a", r#"{"a":null}"#);
    check(&A { a: Some("") }, r#"{"a":""}"#, "a=", r#"{"a":""}"#);
    check(&A { a: [Some(1), None, Some(2)] }, r#"{"a":[1,null,2]}"#, "a=1&a=2", r#"{"a":[1,null,2]}"#);
    check(&A { a: (1, (), 2) }, r#"{"a":[1,null,2]}"#, "a=1&a&a=2", r#"{"a":[1,null,2]}"#);

    #[derive(Serialize)]
    struct Many {
        first: Option<u8>,
        #[serde(skip_serializing_if = "Option::is_none")]
        second: Option<u8>,
        third: (),
        fourth: [u8; 0],
        fifth: u8,
    }
    let many = Many { first: None, second: None, third: (), fourth: [], fifth: 5 };
    let json = r#"{"first":null,"third":null,"fourth":[],"fifth":5}"#;
    check(&many, json, "third&fifth=5", json);
}

#[test]
fn req_09_what_is_nested_deeper_is_encoded_json() {
    let json = r#"{"a":{"a":[1,"é\n"]}}"#;
    check(&A { a: A { a: (1, "é\n") } }, json, "a=%7B%22a%22%3A%5B1%2C%22%C3%A9%5Cn%22%5D%7D", json);
    check(&A { a: [[1, 2]] }, r#"{"a":[[1,2]]}"#, "a=%5B1%2C2%5D", r#"{"a":[[1,2]]}"#);
    check(&A { a: [Bytes(&[7])] }, r#"{"a":[[7]]}"#, "a=%5B7%5D", r#"{"a":[[7]]}"#);
    check(
        &A { a: [A { a: 1 }, A { a: 2 }] },
        r#"{"a":[{"a":1},{"a":2}]}"#,
        "a=%7B%22a%22%3A1%7D&a=%7B%22a%22%3A2%7D",
        r#"{"a":[{"a":1},{"a":2}]}"#,
    );
    check(&A { a: Empty {} }, r#"{"a":{}}"#, "a=%7B%7D", r#"{"a":{}}"#);
    // In JSON, null is null again and NaN is too.
    check(
        &A { a: A { a: (None::<u8>, (), f64::NAN) } },
        r#"{"a":{"a":[null,null,null]}}"#,
        "a=%7B%22a%22%3A%5Bnull%2Cnull%2Cnull%5D%7D",
        r#"{"a":{"a":[null,null,null]}}"#,
    );
}

#[test]
fn req_07_and_req_09_variants() {
    check(&Shape::Nothing, r#""no \"shape\"""#, "no \"shape\"", "no \"shape\"");
    check(&Shape::Circle(1.5), r#"{"Circle":1.5}"#, "Circle=1.5", r#"{"Circle":1.5}"#);
    check(&Shape::Line(-1, 2), r#"{"Line":[-1,2]}"#, "Line=-1&Line=2", r#"{"Line":[-1,2]}"#);
    let json = r#"{"Box":{"w":1,"h":null}}"#;
    check(&Shape::Box { w: 1, h: None }, json, "Box=%7B%22w%22%3A1%2C%22h%22%3Anull%7D", json);

    check(&A { a: Shape::Nothing }, r#"{"a":"no \"shape\""}"#, "a=no%20%22shape%22", r#"{"a":"no \"shape\""}"#);
    let json = r#"{"a":{"Circle":1.5}}"#;
    check(&A { a: Shape::Circle(1.5) }, json, "a=%7B%22Circle%22%3A1.5%7D", json);
    let json = r#"{"a":{"Line":[-1,2]}}"#;
    check(&A { a: Shape::Line(-1, 2) }, json, "a=%7B%22Line%22%3A%5B-1%2C2%5D%7D", json);
    let json = r#"{"a":[{"Box":{"w":1,"h":2}},{"Line":[0,0]},{"Circle":0}]}"#;
    let shapes = [Shape::Box { w: 1, h: Some(2) }, Shape::Line(0, 0), Shape::Circle(-0.0)];
    let query =
        "a=%7B%22Box%22%3A%7B%22w%22%3A1%2C%22h%22%3A2%7D%7D&a=%7B%22Line%22%3A%5B0%2C0%5D%7D&a=%7B%22Circle%22%3A0%7D";
    check(&A { a: shapes }, json, query, json);
}

#[test]
fn req_09_a_bare_array_has_no_query_form() {
    check_array(&[1, 2], "[1,2]");
    check_array(&[0u8; 0], "[]");
    check_array(&(1, 'x'), r#"[1,"x"]"#);
    check_array(&Pair(1, "b"), r#"[1,"b"]"#);
    check_array(&Bytes(b"\x01\x02"), "[1,2]");
    check(&Empty {}, "{}", "", "{}");
}

#[test]
fn req_07_keys_become_strings() {
    fn map<K: Ord, const N: usize>(entries: [(K, u8); N]) -> BTreeMap<K, u8> {
        entries.into()
    }
    check(&map([("a b", 1), ("ü", 2)]), r#"{"a b":1,"ü":2}"#, "a%20b=1&%C3%BC=2", r#"{"a b":1,"ü":2}"#);
    check(&map([(-1, 1), (10, 2)]), r#"{"-1":1,"10":2}"#, "-1=1&10=2", r#"{"-1":1,"10":2}"#);
    check(
        &map([(u128::MAX, 1)]),
        r#"{"340282366920938463463374607431768211455":1}"#,
        "340282366920938463463374607431768211455=1",
        r#"{"340282366920938463463374607431768211455":1}"#,
    );
    check(&map([(false, 1), (true, 2)]), r#"{"false":1,"true":2}"#, "false=1&true=2", r#"{"false":1,"true":2}"#);
    check(&map([('"', 1), ('&', 2)]), r#"{"\"":1,"&":2}"#, "%22=1&%26=2", r#"{"\"":1,"&":2}"#);
    let json = r#"{"red":1,"dark-blue":2}"#;
    check(&map([(Colour::Red, 1), (Colour::DarkBlue, 2)]), json, "red=1&dark-blue=2", json);

    struct Floats;
    impl Serialize for Floats {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            serializer.collect_map([(Metres(1e21), 1), (Metres(f64::NAN), 2), (Metres(-0.0), 3)])
        }
    }
    check(&Floats, r#"{"1e+21":1,"NaN":2,"0":3}"#, "1e%2B21=1&NaN=2&0=3", r#"{"1e+21":1,"NaN":2,"0":3}"#);
}

#[test]
fn req_07_structured_keys_are_not_convertible() {
    fn check_key(key: impl Serialize + Copy) {
        struct Entry<K>(K);
        impl<K: Serialize> Serialize for Entry<K> {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_map([(&self.0, 1)])
            }
        }
        for form in [Form::Json, Form::Query, Form::Text] {
            assert_eq!(written(&Entry(key), form), Err(WriteError::NotConvertible));
        }
    }
    check_key(());
    check_key(None::<u8>);
    check_key(Some(1));
    check_key([1]);
    check_key((1, 2));
    check_key(&A { a: 1 });
    check_key(&Shape::Circle(1.0));
    check_key(&Shape::Line(1, 1));
    check_key(&Shape::Box { w: 1, h: None });
    check_key(&Bytes(b"k"));
}

/// A map that hands over keys and values separately.
struct Apart<'a, V>(&'a [(&'a str, V)]);

impl<V: Serialize> Serialize for Apart<'_, V> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        for (key, value) in self.0 {
            map.serialize_key(key)?;
            map.serialize_value(value)?;
        }
        map.end()
    }
}

#[test]
fn req_09_keys_apart_from_their_values() {
    let json = r#"{"a b":[1,2],"c":[],"":[3]}"#;
    check(&Apart(&[("a b", vec![1, 2]), ("c", vec![]), ("", vec![3])]), json, "a%20b=1&a%20b=2&=3", json);
    check(&Apart(&[("a", None), ("b", Some(1))]), r#"{"a":null,"b":1}"#, "b=1", r#"{"a":null,"b":1}"#);
    let longest = "&".repeat(query::STORED_KEY_MAX);
    let expected = "%26".repeat(query::STORED_KEY_MAX) + "=1";
    assert_eq!(written(&Apart(&[(&longest, 1)]), Form::Query), Ok(expected));
    let longer = longest + "&";
    assert_eq!(written(&Apart(&[(&longer, 1)]), Form::Query), Err(WriteError::NotConvertible));
    assert_eq!(written(&Apart(&[(&longer, 1)]), Form::Json), Ok(format!("{{\"{longer}\":1}}")));
}

#[test]
fn req_05_flattened_and_tagged_types() {
    #[derive(Serialize)]
    struct Outer {
        id: u8,
        #[serde(flatten)]
        inner: A<&'static str>,
        #[serde(flatten)]
        rest: BTreeMap<&'static str, u8>,
    }
    #[derive(Serialize)]
    #[serde(tag = "type")]
    enum Tagged {
        On { level: u8 },
    }
    let outer = Outer { id: 1, inner: A { a: "x" }, rest: [("z", 2)].into() };
    check(&outer, r#"{"id":1,"a":"x","z":2}"#, "id=1&a=x&z=2", r#"{"id":1,"a":"x","z":2}"#);
    check(&Tagged::On { level: 3 }, r#"{"type":"On","level":3}"#, "type=On&level=3", r#"{"type":"On","level":3}"#);
}

#[test]
fn req_05_displayed_values_are_strings() {
    struct Shown<T>(T);
    impl<T: fmt::Display> Serialize for Shown<T> {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            serializer.collect_str(&self.0)
        }
    }
    struct Broken;
    impl fmt::Display for Broken {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("some text")?;
            Err(fmt::Error)
        }
    }
    struct Careless;
    impl fmt::Display for Careless {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            let _ = f.write_str("first, ");
            let _ = f.write_str("then");
            Ok(())
        }
    }
    check(&Shown("a\"é"), r#""a\"é""#, "a\"é", "a\"é");
    check(&A { a: Shown(12) }, r#"{"a":"12"}"#, "a=12", r#"{"a":"12"}"#);
    check(&A { a: Shown("1+1") }, r#"{"a":"1+1"}"#, "a=1%2B1", r#"{"a":"1+1"}"#);
    check(&Shown(Careless), r#""first, then""#, "first, then", "first, then");
    for form in [Form::Json, Form::Query, Form::Text] {
        assert_eq!(written(&Shown(Broken), form), Err(WriteError::NotConvertible));
    }
}

#[test]
fn core_05_a_full_sink_is_told_from_an_error_of_the_value() {
    struct Failing;
    impl Serialize for Failing {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            let mut seq = serializer.serialize_seq(None)?;
            seq.serialize_element("before")?;
            Err(serde::ser::Error::custom("its own reason"))
        }
    }
    let mut buf = [0; 4];
    assert_eq!(Failing.write(Form::Json, &mut Window::new(0, &mut buf)), Err(WriteError::Full));
    assert_eq!(written(&Failing, Form::Json), Err(WriteError::NotConvertible));
    assert_eq!(Data::Value(&Failing).len(Form::Json), Err(WriteError::NotConvertible));
    assert_ne!(WriteError::Full.to_string(), WriteError::NotConvertible.to_string());
}

#[test]
fn core_05_nothing_is_written_after_full() {
    /// Refuses everything from the byte `left` on, and must not be asked again.
    struct Strict {
        left: usize,
        full: bool,
    }
    impl Sink for Strict {
        fn put(&mut self, bytes: &[u8]) -> Result<(), Full> {
            assert!(!self.full);
            self.full = bytes.len() > self.left;
            self.left = self.left.saturating_sub(bytes.len());
            if self.full { Err(Full) } else { Ok(()) }
        }
    }
    let value =
        [("key", (Shape::Line(1, 2), A { a: [Some("é\n"), None] })), ("b", (Shape::Nothing, A { a: [None; 2] }))];
    let value: BTreeMap<_, _> = value.into();
    for form in [Form::Json, Form::Query, Form::Text] {
        let len = Data::Value(&value).len(form).unwrap() as usize;
        for left in 0..len {
            assert_eq!(value.write(form, &mut Strict { left, full: false }), Err(WriteError::Full));
        }
        assert_eq!(value.write(form, &mut Strict { left: len, full: false }), Ok(()));
    }
}

#[test]
fn req_05_text_and_bytes_are_used_unchanged() {
    for form in [Form::Json, Form::Query, Form::Text] {
        for (data, expected) in [
            (Data::None, &b""[..]),
            (Data::Text("a b=\"%"), b"a b=\"%"),
            (Data::Bytes(b"\0\xFF"), b"\0\xFF"),
            (Data::default(), b""),
        ] {
            let mut buf = [0; 16];
            let mut window = Window::new(0, &mut buf);
            data.write(form, &mut window).unwrap();
            assert_eq!(window.into_filled(), expected);
            assert_eq!(data.len(form), Ok(expected.len() as u64));
        }
    }
    assert_eq!(Data::Text("long").write(Form::Text, &mut Window::new(0, &mut [0; 3])), Err(WriteError::Full));
    assert_eq!(Data::Value(&A { a: 1 }).len(Form::Query), Ok(3));
}

#[test]
fn req_05_data_is_shown_for_debugging() {
    assert_eq!(format!("{:?}", Data::None), "None");
    assert_eq!(format!("{:?}", Data::Text("a\n")), r#"Text("a\n")"#);
    assert_eq!(format!("{:?}", Data::Bytes(&[0; 300])), "Bytes(300 bytes)");
    assert_eq!(format!("{:?}", Data::Value(&A { a: "é" })), r#"Value({"a":"é"})"#);
    let bad = BTreeMap::from([([1], 2)]);
    assert_eq!(format!("{:?}", Data::Value(&A { a: bad })), r#"Value({"a":{… not convertible)"#);
}

#[test]
fn req_07_and_req_09_by_name() {
    let mut buf = [0; 32];
    let mut window = Window::new(0, &mut buf);
    json::write::stringify(&A { a: "x" }, &mut window).unwrap();
    query::stringify(&A { a: "x" }, &mut window).unwrap();
    assert_eq!(window.into_filled(), br#"{"a":"x"}a=x"#);
    // Unsized values too.
    json::write::stringify("text", &mut Count::new()).unwrap();
    query::stringify("text", &mut Count::new()).unwrap();
}
