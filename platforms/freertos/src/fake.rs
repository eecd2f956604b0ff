//! A kernel and a stack for tests on a host: what `ffi` declares, with memory that is counted and failures on request.

use core::ffi::{CStr, c_char, c_int, c_long, c_uint, c_ulong, c_void};
use core::ptr::null_mut;
use core::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use core::time::Duration;
use std::boxed::Box;
use std::collections::{HashMap, VecDeque};
use std::string::String;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::vec::Vec;

use crate::ffi::{
    Config, FoundCallback, IN_PROGRESS, IpAddress, MAX_DELAY, NetconnCallback, OK, TaskFunction,
};

#[allow(non_upper_case_globals)]
pub(crate) static coracle_freertos_config: Config = Config {
    tick_rate_hz: 1000,
    mutex_size: 80,
    task_size: 100,
    address_size: 24,
    address_type: 20,
    ipv4: 1,
    ipv6: 1,
};

const ERR_MEM: i8 = -1;
const ERR_WOULDBLOCK: i8 = -7;

static TICKS: AtomicU32 = AtomicU32::new(0);
static TIMED_OUT: AtomicU32 = AtomicU32::new(0);
static WAITING: AtomicU32 = AtomicU32::new(0);
static NOTIFIED: (Mutex<Vec<(usize, u32)>>, Condvar) = (Mutex::new(Vec::new()), Condvar::new());
static ALONE: Mutex<()> = Mutex::new(());
static STACK: Mutex<Stack> = Mutex::new(Stack::NEW);

struct Stack {
    connections: Vec<usize>,
    buffers: i32,
    sent: Vec<(Vec<u8>, u16)>,
    fail: bool,
    /// Look-ups that wait for an answer: name, callback, its argument.
    lookups: Vec<(String, FoundCallback, usize)>,
}

impl Stack {
    const NEW: Self =
        Self { connections: Vec::new(), buffers: 0, sent: Vec::new(), fail: false, lookups: Vec::new() };
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Tests that use the one network take turns, each with a stack that has seen nothing yet.
pub(crate) fn alone() -> MutexGuard<'static, ()> {
    let guard = locked(&ALONE);
    *locked(&STACK) = Stack::NEW;
    set_ticks(0);
    locked(&NOTIFIED.0).clear();
    TIMED_OUT.store(0, Ordering::SeqCst);
    crate::waker::wait(0);
    locked(&NOTIFIED.0).clear();
    TIMED_OUT.store(0, Ordering::SeqCst);
    guard
}

pub(crate) fn set_ticks(ticks: u32) {
    TICKS.store(ticks, Ordering::SeqCst);
}

/// Waits that have ended because their time was over.
pub(crate) fn timed_out() -> u32 {
    TIMED_OUT.load(Ordering::SeqCst)
}

pub(crate) fn nobody_was_notified() -> bool {
    locked(&NOTIFIED.0).is_empty()
}

/// Waits until a task waits.
pub(crate) fn await_waiting() {
    await_waiting_or(|| false);
}

/// Waits until a task waits, or something else is the case.
pub(crate) fn await_waiting_or(other: impl Fn() -> bool) {
    while WAITING.load(Ordering::SeqCst) == 0 && !other() {
        std::thread::yield_now();
    }
}

// What the network did.

pub(crate) fn connections() -> usize {
    locked(&STACK).connections.len()
}

/// Netbufs that were not given back.
pub(crate) fn buffers() -> i32 {
    locked(&STACK).buffers
}

/// What was sent, and to which port.
pub(crate) fn sent() -> Vec<(Vec<u8>, u16)> {
    core::mem::take(&mut locked(&STACK).sent)
}

/// lwIP has no memory any more, or has some again.
pub(crate) fn fail(fail: bool) {
    locked(&STACK).fail = fail;
}

