//! Relaxation against known answers: Young's and Varga's theory on the model problem, counts of
//! independent programs, dense elimination.

mod common;

use common::{
    Lu, Numbers, Plain, bits, cast, cast_star, cell_of, conductances, dot, leak, norm, per_cell_2d,
    per_cell_3d, poisson, poisson_star, wide,
};
use proptest::prelude::*;
use southwell::linear::{Csr, Matrix, Star, Stencil2d, Stencil3d};
use southwell::relaxation::{
    Blocks, Colouring, Fixed, Lines, Multicolour, OmegaRule, Problem, RedBlack, Reference, Relax, Split,
    Young, cg, jacobi_radius, sor, sor::Sweep, ssor_cg, young_omega,
};
use southwell::{Progress, Real, Report, Run, Status, Stop};

// ---- Calling the methods -------------------------------------------------------------------------

fn sor_by<T: Real, A: Relax<T>>(
    a: &A,
    b: &[T],
    rule: &mut impl OmegaRule<T>,
    options: &sor::Options<T>,
    x: &mut [T],
) -> Report<T> {
    let problem = Problem::new(a, b).expect("a valid problem");
    let mut storage = vec![T::NAN; sor::Workspace::<T>::required_len(problem.order(), a.scratch_len())];
    let workspace = sor::Workspace::new(&problem, &mut storage).expect("storage of the required length");
    sor::solve(&problem, options, rule, x, workspace, &mut ()).expect("valid options")
}

/// Steps from zero to ‖r‖ ≤ 1e-8 ‖b‖ for b = 1.
fn sor_count<A: Relax<f64>>(a: &A, sweep: Sweep, omega: f64) -> u32 {
    let b = vec![1.0; a.order()];
    let options = sor::Options { sweep, ..sor::Options::default() };
    let report = sor_by(a, &b, &mut Fixed(omega), &options, &mut vec![0.0; b.len()]);
    assert!(report.converged(), "{report:?}");
    report.steps
}

fn ssor_cg_by<T: Real, A: Split<T>>(
    a: &A,
    b: &[T],
    omega: T,
    stop: &Stop<T>,
    x: &mut [T],
) -> (Report<T>, Vec<T>) {
    let problem = Problem::new(a, b).expect("a valid problem");
    let mut storage = vec![T::NAN; ssor_cg::Workspace::<T>::required_len(problem.order(), a.split_len())];
    let workspace = ssor_cg::Workspace::new(&problem, &mut storage).expect("storage of the required length");
    let options = ssor_cg::Options { stop: *stop, ..ssor_cg::Options::default() };
    let mut history = vec![];
    let mut keep = |p: &Progress<T>| {
        history.extend(p.residual);
        core::ops::ControlFlow::Continue(())
    };
    let report = ssor_cg::solve(&problem, &options, &mut Fixed(omega), x, workspace, &mut keep)
        .expect("valid options");
    (report, history)
}

fn cg_by<T: Real, A: Matrix<T>>(a: &A, b: &[T], stop: &Stop<T>, x: &mut [T]) -> Report<T> {
    let problem = Problem::new(a, b).expect("a valid problem");
    let mut storage = vec![T::NAN; cg::Workspace::<T>::required_len(problem.order())];
    let workspace = cg::Workspace::new(&problem, &mut storage).expect("storage of the required length");
    let options = cg::Options { stop: *stop, ..cg::Options::default() };
    cg::solve(&problem, &options, x, workspace, &mut ()).expect("valid options")
}

fn ssor_cg_count<A: Split<f64>>(a: &A, b: &[f64], omega: f64) -> u32 {
    let (report, _) = ssor_cg_by(a, b, omega, &Stop::default(), &mut vec![0.0; b.len()]);
    assert!(report.converged(), "{report:?}");
    report.steps
}

/// One sweep by the view itself, whatever omega.
fn sweep<T: Real, A: Relax<T>>(a: &A, reversed: bool, omega: T, b: &[T], x: &mut [T]) {
    let mut scratch = vec![T::NAN; a.scratch_len()];
    a.prepare(&mut scratch).expect("a usable diagonal");
    a.sweep(reversed, omega, &mut scratch, b, x);
}

