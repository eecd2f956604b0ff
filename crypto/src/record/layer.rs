//! The record protection of one session: keys, sequence numbers, replay window, connection IDs.

use super::header::{Header, PLAIN_HEADER, VERSION, content, epoch_of, write_plain};
use super::protect::{Keys, Protection, write_header};
use super::window::ReplayWindow;
use crate::codec::copy;
use crate::handshake::RANDOM;
use crate::profile::{Bytes, Linked, Profile};
use crate::secret::{declassified, declassify};
use crate::suite::CipherSuite;
use core::ops::Range;
use zeroize::Zeroize;

/// Sequence numbers of an epoch end here: the 48-bit counter must not wrap (RFC 6347 section 4.1). The last 2^16
/// stay unused, so that a close_notify always has one.
pub(crate) const SEQUENCE_END: u64 = (1 << 48) - (1 << 16);

/// The sequence numbers of alerts end here.
pub(crate) const ALERT_END: u64 = (1 << 48) - 1;

/// Epoch 1 in front of a sequence number.
const EPOCH_1: u64 = 1 << 48;

/// Which end of the session we are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    Client,
    Server,
}

/// Why a record was not sealed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SealFault {
    /// The buffer is too short for the record.
    TooSmall,
    /// No sequence number is left.
    Exhausted,
}

/// The record layer of a session. The idle value is all zero bytes.
pub(crate) struct Layer<P: Profile> {
    /// The number of the suite; 0 before it is known.
    suite: u16,
    pub(crate) encrypt_then_mac: bool,
    /// Keys are there and the peer's ChangeCipherSpec was seen: records of epoch 1 are opened.
    pub(crate) reading: bool,
    own_cid_len: u8,
    peer_cid_len: u8,
    /// The most plaintext that the peer takes in one record; 0 for the 2^14 of the protocol.
    pub(crate) peer_limit: u16,
    /// The most plaintext that the peer has agreed to put in one record; 0 for no agreement.
    pub(crate) own_limit: u16,
    /// Records that failed authentication.
    pub(crate) failed_opens: u32,
    /// The next sequence number of epoch 0.
    plain_sequence: u64,
    /// The next sequence number of epoch 1, and where the present right to send ends.
    pub(crate) sequence: u64,
    pub(crate) sequence_end: u64,
    pub(crate) window: ReplayWindow<P::ReplayWindow>,
    keys: P::KeyBlock,
    own_cid: P::OwnCid,
    peer_cid: P::PeerCid,
}

impl<P: Profile> Layer<P> {
    pub(crate) const EMPTY: Self = Self {
        suite: 0,
        encrypt_then_mac: false,
        reading: false,
        own_cid_len: 0,
        peer_cid_len: 0,
        peer_limit: 0,
        own_limit: 0,
        failed_opens: 0,
        plain_sequence: 0,
        sequence: 0,
        sequence_end: 0,
        window: ReplayWindow::EMPTY,
        keys: P::KeyBlock::EMPTY,
        own_cid: P::OwnCid::EMPTY,
        peer_cid: P::PeerCid::EMPTY,
    };

    /// Back to the idle value, with the keys erased.
    pub(crate) fn reset(&mut self) {
        self.keys.bytes_mut().zeroize();
        *self = Self::EMPTY;
    }

    pub(crate) fn suite(&self) -> Option<CipherSuite> {
        // Only suites of the profile are ever set: with one suite, all that depends on it folds away.
        P::SUITES.iter().copied().find(|suite| suite.number() == self.suite)
    }

    pub(crate) const fn set_suite(&mut self, suite: CipherSuite) {
        self.suite = suite.number();
    }

    pub(crate) fn protection(&self) -> Option<Protection> {
        let encrypt_then_mac = self.encrypt_then_mac && P::CBC;
        self.suite().map(|suite| Protection { cipher: P::cipher(suite), encrypt_then_mac })
    }

    /// The key block of this session, to be filled (RFC 5246 section 6.3). Sending may start.
    pub(crate) fn install_keys(&mut self) -> &mut [u8] {
        self.sequence = 0;
        self.sequence_end = SEQUENCE_END;
        self.window = ReplayWindow::EMPTY;
        self.failed_opens = 0;
        self.key_block_mut()
    }

    /// Keeps the peer's random number where the keys will lie that follow from it.
    pub(crate) fn set_peer_random(&mut self, random: &[u8; RANDOM]) {
        copy(self.keys.bytes_mut(), random);
    }

    /// The peer's random number; not any more when the keys are there.
    pub(crate) fn peer_random(&self) -> &[u8; RANDOM] {
        self.keys.bytes().first_chunk().unwrap_or(&[0; RANDOM])
    }

