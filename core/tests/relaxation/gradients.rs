//! Conjugate gradients on the model problem, and Eisenstat's form against the plain one.

use crate::common::methods::*;
use crate::common::{
    Numbers, Plain, cell_of, conductances, dot, norm, per_cell_2d, per_cell_3d, poisson, poisson_star,
};
use southwell::linear::{Star, Stencil3d};
use southwell::relaxation::Split;
use southwell::{Status, Stop};

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
