//! Redirects. They end at `/get`; with `status_code` at `/anything`, which takes the method that 307 and 308 keep.

use hyper::{Response, header::LOCATION};

use super::{
    answer::{Answer, Handled, Refusal},
    body::Body,
    call::Call,
    heads::final_status,
    route::Route,
};

pub(super) const ROUTES: &[Route] = &[
    Route::new("/redirect/{n}", "?status_code= n redirects (302), by absolute path", |call| {
        step(call, "/redirect/", "/")
    }),
    Route::new("/relative-redirect/{n}", "?status_code= the same, by relative reference", |call| step(call, "", "../")),
    Route::new("/absolute-redirect/{n}", "?status_code= the same, by whole URL", |call| {
        let origin = call.origin();
        step(call, &format!("{origin}/absolute-redirect/"), &format!("{origin}/"))
    }),
    Route::new("/redirect-to", "?url=&status_code= one redirect to anywhere", |call| {
        let url = call.arg("url").ok_or_else(|| Refusal::bad("url is missing"))?;
        redirect(call, url)
    }),
];

/// One of n redirects: to `next` and a number, or below `root`.
fn step(call: &Call, next: &str, root: &str) -> Handled {
    let left = call.number(0)?.checked_sub(1).ok_or_else(|| Refusal::bad("no redirect is left"))?;
    let status = call.number_arg("status_code")?;
    let location = match (left, status) {
        (0, None) => format!("{root}get"),
        (0, Some(_)) => format!("{root}anything"),
        (left, None) => format!("{next}{left}"),
        (left, Some(status)) => format!("{next}{left}?status_code={status}"),
    };
    redirect(call, location.as_bytes())
}

fn redirect(call: &Call, location: &[u8]) -> Handled {
    let status = final_status(u16::try_from(call.count_arg("status_code", 302, 599)?).unwrap_or_default())?;
    let response = Response::builder().status(status).header(LOCATION, location);
    Ok(Answer::respond(response.body(Body::whole("elsewhere\n"))?))
}
