//! Newton's steps, one by one, against the system and the line search of its page in plain loops.

use crate::common::Lu;
use crate::common::cases::{Case, random};
use southwell::transport::newton::{self, Options, Work, dense};
use southwell::transport::{DenseCost, Potentials, Problem};
use southwell::{Run, Stop};

/// Three rows and four columns, one of each without mass.
fn holes() -> Case {
    Case {
        cost: vec![0.5, 1.0, 0.25, 0.75, 0.125, 0.875, 1.0, 0.0, 0.625, 0.25, 0.5, 0.375],
        a: vec![0.5, 0.0, 0.5],
        b: vec![0.125, 0.375, 0.0, 0.5],
    }
}

/// A run after one of its steps.
#[derive(Debug)]
struct Shown {
    f: Vec<f64>,
    g: Vec<f64>,
    residual: f64,
    sigma: f64,
    work: Work,
}

fn options(damping: f64) -> Options<f64> {
    let stop = Stop::relative(1e-13);
    Options { stop, first_steps: 0, dropped: 0.0, damping, cg_steps: 100, cg_tolerance: 1e-14 }
}

/// A run with the whole coupling, by conjugate gradients or dense.
fn shown(
    case: &Case,
    epsilon: f64,
    from: (&[f64], &[f64]),
    sparse: bool,
    options: &Options<f64>,
) -> Vec<Shown> {
    let (n, m) = (case.rows(), case.columns());
    let cost = DenseCost::new(&case.cost, n, m, m).expect("costs");
    let problem = Problem::new(&cost, &case.a, &case.b, epsilon).expect("a problem");
    let (mut f, mut g) = (from.0.to_vec(), from.1.to_vec());
    let x = Potentials { f: &mut f, g: &mut g };
    let (mut storage, mut indices) = (vec![f64::NAN; 2000], vec![7; 2000]);
    let mut shown = vec![];
    macro_rules! watch {
        ($run:ident) => {
            for step in 0..=12 {
                let ((f, g), sigma) = ($run.potentials(), $run.parameter());
                let (f, g) = (f.to_vec(), g.to_vec());
                shown.push(Shown { f, g, sigma, residual: $run.residual(), work: $run.work() });
                if step < 12 && $run.failure().is_none() {
                    $run.step();
                }
            }
        };
    }
    if sparse {
        let work = newton::Workspace::new(&problem, n * m, &mut storage, &mut indices).expect("memory");
        let mut run = newton::start(&problem, options, x, work).expect("valid");
        watch!(run);
        assert!(!run.entries().1, "nothing is clipped");
        assert_eq!(run.cg_work(), run.work().entries as f64 / (n * m) as f64);
    } else {
        let work = dense::Workspace::new(&problem, &mut storage).expect("memory");
        let mut run = dense::start(&problem, options, x, work).expect("valid");
        watch!(run);
        assert_eq!((run.entries(), run.cg_work()), ((n * m, false), 0.0));
    }
    shown
}

/// The method as its page has it.
struct Plain<'c> {
    case: &'c Case,
    epsilon: f64,
    damping: f64,
    f: Vec<f64>,
    g: Vec<f64>,
    trials: u32,
    sigma: f64,
}

impl Plain<'_> {
    /// The coupling at a trial, and its sums by rows and by columns.
    fn coupling(&self, f: &[f64], g: &[f64]) -> (Vec<f64>, Vec<f64>, Vec<f64>) {
        let (n, m) = (f.len(), g.len());
        let entry = |k: usize| ((f[k / m] + g[k % m] - self.case.cost[k]) / self.epsilon).exp();
        let p: Vec<f64> = (0..n * m).map(entry).collect();
        let rows = p.chunks(m).map(|row| row.iter().sum()).collect();
        let columns = (0..m).map(|j| (0..n).map(|i| p[i * m + j]).sum()).collect();
        (p, rows, columns)
    }

    fn residual(&self, f: &[f64], g: &[f64]) -> f64 {
        let (_, rows, columns) = self.coupling(f, g);
        let off = |sums: &[f64], weights: &[f64]| -> f64 {
            sums.iter().zip(weights).map(|(s, w)| (s - w).abs()).sum()
        };
        off(&rows, &self.case.a) + off(&columns, &self.case.b)
    }

    fn step(&mut self) {
        let (n, m) = (self.f.len(), self.g.len());
        let (p, rows, columns) = self.coupling(&self.f, &self.g);
        let mass: f64 = self.case.a.iter().sum();
        let residual = self.residual(&self.f, &self.g);
        self.sigma = self.damping * (residual / mass).min(1.0);
        // Lines without mass stay where they are.
        let mut system = vec![vec![0.0; n + m]; n + m];
        let sums: Vec<f64> = rows.iter().chain(&columns).copied().collect();
        let weights = self.case.a.iter().chain(&self.case.b);
        let rhs: Vec<f64> = weights.zip(&sums).map(|(w, s)| w - s).collect();
        for k in 0..n + m {
            system[k][k] = if sums[k] > 0.0 { (1.0 + self.sigma) * sums[k] } else { 1.0 };
        }
        for i in 0..n {
            for j in 0..m {
                system[i][n + j] = p[i * m + j];
                system[n + j][i] = p[i * m + j];
            }
        }
        let d = Lu::new(system).solve(&rhs);
        let (d_f, d_g) = d.split_at(n);
        let slope: f64 = d.iter().zip(&rhs).map(|(d, r)| d * r).sum();
        let excess = |step: f64| -> f64 {
            let along = |k: usize| d_f[k / m] + d_g[k % m];
            let kept = (0..n * m).filter(|&k| p[k] > 0.0);
            kept.map(|k| p[k] * along(k) * ((step * along(k)).exp() - 1.0)).sum()
        };
        let mut step = 1.0;
        if excess(1.0) > 1.5 * slope {
            let (mut low, mut high) = (0.0, 1.0);
            for _ in 0..12 {
                let middle = 0.5 * (low + high);
                if excess(middle) <= slope { low = middle } else { high = middle }
            }
            step = low.max(0.5 * high);
        }
        let weights = self.case.a.iter().chain(&self.case.b);
        let linear: f64 = weights.zip(&d).map(|(w, d)| w * d).sum();
        loop {
            self.trials += 1;
            let moved = |x: &[f64], d: &[f64]| -> Vec<f64> {
                x.iter().zip(d).map(|(x, d)| x + self.epsilon * step * d).collect()
            };
            let (f, g) = (moved(&self.f, d_f), moved(&self.g, d_g));
            let grown: f64 = self.coupling(&f, &g).0.iter().sum::<f64>() - p.iter().sum::<f64>();
            if step * linear - grown >= 1e-4 * step * slope {
                (self.f, self.g) = (f, g);
                return;
            }
            step *= 0.5;
        }
    }
}

