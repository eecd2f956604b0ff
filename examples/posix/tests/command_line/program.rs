//! Runs the program, reads what it prints, and never waits for ever.

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

/// Longer than anything takes on a slow machine.
pub(crate) const PATIENCE: Duration = Duration::from_mins(1);

/// A running program. Dropping it kills it.
pub(crate) struct Program {
    child: Child,
    lines: Receiver<String>,
    /// What it has printed so far.
    pub(crate) printed: Vec<String>,
}

impl Program {
    pub(crate) fn start(arguments: &[&str]) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_coracle-device"))
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("it starts");
        let output = BufReader::new(child.stdout.take().expect("it is piped"));
        let (sender, lines) = channel();
        std::thread::spawn(move || {
            output.lines().map_while(Result::ok).try_for_each(|line| sender.send(line))
        });
        Self { child, lines, printed: Vec::new() }
    }

    /// Waits for a line with this text in it; the line.
    pub(crate) fn wait_line(&mut self, text: &str) -> String {
        let deadline = Instant::now() + PATIENCE;
        loop {
            match self.lines.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
                Ok(line) => {
                    self.printed.push(line.clone());
                    if line.contains(text) {
                        return line;
                    }
                }
                Err(RecvTimeoutError::Timeout) => panic!("no line with {text:?} in {PATIENCE:?}: {self:#?}"),
                Err(RecvTimeoutError::Disconnected) => panic!("no line with {text:?}: {self:#?}"),
            }
        }
    }

    /// Reads what it prints for so long.
    pub(crate) fn watch(&mut self, time: Duration) {
        let deadline = Instant::now() + time;
        while let Ok(line) = self.lines.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
            self.printed.push(line);
        }
    }

    /// How many lines so far have this text in them.
    pub(crate) fn count(&self, text: &str) -> usize {
        self.printed.iter().filter(|line| line.contains(text)).count()
    }

    pub(crate) fn signal(&self, signal: Signal) {
        let id = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw).expect("a process");
        kill_process(id, signal).expect("it runs");
    }

    /// Waits for its end, but not longer than this: exit code, everything it printed, and its errors.
    pub(crate) fn end(mut self, within: Duration) -> (Option<i32>, Vec<String>, String) {
        let deadline = Instant::now() + within;
        let status = loop {
            if let Some(status) = self.child.try_wait().expect("it can be waited for") {
                break status;
            }
            self.watch(Duration::from_millis(20));
            assert!(Instant::now() < deadline, "still runs after {within:?}: {self:#?}");
        };
        self.watch(PATIENCE); // until the pipe is closed
        let mut errors = String::new();
        let pipe = self.child.stderr.as_mut().expect("it is piped");
        pipe.read_to_string(&mut errors).expect("text");
        (status.code(), std::mem::take(&mut self.printed), errors)
    }
}

impl std::fmt::Debug for Program {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(&self.printed).finish()
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Runs it to its end.
pub(crate) fn run(arguments: &[&str]) -> (Option<i32>, Vec<String>, String) {
    Program::start(arguments).end(PATIENCE)
}
