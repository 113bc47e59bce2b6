//! Largest elements, and elements that are no numbers.

use pulp::Simd;

use crate::dispatch::{few, pass};
use crate::elementary::maximum;
use crate::map::{cut, pieces, total};
use crate::{LANES, Lanes, Real};

/// Elements of which only the largest is looked at, until one is large enough to look for its place;
/// they stay in the first cache meanwhile.
const BLOCK: usize = 128 * LANES;

/// Elements that are passed over together if none is large enough for the list of the k largest.
const SCAN: usize = 16 * LANES;

/// Elements among which a plain loop looks for a known value.
const FEW: usize = 4 * LANES;

/// Elements of which a plain loop finds the largest as fast as registers and a search for the place do.
const PLAIN: usize = 8 * LANES;

/// The larger of two; b where a is NaN, a where b is.
#[inline(always)]
fn larger<T: Real, S: Simd>(simd: S, a: T::Vector<S>, b: T::Vector<S>) -> T::Vector<S> {
    T::vselect(simd, T::vless(simd, a, b), b, a)
}

/// The largest |x|·w of a block that is not NaN; −1 if there is none. Rounds nothing but the products.
#[inline(always)]
fn block_largest<T: Real, S: Simd>(simd: S, x: &[T], w: &[T]) -> T {
    let n = x.len().min(w.len());
    let (x, x_tail) = cut(x, n).as_chunks::<LANES>();
    let (w, w_tail) = cut(w, n).as_chunks::<LANES>();
    let mut lanes = [-T::ONE; LANES];
    for (x, w) in x.iter().zip(w) {
        let (best, _) = T::split_mut(simd, &mut lanes);
        let (x, _) = T::split(simd, x.as_slice());
        let (w, _) = T::split(simd, w.as_slice());
        for ((best, &x), &w) in best.iter_mut().zip(x).zip(w) {
            *best = larger::<T, S>(simd, *best, T::vmul(simd, T::vabs(simd, x), w));
        }
    }
    let mut best = maximum(&lanes);
    for (&x, &w) in x_tail.iter().zip(w_tail) {
        let score = x.abs() * w;
        best = if best < score { score } else { best };
    }
    best
}

/// The largest |xᵢ|·wᵢ and its index, the lowest one if several are equal; weights are not
/// negative. A product that is NaN is passed over; `None` if nothing is left. With weights 1 or
/// 1/√Lᵢ these are the Gauss-Southwell and the Gauss-Southwell-Lipschitz rule (Nutini et al. 2015).
/// Cost: 2 r, 3 operations.
#[inline]
pub fn largest<T: Real>(x: &[T], w: &[T]) -> Option<(usize, T)> {
    // Neither goes through the wide way, which saves registers. Apart, the loop takes 20 ns for 64 elements;
    // where it is inlined 24, but then there is no call, which 8 elements feel.
    match x.len() {
        n if cfg!(feature = "std") && n <= 2 * LANES => one_by_one(x, w),
        n if cfg!(feature = "std") && n <= PLAIN => apart(x, w),
        _ => wide::largest(x, w),
    }
}

#[inline(never)]
fn apart<T: Real>(x: &[T], w: &[T]) -> Option<(usize, T)> {
    one_by_one(x, w)
}

#[allow(unreachable_pub)] // The macro writes `pub`.
mod wide {
    use super::{largest_kernel, pass};
    pass! {
        pub fn largest<'a, T>(x: &'a [T], w: &'a [T]) -> Option<(usize, T)> = largest_kernel
    }
}

#[inline(always)]
fn largest_kernel<T: Real, S: Simd>(simd: S, x: &[T], w: &[T]) -> Option<(usize, T)> {
    let n = x.len().min(w.len());
    let (x, w) = (cut(x, n), cut(w, n));
    if n <= PLAIN {
        return one_by_one(x, w);
    }
    let (mut best, mut place) = (-T::ONE, None);
    for (number, (x, w)) in pieces::<BLOCK, _>(x).zip(pieces::<BLOCK, _>(w)).enumerate() {
        let of_block = block_largest(simd, x, w);
        if best < of_block {
            (best, place) = (of_block, Some((number * BLOCK, x, w)));
        }
    }
    let (mut start, x, w) = place?;
    for (x, w) in pieces::<FEW, _>(x).zip(pieces::<FEW, _>(w)) {
        if block_largest(simd, x, w) == best {
            // Comparing with what is known, an element does not wait for the one before.
            let mut scores = x.iter().zip(w).map(|(x, &w)| x.abs() * w).enumerate();
            return scores.find(|&(_, score)| score == best).map(|(within, score)| (start + within, score));
        }
        start += FEW;
    }
    None
}

/// The first of the largest products, by a plain loop.
#[inline(always)]
fn one_by_one<T: Real>(x: &[T], w: &[T]) -> Option<(usize, T)> {
    let (mut best, mut place) = (-T::ONE, None);
    for (i, (x, &w)) in x.iter().zip(w).enumerate() {
        let score = x.abs() * w;
        if best < score {
            (best, place) = (score, Some(i));
        }
    }
    Some((place?, best))
}

pass! {
    /// ‖x‖_∞ = max |xᵢ|; 0 if there is none. A NaN is passed over. Cost: 1 r, 2 operations.
    short(few(x)) pub fn max_abs<'a, T>(x: &'a [T]) -> T = max_abs_kernel
}

