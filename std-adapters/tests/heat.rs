//! The heat experiment's reference totals (dt = 1e-3, tolerance 1e-8·‖b‖, warm starts), and the
//! policies that learn.

use std::ops::ControlFlow;

use southwell::relaxation::{Fixed, Problem, ssor_cg};
use southwell::{Error, Stop};
use southwell_std::heat::{self, ARMS, Heat, Outcome, Policy, Setting, Survey, arm_omega, diffusion};

fn setting(grid: usize, steps: u32, seed: u64) -> Setting {
    Setting { grid, steps, tolerance: 1e-8, seed }
}

fn run(policy: Policy, setting: &Setting, survey: Option<&Survey>) -> Outcome {
    let outcome = heat::run(policy, setting, survey, &mut |_| ControlFlow::Continue(()));
    outcome.expect("a valid setting").expect("nobody ends it")
}

fn survey(setting: &Setting) -> Survey {
    let survey = heat::survey(setting, &mut |_| ControlFlow::Continue(()));
    survey.expect("a valid setting").expect("nobody ends it")
}

/// Within a thousandth: the order of additions may move a step by one iteration.
fn near(what: &str, given: u64, expected: u64) {
    let ratio = given as f64 / expected as f64;
    assert!((ratio - 1.0).abs() <= 1e-3, "{what}: {given} instead of {expected}");
}

/// Reference totals: CG, the best arm at every step, and some of the arms.
fn check(grid: usize, steps: u32, cg: u64, instance_optimal: u64, arms: &[(f64, u64)]) {
    let setting = setting(grid, steps, 0);
    near("cg", run(Policy::Cg, &setting, None).iterations, cg);
    // The survey below tries the arms too; long runs leave it at that.
    for &(omega, total) in arms.iter().filter(|_| steps <= 1000) {
        near(&format!("{omega}"), run(Policy::Fixed(omega), &setting, None).iterations, total);
    }
    let survey = survey(&setting);
    near("instance-optimal", survey.instance_optimal.iterations, instance_optimal);
    for &(omega, total) in arms {
        let arm = (0..ARMS).find(|&arm| (arm_omega(arm) - omega).abs() < 1e-9).expect("an arm");
        near(&format!("{omega} along the best trajectory"), survey.totals[arm], total);
    }
    let &(omega, total) = arms.iter().min_by_key(|(_, total)| *total).expect("arms");
    assert!((arm_omega(survey.best_arm()) - omega).abs() < 1e-9);
    near("best-fixed", run(Policy::BestFixed, &setting, Some(&survey)).iterations, total);
}

#[test]
fn grid_25_over_1000_steps_has_the_reference_totals() {
    check(25, 1000, 17038, 4805, &[(1.0, 6525), (1.2, 6006), (1.4, 5849), (1.5, 6438), (1.95, 12567)]);
}

#[test]
fn grid_25_over_5000_steps_has_the_reference_totals() {
    check(25, 5000, 85422, 24181, &[(1.0, 32793), (1.4, 29413), (1.5, 32318), (1.9, 58121)]);
}

#[test]
fn grid_50_over_1000_steps_has_the_reference_totals() {
    check(50, 1000, 32761, 6925, &[(1.0, 12129), (1.5, 8738), (1.6, 8520), (1.8, 11204)]);
}

#[test]
fn grid_50_over_5000_steps_has_the_reference_totals() {
    check(50, 5000, 164_441, 34693, &[(1.0, 60733), (1.5, 43978), (1.6, 42908)]);
}

/// The mean of three seeds at grid 50 over 5000 steps, as a multiple of the best fixed omega's total.
fn learned(policy: Policy) -> f64 {
    let total: u64 = (0..3).map(|seed| run(policy, &setting(50, 5000, seed), None).iterations).sum();
    total as f64 / 3.0 / 42908.0
}

#[test]
fn tsallis_inf_comes_near_the_best_fixed_omega() {
    let ratio = learned(Policy::TsallisInf);
    assert!(ratio <= 1.09, "{ratio}");
}

#[test]
fn contexts_beat_the_best_fixed_omega() {
    let ratio = learned(Policy::ChebCb);
    assert!(ratio <= 0.86, "{ratio}");
}

#[test]
fn auto_beats_the_best_fixed_omega_without_being_told_anything() {
    // It draws nothing, so one seed stands for all.
    let setting = setting(50, 5000, 0);
    let ratio = run(Policy::Auto, &setting, None).iterations as f64 / 42908.0;
    assert!(ratio <= 0.90, "{ratio}");
}

#[test]
fn the_last_state_is_the_reference_state() {
    for (grid, sum, norm) in [(25, 15.515_735_3, 1.200_833_36), (50, 62.201_175_2, 2.397_497_12)] {
        let mut heat = Heat::new(grid).expect("a valid grid");
        let mut storage = vec![f64::NAN; 6 * heat.unknowns()];
        let options = ssor_cg::Options { stop: Stop::relative(1e-12), ..ssor_cg::Options::default() };
        for _ in 0..1000 {
            let matrix = heat.matrix().expect("a valid matrix");
            let problem = Problem::new(&matrix, heat.rhs()).expect("a valid problem");
            let mut x = heat.state().to_vec();
            let work = ssor_cg::Workspace::new(&problem, &mut storage).expect("long enough");
            let report = ssor_cg::solve(&problem, &options, &mut Fixed(1.4), &mut x, work, &mut ());
            assert!(report.expect("a valid start").converged());
            heat.advance(&x);
        }
        let total: f64 = heat.state().iter().sum();
        let square: f64 = heat.state().iter().map(|u| u * u).sum();
        // The reference was solved to 1e-8, so it is known to about 1e-7.
        assert!((total / sum - 1.0).abs() < 2e-7, "{grid} {total}");
        assert!((square.sqrt() / norm - 1.0).abs() < 2e-7, "{grid} {}", square.sqrt());
    }
}

