//! A registration and its session in the caller's storage, for a device that loses its RAM in sleep.

use coracle_crypto::{CONTEXT_LEN, ExportError, RestoreError as SessionError};
use coracle_engine::model::Objects;
use coracle_engine::{Engine, Instant, RegistrationState, ServerIndex};

use crate::session::{Way, way};
use crate::{Client, Profile};

/// Length of the registration's part.
const LENGTH: usize = 2;

/// Why nothing was saved; what is in the storage has no meaning then.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SaveError {
    /// The registration.
    Registration(coracle_engine::SaveError),
    /// The DTLS session.
    Session(ExportError),
}

impl core::fmt::Display for SaveError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Registration(error) => error.fmt(f),
            Self::Session(error) => error.fmt(f),
        }
    }
}

impl core::error::Error for SaveError {}

/// Why nothing was restored, and nothing was changed: register anew.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RestoreError {
    /// The registration.
    Registration(coracle_engine::RestoreError),
    /// The DTLS session.
    Session(SessionError),
    /// The credentials of the server can't be used.
    Security(coracle_crypto::ConnectError),
}

impl core::fmt::Display for RestoreError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Registration(error) => error.fmt(f),
            Self::Session(error) => error.fmt(f),
            Self::Security(error) => error.fmt(f),
        }
    }
}

impl core::error::Error for RestoreError {}

impl<P: Profile, O: Objects> Client<'_, P, O> {
    /// Bytes of storage that a saved registration needs at most. Keys are among them: the storage must be as safe as that of
    /// the credentials.
    pub const SAVED_LEN: usize =
        LENGTH + Engine::<'static, P>::SAVED_LEN + if P::DTLS { CONTEXT_LEN } else { 0 };

    /// Writes the registration with a server, and its DTLS session, into `out`; how many bytes of it.
    ///
    /// `reserve` is how many datagrams may be sent afterwards before it has to be saved again: 0 right before the sleep. No
    /// record number is ever used twice, whenever the power goes: more datagrams than that are not sent. Message ids and Observe
    /// numbers go on behind the reserve as well, so that the server does not take what comes for what it has seen.
    ///
    /// That holds when what is written here is stored before anything more is sent. If it can't be stored, save once more with
    /// a `reserve` of 0: the storage may still have what was saved before, which knows nothing of the reserve of this one.
    ///
    /// # Errors
    /// [`SaveError`], for instance as long as the server owes an answer.
    pub fn save(
        &mut self,
        now: Instant,
        server: ServerIndex,
        reserve: u32,
        out: &mut [u8],
    ) -> Result<usize, SaveError> {
        let small = SaveError::Registration(coracle_engine::SaveError::TooSmall);
        let (length, rest) = out.split_first_chunk_mut::<LENGTH>().ok_or(small)?;
        let saved = self.engine.save(now, server, reserve, rest).map_err(SaveError::Registration)?;
        *length = (saved as u16).to_be_bytes();
        if way(&self.engine, server) != Way::Dtls {
            return Ok(LENGTH + saved);
        }
        let context = rest.get_mut(saved..).and_then(<[u8]>::first_chunk_mut).ok_or(small)?;
        self.sessions.export(server, reserve, context).map_err(SaveError::Session)?;
        Ok(LENGTH + saved + CONTEXT_LEN)
    }

    /// Goes on with what was saved, instead of [`Client::register`]: an Update goes out as soon as the driver has opened a way
    /// to the server, and every observed value counts as changed. With a connection ID that Update is the only datagram;
    /// without one the DTLS session is resumed first.
    ///
    /// Set what was measured since before the driver goes on. Then [`Client::save`] again: until that is done nothing is sent
    /// in the restored session, so that a device that is restarted in between can't use a record number twice.
    ///
    /// # Errors
    /// [`RestoreError`]; the server is as it was, and can be registered with.
    pub fn restore(&mut self, now: Instant, server: ServerIndex, saved: &[u8]) -> Result<(), RestoreError> {
        let corrupt = RestoreError::Registration(coracle_engine::RestoreError::Corrupt);
        let (length, rest) = saved.split_first_chunk::<LENGTH>().ok_or(corrupt)?;
        let length = usize::from(u16::from_be_bytes(*length));
        let (registration, context) = rest.split_at_checked(length).ok_or(corrupt)?;
        if self.engine.state(server) != Some(RegistrationState::Idle) {
            // Before the session that may be going on is touched.
            return Err(RestoreError::Registration(coracle_engine::RestoreError::InUse));
        }
        let secure = way(&self.engine, server) == Way::Dtls;
        if secure {
            let context = context.first_chunk().ok_or(corrupt)?;
            self.sessions.restore(&self.engine, now, server, context)?;
        }
        let restored = self.engine.restore(now, server, registration, &mut self.objects);
        if restored.is_err() && secure {
            self.sessions.forget(server);
        }
        restored.map_err(RestoreError::Registration)
    }
}
