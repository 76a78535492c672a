//! The target of a redirect (RFC 3986 section 5), put together in the buffer that holds the URL it is relative to.

use core::cell::Cell;

use super::{Parts, Scheme, Url, UrlError, is_scheme_name, position_of, put_escaped};
use crate::scan::find;
use crate::sink::{Full, Window};

/// Why a reference was not resolved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ResolveError {
    /// The buffer is too small.
    TooLong,
    /// The result is not a URL, or the reference has a control character, or a backslash before its query.
    Malformed,
    /// The result has another scheme than `http`, `https`, `ws` and `wss`.
    Scheme,
}

impl From<Full> for ResolveError {
    fn from(Full: Full) -> Self {
        Self::TooLong
    }
}

/// Whether `location`, resolved against `base`, certainly has the same origin. A reference that names the host without
/// the scheme is taken for another origin.
pub fn keeps_origin(base: &Url<'_>, location: &[u8]) -> bool {
    let location = location.trim_ascii();
    match Reference::split(location) {
        Ok(Reference { authority: None, .. }) => true,
        Ok(Reference { scheme: Some(scheme), authority: Some(authority), .. }) => {
            let origin = location.get(..scheme.len().saturating_add(authority.len()));
            let origin = origin.and_then(|origin| core::str::from_utf8(origin).ok());
            origin.is_some_and(|text| Url::parse(text, text.len()).is_ok_and(|target| target.same_origin(base)))
        }
        _ => false,
    }
}

/// Replaces the URL in `buf` by what `location`, the bytes of a Location field, means relative to it, and returns the
/// new length. What is then in `buf` passes [`Url::parse`].
///
/// `buf` begins with the URL whose parts are `base`; what is left of it is room for the result. The room must also
/// hold the dot segments that are removed. Fragments are dropped, the reference's and the URL's. A space and the bytes
/// of non-ASCII characters are percent-encoded, whatever their charset.
///
/// # Errors
/// See [`ResolveError`]. Then the content of `buf` is unspecified.
pub fn resolve(base: Parts, location: &[u8], buf: &mut [u8]) -> Result<usize, ResolveError> {
    if location.iter().any(u8::is_ascii_control) || !buf.get(..base.text_len()).is_some_and(|text| base.fit(text)) {
        return Err(ResolveError::Malformed);
    }
    let reference = Reference::split(location.trim_ascii())?;

    // RFC 3986 section 5.2.2. So much of the base stays:
    let kept = if reference.scheme.is_some() {
        0
    } else if reference.authority.is_some() {
        // The scheme and its colon.
        base.scheme.name().len() + 1
    } else if reference.path.starts_with(b"/") {
        base.path_start.into()
    } else if !reference.path.is_empty() {
        directory_end(base, buf)
    } else if reference.query.is_some() {
        base.query_start.into()
    } else {
        base.fragment_start.into()
    };

    let mut end = kept;
    end += append(buf, end, reference.scheme)?;
    end += append(buf, end, reference.authority)?;
    let path_start = if reference.authority.is_some() { end } else { base.path_start.into() };
    if !reference.path.is_empty() {
        if end == path_start && !reference.path.starts_with(b"/") {
            // RFC 3986 section 5.2.3: the base has an authority and no path.
            end += append(buf, end, Some(b"/"))?;
        }
        end += append(buf, end, Some(reference.path))?;
        end = path_start + remove_dot_segments(buf.get_mut(path_start..end).unwrap_or_default());
    }
    end += append(buf, end, reference.query)?;

    let text = buf.get(..end).and_then(|text| core::str::from_utf8(text).ok()).ok_or(ResolveError::Malformed)?;
    match Url::parse(text, end) {
        Ok(_) => Ok(end),
        Err(UrlError::TooLong) => Err(ResolveError::TooLong),
        Err(UrlError::Scheme) => Err(ResolveError::Scheme),
        Err(UrlError::Empty | UrlError::Malformed | UrlError::MalformedEscape) => Err(ResolveError::Malformed),
    }
}

/// A reference, taken apart as RFC 3986 appendix B does. Each part has the delimiters that belong to it.
struct Reference<'l> {
    /// `scheme:`
    scheme: Option<&'l [u8]>,
    /// `//host:port`
    authority: Option<&'l [u8]>,
    path: &'l [u8],
    /// `?query`
    query: Option<&'l [u8]>,
}

