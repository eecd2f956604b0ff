//! What SenML JSON and SenML CBOR have in common (RFC 8428 section 4, LwM2M Core section 7.4.4).

use super::{Encoded, Found};
use crate::model::{Level, Object, Path, PathParser, Status, Str};
use crate::operation::{Step, walk};
use crate::output::Output;
use crate::text::write_unsigned;

/// Labels of a record, by their numbers in CBOR (RFC 8428 section 6); the link of LwM2M has only a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Label {
    BaseName,
    Name,
    /// `v`, `vs`, `vb`, `vd` or `vlo`: the value tells its type.
    Value,
    /// Version, time and unit: they change nothing about a write.
    Ignored,
    /// A base value or a sum: the value would not be what it seems (RFC 8428 section 4.4, "must understand").
    Refused,
}

/// A name as it is in the payload.
pub(super) trait Name: Copy {
    fn text(&self) -> Str<'_>;
}

/// One record as it is read. The base name stays for the records behind it.
pub(super) struct Record<N, V> {
    base: Option<N>,
    name: Option<N>,
    value: Option<V>,
}

impl<N: Name, V: Encoded> Record<N, V> {
    pub(super) const fn new() -> Self {
        Self { base: None, name: None, value: None }
    }

    pub(super) fn set_base(&mut self, name: N) {
        self.base = Some(name);
    }

    /// `None` when the record has two names.
    pub(super) fn set_name(&mut self, name: N) -> Option<()> {
        self.name.replace(name).is_none().then_some(())
    }

    /// `None` when the record has two values.
    pub(super) fn set_value(&mut self, value: V) -> Option<()> {
        self.value.replace(value).is_none().then_some(())
    }

    /// The base name and the name, put together.
    fn path(&self) -> Option<Path> {
        let mut parser = PathParser::new();
        for name in [&self.base, &self.name].into_iter().flatten() {
            name.text().visit(&mut |piece| {
                piece.bytes().for_each(|byte| parser.push(byte));
                true
            });
        }
        parser.finish()
    }

    /// Tells the record, which is complete, and starts the next one.
    ///
    /// # Errors
    /// [`Status::BadRequest`] when its name is not a resource at or below `base`, or it has no value.
    pub(super) fn finish(&mut self, base: Path, found: &mut Found<'_>) -> Result<(), Status> {
        let is_target = |path: &Path| base.covers(path) && path.level() >= Level::Resource;
        let path = self.path().filter(is_target).ok_or(Status::BadRequest)?;
        self.name = None;
        found(path, &self.value.take().ok_or(Status::BadRequest)?)
    }
}

/// The names of what a read of `path` answers: a base name once, then the rest of each path.
pub(super) struct Names {
    base: Path,
    first: bool,
}

impl Names {
    /// A single resource is its own base name and needs no others; everything else has its parts as names.
    pub(super) const fn new(path: Path) -> Self {
        Self { base: path, first: true }
    }

    /// The base name, for the first record only, and the ids of the record's name.
    pub(super) fn next<'p>(&mut self, path: &'p Path) -> (Option<Path>, &'p [u16]) {
        let base = core::mem::replace(&mut self.first, false).then_some(self.base);
        (base, path.ids().get(self.base.ids().len()..).unwrap_or_default())
    }
}

/// The text of a name: ids with slashes between them, and perhaps around them.
pub(super) struct NameText<'p> {
    ids: &'p [u16],
    before: bool,
    behind: bool,
}

/// The base name `/3/0/`, with a slash at the end when names follow.
pub(super) fn base_name(path: &Path, names_follow: bool) -> NameText<'_> {
    NameText { ids: path.ids(), before: true, behind: names_follow }
}

/// The name `11/0`.
pub(super) const fn name(ids: &[u16]) -> NameText<'_> {
    NameText { ids, before: false, behind: false }
}

impl NameText<'_> {
    /// Bytes of the text.
    pub(super) fn len(&self) -> usize {
        let digits = |id: &u16| 1 + [9, 99, 999, 9999].iter().filter(|limit| id > limit).count();
        let slashes = self.ids.len() + usize::from(self.before) + usize::from(self.behind);
        self.ids.iter().map(digits).sum::<usize>() + slashes.saturating_sub(1)
    }

    pub(super) fn write(&self, out: &mut Output<'_>) {
        let mut slash = self.before;
        for id in self.ids {
            if core::mem::replace(&mut slash, true) {
                out.byte(b'/');
            }
            write_unsigned(u64::from(*id), out);
        }
        if self.behind {
            out.byte(b'/');
        }
    }
}

/// How many records a read of `path` answers.
pub(super) fn count(object: &dyn Object, path: Path) -> Result<usize, Status> {
    let mut records = 0;
    walk(object, path, &mut |step| {
        records += usize::from(matches!(step, Step::Value { .. }));
        Ok(())
    })?;
    Ok(records)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_as_long_as_they_say() {
        for (ids, base, expected) in [
            (&[3, 0][..], true, "/3/0/"),
            (&[3303, 65534, 10, 9], true, "/3303/65534/10/9/"),
            (&[11, 0], false, "11/0"),
            (&[5700], false, "5700"),
            (&[100], false, "100"),
        ] {
            let name = NameText { ids, before: base, behind: base };
            let mut room = [0; 32];
            let mut out = Output::new(&mut room, 0);
            name.write(&mut out);
            assert_eq!((out.window(), name.len()), (expected.as_bytes(), expected.len()));
        }
    }
}
