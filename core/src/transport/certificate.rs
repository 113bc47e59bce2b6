//! What potentials are worth: costs and errors of their coupling, and bounds that need no trust in a solver.
//!
//! ```text
//! D(f, g) = ⟨a, f⟩ + ⟨b, g⟩ − ε Σ P                                   the dual value, a lower bound
//! F(Q)    = ⟨Q, C⟩ + ε Σ Q (ln Q − 1)                                  the primal value, any Q ≥ 0
//! D(f, g) ≤ min F ≤ F(P̂)                                              P̂: the rounded coupling
//! ⟨a, f⟩ + ⟨b, g'⟩ ≤ min ⟨Q, C⟩ ≤ ⟨P̂, C⟩,   g'_j = min_i (C_ij − f_i)   transport without entropy
//! ```
//! The minima are over couplings with the marginals a and b. Both pairs hold for any potentials, converged
//! or not; how far apart they are says how good the potentials are. The first gap vanishes at the solution,
//! the second is about ε times the entropy there.
//!
//! *Cost*: [`evaluate`] reads C once, [`certify`] four times, each but one with an exponential an entry.
//! *Memory*: [`evaluate_len`] and [`certify_len`] elements of the caller's, dirty or not.
//!
//! *Source*: duality as in Peyré & Cuturi 2019, sections 4.4 and 3; rounding by Altschuler, Weed & Rigollet 2017.

use southwell_simd::{elementary, vector};

use super::cost::Cost;
use super::problem::Problem;
use super::reading::{Sum, buffer_len, check_potentials, copy_marked, largest, total, weighted};
use super::rounding;
use crate::carve::carve;
use crate::{Error, Real};

/// The coupling of potentials in a few numbers.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Evaluation<T> {
    /// ⟨P, C⟩
    pub cost: T,
    /// ⟨a, f⟩ + ⟨b, g⟩ − ε Σ P
    pub dual: T,
    /// ⟨P, C⟩ + ε Σ P (ln P − 1)
    pub primal: T,
    /// Σ P (ln P − 1), the derivative of the value in ε
    pub entropy: T,
    /// Σ P
    pub mass: T,
    /// ‖P 1 − a‖₁
    pub row_error: T,
    /// ‖Pᵀ 1 − b‖₁
    pub column_error: T,
}

impl<T: Real> Evaluation<T> {
    /// ‖P 1 − a‖₁ + ‖Pᵀ 1 − b‖₁
    #[must_use]
    pub fn error(&self) -> T {
        self.row_error + self.column_error
    }

    /// Of a coupling that the type cannot express: true, and of no use.
    fn overflowed() -> Self {
        let infinity = T::INFINITY;
        Self {
            cost: infinity,
            dual: -infinity,
            primal: infinity,
            entropy: infinity,
            mass: infinity,
            row_error: infinity,
            column_error: infinity,
        }
    }
}

/// Elements that [`evaluate`] needs for m columns of costs that are stored, or made on the fly.
#[must_use]
pub const fn evaluate_len(columns: usize, stored: bool) -> usize {
    columns.saturating_mul(3).saturating_add(buffer_len(columns, stored))
}

/// Evaluates potentials in one reading of C. Potentials of lines without mass are taken for −∞.
///
/// ln P = (f_i + g_j − C_ij)/ε, so the entropy needs no logarithm: Σ P (ln P − 1) = (⟨P 1, f⟩ + ⟨Pᵀ 1, g⟩ −
/// ⟨P, C⟩)/ε − Σ P. Sums over rows carry their rounding errors along, so that values are off by about
/// [`EPSILON`](Real::EPSILON)·(max |f| + max |g| + max C)/ε relatively, which is what the rounding of the
/// exponents alone does. A coupling that overflows is reported with infinite costs and errors and a dual value
/// of −∞, never NaN.
///
/// # Errors
/// [`Error::Dimension`] and [`Error::Value`] for potentials; [`Error::Workspace`] if `storage` is shorter than
/// [`evaluate_len`].
pub fn evaluate<T: Real, C: Cost<T>>(
    problem: &Problem<'_, T, C>,
    f: &[T],
    g: &[T],
    storage: &mut [T],
) -> Result<Evaluation<T>, Error> {
    check_potentials(problem, f, g)?;
    let m = problem.columns();
    let [marked, p, columns, buffer] = carve(storage, [m, m, m, buffer_len(m, problem.cost.is_stored())])?;
    copy_marked(problem.b, g, marked);
    columns.fill(T::ZERO);
    let inverse = T::ONE / problem.epsilon;
    let (mut cost, mut mass, mut error, mut rows) = (Sum::new(), Sum::new(), Sum::new(), Sum::new());
    for (i, (&a, &f)) in problem.a.iter().zip(f).enumerate() {
        if a == T::ZERO {
            continue;
        }
        let c = problem.cost.row(i, buffer);
        let (sum, _) = elementary::exp_coupling(f, marked, c, inverse, p);
        vector::axpy(T::ONE, p, columns);
        cost.add(vector::dot(p, c));
        mass.add(sum);
        error.add((sum - a).abs());
        rows.add(sum * f);
    }
    let (cost, mass) = (cost.value(), mass.value());
    let by_potentials = rows.value() + weighted_sums(problem.b, columns, g);
    let evaluation = Evaluation {
        cost,
        dual: weighted(problem.a, f) + weighted(problem.b, g) - problem.epsilon * mass,
        primal: by_potentials - problem.epsilon * mass,
        entropy: (by_potentials - cost) / problem.epsilon - mass,
        mass,
        row_error: error.value(),
        column_error: total(columns.iter().zip(problem.b).map(|(&c, &b)| (c - b).abs())),
    };
    let Evaluation { dual, primal, entropy, .. } = evaluation;
    let finite = [cost, dual, primal, entropy, mass, evaluation.error()].iter().all(|x| x.is_finite());
    Ok(if finite { evaluation } else { Evaluation::overflowed() })
}

