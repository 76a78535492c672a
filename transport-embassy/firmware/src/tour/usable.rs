//! `my.canIUse` (CTX-05).

pub(super) const STEPS: &[(&str, &str)] = &[
    ("True is what is implemented:", "request"),
    ("an option,", "request.object.dataType"),
    ("a value,", "request.object.method.DELETE"),
    ("what a call returns,", "request.return.abort"),
    ("what a callback is given,", "request.callback.errorMessage"),
    ("the old name,", "httpRequest"),
    ("and files.", "uploadFile.return.onProgressUpdate"),
    ("False is everything else.", "request.object.method.PATCH"),
];
