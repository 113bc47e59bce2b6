//! Owned systems against a dense LU factorisation, and what they refuse.

use southwell::relaxation::{Auto, Fixed};
use southwell::{DiagonalFault, Error, Progress, Status, Stop};
use southwell_std::files::SparseMatrix;
use southwell_std::owned::{Method, Solution, System};

const METHODS: [Method; 6] =
    [Method::Sor, Method::Ssor, Method::SsorCg, Method::Cg, Method::RedBlack, Method::Multicolour];

/// Numbers in [0, 1), the same on every machine (a 64-bit linear congruence).
struct Draw(u64);

impl Draw {
    fn next(&mut self) -> f64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 11) as f64 / (1_u64 << 53) as f64
    }
}

/// The entries of a dense matrix that are not zero.
fn sparse(dense: &[Vec<f64>]) -> SparseMatrix {
    let mut matrix = SparseMatrix { rows: dense.len(), columns: dense.len(), ..SparseMatrix::default() };
    matrix.row_offsets.push(0);
    for row in dense {
        for (column, &value) in row.iter().enumerate().filter(|(_, value)| **value != 0.0) {
            matrix.column_indices.push(column as u32);
            matrix.values.push(value);
        }
        matrix.row_offsets.push(matrix.values.len() as u32);
    }
    matrix
}

/// A = G Gᵀ + I/10 with about `density` of G filled: symmetric positive definite.
fn positive_definite(n: usize, density: f64, draw: &mut Draw) -> Vec<Vec<f64>> {
    let mut factor = vec![vec![0.0; n]; n];
    for entry in factor.iter_mut().flatten() {
        let (filled, value) = (draw.next() < density, draw.next() - 0.5);
        if filled {
            *entry = value;
        }
    }
    let product = |i: usize, j: usize| factor[i].iter().zip(&factor[j]).map(|(a, b)| a * b).sum::<f64>();
    let entry = |i, j| product(i, j) + if i == j { 0.1 } else { 0.0 };
    (0..n).map(|i| (0..n).map(|j| entry(i, j)).collect()).collect()
}

/// A x = b by elimination with the largest pivot of each column.
fn eliminate(mut a: Vec<Vec<f64>>, mut b: Vec<f64>) -> Vec<f64> {
    let n = b.len();
    for k in 0..n {
        let pivot = (k..n).max_by(|&i, &j| a[i][k].abs().total_cmp(&a[j][k].abs())).expect("rows");
        a.swap(k, pivot);
        b.swap(k, pivot);
        let (upper, lower) = a.split_at_mut(k + 1);
        for (i, row) in lower.iter_mut().enumerate() {
            let factor = row[k] / upper[k][k];
            row.iter_mut().zip(&upper[k]).skip(k).for_each(|(a, p)| *a -= factor * p);
            b[k + 1 + i] -= factor * b[k];
        }
    }
    for k in (0..n).rev() {
        let known: f64 = (k + 1..n).map(|j| a[k][j] * b[j]).sum();
        b[k] = (b[k] - known) / a[k][k];
    }
    b
}

fn norm(v: impl Iterator<Item = f64>) -> f64 {
    v.map(|v| v * v).sum::<f64>().sqrt()
}

fn residual(dense: &[Vec<f64>], b: &[f64], x: &[f64]) -> f64 {
    norm(dense.iter().zip(b).map(|(row, b)| b - row.iter().zip(x).map(|(a, x)| a * x).sum::<f64>()))
}

fn stop(tolerance: f64) -> Stop<f64> {
    Stop { max_steps: 200_000, ..Stop::relative(tolerance) }
}

fn solve(system: &System, method: Method, omega: f64, stop: &Stop<f64>) -> Solution {
    system.solve(method, stop, &mut Fixed(omega), &mut ()).expect("a valid start")
}

#[test]
fn every_method_agrees_with_elimination() {
    let mut draw = Draw(1);
    for (n, density) in [(1, 1.0), (2, 1.0), (7, 0.5), (30, 0.08), (40, 0.3)] {
        let dense = positive_definite(n, density, &mut draw);
        let b: Vec<f64> = (0..n).map(|_| draw.next() - 0.5).collect();
        let exact = eliminate(dense.clone(), b.clone());
        let system = System::new(sparse(&dense), b.clone()).expect("a valid system");
        for method in METHODS {
            let solution = solve(&system, method, 1.2, &stop(1e-10));
            assert!(solution.report.converged(), "{method:?} {n} {:?}", solution.report);
            let recomputed = residual(&dense, &b, &solution.x);
            let scale = norm(b.iter().copied());
            assert!(recomputed <= 1.0001e-10 * scale, "{method:?} {n} {recomputed}");
            // ‖x − x*‖ ≤ ‖r‖/λ_min, and λ_min ≥ 1/10 by construction.
            let error = norm(solution.x.iter().zip(&exact).map(|(x, e)| x - e));
            assert!(error <= 1.1e-9 * scale, "{method:?} {n} {error}");
        }
    }
}

