//! What holds for every recovery: invariances, the best iterate, bits, runs that go on, ranks that are seen.

use crate::common::sensing::{Case, narrow, product};
use crate::common::{Numbers, bits};
use proptest::prelude::*;
use southwell::subgradient::matrix::operator::{Dense, Draw, Operator, Packed, Seeded};
use southwell::subgradient::matrix::{
    self, Options, Precondition, Problem, Recovered, Shape, Start, Step, Unit, Weights, Workspace,
    singular_values,
};
use southwell::{Progress, Real, Status, Stop, drive};
use southwell_simd::{force_level, levels};

/// A whole solve; the factors and what was found.
fn solve<T: Real, O: Operator<T>>(
    problem: &Problem<'_, T, O>,
    options: &Options<T>,
    x: &[T],
    dirt: T,
) -> (Vec<T>, Recovered<T>) {
    let (shape, scaled) = (problem.shape(), options.is_scaled());
    let needed = Workspace::<T>::required_len(shape, scaled, problem.operator().scratch_len(shape));
    let mut storage = vec![dirt; needed];
    let workspace = Workspace::new(problem, scaled, &mut storage).expect("long enough");
    let mut x = x.to_vec();
    let found = matrix::solve(problem, options, &mut x, workspace, &mut ()).expect("sound");
    (x, found)
}

/// f by plain loops.
fn value<T: Real>(a: &[T], y: &[T], shape: Shape, x: &[T]) -> f64 {
    let f = shape.factors(x);
    let n = shape.rows() * shape.columns();
    let entries: Vec<f64> = (0..n)
        .map(|k| {
            let (i, j) = (k / shape.columns(), k % shape.columns());
            let pairs = f.u.chunks(shape.rows()).zip(f.v.chunks(shape.columns()));
            pairs.map(|(u, v)| u[i].to_f64() * v[j].to_f64()).sum()
        })
        .collect();
    let residuals = a
        .chunks(n)
        .zip(y)
        .map(|(a, y)| (a.iter().zip(&entries).map(|(a, x)| a.to_f64() * x).sum::<f64>() - y.to_f64()).abs());
    residuals.sum::<f64>() / y.len() as f64
}

fn either<'a, T: Real, O: Operator<T>>(
    general: bool,
    operator: &'a O,
    y: &'a [T],
    rank: usize,
) -> Problem<'a, T, O> {
    let problem =
        if general { Problem::general(operator, y, rank) } else { Problem::symmetric(operator, y, rank) };
    problem.expect("sound")
}

fn small() -> Case {
    Case { d: 8, r: 2, m: 160, p: 0.2, ..Case::default() }
}