    pub(crate) fn key_block_mut(&mut self) -> &mut [u8] {
        let length = self.suite().map_or(0, |suite| P::cipher(suite).key_block_len());
        self.keys.bytes_mut().get_mut(..length).unwrap_or_default()
    }

    pub(crate) fn key_block(&self) -> &[u8] {
        let length = self.suite().map_or(0, |suite| P::cipher(suite).key_block_len());
        self.keys.bytes().get(..length).unwrap_or_default()
    }

    /// The connection ID that the peer puts in its records; empty for none.
    pub(crate) fn own_cid(&self) -> &[u8] {
        self.own_cid.bytes().get(..self.own_cid_len.into()).unwrap_or_default()
    }

    /// Where our own connection ID is drawn.
    pub(crate) fn own_cid_mut(&mut self) -> &mut [u8] {
        self.own_cid.bytes_mut()
    }

    /// The connection ID that we ask for, used or not.
    pub(crate) fn offered_cid(&self) -> &[u8] {
        self.own_cid.bytes()
    }

    /// The connection ID that goes into our records; empty for none.
    pub(crate) fn peer_cid(&self) -> &[u8] {
        self.peer_cid.bytes().get(..self.peer_cid_len.into()).unwrap_or_default()
    }

    /// The peer agreed to connection IDs (RFC 9146 section 3). `false` when its own is longer than we can keep.
    #[must_use]
    pub(crate) fn use_cids(&mut self, peer: &[u8]) -> bool {
        let Some(place) = self.peer_cid.bytes_mut().get_mut(..peer.len()) else { return false };
        copy(place, peer);
        self.peer_cid_len = peer.len() as u8;
        self.own_cid_len = P::OwnCid::LEN as u8;
        true
    }

