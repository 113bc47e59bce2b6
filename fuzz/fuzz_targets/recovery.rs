//! Robust matrix recovery: what is reported is true of the factors that are left, whatever the operator, the
//! rules, the numbers and the budget.
#![no_main]

use std::cmp::Ordering;

use arbitrary::Arbitrary;
use libfuzzer_sys::fuzz_target;
use southwell::subgradient::matrix::operator::{
    AllEntries, Bilinear, Dense, Draw, Entries, Operator, Packed, Paired, RankOne, Seeded,
};
use southwell::subgradient::matrix::{
    self, Options, Precondition, Problem, Recovered, Shape, Start, Step, Unit, Weights, Workspace,
    singular_values,
};
use southwell::{Error, Real, Run, Status, Stop};
use southwell_fuzz::{Number, bits, check_error, cycled};
use southwell_simd::{Level, force_level};

#[derive(Arbitrary, Debug)]
struct Input {
    double: bool,
    symmetric: bool,
    operator: u8,
    rows: u8,
    columns: u8,
    rank: u8,
    count: u8,
    /// Entries and measurements, cycled; tame unless `wild`.
    numbers: Vec<Number>,
    wild: bool,
    start: u8,
    weights: u8,
    alpha: Number,
    step: u8,
    eta0: Number,
    rho: u8,
    hold: u8,
    unit: u8,
    damping: Option<u8>,
    row_bound: Option<Number>,
    max_steps: u8,
    patience: u8,
}

fuzz_target!(|input: Input| if input.double { check::<f64>(&input) } else { check::<f32>(&input) });

/// Element k of the numbers.
fn number<T: Real>(input: &Input, k: usize) -> T {
    let number = cycled(&input.numbers, k);
    if input.wild { number.wild() } else { number.tame() }
}

fn check<T: Real>(input: &Input) {
    let rows = usize::from(input.rows % 6) + 1;
    let columns = if input.symmetric { rows } else { usize::from(input.columns % 6) + 1 };
    let count = usize::from(input.count % 24);
    let many = |n: usize, from: usize| (0..n).map(|k| number::<T>(input, k + from)).collect::<Vec<T>>();
    let index = |n: usize, from: usize| {
        (0..count).map(|k| (number::<f32>(input, k + from).abs() as u32) % n as u32).collect::<Vec<u32>>()
    };
    let y = many(count, 7);
    let n = rows * columns;
    match input.operator % 8 {
        0 => with(input, Dense::new(&many(count * n, 0), rows, columns), &y),
        1 => with(input, Packed::new(&many(count * rows * (rows + 1) / 2, 0), rows), &y),
        2 => with(input, RankOne::new(&many(count * rows, 0), rows), &y),
        3 => with(input, Paired::new(&many(count * rows, 0), &many(count * rows, 3), rows), &y),
        4 => with(input, Bilinear::new(&many(count * rows, 0), &many(count * columns, 5), rows, columns), &y),
        5 => with(input, Entries::new(&index(rows, 0), &index(columns, 1), rows, columns), &y),
        6 => with(input, AllEntries::new(rows, columns), &many(n, 0)),
        _ => {
            let draw = if input.wild { Draw::Normal } else { Draw::Signs };
            with(input, Seeded::new(draw, u64::from(input.count), count, rows, columns), &y);
        }
    }
}

fn options<T: Real>(input: &Input) -> Options<T> {
    let rho = T::from_f64(f64::from(input.rho) / 250.0);
    let (eta0, hold) = (input.eta0.wild::<T>().abs(), u32::from(input.hold % 8));
    let step = match input.step % 6 {
        0 => Step::Constant { eta0 },
        1 => Step::Diminishing { eta0 },
        2 => Step::Held { eta0, rho, hold },
        3 => Step::Oscillation { eta0, rho, restarts: hold },
        4 => Step::Polyak { target: eta0 },
        _ => Options::<T>::default().step,
    };
    Options {
        stop: Stop { max_steps: u32::from(input.max_steps % 40), ..Stop::default() },
        start: [Start::PowerStep, Start::Spectral, Start::Random, Start::Given][usize::from(input.start % 4)],
        alpha: if input.wild { input.alpha.wild() } else { T::from_f64(1e-3) },
        seed: u64::from(input.start),
        weights: match input.weights % 5 {
            0 => None,
            1 => Some(Weights::Sign),
            2 => Some(Weights::AboveMedian),
            3 => Some(Weights::Value),
            _ => Some(Weights::Smallest(rho)),
        },
        step,
        unit: [Unit::Auto, Unit::Spectral, Unit::Relative, Unit::Length][usize::from(input.unit % 4)],
        precondition: input.damping.map_or(Precondition::None, |damping| Precondition::Scaled {
            damping: T::from_f64(f64::from(damping) / 1e4),
        }),
        target: T::ZERO,
        patience: u32::from(input.patience),
        row_bound: input.row_bound.map_or(T::INFINITY, |bound| bound.wild::<T>().abs()),
    }
}

