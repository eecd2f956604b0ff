//! A small LwM2M server for demos and tests of devices, inside of the program that needs it.
//!
//! It runs in one background thread on any UDP port, takes registrations, tells what happens through a channel, and
//! makes requests to devices. Its codecs are other people's (`coap-lite`, `ciborium`, `serde_json`, `base64`; TLV, text
//! and link format are its own), never those of the device, so that a fault of an encoder cannot hide behind the same
//! fault of a decoder.
//!
//! - [`Server::start`] begins, dropping the [`Server`] ends.
//! - [`Server::subscribe`] gives the [`Event`]s: registrations, updates, notifications, Send.
//! - [`Server::device`] gives a [`Device`] with one method per operation; each makes a [`Request`] that can be refined
//!   (options, token, non-confirmable) and then [sent](Request::send), or [started](Request::start) to have several on
//!   their way at once. The [`Answer`] decodes its payload.
//! - [`Faults`] make network and server misbehave, reproducibly.
//! - [`Server::start_secured`] has DTLS with pre-shared keys under it; [`Transport`] is where other layers go.
//!
//! Events, requests and answers print as one line each.
//!
//! ```
//! use std::time::Duration;
//! use coracle_demo_server::{Config, Event, Format, Mode, Server, Value};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let server = Server::start(Config::default())?;
//! let events = server.subscribe();
//! // ... a device connects to server.uri() ...
//! # let device = doc_device(&server)?;
//!
//! let soon = Duration::from_secs(5);
//! let registration = events.registered("urn:dev:1", soon).ok_or("nobody registered")?;
//! println!("{}", Event::Registered(registration));
//! // registered urn:dev:1, lifetime 60 s, LwM2M 1.1, binding U, 2 links, 127.0.0.1:41000
//!
//! let device = server.device("urn:dev:1");
//! let answer = device.read("/3303/0/5700", Format::Text).send()?.success()?;
//! assert_eq!(answer.value(), Some(Value::Float(21.5)));
//! assert_eq!(format!("{answer:#}"), "GET /3303/0/5700 (text) -> 2.05 Content, 21.5");
//!
//! let request = device.write("/3/0/14", "+02:00", Mode::Replace, Format::Text);
//! assert_eq!(request.to_string(), r#"PUT /3/0/14 (text) "+02:00""#);
//! assert!(request.send()?.code.is_success());
//! # Ok(())
//! # }
//! #
//! # /// A device that answers every request with 21.5.
//! # fn doc_device(server: &Server) -> std::io::Result<std::thread::JoinHandle<()>> {
//! #     use coap_lite::{CoapOption, MessageType, Packet};
//! #     let socket = std::net::UdpSocket::bind("127.0.0.1:0")?;
//! #     socket.connect(server.address())?;
//! #     socket.set_read_timeout(Some(Duration::from_secs(5)))?;
//! #     let mut register = Packet::new();
//! #     register.header.set_version(1);
//! #     register.header.set_code("0.02");
//! #     register.add_option(CoapOption::UriPath, b"rd".to_vec());
//! #     for query in ["ep=urn:dev:1", "lt=60", "lwm2m=1.1", "b=U"] {
//! #         register.add_option(CoapOption::UriQuery, query.into());
//! #     }
//! #     register.add_option(CoapOption::ContentFormat, vec![40]);
//! #     register.payload = b"</3/0>,</3303/0>".to_vec();
//! #     socket.send(&register.to_bytes().unwrap())?;
//! #     Ok(std::thread::spawn(move || {
//! #         let mut buffer = [0; 1024];
//! #         while let Ok(length) = socket.recv(&mut buffer) {
//! #             let mut packet = Packet::from_bytes(&buffer[..length]).unwrap();
//! #             if packet.header.get_type() == MessageType::Confirmable {
//! #                 packet.header.set_type(MessageType::Acknowledgement);
//! #                 packet.header.set_code("2.05");
//! #                 packet.clear_all_options();
//! #                 packet.add_option(CoapOption::ContentFormat, vec![]);
//! #                 packet.payload = b"21.5".to_vec();
//! #                 socket.send(&packet.to_bytes().unwrap()).unwrap();
//! #             }
//! #         }
//! #     }))
//! # }
//! ```
//!
//! What it does not have: bootstrap, block-wise requests and registrations (a Register with Block1 gets 4.02), builders
//! for the composite operations (use [`Device::request`] with [`Method::Fetch`] or [`Method::IPatch`]), queues for
//! sleeping devices.

mod answer;
mod code;
mod core;
mod dedup;
mod device;
mod event;
mod exchange;
mod faults;
mod format;
mod message;
mod registry;
mod secured;
mod server;
mod time;
mod transport;
mod value;

pub use answer::{Answer, Carrier, RequestError};
pub use code::{Code, Method};
pub use device::{Device, Mode, Pending, Request};
pub use event::{Ended, Event, Events};
pub use exchange::Retransmission;
pub use faults::{Faults, Faulty, Impairment};
pub use format::link::Link;
pub use format::{Format, Node, PayloadError, Record, decode, encode, newest, tree};
pub use registry::{Changes, Registration};
pub use secured::{PreSharedKeys, Secured};
pub use server::{Config, Server};
pub use transport::{PeerId, Received, Transport, Udp, Waker};
pub use value::{Type, Types, Value, Values};

pub use crate::core::Stats;
