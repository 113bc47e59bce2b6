//! Games and averages against their formulas, step by step.

use southwell::subgradient::method::{self, Ending};
use southwell::subgradient::projection::Interval;
use southwell::subgradient::step::{Constant, Diminishing, Polyak, StepRule};
use southwell::subgradient::{Function, MaxAffine, Oracle, Problem, Table, dual_averaging, game, mirror};
use southwell::{Run, Status, Stop, drive};

use crate::common::{dot, norm};

fn near(found: &[f64], expected: &[f64], what: &str) {
    assert_eq!(found.len(), expected.len(), "{what}");
    for (f, e) in found.iter().zip(expected) {
        assert!((f - e).abs() < 1e-13 * (1.0 + e.abs()), "{what}: {found:?} {expected:?}");
    }
}

const PAYOFF: [f64; 6] = [1.0, -4.0, 2.0, 0.5, 3.0, -1.0];

fn gains(y: &[f64; 3]) -> [f64; 2] {
    [dot(&PAYOFF[..3], y), dot(&PAYOFF[3..], y)]
}

fn costs(x: &[f64; 2]) -> [f64; 3] {
    [0, 1, 2].map(|j| PAYOFF[j] * x[0] + PAYOFF[3 + j] * x[1])
}

fn tilted<const N: usize>(x: [f64; N], eta: f64, g: [f64; N]) -> [f64; N] {
    let raw: [f64; N] = std::array::from_fn(|i| x[i] * (eta * g[i]).exp());
    raw.map(|x| x / raw.iter().sum::<f64>())
}

fn bounds(x: &[f64; 2], y: &[f64; 3]) -> (f64, f64) {
    (costs(x).into_iter().fold(f64::MAX, f64::min), gains(y).into_iter().fold(f64::MIN, f64::max))
}

/// Both players tilt their strategies by what the other one's leaves them; averages are weighed by the factors.
#[test]
fn players_follow_their_formula() {
    // The norm is the largest entry, whatever the slopes are; the value is the gap.
    follow(Diminishing(0.75), |step, _| 0.75 / f64::from(step).sqrt() / 4.0);
    follow(Polyak::new(0.125), |_, gap| (gap - 0.125) / 16.0);
}

fn follow(rule: impl StepRule<f64> + Copy, factor: impl Fn(u32, f64) -> f64) {
    let table = Table::new(&PAYOFF, 2, 3).expect("a table");
    let run = |steps: u32| {
        let mut storage = [f64::NAN; game::Workspace::<f64>::required_len(2, 3)];
        let work = game::Workspace::new(&table, &mut storage).expect("memory");
        let (mut x, mut y) = ([3.0, 1.0], [1.0, 2.0, 1.0]);
        let mut run = game::start(&table, &Ending::after(9), rule, &mut x, &mut y, work);
        let run = run.as_mut().expect("valid");
        assert_eq!((run.scale(), run.parameter(), run.failure()), (4.0, 0.0, None));
        assert_eq!(run.steps(steps), steps);
        let (lower, upper) = run.bounds();
        assert_eq!(run.residual(), upper - lower);
        let parameter = run.parameter();
        ([lower, upper, parameter], x, y)
    };
    let (mut x, mut y) = ([0.75, 0.25], [0.25, 0.5, 0.25]);
    let (lower, upper) = bounds(&x, &y);
    let (found, start_x, start_y) = run(0);
    near(&found, &[lower, upper, 0.0], "before a step");
    assert_eq!((start_x, start_y), (x, y), "brought to sums of 1");
    let (mut sum_x, mut sum_y, mut total, mut gap) = ([0.0; 2], [0.0; 3], 0.0, upper - lower);
    for step in 1..9_u32 {
        let eta = factor(step, gap);
        total += eta;
        (0..2).for_each(|i| sum_x[i] += eta * x[i]);
        (0..3).for_each(|j| sum_y[j] += eta * y[j]);
        (x, y) = (tilted(x, eta, gains(&y)), tilted(y, -eta, costs(&x)));
        let (mean_x, mean_y) = (sum_x.map(|x| x / total), sum_y.map(|y| y / total));
        let (lower, upper) = bounds(&mean_x, &mean_y);
        gap = upper - lower;
        let (found, left_x, left_y) = run(step);
        near(&found, &[lower, upper, eta], "bounds and factor");
        near(&left_x, &mean_x, "the average of x");
        near(&left_y, &mean_y, "the average of y");
    }
}

