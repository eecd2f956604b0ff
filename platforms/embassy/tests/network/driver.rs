//! The asynchronous driver over embassy-net, against a server that writes its own bytes.

use std::cell::{Cell, RefCell};
use std::net::{IpAddr, SocketAddr};

use crate::wire::{ROOM, any, run};
use coracle::driver::asynchronous::Shared;
use coracle::platform::PredictableEntropy;
use coracle::{
    Client, Credentials, DefaultProfile, Event, Memory, RegistrationState, ServerIndex, ServerSettings,
};
use coracle_embassy::{Bound, Connected, Error, Network};
use embassy_futures::select::{Either, select};
use embassy_sync::blocking_mutex::raw::NoopRawMutex;
use embassy_time::{Duration, Timer};
use embedded_nal_async::{AddrType, Dns, UdpStack, UnconnectedUdp};

type Device = Shared<'static, NoopRawMutex, DefaultProfile, ()>;
/// Of all messages that the server has received.
type Codes = RefCell<Vec<u8>>;
type Buffers = coracle::Buffers<DefaultProfile>;

const SERVER: ServerIndex = ServerIndex(0);
const CREATED: u8 = 0x41;
const DELETED: u8 = 0x42;
const CHANGED: u8 = 0x44;
const NOT_FOUND: u8 = 0x84;
const POST: u8 = 2;
const DELETE: u8 = 4;

fn device() -> (Device, &'static mut Buffers) {
    let Memory { client, buffers } = Box::leak(Box::new(Memory::<DefaultProfile>::EMPTY));
    let mut client = Client::new(client, "device", (), &mut PredictableEntropy::from_seed(7)).unwrap();
    let settings = ServerSettings {
        uri: "coap://192.0.2.2",
        short_server_id: 1,
        lifetime_s: 300,
        store_notifications: true,
        credentials: Credentials::NONE,
    };
    assert_eq!(client.add_server(&settings), Ok(SERVER));
    (Device::new(client), buffers)
}

/// Nothing follows on the location.
fn is_update(message: &[u8]) -> bool {
    message.ends_with(&[0x01, b'7'])
}

/// Answers Register, Update and De-register; the codes of all messages, and where the last one came from.
async fn serve(network: &Network<'_>, codes: &Codes) {
    let mut socket = network.bind_multiple(any(5683)).await.unwrap();
    let mut buffer = [0; ROOM];
    loop {
        let (length, local, remote) = socket.receive_into(&mut buffer).await.unwrap();
        let message = &buffer[..length];
        let (token_length, code) = (usize::from(message[0] & 0x0F), message[1]);
        codes.borrow_mut().push(code);
        let mut answer = vec![0x60 | message[0] & 0x0F, DELETED, message[2], message[3]];
        answer.extend(&message[4..4 + token_length]);
        match code {
            POST if is_update(message) => answer[1] = CHANGED,
            POST => {
                answer[1] = CREATED;
                answer.extend([0x82, b'r', b'd', 0x01, b'7']); // Location-Path rd, 7
            }
            DELETE => {}
            _ => continue,
        }
        socket.send(local, remote, &answer).await.unwrap();
        if code == POST && answer[1] == CREATED {
            // Read of /9, confirmable, without a token: there is no such object.
            socket.send(local, remote, &[0x40, 1, 0x12, 0x34, 0xB1, b'9']).await.unwrap();
        }
    }
}

async fn wait_for(device: &Device, state: RegistrationState) {
    loop {
        let event = device.next_event().await;
        if matches!(event, Event::Registration { state: now, .. } if now == state) {
            return;
        }
    }
}

#[test]
fn it_registers_answers_and_deregisters() {
    run(|first, second, _| async move {
        let (device, buffers) = device();
        let codes = Codes::default();
        let application = async {
            device.register(SERVER);
            wait_for(&device, RegistrationState::Registered).await;
            while !codes.borrow().contains(&NOT_FOUND) {
                Timer::after_millis(1).await;
            }
            device.deregister(SERVER);
            wait_for(&device, RegistrationState::Idle).await;
        };
        let network = &first;
        let both = select(serve(&second, &codes), device.run(&network, any(0), buffers));
        assert!(matches!(select(application, both).await, Either::First(())));
        assert_eq!(*codes.borrow(), [POST, NOT_FOUND, DELETE]);
    });
}

