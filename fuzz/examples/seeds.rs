//! Writes the seeds of all targets: `cargo run --manifest-path fuzz/Cargo.toml --example seeds`.
//!
//! They are requests that Eclipse Leshan sends (tests/peers/leshan/vectors.txt), the flights of a handshake, certificates and
//! keys that OpenSSL has made, and short scripts in the forms that the targets read: README.md.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::{fs, io};

use coracle_crypto::Signer;
use coracle_crypto::server::Config;
use coracle_fuzz::device::{con, registered};
use coracle_fuzz::dtls::{Client, KEY, Keys, OneClient, Server, psk};
use coracle_fuzz::formats::format;
use coracle_fuzz::message::{GET, Seen, option};
use sha2::{Digest, Sha256};

fn main() -> io::Result<()> {
    let vectors = vectors()?;
    for (name, datagram) in &vectors {
        if !name.contains("integer-") || name.ends_with("-0") || name.ends_with("-max") {
            leshan(name, datagram)?;
        }
    }
    instances()?;
    uris()?;
    attributes()?;
    client(&vectors)?;
    handshakes()?;
    stored()?;
    certificates()?;
    curve()?;
    let file = fs::read(root().join("config.toml"))?;
    seed("config", "default", &file)?;
    seed("config", "small", b"[budget]\nram = 4096\n[object.3303]\ninstances = 2\nresources = [5700]\n")?;
    seed("config", "wrong", b"[servers]\ncuont = 0\n[object.3]\nx = 1\n")
}

