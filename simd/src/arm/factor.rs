//! A Cholesky factor by rows, and solves with it.

use core::arch::naked_asm;

use crate::bare::holds;

/// What [`short::factorise`](crate::short::factorise) does.
#[inline(always)]
pub(crate) fn factorise(matrix: &mut [f32], stride: usize, known: usize, count: usize, lost: f32) -> bool {
    if count == 0 || !holds(matrix.len(), stride, count) {
        return count == 0;
    }
    // SAFETY: `count` numbers lie in each of so many rows, `stride` apart.
    unsafe { factorise_rows(lost, matrix.as_mut_ptr(), stride, known.min(count), count) }
}

/// 15 instructions for a row and one above it, and 9 for four numbers of it.
///
/// # Safety
/// Reads and writes `count` numbers each in `count` rows from `matrix` on, `stride` apart; `known` is at most `count`.
#[unsafe(naked)]
unsafe extern "C" fn factorise_rows(
    lost: f32,
    matrix: *mut f32,
    stride: usize,
    known: usize,
    count: usize,
) -> bool {
    naked_asm!(
        ".fpu fpv4-sp-d16",
        "push {{r4-r11, lr}}",
        "lsls r1, r1, #2",
        "vmov.f32 s12, #1.0",
        "mov r5, #0x00800000", // The least normal number,
        "vmov s13, r5",
        "mov r5, #0x7f800000", // and infinity.
        "vmov s14, r5",
        "mov r5, r0",
        "movs r4, #0",
        "2:", // A row: its pivot at r5, its number in r4; what is to be done lies r6 bytes after the pivot, r7 numbers.
        "movs r6, #4",
        "mvns r7, r4",
        "add r7, r3",
        "cmp r4, r2",
        "bge 3f",
        "subs r6, r2, r4",
        "lsls r6, r6, #2",
        "subs r7, r3, r2",
        "3:",
        "vldr s1, [r5]",
        "movs r10, r4",
        "beq 8f",
        "add r8, r0, r4, lsl #2",
        "mov r9, r0",
        "4:", // A row above: its factor at r8, its inverse pivot at r9.
        "vldr s2, [r8]",
        "vldr s3, [r9]",
        "vnmul.f32 s3, s2, s3",
        "vmul.f32 s4, s0, s1",
        "vmla.f32 s1, s3, s2",
        "vcmp.f32 s1, s4",
        "vmrs APSR_nzcv, fpscr",
        "bls 11f",
        "5:",
        "add r11, r8, r6",
        "add r12, r5, r6",
        "subs lr, r7, #4",
        "blt 7f",
        "6:",
        "vldmia r11!, {{s4-s7}}",
        "vldmia r12, {{s8-s11}}",
        "vmla.f32 s8, s3, s4",
        "vmla.f32 s9, s3, s5",
        "vmla.f32 s10, s3, s6",
        "vmla.f32 s11, s3, s7",
        "vstmia r12!, {{s8-s11}}",
        "subs lr, lr, #4",
        "bge 6b",
        "7:",
        "adds lr, lr, #4",
        "beq 13f",
        "12:",
        "vldmia r11!, {{s4}}",
        "vldr s8, [r12]",
        "vmla.f32 s8, s3, s4",
        "vstmia r12!, {{s8}}",
        "subs lr, lr, #1",
        "bne 12b",
        "13:",
        "add r8, r1",
        "add r9, r1",
        "add r9, #4",
        "subs r10, r10, #1",
        "bne 4b",
        "8:",
        "cmp r4, r2",
        "blt 9f",
        "vcmp.f32 s1, s13",
        "vmrs APSR_nzcv, fpscr",
        "blt 14f",
        "vcmp.f32 s1, s14",
        "vmrs APSR_nzcv, fpscr",
        "bge 14f",
        "vdiv.f32 s1, s12, s1",
        "vstr s1, [r5]",
        "9:",
        "add r5, r1",
        "adds r5, r5, #4",
        "adds r4, r4, #1",
        "cmp r4, r3",
        "blt 2b",
        "movs r0, #1",
        "pop {{r4-r11, pc}}",
        "11:", // A pivot that is known is not lost.
        "cmp r4, r2",
        "blt 5b",
        "14:",
        "movs r0, #0",
        "pop {{r4-r11, pc}}",
    )
}

