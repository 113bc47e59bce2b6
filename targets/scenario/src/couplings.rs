//! Every method of entropic transport and of matrix balancing once, on a small part of the problem of [`association`](crate::association).

use core::hint::black_box;

use southwell::omega::{Eager, Fixed};
use southwell::transport::balance::{self, ruiz, sinkhorn_knopp, support};
use southwell::transport::{
    DenseCost, Ground, PointCost, Potentials, Problem, auto, barycentre, certificate, greenkhorn, newton,
    rounding, scaling, sinkhorn, symmetric, unbalanced,
};
use southwell::{Error, Real, Report, Status, Stop};

use crate::Fnv;
use crate::association::{self, SIZE};
use crate::methods::Outcome;

/// Numbers that a run needs: costs, potentials and what the most demanding method takes.
pub const REALS: usize =
    SIZE * SIZE + 2 * N + auto::Workspace::<f32>::required_len(N, N, true, N, N * N) + 512;
/// Indices that a run needs.
pub const INDICES: usize = auto::Workspace::<f32>::required_indices(N, N, N * N);
/// Tracks that are looked at.
const N: usize = 8;

/// Steps and the answer's hash, before they have a name.
type Found = Result<(u32, u64), Error>;

/// Runs every method in memory of [`REALS`] and [`INDICES`] elements, which may be dirty, and hands over what
/// each found.
pub fn run<T: Real>(reals: &mut [T], indices: &mut [u32], found: &mut impl FnMut(Outcome)) {
    let (reals, indices) = (black_box(reals), black_box(indices));
    association::sense(reals.get_mut(..SIZE * SIZE).unwrap_or(&mut []));
    let Some((costs, rest)) = reals.split_at_mut_checked(SIZE * SIZE) else { return };
    let Some((x, work)) = rest.split_at_mut_checked(2 * N) else { return };
    let costs = costs.get((SIZE - 5)..).unwrap_or(&[]);
    let mut tell = |name, result: Found| {
        let (steps, answer) = result.unwrap_or((u32::MAX, 0));
        found(Outcome { name, steps, answer });
    };
    // Called by name: through pointers to them, who reads the machine code would see every one call every other.
    tell("sinkhorn", log_domain(costs, cleared(x), work));
    tell("sinkhorn on a stored kernel", stored(costs, cleared(x), work));
    tell("newton", sparse(costs, cleared(x), work, indices));
    tell("auto", chosen(costs, cleared(x), work, indices));
    tell("greenkhorn", greedy(costs, cleared(x), work));
    tell("symmetric", itself(cleared(x), work));
    tell("unbalanced", relaxed(costs, cleared(x), work));
    tell("points", points(costs, cleared(x), work));
    tell("barycentre", middle(cleared(x), work));
    tell("sinkhorn-knopp", sums(costs, cleared(x), work, indices));
    tell("sinkhorn-knopp on sparse rows", sparse_sums(cleared(x), work, indices));
    tell("one scaling", one_scaling(cleared(x), work, indices));
    tell("ruiz", norms(costs, cleared(x), work, indices));
}

/// The same, zeros to begin with.
fn cleared<T: Real>(x: &mut [T]) -> &mut [T] {
    x.fill(T::ZERO);
    x
}

fn epsilon<T: Real>() -> T {
    T::from_f64(0.02)
}

fn weights<T: Real>() -> [T; N] {
    black_box([T::ONE; N])
}

fn view<T: Real>(costs: &[T]) -> Result<DenseCost<'_, T>, Error> {
    let n = black_box(N);
    let least = n.saturating_sub(1).saturating_mul(SIZE).saturating_add(n);
    DenseCost::new(costs.get(..least).unwrap_or(costs), n, n, SIZE)
}

fn stop<T: Real>() -> Stop<T> {
    Stop { max_steps: 5000, ..Stop::relative(T::from_f64(1e-4)) }
}

fn halves<T>(x: &mut [T]) -> Potentials<'_, T> {
    let (f, g) = x.split_at_mut_checked(N).unwrap_or_default();
    Potentials { f, g }
}

