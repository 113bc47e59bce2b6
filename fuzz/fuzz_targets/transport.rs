//! Transport on small problems with empty lines and wild numbers: reports tell the truth, rounded couplings are
//! feasible, bounds hold, nothing is NaN, and what is refused leaves the potentials alone.
#![no_main]

use arbitrary::Arbitrary;
use libfuzzer_sys::fuzz_target;
use southwell::omega::Fixed;
use southwell::transport::divergence::{self, Problems, State};
use southwell::transport::{
    DenseCost, Potentials, Problem, certificate, greenkhorn, rounding, sinkhorn, symmetric,
};
use southwell::{Real, Report, Status, Stop};
use southwell_fuzz::{Number, bits, check_error, cycled};

#[derive(Arbitrary, Debug)]
struct Input {
    double: bool,
    rows: u8,
    columns: u8,
    costs: Vec<Number>,
    weights: Vec<u8>,
    wild_costs: bool,
    wild_start: bool,
    start: Vec<Number>,
    epsilon: Number,
    omega: u8,
    steps: u8,
    method: Method,
}

#[derive(Arbitrary, Clone, Copy, Debug)]
enum Method {
    Sinkhorn,
    Greenkhorn,
    Divergence,
    Symmetric,
    Potentials,
}

fuzz_target!(|input: Input| if input.double { check::<f64>(&input) } else { check::<f32>(&input) });

/// Weights of Σ 1 as far as the type can, some of them 0.
fn weights<T: Real>(bytes: &[u8], offset: usize, n: usize) -> Vec<T> {
    let raw: Vec<f64> = (0..n)
        .map(|k| bytes.get((k + offset) % bytes.len().max(1)).map_or(1.0, |&w| f64::from(w / 16)))
        .collect();
    let sum: f64 = raw.iter().sum();
    raw.iter().map(|w| T::from_f64(w / sum)).collect()
}

fn check<T: Real>(input: &Input) {
    let (n, m) = (1 + usize::from(input.rows % 7), 1 + usize::from(input.columns % 7));
    let square = matches!(input.method, Method::Divergence | Method::Symmetric);
    let m = if square { n } else { m };
    let mut costs: Vec<T> = (0..n * m)
        .map(|k| cycled(&input.costs, k))
        .map(|c| if input.wild_costs { c.wild() } else { c.tame::<T>().abs() })
        .collect();
    if square {
        for k in 0..n * n {
            costs[k] = costs[k % n * n + k / n];
        }
    }
    let cost = match DenseCost::new(&costs, n, m, m) {
        Ok(cost) => cost,
        Err(error) => return check_error(error, |_| n * m),
    };
    let (a, b) = (weights::<T>(&input.weights, 0, n), weights::<T>(&input.weights, n, m));
    let epsilon = match input.epsilon {
        Number::Sixteenths(k) => T::from_f64(f64::from(k.unsigned_abs()) / 64.0),
        other => other.wild(),
    };
    let length = |name: &str| if matches!(name, "a" | "f") { n } else { m };
    let problem = match Problem::new(&cost, &a, &b, epsilon) {
        Ok(problem) => problem,
        Err(error) => return check_error(error, length),
    };
    let number = |k| {
        let x: T =
            if input.wild_start { cycled(&input.start, k).wild() } else { cycled(&input.start, k).tame() };
        x
    };
    let (mut f, mut g): (Vec<T>, Vec<T>) = ((0..n).map(number).collect(), (n..n + m).map(number).collect());
    let before = (bits(&f), bits(&g));
    let stop = Stop { max_steps: u32::from(input.steps), ..Stop::relative(T::from_f64(1e-4)) };
    let options = sinkhorn::Options { stop };
    let x = Potentials { f: &mut f, g: &mut g };
    let mut storage = vec![T::NAN; 512];
    let result = match input.method {
        Method::Sinkhorn => {
            let workspace = sinkhorn::Workspace::new(&problem, &mut storage).expect("memory");
            let mut rule = Fixed(T::from_f64(f64::from(input.omega) / 128.0));
            sinkhorn::solve(&problem, &options, &mut rule, x, workspace, &mut ())
        }
        Method::Greenkhorn => {
            let workspace = greenkhorn::Workspace::new(&problem, &mut storage).expect("memory");
            greenkhorn::solve(&problem, &options, x, workspace, &mut ())
        }
        Method::Symmetric => {
            let Ok(problem) = Problem::new(&cost, &a, &a, epsilon) else { return };
            let workspace = symmetric::Workspace::new(&problem, &mut storage).expect("memory");
            let result = symmetric::solve(&problem, &symmetric::Options { stop }, &mut f, workspace, &mut ());
            match result {
                Err(error) => {
                    check_error(error, length);
                    assert_eq!(bits(&f), before.0);
                }
                Ok(report) => check_iterate(&problem, &costs, (&f, &f), &report, input.wild_start),
            }
            return;
        }
        Method::Divergence => return check_divergence(input, &cost, (&a, &b), epsilon, (f, g)),
        Method::Potentials => return check_potentials(&problem, &costs, (&f, &g)),
    };
    match result {
        Err(error) => {
            check_error(error, length);
            assert_eq!((bits(&f), bits(&g)), before);
        }
        Ok(report) => check_iterate(&problem, &costs, (&f, &g), &report, input.wild_start),
    }
}

