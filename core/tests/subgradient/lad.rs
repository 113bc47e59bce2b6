//! Least absolute deviations and quantile regression: published optima, proofs, bounds, weights, refusals.

use crate::common::draws::{ENGEL, STACKLOSS, outliers, regression};
use crate::common::{bits, cast};
use proptest::prelude::*;
use southwell::subgradient::fit::{Options, Start, Whitening, Workspace};
use southwell::subgradient::method::Outcome;
use southwell::subgradient::step::{Diminishing, Geometric, PathLevel, Polyak, StepRule};
use southwell::subgradient::{Quantile, Table, certify, fit, refine};
use southwell::{Error, Real, Status};

fn options<T: Real>(steps: u32, every: u32) -> Options<T> {
    let mut options = Options { certify_every: every, ..Options::default() };
    options.ending.stop.max_steps = steps;
    // Small enough that a test is about steps, not about tolerances.
    options.ending.stop.relative = T::from_f64(1e-14);
    options
}

fn solve<T: Real>(
    loss: &Quantile<'_, T>,
    options: &Options<T>,
    rule: impl StepRule<T>,
    whitening: Whitening,
    bound: bool,
) -> (Outcome<T>, Vec<T>) {
    let (n, p) = (loss.table().rows(), loss.table().columns());
    let mut storage = vec![T::NAN; Workspace::<T>::required_len(n, p, whitening, bound)];
    let mut indices = vec![7; Workspace::<T>::required_indices(p)];
    let workspace = Workspace::new(loss, whitening, bound, &mut storage, &mut indices).expect("memory");
    let mut beta = vec![T::ZERO; p];
    let outcome = fit::solve(loss, options, rule, &mut beta, workspace, &mut ()).expect("sound");
    let value = loss.value(&beta);
    assert_eq!(outcome.value.bits(), value.bits(), "the value is that of the fit that is left");
    assert!(outcome.lower_bound <= outcome.value, "{outcome:?}");
    (outcome, beta)
}

/// Σ w ρ_q in plain loops.
fn plain(table: &[f64], y: &[f64], weights: Option<&[f64]>, q: f64, beta: &[f64]) -> f64 {
    let rows = table.chunks(beta.len()).zip(y).enumerate();
    rows.map(|(i, (x, y))| {
        let u = y - x.iter().zip(beta).map(|(x, b)| x * b).sum::<f64>();
        weights.map_or(1.0, |w| w[i]) * if u > 0.0 { q * u } else { (q - 1.0) * u }
    })
    .sum()
}

#[track_caller]
fn close(found: f64, expected: f64, relative: f64) {
    assert!((found - expected).abs() <= relative * expected.abs(), "{found} is not {expected}");
}

