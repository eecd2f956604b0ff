//! Our flights, and what has to be computed for them.

use super::{Config, Connection, Core, State};
use crate::codec::Sink;
use crate::event::Fault;
use crate::handshake::certificate::{put_chain, put_raw_public_key, put_request, put_signed};
use crate::handshake::flight::Source;
use crate::handshake::fragment::hash_written;
use crate::handshake::key_exchange::put_params;
use crate::handshake::kind;
use crate::handshake::schedule::verify_data;
use crate::link::{Items, Link, TransmitError, transmit_flight};
use crate::profile::{Bytes, Linked, Profile};
use crate::provider::sha256::{self, Sha256};
use crate::provider::{Curve, CurveError};
use crate::record::Side;
use crate::rng::{Rng, RngError};
use crate::suite::KeyExchange;
use crate::time::Instant;

impl<P: Profile> Connection<P> {
    /// Writes the next datagram to send: see the client's `poll_transmit`.
    ///
    /// # Errors
    /// When `out` is too small, or there are no random numbers.
    pub fn poll_transmit(
        &mut self,
        now: Instant,
        config: &Config<'_>,
        rng: &mut dyn Rng,
        out: &mut [u8],
    ) -> Result<Option<usize>, TransmitError> {
        let core = &mut self.core;
        if core.state == State::Prepare
            && let Err(fault) = core.prepare(config, rng)?
        {
            core.fault(fault);
        }
        let out = core.link.datagram(out);
        if core.link.has_alert() {
            return Ok(core.link.transmit_alert(Side::Server, out)?);
        }
        if !core.link.due {
            return Ok(None);
        }
        let (items, first_seq) = core.flight();
        let mut messages = Messages { core, config };
        let (length, last) = transmit_flight(&mut messages, Side::Server, &items, first_seq, out)?;
        if last {
            core.flight_sent(now, config);
        }
        Ok(Some(length))
    }
}

/// Our messages.
struct Messages<'a, 'b, P: Profile> {
    core: &'a mut Core<P>,
    config: &'a Config<'b>,
}

impl<P: Profile> Source for Messages<'_, '_, P> {
    type Profile = P;

    fn link(&mut self) -> &mut Link<P> {
        &mut self.core.link
    }

    fn write(&self, kind: u8, sink: &mut Sink<'_>) {
        self.core.write_message(self.config, kind, sink);
    }
}

impl<P: Profile> Core<P> {
    /// Draws what is random, signs, and brings the transcript up to the end of our flight.
    fn prepare(&mut self, config: &Config<'_>, rng: &mut dyn Rng) -> Result<Result<(), Fault>, RngError> {
        rng.fill(&mut self.server_random)?;
        if self.has_own_cid() {
            rng.fill(self.link.layer.own_cid_mut())?;
        }
        if !self.resumed {
            rng.fill(&mut self.session.id)?;
        }
        if self.key_exchange() != KeyExchange::Psk && P::CURVE && !self.resumed {
            match P::Curve::generate(rng, &mut self.scalar) {
                Err(CurveError::NoRandomness) => return Err(RngError),
                Err(_) => return Ok(Err(Fault::INTERNAL)),
                Ok(()) => {}
            }
        }
        Ok(self.prepare_flight(config))
    }

    fn prepare_flight(&mut self, config: &Config<'_>) -> Result<(), Fault> {
        if self.key_exchange() != KeyExchange::Psk && P::CURVE && !self.resumed {
            let point = self.point.bytes_mut().first_chunk_mut().ok_or(Fault::INTERNAL)?;
            P::Curve::public_key(&self.scalar, point).map_err(|_| Fault::INTERNAL)?;
        }
        if self.key_exchange() == KeyExchange::EcdheEcdsa && P::ECDHE_ECDSA && !self.resumed {
            self.sign(config)?;
        }
        let mut transcript = core::mem::replace(&mut self.transcript, Sha256::IDLE);
        let mut sequence = self.first_seq;
        self.state = if self.resumed {
            self.hash_own(config, &mut transcript, kind::SERVER_HELLO, &mut sequence);
            self.install_keys();
            self.own_finished = verify_data(&self.session.master, Side::Server, &transcript);
            self.hash_own(config, &mut transcript, kind::FINISHED, &mut sequence);
            State::ResumedClientFinished
        } else {
            for kind in self.first_flight().as_slice() {
                self.hash_own(config, &mut transcript, *kind, &mut sequence);
            }
            if self.negotiated.request_certificate {
                State::ClientCertificate
            } else {
                State::ClientKeyExchange
            }
        };
        self.transcript = transcript;
        self.link.start_flight();
        Ok(())
    }