/// cos(π/(N+1)), the Jacobi radius of the model problem.
fn mu(n: usize) -> f64 {
    (core::f64::consts::PI / (n as f64 + 1.0)).cos()
}

/// Young's omega of the model problem, 2/(1 + sin(π/(N+1))).
fn omega_star(n: usize) -> f64 {
    2.0 / (1.0 + (core::f64::consts::PI / (n as f64 + 1.0)).sin())
}

/// The omega of SSOR on the model problem, 2/(1 + 2 sin(π/(2(N+1)))).
fn omega_ssor(n: usize) -> f64 {
    2.0 / (1.0 + 2.0 * (core::f64::consts::PI / (2.0 * (n as f64 + 1.0))).sin())
}

// ---- Three unknowns, by hand ------------------------------------------------------------------

fn three() -> Plain {
    Plain::from_dense(&[&[4.0, -1.0, 0.0], &[-1.0, 4.0, -1.0], &[0.0, -1.0, 4.0]])
}

const THREE_RHS: [f64; 3] = [2.0, 4.0, 10.0];

fn three_unknowns<T: Real, A: Relax<T>>(view: &A) {
    let b = cast::<T>(&THREE_RHS);
    let at = |omega: f64, sweeps: &[bool]| {
        let mut x = vec![T::ZERO; 3];
        sweeps.iter().for_each(|&reversed| sweep(view, reversed, T::from_f64(omega), &b, &mut x));
        wide(&x)
    };
    let forward = [false; 4];
    assert_eq!(at(1.0, &forward[..1]), [0.5, 1.125, 2.78125]);
    assert_eq!(at(1.0, &forward[..2]), [0.78125, 1.890625, 2.97265625]);
    assert_eq!(at(1.0, &forward[..3]), [0.97265625, 1.986328125, 2.99658203125]);
    assert_eq!(at(1.0, &forward), [0.99658203125, 1.998291015625, 2.99957275390625]);
    assert_eq!(at(1.25, &forward[..1]), [0.625, 1.4453125, 3.57666015625]);
    if T::EPSILON.to_f64() < 1e-10 {
        assert_eq!(at(1.25, &forward[..2]), [0.92041015625, 2.29400634765625, 2.947_711_944_580_078]);
        let ssor = [1.069_457_530_975_341_8, 1.922_264_099_121_093_8, 2.682_495_117_187_5];
        assert_eq!(at(1.25, &[false, true]), ssor);
    }
    let four = three().look(&b, &cast::<T>(&at(1.0, &forward))).0 / norm(&THREE_RHS);
    assert!((four - 0.001_125_667_11).abs() < 5e-12, "{four}");
    let two = three().residual(&THREE_RHS, &at(1.25, &forward[..2]));
    assert!((norm(&two) / norm(&THREE_RHS) - 0.139_605_735).abs() < 5e-10);
}

fn three_unknowns_in_every_view<T: Real>() {
    let plain = three();
    let star = cast_star::<T>(poisson_star(4.0));
    three_unknowns::<T, _>(&plain.csr::<T>());
    three_unknowns::<T, _>(&plain.dense::<T>());
    three_unknowns::<T, _>(&Stencil2d::constant(1, 3, star).expect("a small grid"));
    three_unknowns::<T, _>(&Stencil2d::constant(3, 1, star).expect("a small grid"));
    let tower = Star { down: -T::ONE, up: -T::ONE, ..star };
    three_unknowns::<T, _>(&Stencil3d::constant(3, 1, 1, tower).expect("a small grid"));
    let one = |value: f64| vec![value; 3];
    let cells = Star {
        centre: one(4.0),
        west: one(-1.0),
        east: one(-1.0),
        south: one(-1.0),
        north: one(-1.0),
        down: vec![],
        up: vec![],
    };
    three_unknowns::<T, _>(&per_cell_2d::<T>(1, 3, &cells));
    three_unknowns::<T, _>(&per_cell_2d::<T>(3, 1, &cells));
    three_unknowns::<T, _>(&Blocks::new(plain.csr::<T>(), 1).expect("1 is allowed"));
}

#[test]
fn three_unknowns_sweep_by_sweep() {
    three_unknowns_in_every_view::<f32>();
    three_unknowns_in_every_view::<f64>();
}

