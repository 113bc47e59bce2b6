//! How a scalar type meets pulp's registers. Private to the crate: no vector type is visible outside.

use pulp::Simd;
use pulp::bytemuck::cast;

/// The registers of a scalar type and the few exact operations that the passes use.
///
/// There is no fused multiply-add on purpose: it is what makes bits differ between targets.
pub trait Vectors: Copy {
    /// One register of the instruction set `S`.
    type Vector<S: Simd>: Copy;
    /// One truth value a lane.
    type Mask<S: Simd>: Copy;
    /// Every lane set to `value`.
    fn splat<S: Simd>(simd: S, value: Self) -> Self::Vector<S>;
    /// a + b
    fn vadd<S: Simd>(simd: S, a: Self::Vector<S>, b: Self::Vector<S>) -> Self::Vector<S>;
    /// a − b
    fn vsub<S: Simd>(simd: S, a: Self::Vector<S>, b: Self::Vector<S>) -> Self::Vector<S>;
    /// a · b
    fn vmul<S: Simd>(simd: S, a: Self::Vector<S>, b: Self::Vector<S>) -> Self::Vector<S>;
    /// a / b
    fn vdiv<S: Simd>(simd: S, a: Self::Vector<S>, b: Self::Vector<S>) -> Self::Vector<S>;
    /// |a|: the sign bit cleared, also of −0 and NaN.
    fn vabs<S: Simd>(simd: S, a: Self::Vector<S>) -> Self::Vector<S>;
    /// √a, correctly rounded; NaN below 0.
    fn vsqrt<S: Simd>(simd: S, a: Self::Vector<S>) -> Self::Vector<S>;
    /// −a: the sign bit turned.
    fn vneg<S: Simd>(simd: S, a: Self::Vector<S>) -> Self::Vector<S>;
    /// a < b; false where one is NaN.
    fn vless<S: Simd>(simd: S, a: Self::Vector<S>, b: Self::Vector<S>) -> Self::Mask<S>;
    /// `yes` where the mask is set, else `no`.
    fn vselect<S: Simd>(
        simd: S,
        mask: Self::Mask<S>,
        yes: Self::Vector<S>,
        no: Self::Vector<S>,
    ) -> Self::Vector<S>;
    /// b where a < b, else a: a where one of them is NaN.
    fn vlarger<S: Simd>(simd: S, a: Self::Vector<S>, b: Self::Vector<S>) -> Self::Vector<S>;
    /// b where b < a, else a: a where one of them is NaN.
    fn vsmaller<S: Simd>(simd: S, a: Self::Vector<S>, b: Self::Vector<S>) -> Self::Vector<S>;
    /// a ≤ b; false where one is NaN.
    fn vless_equal<S: Simd>(simd: S, a: Self::Vector<S>, b: Self::Vector<S>) -> Self::Mask<S>;
    /// The mask of the lanes below `count` that are `chosen`.
    fn vchosen<S: Simd>(simd: S, count: usize, chosen: impl Fn(usize) -> bool) -> Self::Mask<S>;
    /// The mask of lanes `from..to`.
    fn vbetween<S: Simd>(simd: S, from: usize, to: usize) -> Self::Mask<S>;
    /// The value of one lane.
    fn vlane<S: Simd>(a: Self::Vector<S>, lane: usize) -> Self;
    /// a or b
    fn vor<S: Simd>(simd: S, a: Self::Mask<S>, b: Self::Mask<S>) -> Self::Mask<S>;
    /// Whether a lane is set. (`pulp` tells the first one, but counts from the wrong end of AVX-512's masks.)
    fn vany<S: Simd>(mask: Self::Mask<S>) -> bool;
    /// A bit a lane, from the lowest.
    fn vbits<S: Simd>(mask: Self::Mask<S>) -> u32;
    /// Whether all lanes are set.
    fn vall<S: Simd>(mask: Self::Mask<S>) -> bool;
    /// a and b
    fn vand<S: Simd>(simd: S, a: Self::Mask<S>, b: Self::Mask<S>) -> Self::Mask<S>;
    /// Every value `by` lanes up; what leaves at the top comes in below.
    fn vrotate<S: Simd>(simd: S, a: Self::Vector<S>, by: usize) -> Self::Vector<S>;
    /// Every value `by` lanes up, or (`down`) down; what comes in are the last, or first, lanes of `before`.
    /// For registers of 2, 4 or 8 lanes and 1, 2 or 4 of them.
    fn vshift<S: Simd>(
        simd: S,
        a: Self::Vector<S>,
        before: Self::Vector<S>,
        by: usize,
        down: bool,
    ) -> Self::Vector<S>;
    /// The lanes that `vshift` fills from a itself from `yes`, the others from `no`.
    fn vshifted<S: Simd>(
        simd: S,
        yes: Self::Vector<S>,
        no: Self::Vector<S>,
        by: usize,
        down: bool,
    ) -> Self::Vector<S>;
    /// The whole registers of a slice and what is left over.
    fn split<S: Simd>(simd: S, x: &[Self]) -> (&[Self::Vector<S>], &[Self]);
    /// The same, for writing.
    fn split_mut<S: Simd>(simd: S, x: &mut [Self]) -> (&mut [Self::Vector<S>], &mut [Self]);
}

