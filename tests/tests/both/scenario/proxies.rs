//! Through an HTTP proxy (REQ-17).

use miniwire_core::reason::Reason;
use miniwire_core::request::DataType;

use super::{Call, Data, Do, Rules, Scenario, Site, close, socket, text};

pub(super) fn all(site: &Site) -> Vec<Scenario> {
    [succeeding(site), failing(site), sockets(site)].into_iter().flatten().collect()
}

fn succeeding(site: &Site) -> Vec<Scenario> {
    let through = Rules::Through(site.proxies.forwards, None);
    let demanded = Rules::Through(site.proxies.demands, Some("us er:pa:ss@"));
    let again = |promise: &str, url| Scenario::new(promise, Call::Again(site.request(url), 3)).rules(through);
    let get = |promise: &str, url: &str, rules| site.get(promise, url).rules(rules);
    let (plain, secure) = (site.url("/anything/x?a=1#f"), site.secure("/anything/x?a=1#f"));
    vec![
        get("REQ-17 http goes in absolute form", &plain, through).post(Data::Text("body")),
        get("REQ-17 https goes through a tunnel", &secure, through)
            .with(|it| it.headers = vec![("Authorization", "Bearer secret")]),
        get("REQ-17 with credentials", &plain, demanded),
        get("REQ-17 with credentials, a tunnel", &secure, demanded),
        again("REQ-17 the connection to the proxy is kept", &site.url("/json")),
        again("REQ-17 a tunnel is kept", &site.secure("/json")),
        get("REQ-17 a redirect through another tunnel", &format!("/redirect-to?url={secure}"), through),
        get("REQ-17 the origin's failure is its own", &site.secure("/status/404"), through).fails(
            19,
            Reason::HttpStatus,
            404,
        ),
        Scenario::download("REQ-17 a download", site.secure("/bytes/50000?seed=8")).rules(through),
    ]
}

fn failing(site: &Site) -> Vec<Scenario> {
    let mut all = Vec::new();
    for (what, port, reason, status) in [
        ("that demands credentials", site.proxies.demands, Reason::ProxyRefused, Some(407)),
        ("that refuses", site.proxies.refuses, Reason::ProxyRefused, Some(403)),
        ("that speaks no HTTP", site.proxies.garbles, Reason::ProxyFailed, None),
        ("that is not there", site.closed, Reason::ProxyFailed, None),
    ] {
        let rules = Rules::Through(port, None);
        let get = site.get(format!("REQ-17 a proxy {what} is 23"), &site.secure("/json")).rules(rules);
        all.push(get.fails(23, reason, status));
        let promise = format!("REQ-17 a proxy {what} is 12 for a download");
        all.push(Scenario::download(promise, site.secure("/json")).rules(rules).fails(12, reason, status));
        let socket = socket(&format!("REQ-17 a proxy {what} is 1 for a socket"), &site.secure_socket("/ws/echo"));
        all.push(socket.rules(rules).fails(1, reason, status));
    }
    let demands = Rules::Through(site.proxies.demands, None);
    let nowhere = format!("https://localhost:{}/", site.closed);
    all.extend([
        site.get("REQ-17 credentials demanded without a tunnel", "/json")
            .rules(demands)
            .data_type(DataType::Text)
            .fails(23, Reason::ProxyRefused, 407),
        site.get("REQ-17 a tunnel to nowhere", &nowhere).rules(Rules::Through(site.proxies.forwards, None)).fails(
            23,
            Reason::ProxyRefused,
            502,
        ),
        site.get("REQ-03 the deadline is also for a silent proxy", &site.secure("/json"))
            .rules(Rules::Through(site.proxies.silent, None))
            .timeout(300)
            .fails(13, Reason::Timeout, None),
    ]);
    all
}

/// Always through a tunnel.
fn sockets(site: &Site) -> Vec<Scenario> {
    let through = |url: String| {
        socket("REQ-17 a socket through a tunnel", &url)
            .rules(Rules::Through(site.proxies.forwards, None))
            .does([text("hello"), Do::Hear, close(3000, "enough")])
            .tells(["message hello false", "close 3000 enough"])
            .sees([3000])
    };
    vec![through(site.plain_socket("/ws/echo")), through(site.secure_socket("/ws/echo"))]
}
