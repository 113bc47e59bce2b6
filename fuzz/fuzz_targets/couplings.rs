//! Costs made on the fly, many problems at once, a path of ε, and barycentres: rows as plain loops make them; a batch
//! has the bits of its problems one by one; what is reported is that of what is left.
#![no_main]

use arbitrary::Arbitrary;
use libfuzzer_sys::fuzz_target;
use southwell::omega::{Eager, Fixed, OmegaRule};
use southwell::transport::barycentre::{self, Iterate};
use southwell::transport::epsilon_path::{self, EpsilonScaling};
use southwell::transport::sinkhorn::{self, Options, Workspace};
use southwell::transport::{Cost, DenseCost, GridCost, Ground, PointCost, Potentials, Problem, batch};
use southwell::{Real, Report, Status, Stop, drive};
use southwell_fuzz::{Number, bits, check_error, cycled, number_bits};
use southwell_simd::{Level, force_level};

#[derive(Arbitrary, Debug)]
struct Input {
    double: bool,
    what: u8,
    rows: u8,
    columns: u8,
    dimension: u8,
    ground: u8,
    wild: bool,
    numbers: Vec<Number>,
    masses: Vec<u8>,
    epsilon: u8,
    steps: u8,
    split: u8,
    over_relaxed: bool,
    debiased: bool,
}

fuzz_target!(|input: Input| if input.double { check::<f64>(&input) } else { check::<f32>(&input) });

impl Input {
    fn number<T: Real>(&self, k: usize) -> T {
        let number = cycled(&self.numbers, k);
        if self.wild { number.wild() } else { number.tame() }
    }

    /// Masses that sum to 1.
    fn masses<T: Real>(&self, from: usize, count: usize) -> Vec<T> {
        let weight = |k: usize| match self.masses.len() {
            0 => 1.0,
            length => f64::from(self.masses[(from + k) % length] % 8),
        };
        let total: f64 = (0..count).map(weight).sum();
        (0..count).map(|k| T::from_f64(weight(k) / total)).collect()
    }

    fn epsilon<T: Real>(&self) -> T {
        T::from_f64((f64::from(self.epsilon) + 1.0) / 32.0)
    }

    fn stop<T: Real>(&self) -> Stop<T> {
        Stop { max_steps: u32::from(self.steps % 50), ..Stop::relative(T::from_f64(1e-5)) }
    }

    fn rule<T: Real>(&self) -> Box<dyn OmegaRule<T>> {
        if self.over_relaxed { Box::new(Eager::default()) } else { Box::new(Fixed(T::ONE)) }
    }
}

fn check<T: Real>(input: &Input) {
    match input.what % 5 {
        0 => check_points::<T>(input),
        1 => check_grid::<T>(input),
        2 => check_batch::<T>(input),
        3 => check_path::<T>(input),
        _ => check_barycentre::<T>(input),
    }
}

fn check_points<T: Real>(input: &Input) {
    let (n, m, d) =
        (usize::from(input.rows % 12), usize::from(input.columns % 12), usize::from(input.dimension % 5));
    let x: Vec<T> = (0..n * d).map(|k| input.number(k)).collect();
    let y: Vec<T> = (0..m * d + usize::from(input.split == 7)).map(|k| input.number(n * d + k)).collect();
    let ground = [Ground::SquaredEuclidean, Ground::Euclidean, Ground::L1][usize::from(input.ground % 3)];
    let mut storage = vec![T::NAN; y.len()];
    let cost = match PointCost::new(&x, &y, d, ground, &mut storage) {
        Ok(cost) => cost,
        Err(error) => return check_error(error, |name| if name == "x" { x.len() } else { y.len() }),
    };
    assert!(d > 0 && x.iter().chain(&y).all(|x| x.is_finite()));
    let mut buffer = vec![T::NAN; m];
    for i in 0..n {
        for (j, &c) in cost.row(i, &mut buffer).iter().enumerate() {
            assert!(c >= T::ZERO && c <= cost.largest(), "{c} of at most {}", cost.largest());
            let differences = (0..d).map(|k| (x[i * d + k].to_f64() - y[j * d + k].to_f64()).abs());
            let plain = match ground {
                Ground::L1 => differences.sum::<f64>(),
                Ground::Euclidean => differences.map(|x| x * x).sum::<f64>().sqrt(),
                _ => differences.map(|x| x * x).sum(),
            };
            let scale = T::MIN_POSITIVE.to_f64();
            // Squares may underflow; a root turns that into the root of the smallest number.
            let tiny = (d as f64 + 1.0) * if ground == Ground::Euclidean { scale.sqrt() } else { scale };
            let bound = (d as f64 + 6.0) * T::EPSILON.to_f64() * plain + tiny;
            assert!((c.to_f64() - plain).abs() <= bound, "{c} instead of {plain} ± {bound}");
        }
    }
}

