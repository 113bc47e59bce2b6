//! A low-rank matrix from measurements of which every fifth is nonsense, by matrices of random signs that are
//! drawn anew at every iteration: the part stores the measurements and a seed.

use core::hint::black_box;

use southwell::subgradient::counter;
use southwell::subgradient::matrix::operator::{Draw, Operator, Seeded};
use southwell::subgradient::matrix::{self, Options, Problem, Shape, Step, Workspace};
use southwell::{Error, Real, Status, Stop};

use crate::Fnv;

/// Rows and columns of the matrices, rank that is allowed for (one more than there is), measurements.
const D: usize = 6;
const R: usize = 2;
const M: usize = 72;
const KEY: u64 = 41;
/// Numbers that a run needs, besides the factors: the measurements, and the larger of the workspaces.
pub(crate) const REALS: usize = M + Workspace::<f32>::required_len(
    Shape::general(D, D, R),
    false,
    Seeded::scratch(Shape::general(D, D, R)),
);
/// The factors of the larger problem.
pub(crate) const X: usize = Shape::general(D, D, R).unknowns();

/// X = u uᵀ through signs, by the default options.
#[inline(never)]
pub(crate) fn symmetric<T: Real>(x: &mut [T], work: &mut [T]) -> Result<(u32, u64), Error> {
    let operator = Seeded::new(black_box(Draw::Signs), counter::stream(KEY, 1), M, D, D)?;
    let (y, work) = work.split_at_mut_checked(M).unwrap_or_default();
    measure(&operator, y, work, |row, column| part::<T>(row) * part(column));
    let problem = Problem::symmetric(&operator, y, black_box(R))?;
    recover(&problem, &Options::default(), x, work)
}

/// X = u vᵀ through signs, by steps that are held and then shrink.
#[inline(never)]
pub(crate) fn general<T: Real>(x: &mut [T], work: &mut [T]) -> Result<(u32, u64), Error> {
    let operator = Seeded::new(black_box(Draw::Signs), counter::stream(KEY, 2), M, D, D)?;
    let (y, work) = work.split_at_mut_checked(M).unwrap_or_default();
    measure(&operator, y, work, |row, column| part::<T>(row) * part(column + D));
    let problem = Problem::general(&operator, y, black_box(R))?;
    let step = Step::Held { eta0: T::from_f64(0.25), rho: T::from_f64(0.9), hold: 30 };
    recover(&problem, &Options { step, ..Options::default() }, x, work)
}

/// An entry of u or v.
fn part<T: Real>(index: usize) -> T {
    let index = index as u32;
    T::from_u32(index + 1) / T::from_u32(8) - T::from_u32(index % 3)
}

/// Fills in ⟨A_i, X⟩; every fifth number is something else.
fn measure<T: Real>(operator: &Seeded, y: &mut [T], work: &mut [T], entry: impl Fn(usize, usize) -> T) {
    let a = work.get_mut(..D * D).unwrap_or(&mut []);
    for (i, y) in y.iter_mut().enumerate() {
        operator.write(i, a);
        *y = a.iter().enumerate().fold(T::ZERO, |sum, (k, &a)| sum + a * entry(k / D, k % D));
        if i % 5 == 2 {
            *y = T::from_usize(i) - T::from_u32(30);
        }
    }
}

fn recover<T: Real, O: Operator<T>>(
    problem: &Problem<'_, T, O>,
    options: &Options<T>,
    x: &mut [T],
    work: &mut [T],
) -> Result<(u32, u64), Error> {
    let x = x.get_mut(..problem.shape().unknowns()).unwrap_or(&mut []);
    let options = Options { stop: Stop { max_steps: 400, ..Stop::relative(T::from_f64(1e-4)) }, ..*options };
    let workspace = Workspace::new(problem, false, work)?;
    let found = matrix::solve(problem, &options, x, workspace, &mut ())?;
    let mut hash = Fnv::default();
    hash.reals(x);
    hash.reals(&[found.value]);
    let good = found.report.status == Status::Converged && found.rank == 1;
    Ok((if good { found.report.steps } else { u32::MAX }, hash.value()))
}
