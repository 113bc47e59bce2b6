//! Robust regression from an archive over ranks, divided by rows.

use std::path::Path;

use southwell::Observer;
use southwell::subgradient::refine::Refined;

use super::{BLOCKS, Saving, refused};
use crate::cluster::checkpoint::Files;
use crate::cluster::{Communicator, Fault, Partition, agree, fit, read};
use crate::files::archive::Array;
use crate::files::npy;
use crate::owned::{self, Loss, Settings};

/// The problem, and where its parts go.
#[derive(Clone, Copy, Debug)]
pub struct Setting<'a> {
    /// A NumPy archive with the arrays `A`, a row an observation, and `y`.
    pub file: &'a Path,
    /// The array of weights, where rows do not all count the same.
    pub weights: Option<&'a str>,
    /// What is minimised.
    pub loss: Loss,
    /// Tolerance, budget, and what lengths fall by.
    pub settings: Settings,
    /// Whether rows far from the fit are rejected, and the others fitted by least squares.
    pub refine: bool,
    /// Checkpoints of the steps by absolute values.
    pub saving: Option<Saving<'a>>,
    /// Where the coefficients go.
    pub out: Option<&'a Path>,
}

/// What was found, on all ranks alike.
#[derive(Clone, Debug, PartialEq)]
pub struct Fitted {
    /// The fit.
    pub fitted: owned::Fitted,
    /// Its coefficients, refined if that was asked for.
    pub coefficients: Vec<f64>,
    /// What refining did.
    pub refined: Option<Refined<f64>>,
    /// Rows and columns.
    pub shape: (usize, usize),
    /// The step that was gone on from.
    pub resumed: Option<u32>,
}

/// Reads, fits and writes. Made by all ranks together.
///
/// # Errors
/// [`Fault::Refused`] for files that cannot be read or written or do not fit, for what the method refuses, and for checkpoints of
/// another problem; [`Fault::Ranks`] for more ranks than 64 or rows; those of the communicator.
pub fn run<C: Communicator + ?Sized>(
    communicator: &C,
    setting: &Setting<'_>,
    observer: &mut (impl Observer<f64> + ?Sized),
) -> Result<Fitted, Fault> {
    let (path, size) = (setting.file, communicator.size());
    let missing = |name: &str| refused(format!("{}: the archive holds no array `{name}`", path.display()));
    let by = |items| Partition::in_blocks(items, BLOCKS, size);
    let (Array { shape, values }, rows) =
        read::npz_by(communicator, path, "A", by)?.ok_or_else(|| missing("A"))?;
    let [count, columns] = shape[..] else {
        return Err(refused(format!("{}: `A` must have two axes, a row an observation", path.display())));
    };
    let vector = |name: &str| {
        let by = |items| match items == count {
            true => Ok(rows.clone()),
            false => Err(refused(format!("{}: `{name}` has {items} items for {count} rows", path.display()))),
        };
        let (array, _) = read::npz_by(communicator, path, name, by)?.ok_or_else(|| missing(name))?;
        match array.shape.iter().skip(1).all(|&axis| axis == 1) {
            true => Ok(array.values),
            false => Err(refused(format!("{}: `{name}` must be a vector", path.display()))),
        }
    };
    let y = vector("y")?;
    let weights = setting.weights.map_or(Ok(Vec::new()), vector)?;
    let problem = fit::Problem::new(communicator, rows, &values, columns, &y, &weights)?;
    // Every rank has all of the state: nothing of it is divided.
    let nothing = Partition::spread(0, 1, size);
    let mut files = Files::new(communicator, nothing, setting.saving);
    let fitted = fit::solve(&problem, setting.loss, &setting.settings, &mut files, observer)?;
    let mut coefficients = fitted.coefficients.clone();
    let refined = match setting.refine {
        true => Some(fit::refine(&problem, &mut coefficients)?),
        false => None,
    };
    if let Some(out) = setting.out {
        let written = if communicator.rank() == 0 { npy::write_vector(out, &coefficients) } else { Ok(()) };
        agree(communicator, written)?;
    }
    Ok(Fitted { fitted, coefficients, refined, shape: (count, columns), resumed: files.resumed() })
}
