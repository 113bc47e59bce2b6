//! Rules by themselves: what they answer to runs whose residuals fall as a script says.

use rand_xoshiro::{Xoshiro256PlusPlus, rand_core::SeedableRng};

use super::*;
use crate::Status;
use crate::bandit::{Grid, Tuner};

fn sight(coupling: &dyn Fn() -> f64) -> Sight<'_, f64> {
    Sight::new(9, 1.0, 1.0, coupling)
}

fn none() -> f64 {
    0.0
}

fn at(step: u32, residual: f64) -> Progress<f64> {
    Progress { step, residual: Some(residual), parameter: 1.0 }
}

fn ended(steps: u32) -> Report<f64> {
    let status = Status::Converged;
    Report { status, steps, checks: 1, initial_residual: 1.0, residual: 0.0, scale: 1.0 }
}

/// Writes down what it is told.
struct Scripted {
    budget: Option<f64>,
    context: f64,
    chosen: u32,
    losses: [f64; 2],
}

impl Tuner<f64> for Scripted {
    fn arms(&self) -> usize {
        20
    }
    fn choose_with(&mut self, context: f64, _word: u64) -> usize {
        (self.context, self.chosen) = (context, self.chosen + 1);
        4
    }
    fn learn(&mut self, loss: f64) {
        self.losses = [self.losses[1], loss];
    }
    fn probabilities(&self) -> &[f64] {
        &[]
    }
    fn incumbent(&self) -> usize {
        11
    }
    fn budget(&self) -> Option<f64> {
        self.budget
    }
}

fn learned(budget: Option<f64>) -> Learned<f64, Scripted, Xoshiro256PlusPlus> {
    let tuner = Scripted { budget, context: -1.0, chosen: 0, losses: [-1.0; 2] };
    Learned::new(tuner, Grid::<f64>::RELAXATION, Xoshiro256PlusPlus::seed_from_u64(1))
}

#[test]
fn a_run_beyond_its_budget_goes_on_with_the_incumbent() {
    let mut rule = learned(Some(5.0));
    rule.context = 0.25;
    for run in 1..3 {
        assert_eq!(rule.begin(&sight(&none)), Grid::<f64>::RELAXATION.value(4));
        assert_eq!((rule.tuner().context, rule.tuner().chosen), (0.25, run));
        // A run is charged with its steps less one.
        assert_eq!(rule.revise(&at(5, 1.0)), None);
        assert_eq!(rule.revise(&at(6, 1.0)), None);
        assert_eq!(rule.revise(&at(7, 1.0)), Some(1.55));
        assert_eq!(rule.revise(&at(8, 1.0)), None, "once");
    }
    let mut rule = learned(None);
    rule.begin(&sight(&none));
    assert_eq!(rule.revise(&at(1000, 1.0)), None);
}

#[test]
fn a_run_is_charged_with_its_steps_or_with_what_is_told() {
    let mut rule = learned(Some(5.0));
    assert_eq!(rule.cost, Cost::Steps);
    rule.end(&ended(8));
    rule.tell(3.0);
    assert_eq!(rule.tuner().losses, [-1.0, 7.0]);
    rule.end(&ended(0));
    assert_eq!(rule.tuner().losses, [7.0, 0.0]);
    rule.cost = Cost::Told;
    rule.end(&ended(8));
    rule.tell(3.0);
    assert_eq!(rule.tuner().losses, [0.0, 3.0]);
    assert_eq!(rule.revise(&at(1000, 1.0)), None, "steps are no measure of what will be told");
}

#[test]
fn auto_starts_at_the_model_and_learns() {
    let begin = |coupling: f64| Auto::<f64>::new().expect("sound").begin(&sight(&|| coupling));
    // One sixteenth of √(1 − μ) shares an omega: the model's at its centre, rounded up to 0.05, at most 1.5.
    assert_eq!(begin(0.0), 1.0);
    assert_eq!(begin(0.75), 1.25);
    assert_eq!(begin(0.9), Grid::<f64>::RELAXATION.value(7));
    assert_eq!(begin(1.0), 1.5);
    assert_eq!(begin(1.5), 1.5);
    let mut rule = Auto::<f64>::new().expect("sound");
    let first = rule.begin(&sight(&|| 0.75));
    assert_eq!(rule.begin(&sight(&|| 0.75)), first, "nothing was learned");
    rule.end(&ended(20));
    assert!((rule.begin(&sight(&|| 0.75)) - first).abs() > 0.04, "a neighbour is tried");
    assert_eq!(rule.revise(&at(1000, 1.0)), None);
}

#[test]
fn an_omega_that_is_given_stays() {
    let mut rule = Fixed(1.25);
    assert_eq!((rule.begin(&sight(&none)), rule.revise(&at(1, 0.5))), (1.25, None));
    let omegas = [young_omega(0.0), young_omega(0.8), young_omega(-0.8), young_omega(1.0), young_omega(3.0)];
    let largest = 2.0 / (1.0 + f64::EPSILON.sqrt());
    let expected = [1.0, 1.25, 1.25, largest, largest];
    assert!(
        omegas.iter().zip(expected).all(|(found, expected)| (found - expected).abs() < 1e-15),
        "{omegas:?}"
    );
}

