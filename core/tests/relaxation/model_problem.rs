//! The model problem −Δu = 1 on a square: counts of sweeps, rates and Young's omega.

use crate::common::methods::*;
use crate::common::{Numbers, Plain, norm, per_cell_2d, poisson, poisson_star};
use southwell::Status;
use southwell::linear::{Dense, Star, Stencil2d, Stencil3d};
use southwell::relaxation::{
    Lines, Problem, RedBlack, Relax, Young, jacobi_radius, sor, sor::Sweep, young_omega,
};

/// N, ω*, then sweeps: lexicographic, red-black and double sweeps of SSOR at ω = 1, 1.5, ω*; lines at
/// ω = 1 and ω_B, and ω_B.
struct Model {
    n: usize,
    omega: f64,
    lexicographic: [u32; 3],
    red_black: [u32; 3],
    ssor: [u32; 3],
    lines: [u32; 2],
    omega_lines: f64,
}

const MODEL: [Model; 4] = [
    Model {
        n: 7,
        omega: 1.446_462_692_171_69,
        lexicographic: [117, 31, 29],
        red_black: [119, 30, 29],
        ssor: [64, 34, 35],
        lines: [61, 21],
        omega_lines: 1.322_080_911_958_74,
    },
    Model {
        n: 15,
        omega: 1.673_513_677_715_99,
        lexicographic: [472, 147, 60],
        red_black: [480, 154, 61],
        ssor: [242, 92, 71],
        lines: [239, 42],
        omega_lines: 1.572_317_420_898_98,
    },
    Model {
        n: 31,
        omega: 1.821_465_190_789_02,
        lexicographic: [1891, 621, 121],
        red_black: [1926, 658, 125],
        ssor: [952, 329, 144],
        lines: [949, 85],
        omega_lines: 1.757_285_086_012_33,
    },
    Model {
        n: 63,
        omega: 1.906_454_701_582_76,
        lexicographic: [7562, 2512, 244],
        red_black: [7705, 2668, 257],
        ssor: [3788, 1275, 291],
        lines: [3784, 169],
        omega_lines: 1.870_330_778_949_26,
    },
];

/// ω_B of lines: block Jacobi's radius is c/(2 − c).
fn omega_lines(n: usize) -> f64 {
    let c = mu(n);
    young_omega(c / (2.0 - c))
}

#[test]
fn optimal_omegas_of_the_model_problem() {
    for model in &MODEL {
        assert!((omega_star(model.n) - model.omega).abs() < 1e-14);
        assert!((young_omega(mu(model.n)) - model.omega).abs() < 1e-13);
        assert!((omega_lines(model.n) - model.omega_lines).abs() < 1e-13);
        assert!((f64::from(young_omega(mu(model.n) as f32)) - model.omega).abs() < 1e-5);
    }
    assert_eq!(young_omega(0.0_f64), 1.0);
    assert!(young_omega(1.0_f64) < 2.0 && young_omega(-1.5_f32) < 2.0);
}

/// The counts of three programs in two languages, exactly.
#[test]
fn sweeps_to_solve_the_model_problem() {
    for model in &MODEL {
        let omegas = [1.0, 1.5, model.omega];
        let grid = poisson::<f64>(model.n);
        let count = |sweep| omegas.map(|omega| sor_count(&grid, sweep, omega));
        assert_eq!(count(Sweep::Forward), model.lexicographic, "N = {}", model.n);
        assert_eq!(count(Sweep::Backward), model.lexicographic, "N = {}, by symmetry", model.n);
        assert_eq!(count(Sweep::Symmetric), model.ssor, "N = {}, double sweeps", model.n);
        let red_black = RedBlack::<Stencil2d<'_, f64>>::new(grid);
        let count = omegas.map(|omega| sor_count(&red_black, Sweep::Forward, omega));
        assert_eq!(count, model.red_black, "N = {}, red-black", model.n);
        let lines = Lines::<Stencil2d<'_, f64>>::new(grid);
        let count = [1.0, model.omega_lines].map(|omega| sor_count(&lines, Sweep::Forward, omega));
        assert_eq!(count, model.lines, "N = {}, lines", model.n);
    }
}

