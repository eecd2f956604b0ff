//! Sessions in the caller's storage, so that a device that loses its RAM in sleep wakes with one datagram.
//!
//! Two forms: what resuming needs ([`SESSION_LEN`] bytes), and the whole session with its keys and counters
//! ([`CONTEXT_LEN`] bytes). Both have a version, a digest against corruption, and are bound to server and credentials.
//! Both contain keys: the storage must be as safe as the one for the credentials.
//!
//! A sequence number must never be used twice with one key, whatever happens to the power supply. So the stored form
//! always lies ahead of what was sent: [`Connection::export`] sets a number of records aside and stores the number
//! behind them; when they are used up, or right after [`Connection::restore`], nothing can be sent before the session
//! was exported again.

use super::session::{BINDING, binding_of};
use super::{Connection, State};
use crate::codec::{Malformed, Reader, Sink};
use crate::credentials::Security;
use crate::event::Pending;
use crate::handshake::MASTER;
use crate::link::Options;
use crate::profile::{Bytes, Profile};
use crate::provider::sha256;
use crate::record::{ALERT_END, Layer, SEQUENCE_END};
use crate::secret::verdict;
use crate::suite::CipherSuite;
use subtle::ConstantTimeEq;

/// Bytes of an exported session: what resuming it needs.
pub const SESSION_LEN: usize = HEAD + DIGEST;
/// Bytes of an exported context: the whole session.
pub const CONTEXT_LEN: usize = HEAD + 3 + 2 + 2 + 4 + KEYS + 8 + 8 + 4 * WINDOW + 2 * CID + DIGEST;

/// Kind, version, suite, flags, session id with its length, master secret, binding.
const HEAD: usize = 1 + 1 + 2 + 1 + 1 + 32 + MASTER + BINDING;
const DIGEST: usize = 8;
/// Longest key block.
const KEYS: usize = 96;
/// Longest connection ID.
const CID: usize = 32;
/// Words of the replay window that are kept.
const WINDOW: usize = 4;

const KIND_SESSION: u8 = 1;
const KIND_CONTEXT: u8 = 2;
const VERSION: u8 = 2;

const EXTENDED_MASTER_SECRET: u8 = 1;
const ENCRYPT_THEN_MAC: u8 = 2;
const RESUMABLE: u8 = 4;

/// Why a session was not exported.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ExportError {
    /// There is no session, or none that can be resumed.
    NoSession,
    /// So many sequence numbers are not left: start a new session.
    Exhausted,
}

impl core::fmt::Display for ExportError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(match self {
            Self::NoSession => "there is no session to export",
            Self::Exhausted => "the sequence numbers are used up: start a new session",
        })
    }
}

impl core::error::Error for ExportError {}

/// Why a session was not restored. The connection is as it was; start a new handshake.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RestoreError {
    /// The stored bytes are damaged, or something else.
    Corrupt,
    /// They were written by a version of this crate with another format.
    Version,
    /// The session belongs to another server, or to other credentials.
    OtherServer,
    /// The profile has no place for it: another suite, or a longer connection ID. Or the server's suites have changed.
    DoesNotFit,
}

impl core::fmt::Display for RestoreError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(match self {
            Self::Corrupt => "the stored session is damaged",
            Self::Version => "the stored session has another format",
            Self::OtherServer => "the stored session belongs to another server or other credentials",
            Self::DoesNotFit => "the stored session does not fit this build or the suites of the server",
        })
    }
}

impl core::error::Error for RestoreError {}

impl From<Malformed> for RestoreError {
    fn from(_: Malformed) -> Self {
        Self::Corrupt
    }
}

impl<P: Profile> Connection<P> {
    /// Writes what resuming the session needs.
    ///
    /// # Errors
    /// When there is no session that can be resumed; `out` is then left as it was.
    pub fn export_session(&self, out: &mut [u8; SESSION_LEN]) -> Result<(), ExportError> {
        if !self.core.session.is_complete() {
            return Err(ExportError::NoSession);
        }
        let mut sink = Sink::window(0, out);
        self.write_head(KIND_SESSION, &mut sink);
        seal(out);
        Ok(())
    }

