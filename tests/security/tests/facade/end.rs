//! A server's end of a session.

use crate::common::SeededRng;
use coracle_crypto::server::{Config, Connection};
use coracle_crypto::{Event as DtlsEvent, Instant, Profile};

/// The server's end of a session, whatever its profile.
pub trait End {
    fn take(&mut self, now: Instant, config: &Config<'_>, datagram: &mut [u8]) -> (bool, Vec<Vec<u8>>);
    fn transmit(&mut self, now: Instant, config: &Config<'_>, rng: &mut SeededRng) -> Option<Vec<u8>>;
    fn protect(&mut self, message: &[u8]) -> Vec<u8>;
    fn deadline(&self) -> Option<Instant>;
    fn expire(&mut self, now: Instant);
    fn event(&mut self) -> Option<DtlsEvent>;
    fn began(&self, datagram: &[u8]) -> bool;
    fn is_open(&self) -> bool;
    fn is_over(&self) -> bool;
    fn goodbye(&mut self);
    fn cid(&self) -> &[u8];
    fn address_in_memory(&self) -> (usize, usize);
}

impl<P: Profile> End for Connection<P> {
    fn take(&mut self, now: Instant, config: &Config<'_>, datagram: &mut [u8]) -> (bool, Vec<Vec<u8>>) {
        let mut messages = Vec::new();
        let newest = self.handle_datagram(now, config, datagram, &mut |data| messages.push(data.to_vec()));
        (newest, messages)
    }

    fn transmit(&mut self, now: Instant, config: &Config<'_>, rng: &mut SeededRng) -> Option<Vec<u8>> {
        let mut out = [0; 1500];
        let length = self.poll_transmit(now, config, rng, &mut out).expect("there is room")?;
        Some(out[..length].to_vec())
    }

    fn protect(&mut self, message: &[u8]) -> Vec<u8> {
        let mut buffer = vec![0; Self::HEADROOM + message.len() + Self::TAILROOM];
        buffer[Self::HEADROOM..][..message.len()].copy_from_slice(message);
        let range = self.seal(&mut buffer, message.len()).expect("connected");
        buffer[range].to_vec()
    }

    fn deadline(&self) -> Option<Instant> {
        self.poll_timeout()
    }

    fn expire(&mut self, now: Instant) {
        self.handle_timeout(now);
    }

    fn event(&mut self) -> Option<DtlsEvent> {
        self.poll_event()
    }

    fn began(&self, datagram: &[u8]) -> bool {
        self.began_with(datagram)
    }

    fn is_open(&self) -> bool {
        self.is_connected()
    }

    fn is_over(&self) -> bool {
        self.is_free()
    }

    fn goodbye(&mut self) {
        self.close();
    }

    fn cid(&self) -> &[u8] {
        self.own_connection_id()
    }

    fn address_in_memory(&self) -> (usize, usize) {
        (std::ptr::from_ref(self).addr(), size_of::<Self>())
    }
}
