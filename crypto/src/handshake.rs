//! Handshake messages, shared by both sides.

pub(crate) mod certificate;
pub(crate) mod extensions;
pub(crate) mod flight;
pub(crate) mod fragment;
pub(crate) mod hello;
pub(crate) mod key_exchange;
pub(crate) mod reassembly;
pub(crate) mod schedule;
pub(crate) mod timer;

/// Handshake message types (RFC 5246 section 7.4, RFC 6347 section 4.3.2).
pub(crate) mod kind {
    pub(crate) const HELLO_REQUEST: u8 = 0;
    pub(crate) const CLIENT_HELLO: u8 = 1;
    pub(crate) const SERVER_HELLO: u8 = 2;
    pub(crate) const HELLO_VERIFY_REQUEST: u8 = 3;
    pub(crate) const CERTIFICATE: u8 = 11;
    pub(crate) const SERVER_KEY_EXCHANGE: u8 = 12;
    pub(crate) const CERTIFICATE_REQUEST: u8 = 13;
    pub(crate) const SERVER_HELLO_DONE: u8 = 14;
    pub(crate) const CERTIFICATE_VERIFY: u8 = 15;
    pub(crate) const CLIENT_KEY_EXCHANGE: u8 = 16;
    pub(crate) const FINISHED: u8 = 20;
    /// Not a handshake message, but part of a flight: the record of its own content type.
    pub(crate) const CHANGE_CIPHER_SPEC: u8 = 254;
}

/// Bytes of a hello random.
pub(crate) const RANDOM: usize = 32;
/// Bytes of the master secret.
pub(crate) const MASTER: usize = 48;
/// Bytes of the data of a Finished message.
pub(crate) const VERIFY_DATA: usize = 12;
