//! A sparse system A x = b that owns its arrays.

use southwell::linear::{Csr, Matrix};
use southwell::relaxation::{Colouring, Multicolour, OmegaRule, Problem, Relax, Split, cg, sor, ssor_cg};
use southwell::{Error, Observer, Report, Run, Status, Stop, drive};

use super::colours::breadth_first;
use crate::files::SparseMatrix;
#[cfg(feature = "threads")]
use crate::threads::{Coloured, Pool, Threaded};

/// The methods that solve a sparse system.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Method {
    /// Forward sweeps.
    Sor,
    /// A forward and a backward sweep a step.
    Ssor,
    /// Conjugate gradients preconditioned by SSOR (symmetric positive definite matrices).
    SsorCg,
    /// Conjugate gradients (symmetric positive definite matrices).
    Cg,
    /// Forward sweeps over a breadth-first colouring: red and black if the graph of the matrix is
    /// bipartite, more colours if it is not.
    RedBlack,
    /// Forward sweeps over a greedy colouring in natural order.
    Multicolour,
}

/// What a solve gives.
#[derive(Clone, Debug)]
pub struct Solution {
    /// The last iterate; the last good one if the numbers overflowed; for sweeps that were ended while
    /// they diverged, the best one seen before their residual grew.
    pub x: Vec<f64>,
    /// How the run ended.
    pub report: Report<f64>,
    /// The omega in use at the end; `None` for a method without.
    pub omega: Option<f64>,
    /// Colours of a coloured order.
    pub colours: Option<usize>,
}

/// A sparse system A x = b.
#[derive(Clone, Debug)]
pub struct System {
    matrix: SparseMatrix,
    rhs: Vec<f64>,
    #[cfg(feature = "threads")]
    pool: Option<Pool>,
}

impl System {
    /// Checks and keeps the arrays.
    ///
    /// # Errors
    /// What [`Csr::new`] and [`Problem::new`] refuse; [`Error::Dimension`] for a matrix that is not
    /// square.
    pub fn new(matrix: SparseMatrix, rhs: Vec<f64>) -> Result<Self, Error> {
        if matrix.rows != matrix.columns {
            return Err(Error::Dimension {
                argument: "columns",
                expected: matrix.rows,
                given: matrix.columns,
            });
        }
        let system = Self {
            matrix,
            rhs,
            #[cfg(feature = "threads")]
            pool: None,
        };
        let view = system.view()?;
        if view.order() != system.matrix.rows {
            return Err(Error::Dimension {
                argument: "row_offsets",
                expected: system.matrix.rows.saturating_add(1),
                given: system.matrix.row_offsets.len(),
            });
        }
        Problem::new(&view, &system.rhs)?;
        Ok(system)
    }

    /// The same system on several threads. [`Method::Cg`] shares out all of a step. The methods by colours and
    /// [`Method::SsorCg`] work on a copy of the matrix that is laid out by colours: for SSOR-CG this is another order,
    /// in which it takes more steps. [`Method::Sor`] and [`Method::Ssor`], each unknown of which waits for the one before,
    /// are refused when they are to solve.
    ///
    /// Nothing depends on the number of threads.
    #[cfg(feature = "threads")]
    #[must_use]
    pub fn on(self, pool: &Pool) -> Self {
        Self { pool: Some(pool.clone()), ..self }
    }

    /// The matrix as a view.
    ///
    /// # Errors
    /// None after [`new`](System::new).
    pub fn view(&self) -> Result<Csr<'_, f64>, Error> {
        Csr::new(&self.matrix.row_offsets, &self.matrix.column_indices, &self.matrix.values)
    }

    /// The same matrix with another right-hand side.
    ///
    /// # Errors
    /// What [`Problem::new`] refuses.
    pub fn with_rhs(&self, rhs: Vec<f64>) -> Result<Self, Error> {
        Problem::new(&self.view()?, &rhs)?;
        Ok(Self { rhs, ..self.clone() })
    }

    /// The right-hand side.
    #[must_use]
    pub fn rhs(&self) -> &[f64] {
        &self.rhs
    }

    /// Solves from x = 0.
    ///
    /// # Errors
    /// What the method's `start` refuses.
    pub fn solve(
        &self,
        method: Method,
        stop: &Stop<f64>,
        rule: &mut dyn OmegaRule<f64>,
        observer: &mut dyn Observer<f64>,
    ) -> Result<Solution, Error> {
        let view = self.view()?;
        #[cfg(feature = "threads")]
        if let Some(pool) = &self.pool {
            return shared(pool, view, &self.rhs, method, stop, rule, observer);
        }
        match method {
            Method::Sor => sweeps(&view, &self.rhs, sor::Sweep::Forward, stop, rule, observer),
            Method::Ssor => sweeps(&view, &self.rhs, sor::Sweep::Symmetric, stop, rule, observer),
            Method::RedBlack => {
                let colours = breadth_first(&view);
                let mut scratch = vec![0; view.order()];
                let colouring = Colouring::new(&view, &colours.order, &colours.starts, &mut scratch)?;
                self.coloured(view, colouring, stop, rule, observer)
            }
            Method::Multicolour => {
                let mut storage = vec![0; Colouring::required_len(view.order())];
                let colouring = Colouring::greedy(&view, &mut storage)?;
                self.coloured(view, colouring, stop, rule, observer)
            }
            Method::SsorCg => preconditioned(&view, &self.rhs, stop, rule, observer),
            Method::Cg => conjugate(&view, &self.rhs, stop, observer),
        }
    }

    fn coloured(
        &self,
        view: Csr<'_, f64>,
        colouring: Colouring<'_>,
        stop: &Stop<f64>,
        rule: &mut dyn OmegaRule<f64>,
        observer: &mut dyn Observer<f64>,
    ) -> Result<Solution, Error> {
        let matrix = Multicolour::new(view, colouring)?;
        let solution = sweeps(&matrix, &self.rhs, sor::Sweep::Forward, stop, rule, observer)?;
        Ok(Solution { colours: Some(colouring.colours()), ..solution })
    }
}

