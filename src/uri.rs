//! Server URIs: `coap://host[:port]` and `coaps://host[:port]` (LwM2M Transport section 6.2, RFC 7252 section 6).

/// The default port of plain CoAP (RFC 7252 section 12.6).
const COAP_PORT: u16 = 5683;
/// The default port of CoAP over DTLS (RFC 7252 section 12.7).
const COAPS_PORT: u16 = 5684;

/// A server URI, taken apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Uri<'a> {
    /// `coaps`: the traffic is secured by DTLS.
    pub secure: bool,
    /// A name, or an address without brackets.
    pub host: &'a str,
    /// The port, or the default of the scheme.
    pub port: u16,
}

/// Why a text is not a server URI.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InvalidUri {
    /// It does not start with `coap://` or `coaps://`.
    Scheme,
    /// There is no host, or it has characters that no host has.
    Host,
    /// The port is not a number of 1 to 65535.
    Port,
    /// A path, a query, a fragment or a user name: LwM2M servers have none.
    Rest,
}

impl InvalidUri {
    /// What is wrong, and what to do about it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Scheme => "a server URI starts with coap:// or coaps://",
            Self::Host => "the host is missing or malformed: write a name, 192.0.2.1 or [2001:db8::1]",
            Self::Port => "the port is not a number from 1 to 65535",
            Self::Rest => {
                "a server URI ends after the host and port: leave out path, query, fragment and user name"
            }
        }
    }
}

impl core::fmt::Display for InvalidUri {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(self.as_str())
    }
}

impl core::error::Error for InvalidUri {}

impl<'a> Uri<'a> {
    /// Takes a URI apart.
    ///
    /// # Errors
    /// [`InvalidUri`] says which part is wrong.
    pub fn parse(text: &'a str) -> Result<Self, InvalidUri> {
        let (secure, rest) = match (strip_scheme(text, "coap://"), strip_scheme(text, "coaps://")) {
            (Some(rest), _) => (false, rest),
            (_, Some(rest)) => (true, rest),
            _ => return Err(InvalidUri::Scheme),
        };
        let authority = rest.strip_suffix('/').unwrap_or(rest);
        if authority.bytes().any(|byte| matches!(byte, b'/' | b'?' | b'#' | b'@')) {
            return Err(InvalidUri::Rest);
        }
        let (host, port) = split_port(authority)?;
        let default = if secure { COAPS_PORT } else { COAP_PORT };
        Ok(Self { secure, host, port: port.unwrap_or(default) })
    }
}

/// Schemes are not case-sensitive (RFC 3986 section 3.1).
fn strip_scheme<'a>(text: &'a str, scheme: &str) -> Option<&'a str> {
    let (head, rest) = text.split_at_checked(scheme.len())?;
    head.eq_ignore_ascii_case(scheme).then_some(rest)
}

/// The parts before and behind the first of these characters, which is left out.
fn split_at(text: &str, separator: u8) -> Option<(&str, &str)> {
    let at = text.bytes().position(|byte| byte == separator)?;
    Some((text.get(..at)?, text.get(at + 1..)?))
}

fn split_port(authority: &str) -> Result<(&str, Option<u16>), InvalidUri> {
    if let Some(bracketed) = authority.strip_prefix('[') {
        let (host, rest) = split_at(bracketed, b']').ok_or(InvalidUri::Host)?;
        let is_address = |byte: u8| byte.is_ascii_hexdigit() || matches!(byte, b':' | b'.');
        if !host.bytes().any(|byte| byte == b':') || !host.bytes().all(is_address) {
            return Err(InvalidUri::Host);
        }
        return match rest.strip_prefix(':') {
            Some(port) => Ok((host, Some(parse_port(port)?))),
            None if rest.is_empty() => Ok((host, None)),
            None => Err(InvalidUri::Host),
        };
    }
    let (host, port) = match split_at(authority, b':') {
        Some((host, port)) => (host, Some(parse_port(port)?)),
        None => (authority, None),
    };
    let is_name = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_');
    if host.is_empty() || !host.bytes().all(is_name) {
        return Err(InvalidUri::Host);
    }
    Ok((host, port))
}

fn parse_port(text: &str) -> Result<u16, InvalidUri> {
    let digits = text.bytes().try_fold(0u32, |value, byte| {
        let digit = byte.wrapping_sub(b'0');
        (digit <= 9 && value <= 6553).then_some(value * 10 + u32::from(digit))
    });
    let port = digits.and_then(|value| u16::try_from(value).ok()).filter(|port| *port > 0);
    port.ok_or(InvalidUri::Port)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_forms() {
        for (text, secure, host, port) in [
            ("coap://leshan.eclipseprojects.io", false, "leshan.eclipseprojects.io", 5683),
            ("coaps://192.0.2.1", true, "192.0.2.1", 5684),
            ("COAP://host:1/", false, "host", 1),
            ("coap://[2001:db8::1]", false, "2001:db8::1", 5683),
            ("coaps://[::ffff:192.0.2.1]:65535", true, "::ffff:192.0.2.1", 65535),
            ("coap://a_b-c.d", false, "a_b-c.d", 5683),
        ] {
            assert_eq!(Uri::parse(text), Ok(Uri { secure, host, port }), "{text}");
        }
    }

    #[test]
    fn each_fault_is_named() {
        for (text, error) in [
            ("", InvalidUri::Scheme),
            ("http://host", InvalidUri::Scheme),
            ("host:5683", InvalidUri::Scheme),
            ("coap:/host", InvalidUri::Scheme),
            ("coap+tcp://host", InvalidUri::Scheme),
            ("coap://", InvalidUri::Host),
            ("coap://:5683", InvalidUri::Host),
            ("coap://ho st", InvalidUri::Host),
            ("coap://[::1", InvalidUri::Host),
            ("coap://[host]", InvalidUri::Host),
            ("coap://[::1]5683", InvalidUri::Host),
            ("coap://höst", InvalidUri::Host),
            ("coap://host:", InvalidUri::Port),
            ("coap://host:0", InvalidUri::Port),
            ("coap://host:65536", InvalidUri::Port),
            ("coap://host:+5", InvalidUri::Port),
            ("coap://2001:db8::1", InvalidUri::Port),
            ("coap://host/path", InvalidUri::Rest),
            ("coap://host?x", InvalidUri::Rest),
            ("coap://user@host", InvalidUri::Rest),
        ] {
            assert_eq!(Uri::parse(text), Err(error), "{text}");
        }
    }
}
