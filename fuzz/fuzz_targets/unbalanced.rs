//! Unbalanced transport and batches on small problems: the residual that is reported is that of the
//! potentials that are left, no NaN leaves, a refusal touches nothing, a batch is its single solves.
#![no_main]

use arbitrary::Arbitrary;
use libfuzzer_sys::fuzz_target;
use southwell::omega::Fixed;
use southwell::transport::{DenseCost, Potentials, Problem, batch, sinkhorn, unbalanced};
use southwell::{Real, Report, Status, Stop};
use southwell_fuzz::{Number, bits, check_error, cycled};

#[derive(Arbitrary, Debug)]
struct Input {
    double: bool,
    rows: u8,
    columns: u8,
    /// Whether numbers may be anything; else they are made a valid problem.
    wild: bool,
    cost: Vec<Number>,
    weights: Vec<Number>,
    start: Vec<Number>,
    epsilon: Number,
    prices: [Number; 2],
    hard: [bool; 2],
    plain: bool,
    relative: u8,
    max_steps: u8,
    check_every: u8,
    short: bool,
    omega: u8,
}

fuzz_target!(|input: Input| if input.double { check::<f64>(&input) } else { check::<f32>(&input) });

impl Input {
    fn number<T: Real>(&self, number: Number) -> T {
        if self.wild { number.wild() } else { number.tame() }
    }

    /// Not negative unless wild.
    fn positive<T: Real>(&self, numbers: &[Number], k: usize) -> T {
        let number = self.number::<T>(cycled(numbers, k));
        if self.wild { number } else { number.abs() }
    }

    fn price<T: Real>(&self, side: usize) -> T {
        if self.hard[side] { T::INFINITY } else { self.positive::<T>(&self.prices, side) }
    }

    fn stop<T: Real>(&self) -> Stop<T> {
        let relative = [1e-2, 1e-4, 1e-6, 1e-9, 1e-15, 0.0][usize::from(self.relative % 6)];
        Stop {
            max_steps: u32::from(self.max_steps),
            check_every: u32::from(self.check_every % 5),
            ..Stop::relative(T::from_f64(relative))
        }
    }
}

fn check<T: Real>(input: &Input) {
    let (n, m) = (usize::from(input.rows % 9), usize::from(input.columns % 9));
    let costs: Vec<T> = (0..n * m).map(|k| input.positive(&input.cost, k)).collect();
    let a: Vec<T> = (0..n).map(|k| input.positive(&input.weights, k)).collect();
    let b: Vec<T> = (0..m).map(|k| input.positive(&input.weights, n + k)).collect();
    let length = |name: &str| match name {
        "cost" => n * m,
        "a" | "f" => n,
        _ => m,
    };
    let cost = match DenseCost::new(&costs, n, m, m) {
        Ok(cost) => cost,
        Err(error) => return check_error(error, length),
    };
    check_unbalanced(input, &cost, &costs, &a, &b);
    check_batch(input, &cost, &a, &b);
}

