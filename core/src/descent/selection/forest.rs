//! Forests of a sparse quadratic, chosen anew each step.

use rand_core::Rng;

use super::random::below;
use super::score::inverse_root;
use super::{Choice, Needs, Score, Selection, Sight};
use crate::descent::partitions::{join, see, sort, swap};
use crate::descent::{Loss, Penalty, Problem};
use crate::{Error, Real};

/// Not chosen.
const NONE: u32 = u32::MAX;

/// The best forest, greedily: vertices by descending |g_i| ([`Score::Violation`]) or |g_i|/√L_i (any other score),
/// each added unless it closes a cycle. An exact step on it costs linear time
/// ([`MessagePassing`](crate::descent::update::MessagePassing)). It takes about two thirds of a lattice. Cost:
/// O(p log p + m α(p)). Memory: p numbers, 3 p indices.
#[derive(Clone, Copy, Debug)]
pub struct GreedyForest {
    variables: usize,
    score: Score,
}

impl GreedyForest {
    /// Of a problem of so many variables.
    #[must_use]
    pub fn new(variables: usize, score: Score) -> Self {
        Self { variables, score }
    }
}

/// The same with the vertices in random order: the control arm.
#[derive(Debug)]
pub struct RandomForest<R> {
    variables: usize,
    rng: R,
}

impl<R: Rng> RandomForest<R> {
    /// Of a problem of so many variables; as many numbers of `rng` a step.
    pub fn new(variables: usize, rng: R) -> Self {
        Self { variables, rng }
    }
}

fn check<T: Real, L: Loss<T>, H: Penalty<T>>(
    variables: usize,
    problem: &Problem<'_, L, H>,
) -> Result<(), Error> {
    crate::linear::check_len("variables", variables, problem.loss.variables())?;
    if !problem.loss.row(0, |_, _| ()) || !problem.penalty.separable() {
        return Err(Error::Option { name: "selection", requirement: "needs a loss with sparse curvature" });
    }
    Ok(())
}

/// Adds the vertices of `order`, first to last, that close no cycle.
fn grow<T: Real, L: Loss<T>>(loss: &L, order: &[u32], rest: &mut [u32], block: &mut [u32]) -> Choice {
    let Some((parents, marks)) = rest.split_at_mut_checked(order.len()) else {
        return Choice { number: None, len: 0 };
    };
    parents.fill(NONE);
    marks.fill(NONE);
    let mut len = 0_usize;
    let chosen = |parents: &[u32], j: u32| parents.get(j as usize).is_some_and(|&parent| parent != NONE);
    for &vertex in order {
        let mut fits = true;
        loss.row(vertex as usize, |j, _| {
            let j = j as u32;
            if fits && j != vertex && chosen(parents, j) {
                fits = see(parents, marks, vertex, j);
            }
        });
        if !fits {
            continue;
        }
        if let (Some(parent), Some(out)) = (parents.get_mut(vertex as usize), block.get_mut(len)) {
            (*parent, *out) = (vertex, vertex);
            len = len.saturating_add(1);
        }
        loss.row(vertex as usize, |j, _| {
            let j = j as u32;
            if j != vertex && chosen(parents, j) {
                join(parents, vertex, j);
            }
        });
    }
    Choice { number: None, len }
}

impl<T: Real> Selection<T> for GreedyForest {
    fn largest(&self) -> usize {
        self.variables
    }
    fn needs(&self, variables: usize, _smooth: bool) -> Needs {
        Needs { numbers: variables, indices: variables.saturating_mul(3) }
    }
    fn greedy(&self) -> bool {
        true
    }
    fn check<L: Loss<T>, H: Penalty<T>>(&self, problem: &Problem<'_, L, H>) -> Result<(), Error> {
        check(self.variables, problem)
    }
    fn choose<L: Loss<T>, H: Penalty<T>>(&mut self, sight: Sight<'_, T, L, H>, block: &mut [u32]) -> Choice {
        let loss = sight.problem.loss;
        for (i, (key, &g)) in sight.numbers.iter_mut().zip(sight.gradient).enumerate() {
            let plain = self.score == Score::Violation;
            *key = g.abs() * if plain { T::ONE } else { inverse_root(loss.lipschitz(i)) };
        }
        let Some((order, rest)) = sight.indices.split_at_mut_checked(self.variables) else {
            return Choice { number: None, len: 0 };
        };
        order.iter_mut().enumerate().for_each(|(i, out)| *out = i as u32);
        let of = |i: u32| sight.numbers.get(i as usize).copied().unwrap_or(T::ZERO);
        sort(order, |a, b| of(a) > of(b) || (of(a) == of(b) && a < b));
        grow(loss, order, rest, block)
    }
}

impl<T: Real, R: Rng> Selection<T> for RandomForest<R> {
    fn largest(&self) -> usize {
        self.variables
    }
    fn needs(&self, variables: usize, _smooth: bool) -> Needs {
        Needs { numbers: 0, indices: variables.saturating_mul(3) }
    }
    fn greedy(&self) -> bool {
        false
    }
    fn check<L: Loss<T>, H: Penalty<T>>(&self, problem: &Problem<'_, L, H>) -> Result<(), Error> {
        check(self.variables, problem)
    }
    fn choose<L: Loss<T>, H: Penalty<T>>(&mut self, sight: Sight<'_, T, L, H>, block: &mut [u32]) -> Choice {
        let n = self.variables;
        let Some((order, rest)) = sight.indices.split_at_mut_checked(n) else {
            return Choice { number: None, len: 0 };
        };
        order.iter_mut().enumerate().for_each(|(i, out)| *out = i as u32);
        for k in 0..n {
            let with = k.saturating_add(below(&mut self.rng, n.saturating_sub(k)));
            swap(order, k, with);
        }
        grow(sight.problem.loss, order, rest, block)
    }
}
