//! The demo device over wifi: DHCP, DNS, DTLS with a pre-shared key, the asynchronous driver.

#![no_std]
#![no_main]

use coracle::driver::asynchronous::Shared;
use coracle::platform::Entropy;
use coracle::{Memory, ServerIndex};
use coracle_demo_app::{Demo, Profile, Things, asynchronous};
use coracle_embassy::{Network, SocketMemory};
use coracle_esp::{TrngEntropy, wifi};
use coracle_esp32c3::{SETTINGS_LEN, TASK, end, endpoint, log, stop, store};
use coracle_storage::read_server;
use core::net::{Ipv4Addr, SocketAddr};
use embassy_executor::Spawner;
use embassy_futures::select::{Either3, select3};
use embassy_net::{Config, Runner, Stack, StackResources};
use embassy_sync::blocking_mutex::raw::NoopRawMutex;
use esp_backtrace as _;
use esp_hal::timer::timg::TimerGroup;
use esp_radio::wifi::{Interface, WifiController};
use static_cell::{ConstStaticCell, StaticCell};

esp_bootloader_esp_idf::esp_app_desc!();

const SSID: &str = match option_env!("CORACLE_WIFI_SSID") {
    Some(name) => name,
    None => "coracle",
};
/// Empty for an open network.
const PASSWORD: &str = match option_env!("CORACLE_WIFI_PASSWORD") {
    Some(password) => password,
    None => "",
};

static MEMORY: ConstStaticCell<Memory<Profile>> = ConstStaticCell::new(Memory::EMPTY);
static SOCKET: ConstStaticCell<SocketMemory<2560, 1280>> = ConstStaticCell::new(SocketMemory::EMPTY);
/// One socket each for the client, DHCP and DNS.
static RESOURCES: StaticCell<StackResources<3>> = StaticCell::new();

type Device = Shared<'static, NoopRawMutex, Profile, Things>;

#[embassy_executor::task]
async fn run_network(mut runner: Runner<'static, Interface>) -> ! {
    runner.run().await
}

#[embassy_executor::task]
async fn run_wifi(mut controller: WifiController<'static>) -> ! {
    wifi::keep_connected(&mut controller, |connected| {
        log(format_args!("wifi is {}", if connected { "connected" } else { "gone" }));
    })
    .await
}

#[esp_rtos::main]
async fn main(spawner: Spawner) -> ! {
    let peripherals = esp_hal::init(esp_hal::Config::default());
    // For the radio: nothing of Coracle allocates.
    esp_alloc::heap_allocator!(#[esp_hal::ram(reclaimed)] size: 64 * 1024);
    esp_alloc::heap_allocator!(size: 36 * 1024);
    esp_rtos::start(TimerGroup::new(peripherals.TIMG0).timer0, peripherals.FROM_CPU_INTR0);

    let mut controller = match WifiController::new(peripherals.WIFI, Default::default()) {
        Ok(controller) => controller,
        Err(error) => stop(&error),
    };
    let station = wifi::station(SSID, PASSWORD);
    if let Err(error) = station.and_then(|station| controller.set_config(&station)) {
        stop(&error);
    }
    let mut store = store(peripherals.FLASH).unwrap_or_else(|fault| stop(&fault));
    let mut settings = [0; SETTINGS_LEN];
    let Ok(Some(server)) = read_server(&mut store, ServerIndex(0), &mut settings) else {
        stop(&"no server is stored")
    };

    // While the radio is on there is noise for the generator.
    let mut entropy = TrngEntropy::from_radio(&controller).unwrap_or_else(|error| stop(&error));
    let mut seed = [0; 8];
    entropy.fill(&mut seed).unwrap_or_else(|error| stop(&error));
    let Memory { client, buffers } = MEMORY.take();
    let now = asynchronous::now();
    let name = endpoint();
    let client = Demo::client(client, name.as_str(), Demo::objects(now, 0), &server, &mut entropy)
        .unwrap_or_else(|error| stop(&error));
    log(format_args!("{} starts for {}", name.as_str(), server.uri));

    let resources = RESOURCES.init(StackResources::new());
    let config = Config::dhcpv4(embassy_net::DhcpConfig::default());
    let (stack, runner) = embassy_net::new(Interface::station(), config, resources, u64::from_le_bytes(seed));
    spawner.spawn(run_network(runner).unwrap_or_else(|_| stop(&TASK)));
    spawner.spawn(run_wifi(controller).unwrap_or_else(|_| stop(&TASK)));
    stack.wait_config_up().await;

    let shared = Device::new(client);
    let network = Network::new(stack, SOCKET.take());
    let any = SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0));
    let drive = async { shared.run(&&network, any, buffers).await };
    let device = asynchronous::run(&shared, Demo::new(now), &log);
    match select3(device, drive, follow(stack, &shared)).await {
        Either3::First(request) => end(request, &mut store),
        Either3::Second(never) | Either3::Third(never) => never,
    }
}

/// Whenever the network comes back, with another address perhaps, the server hears of it. With a connection ID the DTLS
/// session goes on, and that is one datagram.
async fn follow(stack: Stack<'static>, shared: &Device) -> ! {
    loop {
        stack.wait_config_down().await;
        stack.wait_config_up().await;
        log(format_args!("the network is back: {:?}", stack.config_v4().map(|config| config.address)));
        shared.with(|client| client.reconnect(asynchronous::now(), ServerIndex(0)));
    }
}
