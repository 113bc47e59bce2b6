//! Matrix balancing: the reference figures, the support condition, and properties against plain loops in `f64`.

use crate::common::cases::SplitMix64;
use crate::common::{Numbers, bits, cast, wide};
use southwell::transport::balance::{Csr, Dense, Problem, Rows, Scalings, ruiz, support};
use southwell::transport::balance::{sinkhorn_knopp, symmetric};
use southwell::{Error, Real, Report, Status, Stop};
use southwell_simd::{force_level, levels};

/// A matrix by rows, sums.
#[derive(Clone, Debug)]
struct Case {
    rows: usize,
    columns: usize,
    values: Vec<f64>,
    r: Vec<f64>,
    c: Vec<f64>,
}

impl Case {
    fn unit(rows: &[&[f64]]) -> Self {
        let n = rows.len();
        Self { rows: n, columns: n, values: rows.concat(), r: vec![1.0; n], c: vec![1.0; n] }
    }
    fn random(seed: u64, n: usize) -> Self {
        Self { rows: n, columns: n, values: SplitMix64(seed).take(n * n), r: vec![1.0; n], c: vec![1.0; n] }
    }
    /// A + Aᵀ
    fn symmetric(&self) -> Self {
        let n = self.rows;
        let values = (0..n * n).map(|k| self.values[k] + self.values[k % n * n + k / n]).collect();
        Self { values, ..self.clone() }
    }
    /// Compressed rows of the entries that are not 0.
    fn sparse<T: Real>(&self) -> (Vec<u32>, Vec<u32>, Vec<T>) {
        let (mut offsets, mut columns, mut values) = (vec![0], vec![], vec![]);
        for row in self.values.chunks(self.columns) {
            for (j, &a) in row.iter().enumerate().filter(|(_, a)| **a != 0.0) {
                columns.push(j as u32);
                values.push(T::from_f64(a));
            }
            offsets.push(columns.len() as u32);
        }
        (offsets, columns, values)
    }
    /// Sums of |x a y| by rows and by columns, and the largest of them.
    fn lines(&self, x: &[f64], y: &[f64]) -> [Vec<f64>; 4] {
        let [mut rows, mut row_most] = [vec![0.0; self.rows], vec![0.0; self.rows]];
        let [mut columns, mut column_most] = [vec![0.0; self.columns], vec![0.0; self.columns]];
        for (k, a) in self.values.iter().enumerate() {
            let (i, j) = (k / self.columns, k % self.columns);
            let p = x[i] * a.abs() * y[j];
            rows[i] += p;
            columns[j] += p;
            row_most[i] = p.max(row_most[i]);
            column_most[j] = p.max(column_most[j]);
        }
        [rows, columns, row_most, column_most]
    }
    /// ‖P 1 − r‖₁ + ‖Pᵀ 1 − c‖₁
    fn residual(&self, x: &[f64], y: &[f64]) -> f64 {
        let [rows, columns, ..] = self.lines(x, y);
        let off = |sums: &[f64], wanted: &[f64]| -> f64 {
            sums.iter().zip(wanted).map(|(s, w)| (s - w).abs()).sum()
        };
        off(&rows, &self.r) + off(&columns, &self.c)
    }
}

fn stop<T: Real>(absolute: f64, max_steps: u32) -> Stop<T> {
    Stop { absolute: T::from_f64(absolute), relative: T::ZERO, max_steps, check_every: 1 }
}

struct Outcome<T> {
    report: Report<T>,
    x: Vec<T>,
    y: Vec<T>,
}

/// Calls something with the matrix as dense (with padding) or sparse view.
fn with_view<T: Real, R>(case: &Case, sparse: bool, then: impl FnOnce(&dyn Rows<T>) -> R) -> R {
    if sparse {
        let (offsets, columns, values) = case.sparse();
        return then(&Csr::new(&offsets, &columns, &values, case.columns).expect("a valid matrix"));
    }
    let stride = case.columns + 2;
    let mut padded = vec![T::NAN; case.rows * stride];
    for (to, from) in padded.chunks_mut(stride).zip(case.values.chunks(case.columns)) {
        to.iter_mut().zip(from).for_each(|(to, &a)| *to = T::from_f64(a));
    }
    then(&Dense::new(&padded, case.rows, case.columns, stride).expect("a valid matrix"))
}

