//! Costs that count how often they are read, and an observer that notes it beside the residual.

use std::cell::Cell;
use std::ops::ControlFlow;

use southwell::transport::Cost;
use southwell::{Observer, Progress, Real};

/// Costs, and how many of their rows have been read.
pub(super) struct Counted<'c, C> {
    cost: &'c C,
    rows: Cell<u64>,
}

impl<'c, C> Counted<'c, C> {
    pub(super) fn new(cost: &'c C) -> Self {
        Self { cost, rows: Cell::new(0) }
    }

    fn count(&self, rows: u64) {
        self.rows.set(self.rows.get() + rows);
    }
}

impl<T: Real, C: Cost<T>> Cost<T> for Counted<'_, C> {
    fn rows(&self) -> usize {
        self.cost.rows()
    }
    fn columns(&self) -> usize {
        self.cost.columns()
    }
    fn largest(&self) -> T {
        self.cost.largest()
    }
    fn row<'s>(&'s self, row: usize, buffer: &'s mut [T]) -> &'s [T] {
        self.count(1);
        self.cost.row(row, buffer)
    }
    fn is_stored(&self) -> bool {
        self.cost.is_stored()
    }
    fn scratch_len(&self) -> usize {
        self.cost.scratch_len()
    }
    fn pass(
        &self,
        epsilon: T,
        g: &[T],
        weigh: &mut (dyn FnMut(usize, T, T) -> T + Send),
        columns: &mut [T],
        scratch: &mut [T],
    ) {
        self.count(self.cost.rows() as u64);
        self.cost.pass(epsilon, g, weigh, columns, scratch);
    }
    fn make_kernel(
        &self,
        epsilon: T,
        g: &[T],
        weigh: &mut (dyn FnMut(usize, T, T) -> T + Send),
        kernel: &mut [T],
        columns: &mut [T],
        buffer: &mut [T],
    ) {
        self.count(self.cost.rows() as u64);
        self.cost.make_kernel(epsilon, g, weigh, kernel, columns, buffer);
    }
    fn read_kernel(
        &self,
        kernel: &[T],
        v: &[T],
        weigh: &(dyn Fn(usize, T) -> (T, T) + Sync),
        u: &mut [T],
        columns: &mut [T],
        scratch: &mut [T],
    ) -> T {
        self.cost.read_kernel(kernel, v, weigh, u, columns, scratch)
    }
    fn coupling_row(&self, row: usize, epsilon: T, f: T, g: &[T], p: &mut [T], buffer: &mut [T]) -> (T, T) {
        self.count(1);
        self.cost.coupling_row(row, epsilon, f, g, p, buffer)
    }
}

/// Notes readings and residuals, and shows an observer of `f64` what a run of any precision does.
pub(super) struct Watch<'w, C> {
    pub(super) counted: &'w Counted<'w, C>,
    pub(super) observer: &'w mut dyn Observer<f64>,
    pub(super) curve: Vec<(f64, f64)>,
    /// Rows of the costs that had been read when it last looked, and readings until then.
    seen: u64,
    reads: f64,
}

impl<'w, C> Watch<'w, C> {
    pub(super) fn new(counted: &'w Counted<'w, C>, observer: &'w mut dyn Observer<f64>) -> Self {
        Self { counted, observer, curve: Vec::new(), seen: 0, reads: 0.0 }
    }
}

impl<T: Real, C: Cost<T>> Observer<T> for Watch<'_, C> {
    fn observe(&mut self, progress: &Progress<T>) -> ControlFlow<()> {
        let rows = self.counted.rows.get();
        // A step that left the costs alone has read the stored kernel instead, once.
        let read = (rows - self.seen) as f64 / self.counted.cost.rows().max(1) as f64;
        self.reads += if rows == self.seen { 1.0 } else { read };
        self.seen = rows;
        let residual = progress.residual.map(Real::to_f64);
        self.curve.extend(residual.map(|residual| (self.reads, residual)));
        let parameter = progress.parameter.to_f64();
        self.observer.observe(&Progress { step: progress.step, residual, parameter })
    }
}
