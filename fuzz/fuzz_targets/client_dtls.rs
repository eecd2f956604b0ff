//! A device and its server over DTLS, with somebody between them who loses, repeats, reorders, changes and adds datagrams:
//! the client allocates nothing, comes to rest after each step, and is registered afterwards, when the network works.
#![no_main]

use coracle::crypto::server::{Config, SessionCache};
use coracle::{Credentials, Instant, ServerIndex};
use coracle_fuzz::device::{Device, Transport, answer, with};
use coracle_fuzz::dtls::{IDENTITY, KEY, OneClient, Server};
use coracle_fuzz::input::Input;
use coracle_fuzz::message::Seen;
use coracle_fuzz::script::{Pipe, changed, request};

const STEPS: usize = 48;
const SERVER: ServerIndex = ServerIndex(0);

struct Dtls<'a>(Server<'a>);

impl Transport for Dtls<'_> {
    fn take(&mut self, now: u64, _: usize, datagram: &[u8], back: &mut Vec<Vec<u8>>) -> Vec<Vec<u8>> {
        self.0.deliver(now, datagram);
        back.append(&mut self.0.sent);
        std::mem::take(&mut self.0.data)
    }

    fn put(&mut self, _: usize, message: Vec<u8>) -> Option<Vec<u8>> {
        self.0.seal(&message)
    }

    fn deadline(&self) -> Option<u64> {
        self.0.deadline()
    }

    fn tick(&mut self, now: u64, back: &mut Vec<Vec<u8>>) {
        self.0.settle(now);
        back.append(&mut self.0.sent);
    }
}

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    with(&[("coaps://a", Credentials::psk(IDENTITY, KEY))], |device| {
        let (clients, sessions) = (OneClient(KEY), SessionCache::<2>::new());
        let config = Config { sessions: Some(&sessions), ..Config::with_psk(&clients) };
        let mut server = Server::new(config);
        let (mut up, mut down) = (Pipe::default(), Pipe::default());
        let mut input = Input::new(data);
        device.client.register(Instant::from_millis(device.now), SERVER);
        device.settle();
        for _ in 0..STEPS {
            up.0.extend(device.sent.drain(..).map(|(_, datagram)| datagram));
            down.0.append(&mut server.sent);
            if input.is_empty() {
                break;
            }
            step(device, &mut server, &mut up, &mut down, &mut input);
            device.settle();
        }
        device.recover(&mut Dtls(server));
    });
});

fn step(
    device: &mut Device<'_>,
    server: &mut Server<'_>,
    up: &mut Pipe,
    down: &mut Pipe,
    input: &mut Input<'_>,
) {
    let operation = input.byte();
    let to_device = operation & 16 != 0;
    let pipe = if to_device { &mut *down } else { &mut *up };
    let datagram = match operation & 15 {
        0..=4 => pipe.take(input),
        5 => pipe.copy(input),
        6 => pipe.take(input).map(|datagram| changed(datagram, input)),
        7 => {
            pipe.take(input);
            None
        }
        8 => Some(input.long().to_vec()),
        // The server answers what it has got, or asks for something.
        9 | 10 => {
            let answers = std::mem::take(&mut server.data);
            let answers = answers.iter().filter_map(|message| answer(&Seen::read(message)));
            down.0.extend(answers.filter_map(|message| server.seal(&message)));
            None
        }
        11 => {
            down.0.extend(server.seal(&request(input)));
            None
        }
        12 => {
            device.wait();
            server.settle(device.now);
            None
        }
        13 => {
            device.now += 1000 * u64::from(input.word());
            None
        }
        14 => {
            device.change(|things| things.everything.measure(input.byte()));
            None
        }
        _ => {
            let now = Instant::from_millis(device.now);
            match input.byte() % 5 {
                0 => device.client.register(now, SERVER),
                1 => device.client.deregister(now, SERVER),
                2 => device.client.reconnect(now, SERVER),
                3 => device.client.update_registration(SERVER),
                _ => device.reachable = !device.reachable,
            }
            None
        }
    };
    let Some(datagram) = datagram else { return };
    if to_device {
        let answer = device.deliver(SERVER, &datagram);
        device.sent.extend(answer.map(|answer| (SERVER, answer)));
    } else {
        server.deliver(device.now, &datagram);
    }
}