/// Steps of a run that converged, and the hash of what it left.
fn told<T: Real>(report: &Report<T>, x: &[T]) -> Found {
    let mut hash = Fnv::default();
    hash.reals(x);
    Ok((if report.converged() { report.steps } else { u32::MAX }, hash.value()))
}

#[inline(never)]
fn log_domain<T: Real>(costs: &[T], x: &mut [T], work: &mut [T]) -> Found {
    let (cost, w) = (view(costs)?, weights());
    let problem = Problem::new(&cost, &w, &w, epsilon())?;
    let workspace = sinkhorn::Workspace::new(&problem, work)?;
    let options = sinkhorn::Options { stop: stop() };
    let report = sinkhorn::solve(&problem, &options, &mut Eager::default(), halves(x), workspace, &mut ())?;
    let (f, g) = x.split_at_checked(N).unwrap_or_default();
    // What the potentials are worth, and their coupling made feasible.
    let evaluation = certificate::evaluate(&problem, f, g, work)?;
    let bounds = certificate::certify(&problem, f, g, work)?;
    let rounded = rounding::round(&problem, f, g, rounding::Workspace::new(&problem, work)?)?.evaluate();
    let mut hash = Fnv::default();
    hash.reals(&[evaluation.cost, evaluation.dual, bounds.upper, bounds.lower, rounded.cost]);
    let (steps, answer) = told(&report, x)?;
    Ok((steps, answer ^ hash.value()))
}

#[inline(never)]
fn stored<T: Real>(costs: &[T], x: &mut [T], work: &mut [T]) -> Found {
    let (cost, w) = (view(costs)?, weights());
    let problem = Problem::new(&cost, &w, &w, epsilon())?;
    let workspace = scaling::Workspace::new(&problem, work)?;
    let options = scaling::Options { stop: stop() };
    let mut rule = Fixed(T::from_f64(1.25));
    let report = scaling::solve(&problem, &options, &mut rule, halves(x), workspace, &mut ())?;
    told(&report, x)
}

#[inline(never)]
fn sparse<T: Real>(costs: &[T], x: &mut [T], work: &mut [T], indices: &mut [u32]) -> Found {
    let (cost, w) = (view(costs)?, weights());
    let problem = Problem::new(&cost, &w, &w, epsilon())?;
    let workspace = newton::Workspace::new(&problem, N * N, work, indices)?;
    let options = newton::Options { stop: stop(), first_steps: 5, ..newton::Options::default() };
    let report = newton::solve(&problem, &options, halves(x), workspace, &mut ())?;
    told(&report, x)
}

#[inline(never)]
fn chosen<T: Real>(costs: &[T], x: &mut [T], work: &mut [T], indices: &mut [u32]) -> Found {
    let (cost, w) = (view(costs)?, weights());
    let problem = Problem::new(&cost, &w, &w, epsilon::<T>() * T::HALF)?;
    let workspace = auto::Workspace::new(&problem, N * N, work, indices)?;
    let options = auto::Options { stop: stop(), ..auto::Options::default() };
    let outcome = auto::solve(&problem, &options, halves(x), workspace, &mut ())?;
    told(&outcome.report, x)
}

#[inline(never)]
fn greedy<T: Real>(costs: &[T], x: &mut [T], work: &mut [T]) -> Found {
    let (cost, w) = (view(costs)?, weights());
    let problem = Problem::new(&cost, &w, &w, epsilon())?;
    let workspace = greenkhorn::Workspace::new(&problem, work)?;
    let options = greenkhorn::Options { stop: stop() };
    let report = greenkhorn::solve(&problem, &options, halves(x), workspace, &mut ())?;
    told(&report, x)
}

#[inline(never)]
fn itself<T: Real>(x: &mut [T], work: &mut [T]) -> Found {
    let cost = symmetric_cost::<T>();
    let (cost, w) = (DenseCost::new(&cost, N, N, N)?, weights());
    let problem = Problem::new(&cost, &w, &w, epsilon())?;
    let workspace = symmetric::Workspace::new(&problem, work)?;
    let f = x.get_mut(..N).unwrap_or(&mut []);
    let options = symmetric::Options { stop: stop() };
    let report = symmetric::solve(&problem, &options, f, workspace, &mut ())?;
    told(&report, x)
}

