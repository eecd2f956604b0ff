//! Application data.

use super::{Connection, State};
use crate::event::CloseReason;
use crate::link::{SealError, headroom, tailroom};
use crate::profile::Profile;
use crate::record::Side;
use core::ops::Range;

impl<P: Profile> Connection<P> {
    /// Bytes to leave free in front of the data that [`seal`](Self::seal) protects: header, connection ID, nonce.
    pub const HEADROOM: usize = headroom::<P>();

    /// Bytes to leave free behind the data: inner type, tag or padding and MAC.
    pub const TAILROOM: usize = tailroom::<P>();

    /// Protects application data in place. The data lies at `buffer[HEADROOM..HEADROOM + length]`; the answer is
    /// where the datagram to send lies in `buffer`.
    ///
    /// # Errors
    /// See [`SealError`]: nothing has changed, but when the sequence numbers are used up the session is over.
    pub fn seal(&mut self, buffer: &mut [u8], length: usize) -> Result<Range<usize>, SealError> {
        if self.core.state != State::Connected {
            return Err(SealError::NotConnected);
        }
        let sealed = self.core.link.seal(Side::Client, buffer, length);
        if sealed == Err(SealError::Exhausted) {
            // RFC 6347 section 4.1: never with a number that was used. A close_notify has one in reserve.
            self.core.say_goodbye(CloseReason::Exhausted);
        }
        sealed
    }

    /// The most application data that one datagram carries now: the datagram limit less the overhead, or what the
    /// peer asked for. 0 without a session.
    pub fn payload_limit(&self) -> usize {
        if self.core.state == State::Connected { self.core.link.payload_limit() } else { 0 }
    }
}
