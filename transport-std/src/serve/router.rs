//! Which handler answers which request.

use hyper::{Method, StatusCode};

use super::{
    answer::{Answer, Handled, PLAIN, Refusal},
    bodies,
    call::{Call, fit},
    echo, heads, malformed, raw, redirects,
    route::Route,
    socket,
};

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
