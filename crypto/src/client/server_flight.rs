//! The server's flight: `Certificate` to `ServerHelloDone`, and its `Finished`.

use super::{Core, OwnCertificate, State};
use crate::alert::Alert;
use crate::codec::copy;
use crate::credentials::{Credentials, PublicKey, Security};
use crate::event::{FailureReason, Fault};
use crate::handshake::certificate::{parse_certificate, parse_request};
use crate::handshake::fragment::hash_message;
use crate::handshake::key_exchange::{EphemeralKey, parse_ecdhe_ecdsa, parse_ecdhe_psk, parse_psk};
use crate::handshake::kind;
use crate::handshake::schedule::{Randoms, verify_data};
use crate::profile::{Bytes, Linked, Profile};
use crate::provider::Curve;
use crate::provider::p256::POINT;
use crate::record::Side;
use crate::secret::verdict;
use crate::suite::KeyExchange;
use crate::x509::{self, der::oid};
use subtle::ConstantTimeEq;

impl<P: Profile> Core<P> {
    /// A message of the server's flight, each in its turn.
    pub(super) fn on_server_flight(
        &mut self,
        security: &Security<'_>,
        kind: u8,
        message_seq: u16,
        body: &[u8],
    ) -> Result<(), Fault> {
        let key_exchange = self.link.layer.suite().map(P::key_exchange);
        match (self.state, kind, key_exchange) {
            (State::ServerCertificate, kind::CERTIFICATE, _) if P::ECDHE_ECDSA => {
                self.on_certificate(security, body)?;
                self.state = State::ServerKeyExchange;
            }
            (State::ServerKeyExchange, kind::SERVER_KEY_EXCHANGE, Some(key_exchange)) => {
                self.on_key_exchange(key_exchange, body)?;
                self.state = State::ServerHelloDone;
            }
            (State::ServerHelloDone, kind::CERTIFICATE_REQUEST, Some(KeyExchange::EcdheEcdsa))
                if P::ECDHE_ECDSA && self.own_certificate == OwnCertificate::NotRequested =>
            {
                self.on_certificate_request(security, body)?;
            }
            // The key exchange of plain PSK is only a hint: it may be left out.
            (State::ServerKeyExchange, kind::SERVER_HELLO_DONE, Some(KeyExchange::Psk))
            | (State::ServerHelloDone, kind::SERVER_HELLO_DONE, _) => {
                if !body.is_empty() {
                    return Err(Fault::MALFORMED);
                }
                self.link.timer.stop();
                self.session.forget_declined();
                let curve = key_exchange.is_some_and(|exchange| exchange != KeyExchange::Psk);
                self.state = if P::CURVE && curve { State::Agree } else { State::Derive };
            }
            _ => return Err(Fault::UNEXPECTED),
        }
        hash_message(&mut self.transcript, kind, message_seq, body);
        Ok(())
    }

    /// The server's certificate or raw public key: whatever was negotiated, and nothing else.
    fn on_certificate(&mut self, security: &Security<'_>, body: &[u8]) -> Result<(), Fault> {
        let contents = parse_certificate(body)?;
        let key: [u8; POINT] = match &security.credentials {
            Credentials::RawPublicKey(keys) if P::RAW_PUBLIC_KEYS && self.server_raw_public_key => {
                // The whole SubjectPublicKeyInfo, not only the point in it.
                if contents.len() != PublicKey::SPKI_LEN {
                    return Err(Fault::NO_RAW_PUBLIC_KEY);
                }
                if keys.server.to_spki() != contents {
                    return Err(Fault::new(Alert::HANDSHAKE_FAILURE, FailureReason::ServerKeyMismatch));
                }
                *keys.server.point()
            }
            Credentials::Certificate(own) if P::CERTIFICATES && !self.server_raw_public_key => {
                self.time_checked = security.unix_time.is_some();
                let name = security.server_name;
                let purpose = oid::SERVER_AUTH;
                x509::verify::<P::Curve>(contents, purpose, &own.server, name, security.unix_time)?.key
            }
            _ => return Err(Fault::UNSUPPORTED_CERTIFICATE),
        };
        self.set_point(&key);
        Ok(())
    }

    fn on_key_exchange(&mut self, key_exchange: KeyExchange, body: &[u8]) -> Result<(), Fault> {
        match key_exchange {
            KeyExchange::Psk if P::PSK => parse_psk(body)?,
            KeyExchange::EcdhePsk if P::ECDHE_PSK => self.set_point(parse_ecdhe_psk(body)?.point),
            KeyExchange::EcdheEcdsa if P::ECDHE_ECDSA => {
                let (ephemeral, signature) = parse_ecdhe_ecdsa(body)?;
                // RFC 5246 section 7.4.3: an algorithm that we offered.
                let signature = signature.ok_or(Fault::ILLEGAL)?;
                self.check_signature(&ephemeral, &signature)?;
                self.set_point(ephemeral.point);
            }
            _ => return Err(Fault::UNEXPECTED),
        }
        Ok(())
    }

    fn check_signature(&self, ephemeral: &EphemeralKey<'_>, signature: &[u8; 64]) -> Result<(), Fault> {
        let randoms = Randoms { client: &self.client_random, server: self.link.layer.peer_random() };
        let key = self.point.bytes().first_chunk().ok_or(Fault::INTERNAL)?;
        P::Curve::verify(key, &ephemeral.digest(randoms), signature).map_err(|_| Fault::BAD_SIGNATURE)
    }

    fn set_point(&mut self, point: &[u8; POINT]) {
        copy(self.point.bytes_mut(), point);
    }

    fn on_certificate_request(&mut self, security: &Security<'_>, body: &[u8]) -> Result<(), Fault> {
        let fits = parse_request(body)?;
        let available = match &security.credentials {
            Credentials::RawPublicKey(_) => self.client_raw_public_key,
            Credentials::Certificate(own) => own.own.is_some() && !self.client_raw_public_key,
            Credentials::Psk(_) => false,
        };
        self.own_certificate = if fits && available { OwnCertificate::Sent } else { OwnCertificate::Empty };
        Ok(())
    }

    /// The server's `Finished`: proof that it has the keys and saw the handshake that we saw.
    pub(super) fn on_finished(&mut self, message_seq: u16, body: &[u8]) -> Result<(), Fault> {
        if body.len() != self.peer_finished.len() {
            return Err(Fault::MALFORMED);
        }
        if !verdict(self.peer_finished.ct_eq(body)) {
            return Err(Fault::new(Alert::DECRYPT_ERROR, FailureReason::BadFinished));
        }
        if self.state == State::ResumedServerFinished {
            hash_message(&mut self.transcript, kind::FINISHED, message_seq, body);
            self.own_finished = verify_data(&self.session.master, Side::Client, &self.transcript);
            self.state = State::ResumedFlight;
            self.link.start_flight();
        } else {
            self.connected();
        }
        Ok(())
    }
}
