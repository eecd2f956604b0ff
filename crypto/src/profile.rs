//! The choices and sizes of a build: one type that implements [`Profile`].

use crate::provider::{Aes128, Curve};
use crate::suite::{Cipher, CipherSuite, KeyExchange};

/// A byte array of any size: how a profile states a size. Implemented for every `[u8; N]`.
pub trait Bytes: Copy {
    /// Bytes of the array.
    const LEN: usize;
    /// All zero bytes.
    const EMPTY: Self;
    /// The bytes.
    fn bytes(&self) -> &[u8];
    /// The bytes.
    fn bytes_mut(&mut self) -> &mut [u8];
}

impl<const N: usize> Bytes for [u8; N] {
    const LEN: usize = N;
    const EMPTY: Self = [0; N];

    fn bytes(&self) -> &[u8] {
        self
    }

    fn bytes_mut(&mut self) -> &mut [u8] {
        self
    }
}

/// An array of 32-bit words: the size of a replay window. Implemented for every `[u32; N]`.
pub trait Words: Copy {
    /// Bits of the array.
    const BITS: u64;
    /// All zero bits.
    const EMPTY: Self;
    /// The words.
    fn words(&self) -> &[u32];
    /// The words.
    fn words_mut(&mut self) -> &mut [u32];
}

impl<const N: usize> Words for [u32; N] {
    const BITS: u64 = 32 * N as u64;
    const EMPTY: Self = [0; N];

    fn words(&self) -> &[u32] {
        self
    }

    fn words_mut(&mut self) -> &mut [u32] {
        self
    }
}

/// What a build of the DTLS client can do and how large its tables are. What is not chosen here is not linked.
///
/// The sizes are RAM of every [`Connection`](crate::Connection), one byte for each byte named. A profile whose
/// parts contradict each other does not compile.
pub trait Profile: 'static {
    /// The suites to offer, the preferred one first; none for a build without DTLS. Each kind of key exchange (PSK, ECDHE_PSK, ECDHE_ECDSA) and of
    /// cipher (CCM, CBC, ChaCha20) costs flash once: docs/DTLS.md has the table.
    const SUITES: &'static [CipherSuite];

    /// Whether raw public keys (RFC 7250) can be used. Needs an ECDHE_ECDSA suite.
    const RAW_PUBLIC_KEYS: bool;

    /// Whether X.509 certificates can be used. Needs an ECDHE_ECDSA suite.
    const CERTIFICATES: bool;

    /// Whether connection IDs (RFC 9146) are offered: records then survive a change of our address.
    const CONNECTION_ID: bool;

    /// The largest plaintext of a record that we ask the server to keep to, by the `max_fragment_length` extension
    /// (RFC 6066 section 4): 512, 1024, 2048 or 4096 bytes; 0 not to ask, as when nothing is said.
    const MAX_FRAGMENT_LENGTH: u16 = 0;

    /// The same by the finer `record_size_limit` extension (RFC 8449): 64 to 16384 bytes; 0 not to ask. Where a
    /// server knows both, this one counts.
    const RECORD_SIZE_LIMIT: u16 = 0;

    /// Whether the first hello of a full handshake goes without extensions, which saves them once, when the server asks for
    /// a cookie (RFC 6347 section 4.2.1). With one that does not, or that refuses such a hello, the first handshake of a
    /// [`Connection`](crate::Connection) begins twice, and all others with a whole hello: docs/DTLS.md.
    const SHORT_FIRST_HELLO: bool = false;

    /// Records that may fail authentication before the session is given up (the forgery limit that RFC 9147 section
    /// 4.5.3 asks for): 0 for no limit. The short tag of CCM_8 is guessed with probability `limit * 2^-64`.
    const FAILED_OPEN_LIMIT: u32 = 1 << 20;

    /// AES-128: [`SoftAes`](crate::SoftAes), or hardware.
    type Aes: Aes128;

    /// P-256: [`P256`](crate::P256), hardware, or [`NoCurve`](crate::NoCurve) when no suite needs it.
    type Curve: Curve;

    /// Keys of a session: at least [`key_block_len`]`(SUITES)` bytes (40 for CCM, 88 for ChaCha20, 96 for CBC).
    type KeyBlock: Bytes;

    /// The longest cookie of a `HelloVerifyRequest` that is accepted: 32 bytes serve all servers we know; the format
    /// allows 255.
    type Cookie: Bytes;

    /// `[u8; 32]` to resume sessions, `[u8; 0]` for full handshakes only.
    type SessionId: Bytes;

    /// The connection ID that the server has to put in its records to us: `[u8; 0]` for none, which is enough for a
    /// client with one socket per server. Longer ones cost their length in every record received. Up to 32.
    type OwnCid: Bytes;

    /// The longest connection ID of a server that is accepted: 8 bytes serve Leshan (6) and ThingsBoard (8). Up to 32.
    type PeerCid: Bytes;

    /// Where a fragmented handshake message is put together: the longest that is accepted, for instance 512 for a
    /// certificate. Messages that arrive in one piece need none of it; `[u8; 0]` is fine for pre-shared keys.
    type Reassembly: Bytes;

    /// The replay window: `[u32; 2]` for 64 records (the least allowed).
    type ReplayWindow: Words;
}

/// Bytes of [`Profile::KeyBlock`] that these suites need.
pub const fn key_block_len(suites: &[CipherSuite]) -> usize {
    let mut longest = 0;
    let mut rest = suites;
    while let [suite, others @ ..] = rest {
        let needed = suite.cipher().key_block_len();
        if needed > longest {
            longest = needed;
        }
        rest = others;
    }
    longest
}

