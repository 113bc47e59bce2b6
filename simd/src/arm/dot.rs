//! Products of two vectors, and sums of lanes.

use core::arch::naked_asm;
use core::mem::MaybeUninit;

use crate::LANES;
use crate::lanes::bare::reduce;

/// Products of x and y in lanes that begin at 0, eight at a time, as far as whole eights go (the last of them in the lower
/// lanes or the upper ones), not fused: 24 instructions for sixteen products.
#[inline(always)]
fn products(x: &[f32], y: &[f32]) -> [f32; LANES] {
    let n = x.len().min(y.len());
    let mut lanes = MaybeUninit::<[f32; LANES]>::uninit();
    // SAFETY: both hold n numbers, and there are sixteen lanes, all of which are written.
    unsafe {
        eights(x.as_ptr(), y.as_ptr(), n, lanes.as_mut_ptr().cast());
        lanes.assume_init()
    }
}

/// Σ xᵢ·yᵢ.
#[inline(always)]
pub(crate) fn dot(x: &[f32], y: &[f32]) -> f32 {
    let n = x.len().min(y.len());
    let (Some(x), Some(y)) = (x.get(..n), y.get(..n)) else { return 0.0 };
    let mut lanes = products(x, y);
    let done = n & !(LANES / 2 - 1);
    if done < n {
        let (x, y) = (x.get(done..).unwrap_or(&[]), y.get(done..).unwrap_or(&[]));
        for (i, (&x, &y)) in (done..).zip(x.iter().zip(y)) {
            lanes[i % LANES] += x * y;
        }
    }
    reduce(&lanes)
}

/// # Safety
/// Reads ⌊n/8⌋·8 numbers from x and y on, and writes sixteen from `lanes` on.
#[unsafe(naked)]
unsafe extern "C" fn eights(x: *const f32, y: *const f32, n: usize, lanes: *mut f32) {
    naked_asm!(
        ".fpu fpv4-sp-d16",
        "vpush {{s16-s31}}",
        "mov r12, #0",
        "vmov d0, r12, r12",
        "vmov d1, r12, r12",
        "vmov d2, r12, r12",
        "vmov d3, r12, r12",
        "vmov d4, r12, r12",
        "vmov d5, r12, r12",
        "vmov d6, r12, r12",
        "vmov d7, r12, r12",
        "lsrs r2, r2, #3",
        "beq 4f",
        "2:",
        "vldmia r0!, {{s16-s23}}",
        "vldmia r1!, {{s24-s31}}",
        "vmla.f32 s0, s16, s24",
        "vmla.f32 s1, s17, s25",
        "vmla.f32 s2, s18, s26",
        "vmla.f32 s3, s19, s27",
        "vmla.f32 s4, s20, s28",
        "vmla.f32 s5, s21, s29",
        "vmla.f32 s6, s22, s30",
        "vmla.f32 s7, s23, s31",
        "subs r2, r2, #1",
        "beq 4f",
        "vldmia r0!, {{s16-s23}}",
        "vldmia r1!, {{s24-s31}}",
        "vmla.f32 s8, s16, s24",
        "vmla.f32 s9, s17, s25",
        "vmla.f32 s10, s18, s26",
        "vmla.f32 s11, s19, s27",
        "vmla.f32 s12, s20, s28",
        "vmla.f32 s13, s21, s29",
        "vmla.f32 s14, s22, s30",
        "vmla.f32 s15, s23, s31",
        "subs r2, r2, #1",
        "bne 2b",
        "4:",
        "vstmia r3, {{s0-s15}}",
        "vpop {{s16-s31}}",
        "bx lr",
    )
}

/// Σ xᵢ·yᵢ, of every four products (x₀y₀ + x₁y₁) + (x₂y₂ + x₃y₃).
#[inline(always)]
pub(crate) fn dot_in_fours(x: &[f32], y: &[f32]) -> f32 {
    // SAFETY: both hold as many numbers as the shorter.
    unsafe { fours(x.as_ptr(), y.as_ptr(), x.len().min(y.len())) }
}

/// 10 instructions for four products.
///
/// # Safety
/// Reads n numbers from x and y on.
#[unsafe(naked)]
unsafe extern "C" fn fours(x: *const f32, y: *const f32, n: usize) -> f32 {
    naked_asm!(
        ".fpu fpv4-sp-d16",
        "movs r3, #0",
        "vmov s0, r3",
        "lsrs r3, r2, #2",
        "beq 3f",
        "2:",
        "vldmia r0!, {{s4-s7}}",
        "vldmia r1!, {{s8-s11}}",
        "vmul.f32 s4, s4, s8",
        "vmul.f32 s6, s6, s10",
        "vmla.f32 s4, s5, s9",
        "vmla.f32 s6, s7, s11",
        "vadd.f32 s4, s4, s6",
        "vadd.f32 s0, s0, s4",
        "subs r3, r3, #1",
        "bne 2b",
        "3:",
        "ands r2, r2, #3",
        "beq 5f",
        "4:",
        "vldmia r0!, {{s4}}",
        "vldmia r1!, {{s8}}",
        "vmla.f32 s0, s4, s8",
        "subs r2, r2, #1",
        "bne 4b",
        "5:",
        "bx lr",
    )
}

/// The sum of all lanes, as a tree: [`reduce`](crate::reduce) in 17 instructions and half the flash.
#[inline(always)]
pub(crate) fn sum(lanes: &[f32; LANES]) -> f32 {
    // SAFETY: there are sixteen.
    unsafe { sixteen(lanes.as_ptr()) }
}

/// # Safety
/// Reads sixteen numbers from `lanes` on.
#[unsafe(naked)]
unsafe extern "C" fn sixteen(lanes: *const f32) -> f32 {
    naked_asm!(
        ".fpu fpv4-sp-d16",
        "vldmia r0, {{s0-s15}}",
        "vadd.f32 s0, s0, s8",
        "vadd.f32 s1, s1, s9",
        "vadd.f32 s2, s2, s10",
        "vadd.f32 s3, s3, s11",
        "vadd.f32 s4, s4, s12",
        "vadd.f32 s5, s5, s13",
        "vadd.f32 s6, s6, s14",
        "vadd.f32 s7, s7, s15",
        "vadd.f32 s0, s0, s4",
        "vadd.f32 s1, s1, s5",
        "vadd.f32 s2, s2, s6",
        "vadd.f32 s3, s3, s7",
        "vadd.f32 s0, s0, s2",
        "vadd.f32 s1, s1, s3",
        "vadd.f32 s0, s0, s1",
        "bx lr",
    )
}
