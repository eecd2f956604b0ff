//! A virtio network device, for embassy-net.

use core::ptr::NonNull;
use core::task::Context;

use embassy_net_driver::{Capabilities, Driver, HardwareAddress, LinkState, RxToken, TxToken};
use embassy_sync::blocking_mutex::raw::CriticalSectionRawMutex;
use embassy_sync::waitqueue::GenericAtomicWaker;
use portable_atomic::{AtomicUsize, Ordering};
use static_cell::ConstStaticCell;
use virtio_drivers::device::net::VirtIONetRaw;
use virtio_drivers::transport::mmio::{MmioTransport, VirtIOHeader};
use virtio_drivers::transport::{DeviceType, Transport};
use virtio_drivers::{BufferDirection, Hal, PAGE_SIZE, PhysAddr};

/// The first of the board's places for virtio devices, and how many there are.
const SLOT: usize = 0x1000_1000;
const SLOT_SIZE: usize = 0x1000;
const SLOTS: usize = 8;
const INTERRUPT_STATUS: usize = 0x60;
const INTERRUPT_ACKNOWLEDGE: usize = 0x64;

/// Pages that the device shares: two queues of two pages each, three for devices of the new kind.
const PAGES: usize = 6;
/// Frames that the device may have in each direction.
const QUEUE: usize = 4;
const FRAME: usize = 1514;
/// A frame and what virtio puts before it.
const ROOM: usize = FRAME + 16;

#[repr(C, align(4096))]
struct Pages([u8; PAGES * PAGE_SIZE]);

static mut SHARED_PAGES: Pages = Pages([0; PAGES * PAGE_SIZE]);
static PAGES_TAKEN: AtomicUsize = AtomicUsize::new(0);
static BUFFERS: ConstStaticCell<[[u8; ROOM]; QUEUE]> = ConstStaticCell::new([[0; ROOM]; QUEUE]);
static FRAMES: ConstStaticCell<[[u8; FRAME]; 2]> = ConstStaticCell::new([[0; FRAME]; 2]);
static WAKER: GenericAtomicWaker<CriticalSectionRawMutex> =
    GenericAtomicWaker::new(CriticalSectionRawMutex::new());

/// A frame has come in.
pub fn on_interrupt(line: u32) {
    let Some(slot) = (line as usize).checked_sub(1).filter(|slot| *slot < SLOTS) else { return };
    let base = SLOT + slot * SLOT_SIZE;
    // SAFETY: two registers of the device whose interrupt this is; the driver does not use them.
    unsafe {
        let status = ((base + INTERRUPT_STATUS) as *const u32).read_volatile();
        ((base + INTERRUPT_ACKNOWLEDGE) as *mut u32).write_volatile(status);
    }
    WAKER.wake();
}

/// Memory as it is: no paging, no cache.
struct Memory;

// SAFETY: addresses are the same for processor and devices; pages are handed out once, are aligned and zero.
unsafe impl Hal for Memory {
    fn dma_alloc(pages: usize, _: BufferDirection) -> (PhysAddr, NonNull<u8>) {
        let first = PAGES_TAKEN.fetch_add(pages, Ordering::Relaxed);
        assert!(first + pages <= PAGES, "the device wants more than {PAGES} pages");
        // SAFETY: the offset is within the pages.
        let page = unsafe { (&raw mut SHARED_PAGES).cast::<u8>().add(first * PAGE_SIZE) };
        (page.addr() as PhysAddr, NonNull::new(page).unwrap_or(NonNull::dangling()))
    }

    unsafe fn dma_dealloc(_: PhysAddr, _: NonNull<u8>, _: usize) -> i32 {
        0
    }

    unsafe fn mmio_phys_to_virt(address: PhysAddr, _: usize) -> NonNull<u8> {
        NonNull::new(address as usize as *mut u8).unwrap_or(NonNull::dangling())
    }

    unsafe fn share(buffer: NonNull<[u8]>, _: BufferDirection) -> PhysAddr {
        buffer.cast::<u8>().addr().get() as PhysAddr
    }

    unsafe fn unshare(_: PhysAddr, _: NonNull<[u8]>, _: BufferDirection) {}
}

type Device = VirtIONetRaw<Memory, MmioTransport<'static>, QUEUE>;

/// The device, and a frame for each direction.
pub struct Nic {
    device: Device,
    buffers: &'static mut [[u8; ROOM]; QUEUE],
    received: &'static mut [u8; FRAME],
    transmitted: &'static mut [u8; FRAME],
}

impl Nic {
    /// The first network device of the board. It may be called once.
    pub fn find() -> Option<Self> {
        let (slot, transport) = (0..SLOTS).find_map(|slot| {
            let header = NonNull::new((SLOT + slot * SLOT_SIZE) as *mut VirtIOHeader)?;
            // SAFETY: the board has the registers of a virtio device, or of an empty place, at this address.
            let transport = unsafe { MmioTransport::new(header, SLOT_SIZE) }.ok()?;
            (transport.device_type() == DeviceType::Network).then_some((slot, transport))
        })?;
        let mut device = Device::new(transport).ok()?;
        let buffers = BUFFERS.take();
        for buffer in buffers.iter_mut() {
            // SAFETY: the buffer is not touched before `receive_complete`.
            unsafe { device.receive_begin(buffer) }.ok()?;
        }
        device.enable_interrupts();
        crate::interrupts::allow(slot as u32 + 1);
        let [received, transmitted] = FRAMES.take();
        Some(Self { device, buffers, received, transmitted })
    }

    /// Takes a frame, and gives its buffer back to the device; the frame's length.
    fn receive_frame(&mut self) -> Option<usize> {
        let token = self.device.poll_receive()?;
        let buffer = self.buffers.get_mut(usize::from(token))?;
        // SAFETY: tokens are handed out in the order of the buffers, and each buffer comes back under its own.
        let (header, length) = unsafe { self.device.receive_complete(token, buffer) }.ok()?;
        let frame = buffer.get(header..header + length)?;
        let length = frame.len().min(FRAME);
        self.received[..length].copy_from_slice(&frame[..length]);
        // SAFETY: the buffer is not touched before `receive_complete`.
        unsafe { self.device.receive_begin(buffer) }.ok()?;
        Some(length)
    }
}

/// A frame that has come in.
pub struct Received<'a>(&'a mut [u8]);

impl RxToken for Received<'_> {
    fn consume<R, F: FnOnce(&mut [u8]) -> R>(self, work: F) -> R {
        work(self.0)
    }
}

/// Room for a frame.
pub struct Transmission<'a>(&'a mut Device, &'a mut [u8; FRAME]);

impl TxToken for Transmission<'_> {
    fn consume<R, F: FnOnce(&mut [u8]) -> R>(self, length: usize, work: F) -> R {
        let frame = &mut self.1[..length];
        let result = work(frame);
        // A frame that can't be sent is lost, as it might be on the way.
        let _ = self.0.send(frame);
        result
    }
}

impl Driver for Nic {
    type RxToken<'a> = Received<'a>;
    type TxToken<'a> = Transmission<'a>;

    fn receive(&mut self, context: &mut Context<'_>) -> Option<(Received<'_>, Transmission<'_>)> {
        WAKER.register(context.waker());
        let length = self.receive_frame()?;
        Some((Received(&mut self.received[..length]), Transmission(&mut self.device, self.transmitted)))
    }

    fn transmit(&mut self, _: &mut Context<'_>) -> Option<Transmission<'_>> {
        Some(Transmission(&mut self.device, self.transmitted))
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
        HardwareAddress::Ethernet(self.device.mac_address())
    }
}