macro_rules! vectors {
    ($t:ident, $v:ident, $m:ident, $splat:ident, $add:ident, $sub:ident, $mul:ident, $div:ident, $abs:ident, $sqrt:ident, $neg:ident, $less:ident, $less_equal:ident, $max:ident, $min:ident, $select:ident, $between:ident, $or:ident, $and:ident, $word:ident, $rotate:ident, $split:ident, $split_mut:ident) => {
        impl Vectors for $t {
            type Vector<S: Simd> = S::$v;
            type Mask<S: Simd> = S::$m;
            #[inline(always)]
            fn splat<S: Simd>(simd: S, value: Self) -> S::$v {
                simd.$splat(value)
            }
            #[inline(always)]
            fn vadd<S: Simd>(simd: S, a: S::$v, b: S::$v) -> S::$v {
                simd.$add(a, b)
            }
            #[inline(always)]
            fn vsub<S: Simd>(simd: S, a: S::$v, b: S::$v) -> S::$v {
                simd.$sub(a, b)
            }
            #[inline(always)]
            fn vmul<S: Simd>(simd: S, a: S::$v, b: S::$v) -> S::$v {
                simd.$mul(a, b)
            }
            #[inline(always)]
            fn vdiv<S: Simd>(simd: S, a: S::$v, b: S::$v) -> S::$v {
                simd.$div(a, b)
            }
            #[inline(always)]
            fn vabs<S: Simd>(simd: S, a: S::$v) -> S::$v {
                simd.$abs(a)
            }
            #[inline(always)]
            fn vsqrt<S: Simd>(simd: S, a: S::$v) -> S::$v {
                simd.$sqrt(a)
            }
            #[inline(always)]
            fn vneg<S: Simd>(simd: S, a: S::$v) -> S::$v {
                simd.$neg(a)
            }
            #[inline(always)]
            fn vless<S: Simd>(simd: S, a: S::$v, b: S::$v) -> S::$m {
                simd.$less(a, b)
            }
            #[inline(always)]
            fn vselect<S: Simd>(simd: S, mask: S::$m, yes: S::$v, no: S::$v) -> S::$v {
                simd.$select(mask, yes, no)
            }
            #[inline(always)]
            fn vlarger<S: Simd>(simd: S, a: S::$v, b: S::$v) -> S::$v {
                // One instruction there, which answers with its second operand where one is NaN or both are zeros.
                if cfg!(target_arch = "x86_64") && !S::IS_SCALAR {
                    simd.$max(b, a)
                } else {
                    simd.$select(simd.$less(a, b), b, a)
                }
            }
            #[inline(always)]
            fn vsmaller<S: Simd>(simd: S, a: S::$v, b: S::$v) -> S::$v {
                if cfg!(target_arch = "x86_64") && !S::IS_SCALAR {
                    simd.$min(b, a)
                } else {
                    simd.$select(simd.$less(b, a), b, a)
                }
            }
            #[inline(always)]
            fn vless_equal<S: Simd>(simd: S, a: S::$v, b: S::$v) -> S::$m {
                simd.$less_equal(a, b)
            }
            #[inline(always)]
            fn vchosen<S: Simd>(simd: S, count: usize, chosen: impl Fn(usize) -> bool) -> S::$m {
                let mut mask = simd.$between(0, 0).mask();
                for lane in 0..count {
                    if chosen(lane) {
                        let lane = lane as $word;
                        mask = simd.$or(mask, simd.$between(lane, lane + 1).mask());
                    }
                }
                mask
            }
            #[inline(always)]
            fn vbetween<S: Simd>(simd: S, from: usize, to: usize) -> S::$m {
                // `pulp` panics if no lane is left behind `from`.
                let (from, to) = if from < to { (from, to) } else { (0, 0) };
                simd.$between(from as $word, to as $word).mask()
            }
            #[inline(always)]
            fn vlane<S: Simd>(a: S::$v, lane: usize) -> $t {
                // The number of lanes is known when this is compiled.
                match size_of::<S::$v>() / size_of::<$t>() {
                    1 => cast::<_, [$t; 1]>(a).get(lane).copied().unwrap_or(0.0),
                    2 => cast::<_, [$t; 2]>(a).get(lane).copied().unwrap_or(0.0),
                    4 => cast::<_, [$t; 4]>(a).get(lane).copied().unwrap_or(0.0),
                    8 => cast::<_, [$t; 8]>(a).get(lane).copied().unwrap_or(0.0),
                    16 => cast::<_, [$t; 16]>(a).get(lane).copied().unwrap_or(0.0),
                    _ => 0.0,
                }
            }
            #[inline(always)]
            fn vor<S: Simd>(simd: S, a: S::$m, b: S::$m) -> S::$m {
                simd.$or(a, b)
            }
            #[inline(always)]
            fn vany<S: Simd>(mask: S::$m) -> bool {
                // A bit or a word a lane; which one is known when this is compiled.
                match size_of::<S::$m>() {
                    1 => cast::<_, u8>(mask) != 0,
                    2 => cast::<_, u16>(mask) != 0,
                    16 => cast::<_, [u64; 2]>(mask).iter().fold(0, |all, word| all | word) != 0,
                    32 => cast::<_, [u64; 4]>(mask).iter().fold(0, |all, word| all | word) != 0,
                    _ => true,
                }
            }
            #[inline(always)]
            fn vbits<S: Simd>(mask: S::$m) -> u32 {
                // Words have all their bits set or none: each keeps its own, in a register.
                macro_rules! words {
                    ($n:expr) => {
                        cast::<_, [$word; $n]>(mask)
                            .iter()
                            .enumerate()
                            .fold(0, |all, (lane, word)| all | word & (1 << lane)) as u32
                    };
                }
                match size_of::<S::$m>() {
                    1 => u32::from(cast::<_, u8>(mask)),
                    2 => u32::from(cast::<_, u16>(mask)),
                    16 => words!(16 / size_of::<$word>()),
                    32 => words!(32 / size_of::<$word>()),
                    _ => 0,
                }
            }
            #[inline(always)]
            fn vall<S: Simd>(mask: S::$m) -> bool {
                match size_of::<S::$m>() {
                    1 => cast::<_, u8>(mask) == u8::MAX,
                    2 => cast::<_, u16>(mask) == u16::MAX,
                    16 => cast::<_, [u64; 2]>(mask).iter().fold(u64::MAX, |all, word| all & word) == u64::MAX,
                    32 => cast::<_, [u64; 4]>(mask).iter().fold(u64::MAX, |all, word| all & word) == u64::MAX,
                    _ => false,
                }
            }
            #[inline(always)]
            fn vand<S: Simd>(simd: S, a: S::$m, b: S::$m) -> S::$m {
                simd.$and(a, b)
            }
            #[inline(always)]
            fn vrotate<S: Simd>(simd: S, a: S::$v, by: usize) -> S::$v {
                simd.$rotate(a, by)
            }
            #[inline(always)]
            fn vshift<S: Simd>(_simd: S, a: S::$v, before: S::$v, by: usize, down: bool) -> S::$v {
                match size_of::<S::$v>() / size_of::<$t>() {
                    2 => cast(shift2::<$t>(cast(a), cast(before), by, down)),
                    4 => cast(shift4::<$t>(cast(a), cast(before), by, down)),
                    8 => cast(shift8::<$t>(cast(a), cast(before), by, down)),
                    _ => before,
                }
            }
            #[inline(always)]
            fn vshifted<S: Simd>(_simd: S, yes: S::$v, no: S::$v, by: usize, down: bool) -> S::$v {
                match size_of::<S::$v>() / size_of::<$t>() {
                    2 => cast(shifted2::<$t>(cast(yes), cast(no), by, down)),
                    4 => cast(shifted4::<$t>(cast(yes), cast(no), by, down)),
                    8 => cast(shifted8::<$t>(cast(yes), cast(no), by, down)),
                    _ => no,
                }
            }
            #[inline(always)]
            fn split<S: Simd>(_simd: S, x: &[Self]) -> (&[S::$v], &[Self]) {
                S::$split(x)
            }
            #[inline(always)]
            fn split_mut<S: Simd>(_simd: S, x: &mut [Self]) -> (&mut [S::$v], &mut [Self]) {
                S::$split_mut(x)
            }
        }
    };
}

