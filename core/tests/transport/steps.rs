//! Sinkhorn's steps, one by one, against the formulas of its page in plain loops, and what its two forms say of them.

use crate::common::cases::Case;
use southwell::omega::{Fixed, OmegaRule, Sight};
use southwell::transport::steps::Reach;
use southwell::transport::{DenseCost, Ground, PointCost, Potentials, Problem, scaling, sinkhorn};
use southwell::{Error, Progress, Report, Run, Stop, drive};

const EPSILON: f64 = 0.25;

/// Three rows and four columns, one of each without mass.
fn case() -> Case {
    Case {
        cost: vec![0.5, 1.0, 0.25, 0.75, 0.125, 0.875, 1.0, 0.0, 0.625, 0.25, 0.5, 0.375],
        a: vec![0.5, 0.0, 0.5],
        b: vec![0.125, 0.375, 0.0, 0.5],
    }
}

fn start_at(g: [f64; 4]) -> (Vec<f64>, Vec<f64>) {
    (vec![0.0; 3], g.to_vec())
}

/// The iteration as its page has it: potentials, the next f, and what rows and columns are off by.
struct Plain {
    case: Case,
    f: Vec<f64>,
    next: Vec<f64>,
    g: Vec<f64>,
    errors: (f64, f64),
}

impl Plain {
    fn entry(&self, f: &[f64], i: usize, j: usize) -> f64 {
        if self.case.a[i] == 0.0 || self.case.b[j] == 0.0 {
            return 0.0;
        }
        ((f[i] + self.g[j] - self.case.cost[4 * i + j]) / EPSILON).exp()
    }
    fn row(&self, f: &[f64], i: usize) -> f64 {
        (0..4).map(|j| self.entry(f, i, j)).sum()
    }
    fn column(&self, f: &[f64], j: usize) -> f64 {
        (0..3).map(|i| self.entry(f, i, j)).sum()
    }
    fn look(&mut self) {
        let rows = (0..3).map(|i| (self.row(&self.f, i) - self.case.a[i]).abs()).sum();
        let columns = (0..4).map(|j| (self.column(&self.f, j) - self.case.b[j]).abs()).sum();
        self.errors = (rows, columns);
    }
    /// f where its rows go from here, by this factor of the way.
    fn moved(&self, reach: Reach<f64>) -> Vec<f64> {
        let row = |i: usize| {
            let delta = (self.case.a[i] / self.row(&self.f, i)).ln();
            self.f[i] + EPSILON * (reach.factor(delta) * delta)
        };
        (0..3).map(|i| if self.case.a[i] > 0.0 { row(i) } else { f64::NEG_INFINITY }).collect()
    }
    fn new(g: [f64; 4]) -> Self {
        let (f, g) = start_at(g);
        let mut plain = Self { case: case(), next: vec![], f, g, errors: (0.0, 0.0) };
        plain.f = plain.moved(Reach::new(1.0));
        plain.next.clone_from(&plain.f);
        plain.look();
        plain
    }
    fn step(&mut self, omega: f64) {
        let reach = Reach::new(omega);
        self.f.clone_from(&self.next);
        let delta: Vec<f64> = (0..4).map(|j| (self.case.b[j] / self.column(&self.f, j)).ln()).collect();
        for j in (0..4).filter(|&j| self.case.b[j] > 0.0) {
            self.g[j] += EPSILON * (reach.factor(delta[j]) * delta[j]);
        }
        self.look();
        self.next = self.moved(reach);
    }
}

/// What a run shows of itself after a step.
struct Shown {
    f: Vec<f64>,
    g: Vec<f64>,
    errors: (f64, f64),
    residual: f64,
    reads: u32,
    omega: f64,
}

/// A run of either form for so many steps, and its absorptions.
fn shown(stored: bool, g: [f64; 4], rule: &mut dyn OmegaRule<f64>, steps: usize) -> (Vec<Shown>, u32) {
    let case = case();
    let cost = DenseCost::new(&case.cost, 3, 4, 4).expect("costs");
    let problem = Problem::new(&cost, &case.a, &case.b, EPSILON).expect("a problem");
    let ((mut f, mut g), mut memory) = (start_at(g), vec![f64::NAN; 33]);
    let x = Potentials { f: &mut f, g: &mut g };
    let (options, mut shown) = (sinkhorn::Options::default(), vec![]);
    macro_rules! watch {
        ($run:ident) => {
            for step in 0..=steps {
                let (residual, (f, g)) = ($run.residual(), $run.potentials());
                let (errors, reads, omega) = ($run.errors(), $run.kernel_reads(), $run.omega());
                shown.push(Shown { f: f.to_vec(), g: g.to_vec(), errors, residual, reads, omega });
                if step < steps {
                    $run.step();
                }
            }
        };
    }
    if stored {
        let work = scaling::Workspace::new(&problem, &mut memory).expect("memory");
        let mut run = scaling::start(&problem, &options, rule, x, work).expect("valid");
        watch!(run);
        return (shown, run.absorptions());
    }
    let work = sinkhorn::Workspace::new(&problem, &mut memory).expect("memory");
    let mut run = sinkhorn::start(&problem, &options, rule, x, work).expect("valid");
    watch!(run);
    (shown, 0)
}

