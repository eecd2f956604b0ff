//! A future that drives a client over `embedded-nal-async` and `embassy-time`.
//!
//! One task runs [`Shared::run`]; any number of others change objects through [`Shared::update`], and one hears what happens
//! from [`Shared::next_event`]. No borrow is held across an await.

use core::cell::RefCell;
use core::net::{IpAddr, SocketAddr};

use coracle_engine::model::Objects;
use coracle_engine::profile::Table;
use coracle_engine::{Instant, ServerIndex};
use embassy_futures::join::join;
use embassy_futures::select::{Either3, select3};
use embassy_sync::blocking_mutex::Mutex;
use embassy_sync::blocking_mutex::raw::RawMutex;
use embassy_sync::signal::Signal;
use embassy_time::{Duration, Timer};
use embedded_nal_async::{AddrType, Dns, UdpStack, UnconnectedUdp};

use crate::{Buffers, Client, Event, Peer, Profile};

/// After an error of the network, so that a broken one is no busy loop.
const PAUSE: Duration = Duration::from_secs(1);

/// A client that several tasks use.
///
/// `M` is `NoopRawMutex` for tasks of one executor, `CriticalSectionRawMutex` when interrupts or other cores take part.
#[allow(missing_debug_implementations)] // keys are in the client
pub struct Shared<'m, M: RawMutex, P: Profile, O> {
    state: Mutex<M, RefCell<State<'m, P, O>>>,
    /// The client has something to do that the driver does not know of.
    changed: Signal<M, ()>,
    /// A server is to be connected.
    connect: Signal<M, ()>,
    /// There are events.
    events: Signal<M, ()>,
}

struct State<'m, P: Profile, O> {
    client: Client<'m, P, O>,
    /// Where each server is, once its name has been looked up.
    peers: P::Peers,
}

fn now() -> Instant {
    Instant::from_millis(embassy_time::Instant::now().as_millis())
}

/// Waits for a point of the client's clock; for ever when there is none.
async fn sleep_until(deadline: Option<Instant>) {
    match deadline {
        Some(instant) => Timer::at(embassy_time::Instant::from_millis(instant.as_millis())).await,
        None => core::future::pending().await,
    }
}

impl<'m, M: RawMutex, P: Profile, O: Objects> Shared<'m, M, P, O> {
    /// Shares a client.
    pub const fn new(client: Client<'m, P, O>) -> Self {
        Self {
            state: Mutex::new(RefCell::new(State { client, peers: P::Peers::EMPTY })),
            changed: Signal::new(),
            connect: Signal::new(),
            events: Signal::new(),
        }
    }

