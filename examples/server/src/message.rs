//! CoAP messages (RFC 7252) on `coap-lite`: what that codec leaves open is checked here.

use coap_lite::{CoapOption, MessageClass, MessageType, Packet};

use crate::code::Code;
use crate::format::Format;

/// Option numbers this crate needs by number (RFC 7252 section 5.10, RFC 7641, RFC 7959).
pub(crate) mod option {
    pub(crate) const URI_HOST: u16 = 3;
    pub(crate) const OBSERVE: u16 = 6;
    pub(crate) const URI_PORT: u16 = 7;
    pub(crate) const LOCATION_PATH: u16 = 8;
    pub(crate) const URI_PATH: u16 = 11;
    pub(crate) const CONTENT_FORMAT: u16 = 12;
    pub(crate) const URI_QUERY: u16 = 15;
    pub(crate) const ACCEPT: u16 = 17;
    pub(crate) const BLOCK2: u16 = 23;
}

/// A datagram that is no message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Malformed {
    /// Too short or of another version: silently ignored (RFC 7252 section 3).
    Ignored,
    /// A message format error; a confirmable one with this message id is rejected (RFC 7252 section 4.2).
    Format { confirmable: bool, mid: u16 },
}

/// Reads a datagram.
pub(crate) fn parse(datagram: &[u8]) -> Result<Packet, Malformed> {
    let [first, code, mid_high, mid_low, ..] = *datagram else { return Err(Malformed::Ignored) };
    if first >> 6 != 1 {
        return Err(Malformed::Ignored);
    }
    let mid = u16::from_be_bytes([mid_high, mid_low]);
    let malformed = Malformed::Format { confirmable: first & 0x30 == 0, mid };
    if code == 0 && datagram.len() > 4 {
        return Err(malformed);
    }
    let packet = Packet::from_bytes(datagram).map_err(|_| malformed)?;
    // A payload marker without payload gets lost in `Packet`, but every message has only one encoding.
    if packet.payload.is_empty() && packet.to_bytes_unlimited().ok().as_deref() != Some(datagram) {
        return Err(malformed);
    }
    Ok(packet)
}

/// A new message; `token` of at most 8 bytes.
pub(crate) fn build(kind: MessageType, code: u8, mid: u16, token: &[u8]) -> Packet {
    let mut packet = Packet::new();
    packet.header.set_version(1);
    packet.header.set_type(kind);
    packet.header.code = MessageClass::from(code);
    packet.header.message_id = mid;
    packet.set_token(token.iter().copied().take(8).collect());
    packet
}

/// An empty ACK or RST, or a ping.
pub(crate) fn empty(kind: MessageType, mid: u16) -> Vec<u8> {
    bytes(&build(kind, 0, mid, &[]))
}

/// The datagram of a message built here.
pub(crate) fn bytes(packet: &Packet) -> Vec<u8> {
    // Only a size limit can make this fail, and none is set.
    packet.to_bytes_unlimited().unwrap_or_default()
}

/// All values of an option.
pub(crate) fn options(packet: &Packet, number: u16) -> impl Iterator<Item = &[u8]> {
    packet.get_option(CoapOption::from(number)).into_iter().flatten().map(Vec::as_slice)
}

/// The options of a message as they came: number and value.
pub(crate) fn all_options(packet: &Packet) -> Vec<(u16, Vec<u8>)> {
    packet
        .options()
        .flat_map(|(number, values)| values.iter().map(|value| (*number, value.clone())))
        .collect()
}

/// An unsigned option value; longer ones than 4 bytes are none (RFC 7252 section 3.2).
pub(crate) fn uint(packet: &Packet, number: u16) -> Option<u32> {
    let value = options(packet, number).next()?;
    (value.len() <= 4).then(|| value.iter().fold(0, |sum, byte| sum << 8 | u32::from(*byte)))
}

/// The value of an unsigned option: the shortest form.
pub(crate) fn uint_bytes(value: u32) -> Vec<u8> {
    value.to_be_bytes().into_iter().skip_while(|byte| *byte == 0).collect()
}

/// The content format, if one is named.
pub(crate) fn content_format(packet: &Packet) -> Option<Format> {
    uint(packet, option::CONTENT_FORMAT)
        .and_then(|number| u16::try_from(number).ok())
        .map(Format::from_number)
}

/// The values of a text option; `None` if one of them is not UTF-8.
pub(crate) fn texts(packet: &Packet, number: u16) -> Option<Vec<String>> {
    options(packet, number).map(|value| std::str::from_utf8(value).ok().map(str::to_owned)).collect()
}

/// An error's code and the text that goes with it (RFC 7252 section 5.5.2).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) code: Code,
    pub(crate) reason: String,
}

impl Refusal {
    pub(crate) fn new(code: Code, reason: impl Into<String>) -> Self {
        Refusal { code, reason: reason.into() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_survive() {
        let mut packet = build(MessageType::Confirmable, 1, 0x1234, &[1, 2]);
        packet.add_option(CoapOption::from(option::URI_PATH), b"3".to_vec());
        packet.add_option(CoapOption::from(option::ACCEPT), uint_bytes(11542));
        let read = parse(&bytes(&packet)).unwrap();
        assert_eq!(read, packet);
        assert_eq!(uint(&read, option::ACCEPT), Some(11542));
        assert_eq!(texts(&read, option::URI_PATH), Some(vec!["3".to_owned()]));
        assert_eq!(all_options(&read).len(), 2);
    }

    #[test]
    fn what_is_no_message() {
        let confirmable = Malformed::Format { confirmable: true, mid: 7 };
        for (datagram, fault) in [
            (&[][..], Malformed::Ignored),
            (&[0x40, 1, 0], Malformed::Ignored),
            (&[0x80, 1, 0, 7], Malformed::Ignored),
            (&[0x49, 1, 0, 7, 1, 2, 3, 4, 5, 6, 7, 8, 9], confirmable),
            (&[0x42, 1, 0, 7, 1], confirmable),
            (&[0x40, 1, 0, 7, 0xF0], confirmable),
            (&[0x40, 1, 0, 7, 0x0F], confirmable),
            (&[0x40, 1, 0, 7, 0x41], confirmable),
            (&[0x40, 1, 0, 7, 0xFF], confirmable),
            (&[0x40, 0, 0, 7, 0x00], confirmable),
            (&[0x50, 1, 0, 7, 0xFF], Malformed::Format { confirmable: false, mid: 7 }),
        ] {
            assert_eq!(parse(datagram), Err(fault), "{datagram:02x?}");
        }
        assert!(
            parse(&[0x40, 1, 0, 7, 0xB1, 0xFF]).is_ok(),
            "0xFF as value of an option is no payload marker"
        );
        assert!(parse(&[0x40, 0, 0, 7]).is_ok());
    }

    #[test]
    fn unsigned_options() {
        assert!(uint_bytes(0).is_empty());
        assert_eq!(uint_bytes(256), [1, 0]);
        let mut packet = build(MessageType::Confirmable, 1, 1, &[]);
        packet.add_option(CoapOption::from(option::OBSERVE), vec![0; 5]);
        assert_eq!(uint(&packet, option::OBSERVE), None);
        assert_eq!(uint(&packet, option::ACCEPT), None);
    }
}