/// Equal to so many digits, infinities too.
fn near(x: f64, y: f64, tolerance: f64) -> bool {
    x == y || (x - y).abs() <= tolerance * (1.0 + y.abs())
}

#[test]
fn steps_are_those_of_the_page() {
    for start in [[0.0; 4], [0.0, 2.0, 9.0, -1.5], [-3.0, 1.0, 0.0, 4.0]] {
        for omega in [1.0, 0.75, 1.25, 1.5, 1.9] {
            for stored in [false, true] {
                let (steps, _) = shown(stored, start, &mut Fixed(omega), 12);
                let mut plain = Plain::new(start);
                for (k, step) in steps.iter().enumerate() {
                    let label = format!("{start:?} {omega} {stored} {k}");
                    if k > 0 {
                        plain.step(omega);
                    }
                    for i in 0..3 {
                        assert!(near(step.f[i], plain.f[i], 1e-12), "{label}: {:?} {:?}", step.f, plain.f);
                    }
                    for j in [0, 1, 3] {
                        assert!(near(step.g[j], plain.g[j], 1e-12), "{label}: {:?} {:?}", step.g, plain.g);
                    }
                    assert_eq!((step.f[1], step.g[2]), (f64::NEG_INFINITY, f64::NEG_INFINITY), "{label}");
                    let ((rows, columns), (row_error, column_error)) = (step.errors, plain.errors);
                    assert!(near(rows, row_error, 1e-11), "{label}: {rows} {row_error}");
                    assert!(near(columns, column_error, 1e-11), "{label}: {columns} {column_error}");
                    assert_eq!(step.residual, rows + columns, "{label}");
                    assert_eq!((step.reads, step.omega), (k as u32 + 1, omega), "{label}");
                    // Plain steps leave the columns exact, and the first reading the rows.
                    assert!(k == 0 || omega != 1.0 || columns == 0.0, "{label}");
                    assert!(k > 0 || rows == 0.0, "{label}");
                }
            }
        }
    }
}

/// Writes down what it is told, and says ω = 1.5 from the third step on.
#[derive(Default)]
struct Scribe {
    sight: Vec<(usize, f64, f64, f64)>,
    seen: Vec<(u32, Option<f64>, f64)>,
    ends: u32,
}

impl OmegaRule<f64> for Scribe {
    fn begin(&mut self, sight: &Sight<'_, f64>) -> f64 {
        self.sight.push((sight.size, sight.scale, sight.initial_residual, sight.coupling()));
        1.25
    }
    fn revise(&mut self, progress: &Progress<f64>) -> Option<f64> {
        self.seen.push((progress.step, progress.residual, progress.parameter));
        (progress.step >= 3).then_some(1.5)
    }
    fn end(&mut self, _: &Report<f64>) {
        self.ends += 1;
    }
}

#[test]
fn a_rule_hears_of_every_step_once() {
    let mut both = vec![];
    for stored in [false, true] {
        let mut scribe = Scribe::default();
        let (steps, _) = shown(stored, [0.0; 4], &mut scribe, 6);
        // Size, mass, the bound of the first residual, 1 − ε/max C.
        assert_eq!((&scribe.sight[..], scribe.ends), (&[(7, 1.0, 2.0, 0.75)][..], 0));
        let seen: Vec<(u32, Option<f64>, f64)> =
            (1..=6).map(|k| (k as u32, Some(steps[k].residual), if k <= 3 { 1.25 } else { 1.5 })).collect();
        assert_eq!(scribe.seen, seen);
        assert_eq!(steps.iter().map(|step| step.omega).collect::<Vec<_>>()[..3], [1.25; 3]);
        assert_eq!(steps.iter().map(|step| step.omega).collect::<Vec<_>>()[3..], [1.5; 4]);
        both.push(steps);
    }
    for (one, other) in both[0].iter().zip(&both[1]) {
        assert!(near(one.residual, other.residual, 1e-12) && near(one.g[3], other.g[3], 1e-12));
    }
    let case = case();
    let cost = DenseCost::new(&case.cost, 3, 4, 4).expect("costs");
    let coarse = Problem::new(&cost, &case.a, &case.b, 2.0).expect("a problem");
    let (mut f, mut g, mut memory) = ([0.0; 3], [0.0; 4], [0.0; 33]);
    let (mut scribe, options) = (Scribe::default(), sinkhorn::Options::default());
    let work = sinkhorn::Workspace::new(&coarse, &mut memory).expect("memory");
    let x = Potentials { f: &mut f, g: &mut g };
    let report = sinkhorn::solve(&coarse, &options, &mut scribe, x, work, &mut ()).expect("valid");
    assert!(report.converged());
    assert_eq!((&scribe.sight[..], scribe.ends), (&[(7, 1.0, 2.0, 0.0)][..], 1), "ε above all costs");
    let work = scaling::Workspace::new(&coarse, &mut memory).expect("memory");
    let x = Potentials { f: &mut f, g: &mut g };
    scaling::solve(&coarse, &options, &mut scribe, x, work, &mut ()).expect("valid");
    assert_eq!(scribe.ends, 2);
}

