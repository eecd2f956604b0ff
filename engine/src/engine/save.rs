//! A registration in the caller's storage, so that a device that loses its RAM in sleep goes on with it: location, times,
//! observations, attributes, and the requests that must not be carried out again.

use super::{Engine, Reader, with_tree};
use crate::account::{Account, ServerIndex};
use crate::coap::{Code, Token};
use crate::exchange::Duplicate;
use crate::model::{ContentFormat, Objects, Path};
use crate::observe::{AttributeRecord, Attributes, Observation};
use crate::output::Output;
use crate::profile::{Profile, Table};
use crate::registration::{Input, RegistrationState};
use crate::time::{Duration, Instant};

const VERSION: u8 = 1;
/// Version, short server id, message id, lifetime that was told, length of the location.
const HEAD: usize = 1 + 2 + 2 + 4 + 1;
/// Lifetime, pmin, pmax, disable timeout with a flag each, storing.
const SERVER: usize = 4 + 3 * 5 + 1;
const CHECK: usize = 4;
/// Further ahead a message id would count as one that lies behind.
const LARGEST_RESERVE: u32 = 0x7fff;

/// Why a registration was not saved. Nothing was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SaveError {
    /// The device is not registered, or something waits for the server's answer: wait until that has come.
    Busy,
    /// The storage is too small: [`Engine::SAVED_LEN`] bytes are enough.
    TooSmall,
}

impl SaveError {
    /// What is wrong, and what to do about it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Busy => {
                "the device is not registered, or something waits for the server's answer: try again later"
            }
            Self::TooSmall => {
                "the storage for the saved registration is too small: SAVED_LEN bytes are enough"
            }
        }
    }
}

/// Why a saved registration was not restored. Nothing was changed: register anew.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RestoreError {
    /// The bytes are damaged, or of another version.
    Corrupt,
    /// They were saved for another server.
    OtherServer,
    /// A table of this build is too small for them.
    DoesNotFit,
    /// The server is already in use.
    InUse,
}

impl RestoreError {
    /// What is wrong, and what to do about it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Corrupt => "the saved registration is damaged, or of another version: register anew",
            Self::OtherServer => "the saved registration is that of another server: register anew",
            Self::DoesNotFit => {
                "the tables of this build are too small for the saved registration: register anew"
            }
            Self::InUse => "a registration is restored before anything else is done with its server",
        }
    }
}

