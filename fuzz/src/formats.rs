//! Writes that a server sends, and what a Read then gives.
//!
//! What was stored is read in the same format and in every other one, each of which is written to a device with other
//! values: then both devices have the same values.

use crate::device::{Device, con, registered};
use crate::input::Input;
use crate::message::{GET, POST, PUT, Seen, option};
use crate::objects::Everything;

/// Content formats by number.
pub mod format {
    #![expect(missing_docs, reason = "the names are those of the registry")]
    pub const TEXT: u32 = 0;
    pub const OPAQUE: u32 = 42;
    pub const CBOR: u32 = 60;
    pub const SENML_JSON: u32 = 110;
    pub const SENML_CBOR: u32 = 112;
    pub const TLV: u32 = 11542;
}

const CHANGED: u8 = 0x44;
const CONTENT: u8 = 0x45;
const INSTANCE: &str = "/33000/0";
/// The formats that carry a whole instance.
const WHOLE: [u32; 3] = [format::TLV, format::SENML_JSON, format::SENML_CBOR];

/// Message ids of the requests here; the ids are never used twice within a run.
struct Session<'d, 'm> {
    device: &'d mut Device<'m>,
    id: u16,
}

impl Session<'_, '_> {
    fn send(&mut self, code: u8, path: &str, content_format: u32, payload: &[u8]) -> Seen {
        self.id += 1;
        // All duplicates of before are forgotten: a table that is full of them is not what is looked for.
        self.device.now += 300_000;
        let message = con(code, self.id).path(path).option_uint(option::CONTENT_FORMAT, content_format);
        self.device.request(message.payload(payload))
    }

    fn read(&mut self, path: &str, accept: u32) -> Result<Vec<u8>, String> {
        let (mut body, mut number) = (Vec::new(), 0);
        loop {
            self.id += 1;
            let message = con(GET, self.id).path(path).option_uint(option::ACCEPT, accept);
            let message =
                if number > 0 { message.option_uint(option::BLOCK2, number << 4 | 3) } else { message };
            let answer = self.device.request(message.payload(&[]));
            if answer.code != CONTENT {
                return Err(answer.code_text());
            }
            body.extend(&answer.payload);
            let block = answer.options.iter().find(|(number, _)| *number == option::BLOCK2);
            match block.and_then(|(_, value)| value.last()) {
                Some(last) if last & 8 != 0 => number += 1,
                _ => return Ok(body),
            }
        }
    }

    fn values(&self) -> &Everything {
        &self.device.things().everything
    }

    /// Other values than those that a write has left.
    fn reset(&mut self) {
        self.device.change(|things| things.everything = Everything::new());
    }
}

/// Writes the input: its first byte chooses the path, the second one how, the rest is the payload.
pub fn round_trip(content_format: u32, data: &[u8]) {
    let mut input = Input::new(data);
    let (place, method) = (input.byte(), input.byte());
    let payload = input.rest();
    let single = !WHOLE.contains(&content_format);
    registered(|device| {
        let mut session = Session { device, id: 0 };
        let path = target(place, single);
        let code = if method % 4 == 1 { POST } else { PUT };
        let before = session.values().snapshot();
        let answer = session.send(code, &path, content_format, payload);
        if answer.code != CHANGED {
            assert_eq!(
                session.values().snapshot(),
                before,
                "a refused write ({}) has changed something",
                answer.code_text()
            );
            return;
        }
        if single {
            single_round_trip(&mut session, &path, content_format);
        }
        whole_round_trips(&mut session);
    });
}

/// What was written can be read, and written, again.
fn single_round_trip(session: &mut Session<'_, '_>, path: &str, content_format: u32) {
    let stored = session.values().snapshot();
    let Ok(read) = session.read(path, content_format) else {
        assert!(
            session.values().has_odd_float(),
            "{path} was written in {content_format}, and can't be read"
        );
        return;
    };
    session.reset();
    let answer = session.send(PUT, path, content_format, &read);
    assert_eq!(answer.code, CHANGED, "{path}: what was read is refused: {read:02x?}");
    assert_eq!(session.values().snapshot(), stored, "{path}: read as {read:02x?}");
}

fn whole_round_trips(session: &mut Session<'_, '_>) {
    let stored = session.device.things().clone();
    let expected = session.values().snapshot();
    for content_format in WHOLE {
        let values = stored.everything.clone();
        session.device.change(|things| things.everything = values);
        let Ok(read) = session.read(INSTANCE, content_format) else {
            assert!(session.values().has_odd_float(), "the object can't be read in {content_format}");
            continue;
        };
        if content_format == format::SENML_JSON {
            serde_json::from_slice::<serde_json::Value>(&read).expect("JSON");
        }
        session.reset();
        let answer = session.send(PUT, INSTANCE, content_format, &read);
        assert_eq!(answer.code, CHANGED, "format {content_format}: what was read is refused: {read:02x?}");
        assert_eq!(session.values().snapshot(), expected, "format {content_format}: {read:02x?}");
    }
}

/// Formats of one value go to a resource; the others anywhere.
fn target(place: u8, single: bool) -> String {
    match place {
        200.. if !single => "/33000".into(),
        100..200 if !single => INSTANCE.into(),
        80.. => format!("{INSTANCE}/8/{}", place % 4),
        60.. => format!("{INSTANCE}/11/{}", place % 4),
        _ => format!("{INSTANCE}/{}", place % 15),
    }
}