fn check_grid<T: Real>(input: &Input) {
    let side = |value: u8| usize::from(value % 4) + 1;
    let (h, to_h, w, to_w) =
        (side(input.rows), side(input.columns), side(input.dimension), side(input.ground));
    let down: Vec<T> = (0..h * to_h).map(|k| input.number::<T>(k).abs()).collect();
    let across: Vec<T> = (0..w * to_w).map(|k| input.number::<T>(h * to_h + k).abs()).collect();
    let (Ok(vertical), Ok(horizontal)) =
        (DenseCost::new(&down, h, to_h, to_h), DenseCost::new(&across, w, to_w, to_w))
    else {
        return;
    };
    let Ok(cost) = GridCost::new(vertical, horizontal) else { return };
    let (n, m) = (h * w, to_h * to_w);
    assert_eq!((cost.rows(), cost.columns()), (n, m));
    let mut stored = Vec::new();
    let mut buffer = vec![T::NAN; m];
    for i in 0..n {
        let row = cost.row(i, &mut buffer);
        for (j, &c) in row.iter().enumerate() {
            let plain = down[i / w * to_h + j / to_w] + across[i % w * to_w + j % to_w];
            assert_eq!(number_bits(c), number_bits(plain));
            assert!(c <= cost.largest());
        }
        stored.extend_from_slice(row);
    }
    if input.wild {
        return;
    }
    // The same reading, axis by axis and row by row.
    let dense = DenseCost::new(&stored, n, m, m).expect("sums of costs");
    let g: Vec<T> = (0..m).map(|k| cycled(&input.numbers, k + 3).tame()).collect();
    let epsilon = input.epsilon::<T>();
    let read = |cost: &dyn Cost<T>| {
        let (mut logs, mut columns) = (vec![T::NAN; n], vec![T::NAN; m]);
        let mut scratch = vec![T::NAN; cost.scratch_len()];
        let mut weigh = |i: usize, top: T, sum: T| {
            logs[i] = top + T::from_f64(sum.to_f64().ln());
            T::ONE / sum
        };
        cost.pass(epsilon, &g, &mut weigh, &mut columns, &mut scratch);
        (logs, columns)
    };
    let ((logs, columns), (others, sums)) = (read(&cost), read(&dense));
    let largest = g.iter().fold(cost.largest(), |most, g| most.max(g.abs())) / epsilon;
    let bound = 200.0 * T::EPSILON.to_f64() * (1.0 + largest.to_f64());
    for (a, b) in logs.iter().zip(&others) {
        assert!((a.to_f64() - b.to_f64()).abs() <= bound, "{a} axis by axis, {b} by rows, ± {bound}");
    }
    for (a, b) in columns.iter().zip(&sums) {
        let size = a.to_f64().abs().max(b.to_f64().abs());
        // By rows, a term below e^−708 of its row's largest counts as 0 (e^−87 in `f32`), axis by axis it does not.
        let vanishing = 1.5 * T::MIN_POSITIVE.to_f64();
        let tiny = vanishing * n as f64;
        assert!((a.to_f64() - b.to_f64()).abs() <= bound * size + tiny, "{a} axis by axis, {b} by rows");
    }
}

/// Costs and marginals of a small problem.
fn small<T: Real>(input: &Input, from: usize) -> (usize, usize, Vec<T>, Vec<T>, Vec<T>) {
    let (n, m) = (usize::from(input.rows % 6) + 1, usize::from(input.columns % 6) + 1);
    let costs = (0..n * m).map(|k| cycled(&input.numbers, from + k).tame::<T>().abs()).collect();
    (n, m, costs, input.masses(from, n), input.masses(from + n, m))
}

