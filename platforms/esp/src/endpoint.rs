//! An endpoint client name that no other chip has.

const PREFIX: &[u8; 12] = b"urn:dev:mac:";
const LENGTH: usize = PREFIX.len() + 16;

/// `urn:dev:mac:` and the chip's EUI-64 (RFC 9039 section 4.1), from its factory MAC address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EndpointName([u8; LENGTH]);

impl EndpointName {
    /// The name of the chip with this MAC address.
    pub fn from_mac(mac: [u8; 6]) -> Self {
        let mut name = [b'0'; LENGTH];
        let (prefix, digits) = name.split_at_mut(PREFIX.len());
        prefix.copy_from_slice(PREFIX);
        // An EUI-48 becomes an EUI-64 with ff fe in the middle (RFC 4291 appendix A, without its inverted bit).
        let (vendor, chip) = mac.split_at(3);
        let bytes = vendor.iter().chain(&[0xff, 0xfe]).chain(chip);
        for (pair, byte) in digits.chunks_exact_mut(2).zip(bytes) {
            pair.copy_from_slice(&[digit(byte >> 4), digit(byte & 15)]);
        }
        Self(name)
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        core::str::from_utf8(&self.0).unwrap_or_default()
    }
}

const fn digit(value: u8) -> u8 {
    if value < 10 { b'0' + value } else { b'a' + value - 10 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_of_a_mac_address() {
        let name = EndpointName::from_mac([0x00, 0x24, 0xbe, 0x80, 0x4f, 0xf1]);
        assert_eq!(name.as_str(), "urn:dev:mac:0024befffe804ff1");
    }
}
