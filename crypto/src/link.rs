//! What one end of a session sends and receives through: the record layer, the flight that is being sent, its timer,
//! and what is to be reported. Both sides have one.

use crate::alert::Alert;
use crate::event::{AlertSeen, CloseReason, FailureReason, Pending};
use crate::handshake::flight::{Cursor, Flight, Source, TooSmall, write_alert};
use crate::handshake::kind;
use crate::handshake::timer::{Backoff, Timer};
use crate::profile::{Bytes, Linked, Profile};
use crate::record::{Layer, PLAIN_HEADER, SEQUENCE_END, SealFault, Side, content};
use crate::rng::RngError;
use crate::time::Instant;
use core::ops::Range;

/// Settings of a connection that do not depend on the peer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// The longest datagram that we send, in bytes of UDP payload. At least [`Options::MTU_MIN`].
    pub mtu: u16,
    /// Retransmission of the handshake.
    pub backoff: Backoff,
}

impl Options {
    /// A datagram holds a protected Finished message at least.
    pub const MTU_MIN: u16 = 128;
    /// 1,200 bytes pass every network we know of.
    pub const DEFAULT: Self = Self { mtu: 1200, backoff: Backoff::DEFAULT };
    /// All zero bytes.
    const EMPTY: Self =
        Self { mtu: 0, backoff: Backoff { initial_ms: 0, max_ms: 0, attempts: 0, last_flight_attempts: 0 } };
}

impl Default for Options {
    fn default() -> Self {
        Self::DEFAULT
    }
}

/// Why no datagram could be made. Nothing has changed: the call can be repeated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TransmitError {
    /// The buffer is too small.
    BufferTooSmall {
        /// Bytes that would be enough for some progress.
        needed: usize,
    },
    /// There are no random numbers.
    Rng(RngError),
}

impl TransmitError {
    /// The fault and its remedy in a sentence.
    pub const fn text(self) -> &'static str {
        match self {
            Self::BufferTooSmall { .. } => "the datagram buffer is too small: make it larger",
            Self::Rng(error) => error.text(),
        }
    }
}

impl core::fmt::Display for TransmitError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(self.text())
    }
}

impl core::error::Error for TransmitError {}

impl From<TooSmall> for TransmitError {
    fn from(TooSmall(needed): TooSmall) -> Self {
        Self::BufferTooSmall { needed }
    }
}

impl From<RngError> for TransmitError {
    fn from(error: RngError) -> Self {
        Self::Rng(error)
    }
}

/// Why application data was not protected. Nothing has changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SealError {
    /// There is no session (yet, or any more).
    NotConnected,
    /// The data is longer than the peer, or the datagram limit, allows.
    TooLong {
        /// The most that one datagram carries, in bytes.
        limit: usize,
    },
    /// The buffer has not enough room behind the data.
    BufferTooSmall,
    /// The sequence numbers are used up (after 2^48 records): start a new session.
    Exhausted,
    /// The session was restored from storage, or used up the numbers that were set aside when it was last exported:
    /// export it again, and store that, before anything is sent.
    ExportFirst,
}

impl core::fmt::Display for SealError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(match self {
            Self::NotConnected => "there is no session",
            Self::TooLong { .. } => "the data does not fit into one datagram",
            Self::BufferTooSmall => "the buffer has not enough room behind the data",
            Self::Exhausted => "the sequence numbers are used up: start a new session",
            Self::ExportFirst => "export and store the session before sending",
        })
    }
}

impl core::error::Error for SealError {}

/// One end of a session. The empty value is all zero bytes.
pub(crate) struct Link<P: Profile> {
    /// The flight has to be sent (again), from `cursor` on.
    pub(crate) due: bool,
    /// Our ChangeCipherSpec is out: what we send is protected.
    pub(crate) writing: bool,
    /// The last flight of the handshake was ours, and may have been lost.
    pub(crate) unconfirmed: bool,
    /// An alert to be sent: level and description; all zero for none.
    alert: [u8; 2],
    /// The `message_seq` that is next from the peer.
    pub(crate) next_receive: u16,
    pub(crate) cursor: Cursor,
    pub(crate) options: Options,
    pub(crate) timer: Timer,
    pub(crate) pending: Pending,
    pub(crate) layer: Layer<P>,
}

impl<P: Profile> Link<P> {
    pub(crate) const EMPTY: Self = Self {
        due: false,
        writing: false,
        unconfirmed: false,
        alert: [0; 2],
        next_receive: 0,
        cursor: Cursor::START,
        options: Options::EMPTY,
        timer: Timer::EMPTY,
        pending: Pending::EMPTY,
        layer: Layer::EMPTY,
    };

    /// Forgets the session, but not what is to be reported, nor the options.
    pub(crate) fn reset(&mut self) {
        self.layer.reset();
        self.timer.restart();
        self.due = false;
        self.writing = false;
        self.unconfirmed = false;
        self.alert = [0; 2];
        self.next_receive = 0;
    }

    /// Starts to send a new flight.
    pub(crate) fn start_flight(&mut self) {
        self.timer.next_flight();
        self.resend();
    }

    /// Sends the present flight again.
    pub(crate) const fn resend(&mut self) {
        self.cursor = Cursor::START;
        self.due = true;
    }

    /// The peer repeats its flight, so it may not have ours: sends that again, but not more often than our timer
    /// would at first.
    pub(crate) fn answer_repeated(&mut self, now: Instant) {
        if !self.due && self.timer.may_answer(now, &self.options.backoff) {
            self.resend();
        }
    }

