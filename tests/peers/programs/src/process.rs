//! Child processes.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, UdpSocket};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// Where files of a run can lie: in cargo's target folder.
pub fn folder() -> PathBuf {
    // A test program is target/PROFILE/deps/NAME, another one target/PROFILE/NAME.
    let program = std::env::current_exe().expect("a program");
    let place = program.ancestors().skip(1).find(|place| !place.ends_with("deps"));
    let folder = place.and_then(Path::parent).expect("a target folder").join("tmp");
    std::fs::create_dir_all(&folder).expect("space");
    folder
}

/// Whether a program can be started; if not, says so, or fails when peers are required.
pub fn available(program: &str, package: &str) -> bool {
    let found = Command::new(program)
        .arg("--version")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok();
    if !found {
        missing(&format!("{program} is not installed; install {package}"));
    }
    found
}

/// Reports a peer that is not there, past the capture of test output.
///
/// # Panics
/// When peers are required.
pub fn missing(reason: &str) {
    assert!(
        std::env::var("CORACLE_PEERS").as_deref() != Ok("required"),
        "CORACLE_PEERS=required, but a peer is missing: {reason}"
    );
    let _ = writeln!(std::io::stderr(), "SKIPPED: {reason}");
}

/// Where the ports of servers lie: below those that systems give to sockets which ask for any, so that no socket of a test
/// that runs at the same time gets one before its server has it.
const PORTS: Range<u16> = 12_000..32_000;

/// A port that nobody uses now, nor the one behind it, and that this process does not give away a second time.
pub fn free_port() -> u16 {
    static GIVEN: AtomicU32 = AtomicU32::new(0);
    let pairs = u32::from(PORTS.end - PORTS.start) / 2;
    // Test programs that run at the same time begin at different places; 7919 is a prime.
    let start = std::process::id().wrapping_mul(7919);
    // Some servers take all addresses, and some the TCP port beside that of UDP.
    let is_free = |port: &u16| {
        UdpSocket::bind(("0.0.0.0", *port)).is_ok() && TcpListener::bind(("0.0.0.0", *port)).is_ok()
    };
    for _ in 0..pairs {
        let pair = start.wrapping_add(GIVEN.fetch_add(1, Ordering::Relaxed)) % pairs;
        let port = PORTS.start + 2 * u16::try_from(pair).expect("less than the range has");
        if [port, port + 1].iter().all(is_free) {
            return port;
        }
    }
    panic!("all ports of {PORTS:?} are taken");
}

/// A server in a child process, ended with the value.
#[derive(Debug)]
pub struct Peer {
    child: Child,
    stdin: Option<ChildStdin>,
    output: Arc<Mutex<Vec<u8>>>,
    /// Where it listens.
    pub port: u16,
}

impl Peer {
    /// Starts a program and waits until it says that it is ready.
    pub fn start(command: &mut Command, port: u16, ready: &str) -> Self {
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program was found before");
        let output = Arc::new(Mutex::new(Vec::new()));
        collect(child.stdout.take().expect("piped"), Arc::clone(&output));
        collect(child.stderr.take().expect("piped"), Arc::clone(&output));
        let stdin = child.stdin.take();
        let peer = Self { child, stdin, output, port };
        assert!(peer.wait_for(ready), "{command:?} is not ready:\n{}", peer.output());
        peer
    }

    /// Everything that it printed.
    pub fn output(&self) -> String {
        String::from_utf8_lossy(&self.output.lock().expect("no panic")).into_owned()
    }

    /// Waits until it has printed a text; a minute, for a machine that has much else to do.
    pub fn wait_for(&self, text: &str) -> bool {
        let start = Instant::now();
        while start.elapsed() < Duration::from_mins(1) {
            if self.output().contains(text) {
                return true;
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        false
    }

    /// Types a line.
    pub fn type_line(&mut self, line: &str) {
        let stdin = self.stdin.as_mut().expect("piped");
        stdin.write_all(format!("{line}\n").as_bytes()).expect("it runs");
        stdin.flush().expect("it runs");
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn collect(stream: impl std::io::Read + Send + 'static, output: Arc<Mutex<Vec<u8>>>) {
    std::thread::spawn(move || {
        let mut reader = BufReader::new(stream);
        loop {
            let length = match reader.fill_buf() {
                Ok([]) | Err(_) => return,
                Ok(bytes) => {
                    output.lock().expect("no panic").extend_from_slice(bytes);
                    bytes.len()
                }
            };
            reader.consume(length);
        }
    });
}
