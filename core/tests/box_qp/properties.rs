//! Random problems: optimal by plain loops, whichever method found it, and the same in stages and condensed.

use proptest::prelude::*;
use southwell::descent::box_qp::{
    Condensed, Factors, Fallback, Model, Options, Prepared, Problem, Staged, Workspace, condense,
    condense_len, invert_condensed, solve,
};
use southwell::{Real, Status};

use crate::oracle::{Dense, gauss};
use crate::plants::Made;

fn cast<T: Real>(x: &[f64]) -> Vec<T> {
    x.iter().map(|&x| T::from_f64(x)).collect()
}

/// All ways to solve.
fn ways<T: Real>() -> [Options<T>; 4] {
    let options = Options::default();
    [
        options,
        Options { patience: 1, ..options },
        Options { patience: 0, ..options },
        Options { patience: 0, fallback: Fallback::TwoMetric, ..options },
    ]
}

/// GᵀG + shift·I, a linear part and bounds, some of them infinite or equal.
fn dense(n: usize) -> impl Strategy<Value = Dense> {
    let number = || prop::collection::vec(-1.0..1.0_f64, n);
    let bounds = prop::collection::vec((0..6_u8, -1.0..1.0_f64, 0.01..1.0_f64), n);
    (prop::collection::vec(-1.0..1.0_f64, n * n), number(), bounds, 0.05..1.0_f64).prop_map(
        move |(g, f, bounds, shift)| {
            let mut h = vec![0.0; n * n];
            for i in 0..n {
                for j in 0..n {
                    h[i * n + j] = (0..n).map(|k| g[k * n + i] * g[k * n + j]).sum::<f64>();
                }
                h[i * n + i] += shift;
            }
            let f = f.iter().map(|f| 4.0 * f).collect();
            let pair = |&(kind, lo, width): &(u8, f64, f64)| match kind {
                0 => (f64::NEG_INFINITY, lo),
                1 => (lo, f64::INFINITY),
                2 => (f64::NEG_INFINITY, f64::INFINITY),
                3 => (lo, lo),
                _ => (lo, lo + width),
            };
            let (lower, upper) = bounds.iter().map(pair).unzip();
            Dense { h, f, lower, upper }
        },
    )
}

fn solve_dense<T: Real>(dense: &Dense, options: &Options<T>, start: &[f64]) -> (Vec<f64>, String) {
    let n = dense.f.len();
    let (h, f) = (cast::<T>(&dense.h), cast::<T>(&dense.f));
    let model = Condensed::new(&h, n).expect("sound");
    let mut inverse = vec![T::NAN; n * n];
    let status = invert_condensed(&model, &mut inverse, &mut vec![T::NAN; n * n]).expect("sound sizes");
    assert_eq!(status, Status::Converged);
    let prepared = Prepared::new(model, &inverse).expect("sound");
    let (y, _) = solve_model(dense, &prepared, &f, Prepared::<T>::required_len(n), options, start);
    let compact = Prepared::compact(model, &inverse).expect("sound");
    let (z, _) = solve_model(dense, &compact, &f, Prepared::<T>::required_len(n), options, start);
    let (x, what) = solve_model(dense, &model, &f, Condensed::<T>::required_len(n), options, start);
    let tolerance = if T::EPSILON.to_f64() > 1e-10 { 2e-2 } else { 1e-6 };
    for ((x, y), z) in x.iter().zip(&y).zip(&z) {
        assert!((x - y).abs() < tolerance, "{what}: {x}, with the inverse {y}");
        assert!((x - z).abs() < tolerance, "{what}: {x}, with the inverse, compact {z}");
    }
    (x, what)
}

