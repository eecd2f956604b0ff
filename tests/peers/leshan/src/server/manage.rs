//! The device management interface.

use std::time::Instant;

use super::lines::{GRACE, parse};
use super::{Leshan, Ticket};
use crate::answer::Answer;
use crate::command::{Command, Mode};
use crate::error::Error;
use crate::format::Format;
use crate::value::Node;

impl Leshan {
    /// Reads a path; without a format Leshan sends no Accept.
    ///
    /// # Errors
    ///
    /// [`Error::Failed`] when there is no answer; a refusal is an answer.
    pub fn read(&mut self, endpoint: &str, path: &str, format: Option<Format>) -> Result<Answer, Error> {
        self.run(with_format(Command::read(endpoint, path), format))
    }

    /// Writes a path; without a format Leshan uses TLV for instances and multiple resources, else text or opaque.
    ///
    /// # Errors
    ///
    /// As [`Leshan::read`].
    pub fn write(
        &mut self,
        endpoint: &str,
        path: &str,
        mode: Mode,
        node: impl Into<Node>,
        format: Option<Format>,
    ) -> Result<Answer, Error> {
        self.run(with_format(Command::write(endpoint, path, mode, node), format))
    }

    /// Executes a resource.
    ///
    /// # Errors
    ///
    /// As [`Leshan::read`].
    pub fn execute(&mut self, endpoint: &str, path: &str, arguments: Option<&str>) -> Result<Answer, Error> {
        let command = Command::execute(endpoint, path);
        self.run(match arguments {
            Some(arguments) => command.arguments(arguments),
            None => command,
        })
    }

    /// Discovers a path.
    ///
    /// # Errors
    ///
    /// As [`Leshan::read`].
    pub fn discover(&mut self, endpoint: &str, path: &str) -> Result<Answer, Error> {
        self.run(Command::discover(endpoint, path))
    }

    /// Creates an instance, see [`Command::create`]; without a format in TLV.
    ///
    /// # Errors
    ///
    /// As [`Leshan::read`].
    pub fn create(
        &mut self,
        endpoint: &str,
        path: &str,
        node: impl Into<Node>,
        format: Option<Format>,
    ) -> Result<Answer, Error> {
        self.run(with_format(Command::create(endpoint, path, node), format))
    }

    /// Deletes an instance.
    ///
    /// # Errors
    ///
    /// As [`Leshan::read`].
    pub fn delete(&mut self, endpoint: &str, path: &str) -> Result<Answer, Error> {
        self.run(Command::delete(endpoint, path))
    }

    /// Writes attributes, such as `pmin=1&pmax=5`.
    ///
    /// # Errors
    ///
    /// As [`Leshan::read`].
    pub fn write_attributes(&mut self, endpoint: &str, path: &str, query: &str) -> Result<Answer, Error> {
        self.run(Command::attributes(endpoint, path, query))
    }

    /// Observes a path. The answer's `observation` is set when the device agreed.
    ///
    /// # Errors
    ///
    /// As [`Leshan::read`].
    pub fn observe(&mut self, endpoint: &str, path: &str, format: Option<Format>) -> Result<Answer, Error> {
        self.run(with_format(Command::observe(endpoint, path), format))
    }

    /// Cancels the latest observation of a path with a request.
    ///
    /// # Errors
    ///
    /// As [`Leshan::read`].
    pub fn cancel(&mut self, endpoint: &str, path: &str) -> Result<Answer, Error> {
        self.run(Command::cancel(endpoint, path))
    }

    /// Forgets the latest observation of a path: the next notification is answered with a reset.
    ///
    /// # Errors
    ///
    /// [`Error::Failed`] when there is no such observation.
    pub fn cancel_passively(&mut self, endpoint: &str, path: &str) -> Result<(), Error> {
        self.order(Command::cancel(endpoint, path).passive().into_json()).map(|_| ())
    }

    /// Runs a command and waits for the device's answer.
    ///
    /// # Errors
    ///
    /// As [`Leshan::read`].
    pub fn run(&mut self, command: Command) -> Result<Answer, Error> {
        let ticket = self.submit(command)?;
        self.answer(&ticket)
    }

    /// Gives a command to the server without waiting for the answer.
    ///
    /// # Errors
    ///
    /// [`Error::Died`] when the peer has ended.
    pub fn submit(&mut self, command: Command) -> Result<Ticket, Error> {
        let deadline = Instant::now() + command.patience() + GRACE;
        let id = self.send(command.into_json())?;
        Ok(Ticket { id, deadline })
    }

    /// Waits for the answer to a command.
    ///
    /// # Errors
    ///
    /// As [`Leshan::read`].
    pub fn answer(&mut self, ticket: &Ticket) -> Result<Answer, Error> {
        parse(self.line(ticket.id, ticket.deadline)?)
    }

    /// The answer to a command if it is there, without waiting.
    ///
    /// # Errors
    ///
    /// As [`Leshan::read`], and [`Error::TimedOut`] when the peer itself does not answer in time.
    pub fn poll_answer(&mut self, ticket: &Ticket) -> Result<Option<Answer>, Error> {
        self.pump_until(Instant::now())?;
        if !self.answers.contains_key(&ticket.id) && Instant::now() < ticket.deadline {
            return Ok(None);
        }
        self.answer(ticket).map(Some)
    }
}

fn with_format(command: Command, format: Option<Format>) -> Command {
    match format {
        Some(format) => command.format(format),
        None => command,
    }
}
