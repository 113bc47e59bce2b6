//! Costs between the pixels of two grids that add up over the axes.

use southwell_simd::dense::Matrix;
use southwell_simd::elementary::{exp_scalar, ln_scalar, log_sum_exp_rows};

use super::cost::{Cost, DenseCost};
use crate::{Error, Real};

/// C_(i,k),(j,l) = R_ij + S_kl: what it costs to go from row i to row j of a grid, and from column k to
/// column l. Pixels are counted by rows, (i, k) at i·w + k.
///
/// Squared Euclidean distances, |Δrow| + |Δcolumn| and their like are of this kind. Nothing is stored but
/// the two small matrices, and a [`pass`](Cost::pass) takes the logarithms of sums axis by axis: h + w
/// exponentials a pixel and direction instead of h·w (28 × 28 pixels: 112 for both directions instead of
/// 784), exactly but for rounding. The m_i that it hands out is the logarithm of the whole sum, and S_i is 1.
///
/// ```
/// use southwell::transport::{Cost, DenseCost, GridCost};
/// // |Δrow| + 2 |Δcolumn| on 2 × 2 pixels.
/// let (rows, columns) = ([0.0, 1.0, 1.0, 0.0], [0.0, 2.0, 2.0, 0.0]);
/// let cost = GridCost::new(DenseCost::new(&rows, 2, 2, 2)?, DenseCost::new(&columns, 2, 2, 2)?)?;
/// let mut buffer = [f64::NAN; 4];
/// assert_eq!(cost.row(1, &mut buffer), [2.0, 0.0, 3.0, 1.0]);
/// assert_eq!((cost.rows(), cost.largest()), (4, 3.0));
/// # Ok::<(), southwell::Error>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct GridCost<'a, T> {
    vertical: DenseCost<'a, T>,
    horizontal: DenseCost<'a, T>,
}

impl<'a, T: Real> GridCost<'a, T> {
    /// Costs from a grid of h × w pixels to one of h' × w' from R (h × h') and S (w × w').
    ///
    /// # Errors
    /// [`Error::TooLarge`] if a grid has more pixels than can be counted, [`Error::Value`] if the largest
    /// cost overflows.
    pub fn new(vertical: DenseCost<'a, T>, horizontal: DenseCost<'a, T>) -> Result<Self, Error> {
        let cost = Self { vertical, horizontal };
        let counted = |x: usize, y: usize| x.checked_mul(y).is_some();
        if !counted(vertical.rows(), horizontal.rows()) || !counted(vertical.columns(), horizontal.columns())
        {
            return Err(Error::TooLarge { argument: "cost" });
        }
        if !cost.largest().is_finite() {
            return Err(Error::Value { argument: "cost", index: 0 });
        }
        Ok(cost)
    }

    /// h, h', w, w'
    fn shape(&self) -> [usize; 4] {
        let (v, h) = (&self.vertical, &self.horizontal);
        [v.rows(), v.columns(), h.rows(), h.columns()]
    }

    /// Lengths of the pieces of scratch: a logarithm for each pixel that is left, sums over one axis, a
    /// line, a transposed matrix.
    fn lengths(&self) -> [usize; 4] {
        let [h, to_h, w, to_w] = self.shape();
        let between = to_h.saturating_mul(w).max(h.saturating_mul(to_w));
        let line = h.max(to_h).max(w).max(to_w);
        let transposed = h.saturating_mul(to_h).max(w.saturating_mul(to_w));
        [h.saturating_mul(w), between, line, transposed]
    }
}

/// out_yz = log Σ_x e^((in_zx − C_yx)/ε), the result laid out with the axes exchanged: `out` has rows of as
/// many elements as `input` has rows. `line` has as many elements as the matrix has rows.
fn along<T: Real>(
    input: &[T],
    matrix: Matrix<'_, T>,
    inverse: T,
    line: &mut [T],
    out: &mut [T],
    count: usize,
) {
    for (z, row) in input.chunks_exact(matrix.columns.max(1)).enumerate() {
        log_sum_exp_rows(row, matrix, inverse, line);
        for (out, &sum) in out.iter_mut().skip(z).step_by(count.max(1)).zip(&*line) {
            *out = sum;
        }
    }
}

