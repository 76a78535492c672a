//! `my.canIUse` (CTX-05).

use std::error::Error;

use super::Tour;
use super::came::Verdict;
use super::javascript::quoted;

pub(super) fn steps(tour: &mut Tour<'_>) -> Result<(), Box<dyn Error>> {
    for (promise, schema, usable) in [
        ("True is what is implemented:", "request", true),
        ("an option,", "request.object.dataType", true),
        ("a value,", "request.object.method.DELETE", true),
        ("what a call returns,", "request.return.abort", true),
        ("what a callback is given,", "request.callback.errorMessage", true),
        ("the old name,", "httpRequest", true),
        ("and files.", "uploadFile.return.onProgressUpdate", true),
        ("False is everything else.", "request.object.method.PATCH", false),
    ] {
        let verdict = Verdict::same(tour.client.can_i_use(schema).to_string(), usable.to_string());
        tour.show(promise, &format!("my.canIUse({})", quoted(schema)), &verdict);
    }
    Ok(())
}
