//! The registration with one server (LwM2M Core section 6.2): state, times, and what the next Update has to tell.

mod state;

pub use state::RegistrationState;
pub(crate) use state::{Input, next};

use crate::account::{Binding, Bounded};
use crate::exchange::max_transmit_wait;
use crate::profile::Profile;
use crate::random::Random;
use crate::time::{Duration, Instant};

/// What the next Update tells the server.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct News(u8);

impl News {
    pub(crate) const NONE: Self = Self(0);
    pub(crate) const LIFETIME: Self = Self(1);
    pub(crate) const BINDING: Self = Self(2);
    pub(crate) const OBJECTS: Self = Self(4);
    /// Nothing new: the server asked for an Update.
    pub(crate) const REQUESTED: Self = Self(8);

    pub(crate) const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    pub(crate) const fn is_empty(self) -> bool {
        self.0 == 0
    }

    pub(crate) const fn add(&mut self, other: Self) {
        self.0 |= other.0;
    }

    pub(crate) const fn remove(&mut self, other: Self) {
        self.0 &= !other.0;
    }
}

/// A body that is sent block by block (RFC 7959 section 2.5): the links of a registration that do not fit a datagram.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Upload {
    pub(crate) offset: usize,
    pub(crate) exponent: u8,
    pub(crate) active: bool,
    /// The block that is under way is the last one.
    pub(crate) last: bool,
}

impl Upload {
    pub(crate) const NONE: Self = Self { offset: 0, exponent: 0, active: false, last: false };
}

/// The registration with one server.
pub(crate) struct Registration<P: Profile> {
    pub(crate) state: RegistrationState,
    /// Failures in a row, for the back-off.
    attempts: u8,
    /// The driver has yet to be asked to open the way to the server.
    pub(crate) connect_wanted: bool,
    /// De-register follows the answer to the Register that is under way: only that tells the location.
    pub(crate) leaving: bool,
    /// A confirmable message got no answer, or the device has another address: no notification is sent until an Update has been
    /// answered. A server that does not know the address yet would reject it, and that ends the observation.
    pub(crate) suspect: bool,
    /// A confirmable message got no answer: what is known about the way may no longer hold.
    pub(crate) unanswered: bool,
    /// Away for this many seconds after the De-register that is under way.
    pub(crate) disable_for_s: u32,
    /// What the server was told last.
    pub(crate) told_lifetime_s: u32,
    pub(crate) told_binding: Binding,
    pub(crate) news: News,
    /// What the Update that is under way tells.
    pub(crate) told: News,
    pub(crate) upload: Upload,
    /// When the state ends by itself; while Register or Update is under way, when that was sent first.
    deadline: Instant,
    /// Until then the server may know the device, whether it answers or not.
    expires: Instant,
    /// The longest message that the way to the server takes, in bytes; 0 for no limit.
    pub(crate) message_limit: u16,
    pub(crate) location: Bounded<P::Location>,
}

impl<P: Profile> Registration<P> {
    /// The driver has this long to open the way to a server.
    const CONNECT_TIMEOUT: Duration = Duration::from_secs(60);

    pub(crate) const EMPTY: Self = Self {
        state: RegistrationState::Idle,
        attempts: 0,
        connect_wanted: false,
        leaving: false,
        suspect: false,
        unanswered: false,
        disable_for_s: 0,
        told_lifetime_s: 0,
        told_binding: Binding::NONE,
        news: News::NONE,
        told: News::NONE,
        upload: Upload::NONE,
        deadline: Instant::ZERO,
        expires: Instant::ZERO,
        message_limit: 0,
        location: Bounded::EMPTY,
    };

    /// When the state ends by itself.
    pub(crate) fn deadline(&self) -> Instant {
        match self.state {
            // Their exchanges have time-outs.
            RegistrationState::Idle
            | RegistrationState::Registering
            | RegistrationState::Updating
            | RegistrationState::Deregistering => Instant::NEVER,
            _ => self.deadline,
        }
    }

    /// The transport says itself when it is open, or will not be.
    pub(crate) fn wait_for_transport(&mut self) {
        if matches!(self.state, RegistrationState::Connecting | RegistrationState::Reconnecting) {
            self.deadline = Instant::NEVER;
            self.connect_wanted = false;
        }
    }