#[test]
fn the_same_seed_draws_the_same_run_and_another_seed_another() {
    for policy in [Policy::TsallisInf, Policy::TsallisInfCb, Policy::ChebCb] {
        let run = |seed| run(policy, &setting(12, 300, seed), None);
        let (first, again, other) = (run(7), run(7), run(8));
        assert_eq!(first.omegas, again.omegas, "{policy}");
        assert_eq!(first.by_step, again.by_step, "{policy}");
        assert_ne!(first.omegas, other.omegas, "{policy}");
    }
    for policy in [Policy::Cg, Policy::Fixed(1.3), Policy::Auto] {
        let run = |seed| run(policy, &setting(12, 300, seed), None).by_step;
        assert_eq!(run(7), run(8), "{policy} draws nothing");
    }
}

#[test]
fn an_outcome_adds_up() {
    let setting = setting(12, 200, 0);
    let survey = survey(&setting);
    for policy in [Policy::Cg, Policy::BestFixed, Policy::ChebCb, Policy::Auto, Policy::InstanceOptimal] {
        let outcome = run(policy, &setting, Some(&survey));
        assert_eq!((outcome.by_step.len(), outcome.omegas.len()), (200, 200), "{policy}");
        assert_eq!(outcome.by_step.iter().map(|&k| u64::from(k)).sum::<u64>(), outcome.iterations);
        let valid =
            |&omega: &f64| if policy == Policy::Cg { omega == 0.0 } else { omega > 0.0 && omega < 2.0 };
        assert!(outcome.omegas.iter().all(valid), "{policy}");
        // What a survey knows beforehand is found without it too.
        let alone = run(policy, &setting, None);
        assert_eq!(alone.by_step, outcome.by_step, "{policy}");
    }
    assert!(survey.totals.iter().all(|&total| total >= survey.instance_optimal.iterations));
    assert_eq!(survey.best_fixed(), *survey.totals.iter().min().expect("arms"));
}

#[test]
fn a_run_ends_where_it_is_told_to() {
    let setting = setting(8, 50, 0);
    for policy in [Policy::Cg, Policy::BestFixed, Policy::Auto, Policy::InstanceOptimal] {
        let mut seen = 0;
        let outcome = heat::run(policy, &setting, None, &mut |step| {
            seen = step;
            if step == 3 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        });
        assert!(outcome.expect("a valid setting").is_none() && seen == 3, "{policy}");
    }
}

#[test]
fn names_are_read_as_they_are_written() {
    let policies = [
        ("cg", Policy::Cg),
        ("fixed:1.5", Policy::Fixed(1.5)),
        ("fixed:0.001", Policy::Fixed(0.001)),
        ("best-fixed", Policy::BestFixed),
        ("tsallis-inf", Policy::TsallisInf),
        ("tsallis-inf-cb", Policy::TsallisInfCb),
        ("cheb-cb", Policy::ChebCb),
        ("auto", Policy::Auto),
        ("instance-optimal", Policy::InstanceOptimal),
    ];
    for (name, policy) in policies {
        assert_eq!(name.parse(), Ok(policy));
        assert_eq!(policy.to_string(), name);
    }
    assert_eq!("fixed:1.50".parse(), Ok(Policy::Fixed(1.5)));
    for name in ["", "CG", "fixed", "fixed:", "fixed:0", "fixed:2", "fixed:nan", "fixed:-1", "fixed:x", "sor"]
    {
        let error = name.parse::<Policy>().expect_err(name);
        assert!(error.contains("fixed:"), "{error}");
    }
}

#[test]
fn settings_out_of_range_are_refused() {
    let refused = |setting| {
        let outcome = heat::run(Policy::Fixed(1.0), &setting, None, &mut |_| ControlFlow::Continue(()));
        matches!(outcome, Err(Error::Option { .. }))
    };
    assert!(refused(setting(1, 10, 0)) && refused(setting(4097, 10, 0)));
    for tolerance in [0.0, -1.0, f64::NAN] {
        assert!(refused(Setting { tolerance, ..setting(8, 10, 0) }), "{tolerance}");
    }
    let fixed = heat::run(Policy::Fixed(2.0), &setting(8, 1, 0), None, &mut |_| ControlFlow::Continue(()));
    assert!(matches!(fixed, Err(Error::Option { .. })));
}

#[test]
fn diffusion_is_slow_and_fast_in_turn() {
    for t in [0.0, 0.1, 0.25, 0.5, 0.6, 0.75, 0.99, 3.25] {
        let s = (2.0 * std::f64::consts::PI * t).sin();
        assert!((diffusion(t) - (0.1 * s).max(-10.0 * s)).abs() < 1e-12);
        assert!((0.0..=10.0).contains(&diffusion(t)));
    }
    let (low, high) = Heat::context_range(5000);
    assert!(low == 0.0 && (high - 9.999_999_5).abs() < 1e-8, "{low} {high}");
    assert!(Heat::context_range(1).0.is_finite());
}
