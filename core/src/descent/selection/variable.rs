//! The best τ variables, chosen anew each step.

use southwell_simd::vector;

use super::score::{inverse_root, of_variable};
use super::{Choice, Needs, Score, Selection, Sight};
use crate::descent::losses::Rank;
use crate::descent::penalties::in_registers;
use crate::descent::{Loss, Penalty, Problem};
use crate::{Error, Real};

/// The `size` variables with the largest [`Score`]; size 1 is the classical greedy coordinate rule.
///
/// Without a penalty the scores are never stored: one fused look at the gradient and the weights finds the best τ. Of a
/// penalty that is the same for all variables ([`Penalty::uniform`]) whole registers of scores are made at a time, on hosts
/// about 1 ns a variable; of others, one score after the other. The single best of a dense quadratic is found on hosts as the row
/// is added to the gradient ([`Loss::shift_ranked`]), with the same bits.
/// Memory: p numbers for the weights, p more with a penalty, τ for the best; p/128 more for a single best one without a
/// penalty, the largest of 128 weights each, which spare it most of the weights. The weights of
/// [`Score::Steepest`] cost p² entries of H once where τ > 1.
#[derive(Clone, Copy, Debug)]
pub struct GreedyVariable {
    size: usize,
    score: Score,
}

impl GreedyVariable {
    /// The best `size` variables by a score.
    #[must_use]
    pub fn new(size: usize, score: Score) -> Self {
        Self { size, score }
    }

    /// The best variable.
    #[must_use]
    pub fn one(score: Score) -> Self {
        Self::new(1, score)
    }
}

/// The scores of all variables, which have one shape.
fn together<T: Real>(
    score: Score,
    kink: vector::Kink<T>,
    (x, g, weights): (&[T], &[T], &[T]),
    scores: &mut [T],
) {
    match score {
        Score::Violation | Score::Steepest | Score::Diagonal => {
            vector::kink_violations(kink, x, g, weights, scores);
        }
        Score::Length => vector::kink_lengths(kink, x, g, weights, scores),
        Score::Progress | Score::DiagonalProgress => vector::kink_gains(kink, x, g, weights, scores),
    }
}

/// A block of no variables, or of more than there are.
pub(super) fn check_size<T: Real, L: Loss<T>, H: Penalty<T>>(
    size: usize,
    problem: &Problem<'_, L, H>,
) -> Result<(), Error> {
    if size == 0 || size > problem.loss.variables() {
        return Err(Error::Option {
            name: "size",
            requirement: "must lie between 1 and the number of variables",
        });
    }
    if !problem.penalty.separable() {
        return Err(Error::Option { name: "selection", requirement: "must keep the blocks of the penalty" });
    }
    Ok(())
}

