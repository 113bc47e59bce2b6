//! Transport on a stored kernel, by whatever method the run asks for, from a kernel that exists already, and the
//! derivatives of its value: all of it is that of the potentials that are left, recomputed in plain loops.
#![no_main]

use arbitrary::Arbitrary;
use libfuzzer_sys::fuzz_target;
use southwell::omega::Fixed;
use southwell::transport::gradient::{self, Points};
use southwell::transport::{
    Cost, DenseCost, Ground, KernelCost, PointCost, Potentials, Problem, auto, scaling, sinkhorn,
};
use southwell::{Error, Real, Report, Run, Status, Stop};
use southwell_fuzz::{Number, bits, check_error, cycled, thrice};

#[derive(Arbitrary, Debug)]
struct Input {
    double: bool,
    what: What,
    /// Costs that are ε ln(max K/K) of a kernel.
    kernel: bool,
    rows: u8,
    columns: u8,
    /// Costs and weights, cycled; a weight below 64 is 0.
    costs: Vec<u8>,
    weights: Vec<u8>,
    /// 1/ε in units of the largest cost.
    inverse: u16,
    warm: Vec<i16>,
    omega: u8,
    max_steps: u8,
    tolerance: u8,
    entries: u8,
    points: Vec<Number>,
}

#[derive(Arbitrary, Clone, Copy, Debug, PartialEq)]
enum What {
    Scaling,
    Auto,
    OverRelaxed,
    Newton,
    Gradient,
}

fuzz_target!(|input: Input| if input.double { check::<f64>(&input) } else { check::<f32>(&input) });

fn at<T: Copy>(values: &[T], k: usize, otherwise: T) -> T {
    if values.is_empty() { otherwise } else { values[k % values.len()] }
}

/// Weights of Σ 1 as far as the type can, some of them 0.
fn weights<T: Real>(input: &Input, n: usize, shift: usize) -> Vec<T> {
    let weight = |k: usize| match at(&input.weights, k + shift, 255) {
        0..64 => 0.0,
        w => f64::from(w),
    };
    let mut weights: Vec<f64> = (0..n).map(weight).collect();
    weights[0] += 1.0;
    let sum: f64 = weights.iter().sum();
    weights.iter().map(|w| T::from_f64(w / sum)).collect()
}

fn start<T: Real>(input: &Input, n: usize, shift: usize) -> Vec<T> {
    (0..n).map(|k| T::from_f64(f64::from(at(&input.warm, k + shift, 0)) / 8192.0)).collect()
}

fn check<T: Real>(input: &Input) {
    let (n, m) = (usize::from(input.rows % 8) + 1, usize::from(input.columns % 8) + 1);
    let (a, b) = (weights::<T>(input, n, 0), weights::<T>(input, m, n));
    let byte = |k: usize| f64::from(at(&input.costs, k, k as u8));
    let inverse = f64::from(input.inverse % 2000) + 1.0;
    if input.what == What::Gradient {
        return derivatives(input, (&a, &b), T::from_f64(1.0 / inverse));
    }
    if input.kernel {
        let kernel: Vec<T> = (0..n * m).map(|k| T::from_f64((byte(k) + 1.0) / 256.0)).collect();
        let epsilon = T::from_f64(inverse / 256.0);
        let costs = KernelCost::new(&kernel, n, m, m, epsilon).expect("positive");
        let top = kernel.iter().fold(T::ZERO, |top, &k| top.max(k)).to_f64();
        let plain: Vec<f64> =
            kernel.iter().map(|k| costs.epsilon().to_f64() * (top / k.to_f64()).ln()).collect();
        let mut buffer = vec![T::NAN; m];
        for (i, row) in plain.chunks(m).enumerate() {
            for (&c, &plain) in costs.row(i, &mut buffer).iter().zip(row) {
                let bound = 8.0 * T::EPSILON.to_f64() * costs.epsilon().to_f64() * (1.0 + 2.0 * 256_f64.ln());
                assert!(c >= T::ZERO && c <= costs.largest() && (c.to_f64() - plain).abs() <= bound);
            }
        }
        let Ok(problem) = Problem::new(&costs, &a, &b, epsilon) else { return };
        solved(input, &problem, &plain);
    } else {
        let costs: Vec<T> = (0..n * m).map(|k| T::from_f64(byte(k) / 255.0)).collect();
        let plain: Vec<f64> = costs.iter().map(|c| c.to_f64()).collect();
        let costs = DenseCost::new(&costs, n, m, m).expect("sound costs");
        let Ok(problem) = Problem::new(&costs, &a, &b, T::from_f64(1.0 / inverse)) else { return };
        solved(input, &problem, &plain);
    }
}

