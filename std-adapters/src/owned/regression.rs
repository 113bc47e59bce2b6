//! Sparse regression that owns its design and its targets.

use std::ops::ControlFlow;

use southwell::descent::sparse_regression::{self, Loss, Options, Outcome, Penalty, Problem, Workspace};
use southwell::linear::Design;
use southwell::{Error, Observer};

use super::samples::{Samples, View};
use crate::files::{DenseMatrix, SparseMatrix};
#[cfg(feature = "threads")]
use crate::threads::{Pool, Threaded};

/// Columns that a working set may have, at most: two matrices of so many squared, of which only what is used is
/// ever touched.
const MOST_SLOTS: usize = 4096;

/// How w is kept small and sparse.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Sparsity {
    /// λ ‖w‖₁
    #[default]
    Lasso,
    /// λ ‖w‖₁ + ½ ridge ‖w‖², the ridge given here.
    ElasticNet(f64),
    /// λ Σ w_j, w ≥ 0
    NonNegative,
    /// λ Σ ‖w_g‖ over groups of so many consecutive features (the last may have fewer).
    Groups(u32),
}

/// A regression that owns its data: (1/n) Σ loss + penalty, the units of λ being those of scikit-learn's `alpha`.
///
/// ```
/// use southwell::descent::sparse_regression::{Loss, Options};
/// use southwell_std::files::DenseMatrix;
/// use southwell_std::owned::{Regression, Sparsity};
///
/// # fn main() -> Result<(), southwell::Error> {
/// let samples = DenseMatrix { rows: 3, columns: 2, values: vec![1.0, 0.0, 0.0, 1.0, 1.0, 1.0] };
/// let regression = Regression::dense(samples, vec![2.0, 0.0, 2.1], Loss::LeastSquares);
/// let lambda = regression.lambda_max(Sparsity::Lasso)? / 10.0;
/// let fit = regression.solve(Sparsity::Lasso, lambda, &Options::default(), &mut ())?;
/// assert!(fit.outcome.report.converged() && fit.w[0] > 1.5);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Regression {
    samples: Samples,
    y: Vec<f64>,
    loss: Loss,
    intercept: bool,
    #[cfg(feature = "threads")]
    pool: Option<Pool>,
}

/// Weights, and how they were found.
#[derive(Clone, Debug, PartialEq)]
pub struct Fit {
    /// λ
    pub lambda: f64,
    /// w, one for each feature.
    pub w: Vec<f64>,
    /// How the run ended, and what it took.
    pub outcome: Outcome<f64>,
}

impl Regression {
    /// A dense design, a row a sample. What does not fit is refused by the methods.
    #[must_use]
    pub fn dense(samples: DenseMatrix, y: Vec<f64>, loss: Loss) -> Self {
        Self::of(Samples::dense(samples), y, loss)
    }

    /// A design that is there already.
    #[must_use]
    pub fn of(samples: Samples, y: Vec<f64>, loss: Loss) -> Self {
        Self {
            samples,
            y,
            loss,
            intercept: false,
            #[cfg(feature = "threads")]
            pool: None,
        }
    }

    /// The same regression, products with all features made by several threads: what comes out is the same, bit for
    /// bit.
    #[cfg(feature = "threads")]
    #[must_use]
    pub fn on(self, pool: &Pool) -> Self {
        Self { pool: Some(pool.clone()), ..self }
    }

    /// A sparse design, a row a sample.
    ///
    /// # Errors
    /// What [`SparseView::check`](crate::files::SparseView::check) refuses.
    pub fn sparse(samples: &SparseMatrix, y: Vec<f64>, loss: Loss) -> Result<Self, Error> {
        Ok(Self::of(Samples::sparse(samples)?, y, loss))
    }

    /// The same with a constant that is not penalised.
    #[must_use]
    pub fn with_intercept(self) -> Self {
        Self { intercept: true, ..self }
    }

    /// Samples and features.
    #[must_use]
    pub fn shape(&self) -> (usize, usize) {
        self.samples.shape()
    }

