//! An omega that is learned over a sequence of systems: Tsallis-INF over sixteen candidates.

use rand_core::SeedableRng;
use rand_xoshiro::Xoshiro256PlusPlus;
use southwell::bandit::{Grid, TsallisInf, TsallisOptions};
use southwell::omega::{Fixed, Learned, OmegaRule};
use southwell::{Progress, Real, Report};

use crate::border::answer;
use crate::{Code, Fault};

/// Candidates.
const ARMS: usize = 16;
/// What an initialised state begins with.
const MARK: usize = 0x5057_4c4c;

/// The rule behind a state.
type Tuned<T> = Learned<T, TsallisInf<T, ARMS>, Xoshiro256PlusPlus>;

const _: () = assert!(size_of::<Tuned<f32>>() <= 8 * 72 && align_of::<Tuned<f32>>() <= align_of::<u64>());
const _: () = assert!(size_of::<Tuned<f64>>() <= 8 * 136 && align_of::<Tuned<f64>>() <= align_of::<u64>());

/// What was learned about omega so far, in single precision. Copy it to remember, restore it to forget.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct OmegaF32 {
    /// Set by `southwell_omega_init_f32`.
    pub mark: usize,
    /// The library's business.
    pub state: [u64; 72],
}

/// What was learned about omega so far, in double precision. Copy it to remember, restore it to forget.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct OmegaF64 {
    /// Set by `southwell_omega_init_f64`.
    pub mark: usize,
    /// The library's business.
    pub state: [u64; 136],
}

/// A precision that has a state.
pub(crate) trait Learns: Real {
    /// Its state.
    type State;
    /// The mark of a state, and its words.
    fn parts(state: *mut Self::State) -> (*mut usize, *mut Tuned<Self>);
}

impl Learns for f32 {
    type State = OmegaF32;
    fn parts(state: *mut OmegaF32) -> (*mut usize, *mut Tuned<f32>) {
        // SAFETY: addresses of members; nothing is read.
        unsafe { (&raw mut (*state).mark, (&raw mut (*state).state).cast()) }
    }
}

impl Learns for f64 {
    type State = OmegaF64;
    fn parts(state: *mut OmegaF64) -> (*mut usize, *mut Tuned<f64>) {
        // SAFETY: as above.
        unsafe { (&raw mut (*state).mark, (&raw mut (*state).state).cast()) }
    }
}

/// A rule from C: learned if there is a state, or fixed.
pub(crate) enum Rule<'a, T: Real> {
    Learned(&'a mut Tuned<T>),
    Fixed(Fixed<T>),
}

impl<T: Learns> Rule<'_, T> {
    /// # Safety
    /// `state` must be null or point to a state that was initialised, and that nobody else uses during the call.
    pub(crate) unsafe fn read(state: *mut T::State, omega: T) -> Result<Self, Fault> {
        if state.is_null() {
            return Ok(Self::Fixed(Fixed(if omega == T::ZERO { T::ONE } else { omega })));
        }
        if !state.is_aligned() {
            return Err(Fault::new(Code::Misaligned, "omega"));
        }
        let (mark, tuned) = T::parts(state);
        // SAFETY: not null and aligned.
        if unsafe { mark.read() } != MARK {
            return Err(Fault::new(Code::NotInitialised, "omega"));
        }
        // SAFETY: the mark says that `init` has written a rule there, which is larger than none of the words.
        Ok(Self::Learned(unsafe { &mut *tuned }))
    }
}

impl<T: Real> OmegaRule<T> for Rule<'_, T> {
    fn begin(&mut self, sight: &southwell::omega::Sight<'_, T>) -> T {
        match self {
            Self::Learned(rule) => rule.begin(sight),
            Self::Fixed(rule) => rule.begin(sight),
        }
    }
    fn revise(&mut self, progress: &Progress<T>) -> Option<T> {
        match self {
            Self::Learned(rule) => rule.revise(progress),
            Self::Fixed(rule) => rule.revise(progress),
        }
    }
    fn end(&mut self, report: &Report<T>) {
        match self {
            Self::Learned(rule) => rule.end(report),
            Self::Fixed(rule) => OmegaRule::<T>::end(rule, report),
        }
    }
}

/// # Safety
/// `state` must be null or memory for a state.
unsafe fn init<T: Learns>(state: *mut T::State, first: T, last: T, seed: u64) -> Result<(), Fault> {
    if state.is_null() {
        return Err(Fault::new(Code::Null, "omega"));
    }
    if !state.is_aligned() {
        return Err(Fault::new(Code::Misaligned, "omega"));
    }
    if !(first > T::ZERO && first < last && last < T::TWO) {
        return Err(Fault::new(Code::Option, "first"));
    }
    let grid = Grid::new(first, last, ARMS as u32)?;
    let tuner = TsallisInf::new(TsallisOptions::default())?;
    let rule = Learned::new(tuner, grid, Xoshiro256PlusPlus::seed_from_u64(seed));
    let (mark, tuned) = T::parts(state);
    // SAFETY: not null, aligned, and large enough by the assertions above; the rule owns nothing, so what was
    // there need not be dropped.
    unsafe {
        tuned.write(rule);
        mark.write(MARK);
    }
    Ok(())
}

/// Begins to learn omega among sixteen candidates from `first` to `last`, 0 < first < last < 2 (1 and 1.9 do for
/// most systems), for a sequence of systems. The seed makes it repeatable. `fault` may be null.
///
/// # Safety
/// `state` must be null or memory for a state, `fault` null or memory for a fault.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn southwell_omega_init_f32(
    state: *mut OmegaF32,
    first: f32,
    last: f32,
    seed: u64,
    fault: *mut Fault,
) -> Code {
    // SAFETY: handed on.
    unsafe { answer(init(state, first, last, seed), fault) }
}

/// As `southwell_omega_init_f32`.
///
/// # Safety
/// As there.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn southwell_omega_init_f64(
    state: *mut OmegaF64,
    first: f64,
    last: f64,
    seed: u64,
    fault: *mut Fault,
) -> Code {
    // SAFETY: handed on.
    unsafe { answer(init(state, first, last, seed), fault) }
}
