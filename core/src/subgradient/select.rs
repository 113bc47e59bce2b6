//! Order statistics without memory: by counting, again and again.

use crate::Real;

/// The k-th smallest of some numbers (k from 0), NaN passed over; `None` if there are fewer.
///
/// Each round takes the middle one, by place, of the numbers that are still possible and counts how many are
/// smaller: a pass and a half, about 2 log₂ n rounds for numbers in no particular order, never more than n.
pub(crate) fn kth<T: Real>(values: impl Iterator<Item = T> + Clone, k: usize) -> Option<T> {
    let (mut low, mut high) = (None, None);
    let all = values.clone().filter(|v| v.partial_cmp(v).is_some()).count();
    // Numbers up to `low`, and below `high`.
    let (mut out, mut upto) = (0_usize, all);
    for _ in 0..all {
        let possible = |v: &T| low.is_none_or(|low| *v > low) && high.is_none_or(|high| *v < high);
        let numbers = values.clone().filter(|v| v.partial_cmp(v).is_some());
        let pivot = numbers.filter(possible).nth(upto.saturating_sub(out) / 2)?;
        let (less, same) = values.clone().fold((0_usize, 0_usize), |(less, same), v| {
            (less.saturating_add(usize::from(v < pivot)), same.saturating_add(usize::from(v == pivot)))
        });
        if k < less {
            (high, upto) = (Some(pivot), less);
        } else if k < less.saturating_add(same) {
            return Some(pivot);
        } else {
            (low, out) = (Some(pivot), less.saturating_add(same));
        }
    }
    None
}

/// The median; the mean of the middle two of an even number; 0 of none.
pub(crate) fn median<T: Real>(values: impl Iterator<Item = T> + Clone) -> T {
    let n = values.clone().filter(|v| v.partial_cmp(v).is_some()).count();
    let Some(low) = kth(values.clone(), n.saturating_sub(1) / 2) else { return T::ZERO };
    // The next one, unless it is as large.
    let high = if values.clone().filter(|&v| v <= low).count() > n / 2 {
        low
    } else {
        values.filter(|&v| v > low).fold(T::INFINITY, T::min)
    };
    low * T::HALF + high * T::HALF
}

#[cfg(test)]
mod tests {
    extern crate std;

    use super::*;

    #[test]
    fn agrees_with_sorting() {
        let mut state = 1_u64;
        for n in 1..60_usize {
            let mut x: std::vec::Vec<f64> = (0..n)
                .map(|_| {
                    state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                    // Some are equal, some are infinite.
                    let v = (state >> 59) as f64 - 16.0;
                    if v == 15.0 { f64::INFINITY } else { v }
                })
                .collect();
            let found: std::vec::Vec<Option<f64>> = (0..=n).map(|k| kth(x.iter().copied(), k)).collect();
            let middle = median(x.iter().copied());
            let with_nan = median(x.iter().copied().chain([f64::NAN]));
            x.sort_by(f64::total_cmp);
            assert!((0..n).all(|k| found[k] == Some(x[k])) && found[n].is_none(), "{x:?}");
            assert_eq!(middle, 0.5 * x[(n - 1) / 2] + 0.5 * x[n / 2]);
            assert_eq!(with_nan, middle);
        }
        assert_eq!(median(core::iter::empty::<f32>()), 0.0);
    }
}