    /// The driver has lost what it had of the way: it is asked again.
    pub(crate) fn reopen(&mut self, now: Instant) {
        if matches!(self.state, RegistrationState::Connecting | RegistrationState::Reconnecting) {
            self.connect_wanted = true;
            self.deadline = now + Self::CONNECT_TIMEOUT;
        }
    }

    /// True when the message that is under way has the links of all objects in it.
    pub(crate) const fn tells_links(&self) -> bool {
        match self.state {
            RegistrationState::Registering => true,
            RegistrationState::Updating => self.told.contains(News::OBJECTS),
            _ => false,
        }
    }

    /// True while the server is known to know the device.
    pub(crate) const fn is_registered(&self) -> bool {
        matches!(self.state, RegistrationState::Registered | RegistrationState::Updating)
    }

    /// Moves on; true when the state has changed. `lifetime_s` is what the server was told.
    pub(crate) fn apply(&mut self, input: Input, now: Instant, lifetime_s: u32, random: &mut Random) -> bool {
        let Some(mut state) = next(self.state, input) else { return false };
        if core::mem::take(&mut self.leaving) && self.state == RegistrationState::Registering {
            let known = state == RegistrationState::Registered;
            state = if known { RegistrationState::Deregistering } else { RegistrationState::Idle };
        }
        if state == RegistrationState::Idle && self.disable_for_s > 0 && input != Input::Stop {
            state = RegistrationState::Disabled;
        }
        if state == RegistrationState::Connecting && now < self.expires {
            state = RegistrationState::Reconnecting;
        }
        if self.state == RegistrationState::Updating && state == RegistrationState::Waiting {
            self.news.add(self.told); // nobody has heard of it
        }
        let changed = state != self.state;
        let sent_at = self.deadline;
        self.state = state;
        self.connect_wanted =
            matches!(state, RegistrationState::Connecting | RegistrationState::Reconnecting);
        self.expires = match state {
            // The server counts from when it carried out the request, which is before the answer has arrived.
            RegistrationState::Registered => sent_at + lifetime(lifetime_s),
            RegistrationState::Reconnecting if input == Input::Restored => now + lifetime(lifetime_s),
            RegistrationState::Idle | RegistrationState::Registering | RegistrationState::Deregistering => {
                Instant::ZERO
            }
            _ => self.expires,
        };
        self.deadline = match state {
            RegistrationState::Waiting => now + self.back_off(random),
            RegistrationState::Connecting | RegistrationState::Reconnecting => now + Self::CONNECT_TIMEOUT,
            RegistrationState::Registered => {
                self.attempts = 0;
                sent_at + update_after::<P>(lifetime_s)
            }
            RegistrationState::Disabled => {
                now + Duration::from_secs(u64::from(core::mem::take(&mut self.disable_for_s)))
            }
            RegistrationState::Registering | RegistrationState::Updating => now,
            RegistrationState::Idle | RegistrationState::Deregistering => Instant::NEVER,
        };
        changed
    }

    /// The wait before the next attempt: it doubles with every failure, up to a limit, and half of it is jitter on top,
    /// so that a thousand devices do not come back at once.
    fn back_off(&mut self, random: &mut Random) -> Duration {
        let doubled = u64::from(P::RETRY_MIN_S) << self.attempts.min(31);
        let seconds = doubled.min(u64::from(P::RETRY_MAX_S)) as u32;
        self.attempts = self.attempts.saturating_add(1);
        let ms = seconds.saturating_mul(1000);
        Duration::from_millis(u64::from(ms) + u64::from(random.up_to(ms / 2)))
    }
}

/// How long the server knows the device without an Update; 0 is for ever (LwM2M Core section 6.2.1).
fn lifetime(lifetime_s: u32) -> Duration {
    match lifetime_s {
        0 => Duration::from_millis(u64::MAX),
        seconds => Duration::from_secs(u64::from(seconds)),
    }
}

