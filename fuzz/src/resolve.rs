//! The target of a redirect, against the `url` crate's `join`.
//!
//! Where the URL Standard does otherwise than RFC 3986, the library does as the RFC says, and paths are not compared
//! ([`oracle::ends_in_dots`], [`oracle::has_escaped_dots`]).

use miniwire_core::url::{ResolveError, Url, keeps_origin, resolve};

use crate::oracle;
use crate::url::{canonical_standard_target, has_punycode, standard_target};

/// Room for any result: a byte of the reference becomes three at most, and one slash may be added.
const ROOM: usize = 8192;

/// Resolves what follows the first line of `data` against the URL that the first line is.
pub fn run(data: &[u8]) {
    let mut halves = data.splitn(2, |byte| *byte == b'\n');
    let (Some(base), Some(location)) = (halves.next(), halves.next()) else { return };
    let Ok(base_text) = std::str::from_utf8(base) else { return };
    if data.len() > 2048 {
        return;
    }
    let Ok(base) = Url::parse(base_text, 2048) else { return };
    let in_buffer = |room: usize| {
        let mut buf = vec![b'!'; room];
        buf[..base_text.len()].copy_from_slice(base_text.as_bytes());
        resolve(base.parts(), location, &mut buf).map(|len| {
            buf.truncate(len);
            String::from_utf8(buf).expect("a URL")
        })
    };
    let resolved = in_buffer(ROOM);
    for room in [base_text.len(), base_text.len() + 1, base_text.len() + location.len(), 300] {
        let tight = if room < base_text.len() { continue } else { in_buffer(room) };
        assert!(tight == resolved || tight == Err(ResolveError::TooLong), "{tight:?} with {room} bytes");
    }
    let keeps = keeps_origin(&base, location);
    let Ok(resolved) = resolved else { return };

    let url = Url::parse(&resolved, usize::MAX).expect("what is resolved is a URL");
    assert!(!resolved.contains('#'), "a fragment stayed");
    assert!(!keeps || url.same_origin(&base), "said to keep the origin: {resolved}");
    let Ok(location) = std::str::from_utf8(location) else { return };
    if has_punycode(url.host()) || has_punycode(base.host()) {
        return;
    }
    let standard = ::url::Url::parse(base_text).and_then(|base| base.join(location)).expect("the standard resolves it");
    assert_eq!(oracle::target(&resolved), Some(standard_target(&standard)));
    let (base, result) = (base.path_and_query_raw(), url.path_and_query_raw());
    let is_compared = [base, location, result].into_iter().all(oracle::is_standard)
        && !oracle::ends_in_dots(base)
        && !oracle::has_escaped_dots(base)
        // White space around it is no part of it, to both.
        && !oracle::has_escaped_dots(location.trim_matches(|c| c <= ' '));
    if is_compared {
        assert_eq!(canonical_standard_target(&standard), oracle::canonical_target(result));
    }
}
