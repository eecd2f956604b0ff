//! The client's hello, and our answer to it.

use super::{Config, Core, Peer, State, StoredSession};
use crate::alert::Alert;
use crate::codec::{Filled, Reader, Sink};
use crate::credentials::Requirement;
use crate::event::{FailureReason, Fault};
use crate::handshake::extensions::{
    ECDSA_SHA256, GROUP_P256, RAW_PUBLIC_KEY, RENEGOTIATION_SCSV, Set, X509, number, walk,
};
use crate::handshake::fragment::hash_message;
use crate::handshake::kind;
use crate::profile::{Bytes, Linked, Profile};
use crate::record::VERSION;
use crate::suite::{Cipher, CipherSuite, KeyExchange};

/// A `ClientHello` (RFC 5246 section 7.4.1.2).
struct ClientHello<'a> {
    random: &'a [u8; 32],
    session_id: &'a [u8],
    suites: &'a [u8],
    extensions: Offer<'a>,
}

/// The extensions of a `ClientHello`.
#[derive(Default)]
#[expect(clippy::struct_excessive_bools, reason = "each is an extension of its own")]
struct Offer<'a> {
    max_fragment_length: Option<u8>,
    record_size_limit: Option<u16>,
    p256: bool,
    groups: bool,
    point_formats: bool,
    ecdsa_sha256: bool,
    client_types: Option<&'a [u8]>,
    server_types: Option<&'a [u8]>,
    encrypt_then_mac: bool,
    extended_master_secret: bool,
    connection_id: Option<&'a [u8]>,
    renegotiation: bool,
}

/// What our hello answers. The empty value is all zero bytes.
#[derive(Clone, Copy)]
#[expect(clippy::struct_excessive_bools, reason = "each is an extension of its own")]
pub(super) struct Negotiated {
    max_fragment_length: u8,
    record_size_limit: bool,
    point_formats: bool,
    pub(super) client_raw_public_key: bool,
    pub(super) server_raw_public_key: bool,
    pub(super) request_certificate: bool,
    pub(super) extended_master_secret: bool,
    connection_id: bool,
    renegotiation: bool,
}

impl Negotiated {
    pub(super) const EMPTY: Self = Self {
        max_fragment_length: 0,
        record_size_limit: false,
        point_formats: false,
        client_raw_public_key: false,
        server_raw_public_key: false,
        request_certificate: false,
        extended_master_secret: false,
        connection_id: false,
        renegotiation: false,
    };
}

fn contains_u16(list: &[u8], wanted: u16) -> bool {
    list.chunks_exact(2).any(|pair| pair == wanted.to_be_bytes())
}

impl<'a> ClientHello<'a> {
    fn parse(body: &'a [u8]) -> Result<Self, Fault> {
        let mut reader = Reader(body);
        let version = reader.u16()?;
        // Versions count downwards: DTLS 1.2 or anything newer that will fall back to it.
        if version > VERSION {
            return Err(Fault::new(Alert::PROTOCOL_VERSION, FailureReason::ProtocolVersion));
        }
        let random = reader.array()?;
        let session_id = reader.vec8()?;
        reader.vec8()?;
        let suites = reader.vec16()?;
        let compression = reader.vec8()?;
        if session_id.len() > 32 || !suites.len().is_multiple_of(2) {
            return Err(Fault::MALFORMED);
        }
        if !compression.contains(&0) {
            return Err(Fault::ILLEGAL);
        }
        let mut extensions =
            Offer { renegotiation: contains_u16(suites, RENEGOTIATION_SCSV), ..Offer::default() };
        let mut seen = Set::default();
        walk(reader, |number, body| {
            if seen.has(number) {
                return Err(Fault::ILLEGAL);
            }
            seen.add(number);
            extensions.read(number, body)
        })?;
        Ok(Self { random, session_id, suites, extensions })
    }
}