/// The matrix with rows and columns exchanged.
fn transpose<'t, T: Real>(cost: &DenseCost<'_, T>, into: &'t mut [T]) -> Matrix<'t, T> {
    let n = cost.rows();
    for i in 0..n {
        for (out, &c) in into.iter_mut().skip(i).step_by(n.max(1)).zip(cost.row(i, &mut [])) {
            *out = c;
        }
    }
    let values = into.get(..n.saturating_mul(cost.columns())).unwrap_or_default();
    Matrix { values, columns: n, stride: n }
}

impl<T: Real> Cost<T> for GridCost<'_, T> {
    fn rows(&self) -> usize {
        self.vertical.rows().saturating_mul(self.horizontal.rows())
    }

    fn columns(&self) -> usize {
        self.vertical.columns().saturating_mul(self.horizontal.columns())
    }

    fn largest(&self) -> T {
        self.vertical.largest() + self.horizontal.largest()
    }

    fn row<'s>(&'s self, row: usize, buffer: &'s mut [T]) -> &'s [T] {
        let [_, _, w, to_w] = self.shape();
        let w = w.max(1);
        let across = self.horizontal.row(row % w, &mut []);
        let down = self.vertical.row(row / w, &mut []);
        for (out, &c) in buffer.chunks_mut(to_w.max(1)).zip(down) {
            for (out, &s) in out.iter_mut().zip(across) {
                *out = c + s;
            }
        }
        buffer
    }

    /// Also as much as a method needs that goes through the costs row by row.
    fn scratch_len(&self) -> usize {
        let sum = self.lengths().iter().fold(0_usize, |sum, &n| sum.saturating_add(n));
        sum.max(self.columns().saturating_mul(2))
    }

    fn pass(
        &self,
        epsilon: T,
        g: &[T],
        weigh: &mut (dyn FnMut(usize, T, T) -> T + Send),
        columns: &mut [T],
        scratch: &mut [T],
    ) {
        let [h, to_h, w, to_w] = self.shape();
        let Ok([logs, between, line, transposed]) = crate::carve::carve(scratch, self.lengths()) else {
            return;
        };
        let inverse = T::ONE / epsilon;
        let lines = |line: &mut [T], n: usize| line.len().min(n);
        // Pixels of the grid that is gone to, first along its rows, then along its columns.
        {
            let used = between.get_mut(..to_h.saturating_mul(w)).unwrap_or_default();
            let n = lines(line, w);
            along(g, self.horizontal.matrix(), inverse, line.get_mut(..n).unwrap_or_default(), used, to_h);
            used.iter_mut().for_each(|x| *x = epsilon * *x);
            let n = lines(line, h);
            along(used, self.vertical.matrix(), inverse, line.get_mut(..n).unwrap_or_default(), logs, w);
        }
        for (i, log) in logs.iter_mut().enumerate() {
            // What is left of a row relative to its sum, as a potential.
            *log = epsilon * (ln_scalar(weigh(i, *log, T::ONE)) - *log);
        }
        // And back.
        {
            let used = between.get_mut(..h.saturating_mul(to_w)).unwrap_or_default();
            let n = lines(line, to_w);
            let matrix = transpose(&self.horizontal, transposed);
            along(logs, matrix, inverse, line.get_mut(..n).unwrap_or_default(), used, h);
            used.iter_mut().for_each(|x| *x = epsilon * *x);
            let n = lines(line, to_h);
            let matrix = transpose(&self.vertical, transposed);
            along(used, matrix, inverse, line.get_mut(..n).unwrap_or_default(), columns, to_w);
        }
        for (t, &g) in columns.iter_mut().zip(g) {
            *t = exp_scalar(g * inverse + *t);
        }
    }
}
