//! A quadratic program in a box that owns its matrix and its bounds.

use southwell::descent::box_qp::{self, BoxReport, Condensed, Options, Problem, Workspace};
use southwell::{Error, Observer};

use crate::files::DenseMatrix;

/// min ½ xᵀH x + fᵀx, lower ≤ x ≤ upper, H symmetric and positive definite; solved exactly by active sets.
///
/// ```
/// use southwell::descent::box_qp::Options;
/// use southwell_std::files::DenseMatrix;
/// use southwell_std::owned::BoxQp;
///
/// # fn main() -> Result<(), southwell::Error> {
/// let h = DenseMatrix { rows: 2, columns: 2, values: vec![2.0, -1.0, -1.0, 2.0] };
/// let problem = BoxQp { h, f: vec![-4.0, 0.0], lower: vec![-1.0; 2], upper: vec![1.0; 2] };
/// let found = problem.solve(&Options::default(), &mut ())?;
/// assert_eq!((found.x, found.report.at_upper), (vec![1.0, 0.5], 1));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct BoxQp {
    /// H
    pub h: DenseMatrix,
    /// f
    pub f: Vec<f64>,
    /// Least values; −∞ is none.
    pub lower: Vec<f64>,
    /// Largest values; +∞ is none.
    pub upper: Vec<f64>,
}

/// A solved quadratic program.
#[derive(Clone, Debug, PartialEq)]
pub struct Boxed {
    /// x
    pub x: Vec<f64>,
    /// How the run ended.
    pub report: BoxReport<f64>,
}

impl BoxQp {
    /// Solves from the point of the box that is nearest to zero.
    ///
    /// # Errors
    /// [`Error::Dimension`] for a matrix that is not square, and what the model, the problem and the run refuse.
    pub fn solve(&self, options: &Options<f64>, observer: &mut dyn Observer<f64>) -> Result<Boxed, Error> {
        self.solve_from(vec![0.0; self.f.len()], options, observer)
    }

    /// Solves from a point, moved into the box: a warm start.
    ///
    /// # Errors
    /// As [`solve`](Self::solve), and for an x of another length.
    pub fn solve_from(
        &self,
        mut x: Vec<f64>,
        options: &Options<f64>,
        observer: &mut dyn Observer<f64>,
    ) -> Result<Boxed, Error> {
        let DenseMatrix { rows, columns, values } = &self.h;
        if rows != columns {
            return Err(Error::Dimension { argument: "h", expected: *rows, given: *columns });
        }
        let model = Condensed::new(values, *rows)?;
        let problem = Problem::new(&model, &self.f, &self.lower, &self.upper)?;
        let mut storage = vec![0.0; Condensed::<f64>::required_len(*rows)];
        let mut workspace = Workspace::new(&model, &mut storage)?;
        let report = box_qp::solve(&problem, options, &mut x, &mut workspace, observer)?;
        Ok(Boxed { x, report })
    }
}