fn check_batch<T: Real>(input: &Input) {
    let parts: Vec<_> = (0..3).map(|k| small::<T>(input, 7 * k)).collect();
    let (n, m) = (parts[0].0, parts[0].1);
    let Ok(costs) = parts.iter().map(|part| DenseCost::new(&part.2, n, m, m)).collect::<Result<Vec<_>, _>>()
    else {
        return;
    };
    let problems = costs.iter().zip(&parts);
    let problems = problems.map(|(cost, part)| Problem::new(cost, &part.3, &part.4, input.epsilon()));
    let Ok(problems) = problems.collect::<Result<Vec<_>, _>>() else { return };
    let options = Options { stop: input.stop() };
    let start = |count: usize| (0..count).map(|k| cycled(&input.numbers, k).tame()).collect::<Vec<T>>();
    let (mut f, mut g) = (start(3 * n), start(3 * m));
    let (mut fs, mut gs) = (f.clone(), g.clone());
    let mut storage = vec![T::NAN; Workspace::<T>::required_len(n, m, m)];
    let nothing = Report {
        status: Status::Stopped,
        steps: 0,
        checks: 0,
        initial_residual: T::NAN,
        residual: T::NAN,
        scale: T::NAN,
    };
    let mut reports = [nothing; 3];
    let x = Potentials { f: &mut f, g: &mut g };
    let mut rule = input.rule::<T>();
    batch::solve(problems.iter().copied(), &options, &mut *rule, x, &mut storage, &mut reports)
        .expect("sound input");
    let mut rule = input.rule::<T>();
    for (k, problem) in problems.iter().enumerate() {
        let workspace = Workspace::new(problem, &mut storage).expect("memory");
        let x = Potentials { f: &mut fs[k * n..(k + 1) * n], g: &mut gs[k * m..(k + 1) * m] };
        let report =
            sinkhorn::solve(problem, &options, &mut *rule, x, workspace, &mut ()).expect("sound input");
        let told = |report: &Report<T>| (report.status, report.steps, number_bits(report.residual));
        assert_eq!(told(&report), told(&reports[k]), "problem {k}");
    }
    assert_eq!((bits(&f), bits(&g)), (bits(&fs), bits(&gs)));
    // One place too few, and nothing is touched.
    let x = Potentials { f: &mut f, g: &mut g };
    let mut rule = input.rule::<T>();
    assert!(batch::solve(problems, &options, &mut *rule, x, &mut storage, &mut reports[..2]).is_err());
    assert_eq!((bits(&f), bits(&g)), (bits(&fs), bits(&gs)));
}

/// ‖P 1 − a‖₁ + ‖Pᵀ 1 − b‖₁ by plain loops, and the size of the exponents.
fn error_of<T: Real>(costs: &[T], (a, b): (&[T], &[T]), epsilon: T, f: &[T], g: &[T]) -> (f64, f64) {
    let (m, epsilon) = (b.len(), epsilon.to_f64());
    let (mut rows, mut columns, mut largest) = (vec![0.0; a.len()], vec![0.0; m], 0.0_f64);
    for i in 0..a.len() {
        for j in 0..m {
            let (f, g, c) = (f[i].to_f64(), g[j].to_f64(), costs[i * m + j].to_f64());
            let p = ((f + g - c) / epsilon).exp();
            rows[i] += p;
            columns[j] += p;
            if f.is_finite() && g.is_finite() {
                largest = largest.max((f.abs() + g.abs() + c) / epsilon);
            }
        }
    }
    let off = |sums: &[f64], masses: &[T]| {
        sums.iter().zip(masses).map(|(s, w)| (s - w.to_f64()).abs()).sum::<f64>()
    };
    (off(&rows, a) + off(&columns, b), largest)
}

fn check_path<T: Real>(input: &Input) {
    let (n, m, costs, a, b) = small::<T>(input, 0);
    let Ok(cost) = DenseCost::new(&costs, n, m, m) else { return };
    let Ok(problem) = Problem::new(&cost, &a, &b, input.epsilon()) else { return };
    let options = Options { stop: input.stop() };
    let path =
        EpsilonScaling { factor: T::from_f64(f64::from(input.split) / 256.0), ..EpsilonScaling::default() };
    let (mut f, mut g) = (vec![T::ZERO; n], vec![T::ZERO; m]);
    let mut storage = vec![T::NAN; Workspace::<T>::required_len(n, m, m)];
    let x = Potentials { f: &mut f, g: &mut g };
    let mut rule = input.rule::<T>();
    let report = match epsilon_path::solve(&problem, &options, &path, &mut *rule, x, &mut storage, &mut ()) {
        Ok(report) => report,
        Err(error) => {
            assert!(path.factor == T::ZERO || path.factor > T::from_f64(0.99), "{error:?}");
            assert!(f.iter().chain(&g).all(|&x| x == T::ZERO));
            return;
        }
    };
    assert!(report.total_steps <= options.stop.max_steps && report.stages > 0);
    assert!(report.epsilon >= problem.epsilon());
    let (error, size) = error_of(&costs, (&a, &b), report.epsilon, &f, &g);
    let bound = 64.0 * T::EPSILON.to_f64() * (1.0 + size) * (error + 2.0) * (n + m) as f64;
    assert!((report.last.residual.to_f64() - error).abs() <= bound, "{report:?}, but {error} ± {bound}");
    if report.last.status == Status::Converged && report.epsilon == problem.epsilon() {
        assert!(error <= options.stop.relative.to_f64() * report.last.scale.to_f64() + bound);
    }
}

