//! Entropic transport that owns its costs and marginals.

mod counted;
mod gap;
mod solve;
mod unbalanced;

use std::borrow::Cow;

use southwell::transport::{Cost, DenseCost, Ground, PointCost, newton};
use southwell::{Error, Observer, Real, Report, Stop};

use crate::files::DenseMatrix;
#[cfg(feature = "threads")]
use crate::threads::{Pool, Threaded};

/// How a transport problem is solved.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Coupler {
    /// Whatever the run asks for: over-relaxed iterations, Newton's method, or both by turns.
    #[default]
    Auto,
    /// Sinkhorn's iteration on a stored kernel.
    Sinkhorn,
    /// Sinkhorn's iteration in the log domain: no kernel is stored.
    Log,
    /// Over-relaxed iterations on a stored kernel, omega found on the way.
    OverRelaxed,
    /// The same in the log domain.
    OverRelaxedLog,
    /// Sinkhorn-Newton-Sparse.
    NewtonSparse,
    /// Greenkhorn, one line at a time; for small problems.
    Greedy,
}

/// The numbers that a run computes with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Precision {
    /// `f32`: half the memory and its traffic, and errors down to about 1e-6 of the mass.
    Single,
    /// `f64`
    #[default]
    Double,
}

impl Precision {
    /// The relative tolerance that a run of this precision has by default: 1e-9, and 1e-5 in `f32`.
    #[must_use]
    pub fn tolerance(self) -> f64 {
        match self {
            Self::Single => 1e-5,
            Self::Double => 1e-9,
        }
    }
}

/// What it costs to move a unit of mass.
#[derive(Clone, Debug, PartialEq)]
pub enum Costs {
    /// Costs as they are.
    Matrix(DenseMatrix),
    /// Distances between points, by rows, made when they are read.
    Points {
        /// n points.
        x: DenseMatrix,
        /// m points of the same dimension.
        y: DenseMatrix,
        /// The distance.
        ground: Ground,
    },
}

/// How a run proceeds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Solving {
    /// The method. Default: whatever the run asks for.
    pub coupler: Coupler,
    /// The numbers of the run. Values, errors and bounds of what it found are computed in `f64` in any case.
    pub precision: Precision,
    /// Tolerances and the limit for the steps of all kinds. Default: relative 1e-9.
    pub stop: Stop<f64>,
    /// The price ρ of missing a marginal, in the unit of the costs: ρ KL(P 1 | a) + ρ KL(Pᵀ 1 | b) instead of the
    /// constraints. Only with [`Coupler::Auto`] and [`Coupler::Log`], which are the same then.
    pub unbalanced: Option<f64>,
    /// End where the certified gap of the problem with entropy is at most this, in the unit of the costs times mass,
    /// instead of where the marginals are right. Looks cost four readings of the costs, every 20 steps; of
    /// [`Coupler::Auto`] whenever the marginals seem right enough.
    pub gap: Option<f64>,
    /// With a gap: whether the marginals must be right as well.
    pub both: bool,
}

impl Default for Solving {
    fn default() -> Self {
        Self::with(Coupler::Auto, Precision::Double)
    }
}

impl Solving {
    /// By a method, in a precision and to its [tolerance](Precision::tolerance), with 100,000 steps at most.
    #[must_use]
    pub fn with(coupler: Coupler, precision: Precision) -> Self {
        let stop = Stop { max_steps: 100_000, ..Stop::relative(precision.tolerance()) };
        Self { coupler, precision, stop, unbalanced: None, gap: None, both: false }
    }
}

/// An entropic transport problem, owned.
///
/// ```
/// use southwell_std::files::DenseMatrix;
/// use southwell_std::owned::{Costs, Solving, Transport};
///
/// # fn main() -> Result<(), southwell::Error> {
/// let cost = DenseMatrix { rows: 2, columns: 2, values: vec![0.0, 1.0, 1.0, 0.0] };
/// let transport = Transport::new(Costs::Matrix(cost), vec![0.5; 2], vec![0.25, 0.75]);
/// let coupling = transport.solve(0.1, &Solving::default(), None, &mut ())?;
/// assert!(coupling.report.converged() && (coupling.cost - 0.25).abs() < 1e-3);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Transport {
    costs: Costs,
    a: Vec<f64>,
    b: Vec<f64>,
    #[cfg(feature = "threads")]
    pool: Option<Pool>,
}

/// Potentials, how they were found, and what they are worth.
#[derive(Clone, Debug, PartialEq)]
pub struct Coupling {
    /// f, one for each row.
    pub f: Vec<f64>,
    /// g, one for each column.
    pub g: Vec<f64>,
    /// How the run ended, as it saw itself in its own precision.
    pub report: Report<f64>,
    /// Readings of the kernel or of the costs. Of Greenkhorn, lines count as the readings that they amount to.
    pub kernel_reads: u32,
    /// Iterations, Newton steps not among them.
    pub iterations: u32,
    /// What Newton's method did.
    pub newton: newton::Work,
    /// The omega in use last, where there is one.
    pub omega: Option<f64>,
    /// Readings, and the residual after them, step by step; a turn of [`Coupler::Auto`] may begin one late.
    pub curve: Vec<(f64, f64)>,
    /// ‖P 1 − a‖₁ + ‖Pᵀ 1 − b‖₁ of the potentials; unbalanced, with a e^(−f/ρ) and b e^(−g/ρ) for a and b.
    pub marginal_error: f64,
    /// Σ P
    pub mass: f64,
    /// What moving the mass costs, entropy and prices aside: ⟨P̂, C⟩ of the rounded coupling P̂, whose marginals
    /// are exact; unbalanced, ⟨P, C⟩.
    pub cost: f64,
    /// The dual value, a lower bound of the least one that any coupling has.
    pub dual: f64,
    /// The value of that coupling, an upper bound.
    pub primal: f64,
    /// A lower bound of the cost of transport without entropy; none where marginals may be missed.
    pub lower_bound: Option<f64>,
}

