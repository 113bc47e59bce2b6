//! Robust recovery of a low-rank matrix over ranks, divided by measurements.
//!
//! The method of [`southwell::subgradient::matrix`] runs on every rank and does the same everywhere; what it asks its operator
//! for is added up over fixed blocks of measurements, so neither it nor its bits know how many ranks there are. (The sums have
//! another order than those of one piece and agree with them to rounding.)
//!
//! *A step* sends (blocks of the rank)·k elements in P − 1 messages and gathers k/P and four numbers a block; k are the unknowns,
//! and d₁d₂ more where the operator forms the sum of its matrices. *Memory* of a rank: its measurement matrices, y, the factors,
//! and k a block.

use std::cell::RefCell;
use std::ops::Range;
use std::path::Path;

use southwell::subgradient::counter::stream;
use southwell::subgradient::matrix::operator::{
    Bilinear, Dense, Draw, Entries, Misfit, Operator, Packed, Paired, RankOne, Seeded,
};
use southwell::subgradient::matrix::{Factors, Gradient, Options, Pause, Shape, Weights};
use southwell::{Error, Observer, Report, Status};

use super::{BLOCKS, Saving, refused};
use crate::cluster::checkpoint::Files;
use crate::cluster::columns::Columns;
use crate::cluster::keep::{self, Kept};
use crate::cluster::watch::Watch;
use crate::cluster::{Communicator, Fault, Partition, agree, read};
use crate::files::archive::{self, Archive, Array};
use crate::owned::{Found, Measurements, Watched, recover};

/// The problem, and where the factors go.
#[derive(Clone, Copy, Debug)]
pub struct Setting<'a> {
    /// Operator and measurements: the arrays that `southwell recover` reads.
    pub file: &'a Path,
    /// Columns of the factors.
    pub rank: usize,
    /// Whether X = U Uᵀ. None: where the measurements are of square matrices, unless of single entries.
    pub symmetric: Option<bool>,
    /// Of the method.
    pub options: Options<f64>,
    /// Checkpoints.
    pub saving: Option<Saving<'a>>,
    /// Where the factors and the singular values go.
    pub out: Option<&'a Path>,
}

/// What was found, on all ranks alike.
#[derive(Clone, Debug)]
pub struct Recovered {
    /// The factors, and how the run ended.
    pub found: Found,
    /// Measurements.
    pub measurements: usize,
    /// Rows and columns of X.
    pub shape: (usize, usize),
    /// The step that was gone on from.
    pub resumed: Option<u32>,
}

/// Reads, solves and writes. Made by all ranks together.
///
/// # Errors
/// [`Fault::Refused`] for files that cannot be read or written or hold no problem, and for what the method refuses;
/// [`Fault::Ranks`] for more ranks than 64 or measurements; those of the communicator.
pub fn run<C: Communicator + ?Sized>(
    communicator: &C,
    setting: &Setting<'_>,
    observer: &mut dyn Observer<f64>,
) -> Result<Recovered, Fault> {
    let Input { partition, measurements: own, y, symmetric } = input(communicator, setting.file)?;
    let symmetric = setting.symmetric.unwrap_or(symmetric);
    let divided = Divided { communicator, setting, partition: &partition, y: &y, symmetric };
    let refuse = |error: Error| refused(format!("{}: {error}", setting.file.display()));
    let shape = own.dimensions();
    let found = match own {
        Measurements::Dense { values, rows, columns } => {
            divided.solve(Dense::new(&values, rows, columns), observer)
        }
        Measurements::Packed { values, order } => divided.solve(Packed::new(&values, order), observer),
        Measurements::RankOne { a, order } => divided.solve(RankOne::new(&a, order), observer),
        Measurements::Paired { a, b, order } => divided.solve(Paired::new(&a, &b, order), observer),
        Measurements::Bilinear { a, b, rows, columns } => {
            divided.solve(Bilinear::new(&a, &b, rows, columns), observer)
        }
        Measurements::Entries { row_of, column_of, rows, columns } => {
            divided.solve(Entries::new(&row_of, &column_of, rows, columns), observer)
        }
        Measurements::Seeded { draw, key, count, rows, columns } => {
            divided.solve(Seeded::new(draw, key, count, rows, columns), observer)
        }
        // Is read as entries.
        Measurements::AllEntries { .. } => Err(refuse(Error::TooLarge { argument: "M" })),
    }?;
    let (found, resumed) = found;
    if let Some(path) = setting.out {
        let (u, v) = (&found.u, &found.v);
        let arrays: [(&str, &[usize], &[f64]); 3] = [
            ("U", &[u.rows, u.columns], &u.values),
            ("V", &[v.rows, v.columns], &v.values),
            ("singular_values", &[u.columns], &found.singular_values),
        ];
        let written = if communicator.rank() == 0 { archive::write(path, &arrays) } else { Ok(()) };
        agree(communicator, written)?;
    }
    Ok(Recovered { found, measurements: y.len(), shape, resumed })
}

