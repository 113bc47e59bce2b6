//! Every part of block coordinate descent once, on small problems: every loss, penalty, partition, rule and update;
//! and sparse regression.

use core::hint::black_box;

use rand_xoshiro::Xoshiro256PlusPlus;
use rand_xoshiro::rand_core::SeedableRng;
use southwell::descent::losses::{
    Huber, LeastSquares, Logistic, Quadratic, Softmax, label_propagation, label_propagation_len,
};
use southwell::descent::partitions::Visit;
use southwell::descent::penalties::{ElasticNet, Free, Group, Interval, L1, NonNegative, Simplex};
use southwell::descent::selection::{
    Cyclic, Face, Greedy, GreedyForest, GreedyQuadratic, GreedyVariable, HardThreshold, Proportional,
    RandomForest, RandomVariable, Score, Shuffled, Start, Tournament, Uniform,
};
use southwell::descent::update::{
    Backtracking, Gradient, Matrix, MessagePassing, Newton, ProxNewton, TwoMetric,
};
use southwell::descent::{
    self, Loss, Measure, Options, Partition, Penalty, Problem, Scheme, Selection, Update, Workspace, pairs,
};
use southwell::linear::{Columns, Csc, Csr, Dense};
use southwell::{Error, Real, Stop};

use crate::methods::Outcome;
use crate::{Fnv, regression};

/// Numbers that a run needs: the data, the iterate, the largest workspace.
pub const REALS: usize = DATA + X + 900;
/// Indices that a run needs.
pub const INDICES: usize = 640;

const ROWS: usize = 10;
const COLUMNS: usize = 8;
/// A design by columns and a target.
const DATA: usize = ROWS * COLUMNS + ROWS;
/// The longest iterate: 3 features in 3 classes, or the vertices of the lattice.
const X: usize = SIDE * SIDE;
const SIDE: usize = 5;
const LATTICE_EDGES: usize = 4 * SIDE * (SIDE - 1);

/// Steps and the answer's hash, before they have a name.
type Found = Result<(u32, u64), Error>;

/// What a method is called with: data, iterate, memory.
type Method<T> = fn(&[T], &mut [T], &mut [T], &mut [u32]) -> Found;

/// Runs every method in memory of [`REALS`] and [`INDICES`] elements, which may be dirty, and hands over what
/// each found.
pub fn run<T: Real>(reals: &mut [T], indices: &mut [u32], found: &mut impl FnMut(Outcome)) {
    let (reals, indices) = (black_box(reals), black_box(indices));
    let Some((data, rest)) = reals.split_at_mut_checked(DATA) else { return };
    let Some((x, work)) = rest.split_at_mut_checked(X) else { return };
    // Numbers in (−1, 1) that both precisions hold.
    let mut state = 12345_u32;
    for value in &mut *data {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        *value = (T::from_u32(state >> 16) - T::from_u32(1 << 15)) / T::from_u32(1 << 15);
    }
    let methods: [(&'static str, Method<T>); 19] = [
        ("lasso, best variable", lasso),
        ("lasso, sparse columns, in turn", sparse_lasso),
        ("elastic net, shuffled, prox-Newton", net),
        ("non-negative, best three, two-metric", positive),
        ("interval, tournament, face, gap", interval),
        ("group, best block", group),
        ("simplex, backtracking", simplex),
        ("logistic, best exact block, Newton", logistic),
        ("softmax, hard threshold, matrix", softmax),
        ("Huber, random variables", huber),
        ("dense quadratic, drawn by curvature", quadratic),
        ("pairs", sum),
        ("labels, best forest", forest),
        ("labels, trees in turn", trees),
        ("labels, colours and random forests", colours),
        ("labels, red-black and combs", lattice),
        ("lasso by working sets", working_sets),
        ("groups, and sweeps", grouped),
        ("labels by working sets", labelled),
    ];
    for (name, method) in methods {
        x.fill(T::ZERO);
        let result = method(data, x, work, indices);
        let (steps, answer) = result.unwrap_or((u32::MAX, 0));
        found(Outcome { name, steps, answer });
    }
}

fn stop<T: Real>() -> Stop<T> {
    Stop { max_steps: 5000, ..Stop::relative(T::from_f64(1e-4)) }
}

/// One solve; a run that did not converge counts as no answer.
fn solve<T: Real, L: Loss<T>, H: Penalty<T>, S: Selection<T>, U: Update<T>>(
    (loss, penalty): (&L, &H),
    (select, update): (S, U),
    measure: Measure,
    x: &mut [T],
    (work, indices): (&mut [T], &mut [u32]),
) -> Found {
    let x = x.get_mut(..loss.variables()).unwrap_or(&mut []);
    let problem = Problem::new(loss, penalty)?;
    let mut scheme = Scheme { select, update };
    let workspace = Workspace::new(&problem, &scheme, work, indices)?;
    let options = Options { stop: stop(), measure };
    let outcome = descent::solve(&problem, &options, &mut scheme, x, workspace, &mut ())?;
    let mut hash = Fnv::default();
    hash.reals(x);
    hash.reals(&[outcome.objective]);
    Ok((if outcome.report.converged() { outcome.report.steps } else { u32::MAX }, hash.value()))
}

/// Two answers as one.
fn both((steps, answer): (u32, u64), (more, other): (u32, u64)) -> (u32, u64) {
    (if more == u32::MAX { more } else { steps.saturating_add(more) }, answer ^ other.rotate_left(1))
}

fn parts<T: Real>(data: &[T]) -> Result<(Columns<'_, T>, &[T]), Error> {
    let (design, target) = data.split_at_checked(black_box(ROWS * COLUMNS)).unwrap_or_default();
    Ok((Columns::new(design, black_box(ROWS), black_box(COLUMNS))?, target))
}

fn small<T: Real>() -> T {
    T::from_f64(0.125)
}

fn rng() -> Xoshiro256PlusPlus {
    Xoshiro256PlusPlus::seed_from_u64(black_box(5))
}

fn thirds(variables: usize) -> Result<Partition<'static>, Error> {
    Partition::consecutive(black_box(variables), black_box(3))
}

