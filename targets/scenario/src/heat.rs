//! A sequence of implicit heat steps whose omega is learned.
//!
//! ∂u/∂t = κ(t) Δu + F on the unit square, u = 0 on its boundary, Crank-Nicolson in time: the host's
//! heat experiment on a smaller grid, with one period of κ in [`STEPS`] steps:
//! ```text
//! κ(t) = max(0.1 sin 2πt, −10 sin 2πt),   a = ½ κ dt/dx²,   Σ: the four neighbours
//! ((1 + 4a) I − a Σ) u⁺ = ((1 − 4a) I + a Σ) u + dt F
//! ```
//! a runs from 0 to 10.4, so the best omega wanders between 1 and about 1.6. The rules that learn it are
//! in [`rules`].

use core::f64::consts::PI;
use core::hint::black_box;
use core::ops::ControlFlow;

use southwell::linear::{Star, Stencil2d};
use southwell::relaxation::{Problem, sor, ssor_cg};
use southwell::{Error, Progress, Real, Report, Stop};

use crate::Fnv;

pub mod rules;

use rules::Rule;

/// Interior points a side: two groups of four rows and one row alone.
pub const SIDE: usize = 9;
/// Unknowns of a system.
pub const UNKNOWNS: usize = SIDE * SIDE;
/// Time steps, one period of κ.
pub const STEPS: u32 = 48;

/// Numbers that a run needs: 8 vectors, 2.5 KiB in `f32` and 5.1 KiB in `f64`.
pub const REALS: usize = 2 * UNKNOWNS + ssor_cg::Workspace::<f32>::required_len(UNKNOWNS, 0);

/// What a run found, in bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Summary {
    /// The rule that chose omega.
    pub rule: &'static str,
    /// Iterations of all solves.
    pub iterations: u32,
    /// Steps whose solve converged.
    pub converged: u32,
    /// Hash of every iterate that a solve left.
    pub iterates: u64,
    /// Hash of every omega chosen and every iteration count.
    pub choices: u64,
    /// Four values of the last state, across its diagonal.
    pub last: [u64; 4],
}

impl Summary {
    /// Whether this is what was expected, bit for bit, with every step converged.
    #[must_use]
    pub fn agrees(&self, expected: &Summary) -> bool {
        self == expected && self.converged == STEPS
    }

    /// The same with one bit wrong, `bit` counting through all fields: for testing the test.
    #[must_use]
    pub fn with_flipped_bit(mut self, bit: u32) -> Self {
        let mask = 1_u64.rotate_left(bit);
        match bit / 64 {
            0 => self.iterates ^= mask,
            1 => self.choices ^= mask,
            2 => self.iterations ^= 1_u32.rotate_left(bit),
            3 => self.converged ^= 1_u32.rotate_left(bit),
            field => {
                for (k, value) in (4..).zip(&mut self.last) {
                    if k == field {
                        *value ^= mask;
                    }
                }
            }
        }
        self
    }
}

/// Bits of a [`Summary`] that [`Summary::with_flipped_bit`] can flip.
pub const SUMMARY_BITS: u32 = 8 * 64;

/// How a step is solved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// Conjugate gradients preconditioned by SSOR.
    SsorCg,
    /// Forward sweeps.
    Sor,
}

/// Runs the sequence under a rule, in memory of [`REALS`] numbers, which may be dirty.
///
/// # Errors
/// [`Error::Workspace`] if it is shorter.
pub fn run<T: Real, R: Rule<T>>(
    name: &'static str,
    method: Method,
    rule: &mut R,
    memory: &mut [T],
) -> Result<Summary, Error> {
    let (side, n) = (black_box(SIDE), black_box(UNKNOWNS));
    let given = memory.len();
    let short = Error::Workspace { needed: REALS, given };
    let (state, rest) = black_box(memory).split_at_mut_checked(n).ok_or(short)?;
    let (rhs, work) = rest.split_at_mut_checked(n).ok_or(short)?;
    let dx = 1.0 / (SIDE as f64 + 1.0);
    start(state, side, dx);

    let (mut iterates, mut choices) = (Fnv::default(), Fnv::default());
    let (mut iterations, mut converged) = (0_u32, 0_u32);
    for step in 0..STEPS {
        rule.see(T::from_f64(diffusion(step)));
        let star = assemble(state, rhs, side, dx, step);
        // The state is where the solve starts and what it leaves.
        let (report, omega) = match black_box(method) {
            Method::SsorCg => tick(side, star, rhs, rule, state, work)?,
            Method::Sor => sweep(side, star, rhs, rule, state, work)?,
        };
        iterations = iterations.wrapping_add(report.steps);
        converged = converged.wrapping_add(u32::from(report.converged()));
        iterates.reals(state);
        choices.word(omega.bits());
        choices.word(u64::from(report.steps));
    }
    let last = [0, n / 3, n / 2, (n / 3).wrapping_mul(2)].map(|k| state.get(k).map_or(0, |u| u.bits()));
    Ok(Summary {
        rule: name,
        iterations,
        converged,
        iterates: iterates.value(),
        choices: choices.value(),
        last,
    })
}

