//! Sockets, clock, tasks and hooks of FreeRTOS and lwIP for Coracle.
//!
//! For FreeRTOS V10.4 to V11 and lwIP 2.1 to 2.2, on any processor that Rust's `core` has a target for. There is no C in this
//! crate and no generator of bindings: it declares the functions that it calls, and is compiled by `cargo` alone. Kernel, stack
//! and their configuration are those of your project.
//!
//! | what | with |
//! |---|---|
//! | datagrams to and from servers, names, the wait for all of them | [`LwipNetwork`] |
//! | a client that several tasks use | [`SharedClient`] |
//! | wake-ups from tasks and from interrupts | [`Waker`] |
//! | random numbers of the hardware | [`HardwareEntropy`], or [`coracle::platform::Entropy`] |
//! | what outlives a restart | [`StorageFunctions`], or [`coracle::platform::Storage`]; [`keep_registration`], [`take_up_registration`] |
//! | tasks from Rust | [`task`] |
//!
//! # Into an existing project
//!
//! **1. Configuration.** In `FreeRTOSConfig.h`:
//!
//! | option | why |
//! |---|---|
//! | `configUSE_TASK_NOTIFICATIONS 1` | the client's task sleeps until it is notified |
//! | `configUSE_MUTEXES 1` | [`SharedClient`] |
//! | `configSUPPORT_STATIC_ALLOCATION 1` | the mutex and [`task::TaskMemory`] lie in memory of their own. Before V11 the firmware has `vApplicationGetIdleTaskMemory` then; since V11 `configKERNEL_PROVIDED_STATIC_MEMORY 1` does |
//! | `INCLUDE_vTaskSuspend 1` | waits without limit |
//! | `INCLUDE_xTaskGetCurrentTaskHandle 1`, unless mutexes bring it | who is to be notified |
//! | `INCLUDE_vTaskDelay 1`, `INCLUDE_vTaskDelete 1`, `INCLUDE_uxTaskGetStackHighWaterMark 1` | only for [`task`] |
//!
//! In `lwipopts.h`: `NO_SYS 0`, `LWIP_NETCONN 1` (sockets are not needed), `LWIP_UDP 1`; for each server one of
//! `MEMP_NUM_NETCONN` and `MEMP_NUM_UDP_PCB`; `DEFAULT_UDP_RECVMBOX_SIZE` at least 2; `ARP_QUEUEING 1`, or of two datagrams
//! to a neighbour that is not known yet the first is lost, and sent again seconds later. `LWIP_DNS 1` if servers have names;
//! without it switch off the feature `dns` of this crate, which is on by default.
//!
//! **2. One line of C.** What the crate assumes about types, and what it has to know (the tick rate, the layout of `ip_addr_t`
//! with IPv4, IPv6 or both), comes from the header `include/coracle_freertos.h`. One C file of the firmware has:
//!
//! ```c
//! #include "coracle_freertos.h"
//! CORACLE_FREERTOS_CONFIG;
//! ```
//!
//! A configuration that does not fit stops the C compiler with a sentence; a firmware without that line does not link
//! (`undefined reference to coracle_freertos_config`).
//!
//! **3. The client in a task.**
//!
//! ```no_run
//! use core::ops::ControlFlow;
//!
//! use coracle::driver::blocking::Driver;
//! use coracle::platform::Entropy;
//! use coracle::{Client, Credentials, DefaultProfile, Instant, Memory, ServerSettings};
//! use coracle_freertos::task::TaskMemory;
//! use coracle_freertos::{LwipNetwork, SharedClient};
//! use static_cell::{ConstStaticCell, StaticCell};
//!
//! # type Things = ();
//! type Shared = SharedClient<DefaultProfile, Things>;
//!
//! static MEMORY: ConstStaticCell<Memory<DefaultProfile>> = ConstStaticCell::new(Memory::EMPTY);
//! static SHARED: StaticCell<Shared> = StaticCell::new();
//! static TASK: ConstStaticCell<TaskMemory<1152>> = ConstStaticCell::new(TaskMemory::NEW);
//!
//! /// In the first task, once lwIP runs (`tcpip_init`).
//! fn start(things: Things, hardware: &mut dyn Entropy) -> Result<&'static Shared, &'static str> {
//!     let Memory { client, buffers } = MEMORY.take();
//!     let mut client = Client::new(client, "my-device", things, hardware).map_err(|e| e.as_str())?;
//!     let server = ServerSettings {
//!         uri: "coaps://leshan.example",
//!         short_server_id: 1,
//!         lifetime_s: 300,
//!         store_notifications: true,
//!         credentials: Credentials::psk(b"my-device", b"sixteen bytes ..."),
//!     };
//!     client.add_server(&server).map_err(|e| e.as_str())?;
//!     let network = LwipNetwork::new().ok_or("there is a network already")?;
//!     let mut driver = Driver::new(client, network, buffers);
//!     driver.register();
//!     let shared: &'static Shared = SharedClient::share(SHARED.uninit(), driver);
//!     TASK.take().start(c"client", 2, run, shared);
//!     Ok(shared)
//! }
//!
//! /// The client's task: it sleeps until there is a datagram, a wake-up, or a time of the protocol has come.
//! fn run(shared: &'static Shared) {
//!     shared.run(|driver| -> ControlFlow<(), Instant> {
//!         while let Some(event) = driver.client().poll_event() {
//!             // what happened
//! #           let _ = event;
//!         }
//!         ControlFlow::Continue(Instant::NEVER)
//!     });
//! }
//!
//! /// Any other task: observers hear of it.
//! fn measured(shared: &'static Shared, celsius: f32) {
//!     shared.update(|things| {
//!         // things.temperature[0].set_sensor_value(celsius)
//! #       let _ = (things, celsius);
//!     });
//! }
//! ```
//!
//! The priority of the client's task is below those of lwIP's task and of the network interface's. Objects are made before the
//! client, so that everything of it lies in `static`s: there is no heap. lwIP takes a message box and a semaphore for each server
//! from FreeRTOS's heap; the client takes nothing.
//!
//! # `main` in Rust, or in C
//!
//! `examples/freertos` of the repository has both, for one board, with the same device behind:
//!
//! * `src/main.rs`: a Rust program. `build.rs` compiles kernel, lwIP and board with the `cc` crate; `cortex-m-rt` has the vectors.
//! * `c-main/`: `main.c` creates the tasks, and a Makefile links it with `libcoracle_device.a`, a Rust crate of type `staticlib`
//!   whose functions are in `include/coracle_device.h`: create, run, set a value, pulse from an interrupt. Such a crate is where
//!   your objects are. It has the `#[panic_handler]`; link with `--gc-sections`.
//!
//! Both run in an emulator against Leshan: `cargo xtask qemu freertos --psk` and `cargo xtask qemu freertos-c --psk`.
//!
//! # Interrupts
//!
//! An interrupt puts what it has into an atomic variable or a queue, and calls [`Waker::wake_from_isr`]; the next turn of
//! [`SharedClient::run`] finds it there. Its priority must allow calls of the kernel (`configMAX_SYSCALL_INTERRUPT_PRIORITY`).
//!
//! # Stack, heap, and how long
//!
//! Figures of Cortex-M3, opt-level z, the profile `examples/apps/small-boards.toml` with DTLS PSK; `cargo xtask qemu freertos --psk`
//! prints them at the end of its run.
//!
//! | what | bytes |
//! |---|--:|
//! | stack of the client's task: give it 4608 | 3.9 KB used, when the device is made |
//! | FreeRTOS's heap: lwIP's task and message boxes, the receiver of the interface | 2848 |
//! | FreeRTOS's heap: the client | 0 |
//! | static RAM of the client, its buffers, objects and network | 4.9 KB |
//! | static RAM of all: beside the client lwIP 15 KB, FreeRTOS's heap 8 KB, stacks 6 KB, the interface 3 KB, .. | 40 KB |
//!
//! Deadlines are met at the tick that they fall into: 1 ms at 1000 Hz, rounded up, and never early. An idle client takes no time
//! of the processor: it has no tick of its own, so tickless idle works.
//!
//! # What blocks
//!
//! The client's task waits for lwIP's task when it sends, connects or begins to look up a name: as long as that one needs to
//! take the request. Answers to look-ups come later, by a callback, and stop nobody. Other tasks wait in
//! [`SharedClient::update`] while the client works on a datagram or on a step of a handshake.
//!
//! # What is assumed
//!
//! IPv4, IPv6 or both: addresses are written as the configuration has them. The emulator's runs are over IPv4, with a stack of one
//! family; IPv6 is tested on a host only. A name gets the address that lwIP prefers (`LWIP_DNS_ADDRTYPE_DEFAULT`: IPv4 first).
//!
//! Checked by the header: ticks of 32 bits; `BaseType_t` as wide as `long`; handles are pointers; `err_t` has 8 bits; a
//! `struct netbuf` begins with its pbuf. Checked when tasks and clients are made: `StaticSemaphore_t` has at most 24 words,
//! `StaticTask_t` at most 64. Not checked: the stack type has the width of a pointer; index 0 of the client task's notifications
//! is not used for anything else.

#![no_std]

#[cfg(test)]
extern crate std;

mod address;
mod channel;
mod clock;
#[cfg(test)]
mod device;
mod entropy;
#[cfg(test)]
mod fake;
mod ffi;
#[cfg(feature = "dns")]
mod lookup;
mod mutex;
mod network;
mod shared;
mod storage;
pub mod task;
mod waker;

pub use entropy::{HardwareEntropy, RandomFunction};
pub use network::LwipNetwork;
pub use shared::{LwipDriver, SharedClient};
pub use storage::{
    KeepError, LoadFunction, StorageFunctions, StoreFunction, TakeUpError, keep_registration,
    take_up_registration,
};
pub use waker::Waker;
