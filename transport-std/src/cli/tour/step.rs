//! A call, and the same call as the reference writes it.

use miniwire_std::{Call, Client, DataType, Method, Redirect};
use serde_json::Value;

use super::came::Came;
use super::javascript::{key, literal, quoted, shortened};

/// A call that is being put together.
pub(super) struct Step {
    call: Call,
    /// What stands between the braces of `my.request({…})`.
    options: Vec<String>,
}

impl Step {
    pub(super) fn new(client: &Client, url: impl Into<String>) -> Self {
        let url = url.into();
        Self { options: vec![format!("url: {}", quoted(&shortened(&url)))], call: client.request(url) }
    }

    pub(super) fn method(self, method: Method) -> Self {
        let text = quoted(method.as_str());
        self.with("method", &text, |call| call.method(method))
    }

    pub(super) fn header(self, name: &str, value: &str) -> Self {
        let text = format!("{{{}: {}}}", key(name), quoted(value));
        self.with("headers", &text, |call| call.header(name, value))
    }

    /// A form instead of JSON.
    pub(super) fn form(self) -> Self {
        self.header("content-type", "application/x-www-form-urlencoded")
    }

    pub(super) fn data(self, value: Value) -> Self {
        let text = literal(&value);
        self.with("data", &text, |call| call.data(value))
    }

    pub(super) fn data_text(self, data: &str) -> Self {
        self.with("data", &quoted(data), |call| call.data_text(data))
    }

    pub(super) fn timeout(self, milliseconds: u32) -> Self {
        self.with("timeout", &milliseconds.to_string(), |call| call.timeout(milliseconds))
    }

    pub(super) fn text(self) -> Self {
        self.with("dataType", "'text'", |call| call.data_type(DataType::Text))
    }

    pub(super) fn base64(self) -> Self {
        self.with("dataType", "'base64'", |call| call.data_type(DataType::Base64))
    }

    /// The reference has no such option; it is written as if it had.
    pub(super) fn manual(self) -> Self {
        self.with("redirect", "'manual'", |call| call.redirect(Redirect::Manual))
    }

    fn with(mut self, option: &str, value: &str, change: impl FnOnce(Call) -> Call) -> Self {
        self.options.push(format!("{option}: {value}"));
        self.call = change(self.call);
        self
    }

    /// Makes the call: how it is written, and what came back.
    pub(super) fn send(self) -> (String, Came) {
        let (text, call) = self.into_call();
        (text, Came(call.send()))
    }

    /// How it is written, and the call.
    pub(super) fn into_call(self) -> (String, Call) {
        (format!("my.request({{{}}})", self.options.join(", ")), self.call)
    }
}
