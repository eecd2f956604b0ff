//! The client's flight: its certificate, key exchange, signature and `Finished`.

use super::{Config, Core, Peer, State};
use crate::alert::Alert;
use crate::codec::{Reader, copy};
use crate::credentials::{CertificateUsage, MatchingType, PublicKey, ServerCertificate};
use crate::event::{FailureReason, Fault};
use crate::handshake::certificate::{parse_certificate, parse_signed};
use crate::handshake::fragment::hash_message;
use crate::handshake::kind;
use crate::handshake::schedule::{Premaster, Randoms, key_block, master_secret, verify_data};
use crate::profile::{Bytes, Linked, Profile};
use crate::provider::Curve;
use crate::provider::p256::POINT;
use crate::record::Side;
use crate::secret::verdict;
use crate::suite::KeyExchange;
use crate::x509::{self, der::oid};
use subtle::ConstantTimeEq;

impl<P: Profile> Core<P> {
    /// A message of the client's flight, each in its turn.
    pub(super) fn on_client_flight(
        &mut self,
        config: &Config<'_>,
        kind: u8,
        message_seq: u16,
        body: &[u8],
    ) -> Result<(), Fault> {
        match (self.state, kind) {
            (State::ClientCertificate, kind::CERTIFICATE) if P::ECDHE_ECDSA => {
                self.on_certificate(config, body)?;
                self.state = State::ClientKeyExchange;
            }
            (State::ClientKeyExchange, kind::CLIENT_KEY_EXCHANGE) => {
                let premaster = self.on_key_exchange(config, body)?;
                hash_message(&mut self.transcript, kind, message_seq, body);
                self.derive(&premaster);
                self.state = if self.negotiated.request_certificate {
                    State::CertificateVerify
                } else {
                    State::ClientFinished
                };
                return Ok(());
            }
            (State::CertificateVerify, kind::CERTIFICATE_VERIFY) if P::ECDHE_ECDSA => {
                self.on_certificate_verify(body)?;
                self.state = State::ClientFinished;
            }
            _ => return Err(Fault::UNEXPECTED),
        }
        hash_message(&mut self.transcript, kind, message_seq, body);
        Ok(())
    }

    fn on_certificate(&mut self, config: &Config<'_>, body: &[u8]) -> Result<(), Fault> {
        let contents = parse_certificate(body)?;
        if contents.is_empty() {
            return Err(Fault::new(Alert::HANDSHAKE_FAILURE, FailureReason::UnknownCa));
        }
        let point: [u8; POINT] = if self.negotiated.client_raw_public_key {
            let key = PublicKey::parse(contents).map_err(|_| Fault::UNSUPPORTED_CERTIFICATE)?;
            if !config.raw_clients.is_some_and(|clients| clients.is_known(&key)) {
                return Err(Fault::new(Alert::CERTIFICATE_UNKNOWN, FailureReason::ServerKeyMismatch));
            }
            *key.point()
        } else {
            let anchor = config.client_ca.ok_or(Fault::UNSUPPORTED_CERTIFICATE)?;
            let (usage, matching) = (CertificateUsage::TrustAnchorAssertion, MatchingType::Exact);
            let policy = ServerCertificate::new(usage, matching, anchor, &[]).map_err(|_| Fault::INTERNAL)?;
            let policy = policy.allow_any_name();
            self.time_checked = config.unix_time.is_some();
            x509::verify::<P::Curve>(contents, oid::CLIENT_AUTH, &policy, None, config.unix_time)?.key
        };
        copy(self.client_point.bytes_mut(), &point);
        self.set_peer(Peer::key(&point, self.negotiated.client_raw_public_key));
        Ok(())
    }

    fn on_key_exchange(&mut self, config: &Config<'_>, body: &[u8]) -> Result<Premaster, Fault> {
        let mut reader = Reader(body);
        let key_exchange = self.link.layer.suite().map(P::key_exchange).ok_or(Fault::INTERNAL)?;
        let mut key: Option<&[u8]> = None;
        if key_exchange != KeyExchange::EcdheEcdsa {
            let identity = reader.vec16()?;
            let unknown = Fault::new(Alert::UNKNOWN_PSK_IDENTITY, FailureReason::UnknownIdentity);
            key = Some(config.psk.and_then(|psk| psk.key(identity)).ok_or(unknown)?);
            self.set_peer(Peer::psk(identity));
        }
        let mut shared = [0; 32];
        if P::CURVE && key_exchange != KeyExchange::Psk {
            let point = reader.vec8()?.try_into().map_err(|_| Fault::ILLEGAL)?;
            P::Curve::agree(&self.scalar, point, &mut shared).map_err(|_| Fault::ILLEGAL)?;
        }
        reader.end()?;
        Ok(match (key_exchange, key) {
            (KeyExchange::Psk, Some(key)) => Premaster::psk(None, key),
            (KeyExchange::EcdhePsk, Some(key)) => Premaster::psk(Some(&shared), key),
            _ => Premaster::ecdhe(&shared),
        })
    }

    fn derive(&mut self, premaster: &Premaster) {
        let randoms = Randoms { client: &self.client_random, server: &self.server_random };
        let session = self.session.extended_master_secret.then_some(&self.transcript);
        master_secret(premaster, session, randoms, &mut self.session.master);
        self.install_keys();
    }

    pub(super) fn install_keys(&mut self) {
        let randoms = Randoms { client: &self.client_random, server: &self.server_random };
        key_block(&self.session.master, randoms, self.link.layer.install_keys());
    }

    /// RFC 5246 section 7.4.8: a signature over all messages so far.
    fn on_certificate_verify(&self, body: &[u8]) -> Result<(), Fault> {
        let signature = parse_signed(Reader(body))?.ok_or(Fault::ILLEGAL)?;
        let key = self.client_point.bytes().first_chunk().ok_or(Fault::INTERNAL)?;
        P::Curve::verify(key, &self.transcript.digest(), &signature).map_err(|_| Fault::BAD_SIGNATURE)
    }

    pub(super) fn on_finished(
        &mut self,
        config: &Config<'_>,
        message_seq: u16,
        body: &[u8],
    ) -> Result<(), Fault> {
        let expected = verify_data(&self.session.master, Side::Client, &self.transcript);
        if body.len() != expected.len() {
            return Err(Fault::MALFORMED);
        }
        if !verdict(expected.ct_eq(body)) {
            return Err(Fault::new(Alert::DECRYPT_ERROR, FailureReason::BadFinished));
        }
        if self.state == State::ResumedClientFinished {
            self.connected(config);
            return Ok(());
        }
        hash_message(&mut self.transcript, kind::FINISHED, message_seq, body);
        self.own_finished = verify_data(&self.session.master, Side::Server, &self.transcript);
        self.state = State::LastFlight;
        self.link.start_flight();
        Ok(())
    }
}