vectors!(
    f32,
    f32s,
    m32s,
    splat_f32s,
    add_f32s,
    sub_f32s,
    mul_f32s,
    div_f32s,
    abs_f32s,
    sqrt_f32s,
    neg_f32s,
    less_than_f32s,
    less_than_or_equal_f32s,
    max_f32s,
    min_f32s,
    select_f32s,
    mask_between_m32s,
    or_m32s,
    and_m32s,
    u32,
    rotate_right_f32s,
    as_simd_f32s,
    as_mut_simd_f32s
);
vectors!(
    f64,
    f64s,
    m64s,
    splat_f64s,
    add_f64s,
    sub_f64s,
    mul_f64s,
    div_f64s,
    abs_f64s,
    sqrt_f64s,
    neg_f64s,
    less_than_f64s,
    less_than_or_equal_f64s,
    max_f64s,
    min_f64s,
    select_f64s,
    mask_between_m64s,
    or_m64s,
    and_m64s,
    u64,
    rotate_right_f64s,
    as_simd_f64s,
    as_mut_simd_f64s
);

/// Lanes named one by one, which makes one shuffle of it; a loop over them would go through memory.
#[inline(always)]
fn shift2<T: Copy>(a: [T; 2], b: [T; 2], by: usize, down: bool) -> [T; 2] {
    let ([a0, a1], [b0, b1]) = (a, b);
    match (by, down) {
        (1, false) => [b1, a0],
        (1, true) => [a1, b0],
        _ => b,
    }
}

