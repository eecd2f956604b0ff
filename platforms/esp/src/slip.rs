//! IP over a serial line (RFC 1055), for chips and boards without a radio: `slattach` on the other end, or a modem.
//!
//! Packets that are too long, or damaged in framing, are dropped; what the line has done to a packet otherwise, IP and UDP
//! see by their checksums.

use embassy_futures::join::join;
use embassy_futures::yield_now;
use embassy_net_driver_channel::{Runner, RxRunner, TxRunner};
use embedded_io_async::{Read, Write};

const END: u8 = 0o300;
const ESCAPE: u8 = 0o333;
const ESCAPED_END: u8 = 0o334;
const ESCAPED_ESCAPE: u8 = 0o335;

/// Takes packets out of a stream of bytes.
#[derive(Clone, Copy, Debug, Default)]
pub struct Decoder {
    length: usize,
    escaped: bool,
    /// The packet is wrong or too long: it is dropped at its end.
    bad: bool,
}

impl Decoder {
    /// At the beginning of a packet, or somewhere in one: that one is lost.
    pub const fn new() -> Self {
        Self { length: 0, escaped: false, bad: false }
    }

    /// Takes the next byte; the length of the packet in `packet` if it is complete with it.
    pub fn push(&mut self, byte: u8, packet: &mut [u8]) -> Option<usize> {
        let value = match (byte, self.escaped) {
            (END, _) => {
                let whole = !self.bad && !self.escaped && self.length > 0;
                let length = self.length;
                *self = Self::new();
                return whole.then_some(length);
            }
            (ESCAPE, false) => {
                self.escaped = true;
                return None;
            }
            (ESCAPED_END, true) => END,
            (ESCAPED_ESCAPE, true) => ESCAPE,
            (_, true) => {
                self.bad = true;
                byte
            }
            (_, false) => byte,
        };
        self.escaped = false;
        match packet.get_mut(self.length) {
            Some(place) => *place = value,
            None => self.bad = true,
        }
        self.length = self.length.saturating_add(usize::from(!self.bad));
        None
    }
}

/// Writes a packet; an `END` before it ends what the line has made up.
///
/// # Errors
/// Those of the serial line.
pub async fn write_packet<W: Write>(line: &mut W, packet: &[u8]) -> Result<(), W::Error> {
    line.write_all(&[END]).await?;
    // Special bytes are rare: what lies between them goes out at once.
    for part in packet.split_inclusive(|byte| matches!(*byte, END | ESCAPE)) {
        match part.split_last() {
            Some((&END, before)) => {
                line.write_all(before).await?;
                line.write_all(&[ESCAPE, ESCAPED_END]).await?;
            }
            Some((&ESCAPE, before)) => {
                line.write_all(before).await?;
                line.write_all(&[ESCAPE, ESCAPED_ESCAPE]).await?;
            }
            _ => line.write_all(part).await?,
        }
    }
    line.write_all(&[END]).await?;
    line.flush().await
}

/// Moves packets between a driver channel of embassy-net (with `HardwareAddress::Ip`) and a serial line, for ever.
///
/// An error of the line, such as an overrun, loses the packet that it hits.
pub async fn run<const MTU: usize>(
    channel: Runner<'_, MTU>,
    mut input: impl Read,
    mut output: impl Write,
) -> ! {
    let (state, receive, send) = channel.split();
    state.set_link_state(embassy_net_driver_channel::driver::LinkState::Up);
    join(read_all(receive, &mut input), write_all(send, &mut output)).await.0
}

async fn read_all<const MTU: usize>(mut channel: RxRunner<'_, MTU>, line: &mut impl Read) -> ! {
    let (mut decoder, mut bytes) = (Decoder::new(), [0; 32]);
    let (mut next, mut end) = (0, 0);
    loop {
        let packet = channel.rx_buf().await;
        let length = loop {
            let Some(byte) = bytes.get(next..end).and_then(<[u8]>::first) else {
                (next, end) = match line.read(&mut bytes).await {
                    Ok(length) if length > 0 => (0, length),
                    _ => {
                        decoder.bad = true;
                        // A line that is broken for good must not stop the other tasks.
                        yield_now().await;
                        (0, 0)
                    }
                };
                continue;
            };
            next += 1;
            if let Some(length) = decoder.push(*byte, packet) {
                break length;
            }
        };
        channel.rx_done(length);
    }
}