fn with<T: Real, O: Operator<T>>(input: &Input, operator: Result<O, Error>, y: &[T]) {
    let Ok(operator) = operator else { return };
    let rank = usize::from(input.rank % 7);
    let symmetric = input.symmetric;
    let problem =
        if symmetric { Problem::symmetric(&operator, y, rank) } else { Problem::general(&operator, y, rank) };
    let problem = match problem {
        Ok(problem) => problem,
        Err(error) => {
            return check_error(error, |name| match name {
                "columns" => operator.dimensions().1,
                _ => y.len(),
            });
        }
    };
    let (shape, options) = (problem.shape(), options::<T>(input));
    let first: Vec<T> = (0..shape.unknowns()).map(|k| number(input, k + 11)).collect();
    let scaled = options.is_scaled();
    let needed = Workspace::<T>::required_len(shape, scaled, operator.scratch_len(shape));
    let solve = |x: &mut [T], length: usize, dirt: T| -> Result<Recovered<T>, Error> {
        let mut storage = vec![dirt; length];
        let workspace = Workspace::new(&problem, scaled, &mut storage)?;
        matrix::solve(&problem, &options, x, workspace, &mut ())
    };
    let mut x = first.clone();
    let found = match solve(&mut x, needed, T::NAN) {
        Ok(found) => found,
        Err(error) => {
            assert_eq!(bits(&x), bits(&first), "an error leaves the factors alone");
            return check_error(error, |name| if name == "x" { x.len() } else { y.len() });
        }
    };
    assert!(x.iter().all(|x| x.is_finite()), "{found:?} left {x:?}");

    spectrum(shape, &x, found.rank);

    // The value is that of the factors: recomputed by the operator's rows one by one, summed in f64.
    let (mut scratch, mut gradient) = (vec![T::NAN; operator.scratch_len(shape)], vec![T::NAN; x.len()]);
    let (factors, mut sums) = (shape.factors(&x), shape.gradient(&mut gradient));
    operator.open(factors, &mut scratch, &mut sums);
    let residuals =
        y.iter().enumerate().map(|(i, &y)| (operator.apply_row(i, factors, &mut scratch) - y).abs());
    let value = residuals.map(Real::to_f64).sum::<f64>() / y.len() as f64;
    let told = found.value.to_f64();
    let overflows = value * y.len() as f64 > 0.5 * T::MAX.to_f64() || !value.is_finite();
    let bound = (y.len() as f64 + 4.0) * (T::EPSILON.to_f64() * value + T::MIN_POSITIVE.to_f64());
    if found.value < T::INFINITY {
        assert!(overflows || (told - value).abs() <= bound, "{found:?}, but {value} ± {bound}");
        assert!(found.last_value.partial_cmp(&found.value) != Some(Ordering::Less), "{found:?}");
    } else {
        assert_eq!(found.report.status, Status::NotFinite, "{found:?}");
    }
    assert!(found.found_at <= found.report.steps && found.rank <= shape.rank());
    assert!(found.signs.iter().all(|&share| share >= T::ZERO && share <= T::ONE), "{found:?}");
    match found.report.status {
        Status::Converged => assert!(found.report.residual <= options.stop.relative),
        Status::StepLimit => assert_eq!(found.report.steps, options.stop.max_steps),
        Status::Stalled | Status::NotFinite => {}
        status => panic!("{status:?}"),
    }

    // Step by step: the best never rises, and x is it.
    let (mut storage, mut again) = (vec![T::ONE; needed + 2], first.clone());
    let workspace = Workspace::new(&problem, scaled, &mut storage).expect("long enough");
    let mut run = matrix::start(&problem, &options, &mut again, workspace).expect("as before");
    let mut best = run.best().0;
    for _ in 0..found.report.steps {
        run.step();
        assert!(run.best().0 <= best);
        best = run.best().0;
    }
    assert_eq!(bits(run.x()), bits(&x), "by hand");

    // Another instruction set and other dirt; memory that is too short.
    let mut again = first.clone();
    force_level(Some(Level::Scalar));
    let same = solve(&mut again, needed + 3, T::ONE).expect("as before");
    force_level(None);
    assert_eq!(bits(&x), bits(&again), "{found:?}, scalar {same:?}");
    assert_eq!((same.report.status, same.report.steps), (found.report.status, found.report.steps));
    let mut again = first.clone();
    assert!(matches!(solve(&mut again, needed - 1, T::ZERO), Err(Error::Workspace { .. })));
    assert_eq!(bits(&again), bits(&first));
}

/// Singular values fall, and their squares sum to those of the entries.
fn spectrum<T: Real>(shape: Shape, x: &[T], told: usize) {
    let (mut values, mut storage) = (vec![T::NAN; shape.rank()], vec![T::NAN; shape.unknowns()]);
    let rank = singular_values(shape, x, &mut values, &mut storage).expect("sound sizes");
    assert_eq!(rank, told);
    let factors = shape.factors(x);
    let places = (0..shape.rows()).flat_map(|i| (0..shape.columns()).map(move |j| (i, j)));
    let square: f64 = places.map(|(i, j)| factors.entry(i, j).to_f64().powi(2)).sum();
    let reach = x.iter().fold(0.0, |most: f64, x| most.max(x.to_f64().abs()));
    // Where squares of squares neither overflow nor underflow in the type.
    if (1e-4..1e4).contains(&reach) {
        assert!(values.is_sorted_by(|a, b| a >= b), "{values:?}");
        let sum: f64 = values.iter().map(|s| s.to_f64().powi(2)).sum();
        let terms = (shape.rows() + shape.columns()) as f64 * shape.rank() as f64 + 16.0;
        let bound = 64.0 * terms * terms * T::EPSILON.to_f64() * reach.powi(4);
        assert!((sum - square).abs() <= bound, "{values:?}: {sum}, but {square} ± {bound}");
    }
}