    /// Entries of the design that are stored.
    #[must_use]
    pub fn entries(&self) -> usize {
        self.samples.entries()
    }

    /// The least λ for which w = 0 is a solution.
    ///
    /// # Errors
    /// What the views and the problem refuse.
    pub fn lambda_max(&self, sparsity: Sparsity) -> Result<f64, Error> {
        self.with(sparsity, 1.0, LambdaMax)
    }

    /// Solves from zero.
    ///
    /// # Errors
    /// What the views, the problem and the run refuse.
    pub fn solve(
        &self,
        sparsity: Sparsity,
        lambda: f64,
        options: &Options<f64>,
        observer: &mut dyn Observer<f64>,
    ) -> Result<Fit, Error> {
        self.with(sparsity, lambda, Solve { options, observer })
    }

    /// The duality gap at w, however it was found: the objective is at most so much above the least. Costs two passes
    /// over the design.
    ///
    /// # Errors
    /// What the views and the problem refuse, and weights that do not fit.
    pub fn gap(&self, sparsity: Sparsity, lambda: f64, w: &[f64]) -> Result<f64, Error> {
        self.with(sparsity, lambda, Gap { w })
    }

    /// Solves for every λ in turn, each from the solution before it; `each` sees them one by one and may break off.
    ///
    /// # Errors
    /// As [`solve`](Self::solve).
    pub fn path(
        &self,
        sparsity: Sparsity,
        lambdas: &[f64],
        options: &Options<f64>,
        each: &mut dyn FnMut(Fit) -> ControlFlow<()>,
    ) -> Result<(), Error> {
        let Some(&first) = lambdas.first() else { return Ok(()) };
        self.with(sparsity, first, Path { lambdas, options, each })
    }

    /// Makes the views and the problem and hands them over.
    fn with<W: WithProblem>(&self, sparsity: Sparsity, lambda: f64, what: W) -> Result<W::Output, Error> {
        match self.samples.view()?.0 {
            View::Dense(design) => self.hand(design, sparsity, lambda, what),
            View::Sparse(design) => self.hand(design, sparsity, lambda, what),
        }
    }

    /// Hands a design over, to be multiplied by all threads that there are.
    fn hand<W: WithProblem>(
        &self,
        design: impl Design<f64> + Sync,
        sparsity: Sparsity,
        lambda: f64,
        what: W,
    ) -> Result<W::Output, Error> {
        #[cfg(feature = "threads")]
        let design = Threaded::new(self.pool.as_ref().unwrap_or(const { &Pool::none() }), design);
        self.pose(&design, sparsity, lambda, what)
    }

    fn pose<A: Design<f64>, W: WithProblem>(
        &self,
        design: &A,
        sparsity: Sparsity,
        lambda: f64,
        what: W,
    ) -> Result<W::Output, Error> {
        let posing = Posing { y: &self.y, loss: self.loss, intercept: self.intercept, sparsity };
        posing.with(design, lambda, what)
    }
}

/// A regression but for its design and its λ.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Posing<'y> {
    pub(crate) y: &'y [f64],
    pub(crate) loss: Loss,
    pub(crate) intercept: bool,
    pub(crate) sparsity: Sparsity,
}

impl Posing<'_> {
    /// Makes the problem and hands it over.
    pub(crate) fn with<A: Design<f64>, W: WithProblem>(
        &self,
        design: &A,
        lambda: f64,
        what: W,
    ) -> Result<W::Output, Error> {
        let mut groups = Vec::new();
        let penalty = match self.sparsity {
            Sparsity::Lasso => Penalty::Lasso { lambda },
            Sparsity::ElasticNet(ridge) => Penalty::ElasticNet { lambda, ridge },
            Sparsity::NonNegative => Penalty::NonNegative { lambda },
            Sparsity::Groups(size) => {
                let columns =
                    u32::try_from(design.columns()).map_err(|_| Error::TooLarge { argument: "samples" })?;
                groups.extend((0..columns).step_by(size.max(1) as usize));
                groups.push(columns);
                Penalty::Group { lambda, groups: &groups }
            }
        };
        let problem = match self.loss {
            Loss::Logistic => Problem::logistic(design, self.y, penalty)?,
            _ => Problem::least_squares(design, self.y, penalty)?,
        };
        let problem = problem.averaged()?;
        what.call(&if self.intercept { problem.with_intercept()? } else { problem })
    }
}