#[inline(never)]
fn lasso<T: Real>(data: &[T], x: &mut [T], work: &mut [T], indices: &mut [u32]) -> Found {
    let (design, target) = parts(data)?;
    let loss = LeastSquares::new(design, target)?;
    let select = GreedyVariable::one(black_box(Score::Progress));
    solve((&loss, &L1::new(small::<T>())), (select, Gradient), Measure::Violation, x, (work, indices))
}

#[inline(never)]
fn sparse_lasso<T: Real>(data: &[T], x: &mut [T], work: &mut [T], indices: &mut [u32]) -> Found {
    // Column j has the rows j … j + 2.
    let offsets: [u32; COLUMNS + 1] = black_box(core::array::from_fn(|j| 3 * j as u32));
    let rows: [u32; 3 * COLUMNS] = black_box(core::array::from_fn(|k| (k / 3 + k % 3) as u32));
    let (values, target) = (data.get(..3 * COLUMNS), data.get(ROWS * COLUMNS..));
    let design = Csc::new(&offsets, &rows, values.unwrap_or(&[]), ROWS)?;
    let loss = LeastSquares::new(design, target.unwrap_or(&[]))?;
    let curvatures: [T; COLUMNS] = core::array::from_fn(|i| loss.lipschitz(i));
    let mut storage = [0; 2 * COLUMNS + COLUMNS + 1];
    let partition = Partition::averaged(&curvatures, black_box(1), &mut storage)?;
    let scheme = (Cyclic::new(partition), Gradient);
    solve((&loss, &L1::new(small::<T>())), scheme, Measure::Violation, x, (work, indices))
}

#[inline(never)]
fn net<T: Real>(data: &[T], x: &mut [T], work: &mut [T], indices: &mut [u32]) -> Found {
    let (design, target) = parts(data)?;
    let loss = LeastSquares::new(design, target)?;
    let penalty = ElasticNet::new(small::<T>(), small::<T>());
    let scheme = (Shuffled::new(thirds(COLUMNS)?, rng()), ProxNewton::default());
    solve((&loss, &penalty), scheme, Measure::Violation, x, (work, indices))
}

#[inline(never)]
fn positive<T: Real>(data: &[T], x: &mut [T], work: &mut [T], indices: &mut [u32]) -> Found {
    let (design, target) = parts(data)?;
    let loss = LeastSquares::new(design, target)?;
    let scheme = (GreedyVariable::new(black_box(3), Score::DiagonalProgress), TwoMetric::default());
    solve((&loss, &NonNegative::new(small::<T>())), scheme, Measure::Violation, x, (work, indices))
}

