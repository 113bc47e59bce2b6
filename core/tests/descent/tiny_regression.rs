//! Sparse regression of twelve columns: every loss and penalty, with weights, a constant and a mean, against proximal
//! gradients in plain loops; and what each takes, counted. So small that Miri runs it too.

use southwell::descent::sparse_regression::{self, Ending, Options, Outcome, Penalty, Problem, Workspace};
use southwell::linear::{Columns, Csc};
use southwell::{Status, Stop};

use crate::regression::{Data, normal};

const N: usize = 9;
const P: usize = 12;
const GROUPS: [u32; 5] = [0, 2, 5, 6, 12];

fn data(labels: bool) -> Data {
    let mut a: Vec<f64> = (0..N * P).map(|k| normal(77, k as u64)).collect();
    // A few zeros, and a column of nothing else.
    (0..N * P).filter(|k| k % 7 == 3 || k / N == 10).for_each(|k| a[k] = 0.0);
    let mut data = Data { rows: N, columns: P, a, y: vec![] };
    let w: Vec<f64> = (0..P).map(|j| [1.5, 0.0, -1.0, 0.0][j % 4]).collect();
    data.y = data.apply(&w);
    for (i, y) in data.y.iter_mut().enumerate() {
        *y += 0.75 + 0.25 * normal(78, i as u64);
        if labels {
            *y = if i == 3 { -y.signum() } else { y.signum() };
        }
    }
    data
}

/// What is varied.
#[derive(Clone, Copy, Debug)]
struct Case {
    logistic: bool,
    penalty: &'static str,
    weighted: bool,
    intercept: bool,
    averaged: bool,
    sparse: bool,
    capacity: usize,
    screening: bool,
    lambda: f64,
}

const PLAIN: Case = Case {
    logistic: false,
    penalty: "lasso",
    weighted: false,
    intercept: false,
    averaged: false,
    sparse: false,
    capacity: 12,
    screening: true,
    lambda: 1.0,
};
const RIDGE: f64 = 0.75;
const WEIGHTS: [f64; P] = [1.0, 0.5, 2.0, 1.0, 1.5, 0.25, 1.0, 1.0, 0.5, 2.0, 1.0, 1.0];