#[test]
fn three_unknowns_have_youngs_omega() {
    let plain = three();
    let a = plain.csr::<f64>();
    let problem = Problem::new(&a, &THREE_RHS).expect("a valid problem");
    let mu = jacobi_radius(&problem, 60, &mut [f64::NAN; 6]).expect("enough storage");
    assert!((mu - 2.0_f64.sqrt() / 4.0).abs() < 1e-12, "{mu}");
    assert!((mu - 0.353_553_391).abs() < 5e-10);
    assert!((young_omega(mu) - 1.033_370_453).abs() < 5e-10);
}

/// The iteration matrix: the sweeps of the unit vectors with b = 0.
fn iteration_matrix<A: Relax<f64>>(a: &A, omega: f64) -> Vec<Vec<f64>> {
    let n = a.order();
    let columns: Vec<Vec<f64>> = (0..n)
        .map(|k| {
            let mut x: Vec<f64> = (0..n).map(|i| f64::from(u8::from(i == k))).collect();
            sweep(a, false, omega, &vec![0.0; n], &mut x);
            x
        })
        .collect();
    (0..n).map(|i| columns.iter().map(|column| column[i]).collect()).collect()
}

/// Kahan 1958: det T_ω = (1 − ω)ⁿ, so no sweep converges outside (0, 2).
#[test]
fn kahans_determinant() {
    let three = three();
    for (omega, expected) in [(0.5, 0.125), (1.25, -0.015625), (1.9, -0.729)] {
        for t in [
            iteration_matrix(&three.csr::<f64>(), omega),
            iteration_matrix(&three.dense::<f64>(), omega),
            iteration_matrix(&Stencil2d::constant(1, 3, poisson_star(4.0)).expect("a small grid"), omega),
        ] {
            let det = Lu::new(t).determinant();
            assert!((det - expected).abs() < 1e-15, "{omega}: {det}");
        }
    }
    let mut numbers = Numbers(4);
    for (n, omega) in [(2, 0.3), (5, 1.7), (8, 1.5), (9, 0.6)] {
        let plain = Plain::random(&mut numbers, n, 3, false);
        let det = Lu::new(iteration_matrix(&plain.csr::<f64>(), omega)).determinant();
        let expected = (1.0 - omega).powi(n as i32);
        assert!((det - expected).abs() < 1e-12, "{n} {omega}: {det} {expected}");
    }
}

/// ‖T²ᵏ‖/‖Tᵏ‖ to the power 1/k.
fn radius<A: Relax<f64>>(a: &A, omega: f64, k: u32) -> f64 {
    let t = iteration_matrix(a, omega);
    let n = t.len();
    let mut columns: Vec<Vec<f64>> =
        (0..n).map(|k| (0..n).map(|i| f64::from(u8::from(i == k))).collect()).collect();
    let mut logarithm = 0.0;
    for step in 0..2 * k {
        for column in &mut columns {
            *column = t.iter().map(|row| dot(row, column)).collect();
        }
        let size = columns.iter().map(|c| dot(c, c)).sum::<f64>().sqrt();
        columns.iter_mut().flatten().for_each(|v| *v /= size);
        logarithm += if step >= k { size.ln() } else { 0.0 };
    }
    (logarithm / f64::from(k)).exp()
}

/// Equal moduli turn around each other, so what they give is known to 1/k alone.
#[test]
fn radii_inside_and_outside_of_kahans_interval() {
    let a = three().csr::<f64>();
    for (omega, expected, within) in [
        (1.0, 0.125, 1e-12),
        (1.2, 0.2, 1e-4),
        (2.0, 1.0, 1e-4),
        (2.1, 1.1, 1e-4),
        (-0.1, 1.137_711, 1e-6),
        // A Jordan block at ω*: ‖Tᵏ‖ ~ k ρᵏ.
        (young_omega(2.0_f64.sqrt() / 4.0), 0.033_370_453, 1e-4),
    ] {
        let rho = radius(&a, omega, 10_000);
        assert!((rho - expected).abs() < within, "{omega}: {rho}");
    }
}

