//! Sealing and opening one record, in place.

use super::header::{VERSION, content};
use crate::codec::{Filled, copy};
use crate::profile::{Linked, Profile};
use crate::provider::hmac::HmacKey;
use crate::provider::{cbc, ccm, chacha};
use crate::secret::{declassified, verdict};
use crate::suite::Cipher;
use core::ops::Range;
use subtle::ConstantTimeEq;
use zeroize::Zeroize;

/// The keys of one direction (RFC 5246 section 6.3).
#[derive(Clone, Copy)]
pub(crate) struct Keys<'a> {
    pub(crate) mac: &'a [u8],
    pub(crate) key: &'a [u8],
    pub(crate) iv: &'a [u8],
}

/// How the records of a session are protected.
#[derive(Clone, Copy)]
pub(crate) struct Protection {
    pub(crate) cipher: Cipher,
    /// Whether the MAC of CBC records covers the ciphertext (RFC 7366).
    pub(crate) encrypt_then_mac: bool,
}

/// Longest connection ID (checked by the profile).
const CID_MAX: usize = 32;

/// The bytes that are authenticated in front of the content.
type Additional = Filled<{ 23 + CID_MAX }>;

impl Additional {
    /// From the header without its length field: RFC 5246 section 6.2.3.3, or RFC 9146 section 5.3.
    fn new(header: &[u8], length: usize) -> Option<Self> {
        let mut this = Self::EMPTY;
        let (type_and_version, rest) = header.split_first_chunk::<3>()?;
        let (number, cid) = rest.split_first_chunk::<8>()?;
        if type_and_version.first() == Some(&content::TLS12_CID) {
            this.push(&[0xFF; 8]);
            this.push(&[content::TLS12_CID, cid.len() as u8]);
            this.push(type_and_version);
            this.push(number);
            this.push(cid);
        } else {
            this.push(number);
            this.push(type_and_version);
        }
        this.push(&(length as u16).to_be_bytes());
        Some(this)
    }
}

/// Epoch and sequence number of a header.
fn number_of(header: &[u8]) -> Option<[u8; 8]> {
    header.get(3..)?.first_chunk().copied()
}

/// RFC 7905 section 2: the number, padded to 12 bytes, added to the base.
fn chacha_nonce(base: &[u8], number: [u8; 8]) -> Option<[u8; 12]> {
    let mut nonce = *base.first_chunk::<12>()?;
    nonce.iter_mut().skip(4).zip(number).for_each(|(byte, number)| *byte ^= number);
    Some(nonce)
}

/// RFC 6655 section 3: 4 bytes of salt from the key block, 8 bytes from the record.
fn ccm_nonce(salt: &[u8], explicit: [u8; 8]) -> Option<[u8; 12]> {
    let mut nonce = [0; 12];
    *nonce.first_chunk_mut()? = *salt.first_chunk::<4>()?;
    *nonce.last_chunk_mut()? = explicit;
    Some(nonce)
}

impl Protection {
    /// Bytes between the header and the content.
    pub(crate) const fn explicit_len(self) -> usize {
        self.cipher.explicit_len()
    }

    /// Bytes of the record after its header, for `content_len` bytes of content (with an inner type, if any).
    pub(crate) const fn sealed_len(self, content_len: usize) -> usize {
        match self.cipher {
            Cipher::CbcSha256 if self.encrypt_then_mac => 16 + (content_len / 16 + 1) * 16 + cbc::MAC,
            Cipher::CbcSha256 => 16 + ((content_len + cbc::MAC) / 16 + 1) * 16,
            cipher => cipher.explicit_len() + content_len + cipher.tag_len(),
        }
    }

    /// The most content (with an inner type, if any) that fits into so many bytes behind the header.
    pub(crate) const fn content_limit(self, body_len: usize) -> usize {
        match self.cipher {
            // Whole blocks, of which the last has a byte of padding at least.
            Cipher::CbcSha256 => {
                let mac_behind = if self.encrypt_then_mac { cbc::MAC } else { 0 };
                let blocks = body_len.saturating_sub(16 + mac_behind) / 16;
                (16 * blocks).saturating_sub(1 + cbc::MAC - mac_behind)
            }
            cipher => body_len.saturating_sub(cipher.explicit_len() + cipher.tag_len()),
        }
    }

