#![no_std]
#![no_main]
dtls_firmware::program!(dtls_firmware::choice::Choice, choice::run_choice);
