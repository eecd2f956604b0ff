//! What the application may want to know, as small values that borrow nothing.

use crate::account::ServerIndex;
use crate::coap::Code;
use crate::model::Path;
use crate::profile::{Slot, Table};
use crate::registration::RegistrationState;

/// Something that happened. `T` is what the transport has to tell ([`Profile::TransportEvent`](crate::Profile::TransportEvent)).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event<T = core::convert::Infallible> {
    /// This many events found no room: poll more often, or raise `events.count` in config.toml.
    EventsLost {
        /// How many.
        count: u16,
    },
    /// The transport under CoAP has something to tell: of DTLS, for instance.
    Transport {
        /// The server.
        server: ServerIndex,
        /// What.
        event: T,
    },
    /// The registration with a server is in another state.
    Registration {
        /// The server.
        server: ServerIndex,
        /// The new state.
        state: RegistrationState,
    },
    /// An attempt to register, to update or to de-register failed. The client goes on by itself.
    RegistrationFailed {
        /// The server.
        server: ServerIndex,
        /// What was wrong.
        failure: Failure,
    },
    /// A server has written to this path.
    Written {
        /// The server.
        server: ServerIndex,
        /// Where the Write was sent to.
        path: Path,
    },
    /// A server has executed this resource. The answer has been handed over before this event.
    Executed {
        /// The server.
        server: ServerIndex,
        /// The resource.
        path: Path,
    },
    /// A server has created this instance.
    Created {
        /// The server.
        server: ServerIndex,
        /// The instance.
        path: Path,
    },
    /// A server has deleted this instance.
    Deleted {
        /// The server.
        server: ServerIndex,
        /// The instance.
        path: Path,
    },
    /// A server observes this path.
    ObservationStarted {
        /// The server.
        server: ServerIndex,
        /// What is observed.
        path: Path,
    },
    /// A server no longer observes this path: it has cancelled, registered anew, or the path is gone.
    ObservationEnded {
        /// The server.
        server: ServerIndex,
        /// What was observed.
        path: Path,
    },
    /// A value that was due as confirmable notification may not have arrived, and is not sent again: a newer one has replaced
    /// it, because `observe.stored_bytes` of config.toml has no room for it or the server wants none stored (1/x/6); or the
    /// observation has ended.
    NotificationLost {
        /// The server.
        server: ServerIndex,
        /// What is observed.
        path: Path,
    },
}

/// Why an attempt failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Failure {
    /// Transport: the name has no address, or the way to it can't be opened.
    Unreachable,
    /// Transport: the way to it can't be secured; the [`Event::Transport`] before this one says why.
    NotSecured,
    /// Transport: no answer, after all retransmissions.
    NoAnswer,
    /// Peer: the server answered with this code.
    Refused(Code),
    /// Peer: the server rejected the message (RST).
    Rejected,
    /// Resource: the location is longer than `servers.location_length` of config.toml.
    LocationTooLong,
    /// Resource: the message does not fit the transmit buffer.
    MessageTooLong,
}

impl<T> Slot for Event<T> {
    const EMPTY: Self = Self::EventsLost { count: 0 };
}

/// Events in the order in which they happened. When there is no room, the newest are counted instead.
pub(crate) struct Queue<A> {
    events: A,
    length: u8,
    lost: u16,
}

impl<A> Queue<A> {
    pub(crate) const fn is_empty(&self) -> bool {
        self.length == 0 && self.lost == 0
    }

    pub(crate) const fn empty<T>() -> Self
    where
        A: Table<Event<T>>,
    {
        Self { events: A::EMPTY, length: 0, lost: 0 }
    }

    pub(crate) fn push<T>(&mut self, event: Event<T>)
    where
        A: Table<Event<T>>,
    {
        match self.events.slots_mut().get_mut(usize::from(self.length)) {
            Some(slot) if self.lost == 0 && self.length < u8::MAX => {
                *slot = event;
                self.length += 1;
            }
            _ => self.lost = self.lost.saturating_add(1),
        }
    }

    pub(crate) fn pop<T>(&mut self) -> Option<Event<T>>
    where
        A: Table<Event<T>>,
    {
        if self.length == 0 {
            let count = core::mem::take(&mut self.lost);
            return (count > 0).then_some(Event::EventsLost { count });
        }
        self.length -= 1;
        // Every event moves one place to the front; what falls out there is the oldest.
        let mut carried = Event::EMPTY;
        for slot in self.events.slots_mut().iter_mut().rev() {
            core::mem::swap(slot, &mut carried);
        }
        Some(carried)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_finds_no_room_is_counted() {
        let mut queue = Queue::<[Event; 2]>::empty();
        let event = |n| Event::Written { server: ServerIndex(0), path: Path::object(n) };
        (0..5).for_each(|n| queue.push(event(n)));
        assert_eq!(queue.pop(), Some(event(0)));
        queue.push(event(9));
        assert_eq!(queue.pop(), Some(event(1)));
        assert_eq!(queue.pop(), Some(Event::EventsLost { count: 4 }));
        queue.push(event(6));
        assert_eq!((queue.pop(), queue.pop()), (Some(event(6)), None));
    }
}