/// cᵀx + ½ w‖x − t‖²
fn bowl(x: &[f64], g: &mut [f64]) -> f64 {
    let (slopes, centre) = ([1.0, -0.5], [0.5, 0.25]);
    (0..2).for_each(|i| g[i] = slopes[i] + 0.5 * (x[i] - centre[i]));
    (0..2).map(|i| slopes[i] * x[i] + 0.25 * (x[i] - centre[i]).powi(2)).sum()
}

/// |x − 0.2| + 2|y + 0.1|, whose points go to and fro.
fn roof(x: &[f64], g: &mut [f64]) -> f64 {
    let off = [x[0] - 0.2, x[1] + 0.1];
    (g[0], g[1]) = (off[0].signum(), 2.0 * off[1].signum());
    off[0].abs() + 2.0 * off[1].abs()
}

/// x̄ = Σ η x/Σ η, projected, is what is left where it is better than every point, and a run that goes on does so from its
/// own point.
#[test]
fn the_average_of_the_points_is_weighed_by_their_factors() {
    for (call, start) in [(roof as fn(&[f64], &mut [f64]) -> f64, [0.6, -0.35]), (bowl, [1.0, -1.0])] {
        let set = Interval::new(-1.0, 0.75).expect("a set");
        let problem = Problem::new(Function::new(2, call), set).expect("a problem");
        let options = method::Options { average: true, scale: 2.0, ending: Ending::after(7) };
        let mut storage = [f64::NAN; method::Workspace::<f64>::required_len(2, true)];
        let work = method::Workspace::new(&problem, true, &mut storage).expect("memory");
        let mut x = start;
        let mut run = method::start(problem, &options, Diminishing(0.4), &mut x, work).expect("valid");
        assert_eq!(run.average(), None, "nothing to average");
        let (mut at, mut g) = (start.map(|x: f64| x.clamp(-1.0, 0.75)), [0.0; 2]);
        let mut best = call(&at, &mut g);
        let (mut sum, mut total) = ([0.0; 2], 0.0);
        for step in 1..15_u32 {
            let eta = 0.4 * 2.0 / f64::from(step).sqrt() / norm(&g);
            total += eta;
            (0..2).for_each(|i| sum[i] += eta * at[i]);
            at = [0, 1].map(|i| (at[i] - eta * g[i]).clamp(-1.0, 0.75));
            let g_before = g;
            best = best.min(call(&at, &mut g));
            if step < 8 {
                run.step();
            } else {
                let more = Stop { max_steps: 1, ..options.ending.stop };
                let report = drive(&mut run, &more, &mut ());
                near(&[report.residual], &[eta * norm(&g_before)], "the last step");
                // The average was looked at; slopes are of the point again.
                best = best.min(call(&sum.map(|x| x / total), &mut [0.0; 2]));
            }
            near(run.current().0, &at, "x");
            near(run.average().expect("an average"), &sum.map(|x| x / total), "average");
            near(&[run.best().0], &[best], "value");
        }
        let left = run.x().to_vec();
        near(&[call(&left, &mut g)], &[best], "what is left");
    }
}

/// The same with λ for η, and a sum of absolute values that counts.
#[test]
fn the_average_of_dual_averaging_is_weighed_by_its_lambdas() {
    for (call, normalised, l1) in [
        (roof as fn(&[f64], &mut [f64]) -> f64, true, 0.0),
        (bowl, true, 0.0),
        (bowl, false, 0.25),
        (roof, false, 0.25),
    ] {
        let problem = Problem::new(Function::new(2, call), ()).expect("a problem");
        let options = dual_averaging::Options { normalised, l1, scale: 0.75, ending: Ending::after(7) };
        let mut storage = [f64::NAN; dual_averaging::Workspace::<f64>::required_len(2)];
        let work = dual_averaging::Workspace::new(&problem, &mut storage).expect("memory");
        let origin = [0.9, -0.35];
        let mut x = origin;
        let outcome = dual_averaging::solve(problem, &options, &mut x, work, &mut ()).expect("valid");
        let value = |x: &[f64; 2], g: &mut [f64; 2]| call(x, g) + l1 * (x[0].abs() + x[1].abs());
        let (mut at, mut g) = (origin, [0.0; 2]);
        let mut best = (value(&at, &mut g), 0, at);
        let (mut z, mut sum, mut total, mut moved) = ([0.0; 2], [0.0; 2], 0.0, 0.0);
        for step in 1..8_u32 {
            let lambda = if normalised { 1.0 / norm(&g) } else { 1.0 };
            total += lambda;
            (0..2).for_each(|i| (z[i], sum[i]) = (z[i] + lambda * g[i], sum[i] + lambda * at[i]));
            let reach = 0.75 / f64::from(step).sqrt();
            let before = at;
            at = [0, 1].map(|i| {
                let free: f64 = origin[i] - reach * z[i];
                (free.abs() - reach * total * l1).max(0.0).copysign(free)
            });
            moved = norm(&[at[0] - before[0], at[1] - before[1]]);
            let now = value(&at, &mut g);
            if now < best.0 {
                best = (now, step, at);
            }
        }
        let mean = sum.map(|x| x / total);
        let of_mean = value(&mean, &mut g);
        if of_mean < best.0 {
            best = (of_mean, 7, mean);
        }
        near(&[outcome.value], &[best.0], "value");
        near(&x, &best.2, "the best of all points and their average");
        assert_eq!((outcome.seen_at, outcome.report.steps), (best.1, 7));
        assert_eq!(outcome.report.status, Status::StepLimit);
        near(&[outcome.report.residual, outcome.report.scale], &[moved, norm(&origin)], "the last step");
    }
}

