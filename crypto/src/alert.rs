//! Alerts (RFC 5246 section 7.2).

/// The description byte of an alert, as in the IANA registry "TLS Alerts". LwM2M reports it as "TLS-DTLS Alert
/// Code" (`/1/x/11`).
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Alert(pub u8);

macro_rules! alerts {
    ($($code:literal $name:ident $text:literal,)*) => {
        impl Alert {
            $(#[doc = concat!("`", $text, "`")] pub const $name: Self = Self($code);)*

            /// The name of the alert in the registry, when it is a known one.
            pub const fn name(self) -> Option<&'static str> {
                match self.0 {
                    $($code => Some($text),)*
                    _ => None,
                }
            }
        }
    };
}

alerts! {
    0 CLOSE_NOTIFY "close_notify",
    10 UNEXPECTED_MESSAGE "unexpected_message",
    20 BAD_RECORD_MAC "bad_record_mac",
    22 RECORD_OVERFLOW "record_overflow",
    40 HANDSHAKE_FAILURE "handshake_failure",
    42 BAD_CERTIFICATE "bad_certificate",
    43 UNSUPPORTED_CERTIFICATE "unsupported_certificate",
    44 CERTIFICATE_REVOKED "certificate_revoked",
    45 CERTIFICATE_EXPIRED "certificate_expired",
    46 CERTIFICATE_UNKNOWN "certificate_unknown",
    47 ILLEGAL_PARAMETER "illegal_parameter",
    48 UNKNOWN_CA "unknown_ca",
    49 ACCESS_DENIED "access_denied",
    50 DECODE_ERROR "decode_error",
    51 DECRYPT_ERROR "decrypt_error",
    70 PROTOCOL_VERSION "protocol_version",
    71 INSUFFICIENT_SECURITY "insufficient_security",
    80 INTERNAL_ERROR "internal_error",
    90 USER_CANCELED "user_canceled",
    100 NO_RENEGOTIATION "no_renegotiation",
    109 MISSING_EXTENSION "missing_extension",
    110 UNSUPPORTED_EXTENSION "unsupported_extension",
    112 UNRECOGNIZED_NAME "unrecognized_name",
    115 UNKNOWN_PSK_IDENTITY "unknown_psk_identity",
    116 CERTIFICATE_REQUIRED "certificate_required",
}

impl core::fmt::Debug for Alert {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "{}({})", self.name().unwrap_or("alert"), self.0)
    }
}

/// The level byte.
pub(crate) const WARNING: u8 = 1;
pub(crate) const FATAL: u8 = 2;

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 7925 section 6: what SSL left behind, and compression, are never spoken of.
    #[test]
    fn reserved_alerts_do_not_exist() {
        for code in [21, 30, 41, 60] {
            assert_eq!(Alert(code).name(), None, "{code}");
        }
        assert_eq!(Alert(0).name(), Some("close_notify"));
    }
}