fn sinkhorn<T: Real>(case: &Case, sparse: bool, stop: Stop<T>, dirt: T) -> Result<Outcome<T>, Error> {
    let (n, m) = (case.rows, case.columns);
    let (r, c) = (cast(&case.r), cast(&case.c));
    let mut storage = vec![dirt; sinkhorn_knopp::Workspace::<T>::required_len(n, m)];
    let mut indices = vec![7; sinkhorn_knopp::Workspace::<T>::required_indices(n, m)];
    let (mut x, mut y) = (vec![T::ONE; n], vec![T::ONE; m]);
    let report = with_view(case, sparse, |view| {
        let problem = Problem::new(&view, &r, &c)?;
        let workspace = sinkhorn_knopp::Workspace::new(&problem, &mut storage, &mut indices)?;
        let scalings = Scalings { x: &mut x, y: &mut y };
        let options = sinkhorn_knopp::Options { stop };
        sinkhorn_knopp::solve(&problem, &options, scalings, workspace, &mut ())
    })?;
    Ok(Outcome { report, x, y })
}

fn mirror<T: Real>(case: &Case, sparse: bool, stop: Stop<T>, dirt: T) -> Result<Outcome<T>, Error> {
    let n = case.rows;
    let (r, c) = (cast(&case.r), cast(&case.c));
    let mut storage = vec![dirt; symmetric::Workspace::<T>::required_len(n)];
    let mut indices = vec![7; symmetric::Workspace::<T>::required_indices(n)];
    let mut x = vec![T::ONE; n];
    let report = with_view(case, sparse, |view| {
        let problem = Problem::new(&view, &r, &c)?;
        let workspace = symmetric::Workspace::new(&problem, &mut storage, &mut indices)?;
        symmetric::solve(&problem, &symmetric::Options { stop }, &mut x, workspace, &mut ())
    })?;
    Ok(Outcome { report, y: x.clone(), x })
}

fn equilibrate<T: Real>(
    case: &Case,
    sparse: bool,
    norm: ruiz::Norm,
    stop: Stop<T>,
    dirt: T,
) -> Result<Outcome<T>, Error> {
    let (n, m) = (case.rows, case.columns);
    let mut storage = vec![dirt; ruiz::Workspace::<T>::required_len(n, m)];
    let mut indices = vec![7; ruiz::Workspace::<T>::required_indices(n, m, norm)];
    let (mut x, mut y) = (vec![T::ONE; n], vec![T::ONE; m]);
    let report = with_view(case, sparse, |view: &dyn Rows<T>| {
        let problem = ruiz::Problem::new::<T>(&view, norm)?;
        let workspace = ruiz::Workspace::new(&problem, &mut storage, &mut indices)?;
        let scalings = Scalings { x: &mut x, y: &mut y };
        ruiz::solve(&problem, &ruiz::Options { stop }, scalings, workspace, &mut ())
    })?;
    Ok(Outcome { report, x, y })
}

#[test]
fn reference_figures() {
    let case = Case::random(5, 100);
    let both = case.symmetric();
    for sparse in [false, true] {
        let outcome = sinkhorn(&case, sparse, stop::<f64>(1e-10, 100), f64::NAN).expect("valid");
        assert_eq!((outcome.report.status, outcome.report.steps), (Status::Converged, 6));
        let product = outcome.x.iter().sum::<f64>() * outcome.y.iter().sum::<f64>();
        assert!((product - 200.291_192_75).abs() < 5e-9, "{product}");
        // The reference counts rows alone.
        let outcome = mirror(&both, sparse, stop::<f64>(2e-10, 100), f64::NAN).expect("valid");
        assert_eq!((outcome.report.status, outcome.report.steps), (Status::Converged, 38));
        let largest = ruiz::Norm::Largest;
        let outcome = equilibrate(&both, sparse, largest, stop::<f64>(1e-10, 100), f64::NAN).expect("valid");
        assert_eq!((outcome.report.status, outcome.report.steps), (Status::Converged, 30));
        assert_eq!(bits(&outcome.x), bits(&outcome.y), "symmetry is kept");
    }
}

