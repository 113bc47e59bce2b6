//! Any penalty behind one type.

use southwell::Error;
use southwell::descent::Penalty;
use southwell::descent::penalties::{
    Block, ElasticNet, Free, Group, Interval, L1, NonNegative, Shape, Simplex, Values,
};

use super::Kink;

#[derive(Clone, Copy, Debug)]
pub(super) enum AnyPenalty<'a> {
    Free(Free),
    L1(L1<'a, f64>),
    Net(ElasticNet<'a, f64>),
    Positive(NonNegative<'a, f64>),
    Interval(Interval<'a, f64>),
    Group(Group<'a, f64>),
    Simplex(Simplex<f64>),
}

/// One number for all, or one each.
fn values(numbers: &[f64]) -> Values<'_, f64> {
    match numbers {
        [one] => Values::Same(*one),
        all => Values::Each(all),
    }
}

impl<'a> AnyPenalty<'a> {
    pub(super) fn new(kink: &'a Kink) -> Self {
        match kink {
            Kink::Free => Self::Free(Free),
            Kink::L1(lambda) => Self::L1(L1::new(*lambda)),
            Kink::ElasticNet { l1, l2 } => Self::Net(ElasticNet::new(*l1, *l2)),
            Kink::NonNegative(lambda) => Self::Positive(NonNegative::new(*lambda)),
            Kink::Interval { lower, upper, l2 } => {
                Self::Interval(Interval { l2: *l2, ..Interval::new(values(lower), values(upper)) })
            }
            Kink::Group(lambda) => Self::Group(Group::new(*lambda)),
            Kink::Simplex { sum, l2 } => Self::Simplex(Simplex { l2: *l2, ..Simplex::new(*sum) }),
        }
    }
}

macro_rules! each {
    ($self:ident, $it:ident => $call:expr) => {
        match $self {
            AnyPenalty::Free($it) => $call,
            AnyPenalty::L1($it) => $call,
            AnyPenalty::Net($it) => $call,
            AnyPenalty::Positive($it) => $call,
            AnyPenalty::Interval($it) => $call,
            AnyPenalty::Group($it) => $call,
            AnyPenalty::Simplex($it) => $call,
        }
    };
}

impl Penalty<f64> for AnyPenalty<'_> {
    fn check(&self, variables: usize) -> Result<(), Error> {
        each!(self, it => Penalty::<f64>::check(it, variables))
    }
    fn shape(&self, i: usize) -> Option<Shape<f64>> {
        each!(self, it => it.shape(i))
    }
    fn uniform(&self) -> Option<Shape<f64>> {
        each!(self, it => it.uniform())
    }
    fn is_zero(&self) -> bool {
        each!(self, it => Penalty::<f64>::is_zero(it))
    }
    fn separable(&self) -> bool {
        each!(self, it => Penalty::<f64>::separable(it))
    }
    fn blocks(&self) -> Option<usize> {
        each!(self, it => Penalty::<f64>::blocks(it))
    }
    fn value(&self, block: Block<'_>, x: &[f64]) -> f64 {
        each!(self, it => it.value(block, x))
    }
    fn prox(&self, block: Block<'_>, step: f64, x: &mut [f64]) {
        each!(self, it => it.prox(block, step, x));
    }
    fn violation(&self, block: Block<'_>, x: &[f64], g: &[f64]) -> f64 {
        each!(self, it => it.violation(block, x, g))
    }
    fn progress(&self, block: Block<'_>, moves: (&[f64], &[f64]), g: &[f64], l: f64) -> f64 {
        each!(self, it => it.progress(block, moves, g, l))
    }
    fn gap(&self, block: Block<'_>, x: &[f64], g: &[f64]) -> f64 {
        each!(self, it => it.gap(block, x, g))
    }
}
