//! Costs between points, made on the fly: nothing of the size n × m is stored.

#[cfg(not(target_os = "none"))]
use southwell_simd::dense;
use southwell_simd::dense::Matrix;
use southwell_simd::{elementary, points};

use super::cost::Cost;
use crate::linear::{check_finite, check_len};
use crate::{Error, Real};

/// What it costs to move a unit of mass from one point to another.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Ground {
    /// Σ_k (x_k − y_k)²
    #[default]
    SquaredEuclidean,
    /// √(Σ_k (x_k − y_k)²)
    Euclidean,
    /// Σ_k |x_k − y_k|
    L1,
}

/// Costs C_ij = s·c(x_i, y_j) between n points x and m points y in d dimensions, made row by row when they
/// are read: O((n + m)·d) memory, and 3 d operations an entry beside the exponential that a method in the
/// log domain takes anyway.
///
/// Squares are sums of squared differences, not |x|² + |y|² − 2 x·y, which loses its digits for points that
/// are near each other and far from the origin.
///
/// ```
/// use southwell::transport::{Cost, Ground, PointCost};
/// let (x, y) = ([0.0, 0.0, 3.0, 4.0], [0.0, 1.0, 3.0, 0.0, 0.0, 0.0]);
/// let mut storage = [0.0; PointCost::<f64>::required_len(3, 2)];
/// let cost = PointCost::new(&x, &y, 2, Ground::Euclidean, &mut storage)?;
/// let mut row = [0.0; 3];
/// assert_eq!(cost.row(0, &mut row), [1.0, 3.0, 0.0]);
/// assert_eq!(cost.row(1, &mut row)[2], 5.0);
/// # Ok::<(), southwell::Error>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct PointCost<'a, T> {
    /// By points.
    x: &'a [T],
    /// By coordinates: d rows of m.
    y: &'a [T],
    dimension: usize,
    columns: usize,
    ground: Ground,
    scale: T,
    largest: T,
}

impl<'a, T: Real> PointCost<'a, T> {
    /// Elements of storage for `columns` points y: a copy of them by coordinates.
    #[must_use]
    pub const fn required_len(columns: usize, dimension: usize) -> usize {
        columns.saturating_mul(dimension)
    }

    /// Points by rows: coordinate k of point i at `i·dimension + k`. Cost: two passes over the points.
    ///
    /// # Errors
    /// [`Error::Option`] for dimension 0 and for points so far apart that a cost overflows;
    /// [`Error::Dimension`] for a number of coordinates that is no multiple of the dimension;
    /// [`Error::Value`] for a NaN or an infinity; [`Error::Workspace`] for storage that is too short.
    pub fn new(
        x: &'a [T],
        y: &[T],
        dimension: usize,
        ground: Ground,
        storage: &'a mut [T],
    ) -> Result<Self, Error> {
        if dimension == 0 {
            return Err(Error::Option { name: "dimension", requirement: "must be positive" });
        }
        for (argument, points) in [("x", x), ("y", y)] {
            let whole = points.len() / dimension * dimension;
            check_len(argument, points.len(), whole)?;
            check_finite(argument, points)?;
        }
        let largest = largest(x, y, dimension, ground);
        if !largest.is_finite() {
            return Err(Error::Option { name: "points", requirement: "are too far apart; scale them" });
        }
        let given = storage.len();
        let short = Error::Workspace { needed: y.len(), given };
        let (copy, _) = storage.split_at_mut_checked(y.len()).ok_or(short)?;
        let columns = y.len() / dimension;
        for (k, coordinate) in copy.chunks_mut(columns.max(1)).enumerate() {
            for (to, &from) in coordinate.iter_mut().zip(y.iter().skip(k).step_by(dimension)) {
                *to = from;
            }
        }
        Ok(Self { x, y: copy, dimension, columns, ground, scale: T::ONE, largest })
    }

