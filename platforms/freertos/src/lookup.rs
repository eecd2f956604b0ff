//! Name look-ups by lwIP's resolver, which works in lwIP's own task: nobody waits for them.

use core::cell::UnsafeCell;
use core::ffi::{CStr, c_char, c_void};
use core::net::IpAddr;
use core::sync::atomic::{AtomicBool, AtomicI8, AtomicU8, Ordering};

use crate::ffi::{self, IpAddress};
use crate::waker::{self, Waker};

/// Look-ups at the same time; `DNS_TABLE_SIZE` of lwIP is 4 by default.
pub(crate) const LOOKUPS: usize = 4;
/// The longest name with its terminating zero: `DNS_MAX_NAME_LENGTH` of lwIP.
const NAME: usize = 256;

const FREE: u8 = 0;
const PENDING: u8 = 1;
const FOUND: u8 = 2;
const UNKNOWN: u8 = 3;

/// Where the resolver puts an answer.
struct Answer {
    state: AtomicU8,
    /// Written by lwIP's task while the state is `PENDING`, read by the client's when it is `FOUND`.
    address: UnsafeCell<IpAddress>,
}

// SAFETY: the state says which of the two tasks may touch the address.
unsafe impl Sync for Answer {}

/// The resolver keeps pointers to these until it has answered, which it always does.
static ANSWERS: [Answer; LOOKUPS] =
    [const { Answer { state: AtomicU8::new(FREE), address: UnsafeCell::new(IpAddress([0; 24])) } }; LOOKUPS];

/// How a look-up has begun.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Begun {
    /// The address was known already.
    Found(IpAddr),
    /// [`poll`] will tell, under this number.
    Pending(usize),
    /// The name can't be looked up now.
    Failed,
}

/// What is handed to lwIP's task; it lives on the stack of the client's, which waits for it.
struct Request<'a> {
    name: &'a CStr,
    answer: &'static Answer,
    /// Written by lwIP's task before `done` is set, and read after.
    address: UnsafeCell<IpAddress>,
    result: AtomicI8,
    done: AtomicBool,
}

/// Begins to look up a name. Takes as long as lwIP's task needs to take the request.
pub(crate) fn begin(host: &str) -> Begun {
    let mut name = [0; NAME];
    let Some(room) = name.get_mut(..host.len()) else { return Begun::Failed };
    room.copy_from_slice(host.as_bytes());
    let Ok(name) = CStr::from_bytes_until_nul(&name) else { return Begun::Failed };
    let free = (0..).zip(&ANSWERS).find(|(_, answer)| answer.state.load(Ordering::Acquire) == FREE);
    let Some((number, answer)) = free else { return Begun::Failed };
    let request = Request {
        name,
        answer,
        address: UnsafeCell::new(IpAddress([0; 24])),
        result: AtomicI8::new(0),
        done: AtomicBool::new(false),
    };
    answer.state.store(PENDING, Ordering::Release);
    // SAFETY: `request` lives until `done` is set, which `start` does last.
    let queued = unsafe { ffi::tcpip_callback(start, (&raw const request).cast_mut().cast()) };
    if queued == ffi::OK {
        waker::wait_for(&request.done);
        if request.result.load(Ordering::Relaxed) == ffi::IN_PROGRESS {
            return Begun::Pending(number);
        }
    }
    answer.state.store(FREE, Ordering::Release);
    if queued == ffi::OK && request.result.load(Ordering::Relaxed) == ffi::OK {
        Begun::Found(request.address.into_inner().decode(&ffi::coracle_freertos_config))
    } else {
        Begun::Failed
    }
}

/// Runs in lwIP's task.
unsafe extern "C" fn start(request: *mut c_void) {
    // SAFETY: it is the pointer that `begin` has handed over; the request lives until `done` is set.
    let request = unsafe { &*request.cast::<Request<'_>>() };
    let answer = core::ptr::from_ref(request.answer).cast_mut().cast();
    // SAFETY: lwIP copies the name, fills the address or calls `found` later; `answer` is static.
    let result =
        unsafe { ffi::dns_gethostbyname(request.name.as_ptr(), request.address.get(), found, answer) };
    request.result.store(result, Ordering::Relaxed);
    request.done.store(true, Ordering::Release);
}

/// Runs in lwIP's task when the resolver has an answer; the address is null when it has none.
unsafe extern "C" fn found(_: *const c_char, address: *const IpAddress, answer: *mut c_void) {
    // SAFETY: it is the pointer to one of `ANSWERS` that `start` has handed over.
    let answer = unsafe { &*answer.cast::<Answer>() };
    let size = usize::from(ffi::coracle_freertos_config.address_size).min(size_of::<IpAddress>());
    if address.is_null() {
        answer.state.store(UNKNOWN, Ordering::Release);
    } else {
        // SAFETY: the state is PENDING, so nobody reads the room; lwIP's ip_addr_t has `size` bytes, and the room is not smaller.
        unsafe { core::ptr::copy_nonoverlapping(address.cast::<u8>(), answer.address.get().cast(), size) };
        answer.state.store(FOUND, Ordering::Release);
    }
    Waker.wake();
}

/// A look-up that has ended: its number, and the address if the name has one.
pub(crate) fn poll() -> Option<(usize, Option<IpAddr>)> {
    let ended = |answer: &Answer| answer.state.load(Ordering::Acquire) >= FOUND;
    let (number, answer) = (0..).zip(&ANSWERS).find(|(_, answer)| ended(answer))?;
    let known = answer.state.load(Ordering::Acquire) == FOUND;
    // SAFETY: the resolver has answered, so lwIP's task does not write any more; only one task polls.
    let address = known.then(|| unsafe { *answer.address.get() });
    answer.state.store(FREE, Ordering::Release);
    Some((number, address.map(|address| address.decode(&ffi::coracle_freertos_config))))
}
