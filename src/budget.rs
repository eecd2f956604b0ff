//! `[budget] ram` of config.toml: a client that does not fit does not compile.

use coracle_engine::profile::{Profile as EngineProfile, Table};
use coracle_engine::{AttributeRecord, Duplicate, Event, Exchange, Observation};

use crate::{Client, Memory, Profile};

/// Longer than the longest sentence below.
const LENGTH: usize = 160;

/// Text that is put together while the compiler runs.
struct Sentence {
    bytes: [u8; LENGTH],
    length: usize,
}

impl Sentence {
    const fn new() -> Self {
        Self { bytes: [b' '; LENGTH], length: 0 }
    }

    const fn text(mut self, text: &str) -> Self {
        let text = text.as_bytes();
        let mut index = 0;
        while index < text.len() {
            self.bytes[self.length] = text[index];
            self.length += 1;
            index += 1;
        }
        self
    }

    const fn number(mut self, value: usize) -> Self {
        let mut place = 1;
        while value / place >= 10 {
            place *= 10;
        }
        while place > 0 {
            self.bytes[self.length] = b'0' + (value / place % 10) as u8;
            self.length += 1;
            place /= 10;
        }
        self
    }

    const fn as_str(&self) -> &str {
        let (sentence, _) = self.bytes.split_at(self.length);
        match core::str::from_utf8(sentence) {
            Ok(text) => text,
            Err(_) => "over budget",
        }
    }
}

/// Bytes of static RAM that a client of this profile takes: its tables, its buffers and itself, without the objects.
pub(crate) const fn needed<P: Profile>() -> usize {
    size_of::<Memory<P>>() + size_of::<Client<'static, P, ()>>()
}

/// Stops the build, with both numbers, when the client needs more RAM than `[budget] ram` allows. Generated profiles call it.
pub const fn assert_within_budget<P: Profile + EngineProfile>() {
    let (needed, allowed) = (needed::<P>(), P::RAM_BUDGET);
    if needed > allowed {
        let sentence = Sentence::new()
            .text("the client needs ")
            .number(needed)
            .text(" bytes of RAM, but config.toml allows ")
            .number(allowed)
            .text(" ([budget] ram); `cargo xtask sizes` shows which table takes what");
        panic!("{}", sentence.as_str());
    }
}

/// How many tables [`ram_by_table`] knows.
pub const TABLES: usize = 12;

/// What [`ram_by_table`] counts, in its order, with the keys of config.toml that decide.
pub const TABLE_NAMES: [(&str, &str); TABLES] = [
    ("receive buffer", "datagram.receive"),
    ("transmit buffer", "datagram.transmit"),
    ("servers: objects 0 and 1, registration", "servers, security"),
    ("DTLS sessions", "dtls, servers.count"),
    ("exchanges", "coap.exchanges"),
    ("duplicates", "coap.duplicates"),
    ("observations", "observe.observations"),
    ("attribute sets", "observe.attribute_sets"),
    ("stored notifications", "observe.stored_bytes"),
    ("events", "events.count"),
    ("endpoint client name", "client.endpoint_length"),
    ("the client itself, and padding", ""),
];

/// Bytes of static RAM by table; their sum is what `[budget] ram` limits.
pub const fn ram_by_table<P: Profile + EngineProfile>() -> [u32; TABLES] {
    let mut sizes = [
        P::Receive::CAPACITY,
        P::Transmit::CAPACITY,
        size_of::<P::Accounts>(),
        size_of::<P::Sessions>() + size_of::<P::Random>(),
        P::Exchanges::CAPACITY * size_of::<Exchange>(),
        P::Duplicates::CAPACITY * size_of::<Duplicate>(),
        P::Observations::CAPACITY * size_of::<Observation>(),
        P::Attributes::CAPACITY * size_of::<AttributeRecord>(),
        P::Stored::CAPACITY,
        P::Events::CAPACITY * size_of::<Event>(),
        P::EndpointName::CAPACITY,
        0,
    ];
    let (mut sum, mut index) = (0, 0);
    while index < TABLES {
        sum += sizes[index];
        index += 1;
    }
    sizes[TABLES - 1] = needed::<P>() - sum;
    let mut bytes = [0; TABLES];
    index = 0;
    while index < TABLES {
        bytes[index] = sizes[index] as u32;
        index += 1;
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sentences_are_put_together() {
        assert_eq!(Sentence::new().text("a ").number(0).text(" b ").number(4096).as_str(), "a 0 b 4096");
        assert_eq!(Sentence::new().number(usize::MAX).as_str(), std::format!("{}", usize::MAX));
    }

    #[test]
    fn the_tables_add_up() {
        let sum: u32 = ram_by_table::<crate::DefaultProfile>().iter().sum();
        assert_eq!(sum as usize, needed::<crate::DefaultProfile>());
    }

    #[test]
    fn the_default_profile_is_within_its_budget() {
        assert!(needed::<crate::DefaultProfile>() <= <crate::DefaultProfile as Profile>::RAM_BUDGET);
    }
}