/// Runs whose residual falls by the same factor every step; looks every so many of them.
fn omega_after<R: OmegaRule<f64>>(rule: &mut R, factor: f64, every: u32, looks: u32) -> Option<f64> {
    let mut answer = None;
    for look in 1..=looks {
        assert_eq!(answer, None, "before look {look}");
        answer = rule.revise(&at(look * every, factor.powi((look * every) as i32)));
    }
    answer
}

#[test]
fn a_rate_that_has_settled_gives_the_radius_away() {
    for every in [1, 10] {
        let mut rule = HagemanYoung::default();
        assert_eq!(rule.begin(&sight(&none)), 1.0);
        // Its first ratio agrees with none, the next three with the one before.
        let found = omega_after(&mut rule, 0.5, every, 4).expect("settled");
        assert!((found - 2.0 / (1.0 + 0.5_f64.sqrt())).abs() < 1e-12, "{found}");
        assert_eq!(rule.omega, found);
        assert_eq!(rule.begin(&sight(&none)), found, "for the next run too");
        // Faster than ω − 1 says nothing of the radius.
        assert_eq!(omega_after(&mut rule, 0.125, 1, 9), None);
    }
}

/// Steady is what changes by a fiftieth of what a sweep takes off, not of the residual: near 1 that is little.
#[test]
fn a_rate_that_moves_by_more_than_a_fiftieth_of_its_gain_has_not_settled() {
    for (change, settles) in [(1e-3, true), (4e-3, false)] {
        let mut rule = HagemanYoung::default();
        rule.begin(&sight(&none));
        let mut residual = 1.0;
        let answers = (1..20).map(|step| {
            residual *= if step % 2 == 0 { 0.9 } else { 0.9 + change };
            rule.revise(&at(step, residual))
        });
        assert_eq!(answers.filter(Option::is_some).count() > 0, settles, "{change}");
    }
}

#[test]
fn looks_that_say_nothing_are_passed_over() {
    let mut rule = HagemanYoung::default();
    rule.begin(&sight(&none));
    assert_eq!(omega_after(&mut rule, 0.5, 1, 3), None);
    for nothing in [at(3, 0.9), at(4, 0.0), at(4, -1.0), Progress { residual: None, ..at(4, 0.0) }] {
        assert_eq!(rule.revise(&nothing), None);
    }
    let found = rule.revise(&at(4, 0.0625)).expect("settled, as if nothing had been");
    assert!((found - 2.0 / (1.0 + 0.5_f64.sqrt())).abs() < 1e-12, "{found}");
    // A start that was solved already.
    let mut rule = HagemanYoung::default();
    rule.begin(&Sight { initial_residual: 0.0, ..sight(&none) });
    assert_eq!(omega_after(&mut rule, 0.5, 1, 9), None);
    // Rates that do not fall, and one so near to 1 that omega is held below 2.
    let mut rule = HagemanYoung::default();
    rule.begin(&sight(&none));
    assert_eq!(omega_after(&mut rule, 1.0, 1, 9), None);
    let mut rule = HagemanYoung::default();
    rule.begin(&sight(&none));
    assert_eq!(omega_after(&mut rule, 1.0 - 1e-9, 1, 4), Some(1.999));
}

/// A residual whose ratios never settle, from step 1 on.
fn wavering(rule: &mut Eager<f64>, steps: core::ops::RangeInclusive<u32>, mut residual: f64) -> Option<f64> {
    let last = *steps.end();
    for step in steps {
        residual *= if step % 2 == 0 { 0.8 } else { 0.95 };
        let answer = rule.revise(&at(step, residual));
        if step == last {
            return answer;
        }
        assert_eq!(answer, None, "step {step}");
    }
    None
}

#[test]
fn a_slow_run_is_helped_from_the_eighth_step_on() {
    let mut rule = Eager::default();
    assert_eq!(rule.begin(&sight(&none)), 1.0);
    assert_eq!(wavering(&mut rule, 1..=8, 1.0), Some(1.5));
    // From there on as the rule within says.
    assert_eq!(wavering(&mut rule, 9..=20, 1.0), None);
    assert_eq!(rule.begin(&sight(&none)), 1.0, "every run anew");
    // Fast ones need none; and the same step twice is no step.
    let mut rule = Eager::default();
    rule.begin(&sight(&none));
    assert_eq!(rule.revise(&at(10, 0.5_f64.powi(10))), None, "the first residual is that of the start");
    assert_eq!(rule.revise(&at(10, 1.0)), None);
    assert_eq!(rule.revise(&at(11, 0.9)), Some(1.5));
    // What the rule within finds goes first.
    let mut rule = Eager::default();
    rule.begin(&sight(&none));
    let found = omega_after(&mut rule, 0.5, 1, 4).expect("settled");
    assert!((found - 2.0 / (1.0 + 0.5_f64.sqrt())).abs() < 1e-12, "{found}");
}
