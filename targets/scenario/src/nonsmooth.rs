//! Every part of the toolbox for functions with kinks, once, on a small regression with outliers; and low-rank
//! matrices from measurements with outliers.

use core::hint::black_box;

use southwell::subgradient::fit::{self, Whitening};
use southwell::subgradient::method::{self, Ending, Outcome as End};
use southwell::subgradient::projection::{Affine, Ball, Bounds, Cone, HalfSpace, Interval, L1Ball, Simplex};
use southwell::subgradient::step::{
    Constant, Diminishing, Geometric, PathLevel, Polyak, Raw, Restarted, StepRule, StronglyConvex,
};
use southwell::subgradient::{
    GeometricMedian, MaxAffine, Minimax, Oracle, PhaseRetrieval, Problem, Projection, Quantile, Table,
    dual_averaging, game, huber, mirror, refine,
};
use southwell::{Error, Real, Status, Stop};

use crate::methods::Outcome;
use crate::{Fnv, recovery};

/// Rows and columns of the regression.
const N: usize = 32;
const P: usize = 3;
const _: () = assert!(recovery::X <= N);
/// Numbers that a run needs: the regression, an answer, and what the most demanding part takes.
pub const REALS: usize = N * P + N + N + longest();
/// The memory of the most demanding part.
const fn longest() -> usize {
    let fit = fit::Workspace::<f32>::required_len(N, P, Whitening::Orthogonal, true);
    if fit > recovery::REALS { fit } else { recovery::REALS }
}

/// Indices that a run needs.
pub const INDICES: usize = fit::Workspace::<f32>::required_indices(P);

/// Steps and the answer's hash, before they have a name.
type Found = Result<(u32, u64), Error>;

/// A regression, and memory for what looks at it.
struct Bench<'a, T> {
    table: Table<'a, T>,
    y: &'a [T],
    x: &'a mut [T],
    work: &'a mut [T],
    indices: &'a mut [u32],
}

