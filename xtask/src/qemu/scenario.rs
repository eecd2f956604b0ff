//! What has to hold on every board.

use std::time::{Duration, Instant};

use coracle_leshan_peer::{Answer, Code, Command, Event, Format, Mode, Node, Value};

use super::proxy::Proxy;
use super::screen::Screen;
use super::server::{Server, text};
use super::{Fault, Firmware};

/// Power-on to Register, on a machine that is busy.
const BOOT: Duration = Duration::from_mins(3);
/// A server restart is noticed by an Update that is not answered.
const RECOVERY: Duration = Duration::from_mins(5);
/// The demo's temperature changes each second, but the network may be bad and the machine busy.
const NOTIFICATION: Duration = Duration::from_mins(2);
/// The loss that the phase on a bad network has.
const LOSS_PERCENT: u32 = 20;
/// Requests and notifications on the bad network.
const LOSSY_ROUNDS: i64 = 4;

const TEMPERATURE: &str = "/3303/0/5700";
const LOWEST: &str = "/3303/0/5601";
const RESET_EXTREMES: &str = "/3303/0/5605";
const DIMMER: &str = "/3311/0/5851";
const ON_OFF: &str = "/3311/0/5850";

/// The parts of a run.
pub(crate) struct Scenario<'a> {
    pub(crate) endpoint: &'a str,
    pub(crate) lifetime_s: u64,
    pub(crate) secure: bool,
    /// The device keeps its registration over a reboot.
    pub(crate) keeps_registration: bool,
    pub(crate) screen: &'a Screen,
    pub(crate) server: Server,
    pub(crate) proxy: Proxy,
    pub(crate) firmware: Firmware,
    /// What has held so far.
    pub(crate) held: Vec<String>,
}

