//! What the files hold.

use std::path::Path;

use southwell::Error;
use southwell::descent::sparse_regression::Loss;
use southwell_std::files::matrix_market::Matrix;
use southwell_std::files::{self, DenseMatrix, SparseMatrix, libsvm, matrix_market, npy, npz};
use southwell_std::owned::descent::Smooth;
use southwell_std::owned::{Regression, Samples};

use super::Arguments;
use super::words::Judge;
use crate::output::{self, Failure};

/// Samples and what is to be explained.
enum Table {
    Dense(DenseMatrix, Vec<f64>),
    Sparse(SparseMatrix, Vec<f64>),
}

pub(super) fn extension(path: &Path) -> String {
    path.extension().and_then(|word| word.to_str()).unwrap_or_default().to_ascii_lowercase()
}

/// A matrix alone is a quadratic's.
pub(super) fn is_matrix(path: &Path) -> bool {
    matches!(extension(path).as_str(), "mtx" | "npy")
}

fn table(arguments: &Arguments) -> Result<Table, Failure> {
    let path = &arguments.data;
    let extension = extension(path);
    let unreadable = |error| output::unreadable(&error);
    let targets = match &arguments.targets {
        Some(targets) if is_matrix(path) => Some(files::read_vector(targets).map_err(unreadable)?),
        Some(targets) => {
            return Err(format!(
                "--targets {}: only a design in Matrix Market or NumPy format needs it",
                targets.display()
            )
            .into());
        }
        None => None,
    };
    Ok(match (extension.as_str(), targets) {
        ("npz", _) => {
            let (samples, y) = npz::read_system(path, "A", "y").map_err(unreadable)?;
            Table::Dense(samples, y)
        }
        ("npy", Some(y)) => Table::Dense(npy::read_matrix(path).map_err(unreadable)?, y),
        ("mtx", Some(y)) => Table::Sparse(
            matrix_market::read(path).and_then(|read| read.into_sparse()).map_err(unreadable)?,
            y,
        ),
        ("mtx" | "npy", None) => return Err(format!("{}: give --targets", path.display()).into()),
        _ => {
            let found = libsvm::read(path).map_err(unreadable)?;
            Table::Sparse(found.rows, found.labels)
        }
    })
}

pub(super) fn named(path: &Path) -> impl Fn(Error) -> Failure + '_ {
    move |error| format!("{}: {error}", path.display()).into()
}

/// A regression for the solver with working sets.
pub(super) fn regression(arguments: &Arguments) -> Result<Regression, Failure> {
    let path = &arguments.data;
    let loss = match arguments.loss() {
        Judge::Logistic => Loss::Logistic,
        _ => Loss::LeastSquares,
    };
    let labelled = |mut y: Vec<f64>| -> Result<Vec<f64>, Failure> {
        if loss == Loss::Logistic {
            two_classes(&mut y).map_err(|error| format!("{}: {error}", path.display()))?;
        }
        Ok(y)
    };
    let regression = match table(arguments)? {
        Table::Dense(samples, y) => Regression::dense(samples, labelled(y)?, loss),
        Table::Sparse(samples, y) => Regression::sparse(&samples, labelled(y)?, loss).map_err(named(path))?,
    };
    Ok(if arguments.intercept { regression.with_intercept() } else { regression })
}

/// What any other solver minimises, how many samples its mean is over (1: no mean), and the classes.
pub(super) struct Posed {
    pub(super) smooth: Smooth,
    pub(super) samples: usize,
    pub(super) classes: Vec<f64>,
}