/// When to send an Update: early enough that it and its retransmissions arrive before the lifetime ends, but not before
/// half of a short one is over.
fn update_after<P: Profile>(lifetime_s: u32) -> Duration {
    let lifetime = lifetime(lifetime_s);
    if lifetime_s == 0 {
        return lifetime;
    }
    let half = Duration::from_millis(lifetime.as_millis() / 2);
    half.max(lifetime - max_transmit_wait::<P>())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tests::TestProfile;

    fn registration() -> Registration<TestProfile> {
        Registration::EMPTY
    }

    #[test]
    fn updates_come_at_a_safe_margin() {
        for (lifetime, seconds) in [(60, 30), (100, 50), (186, 93), (300, 207), (86_400, 86_307)] {
            assert_eq!(update_after::<TestProfile>(lifetime).as_secs(), seconds, "{lifetime}");
        }
        assert_eq!(Instant::ZERO + update_after::<TestProfile>(0), Instant::NEVER);
    }

    #[test]
    fn failures_wait_longer_and_longer_but_never_for_ever() {
        let mut registration = registration();
        let mut random = Random::new(3);
        let mut now = Instant::ZERO;
        registration.apply(Input::Start, now, 60, &mut random);
        let mut last = 0;
        for attempt in 0..300 {
            assert_eq!(registration.state, RegistrationState::Connecting);
            registration.apply(Input::ConnectFailed, now, 60, &mut random);
            let wait = registration.deadline.since(now).as_millis();
            let base = 5_000u64.saturating_mul(1 << attempt.min(20)).min(600_000);
            assert!((base..=base * 3 / 2).contains(&wait), "{attempt}: {wait}");
            assert!(wait * 3 >= last);
            last = wait;
            now = registration.deadline;
            registration.apply(Input::Deadline, now, 60, &mut random);
        }
        registration.apply(Input::Connected, now, 60, &mut random);
        registration.apply(Input::Accepted, now, 60, &mut random);
        registration.apply(Input::UpdateDue, now, 60, &mut random);
        registration.apply(Input::TimedOut, now, 60, &mut random);
        assert_eq!(registration.state, RegistrationState::Waiting);
        assert!(registration.deadline.since(now) <= Duration::from_millis(7_500), "success starts anew");
    }

    #[test]
    fn a_registration_that_may_hold_is_updated_and_not_made_anew() {
        let mut registration = registration();
        let mut random = Random::new(3);
        let sent = Instant::ZERO + Duration::from_secs(10);
        let answered = sent + Duration::from_secs(40);
        registration.apply(Input::Start, Instant::ZERO, 100, &mut random);
        registration.apply(Input::Connected, sent, 100, &mut random);
        registration.apply(Input::Accepted, answered, 100, &mut random);
        assert_eq!(
            registration.deadline(),
            sent + Duration::from_secs(50),
            "counted from the first transmission"
        );
        registration.apply(Input::UpdateDue, answered, 100, &mut random);
        registration.apply(Input::TimedOut, sent + Duration::from_secs(99), 100, &mut random);
        assert_eq!(registration.state, RegistrationState::Waiting);
        registration.apply(Input::Deadline, sent + Duration::from_millis(99_999), 100, &mut random);
        assert_eq!(registration.state, RegistrationState::Reconnecting);
        registration.apply(Input::ConnectFailed, sent + Duration::from_secs(100), 100, &mut random);
        registration.apply(Input::Deadline, sent + Duration::from_secs(100), 100, &mut random);
        assert_eq!(registration.state, RegistrationState::Connecting, "the lifetime is over");
    }

    #[test]
    fn a_way_that_is_not_wanted_any_more_is_not_asked_for() {
        let mut random = Random::new(3);
        for input in [Input::Stop, Input::Connected, Input::ConnectFailed, Input::Deadline] {
            let mut registration = registration();
            registration.apply(Input::Start, Instant::ZERO, 60, &mut random);
            assert!(registration.connect_wanted);
            registration.apply(input, Instant::ZERO, 60, &mut random);
            assert!(!registration.connect_wanted, "{input:?}");
        }
    }

    #[test]
    fn disabling_ends_by_itself() {
        let mut registration = registration();
        let mut random = Random::new(3);
        for input in [Input::Start, Input::Connected, Input::Accepted] {
            registration.apply(input, Instant::ZERO, 60, &mut random);
        }
        registration.disable_for_s = 120;
        for input in [Input::Disable, Input::Accepted] {
            registration.apply(input, Instant::ZERO, 60, &mut random);
        }
        assert_eq!(registration.state, RegistrationState::Disabled);
        assert_eq!(registration.deadline, Instant::from_millis(120_000));
        registration.apply(Input::Deadline, registration.deadline, 60, &mut random);
        assert_eq!(registration.state, RegistrationState::Connecting);
    }
}