/// A datagram comes in on a connection.
pub(crate) fn deliver(connection: usize, datagram: &[u8]) {
    let connection = {
        let mut stack = locked(&STACK);
        stack.buffers += 1;
        stack.connections[connection] as *mut FakeNetconn
    };
    let pbuf = Box::into_raw(Box::new(datagram.to_vec()));
    let buffer = Box::into_raw(Box::new(FakeNetbuf { pbuf }));
    // SAFETY: connections in the list have not been deleted.
    let connection = unsafe { &*connection };
    locked(&connection.received).push_back(buffer as usize);
    (connection.callback)(core::ptr::from_ref(connection).cast_mut().cast(), 0, datagram.len() as u16);
}

/// The resolver has an answer for a name that was asked for; false when it was not.
#[cfg(feature = "dns")]
pub(crate) fn resolve(name: &str, address: Option<&str>) -> bool {
    let (found, argument) = {
        let mut stack = locked(&STACK);
        let Some(index) = stack.lookups.iter().position(|(asked, _, _)| asked == name) else { return false };
        let (_, found, argument) = stack.lookups.remove(index);
        (found, argument)
    };
    let address = address.map(encode);
    let pointer = address.as_ref().map_or(core::ptr::null(), core::ptr::from_ref);
    // SAFETY: it is the argument that came with the callback.
    unsafe { found(core::ptr::null(), pointer, argument as *mut c_void) };
    true
}

fn encode(address: &str) -> IpAddress {
    IpAddress::encode(address.parse().unwrap(), &coracle_freertos_config).unwrap()
}

struct FakeNetconn {
    callback: NetconnCallback,
    port: AtomicU32,
    received: Mutex<VecDeque<usize>>,
}

#[repr(C)]
struct FakeNetbuf {
    pbuf: *mut Vec<u8>,
}

std::thread_local! {
    static HANDLE: &'static u8 = Box::leak(Box::new(0));
}

#[unsafe(no_mangle)]
extern "C" fn xTaskGetTickCount() -> u32 {
    TICKS.load(Ordering::SeqCst)
}

#[unsafe(no_mangle)]
extern "C" fn xTaskGetCurrentTaskHandle() -> *mut c_void {
    HANDLE.with(|handle| core::ptr::from_ref(*handle).cast_mut().cast())
}

#[unsafe(no_mangle)]
extern "C" fn vTaskDelay(ticks: u32) {
    std::thread::sleep(Duration::from_millis(ticks.into()));
}

#[unsafe(no_mangle)]
extern "C" fn vTaskStartScheduler() {}

static SUSPENDED: AtomicBool = AtomicBool::new(false);

#[unsafe(no_mangle)]
extern "C" fn vTaskSuspendAll() {
    while SUSPENDED.swap(true, Ordering::SeqCst) {
        std::thread::yield_now();
    }
}

#[unsafe(no_mangle)]
extern "C" fn xTaskResumeAll() -> c_long {
    SUSPENDED.store(false, Ordering::SeqCst);
    0
}

#[unsafe(no_mangle)]
extern "C" fn vTaskDelete(_: *mut c_void) {}

#[unsafe(no_mangle)]
extern "C" fn uxTaskGetStackHighWaterMark(_: *mut c_void) -> c_ulong {
    0
}

#[unsafe(no_mangle)]
extern "C" fn xTaskCreateStatic(
    code: TaskFunction,
    _: *const c_char,
    _: usize,
    argument: *mut c_void,
    _: c_ulong,
    _: *mut usize,
    task: *mut c_void,
) -> *mut c_void {
    let argument = argument as usize;
    std::thread::spawn(move || code(argument as *mut c_void));
    task
}

#[unsafe(no_mangle)]
extern "C" fn ulTaskGenericNotifyTake(_: c_ulong, _: c_long, ticks: u32) -> u32 {
    let own = xTaskGetCurrentTaskHandle() as usize;
    let (list, changed) = &NOTIFIED;
    let limit = if ticks == MAX_DELAY { 3_600_000 } else { ticks };
    WAITING.fetch_add(1, Ordering::SeqCst);
    let notified = |list: &Vec<(usize, u32)>| list.iter().any(|(task, _)| *task == own);
    let (mut list, _) = changed
        .wait_timeout_while(locked(list), Duration::from_millis(limit.into()), |list| !notified(list))
        .unwrap();
    WAITING.fetch_sub(1, Ordering::SeqCst);
    let count = list.iter().find(|(task, _)| *task == own).map_or(0, |(_, count)| *count);
    list.retain(|(task, _)| *task != own);
    TIMED_OUT.fetch_add(u32::from(count == 0), Ordering::SeqCst);
    count
}

