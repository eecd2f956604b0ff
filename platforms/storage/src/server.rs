//! What a device is told about a server, as one value: address and keys are replaced together or not at all.

use coracle::platform::{Key, Storage, StorageError};
use coracle::{CertificateUsage, Credentials, MatchingType, SecurityMode, ServerIndex, ServerSettings};

const VERSION: u8 = 2;
/// Version, flags, short server id, lifetime, mode, matching type, certificate usage.
const HEAD: usize = 1 + 1 + 2 + 4 + 1 + 1 + 1;
/// Each of the six fields has its length in front.
const LENGTH: usize = 2;
const STORE_NOTIFICATIONS: u8 = 1;
/// For what is not set.
const NONE: u8 = 0xff;
const MATCHING: [MatchingType; 4] =
    [MatchingType::Exact, MatchingType::Sha256, MatchingType::Sha384, MatchingType::Sha512];
const USAGES: [CertificateUsage; 4] = [
    CertificateUsage::CaConstraint,
    CertificateUsage::ServiceCertificateConstraint,
    CertificateUsage::TrustAnchorAssertion,
    CertificateUsage::DomainIssuedCertificate,
];

/// Why the settings of a server were not read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReadServerError {
    /// The storage.
    Storage(StorageError),
    /// The value is no server of this version: write it anew.
    Format,
}

impl core::fmt::Display for ReadServerError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Storage(error) => error.fmt(f),
            Self::Format => f.write_str("the stored value is no server of this version: write it anew"),
        }
    }
}

impl core::error::Error for ReadServerError {}

/// Bytes of the value that the settings of a server take.
pub const fn server_len(settings: &ServerSettings<'_>) -> usize {
    let keys = &settings.credentials;
    let name = match keys.server_name {
        Some(name) => name.len(),
        None => 0,
    };
    HEAD + 6 * LENGTH
        + settings.uri.len()
        + keys.public_key_or_identity.len()
        + keys.server_public_key.len()
        + keys.secret_key.len()
        + name
        + keys.suites.as_flattened().len()
}

/// Stores the settings of a server. `buffer` has [`server_len`] bytes or more; keys are in it afterwards.
///
/// # Errors
/// [`StorageError::BufferTooSmall`] with the bytes that are needed, [`StorageError::Full`], [`StorageError::Medium`].
pub fn write_server(
    storage: &mut impl Storage,
    server: ServerIndex,
    settings: &ServerSettings<'_>,
    buffer: &mut [u8],
) -> Result<(), StorageError> {
    let needed = server_len(settings);
    let value = buffer.get_mut(..needed).ok_or(StorageError::BufferTooSmall(needed))?;
    encode(settings, value).ok_or(StorageError::Full)?;
    storage.write(Key::server(server), value)
}

fn encode(settings: &ServerSettings<'_>, out: &mut [u8]) -> Option<()> {
    let keys = &settings.credentials;
    let flags = if settings.store_notifications { STORE_NOTIFICATIONS } else { 0 };
    let matching = keys.matching_type.map_or(NONE, MatchingType::number);
    let usage = keys.certificate_usage.map_or(NONE, CertificateUsage::number);
    let out = push(out, &[VERSION, flags])?;
    let out = push(out, &settings.short_server_id.to_be_bytes())?;
    let out = push(out, &settings.lifetime_s.to_be_bytes())?;
    let mut out = push(out, &[keys.mode.number(), matching, usage])?;
    for field in [
        settings.uri.as_bytes(),
        keys.public_key_or_identity,
        keys.server_public_key,
        keys.secret_key,
        keys.server_name.unwrap_or_default().as_bytes(),
        keys.suites.as_flattened(),
    ] {
        out = push(out, &u16::try_from(field.len()).ok()?.to_be_bytes())?;
        out = push(out, field)?;
    }
    Some(())
}

/// Writes to the beginning; what is behind it.
fn push<'o>(out: &'o mut [u8], bytes: &[u8]) -> Option<&'o mut [u8]> {
    let (now, later) = out.split_at_mut_checked(bytes.len())?;
    now.copy_from_slice(bytes);
    Some(later)
}

/// Reads the settings of a server; they point into `buffer`. `None` when there are none.
///
/// # Errors
/// [`ReadServerError`]
pub fn read_server<'b>(
    storage: &mut impl Storage,
    server: ServerIndex,
    buffer: &'b mut [u8],
) -> Result<Option<ServerSettings<'b>>, ReadServerError> {
    let value = storage.read(Key::server(server), buffer).map_err(ReadServerError::Storage)?;
    value.map(|value| decode(value).ok_or(ReadServerError::Format)).transpose()
}

