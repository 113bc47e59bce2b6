//! Non-smooth problems, tame and wild: projections are projections, the best value never rises and is that of the
//! x that is left, a certificate never exceeds a value, and neither dirty memory nor the instruction set shows.
#![no_main]

use arbitrary::Arbitrary;
use libfuzzer_sys::fuzz_target;
use southwell::subgradient::fit::{self, Whitening};
use southwell::subgradient::method::{self, Ending};
use southwell::subgradient::projection::{Affine, Ball, Bounds, Cone, HalfSpace, Interval, L1Ball, Simplex};
use southwell::subgradient::step::{
    Constant, Diminishing, Geometric, PathLevel, Polyak, Restarted, StepRule,
};
use southwell::subgradient::{Oracle, Problem, Projection, Quantile, Table};
use southwell::{Real, Run, Status};
use southwell_fuzz::{Number, bits, check_error, cycled, number_bits};
use southwell_simd::{force_level, levels};

#[derive(Arbitrary, Debug)]
struct Input {
    double: bool,
    wild: bool,
    rows: u8,
    columns: u8,
    numbers: Vec<Number>,
    radius: Number,
    quantile: u8,
    weights: Option<Vec<u8>>,
    set: u8,
    rule: u8,
    length: u8,
    steps: u8,
    every: u8,
    columns_only: bool,
    bound: bool,
}

fuzz_target!(|input: Input| if input.double { check::<f64>(&input) } else { check::<f32>(&input) });

fn check<T: Real>(input: &Input) {
    projections::<T>(input);
    let (n, p) = (1 + usize::from(input.rows % 24), 1 + usize::from(input.columns % 4));
    let entries: Vec<T> = (0..n * p).map(|k| number(input, k)).collect();
    let y: Vec<T> = (n * p..n * p + n).map(|k| number(input, k)).collect();
    let length = |name: &str| if name == "values" { n * p } else { n };
    let table = match Table::new(&entries, n, p) {
        Ok(table) => table,
        Err(error) => return check_error(error, length),
    };
    let q = T::from_f64(f64::from(input.quantile) / 256.0);
    let mut loss = match Quantile::new(table, &y, q) {
        Ok(loss) => loss,
        Err(error) => return check_error(error, length),
    };
    let bytes = input.weights.as_deref().unwrap_or(&[]);
    let weights: Vec<T> = (0..n)
        .map(|i| T::from_u32(bytes.get(i % bytes.len().max(1)).map_or(1, |&w| u32::from(w % 5))))
        .collect();
    if input.weights.is_some() {
        loss = match loss.weighted(&weights) {
            Ok(loss) => loss,
            Err(error) => return check_error(error, length),
        };
    }
    descend(input, loss, p);
    fitted(input, &loss);
}

fn number<T: Real>(input: &Input, k: usize) -> T {
    if input.wild { cycled(&input.numbers, k).wild() } else { cycled(&input.numbers, k).tame() }
}

fn rule<T: Real>(input: &Input) -> Box<dyn StepRule<T>> {
    let length = T::from_f64(f64::from(input.length) / 32.0);
    match input.rule % 6 {
        0 => Box::new(Constant(length)),
        1 => Box::new(Diminishing(length)),
        2 => Box::new(Geometric::new(length, T::from_f64(0.9)).restarted(2)),
        3 => Box::new(Restarted::new(length, T::HALF, 4)),
        4 => Box::new(PathLevel::new(length, T::ONE)),
        _ => Box::new(Polyak::new(T::ZERO)),
    }
}

