//! Costs behind a kernel that exists already.

use southwell_simd::{dense, elementary};

use super::cost::Cost;
use crate::linear::{check_finite, check_len};
use crate::{Error, Real};

/// The costs C_ij = ε ln(max K/K_ij) of a positive kernel K stored by rows, entry (i, j) at `i·stride + j`: what an
/// affinity, a likelihood or a matrix of weights is the exponential of.
///
/// With the same [`epsilon`](KernelCost::epsilon) for the problem the coupling is
/// P_ij = e^((f_i + g_j)/ε) K_ij/max K, K with its rows and columns scaled; [`scaling`](super::scaling) reads K when
/// it begins and works on scalings from there on. The smallest cost is 0. A row costs m logarithms, no memory but a
/// buffer of m.
///
/// Zeros would forbid a way altogether: for matrices with zeros take [`balance`](super::balance), which says whether
/// the sums can be had.
///
/// ```
/// use southwell::omega::Fixed;
/// use southwell::transport::{KernelCost, Potentials, Problem, scaling};
///
/// // Likelihoods of two tracks for two plots.
/// let kernel = KernelCost::new(&[0.8, 0.1, 0.3, 0.4], 2, 2, 2, 1.0)?;
/// let problem = Problem::new(&kernel, &[1.0, 1.0], &[1.0, 1.0], kernel.epsilon())?;
/// let mut storage = [0.0; scaling::Workspace::<f64>::required_len(2, 2, false)];
/// let workspace = scaling::Workspace::new(&problem, &mut storage)?;
/// let (mut f, mut g) = ([0.0_f64; 2], [0.0_f64; 2]);
/// let x = Potentials { f: &mut f, g: &mut g };
/// scaling::solve(&problem, &scaling::Options::default(), &mut Fixed(1.0), x, workspace, &mut ())?;
/// let stays = (f[0] + g[0]).exp(); // K is largest there
/// assert!((stays - 0.7656).abs() < 1e-4);
/// # Ok::<(), southwell::Error>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct KernelCost<'a, T> {
    kernel: dense::Matrix<'a, T>,
    rows: usize,
    epsilon: T,
    /// ln max K
    top: T,
    largest: T,
}

impl<'a, T: Real> KernelCost<'a, T> {
    /// A view of `rows` rows of `columns` entries, `stride` apart, and the ε that they were made with (1 for weights
    /// that know of none). The last row may lack its padding. Cost: one pass.
    ///
    /// # Errors
    /// [`Error::Dimension`] for another length of `kernel` than rows·stride or (rows − 1)·stride + columns;
    /// [`Error::Option`] if `stride < columns`, for an ε that is not positive and finite, and for a kernel without a
    /// normal positive number in every place (which one says [`Error::Value`] for a NaN or an infinity, and
    /// [`Error::Negative`] for what is below 0).
    pub fn new(
        kernel: &'a [T],
        rows: usize,
        columns: usize,
        stride: usize,
        epsilon: T,
    ) -> Result<Self, Error> {
        if stride < columns {
            return Err(Error::Option {
                name: "stride",
                requirement: "must not be smaller than the number of columns",
            });
        }
        if !(epsilon > T::ZERO && epsilon.is_finite()) {
            return Err(Error::Option { name: "epsilon", requirement: "must be positive and finite" });
        }
        let whole = rows.saturating_mul(stride);
        let least = rows.saturating_sub(1).saturating_mul(stride).saturating_add(columns).min(whole);
        if kernel.len() != whole {
            check_len("kernel", kernel.len(), least)?;
        }
        let (mut low, mut high) = (T::INFINITY, T::ZERO);
        for (i, row) in kernel.chunks(stride.max(1)).enumerate() {
            let row = row.get(..columns).unwrap_or(row);
            let place = |index: usize| i.saturating_mul(stride).saturating_add(index);
            if let Err(Error::Value { argument, index }) = check_finite("kernel", row) {
                return Err(Error::Value { argument, index: place(index) });
            }
            for (index, &k) in row.iter().enumerate() {
                if k < T::ZERO {
                    return Err(Error::Negative { argument: "kernel", index: place(index) });
                }
                (low, high) = (low.min(k), high.max(k));
            }
        }
        if low < T::MIN_POSITIVE {
            return Err(Error::Option {
                name: "kernel",
                requirement: "must be positive everywhere, and not below the smallest normal number",
            });
        }
        let (top, bottom) = if high > T::ZERO { (high.ln(), low.ln()) } else { (T::ZERO, T::ZERO) };
        let kernel = dense::Matrix { values: kernel, columns, stride };
        Ok(Self { kernel, rows, epsilon, top, largest: epsilon * (top - bottom) })
    }

    /// The ε that the problem must have.
    #[must_use]
    pub fn epsilon(&self) -> T {
        self.epsilon
    }
}

impl<T: Real> Cost<T> for KernelCost<'_, T> {
    fn rows(&self) -> usize {
        self.rows
    }
    fn columns(&self) -> usize {
        self.kernel.columns
    }
    fn largest(&self) -> T {
        self.largest
    }
    fn row<'s>(&'s self, row: usize, buffer: &'s mut [T]) -> &'s [T] {
        for (out, &k) in buffer.iter_mut().zip(self.kernel.row(row)) {
            *out = k;
        }
        elementary::ln_in_place(buffer);
        for out in buffer.iter_mut() {
            *out = self.epsilon * (self.top - *out).max(T::ZERO);
        }
        buffer
    }
}
