//! Notification attributes: what a server sets with Write-Attributes (LwM2M Core section 5.1.2).

use core::cmp::Ordering;

use super::number::{compare_distance, is_greater};
use crate::account::ServerIndex;
use crate::engine::Reader;
use crate::model::{Level, Path, Status, Type};
use crate::output::Output;
use crate::profile::Slot;

/// The name of an attribute.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Attribute {
    /// pmin: the shortest time between two notifications, in seconds.
    MinimumPeriod,
    /// pmax: the longest time between two notifications, in seconds.
    MaximumPeriod,
    /// gt: crossing this value, up or down, is worth a notification.
    GreaterThan,
    /// lt: crossing this value, up or down, is worth a notification.
    LessThan,
    /// st: a change by at least this much is worth a notification.
    Step,
}

impl Attribute {
    pub(crate) const ALL: [Self; 5] =
        [Self::MinimumPeriod, Self::MaximumPeriod, Self::GreaterThan, Self::LessThan, Self::Step];

    /// As it is in queries and links.
    pub const fn name(self) -> &'static str {
        match self {
            Self::MinimumPeriod => "pmin",
            Self::MaximumPeriod => "pmax",
            Self::GreaterThan => "gt",
            Self::LessThan => "lt",
            Self::Step => "st",
        }
    }

    const fn bit(self) -> u8 {
        1 << self as u8
    }

    /// Periods are whole seconds, the others are numbers of the resource's kind.
    pub(crate) const fn is_period(self) -> bool {
        matches!(self, Self::MinimumPeriod | Self::MaximumPeriod)
    }
}

/// The value of an attribute.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Setting {
    /// Of pmin and pmax, in seconds.
    Period(u32),
    /// Of gt, lt and st.
    Number(f64),
}

/// Values of attributes, each of which may be there or not.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Attributes {
    present: u8,
    periods: [u32; 2],
    numbers: [f64; 3],
}

impl Attributes {
    /// No attribute.
    pub const NONE: Self = Self { present: 0, periods: [0; 2], numbers: [0.0; 3] };

    /// True when no attribute is there.
    pub const fn is_empty(&self) -> bool {
        self.present == 0
    }

    /// Bytes of [`Attributes::save`].
    pub(crate) const SAVED_LEN: usize = 1 + 2 * 4 + 3 * 8;

    pub(crate) fn save(&self, output: &mut Output<'_>) {
        output.byte(self.present);
        self.periods.iter().for_each(|period| output.push(&period.to_be_bytes()));
        self.numbers.iter().for_each(|number| output.push(&number.to_bits().to_be_bytes()));
    }

    pub(crate) fn load(reader: &mut Reader<'_>) -> Option<Self> {
        let mut values = Self { present: reader.byte()?, ..Self::NONE };
        for period in &mut values.periods {
            *period = u32::from_be_bytes(reader.array()?);
        }
        for number in &mut values.numbers {
            *number = f64::from_bits(u64::from_be_bytes(reader.array()?));
        }
        Some(values)
    }

    /// The value of an attribute.
    pub fn get(&self, attribute: Attribute) -> Option<Setting> {
        if self.present & attribute.bit() == 0 {
            return None;
        }
        let index = attribute as usize;
        match self.periods.get(index) {
            Some(period) => Some(Setting::Period(*period)),
            None => self.numbers.get(index - self.periods.len()).copied().map(Setting::Number),
        }
    }

    /// The value of `pmin` or `pmax` in seconds.
    pub fn period(&self, attribute: Attribute) -> Option<u32> {
        match self.get(attribute)? {
            Setting::Period(seconds) => Some(seconds),
            Setting::Number(_) => None,
        }
    }

    /// The value of `gt`, `lt` or `st`.
    pub fn number(&self, attribute: Attribute) -> Option<f64> {
        match self.get(attribute)? {
            Setting::Number(number) => Some(number),
            Setting::Period(_) => None,
        }
    }

    /// Sets a value, or removes it. A value of the other kind than the attribute's changes nothing.
    pub fn set(&mut self, attribute: Attribute, value: Option<Setting>) {
        let index = attribute as usize;
        let stored = match value {
            None => {
                self.present &= !attribute.bit();
                return;
            }
            Some(Setting::Period(seconds)) => self.periods.get_mut(index).map(|slot| *slot = seconds),
            Some(Setting::Number(number)) => {
                let slot =
                    index.checked_sub(self.periods.len()).and_then(|index| self.numbers.get_mut(index));
                slot.map(|slot| *slot = number)
            }
        };
        if stored.is_some() {
            self.present |= attribute.bit();
        }
    }

    /// Adds what a higher level has and this one has not.
    pub fn inherit(&mut self, from: &Self) {
        for attribute in Attribute::ALL {
            if self.present & attribute.bit() == 0 {
                self.set(attribute, from.get(attribute));
            }
        }
    }