/// f ≥ Σ λ_k b_k − R‖Σ λ_k a_k‖ with λ_k the share of the factors at which k was the largest.
#[test]
fn shares_of_the_steps_bound_a_maximum() {
    let (rows, offsets) = ([1.0, 2.0, -1.0, 0.5, 0.25, -3.0], [0.5, -0.25, 1.0]);
    let table = Table::new(&rows, 3, 2).expect("a table");
    let mut memory = [f64::NAN; MaxAffine::<f64>::required_len(3, true)];
    let mut oracle = MaxAffine::new(table, &offsets, true, &mut memory).expect("an oracle");
    let mut scratch = [f64::NAN; 2];
    assert_eq!(oracle.lower_bound(2.0, &mut scratch), -f64::INFINITY, "nothing seen");
    let largest = |x: &[f64; 2]| {
        let values = [0, 1, 2].map(|k| rows[2 * k] * x[0] + rows[2 * k + 1] * x[1] + offsets[k]);
        (0..3).fold((0, f64::MIN), |best, k| if values[k] > best.1 { (k, values[k]) } else { best })
    };
    let mut shares = [0.0; 3];
    for (x, factor) in [([1.0, 1.0], 0.5), ([-2.0, 0.0], 0.25), ([0.0, -1.0], 1.5), ([0.1, 0.3], 0.125)] {
        let mut g = [f64::NAN; 2];
        let (k, value) = largest(&x);
        assert_eq!(oracle.value_and_subgradient(&x, &mut g), value);
        assert_eq!(g, rows[2 * k..2 * k + 2]);
        oracle.weigh(factor);
        shares[k] += factor;
        let total: f64 = shares.iter().sum();
        let slope = [0, 1].map(|j| (0..3).map(|k| shares[k] * rows[2 * k + j]).sum::<f64>() / total);
        for radius in [0.5, 2.0] {
            let bound = dot(&shares, &offsets) / total - radius * norm(&slope);
            near(&[oracle.lower_bound(radius, &mut scratch)], &[bound], "bound");
        }
    }
    assert!(shares.iter().all(|&share| share > 0.0), "every one was the largest: {shares:?}");
    // Equal ones: the first. One constant: its level, whatever the radius.
    let mut memory = [f64::NAN; 4];
    let flat = [0.0, 0.0, 0.0, 0.0];
    let flat = Table::new(&flat, 2, 2).expect("a table");
    let mut oracle = MaxAffine::new(flat, &[1.5, 1.5], true, &mut memory).expect("an oracle");
    assert_eq!(oracle.value_and_subgradient(&[3.0, 4.0], &mut [0.0; 2]), 1.5);
    oracle.weigh(2.0);
    assert_eq!(oracle.lower_bound(f64::INFINITY, &mut scratch), 1.5);
}

#[test]
fn a_row_that_is_better_always_is_played_alone() {
    // The first row is better than the second whatever the column player does, and he has one column: the value is 2.
    let payoff = [2.0, 1.0];
    let table = Table::new(&payoff, 2, 1).expect("a table");
    let mut storage = [f64::NAN; game::Workspace::<f64>::required_len(2, 1)];
    let work = game::Workspace::new(&table, &mut storage).expect("memory");
    let (mut x, mut y) = ([1.0, 1.0], [1.0]);
    let found = game::solve(&table, &Ending::after(400), Constant(4.0), &mut x, &mut y, work, &mut ());
    let found = found.expect("sound");
    assert!(found.upper == 2.0 && found.lower < 2.0 && found.lower > 1.99, "{found:?}");
    assert_eq!((found.report.steps, found.report.scale, y), (400, 2.0, [1.0]));
    near(&[found.report.residual], &[found.upper - found.lower], "the gap");
}