/// Quantile, coefficients as published or found by a linear program, least loss, and the step of the proof for
/// lengths that fall by 5, 3 and 1 % a step.
type Case = (f64, &'static [f64], f64, [u32; 3]);

const ENGEL_FITS: [Case; 5] = [
    (0.10, &[110.141574, 0.40176576], 3869.932161099, [75, 75, 225]),
    (0.25, &[95.483540, 0.47410321], 7082.315898975, [100, 150, 400]),
    (0.50, &[81.482247, 0.56018055], 8779.966323813, [100, 150, 400]),
    (0.75, &[62.396586, 0.64401414], 6529.250283894, [100, 200, 600]),
    (0.90, &[67.350872, 0.68629948], 3391.983711028, [75, 50, 375]),
];

const STACKLOSS_FITS: [Case; 3] = [
    (0.5, &[-39.68985507, 0.83188406, 0.57391304, -0.06086957], 21.040579710, [100, 150, 450]),
    (0.75, &[-54.18965517, 0.87068966, 0.98275862, 0.0], 16.252155172, [125, 175, 525]),
    (0.9, &[-58.5433186, 0.7929515, 1.3054332, 0.03817915], 8.361674009, [75, 100, 200]),
];

fn certified(csv: &str, cases: &[Case]) {
    let (table, y, p) = regression(csv);
    let table = Table::new(&table, y.len(), p).expect("a table");
    for &(q, beta, least, proofs) in cases {
        let loss = Quantile::new(table, &y, q).expect("a loss");
        for (ratio, proof) in [0.95, 0.97, 0.99].into_iter().zip(proofs) {
            let rule = Geometric::new(1.0, ratio);
            let (outcome, found) = solve(&loss, &options(10_000, 25), rule, Whitening::Orthogonal, false);
            assert_eq!(outcome.report.status, Status::Optimal, "{q} {ratio} {outcome:?}");
            assert!(outcome.report.steps <= proof, "{q} {ratio} {outcome:?}");
            close(outcome.value, least, 1e-10);
            close(outcome.lower_bound, least, 1e-10);
            for (found, expected) in found.iter().zip(beta) {
                assert!((found - expected).abs() <= 1e-6 * expected.abs().max(0.01), "{found} {expected}");
            }
        }
    }
}

#[test]
fn engels_food_expenditure_is_fitted_with_a_proof() {
    certified(ENGEL, &ENGEL_FITS);
}

#[test]
fn the_stack_loss_is_fitted_with_a_proof() {
    certified(STACKLOSS, &STACKLOSS_FITS);
}

#[test]
fn degenerate_vertices_are_proven_too() {
    let (table, y, p) = regression(STACKLOSS);
    let loss = Quantile::new(Table::new(&table, y.len(), p).expect("a table"), &y, 0.25).expect("a loss");
    let rule = Geometric::new(1.0, 0.95);
    let (outcome, beta) = solve(&loss, &options(3000, 25), rule, Whitening::Orthogonal, false);
    assert_eq!(outcome.report.status, Status::Optimal, "{outcome:?}");
    close(outcome.value, 16.625, 1e-12);
    for (found, expected) in beta.iter().zip([-36.0, 0.5, 1.0, 0.0]) {
        assert!((found - expected).abs() < 1e-10, "{beta:?}");
    }
    // All rows but a few on one line, whose residuals are 0, not quite or not at all.
    for wrong in 1..10 {
        let table: Vec<f64> = (0..21).flat_map(|i| [1.0, f64::from(i) / 3.0]).collect();
        let lie = |i: i32| if i % 2 == 1 && i < 2 * wrong { 9.0 } else { 0.0 };
        let y: Vec<f64> = (0..21).map(|i| 0.7 + 0.3 * f64::from(i) + lie(i)).collect();
        let loss = Quantile::absolute(Table::new(&table, 21, 2).expect("a table"), &y).expect("a loss");
        let (outcome, _) = solve(&loss, &options(1000, 25), fit::rule(), Whitening::Orthogonal, false);
        assert_eq!(outcome.report.status, Status::Optimal, "{wrong} {outcome:?}");
        close(outcome.value, 4.5 * f64::from(wrong), 1e-12);
    }
}

#[test]
fn synthetic_data_with_a_third_of_outliers_to_twelve_digits() {
    // Least losses by a linear program (HiGHS, and the vertex solved again).
    let cases = [
        (200, 5, 437.94032051666005, 0.0956, 400),
        (1000, 5, 2197.1833340853905, 0.0634, 300),
        (1000, 10, 2196.8543474652374, 0.0668, 375),
        (5000, 10, 10191.988269458423, 0.0596, 425),
    ];
    for (n, p, least, error, proof) in cases {
        let (table, y, beta) = outliers(1, n, p);
        let loss = Quantile::absolute(Table::new(&table, n, p).expect("a table"), &y).expect("a loss");
        let rule = Geometric::new(1.0, 0.97);
        let (outcome, found) = solve(&loss, &options(10_000, 25), rule, Whitening::Orthogonal, false);
        assert_eq!(outcome.report.status, Status::Optimal, "{n} {p} {outcome:?}");
        assert!(outcome.report.steps <= proof, "{n} {p} {outcome:?}");
        close(outcome.value, least, 1e-13);
        close(plain(&table, &y, None, 0.5, &found), least, 1e-13);
        let off = |found: &[f64]| -> f64 {
            found.iter().zip(&beta).map(|(a, b)| (a - b) * (a - b)).sum::<f64>().sqrt()
        };
        assert!((off(&found) - error).abs() < 1e-4, "{}", off(&found));

        // One-sided outliers pull the median; what is far away rejected, least squares is ten times nearer.
        let mut refined = found.clone();
        let mut storage = vec![f64::NAN; refine::required_len(p)];
        let kept = refine::refine(&loss, 4.0, &mut refined, &mut storage).expect("sound");
        let bound = [0.0181, 0.0083, 0.0099, 0.0061]
            [usize::from(n > 200) + usize::from(p > 5) + usize::from(n > 1000)];
        assert!(off(&refined) < bound, "{} {kept:?}", off(&refined));
        assert!(
            (kept.kept as f64 / n as f64 - 0.68).abs() < 0.03 && (kept.rms - 0.1).abs() < 0.01,
            "{kept:?}"
        );
    }
}

/// Share of the value by which best value and bound are off, engel's median, without attempts at a proof.
fn gaps(rule: impl StepRule<f64>, steps: u32) -> (f64, f64) {
    let least = 8779.966323812847;
    let (table, y, p) = regression(ENGEL);
    let loss = Quantile::absolute(Table::new(&table, y.len(), p).expect("a table"), &y).expect("a loss");
    let (outcome, _) = solve(&loss, &options(steps, 0), rule, Whitening::Orthogonal, true);
    assert!(outcome.lower_bound <= least * (1.0 + 1e-12), "{outcome:?}");
    (outcome.value / least - 1.0, 1.0 - outcome.lower_bound / least)
}

#[test]
fn every_rule_gets_as_near_as_it_should() {
    let least = 8779.966323812847;
    for (steps, value, bound) in [(100, 1.95e-4, 1.5e-2), (1000, 9.7e-6, 2.0e-3), (10_000, 3.4e-7, 3.5e-4)] {
        let (off, gap) = gaps(Diminishing(1.0), steps);
        assert!(off <= value && gap <= bound, "{steps}: {off} {gap}");
    }
    for (steps, value) in [(100, 2.7e-5), (1000, 3.0e-6), (10_000, 3.7e-7)] {
        let (off, _) = gaps(PathLevel::default(), steps);
        assert!(off <= value, "{steps}: {off}");
    }
    assert!(gaps(Polyak::new(least), 100).0 <= 6.8e-11);
    assert!(gaps(Geometric::new(1.0, 0.99), 1000).0 <= 9.5e-10);
    assert!(gaps(Geometric::new(1.0, 0.99), 3000).0 <= 1e-13);
}

#[test]
fn single_precision_proves_what_it_can() {
    let (table, y, p) = regression(ENGEL);
    let (table, y): (Vec<f32>, Vec<f32>) = (cast(&table), cast(&y));
    let loss = Quantile::absolute(Table::new(&table, y.len(), p).expect("a table"), &y).expect("a loss");
    let (outcome, beta) = solve(&loss, &options(1000, 25), fit::rule(), Whitening::Orthogonal, true);
    assert_eq!(outcome.report.status, Status::Optimal, "{outcome:?}");
    assert!((beta[0] - 81.48225).abs() < 1e-2 && (beta[1] - 0.5601806).abs() < 1e-5, "{beta:?}");
    close(f64::from(outcome.value), 8779.966323813, 1e-6);
}

#[test]
fn weights_are_repeated_rows() {
    let (table, y, _) = outliers(3, 60, 3);
    let weights: Vec<f64> = (0..60).map(|i| f64::from(i % 4)).collect();
    let (mut rows, mut repeated) = (Vec::new(), Vec::new());
    for i in 0..60 {
        for _ in 0..i % 4 {
            rows.extend(&table[3 * i..3 * i + 3]);
            repeated.push(y[i]);
        }
    }
    let table_of = |rows: &'static [f64]| Table::new(rows, rows.len() / 3, 3).expect("a table");
    let (table, rows) = (crate::common::leak(table), crate::common::leak(rows));
    let weighted = Quantile::new(table_of(table), &y, 0.3).and_then(|loss| loss.weighted(&weights));
    let weighted = weighted.expect("a loss");
    let repeated_loss = Quantile::new(table_of(rows), &repeated, 0.3).expect("a loss");
    let fit = |loss| solve(loss, &options(4000, 25), fit::rule(), Whitening::Orthogonal, true);
    let ((a, beta), (b, gamma)) = (fit(&weighted), fit(&repeated_loss));
    assert_eq!(a.report.status, Status::Optimal, "{a:?}");
    close(a.value, b.value, 1e-9);
    close(plain(table, &y, Some(&weights), 0.3, &beta), a.value, 1e-12);
    assert!(beta.iter().zip(&gamma).all(|(a, b)| (a - b).abs() < 1e-4), "{beta:?} {gamma:?}");
    // A row of weight 0 may hold anything.
    let mut wild = y.clone();
    wild.iter_mut().step_by(4).for_each(|y| *y = 1e300);
    let loss = Quantile::new(table_of(table), &wild, 0.3).and_then(|loss| loss.weighted(&weights));
    let (c, delta) = fit(&loss.expect("a loss"));
    assert_eq!((c.report.status, bits(&delta)), (a.report.status, bits(&beta)));
}

#[test]
fn columns_alone_and_a_start_of_ones_own_get_there_too() {
    let (table, y, p) = regression(ENGEL);
    let loss = Quantile::absolute(Table::new(&table, y.len(), p).expect("a table"), &y).expect("a loss");
    let (outcome, _) = solve(&loss, &options(4000, 25), Geometric::new(1.0, 0.99), Whitening::Columns, false);
    assert_eq!(outcome.report.status, Status::Optimal, "{outcome:?}");
    let given = Options { start: Start::Given, ..options(4000, 25) };
    let (outcome, _) = solve(&loss, &given, Geometric::new(1.0, 0.98), Whitening::Orthogonal, false);
    assert_eq!(outcome.report.status, Status::Optimal, "{outcome:?}");
}

#[test]
fn dependent_columns_and_exact_data_end_well() {
    let table: Vec<f64> = (0..20).flat_map(|i| [1.0, f64::from(i), 2.0 * f64::from(i) - 3.0]).collect();
    let y: Vec<f64> = (0..20).map(|i| (f64::from(i) * 1.7).sin() + 0.5 * f64::from(i)).collect();
    let loss = Quantile::absolute(Table::new(&table, 20, 3).expect("a table"), &y).expect("a loss");
    let (outcome, beta) = solve(&loss, &options(3000, 25), fit::rule(), Whitening::Orthogonal, true);
    let two: Vec<f64> = table.chunks(3).flat_map(|row| [row[0], row[1]]).collect();
    let plain = Quantile::absolute(Table::new(&two, 20, 2).expect("a table"), &y).expect("a loss");
    let (best, _) = solve(&plain, &options(3000, 25), fit::rule(), Whitening::Orthogonal, false);
    assert_eq!((best.report.status, beta[2]), (Status::Optimal, 0.0));
    close(outcome.value, best.value, 1e-6);
    // Nothing left over: the line is exact.
    let y: Vec<f64> = (0..20).map(|i| 3.0 - 0.25 * f64::from(i)).collect();
    let loss = Quantile::absolute(Table::new(&two, 20, 2).expect("a table"), &y).expect("a loss");
    let (outcome, beta) = solve(&loss, &options(3000, 25), fit::rule(), Whitening::Orthogonal, false);
    assert!(outcome.report.converged() && outcome.value < 1e-13, "{outcome:?}");
    assert!((beta[0] - 3.0).abs() < 1e-14 && (beta[1] + 0.25).abs() < 1e-14, "{beta:?}");
}

#[test]
fn a_median_is_a_fit_without_columns_to_speak_of() {
    let ones = [1.0; 7];
    let y = [3.0, -1.0, 4.0, 1.0, -5.0, 9.0, 2.0];
    let loss = Quantile::absolute(Table::new(&ones, 7, 1).expect("a table"), &y).expect("a loss");
    let (outcome, beta) = solve(&loss, &options(1000, 5), fit::rule(), Whitening::Orthogonal, false);
    assert_eq!((outcome.report.status, beta[0]), (Status::Optimal, 2.0));
}

#[test]
fn a_certificate_of_a_foreign_fit() {
    let (table, y, p) = regression(ENGEL);
    let loss = Quantile::absolute(Table::new(&table, y.len(), p).expect("a table"), &y).expect("a loss");
    let mut storage = vec![f64::NAN; certify::vertex_len(p)];
    let mut indices = vec![9; certify::vertex_indices(p)];
    let mut beta = [81.4822, 0.56018]; // as printed in a book
    let found =
        certify::vertex(&loss, &mut beta, &mut storage, &mut indices).expect("sound").expect("a vertex");
    assert!(found.optimal && (beta[0] - 81.48224741693616).abs() < 1e-9, "{found:?} {beta:?}");
    let mut bad = [100.0, 0.5];
    let found =
        certify::vertex(&loss, &mut bad, &mut storage, &mut indices).expect("sound").expect("a vertex");
    assert!(!found.optimal && found.lower_bound <= 8779.966323812847, "{found:?}");
}

#[test]
fn bad_input_is_refused() {
    let (table, y) = ([1.0, 2.0, 1.0, 3.0, 1.0, 4.0], [1.0, 2.0, 3.0]);
    let table = Table::new(&table, 3, 2).expect("a table");
    assert!(matches!(Table::<f64>::new(&[], 0, 2), Err(Error::Option { .. })));
    assert!(matches!(Table::new(&[1.0; 5], 3, 2), Err(Error::Dimension { expected: 6, given: 5, .. })));
    assert!(matches!(Table::new(&[1.0, f64::NAN], 1, 2), Err(Error::Value { index: 1, .. })));
    for q in [0.0, 1.0, -0.5, f64::NAN] {
        assert!(matches!(Quantile::new(table, &y, q), Err(Error::Option { name: "quantile", .. })));
    }
    assert!(matches!(Quantile::absolute(table, &y[..2]), Err(Error::Dimension { argument: "y", .. })));
    let loss = Quantile::absolute(table, &y).expect("a loss");
    assert!(matches!(loss.weighted(&[1.0, -1.0, 0.0]), Err(Error::Negative { index: 1, .. })));
    assert!(matches!(loss.weighted(&[0.0; 3]), Err(Error::Mass { .. })));
    let (mut storage, mut indices) = ([0.0; 100], [0; 6]);
    let bound = Workspace::new(&loss, Whitening::Columns, true, &mut storage, &mut indices);
    assert!(matches!(bound, Err(Error::Option { name: "bound", .. })));
    let short = Workspace::new(&loss, Whitening::Orthogonal, true, &mut storage[..5], &mut indices);
    assert!(matches!(short, Err(Error::Workspace { given: 5, .. })));
    for rule in [Geometric::new(0.0, 0.9), Geometric::new(1.0, 1.0), Geometric::new(f64::NAN, 0.9)] {
        let workspace =
            Workspace::new(&loss, Whitening::Orthogonal, true, &mut storage, &mut indices).expect("memory");
        let mut beta = [5.0, 6.0];
        let refused = fit::solve(&loss, &Options::default(), rule, &mut beta, workspace, &mut ());
        assert!(matches!(refused, Err(Error::Option { .. })));
        assert_eq!(beta, [5.0, 6.0], "untouched");
    }
}

proptest! {
    /// On any data the bound is below every fit's loss, and dirty memory plays no part.
    #[test]
    fn bounds_hold_whatever_the_data(
        entries in proptest::collection::vec(-3.0_f64..3.0, 36),
        y in proptest::collection::vec(-3.0_f64..3.0, 12),
        other in proptest::collection::vec(-3.0_f64..3.0, 3),
        q in 0.05_f64..0.95,
    ) {
        let loss = Quantile::new(Table::new(&entries, 12, 3).expect("a table"), &y, q).expect("a loss");
        let (outcome, beta) = solve(&loss, &options(200, 20), Diminishing(1.0), Whitening::Orthogonal, true);
        prop_assert!(outcome.lower_bound <= loss.value(&other) * (1.0 + 1e-12));
        let (best, _) = solve(&loss, &options(4000, 25), fit::rule(), Whitening::Orthogonal, false);
        prop_assert!(outcome.lower_bound <= best.value * (1.0 + 1e-12), "{outcome:?} {best:?}");
        if best.report.status == Status::Optimal {
            prop_assert!(best.value <= outcome.value * (1.0 + 1e-12));
        }
        let (again, gamma) = solve(&loss, &options(200, 20), Diminishing(1.0), Whitening::Orthogonal, true);
        prop_assert_eq!((again.value.bits(), bits(&gamma)), (outcome.value.bits(), bits(&beta)));
    }
}
