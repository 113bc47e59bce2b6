//! Unbalanced transport against the reference figures, its optimality, and its limits.

use crate::common::cases::{Case, digit, look, pixel_cost, tracks};
use crate::common::{cast, wide};
use southwell::omega::Fixed;
use southwell::transport::{DenseCost, Potentials, sinkhorn, unbalanced};
use southwell::{Error, Real, Run, Status, Stop};

/// The nought and the one with their own masses.
fn case() -> Case {
    let weights = |which| digit(which).iter().map(|x| (x + 0.16) / 100.0).collect();
    Case { cost: pixel_cost(8, 2), a: weights(0), b: weights(1) }
}

/// The optimality violation, Σ P and the dual value by plain loops.
fn check(case: &Case, epsilon: f64, rho: [f64; 2], f: &[f64], g: &[f64]) -> [f64; 3] {
    let target = |w: &[f64], p: &[f64], rho: f64| -> Vec<f64> {
        w.iter().zip(p).map(|(w, p)| if *w > 0.0 { w * (-p / rho).exp() } else { 0.0 }).collect()
    };
    let (a, b) = (target(&case.a, f, rho[0]), target(&case.b, g, rho[1]));
    let wanted = Case { a: a.clone(), b: b.clone(), ..case.clone() };
    let [rows, columns, ..] = look(&wanted, epsilon, f, g);
    let m = case.columns();
    let coupling = |k: usize| ((f[k / m] + g[k % m] - case.cost[k]) / epsilon).exp();
    let mass: f64 = (0..case.cost.len()).map(coupling).sum();
    let lost = |w: &[f64], t: &[f64]| w.iter().sum::<f64>() - t.iter().sum::<f64>();
    let value = rho[0] * lost(&case.a, &a) + rho[1] * lost(&case.b, &b) - epsilon * mass;
    [rows + columns, mass, value]
}

/// Steps by hand until f moves by less than 1e-10.
fn steps(case: &Case, rho: f64, translate: bool) -> (u32, [f64; 3]) {
    let cost = DenseCost::new(&case.cost, 64, 64, 64).expect("costs");
    let problem = unbalanced::Problem::new(&cost, &case.a, &case.b, 0.01, (rho, rho)).expect("a problem");
    let mut storage = vec![f64::NAN; unbalanced::Workspace::<f64>::required_len(64, 64, 64)];
    let workspace = unbalanced::Workspace::new(&problem, &mut storage).expect("memory");
    let (mut f, mut g) = (vec![0.0; 64], vec![0.0; 64]);
    let options = unbalanced::Options { translate, ..Default::default() };
    let x = Potentials { f: &mut f, g: &mut g };
    let mut run = unbalanced::start(&problem, &options, x, workspace).expect("valid");
    let mut count = 0;
    while run.change() >= 1e-10 {
        run.step();
        count += 1;
        assert!(count < 1000);
    }
    let (residual, mass) = (run.residual(), run.mass());
    let [violation, sum, value] = check(case, 0.01, [rho, rho], &f, &g);
    assert!((violation - residual).abs() < 1e-12, "{violation} {residual}");
    assert!((sum - mass).abs() < 1e-12);
    (count, [violation, sum, value])
}

#[test]
fn reference_figures() {
    for (rho, plain, shifted, value, mass) in
        [(0.1, 92, 62, -0.115_740_609_1, 3.539_145_7), (1.0, 735, 167, -0.104_647_788_1, 3.173_854_6)]
    {
        for (translate, count) in [(false, plain), (true, shifted)] {
            let (counted, [violation, sum, dual]) = steps(&case(), rho, translate);
            assert_eq!(counted, count, "{rho} {translate}");
            assert!(violation < 1e-7, "{violation}");
            assert!((sum - mass).abs() < 6e-8 && (dual - value).abs() < 6e-10, "{rho}: {sum} {dual}");
        }
    }
}

/// Report, f and g.
type Solved<T> = (southwell::Report<T>, Vec<T>, Vec<T>);

/// Solves in a type.
fn solve<T: Real>(case: &Case, epsilon: f64, prices: [f64; 2], start: f64) -> Result<Solved<T>, Error> {
    let (n, m) = (case.rows(), case.columns());
    let (c, a, b) = (cast::<T>(&case.cost), cast::<T>(&case.a), cast::<T>(&case.b));
    let cost = DenseCost::new(&c, n, m, m)?;
    let prices = (T::from_f64(prices[0]), T::from_f64(prices[1]));
    let problem = unbalanced::Problem::new(&cost, &a, &b, T::from_f64(epsilon), prices)?;
    let mut storage = vec![T::NAN; unbalanced::Workspace::<T>::required_len(n, m, m)];
    let workspace = unbalanced::Workspace::new(&problem, &mut storage)?;
    let (mut f, mut g) = (vec![T::ZERO; n], vec![T::from_f64(start); m]);
    let x = Potentials { f: &mut f, g: &mut g };
    let report = unbalanced::solve(&problem, &Default::default(), x, workspace, &mut ())?;
    Ok((report, f, g))
}