/// How often the scalings are absorbed in one step from a g under which column 1 gets a share of e^(−depth), of `b` masses.
fn absorbed(depth: f64, b: [f64; 2], omega: f64) -> u32 {
    let cost = DenseCost::new(&[0.0, 0.0], 1, 2, 2).expect("costs");
    let problem = Problem::new(&cost, &[1.0], &b, 1.0).expect("a problem");
    let (mut f, mut g, mut memory) = ([0.0], [0.0, -depth], [f64::NAN; 16]);
    let work = scaling::Workspace::new(&problem, &mut memory).expect("memory");
    let x = Potentials { f: &mut f, g: &mut g };
    let (options, mut rule) = (scaling::Options::default(), Fixed(omega));
    let mut run = scaling::start(&problem, &options, &mut rule, x, work).expect("valid");
    run.step();
    let residual = run.residual();
    let (f, g) = run.potentials();
    let off = (f[0] + g[0]).exp() + (f[0] + g[1]).exp() - 1.0;
    assert!((off.abs() - run.errors().0).abs() < 1e-12 && residual.is_finite(), "{depth} {off} {residual}");
    run.absorptions()
}

/// Scalings are absorbed where they leave e^±200, and not before.
#[test]
fn scalings_are_trusted_up_to_a_bound() {
    let limit = 7.2e86_f64.ln();
    let halves = [0.5, 0.5];
    // A scaling of ½ e^depth.
    for (depth, times) in [(1.0, 0), (limit - 1.0, 0), (limit + 0.69, 0), (limit + 0.7, 1), (500.0, 1)] {
        assert_eq!(absorbed(depth, halves, 1.0), times, "{depth}");
    }
    // A column that has underflowed is absorbed once as well, by a step that makes the rows exact.
    assert_eq!(absorbed(800.0, halves, 1.0), 1);
    // And downwards: a mass of b where half the mass is.
    for (b, times) in [(1e-80, 0), (0.7e-87, 0), (0.69e-87, 1), (1e-200, 1)] {
        assert_eq!(absorbed(0.0, [1.0, b], 1.0), times, "{b}");
    }
}

/// From potentials that are far off both forms take the same steps, through absorptions, and through columns that have
/// underflowed.
#[test]
fn the_stored_kernel_takes_the_steps_of_the_log_domain() {
    let mut absorptions = 0;
    for far in [0.0, 30.0, 60.0, 190.0, 300.0] {
        for omega in [1.0, 1.5] {
            let start = [0.0, -far, 0.0, far / 3.0];
            let ((one, _), (other, absorbed)) =
                (shown(false, start, &mut Fixed(omega), 8), shown(true, start, &mut Fixed(omega), 8));
            absorptions += absorbed;
            assert_eq!(absorbed > 0, far >= 60.0, "{far} {omega}: {absorbed}");
            for (k, (one, other)) in one.iter().zip(&other).enumerate() {
                let label = format!("{far} {omega} {k}");
                for i in 0..3 {
                    assert!(near(other.f[i], one.f[i], 1e-11), "{label}: {:?} {:?}", other.f, one.f);
                }
                for j in 0..4 {
                    assert!(near(other.g[j], one.g[j], 1e-11), "{label}: {:?} {:?}", other.g, one.g);
                }
                assert!(
                    near(other.errors.0, one.errors.0, 1e-10),
                    "{label}: {:?} {:?}",
                    other.errors,
                    one.errors
                );
                assert!(
                    near(other.errors.1, one.errors.1, 1e-10),
                    "{label}: {:?} {:?}",
                    other.errors,
                    one.errors
                );
            }
        }
    }
    assert!(absorptions > 0);
}

