//! Two-metric projection.

use southwell_simd::vector;

use super::newton::check_armijo;
use super::{Place, TRIALS, Update, separable_only, slack, step_curvature};
use crate::copy::CopyFrom;
use crate::descent::penalties::Shape;
use crate::descent::selection::Needs;
use crate::descent::{Loss, Penalty, Problem, small};
use crate::{Error, Real, Status};

/// Variables at a bound or kink that the gradient holds there take a gradient step, the others a Newton step among
/// themselves; the sum is projected, and halved until the objective falls (Bertsekas 1982; Gafni & Bertsekas 1984).
/// With |x| in the penalty, signs are kept within a step. One solve a step, and cannot cycle. For penalties that
/// treat variables one by one. Memory: τ² + 4 τ numbers, τ indices.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TwoMetric<T> {
    /// How near to a bound a variable counts as being at it, at most; near the solution less. Default 1e-4.
    pub near: T,
    /// Armijo's c, in (0, ½). Default 1e-4.
    pub armijo: T,
}

impl<T: Real> Default for TwoMetric<T> {
    fn default() -> Self {
        Self { near: T::from_f64(1e-4), armijo: T::from_f64(1e-4) }
    }
}

/// The smooth piece that a variable stays on during a step: its slope, and between what it may move.
fn piece<T: Real>(shape: &Shape<T>, x: T, g: T) -> (T, Shape<T>) {
    let slope = g + shape.linear + shape.l2 * x;
    if shape.l1 == T::ZERO {
        return (slope, *shape);
    }
    let positive = x > T::ZERO || (x == T::ZERO && slope < T::ZERO);
    if x == T::ZERO && slope.abs() <= shape.l1 {
        // Held at the kink.
        return (T::ZERO, Shape { lower: T::ZERO, upper: T::ZERO, ..*shape });
    }
    if positive {
        (slope + shape.l1, Shape { lower: shape.lower.max(T::ZERO), ..*shape })
    } else {
        (slope - shape.l1, Shape { upper: shape.upper.min(T::ZERO), ..*shape })
    }
}

impl<T: Real> TwoMetric<T> {
    /// Fills slopes, the variables that are free (as places in the block), and their number.
    fn split<L: Loss<T>, H: Penalty<T>>(
        &self,
        place: &Place<'_, T, L, H>,
        slopes: &mut [T],
        free: &mut [u32],
    ) -> usize {
        let shapes = || place.block.variables.iter().map(|&i| place.problem.penalty.shape(i as usize));
        let each = || shapes().zip(place.old).zip(place.gradient);
        let mut square = T::ZERO;
        for (((shape, &x), &g), out) in each().zip(slopes.iter_mut()) {
            let (slope, piece) = piece(&shape.unwrap_or_else(Shape::zero), x, g);
            *out = slope;
            let d = x - piece.cut(x - slope);
            square += d * d;
        }
        let near = self.near.min(square.sqrt());
        let mut count = 0_usize;
        for (k, (((shape, &x), &g), &slope)) in each().zip(&*slopes).enumerate() {
            let (_, piece) = piece(&shape.unwrap_or_else(Shape::zero), x, g);
            let curvature =
                place.block.variables.get(k).map_or(T::ZERO, |&i| place.problem.loss.lipschitz(i as usize));
            // What does not curve has no Newton step: its piece ends somewhere, or nothing has a minimum.
            let held = curvature + piece.l2 == T::ZERO
                || (x <= piece.lower + near && slope > T::ZERO)
                || (x >= piece.upper - near && slope < T::ZERO)
                || piece.lower == piece.upper;
            if held {
                continue;
            }
            if let Some(out) = free.get_mut(count) {
                *out = k as u32;
                count = count.saturating_add(1);
            }
        }
        count
    }
}

