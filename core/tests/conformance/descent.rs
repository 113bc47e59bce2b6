//! Block coordinate descent: adapters of some of its combinations.

use southwell::descent::losses::{LeastSquares, Quadratic};
use southwell::descent::partitions::Visit;
use southwell::descent::penalties::{ElasticNet, Free, Group, Interval, L1};
use southwell::descent::selection::{
    Cyclic, Face, Greedy, GreedyVariable, HardThreshold, Score, Shuffled, Start, Tournament,
};
use southwell::descent::update::{Gradient, Matrix, MessagePassing, ProxNewton, TwoMetric};
use southwell::descent::{
    self, Loss, Measure, Options, Partition, Penalty, Problem, Scheme, Selection, Sizes, Update, Workspace,
    pairs,
};
use southwell::linear::{Columns, Csr};
use southwell::{Error, Real, Report, Stop};

use crate::common::streams::Stream;
use crate::common::{Numbers, Plain, cast, dot, leak, wide};
use crate::{Call, Method};

/// A combination: its parts are made anew for every run, since rules remember.
struct Combination<T, L, H, M> {
    name: &'static str,
    loss: L,
    penalty: H,
    make: M,
    measure: Measure,
    /// The gradient of f at x by plain loops, and the largest sum of absolute terms behind one of its elements.
    gradient: fn(&Data, &[f64]) -> (Vec<f64>, f64),
    /// max_b dist(−g_b, ∂h_b)
    violation: fn(&[f64], &[f64]) -> f64,
    data: Data,
    first: Vec<T>,
}

/// The numbers that the adapters share.
#[derive(Clone)]
struct Data {
    design: Vec<f64>,
    target: Vec<f64>,
    plain: Plain,
    linear: Vec<f64>,
}

const ROWS: usize = 16;
const COLUMNS: usize = 12;

impl<T: Real, L: Loss<T>, H: Penalty<T>, S: Selection<T>, U: Update<T>, M: Fn() -> (S, U)> Method<T>
    for Combination<T, L, H, M>
{
    fn name(&self) -> String {
        self.name.to_string()
    }
    fn first(&self) -> Vec<T> {
        self.first.clone()
    }
    fn required_len(&self) -> usize {
        let problem = Problem::new(&self.loss, &self.penalty).expect("a problem");
        let (select, update) = (self.make)();
        Workspace::<T>::required_len(&Sizes::of(&problem, &Scheme { select, update }))
    }
    fn call(
        &self,
        stop: &Stop<T>,
        x: &mut [T],
        storage: &mut [T],
        call: Call<'_, '_, T>,
    ) -> Result<Option<Report<T>>, Error> {
        let problem = Problem::new(&self.loss, &self.penalty)?;
        let (select, update) = (self.make)();
        let mut scheme = Scheme { select, update };
        let mut indices = vec![u32::MAX; Workspace::<T>::required_indices(&Sizes::of(&problem, &scheme))];
        let workspace = Workspace::new(&problem, &scheme, storage, &mut indices)?;
        let options = Options { stop: *stop, measure: self.measure };
        match call {
            Call::Solve(observer) => {
                let outcome = descent::solve(&problem, &options, &mut scheme, x, workspace, observer)?;
                Ok(Some(outcome.report))
            }
            begin => Ok(begin.to(&mut descent::start(&problem, &options, &mut scheme, x, workspace)?, stop)),
        }
    }
    fn look(&self, x: &[T]) -> (f64, f64) {
        let x = wide(x);
        let (g, size) = (self.gradient)(&self.data, &x);
        // A state that is carried along is rounded once more with every step.
        ((self.violation)(&x, &g), 256.0 * T::EPSILON.to_f64() * size)
    }
    fn ends_at_rounding(&self) -> bool {
        true
    }
    fn residual_stays_small(&self) -> bool {
        false
    }
    fn stop(&self) -> Stop<T> {
        let relative = if T::EPSILON.to_f64() > 1e-10 { 1e-4 } else { 1e-8 };
        Stop { max_steps: 3000, ..Stop::relative(T::from_f64(relative)) }
    }
}

