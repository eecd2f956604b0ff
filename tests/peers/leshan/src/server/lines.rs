//! The lines to and from the process: answers find their commands, events wait in order.

use std::time::{Duration, Instant};

use serde::Deserialize;
use serde_json::{Map, json};

use super::Leshan;
use crate::answer::Coap;
use crate::command::DEFAULT_TIMEOUT;
use crate::error::{Error, Failure};

/// What the peer may take beyond the time-out of a command.
pub(super) const GRACE: Duration = Duration::from_secs(15);

/// A line that answers a command.
pub(super) type Line = Map<String, serde_json::Value>;

impl Leshan {
    pub(super) fn provision(&mut self, command: &serde_json::Value) -> Result<(), Error> {
        let command: Map<_, _> = parse_value(command)?;
        self.order(command.clone())?;
        self.provisioning.push(command);
        Ok(())
    }

    pub(super) fn command(&mut self, command: &serde_json::Value) -> Result<Line, Error> {
        self.order(parse_value(command)?)
    }

    pub(super) fn order(&mut self, command: Map<String, serde_json::Value>) -> Result<Line, Error> {
        let id = self.send(command)?;
        self.line(id, Instant::now() + DEFAULT_TIMEOUT + GRACE)
    }

    pub(super) fn send(&mut self, mut command: Map<String, serde_json::Value>) -> Result<u64, Error> {
        let id = self.next_id;
        self.next_id += 1;
        command.insert("id".to_owned(), json!(id));
        self.process.write(json!(command).to_string())?;
        Ok(id)
    }

    /// The line that answers a command, or the error it reports.
    pub(super) fn line(&mut self, id: u64, deadline: Instant) -> Result<Line, Error> {
        let line = loop {
            if let Some(line) = self.answers.remove(&id) {
                break line;
            }
            if !self.pump(deadline)? {
                return Err(Error::TimedOut(format!("the peer did not answer command {id}; {}", self.log())));
            }
        };
        if line.contains_key("error") { Err(parse::<Problem>(line)?.into()) } else { Ok(line) }
    }

    /// Takes one line; false when the deadline passes first.
    pub(super) fn pump(&mut self, deadline: Instant) -> Result<bool, Error> {
        let Some(text) = self.process.read(deadline)? else { return Ok(false) };
        let mut line: Line =
            serde_json::from_str(&text).map_err(|error| Error::Protocol(format!("{error}: {text}")))?;
        if let Some(serde_json::Value::String(event)) = line.remove("event") {
            self.events.push_back(parse_value(&json!({ event: line }))?);
        } else if let Some(id) = line.get("id").and_then(serde_json::Value::as_u64) {
            self.answers.insert(id, line);
        } else {
            return Err(Error::Protocol(text));
        }
        Ok(true)
    }

    pub(super) fn pump_until(&mut self, deadline: Instant) -> Result<(), Error> {
        while self.pump(deadline)? {}
        Ok(())
    }

    pub(super) fn unread(&self) -> String {
        match self.events.len() {
            0 => "no event is unread".to_owned(),
            count => format!("{count} unread: {:?}", self.events),
        }
    }
}

/// A command that failed.
#[derive(Deserialize)]
struct Problem {
    error: Failure,
    message: String,
    coap: Option<Box<Coap>>,
}

impl From<Problem> for Error {
    fn from(problem: Problem) -> Self {
        Self::Failed { kind: problem.error, message: problem.message, coap: problem.coap }
    }
}

pub(super) fn parse<T: for<'de> Deserialize<'de>>(line: Line) -> Result<T, Error> {
    parse_value(&serde_json::Value::Object(line))
}

pub(super) fn parse_value<T: for<'de> Deserialize<'de>>(value: &serde_json::Value) -> Result<T, Error> {
    T::deserialize(value).map_err(|error| Error::Protocol(format!("{error}: {value}")))
}
