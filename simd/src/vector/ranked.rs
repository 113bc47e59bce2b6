//! A step along a row of a matrix that keeps a gradient, and in the same pass the variable that is worth most afterwards.

use pulp::Simd;

use super::Kink;
use super::extremes::{block_largest, first_of};
use super::scores::Wide;
use crate::dispatch::{brief, fills_none, pass, too_few};
use crate::elementary::maximum;
use crate::map::value;
use crate::paths::{has_registers, have_a_lane, read_all_weights};
use crate::vectors::lanes;
use crate::{LANES, Real};

/// Elements of which only the largest score is kept, until it is known which block holds the best.
const BLOCK: usize = 64 * LANES;

/// What a variable with slope g is worth. w are weights, or curvatures l for the last two.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Rank<T> {
    /// |g|·w
    Slope,
    /// The same; behind the weights stand [the largest](largest_weights) of every [`WEIGHTS`] of them.
    SlopeInGroups,
    /// Of [`kink_violations`](super::kink_violations).
    Violation(Kink<T>),
    /// Of [`kink_lengths`](super::kink_lengths).
    Length(Kink<T>),
    /// Of [`kink_gains`](super::kink_gains).
    Gain(Kink<T>),
}

/// Weights of a group.
pub const WEIGHTS: usize = 8 * LANES;

impl<T> Rank<T> {
    /// Numbers that weights take for so many variables.
    #[must_use]
    pub const fn weights(&self, variables: usize) -> usize {
        match self {
            Rank::SlopeInGroups => variables.saturating_add(variables / WEIGHTS),
            _ => variables,
        }
    }
}

/// The largest of every [`WEIGHTS`] weights, of groups that are whole: what stands behind weights of
/// [`Rank::SlopeInGroups`].
pub fn largest_weights<T: Real>(w: &[T], largest: &mut [T]) {
    let larger = |most: T, &w: &T| if most < w { w } else { most };
    for (largest, w) in largest.iter_mut().zip(w.as_chunks::<WEIGHTS>().0) {
        *largest = w.iter().fold(T::ZERO, larger);
    }
}

/// g ← g + α·row, then the place of the largest score, the lowest of equal ones: the bits of [`axpy`](super::axpy)
/// followed by scores and a look for the largest, in one pass that stores no score. A score that is NaN or below −1 is passed
/// over; `None` if nothing is left, and then g is what it should be all the same. x is not looked at for slopes. All are as
/// long as g, weights as [`Rank::weights`] says; else nothing is done, and the answer is `None`. Cost: 3 r (4 with a
/// kink), 1 w, 5 operations and those of the score. [`Rank::SlopeInGroups`] reads the weights of a group only where its largest
/// slope times the largest weight is above the best score so far: 2 r and a share of a third, 1 w, 4 operations, the share
/// being about ln k of k groups; all of them where they are so few that they stay in the first cache.
#[inline]
pub fn axpy_ranked<T: Real>(
    rank: Rank<T>,
    alpha: T,
    row: &[T],
    g: &mut [T],
    x: &[T],
    w: &[T],
) -> Option<usize> {
    let n = g.len();
    let is_slope = matches!(rank, Rank::Slope | Rank::SlopeInGroups);
    if row.len() != n || w.len() != rank.weights(n) || !(is_slope || x.len() == n) {
        return None;
    }
    let place = match &rank {
        Rank::Slope => by_slope(alpha, row, g, w),
        Rank::SlopeInGroups if read_all_weights(g) => by_slope(alpha, row, g, w.get(..n)?),
        Rank::SlopeInGroups => by_slope_in_groups(alpha, row, g, w),
        Rank::Violation(kink) if have_a_lane(g) => few_by_violation(kink, alpha, row, g, x, w),
        Rank::Violation(kink) => by_violation(kink, alpha, row, g, x, w),
        Rank::Length(kink) if have_a_lane(g) => few_by_length(kink, alpha, row, g, x, w),
        Rank::Length(kink) => by_length(kink, alpha, row, g, x, w),
        Rank::Gain(kink) if have_a_lane(g) => few_by_gain(kink, alpha, row, g, x, w),
        Rank::Gain(kink) => by_gain(kink, alpha, row, g, x, w),
    };
    (place < n).then_some(place)
}