pub(super) fn smooth(arguments: &Arguments) -> Result<Posed, Failure> {
    let path = &arguments.data;
    let alone = |smooth| Ok(Posed { smooth, samples: 1, classes: Vec::new() });
    match arguments.loss() {
        Judge::Quadratic => return alone(quadratic(arguments)?),
        Judge::Labels => return alone(labels(arguments)?),
        _ => {}
    }
    let (samples, mut y) = match table(arguments)? {
        Table::Dense(samples, y) => (Samples::dense(samples), y),
        Table::Sparse(samples, y) => (Samples::sparse(&samples).map_err(named(path))?, y),
    };
    let count = samples.shape().0;
    let mut classes = Vec::new();
    let smooth = match arguments.loss() {
        Judge::Logistic => {
            two_classes(&mut y).map_err(|error| format!("{}: {error}", path.display()))?;
            Smooth::Logistic { samples, y }
        }
        Judge::Huber => Smooth::Huber { samples, y, delta: arguments.delta },
        Judge::Softmax => {
            classes.clone_from(&y);
            classes.sort_by(f64::total_cmp);
            classes.dedup();
            let of = |y: &f64| classes.iter().position(|class| class == y).unwrap_or(0) as u32;
            let labels = y.iter().map(of).collect();
            Smooth::Softmax { samples, classes: classes.len(), labels }
        }
        _ => Smooth::LeastSquares { samples, y },
    };
    Ok(Posed { smooth, samples: count, classes })
}

fn quadratic(arguments: &Arguments) -> Result<Smooth, Failure> {
    let path = &arguments.data;
    let unreadable = |error| output::unreadable(&error);
    let matrix = match extension(path).as_str() {
        "npy" => Matrix::Dense(npy::read_matrix(path).map_err(unreadable)?),
        "mtx" => matrix_market::read(path).map_err(unreadable)?.matrix,
        _ => {
            return Err(format!(
                "{}: a quadratic is read from a matrix, Matrix Market (.mtx) or NumPy (.npy)",
                path.display()
            )
            .into());
        }
    };
    let rows = match &matrix {
        Matrix::Sparse(matrix) => matrix.rows,
        Matrix::Dense(matrix) => matrix.rows,
    };
    let linear = match &arguments.rhs {
        Some(path) => files::read_vector(path).map_err(unreadable)?,
        None => vec![1.0; rows],
    };
    Ok(match matrix {
        Matrix::Sparse(matrix) => Smooth::Quadratic { matrix, linear },
        Matrix::Dense(matrix) => Smooth::DenseQuadratic { matrix, linear },
    })
}

fn labels(arguments: &Arguments) -> Result<Smooth, Failure> {
    let path = &arguments.data;
    let unreadable = |error| output::unreadable(&error);
    let (Some(labelled), Some(targets)) = (&arguments.labelled, &arguments.targets) else {
        return Err("--loss labels: give the vertices that have labels with --labelled, and their values \
                    with --targets"
            .into());
    };
    let graph = matrix_market::read(path).and_then(|read| read.into_sparse()).map_err(unreadable)?;
    let vertices = files::read_vector(labelled).map_err(unreadable)?;
    let whole = |v: &f64| (*v >= 0.0 && v.fract() == 0.0 && *v < f64::from(u32::MAX)).then_some(*v as u32);
    let vertices: Option<Vec<u32>> = vertices.iter().map(whole).collect();
    let labelled = vertices
        .ok_or_else(|| format!("{}: vertices are whole numbers, counted from 0", labelled.display()))?;
    let values = files::read_vector(targets).map_err(unreadable)?;
    Ok(Smooth::Labels { graph, labelled, values })
}

/// Labels of two values, the smaller turned into −1 and the larger into 1.
pub(super) fn two_classes(y: &mut [f64]) -> Result<(), String> {
    let (low, high) =
        y.iter().fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), &y| (low.min(y), high.max(y)));
    if let Some(&other) = y.iter().find(|&&y| y != low && y != high) {
        return Err(format!(
            "logistic regression needs labels of two values; besides {low} and {high} there is {other}"
        ));
    }
    if low >= high {
        return Err(format!("all labels are {low}; logistic regression needs two values"));
    }
    y.iter_mut().for_each(|y| *y = if *y == low { -1.0 } else { 1.0 });
    Ok(())
}
