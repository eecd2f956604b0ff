//! Method and response codes of CoAP (RFC 7252 section 12.1, RFC 8132, RFC 7959).

use std::fmt;

/// A response code, written `class.detail`, for instance 2.05.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Code(u8);

impl Code {
    /// 2.01 Created.
    pub const CREATED: Code = Code::new(2, 1);
    /// 2.02 Deleted.
    pub const DELETED: Code = Code::new(2, 2);
    /// 2.04 Changed.
    pub const CHANGED: Code = Code::new(2, 4);
    /// 2.05 Content.
    pub const CONTENT: Code = Code::new(2, 5);
    /// 2.31 Continue.
    pub const CONTINUE: Code = Code::new(2, 31);
    /// 4.00 Bad Request.
    pub const BAD_REQUEST: Code = Code::new(4, 0);
    /// 4.01 Unauthorized.
    pub const UNAUTHORIZED: Code = Code::new(4, 1);
    /// 4.02 Bad Option.
    pub const BAD_OPTION: Code = Code::new(4, 2);
    /// 4.03 Forbidden.
    pub const FORBIDDEN: Code = Code::new(4, 3);
    /// 4.04 Not Found.
    pub const NOT_FOUND: Code = Code::new(4, 4);
    /// 4.05 Method Not Allowed.
    pub const METHOD_NOT_ALLOWED: Code = Code::new(4, 5);
    /// 4.06 Not Acceptable.
    pub const NOT_ACCEPTABLE: Code = Code::new(4, 6);
    /// 4.08 Request Entity Incomplete.
    pub const REQUEST_ENTITY_INCOMPLETE: Code = Code::new(4, 8);
    /// 4.12 Precondition Failed.
    pub const PRECONDITION_FAILED: Code = Code::new(4, 12);
    /// 4.13 Request Entity Too Large.
    pub const REQUEST_ENTITY_TOO_LARGE: Code = Code::new(4, 13);
    /// 4.15 Unsupported Content-Format.
    pub const UNSUPPORTED_CONTENT_FORMAT: Code = Code::new(4, 15);
    /// 5.00 Internal Server Error.
    pub const INTERNAL_SERVER_ERROR: Code = Code::new(5, 0);
    /// 5.01 Not Implemented.
    pub const NOT_IMPLEMENTED: Code = Code::new(5, 1);
    /// 5.03 Service Unavailable.
    pub const SERVICE_UNAVAILABLE: Code = Code::new(5, 3);

    /// The code `class.detail`; only the low 3 and 5 bits count.
    pub const fn new(class: u8, detail: u8) -> Self {
        Code((class & 7) << 5 | detail & 31)
    }

    /// The code with this number on the wire.
    pub const fn from_byte(byte: u8) -> Self {
        Code(byte)
    }

    /// The number on the wire.
    pub const fn byte(self) -> u8 {
        self.0
    }

    /// 2 for success, 4 for a fault of the request, 5 for a fault of the device.
    pub const fn class(self) -> u8 {
        self.0 >> 5
    }

    /// The digits behind the dot.
    pub const fn detail(self) -> u8 {
        self.0 & 31
    }

    /// True for 2.xx.
    pub const fn is_success(self) -> bool {
        self.class() == 2
    }

    /// The name in the registry, empty for an unknown code.
    pub const fn name(self) -> &'static str {
        match (self.class(), self.detail()) {
            (2, 1) => "Created",
            (2, 2) => "Deleted",
            (2, 3) => "Valid",
            (2, 4) => "Changed",
            (2, 5) => "Content",
            (2, 31) => "Continue",
            (4, 0) => "Bad Request",
            (4, 1) => "Unauthorized",
            (4, 2) => "Bad Option",
            (4, 3) => "Forbidden",
            (4, 4) => "Not Found",
            (4, 5) => "Method Not Allowed",
            (4, 6) => "Not Acceptable",
            (4, 8) => "Request Entity Incomplete",
            (4, 9) => "Conflict",
            (4, 12) => "Precondition Failed",
            (4, 13) => "Request Entity Too Large",
            (4, 15) => "Unsupported Content-Format",
            (4, 22) => "Unprocessable Entity",
            (4, 29) => "Too Many Requests",
            (5, 0) => "Internal Server Error",
            (5, 1) => "Not Implemented",
            (5, 2) => "Bad Gateway",
            (5, 3) => "Service Unavailable",
            (5, 4) => "Gateway Timeout",
            (5, 5) => "Proxying Not Supported",
            _ => "",
        }
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{:02}", self.class(), self.detail())?;
        if self.name().is_empty() { Ok(()) } else { write!(f, " {}", self.name()) }
    }
}

impl fmt::Debug for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A request method (RFC 7252 section 12.1.1, RFC 8132).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Method {
    /// 0.01: Read, Discover, Observe.
    Get,
    /// 0.02: Execute, Create, Write (partial update).
    Post,
    /// 0.03: Write (replace), Write-Attributes.
    Put,
    /// 0.04: Delete.
    Delete,
    /// 0.05: Read-Composite, Observe-Composite.
    Fetch,
    /// 0.06.
    Patch,
    /// 0.07: Write-Composite.
    IPatch,
    /// Any other code, for probes.
    Other(u8),
}

impl Method {
    /// The number on the wire.
    pub const fn byte(self) -> u8 {
        match self {
            Method::Get => 1,
            Method::Post => 2,
            Method::Put => 3,
            Method::Delete => 4,
            Method::Fetch => 5,
            Method::Patch => 6,
            Method::IPatch => 7,
            Method::Other(code) => code,
        }
    }

    /// The method with this number on the wire.
    pub const fn from_byte(byte: u8) -> Self {
        match byte {
            1 => Method::Get,
            2 => Method::Post,
            3 => Method::Put,
            4 => Method::Delete,
            5 => Method::Fetch,
            6 => Method::Patch,
            7 => Method::IPatch,
            other => Method::Other(other),
        }
    }
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Method::Get => "GET",
            Method::Post => "POST",
            Method::Put => "PUT",
            Method::Delete => "DELETE",
            Method::Fetch => "FETCH",
            Method::Patch => "PATCH",
            Method::IPatch => "iPATCH",
            Method::Other(code) => return write!(f, "{}.{:02}", code >> 5, code & 31),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_read_as_in_the_specification() {
        assert_eq!(Code::CONTENT.to_string(), "2.05 Content");
        assert_eq!(Code::UNSUPPORTED_CONTENT_FORMAT.byte(), 0x8F);
        assert_eq!(Code::from_byte(0xC1).to_string(), "6.01");
        assert!(Code::CREATED.is_success() && !Code::NOT_FOUND.is_success());
    }

    #[test]
    fn methods_survive_the_wire() {
        for byte in 0..=255 {
            assert_eq!(Method::from_byte(byte).byte(), byte);
        }
        assert_eq!(Method::IPatch.to_string(), "iPATCH");
        assert_eq!(Method::Other(31).to_string(), "0.31");
    }
}
