//! The hellos: writing ours, and the server's answer to it.

use super::{Connection, Core, State};
use crate::alert::Alert;
use crate::codec::{Filled, Sink, copy};
use crate::credentials::{Credentials, Requirement, Security};
use crate::event::{FailureReason, Fault};
use crate::handshake::extensions::{
    ECDSA_SHA256, GROUP_P256, RAW_PUBLIC_KEY, RENEGOTIATION_SCSV, Set, X509, number,
};
use crate::handshake::fragment::{hash_message, hash_written};
use crate::handshake::hello::{Answers, ServerHello, max_fragment_code, parse_hello_verify};
use crate::handshake::kind;
use crate::handshake::schedule::{Randoms, key_block, verify_data};
use crate::profile::{Bytes, Linked, Profile};
use crate::provider::sha256::Sha256;
use crate::record::{Side, VERSION};
use crate::suite::{Cipher, CipherSuite, KeyExchange};

/// Cookies that are taken at most: one, and another when that one expired. One more when the first was for a short hello: a
/// server whose cookies cover the extensions, too, asks again.
const COOKIES_MAX: u8 = 2;

impl<P: Profile> Core<P> {
    /// Writes the body of the `ClientHello` (RFC 6347 section 4.2.1). Both hellos are the same but for the cookie, and the
    /// extensions that the first may lack.
    pub(super) fn write_client_hello(&self, security: &Security<'_>, sink: &mut Sink<'_>) {
        sink.u16(VERSION);
        sink.put(&self.client_random);
        sink.vec8(self.session.offered(security));
        sink.vec8(self.cookie.bytes().get(..self.cookie_len.into()).unwrap_or_default());
        sink.u16(2 * security.offer(P::SUITES).count() as u16 + 2);
        security.offer(P::SUITES).for_each(|suite| sink.u16(suite.number()));
        sink.u16(RENEGOTIATION_SCSV);
        sink.vec8(&[0]);
        if self.hello_is_short() {
            // An empty list, not none: the cookies of Scandium cover the first byte behind the compression, too.
            sink.u16(0);
            return;
        }
        let mut count = Sink::count();
        self.write_extensions(security, &mut count);
        sink.u16(count.len() as u16);
        self.write_extensions(security, sink);
    }