#[test]
fn zero_weights_one_hard_side_and_wild_starts() {
    let mut holes = case();
    holes.a[3] = 0.0;
    holes.b[0] = 0.0;
    holes.b[63] = 0.0;
    let infinity = f64::INFINITY;
    for prices in [[0.1, 0.3], [infinity, 0.2], [0.2, infinity]] {
        for start in [0.0, 100.0, -100.0] {
            let (report, f, g) = solve::<f64>(&holes, 0.02, prices, start).expect("valid");
            assert!(report.converged(), "{prices:?} {start}: {report:?}");
            assert!(f[3] == -infinity && g[0] == -infinity && g[63] == -infinity);
            let [violation, ..] = check(&holes, 0.02, prices, &f, &g);
            assert!((violation - report.residual).abs() < 1e-11, "{violation} {report:?}");
            let (short, f, g) = solve::<f32>(&holes, 0.02, prices, start).expect("valid");
            assert!(short.converged(), "{prices:?} {start}: {short:?}");
            let [violation, ..] = check(&holes, 0.02, prices, &wide(&f), &wide(&g));
            assert!(violation < 1e-4, "{violation}");
        }
    }
}

/// A column whose sum underflows at first: whatever the step at which the run ends, it tells the truth.
fn underflow<T: Real>(tolerance: f64) {
    // The last column is far from every row, and by more than an exponential of the type can say.
    let cost = vec![0.0, 0.25, 1.0, 0.25, 0.0, 1.0, 0.5, 0.125, 0.75];
    let case = Case { cost, a: vec![0.5, 0.25, 0.25], b: vec![0.25, 0.25, 0.25] };
    let epsilon = if T::EPSILON.to_f64() > 1e-10 { 1.0 / 512.0 } else { 1.0 / 4096.0 };
    for prices in [[0.125, 0.25], [8.0, 0.5], [f64::INFINITY, 1.0], [1.0, f64::INFINITY]] {
        let mut previous = f64::INFINITY;
        for max_steps in (0..14).chain([500]) {
            let (c, a, b) = (cast::<T>(&case.cost), cast::<T>(&case.a), cast::<T>(&case.b));
            let view = DenseCost::new(&c, 3, 3, 3).expect("costs");
            let rho = (T::from_f64(prices[0]), T::from_f64(prices[1]));
            let problem =
                unbalanced::Problem::new(&view, &a, &b, T::from_f64(epsilon), rho).expect("a problem");
            let mut storage = vec![T::NAN; unbalanced::Workspace::<T>::required_len(3, 3, 3)];
            let workspace = unbalanced::Workspace::new(&problem, &mut storage).expect("memory");
            let (mut f, mut g) = (vec![T::ZERO; 3], vec![T::ZERO; 3]);
            let x = Potentials { f: &mut f, g: &mut g };
            let stop = Stop { max_steps, ..Stop::relative(T::from_f64(tolerance)) };
            let options = unbalanced::Options { stop, ..Default::default() };
            let mut run = unbalanced::start(&problem, &options, x, workspace).expect("valid");
            let report = southwell::drive(&mut run, &stop, &mut ());
            let mass = run.mass().to_f64();
            let [violation, sum, _] = check(&case, epsilon, prices, &wide(&f), &wide(&g));
            let told = report.residual.to_f64();
            let label = format!("{prices:?} after {max_steps}: {violation} {sum} {mass} {report:?}");
            // The exponents are rounded relative to the largest potential in units of ε.
            let size = f.iter().chain(&g).fold(1.0, |most: f64, p| most.max(p.to_f64().abs()));
            let bound = 16.0 * T::EPSILON.to_f64() * (1.0 + size / epsilon) * (1.0 + sum + violation);
            assert!((violation - told).abs() <= bound && (sum - mass).abs() <= bound, "{label}");
            if max_steps == 500 {
                assert!(report.converged() || told < previous, "{label}");
            }
            previous = told;
        }
    }
}

#[test]
fn columns_that_underflow_are_not_made_up() {
    underflow::<f64>(1e-9);
    underflow::<f32>(1e-4);
}

/// The same where a sum was beyond the range: one row, one column, a start far too high, prices far below ε.
#[test]
fn columns_that_overflow_are_not_made_up() {
    let case = Case { cost: vec![0.878_431_4], a: vec![0.6875], b: vec![0.6875] };
    for inverse in [486.0, 64.0, 4000.0] {
        for start in [0.5, 2.0, 8.0, 32.0] {
            for prices in [[1.0 / 4096.0, 1.0 / 64.0], [1.0 / 64.0, 1.0 / 4096.0], [1.0, 2.0]] {
                let (report, f, g) = solve::<f32>(&case, 1.0 / inverse, prices, start).expect("valid");
                let ended = matches!(report.status, Status::Converged | Status::Stalled);
                assert!(ended, "{inverse} {start} {prices:?} {report:?}");
                let [violation, sum, _] = check(&case, 1.0 / inverse, prices, &wide(&f), &wide(&g));
                let bound = 32.0 * f64::from(f32::EPSILON) * (1.0 + 2.0 * inverse) * (sum + violation);
                let told = f64::from(report.residual);
                assert!(
                    (violation - told).abs() <= bound,
                    "{inverse} {start} {prices:?} {violation} {report:?}"
                );
            }
        }
    }
}

