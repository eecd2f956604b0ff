//! The emulator as a process that cannot outlive its use.

use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use super::board::Board;
use super::screen::Screen;

/// Starts a program, and ends it when standard input closes: that happens even when this program is killed.
const LEASH: &str = r#"
exec 3<&0
"$@" </dev/null &
program=$!
{ read -r _ <&3; kill "$program"; } 2>/dev/null &
leash=$!
wait "$program"
code=$?
kill "$leash" 2>/dev/null
exit "$code"
"#;
/// How often its end is looked for.
const TICK: Duration = Duration::from_millis(20);

/// A running emulator.
pub(crate) struct Emulator {
    child: Child,
    leash: Option<ChildStdin>,
    logs: Vec<JoinHandle<()>>,
}

impl Emulator {
    /// Starts it with the firmware and its arguments; the serial port's lines go to the screen.
    pub(crate) fn start(
        board: &Board,
        image: &Path,
        arguments: &[String],
        screen: &Arc<Screen>,
    ) -> std::io::Result<Self> {
        let mut semihosting = "enable=on,target=native,arg=firmware".to_owned();
        for argument in arguments {
            semihosting.push_str(",arg=");
            semihosting.push_str(&argument.replace(',', ",,"));
        }
        let mut child = Command::new("sh")
            .args(["-c", LEASH, "sh"])
            .args(board.emulator)
            .args(["-display", "none", "-monitor", "none", "-serial", "stdio"])
            .args(["-semihosting-config", &semihosting, "-kernel"])
            .arg(image)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()?;
        let mut logs = Vec::new();
        if let Some(serial) = child.stdout.take() {
            logs.push(show(serial, screen, ""));
        }
        if let Some(errors) = child.stderr.take() {
            logs.push(show(errors, screen, "emulator: "));
        }
        let leash = child.stdin.take();
        Ok(Self { child, leash, logs })
    }

    /// How it ended, if it has.
    pub(crate) fn ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().ok().flatten()
    }

    /// Waits for its end and for the last line of its log.
    pub(crate) fn wait(&mut self, limit: Duration) -> Option<ExitStatus> {
        let deadline = Instant::now() + limit;
        loop {
            if let Some(status) = self.ended() {
                self.logs.drain(..).for_each(|log| {
                    let _ = log.join();
                });
                return Some(status);
            }
            if Instant::now() >= deadline {
                return None;
            }
            thread::sleep(TICK);
        }
    }
}

impl Drop for Emulator {
    fn drop(&mut self) {
        if self.ended().is_none() {
            self.leash = None;
            if self.wait(Duration::from_secs(20)).is_none() {
                let _ = self.child.kill();
                let _ = self.child.wait();
            }
        }
    }
}

fn show(stream: impl Read + Send + 'static, screen: &Arc<Screen>, prefix: &'static str) -> JoinHandle<()> {
    let screen = Arc::clone(screen);
    thread::spawn(move || {
        let mut stream = BufReader::new(stream);
        let mut line = Vec::new();
        while stream.read_until(b'\n', &mut line).is_ok_and(|length| length > 0) {
            screen.device(&format!("{prefix}{}", String::from_utf8_lossy(&line).trim_end()));
            line.clear();
        }
    })
}