/// Support, but not total: the residual falls like 1/k, x_2/x_1 grows like k.
#[test]
fn support_that_is_not_total() {
    let case = Case::unit(&[&[1.0, 1.0], &[0.0, 1.0]]);
    for (k, error) in [(10, 9.5e-2), (100, 9.95e-3), (1000, 9.995e-4), (100_000, 1e-5)] {
        let outcome = sinkhorn(&case, k % 3 == 0, stop::<f64>(1e-9, k), f64::NAN).expect("valid");
        assert_eq!(outcome.report.status, Status::StepLimit, "{k}: {:?}", outcome.report);
        assert!((outcome.report.residual / error - 1.0).abs() < 5e-3, "{k}: {:?}", outcome.report);
        let growth = outcome.x[1] / outcome.x[0] / f64::from(k);
        assert!((1.8..2.2).contains(&growth), "{k} {growth}");
    }
}

#[test]
fn no_support() {
    // Three rows, two of them in the last column alone.
    let case = Case::unit(&[&[0.0, 0.0, 1.0], &[0.0, 0.0, 1.0], &[1.0, 1.0, 1.0]]);
    for sparse in [false, true] {
        let outcome = sinkhorn(&case, sparse, stop::<f64>(1e-9, 10_000), f64::NAN).expect("valid");
        assert_eq!(outcome.report.status, Status::NoSupport);
        assert!(outcome.report.steps <= 40, "{:?}", outcome.report);
        assert!((outcome.report.residual - 2.0).abs() < 1e-6, "{:?}", outcome.report);
        assert!((case.residual(&outcome.x, &outcome.y) - outcome.report.residual).abs() < 1e-12);
        let outcome = mirror(&case, sparse, stop::<f32>(1e-4, 10_000), f32::NAN).expect("valid");
        assert_eq!(outcome.report.status, Status::NoSupport);
        let outcome = equilibrate(&case, sparse, ruiz::Norm::Sum, stop::<f64>(1e-9, 10_000), f64::NAN);
        assert_eq!(outcome.expect("valid").report.status, Status::NoSupport);
    }
    // Sums that are not all alike: rows 0 and 1 shall carry 3, but reach columns that shall carry 2 alone.
    let values = vec![1.0, 2.0, 0.0, 3.0, 1.0, 0.0, 1.0, 1.0, 1.0];
    let mut case = Case { rows: 3, columns: 3, values, r: vec![1.0, 2.0, 1.0], c: vec![1.0, 1.0, 2.0] };
    let outcome = sinkhorn(&case, false, stop::<f64>(1e-9, 10_000), f64::NAN).expect("valid");
    assert_eq!(outcome.report.status, Status::NoSupport);
    case.r = vec![0.75, 1.0, 2.25];
    let outcome = sinkhorn(&case, false, stop::<f64>(1e-9, 10_000), f64::NAN).expect("valid");
    assert_eq!(outcome.report.status, Status::Converged);
}

/// The largest matching by trying all subsets of columns, row by row.
fn rank(case: &Case) -> usize {
    let mut best = vec![None; 1 << case.columns];
    best[0] = Some(0);
    for row in case.values.chunks(case.columns) {
        for taken in (0..best.len()).rev() {
            let Some(size) = best[taken] else { continue };
            for j in (0..case.columns).filter(|j| row[*j] != 0.0 && taken >> j & 1 == 0) {
                let with = &mut best[taken | 1 << j];
                *with = (*with).max(Some(size + 1));
            }
        }
    }
    best.into_iter().flatten().max().unwrap_or(0)
}

/// Whether no set of rows shall carry more than the columns that it reaches.
fn reachable(case: &Case) -> bool {
    (0_u32..1 << case.rows).all(|set| {
        let inside = |i: usize| set >> i & 1 == 1;
        let demand: f64 = (0..case.rows).filter(|&i| inside(i)).map(|i| case.r[i]).sum();
        let reached = |j: usize| (0..case.rows).any(|i| inside(i) && case.values[i * case.columns + j] > 0.0);
        let capacity: f64 = (0..case.columns).filter(|&j| reached(j)).map(|j| case.c[j]).sum();
        demand <= capacity
    })
}

