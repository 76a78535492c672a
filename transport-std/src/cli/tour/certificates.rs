//! Servers that do not prove who they are (CTX-08).

use std::error::Error;

use miniwire_std::serve::{IssuedBy, Leaf, Validity};

use super::Tour;
use super::step::Step;

pub(super) fn steps(tour: &mut Tour<'_>) -> Result<(), Box<dyn Error>> {
    let leaf = Leaf::default;
    accepted(tour, "An intermediate authority is fine.", &leaf().issued_by(IssuedBy::Intermediate))?;
    for (promise, leaf, reason) in [
        ("A certificate that has expired is code 19;", leaf().valid(Validity::Past), "CertificateExpired"),
        ("so is one that is not valid yet,", leaf().valid(Validity::Future), "CertificateNotYetValid"),
        ("one for another host,", leaf().names(&["elsewhere.example"]), "CertificateWrongHost"),
        ("one that is self-signed,", leaf().issued_by(IssuedBy::Itself), "CertificateUnknownIssuer"),
        ("one of an unknown root,", leaf().issued_by(IssuedBy::UnknownRoot), "CertificateUnknownIssuer"),
        ("one issued by a server,", leaf().issued_by(IssuedBy::EndEntity), "CertificateNotAnAuthority"),
        ("one whose issuer may not issue,", leaf().issued_by(IssuedBy::WithoutCertSign), "CertificateNotAnAuthority"),
        ("and one that may not serve.", leaf().client_only(), "CertificateWrongUsage"),
    ] {
        let url = listener(tour, &leaf)?;
        tour.step(promise, Step::new(&tour.client, url), |came| came.fails(19, reason));
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

fn accepted(tour: &mut Tour<'_>, promise: &str, leaf: &Leaf) -> Result<(), Box<dyn Error>> {
    let url = listener(tour, leaf)?;
    tour.step(promise, Step::new(&tour.client, url), |came| came.succeeds(200));
    Ok(())
}

/// The URL of a listener that shows this certificate.
fn listener(tour: &Tour<'_>, leaf: &Leaf) -> Result<String, Box<dyn Error>> {
    let identity = tour.server.authority().issue(leaf)?;
    Ok(format!("https://localhost:{}/get", tour.server.start_tls_with(identity)?.port()))
}