#[test]
fn omega_and_colours_are_told_where_there_are_any() {
    let dense = positive_definite(20, 0.1, &mut Draw(2));
    let system = System::new(sparse(&dense), vec![1.0; 20]).expect("a valid system");
    for method in METHODS {
        let solution = solve(&system, method, 1.3, &stop(1e-8));
        let coloured = matches!(method, Method::RedBlack | Method::Multicolour);
        assert_eq!(solution.colours.is_some(), coloured, "{method:?}");
        assert_eq!(solution.omega, (method != Method::Cg).then_some(1.3), "{method:?}");
    }
}

/// 4 on the diagonal, −1 between the rows of each pair, in the directions given.
fn coupled(n: usize, pairs: &[(usize, usize)], both: bool) -> Vec<Vec<f64>> {
    let mut dense = vec![vec![0.0; n]; n];
    (0..n).for_each(|i| dense[i][i] = 4.0);
    for &(i, j) in pairs {
        dense[i][j] = -1.0;
        if both {
            dense[j][i] = -1.0;
        }
    }
    dense
}

#[test]
fn a_bipartite_matrix_gets_red_and_black_in_any_numbering_and_others_get_more() {
    let path = [(0, 2), (2, 3), (3, 1)];
    let triangle = [(0, 1), (1, 2), (2, 0)];
    let colours = |n, pairs: &[_], both, method| {
        let system = System::new(sparse(&coupled(n, pairs, both)), vec![1.0; n]).expect("a valid system");
        let solution = solve(&system, method, 1.0, &stop(1e-8));
        assert!(solution.report.converged());
        solution.colours
    };
    for both in [false, true] {
        assert_eq!(colours(4, &path, both, Method::RedBlack), Some(2));
        // In natural order rows 0 and 1 take the first colour and part 2 from 3.
        assert_eq!(colours(4, &path, both, Method::Multicolour), Some(3));
        assert_eq!(colours(3, &triangle, both, Method::RedBlack), Some(3));
    }
}

#[test]
fn a_matrix_with_a_nonsymmetric_pattern_is_swept_in_any_order() {
    let mut draw = Draw(3);
    let n = 30;
    let mut dense = vec![vec![0.0; n]; n];
    for (i, row) in dense.iter_mut().enumerate() {
        for entry in row.iter_mut() {
            *entry = if draw.next() < 0.1 { draw.next() - 0.5 } else { 0.0 };
        }
        row[i] = 1.0 + row.iter().map(|a| a.abs()).sum::<f64>();
    }
    let b: Vec<f64> = (0..n).map(|_| draw.next()).collect();
    let exact = eliminate(dense.clone(), b.clone());
    let system = System::new(sparse(&dense), b).expect("a valid system");
    for method in [Method::Sor, Method::Ssor, Method::RedBlack, Method::Multicolour] {
        let solution = solve(&system, method, 1.0, &stop(1e-12));
        assert!(solution.report.converged(), "{method:?}");
        let error = norm(solution.x.iter().zip(&exact).map(|(x, e)| x - e));
        assert!(error < 1e-10, "{method:?} {error}");
    }
}

