//! Which instruction set a pass runs on, and the macro that gives a pass its plain face.

use pulp::{Arch, WithSimd};

/// Runs a pass on the widest instruction set that is known to be there.
///
/// With `std` the machine is asked (once; the answer is cached). Without it, x86 uses what the
/// compile target promises, because asking there means a trapping `cpuid` at every pass.
#[inline(always)]
pub(crate) fn dispatch<Op: WithSimd>(pass: Op) -> Op::Output {
    #[cfg(feature = "force-level")]
    if let Some(arch) = level::forced() {
        return arch.dispatch(pass);
    }
    #[cfg(all(target_arch = "x86_64", not(feature = "std")))]
    {
        if cfg!(target_feature = "avx512f") || cfg!(target_feature = "avx2") {
            Arch::new().dispatch(pass)
        } else {
            Arch::Scalar.dispatch(pass)
        }
    }
    #[cfg(not(all(target_arch = "x86_64", not(feature = "std"))))]
    Arch::new().dispatch(pass)
}

/// The instruction set that passes run on, by name, for reports and benches.
#[must_use]
pub fn level_name() -> &'static str {
    struct Name;
    impl WithSimd for Name {
        type Output = &'static str;
        #[inline(always)]
        fn with_simd<S: pulp::Simd>(self, _simd: S) -> &'static str {
            match (S::IS_SCALAR, S::F32_LANES) {
                (true, _) => "scalar",
                (_, 4) => "128-bit",
                (_, 8) => "AVX2",
                (_, 16) => "AVX-512",
                _ => "vector",
            }
        }
    }
    dispatch(Name)
}

#[cfg(feature = "force-level")]
pub use level::{Level, force_level, levels};

#[cfg(feature = "force-level")]
mod level {
    use core::cell::Cell;
    use pulp::Arch;

    std::thread_local! {
        static FORCED: Cell<Option<Level>> = const { Cell::new(None) };
    }

    /// An instruction set that a test may ask for.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub enum Level {
        /// One lane.
        Scalar,
        /// AVX2, 256 bits.
        #[cfg(target_arch = "x86_64")]
        Avx2,
        /// AVX-512.
        #[cfg(target_arch = "x86_64")]
        Avx512,
        /// What detection finds.
        Detected,
    }

    impl Level {
        fn arch(self) -> Option<Arch> {
            match self {
                Level::Scalar => Some(Arch::Scalar),
                #[cfg(target_arch = "x86_64")]
                Level::Avx2 => pulp::x86::V3::try_new().map(Arch::V3),
                #[cfg(target_arch = "x86_64")]
                Level::Avx512 => pulp::x86::V4::try_new().map(Arch::V4),
                Level::Detected => Some(Arch::new()),
            }
        }
    }

    /// The levels that this machine can run.
    pub fn levels() -> impl Iterator<Item = Level> {
        [
            Level::Scalar,
            #[cfg(target_arch = "x86_64")]
            Level::Avx2,
            #[cfg(target_arch = "x86_64")]
            Level::Avx512,
            Level::Detected,
        ]
        .into_iter()
        .filter(|level| level.arch().is_some())
    }

    /// Makes the passes of this thread run on `level` (`None`: detection again). For tests.
    pub fn force_level(level: Option<Level>) {
        FORCED.set(level);
    }

    pub(super) fn forced() -> Option<Arch> {
        FORCED.get().and_then(Level::arch)
    }
}

/// Gives a kernel `fn(simd, arguments…)` the face of a plain function that dispatches once.
macro_rules! pass {
    ($(#[$meta:meta])* pub fn $name:ident<$life:lifetime, $t:ident>($($arg:ident: $ty:ty),* $(,)?) -> $out:ty = $kernel:expr) => {
        $(#[$meta])*
        #[inline]
        pub fn $name<$life, $t: $crate::Real>($($arg: $ty),*) -> $out {
            struct Pass<$life, $t> { $($arg: $ty,)* life: core::marker::PhantomData<&$life $t> }
            impl<$life, $t: $crate::Real> pulp::WithSimd for Pass<$life, $t> {
                type Output = $out;
                #[inline(always)]
                fn with_simd<S: pulp::Simd>(self, simd: S) -> $out {
                    let Self { $($arg,)* life: _ } = self;
                    ($kernel)(simd, $($arg),*)
                }
            }
            $crate::dispatch::dispatch(Pass { $($arg,)* life: core::marker::PhantomData })
        }
    };
}
pub(crate) use pass;