macro_rules! errors {
    ($($name:ident)*) => {$(
        impl core::fmt::Display for $name {
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl core::error::Error for $name {}
    )*};
}
errors!(SaveError RestoreError);

impl<P: Profile> Engine<'_, P> {
    /// Bytes that a saved registration takes at most.
    pub const SAVED_LEN: usize = HEAD
        + P::Location::CAPACITY
        + SERVER
        + 3
        + P::Duplicates::CAPACITY * Duplicate::SAVED_LEN
        + P::Observations::CAPACITY * Observation::SAVED_LEN
        + P::Attributes::CAPACITY * AttributeRecord::SAVED_LEN
        + CHECK;

    /// Writes the registration with a server into `out`; how many bytes of it.
    ///
    /// `reserve` is how many messages may be sent to each server before it is saved again. If the device is restored from this
    /// nevertheless, after a crash, message ids and Observe numbers go on behind the reserve: a server takes those that it
    /// has seen for duplicates, and for older values.
    ///
    /// # Errors
    /// [`SaveError`]; `out` has no meaning then.
    pub fn save(
        &self,
        now: Instant,
        server: ServerIndex,
        reserve: u32,
        out: &mut [u8],
    ) -> Result<usize, SaveError> {
        let account = self.account(server).ok_or(SaveError::Busy)?;
        let waits = self.memory.exchanges.slots().iter().any(|exchange| exchange.is_for(server));
        // A registration that was just restored may be saved again.
        let settled = matches!(
            account.registration.state,
            RegistrationState::Registered | RegistrationState::Reconnecting
        );
        if !settled || waits || self.memory.stored_length > 0 {
            return Err(SaveError::Busy);
        }
        let mut output = Output::new(out, 0);
        let location = account.registration.location.as_slice();
        output.byte(VERSION);
        output.push(&account.server.short_server_id().to_be_bytes());
        // Ids are counted for all servers together.
        let ahead = reserve.saturating_mul(self.servers().count() as u32).min(LARGEST_RESERVE);
        output.push(&self.message_id.wrapping_add(ahead as u16).to_be_bytes());
        output.push(&account.registration.told_lifetime_s.to_be_bytes());
        output.byte(location.len() as u8);
        output.push(location);
        account.server.save(&mut output);
        let duplicates = self.memory.duplicates.slots().iter().filter(|entry| entry.is_for(server, now));
        output.byte(duplicates.clone().count() as u8);
        duplicates.for_each(|entry| entry.save(now, &mut output));
        let observations = self.memory.observations.slots().iter().filter(|o| o.used && o.server == server);
        output.byte(observations.clone().count() as u8);
        observations.for_each(|observation| observation.save(now, reserve, &mut output));
        let records = self.memory.attributes.slots().iter().filter(|record| record.is_for(server));
        output.byte(records.clone().count() as u8);
        records.for_each(|record| record.save(&mut output));
        let length = output.length().map_err(|_| SaveError::TooSmall)?;
        let (body, rest) = out.split_at_mut_checked(length).ok_or(SaveError::TooSmall)?;
        *rest.first_chunk_mut::<CHECK>().ok_or(SaveError::TooSmall)? = check(body);
        Ok(length + CHECK)
    }

    /// Goes on with a saved registration: an Update follows as soon as the way to the server is open, and every value that is
    /// observed counts as changed. Set the values first that were measured since.
    ///
    /// # Errors
    /// [`RestoreError`]; nothing was changed.
    pub fn restore(
        &mut self,
        now: Instant,
        server: ServerIndex,
        saved: &[u8],
        objects: &mut dyn Objects,
    ) -> Result<(), RestoreError> {
        if self.state(server) != Some(RegistrationState::Idle) {
            return Err(RestoreError::InUse);
        }
        let (body, found) = saved.split_last_chunk::<CHECK>().ok_or(RestoreError::Corrupt)?;
        if *found != check(body) {
            return Err(RestoreError::Corrupt);
        }
        // All of it is looked at before any of it is taken.
        self.load(now, server, Reader(body), false).ok_or(RestoreError::Corrupt)??;
        self.load(now, server, Reader(body), true).ok_or(RestoreError::Corrupt)??;
        self.mark_observed(server, objects);
        self.pending = true;
        self.apply(now, server, Input::Restored);
        Ok(())
    }

    /// `None` when the bytes end too early.
    fn load(
        &mut self,
        now: Instant,
        server: ServerIndex,
        mut reader: Reader<'_>,
        take: bool,
    ) -> Option<Result<(), RestoreError>> {
        let version = reader.byte()?;
        if version != VERSION {
            return None;
        }
        let memory = &mut *self.memory;
        let idle = |account: &Account<P>| account.registration.state == RegistrationState::Idle;
        let alone = memory.accounts.slots().iter().all(idle);
        let account = memory.accounts.slots_mut().get_mut(server.index())?;
        if u16::from_be_bytes(reader.array()?) != account.server.short_server_id() {
            return Some(Err(RestoreError::OtherServer));
        }
        let message_id = u16::from_be_bytes(reader.array()?);
        let told = u32::from_be_bytes(reader.array()?);
        let length = reader.byte()?;
        let location = reader.take(length.into())?;
        if location.len() > P::Location::CAPACITY {
            return Some(Err(RestoreError::DoesNotFit));
        }
        account.server.load(&mut reader, take)?;
        if take {
            // Other servers may have been restored before, and messages sent to them: ids only go ahead.
            let ahead = message_id.wrapping_sub(self.message_id) < 0x8000;
            if alone || ahead {
                self.message_id = message_id;
            }
            account.registration.location.set(location);
            account.registration.told_lifetime_s = told;
            account.registration.told_binding = *account.server.binding();
        }
        let fits = place(&mut reader, memory.duplicates.slots_mut(), take, Duplicate::is_free, |reader| {
            Duplicate::load(now, server, reader)
        })? && place(
            &mut reader,
            memory.observations.slots_mut(),
            take,
            |o| !o.used,
            |reader| Observation::load(now, server, reader),
        )? && place(
            &mut reader,
            memory.attributes.slots_mut(),
            take,
            AttributeRecord::is_free,
            |reader| AttributeRecord::load(server, reader),
        )?;
        Some(if fits { Ok(()) } else { Err(RestoreError::DoesNotFit) })
    }

    /// What is observed may have changed while nobody looked.
    fn mark_observed(&mut self, server: ServerIndex, objects: &mut dyn Objects) {
        let memory = &mut *self.memory;
        let observations = memory.observations.slots();
        with_tree::<P, _>(&mut memory.accounts, objects, |tree| {
            for observation in observations.iter().filter(|o| o.used && o.server == server) {
                tree.mark_changed(observation.path);
            }
        });
        for slot in 0..P::Observations::CAPACITY {
            if self.memory.observations.slots().get(slot).is_some_and(|o| o.used && o.server == server) {
                self.reschedule(slot);
            }
        }
    }
}

