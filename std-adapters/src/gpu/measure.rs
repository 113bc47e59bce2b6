//! Passes over measurements on a device, for the recovery of low-rank matrices.
//!
//! [`Measured`] is an [`Operator`] like the one that it is made from, so that problems, options, step rules and
//! reports of [`subgradient::matrix`](southwell::subgradient::matrix) stay as they are. Its matrices lie on the
//! device, or are drawn there whenever they are needed; a pass sends X, takes the m products, weighs them here and
//! sends the weights, and takes Q = Σ w_i A_i.
//!
//! Cost of a pass: two readings of the matrices (or two drawings), and m + 2 d₁ d₂ numbers either way. Products are
//! in `f32`: exact to about 1e-7 ‖A_i‖ ‖X‖, which is where values and signs of residuals stop meaning anything; the
//! last digits are for the operator on the CPU.
//!
//! A device that fails hands over to the CPU in the middle of a pass: nothing is lost, and
//! [`failure`](Measured::failure) says why.

use std::cell::RefCell;

use southwell::Real;
use southwell::subgradient::matrix::operator::{Dense, Draw, Operator, Seeded};
use southwell::subgradient::matrix::{Factors, Gradient, Shape, Weights};

use super::adapter::Device;
use super::error::Error;
use super::kernel::{Item, MEASURE, workgroups};
use super::operator::narrowed;

/// Invocations that sums should have, so that a device is filled.
const FILLING: usize = 1 << 16;
/// Parts of the matrices at most.
const PARTS: usize = 64;

/// Measurements whose passes run on a device.
#[derive(Debug)]
pub struct Measured<'d, O> {
    device: &'d Device,
    inner: O,
    count: usize,
    entries: usize,
    parts: usize,
    w: wgpu::Buffer,
    products: wgpu::Buffer,
    weights: wgpu::Buffer,
    sums: wgpu::Buffer,
    multiply: Vec<Item>,
    add: Vec<Item>,
    failure: RefCell<Option<Error>>,
}

/// A block of stored matrices.
struct Block {
    first: usize,
    count: usize,
    values: Option<wgpu::Buffer>,
}

impl<'d, 'a, T: Real> Measured<'d, Dense<'a, T>> {
    /// Uploads `values`, as [`Dense::new`] takes them, in blocks that a binding can hold.
    ///
    /// # Errors
    /// What [`Dense::new`] refuses; what the device cannot hold; [`Error::Range`] beyond `f32`.
    pub fn dense(device: &'d Device, values: &'a [T], rows: usize, columns: usize) -> Result<Self, Error> {
        let inner = Dense::new(values, rows, columns)?;
        let entries = rows * columns;
        let count = values.len() / entries;
        device.check_binding("a measurement matrix", entries)?;
        let most = (device.binding_len() / entries).clamp(1, count.max(1));
        let mut blocks = Vec::new();
        for first in (0..count).step_by(most) {
            let count = most.min(count - first);
            blocks.push(Block { first, count, values: Some(device.array("measurements", count * entries)?) });
        }
        for block in &blocks {
            let range = block.first * entries..(block.first + block.count) * entries;
            let narrow = values[range].iter().map(|&value| narrowed("values", value));
            let narrow = narrow.collect::<Result<Vec<f32>, Error>>()?;
            if let Some(buffer) = &block.values {
                device.upload(buffer, 0, &narrow)?;
            }
        }
        Self::new(device, inner, ["stored_products", "stored_sums"], 0, (count, entries), &blocks)
    }
}

impl<'d> Measured<'d, Seeded> {
    /// Matrices that the device draws, as [`Seeded::new`] describes them; nothing is uploaded.
    ///
    /// # Errors
    /// What [`Seeded::new`] refuses; [`Error::LimitTooSmall`] where 32 bits cannot count the matrices or entries.
    pub fn seeded(
        device: &'d Device,
        draw: Draw,
        key: u64,
        count: usize,
        rows: usize,
        columns: usize,
    ) -> Result<Self, Error> {
        let inner = Seeded::new(draw, key, count, rows, columns)?;
        let entries = rows * columns;
        for (what, size) in [("measurements", count), ("a measurement matrix", entries)] {
            if size as u64 >= 1 << 31 {
                return Err(Error::LimitTooSmall { what, need: size as u64, have: (1 << 31) - 1 });
            }
        }
        let names = match draw {
            Draw::Signs => ["sign_products", "sign_sums"],
            Draw::Normal => ["normal_products", "normal_sums"],
        };
        let blocks = [Block { first: 0, count, values: None }];
        Self::new(device, inner, names, key, (count, entries), &blocks)
    }
}

