use super::*;

fn head_with(fields: usize, filler: usize) -> Vec<u8> {
    let mut head = b"HTTP/1.1 200 OK\r\n".to_vec();
    for n in 0..fields {
        head.extend_from_slice(format!("X-Field-{n}: {}\r\n", "v".repeat(filler)).as_bytes());
    }
    head.extend_from_slice(b"\r\n");
    head
}

#[test]
fn req_10_a_head_of_100_fields_and_of_64_kib_is_read() {
    for (fields, filler) in [(64, 1), (100, 1), (64, 1000), (1, 65_000)] {
        let raw = head_with(fields, filler);
        let (head, _) = HeadReader::new().read(&raw).unwrap().unwrap();
        assert_eq!(head.fields().count(), fields);
        assert_eq!(head.raw(), raw);
    }
}

#[test]
fn req_10_too_many_fields_are_refused() {
    assert_eq!(HeadReader::new().read(&head_with(MAX_FIELDS + 1, 1)).unwrap_err(), HeadError::TooManyFields);
}

#[test]
fn req_18_the_minor_version_is_the_senders() {
    for (raw, minor) in [(&b"HTTP/1.0 101 x\r\n\r\n"[..], 0), (b"HTTP/1.1 101 x\r\n\r\n", 1)] {
        let (head, _) = HeadReader::new().read(raw).unwrap().unwrap();
        assert_eq!(head.minor_version(), minor);
    }
}

#[test]
fn req_10_status_and_reason_phrase_are_borrowed() {
    let raw = b"HTTP/1.1 404 Not Found\r\nA: b\r\n\r\nbody";
    let (head, _) = HeadReader::new().read(raw).unwrap().unwrap();
    assert_eq!((head.status(), head.reason_phrase()), (404, &b"Not Found"[..]));
    assert_eq!(head.raw().len(), raw.len() - 4);
    let (head, _) = HeadReader::new().read(b"HTTP/1.1 204\r\n\r\n").unwrap().unwrap();
    assert_eq!(head.reason_phrase(), b"");
}

#[test]
fn core_03_a_dripping_head_is_searched_once_and_parsed_seldom() {
    let raw = head_with(64, 100);
    let mut reader = HeadReader::new();
    for end in 1..raw.len() {
        assert!(reader.read(&raw[..end]).unwrap().is_none(), "at {end}");
        // Parsed at lengths 1, 2, 4 and so on.
        assert!(reader.parsed.is_power_of_two());
    }
    assert!(reader.read(&raw).unwrap().is_some());
}

#[test]
fn req_18_nonsense_is_found_before_the_end_of_the_head() {
    let mut raw = b"HTTP/1.1 200 OK\r\nbad name: x\r\n".to_vec();
    assert_eq!(HeadReader::new().read(&raw).unwrap_err(), HeadError::Malformed);
    let mut reader = HeadReader::new();
    assert!(reader.read(&raw[..17]).unwrap().is_none());
    raw.resize(64, b'x');
    assert_eq!(reader.read(&raw).unwrap_err(), HeadError::Malformed);
}
