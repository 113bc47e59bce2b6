//! A recovery problem out of a NumPy archive.

use std::path::Path;

use southwell::subgradient::counter::stream;
use southwell::subgradient::matrix::operator::Draw;
use southwell_std::files::DenseMatrix;
use southwell_std::files::archive::{Archive, Array};
use southwell_std::owned::Measurements;

use crate::output::{self, Failure};

/// What the archive holds.
pub(crate) struct Input {
    pub(crate) measurements: Measurements,
    pub(crate) y: Vec<f64>,
    /// Whether the measurements leave no doubt that X is symmetric, or is not.
    pub(crate) symmetric: Option<bool>,
    /// X, to compare with.
    pub(crate) truth: Option<DenseMatrix>,
}

/// Refusals that name the file.
struct Reader<'p> {
    archive: Archive,
    path: &'p Path,
}

impl Reader<'_> {
    fn array(&mut self, name: &str) -> Result<Option<Array>, Failure> {
        self.archive.array(name).map_err(|error| output::unreadable(&error))
    }

    fn refuse<T>(&self, what: &str) -> Result<T, Failure> {
        Err(format!("{}: {what}", self.path.display()).into())
    }

    /// An array that must be there.
    fn required(&mut self, name: &str, wanted_by: &str) -> Result<Array, Failure> {
        match self.array(name)? {
            Some(array) => Ok(array),
            None => self.refuse(&format!("the archive holds no array `{name}`, which {wanted_by} needs")),
        }
    }

    /// Vectors, a row each.
    fn vectors(&self, name: &str, array: Array) -> Result<(Vec<f64>, usize), Failure> {
        match array.shape[..] {
            [_, length] => Ok((array.values, length)),
            _ => self.refuse(&format!("`{name}` must have two axes, a row for each measurement")),
        }
    }

    /// Numbers that count something, below 2⁵³.
    fn whole(&self, name: &str, values: &[f64]) -> Result<Vec<u64>, Failure> {
        let whole = |&value: &f64| {
            let sound = (0.0..9_007_199_254_740_992.0).contains(&value) && value.fract() == 0.0;
            sound.then_some(value as u64)
        };
        match values.iter().map(whole).collect() {
            Some(values) => Ok(values),
            None => self.refuse(&format!("`{name}` must hold whole numbers that are not negative")),
        }
    }

    fn indices(&self, name: &str, array: &Array) -> Result<Vec<u32>, Failure> {
        let indices = self.whole(name, &array.values)?;
        match indices.into_iter().map(|index| u32::try_from(index).ok()).collect() {
            Some(indices) => Ok(indices),
            None => self.refuse(&format!("`{name}` holds an index beyond 32 bits")),
        }
    }

    /// The array `shape`: rows and columns.
    fn shape(&mut self, wanted_by: &str) -> Result<(usize, usize), Failure> {
        let shape = self.required("shape", wanted_by)?;
        match self.whole("shape", &shape.values)?[..] {
            [rows, columns] => Ok((usize::try_from(rows)?, usize::try_from(columns)?)),
            _ => self.refuse("`shape` must hold two numbers, rows and columns"),
        }
    }
}

pub(crate) fn read(path: &Path) -> Result<Input, Failure> {
    let archive = Archive::open(path).map_err(|error| output::unreadable(&error))?;
    let mut reader = Reader { archive, path };
    let truth = match reader.array("X")? {
        None => None,
        Some(Array { shape, values }) => match shape[..] {
            [rows, columns] => Some(DenseMatrix { rows, columns, values }),
            _ => return reader.refuse("`X` must have two axes"),
        },
    };
    if let Some(Array { shape, values }) = reader.array("M")? {
        let [rows, columns] = shape[..] else { return reader.refuse("`M` must have two axes") };
        let measurements = Measurements::AllEntries { rows, columns };
        return Ok(Input { measurements, y: values, symmetric: Some(false), truth });
    }
    let y = reader.required("y", "every operator but a whole matrix `M`")?;
    if y.shape.iter().filter(|&&axis| axis != 1).count() > 1 {
        return reader.refuse("`y` must have one axis");
    }
    let (measurements, symmetric) = operator(&mut reader, y.values.len())?;
    Ok(Input { measurements, y: y.values, symmetric, truth })
}

/// The operator, by the names that are there.
fn operator(reader: &mut Reader<'_>, count: usize) -> Result<(Measurements, Option<bool>), Failure> {
    if let Some(Array { shape, values }) = reader.array("A")? {
        let [_, rows, columns] = shape[..] else {
            return reader.refuse("`A` must have three axes: measurements, rows, columns");
        };
        return Ok((Measurements::Dense { values, rows, columns }, (rows != columns).then_some(false)));
    }
    if let Some(array) = reader.array("P")? {
        let (values, length) = reader.vectors("P", array)?;
        // d (d + 1)/2 = length
        let order = (0..=length).find(|d| d * (d + 1) / 2 >= length).unwrap_or(0);
        if order * (order + 1) / 2 != length {
            return reader.refuse("`P` must hold lower triangles: d (d + 1)/2 numbers a row");
        }
        return Ok((Measurements::Packed { values, order }, Some(true)));
    }
    if let Some(array) = reader.array("a")? {
        let (a, order) = reader.vectors("a", array)?;
        if let Some(array) = reader.array("b")? {
            let (b, columns) = reader.vectors("b", array)?;
            return Ok((Measurements::Bilinear { a, b, rows: order, columns }, Some(false)));
        }
        return Ok(match reader.array("a_minus")? {
            None => (Measurements::RankOne { a, order }, Some(true)),
            Some(array) => {
                let (b, _) = reader.vectors("a_minus", array)?;
                (Measurements::Paired { a, b, order }, Some(true))
            }
        });
    }
    if let Some(array) = reader.array("i")? {
        let row_of = reader.indices("i", &array)?;
        let array = reader.required("j", "`i`")?;
        let column_of = reader.indices("j", &array)?;
        let (rows, columns) = reader.shape("`i`")?;
        return Ok((Measurements::Entries { row_of, column_of, rows, columns }, Some(false)));
    }
    for (name, draw) in [("signs", Draw::Signs), ("normal", Draw::Normal)] {
        let Some(array) = reader.array(name)? else { continue };
        let [seed, tag] = reader.whole(name, &array.values)?[..] else {
            return reader.refuse(&format!("`{name}` must hold two numbers, seed and tag of a stream"));
        };
        let (rows, columns) = reader.shape(&format!("`{name}`"))?;
        let measurements = Measurements::Seeded { draw, key: stream(seed, tag), count, rows, columns };
        return Ok((measurements, (rows != columns).then_some(false)));
    }
    let names = reader.archive.names().join(", ");
    reader.refuse(&format!("the archive holds no operator, only {names}; see `southwell recover --help`"))
}
