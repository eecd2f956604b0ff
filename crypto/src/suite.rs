//! The cipher suites. All of them use the TLS 1.2 pseudo-random function with SHA-256.

/// A cipher suite, named and numbered as in the IANA registry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
#[repr(u16)]
pub enum CipherSuite {
    /// `TLS_PSK_WITH_AES_128_CCM_8` (RFC 6655): the suite every LwM2M server with pre-shared keys has.
    PskAes128Ccm8 = 0xC0A8,
    /// `TLS_PSK_WITH_AES_128_CCM` (RFC 6655): 16-byte tag.
    PskAes128Ccm = 0xC0A4,
    /// `TLS_PSK_WITH_AES_128_CBC_SHA256` (RFC 5487).
    PskAes128CbcSha256 = 0x00AE,
    /// `TLS_PSK_WITH_CHACHA20_POLY1305_SHA256` (RFC 7905).
    PskChaCha20Poly1305 = 0xCCAB,
    /// `TLS_ECDHE_PSK_WITH_AES_128_CCM_8_SHA256` (RFC 8442): pre-shared keys with forward secrecy.
    EcdhePskAes128Ccm8 = 0xD003,
    /// `TLS_ECDHE_PSK_WITH_AES_128_CCM_SHA256` (RFC 8442).
    EcdhePskAes128Ccm = 0xD005,
    /// `TLS_ECDHE_PSK_WITH_AES_128_CBC_SHA256` (RFC 5489).
    EcdhePskAes128CbcSha256 = 0xC037,
    /// `TLS_ECDHE_PSK_WITH_CHACHA20_POLY1305_SHA256` (RFC 7905).
    EcdhePskChaCha20Poly1305 = 0xCCAC,
    /// `TLS_ECDHE_ECDSA_WITH_AES_128_CCM_8` (RFC 7251): raw public keys and certificates.
    EcdheEcdsaAes128Ccm8 = 0xC0AE,
    /// `TLS_ECDHE_ECDSA_WITH_AES_128_CCM` (RFC 7251).
    EcdheEcdsaAes128Ccm = 0xC0AC,
    /// `TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA256` (RFC 5289).
    EcdheEcdsaAes128CbcSha256 = 0xC023,
    /// `TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256` (RFC 7905).
    EcdheEcdsaChaCha20Poly1305 = 0xCCA9,
}

/// How the premaster secret comes about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum KeyExchange {
    /// Pre-shared key alone (RFC 4279 section 2).
    Psk,
    /// Pre-shared key and ephemeral Diffie-Hellman (RFC 5489).
    EcdhePsk,
    /// Ephemeral Diffie-Hellman signed by the server's key (RFC 8422).
    EcdheEcdsa,
}

/// How records are protected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cipher {
    Ccm8,
    Ccm,
    CbcSha256,
    ChaCha20Poly1305,
}

impl CipherSuite {
    const ALL: [Self; 12] = [
        Self::PskAes128Ccm8,
        Self::PskAes128Ccm,
        Self::PskAes128CbcSha256,
        Self::PskChaCha20Poly1305,
        Self::EcdhePskAes128Ccm8,
        Self::EcdhePskAes128Ccm,
        Self::EcdhePskAes128CbcSha256,
        Self::EcdhePskChaCha20Poly1305,
        Self::EcdheEcdsaAes128Ccm8,
        Self::EcdheEcdsaAes128Ccm,
        Self::EcdheEcdsaAes128CbcSha256,
        Self::EcdheEcdsaChaCha20Poly1305,
    ];

    /// The number of the suite in the IANA registry.
    pub const fn number(self) -> u16 {
        self as u16
    }

    /// The suite with this number, when it is one of those that the crate knows.
    pub fn from_number(number: u16) -> Option<Self> {
        Self::ALL.into_iter().find(|suite| suite.number() == number)
    }

    pub(crate) const fn key_exchange(self) -> KeyExchange {
        match self {
            Self::PskAes128Ccm8
            | Self::PskAes128Ccm
            | Self::PskAes128CbcSha256
            | Self::PskChaCha20Poly1305 => KeyExchange::Psk,
            Self::EcdhePskAes128Ccm8
            | Self::EcdhePskAes128Ccm
            | Self::EcdhePskAes128CbcSha256
            | Self::EcdhePskChaCha20Poly1305 => KeyExchange::EcdhePsk,
            Self::EcdheEcdsaAes128Ccm8
            | Self::EcdheEcdsaAes128Ccm
            | Self::EcdheEcdsaAes128CbcSha256
            | Self::EcdheEcdsaChaCha20Poly1305 => KeyExchange::EcdheEcdsa,
        }
    }

    pub(crate) const fn cipher(self) -> Cipher {
        match self {
            Self::PskAes128Ccm8 | Self::EcdhePskAes128Ccm8 | Self::EcdheEcdsaAes128Ccm8 => Cipher::Ccm8,
            Self::PskAes128Ccm | Self::EcdhePskAes128Ccm | Self::EcdheEcdsaAes128Ccm => Cipher::Ccm,
            Self::PskAes128CbcSha256 | Self::EcdhePskAes128CbcSha256 | Self::EcdheEcdsaAes128CbcSha256 => {
                Cipher::CbcSha256
            }
            Self::PskChaCha20Poly1305 | Self::EcdhePskChaCha20Poly1305 | Self::EcdheEcdsaChaCha20Poly1305 => {
                Cipher::ChaCha20Poly1305
            }
        }
    }

    /// Whether the suite authenticates with a pre-shared key.
    pub const fn uses_psk(self) -> bool {
        matches!(self.key_exchange(), KeyExchange::Psk | KeyExchange::EcdhePsk)
    }

    /// Whether the suite has an ephemeral key exchange (forward secrecy) and so needs the curve.
    pub const fn uses_curve(self) -> bool {
        matches!(self.key_exchange(), KeyExchange::EcdhePsk | KeyExchange::EcdheEcdsa)
    }
}

impl Cipher {
    /// Bytes of a MAC key, a cipher key and a nonce salt or base, per direction.
    pub(crate) const fn key_lengths(self) -> (usize, usize, usize) {
        match self {
            Self::Ccm8 | Self::Ccm => (0, 16, 4),
            Self::CbcSha256 => (32, 16, 0),
            Self::ChaCha20Poly1305 => (0, 32, 12),
        }
    }

    /// Bytes of the key block of RFC 5246 section 6.3, both directions.
    pub(crate) const fn key_block_len(self) -> usize {
        let (mac, key, iv) = self.key_lengths();
        2 * (mac + key + iv)
    }

    /// Bytes of the nonce or initialisation vector that each record carries.
    pub(crate) const fn explicit_len(self) -> usize {
        match self {
            Self::Ccm8 | Self::Ccm => 8,
            Self::CbcSha256 => 16,
            Self::ChaCha20Poly1305 => 0,
        }
    }

    /// Bytes of the tag or MAC.
    pub(crate) const fn tag_len(self) -> usize {
        match self {
            Self::Ccm8 => 8,
            Self::Ccm | Self::ChaCha20Poly1305 => 16,
            Self::CbcSha256 => 32,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_unique_and_found() {
        for (at, suite) in CipherSuite::ALL.into_iter().enumerate() {
            assert_eq!(CipherSuite::from_number(suite.number()), Some(suite));
            assert!(CipherSuite::ALL.iter().skip(at + 1).all(|other| other.number() != suite.number()));
        }
        assert_eq!(CipherSuite::from_number(0x00FF), None);
        assert_eq!(CipherSuite::from_number(0), None);
    }
}
