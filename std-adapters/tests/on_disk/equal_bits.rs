//! Every view against the one in memory, bit for bit, whatever the type of the file and the size of the blocks.

use southwell::descent::sparse_regression::{self, Penalty};
use southwell::linear::{Columns, Design};
use southwell::omega::Eager;
use southwell::subgradient::matrix::operator::{Dense, Operator};
use southwell::subgradient::matrix::{self, Shape};
use southwell::subgradient::{Oracle, Quantile, Table};
use southwell::transport::certificate::{certify, certify_len, evaluate, evaluate_len};
use southwell::transport::{Cost, DenseCost, Potentials, Problem, newton, sinkhorn, unbalanced};
use southwell::{Real, Stop};
use southwell_std::on_disk::{DiskCost, DiskDesign, DiskMeasurements, DiskQuantile, Element, Rows};

use super::common::{Folder, random, rows, uniform};

const N: usize = 61;
const M: usize = 47;

fn cast<T: Real>(values: &[f64]) -> Vec<T> {
    values.iter().map(|&value| T::from_f64(value)).collect()
}

fn bits<T: Real>(values: &[T]) -> Vec<u64> {
    values.iter().map(|value| value.to_f64().to_bits()).collect()
}

/// What solvers and certificates make of costs.
fn transported<T: Real, C: Cost<T>>(cost: &C) -> Vec<Vec<u64>> {
    let (a, b) = (cast::<T>(&uniform(N)), cast::<T>(&uniform(M)));
    let epsilon = T::from_f64(0.02);
    let problem = Problem::new(cost, &a, &b, epsilon).expect("a problem");
    let stop = Stop { max_steps: 40, ..Stop::relative(T::from_f64(1e-5)) };
    let mut all = Vec::new();

    let (mut f, mut g) = (vec![T::ZERO; N], vec![T::ZERO; M]);
    let mut storage = vec![T::NAN; sinkhorn::Workspace::<T>::required_len(N, M, cost.scratch_len())];
    let workspace = sinkhorn::Workspace::new(&problem, &mut storage).expect("memory");
    let x = Potentials { f: &mut f, g: &mut g };
    let (options, mut rule) = (sinkhorn::Options { stop }, Eager::default());
    let report = sinkhorn::solve(&problem, &options, &mut rule, x, workspace, &mut ()).expect("a run");
    all.extend([bits(&f), bits(&g), bits(&[report.residual])]);

    let mut storage = vec![T::NAN; certify_len(N, M, cost.is_stored())];
    let found = certify(&problem, &f, &g, &mut storage).expect("a certificate");
    let mut storage = vec![T::NAN; evaluate_len(M, cost.is_stored())];
    let value = evaluate(&problem, &f, &g, &mut storage).expect("a value");
    all.push(bits(&[found.dual, found.primal, found.lower, found.upper, value.cost, value.error()]));

    let entries = 8 * N;
    let (mut f, mut g) = (vec![T::ZERO; N], vec![T::ZERO; M]);
    let mut storage = vec![T::NAN; newton::Workspace::<T>::required_len(N, M, cost.scratch_len(), entries)];
    let mut indices = vec![0; newton::Workspace::<T>::required_indices(N, M, entries)];
    let workspace = newton::Workspace::new(&problem, entries, &mut storage, &mut indices).expect("memory");
    let x = Potentials { f: &mut f, g: &mut g };
    let options = newton::Options { stop, ..newton::Options::default() };
    newton::solve(&problem, &options, x, workspace, &mut ()).expect("a run");
    all.extend([bits(&f), bits(&g)]);

    let rho = T::from_f64(0.1);
    let problem = unbalanced::Problem::new(cost, &a, &b, epsilon, (rho, rho)).expect("a problem");
    let (mut f, mut g) = (vec![T::ZERO; N], vec![T::ZERO; M]);
    let mut storage = vec![T::NAN; unbalanced::Workspace::<T>::required_len(N, M, cost.scratch_len())];
    let workspace = unbalanced::Workspace::new(&problem, &mut storage).expect("memory");
    let x = Potentials { f: &mut f, g: &mut g };
    let options = unbalanced::Options { stop, ..unbalanced::Options::default() };
    unbalanced::solve(&problem, &options, x, workspace, &mut ()).expect("a run");
    all.extend([bits(&f), bits(&g)]);
    all
}

