//! Two stacks of embassy-net on one Ethernet cable.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::future::Future;
use std::net::{Ipv4Addr, SocketAddr};
use std::rc::Rc;
use std::task::Context;

use coracle_embassy::{Network, SocketMemory};
use embassy_futures::block_on;
use embassy_futures::select::{Either, Either3, select, select3};
use embassy_net::driver::{Capabilities, Driver, HardwareAddress, LinkState, RxToken, TxToken};
use embassy_net::{Config, Ipv4Cidr, StackResources, StaticConfigV4};
use embassy_time::{Duration, Timer};

/// A test that hangs fails after this.
const LIMIT: Duration = Duration::from_secs(60);
/// Room for datagrams in each direction of a socket.
pub(crate) const ROOM: usize = 256;

type Frames = Rc<RefCell<VecDeque<Vec<u8>>>>;

/// One end of the cable.
struct Plug {
    last_octet: u8,
    incoming: Frames,
    outgoing: Frames,
    /// The cable is cut.
    cut: Rc<Cell<bool>>,
}

pub(crate) struct Received(Vec<u8>);
pub(crate) struct Transmission<'p>(&'p Plug);

impl RxToken for Received {
    fn consume<R, F: FnOnce(&mut [u8]) -> R>(mut self, work: F) -> R {
        work(&mut self.0)
    }
}

impl TxToken for Transmission<'_> {
    fn consume<R, F: FnOnce(&mut [u8]) -> R>(self, length: usize, work: F) -> R {
        let mut frame = vec![0; length];
        let result = work(&mut frame);
        if !self.0.cut.get() {
            self.0.outgoing.borrow_mut().push_back(frame);
        }
        result
    }
}

impl Driver for Plug {
    type RxToken<'a> = Received;
    type TxToken<'a> = Transmission<'a>;

    // Wakers are not needed: `block_on` polls for ever.
    fn receive(&mut self, _: &mut Context<'_>) -> Option<(Received, Transmission<'_>)> {
        let frame = self.incoming.borrow_mut().pop_front()?;
        Some((Received(frame), Transmission(self)))
    }

    fn transmit(&mut self, _: &mut Context<'_>) -> Option<Transmission<'_>> {
        Some(Transmission(self))
    }

    fn link_state(&mut self, _: &mut Context<'_>) -> LinkState {
        LinkState::Up
    }

    fn capabilities(&self) -> Capabilities {
        let mut capabilities = Capabilities::default();
        capabilities.max_transmission_unit = 1514;
        capabilities
    }

    fn hardware_address(&self) -> HardwareAddress {
        HardwareAddress::Ethernet([2, 0, 0, 0, 0, self.last_octet])
    }
}

/// The address of a host of the cable.
pub(crate) fn address(last_octet: u8, port: u16) -> SocketAddr {
    SocketAddr::from((Ipv4Addr::new(192, 0, 2, last_octet), port))
}

/// Any address, this port.
pub(crate) fn any(port: u16) -> SocketAddr {
    SocketAddr::from((Ipv4Addr::UNSPECIFIED, port))
}

/// Host 2 resolves names for host 1.
fn config(last_octet: u8) -> Config {
    Config::ipv4_static(StaticConfigV4 {
        address: Ipv4Cidr::new(Ipv4Addr::new(192, 0, 2, last_octet), 24),
        gateway: None,
        dns_servers: std::iter::once(Ipv4Addr::new(192, 0, 2, 2)).collect(),
    })
}

/// Runs a test with hosts 1 and 2, and the switch that cuts the cable.
pub(crate) fn run<'t, T>(test: impl FnOnce(Network<'static>, Network<'static>, Rc<Cell<bool>>) -> T)
where
    T: Future<Output = ()> + 't,
{
    let (one_way, other_way, cut) = (Frames::default(), Frames::default(), Rc::new(Cell::new(false)));
    let plug = |last_octet, incoming: &Frames, outgoing: &Frames| Plug {
        last_octet,
        incoming: Rc::clone(incoming),
        outgoing: Rc::clone(outgoing),
        cut: Rc::clone(&cut),
    };
    let resources = || Box::leak(Box::new(StackResources::<2>::new()));
    let memory = || Box::leak(Box::new(SocketMemory::<ROOM, ROOM>::EMPTY));
    let (first, mut first_runner) =
        embassy_net::new(plug(1, &one_way, &other_way), config(1), resources(), 1);
    let (second, mut second_runner) =
        embassy_net::new(plug(2, &other_way, &one_way), config(2), resources(), 2);
    let test = test(Network::new(first, memory()), Network::new(second, memory()), Rc::clone(&cut));
    block_on(async {
        let stacks = select(first_runner.run(), second_runner.run());
        match select3(test, Timer::after(LIMIT), stacks).await {
            Either3::First(()) => {}
            Either3::Second(()) => panic!("the test has not ended after {LIMIT}"),
            Either3::Third(Either::First(never) | Either::Second(never)) => never,
        }
    });
}
