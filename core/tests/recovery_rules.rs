//! Robust matrix recovery: rules for steps and starts that need no hold, scaled steps, single precision and
//! signs, against reference figures (within a factor of 2 above the floor, 3 on it).

mod common;

use common::sensing::{Case, below, errors, errors_by};
use southwell::subgradient::counter::{fill_signs, stream};
use southwell::subgradient::matrix::operator::{Draw, Seeded};
use southwell::subgradient::matrix::{Options, Precondition, Start, Step};

fn oscillation(alpha: f64, restarts: u32) -> Options<f64> {
    Options { alpha, step: Step::Oscillation { eta0: 0.25, rho: 0.9, restarts }, ..Options::default() }
}

#[test]
fn the_default_rule_needs_no_hold() {
    let sensing = Case::default().gaussian();
    let spectral = Options { start: Start::Spectral, ..oscillation(1e-4, 0) };
    below(&errors(&sensing, 3, &spectral, &[50, 100, 200]), &[1.5e-1, 1.2e-3, 1.9e-8], 2.0, "exact rank");
    below(&errors(&sensing, 30, &spectral, &[50, 100]), &[1.5e-1, 1.3e-3], 2.0, "over-estimated");
    below(&errors(&sensing, 30, &spectral, &[300]), &[1.9e-4], 3.0, "over-estimated, floor");
    let default = Options::<f64>::default();
    below(&errors(&sensing, 3, &default, &[600]), &[5e-16], 3.0, "default");
    below(&errors(&sensing, 30, &default, &[600]), &[6.5e-4], 3.0, "default, floor");
    let half = Case { p: 0.5, ..Case::default() }.gaussian();
    below(&errors(&half, 3, &spectral, &[200, 400]), &[6e-8, 1e-15], 3.0, "half of it wrong");
}

/// A weak part that has not grown when the strong ones begin to oscillate is lost, and a restart finds it.
#[test]
fn restarts() {
    let five = Case { kappa: 5.0, ..Case::default() }.gaussian();
    let lost = errors(&five, 3, &oscillation(1e-6, 0), &[400]);
    assert!(lost[0] > 0.1, "{lost:?}");
    below(&errors(&five, 3, &oscillation(1e-6, 2), &[900]), &[5e-16], 3.0, "two restarts");
    below(&errors(&five, 30, &Options::<f64>::default(), &[600]), &[4.1e-4], 3.0, "kappa 5");
    let ten = Case { kappa: 10.0, ..Case::default() }.gaussian();
    below(&errors(&ten, 30, &oscillation(1e-3, 1), &[700]), &[4.9e-4], 3.0, "kappa 10");
}

/// Iterations to an error of 1e-6 with Polyak's step and the exact rank: scaling makes it blind to κ.
#[test]
fn polyak() {
    for (kappa, plain, scaled) in [(1.0, 30, 30), (5.0, 87, 31), (20.0, 362, 33)] {
        let sensing = Case { kappa, p: 0.2, ..Case::default() }.gaussian();
        let step = Step::Polyak { target: sensing.best };
        let options = Options { alpha: 1.0, start: Start::Spectral, step, ..Options::<f64>::default() };
        let precondition = Precondition::Scaled { damping: 0.0 };
        for (options, figure) in [(options, plain), (Options { precondition, ..options }, scaled)] {
            // A start of another size is a few steps ahead or behind.
            let errors = errors(&sensing, 3, &options, &[figure * 5 / 4 + 3]);
            assert!(errors[0] < 1e-6, "kappa {kappa}, {:?}: {errors:?}", options.precondition);
        }
    }
    let sensing = Case { kappa: 5.0, p: 0.2, ..Case::default() }.gaussian();
    let options = Options {
        alpha: 1e-2,
        start: Start::Spectral,
        step: Step::Polyak { target: sensing.best },
        precondition: Precondition::Scaled { damping: 1e-4 },
        ..Options::default()
    };
    below(&errors(&sensing, 6, &options, &[200]), &[4.7e-7], 3.0, "scaled, over-estimated");
}

#[test]
fn single_precision() {
    let sensing = Case::default().gaussian();
    let oscillation = Options::<f32> {
        alpha: 1e-4,
        step: Step::Oscillation { eta0: 0.25, rho: 0.9, restarts: 0 },
        ..Options::default()
    };
    below(&errors(&sensing, 3, &oscillation, &[250]), &[1.0e-7], 3.0, "f32, exact rank");
    let held = Step::Held { eta0: 0.25, rho: 0.95, hold: 60 };
    let held = Options::<f32> { alpha: 1e-6, start: Start::Spectral, step: held, ..Options::default() };
    below(&errors(&sensing, 30, &held, &[400]), &[2.5e-6], 3.0, "f32, floor");
}

/// Signs, drawn anew in every iteration, do as well as normal numbers.
#[test]
fn sign_operators() {
    let case = Case::default();
    let key = stream(1, 1);
    let sensing = case.measured(|a| fill_signs(key, 0, a));
    let operator = Seeded::new(Draw::Signs, key, case.m, case.d, case.d).expect("an operator");
    let held = Step::Held { eta0: 0.25, rho: 0.95, hold: 60 };
    let options = Options { alpha: 1e-6, start: Start::Spectral, step: held, ..Options::default() };
    let errors =
        |rank, options, at: &[u32]| errors_by(&operator, &sensing.y, &sensing.truth, rank, options, at);
    below(&errors(3, &options, &[200]), &[1.8e-4], 2.0, "held");
    below(&errors(30, &options, &[400]), &[1.7e-6], 3.0, "held, over-estimated");
    below(&errors(30, &oscillation(1e-4, 0), &[300]), &[1.5e-4], 3.0, "oscillation, over-estimated");
}