    /// Seals a record: `record` starts with `header_len` bytes of header of which the last two, the length, are
    /// written here; the content lies [`explicit_len`](Self::explicit_len) bytes behind it. Answers the record's
    /// length; `None` when it does not fit.
    pub(crate) fn seal<P: Profile>(
        self,
        keys: Keys<'_>,
        record: &mut [u8],
        header_len: usize,
        content_len: usize,
    ) -> Option<usize> {
        let length = self.sealed_len(content_len);
        let record = record.get_mut(..header_len + length)?;
        let (header, body) = record.split_at_mut_checked(header_len)?;
        let (header, length_field) = header.split_last_chunk_mut::<2>()?;
        *length_field = u16::try_from(length).ok()?.to_be_bytes();
        match self.cipher {
            Cipher::Ccm8 | Cipher::Ccm if P::CCM => seal_ccm::<P>(keys, header, body, content_len)?,
            Cipher::ChaCha20Poly1305 if P::CHACHA => seal_chacha(keys, header, body, content_len)?,
            Cipher::CbcSha256 if P::CBC => self.seal_cbc::<P>(keys, header, body, content_len)?,
            _ => return None,
        }
        Some(header_len + length)
    }

    /// Opens a record in place: decrypts and authenticates it. Answers where the content lies in `record`.
    /// When the record is not authentic, nothing of its plaintext stays readable.
    pub(crate) fn open<P: Profile>(
        self,
        keys: Keys<'_>,
        record: &mut [u8],
        header_len: usize,
    ) -> Option<Range<usize>> {
        let (header, body) = record.split_at_mut_checked(header_len)?;
        let header = header.split_last_chunk::<2>()?.0;
        let found = match self.cipher {
            Cipher::Ccm8 | Cipher::Ccm if P::CCM => self.open_ccm::<P>(keys, header, body)?,
            Cipher::ChaCha20Poly1305 if P::CHACHA => open_chacha(keys, header, body)?,
            Cipher::CbcSha256 if P::CBC && self.encrypt_then_mac => {
                open_cbc_authenticated::<P>(keys, header, body)?
            }
            Cipher::CbcSha256 if P::CBC => open_cbc::<P>(keys, header, body)?,
            _ => return None,
        };
        Some(header_len + found.start..header_len + found.end)
    }

    fn open_ccm<P: Profile>(self, keys: Keys<'_>, header: &[u8], body: &mut [u8]) -> Option<Range<usize>> {
        let (explicit, rest) = body.split_first_chunk_mut()?;
        let nonce = ccm_nonce(keys.iv, *explicit)?;
        let content_len = rest.len().checked_sub(self.cipher.tag_len())?;
        let additional = Additional::new(header, content_len)?;
        let (data, tag) = rest.split_at_mut_checked(content_len)?;
        ccm::open::<P::Aes>(keys.key.first_chunk()?, &nonce, additional.bytes(), data, tag)
            .then_some(8..8 + content_len)
    }

    fn seal_cbc<P: Profile>(
        self,
        keys: Keys<'_>,
        header: &[u8],
        body: &mut [u8],
        content_len: usize,
    ) -> Option<()> {
        let mac_key = HmacKey::new(keys.mac);
        let key = keys.key.first_chunk()?;
        let number = u64::from_be_bytes(number_of(header)?);
        let iv = cbc::iv::<P::Aes>(key, number);
        if self.encrypt_then_mac {
            let (ciphertext, tag) = body.split_last_chunk_mut()?;
            let additional = Additional::new(header, ciphertext.len())?;
            let (iv_field, data) = ciphertext.split_first_chunk_mut()?;
            *iv_field = iv;
            pad(data, content_len);
            cbc::encrypt::<P::Aes>(key, &iv, data);
            *tag = mac_key.mac(&[additional.bytes(), ciphertext]);
        } else {
            let additional = Additional::new(header, content_len)?;
            let (iv_field, data) = body.split_first_chunk_mut()?;
            *iv_field = iv;
            let (content, rest) = data.split_at_mut_checked(content_len)?;
            *rest.first_chunk_mut()? = mac_key.mac(&[additional.bytes(), content]);
            pad(data, content_len + cbc::MAC);
            cbc::encrypt::<P::Aes>(key, &iv, data);
        }
        Some(())
    }
}