impl Scenario<'_> {
    /// From power-on to the end of the firmware.
    pub(crate) fn run(&mut self) -> Result<(), Fault> {
        self.registers(BOOT)?;
        let security = if self.secure { "DTLS with a pre-shared key" } else { "plain CoAP" };
        self.hold(format!("registers over {security}"));
        self.is_managed()?;
        self.is_observed()?;
        self.survives_loss()?;
        self.survives_a_restart()?;
        self.ends()
    }

    fn hold(&mut self, what: impl Into<String>) {
        self.held.push(what.into());
    }

    fn registers(&mut self, patience: Duration) -> Result<(), Fault> {
        let name = self.endpoint;
        let wait = self.server.wait("Register", patience, &mut self.firmware, |event| match event {
            Event::Registered(it) if it.endpoint == name => Some(it.clone()),
            _ => None,
        });
        let registration = wait?;
        if registration.secure != self.secure || registration.lifetime != self.lifetime_s {
            return Err(format!("the registration is not what it should be: {registration:?}").into());
        }
        for object in ["/3/0", "/3303/0", "/3311/0"] {
            registration.link(object).ok_or_else(|| format!("{object} is not registered"))?;
        }
        Ok(())
    }

    fn read(&mut self, path: &str, format: Option<Format>) -> Result<Answer, Fault> {
        let command = Command::read(self.endpoint, path);
        let command = match format {
            Some(format) => command.format(format),
            None => command,
        };
        self.server.request(&format!("Read {path}"), &command, Code::CONTENT, &mut self.firmware)
    }

    fn value(&mut self, path: &str) -> Result<Value, Fault> {
        let answer = self.read(path, None)?;
        answer.value(path).cloned().ok_or_else(|| format!("{path} has no value").into())
    }

    fn write(&mut self, path: &str, value: impl Into<Node>) -> Result<(), Fault> {
        let command = Command::write(self.endpoint, path, Mode::Replace, value);
        self.server.request(&format!("Write {path}"), &command, Code::CHANGED, &mut self.firmware).map(|_| ())
    }

    fn execute(&mut self, path: &str) -> Result<(), Fault> {
        let command = Command::execute(self.endpoint, path);
        self.server
            .request(&format!("Execute {path}"), &command, Code::CHANGED, &mut self.firmware)
            .map(|_| ())
    }

    fn observe(&mut self) -> Result<(), Fault> {
        let command = Command::observe(self.endpoint, TEMPERATURE);
        let answer = self.server.request(
            &format!("Observe {TEMPERATURE}"),
            &command,
            Code::CONTENT,
            &mut self.firmware,
        )?;
        answer.observation.map(|_| ()).ok_or_else(|| "Observe was answered like a Read".into())
    }

    fn is_managed(&mut self) -> Result<(), Fault> {
        for format in [Format::SenmlCbor, Format::Tlv] {
            let answer = self.read("/3/0", Some(format))?;
            if answer.value("/3/0/0") != Some(&Value::from("Coracle")) || answer.format() != Some(format) {
                return Err(format!("Read of /3/0 in {format:?}: {answer:?}").into());
            }
        }
        self.hold("is read, an instance in SenML CBOR and in TLV");
        self.write_and_read_back(17)?;
        self.write(ON_OFF, true)?;
        self.hold("is written, and reads back what was written");
        self.execute(RESET_EXTREMES)?;
        let (lowest, now) = (self.value(LOWEST)?, self.value(TEMPERATURE)?);
        // The world may have moved on by a step between the three requests.
        let difference = |one: &Value, other: &Value| match (one, other) {
            (Value::Float(one), Value::Float(other)) => (one - other).abs(),
            _ => f64::INFINITY,
        };
        if difference(&lowest, &now) > 5.0 {
            return Err(
                format!("the lowest value is {lowest:?} after a reset, the present one {now:?}").into()
            );
        }
        self.hold("is executed, with the effect on other resources");
        Ok(())
    }

    fn write_and_read_back(&mut self, value: i64) -> Result<(), Fault> {
        self.write(DIMMER, value)?;
        let found = self.value(DIMMER)?;
        if found == Value::Integer(value) {
            Ok(())
        } else {
            Err(format!("{DIMMER} is {} after {value} was written", text(&found)).into())
        }
    }

    /// Waits for a notification with another value than `last`; observes again if the device had to register anew.
    fn next_value(&mut self, last: Option<f64>) -> Result<f64, Fault> {
        enum News {
            Value(f64),
            Registered,
        }
        let deadline = Instant::now() + NOTIFICATION;
        loop {
            let patience = deadline.saturating_duration_since(Instant::now());
            let name = self.endpoint;
            let wait =
                self.server.wait("a notification with a new value", patience, &mut self.firmware, |event| {
                    match event {
                        Event::Notify(it) if it.endpoint == name => match it.content.get(TEMPERATURE) {
                            Some(Value::Float(value)) if Some(*value) != last => Some(News::Value(*value)),
                            _ => None,
                        },
                        Event::Registered(_) => Some(News::Registered),
                        _ => None,
                    }
                });
            match wait? {
                News::Value(value) => return Ok(value),
                News::Registered => self.observe()?,
            }
        }
    }

    /// Changing values, from the first on.
    fn values(&mut self, count: usize) -> Result<(), Fault> {
        let mut last = None;
        for _ in 0..count {
            last = Some(self.next_value(last)?);
        }
        Ok(())
    }

    fn is_observed(&mut self) -> Result<(), Fault> {
        self.server.forget_events();
        self.observe()?;
        self.values(3)?;
        self.hold("is observed: 3 notifications, each with another value");
        Ok(())
    }

    fn survives_loss(&mut self) -> Result<(), Fault> {
        self.screen.both(format!("the network loses {LOSS_PERCENT} % of the datagrams"));
        self.proxy.take_traffic();
        self.proxy.lose(LOSS_PERCENT);
        self.server.forget_events();
        for round in 0..LOSSY_ROUNDS {
            self.write_and_read_back(30 + round)?;
            self.execute(RESET_EXTREMES)?;
            self.values(2)?;
        }
        self.proxy.lose(0);
        let traffic = self.proxy.take_traffic();
        self.screen.both(format!(
            "the network is well again: {} of {} datagrams were lost",
            traffic.lost,
            traffic.lost + traffic.passed
        ));
        if traffic.lost == 0 {
            return Err("nothing was lost: the phase has shown nothing".into());
        }
        self.hold(format!(
            "is written, read, executed and observed while {} of {} datagrams are lost",
            traffic.lost,
            traffic.lost + traffic.passed
        ));
        Ok(())
    }

    fn survives_a_restart(&mut self) -> Result<(), Fault> {
        self.screen.both("the server is stopped, and started again without memory of the device");
        self.server.forget_events();
        self.server.leshan().stop();
        self.server.leshan().resume()?;
        self.screen.server("runs again");
        self.registers(RECOVERY)?;
        self.hold("registers again by itself when the server has forgotten it");
        self.write_and_read_back(64)?;
        self.observe()?;
        self.values(1)?;
        self.hold("is managed and observed as before the restart");
        Ok(())
    }

    fn ends(&mut self) -> Result<(), Fault> {
        self.screen.both("the device is told to end");
        self.server.forget_events();
        let reboot = Command::execute(self.endpoint, "/3/0/4");
        self.server.last_request("Execute /3/0/4", &reboot, Code::CHANGED)?;
        self.firmware.must_end()?;
        self.hold("ends with exit code 0 when it is told to reboot");
        if self.keeps_registration {
            let name = self.endpoint;
            let is_restart = |event: &Event| is_restart(event, name);
            let restarts: Vec<Event> = self.server.heard(is_restart).filter(is_restart).collect();
            // Before the reboot one may have been due by the time.
            let updates = restarts.iter().filter(|event| matches!(event, Event::Updated(_))).count();
            if updates != restarts.len() || !(1..=2).contains(&updates) {
                return Err(format!("one Update was to follow the reboot, not {restarts:?}").into());
            }
            self.hold("takes its registration up after the reboot: an Update, no handshake, no Register");
        }
        Ok(())
    }
}

/// What a device begins with after a reboot.
fn is_restart(event: &Event, name: &str) -> bool {
    match event {
        Event::Registered(it) | Event::Updated(it) => it.endpoint == name,
        Event::Handshake(_) => true,
        _ => false,
    }
}