fn of_squares(data: &Data, x: &[f64]) -> (Vec<f64>, f64) {
    let column = |j: usize| &data.design[j * ROWS..(j + 1) * ROWS];
    let mut r: Vec<f64> = data.target.iter().map(|y| -y).collect();
    let mut size: Vec<f64> = data.target.iter().map(|y| y.abs()).collect();
    for (j, x) in x.iter().enumerate() {
        for (i, a) in column(j).iter().enumerate() {
            r[i] += a * x;
            size[i] += (a * x).abs();
        }
    }
    let absolute: Vec<f64> = data.design.iter().map(|a| a.abs()).collect();
    let g = (0..COLUMNS).map(|j| dot(column(j), &r)).collect();
    let size = largest((0..COLUMNS).map(|j| dot(&absolute[j * ROWS..(j + 1) * ROWS], &size)));
    (g, size)
}

fn of_quadratic(data: &Data, x: &[f64]) -> (Vec<f64>, f64) {
    let g = data.plain.residual(&data.linear, x).iter().map(|r| -r).collect();
    let absolute =
        Plain(data.plain.0.iter().map(|row| row.iter().map(|e| (e.0, e.1.abs())).collect()).collect());
    let size = absolute.apply(&x.iter().map(|x| x.abs()).collect::<Vec<_>>());
    (g, size.iter().zip(&data.linear).map(|(s, c)| s + c.abs()).fold(0.0, f64::max))
}

fn largest(of: impl Iterator<Item = f64>) -> f64 {
    of.fold(0.0, f64::max)
}

const LAMBDA: f64 = 0.125;
const LOWER: f64 = -0.25;
const UPPER: f64 = 0.375;

fn smooth(_x: &[f64], g: &[f64]) -> f64 {
    largest(g.iter().map(|g| g.abs()))
}

fn lasso(x: &[f64], g: &[f64]) -> f64 {
    largest(
        x.iter()
            .zip(g)
            .map(|(x, g)| if *x == 0.0 { g.abs() - LAMBDA } else { (g + LAMBDA * x.signum()).abs() }),
    )
}

fn net(x: &[f64], g: &[f64]) -> f64 {
    let g: Vec<f64> = x.iter().zip(g).map(|(x, g)| g + 0.25 * x).collect();
    lasso(x, &g)
}

fn interval(x: &[f64], g: &[f64]) -> f64 {
    largest(x.iter().zip(g).map(|(x, g)| {
        if *x <= LOWER {
            -g
        } else if *x >= UPPER {
            *g
        } else {
            g.abs()
        }
    }))
}

fn interval_gap(x: &[f64], g: &[f64]) -> f64 {
    x.iter().zip(g).map(|(x, g)| (g * (x - LOWER)).max(g * (x - UPPER))).sum()
}

fn group(x: &[f64], g: &[f64]) -> f64 {
    largest(x.chunks(3).zip(g.chunks(3)).map(|(x, g)| {
        let norm = |v: &[f64]| v.iter().map(|v| v * v).sum::<f64>().sqrt();
        let size = norm(x);
        if size == 0.0 {
            return norm(g) - LAMBDA;
        }
        norm(&x.iter().zip(g).map(|(x, g)| g + LAMBDA * x / size).collect::<Vec<_>>())
    }))
}

/// Greedy pairs under a sum constraint.
struct Pairs<T: 'static> {
    loss: Quadratic<'static, T, Csr<'static, T>>,
    data: Data,
    first: Vec<T>,
}

impl<T: Real> Method<T> for Pairs<T> {
    fn name(&self) -> String {
        "pairs".to_string()
    }
    fn first(&self) -> Vec<T> {
        self.first.clone()
    }
    fn required_len(&self) -> usize {
        pairs::Workspace::<T>::required_len(COLUMNS, 0)
    }
    fn call(
        &self,
        stop: &Stop<T>,
        x: &mut [T],
        storage: &mut [T],
        call: Call<'_, '_, T>,
    ) -> Result<Option<Report<T>>, Error> {
        let bounds = Interval::new(T::from_f64(LOWER), T::from_f64(UPPER));
        let problem = pairs::Problem::new(&self.loss, bounds, T::ONE)?;
        let workspace = pairs::Workspace::new(&problem, storage)?;
        match call {
            Call::Solve(observer) => pairs::solve(&problem, stop, x, workspace, observer).map(Some),
            begin => Ok(begin.to(&mut pairs::start(&problem, stop, x, workspace)?, stop)),
        }
    }
    fn look(&self, x: &[T]) -> (f64, f64) {
        let x = wide(x);
        let (g, size) = of_quadratic(&self.data, &x);
        let each = || g.iter().zip(&x);
        let least = each().filter(|(_, x)| **x < UPPER).map(|e| *e.0).fold(f64::INFINITY, f64::min);
        let most = each().filter(|(_, x)| **x > LOWER).map(|e| *e.0).fold(f64::NEG_INFINITY, f64::max);
        ((most - least).max(0.0), 256.0 * T::EPSILON.to_f64() * size)
    }
    fn ends_at_rounding(&self) -> bool {
        true
    }
    fn residual_stays_small(&self) -> bool {
        false
    }
    fn stop(&self) -> Stop<T> {
        let relative = if T::EPSILON.to_f64() > 1e-10 { 1e-4 } else { 1e-8 };
        Stop { max_steps: 3000, ..Stop::relative(T::from_f64(relative)) }
    }
}

