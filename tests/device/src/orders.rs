//! What a test asks of the thread of its device.

use std::sync::mpsc::Sender;

use coracle::driver::blocking::Driver;
use coracle::model::Objects;
use coracle::platform::Network as _;
use coracle::{Client, Counters, Profile, SaveError, ServerIndex};

use crate::names::Names;
use crate::objects::Things;

/// One thing to do between two waits.
pub(crate) enum Order {
    Update(Box<dyn FnOnce(&mut Things) + Send>),
    Look(Box<dyn FnOnce(&Things) + Send>),
    Register,
    Deregister,
    UpdateRegistration(ServerIndex),
    Reconnect(ServerIndex),
    Alert(ServerIndex, Sender<Option<u8>>),
    Save(ServerIndex, Sender<Result<Vec<u8>, SaveError>>),
    Counters(Sender<Counters>),
    CpuTime(Sender<std::time::Duration>),
}

impl Order {
    /// Carries the order out. A test that has stopped waiting for the answer is no error.
    pub(crate) fn obey<P: Profile>(self, driver: &mut Driver<'_, P, Things, Names>)
    where
        Things: Objects,
    {
        match self {
            Self::Update(change) => driver.client().update(change),
            Self::Look(look) => look(driver.client().objects()),
            Self::Register => driver.register(),
            Self::Deregister => driver.deregister(),
            Self::UpdateRegistration(server) => driver.client().update_registration(server),
            Self::Reconnect(server) => {
                let now = driver.network().now();
                driver.client().reconnect(now, server);
            }
            Self::Save(server, answer) => drop(answer.send(save(driver, server, 0))),
            Self::Alert(server, answer) => {
                let account = driver.client().server_object(server);
                let _ = answer.send(account.and_then(coracle::Server::tls_dtls_alert_code));
            }
            Self::Counters(answer) => drop(answer.send(driver.client().counters())),
            Self::CpuTime(answer) => drop(answer.send(thread_cpu_time())),
        }
    }
}

/// The registration with a server, and its session, as bytes that outlive the RAM.
pub(crate) fn save<P: Profile>(
    driver: &mut Driver<'_, P, Things, Names>,
    server: ServerIndex,
    reserve: u32,
) -> Result<Vec<u8>, SaveError> {
    let now = driver.network().now();
    let mut bytes = vec![0; Client::<P, Things>::SAVED_LEN];
    let length = driver.client().save(now, server, reserve, &mut bytes)?;
    bytes.truncate(length);
    Ok(bytes)
}

/// How long the calling thread has kept a processor busy.
fn thread_cpu_time() -> std::time::Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    std::time::Duration::new(time.tv_sec.try_into().unwrap_or(0), time.tv_nsec.try_into().unwrap_or(0))
}