/// A small matrix with holes; whole sums, some of them 0.
fn small(numbers: &mut Numbers, unit: bool) -> Case {
    let n = 1 + numbers.below(6);
    let m = if unit { n } else { 1 + numbers.below(6) };
    let density = 1 + numbers.below(4);
    let values =
        (0..n * m).map(|_| if numbers.below(4) < density { numbers.next() + 0.75 } else { 0.0 }).collect();
    if unit {
        return Case { rows: n, columns: m, values, r: vec![1.0; n], c: vec![1.0; n] };
    }
    // A unit of mass at a time, to any row and any column.
    let (mut r, mut c) = (vec![0.0; n], vec![0.0; m]);
    for _ in 0..2 * n.max(m) {
        r[numbers.below(n)] += 1.0;
        c[numbers.below(m)] += 1.0;
    }
    Case { rows: n, columns: m, values, r, c }
}

#[test]
fn matchings() {
    let mut numbers = Numbers(11);
    for round in 0..2000 {
        let case = small(&mut numbers, round % 2 == 0);
        for sparse in [false, true] {
            let mut indices = vec![9; support::required_indices(case.rows, case.columns)];
            let found =
                with_view::<f32, _>(&case, sparse, |view| support::structural_rank(&view, &mut indices));
            assert_eq!(found, Ok(rank(&case)), "{case:?}");
        }
    }
    // A chain in which every row has to give way, and a large one.
    let n = 400;
    let entry = |k: usize| if k / n == k % n || k / n == k % n + 1 || k == n - 1 { 1.0 } else { 0.0 };
    let case = Case { values: (0..n * n).map(entry).collect(), ..Case::random(1, n) };
    let mut indices = vec![9; support::required_indices(n, n)];
    let found = with_view::<f64, _>(&case, true, |view| support::structural_rank(&view, &mut indices));
    assert_eq!(found, Ok(n));
    let short = with_view::<f64, _>(&case, true, |view| support::structural_rank(&view, &mut indices[1..]));
    assert_eq!(short, Err(Error::Workspace { needed: 5 * n, given: 5 * n - 1 }));
}

fn properties<T: Real>() {
    let mut numbers = Numbers(5);
    let (mut refused, mut lacking, mut converged) = (0, 0, 0);
    for round in 0..600 {
        let unit = round % 2 == 0;
        let case = small(&mut numbers, unit);
        let sparse = numbers.below(2) == 0;
        let relative = 1e3 * T::EPSILON.to_f64() * case.r.iter().sum::<f64>();
        let solve = |dirt| sinkhorn::<T>(&case, sparse, stop(relative, 3000), dirt);
        let outcome = match solve(T::NAN) {
            Ok(outcome) => outcome,
            Err(Error::EmptyLine { .. }) => {
                assert!(!reachable(&case), "{case:?}");
                refused += 1;
                continue;
            }
            Err(error) => panic!("{error:?} {case:?}"),
        };
        let (x, y) = (wide(&outcome.x), wide(&outcome.y));
        let told = outcome.report.residual.to_f64();
        let label = format!("{round} {sparse} {case:?} {:?} {x:?} {y:?}", outcome.report);
        // Entries are rounded to T; a sum of six products and the exact quotient add a few roundings more.
        let mass: f64 = case.r.iter().sum();
        let bound = 16.0 * T::EPSILON.to_f64() * (mass + told);
        assert!((case.residual(&x, &y) - told).abs() <= bound, "{label}");
        for (scaling, sums) in [(&x, &case.r), (&y, &case.c)] {
            for (&s, &sum) in scaling.iter().zip(sums) {
                assert!(if sum > 0.0 { s > 0.0 && s.is_finite() } else { s == 0.0 }, "{label}");
            }
        }
        let possible = if unit { rank(&case) == case.rows } else { reachable(&case) };
        match outcome.report.status {
            Status::Converged | Status::StepLimit => assert!(possible, "{label}"),
            Status::NoSupport => assert!(!possible, "{label}"),
            // Scalings of a pattern without total support run away from a short range.
            Status::Stalled => assert!(possible, "{label}"),
            status => panic!("{status:?} {label}"),
        }
        lacking += u32::from(outcome.report.status == Status::NoSupport);
        converged += u32::from(outcome.report.converged());
        let clean = solve(T::ONE).expect("as before");
        assert_eq!((clean.report, bits(&clean.x)), (outcome.report, bits(&outcome.x)), "dirt; {label}");
        for level in levels() {
            force_level(Some(level));
            let there = solve(T::ZERO).expect("as before");
            force_level(None);
            assert_eq!(
                (there.report, bits(&there.y)),
                (outcome.report, bits(&outcome.y)),
                "{level:?} {label}"
            );
        }
    }
    assert!(refused > 50 && lacking > 20 && converged > 100, "{refused} {lacking} {converged}");
}