fn seal_ccm<P: Profile>(keys: Keys<'_>, header: &[u8], body: &mut [u8], content_len: usize) -> Option<()> {
    let additional = Additional::new(header, content_len)?;
    let (explicit, rest) = body.split_first_chunk_mut()?;
    *explicit = number_of(header)?;
    let nonce = ccm_nonce(keys.iv, *explicit)?;
    let (data, tag) = rest.split_at_mut_checked(content_len)?;
    let full = ccm::seal::<P::Aes>(keys.key.first_chunk()?, &nonce, additional.bytes(), data, tag.len());
    copy(tag, &full);
    Some(())
}

fn seal_chacha(keys: Keys<'_>, header: &[u8], body: &mut [u8], content_len: usize) -> Option<()> {
    let nonce = chacha_nonce(keys.iv, number_of(header)?)?;
    let additional = Additional::new(header, content_len)?;
    let (data, tag) = body.split_last_chunk_mut()?;
    *tag = chacha::seal(keys.key.first_chunk()?, &nonce, additional.bytes(), data);
    Some(())
}

fn open_chacha(keys: Keys<'_>, header: &[u8], body: &mut [u8]) -> Option<Range<usize>> {
    let nonce = chacha_nonce(keys.iv, number_of(header)?)?;
    let (data, tag) = body.split_last_chunk_mut()?;
    let additional = Additional::new(header, data.len())?;
    chacha::open(keys.key.first_chunk()?, &nonce, additional.bytes(), data, tag).then_some(0..data.len())
}

/// Padding from `from` to the end: every byte is their number less one (RFC 5246 section 6.2.3.2).
fn pad(data: &mut [u8], from: usize) {
    if let Some(padding) = data.get_mut(from..) {
        let value = (padding.len() as u8).wrapping_sub(1);
        padding.fill(value);
    }
}

/// CBC with the MAC below the encryption: constant-time.
fn open_cbc<P: Profile>(keys: Keys<'_>, header: &[u8], body: &mut [u8]) -> Option<Range<usize>> {
    let (iv, data) = body.split_first_chunk_mut()?;
    if !data.len().is_multiple_of(16) {
        return None;
    }
    let mut additional = Additional::new(header, 0)?;
    cbc::decrypt::<P::Aes>(keys.key.first_chunk()?, iv, data);
    let length = cbc::check_padded_mac(&HmacKey::new(keys.mac), additional.bytes_mut(), data)?;
    Some(16..16 + length)
}

/// CBC with the MAC over the ciphertext: the padding is looked at only in authentic records.
fn open_cbc_authenticated<P: Profile>(
    keys: Keys<'_>,
    header: &[u8],
    body: &mut [u8],
) -> Option<Range<usize>> {
    let (ciphertext, tag) = body.split_last_chunk_mut::<{ cbc::MAC }>()?;
    let additional = Additional::new(header, ciphertext.len())?;
    let expected = HmacKey::new(keys.mac).mac(&[additional.bytes(), ciphertext]);
    if !verdict(expected.ct_eq(tag)) {
        return None;
    }
    let (iv, data) = ciphertext.split_first_chunk_mut()?;
    if !data.len().is_multiple_of(16) {
        return None;
    }
    cbc::decrypt::<P::Aes>(keys.key.first_chunk()?, iv, data);
    // The record is authentic: the caller is told how much of it is padding.
    let padding = declassified(*data.last()?);
    let length = data.len().checked_sub(usize::from(padding) + 1);
    let good = length.filter(|length| {
        let bytes = data.get(*length..).unwrap_or_default();
        verdict(bytes.iter().fold(0, |sum, byte| sum | (byte ^ padding)).ct_eq(&0))
    });
    if good.is_none() {
        data.zeroize();
    }
    good.map(|length| 16..16 + length)
}

/// Writes the header of a protected record up to the connection ID. Its length comes with the seal.
pub(crate) fn write_header(record: &mut [u8], content: u8, number: u64, cid: &[u8]) -> Option<()> {
    let (start, rest) = record.split_first_chunk_mut::<11>()?;
    let [v0, v1] = VERSION.to_be_bytes();
    let [n0, n1, n2, n3, n4, n5, n6, n7] = number.to_be_bytes();
    *start = [content, v0, v1, n0, n1, n2, n3, n4, n5, n6, n7];
    copy(rest.get_mut(..cid.len() + 2)?, cid);
    Some(())
}

#[cfg(test)]
#[path = "protect_tests.rs"]
mod tests;