impl<'a> Offer<'a> {
    fn read(&mut self, number: u16, mut body: Reader<'a>) -> Result<(), Fault> {
        match number {
            number::MAX_FRAGMENT_LENGTH => {
                let code = body.u8()?;
                if !(1..=4).contains(&code) {
                    return Err(Fault::ILLEGAL);
                }
                self.max_fragment_length = Some(code);
            }
            number::RECORD_SIZE_LIMIT => {
                let limit = body.u16()?;
                if limit < 64 {
                    return Err(Fault::ILLEGAL);
                }
                self.record_size_limit = Some(limit);
            }
            number::SUPPORTED_GROUPS => {
                self.groups = true;
                self.p256 = contains_u16(body.vec16()?, GROUP_P256);
            }
            number::EC_POINT_FORMATS => {
                if !body.vec8()?.contains(&0) {
                    return Err(Fault::ILLEGAL);
                }
                self.point_formats = true;
            }
            number::SIGNATURE_ALGORITHMS => self.ecdsa_sha256 = contains_u16(body.vec16()?, ECDSA_SHA256),
            number::CLIENT_CERTIFICATE_TYPE => self.client_types = Some(body.vec8()?),
            number::SERVER_CERTIFICATE_TYPE => self.server_types = Some(body.vec8()?),
            number::ENCRYPT_THEN_MAC => self.encrypt_then_mac = true,
            number::EXTENDED_MASTER_SECRET => self.extended_master_secret = true,
            number::CONNECTION_ID => self.connection_id = Some(body.vec8()?),
            number::RENEGOTIATION_INFO => {
                if !body.vec8()?.is_empty() {
                    return Err(Fault::new(Alert::HANDSHAKE_FAILURE, FailureReason::IllegalParameter));
                }
                self.renegotiation = true;
            }
            // The name is not looked at: we have one certificate. All others are unknown.
            _ => return Ok(()),
        }
        body.end()?;
        Ok(())
    }

    fn offers_p256(&self) -> bool {
        self.p256 || !self.groups
    }

    /// Whether a certificate type is among those offered; X.509 when the extension is absent.
    fn has_type(types: Option<&[u8]>, wanted: u8) -> bool {
        types.map_or(wanted == X509, |types| types.contains(&wanted))
    }
}

impl<P: Profile> Core<P> {
    pub(super) fn on_client_hello(
        &mut self,
        config: &Config<'_>,
        message_seq: u16,
        body: &[u8],
    ) -> Result<(), Fault> {
        let hello = ClientHello::parse(body)?;
        let offer = &hello.extensions;
        if !offer.extended_master_secret && config.extended_master_secret == Requirement::Required {
            return Err(Fault::new(Alert::HANDSHAKE_FAILURE, FailureReason::NoExtendedMasterSecret));
        }
        let suite = Self::choose(config, &hello).ok_or(Fault::NO_COMMON_SUITE)?;
        self.client_random = *hello.random;
        self.first_seq = message_seq;
        self.session = StoredSession { suite: suite.number(), ..StoredSession::EMPTY.clone() };
        self.session.extended_master_secret = offer.extended_master_secret;
        self.link.layer.set_suite(suite);
        self.negotiate(config, suite, offer)?;
        if let Some(session) = self.find(config, &hello, suite) {
            self.session = session;
            self.resumed = true;
        }
        self.transcript.restart();
        hash_message(&mut self.transcript, kind::CLIENT_HELLO, message_seq, body);
        self.state = State::Prepare;
        Ok(())
    }

    /// Our first suite that the client has, and that its extensions allow.
    fn choose(config: &Config<'_>, hello: &ClientHello<'_>) -> Option<CipherSuite> {
        let offer = &hello.extensions;
        let raw = P::RAW_PUBLIC_KEYS && Offer::has_type(offer.server_types, RAW_PUBLIC_KEY);
        let certified = P::CERTIFICATES
            && Offer::has_type(offer.server_types, X509)
            && config.own.is_some_and(|own| !own.chain.is_empty());
        config.suites(P::SUITES).find(|suite| {
            contains_u16(hello.suites, suite.number())
                && match suite.key_exchange() {
                    KeyExchange::Psk => true,
                    KeyExchange::EcdhePsk => offer.offers_p256(),
                    KeyExchange::EcdheEcdsa => {
                        offer.offers_p256() && offer.ecdsa_sha256 && (raw || certified)
                    }
                }
        })
    }

