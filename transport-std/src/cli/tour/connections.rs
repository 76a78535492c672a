//! Connections: kept, used again, lost (REQ-16, and the network's part of REQ-18).

use std::error::Error;

use miniwire_std::Method;
use serde_json::json;

use super::Tour;
use super::came::Verdict;
use super::step::Step;

pub(super) fn steps(tour: &mut Tour<'_>) -> Result<(), Box<dyn Error>> {
    kept(tour)?;
    let nobody = tour.nobody()?;
    tour.step("No connection at all is code 12.", Step::new(&tour.client, nobody.url("https")), |came| {
        came.fails(12, "Connect")
    });
    tour.step("A reset before the answer is code 12.", tour.request("/reset"), |came| came.fails(12, "ConnectionLost"));
    Ok(())
}

fn kept(tour: &mut Tour<'_>) -> Result<(), Box<dyn Error>> {
    let client = tour.client(|client| client)?;
    let before = tour.server.connections();
    for _ in 0..2 {
        // Only what the third says is shown.
        let _ = tour.request_of(&client, "/get").send();
    }
    let (call, came) = tour.request_of(&client, "/get").send();
    let used = Verdict::same(connections(tour, before), "connections: 1");
    tour.show_came("Three calls one after another share a connection.", &call, &came, &came.succeeds(200).and(used));

    let client = tour.client(|client| client)?;
    let before = tour.server.connections();
    let _ = tour.request_of(&client, "/kill-reused").send();
    let (call, came) = tour.request_of(&client, "/kill-reused").method(Method::Post).data(json!({"id": 7})).send();
    let used = Verdict::same(connections(tour, before), "connections: 2");
    tour.show_came(
        "A kept connection that turns out to be dead is replaced by a fresh one, once, unnoticed.",
        &call,
        &came,
        &came.brings("{\"request\":1}\n").and(used),
    );
    Ok(())
}

fn connections(tour: &Tour<'_>, before: u64) -> String {
    format!("connections: {}", tour.server.connections().saturating_sub(before))
}
