//! The profile `Choice`, from the words of `DTLS_CHOICE`: suites as the crate names them, and `cid`, `resumption`, `rpk`,
//! `x509`, `short` (the first hello).

use std::fmt::Write;
use std::path::PathBuf;
use std::{env, fs};

fn main() {
    println!("cargo::rerun-if-env-changed=DTLS_CHOICE");
    let choice = env::var("DTLS_CHOICE").unwrap_or_else(|_| "PskAes128Ccm8".into());
    let words: Vec<&str> = choice.split_whitespace().collect();
    let has = |word: &str| words.contains(&word);
    let suites: Vec<String> = words
        .iter()
        .filter(|word| word.contains("Aes") || word.contains("ChaCha"))
        .map(|word| format!("CipherSuite::{word}"))
        .collect();
    let curve = if words.iter().any(|word| word.starts_with("Ecdhe")) { "P256" } else { "NoCurve" };
    let length = |word: &str, length: usize| if has(word) { length } else { 0 };
    let mut code =
        String::from("use coracle_crypto::{CipherSuite, NoCurve, P256, SoftAes, key_block_len};\n");
    let _ = write!(
        code,
        "/// What `DTLS_CHOICE` names.\npub struct Choice;\n\
         impl Profile for Choice {{\n\
         const SUITES: &'static [CipherSuite] = &[{}];\n\
         const RAW_PUBLIC_KEYS: bool = {};\n\
         const CERTIFICATES: bool = {};\n\
         const CONNECTION_ID: bool = {};\n\
         const SHORT_FIRST_HELLO: bool = {};\n\
         type Aes = SoftAes;\n\
         type Curve = {curve};\n\
         type KeyBlock = [u8; key_block_len(Self::SUITES)];\n\
         type Cookie = [u8; 32];\n\
         type SessionId = [u8; {}];\n\
         type OwnCid = [u8; 0];\n\
         type PeerCid = [u8; {}];\n\
         type Reassembly = [u8; {}];\n\
         type ReplayWindow = [u32; 2];\n}}\n",
        suites.join(", "),
        has("rpk"),
        has("x509"),
        has("cid"),
        has("short"),
        length("resumption", 32),
        length("cid", 8),
        length("rpk", 256).max(length("x509", 768)),
    );
    // The applications: with whatever there is.
    let psk = words.iter().any(|word| word.contains("Psk"));
    let mut runs = String::new();
    for (there, run) in [(psk, "psk"), (has("rpk"), "raw_public_key"), (has("x509"), "certificate")] {
        if there {
            let _ = writeln!(runs, "run_{run}(connection, settings);");
        }
    }
    let _ = write!(
        code,
        "/// Every kind of credentials of the choice.\n#[inline(never)]\n\
         pub fn run_choice<P: Profile>(connection: &mut Connection<P>, settings: &Settings) {{\n{runs}}}\n"
    );
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets it"));
    fs::write(out.join("choice.rs"), code).expect("cargo's folder can be written");
}
