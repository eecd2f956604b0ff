//! What must never be done with a secret. memcheck has to see each of these, or else it would see nothing in the crate either.

use crate::Operation;
use crate::memcheck::{public, secret};
use std::hint::black_box;

pub(crate) const OPERATIONS: &[Operation] = &[
    ("tag-compared-byte-by-byte", compare),
    ("aes-by-table", table),
    ("padding-read-to-its-end", padding),
    ("scalar-bit-by-bit", double_and_add),
    ("state-compared-as-a-whole", state),
];

fn hidden<const N: usize>(value: [u8; N]) -> [u8; N] {
    let mut value = black_box(value);
    secret(&mut value);
    value
}

#[inline(never)]
fn compare() {
    let expected = hidden([1; 16]);
    for (expected, found) in expected.iter().zip(black_box([1; 16])) {
        if *expected != found {
            black_box("wrong");
            break;
        }
    }
}

/// The S-box of a cipher at a place that the key decides.
#[inline(never)]
fn table() {
    static TABLE: [u8; 256] = [9; 256];
    let [key] = hidden([7]);
    black_box(black_box(&TABLE)[usize::from(key ^ 0x55)]);
}

/// The mistake of CVE-2013-0169.
#[inline(never)]
fn padding() {
    let data = hidden([3; 64]);
    let last = data[63];
    let good = data.iter().rev().take(usize::from(last) + 1).all(|byte| *byte == last);
    black_box(good);
}

#[inline(never)]
fn double_and_add() {
    let [scalar] = hidden([0b1010_0110]);
    let mut sum = 0_u64;
    for bit in (0..8).rev() {
        sum = sum.wrapping_mul(2);
        if scalar >> bit & 1 == 1 {
            sum = black_box(sum.wrapping_add(3));
        }
    }
    public(&mut sum);
    black_box(sum);
}

/// As slices are compared: up to the first difference.
#[inline(never)]
fn state() {
    let state = hidden([5; 32]);
    if state == black_box([5; 32]) {
        black_box(());
    }
}
