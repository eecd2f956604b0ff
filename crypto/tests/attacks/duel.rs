//! The client under attack, and what it does about it.

use crate::common::SeededRng;
use coracle_crypto::{
    AlertSeen, Connection, Credentials, Event, FailureReason, Instant, Options, Profile, Psk, Security,
};

pub const IDENTITY: &[u8] = b"Client_identity";
pub const KEY: &[u8] = b"a pre-shared key";

pub fn psk_security() -> Security<'static> {
    Security::new(b"server", Credentials::Psk(Psk::new(IDENTITY, KEY).expect("fine")))
}

/// A client, its clock, and everything that came out of it.
pub struct Duel<'a, P: Profile> {
    pub client: Connection<P>,
    pub security: Security<'a>,
    pub options: Options,
    pub now: u64,
    pub rng: SeededRng,
    /// Datagrams that the client sent and nobody looked at yet.
    pub sent: Vec<Vec<u8>>,
    pub events: Vec<Event>,
    pub data: Vec<Vec<u8>>,
}

impl<'a, P: Profile> Duel<'a, P> {
    /// The client has sent its first hello.
    pub fn new(security: Security<'a>) -> Self {
        let mut duel = Self {
            client: Connection::new(),
            security,
            options: Options::DEFAULT,
            now: 1_000,
            rng: SeededRng(7),
            sent: Vec::new(),
            events: Vec::new(),
            data: Vec::new(),
        };
        duel.connect();
        duel
    }

    pub fn connect(&mut self) {
        self.client.connect(self.time(), &self.security, &self.options).expect("the configuration is right");
        self.pump();
    }

    pub fn time(&self) -> Instant {
        Instant::from_millis(self.now)
    }

    /// Takes everything that the client has to say.
    pub fn pump(&mut self) {
        let mut out = [0; 5_000];
        for _ in 0..1000 {
            match self.client.poll_transmit(self.time(), &self.security, &mut self.rng, &mut out) {
                Ok(Some(length)) => self.sent.push(out[..length].to_vec()),
                Ok(None) if self.client.poll_timeout().is_some_and(|at| at <= self.time()) => {
                    self.client.handle_timeout(self.time());
                }
                Ok(None) => {
                    while let Some(event) = self.client.poll_event() {
                        self.events.push(event);
                    }
                    return;
                }
                Err(error) => panic!("{error:?}"),
            }
        }
        panic!("the client does not stop sending");
    }

    /// Hands a datagram to the client. Answers what is left in the buffer.
    pub fn deliver(&mut self, datagram: &[u8]) -> Vec<u8> {
        let mut buffer = datagram.to_vec();
        let now = self.time();
        let mut records = self.client.handle_datagram(now, &self.security, &mut buffer);
        while let Some(data) = records.next() {
            self.data.push(data.to_vec());
        }
        drop(records);
        self.pump();
        buffer
    }

    /// Lets the clock run to the next timer.
    pub fn wait(&mut self) -> bool {
        let Some(at) = self.client.poll_timeout() else { return false };
        self.now = self.now.max(at.as_millis());
        self.client.handle_timeout(self.time());
        self.pump();
        true
    }

    /// The datagrams that the client sent since the last look.
    pub fn take_sent(&mut self) -> Vec<Vec<u8>> {
        std::mem::take(&mut self.sent)
    }

    /// Why the handshake failed, and the code of the alert that the client sent.
    pub fn failure(&self) -> Option<(FailureReason, u8)> {
        self.events.iter().find_map(|event| match event {
            Event::Failed { reason, alert: AlertSeen::Sent(alert) } => Some((*reason, alert.0)),
            _ => None,
        })
    }

    /// The same, when it has failed for whatever reason: the alert also went out.
    #[track_caller]
    pub fn expect_failure(&mut self) -> (FailureReason, u8) {
        let (reason, alert) = self.failure().unwrap_or_else(|| panic!("{:?}", self.events));
        self.assert_failed(reason, alert);
        (reason, alert)
    }

    /// The handshake failed for this reason, with this alert, which also went out.
    #[track_caller]
    pub fn assert_failed(&mut self, reason: FailureReason, alert: u8) {
        assert_eq!(self.failure(), Some((reason, alert)), "{:?}", self.events);
        let last = self.sent.last().expect("an alert");
        assert_eq!(last[0], 21, "the last record is an alert");
        if last[3..5] == [0, 0] {
            assert_eq!(last[13..15], [2, alert]);
        }
        assert!(!self.client.is_connected());
    }

    /// Nothing was reported, sent or handed out.
    #[track_caller]
    pub fn assert_unmoved(&self) {
        assert_eq!(self.events, [], "no event");
        assert_eq!(self.sent, Vec::<Vec<u8>>::new(), "nothing sent");
        assert_eq!(self.data, Vec::<Vec<u8>>::new(), "no data");
    }

    /// Forgets what happened so far.
    pub fn clear(&mut self) {
        self.sent.clear();
        self.events.clear();
        self.data.clear();
    }

    /// Protects application data.
    pub fn seal(&mut self, text: &[u8]) -> Vec<u8> {
        let mut buffer = vec![0; Connection::<P>::HEADROOM + text.len() + Connection::<P>::TAILROOM];
        buffer[Connection::<P>::HEADROOM..][..text.len()].copy_from_slice(text);
        let range = self.client.seal(&mut buffer, text.len()).expect("connected");
        buffer[range].to_vec()
    }
}
