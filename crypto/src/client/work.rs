//! What has to be computed for our last flight. One multiplication on the curve takes a device up to a second, so
//! each is a step of its own.

use super::{Core, OwnCertificate, State};
use crate::alert::Alert;
use crate::codec::Sink;
use crate::credentials::{Credentials, Security};
use crate::event::{FailureReason, Fault};
use crate::handshake::certificate::{put_chain, put_raw_public_key, put_signed};
use crate::handshake::fragment::hash_written;
use crate::handshake::key_exchange::put_client;
use crate::handshake::kind;
use crate::handshake::schedule::{Premaster, Randoms, master_secret, verify_data};
use crate::profile::{Bytes, Linked, Profile};
use crate::provider::sha256::Sha256;
use crate::provider::{Curve, CurveError};
use crate::record::Side;
use crate::rng::{Rng, RngError};
use crate::suite::KeyExchange;
use zeroize::Zeroize;

/// What came of a step.
#[derive(Debug)]
pub(super) enum Step {
    /// There is something to send now.
    Ready,
    /// There is another step.
    More,
}

impl<P: Profile> Core<P> {
    /// Does the step that is due, if any.
    pub(super) fn work(&mut self, security: &Security<'_>, rng: &mut dyn Rng) -> Result<Step, RngError> {
        let done = match self.state {
            State::Start => {
                self.draw_hello(rng)?;
                self.choose_first_hello(security);
                Ok(Step::Ready)
            }
            State::Agree if P::CURVE => match self.agree(rng) {
                Err(CurveError::NoRandomness) => return Err(RngError),
                Err(CurveError::InvalidPoint) => Err(Fault::ILLEGAL),
                Err(_) => Err(Fault::INTERNAL),
                Ok(()) => Ok(Step::More),
            },
            State::Share if P::CURVE => self.share().map(|()| Step::More),
            State::Derive => self.derive(security).map(|()| Step::Ready),
            _ => Ok(Step::Ready),
        };
        Ok(done.unwrap_or_else(|fault| {
            self.fault(fault);
            Step::Ready
        }))
    }

    fn draw_hello(&mut self, rng: &mut dyn Rng) -> Result<(), RngError> {
        // All of it is random: no clock needs to be right (RFC 5246 section 7.4.1.2), and nobody reads one (RFC 7925 section 12).
        rng.fill(&mut self.client_random)?;
        if P::OwnCid::LEN != 0 {
            rng.fill(self.link.layer.own_cid_mut())?;
        }
        self.own_certificate = OwnCertificate::NotRequested;
        self.state = State::ServerHello;
        self.link.start_flight();
        Ok(())
    }

    /// Draws our ephemeral secret, and multiplies the server's point with it.
    fn agree(&mut self, rng: &mut dyn Rng) -> Result<(), CurveError> {
        let secret = self.signature.bytes_mut().first_chunk_mut().ok_or(CurveError::NotLinked)?;
        P::Curve::generate(rng, secret)?;
        let point = self.point.bytes().first_chunk().ok_or(CurveError::NotLinked)?;
        let shared = self.session.master.first_chunk_mut().ok_or(CurveError::NotLinked)?;
        P::Curve::agree(secret, point, shared)?;
        self.state = State::Share;
        Ok(())
    }

    /// Computes our ephemeral point; the secret is not needed any more.
    fn share(&mut self) -> Result<(), Fault> {
        let secret = self.signature.bytes().first_chunk().ok_or(Fault::INTERNAL)?;
        let point = self.point.bytes_mut().first_chunk_mut().ok_or(Fault::INTERNAL)?;
        P::Curve::public_key(secret, point).map_err(|_| Fault::INTERNAL)?;
        self.signature.bytes_mut().zeroize();
        self.state = State::Derive;
        Ok(())
    }