/// What [`short::substitute`](crate::short::substitute) does.
#[inline(always)]
pub(crate) fn substitute(matrix: &[f32], stride: usize, x: &mut [f32]) {
    if !x.is_empty() && holds(matrix.len(), stride, x.len()) {
        // SAFETY: as many numbers as x holds lie in each of so many rows, `stride` apart.
        unsafe { substitute_rows(matrix.as_ptr(), stride, x.len(), x.as_mut_ptr()) };
    }
}

/// 9 instructions for four numbers of a row on the way down, 10 on the way up, and 23 for both.
///
/// # Safety
/// Reads `count` numbers each in `count` rows from `matrix` on, `stride` apart, and reads and writes as many from x on; not 0.
#[unsafe(naked)]
unsafe extern "C" fn substitute_rows(matrix: *const f32, stride: usize, count: usize, x: *mut f32) {
    naked_asm!(
        ".fpu fpv4-sp-d16",
        "push {{r4-r7, lr}}",
        "lsls r1, r1, #2",
        "adds r1, r1, #4", // From one entry of the diagonal, in r0, to the next.
        "mov r4, r2",      // Numbers after the one at r3.
        "2:",
        "subs r4, r4, #1",
        "vldr s0, [r3]",
        "vldr s1, [r0]",
        "vnmul.f32 s0, s0, s1",
        "add r6, r0, #4",
        "adds r3, r3, #4",
        "mov r7, r3",
        "subs r5, r4, #4",
        "blt 4f",
        "3:",
        "vldmia r6!, {{s4-s7}}",
        "vldmia r7, {{s8-s11}}",
        "vmla.f32 s8, s0, s4",
        "vmla.f32 s9, s0, s5",
        "vmla.f32 s10, s0, s6",
        "vmla.f32 s11, s0, s7",
        "vstmia r7!, {{s8-s11}}",
        "subs r5, r5, #4",
        "bge 3b",
        "4:",
        "adds r5, r5, #4",
        "beq 6f",
        "5:",
        "vldmia r6!, {{s4}}",
        "vldr s8, [r7]",
        "vmla.f32 s8, s0, s4",
        "vstmia r7!, {{s8}}",
        "subs r5, r5, #1",
        "bne 5b",
        "6:",
        "add r0, r1",
        "cmp r4, #0",
        "bne 2b",
        // And back, from after the last.
        "movs r7, #0",
        "7:",
        "subs r0, r0, r1",
        "add r6, r0, #4",
        "vmov s0, r7",
        "mov r12, r3",
        "subs r5, r4, #4",
        "blt 9f",
        "8:",
        "vldmia r6!, {{s4-s7}}",
        "vldmia r12!, {{s8-s11}}",
        "vmul.f32 s4, s4, s8",
        "vmul.f32 s6, s6, s10",
        "vmla.f32 s4, s5, s9",
        "vmla.f32 s6, s7, s11",
        "vadd.f32 s4, s4, s6",
        "vadd.f32 s0, s0, s4",
        "subs r5, r5, #4",
        "bge 8b",
        "9:",
        "adds r5, r5, #4",
        "beq 13f",
        "12:",
        "vldmia r6!, {{s4}}",
        "vldmia r12!, {{s8}}",
        "vmla.f32 s0, s4, s8",
        "subs r5, r5, #1",
        "bne 12b",
        "13:",
        "subs r3, r3, #4",
        "vldr s1, [r3]",
        "vldr s2, [r0]",
        "vsub.f32 s1, s1, s0",
        "vmul.f32 s1, s1, s2",
        "vstr s1, [r3]",
        "adds r4, r4, #1",
        "cmp r4, r2",
        "bne 7b",
        "pop {{r4-r7, pc}}",
    )
}
