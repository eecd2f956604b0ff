//! The demo device on the emulator's network.

use core::fmt::Arguments;
use core::net::{Ipv4Addr, SocketAddr};

use coracle::Memory;
use coracle::driver::asynchronous::Shared;
use coracle::platform::{Entropy, PredictableEntropy};
use coracle_demo_app::{Demo, Profile, Settings, Things};
use coracle_embassy::{Network, SocketMemory};
use embassy_futures::select::{Either3, select3};
use embassy_net::driver::Driver;
use embassy_net::{Config, Ipv4Cidr, Runner, Stack, StackResources, StaticConfigV4};
use embassy_sync::blocking_mutex::raw::NoopRawMutex;
use embassy_time::Timer;
use static_cell::{ConstStaticCell, StaticCell};

use crate::semihosting;

/// Room for the command line.
const LINE: usize = 256;
/// Sockets of the stack: the client needs one, a look-up of names another.
const SOCKETS: usize = 2;
/// Two datagrams of the profile.
const SOCKET_ROOM: usize = 2048;
/// What the emulator's network gives to its first guest; it has DHCP, too, but this is at once.
const ADDRESS: Ipv4Cidr = Ipv4Cidr::new(Ipv4Addr::new(10, 0, 2, 15), 24);
const GATEWAY: Ipv4Addr = Ipv4Addr::new(10, 0, 2, 2);
/// So that the answer to the last request leaves before the end.
const FAREWELL_MS: u64 = 200;

static LINE_ROOM: ConstStaticCell<[u8; LINE]> = ConstStaticCell::new([0; LINE]);
static MEMORY: ConstStaticCell<Memory<Profile>> = ConstStaticCell::new(Memory::EMPTY);
static SOCKET: ConstStaticCell<SocketMemory<SOCKET_ROOM, SOCKET_ROOM>> =
    ConstStaticCell::new(SocketMemory::EMPTY);
static RESOURCES: StaticCell<StackResources<SOCKETS>> = StaticCell::new();

type Device = Shared<'static, NoopRawMutex, Profile, Things>;

/// Where lines go.
pub type Serial = fn(Arguments<'_>);

/// Registers and serves until the server asks for a reboot; the exit code.
pub async fn run<D: Driver>(nic: D, serial: Serial) -> u32 {
    let line = semihosting::command_line(LINE_ROOM.take()).unwrap_or("");
    let settings = match Settings::parse(line) {
        Ok(settings) => settings,
        Err(error) => {
            serial(format_args!("the command line is wrong: {error}"));
            return 2;
        }
    };
    serial(format_args!("{} starts for {}", settings.endpoint, settings.server));
    let Memory { client, buffers } = MEMORY.take();
    // An emulator has no entropy, and this device no secrets.
    let mut entropy = PredictableEntropy::from_seed(settings.seed);
    let Some((stack, mut runner)) = stack(nic, &mut entropy) else { return 2 };
    let now = coracle_demo_app::asynchronous::now();
    let things = Demo::objects(now, 0);
    let server = settings.server_settings();
    let client = match Demo::client(client, settings.endpoint, things, &server, &mut entropy) {
        Ok(client) => client,
        Err(error) => {
            serial(format_args!("there is no client: {error}"));
            return 2;
        }
    };
    let device = Device::new(client);
    let network = &Network::new(stack, SOCKET.take());
    let any = SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0));
    let application = async {
        coracle_demo_app::asynchronous::run(&device, Demo::new(now), &|text| serial(text)).await;
        Timer::after_millis(FAREWELL_MS).await;
    };
    let Either3::First(()) = select3(application, device.run(&network, any, buffers), runner.run()).await;
    0
}

fn stack<D: Driver>(nic: D, entropy: &mut impl Entropy) -> Option<(Stack<'static>, Runner<'static, D>)> {
    let config = Config::ipv4_static(StaticConfigV4 {
        address: ADDRESS,
        gateway: Some(GATEWAY),
        #[allow(clippy::default_trait_access)] // embassy-net does not export the type
        dns_servers: Default::default(),
    });
    let mut seed = [0; 8];
    entropy.fill(&mut seed).ok()?;
    Some(embassy_net::new(nic, config, RESOURCES.init(StackResources::new()), u64::from_le_bytes(seed)))
}