fn preconditioned<A: Split<f64>>(
    matrix: &A,
    rhs: &[f64],
    stop: &Stop<f64>,
    rule: &mut dyn OmegaRule<f64>,
    observer: &mut dyn Observer<f64>,
) -> Result<Solution, Error> {
    let problem = Problem::new(matrix, rhs)?;
    let mut x = vec![0.0; rhs.len()];
    let mut storage = vec![0.0; ssor_cg::Workspace::<f64>::required_len(x.len(), matrix.split_len())];
    let workspace = ssor_cg::Workspace::new(&problem, &mut storage)?;
    let options = ssor_cg::Options { stop: *stop, ..ssor_cg::Options::default() };
    let mut run = ssor_cg::start(&problem, &options, &mut *rule, &mut x, workspace)?;
    let report = drive(&mut run, stop, observer);
    let omega = Some(run.omega());
    rule.end(&report);
    Ok(Solution { x, report, omega, colours: None })
}

fn conjugate<A: Matrix<f64>>(
    matrix: &A,
    rhs: &[f64],
    stop: &Stop<f64>,
    observer: &mut dyn Observer<f64>,
) -> Result<Solution, Error> {
    let problem = Problem::new(matrix, rhs)?;
    let mut x = vec![0.0; rhs.len()];
    let mut storage = vec![0.0; cg::Workspace::<f64>::required_len(x.len())];
    let workspace = cg::Workspace::new(&problem, &mut storage)?;
    let options = cg::Options { stop: *stop, ..cg::Options::default() };
    let report = cg::solve(&problem, &options, &mut x, workspace, observer)?;
    Ok(Solution { x, report, omega: None, colours: None })
}

/// On threads.
#[cfg(feature = "threads")]
fn shared(
    pool: &Pool,
    view: Csr<'_, f64>,
    rhs: &[f64],
    method: Method,
    stop: &Stop<f64>,
    rule: &mut dyn OmegaRule<f64>,
    observer: &mut dyn Observer<f64>,
) -> Result<Solution, Error> {
    let coloured = match method {
        Method::Cg => return conjugate(&Threaded::new(pool, view), rhs, stop, observer),
        Method::Sor | Method::Ssor => {
            let requirement =
                "must be red-black, multicolour, ssor-cg or cg on threads: the others work in order";
            return Err(Error::Option { name: "method", requirement });
        }
        Method::RedBlack => {
            let colours = breadth_first(&view);
            let mut scratch = vec![0; view.order()];
            Coloured::new(&view, &Colouring::new(&view, &colours.order, &colours.starts, &mut scratch)?)?
        }
        Method::Multicolour | Method::SsorCg => Coloured::greedy(&view)?,
    };
    let rhs = coloured.permute(rhs);
    let solution = if method == Method::SsorCg {
        preconditioned(&coloured.halves(pool)?, &rhs, stop, rule, observer)?
    } else {
        sweeps(&coloured.sweeps(pool), &rhs, sor::Sweep::Forward, stop, rule, observer)?
    };
    let x = coloured.restore(&solution.x);
    Ok(Solution { x, colours: Some(coloured.colours()), ..solution })
}

fn sweeps<A: Relax<f64>>(
    matrix: &A,
    rhs: &[f64],
    sweep: sor::Sweep,
    stop: &Stop<f64>,
    rule: &mut dyn OmegaRule<f64>,
    observer: &mut dyn Observer<f64>,
) -> Result<Solution, Error> {
    let problem = Problem::new(matrix, rhs)?;
    let mut x = vec![0.0; rhs.len()];
    let mut storage = vec![0.0; sor::Workspace::<f64>::required_len(x.len(), matrix.scratch_len())];
    let workspace = sor::Workspace::new(&problem, &mut storage)?;
    let options = sor::Options { sweep, stop: *stop, ..sor::Options::default() };
    let mut run = sor::start(&problem, &options, &mut *rule, &mut x, workspace)?;
    let mut report = drive(&mut run, stop, observer);
    let diverged = matches!(report.status, Status::StepLimit | Status::Stopped)
        && report.residual > report.initial_residual;
    // This run ends here, so it may put the kept iterate back, as it does after an overflow.
    if let Some(residual) = if diverged { run.settle(Status::NotFinite) } else { None } {
        report.residual = residual;
    }
    let omega = Some(run.omega());
    rule.end(&report);
    Ok(Solution { x, report, omega, colours: None })
}