    fn negotiate(&mut self, config: &Config<'_>, suite: CipherSuite, offer: &Offer<'_>) -> Result<(), Fault> {
        let answer = &mut self.negotiated;
        *answer = Negotiated::EMPTY;
        answer.extended_master_secret = offer.extended_master_secret;
        answer.renegotiation = offer.renegotiation;
        answer.point_formats = offer.point_formats && suite.uses_curve();
        if suite.key_exchange() == KeyExchange::EcdheEcdsa {
            let raw = |types| P::RAW_PUBLIC_KEYS && Offer::has_type(types, RAW_PUBLIC_KEY);
            answer.server_raw_public_key = raw(offer.server_types);
            answer.client_raw_public_key = raw(offer.client_types) && config.raw_clients.is_some();
            answer.request_certificate = answer.client_raw_public_key || config.client_ca.is_some();
        }
        // RFC 8449 section 5: when both are offered, only this one is answered.
        answer.record_size_limit = P::RECORD_SIZE_LIMIT != 0 && offer.record_size_limit.is_some();
        if answer.record_size_limit {
            self.link.layer.peer_limit = offer.record_size_limit.unwrap_or(0);
        } else if let Some(code) = offer.max_fragment_length {
            answer.max_fragment_length = code;
            self.link.layer.peer_limit = 256 << code;
        }
        self.link.layer.encrypt_then_mac = suite.cipher() == Cipher::CbcSha256 && offer.encrypt_then_mac;
        if let (true, Some(cid)) = (P::CONNECTION_ID, offer.connection_id) {
            answer.connection_id = true;
            if !self.link.layer.use_cids(cid) {
                return Err(Fault::new(Alert::HANDSHAKE_FAILURE, FailureReason::ConnectionIdTooLong));
            }
        }
        Ok(())
    }

    /// The session that the client wants to resume, when everything is as it was.
    fn find(
        &self,
        config: &Config<'_>,
        hello: &ClientHello<'_>,
        suite: CipherSuite,
    ) -> Option<StoredSession> {
        let session = config.sessions?.load(hello.session_id.try_into().ok()?)?;
        let same = session.extended_master_secret == hello.extensions.extended_master_secret
            && session.suite == suite.number();
        let known = session.peer.may_return(config, self.negotiated.request_certificate);
        (P::RESUMPTION && same && known).then_some(session)
    }

    /// Writes the body of our `ServerHello`.
    pub(super) fn write_server_hello(&self, sink: &mut Sink<'_>) {
        sink.u16(VERSION);
        sink.put(&self.server_random);
        sink.vec8(if P::RESUMPTION { &self.session.id } else { &[] });
        sink.u16(self.session.suite);
        sink.u8(0);
        let mut count = Sink::count();
        self.write_extensions(&mut count);
        if count.len() > 0 {
            sink.u16(count.len() as u16);
            self.write_extensions(sink);
        }
    }

    fn write_extensions(&self, sink: &mut Sink<'_>) {
        let answer = &self.negotiated;
        let mut extension = |number: u16, body: &[u8]| {
            sink.u16(number);
            sink.vec16(body);
        };
        if answer.renegotiation {
            extension(number::RENEGOTIATION_INFO, &[0]);
        }
        if answer.extended_master_secret {
            extension(number::EXTENDED_MASTER_SECRET, &[]);
        }
        if answer.connection_id {
            let own = self.link.layer.own_cid();
            let mut body = Filled::<33>::EMPTY;
            body.push(&[own.len() as u8]);
            body.push(own);
            extension(number::CONNECTION_ID, body.bytes());
        }
        if answer.point_formats {
            extension(number::EC_POINT_FORMATS, &[1, 0]);
        }
        if answer.server_raw_public_key {
            extension(number::SERVER_CERTIFICATE_TYPE, &[RAW_PUBLIC_KEY]);
        }
        if answer.client_raw_public_key {
            extension(number::CLIENT_CERTIFICATE_TYPE, &[RAW_PUBLIC_KEY]);
        }
        if self.link.layer.encrypt_then_mac {
            extension(number::ENCRYPT_THEN_MAC, &[]);
        }
        if answer.record_size_limit {
            extension(number::RECORD_SIZE_LIMIT, &P::RECORD_SIZE_LIMIT.to_be_bytes());
        }
        if answer.max_fragment_length != 0 {
            extension(number::MAX_FRAGMENT_LENGTH, &[answer.max_fragment_length]);
        }
    }

    /// Draws our connection ID.
    pub(super) fn has_own_cid(&self) -> bool {
        P::OwnCid::LEN != 0 && self.negotiated.connection_id
    }

    /// Who the client says it is, before it has proved it.
    pub(super) fn set_peer(&mut self, peer: Peer) {
        self.session.peer = peer;
    }
}
