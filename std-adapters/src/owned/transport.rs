//! Entropic transport that owns its costs and marginals.

use southwell::omega::{Eager, Fixed};
use southwell::transport::certificate::{
    Certificate, Evaluation, certify, certify_len, evaluate, evaluate_len,
};
use southwell::transport::{
    Cost, DenseCost, Ground, PointCost, Potentials, Problem, auto, newton, scaling, sinkhorn,
};
use southwell::{Error, Observer, Report, Stop};

use crate::files::DenseMatrix;

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

/// An entropic transport problem, owned.
///
/// ```
/// use southwell::Stop;
/// use southwell_std::files::DenseMatrix;
/// use southwell_std::owned::{Costs, Coupler, Transport};
///
/// # fn main() -> Result<(), southwell::Error> {
/// let cost = DenseMatrix { rows: 2, columns: 2, values: vec![0.0, 1.0, 1.0, 0.0] };
/// let transport = Transport::new(Costs::Matrix(cost), vec![0.5; 2], vec![0.25, 0.75]);
/// let coupling = transport.solve(0.1, Coupler::Auto, &Stop::relative(1e-9), None, &mut ())?;
/// assert!(coupling.report.converged() && (coupling.certificate.upper - 0.25).abs() < 1e-3);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Transport {
    costs: Costs,
    a: Vec<f64>,
    b: Vec<f64>,
}

/// Potentials, and how they were found.
#[derive(Clone, Debug, PartialEq)]
pub struct Coupling {
    /// f, one for each row.
    pub f: Vec<f64>,
    /// g, one for each column.
    pub g: Vec<f64>,
    /// How the run ended.
    pub report: Report<f64>,
    /// Readings of the kernel or of the costs.
    pub kernel_reads: u32,
    /// Iterations, Newton steps not among them.
    pub iterations: u32,
    /// What Newton's method did.
    pub newton: newton::Work,
    /// The omega in use last, where there is one.
    pub omega: Option<f64>,
    /// Their coupling in numbers.
    pub evaluation: Evaluation<f64>,
    /// Bounds that hold whether or not the run has converged.
    pub certificate: Certificate<f64>,
}

/// Entries a row that Newton's method may keep.
const BUDGET: usize = 64;