/// The general method on a box: values are recomputed, and never rise.
fn descend<T: Real>(input: &Input, mut loss: Quantile<'_, T>, p: usize) {
    let (low, high) = (T::from_f64(-2.0), T::from_f64(3.0));
    let mut once = |dirt: T| {
        let set = Interval::new(low, high).expect("a set");
        let problem = Problem::new(loss, set).expect("a problem");
        let mut storage = vec![dirt; method::Workspace::<T>::required_len(p, true)];
        let work = method::Workspace::new(&problem, true, &mut storage).expect("memory");
        let options =
            method::Options { ending: Ending::after(u32::from(input.steps)), average: true, scale: T::ONE };
        let mut x: Vec<T> = (0..p).map(|k| cycled(&input.numbers, k + 3).tame()).collect();
        let before = bits(&x);
        let mut chosen = rule::<T>(input);
        let mut run = match method::start(problem, &options, &mut *chosen, &mut x, work) {
            Ok(run) => run,
            Err(error) => {
                check_error(error, |_| p);
                assert_eq!(bits(&x), before, "an error leaves x alone");
                return None;
            }
        };
        let mut last = run.best().0;
        for _ in 0..input.steps {
            run.step();
            let (value, _) = run.best();
            assert!(value <= last, "the best value never rises");
            last = value;
        }
        run.settle(Status::StepLimit);
        let (value, _) = run.best();
        assert!(value <= last && !value.to_f64().is_nan());
        let mut g = vec![T::NAN; p];
        if value.is_finite() {
            let again = loss.value_and_subgradient(run.x(), &mut g);
            assert_eq!(number_bits(again), number_bits(value), "a reported value is that of x");
            assert!(run.x().iter().all(|&x| x >= low && x <= high), "x is in the set");
        }
        Some((number_bits(value), bits(run.x())))
    };
    let clean = once(T::ZERO);
    assert_eq!(clean, once(T::NAN), "dirty memory");
}

/// A fit with its proofs, on every instruction set.
fn fitted<T: Real>(input: &Input, loss: &Quantile<'_, T>) {
    let (n, p) = (loss.table().rows(), loss.table().columns());
    let whitening = if input.columns_only { Whitening::Columns } else { Whitening::Orthogonal };
    let bound = input.bound && !input.columns_only;
    let once = |dirt: T| {
        let mut storage = vec![dirt; fit::Workspace::<T>::required_len(n, p, whitening, bound)];
        let mut indices = vec![u32::MAX - 1; fit::Workspace::<T>::required_indices(p)];
        let work = fit::Workspace::new(loss, whitening, bound, &mut storage, &mut indices).expect("memory");
        let ending = Ending::after(u32::from(input.steps));
        let every = u32::from(input.every % 32);
        let options = fit::Options { ending, certify_every: every, ..fit::Options::default() };
        let mut beta = vec![T::ZERO; p];
        let mut chosen = rule::<T>(input);
        let outcome = match fit::solve(loss, &options, &mut *chosen, &mut beta, work, &mut ()) {
            Ok(outcome) => outcome,
            Err(error) => {
                check_error(error, |_| p);
                return None;
            }
        };
        if outcome.value.is_finite() {
            assert_eq!(
                number_bits(outcome.value),
                number_bits(loss.value(&beta)),
                "a value is that of the fit"
            );
            assert!(outcome.lower_bound <= outcome.value, "{outcome:?}");
        }
        Some((outcome, bits(&beta)))
    };
    let Some((outcome, beta)) = once(T::ZERO) else { return };
    for level in levels() {
        force_level(Some(level));
        let again = once(T::NAN);
        assert_eq!(again.map(|found| found.1), Some(beta.clone()), "{level:?} and dirty memory");
    }
    force_level(None);
    if input.wild || !outcome.value.is_finite() {
        return;
    }
    // The bound is below what any coefficients cost, up to rounding of the sums.
    let size: f64 = loss.y().iter().chain(loss.table().values()).fold(1.0, |s, y| s.max(y.to_f64().abs()));
    for shift in 0..4 {
        let other: Vec<T> = (0..p).map(|k| cycled(&input.numbers, k + shift).tame()).collect();
        let value = loss.value(&other).to_f64();
        let slack = 1e4 * T::EPSILON.to_f64() * (value + n as f64 * size * size);
        assert!(outcome.lower_bound.to_f64() <= value + slack, "{outcome:?} {value}");
    }
}