fn solve_model<T: Real, M: Model<T>>(
    dense: &Dense,
    model: &M,
    f: &[T],
    len: usize,
    options: &Options<T>,
    start: &[f64],
) -> (Vec<f64>, String) {
    let n = dense.f.len();
    let (lower, upper) = (cast::<T>(&dense.lower), cast::<T>(&dense.upper));
    let problem = Problem::new(model, f, &lower, &upper).expect("sound");
    let mut storage = vec![T::NAN; len];
    let mut workspace = Workspace::new(model, &mut storage).expect("long enough");
    let mut x = cast::<T>(start);
    let found = solve(&problem, options, &mut x, &mut workspace, &mut ()).expect("sound");
    let what = format!("{options:?} {found:?}");
    assert_eq!(found.report.status, Status::Converged, "{what}");
    let x: Vec<f64> = x.iter().map(|x| x.to_f64()).collect();
    // The report tells the truth.
    let rounding = 64.0 * T::EPSILON.to_f64() * (1.0 + found.report.scale.to_f64());
    let told = found.report.residual.to_f64();
    assert!((told - dense.residual(&x)).abs() <= rounding * n as f64, "{what}: {}", dense.residual(&x));
    assert!((found.objective.to_f64() - dense.objective(&x)).abs() <= rounding * n as f64, "{what}");
    let at_lower = x.iter().zip(&dense.lower).filter(|(x, lo)| x <= lo).count();
    assert_eq!(found.at_lower, at_lower, "{what}");
    (x, what)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn the_answer_is_optimal_and_the_same_by_every_method(
        dense in (1..9_usize).prop_flat_map(dense),
        start in prop::collection::vec(-2.0..2.0_f64, 9),
    ) {
        let n = dense.f.len();
        let expected = dense.by_coordinates();
        for options in ways::<f64>() {
            let (x, what) = solve_dense::<f64>(&dense, &options, &start[..n]);
            prop_assert!(dense.inside(&x), "{what}");
            let boxed: Vec<f64> =
                (0..n).map(|i| start[i].max(dense.lower[i]).min(dense.upper[i])).collect();
            prop_assert!(dense.objective(&x) <= dense.objective(&boxed) + 1e-12, "{what}");
            for (x, expected) in x.iter().zip(&expected) {
                prop_assert!((x - expected).abs() < 1e-6, "{what}: {x}, not {expected}");
            }
        }
    }

    #[test]
    fn single_precision_agrees(dense in (1..9_usize).prop_flat_map(dense)) {
        // Bounds that single precision holds, so that the box is the same.
        let mut dense = dense;
        for x in dense.lower.iter_mut().chain(&mut dense.upper).chain(&mut dense.h).chain(&mut dense.f) {
            *x = f64::from(*x as f32);
        }
        let expected = dense.by_coordinates();
        for options in ways::<f32>() {
            let (x, what) = solve_dense::<f32>(&dense, &options, &vec![0.0; dense.f.len()]);
            prop_assert!(dense.inside(&x), "{what}");
            for (x, expected) in x.iter().zip(&expected) {
                prop_assert!((x - expected).abs() < 2e-2, "{what}: {x}, not {expected}");
            }
        }
    }

    #[test]
    fn message_passing_is_the_reduced_solve(
        (made, horizon, x0) in plant(),
        seed in prop::collection::vec((0..3_i8, -1.0..1.0_f64), 24),
        again in prop::collection::vec(0..3_i8, 24),
    ) {
        let model = made.staged(horizon);
        let n = model.variables();
        let (h, f) = condensed(&model, &made, &x0);
        let mut storage = vec![f64::NAN; model.factors_len()];
        let mut kept = vec![f64::NAN; n];
        let mut factors = Factors { sides: &mut kept, storage: &mut storage, valid: false };
        // Twice: anew, and where only some stages are eliminated again.
        let first: Vec<f64> = seed[..n].iter().map(|(side, _)| f64::from(*side - 1)).collect();
        let second: Vec<f64> =
            first.iter().enumerate().map(|(i, s)| if i < n / 2 { f64::from(again[i] - 1) } else { *s }).collect();
        for sides in [first, second] {
            let mut x: Vec<f64> = seed[..n].iter().map(|(_, value)| *value).collect();
            let mut gradient = vec![f64::NAN; n];
            prop_assert!(model.minimise(&x0, &sides, &mut x, &mut gradient, &mut factors));
            let free: Vec<usize> = (0..n).filter(|&i| sides[i] == 0.0).collect();
            let mut fixed = x.clone();
            free.iter().for_each(|&i| fixed[i] = 0.0);
            let product = |x: &[f64], i: usize| f[i] + (0..n).map(|j| h[i * n + j] * x[j]).sum::<f64>();
            let matrix = free.iter().flat_map(|&i| free.iter().map(move |&j| (i, j)));
            let matrix = matrix.map(|(i, j)| h[i * n + j]).collect();
            let expected = gauss(matrix, free.iter().map(|&i| -product(&fixed, i)).collect());
            let size = h.iter().chain(&f).fold(1.0, |most: f64, h| most.max(h.abs()));
            for (&i, expected) in free.iter().zip(&expected) {
                prop_assert!((x[i] - expected).abs() < 1e-11 * size, "{}, not {expected}", x[i]);
            }
            for i in 0..n {
                let expected = if sides[i] == 0.0 { 0.0 } else { product(&x, i) };
                prop_assert!((gradient[i] - expected).abs() < 1e-11 * size, "{}, not {expected}", gradient[i]);
            }
        }
    }

    #[test]
    fn stages_and_condensed_agree((made, horizon, x0) in plant(), bound in 0.05..1.0_f64) {
        let model = made.staged(horizon);
        let n = model.variables();
        let (h, f) = condensed(&model, &made, &x0);
        // Bounds that change with time, one of them missing.
        let lower: Vec<f64> = (0..n).map(|i| if i == 1 { f64::NEG_INFINITY } else { -bound * (1.0 + i as f64) }).collect();
        let upper: Vec<f64> = (0..n).map(|i| bound / (1.0 + i as f64)).collect();
        let dense = Dense { h, f, lower, upper };
        let problem = Problem::new(&model, &x0, &dense.lower, &dense.upper).expect("sound");
        for options in ways::<f64>() {
            let mut storage = vec![f64::NAN; Staged::<f64>::required_len(made.states, made.inputs, horizon)];
            let mut workspace = Workspace::new(&model, &mut storage).expect("long enough");
            let mut u = vec![0.0; n];
            let found = solve(&problem, &options, &mut u, &mut workspace, &mut ()).expect("sound");
            prop_assert_eq!(found.report.status, Status::Converged, "{:?}", found);
            prop_assert!(dense.inside(&u));
            let rounding = 1e-12 * (1.0 + dense.f.iter().fold(0.0, |most: f64, f| most.max(f.abs())));
            let tolerance = 1e-8 * found.report.scale;
            prop_assert!(dense.residual(&u) <= tolerance + rounding, "{found:?}: {}", dense.residual(&u));
            prop_assert!((dense.residual(&u) - found.report.residual).abs() <= rounding, "{found:?}");
            let (v, _) = solve_dense::<f64>(&dense, &options, &vec![0.0; n]);
            for (u, v) in u.iter().zip(&v) {
                prop_assert!((u - v).abs() < 1e-6, "{u} in stages, {v} condensed");
            }
        }
    }
}