fn options<T: Real>(input: &Input) -> Stop<T> {
    let tolerance = T::from_f64(10_f64.powi(-i32::from(input.tolerance % 12) - 1));
    Stop { max_steps: u32::from(input.max_steps % 100), ..Stop::relative(tolerance) }
}

/// Potentials that a method left, and its report; f and g are as before after an error.
type Left<T> = (Vec<T>, Vec<T>, Report<T>);

fn by_scaling<T: Real, C: Cost<T>>(
    input: &Input,
    problem: &Problem<'_, T, C>,
    dirt: T,
    hand: Option<Report<T>>,
) -> Result<Left<T>, Error> {
    let (n, m) = (problem.rows(), problem.columns());
    let (mut f, mut g) = (start(input, n, 0), start(input, m, n));
    let mut rule = Fixed(T::from_f64(f64::from(input.omega) / 128.0));
    let stored = problem.cost().is_stored();
    let mut storage = vec![dirt; scaling::Workspace::<T>::required_len(n, m, stored)];
    let workspace = scaling::Workspace::new(problem, &mut storage)?;
    let (options, x) = (scaling::Options { stop: options(input) }, Potentials { f: &mut f, g: &mut g });
    let result = match hand {
        None => scaling::solve(problem, &options, &mut rule, x, workspace, &mut ()),
        Some(report) => scaling::start(problem, &options, &mut rule, x, workspace).map(|mut run| {
            (0..report.steps).for_each(|_| run.step());
            run.residual();
            run.settle(report.status);
            report
        }),
    };
    if result.is_err() {
        assert_eq!((bits(&f), bits(&g)), (bits(&start::<T>(input, n, 0)), bits(&start::<T>(input, m, n))));
    }
    result.map(|report| (f, g, report))
}

fn by_itself<T: Real, C: Cost<T>>(
    input: &Input,
    problem: &Problem<'_, T, C>,
    dirt: T,
) -> Result<Left<T>, Error> {
    let (n, m) = (problem.rows(), problem.columns());
    let (mut f, mut g) = (start(input, n, 0), start(input, m, n));
    let (stored, scratch) = (problem.cost().is_stored(), problem.cost().scratch_len());
    let entries = usize::from(input.entries % 96);
    let mut storage = vec![dirt; auto::Workspace::<T>::required_len(n, m, stored, scratch, entries)];
    let mut indices = vec![u32::MAX; auto::Workspace::<T>::required_indices(n, m, entries)];
    let workspace = auto::Workspace::new(problem, entries, &mut storage, &mut indices)?;
    let method = match input.what {
        What::OverRelaxed => auto::Method::OverRelaxed,
        What::Newton => auto::Method::Newton,
        _ => auto::Method::Auto,
    };
    let options = auto::Options { stop: options(input), method };
    let x = Potentials { f: &mut f, g: &mut g };
    let outcome = auto::solve(problem, &options, x, workspace, &mut ())?;
    assert!(outcome.omega >= T::ONE && outcome.omega < T::TWO, "{outcome:?}");
    assert!(outcome.iterations <= outcome.report.steps && outcome.kernel_reads >= outcome.iterations);
    Ok((f, g, outcome.report))
}

fn solved<T: Real, C: Cost<T>>(input: &Input, problem: &Problem<'_, T, C>, costs: &[f64]) {
    let seen = |left: Left<T>| (bits(&left.0), bits(&left.1), left.2.status, left.2.steps);
    let left = |dirt: T| {
        if input.what == What::Scaling {
            by_scaling(input, problem, dirt, None)
        } else {
            by_itself(input, problem, dirt)
        }
    };
    let first = match thrice(|dirt| left(dirt).map(seen)) {
        Ok(first) => first,
        Err(error) => return check_error(error, |_| 0),
    };
    let (f, g, report) = left(T::NAN).expect("as before");
    let residual = check_potentials(problem, costs, (&f, &g), &report);
    match report.status {
        Status::Converged => assert!(report.residual <= options::<T>(input).relative * report.scale),
        Status::StepLimit => assert_eq!(report.steps, options::<T>(input).max_steps),
        Status::Stalled | Status::Breakdown | Status::NotFinite => {}
        status => panic!("{status:?}"),
    }
    if input.what == What::Scaling {
        let again = by_scaling(input, problem, T::ONE, Some(report)).expect("as before");
        assert_eq!(seen(again), first, "steps by hand");
        if input.omega == 128 && report.status == Status::StepLimit {
            agrees(input, problem, costs, report.steps, residual);
        }
    }
}

