//! One observation: its times and what was told last.

use core::cmp::Ordering;

use super::attributes::{Attribute, Attributes};
use super::number::{compare_distance, is_greater};
use crate::account::ServerIndex;
use crate::coap::Token;
use crate::model::{ContentFormat, Path};
use crate::profile::Slot;
use crate::time::{Duration, Instant};

/// A path that a server observes.
#[derive(Clone, Copy, Debug)]
pub struct Observation {
    pub(crate) used: bool,
    /// There is a change to tell, as soon as pmin allows.
    pub(crate) triggered: bool,
    /// The change is due but can't go out yet: the server is away, or the message before it is not acknowledged.
    pub(crate) blocked: bool,
    /// A confirmable notification waits for its acknowledgement.
    pub(crate) in_flight: bool,
    /// The notification that is in flight says that the path is gone, or can't be read.
    pub(crate) ending: bool,
    pub(crate) server: ServerIndex,
    pub(crate) format: ContentFormat,
    pub(crate) token: Token,
    pub(crate) path: Path,
    /// Message ids of the last notifications: RST in answer to any of them cancels (RFC 7641 section 3.2).
    pub(crate) recent: [u16; 4],
    pub(crate) sequence: u32,
    /// When the server was told last.
    pub(crate) sent_at: Instant,
    /// When the server last confirmed that it is interested.
    pub(crate) confirmed_at: Instant,
    /// When the next notification is due.
    pub(crate) due: Instant,
    /// The number that was told last; NaN when it is none.
    pub(crate) last: f64,
}

impl Slot for Observation {
    const EMPTY: Self = Self {
        used: false,
        triggered: false,
        blocked: false,
        in_flight: false,
        ending: false,
        server: ServerIndex(0),
        format: ContentFormat::Text,
        token: Token::EMPTY,
        path: Path::ZERO,
        recent: [0; 4],
        sequence: 0,
        sent_at: Instant::ZERO,
        confirmed_at: Instant::ZERO,
        due: Instant::ZERO,
        last: 0.0,
    };
}

impl Observation {
    /// A server must confirm its interest at least this often (RFC 7641 section 4.5).
    const CONFIRM_EVERY: Duration = Duration::from_secs(24 * 3600);

    pub(crate) fn new(
        server: ServerIndex,
        token: Token,
        path: Path,
        format: ContentFormat,
        now: Instant,
    ) -> Self {
        Self {
            used: true,
            server,
            format,
            token,
            path,
            sent_at: now,
            confirmed_at: now,
            due: Instant::NEVER,
            ..Self::EMPTY
        }
    }

    /// True when a request for the same has come again.
    pub(crate) fn is_for(&self, path: Path, format: ContentFormat) -> bool {
        self.path == path && self.format == format
    }

    /// The server asks anew with the same token: it must not take what comes for older than what it has.
    pub(crate) fn follow(&mut self, before: &Self) {
        (self.sequence, self.recent) = (before.sequence, before.recent);
        self.next_sequence();
    }

    /// When something has to be done by itself.
    pub(crate) fn deadline(&self) -> Instant {
        if self.used && !self.blocked { self.due } else { Instant::NEVER }
    }

    /// Finds out when the next notification is due. Periods are in seconds, of the attributes or the server's defaults.
    pub(crate) fn schedule(&mut self, attributes: &Attributes, defaults: (Option<u32>, Option<u32>)) {
        let minimum = attributes.period(Attribute::MinimumPeriod).or(defaults.0).unwrap_or(0);
        // A pmax that is shorter than pmin is ignored (LwM2M Core section 5.1.2), and so is 0.
        let maximum = attributes
            .period(Attribute::MaximumPeriod)
            .or(defaults.1)
            .filter(|maximum| *maximum >= minimum.max(1));
        let after = |seconds: u32| self.sent_at + Duration::from_secs(u64::from(seconds));
        self.due = match maximum {
            _ if self.triggered => after(minimum),
            Some(maximum) => after(maximum),
            None => Instant::NEVER,
        };
    }

    /// The next sequence number: 24 bits that count up (RFC 7641 section 4.4).
    pub(crate) const fn next_sequence(&mut self) -> u32 {
        self.sequence = (self.sequence + 1) & 0x00ff_ffff;
        self.sequence
    }

    pub(crate) const fn sequence(&self) -> u32 {
        self.sequence
    }

    /// A notification with this message id was handed over.
    pub(crate) const fn note_message(&mut self, message_id: u16) {
        let [first, second, third, _] = self.recent;
        self.recent = [message_id, first, second, third];
    }

