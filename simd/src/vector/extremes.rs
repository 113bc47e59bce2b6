//! Largest elements, and elements that are no numbers.

use pulp::Simd;

use crate::dispatch::{few, pass};
use crate::elementary::maximum;
use crate::map::{cut, cut_mut, pieces, total};
use crate::paths::{self, is_bare};
use crate::vectors::lanes;
use crate::{LANES, Lanes, Real};

/// Elements of which only the largest is looked at, until one is large enough to look for its place;
/// they stay in the first cache meanwhile.
const BLOCK: usize = 128 * LANES;

/// Elements that are passed over together if none is large enough for a long list of the k largest.
const SCAN: usize = 16 * LANES;

/// |x|·w, or |x|.
#[inline(always)]
fn score<T: Real, S: Simd, const WEIGHED: bool>(simd: S, x: T::Vector<S>, w: T::Vector<S>) -> T::Vector<S> {
    let x = T::vabs(simd, x);
    if WEIGHED { T::vmul(simd, x, w) } else { x }
}

/// Raises lanes to the scores of at most as many registers as hold them, where these are larger.
#[inline(always)]
fn raise<T: Real, S: Simd, const WEIGHED: bool>(
    simd: S,
    lanes: &mut [T; LANES],
    x: &[T::Vector<S>],
    w: &[T::Vector<S>],
) {
    for ((best, &x), &w) in T::split_mut(simd, lanes).0.iter_mut().zip(x).zip(w) {
        *best = T::vlarger(simd, *best, score::<T, S, WEIGHED>(simd, x, w));
    }
}

/// The largest |x|·w of a block that is not NaN; −1 if there is none. Rounds nothing but the products.
#[inline(always)]
pub(super) fn block_largest<T: Real, S: Simd, const WEIGHED: bool>(simd: S, x: &[T], w: &[T]) -> T {
    // As many comparisons side by side as half of the registers hold.
    if paths::compare_one(x) {
        abreast::<T, S, 1, WEIGHED>(simd, x, w)
    } else if paths::compare_four::<T, S>() {
        abreast::<T, S, 4, WEIGHED>(simd, x, w)
    } else {
        abreast::<T, S, 2, WEIGHED>(simd, x, w)
    }
}

/// The same with the comparisons of `N` blocks of lanes side by side.
#[inline(always)]
fn abreast<T: Real, S: Simd, const N: usize, const WEIGHED: bool>(simd: S, x: &[T], w: &[T]) -> T {
    let n = x.len().min(w.len());
    let (x, x_tail) = cut(x, n).as_chunks::<LANES>();
    let (w, w_tail) = cut(w, n).as_chunks::<LANES>();
    let mut lanes = [[-T::ONE; LANES]; N];
    let (x, x_rest) = x.as_chunks::<N>();
    let (w, w_rest) = w.as_chunks::<N>();
    for (x, w) in x.iter().zip(w) {
        for ((lanes, x), w) in lanes.iter_mut().zip(x).zip(w) {
            raise::<T, S, WEIGHED>(simd, lanes, T::split(simd, x).0, T::split(simd, w).0);
        }
    }
    for ((lanes, x), w) in lanes.iter_mut().zip(x_rest).zip(w_rest) {
        raise::<T, S, WEIGHED>(simd, lanes, T::split(simd, x).0, T::split(simd, w).0);
    }
    let mut all = [-T::ONE; LANES];
    for lanes in &lanes {
        for (best, &other) in T::split_mut(simd, &mut all).0.iter_mut().zip(T::split(simd, lanes).0) {
            *best = T::vlarger(simd, *best, other);
        }
    }
    let ((x, x_tail), (w, w_tail)) = (T::split(simd, x_tail), T::split(simd, w_tail));
    raise::<T, S, WEIGHED>(simd, &mut all, x, w);
    let mut best = maximum(&all);
    for (&x, &w) in x_tail.iter().zip(w_tail) {
        let score = if WEIGHED { x.abs() * w } else { x.abs() };
        best = if best < score { score } else { best };
    }
    best
}