impl Case {
    fn penalty(&self) -> Penalty<'static, f64> {
        let lambda = self.lambda;
        match self.penalty {
            "lasso" => Penalty::Lasso { lambda },
            "net" => Penalty::ElasticNet { lambda, ridge: RIDGE },
            "positive" => Penalty::NonNegative { lambda },
            _ => Penalty::Group { lambda, groups: &GROUPS },
        }
    }

    fn weight(&self, k: usize) -> f64 {
        if self.weighted { WEIGHTS[k] } else { 1.0 }
    }

    /// The loss of a fit, its slopes, and what it is divided by.
    fn loss(&self, data: &Data, z: &[f64]) -> (f64, Vec<f64>) {
        let scale = if self.averaged { 1.0 / N as f64 } else { 1.0 };
        let of = |(z, y): (&f64, &f64)| {
            if self.logistic {
                ((1.0 + (-y * z).exp()).ln(), -y / (1.0 + (y * z).exp()))
            } else {
                (0.5 * (z - y) * (z - y), z - y)
            }
        };
        let both: Vec<(f64, f64)> = z.iter().zip(&data.y).map(of).collect();
        (scale * both.iter().map(|b| b.0).sum::<f64>(), both.iter().map(|b| scale * b.1).collect())
    }

    fn of_penalty(&self, w: &[f64]) -> f64 {
        let norm = |w: &[f64]| w.iter().map(|w| w * w).sum::<f64>().sqrt();
        let ridge = if self.penalty == "net" { 0.5 * RIDGE * norm(w) * norm(w) } else { 0.0 };
        if self.penalty == "group" {
            let of =
                |(k, ends): (usize, &[u32])| self.weight(k) * norm(&w[ends[0] as usize..ends[1] as usize]);
            return self.lambda * GROUPS.windows(2).enumerate().map(of).sum::<f64>();
        }
        ridge + self.lambda * w.iter().enumerate().map(|(j, w)| self.weight(j) * w.abs()).sum::<f64>()
    }

    /// The least value by proximal gradients, the constant being one more column without a penalty.
    fn least(&self, data: &Data) -> f64 {
        let curvature = if self.logistic { 0.25 } else { 1.0 } / if self.averaged { N as f64 } else { 1.0 };
        let most = curvature * (data.a.iter().map(|a| a * a).sum::<f64>() + N as f64);
        let (mut w, mut level, mut value) = (vec![0.0; P], 0.0, f64::INFINITY);
        for _ in 0..if cfg!(miri) { 3 } else { 40_000 } {
            let mut z = data.apply(&w);
            z.iter_mut().for_each(|z| *z += level);
            let (loss, slopes) = self.loss(data, &z);
            value = loss + self.of_penalty(&w);
            if self.intercept {
                level -= slopes.iter().sum::<f64>() / most;
            }
            let mut v: Vec<f64> = (0..P).map(|j| w[j] - data.slope(j, &slopes) / most).collect();
            let step = self.lambda / most;
            if self.penalty == "group" {
                for (k, ends) in GROUPS.windows(2).enumerate() {
                    let v = &mut v[ends[0] as usize..ends[1] as usize];
                    let norm = v.iter().map(|v| v * v).sum::<f64>().sqrt();
                    v.iter_mut().for_each(|v| *v *= (1.0 - step * self.weight(k) / norm).max(0.0));
                }
            } else {
                for (j, v) in v.iter_mut().enumerate() {
                    *v = (v.abs() - step * self.weight(j)).max(0.0).copysign(*v);
                    if self.penalty == "positive" {
                        *v = v.max(0.0);
                    }
                    if self.penalty == "net" {
                        *v /= 1.0 + RIDGE / most;
                    }
                }
            }
            w = v;
        }
        value
    }

    fn solve(&self, data: &Data) -> (Vec<f64>, Outcome<f64>) {
        let columns = Columns::new(&data.a, N, P).expect("a design");
        let (offsets, rows, values) = data.sparse();
        let csc = Csc::new(&offsets, &rows, &values, N).expect("a design");
        let stop = Stop { max_steps: 500, ..Stop::relative(1e-10) };
        let options = Options { stop, growth: 2, screening: self.screening, ..Options::default() };
        macro_rules! run {
            ($design:expr) => {{
                let made = if self.logistic { Problem::logistic } else { Problem::least_squares };
                let mut problem = made($design, &data.y, self.penalty()).expect("a problem");
                if self.averaged {
                    problem = problem.averaged().expect("a problem");
                }
                if self.weighted {
                    problem = problem.weighted(&WEIGHTS[..problem.blocks()]).expect("weights");
                }
                if self.intercept {
                    problem = problem.with_intercept().expect("both classes");
                }
                assert_eq!(problem.shape(), (N, P));
                assert!((problem.lambda() - self.lambda).abs() < 1e-15);
                let mut storage = vec![f64::NAN; Workspace::<f64>::required_len(N, P, self.capacity)];
                let mut indices = vec![77; Workspace::<f64>::required_indices(P, self.capacity)];
                let work =
                    Workspace::new(&problem, self.capacity, &mut storage, &mut indices).expect("memory");
                let mut w = vec![0.0; P];
                let outcome =
                    sparse_regression::solve(&problem, &options, &mut w, work, &mut ()).expect("valid");
                // Beyond λ_max nothing is left, just below it something is.
                let most = problem.lambda_max();
                for (factor, some) in [(1.0 + 1e-9, false), (0.99, true)] {
                    let problem = problem.with_lambda(most * factor).expect("a λ");
                    let work =
                        Workspace::new(&problem, self.capacity, &mut storage, &mut indices).expect("memory");
                    let mut w = vec![0.0; P];
                    let found =
                        sparse_regression::solve(&problem, &options, &mut w, work, &mut ()).expect("valid");
                    assert_eq!(found.nonzeros > 0, some, "{self:?}: λ_max {most}, {found:?}");
                }
                (w, outcome)
            }};
        }
        if self.sparse { run!(&csc) } else { run!(&columns) }
    }
}

/// Steps, updates, visits, second-order steps, sweeps, working set, screened, non-zeros.
type Counts = [u64; 8];

fn check(case: Case) -> Counts {
    let data = data(case.logistic);
    let (w, outcome) = case.solve(&data);
    assert_eq!(
        (outcome.report.status, outcome.ended),
        (Status::Converged, Ending::Gap),
        "{case:?}: {outcome:?}"
    );
    let mut z = data.apply(&w);
    z.iter_mut().for_each(|z| *z += outcome.intercept);
    let value = case.loss(&data, &z).0 + case.of_penalty(&w);
    assert!((value - outcome.primal).abs() < 1e-12 * value, "{case:?}: {value} {outcome:?}");
    assert_eq!(outcome.gap, outcome.report.residual);
    assert!(outcome.gap <= outcome.threshold && (outcome.primal - outcome.dual - outcome.gap).abs() < 1e-12);
    assert_eq!(outcome.nonzeros, w.iter().filter(|w| **w != 0.0).count());
    assert!(case.penalty != "positive" || w.iter().all(|w| *w >= 0.0));
    assert!(case.intercept || outcome.intercept == 0.0);
    if !cfg!(miri) {
        let least = case.least(&data);
        let slack = 1e-9 * least;
        assert!(
            outcome.dual <= least + slack && outcome.primal >= least - slack,
            "{case:?}: {least} {outcome:?}"
        );
    }
    let counts = [
        u64::from(outcome.report.steps),
        outcome.updates,
        outcome.column_visits,
        outcome.second_order_steps,
        u64::from(outcome.sweeps),
        outcome.working_set as u64,
        u64::from(outcome.screened),
        outcome.nonzeros as u64,
    ];
    println!("{case:?}: {counts:?}");
    counts
}

