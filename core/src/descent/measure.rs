//! How far an iterate is from optimal.

use southwell_simd::vector;

use super::losses::Loss;
use super::penalties::{Block, Penalty, in_registers};
use super::problem::Problem;
use super::selection::Selection;
use super::{Measure, gather};
use crate::Real;

/// Whether the gap of every block is finite, as far as shapes tell.
pub(super) fn bounded<T: Real, L: Loss<T>, H: Penalty<T>>(problem: &Problem<'_, L, H>) -> bool {
    (0..problem.loss.variables()).all(|i| problem.penalty.shape(i).is_none_or(|shape| shape.is_bounded()))
}

/// The residual of x by a measure: the largest violation, or the sum of the gaps.
pub(super) fn measured<T: Real, L: Loss<T>, H: Penalty<T>, S: Selection<T>>(
    (problem, select, measure): (&Problem<'_, L, H>, &S, Measure),
    (x, g): (&[T], &[T]),
    (block, of_x, of_g): (&mut [u32], &mut [T], &mut [T]),
) -> T {
    let penalty = problem.penalty;
    let mut worst = T::ZERO;
    let mut look = |block: Block<'_>, x: &[T], g: &[T]| match measure {
        Measure::Violation => {
            let violation = penalty.violation(block, x, g);
            // A NaN has to be seen, and to stay.
            if violation > worst || violation.partial_cmp(&violation).is_none() {
                worst = violation;
            }
        }
        Measure::Gap => worst += penalty.gap(block, x, g),
    };
    if penalty.separable() {
        if penalty.is_zero() && measure == Measure::Violation {
            let largest = vector::max_abs(g);
            // The pass passes over NaN.
            return if vector::first_not_finite(g).is_some() { T::NAN } else { largest };
        }
        if let Some(kink) = in_registers(penalty).filter(|_| measure == Measure::Violation) {
            let largest = vector::kink_largest(kink, x, g);
            // As the sum of squares of a block, which may underflow.
            return (largest * largest).sqrt();
        }
        for (i, (x, g)) in x.iter().zip(g).enumerate() {
            let i = [i as u32];
            let block = Block { number: 0, variables: &i };
            look(block, core::slice::from_ref(x), core::slice::from_ref(g));
        }
    } else if let Some(partition) = select.partition() {
        for number in 0..partition.len() {
            let len = partition.fill(number, block);
            let variables = block.get(..len).unwrap_or(&[]);
            let (Some(of_x), Some(of_g)) = (of_x.get_mut(..len), of_g.get_mut(..len)) else { continue };
            gather(variables, x, of_x);
            gather(variables, g, of_g);
            look(Block { number, variables }, of_x, of_g);
        }
    }
    match measure {
        Measure::Violation => worst.sqrt(),
        Measure::Gap => worst,
    }
}
