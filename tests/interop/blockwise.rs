//! Block-wise transfers (RFC 7959): links of a registration that are longer than a datagram, values that are, and servers
//! that want small blocks.

use std::collections::BTreeMap;

use coracle::RegistrationState;
use coracle::model::Opaque;
use coracle_leshan_peer::{CoapTrace, Code, Command, Format, Options, Value};
use coracle_test_device::profiles::{Confirmable, Plain, Small};
use coracle_test_device::{Device, LightControl};

use crate::server::Server;
use crate::transport::{Transport, over_each_transport};

over_each_transport!(
    many_links_are_registered_and_updated_in_blocks,
    the_server_asks_for_smaller_blocks,
    a_large_answer_comes_in_blocks,
    a_small_block_size_is_asked_for_early,
    a_large_notification_comes_in_blocks,
);

/// 3200 bytes in 16 instances.
const ARCHIVE: &str = "/33001/0/6";

/// The block options of messages, in Californium's words: size, whether more follow, and number.
fn blocks(messages: &[CoapTrace], option: &str) -> Vec<(usize, bool, usize)> {
    let block = |message: &CoapTrace| {
        let (_, rest) = message.options.split_once(&format!("{option}\":\""))?;
        // (szx=3/128, m=true, num=0)
        let text = rest.split(')').next()?;
        let field = |name: &str| {
            text.split_once(name).map(|(_, rest)| rest.split([',', '/']).next().unwrap_or_default().trim())
        };
        let size = 16 << field("szx=")?.parse::<usize>().ok()?;
        Some((size, field("m=")? == "true", field("num=")?.parse().ok()?))
    };
    messages.iter().filter_map(block).collect()
}

/// One whole transfer: each block begins where the one before ended, and the first has this size. The other side may ask for
/// smaller ones then.
fn is_transfer(blocks: &[(usize, bool, usize)], size: usize, least: usize) {
    assert!(blocks.len() >= least && blocks[0].0 == size, "{blocks:?}");
    let mut end = 0;
    for (index, (size, more, number)) in blocks.iter().enumerate() {
        assert_eq!((number * size, *more), (end, index + 1 < blocks.len()), "{blocks:?}");
        end += size;
    }
}

fn archive() -> BTreeMap<String, Value> {
    (0..16_u8).map(|n| (format!("{ARCHIVE}/{n}"), Value::from(&[n; 200][..]))).collect()
}

fn add_lights(device: &Device, ids: std::ops::RangeInclusive<u16>) {
    device.update(move |things| {
        ids.for_each(|id| assert!(things.light.insert(id, LightControl::new()).is_ok()));
    });
}

fn many_links_are_registered_and_updated_in_blocks(over: Transport) {
    let Some(server) = Server::traced() else { return };
    let server = server.endpoint(over, "blocks-links");
    let device = server.start::<Small>();
    let registration = server.registered();
    // A block of 128 has no room beside the parameters of Register in a datagram of 200.
    is_transfer(&blocks(&server.messages(&registration.address), "Block1"), 64, 3);
    device.wait_state(RegistrationState::Registered);

    let before = server.messages(&registration.address).len();
    add_lights(&device, 1..=39);
    let (_, update) = server.updated();
    let lights = update.links.iter().filter(|link| link.path.starts_with("/3311/")).count();
    assert_eq!(lights, 40, "{}", update.payload);
    is_transfer(&blocks(&server.messages(&update.address)[before..], "Block1"), 64, 9);

    // As a whole once more, by a Register.
    server.server.with(|leshan| leshan.drop_registration(&server.name)).unwrap();
    let before = server.messages(&registration.address).len();
    device.update_registration(coracle::ServerIndex(0));
    let again = server.registered();
    assert!(again.payload.len() > update.payload.len() / 2 && again.links.len() == update.links.len());
    let messages = server.messages(&registration.address);
    assert!(blocks(&messages[before..], "Block1").len() >= 5);
    device.wait_state(RegistrationState::Registered);
}