    fn state<R>(&self, work: impl FnOnce(&mut State<'m, P, O>) -> R) -> R {
        self.state.lock(|state| work(&mut state.borrow_mut()))
    }

    /// Uses the client. `work` must not use this `Shared` again.
    pub fn with<R>(&self, work: impl FnOnce(&mut Client<'m, P, O>) -> R) -> R {
        let result = self.state(|state| work(&mut state.client));
        self.changed.signal(());
        result
    }

    /// Changes objects; observers hear of it at once. `change` must not use this `Shared` again.
    pub fn update<R>(&self, change: impl FnOnce(&mut O) -> R) -> R {
        self.with(|client| client.update(change))
    }

    /// Registers with a server, and stays registered.
    pub fn register(&self, server: ServerIndex) {
        self.with(|client| client.register(now(), server));
    }

    /// De-registers from a server.
    pub fn deregister(&self, server: ServerIndex) {
        self.with(|client| client.deregister(now(), server));
    }

    /// Waits for the next event. Meant for one task; with several each event reaches one of them.
    ///
    /// # Cancellation Safety
    /// No event is lost when the future is dropped.
    pub async fn next_event(&self) -> Event {
        loop {
            if let Some(event) = self.state(|state| state.client.poll_event()) {
                return event;
            }
            self.events.wait().await;
        }
    }

    /// Drives the client for ever. `local` is the address to send from; `0.0.0.0:0` or `[::]:0` lets the stack choose, and
    /// decides between IPv4 and IPv6.
    ///
    /// # Cancellation Safety
    /// The future can be dropped at any time and another one run instead: state changes between awaits only. A datagram whose
    /// sending was interrupted counts as lost. The next future has another socket, so it begins with an Update to each server.
    pub async fn run<N: UdpStack + Dns>(
        &self,
        network: &N,
        local: SocketAddr,
        buffers: &mut Buffers<P>,
    ) -> ! {
        self.state(|state| state.client.network_restarted(now()));
        join(self.look_up(network, local.is_ipv4()), self.serve(network, local, buffers)).await.0
    }

    /// Looks up names, one after the other; the servers that are connected are served meanwhile.
    async fn look_up(&self, network: &impl Dns, ipv4: bool) -> ! {
        let mut room = P::Uri::EMPTY;
        loop {
            let Some((server, length, port)) = self.next_connect(room.slots_mut()) else {
                self.connect.wait().await;
                continue;
            };
            let host =
                room.slots().get(..length).and_then(|host| core::str::from_utf8(host).ok()).unwrap_or("");
            let mut address: Option<IpAddr> = host.parse().ok();
            if address.is_none() {
                let family = if ipv4 { AddrType::IPv4 } else { AddrType::IPv6 };
                address = network.get_host_by_name(host, family).await.ok();
            }
            self.state(|state| match (address, state.peers.slots_mut().get_mut(server.index())) {
                (Some(address), Some(peer)) => {
                    *peer = Peer::new(SocketAddr::new(address, port));
                    state.client.connected(now(), server);
                }
                _ => state.client.connection_failed(now(), server),
            });
            self.changed.signal(());
        }
    }

    /// A server that is to be connected: the length of its name, which is copied, and its port.
    fn next_connect(&self, room: &mut [u8]) -> Option<(ServerIndex, usize, u16)> {
        self.state(|state| {
            let connect = state.client.poll_connect()?;
            let host = connect.uri.host.as_bytes();
            room.get_mut(..host.len())?.copy_from_slice(host);
            Some((connect.server, host.len(), connect.uri.port))
        })
    }

    async fn serve(&self, network: &impl UdpStack, local: SocketAddr, buffers: &mut Buffers<P>) -> ! {
        let (input, output) = buffers.split();
        let mut is_another = false;
        loop {
            let Ok(mut socket) = network.bind_multiple(local).await else {
                Timer::after(PAUSE).await;
                continue;
            };
            if is_another {
                self.reconnect();
            }
            is_another = true;
            // Ends when the socket is broken: a new one heals a stack that was restarted.
            self.serve_socket(&mut socket, local, input, output).await;
            drop(socket);
            Timer::after(PAUSE).await;
            self.state(|state| state.client.network_restarted(now()));
        }
    }

    /// The port may be another one now: servers are told by an Update, or the next session.
    fn reconnect(&self) {
        self.state(|state| {
            for index in 0..P::Peers::CAPACITY {
                state.client.reconnect(now(), ServerIndex(index as u8));
            }
        });
    }

    async fn serve_socket(
        &self,
        socket: &mut impl UnconnectedUdp,
        local: SocketAddr,
        input: &mut [u8],
        output: &mut [u8],
    ) {
        let any = SocketAddr::new(local.ip(), 0);
        loop {
            while let Some((remote, datagram)) = self.next_transmit(output) {
                // A datagram that can't be sent counts as lost.
                let _ = socket.send(any, remote, datagram).await;
            }
            self.wake_others();
            let deadline = self.state(|state| state.client.poll_timeout());
            let received =
                select3(socket.receive_into(input), sleep_until(deadline), self.changed.wait()).await;
            let Either3::First(received) = received else { continue };
            let Ok((length, _, remote)) = received else { return };
            // A datagram longer than the buffer was cut: it is dropped.
            let Some(datagram) = input.get_mut(..length) else { continue };
            if let Some(answer) = self.handle(remote, datagram, output) {
                let _ = socket.send(any, remote, answer).await;
            }
        }
    }

    fn next_transmit<'o>(&self, output: &'o mut [u8]) -> Option<(SocketAddr, &'o [u8])> {
        self.state(|state| {
            let transmit = state.client.poll_transmit(now(), output)?;
            let peer = state.peers.slots().get(transmit.server.index())?;
            Some((peer.address()?, transmit.datagram))
        })
    }

    /// Hands over a datagram; those of strangers are dropped.
    fn handle<'o>(&self, remote: SocketAddr, datagram: &mut [u8], output: &'o mut [u8]) -> Option<&'o [u8]> {
        self.state(|state| {
            let index = state.peers.slots().iter().position(|peer| peer.address() == Some(remote))?;
            state.client.handle_datagram(now(), ServerIndex(index as u8), datagram, output)
        })
    }

    fn wake_others(&self) {
        if self.state(|state| state.client.has_events()) {
            self.events.signal(());
        }
        self.connect.signal(());
    }
}