pass! {
    short(brief(g, LANES)) fn by_slope<'a, T>(alpha: T, row: &'a [T], g: &'a mut [T], w: &'a [T]) -> usize = slope_kernel
}
pass! {
    fn by_slope_in_groups<'a, T>(alpha: T, row: &'a [T], g: &'a mut [T], w: &'a [T]) -> usize = groups_kernel
}
pass! {
    short(too_few(g)) narrow(fills_none(g)) fn few_by_violation<'a, T>(kink: &'a Kink<T>, alpha: T, row: &'a [T], g: &'a mut [T], x: &'a [T], w: &'a [T]) -> usize =
        in_lanes::<T, _, VIOLATION>
}
pass! {
    fn by_violation<'a, T>(kink: &'a Kink<T>, alpha: T, row: &'a [T], g: &'a mut [T], x: &'a [T], w: &'a [T]) -> usize =
        kernel::<T, _, VIOLATION>
}
pass! {
    short(too_few(g)) narrow(fills_none(g)) fn few_by_length<'a, T>(kink: &'a Kink<T>, alpha: T, row: &'a [T], g: &'a mut [T], x: &'a [T], w: &'a [T]) -> usize =
        in_lanes::<T, _, LENGTH>
}
pass! {
    fn by_length<'a, T>(kink: &'a Kink<T>, alpha: T, row: &'a [T], g: &'a mut [T], x: &'a [T], w: &'a [T]) -> usize =
        kernel::<T, _, LENGTH>
}
pass! {
    short(too_few(g)) narrow(fills_none(g)) fn few_by_gain<'a, T>(kink: &'a Kink<T>, alpha: T, row: &'a [T], g: &'a mut [T], x: &'a [T], w: &'a [T]) -> usize =
        in_lanes::<T, _, GAIN>
}
pass! {
    fn by_gain<'a, T>(kink: &'a Kink<T>, alpha: T, row: &'a [T], g: &'a mut [T], x: &'a [T], w: &'a [T]) -> usize =
        kernel::<T, _, GAIN>
}

const SLOPE: u8 = 0;
const VIOLATION: u8 = 1;
const LENGTH: u8 = 2;
const GAIN: u8 = 3;

/// What slopes do not look at.
#[inline(always)]
fn no_kink<T: Real>() -> Kink<T> {
    Kink { l1: T::ZERO, l2: T::ZERO, linear: T::ZERO, lower: T::ZERO, upper: T::ZERO }
}

#[inline(always)]
fn slope_kernel<T: Real, S: Simd>(simd: S, alpha: T, row: &[T], g: &mut [T], w: &[T]) -> usize {
    kernel::<T, S, SLOPE>(simd, &no_kink(), alpha, row, g, w, w)
}

/// By slopes, where the largest weight of every group is known.
#[inline(always)]
fn groups_kernel<T: Real, S: Simd>(simd: S, alpha: T, row: &[T], g: &mut [T], w: &[T]) -> usize {
    let none = &no_kink();
    let Some((w, most)) = w.split_at_checked(g.len()) else { return usize::MAX };
    let (mut best, mut start, mut from) = (-T::ONE, 0, 0);
    {
        let (rows, row_tail) = row.as_chunks::<WEIGHTS>();
        let (gs, g_tail) = g.as_chunks_mut::<WEIGHTS>();
        let (ws, w_tail) = w.as_chunks::<WEIGHTS>();
        for (((row, g), w), &most) in rows.iter().zip(gs).zip(ws).zip(most) {
            if may_exceed(simd, &sizes(simd, alpha, row, g), most, best) {
                let of_group = block_largest::<T, S, true>(simd, g, w);
                if best < of_group {
                    (best, start) = (of_group, from);
                }
            }
            from += WEIGHTS;
        }
        let of_tail = update::<T, S, SLOPE>(simd, none, alpha, row_tail, g_tail, w_tail, w_tail);
        if best < of_tail {
            (best, start) = (of_tail, from);
        }
    }
    let (Some(g), Some(w)) = (g.get(start..), w.get(start..)) else { return usize::MAX };
    place_of::<T, S, SLOPE>(simd, none, best, g, w, w)
        .map_or(usize::MAX, |within| start.saturating_add(within))
}

/// Updates a group; the largest |g| of every lane.
#[inline(always)]
fn sizes<T: Real, S: Simd>(simd: S, alpha: T, row: &[T; WEIGHTS], g: &mut [T; WEIGHTS]) -> [T; LANES] {
    let (factor, mut lanes) = (T::splat(simd, alpha), [T::ZERO; LANES]);
    for (row, g) in row.as_chunks::<LANES>().0.iter().zip(g.as_chunks_mut::<LANES>().0) {
        let both = T::split_mut(simd, g).0.iter_mut().zip(T::split_mut(simd, &mut lanes).0);
        for ((g, largest), &row) in both.zip(T::split(simd, row).0) {
            *g = T::vadd(simd, *g, T::vmul(simd, factor, row));
            *largest = T::vlarger(simd, *largest, T::vabs(simd, *g));
        }
    }
    lanes
}

