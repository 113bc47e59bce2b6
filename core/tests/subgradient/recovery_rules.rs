//! Robust matrix recovery: rules for steps and starts that need no hold, scaled steps, single precision and
//! signs, against reference figures (within a factor of 2 above the floor, 3 on it).

use rand_xoshiro::Xoshiro256PlusPlus;
use rand_xoshiro::rand_core::SeedableRng;

use crate::common::sensing::{Case, below, errors, errors_by};
use southwell::bandit::{Grid, TsallisInf, TsallisOptions};
use southwell::subgradient::counter::{fill_signs, stream};
use southwell::subgradient::matrix::operator::{AllEntries, Dense, Draw, Operator, Seeded};
use southwell::subgradient::matrix::{
    self, Learned, Options, Precondition, Problem, Start, Step, Unit, Workspace,
};
use southwell::{Run, Status, Stop};

fn oscillation(alpha: f64, restarts: u32) -> Options<f64> {
    let step = Step::Oscillation { eta0: 0.25, rho: 0.9, restarts };
    Options { alpha, step, unit: Unit::Spectral, ..Options::default() }
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
    let two = Case { kappa: 2.0, ..Case::default() }.gaussian();
    below(&errors(&two, 3, &spectral, &[100, 200]), &[2.2e-3, 6.5e-8], 3.0, "kappa 2");
    below(&errors(&two, 30, &spectral, &[200]), &[1.9e-4], 3.0, "kappa 2, floor");
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
    below(&errors(&ten, 30, &Options::<f64>::default(), &[400]), &[4.9e-4], 3.0, "kappa 10, default");
}

/// Weak parts of small problems, which spectral units lose now and then.
#[test]
fn the_default_unit_finds_weak_parts() {
    for seed in 1..=8 {
        let sensing = Case { d: 8, r: 2, m: 240, p: 0.2, kappa: 3.0, seed, ..Case::default() }.gaussian();
        for rank in [3, 8] {
            let errors = errors(&sensing, rank, &Options::<f64>::default(), &[300]);
            assert!(errors[0] < 1e-3, "seed {seed}, rank {rank}: {errors:?}");
        }
    }
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
        unit: Unit::Spectral,
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

/// What each rule ends with: equal steps go round the truth at a distance of their size, steps of 1/√t come nearer,
/// lengths that fall reach it from a start that is not small.
#[test]
fn plain_rules() {
    let sensing = Case { d: 8, r: 2, m: 160, p: 0.2, ..Case::default() }.gaussian();
    let worst = |step, unit, alpha, from| {
        let start = if alpha < 1.0 { Start::PowerStep } else { Start::Spectral };
        let options = Options { alpha, step, unit, start, ..Options::default() };
        let at: Vec<u32> = (from..from + 20).collect();
        errors(&sensing, 2, &options, &at).into_iter().fold(0.0, f64::max)
    };
    let constant = |eta0, from| worst(Step::Constant { eta0 }, Unit::Spectral, 1e-3, from);
    let ratio = constant(0.25, 500) / constant(0.025, 1500);
    assert!((5.0..20.0).contains(&ratio), "ten times the step, {ratio} times the error");
    let diminishing = |from| worst(Step::Diminishing { eta0: 0.25 }, Unit::Spectral, 1e-3, from);
    let ratio = diminishing(1000) / diminishing(8000);
    assert!((2.0..5.0).contains(&ratio), "steps shorter by the root of eight, errors by {ratio}");
    let lengths = Step::Held { eta0: 1.0, rho: 0.98, hold: 0 };
    let error = worst(lengths, Unit::Length, 1.0, 1400);
    assert!(error < 1e-10, "lengths that fall: {error}");
}

/// Steps until the value is within a thousandth of the best; as many as there may be where it is not met.
fn cost(seed: u64, step: Step<f64>) -> f64 {
    let case = Case { d: 8, r: 2, m: 160, p: 0.2, seed, ..Case::default() };
    let sensing = case.gaussian();
    let operator = Dense::new(&sensing.a, 8, 8).expect("sound");
    let problem = Problem::symmetric(&operator, &sensing.y, 3).expect("sound");
    let shape = problem.shape();
    let mut storage = vec![0.0; Workspace::<f64>::required_len(shape, false, operator.scratch_len(shape))];
    let workspace = Workspace::new(&problem, false, &mut storage).expect("long enough");
    let stop = Stop { max_steps: 400, ..Stop::relative(f64::MIN_POSITIVE) };
    let options = Options { step, stop, target: 1.001 * sensing.best, ..Options::default() };
    let mut x = vec![0.0; shape.unknowns()];
    let found = matrix::solve(&problem, &options, &mut x, workspace, &mut ()).expect("sound");
    f64::from(found.report.steps)
}

/// Over a sequence of problems a tuner finds how fast held steps should shrink.
#[test]
fn learned_over_a_sequence() {
    let rule = |rho| Step::Held { eta0: 0.25, rho, hold: 40 };
    let grid = Grid::new(0.75, 0.99, 4).expect("a grid");
    let by_arm: Vec<f64> =
        (0..4).map(|arm| (1..=6).map(|seed| cost(seed, rule(grid.value(arm)))).sum::<f64>() / 6.0).collect();
    let tuner = TsallisInf::<f64, 4>::new(TsallisOptions::default()).expect("sound");
    let mut learned = Learned::new(tuner, grid, Xoshiro256PlusPlus::seed_from_u64(3), rule);
    let mut last = 0.0;
    for seed in 1..=200 {
        let step = learned.next(0.0);
        let cost = cost(seed, step);
        learned.learn(cost - 1.0);
        last += if seed > 150 { cost / 50.0 } else { 0.0 };
    }
    let (best, mean) =
        (by_arm.iter().copied().fold(f64::INFINITY, f64::min), by_arm.iter().sum::<f64>() / 4.0);
    assert!(last < 0.5 * (best + mean), "{last} after learning; the arms cost {by_arm:?}");
}

/// What was met exactly at the start was found there, however long the run stays.
#[test]
fn of_equal_values_the_first_was_found() {
    let operator = AllEntries::new(3, 2).expect("sound");
    let problem = Problem::general(&operator, &[0.0; 6], 1).expect("sound");
    let mut storage = vec![f64::NAN; Workspace::<f64>::required_len(problem.shape(), false, 100)];
    let work = Workspace::new(&problem, false, &mut storage).expect("memory");
    let mut x = [0.0; 5];
    let options = Options { start: Start::Given, patience: 3, ..Options::default() };
    let mut run = matrix::start(&problem, &options, &mut x, work).expect("sound");
    for step in 0..4 {
        assert_eq!((run.best(), run.failure()), ((0.0, 0), None), "step {step}");
        run.step();
    }
    assert_eq!((run.best(), run.failure()), ((0.0, 0), Some(Status::Stalled)));
}
