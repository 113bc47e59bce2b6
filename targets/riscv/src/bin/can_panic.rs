//! Holds one path that can panic, and must not link: the test of the proof itself.
#![no_std]
#![no_main]

use core::hint::black_box;
use southwell_riscv::image;

image!("can-panic", |_| {
    let numbers = [1_u32, 2, 3];
    black_box(&numbers[..])[black_box(2)] == 3
});
