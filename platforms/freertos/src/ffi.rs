//! What FreeRTOS and lwIP export, declared by hand: no bindings generator and no C compiler is needed to build the crate.
//!
//! Names, types and widths are those of FreeRTOS V10.4 to V11 and lwIP 2.1 to 2.2. Where they depend on the configuration,
//! `include/coracle_freertos.h` demands what is assumed here, or puts it into [`Config`].

use core::ffi::{c_char, c_int, c_long, c_uint, c_ulong, c_void};

/// `struct coracle_freertos_config` of `include/coracle_freertos.h`.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub(crate) struct Config {
    pub(crate) tick_rate_hz: u32,
    pub(crate) mutex_size: u16,
    pub(crate) task_size: u16,
    pub(crate) address_size: u8,
    pub(crate) address_type: u8,
    pub(crate) ipv4: u8,
    pub(crate) ipv6: u8,
}

/// `struct netconn`; only pointers to it are handled.
#[repr(C)]
pub(crate) struct Netconn(c_void);

/// `struct pbuf`; only pointers to it are handled.
#[repr(C)]
pub(crate) struct Pbuf(c_void);

/// The beginning of `struct netbuf`.
#[repr(C)]
pub(crate) struct Netbuf {
    pub(crate) pbuf: *mut Pbuf,
}

/// Room for an `ip_addr_t` of any configuration: 16 bytes of address, a zone and a type.
#[repr(C, align(4))]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct IpAddress(pub(crate) [u8; 24]);

/// `netconn_callback`; the event is an enum, which is passed in a register whatever its size.
pub(crate) type NetconnCallback = extern "C" fn(*mut Netconn, c_uint, u16);
/// `TaskFunction_t`
pub(crate) type TaskFunction = extern "C" fn(*mut c_void);

/// `ERR_OK`
pub(crate) const OK: i8 = 0;
/// `ERR_INPROGRESS`
#[cfg(any(test, feature = "dns"))]
pub(crate) const IN_PROGRESS: i8 = -5;
/// `NETCONN_UDP`
pub(crate) const NETCONN_UDP: c_uint = 0x20;
/// `NETCONN_UDP_IPV6`
pub(crate) const NETCONN_UDP_IPV6: c_uint = 0x28;
/// `NETCONN_EVT_RCVPLUS`
pub(crate) const EVENT_RECEIVED: c_uint = 0;
/// `NETCONN_EVT_ERROR`
pub(crate) const EVENT_ERROR: c_uint = 4;
/// `NETCONN_DONTBLOCK`
pub(crate) const DONT_BLOCK: u8 = 4;
/// `portMAX_DELAY`
pub(crate) const MAX_DELAY: u32 = u32::MAX;
/// `queueQUEUE_TYPE_MUTEX`
pub(crate) const MUTEX: u8 = 1;
/// `eIncrement` of `eNotifyAction`
pub(crate) const INCREMENT: c_uint = 2;

#[cfg(not(test))]
unsafe extern "C" {
    /// Defined by the firmware through `CORACLE_FREERTOS_CONFIG` of `include/coracle_freertos.h`.
    pub(crate) safe static coracle_freertos_config: Config;
}

// Tests bring a kernel and a stack of their own.
#[cfg(test)]
pub(crate) use crate::fake::coracle_freertos_config;

// task.h, queue.h; the last declarations are functions behind macros such as xTaskNotifyGive.
unsafe extern "C" {
    pub(crate) safe fn xTaskGetTickCount() -> u32;
    pub(crate) safe fn xTaskGetCurrentTaskHandle() -> *mut c_void;
    pub(crate) safe fn vTaskDelay(ticks: u32);
    pub(crate) safe fn vTaskStartScheduler();
    pub(crate) safe fn vTaskSuspendAll();
    pub(crate) safe fn xTaskResumeAll() -> c_long;
    pub(crate) fn vTaskDelete(task: *mut c_void);
    pub(crate) fn uxTaskGetStackHighWaterMark(task: *mut c_void) -> c_ulong;
    pub(crate) fn xTaskCreateStatic(
        code: TaskFunction,
        name: *const c_char,
        stack_words: usize,
        argument: *mut c_void,
        priority: c_ulong,
        stack: *mut usize,
        task: *mut c_void,
    ) -> *mut c_void;
    pub(crate) safe fn ulTaskGenericNotifyTake(index: c_ulong, clear: c_long, ticks: u32) -> u32;
    pub(crate) fn xTaskGenericNotify(
        task: *mut c_void,
        index: c_ulong,
        value: u32,
        action: c_uint,
        previous: *mut u32,
    ) -> c_long;
    pub(crate) fn vTaskGenericNotifyGiveFromISR(task: *mut c_void, index: c_ulong, woken: *mut c_long);
    pub(crate) fn xQueueCreateMutexStatic(kind: u8, memory: *mut c_void) -> *mut c_void;
    pub(crate) fn xQueueSemaphoreTake(semaphore: *mut c_void, ticks: u32) -> c_long;
    pub(crate) fn xQueueGenericSend(
        queue: *mut c_void,
        item: *const c_void,
        ticks: u32,
        position: c_long,
    ) -> c_long;
}

// api.h, netbuf.h, pbuf.h, tcpip.h, dns.h
unsafe extern "C" {
    pub(crate) safe fn netconn_new_with_proto_and_callback(
        kind: c_uint,
        protocol: u8,
        callback: NetconnCallback,
    ) -> *mut Netconn;
    pub(crate) fn netconn_delete(connection: *mut Netconn) -> i8;
    pub(crate) fn netconn_bind(connection: *mut Netconn, address: *const IpAddress, port: u16) -> i8;
    pub(crate) fn netconn_connect(connection: *mut Netconn, address: *const IpAddress, port: u16) -> i8;
    pub(crate) fn netconn_send(connection: *mut Netconn, buffer: *mut Netbuf) -> i8;
    pub(crate) fn netconn_recv_udp_raw_netbuf_flags(
        connection: *mut Netconn,
        buffer: *mut *mut Netbuf,
        flags: u8,
    ) -> i8;
    pub(crate) safe fn netbuf_new() -> *mut Netbuf;
    pub(crate) fn netbuf_delete(buffer: *mut Netbuf);
    pub(crate) fn netbuf_ref(buffer: *mut Netbuf, data: *const c_void, length: u16) -> i8;
    pub(crate) fn pbuf_copy_partial(pbuf: *const Pbuf, out: *mut c_void, length: u16, offset: u16) -> u16;
    pub(crate) fn pbuf_try_get_at(pbuf: *const Pbuf, offset: u16) -> c_int;
}

/// `dns_found_callback`
#[cfg(any(test, feature = "dns"))]
pub(crate) type FoundCallback = unsafe extern "C" fn(*const c_char, *const IpAddress, *mut c_void);

#[cfg(feature = "dns")]
unsafe extern "C" {
    pub(crate) fn tcpip_callback(function: unsafe extern "C" fn(*mut c_void), context: *mut c_void) -> i8;
    pub(crate) fn dns_gethostbyname(
        name: *const c_char,
        address: *mut IpAddress,
        found: FoundCallback,
        argument: *mut c_void,
    ) -> i8;
}