fn check_unbalanced<T: Real>(input: &Input, cost: &DenseCost<'_, T>, costs: &[T], a: &[T], b: &[T]) {
    let (n, m) = (a.len(), b.len());
    let epsilon = input.positive::<T>(&[input.epsilon], 0);
    let prices = (input.price::<T>(0), input.price::<T>(1));
    let Ok(problem) = unbalanced::Problem::new(cost, a, b, epsilon, prices) else { return };
    let mut f: Vec<T> = (0..n).map(|k| input.number(cycled(&input.start, k))).collect();
    let mut g: Vec<T> = (0..m).map(|k| input.number(cycled(&input.start, n + k))).collect();
    let before = (bits(&f), bits(&g));
    let needed = unbalanced::Workspace::<T>::required_len(n, m, m);
    let mut storage = vec![T::NAN; needed - usize::from(input.short)];
    let options = unbalanced::Options { stop: input.stop(), translate: !input.plain };
    let x = Potentials { f: &mut f, g: &mut g };
    let solved = unbalanced::Workspace::new(&problem, &mut storage)
        .and_then(|workspace| unbalanced::solve(&problem, &options, x, workspace, &mut ()));
    let report = match solved {
        Ok(report) => report,
        Err(_) => return assert_eq!((bits(&f), bits(&g)), before, "a refusal touches nothing"),
    };
    for (potential, weights) in [(&f, a), (&g, b)] {
        for (p, &w) in potential.iter().zip(weights) {
            let sound = if w == T::ZERO { *p == -T::INFINITY } else { p.is_finite() };
            assert!(sound, "{p} {w} {report:?}");
        }
    }
    assert!(report.status == Status::NotFinite || report.residual.is_finite(), "{report:?}");

    // In range, the residual is what plain loops say.
    let (e, f64s) = (epsilon.to_f64(), |x: &[T]| x.iter().map(|x| x.to_f64()).collect::<Vec<_>>());
    let (f, g, c) = (f64s(&f), f64s(&g), f64s(costs));
    let (mut rows, mut columns, mut size) = (vec![0.0; n], vec![0.0; m], 1.0_f64);
    for i in 0..n {
        for j in 0..m {
            let p = ((f[i] + g[j] - c[i * m + j]) / e).exp();
            rows[i] += p;
            columns[j] += p;
        }
    }
    let (mut violation, mut mass) = (0.0, 0.0);
    for (sums, weights, potential, rho) in
        [(&rows, a, &f, prices.0.to_f64()), (&columns, b, &g, prices.1.to_f64())]
    {
        for ((sum, w), p) in sums.iter().zip(weights).zip(potential) {
            let w = w.to_f64();
            if w > 0.0 {
                let target = w * (-p / rho).exp();
                violation += (sum - target).abs();
                mass += sum + target;
                size = size.max(p.abs() / e).max(p.abs() / rho);
            }
        }
    }
    size = size.max(c.iter().fold(0.0, |m: f64, c| m.max(*c)) / e);
    let bound = 64.0 * T::EPSILON.to_f64() * (size + (n + m) as f64) * mass + T::MIN_POSITIVE.to_f64().sqrt();
    if violation < 1e6 && bound < 1e-2 {
        let reported = report.residual.to_f64();
        assert!((violation - reported).abs() <= bound, "{violation} {report:?} {bound}");
    }
}

fn check_batch<T: Real>(input: &Input, cost: &DenseCost<'_, T>, a: &[T], b: &[T]) {
    let (n, m) = (a.len(), b.len());
    let total = |w: &[T]| w.iter().fold(T::ZERO, |s, &w| s + w);
    let (mass, other) = (total(a), total(b));
    let b: Vec<T> = b.iter().map(|&b| b / other * mass).collect();
    let epsilon = input.positive::<T>(&[input.epsilon], 0);
    let problem = |k: u32| Problem::new(cost, a, &b, epsilon * T::from_u32(k + 1));
    let Ok(problems) = (0..3).map(problem).collect::<Result<Vec<_>, _>>() else { return };
    let start = |k: usize| input.number::<T>(cycled(&input.start, k));
    let (mut f, mut g) = (vec![T::ZERO; 3 * n], (0..3 * m).map(start).collect::<Vec<T>>());
    let (mut u, mut v) = (f.clone(), g.clone());
    let zero = T::ZERO;
    let blank = Report {
        status: Status::Stopped,
        steps: 0,
        checks: 0,
        initial_residual: zero,
        residual: zero,
        scale: zero,
    };
    let mut reports = [blank; 3];
    let mut storage = vec![T::NAN; sinkhorn::Workspace::<T>::required_len(n, m, m)];
    let options = sinkhorn::Options { stop: input.stop() };
    let mut omega = Fixed(T::from_f64(f64::from(input.omega) / 128.0));
    let x = Potentials { f: &mut f, g: &mut g };
    let all = problems.iter().copied();
    if batch::solve(all, &options, &mut omega, x, &mut storage, &mut reports).is_err() {
        assert_eq!((bits(&f), bits(&g)), (bits(&u), bits(&v)), "a refusal touches nothing");
        assert!(reports.iter().all(|report| *report == blank));
        return;
    }
    for (k, problem) in problems.iter().enumerate() {
        let workspace = sinkhorn::Workspace::new(problem, &mut storage).expect("long enough");
        let x = Potentials { f: &mut u[k * n..(k + 1) * n], g: &mut v[k * m..(k + 1) * m] };
        let report = sinkhorn::solve(problem, &options, &mut omega, x, workspace, &mut ()).expect("valid");
        assert_eq!((report.status, report.steps), (reports[k].status, reports[k].steps));
        assert_eq!(bits(&[report.residual]), bits(&[reports[k].residual]));
    }
    assert_eq!((bits(&f), bits(&g)), (bits(&u), bits(&v)));
}
