//! Codes of CoAP messages (RFC 7252 section 5.9 and 12.1).

/// A CoAP code `c.dd`: three bits of class, five of detail.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Code(u8);

#[allow(missing_docs)] // the names are those of the registry
impl Code {
    pub const EMPTY: Self = Self::new(0, 0);
    pub const GET: Self = Self::new(0, 1);
    pub const POST: Self = Self::new(0, 2);
    pub const PUT: Self = Self::new(0, 3);
    pub const DELETE: Self = Self::new(0, 4);
    pub const FETCH: Self = Self::new(0, 5);
    pub const PATCH: Self = Self::new(0, 6);
    pub const IPATCH: Self = Self::new(0, 7);
    pub const CREATED: Self = Self::new(2, 1);
    pub const DELETED: Self = Self::new(2, 2);
    pub const VALID: Self = Self::new(2, 3);
    pub const CHANGED: Self = Self::new(2, 4);
    pub const CONTENT: Self = Self::new(2, 5);
    pub const CONTINUE: Self = Self::new(2, 31);
    pub const BAD_REQUEST: Self = Self::new(4, 0);
    pub const UNAUTHORIZED: Self = Self::new(4, 1);
    pub const BAD_OPTION: Self = Self::new(4, 2);
    pub const FORBIDDEN: Self = Self::new(4, 3);
    pub const NOT_FOUND: Self = Self::new(4, 4);
    pub const METHOD_NOT_ALLOWED: Self = Self::new(4, 5);
    pub const NOT_ACCEPTABLE: Self = Self::new(4, 6);
    pub const REQUEST_ENTITY_INCOMPLETE: Self = Self::new(4, 8);
    pub const PRECONDITION_FAILED: Self = Self::new(4, 12);
    pub const REQUEST_ENTITY_TOO_LARGE: Self = Self::new(4, 13);
    pub const UNSUPPORTED_CONTENT_FORMAT: Self = Self::new(4, 15);
    pub const INTERNAL_SERVER_ERROR: Self = Self::new(5, 0);
    pub const NOT_IMPLEMENTED: Self = Self::new(5, 1);
    pub const SERVICE_UNAVAILABLE: Self = Self::new(5, 3);
    pub const PROXYING_NOT_SUPPORTED: Self = Self::new(5, 5);

    /// The code `class.detail`; bits that do not fit are cut.
    pub const fn new(class: u8, detail: u8) -> Self {
        Self((class << 5) | (detail & 0x1f))
    }

    /// The code as it is on the wire.
    pub const fn from_byte(byte: u8) -> Self {
        Self(byte)
    }

    /// The code as it is on the wire.
    pub const fn as_byte(self) -> u8 {
        self.0
    }

    /// The digit before the dot.
    pub const fn class(self) -> u8 {
        self.0 >> 5
    }

    /// The two digits after the dot.
    pub const fn detail(self) -> u8 {
        self.0 & 0x1f
    }

    /// 0.01 to 0.31.
    pub const fn is_request(self) -> bool {
        self.class() == 0 && self.0 != 0
    }

    /// Classes 2, 4 and 5.
    pub const fn is_response(self) -> bool {
        matches!(self.class(), 2 | 4 | 5)
    }

    /// Class 2.
    pub const fn is_success(self) -> bool {
        self.class() == 2
    }
}

impl core::fmt::Debug for Code {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        core::fmt::Display::fmt(self, f)
    }
}

impl core::fmt::Display for Code {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "{}.{:02}", self.class(), self.detail())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_those_of_the_registry() {
        assert_eq!(Code::GET.as_byte(), 0x01);
        assert_eq!(Code::CONTENT.as_byte(), 0x45);
        assert_eq!(Code::UNSUPPORTED_CONTENT_FORMAT.as_byte(), 0x8f);
        assert_eq!(Code::PROXYING_NOT_SUPPORTED.as_byte(), 0xa5);
    }

    #[test]
    fn classes_are_told_apart() {
        for byte in 0..=255 {
            let code = Code::from_byte(byte);
            assert!(!(code.is_request() && code.is_response()));
        }
        assert!(!Code::EMPTY.is_request() && !Code::EMPTY.is_response());
        assert!(!Code::new(1, 0).is_response() && !Code::new(7, 0).is_response());
    }
}