    /// The wait for an answer is over. Answers whether the flight goes out again.
    pub(crate) fn try_again(&mut self, attempts: u8) -> bool {
        self.timer.stop();
        let again = self.timer.sent < attempts.max(1);
        if again {
            self.resend();
        }
        again
    }

    pub(crate) fn send_alert(&mut self, level: u8, alert: Alert) {
        self.alert = [level, alert.0];
    }

    /// Nothing is expected from the peer any more.
    fn stop(&mut self) {
        self.due = false;
        self.timer.stop();
        self.layer.reading = false;
    }

    /// Reports a failed handshake.
    pub(crate) fn failed(&mut self, reason: FailureReason, alert: AlertSeen) {
        self.pending.failed(reason, alert);
        self.stop();
    }

    /// Reports the end of a session.
    pub(crate) fn closed(&mut self, reason: CloseReason, alert: AlertSeen) {
        self.pending.closed(reason, alert);
        self.stop();
    }

    /// Whether something is to be sent.
    pub(crate) fn has_output(&self) -> bool {
        self.due || self.alert != [0; 2]
    }

    pub(crate) fn has_alert(&self) -> bool {
        self.alert != [0; 2]
    }

    /// The part of a buffer that one datagram may take: less after two tries without an answer, as the network may
    /// not carry long ones (RFC 6347 section 4.1.1.1).
    pub(crate) fn datagram<'a>(&self, out: &'a mut [u8]) -> &'a mut [u8] {
        let mtu = usize::from(self.options.mtu);
        let limit = if self.timer.sent >= 2 { (mtu / 2).max(mtu.min(256)) } else { mtu };
        let length = out.len().min(limit);
        out.get_mut(..length).unwrap_or_default()
    }

    /// Writes the alert that is to be sent.
    pub(crate) fn transmit_alert(&mut self, side: Side, out: &mut [u8]) -> Result<Option<usize>, TooSmall> {
        let length = write_alert(&mut self.layer, side, self.writing, self.alert, out)?;
        self.alert = [0; 2];
        Ok(length)
    }

    /// The most handshake data in one record.
    pub(crate) fn record_limit(&self) -> usize {
        match self.layer.peer_limit {
            0 => 1 << 14,
            limit => usize::from(limit),
        }
    }

    /// Protects application data: see `Connection::seal`.
    pub(crate) fn seal(
        &mut self,
        side: Side,
        buffer: &mut [u8],
        length: usize,
    ) -> Result<Range<usize>, SealError> {
        let limit = self.payload_limit();
        if length > limit {
            return Err(SealError::TooLong { limit });
        }
        let start = headroom::<P>().saturating_sub(self.layer.prefix_len());
        let record = buffer.get_mut(start..).ok_or(SealError::BufferTooSmall)?;
        let end = self.layer.sequence_end;
        match self.layer.seal(side, content::APPLICATION_DATA, record, length) {
            Ok(sealed) => Ok(start..start + sealed),
            Err(SealFault::TooSmall) => Err(SealError::BufferTooSmall),
            Err(SealFault::Exhausted) if end < SEQUENCE_END => Err(SealError::ExportFirst),
            Err(SealFault::Exhausted) => Err(SealError::Exhausted),
        }
    }

    /// The most application data in one datagram.
    pub(crate) fn payload_limit(&self) -> usize {
        let by_mtu = self.layer.content_limit(self.options.mtu.into());
        let inner_type = usize::from(!self.layer.peer_cid().is_empty());
        by_mtu.min(self.record_limit().saturating_sub(inner_type))
    }
}

/// Bytes in front of application data.
pub(crate) const fn headroom<P: Profile>() -> usize {
    let explicit = if P::CBC {
        16
    } else if P::CCM {
        8
    } else {
        0
    };
    PLAIN_HEADER + P::PeerCid::LEN + explicit
}

/// Bytes behind application data.
pub(crate) const fn tailroom<P: Profile>() -> usize {
    1 + if P::CBC { 48 } else { 16 }
}

/// The messages of a flight, in order.
pub(crate) struct Items {
    list: [u8; 6],
    len: usize,
}

impl Items {
    pub(crate) const fn new() -> Self {
        Self { list: [0; 6], len: 0 }
    }

    pub(crate) fn push(&mut self, kind: u8) {
        if let Some(place) = self.list.get_mut(self.len) {
            *place = kind;
            self.len += 1;
        }
    }

    /// The end of every last flight.
    pub(crate) fn push_finished(&mut self) {
        self.push(kind::CHANGE_CIPHER_SPEC);
        self.push(kind::FINISHED);
    }

    pub(crate) fn as_slice(&self) -> &[u8] {
        self.list.get(..self.len).unwrap_or_default()
    }
}

/// Writes the next datagram of the flight of `source`. Answers its length, and whether it was the last one.
pub(crate) fn transmit_flight(
    source: &mut impl Source,
    side: Side,
    items: &Items,
    first_seq: u16,
    out: &mut [u8],
) -> Result<(usize, bool), TooSmall> {
    let record_limit = source.link().record_limit();
    let cursor = source.link().cursor;
    let flight = Flight { side, items: items.as_slice(), first_seq, record_limit };
    let (length, next) = flight.write_datagram(source, cursor, out)?;
    let link = source.link();
    link.cursor = next.unwrap_or(Cursor::START);
    link.due = next.is_some();
    Ok((length, next.is_none()))
}