    /// Derives the keys, signs, and computes both `Finished`.
    fn derive(&mut self, security: &Security<'_>) -> Result<(), Fault> {
        let mut transcript = core::mem::replace(&mut self.transcript, Sha256::IDLE);
        let mut sequence = u16::from(self.hellos);
        if self.own_certificate != OwnCertificate::NotRequested {
            self.hash_own(security, &mut transcript, kind::CERTIFICATE, &mut sequence);
        }
        self.hash_own(security, &mut transcript, kind::CLIENT_KEY_EXCHANGE, &mut sequence);

        let premaster = self.premaster(security)?;
        let session = self.extended_master_secret.then_some(&transcript);
        let randoms = Randoms { client: &self.client_random, server: self.link.layer.peer_random() };
        master_secret(&premaster, session, randoms, &mut self.session.master);
        self.install_keys();

        if P::ECDHE_ECDSA && self.own_certificate == OwnCertificate::Sent {
            self.sign(security, &transcript)?;
            self.hash_own(security, &mut transcript, kind::CERTIFICATE_VERIFY, &mut sequence);
        }
        self.own_finished = verify_data(&self.session.master, Side::Client, &transcript);
        self.hash_own(security, &mut transcript, kind::FINISHED, &mut sequence);
        self.peer_finished = verify_data(&self.session.master, Side::Server, &transcript);
        self.state = State::ServerFinished;
        self.link.start_flight();
        Ok(())
    }

    fn hash_own(&self, security: &Security<'_>, transcript: &mut Sha256, kind: u8, sequence: &mut u16) {
        *sequence = sequence.wrapping_add(1);
        hash_written(transcript, kind, *sequence, &|kind, sink| self.write_message(security, kind, sink));
    }

    fn premaster(&self, security: &Security<'_>) -> Result<Premaster, Fault> {
        let shared = self.session.master.get(..32).unwrap_or_default();
        match (self.link.layer.suite().map(P::key_exchange), &security.credentials) {
            (Some(KeyExchange::Psk), Credentials::Psk(psk)) if P::PSK => Ok(Premaster::psk(None, psk.key())),
            (Some(KeyExchange::EcdhePsk), Credentials::Psk(psk)) if P::ECDHE_PSK => {
                Ok(Premaster::psk(Some(shared), psk.key()))
            }
            (Some(KeyExchange::EcdheEcdsa), _) if P::ECDHE_ECDSA => Ok(Premaster::ecdhe(shared)),
            // The caller changed the credentials in the middle of the handshake.
            _ => Err(Fault::INTERNAL),
        }
    }

    /// Signs the handshake so far (RFC 5246 section 7.4.8).
    fn sign(&mut self, security: &Security<'_>, transcript: &Sha256) -> Result<(), Fault> {
        let signer = match &security.credentials {
            Credentials::RawPublicKey(keys) => keys.signer,
            Credentials::Certificate(own) => own.own.ok_or(Fault::INTERNAL)?.0,
            Credentials::Psk(_) => return Err(Fault::INTERNAL),
        };
        let signature = self.signature.bytes_mut().first_chunk_mut().ok_or(Fault::INTERNAL)?;
        signer
            .sign(&transcript.digest(), signature)
            .map_err(|_| Fault::new(Alert::INTERNAL_ERROR, FailureReason::SigningFailed))
    }

    /// Writes the body of one of our messages.
    pub(super) fn write_message(&self, security: &Security<'_>, kind: u8, sink: &mut Sink<'_>) {
        match kind {
            kind::CLIENT_HELLO => self.write_client_hello(security, sink),
            kind::CERTIFICATE if P::ECDHE_ECDSA => match &security.credentials {
                _ if self.own_certificate != OwnCertificate::Sent => put_chain(sink, &[]),
                Credentials::RawPublicKey(keys) if P::RAW_PUBLIC_KEYS => {
                    put_raw_public_key(sink, &keys.own.to_spki());
                }
                Credentials::Certificate(own) if P::CERTIFICATES => {
                    put_chain(sink, own.own.map_or(&[], |(_, chain)| chain));
                }
                _ => {}
            },
            kind::CLIENT_KEY_EXCHANGE => {
                let identity = match &security.credentials {
                    Credentials::Psk(psk) => Some(psk.identity()),
                    _ => None,
                };
                let curve = self.link.layer.suite().is_some_and(crate::CipherSuite::uses_curve);
                put_client(sink, identity, (P::CURVE && curve).then_some(self.point.bytes()));
            }
            kind::CERTIFICATE_VERIFY if P::ECDHE_ECDSA => put_signed(sink, self.signature.bytes()),
            kind::FINISHED => sink.put(&self.own_finished),
            _ => {}
        }
    }
}