fn step(kind: u8, target: f64) -> Step<f64> {
    match kind % 5 {
        0 => Step::Constant { eta0: 0.2 },
        1 => Step::Diminishing { eta0: 0.5 },
        2 => Step::Held { eta0: 0.25, rho: 0.9, hold: 10 },
        3 => Step::Oscillation { eta0: 0.25, rho: 0.9, restarts: 1 },
        _ => Step::Polyak { target },
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Measurements in another unit: the same run, in that unit, from every start. (By powers of four, which
    /// round nothing; the roots are powers of two.)
    #[test]
    fn another_unit(
        seed in 0_u64..1000,
        kind in 0_u8..4,
        power in -8_i32..8,
        general: bool,
        start in 0_usize..3,
    ) {
        let sensing = Case { seed, ..small() }.gaussian();
        let scale = 4_f64.powi(power);
        let scaled: Vec<f64> = sensing.y.iter().map(|y| scale * y).collect();
        let operator = Dense::new(&sensing.a, 8, 8).expect("sound");
        let start = [Start::PowerStep, Start::Spectral, Start::Random][start];
        let stop = Stop { max_steps: 60, ..Stop::default() };
        let options = Options { step: step(kind, 0.0), start, stop, ..Options::default() };
        let solved = |y: &[f64]| {
            let problem = either(general, &operator, y, 3);
            solve(&problem, &options, &vec![0.0; problem.shape().unknowns()], 0.0)
        };
        let ((x, found), (other, same)) = (solved(&sensing.y), solved(&scaled));
        prop_assert_eq!(found.report.steps, same.report.steps);
        let root = scale.sqrt();
        for (x, other) in x.iter().zip(&other) {
            prop_assert!((root * x - other).abs() <= 1e-9 * root, "{} {}", root * x, other);
        }
    }

    /// U R with any rotation R is the same iterate.
    #[test]
    fn rotations(seed in 0_u64..1000, angle in 0.0..6.3, kind in 0_u8..5, scaled: bool) {
        let sensing = Case { seed, ..small() }.gaussian();
        let operator = Dense::new(&sensing.a, 8, 8).expect("sound");
        let problem = Problem::symmetric(&operator, &sensing.y, 2).expect("sound");
        let u = Numbers(seed).vector(16);
        let (cos, sin) = (f64::cos(angle), f64::sin(angle));
        let rotated: Vec<f64> = (0..16)
            .map(|k| if k < 8 { cos * u[k] - sin * u[k + 8] } else { sin * u[k - 8] + cos * u[k] })
            .collect();
        let precondition = if scaled { Precondition::Scaled { damping: 0.01 } } else { Precondition::None };
        // Few steps: signs make what rounding does grow.
        let stop = Stop { max_steps: 6, ..Stop::default() };
        let step = step(kind, 0.1);
        let options = Options { start: Start::Given, step, precondition, stop, ..Options::default() };
        let (u, found) = solve(&problem, &options, &u, 0.0);
        let (v, same) = solve(&problem, &options, &rotated, 0.0);
        prop_assert!((found.value - same.value).abs() < 1e-10 * found.value);
        let columns = |x: &[f64]| x.chunks(8).map(<[f64]>::to_vec).collect::<Vec<_>>();
        let (x, y) = (product(&columns(&u), &columns(&u)), product(&columns(&v), &columns(&v)));
        prop_assert!(x.iter().zip(&y).all(|(x, y)| (x - y).abs() < 1e-9), "{:?} {:?}", x, y);
    }

    /// What is reported is the value of what is left, the lowest seen; more steps never make it worse.
    #[test]
    fn the_best_is_kept(
        seed in 0_u64..1000,
        kind in 0_u8..5,
        rank in 1_usize..5,
        steps in 0_u32..40,
        general: bool,
        unit in 0_usize..4,
    ) {
        let sensing = Case { seed, ..small() }.gaussian();
        let operator = Dense::new(&sensing.a, 8, 8).expect("sound");
        let problem = either(general, &operator, &sensing.y, rank);
        let unit = [Unit::Auto, Unit::Spectral, Unit::Relative, Unit::Length][unit];
        let step = step(kind, sensing.best);
        let options = |max_steps| {
            let stop = Stop { max_steps, ..Stop::default() };
            Options { alpha: 0.1, step, unit, stop, ..Options::default() }
        };
        let zero = vec![0.0; problem.shape().unknowns()];
        let (x, found) = solve(&problem, &options(steps), &zero, f64::NAN);
        let again = value(&sensing.a, &sensing.y, problem.shape(), &x);
        prop_assert!((found.value - again).abs() < 1e-12 * again, "{} {}", found.value, again);
        prop_assert!(found.value <= found.last_value && found.found_at <= found.report.steps);
        let shares = found.signs[0] + found.signs[1] + found.signs[2];
        prop_assert!((shares - 1.0).abs() < 1e-12 && found.signs.iter().all(|&s| (0.0..=1.0).contains(&s)));
        let (_, longer) = solve(&problem, &options(steps + 7), &zero, 1.0);
        prop_assert!(longer.value <= found.value);
    }
}

/// Dirty memory and other instruction sets lead to the same bits; two drives do what one does.
fn the_same_bits<T: Real>() {
    let sensing = small().gaussian();
    let (a, y) = (narrow::<T>(&sensing.a), narrow::<T>(&sensing.y));
    let dense = Dense::new(&a, 8, 8).expect("sound");
    let seeded = Seeded::new(Draw::Normal, 5, 160, 8, 8).expect("sound");
    let stop = Stop { max_steps: 40, ..Stop::default() };
    let scaled = Precondition::Scaled { damping: T::from_f64(1e-3) };
    for (general, precondition, start) in [
        (false, Precondition::None, Start::PowerStep),
        (true, scaled, Start::Spectral),
        (false, scaled, Start::Random),
    ] {
        let options = Options { precondition, start, stop, ..Options::default() };
        bits_of(&dense, &y, general, &options);
        bits_of(&seeded, &y, general, &options);
    }
}

fn bits_of<T: Real, O: Operator<T>>(operator: &O, y: &[T], general: bool, options: &Options<T>) {
    let problem = either(general, operator, y, 3);
    let zero = vec![T::ZERO; problem.shape().unknowns()];
    let (x, found) = solve(&problem, options, &zero, T::NAN);
    for level in levels() {
        force_level(Some(level));
        let (again, same) = solve(&problem, options, &zero, T::ONE);
        force_level(None);
        assert_eq!((bits(&x), found), (bits(&again), same), "{level:?}");
    }
    let (shape, scaled) = (problem.shape(), options.is_scaled());
    let mut storage = vec![T::NAN; Workspace::<T>::required_len(shape, scaled, operator.scratch_len(shape))];
    let mut again = zero.clone();
    let workspace = Workspace::new(&problem, scaled, &mut storage).expect("long enough");
    let mut run = matrix::start(&problem, options, &mut again, workspace).expect("sound");
    drive(&mut run, &Stop { max_steps: 13, ..options.stop }, &mut ());
    drive(&mut run, &Stop { max_steps: 27, ..options.stop }, &mut ());
    assert_eq!(bits(&x), bits(run.x()), "two drives for one");
}

#[test]
fn bits_agree() {
    the_same_bits::<f32>();
    the_same_bits::<f64>();
}

/// A packed triangle is the symmetric matrix; the sums run in another order, so within rounding.
#[test]
fn packed_is_dense() {
    let (d, m) = (7, 150);
    let case = Case { d, r: 1, m, p: 0.2, ..Case::default() };
    let sensing = case.measured(|a| {
        let mut numbers = Numbers(4);
        for a in a.chunks_mut(d * d) {
            for i in 0..d {
                for j in 0..=i {
                    a[i * d + j] = 4.0 * numbers.next();
                    a[j * d + i] = a[i * d + j];
                }
            }
        }
    });
    let lower = |a: &[f64]| (0..d).flat_map(|i| a[i * d..=i * d + i].to_vec()).collect::<Vec<f64>>();
    let packed: Vec<f64> = sensing.a.chunks(d * d).flat_map(lower).collect();
    let dense = Dense::new(&sensing.a, d, d).expect("sound");
    let packed = Packed::new(&packed, d).expect("sound");
    let options = Options { stop: Stop { max_steps: 30, ..Stop::default() }, ..Options::default() };
    let by_dense = Problem::symmetric(&dense, &sensing.y, 2).expect("sound");
    let by_packed = Problem::symmetric(&packed, &sensing.y, 2).expect("sound");
    let (x, found) = solve(&by_dense, &options, &[0.0; 14], 0.0);
    let (z, same) = solve(&by_packed, &options, &[0.0; 14], 0.0);
    assert!((found.value - same.value).abs() < 1e-10, "{found:?} {same:?}");
    assert!(x.iter().zip(&z).all(|(x, z)| (x - z).abs() < 1e-9), "{x:?} {z:?}");
    let options = Options::default();
    let (_, found) = solve(&by_packed, &options, &[0.0; 14], 0.0);
    assert_eq!(found.rank, 1, "{found:?}");
}

#[test]
fn endings() {
    let sensing = small().gaussian();
    let operator = Dense::new(&sensing.a, 8, 8).expect("sound");
    let problem = Problem::symmetric(&operator, &sensing.y, 2).expect("sound");
    let zero = [0.0; 16];
    let default = Options::<f64>::default();
    let (_, found) = solve(&problem, &default, &zero, 0.0);
    assert_eq!((found.report.status, found.rank), (Status::Converged, 2), "the step has shrunk: {found:?}");
    assert!(found.report.residual <= 1e-8 && found.value < sensing.best * (1.0 + 1e-6));
    let target = 1.01 * sensing.best;
    let (_, found) = solve(&problem, &Options { target, ..default }, &zero, 0.0);
    assert_eq!(found.report.status, Status::Converged);
    assert!(found.value <= target && found.report.residual == 0.0 && found.report.steps < 200, "{found:?}");
    let constant = Options { step: Step::Constant { eta0: 0.25 }, patience: 50, ..default };
    let (_, found) = solve(&problem, &constant, &zero, 0.0);
    assert_eq!(found.report.status, Status::Stalled, "{found:?}");
    let (_, found) =
        solve(&problem, &Options { stop: Stop { max_steps: 5, ..Stop::default() }, ..default }, &zero, 0.0);
    assert_eq!((found.report.status, found.report.steps), (Status::StepLimit, 5));
    let nothing = Problem::symmetric(&operator, &[0.0; 160], 2).expect("sound");
    let (x, found) = solve(&nothing, &Options { start: Start::Given, ..default }, &zero, 0.0);
    assert_eq!((found.report.status, found.value, found.rank), (Status::Converged, 0.0, 0));
    assert_eq!(x, zero);
    // One step of a length that overflows: what was there before is kept.
    let long = Options { step: Step::Constant { eta0: 1e300 }, unit: Unit::Length, ..default };
    let (x, found) = solve(&problem, &long, &zero, 0.0);
    assert_eq!(found.report.status, Status::NotFinite);
    assert!(x.iter().all(|x| x.is_finite()) && found.value.is_finite() && found.found_at == 0);
    let mut seen = 0;
    let mut storage = vec![0.0; Workspace::<f64>::required_len(problem.shape(), false, 128)];
    let workspace = Workspace::new(&problem, false, &mut storage).expect("long enough");
    let mut observer = |progress: &Progress<f64>| {
        seen += 1;
        if progress.step == 3 {
            core::ops::ControlFlow::Break(())
        } else {
            core::ops::ControlFlow::Continue(())
        }
    };
    let found = matrix::solve(&problem, &default, &mut [0.0; 16], workspace, &mut observer).expect("sound");
    assert_eq!((found.report.status, found.report.steps, seen), (Status::Stopped, 3, 4));
}

/// Starts by other weights, and rows that are kept short.
#[test]
fn weights_and_bounds() {
    let sensing = small().gaussian();
    let operator = Dense::new(&sensing.a, 8, 8).expect("sound");
    let problem = Problem::symmetric(&operator, &sensing.y, 3).expect("sound");
    for weights in [Weights::Sign, Weights::Value, Weights::Smallest(0.8), Weights::AboveMedian] {
        for start in [Start::PowerStep, Start::Spectral] {
            let options = Options { weights: Some(weights), start, ..Options::default() };
            let (_, found) = solve(&problem, &options, &[0.0; 24], 0.0);
            assert_eq!(found.rank, 2, "{weights:?} {start:?} {found:?}");
        }
    }
    let options = Options { row_bound: 0.3, ..Options::default() };
    let (x, _) = solve(&problem, &options, &[0.0; 24], 0.0);
    for i in 0..8 {
        let length: f64 = (0..3).map(|k| x[k * 8 + i] * x[k * 8 + i]).sum();
        assert!(length.sqrt() <= 0.3 * (1.0 + 1e-14), "{length}");
    }
}

#[test]
fn ranks_and_singular_values() {
    // U = [2e₁, e₂], V = [3e₁, e₃]: singular values 6 and 1; and a third far below.
    let shape = Shape::general(4, 3, 3);
    let mut x = vec![0.0; shape.unknowns()];
    (x[0], x[5], x[10]) = (2.0, 1.0, 1e-6);
    (x[12], x[17], x[19]) = (3.0, 1.0, 1e-6);
    let (mut values, mut storage) = ([f64::NAN; 3], vec![f64::NAN; shape.unknowns()]);
    assert_eq!(singular_values(shape, &x, &mut values, &mut storage), Ok(2));
    for (value, expected) in values.iter().zip([6.0, 1.0, 1e-12]) {
        assert!((value / expected - 1.0).abs() < 1e-12, "{values:?}");
    }
    let shape = Shape::symmetric(5, 3);
    let mut values = [0.0; 3];
    let x = Numbers(8).vector(15);
    assert_eq!(singular_values(shape, &x, &mut values, &mut storage), Ok(3), "no gap: {values:?}");
    assert_eq!(singular_values(shape, &[0.0; 15], &mut values, &mut storage), Ok(0));
    // Σ λ = tr U Uᵀ, Σ λ² = ‖U Uᵀ‖².
    singular_values(shape, &x, &mut values, &mut storage).expect("sound");
    let columns: Vec<Vec<f64>> = x.chunks(5).map(<[f64]>::to_vec).collect();
    let square: f64 = product(&columns, &columns).iter().map(|x| x * x).sum();
    let trace: f64 = x.iter().map(|x| x * x).sum();
    assert!((values.iter().sum::<f64>() - trace).abs() < 1e-12);
    assert!((values.iter().map(|v| v * v).sum::<f64>() - square).abs() < 1e-12);
}

/// Singular values grow with their matrix, from very small ones to very large ones.
#[test]
fn singular_values_are_homogeneous() {
    for shape in [Shape::symmetric(5, 3), Shape::general(4, 3, 3)] {
        let x = Numbers(11).vector(shape.unknowns());
        let values = |x: &[f64]| {
            let (mut values, mut storage) = ([f64::NAN; 3], vec![f64::NAN; shape.unknowns()]);
            singular_values(shape, x, &mut values, &mut storage).expect("sound");
            values
        };
        let plain = values(&x);
        for factor in [1e-30, 1e-12, 1e12, 1e30] {
            let scaled: Vec<f64> = x.iter().map(|x| factor * x).collect();
            for (value, plain) in values(&scaled).iter().zip(plain) {
                assert!((value / (factor * factor * plain) - 1.0).abs() < 1e-12, "{value} {plain} {factor}");
            }
        }
    }
}