fn costs<T: Element>(descr: &str) {
    let folder = Folder::new();
    // What every type can say.
    let values: Vec<f64> = random(1, N * M).iter().map(|v| f64::from((v * 200.0) as u8)).collect();
    let path = folder.array("c.npy", descr, false, &[N, M], &values);
    let stored = cast::<T>(&values);
    let memory = transported(&DenseCost::new(&stored, N, M, M).expect("costs"));
    for bytes in [1, 1000, 7000, 1 << 20] {
        let rows = Rows::<T>::open(&path).and_then(|rows| rows.in_blocks_of(bytes)).expect("a file");
        let cost = DiskCost::new(rows).expect("costs");
        assert_eq!(cost.largest().to_f64(), values.iter().fold(0.0, |x, &y| f64::max(x, y)));
        assert!(transported(&cost) == memory, "{descr}, blocks of {bytes}");
        assert!(cost.file().fault().is_none());
    }
}

#[test]
fn costs_of_every_type() {
    for descr in ["<f8", ">f8", "<f4", "<u2"] {
        costs::<f64>(descr);
    }
    costs::<f32>("<f8");
    costs::<f32>("<f4");
}

/// A row is what it is, in whatever order rows are asked for.
#[test]
fn rows_in_any_order() {
    let folder = Folder::new();
    let values = random(2, N * M);
    let cost = DiskCost::<f64>::new(rows(&folder.matrix("c.npy", N, M, &values))).expect("costs");
    let order = [0, 1, 2, 3, 60, 0, 1, 17, 18, 19, 20, 5, 4, 3, 59, 60, 60, 30];
    let mut buffer = vec![f64::NAN; M];
    for i in order {
        assert_eq!(cost.row(i, &mut buffer), &values[i * M..][..M], "row {i}");
        if i == 18 {
            let mut columns = vec![0.0; M];
            cost.pass(1.0, &[0.0; M], &mut |_, _, _| 1.0, &mut columns, &mut buffer);
        }
    }
}

#[test]
fn a_design() {
    let folder = Folder::new();
    let (n, p) = (N, 83);
    let values: Vec<f64> = random(3, n * p).iter().map(|v| v - 0.5).collect();
    let y: Vec<f64> = (0..n).map(|i| values[i] * 3.0 - values[5 * n + i] + 0.1 * values[9 * n + i]).collect();
    let path = folder.array("x.npy", "<f8", true, &[n, p], &values);
    let memory = Columns::new(&values, n, p).expect("a design");
    for (bytes, budget) in [(1, 0), (1500, 4 * 8 * n), (1 << 20, 1 << 20)] {
        let file =
            Rows::<f64>::open_columns(&path).and_then(|rows| rows.in_blocks_of(bytes)).expect("a file");
        let disk = DiskDesign::new(file, budget).expect("a design");
        assert_eq!((Design::rows(&disk), Design::columns(&disk)), (n, p));
        let x = random(4, p);
        for (j, k) in [(0, 1), (1, 2), (2, 2), (82, 0), (40, 41), (7, 7), (83, 0)] {
            assert_eq!(disk.dot(j, &y).to_bits(), memory.dot(j, &y).to_bits());
            assert_eq!(disk.gram(j, k).to_bits(), memory.gram(j, k).to_bits());
            assert_eq!(disk.weighted_gram(j, k, &y).to_bits(), memory.weighted_gram(j, k, &y).to_bits());
            let (mut ours, mut theirs) = (y.clone(), y.clone());
            disk.add_scaled(j, 0.3, &mut ours);
            memory.add_scaled(j, 0.3, &mut theirs);
            assert_eq!(ours, theirs);
            let mut entries = Vec::new();
            disk.visit(j, |i, a| entries.push((i, a)));
            assert_eq!(entries.len(), if j < p { n } else { 0 });
        }
        let (mut ours, mut theirs) = (vec![f64::NAN; p], vec![f64::NAN; p]);
        disk.transposed(&y, &mut ours);
        memory.transposed(&y, &mut theirs);
        assert_eq!(bits(&ours), bits(&theirs));
        let (mut ours, mut theirs) = (vec![f64::NAN; n], vec![f64::NAN; n]);
        disk.apply(&x, &mut ours);
        memory.apply(&x, &mut theirs);
        assert_eq!(bits(&ours), bits(&theirs));
        assert!(fitted(&disk, &y) == fitted(&memory, &y), "blocks of {bytes}");
    }
}