/// Reads entries into free places; `Some(false)` when there are not enough.
fn place<T>(
    reader: &mut Reader<'_>,
    table: &mut [T],
    take: bool,
    is_free: impl Fn(&T) -> bool,
    load: impl Fn(&mut Reader<'_>) -> Option<T>,
) -> Option<bool> {
    let count = reader.byte()?;
    if table.iter().filter(|entry| is_free(entry)).count() < usize::from(count) {
        return Some(false);
    }
    for _ in 0..count {
        let entry = load(reader)?;
        if let Some(free) = table.iter_mut().find(|entry| is_free(entry)).filter(|_| take) {
            *free = entry;
        }
    }
    Some(true)
}

/// FNV-1a: against damage, not against people.
fn check(body: &[u8]) -> [u8; CHECK] {
    let mut output = Output::measure();
    output.push(body);
    output.hash().to_be_bytes()
}

fn seconds_since(now: Instant, then: Instant) -> u32 {
    now.since(then).as_secs().try_into().unwrap_or(u32::MAX)
}

/// The point of time `seconds` ago; the clock may have begun anew since.
fn ago(now: Instant, seconds: u32) -> Instant {
    Instant::from_millis(now.as_millis().saturating_sub(u64::from(seconds) * 1000))
}

impl Duplicate {
    const SAVED_LEN: usize = 2 + 1 + 1 + 2 + 2;

    fn save(&self, now: Instant, output: &mut Output<'_>) {
        output.push(&self.message_id.to_be_bytes());
        output.push(&[self.code.as_byte(), self.strict.into()]);
        output.push(&self.instance.to_be_bytes());
        output.push(&(self.expires.since(now).as_secs() as u16).to_be_bytes());
    }

    fn load(now: Instant, server: ServerIndex, reader: &mut Reader<'_>) -> Option<Self> {
        let message_id = u16::from_be_bytes(reader.array()?);
        let [code, strict] = reader.array()?;
        let instance = u16::from_be_bytes(reader.array()?);
        let seconds = u16::from_be_bytes(reader.array()?);
        Some(Self {
            used: true,
            server: server.0,
            code: Code::from_byte(code),
            strict: strict != 0,
            message_id,
            instance,
            // The sleep does not count: how long it was is not known.
            expires: now + Duration::from_secs(u64::from(seconds) + 1),
        })
    }
}

impl Observation {
    const SAVED_LEN: usize = 9 + 8 + 2 + 8 + 4 + 4 + 4 + 8;

    fn save(&self, now: Instant, reserve: u32, output: &mut Output<'_>) {
        let token = self.token.as_slice();
        output.byte(token.len() as u8);
        output.push(token);
        output.push([0; Token::MAX].get(token.len()..).unwrap_or_default());
        self.path.all_ids().iter().for_each(|id| output.push(&id.to_be_bytes()));
        output.push(&self.format.number().to_be_bytes());
        self.recent.iter().for_each(|id| output.push(&id.to_be_bytes()));
        let sequence = (self.sequence + reserve.min(LARGEST_RESERVE)) & 0x00ff_ffff;
        output.push(&sequence.to_be_bytes());
        output.push(&seconds_since(now, self.sent_at).to_be_bytes());
        output.push(&seconds_since(now, self.confirmed_at).to_be_bytes());
        output.push(&self.last.to_bits().to_be_bytes());
    }

    fn load(now: Instant, server: ServerIndex, reader: &mut Reader<'_>) -> Option<Self> {
        let length = reader.byte()?;
        let token = reader.take(Token::MAX)?.get(..length.into()).and_then(Token::new)?;
        let path = load_path(reader)?;
        let format = ContentFormat::from_number(u16::from_be_bytes(reader.array()?))?;
        let mut observation = Self::new(server, token, path, format, now);
        for id in &mut observation.recent {
            *id = u16::from_be_bytes(reader.array()?);
        }
        observation.sequence = u32::from_be_bytes(reader.array()?);
        observation.sent_at = ago(now, u32::from_be_bytes(reader.array()?));
        observation.confirmed_at = ago(now, u32::from_be_bytes(reader.array()?));
        observation.last = f64::from_bits(u64::from_be_bytes(reader.array()?));
        Some(observation)
    }
}

impl AttributeRecord {
    const SAVED_LEN: usize = 8 + Attributes::SAVED_LEN;

    fn save(&self, output: &mut Output<'_>) {
        self.path.all_ids().iter().for_each(|id| output.push(&id.to_be_bytes()));
        self.values.save(output);
    }

    fn load(server: ServerIndex, reader: &mut Reader<'_>) -> Option<Self> {
        let path = load_path(reader)?;
        Some(Self { used: true, server: server.0, path, values: Attributes::load(reader)? })
    }
}

fn load_path(reader: &mut Reader<'_>) -> Option<Path> {
    let mut ids = [0; 4];
    for id in &mut ids {
        *id = u16::from_be_bytes(reader.array()?);
    }
    Some(Path::from_all_ids(ids))
}
