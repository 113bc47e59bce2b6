//! Rows of a robust fit that several threads read.

use southwell::Real;
use southwell::subgradient::fit::{Reader, Rows};
use southwell_simd::vector;

use super::Pool;

/// Parts that the rows are cut into, at most, and the fewest rows of a part. Both are the same whatever the number of
/// threads, so that the sums are.
const PARTS: usize = 16;
const LEAST: usize = 256;

/// Each part of the rows adds up a sub-gradient of its own, and its share of the value; the parts' are added in order.
/// Results do not depend on the number of threads, but they are sums in another order than the serial ones, and agree with
/// those to rounding: a vertex that is proven is the same one.
///
/// *Memory*: a sub-gradient for each of up to 16 parts.
impl<T: Real> Reader<T> for &Pool {
    fn read(&self, rows: &Rows<'_, T>, x: &[T], slopes: &mut [T], g: &mut [T]) -> T {
        let count = rows.count();
        let parts = (count / LEAST).clamp(1, PARTS);
        if self.is_none() || parts == 1 {
            return rows.read(x, slopes, g);
        }
        let each = count.div_ceil(parts);
        let mut found = vec![T::ZERO; parts * (1 + g.len())];
        let mut kept = slopes.chunks_mut(each);
        let jobs: Vec<_> =
            found.chunks_mut(1 + g.len()).map(|found| (found, kept.next().unwrap_or_default())).collect();
        self.each(jobs.into_iter().enumerate(), |(part, (found, slopes))| {
            if let Some((value, g)) = found.split_first_mut() {
                *value = rows.part(part * each, each).read(x, slopes, g);
            }
        });
        g.fill(T::ZERO);
        found.chunks(1 + g.len()).fold(T::ZERO, |sum, found| {
            vector::axpy(T::ONE, &found[1..], g);
            sum + found[0]
        })
    }
}
