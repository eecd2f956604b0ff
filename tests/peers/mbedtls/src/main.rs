//! A DTLS echo server on Mbed TLS: `mbedtls-peer PORT SUITE CID`, where SUITE is a name of Mbed TLS and CID the
//! server's connection ID in hexadecimal digits, `-` for an empty one, or `none`.

use std::ffi::{CString, c_char, c_int};

unsafe extern "C" {
    fn serve(port: c_int, suite: *const c_char, cid: *const c_char) -> c_int;
}

fn main() {
    let arguments: Vec<CString> =
        std::env::args().skip(1).map(|argument| CString::new(argument).expect("no NUL")).collect();
    let [port, suite, cid] = &arguments[..] else {
        eprintln!("usage: mbedtls-peer PORT SUITE CID|-|none");
        std::process::exit(2);
    };
    let port = port.to_str().ok().and_then(|port| port.parse().ok()).expect("a port");
    // SAFETY: both strings end with a NUL and outlive the call.
    let code = unsafe { serve(port, suite.as_ptr(), cid.as_ptr()) };
    std::process::exit(code);
}
