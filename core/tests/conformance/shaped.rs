//! Adapters made of a closure: where a run begins, its memory, and what is done with it.

use southwell::{Error, Real, Report, Status, Stop};

use crate::common::wide;
use crate::{Call, Method};

/// Poses the problem, carves the memory, starts a run and hands it to the call.
pub(crate) type Pose<T> =
    Box<dyn Fn(&Stop<T>, &mut [T], &mut [T], Call<'_, '_, T>) -> Result<Option<Report<T>>, Error>>;

/// A value of x.
pub(crate) type Worth = Box<dyn Fn(&[f64]) -> f64>;

/// A method whose residual is no function of x, or that is not known in other words.
pub(crate) struct Shaped<T> {
    pub(crate) name: &'static str,
    pub(crate) first: Vec<T>,
    pub(crate) len: usize,
    pub(crate) stop: Stop<T>,
    /// What is minimised, by plain loops; none of a method whose answer is an average.
    pub(crate) worth: Option<Worth>,
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
    fn call(
        &self,
        stop: &Stop<T>,
        x: &mut [T],
        storage: &mut [T],
        call: Call<'_, '_, T>,
    ) -> Result<Option<Report<T>>, Error> {
        (self.pose)(stop, x, storage, call)
    }
    fn look(&self, _x: &[T]) -> (f64, f64) {
        unreachable!("{} is not asked for its residual", self.name)
    }
    fn stop(&self) -> Stop<T> {
        self.stop
    }
    fn ends_well(&self, report: &Report<T>) -> bool {
        !matches!(report.status, Status::NotFinite | Status::Breakdown) && report.steps > 0
    }
    fn looks_at_ends(&self) -> bool {
        matches!(self.name, "least absolute deviations" | "mirror descent" | "dual averaging")
    }
    fn worth(&self, x: &[T]) -> Option<f64> {
        self.worth.as_ref().map(|worth| worth(&wide(x)))
    }
}
