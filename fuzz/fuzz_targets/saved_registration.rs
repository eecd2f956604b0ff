//! A saved registration, changed in any way, or any bytes: what is refused changes nothing, what is taken can be lived with.
#![no_main]

use coracle::{Credentials, Instant, ServerIndex};
use coracle_fuzz::device::{Plain, con, registered, with};
use coracle_fuzz::heap;
use coracle_fuzz::input::Input;
use coracle_fuzz::message::{GET, option};

const SERVER: ServerIndex = ServerIndex(0);
/// The checksum at the end.
const CHECK: usize = 4;

thread_local!(static SAVED: Vec<u8> = saved());

/// A registration with an observation and attributes.
fn saved() -> Vec<u8> {
    let mut saved = vec![0; 1024];
    registered(|device| {
        let observe = con(GET, 1).option_uint(option::OBSERVE, 0).path("33000/0/1");
        device.request(observe.payload(&[]));
        device.request(con(3, 2).path("33000/0/3").option(option::URI_QUERY, b"gt=5").payload(&[]));
        device.request(con(2, 3).path("33000/0/20").payload(&[]));
        device.settle();
        let length = device.client.save(Instant::from_millis(device.now), SERVER, 0, &mut saved);
        saved.truncate(length.expect("registered, and nothing waits"));
    });
    saved
}

libfuzzer_sys::fuzz_target!(|data: &[u8]| SAVED.with(|saved| {
    let mut input = Input::new(data);
    let flags = input.byte();
    let mut saved = if flags & 32 == 0 { saved.clone() } else { input.long().to_vec() };
    for _ in 0..flags & 15 {
        let at = usize::from(input.word());
        if let Some(byte) = saved.get_mut(at % 512) {
            *byte = input.byte();
        }
    }
    if flags & 16 != 0 && saved.len() > 2 + CHECK {
        make_right(&mut saved);
    }
    with(&[("coap://a", Credentials::NONE)], |device| {
        let now = Instant::from_millis(device.now);
        let restored = heap::without(|| device.client.restore(now, SERVER, &saved));
        if restored.is_ok() {
            let mut again = vec![0; 1024];
            heap::without(|| device.client.save(now, SERVER, 0, &mut again)).expect("it can be saved again");
        }
        device.settle();
        while !input.is_empty() {
            device.deliver(SERVER, input.long());
            device.settle();
        }
        device.recover(&mut Plain);
    });
}));

/// Puts the checksum that belongs to the bytes behind them: the length stands before them.
fn make_right(saved: &mut [u8]) {
    let end = saved.len() - CHECK;
    let hash = saved[2..end]
        .iter()
        .fold(0x811c_9dc5_u32, |hash, byte| (hash ^ u32::from(*byte)).wrapping_mul(0x0100_0193));
    saved[end..].copy_from_slice(&hash.to_be_bytes());
    let length = (saved.len() - 2) as u16;
    saved[..2].copy_from_slice(&length.to_be_bytes());
}
