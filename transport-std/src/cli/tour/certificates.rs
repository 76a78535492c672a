//! Servers that do not prove who they are (CTX-08).

use std::error::Error;

use miniwire_std::serve::{IssuedBy, Leaf, Validity};

use super::Tour;
use super::step::Step;

/// A certificate that a server may show.
pub(crate) struct Shown {
    /// In the words of `miniwire serve`.
    pub(crate) kind: &'static str,
    promise: &'static str,
    pub(crate) leaf: Leaf,
    /// Why it is refused, if it is.
    refused: Option<&'static str>,
}

/// Each kind of certificate of the tour's.
pub(crate) fn shown() -> [Shown; 9] {
    let leaf = Leaf::default;
    let refused = |kind, promise, leaf, reason| Shown { kind, promise, leaf, refused: Some(reason) };
    [
        Shown {
            kind: "intermediate",
            promise: "An intermediate authority is fine.",
            leaf: leaf().issued_by(IssuedBy::Intermediate),
            refused: None,
        },
        refused(
            "expired",
            "A certificate that has expired is code 19;",
            leaf().valid(Validity::Past),
            "CertificateExpired",
        ),
        refused("future", "so is one that is not valid yet,", leaf().valid(Validity::Future), "CertificateNotYetValid"),
        refused("elsewhere", "one for another host,", leaf().names(&["elsewhere.example"]), "CertificateWrongHost"),
        refused(
            "self-signed",
            "one that is self-signed,",
            leaf().issued_by(IssuedBy::Itself),
            "CertificateUnknownIssuer",
        ),
        refused(
            "unknown-root",
            "one of an unknown root,",
            leaf().issued_by(IssuedBy::UnknownRoot),
            "CertificateUnknownIssuer",
        ),
        refused(
            "by-server",
            "one issued by a server,",
            leaf().issued_by(IssuedBy::EndEntity),
            "CertificateNotAnAuthority",
        ),
        refused(
            "by-non-issuer",
            "one whose issuer may not issue,",
            leaf().issued_by(IssuedBy::WithoutCertSign),
            "CertificateNotAnAuthority",
        ),
        refused("client-only", "and one that may not serve.", leaf().client_only(), "CertificateWrongUsage"),
    ]
}

pub(super) fn steps(tour: &mut Tour<'_>) -> Result<(), Box<dyn Error>> {
    for Shown { promise, leaf, refused, .. } in shown() {
        let identity = tour.server.authority().issue(&leaf)?;
        let url = format!("https://localhost:{}/get", tour.server.start_tls_with(identity)?.port());
        tour.step(promise, Step::new(&tour.client, url), |came| match refused {
            Some(reason) => came.fails(19, reason),
            None => came.succeeds(200),
        });
    }
    let pinned = tour.client(|client| client.pin([7; 32]))?;
    tour.step("A key can be pinned; another one is code 19.", tour.request_of(&pinned, "/get"), |came| {
        came.fails(19, "CertificateNotPinned")
    });
    let plain = format!("https://localhost:{}/get", tour.server.http().port());
    tour.step("No TLS on the port is code 19, and never plain http.", Step::new(&tour.client, plain), |came| {
        came.fails(19, "NotTls")
    });
    Ok(())
}