/// Whether a size times the largest weight is above the best score, or NaN, of 0 and ∞. A product rounds no higher than that of
/// larger factors, so that no score of the group is above the best if this is false.
#[inline(always)]
fn may_exceed<T: Real, S: Simd>(simd: S, sizes: &[T; LANES], most: T, best: T) -> bool {
    let (zero, mut largest) = (T::splat(simd, T::ZERO), T::splat(simd, T::ZERO));
    for &sizes in T::split(simd, sizes).0 {
        largest = T::vlarger(simd, largest, sizes);
    }
    let product = T::vmul(simd, largest, T::splat(simd, most));
    let within = T::vless_equal(simd, product, T::splat(simd, best));
    let beyond = T::vselect(simd, within, zero, T::splat(simd, T::ONE));
    T::vany::<S>(T::vless(simd, zero, beyond))
}

/// The score of a register.
#[inline(always)]
fn score<T: Real, S: Simd, const RANK: u8>(
    simd: S,
    wide: &Wide<T, S>,
    g: T::Vector<S>,
    x: T::Vector<S>,
    w: T::Vector<S>,
) -> T::Vector<S> {
    match RANK {
        VIOLATION => T::vmul(simd, wide.violation(simd, x, g), w),
        LENGTH => T::vmul(simd, T::vsqrt(simd, w), T::vabs(simd, wide.step(simd, x, g, w))),
        GAIN => wide.gain(simd, (x, wide.step(simd, x, g, w)), g, w),
        _ => T::vmul(simd, T::vabs(simd, g), w),
    }
}

/// The score of one number.
#[inline(always)]
fn score_of_one<T: Real, const RANK: u8>(kink: &Kink<T>, g: T, x: T, w: T) -> T {
    let scalar = pulp::Scalar::new();
    let splat = |value| T::splat(scalar, value);
    value::<T>(score::<T, _, RANK>(scalar, &Wide::new(scalar, kink), splat(g), splat(x), splat(w)))
}

#[inline(always)]
fn kernel<T: Real, S: Simd, const RANK: u8>(
    simd: S,
    kink: &Kink<T>,
    alpha: T,
    row: &[T],
    g: &mut [T],
    x: &[T],
    w: &[T],
) -> usize {
    if !has_registers::<S>() {
        return one_by_one::<T, RANK>(kink, alpha, row, g, x, w);
    }
    let (mut best, mut start, mut from) = (-T::ONE, 0, 0);
    while from < g.len() {
        let to = from.saturating_add(BLOCK).min(g.len());
        let (Some(row), Some(x), Some(w)) = (row.get(from..to), x.get(from..to), w.get(from..to)) else {
            break;
        };
        let Some(g) = g.get_mut(from..to) else { break };
        let of_block = update::<T, S, RANK>(simd, kink, alpha, row, g, x, w);
        if best < of_block {
            (best, start) = (of_block, from);
        }
        from = to;
    }
    let (Some(g), Some(x), Some(w)) = (g.get(start..), x.get(start..), w.get(start..)) else {
        return usize::MAX;
    };
    place_of::<T, S, RANK>(simd, kink, best, g, x, w)
        .map_or(usize::MAX, |within| start.saturating_add(within))
}

/// Over so few that a lane holds one score at most, and says whose it is.
#[inline(always)]
fn in_lanes<T: Real, S: Simd, const RANK: u8>(
    simd: S,
    kink: &Kink<T>,
    alpha: T,
    row: &[T],
    g: &mut [T],
    x: &[T],
    w: &[T],
) -> usize {
    if !has_registers::<S>() {
        return one_by_one::<T, RANK>(kink, alpha, row, g, x, w);
    }
    let mut scores = [-T::ONE; LANES];
    let whole = if let (Ok(row), Ok(g), Ok(x), Ok(w)) =
        (row.try_into(), <&mut [T; LANES]>::try_from(&mut *g), x.try_into(), w.try_into())
    {
        raise::<T, S, RANK, LANES>(simd, kink, alpha, row, g, x, w, &mut scores);
        LANES
    } else {
        raise_rest::<T, S, RANK>(simd, kink, alpha, row, g, x, w, &mut scores)
    };
    let mut best = maximum(&scores);
    let mut place = if -T::ONE < best { first_of(simd, best, &scores) } else { usize::MAX };
    let (Some(row), Some(g), Some(x), Some(w)) =
        (row.get(whole..), g.get_mut(whole..), x.get(whole..), w.get(whole..))
    else {
        return place;
    };
    for (i, ((&row, g), (&x, &w))) in row.iter().zip(g).zip(x.iter().zip(w)).enumerate() {
        *g += alpha * row;
        let score = score_of_one::<T, RANK>(kink, *g, x, w);
        if best < score {
            (best, place) = (score, whole + i);
        }
    }
    place
}

