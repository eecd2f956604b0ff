#![no_std]
#![no_main]
dtls_firmware::program!(coracle_crypto::profiles::PskOnly, run_psk);
