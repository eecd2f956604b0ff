//! The demo device on lm3s6965evb: the glue between board and application.

#![no_std]
#![no_main]

mod ethernet;
mod executor;
mod stack;
mod time;
mod uart;

use core::panic::PanicInfo;

use coracle_demo_app::MemoryReport;
use coracle_emulated::{device, semihosting};
use static_cell::ConstStaticCell;

static NIC: ConstStaticCell<ethernet::Nic> = ConstStaticCell::new(ethernet::Nic::new());

#[cortex_m_rt::entry]
fn main() -> ! {
    executor::run(|spawner| match device_task() {
        Ok(token) => spawner.spawn(token),
        Err(_) => semihosting::exit(103),
    })
}

#[embassy_executor::task]
async fn device_task() -> ! {
    time::start();
    let nic = NIC.take();
    nic.start();
    let code = device::run(nic, uart::line).await;
    let (static_ram, stack_room) = stack::memory();
    let peak_stack = stack::peak();
    uart::line(format_args!("{}", MemoryReport { peak_stack, stack_room, static_ram, heap: None }));
    semihosting::exit(code)
}

#[cortex_m_rt::exception]
unsafe fn DefaultHandler(number: i16) {
    match number.cast_unsigned() {
        ethernet::INTERRUPT => ethernet::on_interrupt(),
        time::INTERRUPT => time::on_alarm(),
        _ => {
            uart::line(format_args!("nobody handles interrupt {number}"));
            semihosting::exit(104)
        }
    }
}

#[panic_handler]
fn panic(info: &PanicInfo<'_>) -> ! {
    uart::line(format_args!("{info}"));
    semihosting::exit(101)
}

#[cortex_m_rt::exception]
unsafe fn HardFault(frame: &cortex_m_rt::ExceptionFrame) -> ! {
    uart::line(format_args!("hard fault: {frame:?}"));
    semihosting::exit(102)
}
