//! A connected netconn of lwIP, and the buffers that go through it.

use core::ffi::c_uint;
use core::net::IpAddr;
use core::ptr::{NonNull, null_mut};

use crate::ffi::{self, IpAddress, Netconn, coracle_freertos_config};
use crate::waker::Waker;

/// A netconn, which is deleted with this.
pub(crate) struct Channel(NonNull<Netconn>);

impl Channel {
    /// A way to this address. Datagrams of others are dropped by lwIP, which compares addresses and ports.
    pub(crate) fn open(address: IpAddr, port: u16, local_port: u16) -> Option<Self> {
        let encoded = IpAddress::encode(address, &coracle_freertos_config)?;
        let kind = if address.is_ipv4() { ffi::NETCONN_UDP } else { ffi::NETCONN_UDP_IPV6 };
        let channel = Self(NonNull::new(ffi::netconn_new_with_proto_and_callback(kind, 0, on_event))?);
        if local_port != 0 {
            let any = IpAddress::encode(any(address), &coracle_freertos_config)?;
            // SAFETY: the netconn is ours, and the address has the layout that lwIP was configured for.
            let bound = unsafe { ffi::netconn_bind(channel.0.as_ptr(), &raw const any, local_port) };
            if bound != ffi::OK {
                return None;
            }
        }
        // SAFETY: as above; lwIP copies the address.
        let connected = unsafe { ffi::netconn_connect(channel.0.as_ptr(), &raw const encoded, port) };
        (connected == ffi::OK).then_some(channel)
    }

    pub(crate) fn send(&self, datagram: &[u8]) -> bool {
        let Ok(length) = u16::try_from(datagram.len()) else { return false };
        let Some(buffer) = Buffer::new(ffi::netbuf_new()) else { return false };
        // SAFETY: the datagram outlives the buffer; who keeps a packet longer than the call has to copy what it refers to, as for
        // lwIP's own sockets.
        let referred = unsafe { ffi::netbuf_ref(buffer.0.as_ptr(), datagram.as_ptr().cast(), length) };
        // SAFETY: the netconn and the buffer are ours.
        referred == ffi::OK && unsafe { ffi::netconn_send(self.0.as_ptr(), buffer.0.as_ptr()) } == ffi::OK
    }

    /// The next datagram that fits; longer ones are dropped.
    pub(crate) fn receive(&self, out: &mut [u8]) -> Option<usize> {
        loop {
            let mut buffer = null_mut();
            // SAFETY: the netconn is ours, and the pointer has room. With DONT_BLOCK this answers at once.
            unsafe {
                ffi::netconn_recv_udp_raw_netbuf_flags(self.0.as_ptr(), &raw mut buffer, ffi::DONT_BLOCK);
            }
            // Null when there is none, or an error was pending: neither matters to the protocol.
            if let Some(length) = Buffer::new(buffer)?.copy_to(out) {
                return Some(length);
            }
        }
    }
}

impl Drop for Channel {
    fn drop(&mut self) {
        // SAFETY: it was made by `open`, and nobody has it after this.
        unsafe { ffi::netconn_delete(self.0.as_ptr()) };
    }
}

/// A netbuf, which is given back with this.
struct Buffer(NonNull<ffi::Netbuf>);

impl Buffer {
    fn new(buffer: *mut ffi::Netbuf) -> Option<Self> {
        NonNull::new(buffer).map(Self)
    }

    /// Copies a whole datagram; `None` when it is longer than `out`.
    fn copy_to(&self, out: &mut [u8]) -> Option<usize> {
        let capacity = u16::try_from(out.len()).unwrap_or(u16::MAX);
        // SAFETY: a received netbuf has a pbuf as its first field, and `out` has room for `capacity` bytes.
        unsafe {
            let pbuf = self.0.as_ref().pbuf;
            let length = ffi::pbuf_copy_partial(pbuf, out.as_mut_ptr().cast(), capacity, 0);
            let fits = ffi::pbuf_try_get_at(pbuf, capacity) < 0;
            fits.then_some(usize::from(length))
        }
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        // SAFETY: it is ours; a sent packet that lwIP still needs has references of its own.
        unsafe { ffi::netbuf_delete(self.0.as_ptr()) };
    }
}

/// Runs in lwIP's task when something has come in.
extern "C" fn on_event(_: *mut Netconn, event: c_uint, _: u16) {
    // Enumerations have one byte on some targets.
    if matches!(event & 0xff, ffi::EVENT_RECEIVED | ffi::EVENT_ERROR) {
        Waker.wake();
    }
}

const fn any(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => IpAddr::V4(core::net::Ipv4Addr::UNSPECIFIED),
        IpAddr::V6(_) => IpAddr::V6(core::net::Ipv6Addr::UNSPECIFIED),
    }
}