/// Plain iterations on scalings are those in the log domain: the errors that are left differ by rounding, which a
/// step of a contraction does not make larger.
fn agrees<T: Real, C: Cost<T>>(
    input: &Input,
    problem: &Problem<'_, T, C>,
    costs: &[f64],
    steps: u32,
    (residual, bound): (f64, f64),
) {
    let (n, m) = (problem.rows(), problem.columns());
    let (mut f, mut g) = (start(input, n, 0), start(input, m, n));
    let scratch = problem.cost().scratch_len();
    let mut storage = vec![T::NAN; sinkhorn::Workspace::<T>::required_len(n, m, scratch)];
    let workspace = sinkhorn::Workspace::new(problem, &mut storage).expect("memory");
    let (options, x) = (sinkhorn::Options { stop: options(input) }, Potentials { f: &mut f, g: &mut g });
    let other = sinkhorn::solve(problem, &options, &mut Fixed(T::ONE), x, workspace, &mut ());
    let other = other.expect("sound input");
    let (again, more) = check_potentials(problem, costs, (&f, &g), &other);
    let slack = (f64::from(steps) + 2.0) * (bound + more);
    if other.status == Status::StepLimit && slack < 0.01 {
        assert!(
            (again - residual).abs() <= slack,
            "{residual} on scalings, {again} by logarithms, ± {slack}"
        );
    }
}

/// Potentials are finite, or −∞ where there is no mass, and the reported residual is theirs. The plain one, and how
/// far rounding may carry it.
fn check_potentials<T: Real, C: Cost<T>>(
    problem: &Problem<'_, T, C>,
    costs: &[f64],
    (f, g): (&[T], &[T]),
    report: &Report<T>,
) -> (f64, f64) {
    for (potential, weights) in [(f, problem.a()), (g, problem.b())] {
        for (p, &w) in potential.iter().zip(weights) {
            assert!(if w > T::ZERO { p.is_finite() } else { *p == -T::INFINITY }, "{report:?} left {p:?}");
        }
    }
    let inverse = 1.0 / problem.epsilon().to_f64();
    let m = problem.columns();
    let (mut rows, mut columns, mut largest) = (vec![0.0; f.len()], vec![0.0; m], 1.0_f64);
    for (k, &c) in costs.iter().enumerate() {
        let (f, g) = (f[k / m].to_f64(), g[k % m].to_f64());
        let p = ((f + g - c) * inverse).exp();
        (rows[k / m], columns[k % m]) = (rows[k / m] + p, columns[k % m] + p);
        if p > 0.0 {
            largest = largest.max(f.abs()).max(g.abs()).max(c);
        }
    }
    let distance = |sums: &[f64], weights: &[T]| -> f64 {
        sums.iter().zip(weights).map(|(s, w)| (s - w.to_f64()).abs()).sum()
    };
    let residual = distance(&rows, problem.a()) + distance(&columns, problem.b());
    let mass: f64 = rows.iter().sum();
    let bound = 64.0 * T::EPSILON.to_f64() * (1.0 + inverse * largest) * (1.0 + mass);
    let told = report.residual.to_f64();
    if report.status != Status::NotFinite && bound < 0.1 * (1.0 + mass) {
        assert!((told - residual).abs() <= bound, "{report:?}, but {residual} ± {bound}");
    }
    (residual, bound)
}

