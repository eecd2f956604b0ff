//! The client over a socket: the loop that an application has.

use coracle_crypto::{
    Backoff, Connected, Connection, Event, Instant, Options, Profile, Rng, RngError, Security,
};
use std::net::UdpSocket;
use std::time::Duration;

/// Longer than anything takes on loopback, where nothing is lost, on a machine that has much else to do.
pub const SOON: Duration = Duration::from_secs(30);

/// For networks that lose a fifth of everything: the chance that a flight and all its repetitions are lost is nothing.
pub const PATIENT: Backoff =
    Backoff { initial_ms: 500, max_ms: 4_000, attempts: 20, last_flight_attempts: 20 };

/// Random numbers of the system.
pub struct SystemRng;

impl Rng for SystemRng {
    fn fill(&mut self, out: &mut [u8]) -> Result<(), RngError> {
        use std::io::Read;
        let mut source = std::fs::File::open("/dev/urandom").map_err(|_| RngError)?;
        source.read_exact(out).map_err(|_| RngError)
    }
}

/// A connection with its socket.
pub struct Client<P: Profile> {
    pub connection: Connection<P>,
    socket: UdpSocket,
    start: std::time::Instant,
}

impl<P: Profile> Client<P> {
    pub fn new(port: u16) -> Self {
        let socket = UdpSocket::bind("127.0.0.1:0").expect("loopback");
        socket.connect(("127.0.0.1", port)).expect("loopback");
        Self { connection: Connection::new(), socket, start: std::time::Instant::now() }
    }

    /// A new socket: the server sees a stranger.
    pub fn renew_socket(&mut self, port: u16) {
        self.socket = UdpSocket::bind("127.0.0.1:0").expect("loopback");
        self.socket.connect(("127.0.0.1", port)).expect("loopback");
    }

    fn now(&self) -> Instant {
        Instant::from_millis(self.start.elapsed().as_millis() as u64)
    }

    fn transmit(&mut self, security: &Security<'_>) {
        let mut out = [0; 2048];
        while let Some(length) = self
            .connection
            .poll_transmit(self.now(), security, &mut SystemRng, &mut out)
            .expect("there are random numbers and space")
        {
            // A server that is not there yet answers with an ICMP message.
            let _ = self.socket.send(&out[..length]);
        }
    }

    /// Goes round once: sends, waits for a datagram or the timer at most `limit`, and hands out data.
    fn turn(&mut self, security: &Security<'_>, limit: Duration, data: &mut Vec<Vec<u8>>) {
        self.transmit(security);
        let wait = self
            .connection
            .poll_timeout()
            .map_or(limit, |at| Duration::from_millis(at.millis_since(self.now())).min(limit));
        self.socket.set_read_timeout(Some(wait.max(Duration::from_millis(1)))).expect("a socket");
        let mut buffer = [0; 4096];
        if let Ok(length) = self.socket.recv(&mut buffer) {
            let now = self.now();
            let mut records = self.connection.handle_datagram(now, security, &mut buffer[..length]);
            while let Some(bytes) = records.next() {
                data.push(bytes.to_vec());
            }
        }
        let now = self.now();
        self.connection.handle_timeout(now);
        self.transmit(security);
    }

    /// Runs a handshake to its end.
    pub fn handshake(&mut self, security: &Security<'_>, options: &Options) -> Result<Connected, Event> {
        let now = self.now();
        self.connection.connect(now, security, options).expect("the configuration is right");
        // Later than the latest end that any flight of a patient client comes to.
        let deadline = std::time::Instant::now() + Duration::from_mins(4);
        let mut data = Vec::new();
        while std::time::Instant::now() < deadline {
            match self.connection.poll_event() {
                Some(Event::Connected(connected)) => return Ok(connected),
                Some(event) => return Err(event),
                None => self.turn(security, Duration::from_millis(500), &mut data),
            }
        }
        panic!("the handshake neither ends nor fails: {:?}", self.connection);
    }

    /// Sends application data.
    pub fn send(&mut self, data: &[u8]) {
        let mut buffer = vec![0; Connection::<P>::HEADROOM + data.len() + Connection::<P>::TAILROOM];
        buffer[Connection::<P>::HEADROOM..][..data.len()].copy_from_slice(data);
        let range = self.connection.seal(&mut buffer, data.len()).expect("connected");
        self.socket.send(&buffer[range]).expect("loopback");
    }

    /// Waits for application data.
    pub fn receive(&mut self, security: &Security<'_>, limit: Duration) -> Option<Vec<u8>> {
        let deadline = std::time::Instant::now() + limit;
        let mut data = Vec::new();
        while std::time::Instant::now() < deadline {
            self.turn(security, Duration::from_millis(50), &mut data);
            if !data.is_empty() {
                return Some(data.remove(0));
            }
        }
        None
    }

    /// Repeats application data, and whatever of the handshake is still lost, until `arrived` says so of the answers
    /// or of the server: two minutes at most.
    pub fn insist(
        &mut self,
        security: &Security<'_>,
        data: &[u8],
        mut arrived: impl FnMut(Option<Vec<u8>>) -> bool,
    ) -> bool {
        let deadline = std::time::Instant::now() + Duration::from_mins(2);
        while std::time::Instant::now() < deadline {
            self.send(data);
            let answer = self.receive(security, Duration::from_millis(200));
            if arrived(answer) {
                return true;
            }
        }
        false
    }

    /// Closes, and tells the server.
    pub fn close(&mut self, security: &Security<'_>) {
        let now = self.now();
        self.connection.close(now);
        self.transmit(security);
    }

    /// Waits for an event.
    pub fn event(&mut self, security: &Security<'_>, limit: Duration) -> Option<Event> {
        let deadline = std::time::Instant::now() + limit;
        while std::time::Instant::now() < deadline {
            if let Some(event) = self.connection.poll_event() {
                return Some(event);
            }
            self.turn(security, Duration::from_millis(50), &mut Vec::new());
        }
        None
    }
}
