#![no_std]
#![no_main]
dtls_firmware::program!(coracle_crypto::profiles::PskRpkCid, run_psk, run_raw_public_key);