#[inline(always)]
fn max_abs_kernel<T: Real, S: Simd>(simd: S, x: &[T]) -> T {
    let (x, tail) = x.as_chunks::<LANES>();
    let mut lanes = [T::ZERO; LANES];
    for x in x {
        let (best, _) = T::split_mut(simd, &mut lanes);
        let (x, _) = T::split(simd, x.as_slice());
        for (best, &x) in best.iter_mut().zip(x) {
            *best = larger::<T, S>(simd, *best, T::vabs(simd, x));
        }
    }
    let of_lanes = if x.is_empty() { T::ZERO } else { maximum(&lanes) };
    tail.iter().fold(of_lanes, |best, x| if best < x.abs() { x.abs() } else { best })
}

pass! {
    /// The `indices.len()` largest |xᵢ|·wᵢ with their indices, the largest first and the lower index
    /// first among equals; returns how many there are (fewer if x is shorter or products are NaN).
    /// Weights are not negative. Cost: 2 r, 3 operations; an element that enters the list of k costs
    /// O(log k), and the list is put in order at the end, O(k log k).
    ///
    /// The first `indices.len().min(values.len())` places of both are written; those beyond the number
    /// returned hold no meaning.
    pub fn k_largest<'a, T>(x: &'a [T], w: &'a [T], indices: &'a mut [u32], values: &'a mut [T]) -> usize =
        k_largest_kernel
}

#[inline(always)]
fn k_largest_kernel<T: Real, S: Simd>(
    simd: S,
    x: &[T],
    w: &[T],
    indices: &mut [u32],
    values: &mut [T],
) -> usize {
    let n = x.len().min(w.len());
    let k = indices.len().min(values.len());
    let mut heap = Heap { indices, values, len: 0 };
    if k == 0 {
        return 0;
    }
    let (x, w) = (cut(x, n), cut(w, n));
    for (number, (x, w)) in pieces::<SCAN, _>(x).zip(pieces::<SCAN, _>(w)).enumerate() {
        // A full list takes only what is larger than its least: an equal one has a higher index.
        if heap.len == k && block_largest(simd, x, w) <= heap.least() {
            continue;
        }
        for (i, (&x, &w)) in x.iter().zip(w).enumerate() {
            let score = x.abs() * w;
            let index = u32::try_from(number * SCAN + i).unwrap_or(u32::MAX);
            if heap.len < k {
                if score.partial_cmp(&score).is_some() {
                    heap.push(index, score);
                }
            } else if heap.least() < score {
                heap.replace_least(index, score);
            }
        }
    }
    let found = heap.len;
    heap.sort();
    found
}

/// A binary heap with the least pair on top, over two slices; less means a smaller value, or the
/// same with a higher index.
struct Heap<'a, T> {
    indices: &'a mut [u32],
    values: &'a mut [T],
    len: usize,
}

impl<T: Real> Heap<'_, T> {
    fn least(&self) -> T {
        self.values.first().copied().unwrap_or(T::ZERO)
    }

    fn at(&self, place: usize) -> (T, u32) {
        let value = self.values.get(place).copied().unwrap_or(T::ZERO);
        (value, self.indices.get(place).copied().unwrap_or(0))
    }

    fn put(&mut self, place: usize, (value, index): (T, u32)) {
        if let (Some(v), Some(i)) = (self.values.get_mut(place), self.indices.get_mut(place)) {
            (*v, *i) = (value, index);
        }
    }

    fn less(a: (T, u32), b: (T, u32)) -> bool {
        a.0 < b.0 || (a.0 == b.0 && a.1 > b.1)
    }

    fn push(&mut self, index: u32, value: T) {
        let new = (value, index);
        let mut place = self.len;
        self.len += 1;
        while place > 0 {
            let parent = (place - 1) / 2;
            let above = self.at(parent);
            if !Self::less(new, above) {
                break;
            }
            self.put(place, above);
            place = parent;
        }
        self.put(place, new);
    }

    fn replace_least(&mut self, index: u32, value: T) {
        self.sink((value, index), self.len);
    }

    /// Lets a pair sink from the top of the first `len`.
    fn sink(&mut self, new: (T, u32), len: usize) {
        let mut place = 0;
        loop {
            let left = 2 * place + 1;
            if left >= len {
                break;
            }
            let right = left + 1;
            let child = if right < len && Self::less(self.at(right), self.at(left)) { right } else { left };
            let below = self.at(child);
            if !Self::less(below, new) {
                break;
            }
            self.put(place, below);
            place = child;
        }
        self.put(place, new);
    }

    /// The largest first: the least goes to the end, again and again.
    fn sort(&mut self) {
        for last in (1..self.len).rev() {
            let (least, moved) = (self.at(0), self.at(last));
            self.put(last, least);
            self.sink(moved, last);
        }
    }
}

pass! {
    /// The position of the first NaN or infinity. Cost: 1 r, 2 operations; twice that if there is one.
    short(few(x)) pub fn first_not_finite<'a, T>(x: &'a [T]) -> Option<usize> = first_not_finite_kernel
}

#[inline(always)]
fn first_not_finite_kernel<T: Real, S: Simd>(simd: S, x: &[T]) -> Option<usize> {
    let place = || x.iter().position(|x| !x.is_finite());
    // Without vectors one look is as quick as a difference, and small.
    if cfg!(target_os = "none") && S::IS_SCALAR {
        return place();
    }
    // x − x is NaN for these two, and 0 for every number. The place is looked for only if there is one.
    let mut lanes = Lanes::default();
    total!(simd, lanes, x; {} T::vsub(simd, x, x));
    if lanes.sum() == T::ZERO { None } else { place() }
}
