//! Sparse matrices on a device: rows grouped by colour, in slices of 32 rows padded to their longest.
//!
//! Rows of a colour see none of one another, so their order is free: they are sorted by length, which keeps the
//! padding small. The entries are split where a binding ends; x itself must fit into one.
//!
//! *Source*: Kreutzer, Hager, Wellein, Fehske & Bishop 2014 (sliced ELLPACK, sorted).

use southwell::Real;
use southwell::linear::{Csr, Matrix};

use super::adapter::Device;
use super::error::Error;
use super::kernel::{Item, SPARSE, workgroups};
use super::operator::{Operator, Resident, Vector, narrowed};
use crate::owned::colours::breadth_first;

/// Rows of a slice.
const SLICE: usize = 32;
/// Partial sums of a piece at most.
const GROUPS: usize = 1024;
/// Marks a row that only pads.
const NONE: u32 = u32::MAX;

/// Slices whose entries one binding can hold.
#[derive(Debug)]
struct Piece {
    first: usize,
    slices: usize,
    starts: wgpu::Buffer,
    columns: wgpu::Buffer,
    values: wgpu::Buffer,
}

#[derive(Debug)]
struct Sparse {
    order: usize,
    /// The row of the problem at each position, or [`NONE`].
    rows: Vec<u32>,
    /// The first slice of each colour, and the end of the last.
    colours: Vec<usize>,
    diagonal: wgpu::Buffer,
    pieces: Vec<Piece>,
}

/// The rows at each position, padded so that every colour begins with a slice, and where the colours begin.
fn arrange<T: Real>(matrix: &Csr<'_, T>) -> (Vec<u32>, Vec<usize>) {
    let found = breadth_first(matrix);
    let (mut rows, mut colours) = (Vec::with_capacity(matrix.order()), vec![0]);
    for bounds in found.starts.windows(2) {
        let start = rows.len();
        rows.extend_from_slice(&found.order[bounds[0] as usize..bounds[1] as usize]);
        rows[start..].sort_by_key(|&row| std::cmp::Reverse(matrix.row(row as usize).0.len()));
        rows.resize(rows.len().next_multiple_of(SLICE), NONE);
        colours.push(rows.len() / SLICE);
    }
    (rows, colours)
}

impl Sparse {
    fn new<T: Real>(device: &Device, matrix: &Csr<'_, T>) -> Result<Self, Error> {
        let (rows, colours) = arrange(matrix);
        device.check_binding("the unknowns", rows.len())?;
        let mut position = vec![0_u32; matrix.order()];
        for (at, &row) in (0..).zip(&rows) {
            if row != NONE {
                position[row as usize] = at;
            }
        }
        let width = |slice: &[u32]| {
            let lengths = slice.iter().filter(|&&row| row != NONE).map(|&row| others(matrix, row).count());
            lengths.max().unwrap_or(0)
        };
        let widths: Vec<usize> = rows.chunks(SLICE).map(width).collect();
        let bounds = split(device, &widths)?;

        let mut diagonal = vec![1.0; rows.len()];
        for (diagonal, &row) in diagonal.iter_mut().zip(&rows).filter(|(_, row)| **row != NONE) {
            let value = matrix.diagonal(row as usize).unwrap_or(T::ONE);
            *diagonal = narrowed("the matrix", value)?;
        }
        let kept = device.array("the diagonal", rows.len())?;
        device.upload(&kept, 0, &diagonal)?;
        let mut pieces = Vec::new();
        for bounds in bounds.windows(2) {
            let (first, end) = (bounds[0], bounds[1]);
            pieces.push(upload(device, matrix, &position, &rows, &widths, first..end)?);
        }
        Ok(Self { order: matrix.order(), rows, colours, diagonal: kept, pieces })
    }

    /// The pieces of a colour (or of all slices), as dispatches of `entry`.
    fn dispatches(
        &self,
        device: &Device,
        entry: &'static str,
        (from, to): (usize, usize),
        others: &[(u32, &wgpu::Buffer)],
    ) -> Result<Vec<Item>, Error> {
        let (mut program, mut base) = (Vec::new(), 0);
        for piece in &self.pieces {
            let (start, end) = (from.max(piece.first), to.min(piece.first + piece.slices));
            if start >= end {
                continue;
            }
            let words = [start - piece.first, end - start, piece.first * SLICE, base].map(|word| word as u32);
            let parameters = device.uniform(&words)?;
            let items = (end - start) * SLICE;
            let groups = match entry {
                "sweep" => workgroups(items, 64, usize::MAX),
                "residual" => workgroups(items, 256, GROUPS),
                _ => workgroups(items, 256, usize::MAX),
            };
            base += groups as usize;
            let mut buffers = vec![
                (0, &parameters),
                (6, &piece.starts),
                (7, &piece.columns),
                (8, &piece.values),
                (9, &self.diagonal),
            ];
            buffers.extend_from_slice(others);
            program.push(device.dispatch(SPARSE, entry, &buffers, [groups, 1, 1])?);
        }
        Ok(program)
    }

    fn all(&self) -> (usize, usize) {
        (0, self.rows.len() / SLICE)
    }
}

