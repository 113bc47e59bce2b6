//! What every order must satisfy on any symmetric positive definite system.

use crate::common::methods::*;
use crate::common::{
    Numbers, Plain, bits, cell_of, conductances, dot, norm, per_cell_2d, per_cell_3d, poisson_star,
};
use proptest::prelude::*;
use southwell::Stop;
use southwell::linear::{Stencil2d, Stencil3d};
use southwell::relaxation::{Blocks, Colouring, Lines, Multicolour, RedBlack, Relax};

/// Calls a macro-like check for every relaxation of one symmetric system.
fn every_order(check: &dyn Fn(&str, &Plain, &dyn Sweepable)) {
    let mut numbers = Numbers(31);
    let star = conductances(&mut numbers, 1, 5, 8);
    let plane = Plain::grid(1, 5, 8, |k| cell_of(&star, k));
    let cells = per_cell_2d::<f64>(5, 8, &star);
    let flat = Plain::grid(1, 6, 7, |_| poisson_star(4.25));
    let grid = Stencil2d::constant(6, 7, poisson_star(4.25)).expect("a small grid");
    let solid = Plain::grid(3, 4, 5, |_| poisson_star(6.25));
    let space = Stencil3d::constant(3, 4, 5, poisson_star(6.25)).expect("a small grid");
    let random = Plain::random(&mut numbers, 30, 3, true);
    let csr = random.csr::<f64>();
    check("csr", &random, &csr);
    check("dense", &random, &random.dense::<f64>());
    check("blocks", &random, &Blocks::new(csr, 4).expect("4 is allowed"));
    let storage = leak_u32(Colouring::required_len(30));
    let colouring = Colouring::greedy(&csr, storage).expect("enough storage");
    check("multicolour", &random, &Multicolour::new(csr, colouring).expect("of this matrix"));
    check("2-d", &flat, &grid);
    check("2-d by cell", &plane, &cells);
    check("3-d", &solid, &space);
    check("red-black", &flat, &RedBlack::<Stencil2d<'_, f64>>::new(grid));
    check("red-black by cell", &plane, &RedBlack::<Stencil2d<'_, f64>>::new(cells));
    check("red-black in space", &solid, &RedBlack::<Stencil3d<'_, f64>>::new(space));
    check("lines", &flat, &Lines::<Stencil2d<'_, f64>>::new(grid));
    check("lines by cell", &plane, &Lines::<Stencil2d<'_, f64>>::new(cells));
    check("lines in space", &solid, &Lines::<Stencil3d<'_, f64>>::new(space));
}

fn leak_u32(n: usize) -> &'static mut [u32] {
    vec![0; n].leak()
}

/// A relaxation behind a pointer.
trait Sweepable {
    fn sweep(&self, reversed: bool, omega: f64, b: &[f64], x: &mut [f64]);
}

impl<A: Relax<f64>> Sweepable for A {
    fn sweep(&self, reversed: bool, omega: f64, b: &[f64], x: &mut [f64]) {
        sweep(self, reversed, omega, b, x);
    }
}

#[test]
fn the_solution_is_a_fixed_point() {
    every_order(&|name, plain, view| {
        let exact: Vec<f64> = (0..plain.order()).map(|i| f64::from((i % 7) as u8) - 3.0).collect();
        let b = plain.apply(&exact);
        for omega in [0.4, 1.0, 1.7] {
            let mut x = exact.clone();
            for reversed in [false, true] {
                view.sweep(reversed, omega, &b, &mut x);
                for (x, e) in x.iter().zip(&exact) {
                    assert!((x - e).abs() < 60.0 * f64::EPSILON, "{name} {omega}: {x} {e}");
                }
            }
        }
    });
}

/// One double sweep from zero applies M⁻¹, and M is symmetric.
#[test]
fn a_double_sweep_is_symmetric() {
    every_order(&|name, plain, view| {
        let mut numbers = Numbers(5);
        for omega in [0.7, 1.0, 1.6] {
            let (u, v) = (numbers.vector(plain.order()), numbers.vector(plain.order()));
            let apply = |b: &[f64]| {
                let mut x = vec![0.0; b.len()];
                view.sweep(false, omega, b, &mut x);
                view.sweep(true, omega, b, &mut x);
                x
            };
            let (mu, mv) = (apply(&u), apply(&v));
            let (left, right) = (dot(&mu, &v), dot(&u, &mv));
            let size = norm(&mu) * norm(&v);
            assert!((left - right).abs() <= 1e-13 * size, "{name} {omega}: {left} {right}");
            assert!(dot(&mu, &u) > 0.0, "{name} {omega}: M is positive definite");
        }
    });
}

/// M = (1/(ω(2 − ω))) (D + ωL) D⁻¹ (D + ωU), by multiplying out.
#[test]
fn a_double_sweep_inverts_ssors_matrix() {
    let plain = Plain::random(&mut Numbers(6), 24, 3, true);
    let b = Numbers(7).vector(24);
    for omega in [0.5, 1.0, 1.5] {
        let mut x = vec![0.0; 24];
        sweep(&plain.csr::<f64>(), false, omega, &b, &mut x);
        sweep(&plain.csr::<f64>(), true, omega, &b, &mut x);
        let half = |x: &[f64], lower: bool| -> Vec<f64> {
            let row = |i: usize| {
                let rest = plain.0[i].iter().filter(|e| if lower { e.0 < i } else { e.0 > i });
                plain.get(i, i) * x[i] + omega * rest.map(|&(j, a)| a * x[j]).sum::<f64>()
            };
            (0..24).map(row).collect()
        };
        let middle: Vec<f64> = half(&x, false).iter().enumerate().map(|(i, v)| v / plain.get(i, i)).collect();
        for (back, b) in half(&middle, true).iter().zip(&b) {
            assert!((back / (omega * (2.0 - omega)) - b).abs() < 1e-13, "{omega}: {back} {b}");
        }
    }
}

fn a_norm(a: &Plain, e: &[f64]) -> f64 {
    dot(e, &a.apply(e)).max(0.0).sqrt()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, ..ProptestConfig::default() })]

    /// Ostrowski and Reich: for a symmetric positive definite matrix and 0 < ω < 2 the A-norm of the
    /// error falls with every sweep, in any order.
    #[test]
    fn the_energy_of_the_error_falls(n in 1_usize..14, seed in any::<u64>(), omega in 0.02_f64..1.98, block in 1_usize..6) {
        let mut numbers = Numbers(seed);
        let b: Vec<Vec<f64>> = (0..n).map(|_| numbers.vector(n)).collect();
        let gram: Vec<Vec<f64>> = (0..n)
            .map(|i| (0..n).map(|j| dot(&b[i], &b[j]) + f64::from(u8::from(i == j)) * 0.01).collect())
            .collect();
        let plain = Plain::from_dense(&gram.iter().map(Vec::as_slice).collect::<Vec<_>>());
        let exact = numbers.vector(n);
        let rhs = plain.apply(&exact);
        let csr = plain.csr::<f64>();
        let colouring = Colouring::greedy(&csr, leak_u32(Colouring::required_len(n))).expect("enough storage");
        let views: [&dyn Sweepable; 4] = [
            &csr,
            &plain.dense::<f64>(),
            &Blocks::new(csr, block).expect("allowed"),
            &Multicolour::new(csr, colouring).expect("of this matrix"),
        ];
        for view in views {
            let mut x = numbers.vector(n);
            let error = |x: &[f64]| a_norm(&plain, &x.iter().zip(&exact).map(|(x, e)| x - e).collect::<Vec<_>>());
            let first = error(&x);
            let mut last = first;
            for k in 0..20 {
                view.sweep(k % 3 == 2, omega, &rhs, &mut x);
                let now = error(&x);
                prop_assert!(now <= last * (1.0 + 1e-12) + 1e-13 * first, "{now} after {last}");
                // Strictly, as far as rounding lets one see.
                prop_assert!(now < last || last <= 1e-9 * first, "{now} after {last} of {first}");
                last = now;
            }
        }
    }

    /// Both gradients agree with elimination on random symmetric positive definite systems.
    #[test]
    fn gradients_solve_random_systems(n in 1_usize..20, seed in any::<u64>(), omega in 0.1_f64..1.9) {
        let mut numbers = Numbers(seed);
        let plain = Plain::random(&mut numbers, n, 2, true);
        let b = numbers.vector(n);
        let exact = plain.solve(&b);
        let stop = Stop { relative: 1e-11, ..Stop::default() };
        let mut x = vec![0.0; n];
        let report = cg_by(&plain.csr::<f64>(), &b, &stop, &mut x);
        prop_assert!(report.converged() && report.steps as usize <= 2 * n, "{report:?}");
        let (report, _) = ssor_cg_by(&plain.dense::<f64>(), &b, omega, &stop, &mut vec![0.0; n]);
        prop_assert!(report.converged() && report.steps as usize <= 2 * n, "{report:?}");
        for (x, e) in x.iter().zip(&exact) {
            prop_assert!((x - e).abs() <= 1e-8 * norm(&exact).max(1e-3), "{x} {e}");
        }
    }
}

/// Cells of one colour do not see one another: any order within a colour gives the same bits.
#[test]
fn red_black_in_any_order_within_a_colour() {
    let mut numbers = Numbers(41);
    let (planes, rows, columns) = (3, 4, 7);
    let n = planes * rows * columns;
    let star = conductances(&mut numbers, planes, rows, columns);
    let plain = Plain::grid(planes, rows, columns, |k| cell_of(&star, k));
    let view = RedBlack::<Stencil3d<'_, f64>>::new(per_cell_3d::<f64>(planes, rows, columns, &star));
    let (b, start, omega) = (numbers.vector(n), numbers.vector(n), 1.3);
    for reversed in [false, true] {
        let mut x = start.clone();
        sweep(&view, reversed, omega, &b, &mut x);
        for _ in 0..5 {
            let colour = |k: usize| (k / (rows * columns) + k / columns % rows + k % columns) % 2;
            let mut order: Vec<(usize, u64, usize)> =
                (0..n).map(|k| (colour(k) ^ usize::from(reversed), numbers.word() >> 20, k)).collect();
            order.sort_unstable();
            let mut any = start.clone();
            for (_, _, k) in order {
                let s = cell_of(&star, k);
                // West, east, south, north, down, up: the order in which the pass subtracts.
                let around = [k.wrapping_sub(1), k + 1, k.wrapping_sub(columns), k + columns];
                let far = [k.wrapping_sub(rows * columns), k + rows * columns];
                let couplings = [s.west, s.east, s.south, s.north, s.down, s.up];
                let sum = around.iter().chain(&far).zip(couplings).fold(b[k], |sum, (&j, c)| {
                    if plain.0[k].iter().any(|e| e.0 == j) && c != 0.0 { sum - c * any[j] } else { sum }
                });
                any[k] = (1.0 - omega) * any[k] + (omega * (1.0 / s.centre)) * sum;
            }
            assert_eq!(bits(&any), bits(&x));
        }
    }
}
