//! Derivatives of the value, V = min ⟨P, C⟩ + ε Σ P (ln P − 1), in everything that it depends on.
//!
//! ```text
//! ∂V/∂C = P        ∂V/∂a = f, ∂V/∂b = g, up to a constant each (masses must stay equal)
//! ∂V/∂ε = Σ P (ln P − 1)
//! C_ij = λ |x_i − y_j|²:  ∂V/∂x_i = 2λ Σ_j P_ij (x_i − y_j),  ∂V/∂y_j = 2λ Σ_i P_ij (y_j − x_i)
//! ```
//! By the envelope theorem the optimal P, f and g count as constants, so the potentials that a solver left are
//! all that is needed. Where the marginals' error is e, the value is off by O(e²) and these by O(e): solve to
//! the digits that the derivatives shall have.
//!
//! The derivative in C is [`coupling_row`], in a and b [`centred`], in ε [`Evaluation::entropy`], in points
//! [`squared_euclidean`].
//!
//! *Cost*: one reading of C, or a row of it. *Source*: Danskin 1967; Feydy et al. 2019; Peyré & Cuturi 2019,
//! section 9.1.
//!
//! [`Evaluation::entropy`]: super::certificate::Evaluation::entropy

use southwell_simd::elementary;

use super::cost::Cost;
use super::problem::Problem;
use super::reading::{buffer_len, check_potentials, copy_marked, total, weighted};
use crate::carve::carve;
use crate::linear::{check_finite, check_len};
use crate::{Error, Real};

/// Elements that [`coupling_row`] and [`squared_euclidean`] need for m columns of costs that are stored, or
/// made on the fly.
#[must_use]
pub const fn required_len(columns: usize, stored: bool) -> usize {
    columns.saturating_mul(2).saturating_add(buffer_len(columns, stored))
}

/// The derivative in C_i·, row i of P. Lines without mass are 0.
///
/// # Errors
/// [`Error::Dimension`] and [`Error::Value`] for potentials, `out` and a row that does not exist;
/// [`Error::Workspace`] if `storage` is shorter than [`required_len`].
pub fn coupling_row<T: Real, C: Cost<T>>(
    problem: &Problem<'_, T, C>,
    (f, g): (&[T], &[T]),
    row: usize,
    out: &mut [T],
    storage: &mut [T],
) -> Result<(), Error> {
    check_potentials(problem, f, g)?;
    let m = problem.columns();
    check_len("out", out.len(), m)?;
    let (Some(&f), Some(&a)) = (f.get(row), problem.a.get(row)) else {
        return Err(Error::Dimension { argument: "row", expected: problem.rows(), given: row });
    };
    let [marked, buffer] = carve(storage, [m, buffer_len(m, problem.cost.is_stored())])?;
    copy_marked(problem.b, g, marked);
    fill_row(problem, (a, f, marked), row, out, buffer);
    Ok(())
}

fn fill_row<T: Real, C: Cost<T>>(
    problem: &Problem<'_, T, C>,
    (a, f, g): (T, T, &[T]),
    row: usize,
    out: &mut [T],
    buffer: &mut [T],
) {
    if a == T::ZERO {
        out.fill(T::ZERO);
        return;
    }
    elementary::exp_coupling(f, g, problem.cost.row(row, buffer), T::ONE / problem.epsilon, out);
}

/// The derivative in a (for f) or b (for g) along changes that keep the mass: the potential with its sum over
/// the lines that have mass taken to 0.
///
/// A line without mass gets 0: the value has an infinite slope there, for the entropy wants mass everywhere. In
/// the convention ε KL(P | a bᵀ) the potential would be f − ε ln a.
///
/// # Errors
/// [`Error::Dimension`] for lengths that differ; [`Error::Value`] for a potential that is NaN or infinite where
/// there is mass.
pub fn centred<T: Real>(weights: &[T], potential: &[T], out: &mut [T]) -> Result<(), Error> {
    check_len("potential", potential.len(), weights.len())?;
    check_len("out", out.len(), weights.len())?;
    let bad = potential.iter().zip(weights).position(|(p, &w)| w > T::ZERO && !p.is_finite());
    if let Some(index) = bad {
        return Err(Error::Value { argument: "potential", index });
    }
    let lines = || potential.iter().zip(weights).filter(|(_, w)| **w > T::ZERO);
    let count = T::from_usize(lines().count()).max(T::ONE);
    let mean = total(lines().map(|(&p, _)| p / count));
    for ((out, &p), &w) in out.iter_mut().zip(potential).zip(weights) {
        *out = if w > T::ZERO { p - mean } else { T::ZERO };
    }
    Ok(())
}