struct Input {
    partition: Partition,
    /// This rank's.
    measurements: Measurements,
    /// All.
    y: Vec<f64>,
    symmetric: bool,
}

/// This rank's measurements, and all of y.
fn input<C: Communicator + ?Sized>(communicator: &C, path: &Path) -> Result<Input, Fault> {
    let (rank, size) = (communicator.rank(), communicator.size());
    let refuse = |what: &str| refused(format!("{}: {what}", path.display()));
    let mut archive = agree(communicator, Archive::open(path))?;
    let names = archive.names();
    let there = |name: &str| names.iter().any(|other| other == name);
    let whole = if there("M") { "M" } else { "y" };
    let Some(Array { shape, values: y }) = agree(communicator, archive.array(whole))? else {
        return Err(refuse("the archive holds neither `y` nor a whole matrix `M`"));
    };
    let partition = Partition::in_blocks(y.len(), BLOCKS, size)?;
    let own = partition.items_of(rank);
    let part = |name: &str| -> Result<(Vec<usize>, Vec<f64>), Fault> {
        let by = |items| match items == partition.items() {
            true => Ok(partition.clone()),
            false => Err(refuse(&format!("`{name}` has {items} items for {} measurements", y.len()))),
        };
        let read = read::npz_by(communicator, path, name, by)?;
        let (array, _) = read.ok_or_else(|| refuse(&format!("the archive holds no array `{name}`")))?;
        Ok((array.shape, array.values))
    };
    let vectors = |name: &str| match part(name)? {
        (shape, values) if shape.len() == 2 => Ok((values, shape[1])),
        _ => Err(refuse(&format!("`{name}` must have two axes, a row for each measurement"))),
    };
    let counts = |name: &str, archive: &mut Archive| -> Result<[u64; 2], Fault> {
        let read = agree(communicator, archive.array(name))?;
        let sound = |x: f64| (0.0..9_007_199_254_740_992.0).contains(&x) && x.fract() == 0.0;
        match read.map(|array| array.values).as_deref() {
            Some(&[a, b]) if sound(a) && sound(b) => Ok([a as u64, b as u64]),
            _ => Err(refuse(&format!("`{name}` must hold two whole numbers"))),
        }
    };
    let (measurements, symmetric) = if there("M") {
        let [rows, columns] = shape[..] else { return Err(refuse("`M` must have two axes")) };
        let row_of = own.clone().map(|k| (k / columns.max(1)) as u32).collect();
        let column_of = own.map(|k| (k % columns.max(1)) as u32).collect();
        (Measurements::Entries { row_of, column_of, rows, columns }, false)
    } else if there("A") {
        let (shape, values) = part("A")?;
        let [_, rows, columns] = shape[..] else { return Err(refuse("`A` must have three axes")) };
        (Measurements::Dense { values, rows, columns }, rows == columns)
    } else if there("P") {
        let (values, length) = vectors("P")?;
        let order = (0..=length).find(|d| d * (d + 1) / 2 >= length).unwrap_or(0);
        if order * (order + 1) / 2 != length {
            return Err(refuse("`P` must hold lower triangles: d (d + 1)/2 numbers a row"));
        }
        (Measurements::Packed { values, order }, true)
    } else if there("a") {
        let (a, order) = vectors("a")?;
        if there("b") {
            let (b, columns) = vectors("b")?;
            (Measurements::Bilinear { a, b, rows: order, columns }, false)
        } else if there("a_minus") {
            (Measurements::Paired { a, b: vectors("a_minus")?.0, order }, true)
        } else {
            (Measurements::RankOne { a, order }, true)
        }
    } else if there("i") {
        let index =
            |x: &f64| (*x >= 0.0 && x.fract() == 0.0 && *x <= f64::from(u32::MAX)).then_some(*x as u32);
        let indices = |name: &str| -> Result<Vec<u32>, Fault> {
            let read: Option<Vec<u32>> = part(name)?.1.iter().map(index).collect();
            // The ranks see different parts of the file.
            agree(communicator, read.ok_or_else(|| refuse(&format!("`{name}` must hold whole numbers"))))
        };
        let (row_of, column_of) = (indices("i")?, indices("j")?);
        let [rows, columns] = counts("shape", &mut archive)?.map(|count| count as usize);
        (Measurements::Entries { row_of, column_of, rows, columns }, false)
    } else {
        let (name, draw) = match (there("signs"), there("normal")) {
            (true, _) => ("signs", Draw::Signs),
            (_, true) => ("normal", Draw::Normal),
            _ => return Err(refuse("the archive holds no operator; see `southwell recover --help`")),
        };
        let [seed, tag] = counts(name, &mut archive)?;
        let [rows, columns] = counts("shape", &mut archive)?.map(|count| count as usize);
        let (key, count) = (stream(seed, tag), y.len());
        (Measurements::Seeded { draw, key, count, rows, columns }, rows == columns)
    };
    Ok(Input { partition, measurements, y, symmetric })
}

