//! The registration interface of the script.

use coap_lite::{CoapOption, MessageClass, MessageType, Packet};

use super::{Ask, Registered, Script};

impl Script {
    pub(super) fn handle_request(&mut self, now: u64, port: u32, packet: &Packet) {
        let id = packet.header.message_id;
        if self.is_repeated(now, port, id) {
            if let Some(Some(reply)) = self.seen.get(&(port, id)).map(|(_, reply)| reply.clone()) {
                self.out.push_back((port, reply));
            }
            return;
        }
        assert_eq!(packet.header.get_type(), MessageType::Confirmable, "registrations are confirmable");
        let mut response = Packet::new();
        response.header.set_version(1);
        response.header.set_type(MessageType::Acknowledgement);
        response.header.message_id = id;
        response.set_token(packet.get_token().to_vec());
        let path = texts(packet, CoapOption::UriPath);
        let path: Vec<&str> = path.iter().map(String::as_str).collect();
        match (packet.header.get_code().as_str(), &path[..]) {
            ("0.02", ["rd"]) => self.register(now, port, packet, &mut response),
            ("0.02", ["rd", location]) => {
                response.header.set_code(self.update(now, port, packet, location));
            }
            ("0.04", ["rd", location]) => {
                let known = self.registered.as_ref().is_some_and(|r| r.location == *location);
                response.header.set_code(if known { "2.02" } else { "4.04" });
                if known {
                    self.registered = None;
                    self.deregisters.push(now);
                    self.past.extend(std::mem::take(&mut self.observed).into_values());
                }
            }
            other => panic!("the device asks for {other:?}"),
        }
        let Some(most) = self.separate else {
            let bytes = response.to_bytes().expect("a message");
            self.seen.insert((port, id), (now, Some(bytes.clone())));
            self.out.push_back((port, bytes));
            return;
        };
        let mut empty = Packet::new();
        empty.header.set_version(1);
        empty.header.set_type(MessageType::Acknowledgement);
        empty.header.code = MessageClass::Empty;
        empty.header.message_id = id;
        let bytes = empty.to_bytes().expect("a message");
        self.seen.insert((port, id), (now, Some(bytes.clone())));
        self.out.push_back((port, bytes));
        response.header.set_type(MessageType::Confirmable);
        let later = now + self.rng.between(0, most);
        self.start(later, port, None, Ask::default(), response);
    }

    fn register(&mut self, now: u64, port: u32, packet: &Packet, response: &mut Packet) {
        if let Some(code) = self.refuses {
            return response.header.set_code(code);
        }
        let queries = texts(packet, CoapOption::UriQuery);
        let query = |name: &str| queries.iter().find_map(|query| query.strip_prefix(name));
        assert!(query("ep=").is_some() && query("lwm2m=").is_some(), "{queries:?}");
        let lifetime = query("lt=").and_then(|text| text.parse().ok()).expect("a lifetime");
        let location = format!("r{}", self.registers.len());
        response.header.set_code("2.01");
        response.add_option(CoapOption::LocationPath, b"rd".to_vec());
        response.add_option(CoapOption::LocationPath, location.clone().into_bytes());
        self.registered = Some(Registered { location, lifetime, since: now, port });
        self.registers.push(now);
        self.past.extend(std::mem::take(&mut self.observed).into_values());
    }

    fn update(&mut self, now: u64, port: u32, packet: &Packet, location: &str) -> &'static str {
        let Some(registered) = self.registered.as_mut().filter(|r| r.location == location) else {
            return "4.04";
        };
        let queries = texts(packet, CoapOption::UriQuery);
        let lifetime = queries.iter().find_map(|query| query.strip_prefix("lt="));
        if let Some(lifetime) = lifetime.and_then(|text| text.parse().ok()) {
            registered.lifetime = lifetime;
        }
        (registered.since, registered.port) = (now, port);
        self.updates.push(now);
        "2.04"
    }
}

fn texts(packet: &Packet, option: CoapOption) -> Vec<String> {
    let values = packet.get_option(option).cloned().unwrap_or_default();
    values.into_iter().map(|value| String::from_utf8(value).expect("text")).collect()
}