impl Coupling {
    /// By how much, at most, the value exceeds the least one (but for rounding).
    #[must_use]
    pub fn gap(&self) -> f64 {
        self.primal - self.dual
    }
}

impl Transport {
    /// Costs (n × m) and marginals; what does not fit is refused by the methods.
    #[must_use]
    pub fn new(costs: Costs, a: Vec<f64>, b: Vec<f64>) -> Self {
        Self {
            costs,
            a,
            b,
            #[cfg(feature = "threads")]
            pool: None,
        }
    }

    /// The same problem, its costs and kernels read by several threads: what comes out is the same, bit for bit.
    #[cfg(feature = "threads")]
    #[must_use]
    pub fn on(self, pool: &Pool) -> Self {
        Self { pool: Some(pool.clone()), ..self }
    }

    /// The costs, and the marginals a and b.
    #[must_use]
    pub fn parts(&self) -> (&Costs, &[f64], &[f64]) {
        (&self.costs, &self.a, &self.b)
    }

    /// n and m.
    #[must_use]
    pub fn shape(&self) -> (usize, usize) {
        match &self.costs {
            Costs::Matrix(cost) => (cost.rows, cost.columns),
            Costs::Points { x, y, .. } => (x.rows, y.rows),
        }
    }

    /// The largest cost, or a bound near it.
    ///
    /// # Errors
    /// What the view of the costs refuses.
    pub fn largest(&self) -> Result<f64, Error> {
        self.with(Largest)
    }

    /// Solves from zero, or from earlier potentials, of which most methods use g alone. A potential of −∞, as lines
    /// without mass have it, is taken for 0 where there is mass now.
    ///
    /// # Errors
    /// What the views, the problem and the method refuse; [`Error::Option`] for a price with a method that has none.
    pub fn solve(
        &self,
        epsilon: f64,
        solving: &Solving,
        warm: Option<(&[f64], &[f64])>,
        observer: &mut dyn Observer<f64>,
    ) -> Result<Coupling, Error> {
        solve::solve(self, epsilon, solving, warm, observer)
    }

    /// The coupling of potentials, row after row: n·m numbers.
    ///
    /// # Errors
    /// What the view of the costs refuses.
    pub fn coupling(&self, epsilon: f64, f: &[f64], g: &[f64]) -> Result<DenseMatrix, Error> {
        self.with(Form { epsilon, f, g })
    }

    /// Makes the view of the costs and hands it over.
    fn with<T: Held, W: WithCost<T>>(&self, what: W) -> Result<W::Output, Error> {
        match &self.costs {
            Costs::Matrix(cost) => {
                let values = T::hold(&cost.values);
                self.hand(DenseCost::new(&values, cost.rows, cost.columns, cost.columns)?, what)
            }
            Costs::Points { x, y, ground } => {
                if x.columns != y.columns {
                    let (expected, given) = (x.columns, y.columns);
                    return Err(Error::Dimension { argument: "coordinates of y", expected, given });
                }
                let (d, count) = (x.columns, y.rows);
                let (x, y) = (T::hold(&x.values), T::hold(&y.values));
                let mut storage = vec![T::ZERO; PointCost::<T>::required_len(count, d)];
                self.hand(PointCost::new(&x, &y, d, *ground, &mut storage)?, what)
            }
        }
    }

    /// Hands costs over, to be read by all threads that there are.
    fn hand<T: Real, W: WithCost<T>>(&self, cost: impl Cost<T> + Sync, what: W) -> Result<W::Output, Error> {
        #[cfg(feature = "threads")]
        let cost = Threaded::new(self.pool.as_ref().unwrap_or(const { &Pool::none() }), cost);
        what.call(&cost)
    }
}

/// Numbers that a run may compute with.
trait Held: Real {
    /// `f64` as they are, or rounded.
    fn hold(values: &[f64]) -> Cow<'_, [Self]>;
}

impl Held for f64 {
    fn hold(values: &[f64]) -> Cow<'_, [f64]> {
        Cow::Borrowed(values)
    }
}

impl Held for f32 {
    fn hold(values: &[f64]) -> Cow<'_, [f32]> {
        Cow::Owned(values.iter().map(|&value| value as f32).collect())
    }
}

/// Something to do with costs of any kind.
trait WithCost<T> {
    type Output;
    fn call<C: Cost<T>>(self, cost: &C) -> Result<Self::Output, Error>
    where
        T: Real;
}

struct Largest;

impl WithCost<f64> for Largest {
    type Output = f64;
    fn call<C: Cost<f64>>(self, cost: &C) -> Result<f64, Error> {
        Ok(cost.largest())
    }
}

struct Form<'s> {
    epsilon: f64,
    f: &'s [f64],
    g: &'s [f64],
}

impl WithCost<f64> for Form<'_> {
    type Output = DenseMatrix;
    fn call<C: Cost<f64>>(self, cost: &C) -> Result<DenseMatrix, Error> {
        let (rows, columns) = (cost.rows(), cost.columns());
        let mut values = vec![0.0; rows * columns];
        let mut buffer = vec![0.0; columns];
        for (i, (row, &f)) in values.chunks_mut(columns.max(1)).zip(self.f).enumerate() {
            cost.coupling_row(i, self.epsilon, f, self.g, row, &mut buffer);
        }
        Ok(DenseMatrix { rows, columns, values })
    }
}