/// What a run left: the report's error is that of the potentials, and they pass as any do.
fn check_iterate<T: Real>(
    problem: &Problem<'_, T, DenseCost<'_, T>>,
    costs: &[T],
    (f, g): (&[T], &[T]),
    report: &Report<T>,
    wild: bool,
) {
    assert!(!report.residual.to_f64().is_nan() || report.status == Status::NotFinite, "{report:?}");
    if report.status == Status::NotFinite {
        return;
    }
    assert!(!wild || f.iter().chain(g).all(|x| !x.to_f64().is_nan()));
    let (rows, columns, size) = plain(problem, costs, (f, g));
    // Exponents are rounded in units of their largest part.
    let exponent = size / problem.epsilon().to_f64();
    let bound = 64.0 * T::EPSILON.to_f64() * (1.0 + exponent);
    if bound < 0.1 {
        let error = rows + columns;
        let off = (report.residual.to_f64() - error).abs();
        assert!(off <= 4.0 * bound * (2.0 + error), "{report:?} {error} {bound}");
    }
    check_potentials(problem, costs, (f, g));
}

/// ‖P 1 − a‖₁, ‖Pᵀ 1 − b‖₁, and the largest number that enters an exponent.
fn plain<T: Real>(
    problem: &Problem<'_, T, DenseCost<'_, T>>,
    costs: &[T],
    (f, g): (&[T], &[T]),
) -> (f64, f64, f64) {
    let (a, b, epsilon) = (problem.a(), problem.b(), problem.epsilon().to_f64());
    let (mut rows, mut columns) = (vec![0.0; a.len()], vec![0.0; b.len()]);
    let mut size = 0.0_f64;
    for (k, c) in costs.iter().enumerate() {
        let (i, j) = (k / b.len(), k % b.len());
        if a[i] > T::ZERO && b[j] > T::ZERO {
            let (f, g, c) = (f[i].to_f64(), g[j].to_f64(), c.to_f64());
            let p = ((f + g - c) / epsilon).exp();
            rows[i] += p;
            columns[j] += p;
            size = size.max(f.abs()).max(g.abs()).max(c);
        }
    }
    let error = |sums: &[f64], weights: &[T]| -> f64 {
        sums.iter().zip(weights).map(|(s, w)| (s - w.to_f64()).abs()).sum()
    };
    (error(&rows, a), error(&columns, b), size)
}