/// A shift from potentials in the tens to potentials near 0: the digits that were lost are those of the old ones.
#[test]
fn a_long_shift_leaves_no_old_digits() {
    let cost = vec![0.0, 0.003_921_569, 0.007_843_138, 0.011_764_706];
    let case = Case { cost, a: vec![3.5, 4.5], b: vec![2.5, 5.5] };
    let (epsilon, prices) = (1.0 / 419.0, [2048.0, f64::INFINITY]);
    let (c, a, b) = (cast::<f32>(&case.cost), cast::<f32>(&case.a), cast::<f32>(&case.b));
    let view = DenseCost::new(&c, 2, 2, 2).expect("costs");
    let rho = (prices[0] as f32, f32::INFINITY);
    let problem = unbalanced::Problem::new(&view, &a, &b, epsilon as f32, rho).expect("a problem");
    let mut worst = 0.0_f64;
    for k in -200..200 {
        let mut storage = [f32::NAN; unbalanced::Workspace::<f32>::required_len(2, 2, 2)];
        let workspace = unbalanced::Workspace::new(&problem, &mut storage).expect("memory");
        let start = 0.159 * k as f32;
        let (mut f, mut g) = ([0.0; 2], [start, start + 0.004]);
        let x = Potentials { f: &mut f, g: &mut g };
        let stop = Stop { max_steps: 1, ..Stop::relative(1e-6) };
        let options = unbalanced::Options { stop, ..Default::default() };
        let report = unbalanced::solve(&problem, &options, x, workspace, &mut ()).expect("valid");
        let epsilon = f64::from(epsilon as f32);
        let [violation, sum, _] = check(&case, epsilon, prices, &wide(&f), &wide(&g));
        let size = f.iter().chain(&g).fold(0.0, |most: f64, p| most.max(f64::from(p.abs())));
        let bound = 16.0 * f64::from(f32::EPSILON) * (1.0 + size / epsilon) * (sum + violation);
        worst = worst.max((violation - f64::from(report.residual)).abs() / bound);
    }
    assert!(worst <= 1.0, "{worst}");
}

/// Two hard constraints are Sinkhorn's iteration, step for step.
#[test]
fn hard_constraints_are_balanced_transport() {
    let case = tracks();
    let (report, f, g) = solve::<f64>(&case, 0.05, [f64::INFINITY; 2], 0.0).expect("valid");
    let cost = DenseCost::new(&case.cost, 16, 16, 16).expect("costs");
    let problem = southwell::transport::Problem::new(&cost, &case.a, &case.b, 0.05).expect("a problem");
    let mut storage = [f64::NAN; sinkhorn::Workspace::<f64>::required_len(16, 16, 16)];
    let workspace = sinkhorn::Workspace::new(&problem, &mut storage).expect("memory");
    let (mut u, mut v) = ([0.0; 16], [0.0; 16]);
    let x = Potentials { f: &mut u, g: &mut v };
    let options = sinkhorn::Options { stop: Stop { max_steps: report.steps, ..Stop::relative(1e-30) } };
    let balanced =
        sinkhorn::solve(&problem, &options, &mut Fixed(1.0), x, workspace, &mut ()).expect("valid");
    assert_eq!((balanced.status, balanced.steps), (Status::StepLimit, report.steps));
    let near = |x: &[f64], y: &[f64]| x.iter().zip(y).all(|(x, y)| (x - y).abs() < 1e-12);
    assert!(near(&f, &u) && near(&g, &v));
}

#[test]
fn refusals() {
    let case = case();
    let option = |error: Result<_, Error>| matches!(error.map(|_: (_, _, _)| ()), Err(Error::Option { .. }));
    for bad in [0.0, -1.0, f64::NAN, 1e-320] {
        assert!(option(solve::<f64>(&case, 0.01, [bad, 1.0], 0.0)));
        assert!(option(solve::<f64>(&case, 0.01, [1.0, bad], 0.0)));
        assert!(option(solve::<f64>(&case, bad, [1.0, 1.0], 0.0)));
    }
    let hard = solve::<f64>(&case, 0.01, [f64::INFINITY; 2], 0.0);
    assert!(matches!(hard, Err(Error::Mass { .. })));
    let heavy = Case { a: vec![1e176; 64], ..case.clone() };
    let error = solve::<f64>(&heavy, 0.01, [1.0; 2], 0.0).map(|_| ());
    assert!(matches!(error, Err(Error::Mass { argument: "a", .. })), "{error:?}");
    let wild = solve::<f64>(&case, 0.01, [1.0; 2], 1e308);
    assert!(matches!(wild, Err(Error::Value { argument: "g", index: 0 })));
}
