#![no_std]
#![no_main]
dtls_firmware::program!(
    coracle_crypto::profiles::PskRpkX509Cid,
    run_psk,
    run_raw_public_key,
    run_certificate
);
