//! What the DTLS client takes on a Cortex-M4, printed as `name instructions stack`: run in QEMU (mps2-an386, `-icount
//! shift=0`) by `cargo xtask dtls`.
//!
//! Instructions are ticks of SysTick, one for 40 at 25 MHz. Stack is what was written below the caller: the room is painted
//! before each call and looked at after it. Both are of the client's calls alone; the server works in between.
#![no_std]
#![no_main]

mod measure;
mod pair;

use coracle_crypto::profiles::{PskCid, PskRpkCid};
use coracle_crypto::server::{Config, KeyLookup, OwnKey, PskLookup, SessionCache};
use coracle_crypto::{Credentials, PrivateKey, Psk, PublicKey, RawPublicKey, Security};
use cortex_m_rt::entry;
use cortex_m_semihosting::{debug, hprintln};
use measure::{Cost, Meter};
use pair::Pair;

const IDENTITY: &[u8] = b"Client_identity";
const KEY: &[u8] = b"a pre-shared key";

struct Clients(PublicKey);

impl PskLookup for Clients {
    fn key(&self, identity: &[u8]) -> Option<&[u8]> {
        (identity == IDENTITY).then_some(KEY)
    }
}

impl KeyLookup for Clients {
    fn is_known(&self, key: &PublicKey) -> bool {
        *key == self.0
    }
}

fn report(name: &str, cost: Cost) {
    hprintln!("{} {} {}", name, cost.instructions, cost.stack);
}

/// AES-CCM-8 of the crate `ccm`, with its key schedule, as the client has it for each record.
fn of_the_crate(meter: &mut Meter, data: &mut [u8]) -> Cost {
    use ccm::aead::{AeadInPlace, KeyInit};
    type Ccm8 = ccm::Ccm<aes::Aes128, ccm::consts::U8, ccm::consts::U12>;
    meter.run(|| {
        let ccm = Ccm8::new(&[7; 16].into());
        ccm.encrypt_in_place_detached(&[0; 12].into(), &[0; 13], data).is_ok()
    })
}

fn all(meter: &mut Meter) -> Option<()> {
    let client = PrivateKey::parse(&[0x31; 32]).ok()?;
    let server = PrivateKey::parse(&[0x32; 32]).ok()?;
    let (client_public, server_public) = (client.public_key().ok()?, server.public_key().ok()?);
    let clients = Clients(client_public);
    let cache = SessionCache::<1>::new();
    let config = Config {
        own: Some(OwnKey { signer: &server, public: &server_public, chain: &[] }),
        raw_clients: Some(&clients),
        sessions: Some(&cache),
        ..Config::with_psk(&clients)
    };
    let psk = Security::new(b"server", Credentials::Psk(Psk::new(IDENTITY, KEY).ok()?));
    let mut pair = Pair::<PskCid>::new(psk, config)?;
    report("psk", pair.handshake(meter)?);
    report("psk-resumed", pair.handshake(meter)?);
    let mut buffer = [0; 1200];
    for (length, seal, open) in [
        (64, "seal-ccm8-64", "open-ccm8-64"),
        (256, "seal-ccm8-256", "open-ccm8-256"),
        (1024, "seal-ccm8-1024", "open-ccm8-1024"),
    ] {
        report(seal, pair.seal(meter, &mut buffer, length)?);
        report(open, pair.open(meter, &mut buffer, length)?);
    }
    for (length, name) in [(64, "seal-crate-64"), (256, "seal-crate-256"), (1024, "seal-crate-1024")] {
        report(name, of_the_crate(meter, buffer.get_mut(..length)?));
    }
    let keys = RawPublicKey::new(&client, &client_public, &server_public);
    let rpk = Security::new(b"server", Credentials::RawPublicKey(keys));
    report("rpk", Pair::<PskRpkCid>::new(rpk, config)?.handshake(meter)?);
    Some(())
}

#[entry]
fn main() -> ! {
    let done = Meter::new().and_then(|mut meter| all(&mut meter));
    debug::exit(if done.is_some() { debug::EXIT_SUCCESS } else { debug::EXIT_FAILURE });
    loop {}
}

#[panic_handler]
fn panic(info: &core::panic::PanicInfo<'_>) -> ! {
    hprintln!("{}", info);
    debug::exit(debug::EXIT_FAILURE);
    loop {}
}