/// A matrix that is not symmetric, from a report of a wrong SOR elsewhere (PyAMG, issue 410).
#[test]
fn omega_acts_inside_the_row() {
    let plain = Plain::from_dense(&[
        &[4.0, -1.0, -6.0, 0.0],
        &[-5.0, -4.0, 10.0, 8.0],
        &[0.0, 9.0, 4.0, -2.0],
        &[1.0, 0.0, -7.0, 5.0],
    ]);
    let b = [2.0, 21.0, -12.0, -6.0];
    let check = |x: [f64; 4]| {
        for (x, expected) in x.iter().zip([0.25, -2.78125, 1.62890625, 0.515_234_375]) {
            assert!((x - expected).abs() <= f64::EPSILON * expected.abs(), "{x} {expected}");
        }
    };
    let mut x = [0.0; 4];
    sweep(&plain.csr::<f64>(), false, 0.5, &b, &mut x);
    check(x);
    let mut x = [0.0; 4];
    sweep(&plain.dense::<f64>(), false, 0.5, &b, &mut x);
    check(x);
}

// ---- The model problem --------------------------------------------------------------------------

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

// ---- Conjugate gradients ------------------------------------------------------------------------

/// N; CG; SSOR-CG at ω = 1, at best with the omegas (in hundredths) that are, at the model's omega;
/// the last three in red-black order.
type Gradients = (usize, u32, [u32; 3], [u32; 2], [u32; 3]);

const GRADIENTS: [Gradients; 4] = [
    (15, 27, [18, 15, 16], [124, 158], [14, 14, 22]),
    (31, 58, [33, 21, 23], [164, 170], [30, 30, 50]),
    (63, 118, [60, 31, 34], [172, 184], [60, 60, 109]),
    (127, 237, [117, 44, 49], [186, 190], [119, 119, 229]),
];

#[test]
fn iterations_of_conjugate_gradients_on_the_model_problem() {
    for (n, plain, [one, best, model], range, _) in GRADIENTS {
        let (grid, b) = (poisson::<f64>(n), vec![1.0; n * n]);
        let report = cg_by(&grid, &b, &Stop::default(), &mut vec![0.0; n * n]);
        assert_eq!((report.status, report.steps), (Status::Converged, plain), "N = {n}");
        assert_eq!(ssor_cg_count(&grid, &b, 1.0), one, "N = {n}");
        assert_eq!(ssor_cg_count(&grid, &b, omega_ssor(n)), model, "N = {n}");
        let counts: Vec<(u32, u32)> =
            (100..200).step_by(2).map(|w| (ssor_cg_count(&grid, &b, f64::from(w) / 100.0), w)).collect();
        let least = counts.iter().map(|c| c.0).min().expect("fifty omegas");
        let mut at = counts.iter().filter(|c| c.0 == least).map(|c| c.1);
        let ends = [at.next(), at.next_back()].map(|w| w.expect("at least two"));
        assert_eq!((least, ends), (best, range), "N = {n}");
    }
}

#[test]
fn conjugate_gradients_take_as_many_iterations_in_every_view() {
    for (n, plain, [one, _, model], _, _) in &GRADIENTS[..3] {
        let (n, b) = (*n, vec![1.0; n * n]);
        let matrix = Plain::poisson(n);
        let csr = matrix.csr::<f64>();
        assert_eq!(cg_by(&csr, &b, &Stop::default(), &mut vec![0.0; n * n]).steps, *plain, "N = {n}");
        let star: Star<Vec<f64>> = poisson_star(4.0).map(|c| vec![c; n * n]);
        let cells = per_cell_2d::<f64>(n, n, &star);
        let flat = Stencil3d::constant(1, n, n, poisson_star(4.0)).expect("a small grid");
        for (omega, expected) in [(1.0, *one), (omega_ssor(n), *model)] {
            assert_eq!(ssor_cg_count(&csr, &b, omega), expected, "N = {n}");
            assert_eq!(ssor_cg_count(&cells, &b, omega), expected, "N = {n}");
            assert_eq!(ssor_cg_count(&flat, &b, omega), expected, "N = {n}");
            if n <= 15 {
                assert_eq!(ssor_cg_count(&matrix.dense::<f64>(), &b, omega), expected, "N = {n}");
            }
        }
    }
}

