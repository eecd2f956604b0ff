//! A device that measures itself: a registration, and then each request many times. One line for each is printed: the
//! operation, instructions, bytes of stack, bytes of the answer. `cargo xtask instructions --cortex-m4` runs it in QEMU.

#![no_std]
#![no_main]

mod board;
#[path = "../../load.rs"]
mod load;
mod peer;
mod requests;

use core::fmt::Write;
use core::ops::Range;
use core::ptr;

use board::{Counter, Host, stack_of};
use coracle::platform::PredictableEntropy;
use coracle::{Client, Credentials, Instant, Memory, RegistrationState, ServerIndex, ServerSettings};
use load::{Things, things};
use peer::Peer;
use requests::{OBSERVE, OPERATIONS, Operation, created};

coracle::include_profile!();

type Bench<'m> = Client<'m, profile::Profile, Things>;

const SERVER: ServerIndex = ServerIndex(0);
const SECURE: bool = <profile::Profile as coracle::Profile>::DTLS;
const BUFFER: usize = 1300;
/// How often each operation is repeated.
const TIMES: u16 = 200;

static mut MEMORY: Memory<profile::Profile> = Memory::EMPTY;

/// Where a datagram lies in a buffer. Records leave room in front that they need not fill.
fn place(datagram: &[u8], buffer: *const u8) -> Range<usize> {
    let start = datagram.as_ptr() as usize - buffer as usize;
    start..start + datagram.len()
}

/// What the client does about one datagram: the answer, and whatever else is due then.
#[inline(never)]
fn step(client: &mut Bench<'_>, now: Instant, datagram: &mut [u8], out: &mut [u8]) -> Range<usize> {
    let buffer = out.as_ptr();
    let mut sent =
        client.handle_datagram(now, SERVER, datagram, out).map_or(0..0, |answer| place(answer, buffer));
    while let Some(transmit) = client.poll_transmit(now, out) {
        sent = place(transmit.datagram, buffer);
    }
    sent
}

/// What the client does about a changed value: the notification.
#[inline(never)]
fn step_notify(client: &mut Bench<'_>, now: Instant, value: f64, out: &mut [u8]) -> Range<usize> {
    client.update(|things| things.sensor.set_value(value));
    step_idle(client, now, out)
}

/// What the client does when nothing has happened.
#[inline(never)]
fn step_idle(client: &mut Bench<'_>, now: Instant, out: &mut [u8]) -> Range<usize> {
    let buffer = out.as_ptr();
    client.poll_transmit(now, out).map_or(0..0, |transmit| place(transmit.datagram, buffer))
}

/// The first datagram: a Register, or the first hello of a handshake.
#[inline(never)]
fn step_start(client: &mut Bench<'_>, now: Instant, out: &mut [u8]) -> Range<usize> {
    client.register(now, SERVER);
    if client.poll_connect().is_some() {
        client.connected(now, SERVER);
    }
    step_idle(client, now, out)
}

/// A client and its server.
struct Pair<'m> {
    client: Bench<'m>,
    peer: Peer,
    now_ms: u64,
    input: [u8; BUFFER],
    output: [u8; BUFFER],
}

/// What an operation takes.
#[derive(Clone, Copy, Default)]
struct Figures {
    instructions: u32,
    stack: usize,
    bytes: usize,
}

impl Figures {
    /// Another part of the same operation.
    fn add(&mut self, instructions: u32, stack: usize, sent: &Range<usize>) {
        self.instructions += instructions;
        self.stack = self.stack.max(stack);
        self.bytes += sent.len();
    }
}