/// Scalars at the ends of their range and between, and what may be wrong with a signature.
fn curve() -> io::Result<()> {
    let order = [
        0xFF, 0xFF, 0xFF, 0xFF, 0, 0, 0, 0, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xBC, 0xE6, 0xFA,
        0xAD, 0xA7, 0x17, 0x9E, 0x84, 0xF3, 0xB9, 0xCA, 0xC2, 0xFC, 0x63, 0x25, 0x51,
    ];
    let below = |less: u8| {
        let mut scalar = order;
        scalar[31] -= less;
        scalar
    };
    let small = |number: u8| std::array::from_fn(|at| if at == 31 { number } else { 0 });
    for (name, scalars) in [
        ("dense", [[0x5A; 32], [0xC3; 32], [0x77; 32]]),
        ("small", [small(1), small(2), small(3)]),
        ("large", [below(1), below(2), below(16)]),
        ("order", [order, small(1), small(1)]),
    ] {
        for (kind, what) in [("good", 0), ("bad", 0x81)] {
            let digest = [0xA5; 32];
            let bytes = [&[what][..], &scalars.concat(), &digest, &small(5), &below(3), &[4; 65]].concat();
            seed("curve", &format!("{name}-{kind}"), &bytes)?;
        }
    }
    Ok(())
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn seed(target: &str, name: &str, bytes: &[u8]) -> io::Result<()> {
    let folder = root().join("fuzz/corpus").join(target);
    fs::create_dir_all(&folder)?;
    fs::write(folder.join(name), bytes)
}

/// A length in two bytes, and bytes.
fn long(bytes: &[u8]) -> Vec<u8> {
    [&(bytes.len() as u16).to_be_bytes()[..], bytes].concat()
}

/// A length in one byte, and bytes.
fn short(bytes: &[u8]) -> Vec<u8> {
    [&[bytes.len() as u8][..], bytes].concat()
}

fn vectors() -> io::Result<Vec<(String, Vec<u8>)>> {
    let text = fs::read_to_string(root().join("tests/peers/leshan/vectors.txt"))?;
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    let pairs = lines.filter_map(|line| line.split_once(' '));
    Ok(pairs.map(|(name, digits)| (name.to_owned(), bytes(digits))).collect())
}

fn bytes(digits: &str) -> Vec<u8> {
    let pairs = digits.as_bytes().chunks(2).filter_map(|pair| str::from_utf8(pair).ok());
    pairs.filter_map(|pair| u8::from_str_radix(pair, 16).ok()).collect()
}

/// A request as a message, and its payload, moved to our object, as a Write.
fn leshan(name: &str, datagram: &[u8]) -> io::Result<()> {
    if !name.starts_with("write-") {
        return seed("coap_message", name, datagram);
    }
    let seen = Seen::read(datagram);
    let format = seen.options.iter().find(|(number, _)| *number == option::CONTENT_FORMAT);
    let format = format.map_or(0, |(_, value)| value.iter().fold(0, |sum, byte| sum << 8 | u32::from(*byte)));
    let target = match format {
        format::TEXT => "write_text",
        format::OPAQUE => "write_opaque",
        format::CBOR => "write_cbor",
        format::SENML_JSON => "write_senml_json",
        format::SENML_CBOR => "write_senml_cbor",
        format::TLV => "write_tlv",
        _ => return Ok(()),
    };
    // The resources of Leshan's test object (3442), and ours of the same type.
    let ours =
        [("110", 0_u8), ("120", 1), ("150", 2), ("130", 3), ("140", 4), ("160", 7), ("170", 6), ("180", 5)];
    let path = seen.texts(option::URI_PATH);
    let place = path.get(2).and_then(|id| ours.iter().find(|(theirs, _)| theirs == id));
    let Some((theirs, place)) = place else { return Ok(()) };
    let moved =
        replaced(&seen.payload, format!("3442/0/{theirs}").as_bytes(), format!("33000/0/{place}").as_bytes());
    seed(target, name, &[&[*place, 0][..], &moved].concat())
}

/// Text in place of other text; lengths of CBOR strings before it are made right for the difference.
fn replaced(bytes: &[u8], from: &[u8], to: &[u8]) -> Vec<u8> {
    let Some(at) = bytes.windows(from.len()).position(|window| window == from) else { return bytes.to_vec() };
    let mut out = [&bytes[..at], to, &bytes[at + from.len()..]].concat();
    let head = out[..at].iter().rposition(|byte| *byte >> 5 == 3 && usize::from(byte & 31) == from.len() + 1);
    if let Some(head) = head.filter(|head| at - head <= 2) {
        out[head] = 0x60 | (to.len() + 1) as u8;
    }
    out
}

/// A whole instance in the formats that carry one, as a device writes it.
fn instances() -> io::Result<()> {
    let all = [
        ("write_tlv", format::TLV),
        ("write_senml_json", format::SENML_JSON),
        ("write_senml_cbor", format::SENML_CBOR),
    ];
    for (target, format) in all {
        let mut body = Vec::new();
        registered(|device| {
            for number in 0..4 {
                let request = con(GET, 1 + number).path("33000/0").option_uint(option::ACCEPT, format);
                let block = u32::from(number) << 4 | 3;
                let answer = device.request(request.option_uint(option::BLOCK2, block).payload(&[]));
                body.extend(&answer.payload);
                if answer.code_text() != "2.05" {
                    break;
                }
            }
        });
        seed(target, "instance-put", &[&[100, 0][..], &body].concat())?;
        seed(target, "instance-post", &[&[100, 1][..], &body].concat())?;
    }
    Ok(())
}

fn uris() -> io::Result<()> {
    let texts = [
        "coap://leshan.example:5683",
        "coaps://[2001:db8::1]/",
        "coaps://192.0.2.1:5684",
        "/3/0/9",
        "/65534/1",
    ];
    texts.iter().enumerate().try_for_each(|(n, text)| seed("uri", &n.to_string(), text.as_bytes()))
}

fn attributes() -> io::Result<()> {
    let cases: [(&str, &[&str]); 5] = [
        ("33000/0/1", &["pmin=1", "pmax=60", "gt=5.5", "lt=-3", "st=0.25"]),
        ("33000/0", &["pmin=10", "pmax"]),
        ("33000/0/3", &["gt=1e3", "st=12"]),
        ("1/0", &["pmax=4294967295"]),
        ("33000/0/8/0", &["pmin=2", "gt=7", "st=0.5"]),
    ];
    for (n, (path, queries)) in cases.iter().enumerate() {
        let segments: Vec<_> = path.split('/').collect();
        let mut bytes = vec![segments.len() as u8];
        bytes.extend(segments.iter().flat_map(|segment| short(segment.as_bytes())));
        bytes.push(queries.len() as u8);
        bytes.extend(queries.iter().flat_map(|query| short(query.as_bytes())));
        seed("attributes", &n.to_string(), &bytes)?;
    }
    Ok(())
}

fn client(vectors: &[(String, Vec<u8>)]) -> io::Result<()> {
    // Register, good answer: to both servers.
    let registered = [0x0c, 0x04, 0x1c, 0x04];
    for (name, datagram) in
        vectors.iter().filter(|(name, _)| !name.contains("write-") && !name.contains("read-"))
    {
        seed("client", name, &[&registered[..], &[1], &long(datagram), &[8, 0, 60]].concat())?;
    }
    // Observe 33000/0/3, measure, wait, acknowledge; Execute, twice the same.
    let observe = [2, 0, 4, 1, 1, 0];
    let execute = [2, 2, 6, 3, 0, 0, 0, 0];
    let notify = [10, 8, 8, 0, 30, 4, 10, 12, 9, 4];
    seed("client", "observe", &[&registered[..], &observe, &notify, &[6, 1, 0, 0]].concat())?;
    seed("client", "execute-twice", &[&registered[..], &execute, &[8, 0, 200]].concat())?;
    seed(
        "client",
        "outage",
        &[&[0x0c, 11, 1, 0x1c, 9, 9, 9, 11, 0][..], &registered, &[8, 255, 255, 9, 9]].concat(),
    )?;
    seed("client", "write", &[&registered[..], &[2, 4, 3, 2, 2, 0, 3, b'1', b'.', b'5']].concat())?;
    let handshake = [0, 0, 16, 0].repeat(4);
    seed("client_dtls", "registered", &[&handshake[..], &[9, 16, 0]].concat())?;
    seed(
        "client_dtls",
        "request",
        &[&handshake[..], &[9, 16, 0, 11, 0, 4, 1, 0, 0, 16, 0, 0, 0, 9]].concat(),
    )?;
    seed("client_dtls", "lost", &[&[7, 0, 12, 7, 0, 12][..], &handshake].concat())
}

/// What both sides say in a handshake with a pre-shared key.
fn handshakes() -> io::Result<()> {
    let clients = OneClient(KEY);
    let (mut client, mut server) = (Client::new(psk()), Server::new(Config::with_psk(&clients)));
    for step in 0..3_u8 {
        let (up, down) = (client.sent.clone(), {
            client
                .sent
                .drain(..)
                .collect::<Vec<_>>()
                .iter()
                .for_each(|datagram| server.deliver(1_000, datagram));
            std::mem::take(&mut server.sent)
        });
        let records: Vec<u8> = up.iter().chain(&down).flat_map(|datagram| long(datagram)).collect();
        seed("dtls_records", &format!("flight-{step}"), &[&[step][..], &records].concat())?;
        for datagram in &down {
            client.deliver(datagram);
        }
        let first = up.first().map_or(&[][..], Vec::as_slice);
        seed("dtls_server", &format!("flight-{step}"), &[&[0, 0][..], &[3], &long(first)].concat())?;
        if let Some(message) = down.first().and_then(|datagram| datagram.get(13..)) {
            let body =
                [&[step & 1, message[0], 0][..], &long(message.get(12..).unwrap_or_default())].concat();
            seed("dtls_handshake", &format!("flight-{step}"), &body)?;
        }
    }
    flights()?;
    seed("dtls_server", "handshake", &[0, 0, 1, 2])?;
    seed("dtls_server", "raw-public-key", &[2, 0, 1, 2, 2])?;
    let exchange = [0, 0, 16, 0].repeat(4);
    seed("dtls_client", "good", &[&[0][..], &exchange, &[13, 2, b'h', b'i']].concat())?;
    seed("dtls_client", "resumed", &[&[0][..], &exchange, &[12], &exchange].concat())?;
    seed("dtls_client", "wrong-key", &[&[1][..], &exchange].concat())?;
    seed("dtls_client", "short-hello", &[&[3][..], &exchange].concat())?;
    // A hello in answer to the short one, and from the beginning for the whole one.
    seed("dtls_client", "short-hello-answered", &[5, 15, 12, 0, 15, 14, 7, 23, 0, 2, b'h', b'i'])?;
    seed("dtls_client", "with-the-key", &[2, 15, 14, 7, 23, 0, 2, b'h', b'i', 8, 21, 0, 2, 1, 0])?;
    seed("dtls_client", "early-finished", &[2, 15, 4, 7, 22, 0, 12, 20, 0, 0, 12, 0, 2, 0, 0, 0, 0, 0, 12])
}

/// The flights of a server, with a signature that is right: the client's random numbers are always the same.
fn flights() -> io::Result<()> {
    const RANDOM: [u8; 32] = [0x5E; 32];
    let hello = |suite: u8, extensions: &[u8]| {
        let extensions = [&[0, 23, 0, 0, 0xFF, 1, 0, 1, 0][..], extensions].concat();
        [&[0xFE, 0xFD][..], &RANDOM, &[0, 0xC0, suite, 0], &long(&extensions)].concat()
    };
    let message = |kind: u8, cut: u8, body: &[u8]| [&[kind, cut][..], &long(body)].concat();
    let psk =
        [message(2, 0, &hello(0xA8, &[])), message(12, 0, &[0, 2, b'h', b'i']), message(14, 0, &[])].concat();
    seed("dtls_handshake", "psk", &[&[0][..], &psk].concat())?;
    let keys = Keys::new();
    let client = Client::new(keys.raw_public_key());
    let client_random = client.sent[0][27..59].to_vec();
    let params = [&[3, 0, 23, 65][..], keys.server_public.point()].concat();
    let digest = Sha256::digest([&client_random[..], &RANDOM, &params].concat());
    let mut signature = [0; 64];
    keys.server
        .sign(&digest.into(), &mut signature)
        .map_err(|error| io::Error::other(format!("{error:?}")))?;
    // A leading zero where the highest bit is set.
    let number = |bytes: &[u8]| match bytes[0] {
        0x80.. => [&[2, bytes.len() as u8 + 1, 0][..], bytes].concat(),
        _ => [&[2, bytes.len() as u8][..], bytes].concat(),
    };
    let pair = [number(&signature[..32]), number(&signature[32..])].concat();
    let signed = [&params[..], &[4, 3], &long(&[&[0x30, pair.len() as u8][..], &pair].concat())].concat();
    let spki = keys.server_public.to_spki();
    let certificate = [&[0, 0, spki.len() as u8][..], &spki].concat();
    let raw = |cut: u8| {
        [
            message(2, cut, &hello(0xAE, &[0, 20, 0, 1, 2, 0, 19, 0, 1, 2])),
            message(11, cut, &certificate),
            message(12, cut, &signed),
            message(13, 0, &[1, 64, 0, 2, 4, 3, 0, 0]),
            message(14, 0, &[]),
        ]
        .concat()
    };
    seed("dtls_handshake", "raw-public-key", &[&[1][..], &raw(0)].concat())?;
    seed("dtls_handshake", "fragments", &[&[1][..], &raw(20)].concat())
}

fn stored() -> io::Result<()> {
    seed("dtls_saved_session", "as-it-was", &[0])?;
    seed("dtls_saved_session", "changed", &[0x12, 0, 3, 1, 0, 200, 7])?;
    seed("saved_registration", "as-it-was", &[0])?;
    seed("saved_registration", "changed", &[0x12, 0, 8, 1, 0, 40, 7])?;
    seed("saved_registration", "short", &[0x30, 0, 4, 0, 2, 1, 1])
}

/// A CA and a server's certificate, and keys, made anew each time: that the seeds change is no harm.
fn certificates() -> io::Result<()> {
    let folder = std::env::temp_dir().join(format!("coracle-seeds-{}", std::process::id()));
    fs::create_dir_all(&folder)?;
    let script = "set -e
        openssl ecparam -name prime256v1 -genkey -noout -out ca.pem
        openssl req -new -x509 -key ca.pem -subj /CN=CA -days 3650 -outform DER -out ca.der
        openssl x509 -inform DER -in ca.der -out ca-cert.pem
        openssl ecparam -name prime256v1 -genkey -noout -out key.pem
        openssl req -new -key key.pem -subj /CN=server.example -out request.pem
        printf 'subjectAltName=DNS:server.example,IP:192.0.2.1\\nextendedKeyUsage=serverAuth\\nkeyUsage=digitalSignature\\n' >ext
        openssl x509 -req -in request.pem -CA ca-cert.pem -CAkey ca.pem -set_serial 7 -days 3650 -extfile ext -outform DER -out leaf.der
        openssl ec -in key.pem -outform DER -out sec1.der
        openssl pkcs8 -topk8 -nocrypt -in key.pem -outform DER -out pkcs8.der
        openssl ec -in key.pem -pubout -outform DER -out spki.der";
    let done = Command::new("sh").args(["-c", script]).current_dir(&folder).output()?;
    if !done.status.success() {
        return Err(io::Error::other(String::from_utf8_lossy(&done.stderr).into_owned()));
    }
    let file = |name: &str| fs::read(folder.join(name));
    let (ca, leaf) = (file("ca.der")?, file("leaf.der")?);
    for (name, mode, first, second) in [
        ("end-entity", 3, &leaf, &ca),
        ("anchor", 0x26, &leaf, &ca),
        ("authority", 0x2c, &leaf, &ca),
        ("self", 0x12, &ca, &ca),
    ] {
        seed("x509", name, &[&[mode][..], &long(first), second].concat())?;
    }
    for name in ["sec1.der", "pkcs8.der", "spki.der"] {
        seed("keys", name, &file(name)?)?;
    }
    seed("keys", "scalar", &[7; 32])?;
    let spki = file("spki.der")?;
    seed("keys", "point", &spki[spki.len() - 65..])?;
    fs::remove_dir_all(folder)
}
