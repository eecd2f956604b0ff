//! Choices of DTLS that contradict each other, or with which no handshake can be made.

use super::{CERTIFICATE, RAW_PUBLIC_KEY, SOFTWARE, has, has_public_keys};
use crate::problem::Problems;
use crate::values::Configuration;

/// The shortest datagram that a handshake can be made with.
const HANDSHAKE_DATAGRAM: u32 = 192;
/// A public key on P-256, uncompressed.
const POINT: u32 = 65;
/// No certificate is shorter than its key and its signature.
const SMALLEST_CERTIFICATE: u32 = 128;
/// SHA-256.
const DIGEST: u32 = 32;

/// Who is told about a contradiction: the two keys, and the text.
type Tell<'t> = &'t mut dyn FnMut([(&str, &str); 2], String);

fn check_connection_ids(configuration: &Configuration, problem: Tell<'_>) {
    let (own, server) = ("own_connection_id_length", "server_connection_id_length");
    let length = |name| configuration.number("dtls", name);
    let switch = ("dtls", "connection_id");
    if configuration.switch("dtls", "connection_id") {
        if length(own) == 0 && length(server) == 0 {
            problem(
                [switch, ("dtls", server)],
                format!(
                    "dtls.{server}: found 0, but dtls.connection_id is true and dtls.{own} is 0, too: servers have no connection ID of that length; raise it, to 8 for instance, or set dtls.connection_id = false"
                ),
            );
        }
    } else if length(own) > 0 {
        problem(
            [switch, ("dtls", own)],
            format!(
                "dtls.{own}: found {}, but dtls.connection_id is false; set it to true, or leave the length out",
                configuration.shown("dtls", own),
            ),
        );
    }
}

/// Datagrams in which a handshake, or the records that are asked for, do not fit.
fn check_datagrams(configuration: &Configuration, problem: Tell<'_>) {
    for name in ["transmit", "receive"] {
        if configuration.number("datagram", name) < HANDSHAKE_DATAGRAM {
            problem(
                [("dtls", "suites"), ("datagram", name)],
                format!(
                    "datagram.{name}: found {}, but a handshake needs at least {HANDSHAKE_DATAGRAM}; or set dtls.suites = []",
                    configuration.shown("datagram", name),
                ),
            );
        }
    }
    for name in ["max_fragment_length", "record_size_limit"] {
        let receive = configuration.number("datagram", "receive");
        if configuration.number("dtls", name) > receive {
            problem(
                [("dtls", name), ("datagram", "receive")],
                format!(
                    "dtls.{name}: found {}, but datagram.receive is {}: longer records do not arrive; lower the one or raise the other",
                    configuration.shown("dtls", name),
                    configuration.shown("datagram", "receive"),
                ),
            );
        }
    }
}

/// Keys of object 0 that fit nowhere, so that no server could ever be added.
fn check_key_lengths(configuration: &Configuration, problem: Tell<'_>) {
    let raw = has_public_keys(configuration, RAW_PUBLIC_KEY);
    let certificates = has_public_keys(configuration, CERTIFICATE);
    let psk = has(configuration, "psk") || has(configuration, "ecdhe-psk");
    let mut at_least = |name: &str, least: u32, what: &str| {
        if configuration.number("security", name) < least {
            let found = configuration.shown("security", name);
            problem(
                [("dtls", "suites"), ("security", name)],
                format!(
                    "security.{name}: found {found}, but {what} needs at least {least}; or set dtls.suites = []"
                ),
            );
        }
    };
    if raw {
        at_least("identity_length", POINT, "a raw public key");
        at_least("server_key_length", POINT, "a raw public key");
    } else if certificates {
        at_least("identity_length", SMALLEST_CERTIFICATE, "a certificate");
        at_least("server_key_length", DIGEST, "the digest of a certificate");
    }
    // A private key may be in a secure element; a pre-shared key can't.
    if psk {
        at_least("identity_length", 1, "the identity of a pre-shared key");
        at_least("secret_key_length", 1, "a pre-shared key (16 bytes are usual)");
    }
}

/// Keys that contradict each other.
pub(crate) fn check(configuration: &Configuration, problems: &mut Problems<'_>) {
    let mut problem = |keys: [(&str, &str); 2], text: String| {
        let lines = keys.map(|(group, name)| configuration.line(group, name));
        problems.add_at_line(lines[0].max(lines[1]), text);
    };
    let suites = configuration.words("dtls", "suites");
    let keys = configuration.words("dtls", "public_keys");
    let both = [("dtls", "suites"), ("dtls", "public_keys")];
    if !keys.is_empty() && !has(configuration, "ecdhe-ecdsa") {
        problem(
            both,
            format!(
                "dtls.public_keys: found {keys:?}, but dtls.suites has no ecdhe-ecdsa suite, which they need: name one, for instance \"ecdhe-ecdsa-aes128-ccm8\", or leave the keys out"
            ),
        );
    }
    if keys.is_empty() && has(configuration, "ecdhe-ecdsa") {
        problem(
            both,
            format!(
                "dtls.suites: found an ecdhe-ecdsa suite, but dtls.public_keys is empty: name {RAW_PUBLIC_KEY:?} or {CERTIFICATE:?}, or leave the suite out"
            ),
        );
    }
    let limit = configuration.number("dtls", "record_size_limit");
    if (1..64).contains(&limit) {
        let key = ("dtls", "record_size_limit");
        problem([key, key], format!("dtls.record_size_limit: found {limit}, allowed is 0 or 64 to 16384"));
    }
    for name in ["aes", "curve"] {
        let path = configuration.word("dtls", name);
        // The profile is a module of its own: a name without a path is no type there, but a slip.
        if path != SOFTWARE && (!path.contains("::") || syn::parse_str::<syn::Path>(path).is_err()) {
            problem(
                [("dtls", name); 2],
                format!(
                    "dtls.{name}: found {path:?}, allowed is \"software\" or the path of a type, as crate::Hardware"
                ),
            );
        }
    }
    if suites.is_empty() {
        return;
    }
    check_datagrams(configuration, &mut problem);
    check_connection_ids(configuration, &mut problem);
    check_key_lengths(configuration, &mut problem);
}