/// |i − j|/N
fn symmetric_cost<T: Real>() -> [T; N * N] {
    black_box(core::array::from_fn(|k| T::from_usize((k / N).abs_diff(k % N)) / T::from_usize(N)))
}

#[inline(never)]
fn relaxed<T: Real>(costs: &[T], x: &mut [T], work: &mut [T]) -> Found {
    let (cost, w) = (view(costs)?, weights());
    let heavy = w.map(|w| w + w);
    let problem = unbalanced::Problem::new(&cost, &w, &heavy, epsilon(), (T::ONE, T::HALF))?;
    let workspace = unbalanced::Workspace::new(&problem, work)?;
    let options = unbalanced::Options { stop: stop(), ..unbalanced::Options::default() };
    let report = unbalanced::solve(&problem, &options, halves(x), workspace, &mut ())?;
    told(&report, x)
}

#[inline(never)]
fn points<T: Real>(costs: &[T], x: &mut [T], work: &mut [T]) -> Found {
    // Any numbers are coordinates.
    let places = costs.get(..2 * N).unwrap_or(&[]);
    let others = costs.get(SIZE..SIZE + 2 * N).unwrap_or(&[]);
    let (storage, work) = work.split_at_mut_checked(2 * N).unwrap_or_default();
    let cost = PointCost::new(places, others, 2, Ground::Euclidean, storage)?;
    let w = weights();
    let problem = Problem::new(&cost, &w, &w, T::from_f64(0.125))?;
    let workspace = sinkhorn::Workspace::new(&problem, work)?;
    let options = sinkhorn::Options { stop: stop() };
    let report = sinkhorn::solve(&problem, &options, &mut Fixed(T::ONE), halves(x), workspace, &mut ())?;
    told(&report, x)
}

#[inline(never)]
fn middle<T: Real>(x: &mut [T], work: &mut [T]) -> Found {
    let cost = symmetric_cost::<T>();
    let cost = DenseCost::new(&cost, N, N, N)?;
    // Two measures of mass 1: a ramp up and a ramp down.
    let measures: [T; 2 * N] = black_box(core::array::from_fn(|k| {
        let place = if k < N { k } else { 2 * N - 1 - k };
        T::from_usize(place + 1) / T::from_usize(N * (N + 1) / 2)
    }));
    let halves = [T::HALF; 2];
    let problem = barycentre::Problem::new(&cost, &measures, &halves, epsilon())?;
    let (p, work) = work.split_at_mut_checked(N).unwrap_or_default();
    let workspace = barycentre::Workspace::new(&problem, work)?;
    let options = barycentre::Options { stop: stop() };
    let x = barycentre::Iterate { f: x, p };
    let report = barycentre::solve(&problem, &options, x, workspace, &mut ())?;
    told(&report, p)
}

/// x and y out of one slice, ones to begin with.
fn scalings<T: Real>(x: &mut [T]) -> balance::Scalings<'_, T> {
    x.fill(T::ONE);
    let (x, y) = x.split_at_mut_checked(N).unwrap_or_default();
    balance::Scalings { x, y }
}

#[inline(never)]
fn sums<T: Real>(costs: &[T], x: &mut [T], work: &mut [T], indices: &mut [u32]) -> Found {
    let n = black_box(N);
    let least = n.saturating_sub(1).saturating_mul(SIZE).saturating_add(n);
    let matrix = balance::Dense::new(costs.get(..least).unwrap_or(costs), n, n, SIZE)?;
    let problem = balance::Problem::unit(&matrix)?;
    let workspace = sinkhorn_knopp::Workspace::new(&problem, work, indices)?;
    let options = sinkhorn_knopp::Options { stop: stop() };
    let report = sinkhorn_knopp::solve(&problem, &options, scalings(x), workspace, &mut ())?;
    told(&report, x)
}