/// By a plain loop, in which the best is known with its place.
#[inline(always)]
fn one_by_one<T: Real, const RANK: u8>(
    kink: &Kink<T>,
    alpha: T,
    row: &[T],
    g: &mut [T],
    x: &[T],
    w: &[T],
) -> usize {
    let (mut best, mut place) = (-T::ONE, usize::MAX);
    for (i, ((&row, g), (&x, &w))) in row.iter().zip(g).zip(x.iter().zip(w)).enumerate() {
        *g += alpha * row;
        let score = score_of_one::<T, RANK>(kink, *g, x, w);
        if best < score {
            (best, place) = (score, i);
        }
    }
    place
}

/// Updates a block; the largest score in it, or −1.
#[inline(always)]
fn update<T: Real, S: Simd, const RANK: u8>(
    simd: S,
    kink: &Kink<T>,
    alpha: T,
    row: &[T],
    g: &mut [T],
    x: &[T],
    w: &[T],
) -> T {
    if !has_registers::<S>() {
        return update_one_by_one::<T, RANK>(-T::ONE, kink, alpha, row, g, x, w);
    }
    let (rows, row_tail) = row.as_chunks::<LANES>();
    let (gs, g_tail) = g.as_chunks_mut::<LANES>();
    let (xs, x_tail) = x.as_chunks::<LANES>();
    let (ws, w_tail) = w.as_chunks::<LANES>();
    let mut best_of = [-T::ONE; LANES];
    for ((row, g), (x, w)) in rows.iter().zip(gs).zip(xs.iter().zip(ws)) {
        raise::<T, S, RANK, LANES>(simd, kink, alpha, row, g, x, w, &mut best_of);
    }
    let whole = raise_rest::<T, S, RANK>(simd, kink, alpha, row_tail, g_tail, x_tail, w_tail, &mut best_of);
    let best = maximum(&best_of);
    let (Some(row), Some(g), Some(x), Some(w)) =
        (row_tail.get(whole..), g_tail.get_mut(whole..), x_tail.get(whole..), w_tail.get(whole..))
    else {
        return best;
    };
    update_one_by_one::<T, RANK>(best, kink, alpha, row, g, x, w)
}

/// The same by a plain loop; the larger of `best` and the largest score.
#[inline(always)]
fn update_one_by_one<T: Real, const RANK: u8>(
    mut best: T,
    kink: &Kink<T>,
    alpha: T,
    row: &[T],
    g: &mut [T],
    x: &[T],
    w: &[T],
) -> T {
    for ((&row, g), (&x, &w)) in row.iter().zip(g).zip(x.iter().zip(w)) {
        *g += alpha * row;
        let score = score_of_one::<T, RANK>(kink, *g, x, w);
        best = if best < score { score } else { best };
    }
    best
}

/// Updates as many numbers as there are lanes, and raises these to the scores.
#[inline(always)]
fn raise<T: Real, S: Simd, const RANK: u8, const N: usize>(
    simd: S,
    kink: &Kink<T>,
    alpha: T,
    row: &[T; N],
    g: &mut [T; N],
    x: &[T; N],
    w: &[T; N],
    lanes: &mut [T; N],
) {
    let (wide, factor) = (Wide::<T, S>::new(simd, kink), T::splat(simd, alpha));
    let (row, g) = (T::split(simd, row), T::split_mut(simd, g));
    let (x, w, lanes) = (T::split(simd, x), T::split(simd, w), T::split_mut(simd, lanes));
    for ((((g, best), &row), &x), &w) in g.0.iter_mut().zip(lanes.0).zip(row.0).zip(x.0).zip(w.0) {
        *g = T::vadd(simd, *g, T::vmul(simd, factor, row));
        *best = T::vlarger(simd, *best, score::<T, S, RANK>(simd, &wide, *g, x, w));
    }
    for ((((g, best), &row), &x), &w) in g.1.iter_mut().zip(lanes.1).zip(row.1).zip(x.1).zip(w.1) {
        *g += alpha * row;
        let score = score_of_one::<T, RANK>(kink, *g, x, w);
        *best = if *best < score { score } else { *best };
    }
}

