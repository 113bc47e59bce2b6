//! Products of designs, and fits by them.

use southwell::Real;
use southwell::descent::sparse_regression::{Options, Penalty, Problem, Workspace, solve};
use southwell::linear::{Columns, Csc, Design};
use southwell_std::threads::Threaded;

use super::{bits, in_both, noise, pools};

fn fit<A: Design<f64>>(design: &A, y: &[f64]) -> Vec<u64> {
    let problem = Problem::least_squares(design, y, Penalty::Lasso { lambda: 8.0 }).expect("a problem");
    let (n, p) = problem.shape();
    let capacity = p.min(200);
    let mut storage = vec![f64::NAN; Workspace::<f64>::required_len(n, p, capacity)];
    let mut indices = vec![0; Workspace::<f64>::required_indices(p, capacity)];
    let workspace = Workspace::new(&problem, capacity, &mut storage, &mut indices).expect("long enough");
    let mut w = vec![0.0; p];
    let outcome = solve(&problem, &Options::default(), &mut w, workspace, &mut ()).expect("valid");
    assert!(outcome.report.converged() && w.iter().any(|&w| w != 0.0));
    bits(&w)
}

mod check {
    use super::*;

    /// Products with all columns on threads, and with the columns from one on, are those of the design.
    fn agree<T: Real>(design: impl Design<T> + Copy + Sync, v: &[T]) {
        let (n, p) = (v.len(), design.columns());
        let mut expected = vec![T::NAN; p];
        design.transposed(v, &mut expected);
        for pool in &pools() {
            let mut out = vec![T::NAN; p];
            Threaded::new(pool, design).transposed(v, &mut out);
            assert!(bits(&out) == bits(&expected), "{n} x {p}, {} threads", pool.threads());
        }
        for first in [0, 1, p / 2, p] {
            let mut part = vec![T::NAN; p - first];
            design.transposed_from(first, v, &mut part);
            assert!(bits(&part) == bits(&expected[first..]), "{n} x {p} from {first}");
        }
    }

    pub(super) fn products<T: Real>() {
        for (n, p) in [(0, 5), (1, 1), (63, 65), (65, 1021), (1021, 63), (3, 50_000)] {
            let values = noise::<T>(1, n * p);
            let v = noise::<T>(2, n);
            let design = Columns::new(&values, n, p).expect("a design");
            agree(design, &v);
        }
    }

    pub(super) fn sparse_products<T: Real>() {
        for (n, p) in [(1, 1), (65, 1021), (300, 5000)] {
            // Columns of 0 to 12 entries.
            let (mut offsets, mut indices) = (vec![0], Vec::new());
            for j in 0..p {
                indices.extend((0..n).filter(|i| (i * 31 + j * 17) % n.max(13) < j % 13).map(|i| i as u32));
                offsets.push(indices.len() as u32);
            }
            let (values, v) = (noise::<T>(1, indices.len()), noise::<T>(2, n));
            let design = Csc::new(&offsets, &indices, &values, n).expect("a design");
            agree(design, &v);
        }
    }
}

in_both! { products sparse_products }

#[test]
fn a_lasso_is_the_same_on_threads() {
    let (n, p) = (120, 1021);
    let values = noise::<f64>(5, n * p);
    let y: Vec<f64> =
        (0..n).map(|i| 3.0 * values[i] - 2.0 * values[7 * n + i] + values[19 * n + i]).collect();
    let dense = Columns::new(&values, n, p).expect("a design");
    let offsets: Vec<u32> = (0..=p).map(|j| (j * n) as u32).collect();
    let indices: Vec<u32> = (0..p).flat_map(|_| 0..n as u32).collect();
    let sparse = Csc::new(&offsets, &indices, &values, n).expect("a design");
    let (by_columns, by_entries) = (fit(&dense, &y), fit(&sparse, &y));
    for pool in &pools() {
        assert!(fit(&Threaded::new(pool, &dense), &y) == by_columns, "{} threads", pool.threads());
        assert!(fit(&Threaded::new(pool, &sparse), &y) == by_entries, "{} threads", pool.threads());
    }
}