    /// Takes a session from storage: the next [`connect`](Self::connect) resumes it.
    ///
    /// # Errors
    /// When the bytes are no intact session with this server and these credentials.
    pub fn restore_session(
        &mut self,
        security: &Security<'_>,
        stored: &[u8; SESSION_LEN],
    ) -> Result<(), RestoreError> {
        let mut reader = unseal(stored, KIND_SESSION)?;
        let head = Head::read(&mut reader, security)?;
        let suite = head.suite::<P>(security)?;
        if P::SessionId::LEN < head.id.len() {
            return Err(RestoreError::DoesNotFit);
        }
        self.core.reset();
        self.core.session.bind(security);
        self.core.session.load(head.id, suite, head.has(EXTENDED_MASTER_SECRET), head.master);
        Ok(())
    }

    /// Writes the whole session, with `reserve` records set aside: so many can be sent before it has to be exported
    /// again. Store the bytes before anything more is sent; when that fails, export once more with a `reserve` of 0, as bytes
    /// that were stored before know nothing of this one.
    ///
    /// Right before the power goes, export with a `reserve` of 0. What was received after the last export can be
    /// received once more after a restore: the replay window is that of the export.
    ///
    /// # Errors
    /// When there is no session, or not so many sequence numbers are left; `out` is then left as it was.
    pub fn export(&mut self, reserve: u32, out: &mut [u8; CONTEXT_LEN]) -> Result<(), ExportError> {
        if self.core.state != State::Connected {
            return Err(ExportError::NoSession);
        }
        let next = self.core.link.layer.sequence.saturating_add(reserve.into());
        if next > SEQUENCE_END {
            return Err(ExportError::Exhausted);
        }
        self.core.link.layer.sequence_end = next;
        // Behind the last number for data are those that only an alert may take, and it may take them now.
        let stored = if next == SEQUENCE_END { ALERT_END } else { next };
        out.fill(0);
        let mut sink = Sink::window(0, out);
        self.write_head(KIND_CONTEXT, &mut sink);
        write_layer(&self.core.link.layer, stored, &mut sink);
        seal(out);
        Ok(())
    }

    /// Takes a whole session from storage: application data can be received at once, and sent after the session was
    /// [exported](Self::export) again and stored.
    ///
    /// # Errors
    /// When the bytes are no intact session with this server and these credentials.
    pub fn restore(
        &mut self,
        security: &Security<'_>,
        options: &Options,
        stored: &[u8; CONTEXT_LEN],
    ) -> Result<(), RestoreError> {
        let mut reader = unseal(stored, KIND_CONTEXT)?;
        let head = Head::read(&mut reader, security)?;
        let suite = head.suite::<P>(security)?;
        let mut layer = Layer::EMPTY;
        layer.set_suite(suite);
        layer.encrypt_then_mac = head.has(ENCRYPT_THEN_MAC);
        // It is dropped when that fails, and erases its keys.
        read_layer(&mut layer, &mut reader)?;
        let resumable = head.has(RESUMABLE) && P::SessionId::LEN >= head.id.len();
        self.core.reset();
        self.core.link.pending = Pending::EMPTY;
        self.core.session.bind(security);
        if resumable {
            self.core.session.load(head.id, suite, head.has(EXTENDED_MASTER_SECRET), head.master);
        }
        self.core.link.options = *options;
        self.core.link.writing = true;
        // Moved, the keys would stay where they were as well.
        core::mem::swap(&mut self.core.link.layer, &mut layer);
        self.core.state = State::Connected;
        Ok(())
    }

    fn write_head(&self, kind: u8, sink: &mut Sink<'_>) {
        let session = &self.core.session;
        let flag = |set: bool, flag: u8| if set { flag } else { 0 };
        let suite = self.core.link.layer.suite().filter(|_| kind == KIND_CONTEXT).or(session.suite());
        sink.u8(kind);
        sink.u8(VERSION);
        sink.u16(suite.map_or(0, CipherSuite::number));
        sink.u8(flag(session.extended_master_secret, EXTENDED_MASTER_SECRET)
            | flag(self.core.link.layer.encrypt_then_mac, ENCRYPT_THEN_MAC)
            | flag(session.is_complete(), RESUMABLE));
        put_padded::<32>(sink, if session.is_complete() { session.id() } else { &[] });
        sink.put(if session.is_complete() { &session.master } else { &[0; MASTER] });
        sink.put(session.binding());
    }
}

/// A vector with a 1-byte length, padded with zeros to `N` bytes.
fn put_padded<const N: usize>(sink: &mut Sink<'_>, bytes: &[u8]) {
    sink.vec8(bytes);
    sink.put([0; N].get(bytes.len()..).unwrap_or_default());
}

