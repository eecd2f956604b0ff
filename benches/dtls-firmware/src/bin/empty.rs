//! The board alone.
#![no_std]
#![no_main]

#[unsafe(no_mangle)]
pub extern "C" fn _start() -> ! {
    let mut buffer = [0; 512];
    loop {
        let length = dtls_firmware::receive(&mut buffer);
        dtls_firmware::send(buffer.get(..length).unwrap_or_default());
    }
}