/// Whether one of the suites has this key exchange.
const fn has_key_exchange(suites: &[CipherSuite], wanted: KeyExchange) -> bool {
    let mut rest = suites;
    while let [suite, others @ ..] = rest {
        if suite.key_exchange() as u8 == wanted as u8 {
            return true;
        }
        rest = others;
    }
    false
}

/// Whether one of the suites has this cipher.
const fn has_cipher(suites: &[CipherSuite], wanted: Cipher) -> bool {
    let mut rest = suites;
    while let [suite, others @ ..] = rest {
        if suite.cipher() as u8 == wanted as u8 {
            return true;
        }
        rest = others;
    }
    false
}

/// The cipher of all suites, if it is one.
const fn only_cipher(suites: &[CipherSuite]) -> Option<Cipher> {
    let mut rest = suites;
    while let [one, others @ ..] = rest {
        if let [other, ..] = others
            && one.cipher() as u8 != other.cipher() as u8
        {
            return None;
        }
        if others.is_empty() {
            return Some(one.cipher());
        }
        rest = others;
    }
    None
}

/// The key exchange of all suites, if it is one.
const fn only_key_exchange(suites: &[CipherSuite]) -> Option<KeyExchange> {
    let mut rest = suites;
    while let [one, others @ ..] = rest {
        if let [other, ..] = others
            && one.key_exchange() as u8 != other.key_exchange() as u8
        {
            return None;
        }
        if others.is_empty() {
            return Some(one.key_exchange());
        }
        rest = others;
    }
    None
}

/// What follows from a profile: the constants by which code is left out.
pub(crate) trait Linked: Profile {
    const PSK: bool = has_key_exchange(Self::SUITES, KeyExchange::Psk);
    const ECDHE_PSK: bool = has_key_exchange(Self::SUITES, KeyExchange::EcdhePsk);
    const ECDHE_ECDSA: bool = has_key_exchange(Self::SUITES, KeyExchange::EcdheEcdsa);
    const CURVE: bool = Self::ECDHE_PSK || Self::ECDHE_ECDSA;
    const CCM: bool = has_cipher(Self::SUITES, Cipher::Ccm8) || has_cipher(Self::SUITES, Cipher::Ccm);
    const CBC: bool = has_cipher(Self::SUITES, Cipher::CbcSha256);
    const CHACHA: bool = has_cipher(Self::SUITES, Cipher::ChaCha20Poly1305);
    const RESUMPTION: bool = Self::SessionId::LEN != 0;

    /// The cipher, when all suites have the same: what depends on it folds away.
    const ONLY_CIPHER: Option<Cipher> = only_cipher(Self::SUITES);
    /// The key exchange, when all suites have the same.
    const ONLY_KEY_EXCHANGE: Option<KeyExchange> = only_key_exchange(Self::SUITES);

    /// The cipher of a suite of the profile.
    fn cipher(suite: CipherSuite) -> Cipher {
        match Self::ONLY_CIPHER {
            Some(cipher) => cipher,
            None => suite.cipher(),
        }
    }

    /// The key exchange of a suite of the profile.
    fn key_exchange(suite: CipherSuite) -> KeyExchange {
        match Self::ONLY_KEY_EXCHANGE {
            Some(key_exchange) => key_exchange,
            None => suite.key_exchange(),
        }
    }

    /// Fails to compile for a profile that contradicts itself.
    const CHECKED: () = {
        assert!(Self::KeyBlock::LEN >= key_block_len(Self::SUITES), "KeyBlock is too short for the suites");
        assert!(!Self::CURVE || Self::Curve::LINKED, "an ECDHE suite needs a curve (P256)");
        assert!(
            Self::ECDHE_ECDSA || !(Self::RAW_PUBLIC_KEYS || Self::CERTIFICATES),
            "raw public keys and certificates need an ECDHE_ECDSA suite"
        );
        assert!(
            !Self::ECDHE_ECDSA || Self::RAW_PUBLIC_KEYS || Self::CERTIFICATES,
            "an ECDHE_ECDSA suite needs raw public keys or certificates"
        );
        assert!(Self::SessionId::LEN == 0 || Self::SessionId::LEN == 32, "SessionId is [u8; 32] or [u8; 0]");
        assert!(Self::Cookie::LEN <= 255, "a cookie has at most 255 bytes");
        assert!(Self::OwnCid::LEN <= 32 && Self::PeerCid::LEN <= 32, "connection IDs have at most 32 bytes");
        assert!(Self::ReplayWindow::BITS >= 64, "the replay window has at least 64 bits");
        assert!(Self::Reassembly::LEN <= 16384, "no handshake message is longer than 16384 bytes");
        assert!(
            matches!(Self::MAX_FRAGMENT_LENGTH, 0 | 512 | 1024 | 2048 | 4096),
            "MAX_FRAGMENT_LENGTH is 0, 512, 1024, 2048 or 4096"
        );
        assert!(
            Self::RECORD_SIZE_LIMIT == 0
                || (Self::RECORD_SIZE_LIMIT >= 64 && Self::RECORD_SIZE_LIMIT <= 16384),
            "RECORD_SIZE_LIMIT is 0 or 64 to 16384"
        );
    };
}

impl<P: Profile> Linked for P {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn key_blocks() {
        assert_eq!(key_block_len(&[CipherSuite::PskAes128Ccm8]), 40);
        assert_eq!(key_block_len(&[CipherSuite::PskAes128Ccm8, CipherSuite::PskChaCha20Poly1305]), 88);
        assert_eq!(key_block_len(&[CipherSuite::PskAes128CbcSha256, CipherSuite::PskAes128Ccm]), 96);
    }
}
