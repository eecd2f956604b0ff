//! Where the engine and DTLS meet: sessions with servers that are reached by `coaps://`.

use core::ops::Range;

use coracle_crypto::{
    CONTEXT_LEN, CloseReason, ConnectError, Connection, Event as DtlsEvent, ExportError, HmacDrbg,
    Instant as DtlsInstant, Options, Security, Signer,
};
use coracle_engine::account::SecurityMode;
use coracle_engine::model::Objects;
use coracle_engine::profile::{Slot, Table};
use coracle_engine::{Engine, Instant, RegistrationState, ServerIndex};

use crate::credentials::with_security;
use crate::{Profile, RestoreError, SessionEvent};

/// A session that ends sooner than this after its handshake was a short one, in s.
const SHORT_S: u32 = 10;
/// After so many short sessions in a row the next one has to wait.
const SHORT_IN_A_ROW: u8 = 2;

/// The DTLS session with one server.
#[derive(Debug)]
pub struct Session<P: Profile> {
    connection: Connection<P>,
    /// When its handshake was complete, in s.
    since_s: u32,
    /// Sessions in a row that the server has ended soon.
    short: u8,
}

impl<P: Profile> Slot for Session<P> {
    const EMPTY: Self = Self { connection: Connection::new(), since_s: 0, short: 0 };
}

impl<P: Profile> Session<P> {
    /// The session has ended. Answers whether the next one should wait: the server ends each as soon as it is there.
    fn has_ended(&mut self, now: Instant) -> bool {
        let lasted_s = seconds(now).saturating_sub(self.since_s);
        self.short = if lasted_s < SHORT_S { self.short.saturating_add(1) } else { 0 };
        self.short > SHORT_IN_A_ROW
    }
}

const fn seconds(now: Instant) -> u32 {
    now.since(Instant::ZERO).as_secs() as u32
}

/// The random numbers of all sessions.
#[derive(Debug)]
pub struct Random(pub(crate) HmacDrbg);

impl Slot for Random {
    const EMPTY: Self = Self(HmacDrbg::EMPTY);
}

/// How the traffic of a server goes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    Plain,
    Dtls,
    /// By DTLS, which this build does not have.
    None,
}

/// All sessions, and what they share.
pub(crate) struct Sessions<'m, P: Profile> {
    pub(crate) table: &'m mut P::Sessions,
    pub(crate) random: &'m mut P::Random,
    /// Signs instead of a private key in object 0.
    pub(crate) signer: Option<&'m dyn Signer>,
    /// Certificates that may end a chain.
    pub(crate) trust_store: &'m [&'m [u8]],
    /// Seconds since 1970 at the beginning of the monotonic clock; 0 when not known.
    pub(crate) epoch_s: u64,
}

const fn dtls_time(now: Instant) -> DtlsInstant {
    DtlsInstant::from_millis(now.as_millis())
}

/// How this server is reached.
pub(crate) fn way<P: Profile>(engine: &Engine<'_, P>, server: ServerIndex) -> Way {
    let mode = engine.account(server).map(|account| account.security_object().security_mode());
    match mode {
        Some(Some(SecurityMode::NoSec)) => Way::Plain,
        Some(Some(_)) if P::DTLS => Way::Dtls,
        _ => Way::None,
    }
}

/// The handshake settings of a profile.
pub(crate) const fn options<P: Profile>() -> Options {
    let largest = 1 << 14;
    let mtu = if P::Transmit::CAPACITY < largest { P::Transmit::CAPACITY } else { largest };
    Options { mtu: mtu as u16, backoff: P::HANDSHAKE_BACKOFF }
}

/// The part of a buffer where a message goes, so that it can be protected in place.
pub(crate) fn message_room<P: Profile>(out: &mut [u8]) -> &mut [u8] {
    let (before, behind) = (Connection::<P>::HEADROOM, Connection::<P>::TAILROOM);
    let end = out.len().saturating_sub(behind);
    out.get_mut(before..end).unwrap_or_default()
}