/// Whether a score of a block is above `bound`, or (`REACHED`) no less.
#[inline(always)]
fn any<T: Real, S: Simd, const REACHED: bool>(simd: S, bound: T, x: &[T; LANES], w: &[T; LANES]) -> bool {
    let bound = T::splat(simd, bound);
    let mut found = T::vless(simd, bound, bound);
    for (&x, &w) in T::split(simd, x).0.iter().zip(T::split(simd, w).0) {
        let score = score::<T, S, true>(simd, x, w);
        let larger = if REACHED { T::vless_equal(simd, bound, score) } else { T::vless(simd, bound, score) };
        found = T::vor(simd, found, larger);
    }
    T::vany::<S>(found)
}

/// The first place of a block with a score that is no less than `best`, the largest of them.
#[inline(always)]
fn place_of<T: Real, S: Simd>(simd: S, best: T, x: &[T], w: &[T]) -> Option<usize> {
    let (blocks, w_blocks) = (x.as_chunks::<LANES>().0, w.as_chunks::<LANES>().0);
    let mut start = 0;
    for (x, w) in blocks.iter().zip(w_blocks) {
        if any::<T, S, true>(simd, best, x, w) {
            break;
        }
        start += LANES;
    }
    // Comparing with what is known, an element does not wait for the one before.
    let within = x.get(start..)?.iter().zip(w.get(start..)?).position(|(x, &w)| best <= x.abs() * w)?;
    Some(start + within)
}

/// The largest |xᵢ|·wᵢ and its index, the lowest one if several are equal; weights are not
/// negative. A product that is NaN is passed over; `None` if nothing is left. With weights 1 or
/// 1/√Lᵢ these are the Gauss-Southwell and the Gauss-Southwell-Lipschitz rule (Nutini et al. 2015).
/// Cost: 2 r, 3 operations.
#[inline]
pub fn largest<T: Real>(x: &[T], w: &[T]) -> Option<(usize, T)> {
    if paths::search_one_by_one(x) { by_eights(x, w) } else { by_registers(x, w) }
}

/// Apart, because it saves registers that a plain loop does not need.
#[cfg_attr(feature = "std", inline(never))]
#[cfg_attr(not(feature = "std"), inline(always))]
fn by_registers<T: Real>(x: &[T], w: &[T]) -> Option<(usize, T)> {
    let place = place_of_largest(x, w);
    Some((place, x.get(place)?.abs() * *w.get(place)?))
}

pass! {
    fn place_of_largest<'a, T>(x: &'a [T], w: &'a [T]) -> usize = largest_kernel
}

/// The place of the largest product; one that does not exist if there is none.
#[inline(always)]
fn largest_kernel<T: Real, S: Simd>(simd: S, x: &[T], w: &[T]) -> usize {
    let n = x.len().min(w.len());
    let (x, w) = (cut(x, n), cut(w, n));
    if is_bare::<S>() {
        return one_by_one(x, w).map_or(usize::MAX, |(place, _)| place);
    }
    let (mut best, mut place) = (-T::ONE, None);
    for (number, (x, w)) in pieces::<BLOCK, _>(x).zip(pieces::<BLOCK, _>(w)).enumerate() {
        let of_block = block_largest::<T, S, true>(simd, x, w);
        if best < of_block {
            (best, place) = (of_block, Some((number * BLOCK, x, w)));
        }
    }
    let Some((start, x, w)) = place else { return usize::MAX };
    place_of(simd, best, x, w).map_or(usize::MAX, |within| start + within)
}

/// The first lane that is no less than `bound`; beyond them if there is none.
#[inline(always)]
pub(super) fn first_of<T: Real, S: Simd>(simd: S, bound: T, of: &[T; LANES]) -> usize {
    let (bound, mut bits) = (T::splat(simd, bound), 0);
    for (k, &x) in T::split(simd, of).0.iter().enumerate() {
        bits |= T::vbits::<S>(T::vless_equal(simd, bound, x)) << (k * lanes::<T, S>());
    }
    bits.trailing_zeros() as usize
}

