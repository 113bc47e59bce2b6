//! Every method of entropic transport once, on a small part of the problem of [`association`](crate::association).

use core::hint::black_box;

use southwell::omega::{Eager, Fixed};
use southwell::transport::{
    DenseCost, Ground, PointCost, Potentials, Problem, auto, barycentre, certificate, greenkhorn, newton,
    rounding, scaling, sinkhorn, symmetric, unbalanced,
};
use southwell::{Error, Real, Report, Stop};

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
    let methods: [(&'static str, Method<T>); 9] = [
        ("sinkhorn", log_domain),
        ("sinkhorn on a stored kernel", stored),
        ("newton", sparse),
        ("auto", chosen),
        ("greenkhorn", greedy),
        ("symmetric", itself),
        ("unbalanced", relaxed),
        ("points", points),
        ("barycentre", middle),
    ];
    for (name, method) in methods {
        x.fill(T::ZERO);
        let result = method(costs, x, work, indices);
        let (steps, answer) = result.unwrap_or((u32::MAX, 0));
        found(Outcome { name, steps, answer });
    }
}

/// What a method is called with: costs with leading dimension [`SIZE`], potentials, memory.
type Method<T> = fn(&[T], &mut [T], &mut [T], &mut [u32]) -> Found;

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
fn log_domain<T: Real>(costs: &[T], x: &mut [T], work: &mut [T], _: &mut [u32]) -> Found {
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
fn stored<T: Real>(costs: &[T], x: &mut [T], work: &mut [T], _: &mut [u32]) -> Found {
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
fn greedy<T: Real>(costs: &[T], x: &mut [T], work: &mut [T], _: &mut [u32]) -> Found {
    let (cost, w) = (view(costs)?, weights());
    let problem = Problem::new(&cost, &w, &w, epsilon())?;
    let workspace = greenkhorn::Workspace::new(&problem, work)?;
    let options = greenkhorn::Options { stop: stop() };
    let report = greenkhorn::solve(&problem, &options, halves(x), workspace, &mut ())?;
    told(&report, x)
}

#[inline(never)]
fn itself<T: Real>(_: &[T], x: &mut [T], work: &mut [T], _: &mut [u32]) -> Found {
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
fn relaxed<T: Real>(costs: &[T], x: &mut [T], work: &mut [T], _: &mut [u32]) -> Found {
    let (cost, w) = (view(costs)?, weights());
    let heavy = w.map(|w| w + w);
    let problem = unbalanced::Problem::new(&cost, &w, &heavy, epsilon(), (T::ONE, T::HALF))?;
    let workspace = unbalanced::Workspace::new(&problem, work)?;
    let options = unbalanced::Options { stop: stop(), ..unbalanced::Options::default() };
    let report = unbalanced::solve(&problem, &options, halves(x), workspace, &mut ())?;
    told(&report, x)
}

#[inline(never)]
fn points<T: Real>(costs: &[T], x: &mut [T], work: &mut [T], _: &mut [u32]) -> Found {
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
fn middle<T: Real>(_: &[T], x: &mut [T], work: &mut [T], _: &mut [u32]) -> Found {
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