impl<T: Real> Update<T> for TwoMetric<T> {
    fn needs(&self, _variables: usize, largest: usize) -> Needs {
        Needs {
            numbers: largest.saturating_mul(largest.saturating_add(3)),
            indices: largest.saturating_mul(2),
        }
    }
    fn check<L: Loss<T>, H: Penalty<T>>(&self, problem: &Problem<'_, L, H>) -> Result<(), Error> {
        if !(self.near >= T::ZERO && self.near.is_finite()) {
            return Err(Error::Option { name: "near", requirement: "must be finite and not negative" });
        }
        check_armijo(self.armijo)?;
        separable_only(problem.penalty)
    }
    fn apply<L: Loss<T>, H: Penalty<T>>(&self, place: &mut Place<'_, T, L, H>) -> Result<(), Status> {
        let (n, loss, penalty) = (place.len(), place.problem.loss, place.problem.penalty);
        let (block, numbers, indices) =
            (place.block.variables, core::mem::take(&mut place.numbers), core::mem::take(&mut place.indices));
        let Some((slopes, rest)) = numbers.split_at_mut_checked(n) else { return Err(Status::Breakdown) };
        let Some((d, rest)) = rest.split_at_mut_checked(n) else { return Err(Status::Breakdown) };
        let Some((reduced, matrix)) = rest.split_at_mut_checked(n) else { return Err(Status::Breakdown) };
        let Some((free, names)) = indices.split_at_mut_checked(n) else { return Err(Status::Breakdown) };
        let count = self.split(place, slopes, free);
        let (free, names) = (free.get(..count).unwrap_or(&[]), names.get_mut(..count).unwrap_or(&mut []));
        // Held ones: a gradient step, as long as the sum of their curvatures allows.
        let held_curvature = (block.iter().enumerate())
            .filter(|(k, _)| !free.contains(&(*k as u32)))
            .fold(T::ZERO, |sum, (_, &i)| sum + loss.lipschitz(i as usize).max(T::ZERO));
        for (d, &slope) in d.iter_mut().zip(&*slopes) {
            *d = if slope == T::ZERO { T::ZERO } else { slope / step_curvature(held_curvature, slope) };
        }
        // Free ones: Newton's step among themselves.
        for ((name, reduced), &k) in names.iter_mut().zip(reduced.iter_mut()).zip(free) {
            *name = block.get(k as usize).copied().unwrap_or(0);
            *reduced = slopes.get(k as usize).copied().unwrap_or(T::ZERO);
        }
        let (Some(reduced), Some(matrix)) =
            (reduced.get_mut(..count), matrix.get_mut(..count.saturating_mul(count)))
        else {
            return Err(Status::Breakdown);
        };
        let state = &mut *place.state;
        let solved = small::inverse_times(count, matrix, reduced, |matrix| {
            loss.hessian(state, names, matrix);
            let diagonal = matrix.iter_mut().step_by(count.saturating_add(1));
            for (entry, &i) in diagonal.zip(&*names) {
                *entry += penalty.shape(i as usize).map_or(T::ZERO, |shape| shape.l2);
            }
        });
        if !solved {
            return Err(Status::Breakdown);
        }
        for (&step, &k) in reduced.iter().zip(free) {
            if let Some(d) = d.get_mut(k as usize) {
                *d = step;
            }
        }
        let newton_slope = free.iter().fold(T::ZERO, |sum, &k| {
            let at = |v: &[T]| v.get(k as usize).copied().unwrap_or(T::ZERO);
            sum + at(slopes) * at(d)
        });
        let value = place.value();
        let mut alpha = T::ONE;
        for _ in 0..TRIALS {
            let mut held_slope = T::ZERO;
            for (k, &i) in block.iter().enumerate() {
                let (Some(&x), Some(&g), Some(&d), Some(next)) =
                    (place.old.get(k), place.gradient.get(k), d.get(k), place.next.get_mut(k))
                else {
                    continue;
                };
                let (slope, piece) = piece(&penalty.shape(i as usize).unwrap_or_else(Shape::zero), x, g);
                *next = piece.cut(x - alpha * d);
                if !free.contains(&(k as u32)) {
                    held_slope += slope * (x - *next);
                }
            }
            let promise = self.armijo * (alpha * newton_slope + held_slope);
            if place.try_next() <= value - promise + slack(value) {
                return Ok(());
            }
            alpha *= T::HALF;
        }
        place.next.copy_from(place.old);
        let nothing = vector::max_abs(slopes) == T::ZERO;
        if nothing { Ok(()) } else { Err(Status::Stalled) }
    }
}