/// The entries of a row besides its diagonal.
fn others<'a, T: Real>(matrix: &Csr<'a, T>, row: u32) -> impl Iterator<Item = (u32, T)> + use<'a, T> {
    let (columns, values) = matrix.row(row as usize);
    columns.iter().copied().zip(values.iter().copied()).filter(move |&(column, _)| column != row)
}

/// Where a new piece must begin, and the end, given how wide the slices are.
fn split(device: &Device, widths: &[usize]) -> Result<Vec<usize>, Error> {
    let most = device.binding_len();
    let (mut bounds, mut held) = (vec![0], 0);
    for (slice, &width) in widths.iter().enumerate() {
        let entries = width.saturating_mul(SLICE);
        device.check_binding("32 rows of the matrix", entries)?;
        if held + entries > most {
            bounds.push(slice);
            held = 0;
        }
        held += entries;
    }
    bounds.push(widths.len());
    Ok(bounds)
}

fn upload<T: Real>(
    device: &Device,
    matrix: &Csr<'_, T>,
    position: &[u32],
    rows: &[u32],
    widths: &[usize],
    slices: std::ops::Range<usize>,
) -> Result<Piece, Error> {
    let (mut starts, mut columns, mut values) = (vec![0_u32], Vec::new(), Vec::new());
    for slice in slices.clone() {
        let start = columns.len();
        columns.resize(start + widths[slice] * SLICE, 0_u32);
        values.resize(columns.len(), 0.0_f32);
        for (lane, &row) in rows[slice * SLICE..(slice + 1) * SLICE].iter().enumerate() {
            if row == NONE {
                continue;
            }
            for (k, (column, value)) in others(matrix, row).enumerate() {
                let at = start + k * SLICE + lane;
                columns[at] = position[column as usize];
                values[at] = narrowed("the matrix", value)?;
            }
        }
        starts.push(columns.len() as u32);
    }
    let piece = Piece {
        first: slices.start,
        slices: slices.len(),
        starts: device.array("starts of slices", starts.len())?,
        columns: device.array("columns", columns.len())?,
        values: device.array("values", values.len())?,
    };
    device.write(&piece.starts, 0, starts.iter().map(|word| word.to_ne_bytes()))?;
    device.write(&piece.columns, 0, columns.iter().map(|word| word.to_ne_bytes()))?;
    device.upload(&piece.values, 0, &values)?;
    Ok(piece)
}

impl Operator for Sparse {
    fn vector(&self, device: &Device) -> Result<Vector, Error> {
        Ok(Vector(vec![device.array("the unknowns", self.rows.len())?]))
    }

    fn spans(&self) -> Vec<(usize, usize)> {
        vec![(0, self.rows.len())]
    }

    fn write(&self, device: &Device, vector: &Vector, values: &[f32]) -> Result<(), Error> {
        let placed: Vec<f32> =
            self.rows.iter().map(|&row| if row == NONE { 0.0 } else { values[row as usize] }).collect();
        device.upload(&vector.0[0], 0, &placed)
    }

    fn read(&self, device: &Device, vector: &Vector) -> Result<Vec<f32>, Error> {
        let placed = device.download(&vector.0[0], 0, self.rows.len())?;
        let mut values = vec![0.0; self.order];
        for (&row, value) in self.rows.iter().zip(placed) {
            if row != NONE {
                values[row as usize] = value;
            }
        }
        Ok(values)
    }

    fn sweep(
        &self,
        device: &Device,
        b: &Vector,
        x: &Vector,
        omega: &wgpu::Buffer,
        reversed: bool,
    ) -> Result<Vec<Item>, Error> {
        let mut colours: Vec<_> = self.colours.windows(2).map(|bounds| (bounds[0], bounds[1])).collect();
        if reversed {
            colours.reverse();
        }
        let mut program = Vec::new();
        for colour in colours {
            let vectors = [(1, &x.0[0]), (2, &b.0[0]), (3, omega)];
            program.extend(self.dispatches(device, "sweep", colour, &vectors)?);
        }
        Ok(program)
    }

    fn residual(
        &self,
        device: &Device,
        b: &Vector,
        x: &Vector,
        partials: &wgpu::Buffer,
    ) -> Result<Vec<Item>, Error> {
        self.dispatches(device, "residual", self.all(), &[(1, &x.0[0]), (2, &b.0[0]), (4, partials)])
    }

    fn apply(&self, device: &Device, x: &Vector, y: &Vector) -> Result<Vec<Item>, Error> {
        self.dispatches(device, "apply", self.all(), &[(1, &x.0[0]), (5, &y.0[0])])
    }

    fn groups(&self) -> usize {
        self.pieces.iter().map(|piece| workgroups(piece.slices * SLICE, 256, GROUPS) as usize).sum()
    }

    fn colours(&self) -> usize {
        self.colours.len() - 1
    }
}

#[allow(private_interfaces)]
impl<T: Real> Resident<T> for Csr<'_, T> {
    fn operator(&self, device: &Device) -> Result<Box<dyn Operator>, Error> {
        Ok(Box::new(Sparse::new(device, self)?))
    }
}
