//! Robust matrix recovery: the reference figures of dense Gaussian measurements. Signs make paths chaotic in
//! the last bit, so figures are met within a factor: 2 above the floor, 3 on it.

use crate::common::sensing::{Case, below, errors, errors_from, least_squares};
use southwell::subgradient::counter::{draw, normal, stream, uniform};
use southwell::subgradient::matrix::operator::Dense;
use southwell::subgradient::matrix::{Options, Start, Step};

const ETA0: f64 = 0.25;

fn held(alpha: f64, hold: u32, start: Start) -> Options<f64> {
    let step = Step::Held { eta0: ETA0, rho: 0.95, hold };
    Options { alpha, start, step, ..Options::default() }
}

#[test]
fn the_data_are_the_reference_data() {
    assert_eq!(draw(0, 0), 0xe220_a839_7b1d_cdaf);
    assert!((normal(stream(1, 1), 3) + 1.224_798_030_0).abs() < 1e-10);
    assert!((uniform(stream(1, 3), 0) - 0.242_464_081_91).abs() < 1e-11);
    let sensing = Case::default().gaussian();
    assert_eq!(sensing.outliers, 351);
    assert!((sensing.y[0] - 10.473_794_94).abs() < 1e-8);
    assert!((sensing.a[1200 * 900 - 1] + 0.393_851_202_6).abs() < 1e-10);
    assert!((sensing.best - 4.043_942_772).abs() < 1e-9);
}

/// The rank need not be known, nor the share of outliers; least squares ends as far off as the answer 0.
#[test]
fn a_third_of_the_measurements_is_wrong() {
    let sensing = Case::default().gaussian();
    let options = held(1e-6, 60, Start::Spectral);
    below(&errors(&sensing, 3, &options, &[100, 200, 500]), &[2.7e-2, 2.0e-4, 4.4e-11], 2.0, "exact rank");
    for rank in [10, 30] {
        let errors = errors(&sensing, rank, &options, &[100, 200, 300]);
        below(&errors[..2], &[2.7e-2, 1.9e-4], 2.0, "over-estimated");
        below(&errors[2..], &[2.5e-6], 3.0, "over-estimated");
        assert!(errors[2] <= 1e-5, "rank {rank}: {errors:?}");
    }
    for rank in [3, 30] {
        let error = least_squares(&sensing, rank, 1e-6, 200);
        assert!(error > 1.5, "least squares with rank {rank} ended at {error}");
    }
}

/// Near the end the error alternates between a third of the step and one and a half: the better of two
/// neighbours is compared.
#[test]
fn fewer_outliers_and_none() {
    for (p, rank, figures) in [(0.1, 30, [3.0e-2, 2.1e-4, 1.8e-7]), (0.0, 30, [2.5e-2, 5.5e-5, 3.1e-8])] {
        let sensing = Case { p, ..Case::default() }.gaussian();
        let errors = errors(&sensing, rank, &held(1e-6, 60, Start::Spectral), &[100, 200, 201, 500]);
        below(&[errors[0], errors[1].min(errors[2])], &figures[..2], 2.0, "above the floor");
        below(&errors[3..], &figures[2..], 3.0, "floor");
        let by_squares = least_squares(&sensing, rank, 1e-6, 200);
        assert_eq!(by_squares < 1e-6, p == 0.0, "{p}: {by_squares}");
    }
}

/// The price of robustness: without outliers least squares is better, by less than a half.
#[test]
fn noise() {
    for (p, noise, figure) in [(0.0, 0.1, 3.6e-2), (0.0, 0.5, 0.177), (0.3, 0.1, 5.9e-2)] {
        let sensing = Case { p, noise, ..Case::default() }.gaussian();
        below(&errors(&sensing, 10, &held(1e-6, 60, Start::Spectral), &[200]), &[figure], 2.0, "noise");
        if (p, noise) == (0.0, 0.1) {
            below(&[least_squares(&sensing, 10, 1e-6, 200)], &[2.6e-2], 2.0, "least squares");
        }
    }
}

#[test]
fn the_floor_falls_with_the_start() {
    let sensing = Case::default().gaussian();
    // The size of the start, the hold, when the floor is reached, and what it is.
    let figures = [
        (1e-1, 20, 200, 2.3e-2),
        (1e-2, 30, 200, 7.8e-3),
        (1e-3, 40, 200, 2.5e-3),
        (1e-4, 50, 300, 4.3e-4),
        (1e-8, 90, 450, 7.9e-8),
        (1e-10, 110, 500, 1.0e-9),
    ];
    for (alpha, hold, steps, floor) in figures {
        below(&errors(&sensing, 30, &held(alpha, hold, Start::Spectral), &[steps]), &[floor], 3.0, "floor");
    }
    let errors = errors(&sensing, 30, &held(1.0, 0, Start::Random), &[400]);
    assert!(errors[0] > 2e-2, "a start that is not small fits the outliers: {errors:?}");
}

#[test]
fn no_decomposition_is_needed() {
    let sensing = Case::default().gaussian();
    for (start, floor) in [(Start::Spectral, 4.3e-5), (Start::PowerStep, 1.5e-5), (Start::Random, 2.0e-4)] {
        let errors = errors(&sensing, 30, &held(1e-6, 90, start), &[165, 400]);
        assert!(errors[0] < 1e-2, "{start:?}: {errors:?}");
        below(&errors[1..], &[floor], 4.0, "floor of the start");
    }
    // α I, which knows nothing of the measurements.
    let mut eye = [0.0; 900];
    eye.iter_mut().step_by(31).for_each(|x| *x = 1e-6);
    let operator = Dense::new(&sensing.a, 30, 30).expect("matrices");
    let options = held(1e-6, 90, Start::Given);
    let errors = errors_from(&operator, &sensing.y, &sensing.truth, (30, &eye), &options, &[165, 400]);
    below(&errors, &[1e-2, 1.8e-4], 4.0, "the unit matrix");
    assert!(errors[0] < 1e-2, "{errors:?}");
}

/// Fewer measurements than degrees of freedom.
#[test]
fn small_starts_choose_the_simplest_matrix() {
    let sensing = Case { r: 1, m: 400, p: 0.2, ..Case::default() }.gaussian();
    below(&errors(&sensing, 30, &held(1e-6, 60, Start::Spectral), &[400]), &[3.9e-7], 3.0, "small");
    below(&errors(&sensing, 1, &held(1e-6, 60, Start::Spectral), &[800]), &[3e-16], 3.0, "exact");
    let errors = errors(&sensing, 30, &held(1.0, 60, Start::Random), &[400]);
    assert!(errors[0] > 1.0, "large: {errors:?}");
}