#[test]
fn a_driver_that_was_dropped_can_be_run_anew() {
    run(|first, second, cut| async move {
        let (device, buffers) = device();
        let codes = Codes::default();
        let network = &first;
        device.register(SERVER);
        // Nothing is answered: the drop comes while a message is on its way.
        cut.set(true);
        let first_run = device.run(&network, any(0), buffers);
        assert!(matches!(select(first_run, Timer::after_millis(50)).await, Either::Second(())));
        cut.set(false);
        let both = select(serve(&second, &codes), device.run(&network, any(0), buffers));
        let registered = wait_for(&device, RegistrationState::Registered);
        assert!(matches!(select(registered, both).await, Either::First(())));
        assert_eq!(device.with(|client| client.state(SERVER)), Some(RegistrationState::Registered));
    });
}

#[test]
fn a_network_that_is_in_use_is_tried_again() {
    run(|first, second, _| async move {
        let (device, buffers) = device();
        let codes = Codes::default();
        let network = &first;
        let other_user = async {
            let bound = network.bind_single(any(0)).await.unwrap();
            device.register(SERVER);
            Timer::after(Duration::from_millis(50)).await;
            drop(bound);
            wait_for(&device, RegistrationState::Registered).await;
        };
        let both = select(serve(&second, &codes), device.run(&network, any(0), buffers));
        assert!(matches!(select(other_user, both).await, Either::First(())));
    });
}

/// A network whose socket can break.
struct Fragile<'n> {
    network: &'n Network<'static>,
    breaks: &'n Cell<bool>,
}

struct FragileSocket<'n> {
    bound: Bound<'n, 'static>,
    breaks: &'n Cell<bool>,
}

impl<'n> UdpStack for Fragile<'n> {
    type Error = Error;
    type Connected = Connected<'n, 'static>;
    type UniquelyBound = Bound<'n, 'static>;
    type MultiplyBound = FragileSocket<'n>;

    async fn connect_from(
        &self,
        local: SocketAddr,
        remote: SocketAddr,
    ) -> Result<(SocketAddr, Self::Connected), Error> {
        self.network.connect_from(local, remote).await
    }

    async fn bind_single(&self, local: SocketAddr) -> Result<(SocketAddr, Self::UniquelyBound), Error> {
        self.network.bind_single(local).await
    }

    async fn bind_multiple(&self, local: SocketAddr) -> Result<FragileSocket<'n>, Error> {
        Ok(FragileSocket { bound: self.network.bind_multiple(local).await?, breaks: self.breaks })
    }
}

impl UnconnectedUdp for FragileSocket<'_> {
    type Error = Error;

    async fn send(&mut self, local: SocketAddr, remote: SocketAddr, data: &[u8]) -> Result<(), Error> {
        self.bound.send(local, remote, data).await
    }

    async fn receive_into(&mut self, buffer: &mut [u8]) -> Result<(usize, SocketAddr, SocketAddr), Error> {
        let broken = async {
            while !self.breaks.replace(false) {
                Timer::after_millis(1).await;
            }
        };
        match select(self.bound.receive_into(buffer), broken).await {
            Either::First(received) => received,
            Either::Second(()) => Err(Error::NoRoute),
        }
    }
}

impl Dns for Fragile<'_> {
    type Error = Error;

    async fn get_host_by_name(&self, host: &str, family: AddrType) -> Result<IpAddr, Error> {
        self.network.get_host_by_name(host, family).await
    }

    async fn get_host_by_address(&self, address: IpAddr, result: &mut [u8]) -> Result<usize, Error> {
        self.network.get_host_by_address(address, result).await
    }
}

#[test]
fn a_new_socket_is_told_to_the_server() {
    run(|first, second, _| async move {
        let (device, buffers) = device();
        let codes = Codes::default();
        let breaks = Cell::new(false);
        let network = Fragile { network: &first, breaks: &breaks };
        let application = async {
            device.register(SERVER);
            wait_for(&device, RegistrationState::Registered).await;
            breaks.set(true);
            // Its port is another one: without an Update the server's requests would go nowhere.
            wait_for(&device, RegistrationState::Registered).await;
        };
        let both = select(serve(&second, &codes), device.run(&network, any(0), buffers));
        assert!(matches!(select(application, both).await, Either::First(())));
        codes.borrow_mut().retain(|code| *code == POST);
        assert_eq!(codes.borrow().len(), 2, "Register and Update");
    });
}