#[unsafe(no_mangle)]
extern "C" fn xTaskGenericNotify(
    task: *mut c_void,
    _: c_ulong,
    _: u32,
    action: c_uint,
    _: *mut u32,
) -> c_long {
    assert_eq!(action, crate::ffi::INCREMENT);
    let mut list = locked(&NOTIFIED.0);
    match list.iter_mut().find(|(known, _)| *known == task as usize) {
        Some((_, count)) => *count += 1,
        None => list.push((task as usize, 1)),
    }
    NOTIFIED.1.notify_all();
    1
}

#[unsafe(no_mangle)]
unsafe extern "C" fn vTaskGenericNotifyGiveFromISR(task: *mut c_void, index: c_ulong, woken: *mut c_long) {
    xTaskGenericNotify(task, index, 0, crate::ffi::INCREMENT, null_mut());
    // SAFETY: the caller has room for it.
    unsafe { *woken = 1 };
}

static MUTEXES: Mutex<Option<HashMap<usize, bool>>> = Mutex::new(None);

#[unsafe(no_mangle)]
extern "C" fn xQueueCreateMutexStatic(_: u8, memory: *mut c_void) -> *mut c_void {
    locked(&MUTEXES).get_or_insert_default().insert(memory as usize, false);
    memory
}

#[unsafe(no_mangle)]
extern "C" fn xQueueSemaphoreTake(semaphore: *mut c_void, _: u32) -> c_long {
    loop {
        let mut mutexes = locked(&MUTEXES);
        let taken = mutexes.as_mut().unwrap().get_mut(&(semaphore as usize)).unwrap();
        if !core::mem::replace(taken, true) {
            return 1;
        }
        drop(mutexes);
        std::thread::yield_now();
    }
}

#[unsafe(no_mangle)]
extern "C" fn xQueueGenericSend(queue: *mut c_void, _: *const c_void, _: u32, _: c_long) -> c_long {
    let before = locked(&MUTEXES).as_mut().unwrap().insert(queue as usize, false);
    assert_eq!(before, Some(true), "given back without having it");
    1
}

#[unsafe(no_mangle)]
extern "C" fn netconn_new_with_proto_and_callback(
    _: c_uint,
    _: u8,
    callback: NetconnCallback,
) -> *mut FakeNetconn {
    let mut stack = locked(&STACK);
    if stack.fail {
        return null_mut();
    }
    let new = FakeNetconn { callback, port: AtomicU32::new(0), received: Mutex::default() };
    let pointer = Box::into_raw(Box::new(new));
    stack.connections.push(pointer as usize);
    pointer
}

#[unsafe(no_mangle)]
unsafe extern "C" fn netconn_delete(connection: *mut FakeNetconn) -> i8 {
    locked(&STACK).connections.retain(|known| *known != connection as usize);
    // SAFETY: it comes from `netconn_new_with_proto_and_callback`.
    let connection = unsafe { Box::from_raw(connection) };
    for buffer in locked(&connection.received).drain(..) {
        // SAFETY: it comes from `deliver`.
        unsafe { netbuf_delete(buffer as *mut FakeNetbuf) };
    }
    OK
}

#[unsafe(no_mangle)]
extern "C" fn netconn_bind(_: *mut FakeNetconn, _: *const IpAddress, _: u16) -> i8 {
    OK
}

#[unsafe(no_mangle)]
unsafe extern "C" fn netconn_connect(connection: *mut FakeNetconn, _: *const IpAddress, port: u16) -> i8 {
    // SAFETY: the caller has it.
    unsafe { &*connection }.port.store(port.into(), Ordering::SeqCst);
    OK
}

