//! Whether secrets change how many instructions a Cortex-M4 runs, printed as `name fewest most`: run in QEMU (mps2-an386) by
//! `cargo xtask constant-time`. There an instruction takes 128 ns (`-icount shift=7`), so that SysTick, at 25 MHz, sees each
//! of them; what is printed is in ns.
#![no_std]
#![no_main]

#[path = "../../../../constant-time/src/forge.rs"]
mod forge;
#[path = "../measure.rs"]
#[allow(dead_code, reason = "the stack is measured by the other program")]
mod measure;
#[path = "../pair.rs"]
#[allow(dead_code, reason = "sealing is measured by the other program")]
mod pair;

use coracle_crypto::internals::{cbc_open, chacha_open, chacha_seal};
use coracle_crypto::profiles::PskCid;
use coracle_crypto::server::{Config, PskLookup};
use coracle_crypto::{Aes128, Credentials, Curve, P256, PrivateKey, Psk, Security, Signer, SoftAes};
use core::hint::black_box;
use cortex_m_rt::entry;
use cortex_m_semihosting::{debug, hprintln};
use forge::{Damage, KEY, MAC_KEY};
use measure::Meter;
use pair::Pair;

/// One, two, the order less one, and numbers in between. Each is also a key of another kind.
const SECRETS: [[u8; 32]; 6] = [
    number(0, 0, 1),
    number(0, 0, 2),
    [
        0xFF, 0xFF, 0xFF, 0xFF, 0, 0, 0, 0, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xBC, 0xE6, 0xFA,
        0xAD, 0xA7, 0x17, 0x9E, 0x84, 0xF3, 0xB9, 0xCA, 0xC2, 0xFC, 0x63, 0x25, 0x50,
    ],
    number(0x80, 0, 0),
    number(0x5A, 0xA5, 0x5A),
    number(0x31, 0xF7, 0x08),
];

const fn number(first: u8, middle: u8, last: u8) -> [u8; 32] {
    let mut bytes = [middle; 32];
    bytes[0] = first;
    bytes[31] = last;
    bytes
}

/// Runs something with each secret in turn, and prints the fewest and the most instructions.
fn compare<T>(
    meter: &mut Meter,
    name: &str,
    secrets: impl IntoIterator<Item = T>,
    mut work: impl FnMut(T) -> bool,
) {
    let (mut fewest, mut most) = (u32::MAX, 0);
    for secret in secrets {
        let secret = black_box(secret);
        let cost = meter.run(|| work(secret)).instructions;
        (fewest, most) = (fewest.min(cost), most.max(cost));
    }
    hprintln!("{} {} {}", name, fewest, most);
}

fn ciphers(meter: &mut Meter) {
    compare(meter, "aes", SECRETS, |secret| {
        let (mut first, mut second) = ([0; 16], [1; 16]);
        let (Some(key), Some(data)) = (secret.last_chunk(), secret.first_chunk()) else { return false };
        first.copy_from_slice(data);
        let aes = SoftAes::new(key);
        aes.encrypt_pair(&mut first, &mut second);
        aes.decrypt(&mut first);
        first == *data
    });
    compare(meter, "chacha20-poly1305", SECRETS, |secret| {
        let mut data = [secret[31]; 100];
        let tag = chacha_seal(&secret, &[1; 12], &[2; 13], &mut data);
        chacha_open(&secret, &[1; 12], &[2; 13], &mut data, &tag)
    });
}

/// Lucky Thirteen (CVE-2013-0169): good records, and damaged ones, with every length of padding.
fn records(meter: &mut Meter) {
    let good = (0..=255).map(|padding| forge::record(padding, Damage::Nothing));
    compare(meter, "cbc-good", good, |mut record| cbc_open(false, &MAC_KEY, &KEY, &mut record).is_some());
    let damages = [Damage::StartOfMac, Damage::EndOfMac, Damage::StartOfPadding];
    let damaged = (0..=255).zip(damages.into_iter().cycle());
    let damaged = damaged.map(|(padding, damage)| forge::record(padding, damage));
    compare(meter, "cbc-damaged", damaged, |mut record| {
        cbc_open(false, &MAC_KEY, &KEY, &mut record).is_none()
    });
}

fn curve(meter: &mut Meter) {
    compare(meter, "p256-public-key", SECRETS, |secret| P256::public_key(&secret, &mut [0; 65]).is_ok());
    let mut point = [0; 65];
    let made = P256::public_key(&[0x31; 32], &mut point).is_ok();
    compare(meter, "p256-ecdh", SECRETS, |secret| made && P256::agree(&secret, &point, &mut [0; 32]).is_ok());
    let keys = SECRETS.iter().filter_map(|secret| PrivateKey::parse(secret).ok());
    compare(meter, "p256-ecdsa", keys, |key| key.sign(&[7; 32], &mut [0; 64]).is_ok());
}

/// Whoever has this key.
struct Key<'a>(&'a [u8; 32]);

impl PskLookup for Key<'_> {
    fn key(&self, _: &[u8]) -> Option<&[u8]> {
        Some(self.0)
    }
}

/// A handshake by a pre-shared key, and data after it; both ends.
fn session(meter: &mut Meter) {
    compare(meter, "psk-session", &SECRETS, |secret| {
        let key = Key(secret);
        let Ok(psk) = Psk::new(b"identity", secret) else { return false };
        let security = Security::new(b"server", Credentials::Psk(psk));
        let Some(mut pair) = Pair::<PskCid>::new(security, Config::with_psk(&key)) else { return false };
        let mut buffer = [secret[31]; 200];
        pair.handshake(&mut Meter::off()).is_some() && pair.open(&mut Meter::off(), &mut buffer, 64).is_some()
    });
}

/// What must be seen, or else nothing would be: a comparison that ends at the first difference.
fn leak(meter: &mut Meter) {
    compare(meter, "leak", &SECRETS, |secret| {
        secret.iter().zip(black_box(&SECRETS[3])).position(|(a, b)| *a != *b) != Some(32)
    });
}

#[entry]
fn main() -> ! {
    let code = if let Some(mut meter) = Meter::new() {
        leak(&mut meter);
        ciphers(&mut meter);
        records(&mut meter);
        curve(&mut meter);
        session(&mut meter);
        debug::EXIT_SUCCESS
    } else {
        debug::EXIT_FAILURE
    };
    debug::exit(code);
    loop {}
}

#[panic_handler]
fn panic(info: &core::panic::PanicInfo<'_>) -> ! {
    hprintln!("{}", info);
    debug::exit(debug::EXIT_FAILURE);
    loop {}
}