impl<T: Real> Selection<T> for GreedyVariable {
    fn largest(&self) -> usize {
        self.size
    }
    fn needs(&self, variables: usize, smooth: bool) -> Needs {
        let scores = match (smooth, self.size) {
            (false, _) => variables,
            // Behind the weights, the largest of them.
            (true, 1) => Rank::<T>::SlopeInGroups.weights(variables).saturating_sub(variables),
            (true, _) => 0,
        };
        Needs { numbers: variables.saturating_add(scores).saturating_add(self.size), indices: 0 }
    }
    fn greedy(&self) -> bool {
        true
    }
    fn check<L: Loss<T>, H: Penalty<T>>(&self, problem: &Problem<'_, L, H>) -> Result<(), Error> {
        check_size(self.size, problem)
    }
    fn rank<H: Penalty<T>>(&self, penalty: &H) -> Option<Rank<T>> {
        if self.size != 1 || cfg!(target_os = "none") {
            return None;
        }
        if penalty.is_zero() {
            return Some(Rank::SlopeInGroups);
        }
        let kink = in_registers(penalty)?;
        Some(match self.score {
            Score::Violation | Score::Steepest | Score::Diagonal => Rank::Violation(kink),
            Score::Length => Rank::Length(kink),
            Score::Progress | Score::DiagonalProgress => Rank::Gain(kink),
        })
    }
    fn begin<L: Loss<T>, H: Penalty<T>>(&mut self, sight: Sight<'_, T, L, H>) {
        let loss = sight.problem.loss;
        for (i, weight) in sight.numbers.iter_mut().enumerate().take(loss.variables()) {
            *weight = match self.score {
                Score::Violation => T::ONE,
                Score::Steepest if self.size > 1 => inverse_root(loss.row_sum(i)),
                Score::Steepest | Score::Diagonal => inverse_root(loss.lipschitz(i)),
                // g²/L, the square of what is ranked then.
                _ if sight.problem.penalty.is_zero() => inverse_root(loss.lipschitz(i)),
                // These weigh by L_i themselves.
                _ => loss.lipschitz(i),
            };
        }
        if self.size == 1
            && sight.problem.penalty.is_zero()
            && let Some((weights, rest)) = sight.numbers.split_at_mut_checked(loss.variables())
        {
            vector::largest_weights(weights, rest);
        }
    }
    fn choose<L: Loss<T>, H: Penalty<T>>(&mut self, sight: Sight<'_, T, L, H>, block: &mut [u32]) -> Choice {
        let variables = sight.problem.loss.variables();
        if let (Some(best), [only]) = (sight.best, &mut *block) {
            *only = best;
            return Choice { number: None, len: 1 };
        }
        let none = Choice { number: None, len: 0 };
        let Some((weights, rest)) = sight.numbers.split_at_mut_checked(variables) else { return none };
        if sight.problem.penalty.is_zero() {
            return best(sight.gradient, weights, rest, block);
        }
        let Some((scores, values)) = rest.split_at_mut_checked(variables) else { return none };
        if let Some(kink) = in_registers(sight.problem.penalty) {
            together(self.score, kink, (sight.x, sight.gradient, weights), scores);
            return best_of(scores, values, block);
        }
        let each = sight.x.iter().zip(sight.gradient).zip(&*weights).zip(scores.iter_mut());
        for (i, (((&x, &g), &weight), out)) in each.enumerate() {
            let score = of_variable(self.score, sight.problem, i, weight, (x, g));
            *out = if self.score.is_weighted() { score * weight } else { score };
        }
        best_of(scores, values, block)
    }
}

/// The best by |g|·w: one variable, or as many as `block` holds.
pub(super) fn best<T: Real>(g: &[T], weights: &[T], values: &mut [T], block: &mut [u32]) -> Choice {
    if let [only] = block {
        *only = vector::largest(g, weights).map_or(0, |(i, _)| i as u32);
        return Choice { number: None, len: 1 };
    }
    Choice { number: None, len: vector::k_largest(g, weights, block, values) }
}

/// The best by scores ≥ 0 that stand in an array; they serve as their own weights, since squares rank alike.
pub(super) fn best_of<T: Real>(scores: &mut [T], values: &mut [T], block: &mut [u32]) -> Choice {
    if let [only] = block {
        *only = first_largest(scores) as u32;
        return Choice { number: None, len: 1 };
    }
    let root = |score: &mut T| *score = score.max(T::ZERO).sqrt();
    scores.iter_mut().for_each(root);
    Choice { number: None, len: vector::k_largest(scores, scores, block, values) }
}

/// The place of the first of the largest scores, of those that are numbers above −1; else 0. Many lanes rise side by side.
fn first_largest<T: Real>(scores: &[T]) -> usize {
    const LANES: usize = 16;
    let (blocks, tail) = scores.as_chunks::<LANES>();
    let mut lanes = [-T::ONE; LANES];
    for block in blocks {
        for (lane, &score) in lanes.iter_mut().zip(block) {
            *lane = if *lane < score { score } else { *lane };
        }
    }
    let largest =
        lanes.iter().chain(tail).fold(-T::ONE, |most, &score| if most < score { score } else { most });
    let is_below =
        |block: &&[T; LANES]| !block.iter().fold(false, |reached, &score| reached | (score >= largest));
    let start = blocks.iter().take_while(is_below).count() * LANES;
    let within = scores.get(start..).and_then(|rest| rest.iter().position(|&score| score >= largest));
    within.map_or(0, |within| start + within)
}