    /// True when gt, lt or st decide whether a change is worth a notification.
    pub(crate) const fn has_conditions(&self) -> bool {
        self.present & (Attribute::GreaterThan.bit() | Attribute::LessThan.bit() | Attribute::Step.bit()) != 0
    }

    /// The rules between attributes (LwM2M Core section 5.1.2): lt < gt, and lt + 2 st < gt.
    fn is_consistent(&self) -> bool {
        let (lower, upper) = (self.number(Attribute::LessThan), self.number(Attribute::GreaterThan));
        let step = self.number(Attribute::Step).unwrap_or(0.0);
        match (lower, upper) {
            (Some(lower), Some(upper)) => {
                let distance = compare_distance(upper, lower, step, true);
                is_greater(upper, lower) && distance.is_some_and(Ordering::is_gt)
            }
            _ => true,
        }
    }
}

/// What a Write-Attributes request changes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct AttributeChanges {
    values: Attributes,
    named: u8,
}

impl AttributeChanges {
    pub(crate) const NONE: Self = Self { values: Attributes::NONE, named: 0 };

    /// Adds `pmin=10`, or `pmin` to remove it.
    ///
    /// # Errors
    /// [`Status::BadRequest`] for unknown names, a name that comes twice, and values that are not numbers.
    pub(crate) fn add(&mut self, query: &[u8]) -> Result<(), Status> {
        let (name, value) = match query.iter().position(|byte| *byte == b'=') {
            Some(at) => query.split_at_checked(at).unwrap_or_default(),
            None => (query, &[][..]),
        };
        let known = Attribute::ALL.into_iter().find(|attribute| attribute.name().as_bytes() == name);
        let attribute =
            known.filter(|attribute| self.named & attribute.bit() == 0).ok_or(Status::BadRequest)?;
        let value = match value.strip_prefix(b"=").unwrap_or_default() {
            [] => None,
            text => Some(parse(attribute, text).ok_or(Status::BadRequest)?),
        };
        self.named |= attribute.bit();
        self.values.set(attribute, value);
        Ok(())
    }

    /// gt, lt and st need a single number (LwM2M Core section 5.1.2); `kind` is `None` above resources.
    pub(crate) fn suit(&self, kind: Option<Type>) -> bool {
        kind.is_some_and(Type::is_numeric) || !self.values.has_conditions()
    }
}

fn parse(attribute: Attribute, text: &[u8]) -> Option<Setting> {
    if attribute.is_period() {
        return Some(Setting::Period(u32::try_from(crate::text::parse_unsigned(text)?).ok()?));
    }
    let number = crate::text::parse_float(text)?;
    (attribute != Attribute::Step || !is_greater(0.0, number)).then_some(Setting::Number(number))
}

/// The attributes that one server has set at one path.
#[derive(Clone, Copy, Debug)]
pub struct AttributeRecord {
    pub(crate) used: bool,
    pub(crate) server: u8,
    pub(crate) path: Path,
    pub(crate) values: Attributes,
}

impl AttributeRecord {
    pub(crate) const fn is_free(&self) -> bool {
        !self.used
    }

    pub(crate) const fn is_for(&self, server: ServerIndex) -> bool {
        self.used && self.server == server.0
    }
}

impl Slot for AttributeRecord {
    const EMPTY: Self = Self { used: false, server: 0, path: Path::ZERO, values: Attributes::NONE };
}

/// The attributes at exactly this path.
pub(crate) fn own(records: &[AttributeRecord], server: ServerIndex, path: Path) -> Attributes {
    find(records, server, path).map_or(Attributes::NONE, |record| record.values)
}

fn find(records: &[AttributeRecord], server: ServerIndex, path: Path) -> Option<&AttributeRecord> {
    records.iter().find(|record| record.used && record.server == server.0 && record.path == path)
}

/// The attributes that hold at this path: its own, and those of the levels above it that it does not have itself.
pub(crate) fn effective(records: &[AttributeRecord], server: ServerIndex, path: Path) -> Attributes {
    // The record of each level above the path; there is one at most.
    let mut above = [None; Level::ResourceInstance as usize + 1];
    for record in records {
        if record.used
            && record.server == server.0
            && record.path.covers(&path)
            && let Some(place) = above.get_mut(record.path.level() as usize)
        {
            *place = Some(&record.values);
        }
    }
    let mut values = Attributes::NONE;
    above.into_iter().rev().flatten().for_each(|level| values.inherit(level));
    values
}

