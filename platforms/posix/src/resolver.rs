//! Name look-ups aside: the system's resolver may take many seconds.

use std::net::{IpAddr, SocketAddr, ToSocketAddrs};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;

use coracle::Uri;

use crate::Waker;

/// Addresses of a host, in the order of the resolver; none when the look-up failed.
pub(crate) type Addresses = Vec<SocketAddr>;

pub(crate) struct Resolver {
    sender: Sender<(u64, Addresses)>,
    receiver: Receiver<(u64, Addresses)>,
    waker: Waker,
    last: u64,
}

impl Resolver {
    pub(crate) fn new(waker: Waker) -> Self {
        let (sender, receiver) = channel();
        Self { sender, receiver, waker, last: 0 }
    }

    /// The address of a host that is one.
    pub(crate) fn literal(uri: &Uri<'_>) -> Option<SocketAddr> {
        uri.host.parse::<IpAddr>().ok().map(|address| SocketAddr::new(address, uri.port))
    }

    /// Begins a look-up; its ticket. Look-ups that nobody waits for any more end by themselves.
    pub(crate) fn start(&mut self, uri: &Uri<'_>) -> Option<u64> {
        self.last += 1;
        let (ticket, host, port) = (self.last, uri.host.to_owned(), uri.port);
        let (sender, waker) = (self.sender.clone(), self.waker.clone());
        let look_up = move || {
            let addresses =
                (host.as_str(), port).to_socket_addrs().map(Iterator::collect).unwrap_or_default();
            if sender.send((ticket, addresses)).is_ok() {
                waker.wake();
            }
        };
        thread::Builder::new().name("name look-up".into()).spawn(look_up).ok().map(|_| ticket)
    }

    /// A look-up that has ended.
    pub(crate) fn poll(&self) -> Option<(u64, Addresses)> {
        self.receiver.try_recv().ok()
    }
}