/// A rough right-hand side: counts depend a little on the generator.
#[test]
fn iterations_for_a_gaussian_right_hand_side() {
    let mut numbers = Numbers(17);
    for (n, plain, [one, best, model], [red_black, at_model]) in
        [(63, 193, [75, 32, 33], [97, 178]), (127, 386, [147, 45, 48], [193, 372])]
    {
        let mut gauss = || {
            let (u, v) = (0.5 - numbers.next(), numbers.next());
            (-2.0 * u.max(1e-9).ln()).sqrt() * (2.0 * core::f64::consts::PI * v).cos()
        };
        let b: Vec<f64> = (0..n * n).map(|_| gauss()).collect();
        let near = |what: &str, found: u32, expected: u32| {
            assert!(found.abs_diff(expected) <= 2, "N = {n}, {what}: {found} {expected}");
        };
        let grid = poisson::<f64>(n);
        near("CG", cg_by(&grid, &b, &Stop::default(), &mut vec![0.0; n * n]).steps, plain);
        near("ω = 1", ssor_cg_count(&grid, &b, 1.0), one);
        near("model", ssor_cg_count(&grid, &b, omega_ssor(n)), model);
        let counts = (170..200).step_by(2).map(|w| ssor_cg_count(&grid, &b, f64::from(w) / 100.0));
        near("best", counts.min().expect("fifteen omegas"), best);
        let mut order: Vec<usize> = (0..n * n).collect();
        order.sort_by_key(|k| (k / n + k % n) % 2);
        let csr = Plain::poisson(n).permuted(&order).csr::<f64>();
        let b: Vec<f64> = order.iter().map(|&k| b[k]).collect();
        near("red-black", ssor_cg_count(&csr, &b, 1.0), red_black);
        near("red-black, model", ssor_cg_count(&csr, &b, omega_ssor(n)), at_model);
    }
}

/// As a preconditioner red-black order gains nothing from omega.
#[test]
fn red_black_order_as_a_preconditioner() {
    for (n, _, _, _, [one, best, model]) in &GRADIENTS[..3] {
        let (n, b) = (*n, vec![1.0; n * n]);
        let colour = |k: &usize| (k / n + k % n) % 2;
        let mut order: Vec<usize> = (0..n * n).collect();
        order.sort_by_key(colour);
        let csr = Plain::poisson(n).permuted(&order).csr::<f64>();
        assert_eq!(ssor_cg_count(&csr, &b, 1.0), *one, "N = {n}");
        assert_eq!(ssor_cg_count(&csr, &b, omega_ssor(n)), *model, "N = {n}");
        let counts = (100..200).step_by(6).map(|w| ssor_cg_count(&csr, &b, f64::from(w) / 100.0));
        assert_eq!(counts.min(), Some(*best), "N = {n}");
    }
}

/// SSOR-preconditioned CG written out: z = M⁻¹ r by two dense triangular loops, no Eisenstat.
fn plain_pcg(a: &Plain, b: &[f64], omega: f64, relative: f64) -> (Vec<f64>, Vec<f64>) {
    let n = b.len();
    let precondition = |r: &[f64]| {
        // (D/ω + L) (ω/(2 − ω) D⁻¹) (D/ω + U) z = r
        let mut z = r.to_vec();
        for i in 0..n {
            let known: f64 = a.0[i].iter().filter(|e| e.0 < i).map(|&(j, v)| v * z[j]).sum();
            z[i] = (z[i] - known) * omega / a.get(i, i);
        }
        for (i, z) in z.iter_mut().enumerate() {
            *z *= (2.0 - omega) / omega * a.get(i, i);
        }
        for i in (0..n).rev() {
            let known: f64 = a.0[i].iter().filter(|e| e.0 > i).map(|&(j, v)| v * z[j]).sum();
            z[i] = (z[i] - known) * omega / a.get(i, i);
        }
        z
    };
    let (mut x, mut r) = (vec![0.0; n], b.to_vec());
    let mut history = vec![norm(&r)];
    let mut p = precondition(&r);
    let mut rho = dot(&r, &p);
    while history.last().is_some_and(|&r| r > relative * norm(b)) {
        let q = a.apply(&p);
        let alpha = rho / dot(&p, &q);
        x.iter_mut().zip(&p).for_each(|(x, p)| *x += alpha * p);
        r.iter_mut().zip(&q).for_each(|(r, q)| *r -= alpha * q);
        history.push(norm(&r));
        let z = precondition(&r);
        let next = dot(&r, &z);
        p.iter_mut().zip(&z).for_each(|(p, z)| *p = z + next / rho * *p);
        rho = next;
    }
    (x, history)
}

