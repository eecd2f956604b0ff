//! Sessions that clients may resume.

use super::Peer;
use crate::handshake::MASTER;
use core::cell::RefCell;
use zeroize::Zeroize;

/// A session that can be resumed. Erased when dropped.
#[derive(Clone)]
pub struct StoredSession {
    pub(super) id: [u8; 32],
    pub(super) suite: u16,
    pub(super) extended_master_secret: bool,
    pub(super) peer: Peer,
    pub(super) master: [u8; MASTER],
}

impl StoredSession {
    pub(super) const EMPTY: Self = Self {
        id: [0; 32],
        suite: 0,
        extended_master_secret: false,
        peer: Peer::NOBODY,
        master: [0; MASTER],
    };

    /// The name of the session.
    pub const fn id(&self) -> &[u8; 32] {
        &self.id
    }
}

impl Drop for StoredSession {
    fn drop(&mut self) {
        self.master.zeroize();
    }
}

impl core::fmt::Debug for StoredSession {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("StoredSession").field("peer", &self.peer).finish_non_exhaustive()
    }
}

/// Where the server keeps sessions.
pub trait Sessions {
    /// Keeps a session.
    fn save(&self, session: &StoredSession);

    /// The session with this id, if it is still there.
    fn load(&self, id: &[u8; 32]) -> Option<StoredSession>;
}

/// The latest `N` sessions.
#[derive(Debug)]
pub struct SessionCache<const N: usize>(RefCell<([StoredSession; N], usize)>);

impl<const N: usize> SessionCache<N> {
    /// An empty cache.
    pub const fn new() -> Self {
        Self(RefCell::new(([const { StoredSession::EMPTY }; N], 0)))
    }
}

impl<const N: usize> Default for SessionCache<N> {
    fn default() -> Self {
        Self::new()
    }
}

impl<const N: usize> Sessions for SessionCache<N> {
    fn save(&self, session: &StoredSession) {
        let Ok(mut cache) = self.0.try_borrow_mut() else { return };
        let (sessions, next) = &mut *cache;
        if let Some(place) = sessions.get_mut(*next) {
            *place = session.clone();
        }
        *next = if *next + 1 < N { *next + 1 } else { 0 };
    }

    fn load(&self, id: &[u8; 32]) -> Option<StoredSession> {
        let cache = self.0.try_borrow().ok()?;
        // An empty place has no suite.
        cache.0.iter().find(|session| session.suite != 0 && session.id == *id).cloned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_makes_room() {
        let cache = SessionCache::<2>::new();
        assert!(cache.load(&[0; 32]).is_none());
        for number in 1..=3 {
            cache.save(&StoredSession { id: [number; 32], suite: 1, ..StoredSession::EMPTY.clone() });
        }
        assert!(cache.load(&[1; 32]).is_none());
        assert!(cache.load(&[2; 32]).is_some() && cache.load(&[3; 32]).is_some());
    }
}
