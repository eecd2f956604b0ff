//! Where something is in the tree of objects (LwM2M Core section 7.2).

/// The level that a [`Path`] names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[allow(missing_docs)]
pub enum Level {
    Root,
    Object,
    Instance,
    Resource,
    ResourceInstance,
}

/// `/object/instance/resource/resource instance`, as deep as it goes.
///
/// Ids are 0 to 65534; 65535 is reserved by the specification and here means "not given".
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Path([u16; 4]);

const NONE: u16 = u16::MAX;

impl Path {
    /// The largest id.
    pub const MAX_ID: u16 = NONE - 1;
    /// `/0/0/0/0`, for slots that are not in use: all zero bytes.
    pub(crate) const ZERO: Self = Self([0; 4]);
    /// `/`
    pub const ROOT: Self = Self([NONE; 4]);

    /// `/object`
    pub const fn object(object: u16) -> Self {
        Self([object, NONE, NONE, NONE])
    }

    /// `/object/instance`
    pub const fn instance(object: u16, instance: u16) -> Self {
        Self([object, instance, NONE, NONE])
    }

    /// `/object/instance/resource`
    pub const fn resource(object: u16, instance: u16, resource: u16) -> Self {
        Self([object, instance, resource, NONE])
    }

    /// `/object/instance/resource/resource instance`
    pub const fn resource_instance(
        object: u16,
        instance: u16,
        resource: u16,
        resource_instance: u16,
    ) -> Self {
        Self([object, instance, resource, resource_instance])
    }

    /// How deep the path goes.
    pub const fn level(&self) -> Level {
        match self.0 {
            [NONE, ..] => Level::Root,
            [_, NONE, ..] => Level::Object,
            [_, _, NONE, _] => Level::Instance,
            [_, _, _, NONE] => Level::Resource,
            _ => Level::ResourceInstance,
        }
    }

    /// All four places, with 65535 where nothing is given.
    pub(crate) const fn all_ids(&self) -> &[u16; 4] {
        &self.0
    }

    /// From what [`Path::all_ids`] gave.
    pub(crate) const fn from_all_ids(ids: [u16; 4]) -> Self {
        Self(ids)
    }

    /// The ids that are given, from the object down.
    pub fn ids(&self) -> &[u16] {
        self.0.get(..self.level() as usize).unwrap_or(&self.0)
    }

    /// The object id.
    pub const fn object_id(&self) -> Option<u16> {
        Self::given(self.0[0])
    }

    /// The object instance id.
    pub const fn instance_id(&self) -> Option<u16> {
        Self::given(self.0[1])
    }

    /// The resource id.
    pub const fn resource_id(&self) -> Option<u16> {
        Self::given(self.0[2])
    }

    /// The resource instance id.
    pub const fn resource_instance_id(&self) -> Option<u16> {
        Self::given(self.0[3])
    }

    const fn given(id: u16) -> Option<u16> {
        if id == NONE { None } else { Some(id) }
    }

    /// The path with `id` one level deeper; `None` below a resource instance and for the reserved id.
    pub fn child(mut self, id: u16) -> Option<Self> {
        let slot = self.0.iter_mut().find(|slot| **slot == NONE)?;
        *slot = id;
        (id != NONE).then_some(self)
    }

    /// True when `other` is this path or below it.
    pub fn covers(&self, other: &Self) -> bool {
        self.0.iter().zip(&other.0).all(|(mine, theirs)| *mine == NONE || mine == theirs)
    }

    /// True when one of the two covers the other.
    pub fn overlaps(&self, other: &Self) -> bool {
        self.covers(other) || other.covers(self)
    }

    /// Reads `/1/0/1` (a leading and a trailing slash are optional; `/` and the empty text are the root).
    ///
    /// `None` when a part is not a number of 0 to 65534 or there are more than four.
    pub fn parse(text: &[u8]) -> Option<Self> {
        let mut parser = PathParser::new();
        text.iter().for_each(|byte| parser.push(*byte));
        parser.finish()
    }
}

