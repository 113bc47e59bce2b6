//! How good potentials are, in numbers that hold whether or not a run has converged.
//!
//! ```text
//! D(f, g) = ⟨a, f⟩ + ⟨b, g⟩ − ε Σ P            ≤ D* ≤ F(P̂) = ⟨P̂, C⟩ + ε Σ P̂ (ln P̂ − 1)
//! ⟨a, f⟩ + ⟨b, g'⟩, g'_j = min_i (C_ij − f_i)   ≤ OT ≤ ⟨P̂, C⟩
//! ```
//! D is the dual value, P̂ the [rounded](super::Rounded) coupling, OT the cost of transport without entropy. The
//! bounds hold up to the rounding of sums of n·m terms.

use southwell_simd::vector;

use super::cost::Cost;
use super::problem::Problem;
use super::rounding::Rounded;
use crate::linear::check_len;
use crate::{Error, Real};

/// What is known of potentials.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Certificate<T> {
    /// ⟨P̂, C⟩, the cost of the rounded coupling: at least the cost of transport without entropy.
    pub cost: T,
    /// The dual value: at most the least value of the problem.
    pub dual: T,
    /// F(P̂) of the rounded coupling: at least the least value of the problem.
    pub primal: T,
    /// At most the cost of transport without entropy.
    pub lower: T,
    /// ‖P 1 − a‖₁ of the coupling before it was rounded.
    pub row_error: T,
    /// ‖Pᵀ 1 − b‖₁ likewise.
    pub column_error: T,
}

impl<T: Real> Certificate<T> {
    /// F(P̂) − D: by how much the value of the rounded coupling can exceed the least, at most.
    #[must_use]
    pub fn gap(&self) -> T {
        self.primal - self.dual
    }

    /// ⟨P̂, C⟩ − the lower bound: by how much the rounded coupling can cost more than the cheapest, at most.
    #[must_use]
    pub fn transport_gap(&self) -> T {
        self.cost - self.lower
    }
}

/// Elements of storage that [`certify`] needs.
#[must_use]
pub const fn certificate_len(rows: usize, columns: usize, stored: bool) -> usize {
    let lines = rows.saturating_add(columns).saturating_mul(2);
    lines.saturating_add(columns.saturating_mul(if stored { 2 } else { 3 }))
}

/// Evaluates potentials. Cost: five readings of C, three with an exponential an entry and one of them with a
/// logarithm as well.
///
/// # Errors
/// [`Error::Dimension`] for potentials of another length than the marginals; [`Error::Workspace`] if
/// `storage` is shorter than [`certificate_len`].
pub fn certify<T: Real, C: Cost<T>>(
    problem: &Problem<'_, T, C>,
    f: &[T],
    g: &[T],
    storage: &mut [T],
) -> Result<Certificate<T>, Error> {
    let (n, m) = (problem.rows(), problem.columns());
    check_len("f", f.len(), n)?;
    check_len("g", g.len(), m)?;
    let needed = certificate_len(n, m, problem.cost.is_stored());
    let short = Error::Workspace { needed, given: storage.len() };
    let storage = storage.get_mut(..needed).ok_or(short)?;
    let (least, storage) = storage.split_at_mut_checked(m).ok_or(short)?;

    let (buffer, _) = storage.split_at_mut_checked(m).ok_or(short)?;
    least.fill(T::INFINITY);
    for (i, (&f, &a)) in f.iter().zip(problem.a).enumerate() {
        if a > T::ZERO {
            for (least, &c) in least.iter_mut().zip(problem.cost.row(i, buffer)) {
                *least = least.min(c - f);
            }
        }
    }
    let rows = inner(problem.a, f);
    let lower = rows + inner(problem.b, least);

    // Σ P first, in the rounding's memory.
    let (row, buffer) = storage.split_at_mut_checked(m).ok_or(short)?;
    let mut mass = T::ZERO;
    for (i, &f) in f.iter().enumerate() {
        mass += problem.cost.coupling_row(i, problem.epsilon, f, g, row, buffer).0;
    }
    let dual = rows + inner(problem.b, g) - problem.epsilon * mass;
    let mut rounded = Rounded::new(problem, f, g, storage)?;
    let (row_error, column_error) = rounded.errors();
    let (cost, entropy) = rounded.cost_and_entropy();
    Ok(Certificate { cost, dual, primal: cost + problem.epsilon * entropy, lower, row_error, column_error })
}

/// Σ w p over the lines with mass.
fn inner<T: Real>(weights: &[T], potential: &[T]) -> T {
    if weights.iter().all(|&w| w > T::ZERO) {
        return vector::dot(weights, potential);
    }
    let terms = weights.iter().zip(potential).filter(|(w, _)| **w > T::ZERO);
    terms.fold(T::ZERO, |sum, (&w, &p)| sum + w * p)
}
