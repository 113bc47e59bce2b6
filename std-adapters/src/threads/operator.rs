//! Measurements that are taken by several threads.

use southwell::Real;
use southwell::subgradient::matrix::operator::{Misfit, Operator};
use southwell::subgradient::matrix::{Factors, Gradient, Shape, Weights};
use southwell_simd::vector;

use super::Threaded;

/// Parts that the measurements are cut into, at most, and the fewest of a part. Both are the same whatever the number of
/// threads, so that the sums are.
const PARTS: usize = 16;
const LEAST: usize = 32;

/// Each part of the measurements adds up a gradient of its own (and a matrix Q, where the operator forms one); the parts'
/// are added in order. Results do not depend on the number of threads, but they are sums in another order than the
/// serial ones, and agree with those to rounding. The passes that look for a start are left to the calling thread.
///
/// *Memory*: what the operator needs, for each of up to 16 parts.
impl<T: Real, O: Operator<T> + Sync> Operator<T> for Threaded<'_, O> {
    fn count(&self) -> usize {
        self.inner.count()
    }
    fn dimensions(&self) -> (usize, usize) {
        self.inner.dimensions()
    }
    fn start_weights(&self) -> Weights<T> {
        self.inner.start_weights()
    }
    fn scratch_len(&self, shape: Shape) -> usize {
        if self.pool.is_none() {
            return self.inner.scratch_len(shape);
        }
        let layout = Layout::new(self, shape);
        layout.formed.saturating_add(layout.parts.saturating_mul(layout.each()))
    }

    fn open(&self, x: Factors<'_, T>, scratch: &mut [T], gradient: &mut Gradient<'_, T>) {
        if self.pool.is_none() {
            return self.inner.open(x, scratch, gradient);
        }
        self.inner.open(x, Layout::new(self, x.shape).first(scratch).1, gradient);
    }
    fn apply_row(&self, i: usize, x: Factors<'_, T>, scratch: &mut [T]) -> T {
        if self.pool.is_none() {
            return self.inner.apply_row(i, x, scratch);
        }
        self.inner.apply_row(i, x, Layout::new(self, x.shape).first(scratch).1)
    }
    fn accumulate(&self, i: usize, w: T, x: Factors<'_, T>, scratch: &mut [T], g: &mut Gradient<'_, T>) {
        if self.pool.is_none() {
            return self.inner.accumulate(i, w, x, scratch, g);
        }
        self.inner.accumulate(i, w, x, Layout::new(self, x.shape).first(scratch).1, g);
    }
    fn close(&self, scale: T, x: Factors<'_, T>, scratch: &mut [T], gradient: &mut Gradient<'_, T>) {
        if self.pool.is_none() {
            return self.inner.close(scale, x, scratch, gradient);
        }
        let (formed, part) = Layout::new(self, x.shape).first(scratch);
        self.inner.close(scale, x, part, gradient);
        if let Some(q) = self.inner.formed(x.shape, part) {
            formed.iter_mut().zip(q).for_each(|(to, &q)| *to = q);
        }
    }
    fn formed<'s>(&self, shape: Shape, scratch: &'s [T]) -> Option<&'s [T]> {
        if self.pool.is_none() {
            return self.inner.formed(shape, scratch);
        }
        let layout = Layout::new(self, shape);
        let first = scratch.get(layout.formed..layout.formed + layout.scratch)?;
        self.inner.formed(shape, first).and(scratch.get(..layout.formed))
    }

    fn pass(
        &self,
        scale: T,
        x: Factors<'_, T>,
        scratch: &mut [T],
        gradient: &mut Gradient<'_, T>,
        weigh: impl FnMut(usize, T) -> T,
    ) {
        if self.pool.is_none() {
            return self.inner.pass(scale, x, scratch, gradient, weigh);
        }
        let (formed, part) = Layout::new(self, x.shape).first(scratch);
        self.inner.pass(scale, x, part, gradient, weigh);
        if let Some(q) = self.inner.formed(x.shape, part) {
            formed.iter_mut().zip(q).for_each(|(to, &q)| *to = q);
        }
    }

    fn misfit(
        &self,
        scale: T,
        x: Factors<'_, T>,
        y: &[T],
        scratch: &mut [T],
        gradient: &mut Gradient<'_, T>,
    ) -> (T, [u32; 2]) {
        if self.pool.is_none() {
            return self.inner.misfit(scale, x, y, scratch, gradient);
        }
        let layout = Layout::new(self, x.shape);
        let (formed, rest) = scratch.split_at_mut(layout.formed);
        let count = self.inner.count();
        let mut found = vec![(T::ZERO, [0; 2]); layout.parts];
        self.pool.each(
            rest.chunks_mut(layout.each()).zip(&mut found).enumerate(),
            |(part, (memory, found))| {
                let (scratch, gradient) = memory.split_at_mut(layout.scratch);
                let mut gradient = x.shape.gradient(gradient);
                let mut misfit = Misfit::default();
                self.inner.open(x, scratch, &mut gradient);
                let own = part * count / layout.parts..(part + 1) * count / layout.parts;
                for (i, &y) in own.clone().zip(&y[own]) {
                    let s = self.inner.apply_row(i, x, scratch);
                    let sign = misfit.take(i, s - y);
                    self.inner.accumulate(i, sign, x, scratch, &mut gradient);
                }
                self.inner.close(scale, x, scratch, &mut gradient);
                *found = (misfit.sum(), misfit.counts);
            },
        );
        formed.fill(T::ZERO);
        let sum = gradient.values();
        sum.fill(T::ZERO);
        for memory in rest.chunks(layout.each()) {
            let (scratch, gradient) = memory.split_at(layout.scratch);
            vector::axpy(T::ONE, gradient, sum);
            if let Some(q) = self.inner.formed(x.shape, scratch) {
                vector::axpy(T::ONE, q, formed);
            }
        }
        found.into_iter().fold((T::ZERO, [0; 2]), |(sum, [above, below]), (size, [more, less])| {
            (sum + size, [above + more, below + less])
        })
    }
}

/// How the scratch is laid out: the matrix Q of all parts, if one may be formed; then for each part what the operator
/// needs, and a gradient.
#[derive(Clone, Copy)]
struct Layout {
    formed: usize,
    parts: usize,
    scratch: usize,
    gradient: usize,
}

impl Layout {
    fn new<T: Real, O: Operator<T>>(threaded: &Threaded<'_, O>, shape: Shape) -> Self {
        let scratch = threaded.inner.scratch_len(shape);
        Self {
            // Who has less memory than that forms none.
            formed: if scratch >= shape.entries() { shape.entries() } else { 0 },
            parts: (threaded.inner.count() / LEAST).clamp(1, PARTS),
            scratch,
            gradient: shape.unknowns(),
        }
    }

    /// Elements of a part.
    fn each(&self) -> usize {
        self.scratch.saturating_add(self.gradient)
    }

    /// Q, and what the operator needs, of the first part.
    fn first<'s, T>(&self, scratch: &'s mut [T]) -> (&'s mut [T], &'s mut [T]) {
        let (formed, rest) = scratch.split_at_mut(self.formed);
        (formed, &mut rest[..self.scratch])
    }
}
