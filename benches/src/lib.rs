//! Matrices and clocks that the benches and the runs beside peers share.
#![forbid(unsafe_code)]

use std::time::Instant;

use southwell::subgradient::matrix::operator::Operator;
use southwell::subgradient::matrix::{self, Options, Problem, Start, Step, Unit, Workspace};
use southwell::{Real, Run};

/// A five-point matrix in compressed sparse rows: 4 on the diagonal, −1 to the neighbours.
#[derive(Clone, Debug, Default)]
pub struct FivePoint<T> {
    /// Row i holds entries `offsets[i]..offsets[i + 1]`.
    pub offsets: Vec<u32>,
    /// The column of every entry.
    pub columns: Vec<u32>,
    /// The value of every entry.
    pub values: Vec<T>,
}

impl<T: Real> FivePoint<T> {
    /// The matrix of a `side × side` grid in lexicographic order.
    #[must_use]
    #[allow(clippy::cast_possible_truncation)]
    pub fn new(side: usize) -> Self {
        let mut matrix = Self { offsets: vec![0], ..Self::default() };
        for i in 0..side {
            for j in 0..side {
                let cell = i * side + j;
                let entries = [
                    (i > 0).then(|| (cell - side, -T::ONE)),
                    (j > 0).then(|| (cell - 1, -T::ONE)),
                    Some((cell, T::from_u32(4))),
                    (j + 1 < side).then(|| (cell + 1, -T::ONE)),
                    (i + 1 < side).then(|| (cell + side, -T::ONE)),
                ];
                for (column, value) in entries.into_iter().flatten() {
                    matrix.columns.push(column as u32);
                    matrix.values.push(value);
                }
                matrix.offsets.push(matrix.columns.len() as u32);
            }
        }
        matrix
    }

    /// Bytes of the three arrays.
    #[must_use]
    pub fn bytes(&self) -> usize {
        4 * (self.offsets.len() + self.columns.len()) + size_of::<T>() * self.values.len()
    }
}

/// Numbers in [−½, ½) from a small generator: benches need no quality.
#[must_use]
pub fn numbers<T: Real>(seed: u64, n: usize) -> Vec<T> {
    let mut state = seed;
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        T::unit_from_bits(state) - T::HALF
    };
    (0..n).map(|_| next()).collect()
}

/// Bytes of a cache line, and of the widest register.
const LINE: usize = 64;

/// A vector whose first element lies on a cache line.
///
/// What the allocator gives begins 16 bytes after one, and every 64-byte register then straddles two:
/// a limit must not pay for that. `shift` lines more keep vectors of the same length apart, which
/// would otherwise fall into the same sets of the first cache.
#[derive(Clone, Debug, Default)]
pub struct Aligned<T> {
    storage: Vec<T>,
    start: usize,
    n: usize,
}

impl<T: Real> Aligned<T> {
    /// `n` numbers from a seed.
    #[must_use]
    pub fn new(seed: u64, n: usize, shift: usize) -> Self {
        Self::place(numbers(seed, n + (shift + 2) * LINE / size_of::<T>()), n, shift)
    }

    /// `value`, `n` times.
    #[must_use]
    pub fn of(value: T, n: usize, shift: usize) -> Self {
        Self::place(vec![value; n + (shift + 2) * LINE / size_of::<T>()], n, shift)
    }

    fn place(storage: Vec<T>, n: usize, shift: usize) -> Self {
        let start = storage.as_ptr().align_offset(LINE) + shift * (LINE / size_of::<T>());
        Self { storage, start, n }
    }

    /// The elements.
    #[must_use]
    pub fn get(&self) -> &[T] {
        &self.storage[self.start..self.start + self.n]
    }

    /// The elements, for writing.
    #[must_use]
    pub fn get_mut(&mut self) -> &mut [T] {
        &mut self.storage[self.start..self.start + self.n]
    }
}

/// Hands over a run that recovers a symmetric matrix of this rank, with steps of one length, from `m` numbers.
///
/// # Panics
/// If the operator does not have `m` measurements of square matrices.
pub fn recovery<T: Real>(
    operator: &impl Operator<T>,
    m: usize,
    rank: usize,
    work: impl FnOnce(&mut dyn Run<Real = T>),
) {
    let y = numbers::<T>(2, m);
    let problem = Problem::symmetric(operator, &y, rank).expect("sound");
    let shape = problem.shape();
    let needed = Workspace::<T>::required_len(shape, false, operator.scratch_len(shape));
    let mut storage = vec![T::ZERO; needed];
    let workspace = Workspace::new(&problem, false, &mut storage).expect("long enough");
    let step = Step::Constant { eta0: T::from_f64(0.01) };
    let options = Options { start: Start::Given, step, unit: Unit::Relative, ..Options::default() };
    let mut x = numbers::<T>(3, shape.unknowns());
    work(&mut matrix::start(&problem, &options, &mut x, workspace).expect("sound"));
}

/// Seconds that `work` takes.
pub fn seconds(work: impl FnOnce()) -> f64 {
    let start = Instant::now();
    work();
    start.elapsed().as_secs_f64()
}

/// The middle value; the upper one of two middle values; NaN of nothing.
#[must_use]
pub fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}