async fn write_all<const MTU: usize>(mut channel: TxRunner<'_, MTU>, line: &mut impl Write) -> ! {
    loop {
        let packet = channel.tx_buf().await;
        // A packet that can't be written counts as lost.
        let _ = write_packet(line, packet).await;
        channel.tx_done();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use core::convert::Infallible;
    use core::future::{Future, pending};
    use core::pin::pin;
    use core::task::{Context, Waker};
    use embassy_net_driver_channel::driver::{Driver, HardwareAddress, RxToken, TxToken};
    use embassy_net_driver_channel::{State, new};
    use embedded_io_async::ErrorType;
    use std::vec::Vec;

    /// Packets that a stream of bytes has in it.
    fn decode(bytes: &[u8], room: usize) -> Vec<Vec<u8>> {
        let (mut decoder, mut packet) = (Decoder::new(), std::vec![0; room]);
        let mut complete =
            |byte: &u8| decoder.push(*byte, &mut packet).map(|length| packet[..length].to_vec());
        bytes.iter().filter_map(&mut complete).collect()
    }

    struct Line {
        input: Vec<u8>,
        faults: u32,
    }

    impl ErrorType for Line {
        type Error = embedded_io_async::ErrorKind;
    }

    impl Read for Line {
        async fn read(&mut self, buffer: &mut [u8]) -> Result<usize, Self::Error> {
            if self.faults > 0 {
                self.faults -= 1;
                return Err(embedded_io_async::ErrorKind::Other);
            }
            if self.input.is_empty() {
                pending::<()>().await;
            }
            let length = self.input.len().min(buffer.len()).min(3);
            buffer[..length].copy_from_slice(&self.input[..length]);
            self.input.drain(..length);
            Ok(length)
        }
    }

    #[derive(Default)]
    struct Written(Vec<u8>);

    impl ErrorType for Written {
        type Error = Infallible;
    }

    impl Write for Written {
        async fn write(&mut self, bytes: &[u8]) -> Result<usize, Infallible> {
            let length = bytes.len().min(2);
            self.0.extend(&bytes[..length]);
            Ok(length)
        }

        async fn flush(&mut self) -> Result<(), Infallible> {
            Ok(())
        }
    }

    fn encode(packet: &[u8]) -> Vec<u8> {
        let mut written = Written::default();
        let Ok(()) = embassy_futures::block_on(write_packet(&mut written, packet));
        written.0
    }

    #[test]
    fn bytes_on_the_line_are_those_of_the_rfc() {
        assert_eq!(encode(&[1, 0o300, 2, 0o333, 3]), [0o300, 1, 0o333, 0o334, 2, 0o333, 0o335, 3, 0o300]);
        assert_eq!(encode(&[0o300]), [0o300, 0o333, 0o334, 0o300]);
    }

    #[test]
    fn all_packets_come_back() {
        let packets: Vec<Vec<u8>> = (1..=255_usize)
            .map(|length| (0..length).map(|index| (index * length) as u8 | 0o300).collect())
            .collect();
        let line: Vec<u8> = packets.iter().flat_map(|packet| encode(packet)).collect();
        assert_eq!(decode(&line, 255), packets);
    }

    #[test]
    fn what_is_no_packet_is_dropped_and_the_next_one_taken() {
        let good = encode(b"good");
        let after = |bad: &[u8], room| decode(&[bad, &good].concat(), room);
        assert_eq!(after(b"noise", 8), [&b"noise"[..], b"good"], "IP drops that one");
        assert_eq!(after(&[1, 0o333, 7, 2], 8), [b"good"], "no such escape");
        assert_eq!(after(&[1, 0o333], 8), [b"good"], "cut in an escape");
        assert_eq!(after(b"too long", 4), [b"good"]);
        assert_eq!(after(&[0o300; 5], 4), [b"good"]);
    }

    #[test]
    fn packets_go_both_ways_and_faults_lose_one() {
        let input = [&encode(b"first")[..], &encode(b"second"), b"unfinished"].concat();
        for (faults, expected) in [(0, Some(&b"first"[..])), (2, Some(&b"second"[..]))] {
            // A fault at the beginning takes what follows it up to the next END with it.
            let input = if faults > 0 { input[1..].to_vec() } else { input.clone() };
            let mut state = State::<64, 4, 4>::new();
            let (runner, mut device) = new(&mut state, HardwareAddress::Ip);
            let mut written = Written::default();
            let context = &mut Context::from_waker(Waker::noop());
            device.transmit(context).unwrap().consume(3, |packet| packet.copy_from_slice(b"out"));
            {
                let mut running = pin!(run(runner, Line { input, faults }, &mut written));
                for _ in 0..4 {
                    assert!(running.as_mut().poll(context).is_pending());
                }
            }
            let (token, _) = device.receive(context).unwrap();
            assert_eq!(token.consume(|packet| Some(packet.to_vec())).as_deref(), expected);
            assert_eq!(written.0, encode(b"out"));
        }
    }
}