/// Feasible and idempotent, whatever comes in; nothing worse than infinite if that is.
fn projections<T: Real>(input: &Input) {
    let n = 2 + usize::from(input.columns % 6);
    let x: Vec<T> = (0..n).map(|k| number(input, k)).collect();
    let a: Vec<T> = (0..n).map(|k| cycled(&input.numbers, k + n).tame()).collect();
    let radius: T = if input.wild { input.radius.wild() } else { input.radius.tame::<T>().abs() + T::HALF };
    let norm = |x: &[T]| x.iter().map(|x| x.to_f64() * x.to_f64()).sum::<f64>().sqrt();
    let size = x.iter().chain(&a).fold(1.0_f64, |s, x| s.max(x.to_f64().abs())) + radius.to_f64().abs();
    let r = radius.to_f64();
    let lower: Vec<T> = a.iter().map(|&a| a - T::HALF).collect();
    let upper: Vec<T> = a.iter().map(|&a| a + a.abs()).collect();
    let sum = |x: &[T]| x.iter().map(|x| x.to_f64()).sum::<f64>();
    let apply = |set: &mut dyn Projection<T>, outside: &dyn Fn(&[T]) -> f64| {
        let mut once = x.clone();
        set.project(&mut once);
        let mut twice = once.clone();
        set.project(&mut twice);
        if input.wild {
            return;
        }
        let tolerance = 1e3 * T::EPSILON.to_f64() * size * size;
        assert!(outside(&once) <= tolerance, "feasible: {once:?} by {}", outside(&once));
        let moved = once.iter().zip(&twice).fold(0.0_f64, |m, (a, b)| m.max((a.to_f64() - b.to_f64()).abs()));
        assert!(moved <= tolerance, "idempotent: {once:?} {twice:?}");
    };
    match input.set % 8 {
        0 => {
            let outside = |x: &[T]| {
                let bounds = lower.iter().zip(&upper);
                x.iter().zip(bounds).fold(0.0_f64, |out, (x, (l, u))| {
                    out.max(l.to_f64() - x.to_f64()).max(x.to_f64() - u.to_f64())
                })
            };
            if let Ok(mut set) = Bounds::new(&lower, &upper) {
                apply(&mut set, &outside);
            }
        }
        1 => {
            if let Ok(mut set) = Ball::new(&[], radius) {
                apply(&mut set, &|x| norm(x) - r);
            }
        }
        2 => {
            if let Ok(mut set) = Ball::new(&a, radius) {
                let far = |x: &[T]| norm(&x.iter().zip(&a).map(|(&x, &a)| x - a).collect::<Vec<T>>());
                apply(&mut set, &|x| far(x) - r);
            }
        }
        3 => {
            if let Ok(mut set) = Simplex::new(radius) {
                apply(&mut set, &|x| x.iter().fold((sum(x) - r).abs(), |out, x| out.max(-x.to_f64())));
            }
        }
        4 => {
            if let Ok(mut set) = L1Ball::new(radius) {
                apply(&mut set, &|x| x.iter().map(|x| x.to_f64().abs()).sum::<f64>() - r);
            }
        }
        5 => apply(&mut Cone, &|x| {
            let (height, v) = x.split_last().expect("not empty");
            norm(v) - height.to_f64()
        }),
        6 => {
            if let Ok(mut set) = HalfSpace::new(&a, radius)
                && norm(&a) > 0.1
            {
                apply(&mut set, &|x| x.iter().zip(&a).map(|(x, a)| x.to_f64() * a.to_f64()).sum::<f64>() - r);
            }
        }
        _ => {
            let ones = vec![T::ONE; n];
            let mut storage = vec![T::NAN; Affine::<T>::required_len(1)];
            let table = Table::new(&ones, 1, n).expect("a table");
            let rhs = [radius];
            if let Ok(mut set) = Affine::new(table, &rhs, &mut storage) {
                apply(&mut set, &|x| (sum(x) - r).abs());
            }
        }
    }
}
