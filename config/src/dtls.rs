//! The table `[dtls]`: keys, relations between them, and the code.

mod check;

pub(crate) use check::check;

use proc_macro2::TokenStream;
use quote::{format_ident, quote};

use crate::emit::literal;
use crate::schema::{Group, Kind, integer, key};
use crate::values::Configuration;

/// The suites as the file and the crate name them.
const SUITES: &[(&str, &str)] = &[
    ("psk-aes128-ccm8", "PskAes128Ccm8"),
    ("psk-aes128-ccm", "PskAes128Ccm"),
    ("psk-aes128-cbc-sha256", "PskAes128CbcSha256"),
    ("psk-chacha20-poly1305", "PskChaCha20Poly1305"),
    ("ecdhe-psk-aes128-ccm8", "EcdhePskAes128Ccm8"),
    ("ecdhe-psk-aes128-ccm", "EcdhePskAes128Ccm"),
    ("ecdhe-psk-aes128-cbc-sha256", "EcdhePskAes128CbcSha256"),
    ("ecdhe-psk-chacha20-poly1305", "EcdhePskChaCha20Poly1305"),
    ("ecdhe-ecdsa-aes128-ccm8", "EcdheEcdsaAes128Ccm8"),
    ("ecdhe-ecdsa-aes128-ccm", "EcdheEcdsaAes128Ccm"),
    ("ecdhe-ecdsa-aes128-cbc-sha256", "EcdheEcdsaAes128CbcSha256"),
    ("ecdhe-ecdsa-chacha20-poly1305", "EcdheEcdsaChaCha20Poly1305"),
];

const NAMES: &[&str] = &{
    let mut names = [""; SUITES.len()];
    let mut index = 0;
    while index < SUITES.len() {
        names[index] = SUITES[index].0;
        index += 1;
    }
    names
};

const RAW_PUBLIC_KEY: &str = "raw-public-key";
const CERTIFICATE: &str = "certificate";
/// The implementation that comes with the crate.
const SOFTWARE: &str = "software";

pub(crate) const GROUP: Group = Group {
    name: "dtls",
    meaning: "DTLS 1.2 (RFC 6347), for coaps://. With no suites there is none in the firmware.",
    keys: &[
        key(
            "suites",
            Kind::Words { words: NAMES, default: &["psk-aes128-ccm8"], least: 0 },
            "",
            "The cipher suites that are linked and offered, the preferred one first. [] is for plain CoAP alone.",
            "flash once for each key exchange and each cipher: 21 KB for psk-aes128-ccm8 alone; docs/SIZES.md has the others",
        ),
        key(
            "public_keys",
            Kind::Words { words: &[RAW_PUBLIC_KEY, CERTIFICATE], default: &[], least: 0 },
            "",
            "What servers and device prove themselves with beside pre-shared keys: needs an ecdhe-ecdsa suite.",
            "17 KB of flash, 6.7 more for certificates",
        ),
        key(
            "connection_id",
            Kind::Switch { default: true },
            "",
            "Connection IDs (RFC 9146) are offered: the session goes on when the device's address changes.",
            "0.3 KB of flash, 7 bytes or so in each datagram",
        ),
        key(
            "own_connection_id_length",
            integer(0, 32, 0),
            "bytes",
            "The connection ID that servers put in their datagrams to the device. 0 is right for a device that has an address.",
            "its value in RAM for each server",
        ),
        key(
            "server_connection_id_length",
            integer(0, 32, 8),
            "bytes",
            "The longest connection ID of a server. Leshan needs 6, ThingsBoard 8.",
            "its value in RAM for each server",
        ),
        key(
            "resumption",
            Kind::Switch { default: true },
            "",
            "Sessions are resumed by their id: a handshake without key exchange.",
            "0.3 KB of flash, 32 bytes of RAM for each server",
        ),
        key(
            "cookie_length",
            integer(0, 255, 32),
            "bytes",
            "The longest cookie of a HelloVerifyRequest.",
            "its value in RAM for each server",
        ),
        key(
            "short_first_hello",
            Kind::Switch { default: false },
            "",
            "The first hello of a full handshake has no extensions (RFC 6347 section 4.2.1): 9 bytes or more are saved, 43 with raw public keys, when the server asks for a cookie. Others get a whole hello as well, and cost a round trip more the first time.",
            "0.6 KB of flash",
        ),
        key(
            "reassembly",
            integer(0, 16_384, 128),
            "bytes",
            "The longest handshake message of a server that may come in fragments. Its certificate is the longest.",
            "its value in RAM for each server; 0.1 KB of flash",
        ),
        key(
            "max_fragment_length",
            Kind::OneOf { values: &[0, 512, 1024, 2048, 4096], default: 0 },
            "bytes",
            "The longest record that the server is asked to send (RFC 6066); 0 asks for nothing.",
            "0.2 KB of flash",
        ),
        key(
            "record_size_limit",
            integer(0, 16_384, 0),
            "bytes",
            "The same by RFC 8449, from 64 on; 0 asks for nothing.",
            "0.2 KB of flash",
        ),
        key(
            "extended_master_secret",
            Kind::Switch { default: true },
            "",
            "Servers must know the extended master secret (RFC 7627); false is for old ones, and then a man in the middle can make two sessions look like one.",
            "nothing",
        ),
        key(
            "replay_window",
            Kind::OneOf { values: &[64, 96, 128, 256], default: 64 },
            "",
            "How far a datagram may be overtaken by others, in datagrams.",
            "an eighth of its value in RAM for each server",
        ),
        key(
            "forgery_limit",
            integer(0, 1 << 30, 1 << 20),
            "",
            "How many forged records end a session (RFC 9147 section 4.5.3): so many times 2^-64 is the chance that one is taken with CCM_8. 0 for no limit.",
            "nothing",
        ),
        key(
            "handshake_timeout_ms",
            integer(100, 60_000, 1_000),
            "ms",
            "The first wait for an answer in a handshake; it doubles with each retransmission. RFC 7925 advises 9000 for slow networks.",
            "nothing",
        ),
        key(
            "handshake_attempts",
            integer(1, 10, 5),
            "",
            "How often a flight of a handshake is sent.",
            "nothing",
        ),
        key(
            "last_flight_attempts",
            integer(1, 10, 4),
            "",
            "The same for the last flight: servers do not answer when the key is wrong, so this is how soon that is known.",
            "nothing",
        ),
        key(
            "aes",
            Kind::Text { default: SOFTWARE },
            "",
            "\"software\", or the path of a type that implements coracle::crypto::Aes128 by hardware, as crate::Aes.",
            "nothing",
        ),
        key(
            "curve",
            Kind::Text { default: SOFTWARE },
            "",
            "\"software\", or the path of a type that implements coracle::crypto::Curve by hardware, as crate::P256.",
            "nothing",
        ),
    ],
};

