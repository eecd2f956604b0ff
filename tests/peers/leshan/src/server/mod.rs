mod events;
mod lines;
mod manage;
mod provision;

use std::collections::{BTreeMap, VecDeque};
use std::env;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use serde::Deserialize;
use serde_json::Map;

use crate::error::Error;
use crate::event::Event;
use crate::maven;
use crate::options::{Options, Ports};
use crate::process::Process;
use lines::Line;

/// A JVM on a busy machine, among other JVMs that start.
const START_LIMIT: Duration = Duration::from_mins(3);
/// A program that has taken a port for a moment is gone after this.
const PORT_LIMIT: Duration = Duration::from_mins(1);
/// What a process has written before its end is read after it, by a thread that may have to wait for its turn.
const READ_LIMIT: Duration = Duration::from_secs(10);

/// The running peer.
#[derive(Debug)]
pub struct Leshan {
    jar: PathBuf,
    options: Options,
    ports: Ports,
    process: Process,
    /// What a restarted server must be told again.
    provisioning: Vec<Map<String, serde_json::Value>>,
    next_id: u64,
    answers: BTreeMap<u64, Line>,
    events: VecDeque<Event>,
}

/// A command whose answer was not fetched yet.
#[derive(Debug)]
pub struct Ticket {
    id: u64,
    deadline: Instant,
}

impl Leshan {
    /// Whether the peer can be used. If not, and the environment variable `CORACLE_PEERS` is `required`, this panics;
    /// else it says so on standard error, past the capture of test output, and the test should return.
    ///
    /// # Panics
    ///
    /// If the peer is absent and required, or if its sources do not compile.
    pub fn available() -> bool {
        match maven::build() {
            Ok(_) => true,
            Err(error) if env::var("CORACLE_PEERS").is_ok_and(|value| value == "required") => {
                panic!("CORACLE_PEERS=required, but {error}")
            }
            Err(error) => {
                let _ = writeln!(std::io::stderr(), "SKIPPED: {error}");
                false
            }
        }
    }

    /// Starts the servers, building the jar if need be. Returns when the ports are bound.
    ///
    /// # Errors
    ///
    /// [`Error::Unavailable`] without Java or Maven, [`Error::Start`] when the peer refuses its options.
    pub fn start(options: Options) -> Result<Self, Error> {
        let jar = maven::build()?;
        let (process, ports) = spawn(&jar, &options)?;
        Ok(Self {
            jar,
            options,
            ports,
            process,
            provisioning: Vec::new(),
            next_id: 1,
            answers: BTreeMap::new(),
            events: VecDeque::new(),
        })
    }

    /// The bound ports, on 127.0.0.1.
    pub fn ports(&self) -> Ports {
        self.ports
    }

    /// `coap://127.0.0.1:port` of the LwM2M server.
    pub fn coap_uri(&self) -> String {
        format!("coap://127.0.0.1:{}", self.ports.coap)
    }

    /// `coaps://127.0.0.1:port` of the LwM2M server.
    pub fn coaps_uri(&self) -> String {
        format!("coaps://127.0.0.1:{}", self.ports.coaps)
    }

    /// `coap://127.0.0.1:port` of the bootstrap server.
    pub fn bootstrap_coap_uri(&self) -> String {
        format!("coap://127.0.0.1:{}", self.ports.bs_coap)
    }

    /// `coaps://127.0.0.1:port` of the bootstrap server.
    pub fn bootstrap_coaps_uri(&self) -> String {
        format!("coaps://127.0.0.1:{}", self.ports.bs_coaps)
    }

    /// The id of the process.
    pub fn process_id(&self) -> u32 {
        self.process.id()
    }

    /// The last lines of the peer's log, for the message of a failing test.
    pub fn log(&self) -> String {
        self.process.log()
    }

    /// Ends the process, as an outage. Unread events and answers stay readable.
    pub fn stop(&mut self) {
        let _ = self.pump_until(Instant::now());
        self.process.end();
        // Ends with the last line.
        let _ = self.pump_until(Instant::now() + READ_LIMIT);
    }

    /// Starts the process again after [`Leshan::stop`], on the same ports. It has forgotten all registrations,
    /// observations and DTLS sessions; credentials and bootstrap configurations are given to it again.
    ///
    /// # Errors
    ///
    /// [`Error::Start`] when the ports stay taken by another program.
    pub fn resume(&mut self) -> Result<(), Error> {
        self.options = self.options.clone().ports(self.ports);
        let deadline = Instant::now() + PORT_LIMIT;
        self.process = loop {
            match spawn(&self.jar, &self.options) {
                Ok((process, _)) => break process,
                // Some other program may use a port for a moment.
                Err(Error::Start(_)) if Instant::now() < deadline => {
                    thread::sleep(Duration::from_millis(200));
                }
                Err(error) => return Err(error),
            }
        };
        self.answers.clear();
        for command in self.provisioning.clone() {
            self.order(command)?;
        }
        Ok(())
    }

    /// [`Leshan::stop`] and [`Leshan::resume`].
    ///
    /// # Errors
    ///
    /// As [`Leshan::resume`].
    pub fn restart_on_same_ports(&mut self) -> Result<(), Error> {
        self.stop();
        self.resume()
    }
}

/// Starts the process and waits for its first line.
fn spawn(jar: &Path, options: &Options) -> Result<(Process, Ports), Error> {
    #[derive(Deserialize)]
    #[serde(tag = "event", rename_all = "kebab-case")]
    enum First {
        Ready { ports: Ports },
        Failed { message: String },
    }
    let process = Process::start(jar, &options.to_arguments())?;
    let line = match process.read(Instant::now() + START_LIMIT) {
        Ok(Some(line)) => line,
        Ok(None) => {
            return Err(Error::Start(format!("no line in {START_LIMIT:?}; its log:\n{}", process.log())));
        }
        Err(error) => return Err(Error::Start(error.to_string())),
    };
    match serde_json::from_str(&line) {
        Ok(First::Ready { ports }) => Ok((process, ports)),
        Ok(First::Failed { message }) => Err(Error::Start(message)),
        Err(error) => Err(Error::Protocol(format!("{error}: {line}"))),
    }
}
