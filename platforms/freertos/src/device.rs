//! A device for tests of what goes beyond one file.

use coracle::driver::blocking::Driver;
use coracle::model::Changes;
use coracle::platform::PredictableEntropy;
use coracle::{Client, Credentials, DefaultProfile, Memory, RegistrationState, ServerIndex, ServerSettings};
use std::boxed::Box;
use std::vec::Vec;

use crate::{LwipDriver, LwipNetwork, fake};

pub(crate) const SERVER: ServerIndex = ServerIndex(0);

/// Counts.
#[derive(coracle::Object)]
#[lwm2m(id = 33001)]
pub(crate) struct Counter {
    #[lwm2m(id = 0, ops = "R")]
    value: u32,
    changes: Changes,
}

#[derive(coracle::Objects)]
pub(crate) struct Things {
    pub(crate) counter: Counter,
}

impl Things {
    pub(crate) fn count(&mut self) {
        self.counter.set_value(self.counter.value() + 1);
    }

    pub(crate) fn counted(&self) -> u32 {
        self.counter.value()
    }
}

/// A device that has not spoken with its server yet.
pub(crate) fn driver() -> LwipDriver<'static, DefaultProfile, Things> {
    let Memory { client, buffers } = Box::leak(Box::new(Memory::<DefaultProfile>::EMPTY));
    let things = Things { counter: Counter { value: 0, changes: Changes::NONE } };
    let mut client = Client::new(client, "device", things, &mut PredictableEntropy::from_seed(7)).unwrap();
    let settings = ServerSettings {
        uri: "coap://192.0.2.1",
        short_server_id: 1,
        lifetime_s: 300,
        store_notifications: true,
        credentials: Credentials::NONE,
    };
    assert_eq!(client.add_server(&settings), Ok(SERVER));
    Driver::new(client, LwipNetwork::new().unwrap(), buffers)
}

/// The answer to the request that was sent last: this code, and these options.
pub(crate) fn answer(code: u8, options: &[u8]) {
    let (request, _) = fake::sent().pop().unwrap();
    let token = usize::from(request[0] & 0xf);
    let mut answer = Vec::from([0x60 | request[0] & 0xf, code, request[2], request[3]]);
    answer.extend_from_slice(&request[4..4 + token]);
    answer.extend_from_slice(options);
    fake::deliver(0, &answer);
}

/// Registers at /rd/a.
pub(crate) fn register(driver: &mut LwipDriver<'static, DefaultProfile, Things>) {
    driver.register();
    driver.step();
    while driver.client().poll_event().is_some() {}
    driver.step();
    answer(0x41, &[0x82, b'r', b'd', 0x01, b'a']);
    driver.step();
    assert_eq!(driver.client().state(SERVER), Some(RegistrationState::Registered));
}
