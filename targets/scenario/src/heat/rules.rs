//! The rules that learn omega over the sequence: every tuner of the library, and the one that needs
//! no choice.
//!
//! Few arms and bins, since there are but 48 steps to learn from and 16 KiB to learn in.

use rand_core::{Rng, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;
use southwell::bandit::{
    BinnedTsallisInf, ChebCb, ChebOptions, Grid, TsallisInf, TsallisOptions, Tuner, Unimodal, UnimodalOptions,
};
use southwell::relaxation::{Auto, Learned, OmegaRule};
use southwell::{Error, Real};

use super::{Method, Summary, run};

/// A rule that may be told the diffusion coefficient before each step.
pub trait Rule<T: Real>: OmegaRule<T> {
    /// What is known of the next system.
    fn see(&mut self, _context: T) {}
}

impl<T: Real, B: Tuner<T>, G: Rng> Rule<T> for Learned<T, B, G> {
    fn see(&mut self, context: T) {
        self.context = context;
    }
}

impl<T: Real> Rule<T> for Auto<T> {}

/// A run under one of the rules, in memory of [`REALS`](super::REALS) numbers.
pub type Run<T> = fn(&mut [T]) -> Result<Summary, Error>;

/// Candidates 1.0, 1.1 … 1.7.
const ARMS: usize = 8;

fn learned<T: Real, B: Tuner<T>>(tuner: B) -> Result<Learned<T, B, impl Rng>, Error> {
    let grid = Grid::new(T::ONE, T::from_f64(1.7), ARMS as u32)?;
    Ok(Learned::new(tuner, grid, Xoshiro256PlusPlus::seed_from_u64(1)))
}

/// The range of κ.
fn range<T: Real>() -> (T, T) {
    (T::ZERO, T::from_u32(10))
}

/// Tsallis-INF, without a context.
///
/// # Errors
/// As [`run`](super::run).
pub fn tsallis<T: Real>(memory: &mut [T]) -> Result<Summary, Error> {
    run("tsallis", Method::SsorCg, &mut tsallis_rule()?, memory)
}

/// The same by forward sweeps instead of conjugate gradients.
///
/// # Errors
/// As [`run`](super::run).
pub fn tsallis_sor<T: Real>(memory: &mut [T]) -> Result<Summary, Error> {
    run("tsallis, SOR", Method::Sor, &mut tsallis_rule()?, memory)
}

// Not inlined: what builds the rule leaves the stack before the run begins.
#[inline(never)]
fn tsallis_rule<T: Real>() -> Result<Learned<T, TsallisInf<T, ARMS>, impl Rng>, Error> {
    learned(TsallisInf::new(TsallisOptions::default())?)
}

/// Tsallis-INF for each of four ranges of κ.
///
/// # Errors
/// As [`run`](super::run).
pub fn binned<T: Real>(memory: &mut [T]) -> Result<Summary, Error> {
    let (low, high) = range();
    let tuner = BinnedTsallisInf::<T, ARMS, 4>::new(low, high, TsallisOptions::default())?;
    run("binned", Method::SsorCg, &mut learned(tuner)?, memory)
}

/// Regression of the cost on κ.
///
/// # Errors
/// As [`run`](super::run).
pub fn cheb<T: Real>(memory: &mut [T]) -> Result<Summary, Error> {
    let (low, high) = range();
    let tuner = ChebCb::<T, ARMS, 3>::new(low, high, ChebOptions::default())?;
    run("cheb", Method::SsorCg, &mut learned(tuner)?, memory)
}

/// A walk downhill for each of four ranges of κ, with trials that may be cut short.
///
/// # Errors
/// As [`run`](super::run).
pub fn unimodal<T: Real>(memory: &mut [T]) -> Result<Summary, Error> {
    let (low, high) = range();
    let options = UnimodalOptions { trial_cap: Some(T::TWO), ..UnimodalOptions::default() };
    let tuner = Unimodal::<T, ARMS, 4>::new(low, high, |_| ARMS / 2, options)?;
    run("unimodal", Method::SsorCg, &mut learned(tuner)?, memory)
}

/// The rule that looks for itself. It holds about 1000 numbers: too many for 16 KiB in `f64`.
///
/// # Errors
/// As [`run`](super::run).
pub fn auto<T: Real>(memory: &mut [T]) -> Result<Summary, Error> {
    run("auto", Method::SsorCg, &mut Auto::new()?, memory)
}