struct Divided<'a, C: ?Sized> {
    communicator: &'a C,
    setting: &'a Setting<'a>,
    partition: &'a Partition,
    y: &'a [f64],
    symmetric: bool,
}

impl<C: Communicator + ?Sized> Divided<'_, C> {
    fn solve<O: Operator<f64>>(
        &self,
        inner: Result<O, Error>,
        observer: &mut dyn Observer<f64>,
    ) -> Result<(Found, Option<u32>), Fault> {
        let &Self { communicator, setting, partition, y, symmetric } = self;
        let named = |error: Error| format!("{}: {error}", setting.file.display());
        let inner = agree(communicator, inner.map_err(named))?;
        let own = partition.items_of(communicator.rank());
        // Numbers of a key stand for all measurements; whatever was read begins with this rank's.
        let base = if inner.count() == own.len() { own.start } else { 0 };
        let fits = inner.count() == own.len() || inner.count() == y.len();
        let words = || format!("{}: measurements and matrices differ in number", setting.file.display());
        agree(communicator, if fits { Ok(()) } else { Err(words()) })?;
        let (rows, columns) = inner.dimensions();
        let shape = match symmetric {
            true => Shape::symmetric(rows, setting.rank),
            false => Shape::general(rows, columns, setting.rank),
        };
        let formed = if inner.scratch_len(shape) >= shape.entries() { shape.entries() } else { 0 };
        let length = shape.unknowns().saturating_add(formed);
        let mut every = [f64::from(u8::from(observer.every_step()))];
        communicator.max(&mut every)?;
        let watch = Watch::new(every[0] > 0.0);
        let blocks = partition.blocks_of(communicator.rank());
        let operator = Ranked {
            communicator,
            partition,
            base,
            formed,
            watch: &watch,
            sums: RefCell::new(Sums {
                columns: Columns::new(partition, length, length, communicator.rank()),
                values: vec![[0.0; 4]; blocks.len()],
                total: vec![0.0; length],
                fault: None,
            }),
            inner,
        };
        let mut watched = watch.over(observer);
        // Every rank has all of the state: nothing of it is divided.
        let nothing = Partition::spread(0, 1, communicator.size());
        let mut files = Files::new(communicator, nothing, setting.saving);
        let (rank, options, mut fault) = (setting.rank, &setting.options, None);
        let mut follow = |run: &mut Watched<'_, '_, f64, _>, stop: &_, observer: &mut dyn Observer<f64>| {
            keep::drive_kept(run, &mut files, stop, observer).unwrap_or_else(|error| {
                fault = Some(error);
                let status = Status::Breakdown;
                Report { status, steps: 0, checks: 0, initial_residual: 0.0, residual: f64::NAN, scale: 1.0 }
            })
        };
        let found = recover(&operator, y, symmetric, rank, options, &mut watched, None, &mut follow);
        match fault.or(operator.sums.into_inner().fault) {
            Some(fault) => Err(fault),
            None => Ok((agree(communicator, found.map_err(named))?, files.resumed())),
        }
    }
}