#[test]
fn what_makes_no_system_is_refused() {
    let good = || sparse(&coupled(3, &[(0, 1), (1, 2)], true));
    assert!(System::new(good(), vec![1.0; 3]).is_ok());
    let refused = |matrix, rhs| System::new(matrix, rhs).expect_err("no system");
    assert!(matches!(
        refused(SparseMatrix { columns: 4, ..good() }, vec![1.0; 3]),
        Error::Dimension { argument: "columns", expected: 3, given: 4 }
    ));
    assert!(matches!(
        refused(SparseMatrix { rows: 4, columns: 4, ..good() }, vec![1.0; 4]),
        Error::Dimension { argument: "row_offsets", expected: 5, given: 4 }
    ));
    assert!(matches!(refused(good(), vec![1.0; 2]), Error::Dimension { argument: "rhs", .. }));
    assert!(matches!(refused(good(), vec![1.0, f64::NAN, 1.0]), Error::Value { argument: "rhs", index: 1 }));
    assert!(matches!(refused(SparseMatrix::default(), vec![]), Error::Dimension { .. }));
    let mut infinite = good();
    infinite.values[2] = f64::INFINITY;
    assert!(matches!(refused(infinite, vec![1.0; 3]), Error::Value { argument: "values", index: 2 }));
    let mut unsorted = good();
    unsorted.column_indices.swap(0, 1);
    assert!(matches!(refused(unsorted, vec![1.0; 3]), Error::Structure { argument: "columns", .. }));
    let mut missing = coupled(3, &[(0, 1)], true);
    missing[2][2] = 0.0;
    assert!(matches!(
        refused(sparse(&missing), vec![1.0; 3]),
        Error::Diagonal { row: 2, fault: DiagonalFault::Missing }
    ));
}

#[test]
fn a_start_that_is_refused_computes_nothing() {
    let mut negative = coupled(3, &[(0, 1)], true);
    negative[1][1] = -4.0;
    let system = System::new(sparse(&negative), vec![1.0; 3]).expect("a valid system");
    let refused = |method, omega, stop: &Stop<f64>| {
        let solution = system.solve(method, stop, &mut Fixed(omega), &mut ());
        solution.expect_err("no start")
    };
    let not_positive = Error::Diagonal { row: 1, fault: DiagonalFault::NotPositive };
    assert_eq!(refused(Method::SsorCg, 1.0, &stop(1e-8)), not_positive);
    for omega in [0.0, 2.0, -1.0, f64::NAN] {
        assert!(matches!(refused(Method::Sor, omega, &stop(1e-8)), Error::Option { .. }), "{omega}");
    }
    assert!(matches!(refused(Method::Sor, 1.0, &stop(0.0)), Error::Option { .. }));
    assert!(matches!(refused(Method::Cg, 1.0, &stop(f64::NAN)), Error::Option { .. }));
}

#[test]
fn sweeps_that_diverge_leave_the_best_iterate_they_kept() {
    // The iteration matrix of Gauss–Seidel has radius 9 here.
    let dense = vec![vec![1.0, 3.0], vec![3.0, 1.0]];
    let b = [1.0, 1.0];
    let system = System::new(sparse(&dense), b.to_vec()).expect("a valid system");
    for method in [Method::Sor, Method::Ssor, Method::RedBlack, Method::Multicolour] {
        for max_steps in [20, 100_000] {
            let stop = Stop { max_steps, ..Stop::default() };
            let solution = solve(&system, method, 1.0, &stop);
            let expected = if max_steps == 20 { Status::StepLimit } else { Status::NotFinite };
            assert_eq!(solution.report.status, expected, "{method:?}");
            let recomputed = residual(&dense, &b, &solution.x);
            assert!(recomputed <= norm(b.into_iter()), "{method:?} {recomputed}");
            assert!((recomputed - solution.report.residual).abs() < 1e-12, "{method:?}");
        }
    }
}

#[test]
fn an_observer_ends_a_run_at_the_step_in_hand() {
    let system = System::new(sparse(&positive_definite(30, 0.2, &mut Draw(4))), vec![1.0; 30]);
    let system = system.expect("a valid system");
    for method in METHODS {
        let mut observer = |progress: &Progress<f64>| {
            if progress.step == 3 {
                std::ops::ControlFlow::Break(())
            } else {
                std::ops::ControlFlow::Continue(())
            }
        };
        let solution = system.solve(method, &stop(1e-14), &mut Fixed(1.0), &mut observer).expect("a start");
        assert_eq!((solution.report.status, solution.report.steps), (Status::Stopped, 3), "{method:?}");
        assert!(solution.x.iter().any(|&x| x != 0.0));
    }
}

#[test]
fn a_rule_goes_on_learning_from_system_to_system() {
    let dense = positive_definite(40, 0.1, &mut Draw(5));
    let mut rule = Auto::new().expect("constants");
    let system = System::new(sparse(&dense), vec![1.0; 40]).expect("a valid system");
    let mut omegas = Vec::new();
    for _ in 0..10 {
        let solution = system.solve(Method::SsorCg, &stop(1e-8), &mut rule, &mut ()).expect("a start");
        assert!(solution.report.converged());
        omegas.extend(solution.omega);
    }
    assert!(omegas.windows(2).any(|pair| pair[0] != pair[1]), "{omegas:?}");
}
