//! The hellos of the server: `HelloVerifyRequest` and `ServerHello`.

use super::RANDOM;
use super::extensions::{Set, number, walk};
use crate::alert::Alert;
use crate::codec::{Malformed, Reader};
use crate::event::{FailureReason, Fault};
use crate::record::{PLAINTEXT_MAX, VERSION};

/// The cookie of a `HelloVerifyRequest` (RFC 6347 section 4.2.1). Its version field says nothing.
pub(crate) fn parse_hello_verify(body: &[u8]) -> Result<&[u8], Malformed> {
    let mut reader = Reader(body);
    reader.u16()?;
    let cookie = reader.vec8()?;
    reader.end()?;
    Ok(cookie)
}

/// A `ServerHello` (RFC 5246 section 7.4.1.3).
#[derive(Debug)]
pub(crate) struct ServerHello<'a> {
    pub(crate) random: &'a [u8; RANDOM],
    pub(crate) session_id: &'a [u8],
    pub(crate) suite: u16,
    pub(crate) extensions: Answers<'a>,
}

/// What the server answered to our extensions.
#[derive(Debug, Default)]
pub(crate) struct Answers<'a> {
    pub(crate) max_fragment_length: Option<u8>,
    pub(crate) record_size_limit: Option<u16>,
    pub(crate) client_certificate_type: Option<u8>,
    pub(crate) server_certificate_type: Option<u8>,
    pub(crate) encrypt_then_mac: bool,
    pub(crate) extended_master_secret: bool,
    pub(crate) connection_id: Option<&'a [u8]>,
}

impl<'a> ServerHello<'a> {
    /// Reads a hello; `offered` are the extensions of ours.
    pub(crate) fn parse(body: &'a [u8], offered: Set) -> Result<Self, Fault> {
        let mut reader = Reader(body);
        let version = reader.u16()?;
        let random = reader.array()?;
        let session_id = reader.vec8()?;
        if session_id.len() > 32 {
            return Err(Fault::MALFORMED);
        }
        let suite = reader.u16()?;
        if version != VERSION {
            return Err(Fault::new(version_alert(suite), FailureReason::ProtocolVersion));
        }
        if reader.u8()? != 0 {
            // We offered no compression.
            return Err(Fault::ILLEGAL);
        }
        let mut extensions = Answers::default();
        let mut seen = Set::default();
        walk(reader, |number, body| {
            if !offered.has(number) {
                return Err(Fault::new(Alert::UNSUPPORTED_EXTENSION, FailureReason::UnsupportedExtension));
            }
            if seen.has(number) {
                return Err(Fault::ILLEGAL);
            }
            seen.add(number);
            extensions.read(number, body)
        })?;
        Ok(Self { random, session_id, suite, extensions })
    }
}

/// The alert for a version that we do not speak (RFC 5246 appendix E.1): another one with a suite that is only for version 1.2
/// (RFC 6655 section 5, RFC 7251 section 3, RFC 8442 section 3).
const fn version_alert(suite: u16) -> Alert {
    match suite {
        0xC09C..=0xC0AF | 0xD001..=0xD005 => Alert::ILLEGAL_PARAMETER,
        _ => Alert::PROTOCOL_VERSION,
    }
}

impl<'a> Answers<'a> {
    fn read(&mut self, number: u16, mut body: Reader<'a>) -> Result<(), Fault> {
        match number {
            // RFC 6066 section 3: an empty answer.
            number::SERVER_NAME => {}
            number::MAX_FRAGMENT_LENGTH => self.max_fragment_length = Some(body.u8()?),
            number::EC_POINT_FORMATS => {
                // RFC 8422 section 5.2: uncompressed must be among them.
                if !body.vec8()?.contains(&0) {
                    return Err(Fault::ILLEGAL);
                }
            }
            number::CLIENT_CERTIFICATE_TYPE => self.client_certificate_type = Some(body.u8()?),
            number::SERVER_CERTIFICATE_TYPE => self.server_certificate_type = Some(body.u8()?),
            number::ENCRYPT_THEN_MAC => self.encrypt_then_mac = true,
            number::EXTENDED_MASTER_SECRET => self.extended_master_secret = true,
            number::RECORD_SIZE_LIMIT => {
                let limit = body.u16()?;
                // RFC 8449 section 4: smaller values are illegal.
                if limit < 64 {
                    return Err(Fault::ILLEGAL);
                }
                // And larger ones do not make records longer than they may be.
                self.record_size_limit = Some(limit.min(PLAINTEXT_MAX));
            }
            number::CONNECTION_ID => self.connection_id = Some(body.vec8()?),
            number::RENEGOTIATION_INFO => {
                // RFC 5746 section 3.4: empty in a first handshake.
                if !body.vec8()?.is_empty() {
                    return Err(Fault::new(Alert::HANDSHAKE_FAILURE, FailureReason::IllegalParameter));
                }
            }
            // supported_groups and signature_algorithms are for clients only.
            _ => return Err(Fault::new(Alert::UNSUPPORTED_EXTENSION, FailureReason::UnsupportedExtension)),
        }
        body.end()?;
        Ok(())
    }
}

/// The code of `max_fragment_length` for a length (RFC 6066 section 4).
pub(crate) const fn max_fragment_code(length: u16) -> u8 {
    match length {
        512 => 1,
        1024 => 2,
        2048 => 3,
        _ => 4,
    }
}

#[cfg(test)]
#[path = "hello_tests.rs"]
mod tests;