impl<O: Operator<f64>> Kept for Watched<'_, '_, f64, O> {
    const WIDTH: usize = 0;

    fn identity(&self) -> Vec<f64> {
        self.about.clone()
    }

    fn state(&self) -> (Vec<f64>, Vec<f64>) {
        let Pause { current, direction, vector, numbers, counts } = self.run.pause();
        let vectors = [self.run.x(), current, direction, vector];
        let scalars = numbers.into_iter().chain(counts.map(f64::from));
        (Vec::new(), scalars.chain(vectors.into_iter().flatten().copied()).collect())
    }

    fn go_on(&mut self, _items: &[f64], numbers: &[f64]) -> Result<(), Fault> {
        let misfit = || keep::other("the size of the factors");
        let (&scalars, rest) = numbers.split_first_chunk().ok_or_else(misfit)?;
        let (&counts, mut rest) = rest.split_first_chunk::<8>().ok_or_else(misfit)?;
        let unknowns = self.run.x().len();
        let mut vectors: [&[f64]; 3] = [&[]; 3];
        for vector in &mut vectors {
            (*vector, rest) = rest.split_at_checked(unknowns).ok_or_else(misfit)?;
        }
        let [x, current, direction] = vectors;
        let counts = counts.map(|count| count as u32);
        let pause = Pause { current, direction, vector: rest, numbers: scalars, counts };
        self.run.go_on(x, &pause).map_err(|error| refused(error.to_string()))
    }
}

/// What is added up.
struct Sums {
    /// A gradient a block, and the matrix Q where it is formed.
    columns: Columns,
    /// Σ |r|, how many residuals are above 0 and below, and whether this rank wants to stop.
    values: Vec<[f64; 4]>,
    total: Vec<f64>,
    fault: Option<Fault>,
}

/// An operator whose measurements are divided. Its scratch is Q, where it is formed, and that of the part.
struct Ranked<'a, C: ?Sized, O> {
    communicator: &'a C,
    partition: &'a Partition,
    /// The measurement that the part calls its first.
    base: usize,
    formed: usize,
    watch: &'a Watch,
    sums: RefCell<Sums>,
    inner: O,
}

impl<C: Communicator + ?Sized, O: Operator<f64>> Ranked<'_, C, O> {
    fn own(&self) -> Range<usize> {
        self.partition.items_of(self.communicator.rank())
    }

    /// One reading of this rank's blocks; `weigh` gets a measurement, its value, and what its block is off by.
    fn read(
        &self,
        scale: f64,
        x: Factors<'_, f64>,
        scratch: &mut [f64],
        gradient: &mut Gradient<'_, f64>,
        mut weigh: impl FnMut(usize, f64, &mut Misfit<f64>) -> f64,
    ) -> [f64; 4] {
        let Sums { columns, values, total, fault } = &mut *self.sums.borrow_mut();
        let nothing = [f64::NAN, 0.0, 0.0, 0.0];
        if fault.is_some() {
            gradient.values().fill(f64::NAN);
            return nothing;
        }
        let unknowns = x.shape.unknowns();
        let (q, scratch) = scratch.split_at_mut(self.formed);
        let blocks = self.partition.blocks_of(self.communicator.rank());
        let vectors = columns.vectors.chunks_exact_mut((unknowns + self.formed).max(1));
        for ((block, vector), value) in blocks.zip(vectors).zip(values.iter_mut()) {
            let (part, formed) = vector.split_at_mut(unknowns);
            let mut part = x.shape.gradient(part);
            self.inner.open(x, scratch, &mut part);
            let mut misfit = Misfit::default();
            for i in self.partition.items_in(block) {
                let s = self.inner.apply_row(i - self.base, x, scratch);
                let w = weigh(i, s, &mut misfit);
                self.inner.accumulate(i - self.base, w, x, scratch, &mut part);
            }
            self.inner.close(scale, x, scratch, &mut part);
            let [above, below] = misfit.counts.map(f64::from);
            *value = [misfit.sum(), above, below, f64::from(u8::from(self.watch.wish()))];
            match self.inner.formed(x.shape, scratch) {
                Some(sum) => formed.iter_mut().zip(sum).for_each(|(to, &from)| *to = from),
                None => formed.fill(0.0),
            }
        }
        match columns.add_all(self.communicator, values, total) {
            Ok(numbers) => {
                self.watch.agreed(numbers[3] > 0.0);
                let (sum, formed) = total.split_at(unknowns);
                gradient.values().copy_from_slice(sum);
                q.copy_from_slice(formed);
                numbers
            }
            Err(error) => {
                *fault = Some(error);
                gradient.values().fill(f64::NAN);
                nothing
            }
        }
    }
}

