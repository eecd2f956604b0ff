//! The demo device on a serial line, without radio and without allocator. It wakes every minute, tells what has changed,
//! and sleeps: with a connection ID that is one datagram, and no handshake.
//!
//! SLIP on UART 1, GPIO 4 (RX) and GPIO 5 (TX), 115,200 baud: on a Linux host `slattach -p slip -s 115200 /dev/ttyUSB0` and
//! `ip addr add 192.168.7.1 peer 192.168.7.2 dev sl0`.

#![no_std]
#![no_main]

use core::net::{Ipv4Addr, SocketAddr};
use core::time::Duration;

use coracle::driver::asynchronous::Shared;
use coracle::platform::Entropy;
use coracle::{Instant, Memory, ServerIndex};
use coracle_demo_app::asynchronous::Awake;
use coracle_demo_app::{Demo, Profile, Things, asynchronous};
use coracle_embassy::{Network, SocketMemory};
use coracle_esp::{TrngEntropy, sleep, slip};
use coracle_esp32c3::{SETTINGS_LEN, TASK, end, endpoint, log, stop, store};
use coracle_storage::read_server;
use embassy_executor::Spawner;
use embassy_futures::select::{Either, select};
use embassy_net::{Config, Ipv4Address, Ipv4Cidr, Runner, StackResources, StaticConfigV4};
use embassy_net_driver_channel::driver::HardwareAddress;
use embassy_net_driver_channel::{Device as SlipDevice, State as SlipState};
use embassy_sync::blocking_mutex::raw::NoopRawMutex;
use embassy_time::with_timeout;
use esp_backtrace as _;
use esp_hal::peripherals::RTC_TIMER;
use esp_hal::rng::TrngSource;
use esp_hal::rtc_cntl::Rtc;
use esp_hal::timer::timg::TimerGroup;
use esp_hal::uart::{Config as UartConfig, Uart};
use static_cell::{ConstStaticCell, StaticCell};

esp_bootloader_esp_idf::esp_app_desc!();

const SERVER: ServerIndex = ServerIndex(0);
/// The longest IP packet on the line, in bytes.
const MTU: usize = 1500;
/// Between two wakes.
const SLEEP: Duration = Duration::from_mins(1);
/// A server may send requests for as long as this after the last sign of it.
const QUIET: embassy_time::Duration = embassy_time::Duration::from_secs(2);
/// A server that does not answer costs no more than this.
const PATIENCE: embassy_time::Duration = embassy_time::Duration::from_secs(60);

static MEMORY: ConstStaticCell<Memory<Profile>> = ConstStaticCell::new(Memory::EMPTY);
static SOCKET: ConstStaticCell<SocketMemory<2560, 1280>> = ConstStaticCell::new(SocketMemory::EMPTY);
static RESOURCES: StaticCell<StackResources<1>> = StaticCell::new();
static LINE: StaticCell<SlipState<MTU, 2, 2>> = StaticCell::new();

type Device = Shared<'static, NoopRawMutex, Profile, Things>;

// Otherwise nothing could be saved, and every wake would cost a registration.
const _: () = assert!(coracle_demo_app::sleep::RETAINED_LEN <= sleep::RETAINED_LEN);

#[embassy_executor::task]
async fn run_network(mut runner: Runner<'static, SlipDevice<'static, MTU>>) -> ! {
    runner.run().await
}

#[embassy_executor::task]
async fn run_line(
    channel: embassy_net_driver_channel::Runner<'static, MTU>,
    uart: Uart<'static, esp_hal::Async>,
) -> ! {
    let (receive, send) = uart.split();
    slip::run(channel, receive, send).await
}

#[esp_rtos::main]
async fn main(spawner: Spawner) -> ! {
    let peripherals = esp_hal::init(esp_hal::Config::default());
    esp_rtos::start(TimerGroup::new(peripherals.TIMG0).timer0, peripherals.FROM_CPU_INTR0);

    let uart = Uart::new(peripherals.UART1, UartConfig::default()).unwrap_or_else(|error| stop(&error));
    let uart = uart.with_rx(peripherals.GPIO4).with_tx(peripherals.GPIO5).into_async();
    let mut store = store(peripherals.FLASH).unwrap_or_else(|fault| stop(&fault));
    let mut settings = [0; SETTINGS_LEN];
    let Ok(Some(server)) = read_server(&mut store, SERVER, &mut settings) else {
        stop(&"no server is stored")
    };

    // The radio is off: the noise comes from the ADC.
    let source = TrngSource::new(peripherals.RNG, peripherals.ADC1);
    let mut entropy = TrngEntropy::from_adc(&source).unwrap_or_else(|error| stop(&error));
    let mut seed = [0; 8];
    entropy.fill(&mut seed).unwrap_or_else(|error| stop(&error));
    let Memory { client, buffers } = MEMORY.take();
    let name = endpoint();
    let mut client =
        Demo::client(client, name.as_str(), measure(peripherals.RTC_TIMER), &server, &mut entropy)
            .unwrap_or_else(|error| stop(&error));
    drop(entropy);
    drop(source);

    let Some(mut retained) = sleep::retained() else { stop(&"the retained memory is in use") };
    match coracle_demo_app::sleep::wake(&mut client, asynchronous::now(), &mut retained) {
        Ok(()) => log(format_args!("{} wakes", name.as_str())),
        Err(None) => log(format_args!("{} starts", name.as_str())),
        Err(Some(error)) => log(format_args!("{} starts: {error}", name.as_str())),
    }

    let line = LINE.init(SlipState::new());
    let (channel, device) = embassy_net_driver_channel::new(line, HardwareAddress::Ip);
    let config = Config::ipv4_static(StaticConfigV4 {
        address: Ipv4Cidr::new(Ipv4Address::new(192, 168, 7, 2), 24),
        gateway: Some(Ipv4Address::new(192, 168, 7, 1)),
        dns_servers: Default::default(),
    });
    let resources = RESOURCES.init(StackResources::new());
    let (stack, runner) = embassy_net::new(device, config, resources, u64::from_le_bytes(seed));
    spawner.spawn(run_network(runner).unwrap_or_else(|_| stop(&TASK)));
    spawner.spawn(run_line(channel, uart).unwrap_or_else(|_| stop(&TASK)));

    let shared = Device::new(client);
    let network = Network::new(stack, SOCKET.take());
    let any = SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0));
    let work = with_timeout(PATIENCE, asynchronous::awake(&shared, &mut retained, QUIET, &log));
    let drive = async { shared.run(&&network, any, buffers).await };
    match select(work, drive).await {
        Either::First(Ok(Awake::Done)) => log(format_args!("sleeps for {} s", SLEEP.as_secs())),
        Either::First(Ok(Awake::Request(request))) => {
            retained.clear();
            end(request, &mut store)
        }
        Either::First(Err(_)) => {
            retained.clear();
            log(format_args!("sleeps for {} s, and will register anew", SLEEP.as_secs()));
        }
        Either::Second(never) => never,
    }
    sleep::deep_sleep(peripherals.LPWR, SLEEP)
}

/// The objects with the values of this moment. The clock of the sleep controller counts since power-on, also in sleep: so the
/// simulated world goes on where it was.
fn measure(timer: RTC_TIMER<'_>) -> Things {
    let since_power_up = Rtc::new(timer).time_since_power_up();
    let mut things = Demo::objects(Instant::ZERO, 0);
    Demo::new(Instant::ZERO).advance(Instant::from_millis(since_power_up.as_millis()), &mut things);
    things
}
