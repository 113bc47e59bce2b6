//! Instruction sets by name, and the cap that a user may put on them.

use core::fmt::{self, Display};
use core::str::FromStr;
use core::sync::atomic::{AtomicU8, Ordering};

use pulp::Arch;

/// An instruction set that passes can run on, from the narrowest to the widest.
///
/// All of them give the same bits; they differ in speed, in power drawn and in the clock that a
/// processor keeps up. Parsed from and shown as `scalar`, `128-bit`, `avx2`, `avx512`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    /// One element at a time.
    Scalar,
    /// 128 bits: NEON, wasm simd128. On x86 this is [`Scalar`](Level::Scalar).
    Simd128,
    /// 256 bits.
    Avx2,
    /// 512 bits.
    Avx512,
}

/// A name that no instruction set has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnknownLevel;

impl Display for UnknownLevel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an instruction set is one of: scalar, 128-bit, avx2, avx512")
    }
}

impl core::error::Error for UnknownLevel {}

impl Level {
    /// All of them, from the narrowest.
    pub const ALL: [Level; 4] = [Level::Scalar, Level::Simd128, Level::Avx2, Level::Avx512];

    /// Its name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Level::Scalar => "scalar",
            Level::Simd128 => "128-bit",
            Level::Avx2 => "avx2",
            Level::Avx512 => "avx512",
        }
    }

    /// The token for this level, if the machine has it.
    #[inline]
    fn arch(self) -> Option<Arch> {
        match self {
            Level::Scalar => Some(Arch::Scalar),
            #[cfg(target_arch = "x86_64")]
            Level::Avx2 => pulp::x86::V3::try_new().map(Arch::V3),
            #[cfg(target_arch = "x86_64")]
            Level::Avx512 => pulp::x86::V4::try_new().map(Arch::V4),
            #[cfg(not(target_arch = "x86_64"))]
            Level::Simd128 => match Arch::new() {
                Arch::Scalar => None,
                arch => Some(arch),
            },
            #[allow(unreachable_patterns)] // Which levels are left depends on the target.
            _ => None,
        }
    }
}

impl Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Level {
    type Err = UnknownLevel;
    fn from_str(name: &str) -> Result<Self, UnknownLevel> {
        Self::ALL.into_iter().find(|level| level.name() == name).ok_or(UnknownLevel)
    }
}

/// The widest level that is allowed, as an index into [`Level::ALL`].
static CAP: AtomicU8 = AtomicU8::new(Level::Avx512 as u8);

/// Lets the passes of this process use no instruction set wider than `level`, from their next call on.
///
/// For machines that slow their clock under wide vectors, for measuring, and for ruling vectors out
/// when something looks wrong: no result changes by a bit. A level that the machine lacks allows the
/// widest below it. The default is [`Level::Avx512`]: no cap. Only with the feature `std`; without it
/// the compile target decides.
pub fn set_max_level(level: Level) {
    CAP.store(level as u8, Ordering::Relaxed);
}

/// What [`set_max_level`] allows.
#[must_use]
pub fn max_level() -> Level {
    let cap = usize::from(CAP.load(Ordering::Relaxed));
    Level::ALL.get(cap).copied().unwrap_or(Level::Avx512)
}

/// The levels that this machine can run, whatever the cap says.
pub fn levels() -> impl Iterator<Item = Level> {
    Level::ALL.into_iter().filter(|level| level.arch().is_some())
}

/// The token to run a pass with.
#[inline(always)]
pub(crate) fn arch() -> Arch {
    #[cfg(feature = "force-level")]
    if let Some(arch) = forced().and_then(Level::arch) {
        return arch;
    }
    if CAP.load(Ordering::Relaxed) == Level::Avx512 as u8 { Arch::new() } else { capped() }
}

#[cold]
fn capped() -> Arch {
    let cap = max_level();
    let allowed = Level::ALL.into_iter().rev().filter(|&level| level <= cap);
    allowed.filter_map(Level::arch).next().unwrap_or(Arch::Scalar)
}

#[cfg(feature = "force-level")]
pub(crate) use forced::{far as forced_far, get as forced, is_bare as is_bare_forced};
#[cfg(feature = "force-level")]
pub use forced::{force_bare, force_far, force_level};

#[cfg(feature = "force-level")]
mod forced {
    use super::Level;
    use core::cell::Cell;

    std::thread_local! {
        static FORCED: Cell<Option<Level>> = const { Cell::new(None) };
        static BARE: Cell<bool> = const { Cell::new(false) };
        static FAR: Cell<Option<usize>> = const { Cell::new(None) };
    }

    /// Makes the passes of this thread run on `level` (`None`: detection and cap again). For tests.
    pub fn force_level(level: Option<Level>) {
        FORCED.set(level);
    }

    /// Makes the passes of this thread take the loops of a core without an operating system, where it runs on
    /// [`Level::Scalar`]. For tests.
    pub fn force_bare(is_bare: bool) {
        BARE.set(is_bare);
    }

    /// Makes the passes of this thread take all that they are given as coming from memory, however small, and go over so
    /// many rows of a dense matrix together: 1 or 8, or 4 while the 4 before are added. For tests.
    pub fn force_far(rows: Option<usize>) {
        FAR.set(rows);
    }

    pub(crate) fn get() -> Option<Level> {
        FORCED.get()
    }

    pub(crate) fn is_bare() -> bool {
        BARE.get()
    }

    pub(crate) fn far() -> Option<usize> {
        FAR.get()
    }
}