/// The same of eight numbers and of four, as many as there are of up to 15; how many these were. Where the compiler knows the
/// lanes they stay in their registers.
#[inline(always)]
fn raise_rest<T: Real, S: Simd, const RANK: u8>(
    simd: S,
    kink: &Kink<T>,
    alpha: T,
    row: &[T],
    g: &mut [T],
    x: &[T],
    w: &[T],
    lanes: &mut [T; LANES],
) -> usize {
    let ([low, high], _) = lanes.as_chunks_mut::<8>() else { return 0 };
    match (row.split_first_chunk(), g.split_first_chunk_mut(), x.split_first_chunk(), w.split_first_chunk()) {
        (Some((row, row_left)), Some((g, g_left)), Some((x, x_left)), Some((w, w_left))) => {
            raise::<T, S, RANK, 8>(simd, kink, alpha, row, g, x, w, low);
            8 + raise_four::<T, S, RANK>(simd, kink, alpha, row_left, g_left, x_left, w_left, high)
        }
        _ => raise_four::<T, S, RANK>(simd, kink, alpha, row, g, x, w, low),
    }
}

/// The same of up to seven numbers.
#[inline(always)]
fn raise_four<T: Real, S: Simd, const RANK: u8>(
    simd: S,
    kink: &Kink<T>,
    alpha: T,
    row: &[T],
    g: &mut [T],
    x: &[T],
    w: &[T],
    lanes: &mut [T; 8],
) -> usize {
    let Some(lanes) = lanes.first_chunk_mut() else { return 0 };
    match (row.first_chunk(), g.first_chunk_mut(), x.first_chunk(), w.first_chunk()) {
        (Some(row), Some(g), Some(x), Some(w)) => {
            raise::<T, S, RANK, 4>(simd, kink, alpha, row, g, x, w, lanes);
            4
        }
        _ => 0,
    }
}

/// The first place with a score that is no less than `best`.
#[inline(always)]
fn place_of<T: Real, S: Simd, const RANK: u8>(
    simd: S,
    kink: &Kink<T>,
    best: T,
    g: &[T],
    x: &[T],
    w: &[T],
) -> Option<usize> {
    // That is where scores begin, and lanes that none is in.
    if best <= -T::ONE {
        return None;
    }
    if !has_registers::<S>() {
        return place_one_by_one::<T, RANK>(kink, best, g, x, w);
    }
    let (wide, bound) = (Wide::<T, S>::new(simd, kink), T::splat(simd, best));
    let chunks = g.as_chunks::<LANES>().0.iter().zip(x.as_chunks::<LANES>().0).zip(w.as_chunks::<LANES>().0);
    let mut start = 0_usize;
    for ((g, x), w) in chunks {
        let (mut found, mut scores) = (T::vless(simd, bound, bound), [-T::ONE; LANES]);
        let of_chunk = T::split(simd, g).0.iter().zip(T::split(simd, x).0).zip(T::split(simd, w).0);
        for (out, ((&g, &x), &w)) in T::split_mut(simd, &mut scores).0.iter_mut().zip(of_chunk) {
            *out = score::<T, S, RANK>(simd, &wide, g, x, w);
            found = T::vor(simd, found, T::vless_equal(simd, bound, *out));
        }
        if T::vany::<S>(found) {
            return start.checked_add(first_of(simd, best, &scores));
        }
        start += LANES;
    }
    let (g, x, w) = (g.get(start..)?, x.get(start..)?, w.get(start..)?);
    let mut scores = [-T::ONE; LANES];
    let ((g, g_tail), (x, x_tail), (w, w_tail)) = (T::split(simd, g), T::split(simd, x), T::split(simd, w));
    for (((out, &g), &x), &w) in T::split_mut(simd, &mut scores).0.iter_mut().zip(g).zip(x).zip(w) {
        *out = score::<T, S, RANK>(simd, &wide, g, x, w);
    }
    let within = first_of(simd, best, &scores);
    if within < LANES {
        return start.checked_add(within);
    }
    let whole = start.checked_add(g.len() * lanes::<T, S>())?;
    place_one_by_one::<T, RANK>(kink, best, g_tail, x_tail, w_tail)?.checked_add(whole)
}

/// The same by a plain loop: closures are outlined where they are called from more than one place.
#[inline(always)]
fn place_one_by_one<T: Real, const RANK: u8>(
    kink: &Kink<T>,
    best: T,
    g: &[T],
    x: &[T],
    w: &[T],
) -> Option<usize> {
    for (place, ((&g, &x), &w)) in g.iter().zip(x).zip(w).enumerate() {
        if best <= score_of_one::<T, RANK>(kink, g, x, w) {
            return Some(place);
        }
    }
    None
}