    fn keys(&self, writer: Side) -> Option<Keys<'_>> {
        let (mac, key, iv) = P::cipher(self.suite()?).key_lengths();
        let (macs, rest) = self.keys.bytes().split_at_checked(2 * mac)?;
        let (keys, rest) = rest.split_at_checked(2 * key)?;
        let ivs = rest.get(..2 * iv)?;
        // The client's half comes first.
        let half = |both: &'_ [u8], length: usize| match writer {
            Side::Client => 0..length.min(both.len()),
            Side::Server => length..both.len(),
        };
        Some(Keys {
            mac: macs.get(half(macs, mac))?,
            key: keys.get(half(keys, key))?,
            iv: ivs.get(half(ivs, iv))?,
        })
    }

    /// Bytes from the start of a protected record to its content.
    pub(crate) fn prefix_len(&self) -> usize {
        let explicit = self.protection().map_or(0, Protection::explicit_len);
        PLAIN_HEADER + self.peer_cid().len() + explicit
    }

    /// Bytes of a protected record with this much content.
    pub(crate) fn sealed_len(&self, content_len: usize) -> usize {
        let cid = self.peer_cid().len();
        let inner = content_len + usize::from(cid != 0);
        PLAIN_HEADER + cid + self.protection().map_or(0, |protection| protection.sealed_len(inner))
    }

    /// The most content of a protected record of so many bytes.
    pub(crate) fn content_limit(&self, record_len: usize) -> usize {
        let cid = self.peer_cid().len();
        let body = record_len.saturating_sub(PLAIN_HEADER + cid);
        let limit = self.protection().map_or(0, |protection| protection.content_limit(body));
        limit.saturating_sub(usize::from(cid != 0))
    }

    /// Protects the content that lies at [`prefix_len`](Self::prefix_len) in `record` with the keys of `side`.
    /// Nothing changes when it fails. Answers the record's length.
    pub(crate) fn seal(
        &mut self,
        side: Side,
        content: u8,
        record: &mut [u8],
        content_len: usize,
    ) -> Result<usize, SealFault> {
        let end = if content == content::ALERT { self.alert_end() } else { self.sequence_end };
        if self.sequence >= end {
            return Err(SealFault::Exhausted);
        }
        let sealed = self.seal_as(side, content, record, content_len, self.sequence);
        let sealed = sealed.ok_or(SealFault::TooSmall)?;
        self.sequence += 1;
        Ok(sealed)
    }

    fn seal_as(
        &self,
        side: Side,
        content: u8,
        record: &mut [u8],
        content_len: usize,
        sequence: u64,
    ) -> Option<usize> {
        let protection = self.protection()?;
        let cid = self.peer_cid();
        let header_len = PLAIN_HEADER + cid.len();
        let mut inner_len = content_len;
        let mut outer_type = content;
        if P::CONNECTION_ID && !cid.is_empty() {
            // RFC 9146 section 4: the true type goes inside; we add no padding.
            *record.get_mut(self.prefix_len() + content_len)? = content;
            inner_len += 1;
            outer_type = content::TLS12_CID;
        }
        write_header(record, outer_type, EPOCH_1 | sequence, cid)?;
        protection.seal::<P>(self.keys(side)?, record, header_len, inner_len)
    }

    /// Writes a plain record header for epoch 0 and takes its sequence number.
    pub(crate) fn plain_header(&mut self, content: u8, record: &mut [u8], length: usize) -> bool {
        let written = write_plain(record, content, self.plain_sequence, length);
        self.plain_sequence += u64::from(written);
        written
    }

    /// Sequence numbers as they are, to be put back when a datagram is not sent after all.
    pub(crate) const fn sequences(&self) -> (u64, u64) {
        (self.plain_sequence, self.sequence)
    }

    pub(crate) const fn restore_sequences(&mut self, (plain, protected): (u64, u64)) {
        self.plain_sequence = plain;
        self.sequence = protected;
    }

    /// Opens a protected record written by the other side of `side`. Answers its true type and where the content
    /// lies. `None` for everything that is to be discarded silently.
    pub(crate) fn open(
        &mut self,
        side: Side,
        header: &Header,
        record: &mut [u8],
    ) -> Option<(u8, Range<usize>)> {
        let number = header.number;
        if !self.reading || epoch_of(number) != 1 || header.version != VERSION {
            return None;
        }
        let own_cid = self.own_cid();
        let with_cid = P::CONNECTION_ID && !own_cid.is_empty();
        if with_cid != (header.content == content::TLS12_CID) {
            return None;
        }
        if with_cid && record.get(11..)?.get(..own_cid.len())? != own_cid {
            return None;
        }
        let sequence = number & (EPOCH_1 - 1);
        if !self.window.is_fresh(sequence) {
            return None;
        }
        let writer = if side == Side::Client { Side::Server } else { Side::Client };
        let opened = self.protection()?.open::<P>(self.keys(writer)?, record, header.start);
        let Some(mut range) = opened else {
            self.failed_opens = self.failed_opens.saturating_add(1);
            return None;
        };
        self.window.mark(sequence);
        let mut content = header.content;
        if with_cid {
            // RFC 9146 section 4: the true type is the last byte that is not zero. Both are told to the caller.
            let inner = record.get(range.clone())?;
            let last = inner.iter().rposition(|byte| declassified(u8::from(*byte != 0)) != 0)?;
            range.end = range.start + last;
            content = declassified(*inner.get(last)?);
        }
        if content != content::APPLICATION_DATA {
            // Messages and alerts are taken apart; the Finished that is expected stays a secret until they are compared.
            declassify(record.get_mut(range.clone())?);
        }
        Some((content, range))
    }

    /// Whether so much content of a record is what the peer has agreed to (RFC 6066 section 4, RFC 8449 section 4).
    pub(crate) const fn is_within_limit(&self, content_len: usize) -> bool {
        let asked = P::MAX_FRAGMENT_LENGTH != 0 || P::RECORD_SIZE_LIMIT != 0;
        !asked || self.own_limit == 0 || content_len <= self.own_limit as usize
    }

    /// Takes keys and connection IDs from storage. `false` when they do not fit.
    pub(crate) fn restore(&mut self, keys: &[u8], own_cid: &[u8], peer_cid: &[u8]) -> bool {
        let place = self.key_block_mut();
        let own_fits = own_cid.is_empty() || own_cid.len() == P::OwnCid::LEN;
        if place.len() != keys.len() || !own_fits || !self.use_cids(peer_cid) {
            return false;
        }
        copy(self.key_block_mut(), keys);
        copy(self.own_cid.bytes_mut(), own_cid);
        self.own_cid_len = own_cid.len() as u8;
        true
    }

    /// Whether there is a sequence number for another record, but an alert.
    pub(crate) const fn may_send(&self) -> bool {
        self.sequence < self.sequence_end
    }

    /// Where the sequence numbers of alerts end: a close_notify may use the numbers that are kept in reserve, but
    /// none that an exported session counts on.
    fn alert_end(&self) -> u64 {
        if self.sequence_end == SEQUENCE_END { ALERT_END } else { self.sequence_end }
    }
}

impl<P: Profile> Drop for Layer<P> {
    fn drop(&mut self) {
        self.keys.bytes_mut().zeroize();
    }
}
