//! The Ethernet controller of Stellaris microcontrollers, for embassy-net (LM3S6965 data sheet, chapter 15).

use core::task::Context;

use cortex_m::interrupt::InterruptNumber;
use cortex_m::peripheral::NVIC;
use embassy_net_driver::{Capabilities, Driver, HardwareAddress, LinkState, RxToken, TxToken};
use embassy_sync::blocking_mutex::raw::CriticalSectionRawMutex;
use embassy_sync::waitqueue::GenericAtomicWaker;

const ADDRESS: [u8; 6] = [0x52, 0x54, 0x00, 0x12, 0x34, 0x56];
/// The longest frame, without its check sum.
const FRAME: usize = 1514;
/// A frame in the receive FIFO begins with its length, and ends with its check sum.
const LENGTH_FIELD: usize = 2;
const CHECK_SUM: usize = 4;
/// Destination, source and type: the length that the transmit FIFO asks for is without them.
const HEADER: usize = 14;

static WAKER: GenericAtomicWaker<CriticalSectionRawMutex> =
    GenericAtomicWaker::new(CriticalSectionRawMutex::new());

/// The controller's interrupt.
pub const INTERRUPT: u16 = 42;

#[derive(Clone, Copy)]
struct Ethernet;

// SAFETY: the number is that of the data sheet, table 2-9.
unsafe impl InterruptNumber for Ethernet {
    fn number(self) -> u16 {
        INTERRUPT
    }
}

/// Registers of the controller.
#[derive(Clone, Copy)]
#[repr(usize)]
enum Register {
    InterruptStatus = 0x00,
    InterruptMask = 0x04,
    ReceiveControl = 0x08,
    TransmitControl = 0x0C,
    Data = 0x10,
    AddressLow = 0x14,
    AddressHigh = 0x18,
    NumberOfPackets = 0x34,
    TransmitRequest = 0x38,
}

impl Register {
    const BASE: usize = 0x4004_8000;

    fn pointer(self) -> *mut u32 {
        (Self::BASE + self as usize) as *mut u32
    }

    fn read(self) -> u32 {
        // SAFETY: a register of the controller, which nothing else uses.
        unsafe { self.pointer().read_volatile() }
    }

    fn write(self, value: u32) {
        // SAFETY: as above.
        unsafe { self.pointer().write_volatile(value) }
    }
}

/// A frame has come in.
pub fn on_interrupt() {
    // Until the FIFO is empty: the driver unmasks it then.
    Register::InterruptMask.write(0);
    WAKER.wake();
}

/// The controller, with a buffer for each direction.
pub struct Nic {
    received: [u8; FRAME],
    transmitted: [u8; FRAME],
}

impl Nic {
    pub const fn new() -> Self {
        Self { received: [0; FRAME], transmitted: [0; FRAME] }
    }

    /// Switches receiver and transmitter on.
    #[allow(clippy::unused_self)] // whoever has it may use the controller
    pub fn start(&mut self) {
        let [low @ .., fifth, sixth] = ADDRESS;
        Register::InterruptMask.write(0);
        Register::AddressLow.write(u32::from_le_bytes(low));
        Register::AddressHigh.write(u32::from_le_bytes([fifth, sixth, 0, 0]));
        Register::TransmitControl.write(0b1_0111); // full duplex, check sums, padding, on
        Register::ReceiveControl.write(0b1_0000); // empties the FIFO
        Register::ReceiveControl.write(0b0_1001); // drops broken frames, on
        // SAFETY: the handler above is ready, and no critical section depends on this mask.
        unsafe { NVIC::unmask(Ethernet) };
    }

    /// Takes a frame from the FIFO; its length, 0 when it was too long.
    fn receive_frame(&mut self) -> Option<usize> {
        if Register::NumberOfPackets.read() == 0 {
            return None;
        }
        let [low, high, first @ ..] = Register::Data.read().to_le_bytes();
        let total = usize::from(u16::from_le_bytes([low, high]));
        self.received[..first.len()].copy_from_slice(&first);
        // All words are taken, whether there is room for them or not.
        for position in (first.len()..total.saturating_sub(LENGTH_FIELD)).step_by(4) {
            let word = Register::Data.read().to_le_bytes();
            if let Some(room) = self.received.get_mut(position..) {
                room.iter_mut().zip(word).for_each(|(place, byte)| *place = byte);
            }
        }
        let length = total.saturating_sub(LENGTH_FIELD + CHECK_SUM);
        Some(if length > FRAME { 0 } else { length })
    }
}

fn transmit_frame(frame: &[u8]) {
    while Register::TransmitRequest.read() & 1 != 0 {}
    // The length field goes before the frame, in the same word as its first bytes.
    let length = (frame.len().saturating_sub(HEADER) as u16).to_le_bytes();
    let mut bytes = length.iter().chain(frame).copied();
    while let Some(first) = bytes.next() {
        let mut next = || bytes.next().unwrap_or(0);
        Register::Data.write(u32::from_le_bytes([first, next(), next(), next()]));
    }
    Register::TransmitRequest.write(1);
}

/// A frame that has come in.
pub struct Received<'a>(&'a mut [u8]);

impl RxToken for Received<'_> {
    fn consume<R, F: FnOnce(&mut [u8]) -> R>(self, work: F) -> R {
        work(self.0)
    }
}

/// Room for a frame.
pub struct Transmission<'a>(&'a mut [u8; FRAME]);

impl TxToken for Transmission<'_> {
    fn consume<R, F: FnOnce(&mut [u8]) -> R>(self, length: usize, work: F) -> R {
        let frame = &mut self.0[..length];
        let result = work(frame);
        transmit_frame(frame);
        result
    }
}

impl Driver for Nic {
    type RxToken<'a> = Received<'a>;
    type TxToken<'a> = Transmission<'a>;

    fn receive(&mut self, context: &mut Context<'_>) -> Option<(Received<'_>, Transmission<'_>)> {
        WAKER.register(context.waker());
        // Before the look at the FIFO: a frame that comes after it is told again.
        Register::InterruptStatus.write(0x7F);
        let Some(length) = self.receive_frame() else {
            Register::InterruptMask.write(1);
            return None;
        };
        Some((Received(&mut self.received[..length]), Transmission(&mut self.transmitted)))
    }

    fn transmit(&mut self, _: &mut Context<'_>) -> Option<Transmission<'_>> {
        Some(Transmission(&mut self.transmitted))
    }

    fn link_state(&mut self, _: &mut Context<'_>) -> LinkState {
        LinkState::Up
    }

    fn capabilities(&self) -> Capabilities {
        let mut capabilities = Capabilities::default();
        capabilities.max_transmission_unit = FRAME;
        capabilities.max_burst_size = Some(1);
        capabilities
    }

    fn hardware_address(&self) -> HardwareAddress {
        HardwareAddress::Ethernet(ADDRESS)
    }
}
