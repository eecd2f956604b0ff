//! Malformed datagrams and payloads: the thread must survive all of them, and go on serving.

mod common;

use coap_lite::{CoapOption, MessageType, Packet};
use common::{FakeDevice, Pair, TEXT, code, config, content, last_request, number, obliging, pair};
use coracle_demo_server::{Format, Types, Value, decode, encode, newest, tree};

/// Seeded numbers (xorshift), so that a failure comes again.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, limit: usize) -> usize {
        (self.next() % limit as u64) as usize
    }

    /// Changes, removes, doubles or adds bytes.
    fn mutate(&mut self, bytes: &[u8]) -> Vec<u8> {
        let mut bytes = bytes.to_vec();
        for _ in 0..=self.below(4) {
            let at = self.below(bytes.len() + 1);
            match self.below(5) {
                0 if at < bytes.len() => bytes[at] = self.next() as u8,
                1 if at < bytes.len() => bytes[at] ^= 1 << self.below(8),
                2 if at < bytes.len() => drop(bytes.remove(at)),
                3 => bytes.truncate(at),
                _ => bytes.insert(at, self.next() as u8),
            }
        }
        bytes
    }

    fn bytes(&mut self, limit: usize) -> Vec<u8> {
        (0..self.below(limit)).map(|_| self.next() as u8).collect()
    }
}

fn bytes(packet: &Packet) -> Vec<u8> {
    packet.to_bytes_unlimited().unwrap()
}

/// Sends `datagrams` in bunches small enough for the socket's buffer, and checks that the server still answers.
fn pelt(pair: &Pair, datagrams: impl Iterator<Item = Vec<u8>>) {
    // At an address of its own: nonsense may have had the message id of whatever follows it.
    let witness = FakeDevice::silent(pair.server.address());
    for (index, datagram) in datagrams.enumerate() {
        pair.fake.send_bytes(&datagram);
        if index % 64 == 63 {
            settle(&witness);
        }
    }
    settle(&witness);
}

/// Waits until everything sent before, by whomever, has been dealt with.
fn settle(witness: &FakeDevice) {
    let ping = common::empty(MessageType::Confirmable, witness.mid());
    assert_eq!(witness.exchange(&ping).header.get_type(), MessageType::Reset);
}

#[test]
fn every_truncation_and_many_mutations_of_what_a_device_sends() {
    let pair = pair(config(), |request| {
        let mut answer = content(request, TEXT, b"77");
        if number(request, CoapOption::Observe).is_some() {
            answer.add_option(CoapOption::Observe, vec![1]);
        }
        vec![answer]
    });
    pair.server.device("dev").observe("/3/0/9", Format::Text).send().unwrap();
    let observed = last_request(&pair);
    let fake = &pair.fake;

    let mut register = fake.request(MessageType::Confirmable, "0.02", "/rd", "ep=x&lt=60&lwm2m=1.1&b=U&Q");
    register.add_option(CoapOption::ContentFormat, vec![40]);
    register.payload = br#"</>;rt="oma.lwm2m";ct="60 112",</1/0>,</3/0>"#.to_vec();
    let update = fake.request(MessageType::Confirmable, "0.02", &pair.registration.location, "lt=90");
    let mut send = fake.request(MessageType::NonConfirmable, "0.02", "/dp", "");
    send.add_option(CoapOption::ContentFormat, vec![110]);
    send.payload = br#"[{"n":"/3/0/9","v":77,"t":-1}]"#.to_vec();
    let mut notification = fake.separate(MessageType::Confirmable, &observed, "2.05");
    notification.add_option(CoapOption::Observe, vec![2]);
    notification.add_option(CoapOption::ContentFormat, vec![]);
    notification.payload = b"78".to_vec();
    let seeds: Vec<Vec<u8>> =
        [register, update, send, notification, content(&observed, TEXT, b"1")].iter().map(bytes).collect();

    for seed in &seeds {
        pelt(&pair, (0..seed.len()).map(|end| seed[..end].to_vec()));
    }
    let mut random = Random(0x5EED);
    pelt(&pair, (0..8000).map(|index| random.mutate(&seeds[index % seeds.len()])));
    assert!(pair.server.is_running());
    let stats = pair.server.stats();
    assert!(stats.malformed > 500 && stats.unmatched > 100, "{stats:?}");
}

#[test]
fn noise() {
    let pair = obliging();
    let mut random = Random(0xBAD5EED);
    pelt(&pair, (0..4000).map(|_| random.bytes(80)));
    let header = |random: &mut Random| [&[0x40 | random.next() as u8 & 0x3F][..], &random.bytes(40)].concat();
    pelt(&pair, (0..4000).map(|_| header(&mut random)));
    pelt(&pair, [vec![], vec![0x40; 60_000]].into_iter());
    assert!(pair.server.is_running());
    // The registered device is still there, and still served.
    assert_eq!(pair.server.device("dev").read("/3/0/9", None).send().unwrap().value(), Some(77.into()));
    let other = FakeDevice::silent(pair.server.address());
    assert_eq!(code(&other.register("ep=other", "</1/0>")), "2.01");
}

#[test]
fn answers_of_nonsense_are_answers() {
    let mut random = Random(7);
    let pair = pair(config(), move |request| {
        let format = [0, 40, 42, 60, 110, 112, 11542, 9][random.below(8)];
        vec![content(request, format, &random.bytes(30))]
    });
    let device = pair.server.device("dev");
    for _ in 0..300 {
        let answer = device.read("/3/0", None).send().unwrap();
        let _ = (answer.values(), answer.links(), answer.location(), format!("{answer:#}"));
    }
}

#[test]
fn payloads_in_every_format() {
    let types = Types::default();
    let node = tree([
        ("0", Value::from("Coracle")),
        ("9", 77.into()),
        ("13", Value::Time(1_476_186_613)),
        ("22/0", Value::Objlink(3303, 0)),
        ("11/0", 1.into()),
        ("11/1", 2.into()),
        ("700", vec![1_u8, 2, 3].into()),
        ("701", true.into()),
        ("702", 21.25.into()),
    ]);
    let mut seeds: Vec<(Format, &str, Vec<u8>)> = [Format::Tlv, Format::SenmlJson, Format::SenmlCbor]
        .map(|format| (format, "/3/0", encode(format, "/3/0", &node, &types).unwrap()))
        .into();
    seeds.push((Format::Cbor, "/3/0/13", b"\xC0\x742013-03-21T20:04:00Z".to_vec()));
    seeds.push((Format::Text, "/3303/0/5700", b"-21.25e3".to_vec()));
    seeds.push((Format::Text, "/3/0/22/0", b"3303:0".to_vec()));
    seeds.push((Format::Link, "/3", br#"</3/0>;pmin=1;x="a\"b",</3/0/9>;gt=1.5"#.to_vec()));
    seeds.push((Format::Opaque, "/3/0/9", b"x".to_vec()));
    let mut random = Random(0xF00D);
    let (mut read, mut refused) = (0, 0);
    for (format, base, seed) in &seeds {
        let mut check = |payload: &[u8]| match decode(*format, base, payload, &types) {
            Ok(records) => {
                read += 1;
                for value in newest(records).values() {
                    drop(value.to_string());
                }
            }
            Err(error) => {
                refused += 1;
                assert!(!error.to_string().is_empty());
            }
        };
        (0..=seed.len()).for_each(|end| check(&seed[..end]));
        (0..20_000).for_each(|_| check(&random.mutate(seed)));
        (0..5_000).for_each(|_| check(&random.bytes(40)));
    }
    assert!(read > 1000 && refused > 1000, "{read} read, {refused} refused");
}