/// The second differences of a line, with a little on the diagonal, by rows.
fn line<T: Real>() -> ([u32; X + 1], [u32; 3 * X], [T; 3 * X]) {
    let (mut offsets, mut columns, mut values) = ([0; X + 1], [0; 3 * X], [T::ZERO; 3 * X]);
    let mut entries = columns.iter_mut().zip(values.iter_mut());
    let mut end = 0_u32;
    for (i, offset) in offsets.iter_mut().skip(1).enumerate() {
        for j in [i.wrapping_sub(1), i, i + 1].into_iter().filter(|&j| j < X) {
            if let Some((column, value)) = entries.next() {
                (*column, *value) = (j as u32, if i == j { T::from_f64(2.25) } else { -T::ONE });
                end += 1;
            }
        }
        *offset = end;
    }
    (black_box(offsets), black_box(columns), black_box(values))
}

#[inline(never)]
fn interval<T: Real>(data: &[T], x: &mut [T], work: &mut [T], indices: &mut [u32]) -> Found {
    let (offsets, columns, values) = line::<T>();
    let len = offsets.last().copied().unwrap_or(0) as usize;
    let (columns, values) = (columns.get(..len).unwrap_or(&[]), values.get(..len).unwrap_or(&[]));
    let loss = Quadratic::new(Csr::new(&offsets, columns, values)?, data.get(..X).unwrap_or(&[]))?;
    let bounds = Interval::new(-small::<T>(), T::HALF);
    let scheme = (Face::new(Tournament::new(Score::Progress), 4, X), TwoMetric::default());
    solve((&loss, &bounds), scheme, Measure::Gap, x, (work, indices))
}

#[inline(never)]
fn group<T: Real>(data: &[T], x: &mut [T], work: &mut [T], indices: &mut [u32]) -> Found {
    let (design, target) = parts(data)?;
    let loss = LeastSquares::new(design, target)?;
    let scheme = (Greedy::new(thirds(COLUMNS)?, black_box(Score::Progress)), Gradient);
    solve((&loss, &Group::new(small::<T>())), scheme, Measure::Violation, x, (work, indices))
}

#[inline(never)]
fn simplex<T: Real>(data: &[T], x: &mut [T], work: &mut [T], indices: &mut [u32]) -> Found {
    let (design, target) = parts(data)?;
    let loss = LeastSquares::new(design, target)?;
    let scheme = (Uniform::new(thirds(COLUMNS)?, rng()), Backtracking::default());
    solve((&loss, &Simplex::new(T::ONE)), scheme, Measure::Violation, x, (work, indices))
}

#[inline(never)]
fn logistic<T: Real>(data: &[T], x: &mut [T], work: &mut [T], indices: &mut [u32]) -> Found {
    let (design, _) = parts(data)?;
    // More samples than can be told apart by so few features.
    let design = design.column(0).len().min(ROWS);
    let view = Columns::new(data.get(..3 * design).unwrap_or(&[]), design, 3)?;
    let labels: [T; ROWS] = black_box(core::array::from_fn(|i| if i % 3 == 0 { T::ONE } else { -T::ONE }));
    let loss = Logistic::new(view, &labels)?;
    let scheme = (GreedyQuadratic::new(Partition::consecutive(3, black_box(2))?), Newton::default());
    solve((&loss, &Free), scheme, Measure::Violation, x, (work, indices))
}

#[inline(never)]
fn softmax<T: Real>(data: &[T], x: &mut [T], work: &mut [T], indices: &mut [u32]) -> Found {
    let view = Columns::new(data.get(..2 * ROWS).unwrap_or(&[]), black_box(ROWS), 2)?;
    let labels: [u32; ROWS] = black_box(core::array::from_fn(|i| i as u32 % 3));
    let loss = Softmax::new::<T>(view, black_box(3), &labels)?;
    let scheme = (HardThreshold::new(black_box(2), black_box(Start::Dense)), Matrix);
    solve((&loss, &Free), scheme, Measure::Violation, x, (work, indices))
}

