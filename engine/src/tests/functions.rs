//! Resources that a function of the application writes: it may refuse what was accepted so far.

use coap_lite::CoapOption;

use super::{Rig, SERVER, set_format};
use crate::model::{Changes, Instance, Status, Text, Value};

/// A valve that moves up to 100.
#[derive(coracle_objects_derive::Object)]
#[lwm2m(id = 33002, crate = crate, computed(1: i32 = position, write = move_to))]
struct Valve {
    #[lwm2m(id = 0, ops = "RW")]
    label: Option<Text<8>>,
    at: i32,
    changes: Changes,
}

impl Valve {
    const fn position(&self) -> i32 {
        self.at
    }

    const fn move_to(&mut self, position: i32) -> Result<(), Status> {
        if position > 100 {
            return Err(Status::InternalServerError);
        }
        self.at = position;
        Ok(())
    }
}

#[derive(coracle_objects_derive::Objects)]
#[lwm2m(crate = crate)]
struct Valves {
    valve: Valve,
}

/// Writes to the valve; the code of the answer, its label and position.
fn write(valves: &mut Valves, text: &str, json: &str) -> (u8, std::string::String, i32) {
    let mut rig = Rig::registered();
    let mut request = rig.request(text);
    set_format(&mut request, CoapOption::ContentFormat, 110);
    request.payload = json.as_bytes().to_vec();
    let mut out = [0; 64];
    rig.engine.handle_message(rig.now(), SERVER, &request.to_bytes().unwrap(), valves, &mut out).unwrap();
    let mut label = std::string::String::new();
    let _ = valves.valve.read(0, 0, &mut |value| {
        if let Value::String(text) = value {
            label = std::format!("{text:?}");
        }
    });
    (out[1], label, valves.valve.at)
}

#[test]
fn what_a_function_refuses_leaves_everything_as_it_was() {
    let mut valves = Valves { valve: Valve { label: None, at: 5, changes: Changes::NONE } };
    let json = |label, position| {
        std::format!(r#"[{{"bn":"/33002/0/","n":"0","vs":"{label}"}},{{"n":"1","v":{position}}}]"#)
    };
    assert_eq!(write(&mut valves, "POST /33002/0", &json("a", 6)), (0x44, "a".into(), 6));
    assert_eq!(write(&mut valves, "POST /33002/0", &json("b", 101)), (0xa0, "a".into(), 6));
    assert_eq!(write(&mut valves, "PUT /33002/0", &json("b", 101)), (0xa0, "a".into(), 6));
    let alone = r#"[{"n":"/33002/0/1","v":101}]"#;
    assert_eq!(write(&mut valves, "PUT /33002/0", alone), (0xa0, "a".into(), 6));
    assert_eq!(write(&mut valves, "PUT /33002/0/1", alone), (0xa0, "a".into(), 6));
    assert_eq!(write(&mut valves, "PUT /33002/0", &json("c", 7)), (0x44, "c".into(), 7));
    assert_eq!(
        write(&mut valves, "PUT /33002/0", &alone.replace("101", "8")),
        (0x44, std::string::String::new(), 8)
    );
}
