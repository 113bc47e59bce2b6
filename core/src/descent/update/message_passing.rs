//! The exact step on a forest, in linear time.

use super::{Place, Update, smooth_only};
use crate::descent::selection::Needs;
use crate::descent::{Loss, Penalty, Problem};
use crate::{Error, Real, Status};

/// Not in the block; no parent.
const NONE: u32 = u32::MAX;

/// x_b ← x_b − H_b⁻¹ g_b where the graph of H_b has no cycle: elimination from the leaves to the roots, and back. It is
/// Gaussian belief propagation with half the messages, on a chain the tridiagonal solve. Four multiply-adds and two
/// divisions a vertex, and a look at its row. A cycle in the block, or a pivot that is not positive, ends the run as
/// [`Status::Breakdown`]. For sparse quadratics without a penalty. Memory: 3 τ numbers, p + 2 τ indices.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MessagePassing;

/// Vertices in the order of a walk from the roots, each with its parent; false if there is a cycle.
fn walk<T: Real>(
    loss: &impl Loss<T>,
    block: &[u32],
    places: &mut [u32],
    order: &mut [u32],
    parents: &mut [u32],
) -> bool {
    parents.fill(NONE);
    let mut end = 0_usize;
    let mut next = 0_usize;
    let mut forest = true;
    for k in 0..block.len() {
        // A vertex that no tree has reached is a root, its own parent.
        if parents.get(k).is_none_or(|&parent| parent != NONE) {
            continue;
        }
        if let (Some(out), Some(of)) = (order.get_mut(end), parents.get_mut(k)) {
            (*out, *of) = (k as u32, k as u32);
        }
        end = end.saturating_add(1);
        while next < end {
            let vertex = order.get(next).copied().unwrap_or(NONE);
            next = next.saturating_add(1);
            let name = block.get(vertex as usize).copied().unwrap_or(NONE);
            let parent = parents.get(vertex as usize).copied().unwrap_or(NONE);
            loss.row(name as usize, |j, h| {
                let place = places.get(j).copied().unwrap_or(NONE);
                if place == NONE || place == vertex || place == parent || h == T::ZERO {
                    return;
                }
                match parents.get(place as usize) {
                    Some(&NONE) => {
                        if let (Some(out), Some(of)) = (order.get_mut(end), parents.get_mut(place as usize)) {
                            (*out, *of) = (place, vertex);
                        }
                        end = end.saturating_add(1);
                    }
                    _ => forest = false,
                }
            });
        }
    }
    forest && end == block.len()
}

impl<T: Real> Update<T> for MessagePassing {
    fn needs(&self, variables: usize, largest: usize) -> Needs {
        let indices = variables.saturating_add(largest.saturating_mul(2));
        Needs { numbers: largest.saturating_mul(3), indices }
    }
    fn check<L: Loss<T>, H: Penalty<T>>(&self, problem: &Problem<'_, L, H>) -> Result<(), Error> {
        if !problem.loss.row(0, |_, _| ()) {
            return Err(Error::Option { name: "update", requirement: "needs a loss with sparse curvature" });
        }
        smooth_only(problem.penalty)
    }
    fn begin<L: Loss<T>, H: Penalty<T>>(&self, _problem: &Problem<'_, L, H>, memory: (&mut [T], &mut [u32])) {
        memory.1.fill(NONE);
    }
    fn apply<L: Loss<T>, H: Penalty<T>>(&self, place: &mut Place<'_, T, L, H>) -> Result<(), Status> {
        let (n, loss, block) = (place.len(), place.problem.loss, place.block.variables);
        let variables = loss.variables();
        let Some((pivots, rest)) = place.numbers.split_at_mut_checked(n) else {
            return Err(Status::Breakdown);
        };
        let Some((rhs, edges)) = rest.split_at_mut_checked(n) else { return Err(Status::Breakdown) };
        let Some((places, rest)) = place.indices.split_at_mut_checked(variables) else {
            return Err(Status::Breakdown);
        };
        let Some((order, parents)) = rest.split_at_mut_checked(n) else { return Err(Status::Breakdown) };
        let Some(parents) = parents.get_mut(..n) else { return Err(Status::Breakdown) };
        for (k, &i) in block.iter().enumerate() {
            if let Some(out) = places.get_mut(i as usize) {
                *out = k as u32;
            }
        }
        let forest = walk(loss, block, places, order, parents);
        // The diagonal, and the edge to the parent.
        let each = pivots.iter_mut().zip(rhs.iter_mut()).zip(edges.iter_mut()).zip(&*parents);
        for (((((pivot, rhs), edge), &parent), &i), &g) in each.zip(block).zip(place.gradient) {
            (*pivot, *rhs, *edge) = (T::ZERO, -g, T::ZERO);
            let parent = block.get(parent as usize).copied().unwrap_or(i);
            loss.row(i as usize, |j, h| {
                if j == i as usize {
                    *pivot = h;
                } else if j == parent as usize {
                    *edge = h;
                }
            });
        }
        for &i in block {
            if let Some(out) = places.get_mut(i as usize) {
                *out = NONE;
            }
        }
        if !forest {
            return Err(Status::Breakdown);
        }
        let parent_of = |v: u32| parents.get(v as usize).copied().filter(|&parent| parent != v);
        for &v in order.iter().rev() {
            let at = |numbers: &[T]| numbers.get(v as usize).copied().unwrap_or(T::ZERO);
            let (pivot, edge, r) = (at(pivots), at(edges), at(rhs));
            if pivot <= T::ZERO || !pivot.is_finite() {
                return Err(Status::Breakdown);
            }
            let Some(parent) = parent_of(v) else { continue };
            let factor = edge / pivot;
            if let (Some(pivot), Some(rhs)) = (pivots.get_mut(parent as usize), rhs.get_mut(parent as usize))
            {
                *pivot -= factor * edge;
                *rhs -= factor * r;
            }
        }
        for &v in &*order {
            let up = parent_of(v).and_then(|parent| rhs.get(parent as usize)).copied().unwrap_or(T::ZERO);
            let at = |numbers: &[T]| numbers.get(v as usize).copied().unwrap_or(T::ZERO);
            let y = (at(rhs) - at(edges) * up) / at(pivots);
            if let Some(rhs) = rhs.get_mut(v as usize) {
                *rhs = y;
            }
        }
        for ((next, &x), &y) in place.next.iter_mut().zip(place.old).zip(&*rhs) {
            *next = x + y;
        }
        Ok(())
    }
}
