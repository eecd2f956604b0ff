//! The child process: lines in, lines out, never a wait without an end.

use std::collections::VecDeque;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use crate::Error;

/// How much of the log is kept for error messages.
const LOG_LINES: usize = 40;
/// A peer that was told to end does so within this, or is killed.
const END_LIMIT: Duration = Duration::from_secs(20);

#[derive(Debug)]
pub(crate) struct Process {
    child: Child,
    /// To the thread that writes: a pipe may be full. `None` closes standard input.
    input: Option<Sender<String>>,
    output: Receiver<String>,
    log: Arc<Mutex<VecDeque<String>>>,
}

impl Process {
    pub(crate) fn start(jar: &Path, arguments: &[String]) -> Result<Self, Error> {
        let mut child = Command::new("java")
            // Tests start many; a small heap and the quick compiler suffice.
            .args(["-Xmx192m", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-jar"])
            .arg(jar)
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()?;
        let (lines, output) = mpsc::channel();
        let log = Arc::new(Mutex::new(VecDeque::new()));
        let input = child.stdin.take().map(write_from_channel);
        if let Some(stdout) = child.stdout.take() {
            thread::spawn(move || {
                for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                    if lines.send(line).is_err() {
                        break;
                    }
                }
            });
        }
        if let Some(stderr) = child.stderr.take() {
            let log = Arc::clone(&log);
            thread::spawn(move || {
                for line in BufReader::new(stderr).lines().map_while(Result::ok) {
                    let mut log = log.lock().unwrap_or_else(PoisonError::into_inner);
                    if log.len() == LOG_LINES {
                        log.pop_front();
                    }
                    log.push_back(line);
                }
            });
        }
        Ok(Self { child, input, output, log })
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn write(&self, line: String) -> Result<(), Error> {
        match &self.input {
            Some(input) if input.send(line).is_ok() => Ok(()),
            _ => Err(self.died()),
        }
    }

    /// The next line, `None` when the deadline passes first.
    pub(crate) fn read(&self, deadline: Instant) -> Result<Option<String>, Error> {
        match self.output.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
            Ok(line) => Ok(Some(line)),
            Err(RecvTimeoutError::Timeout) => Ok(None),
            Err(RecvTimeoutError::Disconnected) => Err(self.died()),
        }
    }

    /// Closes standard input, which ends the peer; kills it when that does not help in time.
    pub(crate) fn end(&mut self) {
        self.input = None;
        let deadline = Instant::now() + END_LIMIT;
        while Instant::now() < deadline {
            if !matches!(self.child.try_wait(), Ok(None)) {
                return;
            }
            thread::sleep(Duration::from_millis(5));
        }
        self.kill();
    }

    /// As if the machine lost power.
    pub(crate) fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// The last lines of standard error.
    pub(crate) fn log(&self) -> String {
        let log = self.log.lock().unwrap_or_else(PoisonError::into_inner);
        log.iter().map(String::as_str).collect::<Vec<_>>().join("\n")
    }

    fn died(&self) -> Error {
        Error::Died(format!("its log ends with:\n{}", self.log()))
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}

fn write_from_channel(mut stdin: ChildStdin) -> Sender<String> {
    let (sender, lines) = mpsc::channel::<String>();
    thread::spawn(move || {
        while let Ok(line) = lines.recv() {
            if stdin.write_all(line.as_bytes()).and_then(|()| stdin.write_all(b"\n")).is_err()
                || stdin.flush().is_err()
            {
                break;
            }
        }
    });
    sender
}
