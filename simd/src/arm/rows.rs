//! Products of the rows of a matrix with a vector.

use core::arch::naked_asm;

use crate::LANES;
use crate::dense::Matrix;

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