/// H and f by plain loops over what every unit input does to the states; `condense` agrees with them.
fn condensed(model: &Staged<'_, f64>, made: &Made<f64>, x0: &[f64]) -> (Vec<f64>, Vec<f64>) {
    let (n, m, variables) = (made.states, made.inputs, model.variables());
    let horizon = variables / m;
    let states = |x0: &[f64], u: &[f64]| {
        let mut all = vec![x0.to_vec()];
        u.chunks(m).for_each(|u| all.push(made.next(all.last().expect("one"), u)));
        all
    };
    let weighed = |x: &[Vec<f64>], y: &[Vec<f64>]| {
        let at = |k: usize| {
            let weights = if k == horizon { &made.p } else { &made.q };
            (0..n * n).map(|e| x[k][e / n] * weights[e] * y[k][e % n]).sum::<f64>()
        };
        (1..=horizon).map(at).sum::<f64>()
    };
    let unit = |i: usize| (0..variables).map(|j| f64::from(u8::from(i == j))).collect::<Vec<f64>>();
    let moved: Vec<_> = (0..variables).map(|i| states(&vec![0.0; n], &unit(i))).collect();
    let still = states(x0, &vec![0.0; variables]);
    let cost = |i: usize, j: usize| if i / m == j / m { made.r[i % m * m + j % m] } else { 0.0 };
    let pairs = (0..variables).flat_map(|i| (0..variables).map(move |j| (i, j)));
    let h: Vec<f64> = pairs.map(|(i, j)| weighed(&moved[i], &moved[j]) + cost(i, j)).collect();
    let f: Vec<f64> = moved.iter().map(|moved| weighed(moved, &still)).collect();

    let (mut found_h, mut found_f) = (vec![f64::NAN; h.len()], vec![f64::NAN; f.len()]);
    let mut storage = vec![f64::NAN; condense_len(n, m, horizon)];
    condense(model, x0, &mut found_h, &mut found_f, &mut storage).expect("sound");
    let size = h.iter().chain(&f).fold(1.0, |most: f64, h| most.max(h.abs()));
    for (found, expected) in found_h.iter().zip(&h).chain(found_f.iter().zip(&f)) {
        assert!((found - expected).abs() < 1e-12 * size, "{found}, not {expected}");
    }
    (h, f)
}

/// A plant with up to four states and three inputs, a horizon of up to eight stages, and a state.
fn plant() -> impl Strategy<Value = (Made<f64>, usize, Vec<f64>)> {
    (1..5_usize, 1..4_usize, 1..9_usize).prop_flat_map(|(n, m, horizon)| {
        let numbers = |len: usize| prop::collection::vec(-1.0..1.0_f64, len);
        (numbers(n * n), numbers(n * m), numbers(n * n), numbers(m * m), numbers(n)).prop_map(
            move |(a, b, q, r, x0)| {
                let square = |g: &[f64], n: usize, shift: f64| {
                    let entry = |i: usize, j: usize| (0..n).map(|k| g[k * n + i] * g[k * n + j]).sum::<f64>();
                    let shifted = |i: usize, j: usize| entry(i, j) + if i == j { shift } else { 0.0 };
                    (0..n * n).map(|k| shifted(k / n, k % n)).collect::<Vec<f64>>()
                };
                let (q, r) = (square(&q, n, 0.0), square(&r, m, 0.1));
                let p = q.iter().map(|q| 2.0 * q).collect();
                // Some zeros, which are skipped.
                let a = a.iter().map(|&a| if a.abs() < 0.3 { 0.0 } else { a }).collect();
                (Made { states: n, inputs: m, a, b, q, r, p }, horizon, x0)
            },
        )
    })
}
