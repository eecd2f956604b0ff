//! The demo device on QEMU's virt board, riscv32imc: the glue between board and application.

#![no_std]
#![no_main]

mod ethernet;
mod interrupts;
mod stack;
mod time;
mod uart;

use core::panic::PanicInfo;

use coracle_demo_app::MemoryReport;
use coracle_emulated::{device, semihosting};
use embassy_executor::Executor;
use static_cell::StaticCell;

static EXECUTOR: StaticCell<Executor> = StaticCell::new();

#[riscv_rt::entry]
fn main() -> ! {
    stack::paint();
    EXECUTOR.init(Executor::new()).run(|spawner| match device_task() {
        Ok(token) => spawner.spawn(token),
        Err(_) => semihosting::exit(103),
    })
}

#[embassy_executor::task]
async fn device_task() -> ! {
    let Some(nic) = ethernet::Nic::find() else {
        uart::line(format_args!("there is no virtio network device"));
        semihosting::exit(2)
    };
    interrupts::enable();
    let code = device::run(nic, uart::line).await;
    let (static_ram, stack_room) = stack::memory();
    let peak_stack = stack::peak();
    uart::line(format_args!("{}", MemoryReport { peak_stack, stack_room, static_ram, heap: None }));
    semihosting::exit(code)
}

#[panic_handler]
fn panic(info: &PanicInfo<'_>) -> ! {
    uart::line(format_args!("{info}"));
    semihosting::exit(101)
}

#[riscv_rt::exception(riscv::interrupt::Exception::LoadFault)]
fn load_fault() -> ! {
    uart::line(format_args!("load access fault at {:#x}", riscv::register::mepc::read()));
    semihosting::exit(102)
}
