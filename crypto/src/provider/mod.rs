//! The cryptography behind the protocol. This folder alone names the RustCrypto crates: everything it offers
//! speaks plain arrays and slices, so that another generation of them, or hardware, can take its place.
//!
//! What a profile may replace sits behind two small traits, [`Aes128`] and [`Curve`]; the key of a credential
//! sits behind [`Signer`](crate::Signer).

pub(crate) mod aes;
pub(crate) mod cbc;
pub(crate) mod ccm;
pub(crate) mod chacha;
pub(crate) mod hmac;
pub(crate) mod p256;
pub(crate) mod prf;
pub(crate) mod sha256;
#[cfg(feature = "sha384")]
pub(crate) mod sha512;

pub use self::aes::{Aes128, SoftAes};
pub use self::p256::{Curve, CurveError, NoCurve, P256};
