//! A DTLS echo server on Mbed TLS: `mbedtls-peer PORT SUITE CID COOKIES`, where SUITE is a name of Mbed TLS, CID the
//! server's connection ID in hexadecimal digits, `-` for an empty one, or `none`, and COOKIES `cookies` or `no-cookies`.

use std::ffi::{CString, c_char, c_int};

unsafe extern "C" {
    fn serve(port: c_int, suite: *const c_char, cid: *const c_char, cookies: c_int) -> c_int;
}

fn main() {
    let arguments: Vec<CString> =
        std::env::args().skip(1).map(|argument| CString::new(argument).expect("no NUL")).collect();
    let [port, suite, cid, cookies] = &arguments[..] else {
        eprintln!("usage: mbedtls-peer PORT SUITE CID|-|none cookies|no-cookies");
        std::process::exit(2);
    };
    let port = port.to_str().ok().and_then(|port| port.parse().ok()).expect("a port");
    let cookies = c_int::from(cookies.as_bytes() == b"cookies");
    // SAFETY: both strings end with a NUL and outlive the call.
    let code = unsafe { serve(port, suite.as_ptr(), cid.as_ptr(), cookies) };
    std::process::exit(code);
}
