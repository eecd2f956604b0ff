//! Child processes.

use std::io::{BufRead, BufReader, Write};
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
    let sockets = sockets();
    for _ in 0..pairs {
        let pair = start.wrapping_add(GIVEN.fetch_add(1, Ordering::Relaxed)) % pairs;
        let port = PORTS.start + 2 * u16::try_from(pair).expect("less than the range has");
        if [port, port + 1].iter().all(|port| !is_taken(&sockets, *port)) {
            return port;
        }
    }
    panic!("all ports of {PORTS:?} are taken");
}

/// All sockets of the system, as Linux lists them. Some servers take all addresses, and some the TCP port beside that of UDP.
///
/// A socket that tries a port would be in its way: a child process that another test starts just then has a copy for a moment.
fn sockets() -> String {
    let files = ["udp", "udp6", "tcp", "tcp6"].map(|name| format!("/proc/net/{name}"));
    files.iter().map(|file| std::fs::read_to_string(file).unwrap_or_default()).collect()
}

/// Whether a socket has this port of its own: the second word of its line ends with it.
fn is_taken(sockets: &str, port: u16) -> bool {
    let end = format!(":{port:04X}");
    sockets.lines().filter_map(|line| line.split_whitespace().nth(1)).any(|own| own.ends_with(&end))
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

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::{TcpListener, UdpSocket};

    #[test]
    fn ports_of_sockets_are_taken_and_those_given_are_free() {
        let (udp, tcp) = (UdpSocket::bind("127.0.0.1:0").expect("udp"), TcpListener::bind("[::1]:0"));
        let tcp = tcp.or_else(|_| TcpListener::bind("127.0.0.1:0")).expect("tcp");
        let listed = sockets();
        for address in [udp.local_addr(), tcp.local_addr()] {
            assert!(is_taken(&listed, address.expect("an address").port()));
        }
        let port = free_port();
        assert!(!is_taken(&listed, port) && UdpSocket::bind(("0.0.0.0", port)).is_ok());
        assert_ne!(free_port(), port);
    }
}