#[test]
fn every_penalty_ends_at_the_optimum() {
    let penalties = ["lasso", "net", "positive", "group"];
    let counts = penalties.map(|penalty| check(Case { penalty, ..PLAIN }));
    assert_eq!(
        counts,
        [
            [5, 80, 119, 8, 0, 10, 2, 6],
            [4, 64, 116, 5, 0, 10, 2, 8],
            [4, 21, 61, 0, 0, 3, 9, 3],
            [4, 64, 138, 16, 0, 12, 0, 11]
        ]
    );
    if !cfg!(miri) {
        let counts =
            penalties.map(|penalty| check(Case { penalty, weighted: true, intercept: true, ..PLAIN }));
        assert_eq!(
            counts,
            [
                [4, 91, 100, 8, 0, 9, 3, 6],
                [3, 45, 88, 3, 0, 8, 4, 5],
                [5, 47, 79, 0, 0, 5, 7, 3],
                [3, 48, 115, 12, 0, 11, 1, 10]
            ]
        );
        let averaged = Case { averaged: true, lambda: 0.125, sparse: true, ..PLAIN };
        let counts = penalties.map(|penalty| check(Case { penalty, intercept: true, ..averaged }));
        assert_eq!(
            counts,
            [
                [3, 48, 84, 3, 0, 8, 4, 6],
                [3, 38, 88, 1, 0, 8, 4, 7],
                [5, 28, 73, 0, 0, 4, 8, 3],
                [2, 32, 76, 8, 0, 8, 4, 7]
            ]
        );
    }
}

#[test]
fn every_penalty_ends_at_the_optimum_of_logistic_losses() {
    let penalties = ["lasso", "net", "positive", "group"];
    let logistic = Case { logistic: true, lambda: 0.375, ..PLAIN };
    let counts = penalties.map(|penalty| check(Case { penalty, ..logistic }));
    assert_eq!(
        counts,
        [
            [5, 139, 385, 6, 0, 8, 4, 6],
            [5, 85, 318, 1, 0, 7, 5, 7],
            [5, 88, 233, 2, 0, 5, 7, 4],
            [5, 242, 783, 32, 0, 11, 1, 10]
        ]
    );
    if !cfg!(miri) {
        let counts =
            penalties.map(|penalty| check(Case { penalty, weighted: true, intercept: true, ..logistic }));
        assert_eq!(
            counts,
            [
                [5, 98, 313, 2, 0, 6, 6, 5],
                [4, 78, 306, 2, 0, 8, 4, 7],
                [4, 27, 149, 0, 0, 3, 9, 2],
                [5, 171, 688, 26, 0, 11, 1, 10]
            ]
        );
        let averaged = Case { averaged: true, lambda: 0.0625, sparse: true, ..logistic };
        let counts = penalties.map(|penalty| check(Case { penalty, intercept: true, ..averaged }));
        assert_eq!(
            counts,
            [
                [5, 110, 258, 3, 0, 5, 7, 4],
                [5, 63, 422, 0, 0, 8, 4, 8],
                [4, 25, 134, 0, 0, 3, 9, 2],
                [4, 92, 330, 8, 0, 8, 4, 7]
            ]
        );
    }
}

/// Too small a working set, none, and no screening.
#[test]
fn memory_that_is_too_small_costs_sweeps() {
    let counts = [0, 1, 3, 5].map(|capacity| check(Case { capacity, lambda: 0.5, ..PLAIN }));
    assert_eq!(
        counts,
        [
            [8, 613, 976, 0, 80, 0, 5, 7],
            [10, 695, 1151, 0, 90, 1, 4, 7],
            [9, 553, 897, 2, 70, 3, 4, 7],
            [11, 659, 1079, 3, 80, 5, 3, 7]
        ]
    );
    let counts = [0, 3].map(|capacity| check(Case { capacity, penalty: "group", lambda: 0.5, ..PLAIN }));
    assert_eq!(counts, [[148, 5920, 21336, 0, 1480, 0, 0, 11], [148, 5920, 21336, 0, 1480, 0, 0, 11]]);
    let counts =
        [true, false].map(|logistic| check(Case { logistic, screening: false, lambda: 0.25, ..PLAIN }));
    assert_eq!(counts, [[5, 157, 426, 8, 0, 8, 0, 6], [5, 112, 122, 10, 0, 10, 0, 8]]);
}
