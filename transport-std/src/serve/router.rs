//! Which handler answers which request.

use hyper::{
    Method, StatusCode,
    header::{ALLOW, HeaderValue},
};

use super::{
    answer::{Answer, Handled, PLAIN, Refusal, Then},
    bodies,
    call::{Call, fit},
    echo, heads, malformed, raw, redirects, socket,
};

/// One line of the list that `/help` shows.
pub(super) struct Route {
    /// The path; each `{name}` stands for one segment, `*` at the end for any rest.
    pattern: &'static str,
    /// The query arguments that it takes, and what it answers.
    about: &'static str,
    /// The methods that it takes; any, if empty.
    methods: &'static [&'static str],
    pub(super) reading: Reading,
    handler: fn(&Call) -> Handled,
}

/// What is done with a request's body before the handler runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reading {
    /// It is kept, up to the limit, beyond which the answer is 413.
    Keep,
    /// It is read and counted.
    Count,
    /// It is not read: the handler answers at once.
    Leave,
}

/// A route and the values of its places.
pub(super) struct Found {
    pub(super) route: &'static Route,
    pub(super) places: Vec<Vec<u8>>,
}

const GROUPS: [&[Route]; 8] = [
    HELP,
    echo::ROUTES,
    bodies::ROUTES,
    heads::ROUTES,
    redirects::ROUTES,
    raw::ROUTES,
    malformed::ROUTES,
    socket::ROUTES,
];

const HELP: &[Route] = &[Route::new("/", "this list", help), Route::new("/help", "this list", help)];

impl Route {
    /// A route that takes any method, and any body without keeping it.
    pub(super) const fn new(pattern: &'static str, about: &'static str, handler: fn(&Call) -> Handled) -> Self {
        Self { pattern, about, methods: &[], reading: Reading::Count, handler }
    }

    pub(super) const fn only(mut self, methods: &'static [&'static str]) -> Self {
        self.methods = methods;
        self
    }

    pub(super) const fn reading(mut self, reading: Reading) -> Self {
        self.reading = reading;
        self
    }

    pub(super) fn answer(&self, call: &Call) -> Answer {
        if self.methods.is_empty() || self.methods.contains(&call.method().as_str()) {
            return (self.handler)(call).unwrap_or_else(Answer::from);
        }
        let mut answer = Answer::from(Refusal(StatusCode::METHOD_NOT_ALLOWED, "method not allowed".into()));
        if let (Then::Respond(response), Ok(allow)) =
            (&mut answer.then, HeaderValue::from_str(&self.methods.join(", ")))
        {
            response.headers_mut().insert(ALLOW, allow);
        }
        answer
    }
}

/// The route for a request, if there is one.
pub(super) fn find(method: &Method, path: &str) -> Option<Found> {
    if method == Method::CONNECT {
        return None;
    }
    let mut routes = GROUPS.iter().flat_map(|group| group.iter());
    routes.find_map(|route| Some(Found { route, places: fit(route.pattern, path)? }))
}

/// The answer where there is no route.
pub(super) fn not_found() -> Answer {
    Refusal(StatusCode::NOT_FOUND, "no such route; see /help".into()).into()
}

fn help(_: &Call) -> Handled {
    let mut text = String::from("The miniwire test server. Times are in seconds, sizes in bytes.\n\n");
    for route in GROUPS.iter().flat_map(|group| group.iter()) {
        text.push_str(&format!("{:<30} {}\n", route.pattern, route.about));
    }
    text.push_str("\nKinds of /malformed:\n");
    for (kind, about) in malformed::kinds() {
        text.push_str(&format!("  {kind:<28} {about}\n"));
    }
    text.push_str("\nKinds of /ws/raw:\n");
    for (kind, about) in socket::kinds() {
        text.push_str(&format!("  {kind:<28} {about}\n"));
    }
    Ok(Answer::ok(PLAIN, text))
}
