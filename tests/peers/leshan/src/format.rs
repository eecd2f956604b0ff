use serde_json::json;

/// A content format (LwM2M Core, section 7.4).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// `text/plain`, 0.
    Text,
    /// `application/link-format`, 40.
    Link,
    /// `application/octet-stream`, 42.
    Opaque,
    /// `application/cbor`, 60.
    Cbor,
    /// `application/senml+json`, 110.
    SenmlJson,
    /// `application/senml+cbor`, 112.
    SenmlCbor,
    /// `application/vnd.oma.lwm2m+tlv`, 11542.
    Tlv,
    /// `application/vnd.oma.lwm2m+json` of LwM2M 1.0, 11543.
    Json,
    /// Any other number: to ask for what the device cannot have.
    Other(u16),
}

impl Format {
    const KNOWN: [Self; 8] = [
        Self::Text,
        Self::Link,
        Self::Opaque,
        Self::Cbor,
        Self::SenmlJson,
        Self::SenmlCbor,
        Self::Tlv,
        Self::Json,
    ];

    /// The number of the format in the options Content-Format and Accept.
    pub fn number(self) -> u16 {
        match self {
            Self::Text => 0,
            Self::Link => 40,
            Self::Opaque => 42,
            Self::Cbor => 60,
            Self::SenmlJson => 110,
            Self::SenmlCbor => 112,
            Self::Tlv => 11542,
            Self::Json => 11543,
            Self::Other(number) => number,
        }
    }

    pub(crate) fn to_json(self) -> serde_json::Value {
        json!(self.number())
    }
}

impl From<u16> for Format {
    fn from(number: u16) -> Self {
        Self::KNOWN.into_iter().find(|format| format.number() == number).unwrap_or(Self::Other(number))
    }
}

#[cfg(test)]
mod tests {
    use super::Format;

    #[test]
    fn numbers_both_ways() {
        for format in Format::KNOWN {
            assert_eq!(Format::from(format.number()), format);
        }
        assert_eq!(Format::from(9), Format::Other(9));
    }
}
