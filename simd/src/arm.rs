//! What an Arm core with a floating-point unit does in one instruction and the compiler does not know of without `std`: the
//! square root, and loads of eight numbers at once. The operations are the same in the same order, so the bits are.
//!
//! Whole functions of assembler: they hold what the calling convention says of registers, which is all there is to be sure of.
//! Where floats are handed over in registers the unit is there, with these instructions from its second version on, the
//! oldest of this convention.
#![allow(unsafe_code)]

use core::arch::naked_asm;
use core::mem::MaybeUninit;

use crate::LANES;
use crate::bare::holds;
use crate::dense::Matrix;
use crate::lanes::bare::reduce;

/// √x, correctly rounded as that of `libm` is, in two instructions for 73, and with 218 bytes of flash fewer.
pub(crate) fn sqrtf(x: f32) -> f32 {
    #[unsafe(naked)]
    extern "C" fn root(x: f32) -> f32 {
        naked_asm!(".fpu fpv4-sp-d16", "vsqrt.f32 s0, s0", "bx lr")
    }
    root(x)
}

/// Products of x and y in lanes that begin at 0, eight at a time, as far as whole eights go (the last of them in the lower
/// lanes or the upper ones), not fused: 24 instructions for sixteen products.
#[inline(always)]
pub(crate) fn products(x: &[f32], y: &[f32]) -> [f32; LANES] {
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

/// y_i ← a_i·x of the rows that are there, as many as y has places for. A row that is cut off counts as empty.
pub(crate) fn apply(a: Matrix<'_, f32>, x: &[f32], y: &mut [f32]) {
    // The last row may be stored without its padding.
    let before = y.len().wrapping_sub(1).checked_mul(a.stride);
    let there = before
        .and_then(|before| before.checked_add(a.columns))
        .is_some_and(|needed| needed <= a.values.len());
    let count = if there && a.columns.wrapping_sub(1) < a.stride { y.len() } else { some_of(a, y) };
    let n = a.columns.min(x.len());
    let (a, x, y, skip) = (a.values.as_ptr(), x.as_ptr(), y.as_mut_ptr(), a.stride.wrapping_sub(n));
    // SAFETY: `count` rows of n numbers lie in `a`, `stride` apart; x holds n numbers, and y has `count` places. Narrow are up to
    // sixteen numbers.
    unsafe {
        if n <= LANES {
            narrow_rows(a, x, y, n, count, skip);
        } else {
            rows(a, x, y, n, count, skip);
        }
    }
}

/// Rows that lie in a matrix as a whole, of those that y has places for; the place of one that does not, but begins, is 0.
#[cold]
#[inline(never)]
fn some_of(a: Matrix<'_, f32>, y: &mut [f32]) -> usize {
    let stride = a.stride.max(1);
    let begun = a.count().min(y.len());
    let whole = match a.values.len().checked_sub(a.columns) {
        Some(before) if 0 < a.columns && a.columns <= stride => begun.min(before / stride + 1),
        _ => 0,
    };
    y.get_mut(whole..begun).unwrap_or(&mut []).fill(0.0);
    whole
}

/// Products of rows of up to sixteen numbers with x, which stays in registers, not fused: 25 instructions for a row of eight, 36
/// for one of sixteen. A lane and the one eight above it go together, as they do in the sum: a product more in the lane. That
/// one lane begins at +0 is enough for the sum not to be −0.
///
/// # Safety
/// Reads `count` times n numbers from `a` on, `skip` more apart each, and n from x on; writes `count` from y on. n is at most 16.
#[unsafe(naked)]
unsafe extern "C" fn narrow_rows(
    a: *const f32,
    x: *const f32,
    y: *mut f32,
    n: usize,
    count: usize,
    skip: usize,
) {
    naked_asm!(
        ".fpu fpv4-sp-d16",
        ".p2align 2",
        "push {{r4-r8, lr}}",
        "vpush {{s16-s31}}",
        "ldrd r4, r5, [sp, #88]",
        "cmp r4, #0",
        "beq 9f",
        "add r5, r3",
        "lsls r5, r5, #2", // From row to row.
        "adr r7, 20f",
        // The first eight of x from s16 on, the others from s24 on; fewer than eight are others all.
        "subs r6, r3, #8",
        "ite ge",
        "vldmiage r1!, {{s16-s23}}",
        "movlt r6, r3",
        "beq 4f",
        "cmp r6, #8",
        "beq 2f",
        "adr r8, 3f",
        "sub r8, r8, r6, lsl #2",
        "mov pc, r8",
        "2:",
        "vldr s31, [r1, #28]",
        "vldr s30, [r1, #24]",
        "vldr s29, [r1, #20]",
        "vldr s28, [r1, #16]",
        "vldr s27, [r1, #12]",
        "vldr s26, [r1, #8]",
        "vldr s25, [r1, #4]",
        "vldr s24, [r1]",
        "3:",
        // Where the others of a row begin: eight together, or so many of the list that ends at 7.
        "cmp r6, #8",
        "ite ne",
        "adrne r8, 7f",
        "adreq r8, 6f",
        "it ne",
        "subne r8, r8, r6, lsl #3",
        "4:", // A row.
        "subs r6, r3, #8",
        "mov r12, r0",
        "blt 5f",
        "vldmia r12!, {{s8-s15}}",
        "vldr s0, [r7]",
        "vmla.f32 s0, s8, s16",
        "vmul.f32 s1, s9, s17",
        "vmul.f32 s2, s10, s18",
        "vmul.f32 s3, s11, s19",
        "vmul.f32 s4, s12, s20",
        "vmul.f32 s5, s13, s21",
        "vmul.f32 s6, s14, s22",
        "vmul.f32 s7, s15, s23",
        "beq 7f",
        "mov pc, r8",
        "5:",
        "vldmia r7, {{s0-s7}}",
        "mov pc, r8",
        "6:",
        "vldmia r12, {{s8-s15}}",
        "vmla.f32 s0, s8, s24",
        "vmla.f32 s1, s9, s25",
        "vmla.f32 s2, s10, s26",
        "vmla.f32 s3, s11, s27",
        "vmla.f32 s4, s12, s28",
        "vmla.f32 s5, s13, s29",
        "vmla.f32 s6, s14, s30",
        "vmla.f32 s7, s15, s31",
        "b 7f",
        "vldr s8, [r12, #24]",
        "vmla.f32 s6, s8, s30",
        "vldr s8, [r12, #20]",
        "vmla.f32 s5, s8, s29",
        "vldr s8, [r12, #16]",
        "vmla.f32 s4, s8, s28",
        "vldr s8, [r12, #12]",
        "vmla.f32 s3, s8, s27",
        "vldr s8, [r12, #8]",
        "vmla.f32 s2, s8, s26",
        "vldr s8, [r12, #4]",
        "vmla.f32 s1, s8, s25",
        "vldr s8, [r12]",
        "vmla.f32 s0, s8, s24",
        "7:",
        "vadd.f32 s0, s0, s4",
        "vadd.f32 s1, s1, s5",
        "vadd.f32 s2, s2, s6",
        "vadd.f32 s3, s3, s7",
        "vadd.f32 s0, s0, s2",
        "vadd.f32 s1, s1, s3",
        "vadd.f32 s0, s0, s1",
        "vstmia r2!, {{s0}}",
        "add r0, r5",
        "subs r4, r4, #1",
        "bne 4b",
        "9:",
        "vpop {{s16-s31}}",
        "pop {{r4-r8, pc}}",
        ".p2align 2",
        "20:",
        ".word 0, 0, 0, 0, 0, 0, 0, 0",
    )
}

/// Products of rows with x, not fused. Whole eights go to the lower lanes and the upper ones by turns, beginning so that
/// what is left after them goes to the lower ones: which half is which makes no difference to the sum of both. Fewer than
/// sixteen products leave the upper half out: the sum of a lane and the one above it is a product more in the lane.
///
/// # Safety
/// Reads `count` times n numbers from `a` on, `skip` more apart each, and n from x on; writes `count` from y on.
#[unsafe(naked)]
unsafe extern "C" fn rows(a: *const f32, x: *const f32, y: *mut f32, n: usize, count: usize, skip: usize) {
    naked_asm!(
        ".fpu fpv4-sp-d16",
        ".p2align 2",
        "push {{r4-r8, lr}}",
        "vpush {{s16-s31}}",
        "ldrd r4, r5, [sp, #88]",
        "cmp r4, #0",
        "beq 9f",
        // To the next row from where loads with a step have come to.
        "and r6, r3, #3",
        "add r5, r6",
        "lsls r5, r5, #2",
        "lsrs r8, r3, #3",
        "adr r6, 20f",
        "2:", // A row.
        "mov r12, r1",
        "vldmia r6, {{s0-s7}}",
        "subs r7, r8, #1",
        "bmi 5f",
        "beq 4f",
        "vldmia r6, {{s8-s15}}",
        "lsls lr, r7, #31",
        "bne 4f",
        "3:",
        "vldmia r0!, {{s16-s23}}",
        "vldmia r12!, {{s24-s31}}",
        "vmla.f32 s8, s16, s24",
        "vmla.f32 s9, s17, s25",
        "vmla.f32 s10, s18, s26",
        "vmla.f32 s11, s19, s27",
        "vmla.f32 s12, s20, s28",
        "vmla.f32 s13, s21, s29",
        "vmla.f32 s14, s22, s30",
        "vmla.f32 s15, s23, s31",
        "subs r7, r7, #1",
        "bmi 5f",
        "4:",
        "vldmia r0!, {{s16-s23}}",
        "vldmia r12!, {{s24-s31}}",
        "vmla.f32 s0, s16, s24",
        "vmla.f32 s1, s17, s25",
        "vmla.f32 s2, s18, s26",
        "vmla.f32 s3, s19, s27",
        "vmla.f32 s4, s20, s28",
        "vmla.f32 s5, s21, s29",
        "vmla.f32 s6, s22, s30",
        "vmla.f32 s7, s23, s31",
        "subs r7, r7, #1",
        "bpl 3b",
        "5:", // Four more, where there are: the carry. Then up to three.
        "ands r7, r3, #3",
        "lsls lr, r3, #30",
        "bcc 6f",
        "vldmia r0!, {{s16-s19}}",
        "vldmia r12!, {{s24-s27}}",
        "vmla.f32 s0, s16, s24",
        "vmla.f32 s1, s17, s25",
        "vmla.f32 s2, s18, s26",
        "vmla.f32 s3, s19, s27",
        "beq 7f",
        "vldr s16, [r0]",
        "vldr s24, [r12]",
        "vmla.f32 s4, s16, s24",
        "cmp r7, #2",
        "blt 7f",
        "vldr s17, [r0, #4]",
        "vldr s25, [r12, #4]",
        "vmla.f32 s5, s17, s25",
        "beq 7f",
        "vldr s18, [r0, #8]",
        "vldr s26, [r12, #8]",
        "vmla.f32 s6, s18, s26",
        "b 7f",
        "6:",
        "beq 7f",
        "vldr s16, [r0]",
        "vldr s24, [r12]",
        "vmla.f32 s0, s16, s24",
        "cmp r7, #2",
        "blt 7f",
        "vldr s17, [r0, #4]",
        "vldr s25, [r12, #4]",
        "vmla.f32 s1, s17, s25",
        "beq 7f",
        "vldr s18, [r0, #8]",
        "vldr s26, [r12, #8]",
        "vmla.f32 s2, s18, s26",
        "7:",
        "cmp r8, #2",
        "blt 8f",
        "vadd.f32 s0, s0, s8",
        "vadd.f32 s1, s1, s9",
        "vadd.f32 s2, s2, s10",
        "vadd.f32 s3, s3, s11",
        "vadd.f32 s4, s4, s12",
        "vadd.f32 s5, s5, s13",
        "vadd.f32 s6, s6, s14",
        "vadd.f32 s7, s7, s15",
        "8:",
        "vadd.f32 s0, s0, s4",
        "vadd.f32 s1, s1, s5",
        "vadd.f32 s2, s2, s6",
        "vadd.f32 s3, s3, s7",
        "vadd.f32 s0, s0, s2",
        "vadd.f32 s1, s1, s3",
        "vadd.f32 s0, s0, s1",
        "vstmia r2!, {{s0}}",
        "add r0, r5",
        "subs r4, r4, #1",
        "bne 2b",
        "9:",
        "vpop {{s16-s31}}",
        "pop {{r4-r8, pc}}",
        ".p2align 2",
        "20:",
        ".word 0, 0, 0, 0, 0, 0, 0, 0",
    )
}

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