fn decode(mut value: &[u8]) -> Option<ServerSettings<'_>> {
    let [version, flags] = *take(&mut value)?;
    if version != VERSION {
        return None;
    }
    let short_server_id = u16::from_be_bytes(*take(&mut value)?);
    let lifetime_s = u32::from_be_bytes(*take(&mut value)?);
    let [mode, matching, usage] = *take(&mut value)?;
    let uri = core::str::from_utf8(field(&mut value)?).ok()?;
    let credentials = Credentials {
        mode: SecurityMode::from_number(mode)?,
        matching_type: optional(matching, &MATCHING, MatchingType::number).ok()?,
        certificate_usage: optional(usage, &USAGES, CertificateUsage::number).ok()?,
        public_key_or_identity: field(&mut value)?,
        server_public_key: field(&mut value)?,
        secret_key: field(&mut value)?,
        server_name: Some(core::str::from_utf8(field(&mut value)?).ok()?).filter(|name| !name.is_empty()),
        suites: match field(&mut value)?.as_chunks() {
            (suites, []) => suites,
            _ => return None,
        },
    };
    let store_notifications = flags & STORE_NOTIFICATIONS != 0;
    value.is_empty().then_some(ServerSettings {
        uri,
        short_server_id,
        lifetime_s,
        store_notifications,
        credentials,
    })
}

/// The value with this number, or that there is none.
fn optional<T: Copy>(number: u8, all: &[T], number_of: fn(T) -> u8) -> Result<Option<T>, ReadServerError> {
    if number == NONE {
        return Ok(None);
    }
    let value = all.iter().copied().find(|value| number_of(*value) == number);
    value.map(Some).ok_or(ReadServerError::Format)
}

fn take<'b, const N: usize>(bytes: &mut &'b [u8]) -> Option<&'b [u8; N]> {
    let (now, later) = bytes.split_first_chunk()?;
    *bytes = later;
    Some(now)
}

fn field<'b>(bytes: &mut &'b [u8]) -> Option<&'b [u8]> {
    let length = u16::from_be_bytes(*take(bytes)?);
    let (now, later) = bytes.split_at_checked(usize::from(length))?;
    *bytes = later;
    Some(now)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::vec::Vec;

    fn settings() -> ServerSettings<'static> {
        ServerSettings {
            uri: "coaps://leshan.example:5684",
            short_server_id: 0x1234,
            lifetime_s: 86_400,
            store_notifications: true,
            credentials: Credentials {
                matching_type: Some(MatchingType::Sha256),
                certificate_usage: Some(CertificateUsage::TrustAnchorAssertion),
                server_name: Some("leshan"),
                suites: &[[0xC0, 0xAE], [0xC0, 0x23]],
                ..Credentials::certificate(&[1; 300], &[2; 32], &[3; 32])
            },
        }
    }

    fn encoded(settings: &ServerSettings<'_>) -> Vec<u8> {
        let mut value = std::vec![0; server_len(settings)];
        encode(settings, &mut value).unwrap();
        value
    }

    /// `ServerSettings` are not compared elsewhere; their bytes are.
    #[test]
    fn settings_come_back() {
        for settings in [
            settings(),
            ServerSettings { credentials: Credentials::psk(b"me", &[7; 16]), ..settings() },
            ServerSettings {
                uri: "coap://[::1]",
                store_notifications: false,
                credentials: Credentials::NONE,
                ..settings()
            },
        ] {
            let value = encoded(&settings);
            let read = decode(&value).unwrap();
            assert_eq!(encoded(&read), value);
            assert_eq!((read.uri, read.lifetime_s), (settings.uri, settings.lifetime_s));
            assert_eq!(read.store_notifications, settings.store_notifications);
            assert_eq!(read.credentials.mode, settings.credentials.mode);
            assert_eq!(read.credentials.secret_key, settings.credentials.secret_key);
            assert_eq!(read.credentials.server_name, settings.credentials.server_name);
            assert_eq!(read.credentials.suites, settings.credentials.suites);
            assert_eq!(read.credentials.matching_type, settings.credentials.matching_type);
        }
    }

    #[test]
    fn what_is_no_server_is_refused() {
        let value = encoded(&settings());
        for length in 0..value.len() {
            assert!(decode(&value[..length]).is_none(), "{length} bytes");
        }
        assert!(decode(&[&value[..], &[0]].concat()).is_none());
        for (at, byte) in [(0, 1), (8, 4), (9, 4), (10, 4), (13, 0xff)] {
            let mut bad = value.clone();
            bad[at] = byte;
            assert!(decode(&bad).is_none(), "byte {at}");
        }
    }
}