impl Transport {
    /// Costs (n × m) and marginals; what does not fit is refused by the methods.
    #[must_use]
    pub fn new(costs: Costs, a: Vec<f64>, b: Vec<f64>) -> Self {
        Self { costs, a, b }
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

    /// Solves from zero, or from the g of earlier potentials.
    ///
    /// # Errors
    /// What the views, the problem and the method refuse.
    pub fn solve(
        &self,
        epsilon: f64,
        coupler: Coupler,
        stop: &Stop<f64>,
        warm: Option<(&[f64], &[f64])>,
        observer: &mut dyn Observer<f64>,
    ) -> Result<Coupling, Error> {
        self.with(Solve { transport: self, epsilon, coupler, stop, warm, observer })
    }

    /// The coupling of potentials, row after row: n·m numbers.
    ///
    /// # Errors
    /// What the view of the costs refuses.
    pub fn coupling(&self, epsilon: f64, f: &[f64], g: &[f64]) -> Result<DenseMatrix, Error> {
        self.with(Form { epsilon, f, g })
    }

    /// Makes the view of the costs and hands it over.
    fn with<W: WithCost>(&self, what: W) -> Result<W::Output, Error> {
        match &self.costs {
            Costs::Matrix(cost) => {
                what.call(&DenseCost::new(&cost.values, cost.rows, cost.columns, cost.columns)?)
            }
            Costs::Points { x, y, ground } => {
                if x.columns != y.columns {
                    let (expected, given) = (x.columns, y.columns);
                    return Err(Error::Dimension { argument: "coordinates of y", expected, given });
                }
                let mut storage = vec![0.0; PointCost::<f64>::required_len(y.rows, y.columns)];
                what.call(&PointCost::new(&x.values, &y.values, x.columns, *ground, &mut storage)?)
            }
        }
    }
}

/// Something to do with costs of any kind.
trait WithCost {
    type Output;
    fn call<C: Cost<f64>>(self, cost: &C) -> Result<Self::Output, Error>;
}

struct Largest;

impl WithCost for Largest {
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

impl WithCost for Form<'_> {
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

struct Solve<'s> {
    transport: &'s Transport,
    epsilon: f64,
    coupler: Coupler,
    stop: &'s Stop<f64>,
    warm: Option<(&'s [f64], &'s [f64])>,
    observer: &'s mut dyn Observer<f64>,
}

impl WithCost for Solve<'_> {
    type Output = Coupling;
    fn call<C: Cost<f64>>(self, cost: &C) -> Result<Coupling, Error> {
        let Self { transport, epsilon, coupler, stop, warm, observer } = self;
        let problem = Problem::new(cost, &transport.a, &transport.b, epsilon)?;
        let (n, m, stored) = (problem.rows(), problem.columns(), cost.is_stored());
        let (mut f, mut g) = match warm {
            Some((f, g)) => (f.to_vec(), g.to_vec()),
            None => (vec![0.0; n], vec![0.0; m]),
        };
        let x = Potentials { f: &mut f, g: &mut g };
        let options = sinkhorn::Options { stop: *stop };
        let method = match coupler {
            Coupler::Auto => auto::Method::Auto,
            Coupler::NewtonSparse => auto::Method::Newton,
            Coupler::OverRelaxed => auto::Method::OverRelaxed,
            Coupler::Sinkhorn => {
                let mut storage = vec![0.0; scaling::Workspace::<f64>::required_len(n, m, stored)];
                let workspace = scaling::Workspace::new(&problem, &mut storage)?;
                let report = scaling::solve(&problem, &options, &mut Fixed(1.0), x, workspace, observer)?;
                return finish(&problem, f, g, report);
            }
            Coupler::Log | Coupler::OverRelaxedLog => {
                let length = sinkhorn::Workspace::<f64>::required_len(n, m, cost.scratch_len());
                let mut storage = vec![0.0; length];
                let workspace = sinkhorn::Workspace::new(&problem, &mut storage)?;
                let report = if coupler == Coupler::Log {
                    sinkhorn::solve(&problem, &options, &mut Fixed(1.0), x, workspace, observer)?
                } else {
                    sinkhorn::solve(&problem, &options, &mut Eager::default(), x, workspace, observer)?
                };
                return finish(&problem, f, g, report);
            }
        };
        let entries = n.saturating_mul(m.min(BUDGET));
        let mut storage =
            vec![0.0; auto::Workspace::<f64>::required_len(n, m, stored, cost.scratch_len(), entries)];
        let mut indices = vec![0; auto::Workspace::<f64>::required_indices(n, m, entries)];
        let workspace = auto::Workspace::new(&problem, entries, &mut storage, &mut indices)?;
        let options = auto::Options { stop: *stop, method };
        let outcome = auto::solve(&problem, &options, x, workspace, observer)?;
        let mut coupling = finish(&problem, f, g, outcome.report)?;
        coupling.kernel_reads = outcome.kernel_reads;
        coupling.iterations = outcome.iterations;
        coupling.newton = outcome.newton;
        coupling.omega = (method != auto::Method::Newton).then_some(outcome.omega);
        Ok(coupling)
    }
}

/// Certifies what a run has left.
fn finish<C: Cost<f64>>(
    problem: &Problem<'_, f64, C>,
    f: Vec<f64>,
    g: Vec<f64>,
    report: Report<f64>,
) -> Result<Coupling, Error> {
    let stored = problem.cost().is_stored();
    let mut storage = vec![0.0; certify_len(problem.rows(), problem.columns(), stored)];
    let certificate = certify(problem, &f, &g, &mut storage)?;
    storage.resize(evaluate_len(problem.columns(), stored), 0.0);
    let evaluation = evaluate(problem, &f, &g, &mut storage)?;
    let (iterations, kernel_reads) = (report.steps, report.steps.saturating_add(1));
    let newton = newton::Work::default();
    Ok(Coupling { f, g, report, kernel_reads, iterations, newton, omega: None, evaluation, certificate })
}
