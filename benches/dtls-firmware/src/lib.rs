//! What all measured programs have in common: an application that connects, writes, reads and closes, over a board
//! that is only as real as the linker needs it.
#![no_std]

use coracle_crypto::{
    Certificate, CertificateUsage, Connection, Credentials, Event, Instant, MatchingType, Options,
    PrivateKey, Profile, Psk, PublicKey, RawPublicKey, Rng, RngError, Security, ServerCertificate,
    ServerName,
};
use core::ptr::{read_volatile, write_volatile};

const REGISTER: *mut u32 = 0x4000_0000 as *mut u32;

#[inline(never)]
fn register() -> u32 {
    // SAFETY: a fixed address that only a real board would have; the program is linked and never run.
    unsafe { read_volatile(REGISTER) }
}

#[inline(never)]
fn set_register(value: u32) {
    // SAFETY: as above.
    unsafe { write_volatile(REGISTER, value) }
}

/// Bytes from the board.
#[inline(never)]
pub fn receive(buffer: &mut [u8]) -> usize {
    buffer.iter_mut().for_each(|byte| *byte = register() as u8);
    (register() as usize).min(buffer.len())
}

/// Bytes to the board.
#[inline(never)]
pub fn send(bytes: &[u8]) {
    bytes.iter().for_each(|byte| set_register((*byte).into()));
}

struct Board;

impl Rng for Board {
    fn fill(&mut self, out: &mut [u8]) -> Result<(), RngError> {
        receive(out);
        Ok(())
    }
}

fn now() -> Instant {
    Instant::from_millis(register().into())
}

/// Settings that come from the board, so that nothing of them is known when the program is built.
pub struct Settings {
    bytes: [u8; 512],
}

impl Settings {
    pub fn load() -> Self {
        let mut bytes = [0; 512];
        receive(&mut bytes);
        Self { bytes }
    }

    fn field(&self, start: usize, length: usize) -> &[u8] {
        self.bytes.get(start..).and_then(|rest| rest.get(..length)).unwrap_or_default()
    }
}

/// The application with a pre-shared key.
#[inline(never)]
pub fn run_psk<P: Profile>(connection: &mut Connection<P>, settings: &Settings) {
    let Ok(psk) = Psk::new(settings.field(0, 15), settings.field(16, 16)) else { return };
    run(connection, &Security::new(settings.field(32, 16), Credentials::Psk(psk)));
}

/// The application with raw public keys.
#[inline(never)]
pub fn run_raw_public_key<P: Profile>(connection: &mut Connection<P>, settings: &Settings) {
    let Ok(private) = PrivateKey::parse(settings.field(0, 121)) else { return };
    let Ok(own) = PublicKey::parse(settings.field(128, 91)) else { return };
    let Ok(server) = PublicKey::parse(settings.field(256, 91)) else { return };
    let keys = RawPublicKey::new(&private, &own, &server);
    run(connection, &Security::new(settings.field(32, 16), Credentials::RawPublicKey(keys)));
}

/// The application with certificates.
#[inline(never)]
pub fn run_certificate<P: Profile>(connection: &mut Connection<P>, settings: &Settings) {
    let Ok(private) = PrivateKey::parse(settings.field(0, 121)) else { return };
    let Some(usage) = CertificateUsage::from_number(register() as u8) else { return };
    let Some(matching) = MatchingType::from_number(register() as u8) else { return };
    let store = [settings.field(300, 200)];
    let Ok(server) = ServerCertificate::new(usage, matching, settings.field(128, 100), &store) else {
        return;
    };
    let chain = [settings.field(64, 300)];
    let Ok(certificate) = Certificate::new(&private, &chain, server) else { return };
    let name = core::str::from_utf8(settings.field(400, 20)).ok().map(ServerName::Dns);
    let security = Security {
        server_name: name,
        unix_time: Some(register().into()),
        ..Security::new(settings.field(32, 16), Credentials::Certificate(certificate))
    };
    run(connection, &security);
}

#[inline(never)]
fn run<P: Profile>(connection: &mut Connection<P>, security: &Security<'_>) {
    let mut buffer = [0; 512];
    if connection.connect(now(), security, &Options::DEFAULT).is_err() {
        return;
    }
    loop {
        while let Ok(Some(length)) = connection.poll_transmit(now(), security, &mut Board, &mut buffer) {
            send(buffer.get(..length).unwrap_or_default());
        }
        match connection.poll_event() {
            Some(Event::Connected(_)) => {
                let length = receive(&mut buffer);
                if let Ok(range) = connection.seal(&mut buffer, length) {
                    send(buffer.get(range).unwrap_or_default());
                }
            }
            Some(Event::Closed { .. } | Event::Failed { .. }) => return,
            _ => {}
        }
        if connection.poll_timeout().is_some_and(|at| at <= now()) {
            connection.handle_timeout(now());
        }
        let length = receive(&mut buffer);
        let datagram = buffer.get_mut(..length).unwrap_or_default();
        let mut records = connection.handle_datagram(now(), security, datagram);
        while let Some(data) = records.next() {
            send(data);
        }
        drop(records);
        if register() == 1 {
            connection.close(now());
        }
    }
}

#[cfg(not(feature = "no-panic"))]
#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    loop {}
}

#[cfg(feature = "no-panic")]
#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    unsafe extern "C" {
        fn this_program_can_panic() -> !;
    }
    // SAFETY: never linked: the symbol does not exist.
    unsafe { this_program_can_panic() }
}

/// The profile that is chosen from outside, to see what each suite and choice adds.
#[allow(unused_imports)]
pub mod choice {
    use super::*;
    include!(concat!(env!("OUT_DIR"), "/choice.rs"));
}

/// The entry point, with a static connection of a profile.
#[macro_export]
macro_rules! program {
    ($profile:ty, $($($run:ident)::+),*) => {
        static mut CONNECTION: coracle_crypto::Connection<$profile> = coracle_crypto::Connection::new();

        #[unsafe(no_mangle)]
        pub extern "C" fn _start() -> ! {
            // SAFETY: the only use of the static, once.
            let connection = unsafe { &mut *core::ptr::addr_of_mut!(CONNECTION) };
            let settings = $crate::Settings::load();
            loop {
                $($crate::$($run)::+(connection, &settings);)*
            }
        }
    };
}