#[inline(never)]
fn huber<T: Real>(data: &[T], x: &mut [T], work: &mut [T], indices: &mut [u32]) -> Found {
    let (design, target) = parts(data)?;
    let loss = Huber::new(design, target, T::HALF)?;
    let scheme = (RandomVariable::new(COLUMNS, black_box(3), rng()), ProxNewton::default());
    solve((&loss, &L1::new(small::<T>())), scheme, Measure::Violation, x, (work, indices))
}

#[inline(never)]
fn quadratic<T: Real>(data: &[T], x: &mut [T], work: &mut [T], indices: &mut [u32]) -> Found {
    let matrix = dense::<T>();
    let view = Dense::new(&matrix, COLUMNS, COLUMNS)?;
    let loss = Quadratic::new(view, data.get(..COLUMNS).unwrap_or(&[]))?;
    let curvatures: [T; COLUMNS] = core::array::from_fn(|i| loss.lipschitz(i));
    let mut storage = [0; Partition::required_len(COLUMNS, 4)];
    let partition = Partition::sorted(&curvatures, black_box(2), &mut storage)?;
    let scheme = (Proportional::new(partition, rng()), Matrix);
    solve((&loss, &Free), scheme, Measure::Violation, x, (work, indices))
}

/// 1/(1 + |i − j|), and a growing diagonal.
fn dense<T: Real>() -> [T; COLUMNS * COLUMNS] {
    black_box(core::array::from_fn(|k| {
        let (i, j) = (k / COLUMNS, k % COLUMNS);
        let diagonal = if i == j { T::from_usize(1 + i) } else { T::ZERO };
        diagonal + T::ONE / T::from_usize(1 + i.abs_diff(j))
    }))
}

#[inline(never)]
fn sum<T: Real>(data: &[T], x: &mut [T], work: &mut [T], _: &mut [u32]) -> Found {
    let matrix = dense::<T>();
    let view = Dense::new(&matrix, COLUMNS, COLUMNS)?;
    let loss = Quadratic::new(view, data.get(..COLUMNS).unwrap_or(&[]))?;
    let problem = pairs::Problem::new(&loss, Interval::new(T::ZERO, T::HALF), T::ONE)?;
    let x = x.get_mut(..COLUMNS).unwrap_or(&mut []);
    let report = pairs::solve(&problem, &stop(), x, pairs::Workspace::new(&problem, work)?, &mut ())?;
    let mut hash = Fnv::default();
    hash.reals(x);
    Ok((if report.converged() { report.steps } else { u32::MAX }, hash.value()))
}

/// What the methods on a lattice do with its quadratic.
type OnLattice<T> = fn(&Quadratic<'_, T, Csr<'_, T>>, &[u32], &mut [T], (&mut [T], &mut [u32])) -> Found;

const LABELLED: usize = 4;

/// A lattice with labels in four vertices.
fn labels<T: Real>(x: &mut [T], work: &mut [T], indices: &mut [u32], then: OnLattice<T>) -> Found {
    let (mut offsets, mut columns) = ([0_u32; X + 1], [0_u32; LATTICE_EDGES]);
    let mut out = columns.iter_mut();
    let mut end = 0;
    for (k, offset) in offsets.iter_mut().skip(1).enumerate() {
        let (row, column) = (k % SIDE, k / SIDE);
        let neighbours = [
            (column > 0, k.wrapping_sub(SIDE)),
            (row > 0, k.wrapping_sub(1)),
            (row + 1 < SIDE, k + 1),
            (column + 1 < SIDE, k + SIDE),
        ];
        for (_, j) in neighbours.into_iter().filter(|(there, _)| *there) {
            if let Some(out) = out.next() {
                (*out, end) = (j as u32, end + 1);
            }
        }
        *offset = end;
    }
    let weights = black_box([T::ONE; LATTICE_EDGES]);
    let graph = Csr::new(&offsets, &columns, &weights)?;
    let labelled: [u32; LABELLED] = black_box([0, 7, 18, 22]);
    let values: [T; LABELLED] = black_box([T::ONE, -T::ONE, T::HALF, -T::TWO]);
    let (numbers, places) = label_propagation_len(X, LATTICE_EDGES, LABELLED);
    let (numbers, work) = work.split_at_mut_checked(numbers).unwrap_or_default();
    let (places, indices) = indices.split_at_mut_checked(places).unwrap_or_default();
    let (loss, vertices) = label_propagation(&graph, &labelled, &values, numbers, places)?;
    then(&loss, vertices, x, (work, indices))
}