/// Steps so long that their exponentials would overflow.
#[test]
fn long_steps_end_in_corners_and_not_in_infinities() {
    let table = Table::new(&PAYOFF, 2, 3).expect("a table");
    let mut storage = [f64::NAN; game::Workspace::<f64>::required_len(2, 3)];
    let work = game::Workspace::new(&table, &mut storage).expect("memory");
    let (mut x, mut y) = ([3.0, 1.0], [1.0, 2.0, 1.0]);
    let found = game::solve(&table, &Ending::after(2000), Constant(5000.0), &mut x, &mut y, work, &mut ());
    let found = found.expect("sound");
    let (lower, upper) = bounds(&x, &y);
    near(&[found.lower, found.upper], &[lower, upper], "bounds");
    assert!(x.iter().chain(&y).all(|x| (0.0..=1.0).contains(x)), "{x:?} {y:?}");
    assert!(lower <= upper && found.report.status == Status::StepLimit, "{found:?}");
    let mut storage = [f64::NAN; mirror::Workspace::<f64>::required_len(2)];
    let slopes = Function::new(2, |x: &[f64], g: &mut [f64]| {
        (g[0], g[1]) = (-3e5, -4e5);
        dot(x, g)
    });
    let work = mirror::Workspace::new(&slopes, &mut storage).expect("memory");
    let mut x = [1.0, 1.0];
    let outcome = mirror::solve(slopes, &Ending::after(3), Constant(4000.0), &mut x, work, &mut ());
    assert_eq!((outcome.expect("sound").value, x[1]), (-4e5, 1.0));
}

/// |x − 0.2| + |y − 0.2|, and no number after so many calls.
fn failing(calls: &mut u32, most: u32) -> impl Oracle<f64> {
    Function::new(2, move |x: &[f64], g: &mut [f64]| {
        *calls += 1;
        (0..2).for_each(|i| g[i] = (x[i] - 0.2).signum());
        if *calls > most { f64::NAN } else { x.iter().map(|x| (x - 0.2).abs()).sum() }
    })
}

#[test]
fn what_is_no_number_ends_averages_too() {
    for most in 1..6 {
        let (mut calls, mut x) = (0, [0.9, 0.1]);
        let mut storage = [f64::NAN; mirror::Workspace::<f64>::required_len(2)];
        let oracle = failing(&mut calls, most);
        let work = mirror::Workspace::new(&oracle, &mut storage).expect("memory");
        let outcome = mirror::solve(oracle, &Ending::after(50), Constant(0.1), &mut x, work, &mut ());
        let outcome = outcome.expect("sound");
        assert_eq!((outcome.report.status, outcome.report.steps), (Status::NotFinite, most));
        near(&[outcome.value], &[(x[0] - 0.2).abs() + (x[1] - 0.2).abs()], "the best before");
        assert_eq!(calls, most + 1, "no further call");

        let (mut calls, mut x) = (0, [0.9, 0.1]);
        let mut storage = [f64::NAN; dual_averaging::Workspace::<f64>::required_len(2)];
        let problem = Problem::new(failing(&mut calls, most), ()).expect("a problem");
        let work = dual_averaging::Workspace::new(&problem, &mut storage).expect("memory");
        let options = dual_averaging::Options { scale: 0.1, ending: Ending::after(50), ..Default::default() };
        let outcome = dual_averaging::solve(problem, &options, &mut x, work, &mut ()).expect("sound");
        assert_eq!((outcome.report.status, outcome.report.steps), (Status::NotFinite, most));
        near(&[outcome.value], &[(x[0] - 0.2).abs() + (x[1] - 0.2).abs()], "the best before");
        assert_eq!(calls, most + 1, "no further call");
    }
}

/// A slope of 0 is no proof where absolute values count.
#[test]
fn a_flat_function_leaves_the_absolute_values_to_shrink() {
    for (l1, left) in [(0.0, [3.0, -1.0]), (0.5, [0.0; 2])] {
        let flat = Function::new(2, |_: &[f64], g: &mut [f64]| {
            g.fill(0.0);
            1.0
        });
        let problem = Problem::new(flat, ()).expect("a problem");
        let mut storage = [f64::NAN; dual_averaging::Workspace::<f64>::required_len(2)];
        let work = dual_averaging::Workspace::new(&problem, &mut storage).expect("memory");
        let options = dual_averaging::Options { l1, ending: Ending::after(100), ..Default::default() };
        let mut x = [3.0, -1.0];
        let outcome = dual_averaging::solve(problem, &options, &mut x, work, &mut ()).expect("sound");
        assert_eq!((x, outcome.value, outcome.report.steps > 0), (left, 1.0, l1 > 0.0), "{outcome:?}");
    }
}
