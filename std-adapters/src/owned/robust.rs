//! Robust linear regression that owns its data.

use southwell::subgradient::fit::{self, Start, Whitening};
use southwell::subgradient::method::{Ending, Outcome};
use southwell::subgradient::refine::{self, Refined};
use southwell::subgradient::step::{Diminishing, Geometric, StepRule};
use southwell::subgradient::{Quantile, Table, huber};
use southwell::{Error, Observer, Report, Status, Stop};

use crate::files::DenseMatrix;
#[cfg(feature = "threads")]
use crate::threads::Pool;

/// What is minimised.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Loss {
    /// Σ |y − Xβ|: least absolute deviations.
    Absolute,
    /// Σ ρ_q(y − Xβ), q in (0, 1).
    Quantile(f64),
    /// Huber's, its δ 1.345 times the standard deviation that the median residual of the fit by absolute
    /// deviations shows.
    Huber,
}

/// How a fit is found.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Settings {
    /// Tolerance and budget.
    pub stop: Stop<f64>,
    /// What step lengths are multiplied by, in (0, 1). Default 0.97; a slower one for hard data.
    pub ratio: f64,
    /// Whether a fit that no vertex proves is bounded, in as many steps again. Default: no.
    pub certify: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self { stop: Stop::default(), ratio: 0.97, certify: false }
    }
}

/// A linear model to be fitted: rows, observations, weights.
///
/// ```
/// use southwell::Status;
/// use southwell_std::files::DenseMatrix;
/// use southwell_std::owned::{Loss, Robust, Settings};
///
/// # fn main() -> Result<(), southwell::Error> {
/// let table = DenseMatrix { rows: 4, columns: 2, values: vec![1.0, 0.0, 1.0, 1.0, 1.0, 2.0, 1.0, 4.0] };
/// let model = Robust::new(table, vec![1.0, 3.1, 50.0, 9.0], Vec::new());
/// let line = model.fit(Loss::Absolute, &Settings::default(), &mut ())?;
/// assert_eq!(line.report.status, Status::Optimal);
/// // Through the second row and the fourth: the third, which is far off, has no say.
/// assert!((line.coefficients[1] - (9.0 - 3.1) / 3.0).abs() < 1e-12);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Robust {
    table: DenseMatrix,
    y: Vec<f64>,
    weights: Vec<f64>,
}

/// The threads to run on.
#[cfg(feature = "threads")]
type Place<'p> = Option<&'p Pool>;
#[cfg(not(feature = "threads"))]
type Place<'p> = Option<&'p std::convert::Infallible>;

/// A fit.
#[derive(Clone, Debug, PartialEq)]
pub struct Fitted {
    /// β.
    pub coefficients: Vec<f64>,
    /// How the run ended.
    pub report: Report<f64>,
    /// The loss of β, in the unit that [`Loss`] says.
    pub objective: f64,
    /// No fit has a smaller loss.
    pub lower_bound: f64,
    /// Huber's δ.
    pub delta: Option<f64>,
}

impl Robust {
    /// Rows (with a column of ones for an intercept), as many observations, and weights or none. What does
    /// not fit together is refused when a fit is asked for.
    #[must_use]
    pub fn new(table: DenseMatrix, y: Vec<f64>, weights: Vec<f64>) -> Self {
        Self { table, y, weights }
    }

    /// Rows and columns.
    #[must_use]
    pub fn shape(&self) -> (usize, usize) {
        (self.table.rows, self.table.columns)
    }