/// What is to be done with a problem, whatever its design.
pub(crate) trait WithProblem {
    type Output;
    fn call<A: Design<f64>>(self, problem: &Problem<'_, f64, A>) -> Result<Self::Output, Error>;
}

pub(crate) struct LambdaMax;

impl WithProblem for LambdaMax {
    type Output = f64;
    fn call<A: Design<f64>>(self, problem: &Problem<'_, f64, A>) -> Result<f64, Error> {
        Ok(problem.lambda_max())
    }
}

/// Memory for a problem: a working set that holds every solution it could need, within a limit.
pub(crate) struct Memory {
    pub(crate) capacity: usize,
    pub(crate) reals: Vec<f64>,
    pub(crate) indices: Vec<u32>,
}

impl Memory {
    pub(crate) fn new<A: Design<f64>>(problem: &Problem<'_, f64, A>) -> Self {
        let (n, p) = problem.shape();
        // With groups a set takes whole ones.
        let capacity = p.min(2 * n.max(64) + p / problem.blocks().max(1)).min(MOST_SLOTS);
        Self {
            capacity,
            reals: vec![0.0; Workspace::<f64>::required_len(n, p, capacity)],
            indices: vec![0; Workspace::<f64>::required_indices(p, capacity)],
        }
    }
}

struct Solve<'s> {
    options: &'s Options<f64>,
    observer: &'s mut dyn Observer<f64>,
}

impl WithProblem for Solve<'_> {
    type Output = Fit;
    fn call<A: Design<f64>>(self, problem: &Problem<'_, f64, A>) -> Result<Fit, Error> {
        let mut memory = Memory::new(problem);
        let workspace = Workspace::new(problem, memory.capacity, &mut memory.reals, &mut memory.indices)?;
        let mut w = vec![0.0; problem.shape().1];
        let outcome = sparse_regression::solve(problem, self.options, &mut w, workspace, self.observer)?;
        Ok(Fit { lambda: problem.lambda(), w, outcome })
    }
}

struct Gap<'s> {
    w: &'s [f64],
}

impl WithProblem for Gap<'_> {
    type Output = f64;
    fn call<A: Design<f64>>(self, problem: &Problem<'_, f64, A>) -> Result<f64, Error> {
        let (n, p) = problem.shape();
        let mut reals = vec![0.0; Workspace::<f64>::required_len(n, p, 0)];
        let mut indices = vec![0; Workspace::<f64>::required_indices(p, 0)];
        let workspace = Workspace::new(problem, 0, &mut reals, &mut indices)?;
        let mut w = self.w.to_vec();
        let mut options = Options::default();
        options.stop.max_steps = 0;
        Ok(sparse_regression::solve(problem, &options, &mut w, workspace, &mut ())?.gap)
    }
}

struct Path<'s> {
    lambdas: &'s [f64],
    options: &'s Options<f64>,
    each: &'s mut dyn FnMut(Fit) -> ControlFlow<()>,
}

impl WithProblem for Path<'_> {
    type Output = ();
    fn call<A: Design<f64>>(self, problem: &Problem<'_, f64, A>) -> Result<(), Error> {
        let mut memory = Memory::new(problem);
        let workspace = Workspace::new(problem, memory.capacity, &mut memory.reals, &mut memory.indices)?;
        let mut w = vec![0.0; problem.shape().1];
        sparse_regression::path(problem, self.lambdas, self.options, &mut w, workspace, |k, w, outcome| {
            let lambda = self.lambdas.get(k).copied().unwrap_or_default();
            (self.each)(Fit { lambda, w: w.to_vec(), outcome: *outcome })
        })?;
        Ok(())
    }
}
