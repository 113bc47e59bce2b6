//! The registers that the limits are measured with: the bench's own, so that a limit owes nothing to
//! the code that is held against it.

use std::sync::OnceLock;

use pulp::{Arch, Simd, WithSimd};
use southwell::Real;
use southwell_simd::{Level, max_level};

/// A scalar type and its registers. Unlike the library, a limit may fuse.
pub(crate) trait Word: Real {
    const NAME: &'static str;
    type Register<S: Simd>: Copy;
    fn register_lanes<S: Simd>(simd: S) -> usize;
    fn all<S: Simd>(simd: S, value: Self) -> Self::Register<S>;
    fn plus<S: Simd>(simd: S, a: Self::Register<S>, b: Self::Register<S>) -> Self::Register<S>;
    fn times<S: Simd>(simd: S, a: Self::Register<S>, b: Self::Register<S>) -> Self::Register<S>;
    /// a·b + c, rounded once.
    fn fused<S: Simd>(
        simd: S,
        a: Self::Register<S>,
        b: Self::Register<S>,
        c: Self::Register<S>,
    ) -> Self::Register<S>;
    /// e^x and ln x of the system's library.
    fn exp_std(self) -> Self;
    fn ln_std(self) -> Self;
    /// Whole registers, in blocks of [`UNROLL`].
    fn blocks<S: Simd>(simd: S, x: &[Self]) -> &[[Self::Register<S>; UNROLL]];
    fn blocks_mut<S: Simd>(simd: S, x: &mut [Self]) -> &mut [[Self::Register<S>; UNROLL]];
}

/// Registers that a turn of a limiting loop touches in every stream.
pub(crate) const UNROLL: usize = 8;

macro_rules! word {
    ($t:ident, $v:ident, $splat:ident, $add:ident, $mul:ident, $fma:ident, $split:ident, $split_mut:ident) => {
        impl Word for $t {
            const NAME: &'static str = stringify!($t);
            type Register<S: Simd> = S::$v;
            #[inline(always)]
            fn register_lanes<S: Simd>(_simd: S) -> usize {
                size_of::<S::$v>() / size_of::<$t>()
            }
            #[inline(always)]
            fn all<S: Simd>(simd: S, value: Self) -> S::$v {
                simd.$splat(value)
            }
            #[inline(always)]
            fn plus<S: Simd>(simd: S, a: S::$v, b: S::$v) -> S::$v {
                simd.$add(a, b)
            }
            #[inline(always)]
            fn times<S: Simd>(simd: S, a: S::$v, b: S::$v) -> S::$v {
                simd.$mul(a, b)
            }
            #[inline(always)]
            fn fused<S: Simd>(simd: S, a: S::$v, b: S::$v, c: S::$v) -> S::$v {
                simd.$fma(a, b, c)
            }
            fn exp_std(self) -> Self {
                $t::exp(self)
            }
            fn ln_std(self) -> Self {
                $t::ln(self)
            }
            #[inline(always)]
            fn blocks<S: Simd>(_simd: S, x: &[Self]) -> &[[S::$v; UNROLL]] {
                S::$split(x).0.as_chunks().0
            }
            #[inline(always)]
            fn blocks_mut<S: Simd>(_simd: S, x: &mut [Self]) -> &mut [[S::$v; UNROLL]] {
                S::$split_mut(x).0.as_chunks_mut().0
            }
        }
    };
}

word!(f32, f32s, splat_f32s, add_f32s, mul_f32s, mul_add_f32s, as_simd_f32s, as_mut_simd_f32s);
word!(f64, f64s, splat_f64s, add_f64s, mul_f64s, mul_add_f64s, as_simd_f64s, as_mut_simd_f64s);

/// Runs a limit on the widest instruction set that the passes may use.
#[inline(always)]
pub(crate) fn widest<Op: WithSimd>(op: Op) -> Op::Output {
    static ARCH: OnceLock<Arch> = OnceLock::new();
    ARCH.get_or_init(allowed).dispatch(op)
}

fn allowed() -> Arch {
    #[cfg(target_arch = "x86_64")]
    if max_level() == Level::Avx2
        && let Some(simd) = pulp::x86::V3::try_new()
    {
        return Arch::V3(simd);
    }
    if max_level() < Level::Avx2 && cfg!(target_arch = "x86_64") || max_level() == Level::Scalar {
        Arch::Scalar
    } else {
        Arch::new()
    }
}
