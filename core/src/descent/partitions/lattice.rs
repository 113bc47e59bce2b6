//! Partitions of a rows × columns lattice, vertex (i, j) at j·rows + i (by columns).

use super::Partition;
use crate::Error;
use crate::carve::carve;

impl<'a> Partition<'a> {
    /// Red (row + column even) and black: no two neighbours of the five-point star in a block.
    ///
    /// # Errors
    /// [`Error::Workspace`] if `storage` is shorter than [`required_len`](Partition::required_len) for 2 blocks;
    /// [`Error::Option`] for fewer than two vertices.
    pub fn red_black(rows: usize, columns: usize, storage: &'a mut [u32]) -> Result<Self, Error> {
        two(rows, columns, storage, |row, column| (row + column) % 2 == 0)
    }

    /// Two combs, each a tree: the bottom row with every odd column up to below the top row, and the rest, the top row
    /// with every even column down to above the bottom row.
    ///
    /// # Errors
    /// As [`red_black`](Partition::red_black).
    pub fn combs(rows: usize, columns: usize, storage: &'a mut [u32]) -> Result<Self, Error> {
        let bottom = rows.saturating_sub(1);
        two(rows, columns, storage, |row, column| row == bottom || (column % 2 == 1 && row != 0))
    }
}

/// Vertices of which `first` holds, and the others.
fn two(
    rows: usize,
    columns: usize,
    storage: &mut [u32],
    first: impl Fn(usize, usize) -> bool,
) -> Result<Partition<'_>, Error> {
    let n = rows.saturating_mul(columns);
    super::check_size(n, 1)?;
    if n < 2 {
        return Err(Error::Option {
            name: "rows",
            requirement: "and `columns` must make at least two vertices",
        });
    }
    let [order, offsets] = carve(storage, [n, 3])?;
    let mut out = order.iter_mut();
    let mut count = 0_u32;
    for part in [true, false] {
        for (vertex, (column, row)) in (0..columns).flat_map(|j| (0..rows).map(move |i| (j, i))).enumerate() {
            if first(row, column) == part
                && let Some(out) = out.next()
            {
                *out = vertex as u32;
                count = count.saturating_add(u32::from(part));
            }
        }
    }
    // One line of vertices may be all of one kind: then it is one block.
    let blocks = if count == 0 || count as usize == n { 1 } else { 2 };
    let ends = if blocks == 1 { [0, n as u32, n as u32] } else { [0, count, n as u32] };
    offsets.iter_mut().zip(ends).for_each(|(offset, end)| *offset = end);
    Ok(Partition::listed(offsets.get(..=blocks).unwrap_or(&[]), order))
}