impl Pair<'_> {
    fn now(&mut self) -> Instant {
        // Message ids of a day are far from each other: duplicates have to be looked for.
        self.now_ms += 1000;
        Instant::from_millis(self.now_ms)
    }

    /// Until the device is registered: what the handshake, and what the registration takes.
    fn register(&mut self) -> Option<[Figures; 2]> {
        let mut figures = [Figures::default(); 2];
        let mut message = [0; BUFFER];
        let now = self.now();
        let mut counter = Counter::default();
        let (client, output) = (&mut self.client, &mut self.output);
        let (mut sent, stack) = stack_of(|| counter.count(|| step_start(client, now, output)));
        figures[usize::from(!SECURE)].add(counter.mean(), stack, &sent);
        for _ in 0..8 {
            let datagram = &mut self.output[sent];
            let (register, answer) = self.peer.receive(datagram, &mut message, &mut self.input);
            let datagram = if register > 0 {
                let written = created(&message[..register], &mut self.input[Peer::START..]);
                self.peer.send(&mut self.input, written)
            } else {
                &mut self.input[..answer]
            };
            let mut counter = Counter::default();
            let (client, output) = (&mut self.client, &mut self.output);
            let stack;
            (sent, stack) = stack_of(|| counter.count(|| step(client, now, datagram, output)));
            figures[usize::from(register > 0)].add(counter.mean(), stack, &sent);
            while self.client.poll_event().is_some() {}
            if self.client.state(SERVER) == Some(RegistrationState::Registered) {
                return Some(figures);
            }
        }
        None
    }

    /// One thing again and again.
    fn repeat(
        &mut self,
        mut work: impl FnMut(&mut Self, u16, &mut Counter) -> (Range<usize>, usize),
    ) -> Figures {
        let (mut figures, mut counter) = (Figures::default(), Counter::default());
        for n in 0..TIMES {
            let (sent, stack) = work(self, n, &mut counter);
            figures.stack = figures.stack.max(stack);
            figures.bytes = sent.len();
            while self.client.poll_event().is_some() {}
        }
        Figures { instructions: counter.mean(), ..figures }
    }

    fn request(&mut self, operation: &Operation, ids: u16) -> Figures {
        self.repeat(|pair, n, counter| {
            let now = pair.now();
            let length = operation.write(ids + n, &mut pair.input[Peer::START..]);
            let datagram = pair.peer.send(&mut pair.input, length);
            let (client, output) = (&mut pair.client, &mut pair.output);
            stack_of(|| counter.count(|| step(client, now, datagram, output)))
        })
    }

    fn notifications(&mut self) -> Figures {
        self.repeat(|pair, n, counter| {
            let now = pair.now();
            let value = 20.0 + f64::from(n % 2) * 1.3;
            let (client, output) = (&mut pair.client, &mut pair.output);
            stack_of(|| counter.count(|| step_notify(client, now, value, output)))
        })
    }

    fn idle(&mut self) -> Figures {
        self.repeat(|pair, _, counter| {
            let now = pair.now();
            let (client, output) = (&mut pair.client, &mut pair.output);
            stack_of(|| counter.count(|| step_idle(client, now, output)))
        })
    }
}

fn print(name: &str, figures: &Figures) {
    let _ = writeln!(Host, "{name} {} {} {}", figures.instructions, figures.stack, figures.bytes);
}

fn run() -> Option<()> {
    // SAFETY: this function runs once.
    let memory = unsafe { &mut *ptr::addr_of_mut!(MEMORY) };
    let mut client =
        Client::new(&mut memory.client, "bench", things(), &mut PredictableEntropy::from_seed(1)).ok()?;
    client
        .add_server(&ServerSettings {
            uri: if SECURE { "coaps://192.0.2.1" } else { "coap://192.0.2.1" },
            short_server_id: 1,
            lifetime_s: 86_400,
            store_notifications: true,
            credentials: if SECURE { Credentials::psk(peer::IDENTITY, peer::KEY) } else { Credentials::NONE },
        })
        .ok()?;
    let peer = Peer::new(SECURE);
    let mut pair = Pair { client, peer, now_ms: 1, input: [0; BUFFER], output: [0; BUFFER] };
    let [handshake, registration] = pair.register()?;
    if SECURE {
        print("handshake", &handshake);
    }
    print("register", &registration);
    let mut ids = 1000;
    for operation in OPERATIONS {
        print(operation.name, &pair.request(operation, ids));
        ids += TIMES;
    }
    let length = OBSERVE.write(ids, &mut pair.input[Peer::START..]);
    let datagram = pair.peer.send(&mut pair.input, length);
    step(&mut pair.client, Instant::from_millis(pair.now_ms), datagram, &mut pair.output);
    print("notify-float", &pair.notifications());
    print("idle", &pair.idle());
    Some(())
}

#[unsafe(no_mangle)]
extern "C" fn reset() -> ! {
    board::start();
    board::exit(u32::from(run().is_none()))
}

#[unsafe(no_mangle)]
extern "C" fn fault() -> ! {
    board::exit(2)
}

#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    board::exit(3)
}
