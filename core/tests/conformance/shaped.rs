//! Adapters made of a closure: where a run begins, its memory, and what is done with it.

use southwell::{Error, Observer, Real, Report, Run, Stop, drive};

use crate::common::wide;
use crate::{Method, Then};

/// What is done with a run that has begun.
pub(crate) enum Call<'f, 'o, T> {
    Begin(Then<'f, T>),
    Solve(&'o mut dyn Observer<T>),
}

impl<T: Real> Call<'_, '_, T> {
    /// Does it.
    pub(crate) fn to(self, run: &mut dyn Run<Real = T>, stop: &Stop<T>) -> Option<Report<T>> {
        match self {
            Call::Begin(then) => {
                then(run);
                None
            }
            Call::Solve(observer) => Some(drive(run, stop, observer)),
        }
    }
}

/// Poses the problem, carves the memory, starts a run and hands it to the call.
pub(crate) type Pose<T> =
    Box<dyn Fn(&Stop<T>, &mut [T], &mut [T], Call<'_, '_, T>) -> Result<Option<Report<T>>, Error>>;

/// A method whose residual is no function of x, or that is not known in other words.
pub(crate) struct Shaped<T> {
    pub(crate) name: &'static str,
    pub(crate) first: Vec<T>,
    pub(crate) len: usize,
    pub(crate) stop: Stop<T>,
    /// What is minimised, by plain loops: a limit of steps leaves the best x.
    pub(crate) worth: Box<dyn Fn(&[f64]) -> f64>,
    pub(crate) pose: Pose<T>,
}

impl<T: Real> Method<T> for Shaped<T> {
    fn name(&self) -> String {
        self.name.to_owned()
    }
    fn first(&self) -> Vec<T> {
        self.first.clone()
    }
    fn required_len(&self) -> usize {
        self.len
    }
    fn begin(&self, stop: &Stop<T>, x: &mut [T], storage: &mut [T], then: Then<'_, T>) -> Result<(), Error> {
        (self.pose)(stop, x, storage, Call::Begin(then)).map(|_| ())
    }
    fn solve(
        &self,
        stop: &Stop<T>,
        x: &mut [T],
        storage: &mut [T],
        observer: &mut dyn Observer<T>,
    ) -> Result<Report<T>, Error> {
        (self.pose)(stop, x, storage, Call::Solve(observer)).map(|report| report.expect("a report"))
    }
    fn look(&self, _x: &[T]) -> (f64, f64) {
        unreachable!("{} is not asked for its residual", self.name)
    }
    fn stop(&self) -> Stop<T> {
        self.stop
    }
    fn least_steps(&self) -> u32 {
        2
    }
    fn worth(&self, x: &[T]) -> Option<f64> {
        Some((self.worth)(&wide(x)))
    }
}