#[test]
fn the_model_problem_takes_as_many_sweeps_in_every_view() {
    for model in &MODEL[..3] {
        let n = model.n;
        let plain = Plain::poisson(n);
        let omegas = [1.0, 1.5, model.omega];
        let csr = plain.csr::<f64>();
        assert_eq!(omegas.map(|omega| sor_count(&csr, Sweep::Forward, omega)), model.lexicographic);
        assert_eq!(omegas.map(|omega| sor_count(&csr, Sweep::Symmetric, omega)), model.ssor);
        let star: Star<Vec<f64>> = poisson_star(4.0).map(|c| vec![c; n * n]);
        let cells = per_cell_2d::<f64>(n, n, &star);
        assert_eq!(omegas.map(|omega| sor_count(&cells, Sweep::Forward, omega)), model.lexicographic);
        let red_black = RedBlack::<Stencil2d<'_, f64>>::new(cells);
        assert_eq!(omegas.map(|omega| sor_count(&red_black, Sweep::Forward, omega)), model.red_black);
        let lines = Lines::<Stencil2d<'_, f64>>::new(cells);
        let count = [1.0, model.omega_lines].map(|omega| sor_count(&lines, Sweep::Forward, omega));
        assert_eq!(count, model.lines);
        let flat = Stencil3d::constant(1, n, n, poisson_star(4.0)).expect("a small grid");
        assert_eq!(omegas.map(|omega| sor_count(&flat, Sweep::Forward, omega)), model.lexicographic);
        if n <= 15 {
            let dense = plain.dense::<f64>();
            assert_eq!(omegas.map(|omega| sor_count(&dense, Sweep::Forward, omega)), model.lexicographic);
        }
    }
}

/// k·ρ^(k−1) = ε, the Jordan block at ω*: 28.0, 57.9, 119.0, 244.6 against the counts.
#[test]
fn the_predicted_count_at_youngs_omega() {
    for (model, expected) in MODEL.iter().zip([28.0, 57.9, 119.0, 244.6]) {
        let rho = model.omega - 1.0;
        let mut k: f64 = 10.0;
        for _ in 0..200 {
            k = 1.0 + (1e-8 / k).ln() / rho.ln();
        }
        assert!((k - expected).abs() < 0.06, "{k} {expected}");
        assert!((f64::from(model.lexicographic[2]) - k).abs() < 2.5);
    }
}

#[test]
fn the_model_problem_in_space() {
    for n in [5, 9, 15] {
        let grid = Stencil3d::<f64>::constant(n, n, n, poisson_star(6.0)).expect("a small grid");
        let plain = Plain::grid(n, n, n, |_| poisson_star(6.0));
        let csr = plain.csr::<f64>();
        let best = young_omega(mu(n));
        for omega in [1.0, 1.5, best] {
            let count = sor_count(&grid, Sweep::Forward, omega);
            assert_eq!(sor_count(&csr, Sweep::Forward, omega), count, "N = {n}");
        }
        // μ is that of the plane, so Gauss-Seidel needs about as many sweeps, and ω* is near the best.
        let counts = |omega: f64| sor_count(&grid, Sweep::Forward, omega);
        assert!(counts(best) <= counts(best - 0.05) && counts(best) <= counts(best + 0.05), "N = {n}");
        assert!((ratio(&grid, 1.0, 400) - mu(n).powi(2)).abs() < 1e-9, "N = {n}");
    }
}

