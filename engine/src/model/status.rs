//! Why an operation is refused.

use crate::coap::Code;

/// A refusal, as the server will see it (LwM2M Core section 6.3, codes of RFC 7252 section 5.9).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// 4.00: the value or the request is not acceptable here.
    BadRequest,
    /// 4.01: this server may not do that.
    Unauthorized,
    /// 4.02: a critical option is unknown or malformed.
    BadOption,
    /// 4.04: there is no such object, instance or resource.
    NotFound,
    /// 4.05: the target does not support the operation.
    MethodNotAllowed,
    /// 4.06: the target can't be represented in the format asked for.
    NotAcceptable,
    /// 4.08: a block is missing.
    RequestEntityIncomplete,
    /// 4.12: If-Match or If-None-Match does not hold.
    PreconditionFailed,
    /// 4.13: the value is larger than the resource can hold.
    RequestEntityTooLarge,
    /// 4.15: the format of the payload is not supported here.
    UnsupportedContentFormat,
    /// 5.00: the device failed.
    InternalServerError,
    /// 5.01: the device does not implement that.
    NotImplemented,
    /// 5.03: not now; a table of the device is full.
    ServiceUnavailable,
    /// 5.05: the device is no proxy.
    ProxyingNotSupported,
}

impl Status {
    /// The code that tells it.
    pub const fn code(self) -> Code {
        match self {
            Self::BadRequest => Code::BAD_REQUEST,
            Self::Unauthorized => Code::UNAUTHORIZED,
            Self::BadOption => Code::BAD_OPTION,
            Self::NotFound => Code::NOT_FOUND,
            Self::MethodNotAllowed => Code::METHOD_NOT_ALLOWED,
            Self::NotAcceptable => Code::NOT_ACCEPTABLE,
            Self::RequestEntityIncomplete => Code::REQUEST_ENTITY_INCOMPLETE,
            Self::PreconditionFailed => Code::PRECONDITION_FAILED,
            Self::RequestEntityTooLarge => Code::REQUEST_ENTITY_TOO_LARGE,
            Self::UnsupportedContentFormat => Code::UNSUPPORTED_CONTENT_FORMAT,
            Self::InternalServerError => Code::INTERNAL_SERVER_ERROR,
            Self::NotImplemented => Code::NOT_IMPLEMENTED,
            Self::ServiceUnavailable => Code::SERVICE_UNAVAILABLE,
            Self::ProxyingNotSupported => Code::PROXYING_NOT_SUPPORTED,
        }
    }
}
