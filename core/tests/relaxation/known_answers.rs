//! Small systems worked out by hand, and what theory says about any.

use crate::common::methods::*;
use crate::common::{Lu, Numbers, Plain, cast, cast_star, dot, norm, per_cell_2d, poisson_star, wide};
use southwell::Real;
use southwell::linear::{Star, Stencil2d, Stencil3d};
use southwell::relaxation::{Blocks, Problem, Relax, jacobi_radius, young_omega};

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