    /// The same costs times a factor s: 1/[`largest`](Cost::largest), say, for costs of at most 1.
    ///
    /// # Errors
    /// [`Error::Option`] if s is not positive and finite, or the largest cost is not any more.
    pub fn scaled(self, scale: T) -> Result<Self, Error> {
        let largest = self.largest / self.scale * scale;
        if scale > T::ZERO && scale.is_finite() && largest.is_finite() {
            Ok(Self { scale, largest, ..self })
        } else {
            Err(Error::Option { name: "scale", requirement: "must be positive, and the costs finite" })
        }
    }

    /// The points x, by points.
    #[must_use]
    pub fn x(&self) -> &'a [T] {
        self.x
    }

    /// The points y, by coordinates: coordinate k of point j at `k·columns + j`.
    #[must_use]
    pub fn y(&self) -> &'a [T] {
        self.y
    }

    /// Coordinates of a point.
    #[must_use]
    pub fn dimension(&self) -> usize {
        self.dimension
    }

    /// What the costs are before they are scaled.
    #[must_use]
    pub fn ground(&self) -> Ground {
        self.ground
    }

    /// The factor s of the costs.
    #[must_use]
    pub fn scale(&self) -> T {
        self.scale
    }
}

/// The cost between the farthest corners of the boxes around the points: at least any cost.
fn largest<T: Real>(x: &[T], y: &[T], dimension: usize, ground: Ground) -> T {
    let range = |points: &[T], k: usize| {
        let coordinate = points.iter().skip(k).step_by(dimension);
        coordinate.fold((T::INFINITY, -T::INFINITY), |(low, high), &p| (low.min(p), high.max(p)))
    };
    if x.is_empty() || y.is_empty() {
        return T::ZERO;
    }
    let mut sum = T::ZERO;
    for k in 0..dimension {
        let ((low, high), (left, right)) = (range(x, k), range(y, k));
        let apart = (right - low).abs().max((high - left).abs());
        sum += if ground == Ground::L1 { apart } else { apart * apart };
    }
    // A step above what rounding may have taken.
    let sum = sum * (T::ONE + T::from_usize(dimension) * T::EPSILON);
    if ground == Ground::Euclidean { sum.sqrt() * (T::ONE + T::EPSILON) } else { sum }
}

impl<T: Real> PointCost<'_, T> {
    /// Rows that are made together: more than one in the plane, unless they are so short that a call costs more.
    #[cfg(not(target_os = "none"))]
    fn together(&self) -> usize {
        if self.dimension == 2 && self.columns >= 64 { points::ROWS } else { 1 }
    }

    /// A point of the first cloud, and the second one by coordinates.
    fn sides(&self, row: usize) -> (&[T], Matrix<'_, T>) {
        let start = row.saturating_mul(self.dimension);
        let x = self.x.get(start..start.saturating_add(self.dimension)).unwrap_or(&[]);
        (x, Matrix { values: self.y, columns: self.columns, stride: self.columns })
    }
}

