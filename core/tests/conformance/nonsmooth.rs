//! The sub-gradient family: robust fits, the general methods, and the recovery of matrices.

use southwell::subgradient::matrix::operator::{Dense, Operator};
use southwell::subgradient::matrix::{self, Precondition};
use southwell::subgradient::method::Ending;
use southwell::subgradient::step::{Diminishing, Geometric};
use southwell::subgradient::{
    MaxAffine, Problem, Quantile, Table, dual_averaging, fit, game, huber, method, mirror, projection,
};
use southwell::{Real, Stop};

use crate::Method;
use crate::common::{Numbers, cast, dot, leak};
use crate::shaped::{Pose, Shaped, Worth};

const ROWS: usize = 24;
const COLUMNS: usize = 4;

/// A tolerance for lengths of steps.
fn stop<T: Real>(max_steps: u32, double: f64) -> Stop<T> {
    let relative = if T::EPSILON.to_f64() > 1e-10 { double.sqrt() } else { double };
    Stop { max_steps, ..Stop::relative(T::from_f64(relative)) }
}

/// A table and observations, some of them gross.
struct Rows {
    values: Vec<f64>,
    y: Vec<f64>,
}

fn rows() -> Rows {
    let mut numbers = Numbers(31);
    let values = numbers.vector(ROWS * COLUMNS);
    let of = |i: usize| dot(&values[i * COLUMNS..][..COLUMNS], &[1.0, -0.5, 0.25, 2.0]);
    let y: Vec<f64> =
        (0..ROWS).map(|i| of(i) + if i % 5 == 0 { 4.0 } else { 0.125 * numbers.next() }).collect();
    Rows { values, y: cast::<f32>(&y).iter().map(|y| f64::from(*y)).collect() }
}

impl Rows {
    /// Σ ρ(y − X β)
    fn sum(&self, beta: &[f64], rho: fn(f64) -> f64) -> f64 {
        let of = |(row, y): (&[f64], &f64)| rho(y - dot(row, beta));
        self.values.chunks(COLUMNS).zip(&self.y).map(of).sum()
    }
    fn absolute(&self, beta: &[f64]) -> f64 {
        self.sum(beta, f64::abs)
    }
    /// The largest of the affine functions.
    fn most(&self, x: &[f64]) -> f64 {
        let of = |(row, y): (&[f64], &f64)| dot(row, x) + y;
        self.values.chunks(COLUMNS).zip(&self.y).map(of).fold(f64::NEG_INFINITY, f64::max)
    }
}

/// A method over the table: `worth` is what it minimises.
fn over_rows<T: Real>(
    name: &'static str,
    first: Vec<T>,
    len: usize,
    stop: Stop<T>,
    worth: Option<fn(&Rows, &[f64]) -> f64>,
    pose: impl Fn(&'static [T], &'static [T]) -> Pose<T>,
) -> Box<dyn Method<T>> {
    let data = rows();
    let pose = pose(leak(cast(&data.values)), leak(cast(&data.y)));
    let worth = worth.map(|worth| Box::new(move |x: &[f64]| worth(&data, x)) as Worth);
    Box::new(Shaped { name, first, len, stop, worth, pose })
}

fn fits<T: Real>() -> Vec<Box<dyn Method<T>>> {
    let whitening = fit::Whitening::Orthogonal;
    let zeros = || vec![T::ZERO; COLUMNS];
    let huber_loss = |data: &Rows, beta: &[f64]| {
        data.sum(beta, |r| if r.abs() <= 0.25 { 0.5 * r * r } else { 0.25 * r.abs() - 0.03125 })
    };
    vec![
        over_rows(
            "least absolute deviations",
            zeros(),
            fit::Workspace::<T>::required_len(ROWS, COLUMNS, whitening, true),
            stop(20_000, 1e-9),
            Some(Rows::absolute),
            move |table, y| {
                Box::new(move |stop, x, storage, call| {
                    let loss = Quantile::absolute(Table::new(table, ROWS, COLUMNS)?, y)?;
                    let mut indices = vec![u32::MAX; fit::Workspace::<T>::required_indices(COLUMNS)];
                    let work = fit::Workspace::new(&loss, whitening, true, storage, &mut indices)?;
                    let ending = Ending { stop: *stop, ..Ending::default() };
                    let options = fit::Options { ending, ..Default::default() };
                    Ok(call.to(&mut fit::start(&loss, &options, fit::rule(), x, work)?, stop))
                })
            },
        ),
        over_rows(
            "Huber",
            zeros(),
            huber::Workspace::<T>::required_len(COLUMNS),
            stop(200, 1e-9),
            Some(huber_loss),
            |table, y| {
                Box::new(move |stop, x, storage, call| {
                    let table = Table::new(table, ROWS, COLUMNS)?;
                    let loss = huber::Huber::new(table, y, T::from_f64(0.25))?;
                    let work = huber::Workspace::new(&loss, storage)?;
                    Ok(call.to(&mut huber::start(&loss, stop, x, work)?, stop))
                })
            },
        ),
    ]
}

