//! Multiples of one vector or two, added to another.

use core::arch::naked_asm;

/// y ← y + w·x.
#[inline(always)]
pub(crate) fn axpy(w: f32, x: &[f32], y: &mut [f32]) {
    // SAFETY: both hold as many numbers as the shorter.
    unsafe { add_one_row(w, x.as_ptr(), y.as_mut_ptr(), x.len().min(y.len())) };
}

/// 9 instructions for four numbers.
///
/// # Safety
/// Reads n numbers from x on, and reads and writes n from y on.
#[unsafe(naked)]
unsafe extern "C" fn add_one_row(w: f32, x: *const f32, y: *mut f32, n: usize) {
    naked_asm!(
        ".fpu fpv4-sp-d16",
        "lsrs r3, r2, #2",
        "beq 3f",
        "2:",
        "vldmia r0!, {{s4-s7}}",
        "vldmia r1, {{s8-s11}}",
        "vmla.f32 s8, s0, s4",
        "vmla.f32 s9, s0, s5",
        "vmla.f32 s10, s0, s6",
        "vmla.f32 s11, s0, s7",
        "vstmia r1!, {{s8-s11}}",
        "subs r3, r3, #1",
        "bne 2b",
        "3:",
        "ands r2, r2, #3",
        "beq 5f",
        "4:",
        "vldmia r0!, {{s4}}",
        "vldr s8, [r1]",
        "vmla.f32 s8, s0, s4",
        "vstmia r1!, {{s8}}",
        "subs r2, r2, #1",
        "bne 4b",
        "5:",
        "bx lr",
    )
}

/// y ← (y + v·x) + w·z.
#[inline(always)]
pub(crate) fn add_two(v: f32, x: &[f32], w: f32, z: &[f32], y: &mut [f32]) {
    let n = x.len().min(z.len()).min(y.len());
    // SAFETY: all hold as many numbers as the shortest.
    unsafe { add_two_rows(v, w, x.as_ptr(), z.as_ptr(), y.as_mut_ptr(), n) };
}

/// 14 instructions for four numbers.
///
/// # Safety
/// Reads n numbers from x and z on, and reads and writes n from y on.
#[unsafe(naked)]
unsafe extern "C" fn add_two_rows(v: f32, w: f32, x: *const f32, z: *const f32, y: *mut f32, n: usize) {
    naked_asm!(
        ".fpu fpv4-sp-d16",
        "lsrs r12, r3, #2",
        "beq 3f",
        "2:",
        "vldmia r0!, {{s4-s7}}",
        "vldmia r1!, {{s8-s11}}",
        "vldmia r2, {{s12-s15}}",
        "vmla.f32 s12, s0, s4",
        "vmla.f32 s13, s0, s5",
        "vmla.f32 s14, s0, s6",
        "vmla.f32 s15, s0, s7",
        "vmla.f32 s12, s1, s8",
        "vmla.f32 s13, s1, s9",
        "vmla.f32 s14, s1, s10",
        "vmla.f32 s15, s1, s11",
        "vstmia r2!, {{s12-s15}}",
        "subs r12, r12, #1",
        "bne 2b",
        "3:",
        "ands r3, r3, #3",
        "beq 5f",
        "4:",
        "vldmia r0!, {{s4}}",
        "vldmia r1!, {{s8}}",
        "vldr s12, [r2]",
        "vmla.f32 s12, s0, s4",
        "vmla.f32 s12, s1, s8",
        "vstmia r2!, {{s12}}",
        "subs r3, r3, #1",
        "bne 4b",
        "5:",
        "bx lr",
    )
}
