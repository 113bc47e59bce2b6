//! Any loss, penalty, rule and update as one type each, so that everything meets everything in one solver.

use rand_xoshiro::Xoshiro256PlusPlus;
use southwell::descent::losses::{LeastSquares, Quadratic};
use southwell::descent::penalties::{
    Block, ElasticNet, Free, Group, Interval, L1, NonNegative, Penalty, Shape, Simplex,
};
use southwell::descent::selection::{
    Choice, Cyclic, Face, Greedy, GreedyQuadratic, HardThreshold, Needs, Proportional, RandomForest,
    RandomVariable, Selection, Shuffled, Sight, Uniform,
};
use southwell::descent::update::{
    Backtracking, Gradient, Matrix, MessagePassing, Newton, Place, ProxNewton, TwoMetric, Update,
};
use southwell::descent::{Loss, Partition, Problem};
use southwell::linear::{Columns, Csr, Dense};
use southwell::{Error, Real, Status};

/// Hands a call on to whichever it is.
macro_rules! each {
    ($of:ident, $self:expr, [$($kind:ident)*], $one:ident => $call:expr) => {
        match $self { $($of::$kind($one) => $call,)* }
    };
}

pub enum Smooth<'a, T> {
    Sparse(Quadratic<'a, T, Csr<'a, T>>),
    Dense(Quadratic<'a, T, Dense<'a, T>>),
    Squares(LeastSquares<'a, T, Columns<'a, T>>),
}

macro_rules! loss {
    ($self:expr, $one:ident => $call:expr) => {
        each!(Smooth, $self, [Sparse Dense Squares], $one => $call)
    };
}

impl<T: Real> Loss<T> for Smooth<'_, T> {
    fn variables(&self) -> usize {
        loss!(self, f => f.variables())
    }
    fn state_len(&self) -> usize {
        loss!(self, f => f.state_len())
    }
    fn begin(&self, x: &[T], state: &mut [T]) {
        loss!(self, f => f.begin(x, state));
    }
    fn shift(&self, variable: usize, delta: T, state: &mut [T]) {
        loss!(self, f => f.shift(variable, delta, state));
    }
    fn value(&self, x: &[T], state: &[T]) -> T {
        loss!(self, f => f.value(x, state))
    }
    fn partial(&self, variable: usize, state: &[T]) -> T {
        loss!(self, f => f.partial(variable, state))
    }
    fn lipschitz(&self, variable: usize) -> T {
        loss!(self, f => f.lipschitz(variable))
    }
    fn finish(&self, state: &mut [T]) {
        loss!(self, f => f.finish(state));
    }
    fn gradient_len(&self) -> usize {
        loss!(self, f => f.gradient_len())
    }
    fn gradient<'s>(&self, state: &'s [T], out: &'s mut [T]) -> &'s [T] {
        loss!(self, f => f.gradient(state, out))
    }
    fn bound(&self, block: &[u32], out: &mut [T]) {
        loss!(self, f => f.bound(block, out));
    }
    fn hessian(&self, state: &mut [T], block: &[u32], out: &mut [T]) {
        loss!(self, f => f.hessian(state, block, out));
    }
    fn row_sum(&self, variable: usize) -> T {
        loss!(self, f => f.row_sum(variable))
    }
    fn bound_times(&self, v: &[T], scratch: &mut [T], out: &mut [T]) {
        loss!(self, f => f.bound_times(v, scratch, out));
    }
    fn row(&self, variable: usize, each: impl FnMut(usize, T)) -> bool {
        loss!(self, f => f.row(variable, each))
    }
}

