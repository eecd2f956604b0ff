#![no_std]
#![no_main]
dtls_firmware::program!(coracle_crypto::profiles::PskCid, run_psk);