/// The ratio of successive residuals after many sweeps.
fn ratio<A: Relax<f64>>(a: &A, omega: f64, sweeps: usize) -> f64 {
    let n = a.order();
    let mut numbers = Numbers(3);
    let mut x: Vec<f64> = (0..n).map(|_| 1.0 + 0.1 * numbers.next()).collect();
    let b = vec![0.0; n];
    let mut last = 1.0;
    let mut scratch = vec![0.0; a.scratch_len()];
    a.prepare(&mut scratch).expect("a usable diagonal");
    for _ in 0..sweeps {
        x.iter_mut().for_each(|x| *x /= last);
        a.sweep(false, omega, &mut scratch, &b, &mut x);
        last = norm(&x);
    }
    last
}

/// Young: ρ = ((ωμ + √(ω²μ² − 4(ω − 1)))/2)² below ω*; at ω = 1 this is μ².
#[test]
fn the_rate_below_youngs_omega() {
    let tridiagonal =
        Plain::grid(1, 1, 10, |_| Star { centre: 2.0, west: -1.0, east: -1.0, ..Default::default() });
    let (csr, mu) = (tridiagonal.csr::<f64>(), mu(10));
    for omega in [0.5, 0.8, 1.0, 1.2, 1.4] {
        let root = omega * mu + (omega * omega * mu * mu - 4.0 * (omega - 1.0)).sqrt();
        let expected = (root / 2.0).powi(2);
        let observed = ratio(&csr, omega, 2000);
        assert!((observed - expected).abs() < 1e-10, "{omega}: {observed} {expected}");
    }
    assert!((ratio(&csr, 1.0, 2000) - mu * mu).abs() < 1e-12);
}

/// Estimated from below and extrapolated, so at least as near as plain power iteration gets.
#[test]
fn the_jacobi_radius_by_power_iteration() {
    let table = [
        (15, [1.668343, 1.673513, 1.673514], 1.673514),
        (31, [1.786457, 1.818251, 1.821465], 1.821465),
        (63, [1.853215, 1.887032, 1.904672], 1.906455),
    ];
    for (n, plain, best) in table {
        let grid = poisson::<f64>(n);
        let b = vec![1.0; n * n];
        let problem = Problem::new(&grid, &b).expect("a valid problem");
        let mut storage = vec![f64::NAN; 2 * n * n];
        let mut last = 0.0;
        for (steps, plain) in [20, 80, 320].into_iter().zip(plain) {
            let omega = Young::estimate(&problem, steps, &mut storage).map(|y| young_omega(y.jacobi_radius));
            let omega = omega.expect("enough storage");
            assert!(omega >= plain - 2e-3, "N = {n}, {steps} steps: {omega} {plain}");
            assert!(omega <= best + 1e-6 && omega >= last, "N = {n}, {steps} steps: {omega} {best}");
            last = omega;
        }
    }
    for n in [3, 7, 15] {
        let grid = Stencil3d::<f64>::constant(n, n, n, poisson_star(6.0)).expect("a small grid");
        let b = vec![1.0; n * n * n];
        let problem = Problem::new(&grid, &b).expect("a valid problem");
        let found = jacobi_radius(&problem, 600, &mut vec![0.0; 2 * b.len()]).expect("enough storage");
        assert!((found - mu(n)).abs() < 1e-9, "N = {n}: {found}");
    }
    // A diagonal that varies: the same matrix scaled from both sides has the same Jacobi matrix up to
    // similarity.
    let mut numbers = Numbers(8);
    let mut scaled = Plain::poisson(7);
    let d: Vec<f64> = (0..49).map(|_| 1.0 + numbers.next()).collect();
    for (i, row) in scaled.0.iter_mut().enumerate() {
        row.iter_mut().for_each(|(j, a)| *a *= d[i] * d[*j]);
    }
    let (csr, b) = (scaled.csr::<f64>(), vec![1.0; 49]);
    let problem = Problem::new(&csr, &b).expect("a valid problem");
    let found = jacobi_radius(&problem, 400, &mut [0.0; 98]).expect("enough storage");
    assert!((found - mu(7)).abs() < 1e-10, "{found}");
    let single = poisson::<f32>(15);
    let b = vec![1.0_f32; 225];
    let problem = Problem::new(&single, &b).expect("a valid problem");
    let found = jacobi_radius(&problem, 200, &mut vec![0.0; 450]).expect("enough storage");
    assert!((f64::from(found) - mu(15)).abs() < 1e-5, "{found}");
}