/// 2.31 with a smaller size in the middle of the transfer: the rest comes in blocks of that size.
fn the_server_asks_for_smaller_blocks(over: Transport) {
    let options = Options::default().trace().setting("COAP.PREFERRED_BLOCK_SIZE", "32");
    let Some(server) = Server::start(options) else { return };
    let server = server.endpoint(over, "blocks-smaller");
    let device = server.start::<Small>();
    let registration = server.registered();
    let sizes = blocks(&server.messages(&registration.address), "Block1");
    is_transfer(&sizes, 64, 4);
    assert!(sizes[1..].iter().all(|block| block.0 == 32), "{sizes:?}");
    device.wait_state(RegistrationState::Registered);
    add_lights(&device, 1..=39);
    let (_, update) = server.updated();
    assert_eq!(update.links.iter().filter(|link| link.path.starts_with("/3311/")).count(), 40);
}

fn a_large_answer_comes_in_blocks(over: Transport) {
    let Some(server) = Server::traced() else { return };
    let plain = server.endpoint(over, "blocks-answer");
    let _device = plain.start::<Plain>();
    let address = plain.registered().address;
    for format in [Format::SenmlJson, Format::SenmlCbor, Format::Tlv] {
        let before = plain.messages(&address).len();
        let answer = plain.read(ARCHIVE, Some(format));
        assert_eq!((answer.code, answer.format()), (Code::CONTENT, Some(format)));
        assert_eq!(answer.content, archive(), "{format:?}");
        is_transfer(&blocks(&plain.messages(&address)[before..], "Block2"), 1024, 4);
    }
    let answer = plain.read("/33001", Some(Format::SenmlCbor));
    assert!(answer.content.len() > 16 && answer.value("/33001/0/8") == Some(&0.into()));

    let small = server.endpoint(over, "blocks-answer-small");
    let _device = small.start::<Small>();
    let address = small.registered().address;
    assert_eq!(small.read(ARCHIVE, Some(Format::Tlv)).content, archive());
    is_transfer(&blocks(&small.messages(&address), "Block2"), 128, 26);
    // Discover of everything that it has.
    let before = small.messages(&address).len();
    assert!(small.discover("/3442").len() >= 18);
    is_transfer(&blocks(&small.messages(&address)[before..], "Block2"), 128, 2);
}

/// Block2 in the request itself (RFC 7959 section 2.4), also where the answer would fit a datagram.
fn a_small_block_size_is_asked_for_early(over: Transport) {
    let Some(server) = Server::traced() else { return };
    let server = server.endpoint(over, "blocks-early");
    let _device = server.start::<Plain>();
    let address = server.registered().address;
    for size in [16, 32, 64, 128, 256, 512, 1024_u16] {
        let before = server.messages(&address).len();
        let read = |name: &str| Command::read(name, ARCHIVE).format(Format::Tlv).block_size(size);
        assert_eq!(server.run(read).content, archive(), "{size}");
        let bytes = 16 * 203;
        is_transfer(
            &blocks(&server.messages(&address)[before..], "Block2"),
            size.into(),
            bytes / usize::from(size),
        );
    }
    let before = server.messages(&address).len();
    let read = |name: &str| Command::read(name, "/3/0").format(Format::SenmlCbor).block_size(16);
    let answer = server.run(read);
    assert_eq!(answer.value("/3/0/0"), Some(&"Coracle".into()));
    is_transfer(&blocks(&server.messages(&address)[before..], "Block2"), 16, 8);
    let discover = |name: &str| Command::discover(name, "/3").block_size(16);
    assert!(server.run(discover).links.len() > 20);
}

/// The notification is the first block; the server asks for the rest (RFC 7959 section 2.6).
fn a_large_notification_comes_in_blocks(over: Transport) {
    let Some(server) = Server::traced() else { return };
    for confirmable in [false, true] {
        let name = if confirmable { "blocks-notify-con" } else { "blocks-notify" };
        let server = server.endpoint(over, name);
        let device = if confirmable { server.start::<Confirmable>() } else { server.start::<Plain>() };
        server.registered();
        assert_eq!(server.observe(ARCHIVE, Some(Format::Tlv)).content, archive());
        for round in 1..=2_u8 {
            let record = Opaque::from_slice(&[0xa0 + round; 200]).expect("200 bytes fit");
            device.update(move |things| things.gate.replace_record(3, record));
            let (_, notification) = server.notified(ARCHIVE);
            let expected = archive().into_iter().map(|(path, value)| match path.as_str() {
                "/33001/0/6/3" => (path, Value::from(&[0xa0 + round; 200][..])),
                _ => (path, value),
            });
            assert_eq!(notification.content, expected.collect(), "{confirmable}");
        }
    }
}