/// What V changes with, against plain loops over the coupling of any potentials.
fn derivatives<T: Real>(input: &Input, (a, b): (&[T], &[T]), epsilon: T) {
    let (n, m, d) = (a.len(), b.len(), usize::from(input.entries % 4) + 1);
    // Distances of the order of 1, so that exponents stay within what f32 has digits for.
    let coordinate = |k: usize| T::from_f64(cycled(&input.points, k).tame::<f64>().clamp(-8.0, 8.0) / 8.0);
    let x: Vec<T> = (0..n * d).map(coordinate).collect();
    let y: Vec<T> = (n * d..(n + m) * d).map(coordinate).collect();
    let mut copy = vec![T::NAN; m * d];
    let scale = T::from_f64(f64::from(input.omega % 16 + 1) / 8.0);
    let costs = PointCost::new(&x, &y, d, Ground::SquaredEuclidean, &mut copy).expect("sound points");
    let costs = costs.scaled(scale).expect("a sound factor");
    let Ok(problem) = Problem::new(&costs, a, b, epsilon) else { return };
    let (f, g): (Vec<T>, Vec<T>) = (start(input, n, 0), start(input, m, n));
    let apart = |i: usize, j: usize, k: usize| x[i * d + k].to_f64() - y[j * d + k].to_f64();
    let cost = |i: usize, j: usize| scale.to_f64() * (0..d).map(|k| apart(i, j, k).powi(2)).sum::<f64>();
    let massive = |i: usize, j: usize| a[i] > T::ZERO && b[j] > T::ZERO;
    let plan = |i: usize, j: usize| {
        let exponent = (f[i].to_f64() + g[j].to_f64() - cost(i, j)) / epsilon.to_f64();
        if massive(i, j) { exponent.exp() } else { 0.0 }
    };
    // Exponents are rounded in units of their largest part.
    let off = |i: usize, j: usize| {
        let size = f[i].to_f64().abs() + g[j].to_f64().abs() + cost(i, j);
        let share = 16.0 * T::EPSILON.to_f64() * (d as f64 + 1.0) * (1.0 + size / epsilon.to_f64());
        plan(i, j) * share.exp_m1() + 4.0 * T::MIN_POSITIVE.to_f64()
    };
    let too_large = (0..n * m).any(|k| plan(k / m, k % m) + off(k / m, k % m) > 1e-6 * T::MAX.to_f64());
    let length = gradient::required_len(m, false);
    thrice(|dirt: T| {
        let mut storage = vec![dirt; length];
        let mut row = vec![dirt; m];
        let mut all = Vec::new();
        for i in 0..n {
            gradient::coupling_row(&problem, (&f, &g), i, &mut row, &mut storage).expect("sound input");
            all.extend(bits(&row));
            for (j, &p) in row.iter().enumerate() {
                let (plain, bound) = (plan(i, j), off(i, j));
                assert!(
                    too_large || (p.to_f64() - plain).abs() <= bound,
                    "{p} at {i} {j}, but {plain} ± {bound}"
                );
            }
        }
        let error = gradient::coupling_row(&problem, (&f, &g), n, &mut row, &mut storage);
        assert!(matches!(error, Err(Error::Dimension { argument: "row", .. })), "{error:?}");
        let points = Points { x: &x, y: &y, dimension: d, scale };
        let (mut to_x, mut to_y) = (vec![dirt; n * d], vec![dirt; m * d]);
        gradient::squared_euclidean(&problem, (&f, &g), &points, (&mut to_x, &mut to_y), &mut storage)
            .expect("sound input");
        for k in 0..d {
            let flow = |i: usize, j: usize| 2.0 * scale.to_f64() * plan(i, j) * apart(i, j, k);
            let bound = |i: usize, j: usize| {
                let rounding = 8.0 * (n + m) as f64 * T::EPSILON.to_f64() * plan(i, j);
                2.0 * scale.to_f64() * (off(i, j) + rounding) * apart(i, j, k).abs()
            };
            let near = |told: T, plain: f64, bound: f64| {
                let bound = 1.01 * bound + 64.0 * T::MIN_POSITIVE.to_f64();
                assert!(too_large || (told.to_f64() - plain).abs() <= bound, "{told}, but {plain} ± {bound}");
            };
            for i in 0..n {
                near(to_x[i * d + k], (0..m).map(|j| flow(i, j)).sum(), (0..m).map(|j| bound(i, j)).sum());
            }
            for j in 0..m {
                near(to_y[j * d + k], (0..n).map(|i| -flow(i, j)).sum(), (0..n).map(|i| bound(i, j)).sum());
            }
        }
        all.extend(bits(&to_x));
        all.extend(bits(&to_y));
        all
    });
    let dot = |u: &[T], v: &[T], w: &[T]| -> (f64, f64) {
        let lines = w.iter().zip(u.iter().zip(v)).filter(|(w, _)| **w > T::ZERO);
        lines.fold((0.0, 0.0), |(sum, size), (_, (u, v))| {
            let term = u.to_f64() * v.to_f64();
            (sum + term, size + term.abs())
        })
    };
    let near = |told: T, terms: [(f64, f64); 3]| {
        let plain: f64 = terms.iter().map(|t| t.0).sum();
        let bound = 8.0 * T::EPSILON.to_f64() * terms.iter().map(|t| t.1).sum::<f64>();
        assert!((told.to_f64() - plain).abs() <= bound, "{told}, but {plain} ± {bound}");
    };
    let mass = epsilon.to_f64() * problem.mass().to_f64();
    near(gradient::value(&problem, (&f, &g)), [dot(a, &f, a), dot(b, &g, b), (-mass, mass)]);
    let (u, v): (Vec<T>, Vec<T>) = (start(input, n, 5), start(input, m, 7));
    near(gradient::along(&problem, (&f, &g), (&u, &v)), [dot(&f, &u, a), dot(&g, &v, b), (0.0, 0.0)]);
    for (weights, potential) in [(a, &f), (b, &g)] {
        let mut out = vec![T::NAN; weights.len()];
        gradient::centred(weights, potential, &mut out).expect("sound input");
        let largest = potential.iter().fold(0.0, |most: f64, p| most.max(p.to_f64().abs()));
        let bound = 8.0 * T::EPSILON.to_f64() * largest * weights.len() as f64;
        let (sum, _) = dot(&out, &vec![T::ONE; out.len()], weights);
        assert!(sum.abs() <= bound, "{out:?} sums to {sum}");
        assert!(weights.iter().zip(&out).all(|(&w, &p)| w > T::ZERO || p == T::ZERO), "{out:?}");
    }
}