#[test]
fn young_as_a_rule() {
    let (grid, b) = (poisson::<f64>(31), vec![1.0; 961]);
    let mut rule = Young { jacobi_radius: mu(31) };
    let report = sor_by(&grid, &b, &mut rule, &sor::Options::default(), &mut vec![0.0; 961]);
    assert_eq!((report.status, report.steps), (Status::Converged, 121));
}

/// Power iteration by plain loops, with the limit of its last three values where it is one.
fn plain_radius(a: &[f64], n: usize, steps: u32) -> f64 {
    let norm_of = |v: &[f64]| (0..n).map(|i| a[i * n + i].abs() * v[i] * v[i]).sum::<f64>().sqrt();
    let mut v: Vec<f64> = (0..n).map(|i| 1.0 + 0.01 * ((7 * i) % 11) as f64 / 11.0).collect();
    let mut squares = vec![0.0; 3];
    for _ in 0..steps {
        let norm = norm_of(&v);
        let product = |i: usize| (0..n).map(|j| a[i * n + j] * v[j]).sum::<f64>();
        v = (0..n).map(|i| (v[i] - product(i) / a[i * n + i]) / norm).collect();
        squares.push(norm_of(&v).powi(2));
    }
    let [.., a, b, c] = squares[..] else { panic!("three at least") };
    let (first, second) = (b - a, c - b);
    let regular = steps >= 3 && first > 0.0 && second > 0.0 && second < first;
    let limit = c + second * second / (first - second);
    (if regular && limit < 1.0 { limit } else { c }).sqrt()
}

#[test]
fn the_jacobi_radius_step_by_step() {
    // Two matrices whose values rise regularly, one whose values do not, and one of radius above 1.
    let tridiagonal = |n: usize, diagonal: fn(usize) -> f64, beside: f64| -> Vec<f64> {
        let entry = |i: usize, j: usize| match i.abs_diff(j) {
            0 => diagonal(i),
            1 => beside,
            _ => 0.0,
        };
        (0..n * n).map(|k| entry(k / n, k % n)).collect()
    };
    let cases = [
        (tridiagonal(13, |_| 2.0, -1.0), 13),
        (tridiagonal(9, |i| 2.0 + (i % 3) as f64, -0.8), 9),
        (tridiagonal(9, |i| -3.0 - i as f64, 1.1), 9),
        (tridiagonal(5, |_| 1.0, 0.9), 5),
        (vec![4.0, 1.0, 0.0, -1.0, 4.0, 1.0, 0.5, -1.0, 4.0], 3),
    ];
    for (a, n) in cases {
        let (matrix, b) = (Dense::new(&a, n, n).expect("finite"), vec![1.0; n]);
        let problem = Problem::new(&matrix, &b).expect("a diagonal");
        for steps in 1..40 {
            let found = jacobi_radius(&problem, steps, &mut vec![f64::NAN; 2 * n]).expect("enough storage");
            let plain = plain_radius(&a, n, steps);
            assert!((found - plain).abs() <= 1e-9 * plain, "{n}, {steps} steps: {found} {plain}");
        }
    }
    // Nothing is left after one step: the radius of I − D⁻¹A for a diagonal A.
    let a = Dense::new(&[2.0, 0.0, 0.0, 5.0], 2, 2).expect("finite");
    let problem = Problem::new(&a, &[1.0, 1.0]).expect("a diagonal");
    assert_eq!(jacobi_radius(&problem, 9, &mut [f64::NAN; 4]), Ok(0.0));
}
