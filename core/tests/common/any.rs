//! Any loss, penalty or update behind one type: a test of all combinations is compiled once.

use southwell::Status;
use southwell::descent::losses::{Huber, LeastSquares, Logistic, Quadratic, Softmax};
use southwell::descent::penalties::{
    Block, ElasticNet, Free, Group, Interval, L1, NonNegative, Shape, Simplex,
};
use southwell::descent::selection::Needs;
use southwell::descent::update::{
    Backtracking, Gradient, Matrix, MessagePassing, Newton, Place, ProxNewton, TwoMetric,
};
use southwell::descent::{Loss, Penalty, Problem, Update};
use southwell::linear::{Columns, Csr, Dense};
use southwell::{Error, Real};

pub(crate) enum AnyLoss<'a> {
    Squares(LeastSquares<'a, f64, Columns<'a, f64>>),
    Huber(Huber<'a, f64, Columns<'a, f64>>),
    Logistic(Logistic<'a, f64, Columns<'a, f64>>),
    Softmax(Softmax<'a, Columns<'a, f64>>),
    Sparse(Quadratic<'a, f64, Csr<'a, f64>>),
    Dense(Quadratic<'a, f64, Dense<'a, f64>>),
    Quartic(Quartic),
}

pub(crate) enum AnyPenalty<'a> {
    Free(Free),
    L1(L1<'a, f64>),
    Net(ElasticNet<'a, f64>),
    Positive(NonNegative<'a, f64>),
    Interval(Interval<'a, f64>),
    Group(Group<'a, f64>),
    Simplex(Simplex<f64>),
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum AnyUpdate {
    Gradient(Gradient),
    Backtracking(Backtracking<f64>),
    Matrix(Matrix),
    Newton(Newton<f64>),
    Prox(ProxNewton<f64>),
    TwoMetric(TwoMetric<f64>),
    Messages(MessagePassing),
}

macro_rules! each {
    ($any:ident $self:ident { $($variant:ident)* } $it:ident => $call:expr) => {
        match $self { $($any::$variant($it) => $call,)* }
    };
}
macro_rules! loss {
    ($self:ident, $it:ident => $call:expr) => {
        each!(AnyLoss $self { Squares Huber Logistic Softmax Sparse Dense Quartic } $it => $call)
    };
}
macro_rules! penalty {
    ($self:ident, $it:ident => $call:expr) => {
        each!(AnyPenalty $self { Free L1 Net Positive Interval Group Simplex } $it => $call)
    };
}
macro_rules! update {
    ($self:ident, $it:ident => $call:expr) => {
        each!(AnyUpdate $self { Gradient Backtracking Matrix Newton Prox TwoMetric Messages } $it => $call)
    };
}

impl Loss<f64> for AnyLoss<'_> {
    fn variables(&self) -> usize {
        loss!(self, it => Loss::<f64>::variables(it))
    }
    fn state_len(&self) -> usize {
        loss!(self, it => Loss::<f64>::state_len(it))
    }
    fn begin(&self, x: &[f64], state: &mut [f64]) {
        loss!(self, it => it.begin(x, state));
    }
    fn shift(&self, i: usize, delta: f64, state: &mut [f64]) {
        loss!(self, it => it.shift(i, delta, state));
    }
    fn value(&self, x: &[f64], state: &[f64]) -> f64 {
        loss!(self, it => it.value(x, state))
    }
    fn partial(&self, i: usize, state: &[f64]) -> f64 {
        loss!(self, it => it.partial(i, state))
    }
    fn lipschitz(&self, i: usize) -> f64 {
        loss!(self, it => it.lipschitz(i))
    }
    fn finish(&self, state: &mut [f64]) {
        loss!(self, it => it.finish(state));
    }
    fn gradient_len(&self) -> usize {
        loss!(self, it => Loss::<f64>::gradient_len(it))
    }
    fn gradient<'s>(&self, state: &'s [f64], out: &'s mut [f64]) -> &'s [f64] {
        loss!(self, it => it.gradient(state, out))
    }
    fn bound(&self, block: &[u32], out: &mut [f64]) {
        loss!(self, it => it.bound(block, out));
    }
    fn hessian(&self, state: &mut [f64], block: &[u32], out: &mut [f64]) {
        loss!(self, it => it.hessian(state, block, out));
    }
    fn row_sum(&self, i: usize) -> f64 {
        loss!(self, it => it.row_sum(i))
    }
    fn bound_times(&self, v: &[f64], scratch: &mut [f64], out: &mut [f64]) {
        loss!(self, it => it.bound_times(v, scratch, out));
    }
    fn row(&self, i: usize, each: impl FnMut(usize, f64)) -> bool {
        loss!(self, it => it.row(i, each))
    }
}

impl Penalty<f64> for AnyPenalty<'_> {
    fn check(&self, variables: usize) -> Result<(), Error> {
        penalty!(self, it => Penalty::<f64>::check(it, variables))
    }
    fn shape(&self, i: usize) -> Option<Shape<f64>> {
        penalty!(self, it => it.shape(i))
    }
    fn is_zero(&self) -> bool {
        penalty!(self, it => Penalty::<f64>::is_zero(it))
    }
    fn separable(&self) -> bool {
        penalty!(self, it => Penalty::<f64>::separable(it))
    }
    fn blocks(&self) -> Option<usize> {
        penalty!(self, it => Penalty::<f64>::blocks(it))
    }
    fn value(&self, block: Block<'_>, x: &[f64]) -> f64 {
        penalty!(self, it => it.value(block, x))
    }
    fn prox(&self, block: Block<'_>, step: f64, x: &mut [f64]) {
        penalty!(self, it => it.prox(block, step, x));
    }
    fn violation(&self, block: Block<'_>, x: &[f64], g: &[f64]) -> f64 {
        penalty!(self, it => it.violation(block, x, g))
    }
    fn progress(&self, block: Block<'_>, moves: (&[f64], &[f64]), g: &[f64], l: f64) -> f64 {
        penalty!(self, it => it.progress(block, moves, g, l))
    }
    fn gap(&self, block: Block<'_>, x: &[f64], g: &[f64]) -> f64 {
        penalty!(self, it => it.gap(block, x, g))
    }
}

impl Update<f64> for AnyUpdate {
    fn needs(&self, variables: usize, largest: usize) -> Needs {
        update!(self, it => Update::<f64>::needs(it, variables, largest))
    }
    fn wants_constants(&self) -> bool {
        update!(self, it => Update::<f64>::wants_constants(it))
    }
    fn check<L: Loss<f64>, H: Penalty<f64>>(&self, problem: &Problem<'_, L, H>) -> Result<(), Error> {
        update!(self, it => it.check(problem))
    }
    fn begin<L: Loss<f64>, H: Penalty<f64>>(
        &self,
        problem: &Problem<'_, L, H>,
        memory: (&mut [f64], &mut [u32]),
    ) {
        update!(self, it => it.begin(problem, memory));
    }
    fn apply<L: Loss<f64>, H: Penalty<f64>>(&self, place: &mut Place<'_, f64, L, H>) -> Result<(), Status> {
        update!(self, it => it.apply(place))
    }
}

/// A caller's loss of seven methods: Σ (x_i − i/4)⁴/12 + x_i²/2, whose curvature stays below 17 within 4 of i/4.
pub(crate) struct Quartic;

impl<T: Real> Loss<T> for Quartic {
    fn variables(&self) -> usize {
        6
    }
    fn state_len(&self) -> usize {
        6
    }
    fn begin(&self, x: &[T], state: &mut [T]) {
        state.copy_from_slice(x);
    }
    fn shift(&self, i: usize, delta: T, state: &mut [T]) {
        state[i] += delta;
    }
    fn value(&self, x: &[T], _state: &[T]) -> T {
        let of = |(i, x): (usize, &T)| {
            let x = x.to_f64();
            (x - i as f64 / 4.0).powi(4) / 12.0 + x * x / 2.0
        };
        T::from_f64(x.iter().enumerate().map(of).sum())
    }
    fn partial(&self, i: usize, state: &[T]) -> T {
        let x = state[i].to_f64();
        T::from_f64((x - i as f64 / 4.0).powi(3) / 3.0 + x)
    }
    fn lipschitz(&self, _i: usize) -> T {
        T::from_f64(17.0)
    }
}
