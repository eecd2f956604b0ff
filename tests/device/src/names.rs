//! A network whose names may be missing, as at a first start before the name server is there.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use coracle::platform::{Connection, Network};
use coracle::{Instant, ServerIndex, Uri};
use coracle_posix::PosixNetwork;

pub(crate) struct Names {
    pub(crate) network: PosixNetwork,
    known: Arc<AtomicBool>,
    /// Look-ups that have failed and were not told yet.
    failed: VecDeque<ServerIndex>,
}

impl Names {
    pub(crate) const fn new(network: PosixNetwork, known: Arc<AtomicBool>) -> Self {
        Self { network, known, failed: VecDeque::new() }
    }
}

impl Network for Names {
    fn connect(&mut self, server: ServerIndex, uri: Uri<'_>) -> Connection {
        if self.known.load(Ordering::Acquire) {
            return self.network.connect(server, uri);
        }
        self.failed.push_back(server);
        self.network.waker().wake();
        Connection::Pending
    }

    fn poll_connection(&mut self) -> Option<(ServerIndex, Connection)> {
        match self.failed.pop_front() {
            Some(server) => Some((server, Connection::Failed)),
            None => self.network.poll_connection(),
        }
    }

    fn send(&mut self, server: ServerIndex, datagram: &[u8]) {
        self.network.send(server, datagram);
    }

    fn receive(&mut self, buffer: &mut [u8]) -> Option<(ServerIndex, usize)> {
        self.network.receive(buffer)
    }

    fn wait(&mut self, until: Option<Instant>) {
        self.network.wait(until);
    }

    fn now(&self) -> Instant {
        self.network.now()
    }
}