/// `within`: of the first residual; CG forgets its rounding errors the more slowly, the worse the matrix.
fn like_plain_pcg<A: Split<f64>>(name: &str, within: f64, plain: &Plain, view: &A) {
    let b = Numbers(11).vector(plain.order());
    for omega in [0.6, 1.0, 1.4, 1.9] {
        let (expected, histories) = plain_pcg(plain, &b, omega, 1e-8);
        let mut x = vec![0.0; b.len()];
        let (report, history) = ssor_cg_by(view, &b, omega, &Stop::default(), &mut x);
        assert_eq!(
            (report.status, report.steps as usize + 1),
            (Status::Converged, histories.len()),
            "{name}"
        );
        // The last entry is the confirmed residual.
        for (k, (mine, theirs)) in history.iter().zip(&histories).enumerate() {
            assert!(
                (mine - theirs).abs() <= within * histories[0],
                "{name} ω = {omega} {k}: {mine} {theirs}"
            );
        }
        for (x, e) in x.iter().zip(&expected) {
            assert!((x - e).abs() <= 1e-7 * norm(&expected), "{name} ω = {omega}: {x} {e}");
        }
    }
}

#[test]
fn eisenstats_form_is_preconditioned_conjugate_gradients() {
    let mut numbers = Numbers(21);
    let grid = Plain::poisson(10);
    like_plain_pcg("Laplacian", 1e-12, &grid, &poisson::<f64>(10));
    like_plain_pcg("Laplacian, sparse", 1e-12, &grid, &grid.csr::<f64>());
    like_plain_pcg("Laplacian, dense", 1e-12, &grid, &grid.dense::<f64>());
    let mut scaled = grid.clone();
    let d: Vec<f64> = (0..100).map(|_| 1.0 + numbers.next()).collect();
    for (i, row) in scaled.0.iter_mut().enumerate() {
        row.iter_mut().for_each(|(j, a)| *a *= d[i] * d[*j]);
    }
    like_plain_pcg("scaled", 1e-12, &scaled, &scaled.csr::<f64>());
    like_plain_pcg("scaled, dense", 1e-12, &scaled, &scaled.dense::<f64>());
    let star = conductances(&mut numbers, 1, 8, 11);
    let plain = Plain::grid(1, 8, 11, |k| cell_of(&star, k));
    like_plain_pcg("conductances", 1e-9, &plain, &per_cell_2d::<f64>(8, 11, &star));
    let star = conductances(&mut numbers, 4, 5, 3);
    let plain = Plain::grid(4, 5, 3, |k| cell_of(&star, k));
    like_plain_pcg("conductances in space", 1e-9, &plain, &per_cell_3d::<f64>(4, 5, 3, &star));
    let solid = Plain::grid(4, 4, 6, |_| poisson_star(6.5));
    let view = Stencil3d::constant(4, 4, 6, poisson_star(6.5)).expect("a small grid");
    like_plain_pcg("solid", 1e-12, &solid, &view);
}

// ---- Properties ---------------------------------------------------------------------------------

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

// ---- How runs end -------------------------------------------------------------------------------

fn belongs<T: Real>(plain: &Plain, b: &[T], x: &[T], report: &Report<T>) {
    assert!(x.iter().all(|x| x.is_finite()), "{report:?}: {x:?}");
    let (exact, bound) = plain.look(b, x);
    let off = (report.residual.to_f64() - exact).abs();
    assert!(off <= bound, "{report:?}: {exact} ± {bound}");
}

