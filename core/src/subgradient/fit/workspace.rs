//! Memory of a fit.

use super::Whitening;
use crate::carve::carve;
use crate::subgradient::quantile::Quantile;
use crate::subgradient::{certify, method};
use crate::{Error, Real};

/// Memory of a run, carved from the caller's slices. They may be handed over dirty.
#[derive(Debug)]
pub struct Workspace<'w, T> {
    pub(super) whitening: Whitening,
    pub(super) white: &'w mut [T],
    pub(super) slopes: &'w mut [T],
    pub(super) mean: &'w mut [T],
    pub(super) triangle: &'w mut [T],
    pub(super) b: &'w mut [T],
    pub(super) near: &'w mut [T],
    pub(super) scratch: &'w mut [T],
    pub(super) method: &'w mut [T],
    pub(super) vertex: &'w mut [T],
    pub(super) indices: &'w mut [u32],
}

impl<'w, T: Real> Workspace<'w, T> {
    /// Elements needed for n rows and p columns. `bound`: whether a lower bound is formed on the way.
    #[must_use]
    pub const fn required_len(rows: usize, columns: usize, whitening: Whitening, bound: bool) -> usize {
        let [a, b, c, d, e, f, g, h, i] = Self::lengths(rows, columns, whitening, bound);
        let (low, high) = (a.saturating_add(b).saturating_add(c), d.saturating_add(e).saturating_add(f));
        low.saturating_add(high).saturating_add(g).saturating_add(h).saturating_add(i)
    }

    /// Indices needed for p columns.
    #[must_use]
    pub const fn required_indices(columns: usize) -> usize {
        certify::vertex_indices(columns)
    }

    pub(super) const fn lengths(n: usize, p: usize, whitening: Whitening, bound: bool) -> [usize; 9] {
        let (copy, triangle) = match whitening {
            Whitening::Orthogonal => (n.saturating_mul(p), p.saturating_mul(p)),
            Whitening::Columns => (0, p),
        };
        let method = method::Workspace::<T>::required_len(p, false);
        let mean = if bound { n } else { 0 };
        [copy, mean, mean, triangle, p, p, p, method, certify::vertex_len(p)]
    }

    /// Carves the workspace of a fit.
    ///
    /// # Errors
    /// [`Error::Workspace`] if a slice is too short; [`Error::Option`] for a bound without
    /// [`Whitening::Orthogonal`]; [`Error::TooLarge`] beyond 2³² − 1 rows.
    pub fn new(
        loss: &Quantile<'_, T>,
        whitening: Whitening,
        bound: bool,
        storage: &'w mut [T],
        indices: &'w mut [u32],
    ) -> Result<Self, Error> {
        let (n, p) = (loss.table.rows(), loss.table.columns());
        if bound && whitening != Whitening::Orthogonal {
            return Err(Error::Option { name: "bound", requirement: "needs orthogonal whitening" });
        }
        if u32::try_from(n).is_err() {
            return Err(Error::TooLarge { argument: "table" });
        }
        let lengths = Self::lengths(n, p, whitening, bound);
        let [white, slopes, mean, triangle, b, near, scratch, method, vertex] = carve(storage, lengths)?;
        let [indices] = carve(indices, [Self::required_indices(p)])?;
        Ok(Self { whitening, white, slopes, mean, triangle, b, near, scratch, method, vertex, indices })
    }
}
