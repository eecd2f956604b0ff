//! Pre-shared keys (RFC 4279).

use super::CredentialError;

/// A pre-shared key and its identity.
#[derive(Clone, Copy)]
pub struct Psk<'a> {
    identity: &'a [u8],
    key: &'a [u8],
}

impl<'a> Psk<'a> {
    /// The longest identity that RFC 4279 section 5.3 requires.
    pub const IDENTITY_MAX: usize = 128;
    /// The longest key that RFC 4279 section 5.3 requires.
    pub const KEY_MAX: usize = 64;

    /// A key of 1 to 64 bytes and an identity of up to 128 bytes.
    ///
    /// # Errors
    /// When a length is outside its range.
    pub const fn new(identity: &'a [u8], key: &'a [u8]) -> Result<Self, CredentialError> {
        if identity.len() > Self::IDENTITY_MAX {
            return Err(CredentialError::IdentityTooLong);
        }
        if key.is_empty() {
            return Err(CredentialError::EmptyKey);
        }
        if key.len() > Self::KEY_MAX {
            return Err(CredentialError::KeyTooLong);
        }
        Ok(Self { identity, key })
    }

    /// The identity as it is sent, in the clear.
    pub const fn identity(&self) -> &'a [u8] {
        self.identity
    }

    pub(crate) const fn key(&self) -> &'a [u8] {
        self.key
    }
}

impl core::fmt::Debug for Psk<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Psk").field("identity", &self.identity).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits() {
        assert!(Psk::new(&[b'a'; 128], &[1; 64]).is_ok());
        assert_eq!(Psk::new(&[b'a'; 129], b"k").err(), Some(CredentialError::IdentityTooLong));
        assert_eq!(Psk::new(b"a", &[]).err(), Some(CredentialError::EmptyKey));
        assert_eq!(Psk::new(b"a", &[1; 65]).err(), Some(CredentialError::KeyTooLong));
    }

    #[test]
    fn the_key_is_not_printed() {
        let shown = std::format!("{:?}", Psk::new(b"id", &[0xAB; 16]).expect("fine"));
        assert!(!shown.contains("171") && !shown.to_lowercase().contains("ab"), "{shown}");
    }
}