fn general<T: Real>() -> Vec<Box<dyn Method<T>>> {
    let geometric = || Geometric::new(T::ONE, T::from_f64(0.9));
    let share = vec![T::ONE / T::from_usize(COLUMNS); COLUMNS];
    vec![
        over_rows(
            "sub-gradients in a box",
            vec![T::ZERO; COLUMNS],
            method::Workspace::<T>::required_len(COLUMNS, false),
            stop(2000, 1e-8),
            Some(Rows::absolute),
            move |table, y| {
                Box::new(move |stop, x, storage, call| {
                    let loss = Quantile::absolute(Table::new(table, ROWS, COLUMNS)?, y)?;
                    let set = projection::Interval::new(-T::ONE, T::ONE)?;
                    let problem = Problem::new(loss, set)?;
                    let work = method::Workspace::new(&problem, false, storage)?;
                    let ending = Ending { stop: *stop, ..Ending::default() };
                    let options = method::Options { ending, ..Default::default() };
                    Ok(call.to(&mut method::start(problem, &options, geometric(), x, work)?, stop))
                })
            },
        ),
        over_rows(
            "mirror descent",
            share,
            mirror::Workspace::<T>::required_len(COLUMNS),
            stop(2000, 1e-8),
            Some(Rows::most),
            move |table, y| {
                Box::new(move |stop, x, storage, call| {
                    let mut scratch = vec![T::NAN; 2 * ROWS];
                    let table = Table::new(table, ROWS, COLUMNS)?;
                    let loss = MaxAffine::new(table, y, false, &mut scratch)?;
                    let work = mirror::Workspace::new(&loss, storage)?;
                    let ending = Ending { stop: *stop, ..Ending::default() };
                    Ok(call.to(&mut mirror::start(loss, &ending, geometric(), x, work)?, stop))
                })
            },
        ),
        over_rows(
            "dual averaging",
            vec![T::ZERO; COLUMNS],
            dual_averaging::Workspace::<T>::required_len(COLUMNS),
            // Steps shorten as 1/√t.
            Stop { max_steps: 4000, ..Stop::relative(T::from_f64(0.03125)) },
            Some(Rows::absolute),
            move |table, y| {
                Box::new(move |stop, x, storage, call| {
                    let loss = Quantile::absolute(Table::new(table, ROWS, COLUMNS)?, y)?;
                    let problem = Problem::new(loss, projection::Interval::new(-T::TWO, T::TWO)?)?;
                    let work = dual_averaging::Workspace::new(&problem, storage)?;
                    let ending = Ending { stop: *stop, ..Ending::default() };
                    let options = dual_averaging::Options { ending, ..Default::default() };
                    Ok(call.to(&mut dual_averaging::start(problem, &options, x, work)?, stop))
                })
            },
        ),
    ]
}

/// A matrix game; the iterate is x followed by y.
fn matrix_game<T: Real>() -> Box<dyn Method<T>> {
    let mut first = vec![T::ONE / T::from_usize(ROWS); ROWS];
    first.extend(vec![T::ONE / T::from_usize(COLUMNS); COLUMNS]);
    over_rows(
        "game",
        first,
        game::Workspace::<T>::required_len(ROWS, COLUMNS),
        Stop { max_steps: 4000, ..Stop::relative(T::from_f64(0.03125)) },
        None,
        |table, _| {
            Box::new(move |stop, both, storage, call| {
                let payoff = Table::new(table, ROWS, COLUMNS)?;
                let work = game::Workspace::new(&payoff, storage)?;
                let ending = Ending { stop: *stop, ..Ending::default() };
                let (x, y) = both.split_at_mut(ROWS);
                Ok(call.to(&mut game::start(&payoff, &ending, Diminishing(T::ONE), x, y, work)?, stop))
            })
        },
    )
}

const SIDE: usize = 6;
const COUNT: usize = 60;

/// A symmetric matrix of rank 1 from dense measurements, every sixth of them gross.
fn recovery<T: Real>(name: &'static str, precondition: Precondition<T>) -> Box<dyn Method<T>> {
    let mut numbers = Numbers(32);
    let a = numbers.vector(COUNT * SIDE * SIDE);
    let truth = |k: usize| (1.0 + (k / SIDE) as f64 / 8.0) * (1.0 + (k % SIDE) as f64 / 8.0);
    let y: Vec<f64> = (0..COUNT)
        .map(|i| {
            let clean: f64 = (0..SIDE * SIDE).map(|k| a[i * SIDE * SIDE + k] * truth(k)).sum();
            if i % 6 == 0 { clean + 16.0 * numbers.next() } else { clean }
        })
        .collect();
    let y: Vec<f64> = cast::<f32>(&y).iter().map(|y| f64::from(*y)).collect();
    let (values, measured): (&'static [T], &'static [T]) = (leak(cast(&a)), leak(cast(&y)));
    let operator = || Dense::new(values, SIDE, SIDE);
    let scaled = precondition != Precondition::None;
    let problem = matrix::Problem::symmetric(&operator().expect("an operator"), measured, 1)
        .expect("a problem")
        .shape();
    let options = matrix::Options { alpha: T::ONE, precondition, ..matrix::Options::default() };
    let scratch = Operator::<T>::scratch_len(&operator().expect("an operator"), problem);
    Box::new(Shaped {
        name,
        first: vec![T::ZERO; SIDE],
        len: matrix::Workspace::<T>::required_len(problem, scaled, scratch),
        stop: stop(2000, 1e-8),
        worth: Some(Box::new(move |u| {
            let of = |i: usize| {
                let each = |k: usize| a[i * SIDE * SIDE + k] * u[k / SIDE] * u[k % SIDE];
                ((0..SIDE * SIDE).map(each).sum::<f64>() - y[i]).abs()
            };
            (0..COUNT).map(of).sum()
        })),
        pose: Box::new(move |stop, x, storage, call| {
            let operator = operator()?;
            let problem = matrix::Problem::symmetric(&operator, measured, 1)?;
            let work = matrix::Workspace::new(&problem, scaled, storage)?;
            let options = matrix::Options { stop: *stop, ..options };
            Ok(call.to(&mut matrix::start(&problem, &options, x, work)?, stop))
        }),
    })
}

pub(crate) fn nonsmooth<T: Real>() -> Vec<Box<dyn Method<T>>> {
    let mut all = fits();
    all.extend(general());
    all.push(matrix_game());
    all.push(recovery("recovery", Precondition::None));
    all
}
