//! Everything that two servers without DTLS can do to a device, in any order: it allocates nothing, comes to rest after each
//! step, executes no message twice, and is registered with both afterwards, when they behave.
#![no_main]

use coracle::{Credentials, Instant, ServerIndex};
use coracle_fuzz::device::{Device, Plain, answer, with};
use coracle_fuzz::input::Input;
use coracle_fuzz::message::{ACK, Message, RST, Seen};
use coracle_fuzz::script::request;

/// Enough to fill every table; more makes runs slow, not deep.
const STEPS: usize = 60;

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    with(&[("coap://a", Credentials::NONE), ("coap://b", Credentials::NONE)], |device| {
        let mut input = Input::new(data);
        let mut heard: Vec<(ServerIndex, Vec<u8>)> = Vec::new();
        for _ in 0..STEPS {
            if input.is_empty() {
                break;
            }
            let operation = input.byte();
            let server = ServerIndex(operation >> 4 & 1);
            step(device, operation & 15, server, &mut input, &mut heard);
            device.settle();
        }
        device.recover(&mut Plain);
    });
});

fn step(
    device: &mut Device<'_>,
    operation: u8,
    server: ServerIndex,
    input: &mut Input<'_>,
    heard: &mut Vec<(ServerIndex, Vec<u8>)>,
) {
    let now = Instant::from_millis(device.now);
    match operation {
        // What the servers have sent before, or something new.
        0 if !heard.is_empty() => {
            let (server, datagram) = heard[usize::from(input.byte()) % heard.len()].clone();
            hear(device, server, datagram, heard);
        }
        0 | 1 => hear(device, server, input.long().to_vec(), heard),
        2 | 3 => hear(device, server, request(input), heard),
        // An answer to the latest message of the device: a good one, or any.
        4 | 5 => {
            if let Some((server, datagram)) = device.sent.pop_front()
                && let Some(answer) = answer(&Seen::read(&datagram))
            {
                hear(device, server, answer, heard);
            }
        }
        6 => {
            if let Some((server, datagram)) = device.sent.pop_back() {
                let seen = Seen::read(&datagram);
                let kind = [ACK, RST, 0, 1][usize::from(input.byte() & 3)];
                let message = Message::new(kind, input.byte(), seen.id, &seen.token);
                hear(device, server, message.payload(input.short()), heard);
            }
        }
        7 => device.now += u64::from(input.word()),
        8 => device.now += 1000 * u64::from(input.word()),
        9 => _ = device.wait(),
        10 => device.change(|things| things.everything.measure(input.byte())),
        11 => device.reachable = input.byte() & 1 == 0,
        12 => device.client.register(now, server),
        13 => device.client.deregister(now, server),
        14 => device.client.reconnect(now, server),
        _ => device.client.update_registration(server),
    }
}

fn hear(
    device: &mut Device<'_>,
    server: ServerIndex,
    datagram: Vec<u8>,
    heard: &mut Vec<(ServerIndex, Vec<u8>)>,
) {
    let answer = device.deliver(server, &datagram);
    if let Some(answer) = answer {
        Seen::read(&answer);
    }
    heard.push((server, datagram));
}
