//! A network stack in memory: every call that may take time does, so that a future can be dropped there.

use core::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::cell::RefCell;
use std::collections::{BTreeMap, VecDeque};
use std::convert::Infallible;
use std::future::poll_fn;
use std::rc::Rc;
use std::task::{Poll, Waker};

use embedded_nal_async::{AddrType, ConnectedUdp, Dns, UdpStack, UnconnectedUdp};

/// Where the server is.
pub(crate) const SERVER: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1)), 5683);

#[derive(Default)]
struct Port {
    received: VecDeque<Vec<u8>>,
    waker: Option<Waker>,
}

#[derive(Default)]
struct State {
    ports: BTreeMap<u16, Port>,
    last: u16,
    sent: VecDeque<(u16, Vec<u8>)>,
    look_ups: u32,
}

#[derive(Clone, Default)]
pub(crate) struct Stack(Rc<RefCell<State>>);

/// Takes one more poll, as an operation that waits for hardware does.
async fn pause() {
    let mut first = true;
    poll_fn(|context| {
        if std::mem::take(&mut first) {
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        Poll::Ready(())
    })
    .await;
}

impl Stack {
    /// A datagram that was sent, and the port that it came from.
    pub(crate) fn take_sent(&self) -> Option<(u16, Vec<u8>)> {
        self.0.borrow_mut().sent.pop_front()
    }

    /// A datagram for a port; one that is not open drops it.
    pub(crate) fn deliver(&self, port: u16, datagram: Vec<u8>) {
        let waker = match self.0.borrow_mut().ports.get_mut(&port) {
            Some(port) => {
                port.received.push_back(datagram);
                port.waker.take()
            }
            None => None,
        };
        waker.into_iter().for_each(Waker::wake);
    }

    /// How many names were looked up.
    pub(crate) fn look_ups(&self) -> u32 {
        self.0.borrow().look_ups
    }
}

/// An open port; it is closed when the socket is dropped.
pub(crate) struct Socket(Stack, u16);

impl Drop for Socket {
    fn drop(&mut self) {
        self.0.0.borrow_mut().ports.remove(&self.1);
    }
}

impl UnconnectedUdp for Socket {
    type Error = Infallible;

    async fn send(&mut self, _: SocketAddr, remote: SocketAddr, data: &[u8]) -> Result<(), Infallible> {
        assert_eq!(remote, SERVER);
        pause().await;
        self.0.0.borrow_mut().sent.push_back((self.1, data.to_vec()));
        Ok(())
    }

    async fn receive_into(
        &mut self,
        buffer: &mut [u8],
    ) -> Result<(usize, SocketAddr, SocketAddr), Infallible> {
        let datagram = poll_fn(|context| {
            let mut state = self.0.0.borrow_mut();
            let port = state.ports.get_mut(&self.1).expect("it is open");
            if let Some(datagram) = port.received.pop_front() {
                return Poll::Ready(datagram);
            }
            port.waker = Some(context.waker().clone());
            Poll::Pending
        })
        .await;
        buffer[..datagram.len()].copy_from_slice(&datagram);
        let local = SocketAddr::new(Ipv4Addr::LOCALHOST.into(), self.1);
        Ok((datagram.len(), local, SERVER))
    }
}

/// The driver does not use these.
impl ConnectedUdp for Socket {
    type Error = Infallible;

    async fn send(&mut self, _: &[u8]) -> Result<(), Infallible> {
        unreachable!("the driver has one socket for all servers")
    }

    async fn receive_into(&mut self, _: &mut [u8]) -> Result<usize, Infallible> {
        unreachable!("the driver has one socket for all servers")
    }
}

impl UdpStack for Stack {
    type Error = Infallible;
    type Connected = Socket;
    type UniquelyBound = Socket;
    type MultiplyBound = Socket;

    async fn connect_from(&self, _: SocketAddr, _: SocketAddr) -> Result<(SocketAddr, Socket), Infallible> {
        unreachable!("the driver has one socket for all servers")
    }

    async fn bind_single(&self, _: SocketAddr) -> Result<(SocketAddr, Socket), Infallible> {
        unreachable!("the driver has one socket for all servers")
    }

    async fn bind_multiple(&self, local: SocketAddr) -> Result<Socket, Infallible> {
        assert_eq!(local.port(), 0);
        pause().await;
        let mut state = self.0.borrow_mut();
        state.last += 1;
        let port = state.last;
        state.ports.insert(port, Port::default());
        Ok(Socket(self.clone(), port))
    }
}

impl Dns for Stack {
    type Error = Infallible;

    async fn get_host_by_name(&self, _: &str, _: AddrType) -> Result<IpAddr, Infallible> {
        self.0.borrow_mut().look_ups += 1;
        pause().await;
        Ok(SERVER.ip())
    }

    async fn get_host_by_address(&self, _: IpAddr, _: &mut [u8]) -> Result<usize, Infallible> {
        unreachable!("the driver knows no addresses without names")
    }
}