/// How a run ended, and f and p.
type Ended<T> = (Status, u32, u64, Vec<T>, Vec<T>);

fn check_barycentre<T: Real>(input: &Input) {
    let (n, count) = (usize::from(input.rows % 6) + 1, usize::from(input.columns % 3) + 1);
    let mut costs = vec![T::ZERO; n * n];
    for i in 0..n {
        for j in 0..i {
            let c = cycled(&input.numbers, i * n + j).tame::<T>().abs();
            (costs[i * n + j], costs[j * n + i]) = (c, c);
        }
    }
    let measures: Vec<T> = (0..count).flat_map(|k| input.masses::<T>(5 * k, n)).collect();
    let weights = vec![T::ONE / T::from_usize(count); count];
    let Ok(cost) = DenseCost::new(&costs, n, n, n) else { return };
    let Ok(problem) = barycentre::Problem::new(&cost, &measures, &weights, input.epsilon()) else { return };
    let problem = if input.debiased { problem.debiased() } else { problem };
    let options = barycentre::Options { stop: input.stop() };
    let needed = barycentre::Workspace::<T>::required_len(n, count, n);
    let run = |dirt: T, split: u32| {
        let (mut f, mut p, mut storage) = (vec![T::ZERO; count * n], vec![T::NAN; n], vec![dirt; needed]);
        let workspace = barycentre::Workspace::new(&problem, &mut storage).expect("memory");
        let x = Iterate { f: &mut f, p: &mut p };
        let mut run = barycentre::start(&problem, &options, x, workspace).expect("sound input");
        let first = split.min(options.stop.max_steps);
        let mut report = drive(&mut run, &Stop { max_steps: first, ..options.stop }, &mut ());
        if report.status == Status::StepLimit {
            let rest = Stop { max_steps: options.stop.max_steps - first, ..options.stop };
            let second = drive(&mut run, &rest, &mut ());
            report = Report { steps: report.steps + second.steps, ..second };
        }
        (report.status, report.steps, number_bits(report.residual), f, p)
    };
    let whole = run(T::NAN, 0);
    let same = |other: &Ended<T>| {
        assert_eq!((whole.0, whole.1, whole.2), (other.0, other.1, other.2));
        assert_eq!((bits(&whole.3), bits(&whole.4)), (bits(&other.3), bits(&other.4)));
    };
    same(&run(T::ONE, u32::from(input.split % 50)));
    force_level(Some(Level::Scalar));
    let scalar = run(T::ZERO, 0);
    force_level(None);
    same(&scalar);
    let (f, p) = (&whole.3, &whole.4);
    assert!(p.iter().all(|p| p.is_finite() && *p >= T::ZERO), "{p:?}");
    if input.debiased || f.iter().any(|f| !f.is_finite()) {
        return;
    }
    // The couplings' second marginals, by plain loops.
    let epsilon = input.epsilon::<T>().to_f64();
    let (mut error, mut size) = (0.0, 0.0_f64);
    for k in 0..count {
        let at = |j: usize| f[k * n + j].to_f64();
        let entry = |i: usize, j: usize| ((at(j) - costs[i * n + j].to_f64()) / epsilon).exp();
        let rows: Vec<f64> = (0..n).map(|i| (0..n).map(|j| entry(i, j)).sum()).collect();
        for (j, p) in p.iter().enumerate() {
            let sum: f64 = (0..n).map(|i| measures[k * n + i].to_f64() / rows[i] * entry(i, j)).sum();
            error += (sum - p.to_f64()).abs();
            size = size.max((at(j).abs() + cost.largest().to_f64()) / epsilon);
        }
    }
    // Beyond this, exponentials of the plain loops leave `f64`, or columns underflow in the type.
    if size < 60.0 {
        let bound = 256.0 * T::EPSILON.to_f64() * (1.0 + size) * (2.0 + error) * (n * count) as f64;
        let reported = f64::from_bits(whole.2);
        let reported =
            if T::EPSILON.to_f64() > 1e-10 { f64::from(f32::from_bits(whole.2 as u32)) } else { reported };
        assert!((reported - error).abs() <= bound, "{reported}, but {error} ± {bound}");
    }
}