    fn quantile(&self, q: f64) -> Result<Quantile<'_, f64>, Error> {
        let table = Table::new(&self.table.values, self.table.rows, self.table.columns)?;
        let loss = Quantile::new(table, &self.y, q)?;
        if self.weights.is_empty() { Ok(loss) } else { loss.weighted(&self.weights) }
    }

    /// Fits. Memory: a copy of the rows, and two of the observations.
    ///
    /// # Errors
    /// What the views and the solvers of [`southwell::subgradient`] refuse.
    pub fn fit(
        &self,
        loss: Loss,
        settings: &Settings,
        observer: &mut dyn Observer<f64>,
    ) -> Result<Fitted, Error> {
        self.fit_at(None, loss, settings, observer)
    }

    /// The same, the rows of every sub-gradient step read by several threads. What comes out does not depend on their
    /// number; it agrees with what one thread finds without them to rounding. Huber's loss takes its start from such
    /// steps; its own few steps stay on the calling thread.
    ///
    /// # Errors
    /// As [`fit`](Robust::fit).
    #[cfg(feature = "threads")]
    pub fn fit_on(
        &self,
        pool: &Pool,
        loss: Loss,
        settings: &Settings,
        observer: &mut dyn Observer<f64>,
    ) -> Result<Fitted, Error> {
        self.fit_at(Some(pool), loss, settings, observer)
    }

    fn fit_at(
        &self,
        place: Place<'_>,
        loss: Loss,
        settings: &Settings,
        observer: &mut dyn Observer<f64>,
    ) -> Result<Fitted, Error> {
        let (q, unit) = match loss {
            Loss::Quantile(q) => (q, 1.0),
            Loss::Absolute | Loss::Huber => (0.5, 2.0),
        };
        let mut beta = vec![0.0; self.table.columns];
        let outcome = self.by_quantile(place, q, settings, &mut beta, observer)?;
        if loss == Loss::Huber && outcome.report.status != Status::Stopped {
            return self.by_huber(settings, beta, observer);
        }
        let (objective, lower_bound) = (unit * outcome.value, unit * outcome.lower_bound);
        Ok(Fitted { coefficients: beta, report: outcome.report, objective, lower_bound, delta: None })
    }

    fn by_quantile(
        &self,
        place: Place<'_>,
        q: f64,
        settings: &Settings,
        beta: &mut [f64],
        observer: &mut dyn Observer<f64>,
    ) -> Result<Outcome<f64>, Error> {
        let rule = Geometric::new(1.0, settings.ratio).restarted(2);
        let first = self.run(place, q, settings, rule, Start::LeastSquares, beta, observer)?;
        let unproven = matches!(first.report.status, Status::Converged | Status::StepLimit | Status::Stalled);
        if !(settings.certify && unproven && first.gap() > settings.stop.relative * first.value) {
            return Ok(first);
        }
        // Averages of steps that fall slowly bound what no vertex proves.
        let mut second = self.run(place, q, settings, Diminishing(1.0), Start::Given, beta, observer)?;
        second.lower_bound = second.lower_bound.max(first.lower_bound);
        second.report.steps = second.report.steps.saturating_add(first.report.steps);
        Ok(second)
    }

    fn run(
        &self,
        place: Place<'_>,
        q: f64,
        settings: &Settings,
        rule: impl StepRule<f64>,
        start: Start,
        beta: &mut [f64],
        observer: &mut dyn Observer<f64>,
    ) -> Result<Outcome<f64>, Error> {
        let loss = self.quantile(q)?;
        let (rows, columns) = self.shape();
        let bound = start == Start::Given;
        let whitening = Whitening::Orthogonal;
        let mut storage = vec![0.0; fit::Workspace::<f64>::required_len(rows, columns, whitening, bound)];
        let mut indices = vec![0; fit::Workspace::<f64>::required_indices(columns)];
        let work = fit::Workspace::new(&loss, whitening, bound, &mut storage, &mut indices)?;
        let ending = Ending { stop: settings.stop, ..Ending::default() };
        let gap = if bound { settings.stop.relative } else { 0.0 };
        let options = fit::Options { ending, start, gap, ..fit::Options::default() };
        #[cfg(feature = "threads")]
        return fit::solve_with(
            place.unwrap_or(const { &Pool::none() }),
            &loss,
            &options,
            rule,
            beta,
            work,
            observer,
        );
        #[cfg(not(feature = "threads"))]
        {
            let _ = place;
            fit::solve(&loss, &options, rule, beta, work, observer)
        }
    }

    fn by_huber(
        &self,
        settings: &Settings,
        mut beta: Vec<f64>,
        observer: &mut dyn Observer<f64>,
    ) -> Result<Fitted, Error> {
        let refined = self.refined(&mut beta.clone())?;
        // More than half of the rows fit exactly: a δ that is 0 as far as rounding shows.
        let size = self.y.iter().fold(f64::MIN_POSITIVE, |size, y| size.max(y.abs()));
        let delta = (1.345 * refined.deviation).max(1e-12 * size);
        let table = Table::new(&self.table.values, self.table.rows, self.table.columns)?;
        let mut loss = huber::Huber::new(table, &self.y, delta)?;
        if !self.weights.is_empty() {
            loss = loss.weighted(&self.weights)?;
        }
        let mut storage = vec![0.0; huber::Workspace::<f64>::required_len(self.table.columns)];
        let work = huber::Workspace::new(&loss, &mut storage)?;
        let outcome = huber::solve(&loss, &settings.stop, &mut beta, work, observer)?;
        let (objective, lower_bound) = (outcome.value, outcome.lower_bound);
        Ok(Fitted { coefficients: beta, report: outcome.report, objective, lower_bound, delta: Some(delta) })
    }

    /// Rejects rows far from a robust fit and fits the others by least squares: see
    /// [`southwell::subgradient::refine`].
    ///
    /// # Errors
    /// As [`refine::refine`].
    pub fn refined(&self, beta: &mut [f64]) -> Result<Refined<f64>, Error> {
        let loss = self.quantile(0.5)?;
        let mut storage = vec![0.0; refine::required_len(self.table.columns)];
        refine::refine(&loss, 4.0, beta, &mut storage)
    }
}
