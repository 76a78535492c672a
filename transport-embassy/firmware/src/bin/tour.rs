//! The tour.
#![no_std]
#![no_main]

use embassy_executor::Spawner;
use embassy_net::Ipv4Address;
use embassy_net::dns::DnsQueryType;
use embassy_time::{Instant, Timer};
use miniwire_firmware::board::{self, console::line, executor, host, host::Settings, random, stack};
use miniwire_firmware::network;

#[cortex_m_rt::entry]
fn main() -> ! {
    executor::run(|spawner| {
        if let Ok(task) = tour(spawner) {
            spawner.spawn(task);
        }
    })
}

#[embassy_executor::task]
async fn tour(spawner: Spawner) {
    let settings = Settings::read();
    let dns: Option<Ipv4Address> = settings.get("dns").and_then(|dns| dns.parse().ok());
    let Some(board) = board::start() else { host::exit(false) };
    let _random = random::from_host(&settings);
    stack::paint();
    match network::start(spawner, board.ethernet, 42, dns).await {
        Ok(stack) => {
            line(format_args!("config {:?} at {}", stack.config_v4(), Instant::now().as_millis()));
            for name in ["localhost", "nowhere.test"] {
                let found = stack.dns_query(name, DnsQueryType::A).await;
                line(format_args!("{name} {found:?} at {}", Instant::now().as_millis()));
            }
        }
        Err(why) => line(format_args!("{why:?}")),
    }
    let r = executor::rounds();
    Timer::after_millis(500).await;
    line(format_args!(
        "rounds {} time {} stack {}",
        executor::rounds() - r,
        host::unix_seconds(),
        stack::used(stack::start())
    ));
    host::exit(true)
}
