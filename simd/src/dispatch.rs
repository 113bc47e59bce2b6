//! Which instruction set a pass runs on, and the macro that gives a pass its plain face.

#[cfg(not(feature = "std"))]
use pulp::Arch;
use pulp::WithSimd;

#[cfg(feature = "std")]
use crate::level;
// The conditions under which passes go without, where they look for them.
pub(crate) use crate::paths::{
    brief, few, few_points, fills_lanes, fills_none, is_far_off, narrow, slight, too_few, very_few,
};

/// Runs a pass on the widest instruction set that is known to be there and not capped away.
///
/// With `std` the machine is asked (once; the answer is cached). Without it, x86 uses what the
/// compile target promises, because asking there means a trapping `cpuid` at every pass.
#[inline(always)]
pub(crate) fn dispatch<Op: WithSimd>(pass: Op) -> Op::Output {
    #[cfg(feature = "std")]
    {
        level::arch().dispatch(pass)
    }
    #[cfg(all(target_arch = "x86_64", not(feature = "std")))]
    {
        if cfg!(target_feature = "avx512f") || cfg!(target_feature = "avx2") {
            Arch::new().dispatch(pass)
        } else {
            Arch::Scalar.dispatch(pass)
        }
    }
    #[cfg(not(any(target_arch = "x86_64", feature = "std")))]
    Arch::new().dispatch(pass)
}

/// The same, but for registers of at most 256 bits: for passes that go by four numbers, or over less than fills wider ones.
#[inline(always)]
pub(crate) fn dispatch_narrow<Op: WithSimd>(pass: Op) -> Op::Output {
    dispatch_narrow_if(true, pass)
}

/// The same where that is `narrow`.
#[inline(always)]
pub(crate) fn dispatch_narrow_if<Op: WithSimd>(narrow: bool, pass: Op) -> Op::Output {
    #[cfg(all(target_arch = "x86_64", feature = "std"))]
    {
        let arch = match level::arch() {
            pulp::Arch::V4(wide) if narrow => pulp::Arch::V3(*wide),
            arch => arch,
        };
        arch.dispatch(pass)
    }
    #[cfg(not(all(target_arch = "x86_64", feature = "std")))]
    {
        let _ = narrow;
        dispatch(pass)
    }
}

/// The instruction set that passes run on now, by name, for reports and benches: `scalar`, `128-bit`
/// (NEON, wasm simd128), `AVX2` or `AVX-512`.
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

/// Gives a kernel `fn(simd, arguments…)` the face of a plain function that dispatches once; with
/// `short(condition)` not at all where that holds, and with `narrow(condition)` for registers of at most 256 bits.
macro_rules! pass {
    ($(#[$meta:meta])* $vis:vis fn $name:ident<$life:lifetime, $t:ident>($($arg:ident: $ty:ty),* $(,)?) -> $out:ty = $kernel:expr) => {
        $crate::dispatch::pass! {
            $(#[$meta])*
            short(false) narrow(false) $vis fn $name<$life, $t>($($arg: $ty),*) -> $out = $kernel
        }
    };
    ($(#[$meta:meta])* short($short:expr) $vis:vis fn $name:ident<$life:lifetime, $t:ident>($($arg:ident: $ty:ty),* $(,)?) -> $out:ty = $kernel:expr) => {
        $crate::dispatch::pass! {
            $(#[$meta])*
            short($short) narrow(false) $vis fn $name<$life, $t>($($arg: $ty),*) -> $out = $kernel
        }
    };
    ($(#[$meta:meta])* short($short:expr) narrow($narrow:expr) $vis:vis fn $name:ident<$life:lifetime, $t:ident>($($arg:ident: $ty:ty),* $(,)?) -> $out:ty = $kernel:expr) => {
        $crate::dispatch::compiled_here!($name);
        $(#[$meta])*
        #[cfg_attr(not(feature = "force-level"), inline)]
        #[cfg_attr(feature = "force-level", inline(never))]
        $vis fn $name<$life, $t: $crate::Real>($($arg: $ty),*) -> $out {
            struct Pass<$life, $t> { $($arg: $ty,)* life: core::marker::PhantomData<&$life $t> }
            impl<$life, $t: $crate::Real> pulp::WithSimd for Pass<$life, $t> {
                type Output = $out;
                #[inline(always)]
                fn with_simd<S: pulp::Simd>(self, simd: S) -> $out {
                    let Self { $($arg,)* life: _ } = self;
                    if cfg!(feature = "force-level") && S::IS_SCALAR {
                        return without_registers($($arg),*);
                    }
                    ($kernel)(simd, $($arg),*)
                }
            }
            // Where tests are built, once for both ways that lead here.
            #[cfg_attr(not(feature = "force-level"), inline(always))]
            #[cfg_attr(feature = "force-level", inline(never))]
            fn without_registers<$life, $t: $crate::Real>($($arg: $ty),*) -> $out {
                ($kernel)(pulp::Scalar::new(), $($arg),*)
            }
            // Apart, because it saves registers that the short way does not need.
            #[cfg_attr(feature = "std", inline(never))]
            #[cfg_attr(not(feature = "std"), inline(always))]
            fn wide<$life, $t: $crate::Real>($($arg: $ty),*) -> $out {
                let narrow = cfg!(all(target_arch = "x86_64", feature = "std")) && $narrow && !$crate::paths::is_forced();
                $crate::dispatch::dispatch_narrow_if(narrow, Pass { $($arg,)* life: core::marker::PhantomData })
            }
            // Where there is but one instruction set, a second copy would only cost flash.
            if cfg!(feature = "std") && $short && !$crate::paths::is_forced() {
                return without_registers($($arg),*);
            }
            wide($($arg),*)
        }
    };
}
pub(crate) use pass;

/// Has the code of a function for both precisions in this crate where tests are built, so that not every test program, all
/// of which call passes, compiles it again for each instruction set. What is `inline(never)` is looked for here first. The
/// crate's own tests, which call few, compile those alone.
macro_rules! compiled_here {
    ($name:ident) => {
        #[cfg(all(feature = "force-level", not(test)))]
        const _: () = {
            use core::sync::atomic::AtomicPtr;
            #[used]
            static BOTH: [AtomicPtr<()>; 2] = [
                AtomicPtr::new($name::<f32> as *const () as *mut ()),
                AtomicPtr::new($name::<f64> as *const () as *mut ()),
            ];
        };
    };
}
pub(crate) use compiled_here;