fn indefinite_matrices_break_gradients<T: Real>() {
    let small = Plain::from_dense(&[&[1.0, 2.0], &[2.0, 1.0]]);
    let grid = Plain::grid(1, 15, 15, |_| poisson_star(3.5));
    let skew = Plain::from_dense(&[&[1.0, -3.0, 0.0], &[3.0, 1.0, -4.0], &[0.0, 4.0, 1.0]]);
    for plain in [&small, &grid] {
        let n = plain.order();
        let b: Vec<T> = cast(&(0..n).map(|i| if n == 2 && i == 1 { -1.0 } else { 1.0 }).collect::<Vec<_>>());
        let first: Vec<T> = cast(&Numbers(2).vector(n).iter().map(|v| v / 64.0).collect::<Vec<_>>());
        let csr = plain.csr::<T>();
        let mut x = first.clone();
        let report = cg_by(&csr, &b, &Stop::default(), &mut x);
        assert_eq!(report.status, Status::Breakdown);
        belongs(plain, &b, &x, &report);
        for omega in [0.5, 1.0, 1.5] {
            let mut x = first.clone();
            let (report, history) = ssor_cg_by(&csr, &b, T::from_f64(omega), &Stop::default(), &mut x);
            assert_eq!(report.status, Status::Breakdown, "{report:?}");
            assert_eq!(history.len(), report.steps as usize + 1, "the step that failed does not count");
            belongs(plain, &b, &x, &report);
        }
    }
    // Not symmetric, but xᵀAx > 0: no theory, and yet the run must end with a residual that is x's.
    let b = cast::<T>(&[1.0, 2.0, 3.0]);
    let mut x = vec![T::ZERO; 3];
    let stop = Stop { max_steps: 500, ..Stop::default() };
    let report = cg_by(&skew.csr::<T>(), &b, &stop, &mut x);
    belongs(&skew, &b, &x, &report);
    let mut x = vec![T::ZERO; 3];
    let (report, _) = ssor_cg_by(&skew.csr::<T>(), &b, T::ONE, &stop, &mut x);
    belongs(&skew, &b, &x, &report);
}

#[test]
fn a_matrix_that_is_not_definite_breaks_conjugate_gradients() {
    indefinite_matrices_break_gradients::<f32>();
    indefinite_matrices_break_gradients::<f64>();
}

fn divergence_is_noticed<T: Real>() {
    let matrices = [
        Plain::from_dense(&[&[1.0, 3.0], &[2.0, 1.0]]),
        Plain::from_dense(&[&[1.0, -5.0], &[5.0, 1.0]]),
        Plain::from_dense(&[&[1.0, 2.0, 2.0], &[2.0, 1.0, 2.0], &[2.0, 2.0, 1.0]]),
        Plain::from_dense(&[
            &[4.0, -1.0, -6.0, 0.0],
            &[-5.0, -4.0, 10.0, 8.0],
            &[0.0, 9.0, 4.0, -2.0],
            &[1.0, 0.0, -7.0, 5.0],
        ]),
    ];
    for (which, omegas) in [&[0.9, 1.0, 1.9][..], &[1.0], &[1.0, 1.5, 1.9], &[1.0, 1.9]].iter().enumerate() {
        let plain = &matrices[which];
        let n = plain.order();
        let b = vec![T::ONE; n];
        let csr = plain.csr::<T>();
        for &omega in *omegas {
            for check_every in [1, 2, 7] {
                for sweep in [Sweep::Forward, Sweep::Backward, Sweep::Symmetric] {
                    let stop = Stop { max_steps: 100_000, check_every, ..Stop::default() };
                    let options = sor::Options { sweep, stop, ..sor::Options::default() };
                    let mut x: Vec<T> = cast(&Numbers(3).vector(n));
                    let report = sor_by(&csr, &b, &mut Fixed(T::from_f64(omega)), &options, &mut x);
                    assert_eq!(report.status, Status::NotFinite, "{which} {omega} {sweep:?}: {report:?}");
                    belongs(plain, &b, &x, &report);
                    assert!(report.residual <= report.initial_residual, "the best that was kept");
                }
            }
        }
    }
    // Falls for a while before it grows: what is kept is better than the start.
    let plain = Plain::grid(1, 9, 9, |_| poisson_star(3.75));
    let grid = Stencil2d::<T>::constant(9, 9, cast_star(poisson_star(3.75))).expect("a small grid");
    let b: Vec<T> = (0..81).map(|i| if i % 2 == 0 { T::ONE } else { -T::ONE }).collect();
    let mut x = vec![T::ZERO; 81];
    let options =
        sor::Options { stop: Stop { max_steps: 1_000_000, ..Stop::default() }, ..Default::default() };
    let report = sor_by(&grid, &b, &mut Fixed(T::ONE), &options, &mut x);
    assert_eq!(report.status, Status::NotFinite, "{report:?}");
    belongs(&plain, &b, &x, &report);
    assert!(report.residual < T::HALF * report.initial_residual, "{report:?}");
}