/// The first of the largest products by eights, each in three rounds, so that none waits for all before it.
#[inline(always)]
fn by_eights<T: Real>(x: &[T], w: &[T]) -> Option<(usize, T)> {
    let n = x.len().min(w.len());
    let (xs, x_tail) = cut(x, n).as_chunks::<8>();
    let (ws, w_tail) = cut(w, n).as_chunks::<8>();
    let (mut best, mut place, mut start) = (-T::ONE, usize::MAX, 0);
    for (x, w) in xs.iter().zip(ws) {
        let mut scores = *x;
        for (score, &w) in scores.iter_mut().zip(w) {
            let product = score.abs() * w;
            *score = if -T::ONE < product { product } else { -T::ONE };
        }
        let [a, b, c, d, e, f, g, h] = scores;
        let first = |a: (T, usize), b: (T, usize)| if a.0 < b.0 { b } else { a };
        let left = first(first((a, 0), (b, 1)), first((c, 2), (d, 3)));
        let right = first(first((e, 4), (f, 5)), first((g, 6), (h, 7)));
        let (largest, within) = first(left, right);
        if best < largest {
            (best, place) = (largest, start + within);
        }
        start += 8;
    }
    for (i, (x, &w)) in x_tail.iter().zip(w_tail).enumerate() {
        let score = x.abs() * w;
        if best < score {
            (best, place) = (score, start + i);
        }
    }
    if place == usize::MAX { None } else { Some((place, best)) }
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
    place.map(|place| (place, best))
}

pass! {
    /// ‖x‖_∞ = max |xᵢ|; 0 if there is none. A NaN is passed over. Cost: 1 r, 2 operations.
    short(few(x)) pub fn max_abs<'a, T>(x: &'a [T]) -> T = max_abs_kernel
}

#[inline(always)]
fn max_abs_kernel<T: Real, S: Simd>(simd: S, x: &[T]) -> T {
    let larger = |best: T, x: T| if best < x { x } else { best };
    if paths::fold_one_by_one::<T, S>(x) {
        return x.iter().fold(T::ZERO, |best, x| larger(best, x.abs()));
    }
    larger(T::ZERO, block_largest::<T, S, false>(simd, x, x))
}

/// The `indices.len()` largest |xᵢ|·wᵢ with their indices, the largest first and the lower index
/// first among equals; returns how many there are (fewer if x is shorter or products are NaN).
/// Weights are not negative. Cost: 2 r, 3 operations; an element that enters the list of k costs
/// O(log k), and the list is put in order at the end, O(k log k).
///
/// The first `indices.len().min(values.len())` places of both are written; those beyond the number
/// returned hold no meaning.
#[inline]
pub fn k_largest<T: Real>(x: &[T], w: &[T], indices: &mut [u32], values: &mut [T]) -> usize {
    if paths::offers_all(x, indices.len().min(values.len())) {
        return largest_in_order(x, w, indices, values);
    }
    largest_of_many(x, w, indices, values)
}

/// Apart, because it saves registers.
#[cfg_attr(feature = "std", inline(never))]
#[cfg_attr(not(feature = "std"), inline(always))]
fn largest_of_many<T: Real>(x: &[T], w: &[T], indices: &mut [u32], values: &mut [T]) -> usize {
    some_largest(x, w, indices, values)
}

pass! {
    short(x.len() <= 16 * LANES) fn some_largest<'a, T>(x: &'a [T], w: &'a [T], indices: &'a mut [u32], values: &'a mut [T]) -> usize =
        k_largest_kernel
}