    pub(crate) fn needs_confirmation(&self, now: Instant) -> bool {
        now.since(self.confirmed_at) >= Self::CONFIRM_EVERY
    }
}

/// True when gt, lt or st make the change from `last` to `value` worth a notification (LwM2M Core section 5.1.2).
pub(crate) fn is_worth_telling(last: f64, value: f64, attributes: &Attributes) -> bool {
    let crosses = |limit: f64| is_greater(last, limit) != is_greater(value, limit);
    let crosses_down = |limit: f64| is_greater(limit, last) != is_greater(limit, value);
    let steps = |step: f64| {
        let distance = compare_distance(last, value, step, false);
        distance.is_some_and(Ordering::is_ge) && (is_greater(last, value) || is_greater(value, last))
    };
    attributes.number(Attribute::GreaterThan).is_some_and(crosses)
        || attributes.number(Attribute::LessThan).is_some_and(crosses_down)
        || attributes.number(Attribute::Step).is_some_and(steps)
        || last.is_nan() != value.is_nan()
}

#[cfg(test)]
mod tests {
    use super::super::attributes::Setting;
    use super::*;

    fn attributes(list: &[(Attribute, f64)]) -> Attributes {
        let mut attributes = Attributes::NONE;
        for (attribute, value) in list {
            let setting =
                if attribute.is_period() { Setting::Period(*value as u32) } else { Setting::Number(*value) };
            attributes.set(*attribute, Some(setting));
        }
        attributes
    }

    #[test]
    fn conditions() {
        use Attribute::{GreaterThan, LessThan, Step};
        type Case<'c> = (&'c [(Attribute, f64)], f64, f64, bool);
        let cases: &[Case<'_>] = &[
            (&[(GreaterThan, 30.0)], 29.0, 30.0, false),
            (&[(GreaterThan, 30.0)], 29.0, 30.5, true),
            (&[(GreaterThan, 30.0)], 31.0, 32.0, false),
            (&[(GreaterThan, 30.0)], 31.0, 30.0, true),
            (&[(LessThan, 10.0)], 11.0, 10.0, false),
            (&[(LessThan, 10.0)], 11.0, 9.0, true),
            (&[(LessThan, 10.0)], 9.0, 10.0, true),
            (&[(Step, 2.0)], 5.0, 6.9, false),
            (&[(Step, 2.0)], 5.0, 7.0, true),
            (&[(Step, 2.0)], 5.0, 3.0, true),
            (&[(Step, 0.0)], 5.0, 5.0, false),
            (&[(LessThan, 10.0), (GreaterThan, 30.0)], 20.0, 25.0, false),
            (&[(LessThan, 10.0), (GreaterThan, 30.0), (Step, 4.0)], 20.0, 25.0, true),
            (&[(GreaterThan, 30.0)], f64::NAN, 20.0, true),
        ];
        for (list, last, value, worth) in cases {
            assert_eq!(is_worth_telling(*last, *value, &attributes(list)), *worth, "{list:?} {last} {value}");
        }
    }

    #[test]
    fn periods() {
        use Attribute::{MaximumPeriod, MinimumPeriod};
        let start = Instant::from_millis(1_000);
        let mut observation =
            Observation::new(ServerIndex(0), Token::EMPTY, Path::ROOT, ContentFormat::Text, start);
        let mut due = |triggered, list: &[(Attribute, f64)], defaults| {
            observation.triggered = triggered;
            observation.schedule(&attributes(list), defaults);
            observation.due
        };
        let at = Instant::from_millis;
        assert_eq!(due(false, &[], (None, None)), Instant::NEVER);
        assert_eq!(due(true, &[], (None, None)), at(1_000));
        assert_eq!(due(true, &[], (Some(5), Some(60))), at(6_000));
        assert_eq!(due(false, &[], (Some(5), Some(60))), at(61_000));
        assert_eq!(due(false, &[(MaximumPeriod, 10.0)], (Some(5), Some(60))), at(11_000));
        assert_eq!(due(true, &[(MinimumPeriod, 2.0)], (Some(5), None)), at(3_000));
        assert_eq!(due(false, &[(MinimumPeriod, 20.0), (MaximumPeriod, 10.0)], (None, None)), Instant::NEVER);
        assert_eq!(due(false, &[(MaximumPeriod, 0.0)], (None, None)), Instant::NEVER);
    }

    #[test]
    fn sequence_numbers_wrap_at_24_bits() {
        let mut observation = Observation { sequence: 0x00ff_fffe, ..Observation::EMPTY };
        assert_eq!(observation.next_sequence(), 0x00ff_ffff);
        assert_eq!(observation.next_sequence(), 0);
    }
}