pub enum Part<'a, T> {
    Free(Free),
    L1(L1<'a, T>),
    Elastic(ElasticNet<'a, T>),
    NonNegative(NonNegative<'a, T>),
    Interval(Interval<'a, T>),
    Group(Group<'a, T>),
    Simplex(Simplex<T>),
}

macro_rules! part {
    ($self:expr, $one:ident => $call:expr) => {
        each!(Part, $self, [Free L1 Elastic NonNegative Interval Group Simplex], $one => $call)
    };
}

impl<T: Real> Penalty<T> for Part<'_, T> {
    fn check(&self, variables: usize) -> Result<(), Error> {
        part!(self, h => Penalty::<T>::check(h, variables))
    }
    fn shape(&self, variable: usize) -> Option<Shape<T>> {
        part!(self, h => h.shape(variable))
    }
    fn is_zero(&self) -> bool {
        part!(self, h => Penalty::<T>::is_zero(h))
    }
    fn separable(&self) -> bool {
        part!(self, h => Penalty::<T>::separable(h))
    }
    fn blocks(&self) -> Option<usize> {
        part!(self, h => Penalty::<T>::blocks(h))
    }
    fn value(&self, block: Block<'_>, x: &[T]) -> T {
        part!(self, h => h.value(block, x))
    }
    fn prox(&self, block: Block<'_>, step: T, x: &mut [T]) {
        part!(self, h => h.prox(block, step, x));
    }
    fn violation(&self, block: Block<'_>, x: &[T], g: &[T]) -> T {
        part!(self, h => h.violation(block, x, g))
    }
    fn progress(&self, block: Block<'_>, x: (&[T], &[T]), g: &[T], l: T) -> T {
        part!(self, h => h.progress(block, x, g, l))
    }
    fn gap(&self, block: Block<'_>, x: &[T], g: &[T]) -> T {
        part!(self, h => h.gap(block, x, g))
    }
}

pub enum Rule<'a, T> {
    Cyclic(Cyclic<'a>),
    Uniform(Uniform<'a, Xoshiro256PlusPlus>),
    Shuffled(Shuffled<'a, Xoshiro256PlusPlus>),
    Proportional(Proportional<'a, Xoshiro256PlusPlus>),
    Greedy(Greedy<'a>),
    Quadratic(GreedyQuadratic<'a>),
    Variables(RandomVariable<Xoshiro256PlusPlus>),
    Threshold(HardThreshold<T>),
    Forest(RandomForest<Xoshiro256PlusPlus>),
    Face(Face<Cyclic<'a>>),
}

macro_rules! rule {
    ($self:expr, $one:ident => $call:expr) => {
        each!(
            Rule, $self,
            [Cyclic Uniform Shuffled Proportional Greedy Quadratic Variables Threshold Forest Face],
            $one => $call
        )
    };
}

impl<T: Real> Selection<T> for Rule<'_, T> {
    fn partition(&self) -> Option<&Partition<'_>> {
        rule!(self, s => Selection::<T>::partition(s))
    }
    fn largest(&self) -> usize {
        rule!(self, s => Selection::<T>::largest(s))
    }
    fn needs(&self, variables: usize, smooth: bool) -> Needs {
        rule!(self, s => Selection::<T>::needs(s, variables, smooth))
    }
    fn greedy(&self) -> bool {
        rule!(self, s => Selection::<T>::greedy(s))
    }
    fn patience(&self) -> Option<u32> {
        rule!(self, s => Selection::<T>::patience(s))
    }
    fn wants_constants(&self) -> bool {
        rule!(self, s => Selection::<T>::wants_constants(s))
    }
    fn check<L: Loss<T>, H: Penalty<T>>(&self, problem: &Problem<'_, L, H>) -> Result<(), Error> {
        rule!(self, s => Selection::<T>::check(s, problem))
    }
    fn begin<L: Loss<T>, H: Penalty<T>>(&mut self, sight: Sight<'_, T, L, H>) {
        rule!(self, s => s.begin(sight));
    }
    fn choose<L: Loss<T>, H: Penalty<T>>(&mut self, sight: Sight<'_, T, L, H>, block: &mut [u32]) -> Choice {
        rule!(self, s => s.choose(sight, block))
    }
}

#[derive(Clone, Copy)]
pub enum Way<T> {
    Gradient(Gradient),
    Backtracking(Backtracking<T>),
    Matrix(Matrix),
    Newton(Newton<T>),
    ProxNewton(ProxNewton<T>),
    TwoMetric(TwoMetric<T>),
    Messages(MessagePassing),
}

macro_rules! way {
    ($self:expr, $one:ident => $call:expr) => {
        each!(
            Way, $self,
            [Gradient Backtracking Matrix Newton ProxNewton TwoMetric Messages],
            $one => $call
        )
    };
}

impl<T: Real> Update<T> for Way<T> {
    fn needs(&self, variables: usize, largest: usize) -> Needs {
        way!(self, u => Update::<T>::needs(u, variables, largest))
    }
    fn wants_constants(&self) -> bool {
        way!(self, u => Update::<T>::wants_constants(u))
    }
    fn check<L: Loss<T>, H: Penalty<T>>(&self, problem: &Problem<'_, L, H>) -> Result<(), Error> {
        way!(self, u => Update::<T>::check(u, problem))
    }
    fn begin<L: Loss<T>, H: Penalty<T>>(&self, problem: &Problem<'_, L, H>, memory: (&mut [T], &mut [u32])) {
        way!(self, u => u.begin(problem, memory));
    }
    fn apply<L: Loss<T>, H: Penalty<T>>(&self, place: &mut Place<'_, T, L, H>) -> Result<(), Status> {
        way!(self, u => u.apply(place))
    }
}