#[inline(always)]
fn shift4<T: Copy>(a: [T; 4], b: [T; 4], by: usize, down: bool) -> [T; 4] {
    let ([a0, a1, a2, a3], [b0, b1, b2, b3]) = (a, b);
    match (by, down) {
        (1, false) => [b3, a0, a1, a2],
        (1, true) => [a1, a2, a3, b0],
        (2, false) => [b2, b3, a0, a1],
        (2, true) => [a2, a3, b0, b1],
        _ => b,
    }
}

#[inline(always)]
fn shift8<T: Copy>(a: [T; 8], b: [T; 8], by: usize, down: bool) -> [T; 8] {
    let ([a0, a1, a2, a3, a4, a5, a6, a7], [b0, b1, b2, b3, b4, b5, b6, b7]) = (a, b);
    match (by, down) {
        (1, false) => [b7, a0, a1, a2, a3, a4, a5, a6],
        (1, true) => [a1, a2, a3, a4, a5, a6, a7, b0],
        (2, false) => [b6, b7, a0, a1, a2, a3, a4, a5],
        (2, true) => [a2, a3, a4, a5, a6, a7, b0, b1],
        (4, false) => [b4, b5, b6, b7, a0, a1, a2, a3],
        (4, true) => [a4, a5, a6, a7, b0, b1, b2, b3],
        _ => b,
    }
}

#[inline(always)]
fn shifted2<T: Copy>(a: [T; 2], b: [T; 2], by: usize, down: bool) -> [T; 2] {
    let ([a0, a1], [b0, b1]) = (a, b);
    match (by, down) {
        (1, false) => [b0, a1],
        (1, true) => [a0, b1],
        _ => b,
    }
}

#[inline(always)]
fn shifted4<T: Copy>(a: [T; 4], b: [T; 4], by: usize, down: bool) -> [T; 4] {
    let ([a0, a1, a2, a3], [b0, b1, b2, b3]) = (a, b);
    match (by, down) {
        (1, false) => [b0, a1, a2, a3],
        (1, true) => [a0, a1, a2, b3],
        (2, false) => [b0, b1, a2, a3],
        (2, true) => [a0, a1, b2, b3],
        _ => b,
    }
}

#[inline(always)]
fn shifted8<T: Copy>(a: [T; 8], b: [T; 8], by: usize, down: bool) -> [T; 8] {
    let ([a0, a1, a2, a3, a4, a5, a6, a7], [b0, b1, b2, b3, b4, b5, b6, b7]) = (a, b);
    match (by, down) {
        (1, false) => [b0, a1, a2, a3, a4, a5, a6, a7],
        (1, true) => [a0, a1, a2, a3, a4, a5, a6, b7],
        (2, false) => [b0, b1, a2, a3, a4, a5, a6, a7],
        (2, true) => [a0, a1, a2, a3, a4, a5, b6, b7],
        (4, false) => [b0, b1, b2, b3, a4, a5, a6, a7],
        (4, true) => [a0, a1, a2, a3, b4, b5, b6, b7],
        _ => b,
    }
}

/// Lanes of a register.
#[inline(always)]
pub(crate) fn lanes<T: Vectors, S: Simd>() -> usize {
    size_of::<T::Vector<S>>() / size_of::<T>()
}
