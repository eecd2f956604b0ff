//! A datagram as a CoAP message: what we take is a message for another codec as well, with the same parts.
#![no_main]

use coracle::engine::coap::{Message, ParseError, Token, Writer};
use coracle_fuzz::heap;
use coracle_fuzz::message::Seen;

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let message = match heap::without(|| Message::parse(data)) {
        Ok(message) => message,
        Err(ParseError::Format { message_id, .. }) => {
            return assert_eq!(message_id.to_be_bytes(), data[2..4]);
        }
        Err(ParseError::Ignore) => return assert!(data.len() < 4 || data[0] >> 6 != 1),
    };
    let seen = Seen::read(data);
    assert_eq!(
        (seen.kind, seen.code, seen.id),
        (data[0] >> 4 & 3, message.code().as_byte(), message.message_id())
    );
    assert_eq!(seen.token, message.token().as_slice());
    assert_eq!(seen.payload, message.payload());
    let options: Vec<_> = message.options().map(|option| (option.number, option.value.to_vec())).collect();
    assert_eq!(seen.options, options);
    // Written anew it is the same message, if not the same bytes: others may use longer forms than needed.
    let mut buffer = vec![0; data.len() + 8];
    let token = Token::new(&seen.token).expect("at most 8 bytes");
    let written = heap::without(|| {
        let mut writer =
            Writer::new(&mut buffer, message.kind(), message.code(), message.message_id(), token);
        message.options().for_each(|option| writer.option(option.number, option.value));
        let room = writer.payload_room();
        let (to, _) = room.split_at_mut(message.payload().len());
        to.copy_from_slice(message.payload());
        writer.finish(message.payload().len())
    });
    let length = written.expect("there is room");
    assert!(length <= data.len(), "our form is the shortest");
    assert_eq!(Seen::read(&buffer[..length]), seen);
});