/// Runs everything in memory of [`REALS`] and [`INDICES`] elements, which may be dirty, and hands over what each
/// part found.
pub fn run<T: Real>(reals: &mut [T], indices: &mut [u32], found: &mut impl FnMut(Outcome)) {
    let (reals, indices) = (black_box(reals), black_box(indices));
    let Some((values, rest)) = reals.split_at_mut_checked(N * P) else { return };
    let Some((y, rest)) = rest.split_at_mut_checked(N) else { return };
    let Some((x, work)) = rest.split_at_mut_checked(N) else { return };
    sense(values, y);
    let parts: [(&'static str, Part<T>); 16] = [
        ("quantile fit", fitted),
        ("fit by columns", by_columns),
        ("huber and refine", smooth),
        ("geometric on a box", boxed),
        ("diminishing on a ball", in_a_ball),
        ("restarted on a simplex", shares),
        ("polyak on an l1 ball", sparse),
        ("path level on a half-space", half),
        ("constant on an affine set", flat),
        ("other rules", others),
        ("minimax on a cone", worst),
        ("phase retrieval", sizes),
        ("mirror, game", games),
        ("dual averaging", averaged),
        ("symmetric matrix", |b| recovery::symmetric(b.x, b.work)),
        ("matrix", |b| recovery::general(b.x, b.work)),
    ];
    for (name, part) in parts {
        x.fill(T::HALF);
        let Ok(table) = Table::new(values, black_box(N), black_box(P)) else { return };
        let result = part(Bench { table, y, x, work, indices });
        let (steps, answer) = result.unwrap_or((u32::MAX, 0));
        found(Outcome { name, steps, answer });
    }
}

type Part<T> = fn(Bench<'_, T>) -> Found;

/// Fills in a regression of which every fourth observation is far off.
fn sense<T: Real>(values: &mut [T], y: &mut [T]) {
    let mut state = 17_u64;
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        T::unit_from_bits(state)
    };
    for (i, (row, y)) in values.chunks_exact_mut(P).zip(y).enumerate() {
        row.iter_mut().for_each(|x| *x = next() + next() - T::ONE);
        let exact = row.iter().fold(T::ONE, |sum, &x| sum + x * T::HALF);
        let wrong = if i.is_multiple_of(4) { T::from_u32(5) } else { T::ZERO };
        *y = exact + (next() - T::HALF) * T::from_f64(0.1) + wrong;
        row.iter_mut().take(1).for_each(|x| *x = T::ONE);
    }
}

fn told<T: Real>(end: &End<T>, x: &[T]) -> Found {
    let mut hash = Fnv::default();
    hash.reals(x);
    hash.reals(&[end.value, end.lower_bound]);
    let refused = matches!(end.report.status, Status::NotFinite | Status::Breakdown);
    Ok((if refused { u32::MAX } else { end.report.steps }, hash.value()))
}

fn options<T: Real>(average: bool) -> method::Options<T> {
    method::Options { ending: Ending::after(60), average, ..method::Options::default() }
}

/// The general method from x.
#[inline(never)]
fn descend<T: Real>(
    mut oracle: impl Oracle<T>,
    mut set: impl Projection<T>,
    rule: impl StepRule<T>,
    x: &mut [T],
    work: &mut [T],
) -> Found {
    let x = x.get_mut(..oracle.dimension()).unwrap_or(&mut []);
    let problem = Problem::new(&mut oracle, &mut set)?;
    let workspace = method::Workspace::new(&problem, true, work)?;
    let end = method::solve(problem, &options(true), rule, x, workspace, &mut ())?;
    told(&end, x)
}

#[inline(never)]
fn fitted<T: Real>(b: Bench<'_, T>) -> Found {
    let loss = Quantile::new(b.table, b.y, T::from_f64(0.3))?;
    let workspace = fit::Workspace::new(&loss, Whitening::Orthogonal, true, b.work, b.indices)?;
    let beta = b.x.get_mut(..P).unwrap_or(&mut []);
    let end = fit::solve(&loss, &fit::Options::default(), fit::rule(), beta, workspace, &mut ())?;
    let (steps, answer) = told(&end, beta)?;
    Ok((if end.report.status == Status::Optimal { steps } else { u32::MAX }, answer))
}

#[inline(never)]
fn by_columns<T: Real>(b: Bench<'_, T>) -> Found {
    let weights = black_box([T::TWO; N]);
    let loss = Quantile::absolute(b.table, b.y)?.weighted(&weights)?;
    let workspace = fit::Workspace::new(&loss, Whitening::Columns, false, b.work, b.indices)?;
    let beta = b.x.get_mut(..P).unwrap_or(&mut []);
    let options = fit::Options { start: fit::Start::Given, ..fit::Options::default() };
    let end = fit::solve(&loss, &options, fit::rule(), beta, workspace, &mut ())?;
    told(&end, beta)
}

#[inline(never)]
fn smooth<T: Real>(b: Bench<'_, T>) -> Found {
    let loss = huber::Huber::new(b.table, b.y, T::from_f64(0.2))?;
    let beta = b.x.get_mut(..P).unwrap_or(&mut []);
    let workspace = huber::Workspace::new(&loss, b.work)?;
    let end = huber::solve(&loss, &Stop::default(), beta, workspace, &mut ())?;
    refine::refine(&Quantile::absolute(b.table, b.y)?, T::from_u32(4), beta, b.work)?;
    told(&end, beta)
}

#[inline(never)]
fn boxed<T: Real>(b: Bench<'_, T>) -> Found {
    let (lower, upper) = (black_box([T::ZERO; P]), black_box([T::TWO; P]));
    let set = Bounds::new(&lower, &upper)?;
    descend(Quantile::absolute(b.table, b.y)?, set, Geometric::default().restarted(1), b.x, b.work)
}

#[inline(never)]
fn in_a_ball<T: Real>(b: Bench<'_, T>) -> Found {
    let centre = black_box([T::ONE; P]);
    let (median, work) = b.work.split_at_mut_checked(P).unwrap_or_default();
    let oracle = GeometricMedian::new(b.table, median)?;
    descend(oracle, Ball::new(&centre, T::HALF)?, Diminishing(T::ONE), b.x, work)
}

#[inline(never)]
fn shares<T: Real>(b: Bench<'_, T>) -> Found {
    let set = Simplex::new(T::TWO)?;
    descend(Quantile::absolute(b.table, b.y)?, set, Restarted::new(T::ONE, T::HALF, 10), b.x, b.work)
}

#[inline(never)]
fn sparse<T: Real>(b: Bench<'_, T>) -> Found {
    let set = L1Ball::new(T::ONE)?;
    descend(Quantile::absolute(b.table, b.y)?, set, Polyak::new(T::ONE), b.x, b.work)
}

#[inline(never)]
fn half<T: Real>(b: Bench<'_, T>) -> Found {
    let normal = black_box([T::ONE; P]);
    let set = HalfSpace::new(&normal, T::ONE)?;
    descend(Quantile::absolute(b.table, b.y)?, set, PathLevel::default(), b.x, b.work)
}

#[inline(never)]
fn flat<T: Real>(b: Bench<'_, T>) -> Found {
    let (values, rhs) = (black_box([T::ONE; P]), black_box([T::ONE]));
    let (factor, work) = b.work.split_at_mut_checked(Affine::<T>::required_len(1)).unwrap_or_default();
    let set = Affine::new(Table::new(&values, 1, black_box(P))?, &rhs, factor)?;
    descend(Quantile::absolute(b.table, b.y)?, set, Constant(T::from_f64(0.1)), b.x, work)
}

#[inline(never)]
fn others<T: Real>(b: Bench<'_, T>) -> Found {
    let loss = Quantile::absolute(b.table, b.y)?;
    descend(loss, Interval::non_negative(), StronglyConvex(T::from_u32(9)), b.x, b.work)?;
    descend(loss, (), Raw(Diminishing(T::from_f64(0.01))), b.x, b.work)
}

#[inline(never)]
fn worst<T: Real>(b: Bench<'_, T>) -> Found {
    let (residuals, work) = b.work.split_at_mut_checked(N).unwrap_or_default();
    descend(Minimax::new(b.table, b.y, residuals)?, Cone, Geometric::default(), b.x, work)
}

#[inline(never)]
fn sizes<T: Real>(b: Bench<'_, T>) -> Found {
    descend(PhaseRetrieval::new(b.table, b.y)?, (), Geometric::default().held(5), b.x, b.work)
}

#[inline(never)]
fn games<T: Real>(b: Bench<'_, T>) -> Found {
    let (values, work) =
        b.work.split_at_mut_checked(MaxAffine::<T>::required_len(N, true)).unwrap_or_default();
    let mut oracle = MaxAffine::new(b.table, b.y, true, values)?;
    let (x, rest) = b.x.split_at_mut_checked(P).unwrap_or_default();
    let workspace = mirror::Workspace::new(&oracle, work)?;
    let end = mirror::solve(&mut oracle, &Ending::after(40), Diminishing(T::ONE), x, workspace, &mut ())?;
    let bound = oracle.lower_bound(T::ONE, work.get_mut(..P).unwrap_or(&mut []));
    let (steps, answer) = told(&end, x)?;
    // The first rows as a game.
    let payoff = Table::new(b.table.values().get(..P * P).unwrap_or(&[]), black_box(P), black_box(P))?;
    let workspace = game::Workspace::new(&payoff, work)?;
    let y = rest.get_mut(..P).unwrap_or(&mut []);
    let played = game::solve(&payoff, &Ending::after(40), Diminishing(T::ONE), x, y, workspace, &mut ())?;
    let mut hash = Fnv::default();
    hash.reals(&[bound, played.lower, played.upper]);
    Ok((steps, answer ^ hash.value()))
}

#[inline(never)]
fn averaged<T: Real>(b: Bench<'_, T>) -> Found {
    let problem = Problem::new(Quantile::absolute(b.table, b.y)?, Interval::non_negative())?;
    let workspace = dual_averaging::Workspace::new(&problem, b.work)?;
    let options = dual_averaging::Options {
        ending: Ending::after(40),
        l1: T::from_f64(0.1),
        ..dual_averaging::Options::default()
    };
    let x = b.x.get_mut(..P).unwrap_or(&mut []);
    told(&dual_averaging::solve(problem, &options, x, workspace, &mut ())?, x)
}