/// Some combinations of every part.
pub(crate) fn descent<T: Real>() -> Vec<Box<dyn Method<T>>> {
    let mut numbers = Numbers(11);
    let data = Data {
        design: numbers.vector(ROWS * COLUMNS),
        target: numbers.vector(ROWS),
        plain: Plain::random(&mut numbers, COLUMNS, 2, true),
        linear: numbers.vector(COLUMNS),
    };
    // Feasible for every set here.
    let first: Vec<T> = cast(&numbers.vector(COLUMNS).iter().map(|x| x / 4.0).collect::<Vec<_>>());
    let design: &'static [T] = leak(cast(&data.design));
    let (target, linear): (&'static [T], &'static [T]) = (leak(cast(&data.target)), leak(cast(&data.linear)));
    let squares = || {
        let view = Columns::new(design, ROWS, COLUMNS).expect("a design");
        LeastSquares::new(view, target).expect("a loss")
    };
    let quadratic = || Quadratic::new(data.plain.csr::<T>(), linear).expect("a loss");
    let blocks = Partition::consecutive(COLUMNS, 3).expect("blocks");
    let lambda = T::from_f64(LAMBDA);
    let bounds = Interval::new(T::from_f64(LOWER), T::from_f64(UPPER));
    let mut all: Vec<Box<dyn Method<T>>> = vec![];
    macro_rules! add {
        ($name:literal, $loss:ident, $gradient:ident, $penalty:expr, $violation:ident, $measure:ident, $make:expr) => {
            all.push(Box::new(Combination {
                name: $name,
                loss: $loss(),
                penalty: $penalty,
                make: move || $make,
                measure: Measure::$measure,
                gradient: $gradient,
                violation: $violation,
                data: data.clone(),
                first: first.clone(),
            }));
        };
    }
    let best = GreedyVariable::one(Score::Progress);
    add!("lasso, best", squares, of_squares, L1::new(lambda), lasso, Violation, (best, Gradient));
    add!(
        "lasso, cyclic",
        squares,
        of_squares,
        L1::new(lambda),
        lasso,
        Violation,
        (Cyclic::new(blocks), Gradient)
    );
    let net_of = ElasticNet::new(lambda, T::from_f64(0.25));
    add!(
        "elastic net, shuffled",
        squares,
        of_squares,
        net_of,
        net,
        Violation,
        (Shuffled::new(blocks, Stream::new(7)), ProxNewton::default())
    );
    add!(
        "interval, face",
        quadratic,
        of_quadratic,
        bounds,
        interval,
        Violation,
        (Face::new(best, 6, 12), TwoMetric::default())
    );
    add!(
        "interval, gap",
        quadratic,
        of_quadratic,
        bounds,
        interval_gap,
        Gap,
        (Tournament::new(Score::Progress), Gradient)
    );
    add!(
        "group",
        squares,
        of_squares,
        Group::new(lambda),
        group,
        Violation,
        (Greedy::new(blocks, Score::Progress), Gradient)
    );
    add!(
        "hard threshold",
        squares,
        of_squares,
        Free,
        smooth,
        Violation,
        (HardThreshold::new(2, Start::Dense), Matrix)
    );
    // In turn: a greedy forest orders derivatives that are zero but for their rounding, which differs.
    let storage = vec![0; Partition::graph_len(COLUMNS)].leak();
    let trees = Partition::forests(&data.plain.csr::<T>(), Visit::Descending, storage).expect("trees");
    add!("forests", quadratic, of_quadratic, Free, smooth, Violation, (Cyclic::new(trees), MessagePassing));
    // The sum that the bounds leave: the start has it already.
    let mut feasible = vec![T::ZERO; COLUMNS];
    feasible[..4].fill(T::HALF * T::HALF);
    all.push(Box::new(Pairs { loss: quadratic(), data: data.clone(), first: feasible }));
    all
}
