//! How promising a variable or a block is.

use crate::Real;
use crate::descent::penalties::Block;
use crate::descent::{Loss, Penalty, Problem};

/// What a greedy rule ranks by. Without a penalty the three kinds agree; where blocks have kinks or bounds,
/// [`Progress`](Score::Progress) alone keeps the guarantee of random choice.
///
/// Fixed blocks: L = L_b, D_i = L_i. Single variables: L = D_i = L_i. Variable blocks: L = Σ_j |H_ij| for
/// [`Steepest`](Score::Steepest) (its sum bounds every block), L_i for the others.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Score {
    /// ‖dist(−g_b, ∂h_b)‖: Gauss and Southwell's rule, GS, and GS-s.
    Violation,
    /// The same over √L: Gauss, Southwell and Lipschitz, GSL.
    #[default]
    Steepest,
    /// √(Σ dist_i²/D_i): GSD.
    Diagonal,
    /// √L·‖d_b‖, d the proximal step of length 1/L: GSL-r.
    Length,
    /// −min over d of ⟨g_b, d⟩ + ½L‖d‖² + h_b(x_b + d) − h_b(x_b): GSL-q.
    Progress,
    /// The same with ½Σ D_i d_i²; penalties that treat variables one by one only.
    DiagonalProgress,
}

impl Score {
    /// Whether the weights of one number a variable do (1, 1/√L_i or 1/√D_i), times the violation.
    pub(super) fn is_weighted(self) -> bool {
        matches!(self, Score::Violation | Score::Steepest | Score::Diagonal)
    }
}

/// 1/√L; 0 where L is not positive: a variable that changes nothing is not worth a step. (Where it does change
/// something, f has no minimum along it, and cyclic rules find that out.)
pub(super) fn inverse_root<T: Real>(l: T) -> T {
    if l > T::ZERO { (T::ONE / l.sqrt()).min(T::MAX) } else { T::ZERO }
}

/// Score of one variable with curvature `l`, squared or not as the kind has it: only ranks matter.
pub(super) fn of_variable<T: Real, L: Loss<T>, H: Penalty<T>>(
    kind: Score,
    problem: &Problem<'_, L, H>,
    variable: usize,
    l: T,
    (x, g): (T, T),
) -> T {
    let Some(shape) = problem.penalty.shape(variable) else { return T::ZERO };
    if kind.is_weighted() {
        return shape.violation(x, g);
    }
    let step = T::ONE / l.max(T::MIN_POSITIVE);
    let d = shape.prox(step, x - step * g) - x;
    match kind {
        Score::Length => l.sqrt() * d.abs(),
        _ => shape.progress(x, d, g, l),
    }
}

/// Score of a block with constant `l`; `x` and `g` are gathered, `next` is scratch.
pub(super) fn of_block<T: Real, L: Loss<T>, H: Penalty<T>>(
    kind: Score,
    problem: &Problem<'_, L, H>,
    block: Block<'_>,
    l: T,
    (x, g, next): (&[T], &[T], &mut [T]),
) -> T {
    let penalty = problem.penalty;
    match kind {
        Score::Violation => penalty.violation(block, x, g),
        Score::Steepest => {
            let weight = inverse_root(l);
            penalty.violation(block, x, g) * weight * weight
        }
        Score::Diagonal => block.each().zip(x.iter().zip(g)).fold(T::ZERO, |sum, ((_, one), (x, g))| {
            let i = one.variables.first().copied().unwrap_or(0) as usize;
            let weight = inverse_root(problem.loss.lipschitz(i));
            let violation = penalty.violation(one, core::slice::from_ref(x), core::slice::from_ref(g));
            sum + violation * weight * weight
        }),
        Score::DiagonalProgress => {
            block.variables.iter().zip(x.iter().zip(g)).fold(T::ZERO, |sum, (&i, (&x, &g))| {
                let l = problem.loss.lipschitz(i as usize);
                sum + of_variable(Score::Progress, problem, i as usize, l, (x, g))
            })
        }
        Score::Length | Score::Progress => {
            let step = T::ONE / l.max(T::MIN_POSITIVE);
            for ((next, &x), &g) in next.iter_mut().zip(x).zip(g) {
                *next = x - step * g;
            }
            penalty.prox(block, step, next);
            if kind == Score::Progress {
                return penalty.progress(block, (x, next), g, l);
            }
            let square = next.iter().zip(x).fold(T::ZERO, |sum, (&next, &x)| sum + (next - x) * (next - x));
            l * square
        }
    }
}