#[test]
fn divergence_ends_with_the_last_good_iterate() {
    divergence_is_noticed::<f32>();
    divergence_is_noticed::<f64>();
}

/// A tolerance below the precision is never confirmed; the run ends all the same.
fn hopeless_tolerances<T: Real>() {
    for n in [7, 31] {
        let (grid, plain) = (poisson::<T>(n), Plain::poisson(n));
        let b: Vec<T> = cast(&Numbers(9).vector(n * n));
        for relative in [T::EPSILON * T::from_f64(1e-3), T::from_f64(1e-20), T::MIN_POSITIVE] {
            let stop = Stop { relative, max_steps: 3000, ..Stop::default() };
            let ended = |name: &str, x: &[T], report: &Report<T>| {
                let fair = matches!(report.status, Status::Stalled | Status::StepLimit);
                assert!(fair && report.steps <= 3000, "{name} N = {n} {relative}: {report:?}");
                belongs(&plain, &b, x, report);
                // It got as far as the precision goes before it gave up.
                let floor = T::EPSILON.to_f64() * 40.0 * (n * n) as f64;
                assert!(report.relative_residual().to_f64() < floor, "{name} N = {n}: {report:?}");
            };
            let mut x = vec![T::ZERO; n * n];
            let report = cg_by(&grid, &b, &stop, &mut x);
            ended("cg", &x, &report);
            for omega in [1.0, 1.5] {
                let mut x = vec![T::ZERO; n * n];
                let (report, _) = ssor_cg_by(&grid, &b, T::from_f64(omega), &stop, &mut x);
                ended("ssor-cg", &x, &report);
            }
            let mut x = vec![T::ZERO; n * n];
            let options = sor::Options { stop, ..sor::Options::default() };
            let omega = T::from_f64(omega_star(n));
            let report = sor_by(&grid, &b, &mut Fixed(omega), &options, &mut x);
            ended("sor", &x, &report);
        }
    }
}

#[test]
fn a_tolerance_below_the_precision_ends_as_stalled_or_at_the_limit() {
    hopeless_tolerances::<f32>();
    hopeless_tolerances::<f64>();
}

#[test]
fn no_unknowns_need_no_step() {
    let csr = Csr::<f64>::new(&[0], &[], &[]).expect("an empty matrix");
    let grid = Stencil2d::<f64>::constant(0, 5, poisson_star(4.0)).expect("an empty grid");
    let space = Stencil3d::<f64>::constant(2, 3, 0, poisson_star(6.0)).expect("an empty grid");
    let reports = [
        sor_by(&csr, &[], &mut Fixed(1.0), &sor::Options::default(), &mut []),
        sor_by(&grid, &[], &mut Fixed(1.0), &sor::Options::default(), &mut []),
        sor_by(
            &RedBlack::<Stencil3d<'_, f64>>::new(space),
            &[],
            &mut Fixed(1.0),
            &Default::default(),
            &mut [],
        ),
        sor_by(&Lines::<Stencil2d<'_, f64>>::new(grid), &[], &mut Fixed(1.0), &Default::default(), &mut []),
        sor_by(&Blocks::new(csr, 3).expect("allowed"), &[], &mut Fixed(1.0), &Default::default(), &mut []),
        ssor_cg_by(&space, &[], 1.0, &Stop::default(), &mut []).0,
        cg_by(&csr, &[], &Stop::default(), &mut []),
    ];
    for report in reports {
        assert_eq!((report.status, report.steps, report.residual), (Status::Converged, 0, 0.0));
    }
    // Sweeping nothing is allowed too.
    let b: &[f64] = leak(vec![]);
    let problem = Problem::new(&grid, b).expect("an empty problem");
    let options = sor::Options { reference: Reference::InitialResidual, ..sor::Options::default() };
    let workspace = sor::Workspace::new(&problem, &mut []).expect("nothing is needed");
    let mut rule = Fixed(1.0);
    let mut run = sor::start(&problem, &options, &mut rule, &mut [], workspace).expect("an empty problem");
    run.step();
    assert_eq!(run.residual(), 0.0);
}
