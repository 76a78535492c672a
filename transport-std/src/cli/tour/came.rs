//! What came back of a call, and whether it is what was promised.

use miniwire_std::{Failure, Response};
use serde_json::Value;

use super::javascript::{quoted, shortened};

/// What `success` or `fail` was given.
pub(super) struct Came(pub(super) Result<Response, Failure>);

/// Whether a promise was kept.
pub(super) struct Verdict {
    pub(super) kept: bool,
    /// What was seen.
    pub(super) seen: String,
    /// What was to be seen.
    pub(super) wanted: String,
}

impl Came {
    /// `success` with this status.
    pub(super) fn succeeds(&self, status: u16) -> Verdict {
        let kept = self.0.as_ref().is_ok_and(|response| response.status() == status);
        Verdict::new(kept, self.seen(), format!("success {{status: {status}}}"))
    }

    /// `success` with status 200 and this data.
    pub(super) fn brings(&self, data: &str) -> Verdict {
        let kept = self.0.as_ref().is_ok_and(|response| response.status() == 200 && response.data() == data);
        Verdict::new(kept, self.seen(), format!("success {{status: 200, data: {}}}", quoted(data)))
    }

    /// `success` with status 200 and JSON data that has `wanted` at this pointer (RFC 6901).
    pub(super) fn has(&self, pointer: &str, wanted: impl Into<Value>) -> Verdict {
        self.has_text(pointer, &wanted.into().to_string())
    }

    /// `success` with status 200 and JSON data that has nothing at this pointer.
    pub(super) fn lacks(&self, pointer: &str) -> Verdict {
        self.has_text(pointer, "undefined")
    }

    fn has_text(&self, pointer: &str, wanted: &str) -> Verdict {
        let name = pointer.replace('/', ".");
        let wanted = format!("success {{status: 200}}, data{name} is {wanted}");
        let Ok(response) = &self.0 else { return Verdict::new(false, self.seen(), wanted) };
        let data: Value = response.json().unwrap_or_default();
        let found = data.pointer(pointer).map_or_else(|| "undefined".into(), Value::to_string);
        Verdict::same(format!("success {{status: {}}}, data{name} is {found}", response.status()), wanted)
    }

    /// `fail` with this code, and the reason of this name.
    pub(super) fn fails(&self, code: u8, reason: &str) -> Verdict {
        let kept = self.0.as_ref().is_err_and(|failure| failure.code() == code && failure.reason().name() == reason);
        Verdict::new(kept, self.seen(), format!("fail {{error: {code}}} ({reason})"))
    }

    /// `fail` with this code and reason, and this answer.
    pub(super) fn fails_with(&self, code: u8, reason: &str, status: u16, data: &str) -> Verdict {
        let answer = self.0.as_ref().err().and_then(Failure::response);
        let has = answer.is_some_and(|answer| answer.status() == status && answer.data() == data);
        let mut verdict = self.fails(code, reason);
        verdict.kept &= has;
        verdict.wanted.push_str(&format!(" {{status: {status}, data: {}}}", quoted(data)));
        verdict
    }

    fn seen(&self) -> String {
        match &self.0 {
            Ok(response) => format!("success {}", answer(response)),
            Err(failure) => {
                let message = quoted(&failure.to_string());
                let mut seen = format!("fail {{error: {}, errorMessage: {message}}}", failure.code());
                // The message has the status.
                if let Some(data) = failure.response().map(Response::data).filter(|data| !data.is_empty()) {
                    seen.push_str(&format!(" {{data: {}}}", quoted(&shortened(data))));
                }
                format!("{seen} ({})", failure.reason().name())
            }
        }
    }
}

fn answer(response: &Response) -> String {
    format!("{{status: {}, data: {}}}", response.status(), quoted(&shortened(response.data())))
}

impl Verdict {
    pub(super) fn new(kept: bool, seen: impl Into<String>, wanted: impl Into<String>) -> Self {
        Self { kept, seen: seen.into(), wanted: wanted.into() }
    }

    /// Whether two things that can be shown are the same.
    pub(super) fn same(seen: impl Into<String>, wanted: impl Into<String>) -> Self {
        let (seen, wanted) = (seen.into(), wanted.into());
        Self { kept: seen == wanted, seen, wanted }
    }

    /// And this too.
    pub(super) fn and(mut self, other: Self) -> Self {
        self.kept &= other.kept;
        self.seen = format!("{}; {}", self.seen, other.seen);
        self.wanted = format!("{}; {}", self.wanted, other.wanted);
        self
    }
}