#[test]
fn sums_of_small_matrices() {
    properties::<f64>();
    properties::<f32>();
}

fn norms<T: Real>() {
    let mut numbers = Numbers(17);
    for round in 0..300 {
        let norm = [ruiz::Norm::Largest, ruiz::Norm::Sum][round % 2];
        let mut case = small(&mut numbers, norm == ruiz::Norm::Sum);
        // Signs do not matter, and scales of rows no more.
        for (k, a) in case.values.iter_mut().enumerate() {
            *a *=
                if numbers.below(2) == 0 { -1.0 } else { 1.0 } * [1.0, 1024.0, 0.0625][k / case.columns % 3];
        }
        let sparse = numbers.below(2) == 0;
        let tolerance = 64.0 * T::EPSILON.to_f64();
        let outcome = match equilibrate::<T>(&case, sparse, norm, stop(tolerance, 3000), T::NAN) {
            Ok(outcome) => outcome,
            Err(error) => {
                assert!(matches!(error, Error::EmptyLine { .. }), "{error:?}");
                continue;
            }
        };
        let (x, y) = (wide(&outcome.x), wide(&outcome.y));
        let [sums, column_sums, most, column_most] = case.lines(&x, &y);
        let lines = if norm == ruiz::Norm::Sum { [sums, column_sums] } else { [most, column_most] }.concat();
        let exact = lines.iter().fold(0.0, |most: f64, line| most.max((line - 1.0).abs()));
        let told = outcome.report.residual.to_f64();
        let label = format!("{round} {sparse} {case:?} {:?} {exact}", outcome.report);
        assert!((exact - told).abs() <= 16.0 * T::EPSILON.to_f64() * (1.0 + told), "{label}");
        if norm == ruiz::Norm::Largest {
            assert!(outcome.report.converged(), "{label}");
        } else if outcome.report.status == Status::NoSupport {
            assert!(rank(&case) < case.rows, "{label}");
        } else {
            assert_eq!(rank(&case), case.rows, "{label}");
        }
    }
}

#[test]
fn norms_of_small_matrices() {
    norms::<f64>();
    norms::<f32>();
}

/// Symmetric problems have symmetric answers, found by either method.
#[test]
fn one_scaling_for_both() {
    for sparse in [false, true] {
        let mut case = Case::random(9, 30).symmetric();
        let numbers: Vec<f64> = SplitMix64(3).take(30).iter().map(|x| (x * 16.0).ceil()).collect();
        (case.r, case.c) = (numbers.clone(), numbers);
        case.r[4] = 0.0;
        case.c[4] = 0.0;
        let one = mirror(&case, sparse, stop::<f64>(1e-9, 200), f64::NAN).expect("valid");
        let two = sinkhorn(&case, sparse, stop::<f64>(1e-9, 200), f64::NAN).expect("valid");
        assert!(one.report.converged() && two.report.converged());
        assert!((case.residual(&one.x, &one.x) - one.report.residual).abs() < 1e-10);
        let ratio = (two.x[0] / one.x[0], two.y[0] / one.x[0]);
        for i in (0..30).filter(|&i| i != 4) {
            assert!((two.x[i] / one.x[i] / ratio.0 - 1.0).abs() < 1e-8);
            assert!((two.y[i] / one.x[i] / ratio.1 - 1.0).abs() < 1e-8);
        }
        assert_eq!(one.x[4], 0.0);
    }
}