    fn hash_own(&self, config: &Config<'_>, transcript: &mut Sha256, kind: u8, sequence: &mut u16) {
        hash_written(transcript, kind, *sequence, &|kind, sink| self.write_message(config, kind, sink));
        *sequence = sequence.wrapping_add(1);
    }

    fn key_exchange(&self) -> KeyExchange {
        self.link.layer.suite().map_or(KeyExchange::Psk, P::key_exchange)
    }

    /// Signs our ephemeral key (RFC 8422 section 5.4).
    fn sign(&mut self, config: &Config<'_>) -> Result<(), Fault> {
        let own = config.own.ok_or(Fault::INTERNAL)?;
        let mut hash = Sha256::new();
        hash.update(&self.client_random);
        hash.update(&self.server_random);
        put_params(&mut Sink::hash(&mut hash), self.point.bytes());
        let digest: [u8; sha256::LEN] = hash.digest();
        let signature = self.signature.bytes_mut().first_chunk_mut().ok_or(Fault::INTERNAL)?;
        own.signer.sign(&digest, signature).map_err(|_| Fault::INTERNAL)
    }

    /// The messages from `ServerHello` to `ServerHelloDone`.
    fn first_flight(&self) -> Items {
        let mut items = Items::new();
        items.push(kind::SERVER_HELLO);
        let key_exchange = self.key_exchange();
        if key_exchange == KeyExchange::EcdheEcdsa {
            items.push(kind::CERTIFICATE);
        }
        if key_exchange != KeyExchange::Psk {
            items.push(kind::SERVER_KEY_EXCHANGE);
        }
        if self.negotiated.request_certificate {
            items.push(kind::CERTIFICATE_REQUEST);
        }
        items.push(kind::SERVER_HELLO_DONE);
        items
    }

    /// The messages of the present flight, and the `message_seq` of the first.
    fn flight(&self) -> (Items, u16) {
        let first = self.first_flight();
        let mut items = Items::new();
        match self.state {
            State::ResumedClientFinished => {
                items.push(kind::SERVER_HELLO);
                items.push_finished();
            }
            State::LastFlight | State::Connected => {
                items.push_finished();
                return (items, self.first_seq.wrapping_add(first.as_slice().len() as u16));
            }
            _ => return (first, self.first_seq),
        }
        (items, self.first_seq)
    }

    fn flight_sent(&mut self, now: Instant, config: &Config<'_>) {
        match self.state {
            State::LastFlight => {
                self.link.timer.sent(now, &self.link.options.backoff);
                self.link.writing = true;
                self.link.unconfirmed = true;
                self.connected(config);
            }
            State::Connected => self.link.timer.answered(now),
            state => {
                self.link.writing = state == State::ResumedClientFinished;
                self.link.timer.sent(now, &self.link.options.backoff);
            }
        }
    }

    /// Writes the body of one of our messages.
    fn write_message(&self, config: &Config<'_>, kind: u8, sink: &mut Sink<'_>) {
        match (kind, config.own) {
            (kind::SERVER_HELLO, _) => self.write_server_hello(sink),
            (kind::CERTIFICATE, Some(own)) if self.negotiated.server_raw_public_key => {
                put_raw_public_key(sink, &own.public.to_spki());
            }
            (kind::CERTIFICATE, Some(own)) => put_chain(sink, own.chain),
            (kind::SERVER_KEY_EXCHANGE, _) => {
                if self.key_exchange() == KeyExchange::EcdhePsk {
                    // No hint.
                    sink.u16(0);
                }
                put_params(sink, self.point.bytes());
                if self.key_exchange() == KeyExchange::EcdheEcdsa {
                    put_signed(sink, self.signature.bytes());
                }
            }
            (kind::CERTIFICATE_REQUEST, _) => put_request(sink),
            (kind::FINISHED, _) => sink.put(&self.own_finished),
            _ => {}
        }
    }
}