/// Σ s_j p_j over the lines that have mass.
fn weighted_sums<T: Real>(weights: &[T], sums: &[T], potential: &[T]) -> T {
    let lines = weights.iter().zip(sums).zip(potential).filter(|((w, _), _)| **w > T::ZERO);
    total(lines.map(|((_, &s), &p)| s * p))
}

/// Two pairs of bounds, and what rounding may have done to them.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Certificate<T> {
    /// D(f, g), not above the optimal value with entropy.
    pub dual: T,
    /// F(P̂), not below it.
    pub primal: T,
    /// ⟨a, f⟩ + ⟨b, g'⟩, not above the cost of the best coupling without entropy.
    pub lower: T,
    /// ⟨P̂, C⟩, not below it.
    pub upper: T,
    /// How far rounding may have moved any difference of two of these.
    pub rounding: T,
}

impl<T: Real> Certificate<T> {
    /// F(P̂) − D(f, g), at least 0 but for [`rounding`](Certificate::rounding): no coupling is better by more,
    /// with entropy.
    #[must_use]
    pub fn gap(&self) -> T {
        self.primal - self.dual
    }

    /// ⟨P̂, C⟩ − (⟨a, f⟩ + ⟨b, g'⟩), at least 0 but for [`rounding`](Certificate::rounding): no coupling is
    /// cheaper by more.
    #[must_use]
    pub fn exact_gap(&self) -> T {
        self.upper - self.lower
    }
}

/// Elements that [`certify`] needs for n rows and m columns of costs that are stored, or made on the fly.
#[must_use]
pub const fn certify_len(rows: usize, columns: usize, stored: bool) -> usize {
    // The transform needs a row of its own and of the costs', less than rounding does.
    rounding::Workspace::<f64>::required_len(rows, columns, stored)
}

/// Rounds the coupling and bounds both optimal values, in four readings of C.
///
/// With M = max |f| + max |g| + max |g'| + max C + 64 ε, everything that is rounded here, exponents included,
/// moves a difference of two bounds by less than 8·[`EPSILON`](Real::EPSILON)·(Σ a + Σ P)·M; and P̂ misses its
/// marginals by a measured few units in the last place, which weigh M at most. The sum of both is reported. A
/// dual value whose coupling overflows is −∞.
///
/// # Errors
/// As [`evaluate`], with [`certify_len`].
pub fn certify<T: Real, C: Cost<T>>(
    problem: &Problem<'_, T, C>,
    f: &[T],
    g: &[T],
    storage: &mut [T],
) -> Result<Certificate<T>, Error> {
    let workspace = rounding::Workspace::new(problem, storage)?;
    let mut rounded = rounding::round(problem, f, g, workspace)?;
    let mass = rounded.mass_before();
    let value = rounded.evaluate();
    let m = problem.columns();
    let [transform, buffer] = carve(storage, [m, buffer_len(m, problem.cost.is_stored())])?;
    c_transform(problem, f, transform, buffer);
    let dual = weighted(problem.a, f) + weighted(problem.b, g) - problem.epsilon * mass;
    let lower = weighted(problem.a, f) + weighted(problem.b, transform);
    let size = largest(problem.a, f)
        + largest(problem.b, g)
        + largest(problem.b, transform)
        + problem.cost.largest()
        + T::from_u32(64) * problem.epsilon;
    let unit = T::from_u32(8) * T::EPSILON * (problem.mass + mass);
    let or_nothing = |x: T| if x.is_finite() { x } else { -T::INFINITY };
    let rounding = (unit + value.row_error + value.column_error) * size;
    Ok(Certificate {
        dual: or_nothing(dual),
        primal: value.primal,
        lower: or_nothing(lower),
        upper: value.cost,
        rounding: if rounding.is_finite() { rounding } else { T::INFINITY },
    })
}

/// g'_j = min_i (C_ij − f_i) over the rows that have mass: the largest g that f allows without entropy. Cost:
/// one reading.
fn c_transform<T: Real, C: Cost<T>>(problem: &Problem<'_, T, C>, f: &[T], g: &mut [T], buffer: &mut [T]) {
    g.fill(T::INFINITY);
    for (i, (&a, &f)) in problem.a.iter().zip(f).enumerate() {
        if a > T::ZERO {
            for (g, &c) in g.iter_mut().zip(problem.cost.row(i, buffer)) {
                *g = g.min(c - f);
            }
        }
    }
}