impl<T: Real> Cost<T> for PointCost<'_, T> {
    fn rows(&self) -> usize {
        self.x.len() / self.dimension.max(1)
    }
    fn columns(&self) -> usize {
        self.columns
    }
    fn largest(&self) -> T {
        self.largest
    }
    fn row<'s>(&'s self, row: usize, buffer: &'s mut [T]) -> &'s [T] {
        let (x, y) = self.sides(row);
        match self.ground {
            Ground::SquaredEuclidean => points::squared_euclidean_row(self.scale, x, y, buffer),
            Ground::Euclidean => points::euclidean_row(self.scale, x, y, buffer),
            Ground::L1 => points::l1_row(self.scale, x, y, buffer),
        }
        // The buffer may be longer, where several rows have room.
        let buffer = &*buffer;
        buffer.get(..self.columns).unwrap_or(buffer)
    }
    /// Costs go from the register to the exponential, through the first cache. A part has no such cache, but flash to
    /// save: there the row is made first.
    fn exp_row(&self, row: usize, g: &[T], inverse: T, e: &mut [T], buffer: &mut [T]) -> (T, T) {
        if cfg!(target_os = "none") {
            return elementary::exp_row(g, self.row(row, buffer), inverse, e);
        }
        let (x, y) = self.sides(row);
        match self.ground {
            Ground::SquaredEuclidean => points::squared_euclidean_exp_row(self.scale, x, y, g, inverse, e),
            Ground::Euclidean => points::euclidean_exp_row(self.scale, x, y, g, inverse, e),
            Ground::L1 => points::l1_exp_row(self.scale, x, y, g, inverse, e),
        }
    }

    /// In the plane several rows are made together; on a part that would cost flash and stack.
    #[cfg(not(target_os = "none"))]
    fn exp_rows(
        &self,
        first: usize,
        g: &[T],
        inverse: T,
        e: &mut [T],
        found: &mut [(T, T)],
        buffer: &mut [T],
    ) {
        let m = g.len();
        let (groups, rest) = if self.together() > 1 { found.as_chunks_mut() } else { (&mut [][..], found) };
        let whole = groups.len().saturating_mul(points::ROWS);
        let (e, e_rest) = e.split_at_mut_checked(whole.saturating_mul(m)).unwrap_or_default();
        let rows = (first..).step_by(points::ROWS).zip(e.chunks_mut(m.saturating_mul(points::ROWS).max(1)));
        for ((row, e), found) in rows.zip(groups) {
            let x = core::array::from_fn(|k| match self.sides(row.saturating_add(k)).0 {
                &[x0, x1] => [x0, x1],
                _ => [T::ZERO; 2],
            });
            let y = self.sides(row).1;
            *found = match self.ground {
                Ground::SquaredEuclidean => {
                    points::squared_euclidean_exp_rows(self.scale, x, y, g, inverse, e)
                }
                Ground::Euclidean => points::euclidean_exp_rows(self.scale, x, y, g, inverse, e),
                Ground::L1 => points::l1_exp_rows(self.scale, x, y, g, inverse, e),
            };
        }
        let rows = (first.saturating_add(whole)..).zip(e_rest.chunks_mut(m.max(1)));
        for ((row, e), found) in rows.zip(rest) {
            *found = self.exp_row(row, g, inverse, e, buffer);
        }
    }

    #[cfg(not(target_os = "none"))]
    fn scratch_len(&self) -> usize {
        self.columns.saturating_mul(self.together().max(2))
    }

    #[cfg(not(target_os = "none"))]
    fn pass(
        &self,
        epsilon: T,
        g: &[T],
        weigh: &mut (dyn FnMut(usize, T, T) -> T + Send),
        columns: &mut [T],
        scratch: &mut [T],
    ) {
        let (m, inverse) = (columns.len(), T::ONE / epsilon);
        columns.fill(T::ZERO);
        // Costs by themselves are made nowhere here, so that the rows may have all the scratch.
        let together = self.together().min(scratch.len() / m.max(1)).max(1);
        let (mut found, mut weights) = ([(T::ZERO, T::ZERO); points::ROWS], [T::ZERO; points::ROWS]);
        for first in (0..self.rows()).step_by(together) {
            let count = together.min(self.rows().saturating_sub(first));
            let found = found.get_mut(..count).unwrap_or_default();
            self.exp_rows(first, g, inverse, scratch, found, &mut []);
            let weights = weights.get_mut(..count).unwrap_or_default();
            for ((row, weight), &(m, sum)) in (first..).zip(&mut *weights).zip(&*found) {
                *weight = weigh(row, m, sum);
            }
            // Rows of weight 0 are left out, whatever their exponentials are; zeros change no bit of a sum that began with 0.
            let rows = scratch.chunks_mut(m.max(1)).zip(&*weights);
            rows.filter(|(_, weight)| **weight == T::ZERO).for_each(|(e, _)| e.fill(T::ZERO));
            dense::add_transposed(Matrix { values: scratch, columns: m, stride: m }, weights, columns);
        }
    }
}