impl<'l> Reference<'l> {
    fn split(location: &'l [u8]) -> Result<Self, ResolveError> {
        let (location, _fragment) = split_before(location, b"#");
        let (hierarchy, query) = split_before(location, b"?");
        let query = (!query.is_empty()).then_some(query);
        // The URL Standard reads `/\host` as `//host`. A dot segment could remove it before `Url::parse` sees it.
        if find(b'\\', hierarchy).is_some() {
            return Err(ResolveError::Malformed);
        }

        let (name, rest) = split_before(hierarchy, b":/");
        let (scheme, rest) = match rest {
            [b':', rest @ ..] if is_scheme_name(name) => (hierarchy.get(..name.len() + 1), rest),
            _ => (None, hierarchy),
        };
        if !rest.starts_with(b"//") {
            return match scheme {
                None => Ok(Self { scheme, authority: None, path: rest, query }),
                // `mailto:a@b` is a URI, but not one of ours; `http:path` is refused as any URL without `//` is.
                Some(_) => Err(refusal_of(name)),
            };
        }
        let (_, after_slashes) = rest.split_at_checked(2).unwrap_or_default();
        let (authority, path) = split_before(after_slashes, b"/");
        let authority = rest.get(..authority.len() + 2);
        Ok(Self { scheme, authority, path, query })
    }
}

fn refusal_of(scheme: &[u8]) -> ResolveError {
    match core::str::from_utf8(scheme).ok().and_then(Scheme::from_name) {
        Some(_) => ResolveError::Malformed,
        None => ResolveError::Scheme,
    }
}

fn split_before<'l>(bytes: &'l [u8], ends: &[u8]) -> (&'l [u8], &'l [u8]) {
    bytes.split_at_checked(position_of(ends, bytes)).unwrap_or((bytes, &[]))
}

/// Where the last segment of the base's path begins.
fn directory_end(base: Parts, buf: &[u8]) -> usize {
    let (start, end) = (usize::from(base.path_start), usize::from(base.query_start));
    let path = buf.get(start..end).unwrap_or_default();
    start + path.iter().rposition(|byte| *byte == b'/').map_or(0, |slash| slash + 1)
}

/// Writes a part of the reference at `at`, and says how many bytes it became.
fn append(buf: &mut [u8], at: usize, part: Option<&[u8]>) -> Result<usize, Full> {
    let mut out = Window::new(0, buf.get_mut(at..).ok_or(Full)?);
    put_escaped(part.unwrap_or_default(), |byte| byte.is_ascii_graphic(), &mut out)?;
    Ok(out.len())
}

/// RFC 3986 section 5.2.4 in place; returns the new length. `path` is empty or begins with `/`.
///
/// The result grows from the left and never overtakes what is read, because each segment becomes itself, shorter, or
/// nothing.
fn remove_dot_segments(path: &mut [u8]) -> usize {
    let path = Cell::from_mut(path).as_slice_of_cells();
    let (mut read, mut written) = (0, 0);
    while let Some((_slash, rest)) = path.get(read..).and_then(<[_]>::split_first) {
        let len = rest.iter().position(|byte| byte.get() == b'/').unwrap_or(rest.len());
        let end = read + 1 + len;
        let is_last = end == path.len();
        let is_dot = |at: usize| rest.get(at).is_some_and(|byte| byte.get() == b'.');
        let dots = match len {
            1 if is_dot(0) => 1,
            2 if is_dot(0) && is_dot(1) => 2,
            _ => 0,
        };
        if dots == 2 {
            let result = path.get(..written).unwrap_or_default();
            written = result.iter().rposition(|byte| byte.get() == b'/').unwrap_or(0);
        }
        // A dot segment leaves its slash behind only at the end of the path.
        let copied = match (dots, is_last) {
            (0, _) => end,
            (_, true) => read + 1,
            (_, false) => read,
        };
        let (from, to) = (path.get(read..copied).unwrap_or_default(), path.get(written..).unwrap_or_default());
        for (from, to) in from.iter().zip(to) {
            to.set(from.get());
        }
        written += from.len();
        read = end;
    }
    written
}

#[cfg(test)]
#[path = "resolve_tests.rs"]
mod tests;
