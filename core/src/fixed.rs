//! Owned matrices and workspaces of fixed capacity, for parts that assemble them there (feature `heapless`).
//!
//! A solver borrows everything. These own what it borrows, in arrays whose capacity is part of the type, so that
//! they fit into a `static` and nothing is allocated:
//!
//! - [`FixedCsr`] takes entries in any order, adds up the ones that fall on the same place and keeps rows sorted; its
//!   [`view`](FixedCsr::view) is a [`Csr`];
//! - [`Storage`] hands out as much memory as a workspace asks for, or says how much it lacks.
//!
//! ```
//! use southwell::Stop;
//! use southwell::fixed::{FixedCsr, Storage};
//! use southwell::relaxation::{Fixed, Problem, ssor_cg};
//!
//! // Two resistors between three nodes, each tied to ground; offsets: one more than nodes.
//! let mut conductance: FixedCsr<f32, 4, 7> = FixedCsr::new(3)?;
//! for node in 0..3 {
//!     conductance.add(node, node, 0.5)?;
//! }
//! for (one, other, g) in [(0, 1, 2.0), (1, 2, 4.0)] {
//!     conductance.add(one, one, g)?;
//!     conductance.add(other, other, g)?;
//!     conductance.add(one, other, -g)?;
//!     conductance.add(other, one, -g)?;
//! }
//! let a = conductance.view()?;
//! assert_eq!(a.row(1), (&[0, 1, 2][..], &[-2.0, 6.5, -4.0][..]));
//!
//! let problem = Problem::new(&a, &[1.0, 0.0, 0.0])?;
//! let mut storage: Storage<f32, 32> = Storage::new();
//! let memory = storage.prepare(ssor_cg::Workspace::<f32>::required_len(3, a.entries()))?;
//! let workspace = ssor_cg::Workspace::new(&problem, memory)?;
//! let options = ssor_cg::Options { stop: Stop::relative(1e-5), ..Default::default() };
//! let mut volts = [0.0; 3];
//! let report = ssor_cg::solve(&problem, &options, &mut Fixed(1.0), &mut volts, workspace, &mut ())?;
//! assert!(report.converged() && (volts.iter().sum::<f32>() - 2.0).abs() < 1e-4);
//! # Ok::<(), southwell::Error>(())
//! ```

use heapless::Vec;

use crate::linear::{Csr, check_finite};
use crate::{Error, Real, StructureFault};

/// A square sparse matrix that owns its rows: at most `OFFSETS − 1` rows and `ENTRIES` entries.
///
/// Memory: `OFFSETS + ENTRIES` indices and `ENTRIES` values. It costs nothing to assemble row by row with growing
/// columns; an entry that comes later than those behind it moves them by one.
#[derive(Clone, Debug)]
pub struct FixedCsr<T, const OFFSETS: usize, const ENTRIES: usize> {
    // Invariants: what `Csr::new` checks, finite sums aside.
    offsets: Vec<u32, OFFSETS>,
    columns: Vec<u32, ENTRIES>,
    values: Vec<T, ENTRIES>,
}

impl<T: Real, const OFFSETS: usize, const ENTRIES: usize> FixedCsr<T, OFFSETS, ENTRIES> {
    /// A matrix of `order` rows without entries.
    ///
    /// # Errors
    /// [`Error::Workspace`] if `order + 1` exceeds `OFFSETS`; [`Error::TooLarge`] if the order or `ENTRIES` needs more
    /// than 32 bits.
    pub fn new(order: usize) -> Result<Self, Error> {
        if u32::try_from(order).is_err() || u32::try_from(ENTRIES).is_err() {
            return Err(Error::TooLarge { argument: "order" });
        }
        let needed = order.saturating_add(1);
        let mut offsets = Vec::new();
        for _ in 0..needed {
            offsets.push(0).map_err(|_| Error::Workspace { needed, given: OFFSETS })?;
        }
        Ok(Self { offsets, columns: Vec::new(), values: Vec::new() })
    }

    /// Rows, and columns.
    #[must_use]
    pub fn order(&self) -> usize {
        self.offsets.len().saturating_sub(1)
    }