impl<C: Communicator + ?Sized, O: Operator<f64>> Operator<f64> for Ranked<'_, C, O> {
    fn count(&self) -> usize {
        self.partition.items()
    }
    fn dimensions(&self) -> (usize, usize) {
        self.inner.dimensions()
    }
    fn start_weights(&self) -> Weights<f64> {
        self.inner.start_weights()
    }
    fn scratch_len(&self, shape: Shape) -> usize {
        self.inner.scratch_len(shape).saturating_add(self.formed)
    }

    // Single measurements are this rank's alone; the method asks for whole passes.
    fn open(&self, x: Factors<'_, f64>, scratch: &mut [f64], gradient: &mut Gradient<'_, f64>) {
        self.inner.open(x, &mut scratch[self.formed..], gradient);
    }
    fn apply_row(&self, i: usize, x: Factors<'_, f64>, scratch: &mut [f64]) -> f64 {
        if !self.own().contains(&i) {
            return f64::NAN;
        }
        self.inner.apply_row(i - self.base, x, &mut scratch[self.formed..])
    }
    fn accumulate(
        &self,
        i: usize,
        w: f64,
        x: Factors<'_, f64>,
        scratch: &mut [f64],
        g: &mut Gradient<'_, f64>,
    ) {
        if self.own().contains(&i) {
            self.inner.accumulate(i - self.base, w, x, &mut scratch[self.formed..], g);
        }
    }
    fn close(&self, scale: f64, x: Factors<'_, f64>, scratch: &mut [f64], gradient: &mut Gradient<'_, f64>) {
        self.inner.close(scale, x, &mut scratch[self.formed..], gradient);
    }

    fn formed<'s>(&self, shape: Shape, scratch: &'s [f64]) -> Option<&'s [f64]> {
        self.inner.formed(shape, scratch.get(self.formed..)?)?;
        scratch.get(..self.formed)
    }

    /// Every rank hears of all values, weighs them all in order, and adds up its own.
    fn pass(
        &self,
        scale: f64,
        x: Factors<'_, f64>,
        scratch: &mut [f64],
        gradient: &mut Gradient<'_, f64>,
        mut weigh: impl FnMut(usize, f64) -> f64,
    ) {
        let own = self.own();
        let part = &mut scratch[self.formed..];
        self.inner.open(x, part, gradient);
        let mine: Vec<f64> =
            own.clone().map(|i| self.inner.apply_row(i - self.base, x, &mut *part)).collect();
        let counts: Vec<usize> =
            (0..self.partition.ranks()).map(|rank| self.partition.items_of(rank).len()).collect();
        let mut all = vec![f64::NAN; self.count()];
        let failed = self.sums.borrow().fault.is_some();
        if !failed && let Err(fault) = self.communicator.gather(&mine, &counts, &mut all) {
            self.sums.borrow_mut().fault = Some(fault);
        }
        let weights: Vec<f64> = all.iter().enumerate().map(|(i, &s)| weigh(i, s)).collect();
        self.read(scale, x, scratch, gradient, |i, _, _| weights[i]);
    }

    fn misfit(
        &self,
        scale: f64,
        x: Factors<'_, f64>,
        y: &[f64],
        scratch: &mut [f64],
        gradient: &mut Gradient<'_, f64>,
    ) -> (f64, [u32; 2]) {
        let numbers = self.read(scale, x, scratch, gradient, |i, s, misfit| misfit.take(i, s - y[i]));
        (numbers[0], [numbers[1] as u32, numbers[2] as u32])
    }
}