/// The derivative along a change of both marginals, ⟨f, ȧ⟩ + ⟨g, ḃ⟩; lines without mass must not change.
#[must_use]
pub fn along<T: Real, C: Cost<T>>(
    problem: &Problem<'_, T, C>,
    (f, g): (&[T], &[T]),
    (a_dot, b_dot): (&[T], &[T]),
) -> T {
    let slope = |weights: &[T], potential: &[T], dot: &[T]| {
        let lines = weights.iter().zip(potential).zip(dot).filter(|((w, _), _)| **w > T::ZERO);
        total(lines.map(|((_, &p), &d)| p * d))
    };
    slope(problem.a, f, a_dot) + slope(problem.b, g, b_dot)
}

/// Points of any dimension, by rows, and the factor λ of the costs λ |x_i − y_j|² between them.
#[derive(Clone, Copy, Debug)]
pub struct Points<'a, T> {
    /// x, n × dimension
    pub x: &'a [T],
    /// y, m × dimension
    pub y: &'a [T],
    /// Coordinates of a point, at least 1.
    pub dimension: usize,
    /// λ, 1 for the plain square.
    pub scale: T,
}

/// The derivatives in x (to `out_x`) and in y (to `out_y`) where `problem` has the costs λ |x_i − y_j|².
///
/// Sums run over differences of points, so that a common offset costs no digits. Cost: one reading of C,
/// an exponential and 6·dimension operations an entry.
///
/// # Errors
/// [`Error::Dimension`] and [`Error::Value`] for potentials, points and outputs, [`Error::Option`] for a
/// dimension of 0 or a factor that is not finite, and [`Error::Workspace`] if `storage` is shorter than [`required_len`].
pub fn squared_euclidean<T: Real, C: Cost<T>>(
    problem: &Problem<'_, T, C>,
    (f, g): (&[T], &[T]),
    points: &Points<'_, T>,
    (out_x, out_y): (&mut [T], &mut [T]),
    storage: &mut [T],
) -> Result<(), Error> {
    check_potentials(problem, f, g)?;
    let Points { x, y, dimension, scale } = *points;
    let (n, m) = (problem.rows(), problem.columns());
    if dimension == 0 {
        return Err(Error::Option { name: "dimension", requirement: "must be at least 1" });
    }
    if !scale.is_finite() {
        return Err(Error::Option { name: "scale", requirement: "must be finite" });
    }
    for (argument, given, lines) in
        [("x", x.len(), n), ("y", y.len(), m), ("out_x", out_x.len(), n), ("out_y", out_y.len(), m)]
    {
        check_len(argument, given, lines.saturating_mul(dimension))?;
    }
    check_finite("x", x)?;
    check_finite("y", y)?;
    let [marked, p, buffer] = carve(storage, [m, m, buffer_len(m, problem.cost.is_stored())])?;
    copy_marked(problem.b, g, marked);
    out_x.fill(T::ZERO);
    out_y.fill(T::ZERO);
    let twice = T::TWO * scale;
    let rows = x.chunks_exact(dimension).zip(out_x.chunks_exact_mut(dimension));
    for (i, (((x, out_x), &a), &f)) in rows.zip(problem.a).zip(f).enumerate() {
        fill_row(problem, (a, f, marked), i, p, buffer);
        let columns = y.chunks_exact(dimension).zip(out_y.chunks_exact_mut(dimension));
        for (&p, (y, out_y)) in p.iter().zip(columns) {
            let p = twice * p;
            for (((&x, &y), out_x), out_y) in x.iter().zip(y).zip(&mut *out_x).zip(out_y) {
                let flow = p * (x - y);
                *out_x += flow;
                *out_y -= flow;
            }
        }
    }
    Ok(())
}

/// V of potentials, ⟨a, f⟩ + ⟨b, g⟩ − ε Σ a: what these derivatives belong to, where the marginals are met.
#[must_use]
pub fn value<T: Real, C: Cost<T>>(problem: &Problem<'_, T, C>, (f, g): (&[T], &[T])) -> T {
    weighted(problem.a, f) + weighted(problem.b, g) - problem.epsilon * problem.mass
}
