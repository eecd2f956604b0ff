//! Where a secret ends: only what went through these functions may decide a branch or an address.
//!
//! In a firmware they do nothing. With the feature `constant-time-check` they tell [`DECLASSIFY`] what is public from here on:
//! `cargo xtask constant-time` runs everything with keys that valgrind takes for undefined, and fails at each branch that
//! depends on one (docs/decisions/0033-constant-time-by-memcheck.md).

use subtle::Choice;

/// Called with what is public from now on.
#[cfg(all(feature = "constant-time-check", not(target_os = "none")))]
#[allow(unreachable_pub, reason = "`internals` hands it on")]
pub static DECLASSIFY: std::sync::OnceLock<fn(&mut [u8])> = std::sync::OnceLock::new();

/// The caller or the peer is told these bytes: each call says why.
#[inline]
pub(crate) fn declassify(bytes: &mut [u8]) {
    #[cfg(all(feature = "constant-time-check", not(target_os = "none")))]
    if let Some(declassify) = DECLASSIFY.get() {
        declassify(bytes);
    }
    let _ = bytes;
}

/// The same for one byte.
#[inline]
pub(crate) fn declassified(byte: u8) -> u8 {
    let mut bytes = [byte];
    declassify(&mut bytes);
    let [byte] = bytes;
    byte
}

/// Whether a secret is what it should be. What happens next tells that anyway; where it differs stays secret.
#[inline]
pub(crate) fn verdict(choice: Choice) -> bool {
    declassified(choice.unwrap_u8()) != 0
}
