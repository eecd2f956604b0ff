//! Content formats (LwM2M Core section 7.4, numbers of the CoAP Content-Formats registry).

/// How a payload is encoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)] // named as in the specification
pub enum ContentFormat {
    Text,
    LinkFormat,
    Opaque,
    Cbor,
    SenmlJson,
    SenmlCbor,
    Tlv,
}

impl ContentFormat {
    /// The number that the options Content-Format and Accept carry.
    pub const fn number(self) -> u16 {
        match self {
            Self::Text => 0,
            Self::LinkFormat => 40,
            Self::Opaque => 42,
            Self::Cbor => 60,
            Self::SenmlJson => 110,
            Self::SenmlCbor => 112,
            Self::Tlv => 11542,
        }
    }

    /// The format with this number.
    pub const fn from_number(number: u16) -> Option<Self> {
        Some(match number {
            0 => Self::Text,
            40 => Self::LinkFormat,
            42 => Self::Opaque,
            60 => Self::Cbor,
            110 => Self::SenmlJson,
            112 => Self::SenmlCbor,
            11542 => Self::Tlv,
            _ => return None,
        })
    }
}

/// The formats that a client speaks, the preferred one first. A format that is not in it is not linked.
#[derive(Clone, Copy, Debug)]
pub struct FormatSet {
    formats: &'static [ContentFormat],
}

impl FormatSet {
    /// These formats. Link format is always there: Register and Discover need it.
    pub const fn new(formats: &'static [ContentFormat]) -> Self {
        Self { formats }
    }

    /// The formats, the preferred one first.
    pub const fn formats(self) -> &'static [ContentFormat] {
        self.formats
    }

    /// True when the format is one of them.
    pub const fn contains(self, format: ContentFormat) -> bool {
        let mut index = 0;
        while index < self.formats.len() {
            if self.formats[index].number() == format.number() {
                return true;
            }
            index += 1;
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_round_trip() {
        let known = (0..=u16::MAX).filter_map(ContentFormat::from_number);
        assert_eq!(known.clone().count(), 7);
        for format in known {
            assert_eq!(ContentFormat::from_number(format.number()), Some(format));
        }
    }

    #[test]
    fn a_set_knows_its_members() {
        let set = FormatSet::new(&[ContentFormat::SenmlCbor, ContentFormat::Text]);
        assert!(set.contains(ContentFormat::Text) && !set.contains(ContentFormat::Tlv));
    }
}
