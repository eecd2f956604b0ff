//! A Write in this format: nothing of a refused one is stored, and what was stored can be read and written back.
#![no_main]

use coracle_fuzz::formats::{format, round_trip};

libfuzzer_sys::fuzz_target!(|data: &[u8]| round_trip(format::CBOR, data));
