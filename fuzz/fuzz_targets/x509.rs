//! Certificates: as the one of a server, as a trust anchor, as our own, and in the chain that a server sends.
#![no_main]

use coracle_crypto::{
    Certificate, CertificateUsage, Credentials, MatchingType, PrivateKey, Security, ServerCertificate,
    ServerName,
};
use coracle_fuzz::dtls::Client;
use coracle_fuzz::forger::Forger;
use coracle_fuzz::heap;
use coracle_fuzz::input::Input;

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let mut input = Input::new(data);
    let mode = input.byte();
    let (first, second) = (input.long(), input.rest());
    let second = if second.is_empty() { first } else { second };
    let usage = CertificateUsage::from_number(mode & 3).expect("0 to 3");
    let trust_store = [second];
    let given = if mode & 4 == 0 { first } else { second };
    if let Ok(private) = PrivateKey::parse(&[7; 32]) {
        _ = heap::without(|| Certificate::check_pair(&private, first));
        _ = heap::without(|| {
            Certificate::new(&private, &trust_store, server_certificate(usage, given, &trust_store)?)
                .map(drop)
        });
    }
    let Ok(policy) = heap::without(|| server_certificate(usage, given, &trust_store)) else { return };
    let policy = if mode & 8 == 0 { policy } else { policy.allow_common_name() };
    let mut security = Security::new(b"server", Credentials::Certificate(Certificate::server_only(policy)));
    security.server_name =
        Some(ServerName::parse(if mode & 16 == 0 { "server.example" } else { "192.0.2.1" }));
    security.unix_time = (mode & 32 != 0).then_some(1_900_000_000);
    let (mut client, mut forger) = (Client::new(security), Forger::default());
    // ECDHE_ECDSA with AES-128-CCM-8, and a chain of both.
    let hello =
        [&[0xFE, 0xFD][..], &[0x5E; 32], &[0, 0xC0, 0xAE, 0, 0, 9, 0, 23, 0, 0, 0xFF, 1, 0, 1, 0]].concat();
    let entry = |bytes: &[u8]| [&(bytes.len() as u32).to_be_bytes()[1..], bytes].concat();
    let chain = entry(&[entry(first), entry(second)].concat());
    for (kind, body) in [(2, hello), (11, chain)] {
        let length = body.len();
        let datagram = forger.message(kind, &body, length);
        client.deliver(&datagram);
    }
    assert!(!client.connection.is_connected());
});

fn server_certificate<'a>(
    usage: CertificateUsage,
    given: &'a [u8],
    trust_store: &'a [&'a [u8]],
) -> Result<ServerCertificate<'a>, coracle_crypto::CredentialError> {
    ServerCertificate::new(usage, MatchingType::Exact, given, trust_store)
}
