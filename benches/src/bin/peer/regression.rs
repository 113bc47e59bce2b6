//! Sparse regression, a fit from w = 0 each time: the views with their checks, the problem and the run are timed.
//! The workspace's memory is there already, as the interface has it, and as dirty as the last fit left it.

use std::error::Error;
use std::ops::ControlFlow;
use std::path::Path;

use southwell::descent::sparse_regression::{self, Options, Outcome, Penalty, Problem, Workspace};
use southwell::linear::{Columns, Csc, Design};
use southwell::{Status, Stop};
use southwell_benches::seconds;

use crate::Answer;

/// A regression as it was read: by columns, without zeros if there are offsets.
pub(crate) struct Regression {
    logistic: bool,
    offsets: Vec<u32>,
    indices: Vec<u32>,
    values: Vec<f64>,
    y: Vec<f64>,
    columns: usize,
    /// The weights found last; those of a path one after the other.
    w: Vec<f64>,
    reals: Vec<f64>,
    slots: Vec<u32>,
    capacity: usize,
}

fn reals(path: &Path) -> Result<Vec<f64>, Box<dyn Error>> {
    Ok(std::fs::read(path)?.as_chunks().0.iter().map(|&b| f64::from_le_bytes(b)).collect())
}

impl Regression {
    pub(crate) fn read(folder: &Path, logistic: bool) -> Result<Self, Box<dyn Error>> {
        let words = |name: &str| -> Result<Vec<u32>, Box<dyn Error>> {
            Ok(std::fs::read(folder.join(name))?
                .as_chunks()
                .0
                .iter()
                .map(|&b| u32::from_le_bytes(b))
                .collect())
        };
        let (values, y) = (reals(&folder.join("values"))?, reals(&folder.join("y"))?);
        let (offsets, indices) = (words("offsets")?, words("indices")?);
        let columns = match offsets.len() {
            0 => values.len() / y.len().max(1),
            offsets => offsets - 1,
        };
        let capacity = columns.min(2 * y.len()).min(2048);
        let reals = vec![0.0; Workspace::<f64>::required_len(y.len(), columns, capacity)];
        let slots = vec![0; Workspace::<f64>::required_indices(columns, capacity)];
        Ok(Self { logistic, offsets, indices, values, y, columns, w: Vec::new(), reals, slots, capacity })
    }

    pub(crate) fn columns(&self) -> usize {
        self.columns
    }

    pub(crate) fn store(&self, file: &Path) -> Answer {
        let bytes: Vec<u8> = self.w.iter().flat_map(|x| x.to_le_bytes()).collect();
        std::fs::write(file, bytes)?;
        Ok("ok".into())
    }

    /// `count` fits for a path of λ (mostly one) to gap/P(0); seconds a fit, and what the last solution of the
    /// last fit took.
    pub(crate) fn fit(&mut self, lambdas: &[f64], relative: f64, count: u32) -> Answer {
        let mut w = std::mem::take(&mut self.w);
        let mut memory = (std::mem::take(&mut self.reals), std::mem::take(&mut self.slots));
        let mut last = None;
        let time = seconds(|| {
            for _ in 0..count.max(1) {
                w.clear();
                last = Some(if self.offsets.is_empty() {
                    Columns::new(&self.values, self.y.len(), self.columns)
                        .map_err(Into::into)
                        .and_then(|design| self.once(&design, lambdas, relative, &mut memory, &mut w))
                } else {
                    Csc::new(&self.offsets, &self.indices, &self.values, self.y.len())
                        .map_err(Into::into)
                        .and_then(|design| self.once(&design, lambdas, relative, &mut memory, &mut w))
                });
            }
        });
        self.w = w;
        (self.reals, self.slots) = memory;
        let outcome = last.ok_or("not run")??;
        Ok(format!(
            "{:e} {} {} {} {} {} {} {:?}",
            time / f64::from(count.max(1)),
            outcome.report.steps,
            outcome.column_visits,
            outcome.updates,
            outcome.second_order_steps,
            outcome.nonzeros,
            outcome.working_set,
            outcome.report.status
        ))
    }

    fn once<A: Design<f64>>(
        &self,
        design: &A,
        lambdas: &[f64],
        relative: f64,
        (reals, slots): &mut (Vec<f64>, Vec<u32>),
        solutions: &mut Vec<f64>,
    ) -> Result<Outcome<f64>, Box<dyn Error>> {
        let lambda = lambdas.first().copied().unwrap_or(1.0);
        let problem = if self.logistic {
            Problem::logistic(design, &self.y, Penalty::Lasso { lambda })?
        } else {
            Problem::least_squares(design, &self.y, Penalty::Lasso { lambda })?.averaged()?
        };
        let workspace = Workspace::new(&problem, self.capacity, reals, slots)?;
        let options = Options { stop: Stop::relative(relative), ..Options::default() };
        let mut w = vec![0.0; self.columns];
        if lambdas.len() == 1 {
            let outcome = sparse_regression::solve(&problem, &options, &mut w, workspace, &mut ())?;
            *solutions = w;
            return Ok(outcome);
        }
        let mut last = None;
        sparse_regression::path(&problem, lambdas, &options, &mut w, workspace, |_, w, outcome| {
            solutions.extend_from_slice(w);
            last = Some(*outcome);
            if outcome.report.status == Status::Converged {
                ControlFlow::Continue(())
            } else {
                ControlFlow::Break(())
            }
        })?;
        Ok(last.ok_or("an empty path")?)
    }
}
