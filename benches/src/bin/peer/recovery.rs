//! Iterations of robust matrix recovery on the same measurements as a peer's.

use std::error::Error;
use std::path::Path;

use southwell::subgradient::matrix::operator::{Dense, Operator, Packed};
use southwell::subgradient::matrix::{self, Options, Problem, Start, Step, Unit, Workspace};
use southwell::{Real, Run};
use southwell_benches::seconds;

use crate::Answer;

/// Measurements of either type.
pub(crate) trait Iterated {
    /// K steps of a quarter of ‖U‖, from the U that was read: seconds a step, and the last value.
    fn iterate(&self, count: u32) -> Answer;
}

struct Measured<T> {
    a: Vec<T>,
    y: Vec<T>,
    /// Column after column.
    u: Vec<T>,
    order: usize,
}

/// Reads `a` (m matrices, whole or, if shorter, the lower triangles of symmetric ones), `y` and `u`; tells m.
pub(crate) fn read<T: Real, const N: usize>(
    folder: &Path,
    order: usize,
    of_bytes: fn([u8; N]) -> T,
) -> Result<(Box<dyn Iterated>, usize), Box<dyn Error>> {
    let file = |name: &str| -> std::io::Result<Vec<T>> {
        Ok(std::fs::read(folder.join(name))?.as_chunks().0.iter().map(|&bytes| of_bytes(bytes)).collect())
    };
    let measured = Measured { a: file("a")?, y: file("y")?, u: file("u")?, order };
    let count = measured.y.len();
    Ok((Box::new(measured), count))
}

impl<T: Real> Iterated for Measured<T> {
    fn iterate(&self, count: u32) -> Answer {
        let d = self.order;
        if self.a.len() == self.y.len() * d * d {
            self.by(&Dense::new(&self.a, d, d)?, count)
        } else {
            self.by(&Packed::new(&self.a, d)?, count)
        }
    }
}

impl<T: Real> Measured<T> {
    fn by(&self, operator: &impl Operator<T>, count: u32) -> Answer {
        let problem = Problem::symmetric(operator, &self.y, self.u.len() / self.order.max(1))?;
        let shape = problem.shape();
        let needed = Workspace::<T>::required_len(shape, false, operator.scratch_len(shape));
        let mut storage = vec![T::ZERO; needed];
        let workspace = Workspace::new(&problem, false, &mut storage)?;
        let step = Step::Constant { eta0: T::from_f64(0.25) };
        let options = Options { start: Start::Given, step, unit: Unit::Relative, ..Options::default() };
        let mut x = self.u.clone();
        let mut run = matrix::start(&problem, &options, &mut x, workspace)?;
        let time = seconds(|| (0..count).for_each(|_| run.step())) / f64::from(count.max(1));
        Ok(format!("{time:e} {:e}", run.value().to_f64()))
    }
}