    /// Writes the extensions. Answers which were written.
    fn write_extensions(&self, security: &Security<'_>, sink: &mut Sink<'_>) -> Set {
        let mut set = Set::default();
        let mut extension = |sink: &mut Sink<'_>, number: u16, body: &[u8]| {
            set.add(number);
            sink.u16(number);
            sink.vec16(body);
        };
        let has = |wanted: fn(CipherSuite) -> bool| security.offer(P::SUITES).any(wanted);
        extension(sink, number::EXTENDED_MASTER_SECRET, &[]);
        if P::CONNECTION_ID {
            // RFC 9146 section 3: the connection ID that we want to receive, with a 1-byte length.
            let own = self.link.layer.offered_cid();
            let mut body = Filled::<33>::EMPTY;
            body.push(&[own.len() as u8]);
            body.push(own);
            extension(sink, number::CONNECTION_ID, body.bytes());
        }
        if P::CURVE && has(CipherSuite::uses_curve) {
            let [high, low] = GROUP_P256.to_be_bytes();
            extension(sink, number::SUPPORTED_GROUPS, &[0, 2, high, low]);
            extension(sink, number::EC_POINT_FORMATS, &[1, 0]);
        }
        if P::ECDHE_ECDSA && !matches!(security.credentials, Credentials::Psk(_)) {
            let [high, low] = ECDSA_SHA256.to_be_bytes();
            extension(sink, number::SIGNATURE_ALGORITHMS, &[0, 2, high, low]);
        }
        if P::RAW_PUBLIC_KEYS && matches!(security.credentials, Credentials::RawPublicKey(_)) {
            extension(sink, number::CLIENT_CERTIFICATE_TYPE, &[1, RAW_PUBLIC_KEY]);
            extension(sink, number::SERVER_CERTIFICATE_TYPE, &[1, RAW_PUBLIC_KEY]);
        }
        if P::CBC && has(|suite| suite.cipher() == Cipher::CbcSha256) {
            extension(sink, number::ENCRYPT_THEN_MAC, &[]);
        }
        if P::MAX_FRAGMENT_LENGTH != 0 {
            extension(sink, number::MAX_FRAGMENT_LENGTH, &[max_fragment_code(P::MAX_FRAGMENT_LENGTH)]);
        }
        if P::RECORD_SIZE_LIMIT != 0 {
            extension(sink, number::RECORD_SIZE_LIMIT, &P::RECORD_SIZE_LIMIT.to_be_bytes());
        }
        if let Some(name) = security.server_name.and_then(|name| name.indication()) {
            // RFC 6066 section 3: a list with one host name.
            set.add(number::SERVER_NAME);
            let length = name.len() as u16;
            sink.u16(number::SERVER_NAME);
            sink.u16(length + 5);
            sink.u16(length + 3);
            sink.u8(0);
            sink.vec16(name.as_bytes());
        }
        set
    }

    /// The hello was not answered yet, and a cookie is asked for.
    pub(super) fn on_hello_verify(&mut self, body: &[u8]) -> Result<(), Fault> {
        let cookie = parse_hello_verify(body)?;
        let present = self.cookie.bytes().get(..self.cookie_len.into()).unwrap_or_default();
        let limit = COOKIES_MAX + u8::from(self.began_short());
        // The answer to a hello that was sent twice, or one too many: either way our hello is on its way.
        if (cookie == present && self.hellos > 0) || self.hellos >= limit {
            return Ok(());
        }
        if self.is_first_cookie(cookie) {
            return Ok(());
        }
        let Some(place) = self.cookie.bytes_mut().get_mut(..cookie.len()) else {
            return Err(Fault::new(Alert::HANDSHAKE_FAILURE, FailureReason::CookieTooLong));
        };
        copy(place, cookie);
        self.cookie_len = cookie.len() as u8;
        self.hellos += 1;
        self.link.start_flight();
        Ok(())
    }

    /// Its frame holds a hash: what follows from it is not done in here.
    #[inline(never)]
    pub(super) fn on_server_hello(
        &mut self,
        security: &Security<'_>,
        message_seq: u16,
        body: &[u8],
    ) -> Result<(), Fault> {
        let mut offered = self.write_extensions(security, &mut Sink::count());
        // Offered by the suite number that stands for it (RFC 5746 section 3.4).
        offered.add(number::RENEGOTIATION_INFO);
        let hello = ServerHello::parse(body, offered)?;
        let suite = CipherSuite::from_number(hello.suite)
            .filter(|suite| security.offer(P::SUITES).any(|offered| offered == *suite))
            .ok_or(Fault::ILLEGAL)?;
        let offered_id = self.session.offered(security);
        let offered = !offered_id.is_empty();
        self.resumed = offered && offered_id == hello.session_id;
        self.accept_extensions(security, suite, &hello.extensions)?;
        self.link.layer.set_suite(suite);
        self.link.layer.set_peer_random(hello.random);

        self.transcript.restart();
        let mut transcript = core::mem::replace(&mut self.transcript, Sha256::IDLE);
        hash_written(&mut transcript, kind::CLIENT_HELLO, self.hellos.into(), &|_, sink| {
            self.write_client_hello(security, sink);
        });
        hash_message(&mut transcript, kind::SERVER_HELLO, message_seq, body);
        self.transcript = transcript;

        if self.resumed {
            return self.check_resumed(suite);
        }
        self.session.start(hello.session_id, suite, offered);
        self.state = match P::key_exchange(suite) {
            KeyExchange::EcdheEcdsa => State::ServerCertificate,
            KeyExchange::EcdhePsk | KeyExchange::Psk => State::ServerKeyExchange,
        };
        Ok(())
    }

    fn accept_extensions(
        &mut self,
        security: &Security<'_>,
        suite: CipherSuite,
        answers: &Answers<'_>,
    ) -> Result<(), Fault> {
        self.extended_master_secret = answers.extended_master_secret;
        if !answers.extended_master_secret && security.extended_master_secret == Requirement::Required {
            return Err(Fault::new(Alert::HANDSHAKE_FAILURE, FailureReason::NoExtendedMasterSecret));
        }
        // RFC 7366 section 2: only with block ciphers.
        let is_cbc = P::cipher(suite) == Cipher::CbcSha256;
        if answers.encrypt_then_mac && !is_cbc {
            return Err(Fault::ILLEGAL);
        }
        self.link.layer.encrypt_then_mac = P::CBC && answers.encrypt_then_mac;
        if let Some(cid) = answers.connection_id
            && !self.link.layer.use_cids(cid)
        {
            return Err(Fault::new(Alert::HANDSHAKE_FAILURE, FailureReason::ConnectionIdTooLong));
        }
        if P::MAX_FRAGMENT_LENGTH != 0 || P::RECORD_SIZE_LIMIT != 0 {
            self.accept_limits(answers)?;
        }
        self.accept_certificate_types(security, suite, answers)
    }

    fn accept_limits(&mut self, answers: &Answers<'_>) -> Result<(), Fault> {
        // RFC 6066 section 4: the very length that we asked for.
        if answers.max_fragment_length.is_some_and(|code| code != max_fragment_code(P::MAX_FRAGMENT_LENGTH)) {
            return Err(Fault::ILLEGAL);
        }
        let (peer_limit, own_limit) = match (answers.record_size_limit, answers.max_fragment_length) {
            // RFC 8449 section 5: one of the two.
            (Some(_), Some(_)) => return Err(Fault::ILLEGAL),
            (Some(limit), None) => (limit, P::RECORD_SIZE_LIMIT),
            (None, Some(_)) => (P::MAX_FRAGMENT_LENGTH, P::MAX_FRAGMENT_LENGTH),
            // RFC 6066 section 4: it may still hold from the handshake that made the session, said again or not.
            (None, None) if self.resumed => (P::MAX_FRAGMENT_LENGTH, 0),
            (None, None) => (0, 0),
        };
        self.link.layer.peer_limit = peer_limit;
        self.link.layer.own_limit = own_limit;
        Ok(())
    }

    /// RFC 7250 section 4.2: what was not answered is X.509; what we did not offer is refused.
    fn accept_certificate_types(
        &mut self,
        security: &Security<'_>,
        suite: CipherSuite,
        answers: &Answers<'_>,
    ) -> Result<(), Fault> {
        let is_raw = |answer: Option<u8>| answer.unwrap_or(X509) == RAW_PUBLIC_KEY;
        self.server_raw_public_key = P::RAW_PUBLIC_KEYS && is_raw(answers.server_certificate_type);
        self.client_raw_public_key = P::RAW_PUBLIC_KEYS && is_raw(answers.client_certificate_type);
        let raw_offered = matches!(security.credentials, Credentials::RawPublicKey(_));
        let unoffered = |answer: Option<u8>| answer.is_some_and(|kind| kind != RAW_PUBLIC_KEY);
        if unoffered(answers.server_certificate_type) || unoffered(answers.client_certificate_type) {
            return Err(Fault::ILLEGAL);
        }
        // We could not check a certificate. A session that is resumed needs none, so its types may be left out (RFC 5246
        // section 7.4.1.4).
        let certified = P::key_exchange(suite) == KeyExchange::EcdheEcdsa && !self.resumed;
        if certified && raw_offered && !self.server_raw_public_key {
            return Err(Fault::NO_RAW_PUBLIC_KEY);
        }
        Ok(())
    }

    /// The server takes up the session that we offered: only as it was.
    fn check_resumed(&self, suite: CipherSuite) -> Result<(), Fault> {
        if self.session.suite() != Some(suite) {
            return Err(Fault::ILLEGAL);
        }
        // RFC 7627 section 5.3.
        if self.session.extended_master_secret != self.extended_master_secret {
            return Err(Fault::new(Alert::HANDSHAKE_FAILURE, FailureReason::NoExtendedMasterSecret));
        }
        Ok(())
    }

    /// The keys of the session that was resumed.
    pub(super) fn resume(&mut self) {
        self.install_keys();
        self.peer_finished = verify_data(&self.session.master, Side::Server, &self.transcript);
        self.state = State::ResumedServerFinished;
    }

    /// Expands the master secret into the keys of the records.
    pub(super) fn install_keys(&mut self) {
        let server_random = *self.link.layer.peer_random();
        let randoms = Randoms { client: &self.client_random, server: &server_random };
        key_block(&self.session.master, randoms, self.link.layer.install_keys());
    }
}

impl<P: Profile> Connection<P> {
    /// Bytes of the connection ID that the server puts in its records to us; 0 when none was agreed on.
    pub fn own_connection_id_len(&self) -> usize {
        self.core.link.layer.own_cid().len()
    }
}
