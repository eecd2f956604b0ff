//! The true random number generator.

use core::marker::PhantomData;

use coracle::platform::{Entropy, EntropyError};
use esp_hal::rng::{Trng, TrngSource};

use crate::HealthTest;

/// Random numbers of the chip's generator while physical noise goes into it.
///
/// The generator gives 32 bits that look random at any time; they are only when a source of noise is switched on: the
/// radio, or the SAR ADC. So there is no way to this type without one of them, and it can't outlive it. The plain
/// `esp_hal::rng::Rng` is no [`Entropy`].
///
/// **Quality**: the manufacturer calls the numbers truly random with either source (ESP-IDF Programming Guide, "Random Number
/// Generation"), and esp-hal waits between words as long as the generator needs. There is no certificate of it. The start-up
/// test and the repetition count test ([`HealthTest`]) find a generator that is stuck. The client takes 56 bytes when it is
/// made, and everything else from them by HMAC-DRBG: the source is needed for that moment only.
#[derive(Debug)]
pub struct TrngEntropy<'s> {
    trng: Trng,
    test: HealthTest,
    source: PhantomData<&'s ()>,
}

impl<'s> TrngEntropy<'s> {
    /// Noise from the SAR ADC, which can't be used for anything else as long as `source` lives.
    ///
    /// # Errors
    /// The generator is stuck.
    pub fn from_adc(_source: &'s TrngSource<'_>) -> Result<Self, EntropyError> {
        Self::start()
    }

    /// Noise from the radio, which is on as long as `controller` lives.
    ///
    /// # Errors
    /// The generator is stuck.
    #[cfg(feature = "wifi")]
    pub fn from_radio(_controller: &'s esp_radio::wifi::WifiController<'_>) -> Result<Self, EntropyError> {
        Self::start()
    }

    fn start() -> Result<Self, EntropyError> {
        // esp-hal counts the sources that are on; this fails if the one that we were shown is not.
        let trng = Trng::try_new().map_err(|_| EntropyError)?;
        let test = HealthTest::start(&mut || trng.random())?;
        Ok(Self { trng, test, source: PhantomData })
    }
}

impl Entropy for TrngEntropy<'_> {
    fn fill(&mut self, bytes: &mut [u8]) -> Result<(), EntropyError> {
        let Self { trng, test, .. } = self;
        test.fill(bytes, &mut || trng.random())
    }
}