    /// Stored entries.
    #[must_use]
    pub fn entries(&self) -> usize {
        self.values.len()
    }

    /// Adds `value` to the entry at (`row`, `column`), and stores one if there is none. What falls on one place is added
    /// up in the order in which it came. Cost: a search in the row; a new entry moves those behind it and counts up the
    /// offsets behind its row.
    ///
    /// # Errors
    /// Nothing changes where it is refused: [`Error::Structure`] if there is no such `row` or `column`;
    /// [`Error::Value`] if `value` is NaN or infinite; [`Error::Workspace`] if there is no room for a new entry.
    pub fn add(&mut self, row: usize, column: usize, value: T) -> Result<(), Error> {
        let outside =
            |argument, index| Error::Structure { argument, index, fault: StructureFault::OutOfRange };
        let Some(&[from, to]) = self.offsets.get(row..row.saturating_add(2)) else {
            return Err(outside("row", row));
        };
        let name = u32::try_from(column).ok().filter(|_| column < self.order());
        let name = name.ok_or(outside("column", column))?;
        check_finite("value", &[value])?;
        let (from, to) = (from as usize, to as usize);
        match self.columns.get(from..to).unwrap_or(&[]).binary_search(&name) {
            Ok(at) => {
                if let Some(entry) = self.values.get_mut(from.saturating_add(at)) {
                    *entry += value;
                }
            }
            Err(at) => {
                if self.values.is_full() {
                    return Err(Error::Workspace { needed: ENTRIES.saturating_add(1), given: ENTRIES });
                }
                let at = from.saturating_add(at);
                insert(&mut self.columns, at, name);
                insert(&mut self.values, at, value);
                for offset in self.offsets.iter_mut().skip(row.saturating_add(1)) {
                    *offset = offset.saturating_add(1);
                }
            }
        }
        Ok(())
    }

    /// Makes every stored entry zero and keeps its place: for a matrix of the same pattern with new values.
    pub fn zero(&mut self) {
        self.values.iter_mut().for_each(|value| *value = T::ZERO);
    }

    /// Forgets every entry; the order stays.
    pub fn clear(&mut self) {
        self.offsets.iter_mut().for_each(|offset| *offset = 0);
        self.columns.clear();
        self.values.clear();
    }

    /// The matrix as every solver takes it. Cost: the check, one pass.
    ///
    /// # Errors
    /// [`Error::Value`] if a sum overflowed.
    pub fn view(&self) -> Result<Csr<'_, T>, Error> {
        Csr::new(&self.offsets, &self.columns, &self.values)
    }
}

/// Puts a value where another is and moves that and what follows it by one; there is room for it.
fn insert<T, const N: usize>(list: &mut Vec<T, N>, at: usize, value: T) {
    let mut moved = value;
    for place in list.iter_mut().skip(at) {
        core::mem::swap(place, &mut moved);
    }
    let _ = list.push(moved);
}

/// Memory for workspaces: at most `N` elements, of which as many are in use as the largest one asked for.
///
/// It costs no initial value: in a `static` it lies where memory begins as zero, and takes no flash.
#[derive(Clone, Debug, Default)]
pub struct Storage<T, const N: usize> {
    elements: Vec<T, N>,
}

impl<T: Copy + Default, const N: usize> Storage<T, N> {
    /// Memory of which nothing is in use.
    #[must_use]
    pub const fn new() -> Self {
        Self { elements: Vec::new() }
    }

    /// The first `len` elements, which may hold what an earlier workspace left there.
    ///
    /// # Errors
    /// [`Error::Workspace`] if there are fewer than `len`.
    pub fn prepare(&mut self, len: usize) -> Result<&mut [T], Error> {
        let short = Error::Workspace { needed: len, given: N };
        while self.elements.len() < len {
            self.elements.push(T::default()).map_err(|_| short)?;
        }
        self.elements.get_mut(..len).ok_or(short)
    }

    /// Elements that the largest workspace so far asked for: what `N` could be.
    #[must_use]
    pub fn peak(&self) -> usize {
        self.elements.len()
    }
}