/// Offsets, columns and values of an arrow: a full first row and first column, and a diagonal, 2 and `other` by turns.
fn arrow<T: Real>(other: T) -> ([u32; N + 1], [u32; 3 * N - 2], [T; 3 * N - 2]) {
    let place = |k: usize| if k < N { (0, k) } else { ((k - N) / 2 + 1, (k - N) % 2) };
    let entry = |k: usize| match place(k) {
        (0, column) => (column, T::from_usize(column + 1) / T::from_usize(N)),
        (_, 0) => (0, T::from_u32(3)),
        (row, _) => (row, if row % 2 == 0 { other } else { T::TWO }),
    };
    let offsets = core::array::from_fn(|row| if row == 0 { 0 } else { (N + 2 * (row - 1)) as u32 });
    let columns = core::array::from_fn(|k| entry(k).0 as u32);
    black_box((offsets, columns, core::array::from_fn(|k| entry(k).1)))
}

#[inline(never)]
fn sparse_sums<T: Real>(x: &mut [T], work: &mut [T], indices: &mut [u32]) -> Found {
    let (offsets, columns, values) = arrow(T::ONE);
    let matrix = balance::Csr::new(&offsets, &columns, &values, N)?;
    let options = sinkhorn_knopp::Options { stop: stop() };
    let mut hash = Fnv::default();
    hash.reals(&[T::from_usize(support::structural_rank(&matrix, indices)?)]);
    let mut r = weights::<T>();
    r.iter_mut().take(1).for_each(|r| *r = T::HALF);
    let problem = balance::Problem::new(&matrix, &r, &r)?;
    let workspace = sinkhorn_knopp::Workspace::new(&problem, work, indices)?;
    let report = sinkhorn_knopp::solve(&problem, &options, scalings(x), workspace, &mut ())?;
    hash.reals(x);
    // Without the diagonal, all rows but one depend on the first column.
    let mut short = values;
    short.iter_mut().skip(N).skip(1).step_by(2).for_each(|a| *a = T::ZERO);
    let matrix = balance::Csr::new(&offsets, &columns, &short, N)?;
    for problem in [balance::Problem::unit(&matrix)?, balance::Problem::new(&matrix, &r, &r)?] {
        let workspace = sinkhorn_knopp::Workspace::new(&problem, work, indices)?;
        let ended = sinkhorn_knopp::solve(&problem, &options, scalings(x), workspace, &mut ())?;
        hash.reals(&[ended.residual, T::from_u32(u32::from(ended.status == Status::NoSupport))]);
    }
    Ok((if report.converged() { report.steps } else { u32::MAX }, hash.value()))
}

#[inline(never)]
fn one_scaling<T: Real>(x: &mut [T], work: &mut [T], indices: &mut [u32]) -> Found {
    let values = symmetric_cost::<T>();
    let matrix = balance::Dense::new(&values, N, N, N)?;
    let problem = balance::Problem::unit(&matrix)?;
    let workspace = balance::symmetric::Workspace::new(&problem, work, indices)?;
    let options = balance::symmetric::Options { stop: stop() };
    let scaling = scalings(x).x;
    let report = balance::symmetric::solve(&problem, &options, scaling, workspace, &mut ())?;
    told(&report, x)
}

#[inline(never)]
fn norms<T: Real>(costs: &[T], x: &mut [T], work: &mut [T], indices: &mut [u32]) -> Found {
    let (offsets, columns, values) = arrow(-T::HALF);
    let sparse = balance::Csr::new(&offsets, &columns, &values, N)?;
    let options = ruiz::Options { stop: stop() };
    let mut hash = Fnv::default();
    let mut steps: u32 = 0;
    for norm in black_box([ruiz::Norm::Largest, ruiz::Norm::Sum]) {
        let problem = ruiz::Problem::new::<T>(&sparse, norm)?;
        let workspace = ruiz::Workspace::new(&problem, work, indices)?;
        let report = ruiz::solve(&problem, &options, scalings(x), workspace, &mut ())?;
        steps = steps.saturating_add(told(&report, x)?.0);
        hash.reals(x);
    }
    let dense = balance::Dense::new(costs.get(..SIZE * N).unwrap_or(&[]), N, N, SIZE)?;
    let problem = ruiz::Problem::new::<T>(&dense, ruiz::Norm::Largest)?;
    let workspace = ruiz::Workspace::new(&problem, work, indices)?;
    let report = ruiz::solve(&problem, &options, scalings(x), workspace, &mut ())?;
    steps = steps.saturating_add(told(&report, x)?.0);
    hash.reals(x);
    Ok((steps, hash.value()))
}
