//! What stands around entropic transport: masses that differ, a marginal to itself, barycentres.

use southwell::Real;
use southwell::transport::barycentre::{self, Iterate};
use southwell::transport::{DenseCost, Potentials, Problem, sinkhorn, symmetric, unbalanced};

use crate::Method;
use crate::common::leak;
use crate::shaped::{Pose, Shaped};

const PLACES: usize = 9;
const EPSILON: f64 = 0.125;

/// Squared distances on a line of length 1, the same for both precisions.
fn costs<T: Real>() -> &'static [T] {
    let apart = |k: usize| (k / PLACES).abs_diff(k % PLACES) as f64 / 8.0;
    leak((0..PLACES * PLACES).map(|k| T::from_f64(apart(k).powi(2))).collect())
}

/// Weights that rise and fall, in sixty-fourths; their sum is 64 for every shift.
fn weights<T: Real>(shift: usize) -> &'static [T] {
    const HEIGHTS: [u32; PLACES] = [1, 3, 6, 10, 14, 12, 9, 6, 3];
    leak((0..PLACES).map(|i| T::from_f64(f64::from(HEIGHTS[(i + shift) % PLACES]) / 64.0)).collect())
}

fn shaped<T: Real>(name: &'static str, unknowns: usize, len: usize, pose: Pose<T>) -> Box<dyn Method<T>> {
    let stop = sinkhorn::Options::default().stop;
    Box::new(Shaped { name, first: vec![T::ZERO; unknowns], len, stop, worth: None, pose })
}

fn off_balance<T: Real>(name: &'static str, translate: bool) -> Box<dyn Method<T>> {
    let (values, a) = (costs::<T>(), weights::<T>(0));
    let b = leak(weights::<T>(4).iter().map(|&b| b * T::from_f64(1.5)).collect());
    let len = unbalanced::Workspace::<T>::required_len(PLACES, PLACES, PLACES);
    let pose: Pose<T> = Box::new(move |stop, x, storage, call| {
        let cost = DenseCost::new(values, PLACES, PLACES, PLACES)?;
        let price = T::from_f64(0.5);
        let problem = unbalanced::Problem::new(&cost, a, b, T::from_f64(EPSILON), (price, price))?;
        let work = unbalanced::Workspace::new(&problem, storage)?;
        let options = unbalanced::Options { stop: *stop, translate };
        let (f, g) = x.split_at_mut(PLACES);
        Ok(call.to(&mut unbalanced::start(&problem, &options, Potentials { f, g }, work)?, stop))
    });
    shaped(name, 2 * PLACES, len, pose)
}

fn to_itself<T: Real>() -> Box<dyn Method<T>> {
    let (values, a) = (costs::<T>(), weights::<T>(0));
    let len = symmetric::Workspace::<T>::required_len(PLACES, PLACES);
    let pose: Pose<T> = Box::new(move |stop, f, storage, call| {
        let cost = DenseCost::new(values, PLACES, PLACES, PLACES)?;
        let problem = Problem::new(&cost, a, a, T::from_f64(EPSILON))?;
        let work = symmetric::Workspace::new(&problem, storage)?;
        let options = symmetric::Options { stop: *stop };
        Ok(call.to(&mut symmetric::start(&problem, &options, f, work)?, stop))
    });
    shaped("a marginal to itself", PLACES, len, pose)
}

/// The iterate is the potentials of both measures, followed by the barycentre.
fn between<T: Real>(name: &'static str, debiased: bool) -> Box<dyn Method<T>> {
    let measures: &[T] = leak([weights::<T>(0), weights::<T>(3)].concat());
    let (values, shares) = (costs::<T>(), leak(vec![T::from_f64(0.25), T::from_f64(0.75)]));
    let len = barycentre::Workspace::<T>::required_len(PLACES, 2, PLACES);
    let pose: Pose<T> = Box::new(move |stop, x, storage, call| {
        let cost = DenseCost::new(values, PLACES, PLACES, PLACES)?;
        let problem = barycentre::Problem::new(&cost, measures, shares, T::from_f64(EPSILON))?;
        let problem = if debiased { problem.debiased() } else { problem };
        let work = barycentre::Workspace::new(&problem, storage)?;
        let (f, p) = x.split_at_mut(2 * PLACES);
        let options = barycentre::Options { stop: *stop };
        Ok(call.to(&mut barycentre::start(&problem, &options, Iterate { f, p }, work)?, stop))
    });
    shaped(name, 3 * PLACES, len, pose)
}

pub(crate) fn around<T: Real>() -> Vec<Box<dyn Method<T>>> {
    vec![
        off_balance("unbalanced", false),
        off_balance("unbalanced, translated", true),
        to_itself(),
        between("barycentre", false),
        between("barycentre, sharp", true),
    ]
}
