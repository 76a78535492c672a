//! Which URLs pass, against a plain reading of CTX-03 and CTX-04.

use miniwire_core::policy::{Api, Policy, Refusal, Whitelist};
use miniwire_core::url::Url;

use crate::oracle;

/// `data` is lines: letters that choose the policy and the API, a URL, and the whitelist's entries. `d` is *development*,
/// `D` enforces the whitelist for downloads, `S` for sockets; `u`, `w` and `s` are uploadFile, downloadFile and
/// connectSocket.
pub fn run(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let mut lines = text.split('\n');
    let (Some(letters), Some(url)) = (lines.next(), lines.next()) else { return };
    let entries = lines.collect::<Vec<_>>();
    let Ok(whitelist) = Whitelist::new(&entries) else { return };
    let has = |letter| letters.contains(letter);
    let (api, schemes) = match letters {
        _ if has('u') => (Api::UploadFile, ["http", "https"]),
        _ if has('w') => (Api::DownloadFile, ["http", "https"]),
        _ if has('s') => (Api::ConnectSocket, ["ws", "wss"]),
        _ => (Api::Request, ["http", "https"]),
    };
    let mut policy = if has('d') { Policy::development() } else { Policy::release(whitelist) };
    if has('D') {
        policy = policy.also_for_downloads();
    }
    if has('S') {
        policy = policy.also_for_sockets();
    }
    assert_eq!(policy.is_development(), has('d'));

    let verdict = policy.permit(api, url, 2048);
    let hop = policy.permit_hop(api, url);
    let parsed = Url::parse(url, 2048);
    let expected = match oracle::target(url) {
        _ if parsed.is_err() => Err(Refusal::Url(parsed.unwrap_err())),
        None => panic!("an accepted URL has a host"),
        Some(target) => {
            let enforced = match api {
                Api::Request | Api::UploadFile => true,
                Api::DownloadFile => has('D'),
                Api::ConnectSocket => has('S'),
            };
            let [_, secure] = schemes;
            if !schemes.contains(&target.scheme.as_str()) {
                Err(Refusal::SchemeNotOfApi)
            } else if !has('d') && target.scheme != secure {
                Err(Refusal::PlainRefused)
            } else if !has('d') && enforced && !entries.iter().any(|entry| oracle::admits(entry, &target)) {
                Err(Refusal::HostNotAllowed)
            } else {
                Ok(())
            }
        }
    };
    assert_eq!(verdict.map(|_| ()), expected);
    if let Ok(permitted) = verdict {
        assert_eq!(permitted.as_str(), url);
    }
    if url.len() <= 2048 {
        let expected = expected.map_err(|refusal| match refusal {
            Refusal::Url(_) | Refusal::SchemeNotOfApi => Refusal::BadRedirect,
            other => other,
        });
        assert_eq!(hop.map(|_| ()), expected);
    }
}