impl<P: Profile> Sessions<'_, P> {
    /// Calls `work` with a session and its security settings; `false` when there are none.
    fn with(
        &mut self,
        engine: &Engine<'_, P>,
        now: Instant,
        server: ServerIndex,
        work: &mut dyn FnMut(&mut Connection<P>, &mut HmacDrbg, &Security<'_>),
    ) -> Result<(), ConnectError> {
        let session = self.table.slots_mut().get_mut(server.index());
        let random = self.random.slots_mut().first_mut();
        let (Some(account), Some(session), Some(random)) = (engine.account(server), session, random) else {
            return Err(ConnectError::NotLinked);
        };
        let known = P::CERTIFICATES && self.epoch_s > 0;
        let unix_time = known.then(|| self.epoch_s.saturating_add(now.since(Instant::ZERO).as_secs()));
        with_security::<P>(
            account.security_object(),
            self.signer,
            self.trust_store,
            unix_time,
            &mut |security| work(&mut session.connection, &mut random.0, security),
        )
    }

    fn connection(&mut self, server: ServerIndex) -> Option<&mut Connection<P>> {
        self.table.slots_mut().get_mut(server.index()).map(|session| &mut session.connection)
    }

    /// Datagrams can be exchanged with a server: makes a handshake, unless the session goes on by its connection ID. It does
    /// not when nothing was answered in it lately: the server may have lost it.
    pub(crate) fn way_is_open(&mut self, engine: &mut Engine<'_, P>, now: Instant, server: ServerIndex) {
        let roams = self.connection(server).and_then(|connection| connection.agreed());
        if engine.state(server) == Some(RegistrationState::Reconnecting)
            && roams.is_some_and(|agreed| agreed.connection_id)
            && !engine.is_unanswered(server)
        {
            return engine.connected(now, server);
        }
        engine.securing(server);
        let mut result = Ok(());
        let usable = self.with(engine, now, server, &mut |connection, _, security| {
            result = connection.connect(dtls_time(now), security, &options::<P>());
        });
        if let Err(error) = usable.and(result) {
            engine.report(server, SessionEvent::Unusable(error));
            engine.securing_failed(now, server);
        }
    }

    /// Takes a datagram: what has to be answered at once is in `out` at the range.
    pub(crate) fn handle_datagram(
        &mut self,
        engine: &mut Engine<'_, P>,
        objects: &mut dyn Objects,
        (now, server): (Instant, ServerIndex),
        datagram: &mut [u8],
        out: &mut [u8],
    ) -> Option<Range<usize>> {
        let (mut at, mut answer) = (0, 0..0);
        loop {
            let mut data = None;
            let usable = self.with(engine, now, server, &mut |connection, _, security| {
                data = connection.handle_records(dtls_time(now), security, datagram, &mut at);
            });
            self.note_events(engine, now, server);
            let Some(message) = data.filter(|_| usable.is_ok()).and_then(|range| datagram.get(range)) else {
                break;
            };
            // A datagram may have several messages in it; their answers share one as well.
            let Some(rest) = out.get_mut(answer.end..) else { break };
            let limit = self.connection(server).map_or(0, |connection| connection.payload_limit());
            let room = message_room::<P>(rest);
            let room = if room.len() > limit { room.get_mut(..limit).unwrap_or_default() } else { room };
            if let Some(length) = engine.handle_message(now, server, message, objects, room)
                && let Some(record) = self.seal(server, rest, length)
            {
                answer = append(answer, record, out);
            }
        }
        (!answer.is_empty()).then_some(answer)
    }

    /// Protects a message that lies in [`message_room`]; where the datagram lies. Without a session it is lost.
    pub(crate) fn seal(
        &mut self,
        server: ServerIndex,
        out: &mut [u8],
        length: usize,
    ) -> Option<Range<usize>> {
        self.connection(server)?.seal(out, length).ok()
    }

    /// Writes the next datagram of a handshake or of an ending session; its server and length.
    pub(crate) fn poll_transmit(
        &mut self,
        engine: &mut Engine<'_, P>,
        now: Instant,
        out: &mut [u8],
    ) -> Option<(ServerIndex, usize)> {
        for index in 0..P::Sessions::CAPACITY {
            let server = ServerIndex(index as u8);
            if way(engine, server) == Way::Dtls
                && let Some(length) = self.transmit(engine, now, server, out)
            {
                return Some((server, length));
            }
        }
        None
    }

    fn transmit(
        &mut self,
        engine: &mut Engine<'_, P>,
        now: Instant,
        server: ServerIndex,
        out: &mut [u8],
    ) -> Option<usize> {
        let unwanted =
            matches!(engine.state(server), Some(RegistrationState::Idle | RegistrationState::Disabled));
        let connection = self.connection(server)?;
        if unwanted {
            connection.close(dtls_time(now));
        }
        if connection.poll_timeout().is_none_or(|deadline| deadline > dtls_time(now)) {
            self.note_events(engine, now, server);
            return None;
        }
        connection.handle_timeout(dtls_time(now));
        let mut result = Ok(None);
        let usable = self.with(engine, now, server, &mut |connection, random, security| {
            result = connection.poll_transmit(dtls_time(now), security, random, out);
        });
        self.note_events(engine, now, server);
        let event = match (usable, result) {
            (Ok(()), Ok(length)) => return length,
            (Ok(()), Err(error)) => SessionEvent::NotTransmitted(error),
            (Err(error), _) => SessionEvent::Unusable(error),
        };
        // Without this it would be tried for ever.
        engine.report(server, event);
        self.connection(server)?.suspend();
        engine.securing_failed(now, server);
        engine.disconnected(now, server);
        None
    }

    /// Tells the engine and the application what has happened to a session.
    fn note_events(&mut self, engine: &mut Engine<'_, P>, now: Instant, server: ServerIndex) {
        while let Some(event) = self.connection(server).and_then(Connection::poll_event) {
            match event {
                DtlsEvent::Connected(agreed) => {
                    let limit = self.connection(server).map_or(0, |connection| connection.payload_limit());
                    engine.set_message_limit(server, limit.try_into().unwrap_or(u16::MAX));
                    if let Some(session) = self.table.slots_mut().get_mut(server.index()) {
                        session.since_s = seconds(now);
                    }
                    engine.report(server, SessionEvent::Secured(agreed));
                    // It may have come by a way that is about to be replaced.
                    if !engine.is_way_wanted(server) {
                        engine.connected(now, server);
                    }
                }
                DtlsEvent::Failed { reason, alert } => {
                    note_alert(engine, server, alert);
                    engine.report(server, SessionEvent::HandshakeFailed { reason, alert });
                    engine.securing_failed(now, server);
                }
                DtlsEvent::Closed { reason, alert } => {
                    note_alert(engine, server, alert);
                    engine.report(server, SessionEvent::Closed { reason, alert });
                    engine.disconnected(now, server);
                    let session = self.table.slots_mut().get_mut(server.index());
                    let by_server = reason != CloseReason::ByUs;
                    if by_server && session.is_some_and(|session| session.has_ended(now)) {
                        engine.securing_failed(now, server);
                    }
                }
                _ => {}
            }
        }
    }

    /// Writes a session for the caller's storage.
    pub(crate) fn export(
        &mut self,
        server: ServerIndex,
        reserve: u32,
        out: &mut [u8; CONTEXT_LEN],
    ) -> Result<(), ExportError> {
        self.connection(server).map_or(Err(ExportError::NoSession), |session| session.export(reserve, out))
    }

    /// Takes a session from the caller's storage.
    pub(crate) fn restore(
        &mut self,
        engine: &Engine<'_, P>,
        now: Instant,
        server: ServerIndex,
        saved: &[u8; CONTEXT_LEN],
    ) -> Result<(), RestoreError> {
        let mut result = Ok(());
        let usable = self.with(engine, now, server, &mut |connection, _, security| {
            result = connection.restore(security, &options::<P>(), saved);
        });
        usable.map_err(RestoreError::Security)?;
        result.map_err(RestoreError::Session)
    }

    /// Forgets a session without a word.
    pub(crate) fn forget(&mut self, server: ServerIndex) {
        if let Some(connection) = self.connection(server) {
            connection.suspend();
            connection.forget_session();
        }
    }

    /// Forgets all keys.
    pub(crate) fn erase(&mut self) {
        // Dropping erases the keys; what is left of a session is public, but of no use to the next client.
        self.table.slots_mut().iter_mut().for_each(|session| *session = Session::EMPTY);
        self.random.slots_mut().iter_mut().for_each(|random| random.0.erase());
    }

    /// When [`Sessions::poll_transmit`] has something to do.
    pub(crate) fn poll_timeout(&self) -> Option<Instant> {
        let deadlines = self.table.slots().iter().filter_map(|session| session.connection.poll_timeout());
        deadlines.min().map(|deadline| Instant::from_millis(deadline.as_millis()))
    }
}

/// Object 1 resource 11. That a session was closed in peace is no alert to look into.
fn note_alert<P: Profile>(engine: &mut Engine<'_, P>, server: ServerIndex, seen: coracle_crypto::AlertSeen) {
    if let Some(alert) = seen.alert()
        && alert != coracle_crypto::Alert::CLOSE_NOTIFY
    {
        engine.note_alert(server, alert.0);
    }
}

/// Puts a record that lies at `record` behind `before` right behind it.
fn append(before: Range<usize>, record: Range<usize>, out: &mut [u8]) -> Range<usize> {
    if before.is_empty() {
        return record;
    }
    let Some(rest) = out.get_mut(before.end..) else { return before };
    for (to, from) in record.clone().enumerate() {
        if let Some(byte) = rest.get(from).copied()
            && let Some(place) = rest.get_mut(to)
        {
            *place = byte;
        }
    }
    before.start..before.end + record.len()
}