/// Workspaces of problems that differ by a row, by a column, or by whether costs are stored.
#[test]
fn memory_of_another_shape_is_refused_with_both_lengths() {
    let values = [0.5; 16];
    let shape = |n, m| DenseCost::new(&values[..n * m], n, m, m).expect("costs");
    let weights = |n: usize| vec![1.0 / n as f64; n];
    for (n, m) in [(3, 4), (4, 3), (4, 4), (3, 3)] {
        let (cost, other) = (shape(3, 4), shape(n, m));
        let (a, b, c, d) = (weights(3), weights(4), weights(n), weights(m));
        let problem = Problem::new(&cost, &a, &b, 1.0).expect("a problem");
        let other = Problem::new(&other, &c, &d, 1.0).expect("a problem");
        let (mut f, mut g, mut memory) = ([0.0; 3], [0.0; 4], [0.0; 40]);
        let options = sinkhorn::Options::default();
        let expected = |needed, given| (n != 3 || m != 4).then_some(Error::Workspace { needed, given });
        let work = sinkhorn::Workspace::new(&other, &mut memory).expect("memory");
        let x = Potentials { f: &mut f, g: &mut g };
        let refused = sinkhorn::start(&problem, &options, &mut Fixed(1.0), x, work).err();
        assert_eq!(refused, expected(11, n + 2 * m), "{n} {m}");
        let work = scaling::Workspace::new(&other, &mut memory).expect("memory");
        let x = Potentials { f: &mut f, g: &mut g };
        let refused = scaling::start(&problem, &options, &mut Fixed(1.0), x, work).err();
        assert_eq!(refused, expected(33, n * m + 3 * (n + m)), "{n} {m}");
    }
    // Costs that are made on the fly need a row's memory more.
    let (cost, a, b, mut transposed) = (shape(3, 4), weights(3), weights(4), [0.0; 4]);
    let stored = Problem::new(&cost, &a, &b, 1.0).expect("a problem");
    let made = PointCost::new(&[0.0, 1.0, 2.0], &[0.0, 1.0, 2.0, 3.0], 1, Ground::L1, &mut transposed);
    let made = made.expect("points");
    let made = Problem::new(&made, &a, &b, 1.0).expect("a problem");
    let (mut f, mut g, mut memory) = ([0.0; 3], [0.0; 4], [0.0; 40]);
    let x = Potentials { f: &mut f, g: &mut g };
    let work = scaling::Workspace::new(&stored, &mut memory).expect("memory");
    let refused = scaling::start(&made, &sinkhorn::Options::default(), &mut Fixed(1.0), x, work).err();
    assert_eq!(refused, Some(Error::Workspace { needed: 37, given: 33 }));
    assert_eq!(scaling::Workspace::<f64>::required_len(3, 4, true), 33);
    assert_eq!(scaling::Workspace::<f64>::required_len(3, 4, false), 37);
    // So do the sums of a section, and they take the same place.
    assert_eq!(scaling::Workspace::<f64>::required_len(127, 4, true), 127 * 4 + 3 * 131);
    assert_eq!(scaling::Workspace::<f64>::required_len(128, 4, true), 128 * 4 + 3 * 132 + 4);
    assert_eq!(scaling::Workspace::<f64>::required_len(128, 4, false), 128 * 4 + 3 * 132 + 4);
    assert_eq!(sinkhorn::Workspace::<f64>::required_len(3, 4, 8), 15);
    assert_eq!(sinkhorn::Options::<f64>::default().stop, Stop::relative(1e-9));
    assert_eq!(sinkhorn::Options::<f32>::default().stop, Stop::relative(1e-5));
}

/// Two drives of a few steps are one of their sum: what a look remembers counts no step twice.
#[test]
fn looks_are_free() {
    let case = case();
    let cost = DenseCost::new(&case.cost, 3, 4, 4).expect("costs");
    let problem = Problem::new(&cost, &case.a, &case.b, EPSILON).expect("a problem");
    let run = |parts: &[u32]| {
        let (mut f, mut g, mut memory) = ([0.0; 3], [0.0; 4], [0.0; 33]);
        let (options, mut rule) = (scaling::Options::default(), Scribe::default());
        let work = scaling::Workspace::new(&problem, &mut memory).expect("memory");
        let x = Potentials { f: &mut f, g: &mut g };
        let mut run = scaling::start(&problem, &options, &mut rule, x, work).expect("valid");
        for &max_steps in parts {
            drive(&mut run, &Stop { max_steps, ..options.stop }, &mut ());
        }
        (run.residual(), f, g, rule.seen)
    };
    let whole = run(&[8]);
    assert_eq!(run(&[3, 5]), whole);
    assert_eq!(run(&[1, 0, 1, 6]), whole);
}
