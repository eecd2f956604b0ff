//! Record headers: the 13 bytes of RFC 6347 section 4.1, and the longer ones with a connection ID of RFC 9146.

use crate::codec::Reader;

/// Content types.
pub(crate) mod content {
    pub(crate) const CHANGE_CIPHER_SPEC: u8 = 20;
    pub(crate) const ALERT: u8 = 21;
    pub(crate) const HANDSHAKE: u8 = 22;
    pub(crate) const APPLICATION_DATA: u8 = 23;
    /// A protected record with a connection ID; its true type is inside (RFC 9146 section 4).
    pub(crate) const TLS12_CID: u8 = 25;
}

/// DTLS 1.2 on the wire.
pub(crate) const VERSION: u16 = 0xFEFD;
/// DTLS 1.0 on the wire: servers may use it before they have chosen the version.
pub(crate) const VERSION_1_0: u16 = 0xFEFF;
/// The most plaintext in a record (RFC 5246 section 6.2.1).
pub(crate) const PLAINTEXT_MAX: u16 = 1 << 14;
/// The most that protection makes of it (RFC 5246 section 6.2.3).
const RECORD_MAX: usize = PLAINTEXT_MAX as usize + 2048;
/// Bytes of a header without a connection ID.
pub(crate) const PLAIN_HEADER: usize = 13;

/// The epoch in the upper 16 bits of epoch and sequence number.
pub(crate) const fn epoch_of(number: u64) -> u16 {
    (number >> 48) as u16
}

/// A record header whose record is complete in the datagram.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Header {
    pub(crate) content: u8,
    pub(crate) version: u16,
    /// Epoch (16 bits) and sequence number (48 bits).
    pub(crate) number: u64,
    /// Bytes of the header.
    pub(crate) start: usize,
    /// Bytes after the header.
    pub(crate) length: usize,
}

impl Header {
    /// The header at the start of `bytes`. `None` when the record does not end within them, or has a connection ID
    /// though we asked for none: its length is then unknown, and with it where the next record starts.
    ///
    /// `own_cid_len` is the length of the connection ID that the peer puts in its records; 0 for none.
    pub(crate) fn parse(bytes: &[u8], own_cid_len: usize) -> Option<Self> {
        let mut reader = Reader(bytes);
        let content = reader.u8().ok()?;
        let version = reader.u16().ok()?;
        let number = u64::from_be_bytes(*reader.array().ok()?);
        let mut header_len = PLAIN_HEADER;
        if content == content::TLS12_CID {
            if own_cid_len == 0 {
                return None;
            }
            reader.take(own_cid_len).ok()?;
            header_len += own_cid_len;
        }
        let length = reader.vec16().ok()?.len();
        if length > RECORD_MAX {
            return None;
        }
        Some(Self { content, version, number, start: header_len, length })
    }

    /// Bytes of the whole record.
    pub(crate) const fn total(&self) -> usize {
        self.start + self.length
    }
}

/// Writes a plain header in front of `length` bytes; `false` when `record` is too short for it.
pub(crate) fn write_plain(record: &mut [u8], content: u8, number: u64, length: usize) -> bool {
    let Some(header) = record.first_chunk_mut::<PLAIN_HEADER>() else { return false };
    let [v0, v1] = VERSION.to_be_bytes();
    let [n0, n1, n2, n3, n4, n5, n6, n7] = number.to_be_bytes();
    let [l0, l1] = (length as u16).to_be_bytes();
    *header = [content, v0, v1, n0, n1, n2, n3, n4, n5, n6, n7, l0, l1];
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn round_trip_and_every_cut() {
        let mut record = [0; 16];
        assert!(write_plain(&mut record, content::HANDSHAKE, 0x0001_0000_0000_0007, 3));
        let header = Header::parse(&record, 0).expect("complete");
        assert_eq!(
            header,
            Header { content: 22, version: VERSION, number: 0x0001_0000_0000_0007, start: 13, length: 3 }
        );
        assert_eq!(epoch_of(header.number), 1);
        for cut in 0..16 {
            assert_eq!(Header::parse(&record[..cut], 0), None);
        }
    }

    #[test]
    fn a_connection_id_lengthens_the_header() {
        let record = [25, 0xFE, 0xFD, 0, 1, 0, 0, 0, 0, 0, 9, 0xAA, 0xBB, 0, 1, 0x55];
        assert_eq!(Header::parse(&record, 0), None);
        let header = Header::parse(&record, 2).expect("complete");
        assert_eq!((header.start, header.length, header.total()), (15, 1, 16));
        assert_eq!(Header::parse(&record, 3), None);
    }
}