fn read_padded<'a, const N: usize>(reader: &mut Reader<'a>) -> Result<&'a [u8], RestoreError> {
    let length = reader.u8()?;
    let padded = reader.array::<N>()?;
    padded.get(..length.into()).ok_or(RestoreError::Corrupt)
}

/// Puts the digest over everything before it at the end.
fn seal(out: &mut [u8]) {
    if let Some((body, digest)) = out.split_last_chunk_mut::<DIGEST>() {
        *digest = check(body);
    }
}

fn check(body: &[u8]) -> [u8; DIGEST] {
    sha256::digest(&[b"coracle dtls session", body]).first_chunk().copied().unwrap_or_default()
}

/// The contents of intact bytes, behind kind and version.
fn unseal(stored: &[u8], kind: u8) -> Result<Reader<'_>, RestoreError> {
    let (body, digest) = stored.split_last_chunk::<DIGEST>().ok_or(RestoreError::Corrupt)?;
    if !verdict(check(body).ct_eq(digest)) {
        return Err(RestoreError::Corrupt);
    }
    let mut reader = Reader(body);
    match (reader.u8()?, reader.u8()?) {
        (found, VERSION) if found == kind => Ok(reader),
        (found, _) if found == kind => Err(RestoreError::Version),
        _ => Err(RestoreError::Corrupt),
    }
}

/// What both forms have.
struct Head<'a> {
    suite: u16,
    flags: u8,
    id: &'a [u8],
    master: &'a [u8; MASTER],
}

impl<'a> Head<'a> {
    fn read(reader: &mut Reader<'a>, security: &Security<'_>) -> Result<Self, RestoreError> {
        let suite = reader.u16()?;
        let flags = reader.u8()?;
        let id = read_padded::<32>(reader)?;
        let master = reader.array()?;
        // A digest of the key is part of it.
        if !verdict(binding_of(security).ct_eq(reader.array::<BINDING>()?)) {
            return Err(RestoreError::OtherServer);
        }
        Ok(Self { suite, flags, id, master })
    }

    const fn has(&self, flag: u8) -> bool {
        self.flags & flag != 0
    }

    /// One that is still offered.
    fn suite<P: Profile>(&self, security: &Security<'_>) -> Result<CipherSuite, RestoreError> {
        let found = security.offer(P::SUITES).find(|suite| suite.number() == self.suite);
        found.ok_or(RestoreError::DoesNotFit)
    }
}

fn write_layer<P: Profile>(layer: &Layer<P>, next: u64, sink: &mut Sink<'_>) {
    let keys = layer.key_block();
    put_padded::<KEYS>(sink, keys);
    sink.u16(layer.peer_limit);
    sink.u16(layer.own_limit);
    // What forgers have tried counts against the keys, and these go on.
    sink.put(&layer.failed_opens.to_be_bytes());
    sink.put(&next.to_be_bytes());
    let (highest, words) = layer.window.parts();
    sink.put(&highest.to_be_bytes());
    for at in 0..WINDOW {
        // Records that the stored window does not cover count as received.
        sink.put(&words.get(at).copied().unwrap_or(u32::MAX).to_be_bytes());
    }
    put_padded::<CID>(sink, layer.own_cid());
    put_padded::<CID>(sink, layer.peer_cid());
}

fn read_layer<P: Profile>(layer: &mut Layer<P>, reader: &mut Reader<'_>) -> Result<(), RestoreError> {
    let keys = read_padded::<KEYS>(reader)?;
    let (peer_limit, own_limit) = (reader.u16()?, reader.u16()?);
    let failed_opens = u32::from_be_bytes(*reader.array()?);
    let next = u64::from_be_bytes(*reader.array()?);
    let highest = u64::from_be_bytes(*reader.array()?);
    let mut words = [0; WINDOW];
    for word in &mut words {
        *word = u32::from_be_bytes(*reader.array()?);
    }
    let own_cid = read_padded::<CID>(reader)?;
    let peer_cid = read_padded::<CID>(reader)?;
    reader.end()?;
    if !layer.restore(keys, own_cid, peer_cid) {
        return Err(RestoreError::DoesNotFit);
    }
    (layer.peer_limit, layer.own_limit) = (peer_limit, own_limit);
    layer.failed_opens = failed_opens;
    layer.window = crate::record::ReplayWindow::restored(highest, words.into_iter());
    // Nothing can be sent before the next export.
    layer.sequence = next;
    layer.sequence_end = next;
    layer.reading = true;
    Ok(())
}
