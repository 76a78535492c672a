//! A site behind TLS, and a client of it.

use std::collections::HashMap;
use std::pin::{Pin, pin};
use std::task::{Context, Poll};

use embassy_time::{Duration, Timer};
use miniwire_core::context::Context as App;
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
    /// Between the sessions and the calls the executor runs the stacks, as where they are tasks apart.
    pub(crate) apart: bool,
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
    Site { world, root: root.der.clone(), peer, apart: false }
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
        context: App<'_>,
        test: impl AsyncFnOnce(&Secured<'_, '_, '_, M>, &Sockets<'_, 3>) -> T,
    ) -> T {
        let (board, root, apart) = (self.world.board, self.root.clone(), self.apart);
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
            let mut serve = move |context: &mut Context<'_>| {
                for session in &mut served {
                    assert!(session.as_mut().poll(context).is_pending());
                }
            };
            let mut is_calls_turn = false;
            std::future::poll_fn(|context| {
                if !apart {
                    serve(context);
                    return test.as_mut().poll(context);
                }
                is_calls_turn = !is_calls_turn;
                if is_calls_turn {
                    serve(context);
                    context.waker().wake_by_ref();
                    return Poll::Pending;
                }
                let came = test.as_mut().poll(context);
                // For what has come between the two.
                serve(context);
                came
            })
            .await
        })
    }
}

pub(crate) async fn pass(ms: u64) {
    Timer::after(Duration::from_millis(ms)).await;
}