#[inline(never)]
fn forest<T: Real>(_: &[T], x: &mut [T], work: &mut [T], indices: &mut [u32]) -> Found {
    labels(x, work, indices, |loss, _, x, memory| {
        let scheme = (GreedyForest::new(loss.variables(), black_box(Score::Violation)), MessagePassing);
        solve((loss, &Free), scheme, Measure::Violation, x, memory)
    })
}

#[inline(never)]
fn trees<T: Real>(_: &[T], x: &mut [T], work: &mut [T], indices: &mut [u32]) -> Found {
    labels(x, work, indices, |loss, _, x, memory| {
        let mut storage = [0; Partition::graph_len(X)];
        let trees = Partition::forests(loss.matrix(), black_box(Visit::Descending), &mut storage)?;
        solve((loss, &Free), (Cyclic::new(trees), MessagePassing), Measure::Violation, x, memory)
    })
}

#[inline(never)]
fn colours<T: Real>(_: &[T], x: &mut [T], work: &mut [T], indices: &mut [u32]) -> Found {
    labels(x, work, indices, |loss, _, x, (work, indices)| {
        let mut storage = [0; Partition::graph_len(X)];
        let colours = Partition::coloured(loss.matrix(), black_box(Visit::InOrder), &mut storage)?;
        let scheme = (Cyclic::new(colours), MessagePassing);
        let first = solve((loss, &Free), scheme, Measure::Violation, x, (&mut *work, &mut *indices))?;
        x.fill(T::ZERO);
        let scheme = (RandomForest::new(loss.variables(), rng()), MessagePassing);
        Ok(both(first, solve((loss, &Free), scheme, Measure::Violation, x, (work, indices))?))
    })
}

/// Blocks of the lattice without its labelled vertices.
fn without<'s>(
    lattice: &Partition<'_>,
    vertices: &[u32],
    order: &'s mut [u32],
    offsets: &'s mut [u32],
) -> Result<Partition<'s>, Error> {
    let (mut block, mut end) = ([0; X], 0_usize);
    for (number, offset) in offsets.iter_mut().skip(1).enumerate() {
        let len = lattice.fill(number, &mut block);
        for vertex in block.iter().take(len) {
            if let (Ok(i), Some(out)) = (vertices.binary_search(vertex), order.get_mut(end)) {
                (*out, end) = (i as u32, end + 1);
            }
        }
        *offset = end as u32;
    }
    Partition::new(offsets, order.get(..end).unwrap_or(&[]), &mut [0; 1])
}

#[inline(never)]
fn lattice<T: Real>(_: &[T], x: &mut [T], work: &mut [T], indices: &mut [u32]) -> Found {
    labels(x, work, indices, |loss, vertices, x, (work, indices)| {
        let mut storage = [0; Partition::required_len(X, 2)];
        let (mut order, mut offsets) = ([0; X], [0; 3]);
        let red = Partition::red_black(black_box(SIDE), black_box(SIDE), &mut storage)?;
        let blocks = without(&red, vertices, &mut order, &mut offsets)?;
        let scheme = (Cyclic::new(blocks), MessagePassing);
        let first = solve((loss, &Free), scheme, Measure::Violation, x, (&mut *work, &mut *indices))?;
        x.fill(T::ZERO);
        let combs = Partition::combs(black_box(SIDE), black_box(SIDE), &mut storage)?;
        let blocks = without(&combs, vertices, &mut order, &mut offsets)?;
        let scheme = (Cyclic::new(blocks), MessagePassing);
        Ok(both(first, solve((loss, &Free), scheme, Measure::Violation, x, (work, indices))?))
    })
}

fn working_sets<T: Real>(data: &[T], x: &mut [T], work: &mut [T], indices: &mut [u32]) -> Found {
    let (design, target) = parts(data)?;
    regression::lasso(design, target, x, (work, indices))
}

fn grouped<T: Real>(data: &[T], x: &mut [T], work: &mut [T], indices: &mut [u32]) -> Found {
    let (design, target) = parts(data)?;
    regression::groups(design, target, x, (work, indices))
}

fn labelled<T: Real>(data: &[T], x: &mut [T], work: &mut [T], indices: &mut [u32]) -> Found {
    let (design, target) = parts(data)?;
    regression::labels::<T, ROWS>(design, target, x, (work, indices))
}