fn has(configuration: &Configuration, prefix: &str) -> bool {
    configuration.words("dtls", "suites").iter().any(|suite| suite.starts_with(prefix))
}

fn has_public_keys(configuration: &Configuration, word: &str) -> bool {
    configuration.words("dtls", "public_keys").iter().any(|found| found == word)
}

/// `impl coracle::crypto::Profile`.
pub(crate) fn emit(configuration: &Configuration, krate: &TokenStream) -> TokenStream {
    let number = |name: &str| literal(configuration.number("dtls", name));
    let names = configuration.words("dtls", "suites");
    let suites = SUITES.iter().filter(|(name, _)| names.iter().any(|chosen| chosen == name));
    // In the order of the file, which is that of preference.
    let position = |name: &str| names.iter().position(|chosen| chosen == name);
    let mut suites: Vec<_> = suites.collect();
    suites.sort_by_key(|(name, _)| position(name));
    let suites = suites.iter().map(|(_, variant)| {
        let variant = format_ident!("{variant}");
        quote!(#krate::crypto::CipherSuite::#variant)
    });
    let secure = !names.is_empty();
    let bytes = |name: &str| {
        let length = if secure { number(name) } else { literal(0) };
        quote!([u8; #length])
    };
    let (cookie, own_cid, peer_cid, reassembly) = (
        bytes("cookie_length"),
        bytes("own_connection_id_length"),
        bytes("server_connection_id_length"),
        bytes("reassembly"),
    );
    let connection_id = configuration.switch("dtls", "connection_id");
    let short = configuration.switch("dtls", "short_first_hello");
    let (own_cid, peer_cid) =
        if connection_id { (own_cid, peer_cid) } else { (quote!([u8; 0]), quote!([u8; 0])) };
    let session_id = literal(if secure && configuration.switch("dtls", "resumption") { 32 } else { 0 });
    let (raw, certificates) =
        (has_public_keys(configuration, RAW_PUBLIC_KEY), has_public_keys(configuration, CERTIFICATE));
    let (fragment, limit) = (number("max_fragment_length"), number("record_size_limit"));
    let (words, forgeries) =
        (literal(configuration.number("dtls", "replay_window") / 32), number("forgery_limit"));
    let path = |name: &str| syn::parse_str::<syn::Path>(configuration.word("dtls", name));
    let aes = match path("aes") {
        Ok(path) if configuration.word("dtls", "aes") != SOFTWARE => quote!(#path),
        _ => quote!(#krate::crypto::SoftAes),
    };
    let curve = match path("curve") {
        _ if !has(configuration, "ecdhe") => quote!(#krate::crypto::NoCurve),
        Ok(path) if configuration.word("dtls", "curve") != SOFTWARE => quote!(#path),
        _ => quote!(#krate::crypto::P256),
    };
    quote! {
        impl #krate::crypto::Profile for Profile {
            const SUITES: &'static [#krate::crypto::CipherSuite] = &[#(#suites),*];
            const RAW_PUBLIC_KEYS: bool = #raw;
            const CERTIFICATES: bool = #certificates;
            const CONNECTION_ID: bool = #connection_id;
            const MAX_FRAGMENT_LENGTH: u16 = #fragment;
            const RECORD_SIZE_LIMIT: u16 = #limit;
            const SHORT_FIRST_HELLO: bool = #short;
            const FAILED_OPEN_LIMIT: u32 = #forgeries;
            type Aes = #aes;
            type Curve = #curve;
            type KeyBlock = [u8; #krate::crypto::key_block_len(Self::SUITES)];
            type Cookie = #cookie;
            type SessionId = [u8; #session_id];
            type OwnCid = #own_cid;
            type PeerCid = #peer_cid;
            type Reassembly = #reassembly;
            type ReplayWindow = [u32; #words];
        }
    }
}

/// Whether servers must know the extended master secret.
pub(crate) fn extended_master_secret(configuration: &Configuration, krate: &TokenStream) -> TokenStream {
    if configuration.switch("dtls", "extended_master_secret") {
        quote!(#krate::crypto::Requirement::Required)
    } else {
        quote!(#krate::crypto::Requirement::Optional)
    }
}

/// How handshakes are retransmitted.
pub(crate) fn backoff(configuration: &Configuration, krate: &TokenStream) -> TokenStream {
    let number = |name: &str| literal(configuration.number("dtls", name));
    let (initial, attempts, last) =
        (number("handshake_timeout_ms"), number("handshake_attempts"), number("last_flight_attempts"));
    quote! {
        #krate::crypto::Backoff {
            initial_ms: #initial,
            max_ms: 60_000,
            attempts: #attempts,
            last_flight_attempts: #last,
        }
    }
}
