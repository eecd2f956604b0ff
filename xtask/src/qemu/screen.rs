//! What the device and the server say, side by side, with the time.

use std::fmt::Display;
use std::io::{Write as _, stdout};
use std::sync::Mutex;
use std::time::Instant;

/// Characters of the left column.
const LEFT: usize = 68;

/// Prints lines of several threads, each whole.
pub(crate) struct Screen {
    started: Instant,
    device_log: Mutex<Vec<String>>,
}

impl Screen {
    pub(crate) fn new() -> Self {
        let screen = Self { started: Instant::now(), device_log: Mutex::new(Vec::new()) };
        screen.print(&format!("{:LEFT$} | server", "device"));
        screen
    }

    fn print(&self, columns: &str) {
        let line = format!("{:8.3}  {}\n", self.started.elapsed().as_secs_f32(), columns.trim_end());
        // A closed pipe is no reason to end.
        let _ = stdout().lock().write_all(line.as_bytes());
    }

    /// A line of the device's serial port; it is kept for [`Screen::device_said`].
    pub(crate) fn device(&self, line: &str) {
        self.print(&format!("{line:LEFT$} |"));
        if let Ok(mut log) = self.device_log.lock() {
            log.push(line.to_owned());
        }
    }

    /// What the server has seen, or was told to do.
    pub(crate) fn server(&self, what: impl Display) {
        self.print(&format!("{:LEFT$} | {what}", ""));
    }

    /// What happens to both.
    pub(crate) fn both(&self, what: impl Display) {
        self.print(&format!("---- {what}"));
    }

    /// The last line of the device with this in it.
    pub(crate) fn device_said(&self, part: &str) -> Option<String> {
        let log = self.device_log.lock().ok()?;
        log.iter().rev().find(|line| line.contains(part)).cloned()
    }
}
