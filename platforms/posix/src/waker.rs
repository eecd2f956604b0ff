//! Ends a wait from another thread.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::Arc;

use rustix::event::{EventfdFlags, eventfd};

/// Makes [`PosixNetwork::wait`](crate::PosixNetwork) return, from any thread.
#[derive(Clone, Debug)]
pub struct Waker(Arc<OwnedFd>);

impl Waker {
    pub(crate) fn new() -> io::Result<Self> {
        Ok(Self(Arc::new(eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?)))
    }

    /// Ends the wait that is under way, or the next one.
    pub fn wake(&self) {
        // It fails only when the counter is full: the wait ends then as well.
        let _ = rustix::io::write(&*self.0, &1u64.to_ne_bytes());
    }

    /// Forgets wake-ups so far.
    pub(crate) fn clear(&self) {
        let _ = rustix::io::read(&*self.0, &mut [0; 8]);
    }

    pub(crate) fn descriptor(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustix::event::{PollFd, PollFlags, Timespec, poll};

    fn is_readable(waker: &Waker) -> bool {
        let mut descriptors = [PollFd::from_borrowed_fd(waker.descriptor(), PollFlags::IN)];
        poll(&mut descriptors, Some(&Timespec { tv_sec: 0, tv_nsec: 0 })).unwrap() == 1
    }

    #[test]
    fn wakes_once_until_cleared() {
        let waker = Waker::new().unwrap();
        assert!(!is_readable(&waker));
        let other = waker.clone();
        std::thread::spawn(move || (0..3).for_each(|_| other.wake())).join().unwrap();
        assert!(is_readable(&waker));
        waker.clear();
        assert!(!is_readable(&waker));
        waker.clear(); // nothing to clear: does not block
    }
}
