//! Stateless cookies (RFC 6347 section 4.2.1).

use crate::codec::{Reader, Sink};
use crate::handshake::fragment::{Fragment, put_header};
use crate::handshake::kind;
use crate::provider::hmac::HmacKey;
use crate::record::{Header, PLAIN_HEADER, VERSION_1_0, content, epoch_of};
use crate::rng::{Rng, RngError};
use crate::secret::verdict;
use subtle::ConstantTimeEq;

/// Bytes of a cookie.
const COOKIE: usize = 16;
/// Bytes of the answer: record header, message header, version, cookie.
const ANSWER: usize = PLAIN_HEADER + 12 + 2 + 1 + COOKIE;

/// Asks unknown clients for a cookie, without keeping anything about them.
pub struct Cookies(HmacKey);

/// What to do with a datagram from an unknown client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Nothing: it is no `ClientHello`.
    Ignore,
    /// Send the first so many bytes of the buffer back.
    Answer(usize),
    /// It has a good cookie: it is worth a connection.
    Accept,
}

impl Cookies {
    /// Draws a new secret.
    ///
    /// # Errors
    /// When there are no random numbers.
    pub fn new(rng: &mut dyn Rng) -> Result<Self, RngError> {
        let mut secret = [0; 32];
        rng.fill(&mut secret)?;
        Ok(Self(HmacKey::new(&secret)))
    }

    /// Looks at a datagram from a client at `address` (whatever bytes tell addresses apart). An answer is written
    /// to `out`, which needs 44 bytes.
    pub fn check(&self, address: &[u8], datagram: &[u8], out: &mut [u8]) -> Verdict {
        let Some((header, fragment)) = client_hello(datagram) else { return Verdict::Ignore };
        let Some((before, cookie, after)) = fragment.whole().and_then(split) else { return Verdict::Ignore };
        let mac = self.0.mac(&[&(address.len() as u32).to_be_bytes(), address, before, after]);
        let expected = mac.first_chunk::<COOKIE>().unwrap_or(&[0; COOKIE]);
        if verdict(expected.ct_eq(cookie)) {
            return Verdict::Accept;
        }
        let Some(out) = out.first_chunk_mut::<ANSWER>() else { return Verdict::Ignore };
        // The record number of the hello comes back with the answer, so that no number need be kept.
        let mut sink = Sink::window(0, out);
        sink.u8(content::HANDSHAKE);
        sink.u16(VERSION_1_0);
        sink.put(&header.number.to_be_bytes());
        sink.u16((ANSWER - PLAIN_HEADER) as u16);
        put_header(&mut sink, kind::HELLO_VERIFY_REQUEST, 3 + COOKIE, 0, 0, 3 + COOKIE);
        sink.u16(VERSION_1_0);
        sink.vec8(expected);
        Verdict::Answer(ANSWER)
    }
}

impl core::fmt::Debug for Cookies {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("Cookies(..)")
    }
}

/// The `ClientHello` that a datagram starts with.
fn client_hello(datagram: &[u8]) -> Option<(Header, Fragment<'_>)> {
    let header = Header::parse(datagram, 0)?;
    if header.content != content::HANDSHAKE || epoch_of(header.number) != 0 {
        return None;
    }
    let mut record = Reader(datagram.get(PLAIN_HEADER..header.total())?);
    let fragment = Fragment::read(&mut record)?;
    (fragment.kind == kind::CLIENT_HELLO).then_some((header, fragment))
}

/// What both hellos of a client have in common (RFC 6347 section 4.2.1), before and behind the cookie, and the cookie. That
/// ends with the compression: the first hello need not have its extensions.
fn split(body: &[u8]) -> Option<(&[u8], &[u8], &[u8])> {
    let mut reader = Reader(body);
    reader.take(2 + 32).ok()?;
    reader.vec8().ok()?;
    let before = body.get(..body.len() - reader.0.len())?;
    let cookie = reader.vec8().ok()?;
    let rest = reader.0;
    reader.vec16().ok()?;
    reader.vec8().ok()?;
    let after = rest.get(..rest.len() - reader.0.len())?;
    Some((before, cookie, after))
}

/// The random number of the `ClientHello` that a datagram starts with.
pub(super) fn hello_random(datagram: &[u8]) -> Option<&[u8]> {
    client_hello(datagram)?.1.bytes.get(2..34)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::copy;
    use std::vec::Vec;

    fn hello(cookie: &[u8], suites: u8) -> Vec<u8> {
        hello_with(cookie, suites, &[])
    }

    fn hello_with(cookie: &[u8], suites: u8, extensions: &[u8]) -> Vec<u8> {
        let mut body = [&[0xFE, 0xFD][..], &[7; 32], &[0, cookie.len() as u8], cookie].concat();
        body.extend([0, 2, 0xC0, suites, 1, 0]);
        body.extend(extensions);
        let mut datagram = std::vec![0; PLAIN_HEADER + 12];
        assert!(crate::record::write_plain(&mut datagram, content::HANDSHAKE, 5, 12 + body.len()));
        put_header(&mut Sink::window(0, &mut datagram[13..]), 1, body.len(), 1, 0, body.len());
        datagram.extend(body);
        datagram
    }

    fn cookies() -> Cookies {
        Cookies(HmacKey::new(b"secret"))
    }

    #[test]
    fn a_cookie_is_good_for_its_client_and_hello_only() {
        let mut out = [0; ANSWER];
        assert_eq!(cookies().check(b"here", &hello(&[], 0xA8), &mut out), Verdict::Answer(ANSWER));
        assert_eq!(out[3..11], [0, 0, 0, 0, 0, 0, 0, 5]);
        let mut cookie = [0; COOKIE];
        copy(&mut cookie, &out[ANSWER - COOKIE..]);
        let check = |address: &[u8], hello: &[u8]| cookies().check(address, hello, &mut [0; ANSWER]);
        assert_eq!(check(b"here", &hello(&cookie, 0xA8)), Verdict::Accept);
        // The second hello may have extensions that the first had not.
        assert_eq!(check(b"here", &hello_with(&cookie, 0xA8, &[0, 4, 0, 23, 0, 0])), Verdict::Accept);
        assert_eq!(check(b"there", &hello(&cookie, 0xA8)), Verdict::Answer(ANSWER));
        assert_eq!(check(b"here", &hello(&cookie, 0xA4)), Verdict::Answer(ANSWER));
        cookie[0] ^= 1;
        assert_eq!(check(b"here", &hello(&cookie, 0xA8)), Verdict::Answer(ANSWER));
    }

    #[test]
    fn everything_else_is_ignored() {
        let good = hello(&[], 0xA8);
        for cut in 0..good.len() {
            assert_eq!(cookies().check(b"", &good[..cut], &mut [0; ANSWER]), Verdict::Ignore);
        }
        assert_eq!(cookies().check(b"", &good, &mut [0; ANSWER - 1]), Verdict::Ignore);
        let mut other = good.clone();
        other[13] = 2;
        assert_eq!(cookies().check(b"", &other, &mut [0; ANSWER]), Verdict::Ignore);
        other = good;
        other[4] = 1;
        assert_eq!(cookies().check(b"", &other, &mut [0; ANSWER]), Verdict::Ignore);
    }
}
