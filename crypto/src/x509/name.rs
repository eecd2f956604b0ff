//! The server's name: what we ask for, and what its certificate says.

use super::address;
use super::certificate::Parsed;
use super::der::Der;
use core::net::IpAddr;

/// The name by which a server is reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ServerName<'a> {
    /// A DNS name, in ASCII. Sent as server name indication.
    Dns(&'a str),
    /// An IP address. Never sent (RFC 6066 section 3), only compared with the certificate.
    Ip(IpAddr),
}

impl<'a> ServerName<'a> {
    /// The host part of a URI: an IP literal (with or without the brackets of RFC 3986), or a DNS name.
    pub fn parse(host: &'a str) -> Self {
        let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
        address::parse(bare).map_or(Self::Dns(host), Self::Ip)
    }

    /// Hands the name to `each` as bytes.
    pub(crate) fn visit(&self, each: &mut dyn FnMut(&[u8])) {
        match self {
            Self::Dns(name) => each(name.as_bytes()),
            Self::Ip(IpAddr::V4(address)) => each(&address.octets()),
            Self::Ip(IpAddr::V6(address)) => each(&address.octets()),
        }
    }

    /// The name for the server name indication (RFC 6066 section 3): in ASCII, without a trailing dot, never an IP literal.
    pub(crate) fn indication(&self) -> Option<&'a str> {
        match self {
            Self::Dns(name) => {
                let name = without_dot(name);
                // Somebody may have put an IP literal here: it has only digits at its end, or colons or brackets.
                let bytes = name.as_bytes();
                let mut labels = bytes.rsplit(|byte| *byte == b'.');
                let literal = labels.next().is_none_or(|last| last.iter().all(u8::is_ascii_digit))
                    || bytes.iter().any(|byte| matches!(byte, b':' | b'['));
                (!literal && name.len() <= 253 && name.is_ascii()).then_some(name)
            }
            Self::Ip(_) => None,
        }
    }

    /// Whether the certificate is for this name (RFC 6125 section 6.4): an exact entry of its subjectAltName. There
    /// are no wildcards. With `common_name`, a certificate that names no service there may carry the name in its subject.
    pub(crate) fn matches(&self, certificate: &Parsed<'_>, common_name: bool) -> bool {
        let mut any_service = false;
        let mut names = Der::new(certificate.extensions.alternative_names.unwrap_or_default());
        while let Ok((kind, value)) = names.value() {
            any_service |= matches!(kind, DNS_NAME | URI | OTHER_NAME);
            match (self, kind) {
                (Self::Dns(name), DNS_NAME) if without_dot(name).as_bytes().eq_ignore_ascii_case(value) => {
                    return true;
                }
                (Self::Ip(IpAddr::V4(address)), IP_ADDRESS) if address.octets() == *value => return true,
                (Self::Ip(IpAddr::V6(address)), IP_ADDRESS) if address.octets() == *value => return true,
                _ => {}
            }
        }
        match self {
            Self::Dns(name) if common_name && !any_service => certificate
                .common_name()
                .is_some_and(|found| without_dot(name).as_bytes().eq_ignore_ascii_case(found)),
            _ => false,
        }
    }
}

/// Context-specific tags of GeneralName (RFC 5280 section 4.2.1.6).
const OTHER_NAME: u8 = 0xA0;
const DNS_NAME: u8 = 0x82;
const URI: u8 = 0x86;
const IP_ADDRESS: u8 = 0x87;

fn without_dot(name: &str) -> &str {
    name.strip_suffix('.').unwrap_or(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_of_uris() {
        assert_eq!(ServerName::parse("example.com"), ServerName::Dns("example.com"));
        assert_eq!(ServerName::parse("192.0.2.7"), ServerName::Ip([192, 0, 2, 7].into()));
        let v6 = "2001:db8::1".parse().expect("an address");
        assert_eq!(ServerName::parse("[2001:db8::1]"), ServerName::Ip(v6));
        assert_eq!(ServerName::parse("2001:db8::1"), ServerName::Ip(v6));
    }

    #[test]
    fn an_ip_literal_is_never_indicated() {
        for literal in ["192.0.2.7", "[2001:db8::1]", "2001:db8::1"] {
            assert_eq!(ServerName::parse(literal).indication(), None);
            assert_eq!(ServerName::Dns(literal).indication(), None, "{literal}");
        }
        assert_eq!(ServerName::Dns("a.example.").indication(), Some("a.example"));
        // Names of hosts end in digits, too; what has only digits at its end is an address, whole or not.
        for name in ["leshan1", "lwm2m-2.plant7", "1.2.3.4a"] {
            assert_eq!(ServerName::Dns(name).indication(), Some(name));
        }
        for literal in ["1", "10.1", "host.1", "192.0.2.7."] {
            assert_eq!(ServerName::Dns(literal).indication(), None, "{literal}");
        }
        assert_eq!(ServerName::Dns("").indication(), None);
    }

    #[test]
    fn only_ascii_is_indicated() {
        assert_eq!(ServerName::Dns("b\u{FC}cher.example").indication(), None);
        assert_eq!(ServerName::Dns("xn--bcher-kva.example").indication(), Some("xn--bcher-kva.example"));
    }
}