/// Reads a path byte by byte, from text that need not lie in one piece.
pub(crate) struct PathParser {
    /// `None` after a fault.
    path: Option<Path>,
    id: IdParser,
    started: bool,
}

impl PathParser {
    pub(crate) const fn new() -> Self {
        Self { path: Some(Path::ROOT), id: IdParser(None), started: false }
    }

    pub(crate) fn push(&mut self, byte: u8) {
        let first = !core::mem::replace(&mut self.started, true);
        if byte != b'/' {
            if self.id.push(byte).is_none() {
                self.path = None;
            }
        } else if !first {
            self.path = self.path.zip(self.id.take()).and_then(|(path, id)| path.child(id));
        }
    }

    pub(crate) fn finish(mut self) -> Option<Path> {
        if self.id.is_empty() { self.path } else { self.path?.child(self.id.take()?) }
    }
}

/// A decimal id, digit by digit, without sign or needless zeros: `007` is another URI than `7` (RFC 7252 section 6).
struct IdParser(Option<u32>);

impl IdParser {
    const fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    fn push(&mut self, byte: u8) -> Option<()> {
        let digit = char::from(byte).to_digit(10)?;
        self.0 = match self.0 {
            None => Some(digit),
            Some(0) => return None,
            Some(value) => Some(value * 10 + digit).filter(|value| *value < u32::from(NONE)),
        };
        self.0.map(drop)
    }

    fn take(&mut self) -> Option<u16> {
        self.0.take().and_then(|value| u16::try_from(value).ok())
    }
}

/// The id in one path segment.
pub(crate) fn parse_id(text: &[u8]) -> Option<u16> {
    let mut id = IdParser(None);
    text.iter().try_for_each(|byte| id.push(*byte))?;
    id.take()
}

impl core::fmt::Display for Path {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        if self.ids().is_empty() {
            return f.write_str("/");
        }
        self.ids().iter().try_for_each(|id| write!(f, "/{id}"))
    }
}

impl core::fmt::Debug for Path {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        core::fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_and_levels() {
        for (text, path, level) in [
            ("/", Path::ROOT, Level::Root),
            ("", Path::ROOT, Level::Root),
            ("/3", Path::object(3), Level::Object),
            ("/3/0", Path::instance(3, 0), Level::Instance),
            ("3/0/", Path::instance(3, 0), Level::Instance),
            ("/3/0/65534", Path::resource(3, 0, 65534), Level::Resource),
            ("3/0/11/2", Path::resource_instance(3, 0, 11, 2), Level::ResourceInstance),
        ] {
            assert_eq!(Path::parse(text.as_bytes()), Some(path), "{text}");
            assert_eq!(path.level(), level);
            assert_eq!(path.ids().len(), level as usize);
        }
        assert_eq!(std::format!("{} {}", Path::ROOT, Path::resource(3, 0, 1)), "/ /3/0/1");
    }

    #[test]
    fn what_is_not_a_path() {
        for text in [
            "/65539",
            "/65535",
            "/-1",
            "/+1",
            "/a",
            "//",
            "/3//0",
            "/1/2/3/4/5",
            "/03",
            "/3 ",
            "/99999999999",
        ] {
            assert_eq!(Path::parse(text.as_bytes()), None, "{text}");
        }
    }

    #[test]
    fn covering() {
        let (instance, resource) = (Path::instance(3, 0), Path::resource(3, 0, 9));
        assert!(Path::ROOT.covers(&resource) && instance.covers(&resource) && resource.covers(&resource));
        assert!(!resource.covers(&instance) && resource.overlaps(&instance));
        assert!(!Path::instance(3, 1).overlaps(&resource));
    }

    #[test]
    fn children_stop_at_resource_instances() {
        let path = Path::resource(1, 2, 3).child(4).unwrap();
        assert_eq!(path, Path::resource_instance(1, 2, 3, 4));
        assert_eq!(path.child(5), None);
        assert_eq!(Path::ROOT.child(65535), None);
    }
}