/// Any potentials: what is refused says why; bounds hold, and the rounded coupling is feasible.
fn check_potentials<T: Real>(problem: &Problem<'_, T, DenseCost<'_, T>>, costs: &[T], (f, g): (&[T], &[T])) {
    let (n, m) = (problem.rows(), problem.columns());
    let mut storage = vec![T::NAN; certificate::certify_len(n, m, true)];
    let length = |name: &str| if name == "f" { n } else { m };
    let seen = match certificate::evaluate(problem, f, g, &mut storage) {
        Ok(seen) => seen,
        Err(error) => return check_error(error, length),
    };
    assert!(
        ![seen.cost, seen.dual, seen.primal, seen.entropy, seen.error()].iter().any(|x| x.to_f64().is_nan())
    );
    let (rows, columns, size) = plain(problem, costs, (f, g));
    let bound = 64.0 * T::EPSILON.to_f64() * (1.0 + size / problem.epsilon().to_f64());
    if bound < 0.1 && seen.mass.is_finite() {
        let error = rows + columns;
        assert!((seen.error().to_f64() - error).abs() <= 4.0 * bound * (2.0 + error), "{seen:?} {error}");
    }
    let bounds = certificate::certify(problem, f, g, &mut storage).expect("as before");
    let all = [bounds.dual, bounds.primal, bounds.lower, bounds.upper, bounds.rounding];
    assert!(!all.iter().any(|x| x.to_f64().is_nan()), "{bounds:?}");
    assert!(bounds.rounding == T::INFINITY || bounds.gap() >= -bounds.rounding, "{bounds:?}");
    assert!(bounds.rounding == T::INFINITY || bounds.exact_gap() >= -bounds.rounding, "{bounds:?}");

    let workspace = rounding::Workspace::new(problem, &mut storage).expect("memory");
    let mut rounded = rounding::round(problem, f, g, workspace).expect("as before");
    let (mut row, mut sums, mut apart) = (vec![T::NAN; m], vec![0.0; m], 0.0);
    let unit = 8.0 * T::EPSILON.to_f64() * (n + m) as f64;
    for i in 0..n {
        rounded.row(i, &mut row).expect("a row");
        assert!(row.iter().all(|&p| p >= T::ZERO && p.is_finite()), "{row:?}");
        let sum: f64 = row.iter().map(|p| p.to_f64()).sum();
        assert!((sum - problem.a()[i].to_f64()).abs() <= unit, "{row:?} {:?}", problem.a());
        for (j, p) in row.iter().enumerate() {
            sums[j] += p.to_f64();
            if problem.a()[i] > T::ZERO && problem.b()[j] > T::ZERO {
                let exponent = f[i].to_f64() + g[j].to_f64() - costs[i * m + j].to_f64();
                apart += (p.to_f64() - (exponent / problem.epsilon().to_f64()).exp()).abs();
            }
        }
    }
    for (sum, b) in sums.iter().zip(problem.b()) {
        assert!((sum - b.to_f64()).abs() <= unit, "{sums:?} {:?}", problem.b());
    }
    if bound < 0.1 {
        let error = rows + columns;
        assert!(apart <= 2.0 * error + 4.0 * bound * (2.0 + error), "{apart} {error}");
    }
}

fn check_divergence<T: Real>(
    input: &Input,
    cost: &DenseCost<'_, T>,
    (a, b): (&[T], &[T]),
    epsilon: T,
    (mut f, mut g): (Vec<T>, Vec<T>),
) {
    let n = a.len();
    let problem = |a, b| Problem::new(cost, a, b, epsilon);
    let (Ok(mixed), Ok(first), Ok(second)) = (problem(a, b), problem(a, a), problem(b, b)) else { return };
    let (mut f_aa, mut g_bb) = (f.clone(), g.clone());
    let before = [bits(&f), bits(&g)];
    let stop = Stop { max_steps: u32::from(input.steps), ..Stop::relative(T::from_f64(1e-4)) };
    let mut storage = vec![T::NAN; divergence::required_len(n, n, n, true)];
    let result = divergence::solve(
        &Problems { mixed: &mixed, first: &first, second: &second },
        &sinkhorn::Options { stop },
        &mut Fixed(T::from_f64(f64::from(input.omega) / 128.0)),
        State { mixed: Potentials { f: &mut f, g: &mut g }, first: &mut f_aa, second: &mut g_bb },
        &mut storage,
        &mut (),
    );
    match result {
        Err(error) => {
            check_error(error, |_| n);
            assert_eq!([bits(&f), bits(&g)], before);
            assert_eq!([bits(&f_aa), bits(&g_bb)], before);
        }
        Ok(seen) => {
            let [ab, aa, bb] = seen.transport.map(|x| x.to_f64());
            assert!(
                !seen.value.to_f64().is_nan() && !ab.is_nan() && !aa.is_nan() && !bb.is_nan(),
                "{seen:?}"
            );
            let all = f.iter().chain(&g).chain(&f_aa).chain(&g_bb);
            let size = all.filter(|x| x.is_finite()).fold(0.0, |s: f64, x| s.max(x.to_f64().abs()));
            let size = size + epsilon.to_f64();
            if seen.converged() && seen.value.is_finite() {
                let off = (seen.value.to_f64() - ((ab - 0.5 * aa) - 0.5 * bb)).abs();
                assert!(off <= 256.0 * T::EPSILON.to_f64() * size, "{seen:?} {off} {size}");
            }
        }
    }
}