#[test]
fn steps_are_those_of_the_page() {
    let (plain, skewed) = (random(3, 4), random(8, 5));
    let mut shortened = 0;
    for (case, epsilon) in [(&holes(), 0.25), (&holes(), 0.0625), (&plain, 0.125), (&skewed, 0.03125)] {
        let (n, m) = (case.rows(), case.columns());
        for (far, damping) in [(0.0, 0.1), (0.5, 0.1), (1.0, 0.0625), (2.0, 1.0)] {
            let from = |w: &[f64], slant: f64| -> Vec<f64> {
                let at = |k: usize| far * epsilon * slant * (k as f64 - 1.0) - 0.125;
                (0..w.len()).map(|k| if w[k] > 0.0 { at(k) } else { f64::NEG_INFINITY }).collect()
            };
            let (f, g) = (from(&case.a, 1.0), from(&case.b, -1.5));
            for sparse in [false, true] {
                let steps = shown(case, epsilon, (&f, &g), sparse, &options(damping));
                let mut plain =
                    Plain { case, epsilon, damping, f: f.clone(), g: g.clone(), trials: 0, sigma: 0.0 };
                for (k, step) in steps.iter().enumerate() {
                    let label = format!("{case:?} {epsilon} {far} {sparse} {k} {step:?}");
                    if k > 0 {
                        plain.step();
                    }
                    let residual = plain.residual(&plain.f, &plain.g);
                    if residual < 1e-8 {
                        assert!(step.residual < 1e-7, "{label}");
                        break;
                    }
                    assert!((step.residual / residual - 1.0).abs() < 1e-6, "{label}: {residual}");
                    assert!((step.sigma - plain.sigma).abs() < 1e-7, "{label}: {}", plain.sigma);
                    for line in 0..n * m {
                        let (i, j) = (line / m, line % m);
                        let (ours, theirs) = (step.f[i] + step.g[j], plain.f[i] + plain.g[j]);
                        let off = if theirs.is_finite() { (ours - theirs) / epsilon } else { 0.0 };
                        assert!(off.abs() < 1e-6 && ours.is_finite() == theirs.is_finite(), "{label}: {off}");
                    }
                    let (k, trials) = (k as u32, plain.trials);
                    assert_eq!((step.work.newton_steps, step.work.evaluations), (k, trials), "{label}");
                    assert_eq!((step.work.sinkhorn_steps, step.work.rescues), (0, 0), "{label}");
                    assert!(sparse || step.work.kernel_reads == 1 + trials, "a reading a trial; {label}");
                    assert!(sparse || step.work.cg_steps == 0 && step.work.entries == 0, "{label}");
                    shortened += u32::from(trials > k);
                }
            }
        }
    }
    assert!(shortened > 0);
}

/// A limit of one step of conjugate gradients is kept, and a coarse tolerance takes fewer steps than a fine one.
#[test]
fn conjugate_gradients_stop_where_they_are_told() {
    let case = random(5, 6);
    let start = vec![0.0; 6];
    let last = |options: &Options<f64>| {
        let steps = shown(&case, 0.0625, (&start, &start), true, options);
        steps
            .last()
            .map(|step| (step.work.newton_steps, step.work.cg_steps, step.work.entries))
            .expect("steps")
    };
    let (newton_steps, cg_steps, entries) = last(&Options { cg_steps: 1, ..options(0.1) });
    assert_eq!((newton_steps, cg_steps), (12, 12));
    assert_eq!(entries, 12 * 36);
    let exact = last(&options(0.1));
    let coarse = last(&Options { cg_tolerance: 1.0, ..options(0.1) });
    assert!(coarse.1 < exact.1, "{coarse:?} {exact:?}");
}

/// First steps are Sinkhorn's, a reading each, and a last one for the coupling that Newton's method begins with.
#[test]
fn first_steps_are_sinkhorns() {
    let case = random(4, 5);
    let start = vec![0.0; 5];
    for first in [1, 2, 5] {
        for sparse in [false, true] {
            let options = Options { first_steps: first, ..options(0.1) };
            let steps = shown(&case, 0.125, (&start, &start), sparse, &options);
            for (k, step) in (0_u32..).zip(&steps).take_while(|(_, step)| step.residual > 1e-12) {
                let (done, newton) = (k.min(first), k.saturating_sub(first));
                assert_eq!((step.work.sinkhorn_steps, step.work.newton_steps), (done, newton), "{step:?}");
                if newton == 0 {
                    assert_eq!((step.work.kernel_reads, step.sigma), (1 + k, 0.0), "{step:?}");
                }
            }
        }
    }
}