#[unsafe(no_mangle)]
unsafe extern "C" fn netconn_send(connection: *mut FakeNetconn, buffer: *mut FakeNetbuf) -> i8 {
    // SAFETY: the caller has both, and `netbuf_ref` has filled the buffer.
    let (port, datagram) = unsafe { ((*connection).port.load(Ordering::SeqCst), (*(*buffer).pbuf).clone()) };
    locked(&STACK).sent.push((datagram, port as u16));
    OK
}

#[unsafe(no_mangle)]
unsafe extern "C" fn netconn_recv_udp_raw_netbuf_flags(
    connection: *mut FakeNetconn,
    buffer: *mut *mut FakeNetbuf,
    flags: u8,
) -> i8 {
    assert_eq!(flags, crate::ffi::DONT_BLOCK);
    // SAFETY: the caller has the connection.
    let next = locked(&unsafe { &*connection }.received).pop_front();
    // SAFETY: the caller has room for a pointer.
    unsafe { *buffer = next.map_or(null_mut(), |next| next as *mut FakeNetbuf) };
    if next.is_some() { OK } else { ERR_WOULDBLOCK }
}

#[unsafe(no_mangle)]
extern "C" fn netbuf_new() -> *mut FakeNetbuf {
    let mut stack = locked(&STACK);
    if stack.fail {
        return null_mut();
    }
    stack.buffers += 1;
    Box::into_raw(Box::new(FakeNetbuf { pbuf: null_mut() }))
}

#[unsafe(no_mangle)]
unsafe extern "C" fn netbuf_delete(buffer: *mut FakeNetbuf) {
    locked(&STACK).buffers -= 1;
    // SAFETY: both come from `Box::into_raw`.
    unsafe {
        let buffer = Box::from_raw(buffer);
        if !buffer.pbuf.is_null() {
            drop(Box::from_raw(buffer.pbuf));
        }
    }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn netbuf_ref(buffer: *mut FakeNetbuf, data: *const c_void, length: u16) -> i8 {
    // SAFETY: the caller has so many bytes, and the buffer.
    unsafe {
        let bytes = core::slice::from_raw_parts(data.cast::<u8>(), length.into());
        (*buffer).pbuf = Box::into_raw(Box::new(bytes.to_vec()));
    }
    OK
}

#[unsafe(no_mangle)]
unsafe extern "C" fn pbuf_copy_partial(
    pbuf: *const Vec<u8>,
    out: *mut c_void,
    length: u16,
    offset: u16,
) -> u16 {
    // SAFETY: the caller has the pbuf.
    let bytes = unsafe { &*pbuf }.get(usize::from(offset)..).unwrap_or_default();
    let count = bytes.len().min(length.into());
    // SAFETY: the caller has room for `length` bytes.
    unsafe { core::ptr::copy_nonoverlapping(bytes.as_ptr(), out.cast(), count) };
    count as u16
}

#[unsafe(no_mangle)]
unsafe extern "C" fn pbuf_try_get_at(pbuf: *const Vec<u8>, offset: u16) -> c_int {
    // SAFETY: the caller has the pbuf.
    unsafe { &*pbuf }.get(usize::from(offset)).map_or(-1, |byte| (*byte).into())
}

#[unsafe(no_mangle)]
extern "C" fn tcpip_callback(function: unsafe extern "C" fn(*mut c_void), context: *mut c_void) -> i8 {
    if locked(&STACK).fail {
        return ERR_MEM;
    }
    let context = context as usize;
    // SAFETY: the caller waits until the function has used its context.
    std::thread::spawn(move || unsafe { function(context as *mut c_void) });
    OK
}

#[unsafe(no_mangle)]
unsafe extern "C" fn dns_gethostbyname(
    name: *const c_char,
    address: *mut IpAddress,
    found: FoundCallback,
    argument: *mut c_void,
) -> i8 {
    // SAFETY: the caller has a terminated name.
    let name = unsafe { CStr::from_ptr(name) }.to_str().unwrap();
    if name == "known" {
        // SAFETY: the caller has room for an address.
        unsafe { *address = encode("192.0.2.7") };
        return OK;
    }
    locked(&STACK).lookups.push((name.into(), found, argument as usize));
    IN_PROGRESS
}