impl<'d, O> Measured<'d, O> {
    fn new(
        device: &'d Device,
        inner: O,
        [product, sum]: [&'static str; 2],
        key: u64,
        (count, entries): (usize, usize),
        blocks: &[Block],
    ) -> Result<Self, Error> {
        let largest = blocks.iter().map(|block| block.count).max().unwrap_or(0);
        let fitting = (FILLING / entries).clamp(1, PARTS).min(device.binding_len() / entries);
        let parts = fitting.min(largest.div_ceil(32)).max(1);
        let (w, products) = (device.array("X", entries)?, device.array("products", count)?);
        let (weights, sums) = (device.array("weights", count)?, device.array("sums", parts * entries)?);
        let (mut multiply, mut add) = (Vec::new(), Vec::new());
        for block in blocks {
            let part_len = block.count.div_ceil(parts).max(1);
            let [count, entries_word, first, part_len] =
                [block.count, entries, block.first, part_len].map(|word| word as u32);
            let follows = u32::from(block.first > 0);
            let words = [count, entries_word, first, part_len, key as u32, (key >> 32) as u32, follows, 0];
            let parameters = device.uniform(&words)?;
            let mut reading = vec![(0, &parameters)];
            reading.extend(block.values.as_ref().map(|values| (1, values)));
            let buffers = [&reading[..], &[(2, &w), (3, &products)]].concat();
            let shape = [workgroups(block.count, 1, usize::MAX), 1, 1];
            multiply.push(device.dispatch(MEASURE, product, &buffers, shape)?);
            let buffers = [&reading[..], &[(4, &weights), (5, &sums)]].concat();
            let shape = [workgroups(entries, 256, usize::MAX), parts as u32, 1];
            add.push(device.dispatch(MEASURE, sum, &buffers, shape)?);
        }
        let failure = RefCell::new(None);
        Ok(Self { device, inner, count, entries, parts, w, products, weights, sums, multiply, add, failure })
    }

    /// The operator that the CPU would use.
    #[must_use]
    pub fn inner(&self) -> &O {
        &self.inner
    }

    /// Why the CPU took over, if it did.
    #[must_use]
    pub fn failure(&self) -> Option<Error> {
        self.failure.borrow().clone()
    }

    /// What an operation gave; its failure is kept, and ends the use of the device.
    fn note<V>(&self, result: Result<V, Error>) -> Option<V> {
        result.map_err(|error| *self.failure.borrow_mut() = Some(error)).ok()
    }

    /// Sends numbers of any size, divided by a power of two that it returns.
    fn send<T: Real>(&self, buffer: &wgpu::Buffer, values: &[T]) -> Result<i32, Error> {
        let largest = values.iter().fold(0.0_f64, |largest, value| largest.max(value.to_f64().abs()));
        let sound = largest > 0.0 && largest.is_finite();
        let exponent = if sound { libm::ilogb(largest) } else { 0 };
        let narrow = values.iter().map(|value| libm::scalbn(value.to_f64(), -exponent) as f32);
        self.device.write(buffer, 0, narrow.map(f32::to_ne_bytes))?;
        Ok(exponent)
    }

    /// ⟨A_i, W⟩ for all i.
    fn products<T: Real>(&self, w: &[T]) -> Result<Vec<T>, Error> {
        let exponent = self.send(&self.w, w)?;
        self.device.run(&self.multiply)?;
        let products = self.device.download(&self.products, 0, self.count)?;
        Ok(products.into_iter().map(|s| T::from_f64(libm::scalbn(s.into(), exponent))).collect())
    }

    /// q ← Σ w_i A_i
    fn sums<T: Real>(&self, weights: &[T], q: &mut [T]) -> Result<(), Error> {
        let exponent = self.send(&self.weights, weights)?;
        self.device.run(&self.add)?;
        let parts = self.device.download(&self.sums, 0, self.parts * self.entries)?;
        for (k, q) in q.iter_mut().enumerate() {
            // In the order of the parts.
            let sum: f64 = parts.iter().skip(k).step_by(self.entries).map(|&part| f64::from(part)).sum();
            *q = T::from_f64(libm::scalbn(sum, exponent));
        }
        Ok(())
    }
}

impl<T: Real, O: Operator<T>> Operator<T> for Measured<'_, O> {
    fn count(&self) -> usize {
        self.inner.count()
    }
    fn dimensions(&self) -> (usize, usize) {
        self.inner.dimensions()
    }
    fn scratch_len(&self, shape: Shape) -> usize {
        self.inner.scratch_len(shape)
    }
    fn open(&self, x: Factors<'_, T>, scratch: &mut [T], gradient: &mut Gradient<'_, T>) {
        self.inner.open(x, scratch, gradient);
    }
    fn apply_row(&self, i: usize, x: Factors<'_, T>, scratch: &mut [T]) -> T {
        self.inner.apply_row(i, x, scratch)
    }
    fn accumulate(&self, i: usize, w: T, x: Factors<'_, T>, scratch: &mut [T], g: &mut Gradient<'_, T>) {
        self.inner.accumulate(i, w, x, scratch, g);
    }
    fn close(&self, scale: T, x: Factors<'_, T>, scratch: &mut [T], gradient: &mut Gradient<'_, T>) {
        self.inner.close(scale, x, scratch, gradient);
    }
    fn formed<'s>(&self, shape: Shape, scratch: &'s [T]) -> Option<&'s [T]> {
        self.inner.formed(shape, scratch)
    }
    fn start_weights(&self) -> Weights<T> {
        self.inner.start_weights()
    }

    fn pass(
        &self,
        scale: T,
        x: Factors<'_, T>,
        scratch: &mut [T],
        gradient: &mut Gradient<'_, T>,
        mut weigh: impl FnMut(usize, T) -> T,
    ) {
        if self.failure.borrow().is_some() {
            return self.inner.pass(scale, x, scratch, gradient, weigh);
        }
        self.inner.open(x, scratch, gradient);
        // Both operators keep W and then Q at the end of their scratch.
        let rest = scratch.len().saturating_sub(2 * self.entries);
        let (w, q) = scratch[rest..].split_at_mut(self.entries);
        let Some(products) = self.note(self.products(w)) else {
            return self.inner.pass(scale, x, scratch, gradient, weigh);
        };
        let weights: Vec<T> = products.into_iter().enumerate().map(|(i, s)| weigh(i, s)).collect();
        if self.note(self.sums(&weights, q)).is_none() {
            self.inner.open(x, scratch, gradient);
            for (i, &w) in weights.iter().enumerate() {
                // A row is there to be added once it has been applied.
                let _ = self.inner.apply_row(i, x, scratch);
                self.inner.accumulate(i, w, x, scratch, gradient);
            }
        }
        self.inner.close(scale, x, scratch, gradient);
    }
}