/// One implicit step: what a part does at every tick. The report, and the omega of the last step.
// Not inlined, so that its size can be seen.
#[inline(never)]
fn tick<T: Real, R: Rule<T>>(
    side: usize,
    star: Star<T>,
    rhs: &[T],
    rule: &mut R,
    state: &mut [T],
    work: &mut [T],
) -> Result<(Report<T>, T), Error> {
    let matrix = Stencil2d::constant(side, side, star)?;
    let problem = Problem::new(&matrix, rhs)?;
    let workspace = ssor_cg::Workspace::new(&problem, work)?;
    let options = ssor_cg::Options { stop: Stop::default(), ..ssor_cg::Options::default() };
    let mut omega = T::ZERO;
    let mut observer = |progress: &Progress<T>| {
        omega = progress.parameter;
        ControlFlow::Continue(())
    };
    let report = ssor_cg::solve(&problem, &options, rule, state, workspace, &mut observer)?;
    Ok((report, omega))
}

/// The same by forward sweeps: the smallest that learns.
#[inline(never)]
fn sweep<T: Real, R: Rule<T>>(
    side: usize,
    star: Star<T>,
    rhs: &[T],
    rule: &mut R,
    state: &mut [T],
    work: &mut [T],
) -> Result<(Report<T>, T), Error> {
    let matrix = Stencil2d::constant(side, side, star)?;
    let problem = Problem::new(&matrix, rhs)?;
    let workspace = sor::Workspace::new(&problem, work)?;
    let options = sor::Options { stop: Stop::default(), ..sor::Options::default() };
    let mut omega = T::ZERO;
    let mut observer = |progress: &Progress<T>| {
        omega = progress.parameter;
        ControlFlow::Continue(())
    };
    let report = sor::solve(&problem, &options, rule, state, workspace, &mut observer)?;
    Ok((report, omega))
}

/// κ in the middle of a step.
fn diffusion(step: u32) -> f64 {
    let sine = libm::sin(2.0 * PI * (f64::from(step) + 0.5) / f64::from(STEPS));
    (0.1 * sine).max(-10.0 * sine)
}

/// The smooth bump exp(1 − 1/(1 − s)), s = ‖p − q‖²/ρ², zero for s ≥ 1.
fn bump<T: Real>((x, y): (f64, f64), (cx, cy): (f64, f64), radius: f64) -> T {
    let s = T::from_f64(((x - cx) * (x - cx) + (y - cy) * (y - cy)) / (radius * radius));
    if s < T::ONE { (T::ONE - T::ONE / (T::ONE - s)).exp() } else { T::ZERO }
}

/// The points of the grid with the values of a grid function, row by row.
fn points<T>(u: &mut [T], side: usize, dx: f64) -> impl Iterator<Item = ((f64, f64), &mut T)> {
    let coordinate = move |i: usize| (i as f64 + 1.0) * dx;
    u.chunks_mut(side.max(1)).enumerate().flat_map(move |(i, row)| {
        row.iter_mut().enumerate().map(move |(j, u)| ((coordinate(i), coordinate(j)), u))
    })
}

/// The state at t = 0.
fn start<T: Real>(state: &mut [T], side: usize, dx: f64) {
    points(state, side, dx).for_each(|(p, u)| *u = bump(p, (0.5, 0.5), 0.25));
}

/// The system of a step: fills the right-hand side and returns the star.
fn assemble<T: Real>(state: &[T], rhs: &mut [T], side: usize, dx: f64, step: u32) -> Star<T> {
    let dt = 1.0 / f64::from(STEPS);
    let time = (f64::from(step) + 0.5) * dt;
    let a = T::from_f64(0.5 * diffusion(step) * dt / (dx * dx));
    let four_a = T::from_u32(4) * a;

    let row = |i: usize| state.chunks(side.max(1)).nth(i).unwrap_or(&[]);
    for (i, rhs) in rhs.chunks_mut(side.max(1)).enumerate() {
        let (south, here, north) = (row(i.wrapping_sub(1)), row(i), row(i.wrapping_add(1)));
        let at = |row: &[T], j: usize| row.get(j).copied().unwrap_or(T::ZERO);
        for (j, rhs) in rhs.iter_mut().enumerate() {
            let beside = at(here, j.wrapping_sub(1)) + at(here, j.wrapping_add(1));
            let around = (beside + at(south, j)) + at(north, j);
            *rhs = (T::ONE - four_a) * at(here, j) + a * around;
        }
    }
    // The source circles twice a period.
    let angle = 4.0 * PI * time;
    let centre = (0.5 + libm::cos(angle) / 4.0, 0.5 + libm::sin(angle) / 4.0);
    let strength = T::from_f64(32.0 * dt);
    points(rhs, side, dx).for_each(|(p, rhs)| *rhs += strength * bump(p, centre, 0.125));

    Star { centre: T::ONE + four_a, west: -a, east: -a, south: -a, north: -a, ..Star::default() }
}
