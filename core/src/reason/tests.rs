//! Every reason in the table of every API.

use std::collections::BTreeSet;
use std::prelude::v1::*;

use super::*;

#[test]
fn codes_every_reason_has_a_code_of_the_apis_own_table() {
    let tables: [(Api, &[u8]); 4] = [
        (Api::Request, &[1, 2, 11, 12, 13, 14, 15, 19, 20, 23]),
        (Api::UploadFile, &[4, 11, 12, 13]),
        (Api::DownloadFile, &[12, 13, 20]),
        (Api::ConnectSocket, &[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]),
    ];
    for (api, table) in tables {
        assert_eq!(api.codes(), table);
        let mut seen = BTreeSet::new();
        for reason in Reason::all() {
            assert!(table.contains(&reason.code(api)), "{reason:?} of {api:?}");
            seen.insert(reason.code(api));
        }
        // And no code of a table is without a reason.
        assert!(seen.into_iter().eq(table.iter().copied()), "{api:?}");
    }
}

#[test]
fn codes_of_an_upload_are_those_of_its_table() {
    let with = |code| Reason::all().filter(|reason| reason.upload_code() == code).collect::<Vec<_>>();
    use Reason::*;
    assert_eq!(with(4), [HostNotAllowed]);
    let invalid = [
        UrlEmpty,
        UrlMalformed,
        UrlScheme,
        UrlTooLong,
        IllegalHeader,
        IllegalOption,
        MalformedEscape,
        BufferTooSmall,
        FileNotFound,
    ];
    assert_eq!(with(11), invalid);
    assert_eq!(with(13), [PlainHttpRefused, FileUnreadable]);
}

#[test]
fn codes_of_a_download_are_those_of_its_table() {
    let with = |code| Reason::all().filter(|reason| reason.download_code() == code).collect::<Vec<_>>();
    assert_eq!(with(13), [Reason::HostNotAllowed, Reason::StoreDenied]);
    assert_eq!(with(20), [Reason::PlainHttpRefused]);
}

#[test]
fn codes_every_reason_has_a_name_of_its_own_and_a_message() {
    let names: BTreeSet<&str> = Reason::all().map(Reason::name).collect();
    assert_eq!(names.len(), Reason::all().count());
    for reason in Reason::all() {
        assert!(reason.name().bytes().all(|byte| byte.is_ascii_alphanumeric()) && !reason.name().is_empty());
        assert!(reason.message().len() > 10 && !reason.message().contains('\n'), "{reason:?}");
    }
}