/// Stores changed attributes.
///
/// # Errors
/// [`Status::BadRequest`] when they contradict each other, [`Status::ServiceUnavailable`] when the table is full.
/// Then nothing has changed.
pub(crate) fn change(
    records: &mut [AttributeRecord],
    server: ServerIndex,
    path: Path,
    changes: &AttributeChanges,
) -> Result<(), Status> {
    let mut values = own(records, server, path);
    for attribute in Attribute::ALL.into_iter().filter(|attribute| changes.named & attribute.bit() != 0) {
        values.set(attribute, changes.values.get(attribute));
    }
    let mut combined = values;
    combined.inherit(&effective(records, server, path));
    if !values.is_consistent() || !combined.is_consistent() {
        return Err(Status::BadRequest);
    }
    let is_here = |record: &AttributeRecord| record.used && record.server == server.0 && record.path == path;
    let index = records.iter().position(is_here).or_else(|| records.iter().position(|record| !record.used));
    if values.is_empty() && index.is_none() {
        return Ok(());
    }
    let record = index.and_then(|index| records.get_mut(index)).ok_or(Status::ServiceUnavailable)?;
    *record = AttributeRecord { used: !values.is_empty(), server: server.0, path, values };
    Ok(())
}

/// Forgets the attributes at and below a path that is no more, of all servers.
pub(crate) fn forget(records: &mut [AttributeRecord], path: Path) {
    for record in records.iter_mut().filter(|record| record.used && path.covers(&record.path)) {
        record.used = false;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SERVER: ServerIndex = ServerIndex(0);
    const BATTERY: Path = Path::resource(3, 0, 9);

    fn changes(queries: &[&str]) -> Result<AttributeChanges, Status> {
        let mut changes = AttributeChanges::NONE;
        queries.iter().try_for_each(|query| changes.add(query.as_bytes()))?;
        Ok(changes)
    }

    fn set(records: &mut [AttributeRecord], path: Path, queries: &[&str]) -> Result<(), Status> {
        change(records, SERVER, path, &changes(queries)?)
    }

    #[test]
    fn queries_that_are_no_attributes_are_refused() {
        for query in [
            "",
            "=1",
            "pmin=-1",
            "pmin=1.5",
            "pmin=x",
            "pmax=4294967296",
            "gt=warm",
            "st=-1",
            "foo=1",
            "PMIN=1",
            "pmin =1",
        ] {
            assert_eq!(changes(&[query]).unwrap_err(), Status::BadRequest, "{query}");
        }
        assert!(changes(&["pmin=1", "pmin=2"]).is_err());
        assert!(changes(&["gt=-1e3", "lt=-2000.5", "st=0", "pmin=0", "pmax"]).is_ok());
    }

    #[test]
    fn lower_levels_win() {
        let mut records = [AttributeRecord::EMPTY; 4];
        set(&mut records, Path::object(3), &["pmin=1", "pmax=100"]).unwrap();
        set(&mut records, Path::instance(3, 0), &["pmin=5"]).unwrap();
        set(&mut records, BATTERY, &["gt=80", "pmax=50"]).unwrap();
        let values = effective(&records, SERVER, BATTERY);
        assert_eq!(values.period(Attribute::MinimumPeriod), Some(5));
        assert_eq!(values.period(Attribute::MaximumPeriod), Some(50));
        assert_eq!(values.number(Attribute::GreaterThan), Some(80.0));
        assert!(effective(&records, ServerIndex(1), BATTERY).is_empty());
        assert_eq!(
            effective(&records, SERVER, Path::resource(3, 1, 9)).period(Attribute::MinimumPeriod),
            Some(1)
        );
    }

    #[test]
    fn contradictions_change_nothing() {
        let mut records = [AttributeRecord::EMPTY; 2];
        set(&mut records, BATTERY, &["lt=20", "gt=80"]).unwrap();
        for queries in [&["gt=20"][..], &["st=30"], &["lt=90"], &["lt=50", "gt=60", "st=5"]] {
            assert_eq!(set(&mut records, BATTERY, queries), Err(Status::BadRequest), "{queries:?}");
        }
        assert_eq!(own(&records, SERVER, BATTERY).number(Attribute::GreaterThan), Some(80.0));
    }

    #[test]
    fn a_removed_attribute_frees_its_record() {
        let mut records = [AttributeRecord::EMPTY; 1];
        set(&mut records, BATTERY, &["pmin=1", "st=2"]).unwrap();
        assert_eq!(set(&mut records, Path::object(3), &["pmin=1"]), Err(Status::ServiceUnavailable));
        set(&mut records, BATTERY, &["pmin", "st="]).unwrap();
        set(&mut records, Path::object(3), &["pmin=1"]).unwrap();
        set(&mut records, Path::object(4), &["pmin"]).unwrap();
        forget(&mut records, Path::object(3));
        assert!(own(&records, SERVER, Path::object(3)).is_empty());
    }

    #[test]
    fn conditions_need_a_number() {
        let step = changes(&["st=1"]).unwrap();
        assert!(step.suit(Some(Type::Integer)) && step.suit(Some(Type::Float)));
        assert!(!step.suit(None) && !step.suit(Some(Type::String)));
        assert!(changes(&["pmin=1"]).unwrap().suit(None));
        assert!(changes(&["gt"]).unwrap().suit(None));
    }
}
