//! A site behind TLS, and a client of it.

use std::collections::HashMap;
use std::pin::{Pin, pin};
use std::task::Poll;

use embassy_time::{Duration, Timer};
use miniwire_core::context::Context;
use miniwire_embassy::tls::{self, CertificateDer, Trust};
use miniwire_embassy::{Client, SocketMemory, Sockets, Tls, TlsMemory};
use rand_core::OsRng;
use rcgen::CertificateParams;

use crate::peer::Peer;
use crate::support::{NOW, Signer, authority, config, leaf};
use crate::world::cable::Faults;
use crate::world::site::context;
use crate::world::udp::{self, Name, Names};
use crate::world::{SERVER, World};

pub(crate) type Clock = fn() -> u64;
pub(crate) type Secured<'p, 's, 'd, const M: usize> = Client<'s, 'd, &'p Tls<'s, 'd, Clock, OsRng, M>, 3>;

pub(crate) struct Site {
    pub(crate) world: World,
    pub(crate) root: CertificateDer<'static>,
    pub(crate) peer: Peer,
    /// The executor comes to a call before it comes to the sessions.
    pub(crate) calls_first: bool,
}

/// A server of device.test and 192.168.69.2, on port 443.
pub(crate) fn site(seed: u64, faults: Faults) -> Site {
    site_with(seed, faults, leaf(&["device.test", "192.168.69.2"]))
}

pub(crate) fn site_with(seed: u64, faults: Faults, params: CertificateParams) -> Site {
    let mut world = World::with_sockets(seed, faults);
    let root = Signer::root(authority("root"));
    let config = config(&root.identity(&params, &[]), &[&rustls::version::TLS13]);
    let peer = Peer::start(&mut world.executor, world.server, 443, 5, Some(config));
    let names = HashMap::from(["device.test", "other.test"].map(|name| (name.into(), Name::Addresses(vec![SERVER]))));
    world.spawn(udp::dns(world.server, Names::new(names.into()), std::rc::Rc::default()));
    Site { world, root: root.der.clone(), peer, calls_first: false }
}

impl Site {
    /// Runs a test with a client of `M` sessions.
    pub(crate) fn run<T, const M: usize>(
        &mut self,
        test: impl AsyncFnOnce(&Secured<'_, '_, '_, M>, &Sockets<'_, 3>) -> T,
    ) -> T {
        self.run_as(context(), test)
    }

    /// The same in this context.
    pub(crate) fn run_as<T, const M: usize>(
        &mut self,
        context: Context<'_>,
        test: impl AsyncFnOnce(&Secured<'_, '_, '_, M>, &Sockets<'_, 3>) -> T,
    ) -> T {
        let (board, root, calls_first) = (self.world.board, self.root.clone(), self.calls_first);
        self.world.run(async move {
            let anchors = [tls::root(&root).unwrap()];
            let mut memory = SocketMemory::<3, 8192, 1024>::new();
            let sockets = Sockets::new(board, &mut memory);
            let clock: Clock = || NOW;
            let tls = Tls::<_, _, M>::new(Trust::new(&anchors), clock, OsRng);
            let mut sessions: Vec<Box<TlsMemory>> = (0..M).map(|_| Box::default()).collect();
            let mut served: Vec<Pin<Box<dyn Future<Output = ()> + '_>>> =
                sessions.iter_mut().map(|memory| Box::pin(tls.serve(memory)) as Pin<Box<_>>).collect();
            let client = Client::new(&sockets, context, &tls);
            let mut test = pin!(test(&client, &sockets));
            std::future::poll_fn(|context| {
                let first = if calls_first { test.as_mut().poll(context) } else { Poll::Pending };
                for session in &mut served {
                    assert!(session.as_mut().poll(context).is_pending());
                }
                if first.is_pending() && !calls_first { test.as_mut().poll(context) } else { first }
            })
            .await
        })
    }
}

pub(crate) async fn pass(ms: u64) {
    Timer::after(Duration::from_millis(ms)).await;
}