/// Residuals of Sinkhorn & Knopp's and of the symmetric iteration never grow, so what a run without support leaves
/// is the best that it saw.
#[test]
fn residuals_never_grow() {
    let mut numbers = Numbers(29);
    let mut lacking = 0;
    for round in 0..3000 {
        let mut case = small(&mut numbers, true);
        let n = case.rows;
        for k in 0..n * n {
            case.values[k] = case.values[k.min(k % n * n + k / n)];
        }
        let mut seen = vec![];
        let mut look = |p: &southwell::Progress<f64>| {
            seen.extend(p.residual);
            core::ops::ControlFlow::Continue(())
        };
        let mut storage = vec![f64::NAN; sinkhorn_knopp::Workspace::<f64>::required_len(n, n)];
        let mut indices = vec![7; sinkhorn_knopp::Workspace::<f64>::required_indices(n, n)];
        let options = sinkhorn_knopp::Options { stop: stop(1e-9, 300) };
        let (mut x, mut y) = (vec![1.0; n], vec![1.0; n]);
        let report = with_view(&case, round % 3 == 0, |view| {
            let problem = Problem::unit(&view)?;
            if round % 2 == 0 {
                let workspace = symmetric::Workspace::new(&problem, &mut storage, &mut indices)?;
                return symmetric::solve(&problem, &options, &mut x, workspace, &mut look);
            }
            let workspace = sinkhorn_knopp::Workspace::new(&problem, &mut storage, &mut indices)?;
            let scalings = Scalings { x: &mut x, y: &mut y };
            sinkhorn_knopp::solve(&problem, &options, scalings, workspace, &mut look)
        });
        let Ok(report) = report else { continue };
        lacking += u32::from(report.status == Status::NoSupport);
        let grows = |pair: &[f64]| pair[1] > pair[0] + 1e-13 * n as f64;
        assert!(!seen.windows(2).any(grows), "{round} {case:?} {report:?} {seen:?}");
    }
    assert!(lacking > 60, "{lacking}");
}

/// Entries at the ends of the range: finite scalings and a true residual come of them.
fn extremes<T: Real>() {
    let (huge, tiny) = (T::MAX.to_f64(), T::MIN_POSITIVE.to_f64());
    for values in [
        [huge, huge, huge, huge],
        [tiny, tiny, tiny, tiny],
        [tiny * T::EPSILON.to_f64(), tiny, tiny, tiny],
        [huge, tiny, tiny, huge],
        [tiny, huge, huge, tiny],
        [huge, 1.0, 1.0, tiny],
        [huge, 0.0, huge, tiny],
    ] {
        let case = Case { rows: 2, columns: 2, values: values.to_vec(), r: vec![1.0; 2], c: vec![1.0; 2] };
        for sparse in [false, true] {
            let tolerance = 1e3 * T::EPSILON.to_f64();
            let largest = ruiz::Norm::Largest;
            let outcomes = [
                sinkhorn::<T>(&case, sparse, stop(tolerance, 500), T::NAN).expect("valid"),
                equilibrate::<T>(&case, sparse, largest, stop(tolerance, 500), T::NAN).expect("valid"),
            ];
            for outcome in &outcomes {
                let scalings = outcome.x.iter().chain(&outcome.y);
                assert!(scalings.clone().all(|s| s.is_finite() && *s >= T::ZERO), "{values:?}");
                let residual = outcome.report.residual;
                assert!(residual.is_finite(), "{values:?} {:?}", outcome.report);
            }
            let told = outcomes[0].report.residual.to_f64();
            let exact = case.residual(&wide(&outcomes[0].x), &wide(&outcomes[0].y));
            assert!((told - exact).abs() <= 64.0 * T::EPSILON.to_f64(), "{values:?} {told} {exact}");
        }
    }
}

#[test]
fn strange_but_allowed() {
    extremes::<f64>();
    extremes::<f32>();
}