/// The weights of a lasso, and how it ended.
fn fitted<A: Design<f64>>(design: &A, y: &[f64]) -> (Vec<u64>, u32) {
    let (n, p) = (design.rows(), design.columns());
    let penalty = |lambda| Penalty::Lasso { lambda };
    let problem = sparse_regression::Problem::least_squares(design, y, penalty(1.0)).expect("a problem");
    let problem = problem.with_lambda(problem.lambda_max() / 50.0).expect("a problem");
    let capacity = 40;
    let mut reals = vec![f64::NAN; sparse_regression::Workspace::<f64>::required_len(n, p, capacity)];
    let mut indices = vec![0; sparse_regression::Workspace::<f64>::required_indices(p, capacity)];
    let workspace = sparse_regression::Workspace::new(&problem, capacity, &mut reals, &mut indices);
    let (mut w, options) = (vec![0.0; p], sparse_regression::Options::default());
    let outcome = sparse_regression::solve(&problem, &options, &mut w, workspace.expect("memory"), &mut ());
    let outcome = outcome.expect("a run");
    assert!(outcome.report.converged());
    (bits(&w), outcome.report.steps)
}

#[test]
fn measurements() {
    let folder = Folder::new();
    let (count, d1, d2) = (150, 6, 5);
    let values: Vec<f64> = random(5, count * d1 * d2).iter().map(|v| v - 0.5).collect();
    let (u, v) = (random(6, d1), random(7, d2));
    let product = |a: &[f64]| (0..d1 * d2).map(|k| a[k] * u[k / d2] * v[k % d2]).sum::<f64>();
    let mut y: Vec<f64> = values.chunks(d1 * d2).map(product).collect();
    y.iter_mut().step_by(7).for_each(|y| *y += 30.0);
    let memory = recovered(&Dense::new(&values, d1, d2).expect("measurements"), &y);
    for shape in [&[count, d1, d2][..], &[count, d1 * d2]] {
        for bytes in [1, 1000, 1 << 20] {
            let path = folder.array("a.npy", "<f8", false, shape, &values);
            let file = Rows::<f64>::open(&path).and_then(|rows| rows.in_blocks_of(bytes)).expect("a file");
            let disk = DiskMeasurements::new(file, d1, d2).expect("measurements");
            assert_eq!((disk.count(), disk.dimensions()), (count, (d1, d2)));
            assert!(recovered(&disk, &y) == memory, "{shape:?}, blocks of {bytes}");
        }
    }
}

/// The factors of a recovery, and a pass by single rows.
fn recovered<A: Operator<f64>>(operator: &A, y: &[f64]) -> [Vec<u64>; 2] {
    let (d1, d2) = operator.dimensions();
    let shape = Shape::general(d1, d2, 2);
    let problem = matrix::Problem::general(operator, y, 2).expect("a problem");
    let length = matrix::Workspace::<f64>::required_len(shape, false, operator.scratch_len(shape));
    let mut storage = vec![f64::NAN; length];
    let workspace = matrix::Workspace::new(&problem, false, &mut storage).expect("memory");
    let mut x = vec![0.0; shape.unknowns()];
    matrix::solve(&problem, &matrix::Options::default(), &mut x, workspace, &mut ()).expect("a run");

    let (mut scratch, mut values) =
        (vec![f64::NAN; operator.scratch_len(shape)], vec![f64::NAN; shape.unknowns()]);
    let (factors, mut gradient) = (shape.factors(&x), shape.gradient(&mut values));
    operator.open(factors, &mut scratch, &mut gradient);
    let mut sum = 0.0;
    for i in 0..operator.count() {
        let product = operator.apply_row(i, factors, &mut scratch);
        operator.accumulate(i, product, factors, &mut scratch, &mut gradient);
        sum += product;
    }
    operator.close(0.5, factors, &mut scratch, &mut gradient);
    values.push(sum);
    values.extend_from_slice(operator.formed(shape, &scratch).expect("Q is formed"));
    [bits(&x), bits(&values)]
}

#[test]
fn a_robust_fit() {
    let folder = Folder::new();
    let (n, p) = (N, 7);
    let values = random(8, n * p);
    let mut y = random(9, n);
    y[3] = 1e3;
    let file = rows::<f64>(&folder.matrix("x.npy", n, p, &values));
    let mut memory = Quantile::new(Table::new(&values, n, p).expect("rows"), &y, 0.3).expect("a loss");
    let mut disk = DiskQuantile::new(&file, &y, 0.3).expect("a loss");
    assert_eq!((disk.dimension(), Oracle::<f64>::floor(&disk)), (p, 0.0));
    for seed in 10..14 {
        let beta = random(seed, p);
        let (mut ours, mut theirs) = (vec![f64::NAN; p], vec![f64::NAN; p]);
        let values =
            [disk.value_and_subgradient(&beta, &mut ours), memory.value_and_subgradient(&beta, &mut theirs)];
        assert_eq!(values[0].to_bits(), values[1].to_bits());
        assert_eq!(bits(&ours), bits(&theirs));
    }
}