/// Where all are offered to a list one by one. Apart, where nothing else takes registers.
#[inline(never)]
fn largest_in_order<T: Real>(x: &[T], w: &[T], indices: &mut [u32], values: &mut [T]) -> usize {
    let k = indices.len().min(values.len());
    let mut list = List { indices: cut_mut(indices, k), values: cut_mut(values, k), len: 0 };
    list.enter_all(0, x, w);
    list.len
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
    if paths::keep_in_order::<S>(k) {
        return sorted_largest(simd, x, w, heap.indices, heap.values);
    }
    for (number, (x, w)) in pieces::<SCAN, _>(x).zip(pieces::<SCAN, _>(w)).enumerate() {
        // A full list takes only what is larger than its least: an equal one has a higher index.
        let full = heap.len == k;
        if full && !is_bare::<S>() && block_largest::<T, S, true>(simd, x, w) <= heap.least() {
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

/// The same with a list in order: a plain loop to begin with, as long as most elements enter the list; then
/// whole registers are passed over.
#[inline(always)]
fn sorted_largest<T: Real, S: Simd>(
    simd: S,
    x: &[T],
    w: &[T],
    indices: &mut [u32],
    values: &mut [T],
) -> usize {
    let k = indices.len().min(values.len());
    let mut list = List { indices: cut_mut(indices, k), values: cut_mut(values, k), len: 0 };
    let plain = paths::offered_first(k).min(x.len());
    let (Some((first, x)), Some((first_w, w))) = (x.split_at_checked(plain), w.split_at_checked(plain))
    else {
        return 0;
    };
    list.enter_all(0, first, first_w);
    let ((x, x_tail), (w, w_tail)) = (x.as_chunks::<LANES>(), w.as_chunks::<LANES>());
    let mut start = plain;
    for (x, w) in x.iter().zip(w) {
        if list.len < k || any::<T, S, false>(simd, list.least(), x, w) {
            list.enter_all(start, x, w);
        }
        start += LANES;
    }
    list.enter_all(start, x_tail, w_tail);
    list.len
}

/// Pairs in order, the largest first, over two slices of one length.
struct List<'a, T> {
    indices: &'a mut [u32],
    values: &'a mut [T],
    len: usize,
}

impl<T: Real> List<'_, T> {
    #[inline(always)]
    fn least(&self) -> T {
        self.values.last().copied().unwrap_or(T::ZERO)
    }

    /// What enters is above this, or −∞ itself while there is room. A full list takes only what is larger than its least: an equal
    /// one has a higher index.
    #[inline(always)]
    fn bound(&self) -> T {
        if self.len == self.values.len() { self.least() } else { -T::INFINITY }
    }

    /// Offers elements whose first has index `start`.
    #[inline(always)]
    fn enter_all(&mut self, start: usize, x: &[T], w: &[T]) {
        let mut bound = self.bound();
        for (i, (&x, &w)) in x.iter().zip(w).enumerate() {
            let score = x.abs() * w;
            if bound < score || score == -T::INFINITY && self.len < self.values.len() {
                self.enter(u32::try_from(start + i).unwrap_or(u32::MAX), score);
                bound = self.bound();
            }
        }
    }

    #[inline(always)]
    fn enter(&mut self, index: u32, score: T) {
        let mut place = self.len.min(self.values.len().saturating_sub(1));
        self.len = (self.len + 1).min(self.values.len());
        while place > 0 {
            let (Some(&above), Some(&its)) = (self.values.get(place - 1), self.indices.get(place - 1)) else {
                break;
            };
            if above >= score {
                break;
            }
            self.put(place, its, above);
            place -= 1;
        }
        self.put(place, index, score);
    }

    #[inline(always)]
    fn put(&mut self, place: usize, index: u32, value: T) {
        if let (Some(v), Some(i)) = (self.values.get_mut(place), self.indices.get_mut(place)) {
            (*v, *i) = (value, index);
        }
    }
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
    if is_bare::<S>() {
        return place();
    }
    if few(x) {
        // No branch, so that the compiler makes registers of it.
        let odd = x.iter().fold(false, |odd, x| odd | !x.is_finite());
        return if odd { place() } else { None };
    }
    // x − x is NaN for these two, and 0 for every number. The place is looked for only if there is one.
    let mut lanes = Lanes::default();
    total!(simd, lanes, x; {} T::vsub(simd, x, x));
    if lanes.sum() == T::ZERO { None } else { place() }
}
