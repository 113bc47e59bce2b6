//! Order statistics without memory: by counting, again and again.

use crate::Real;

/// The k-th smallest of some numbers (k from 0), NaN passed over; `None` if there are fewer.
///
/// Each round takes the middle one, by place, of the numbers that are still possible and counts how many are
/// smaller: three passes, about 2 log₂ n rounds for numbers in no particular order, never more than n.
pub(crate) fn kth<T: Real>(values: impl Iterator<Item = T> + Clone, k: usize) -> Option<T> {
    let (mut low, mut high) = (-T::INFINITY, T::INFINITY);
    let mut open = (false, false);
    for _ in 0..values.clone().count() {
        let inside = values.clone().filter(|&v| {
            (if open.0 { v > low } else { v >= low }) && (if open.1 { v < high } else { v <= high })
        });
        let pivot = inside.clone().nth(inside.count() / 2)?;
        let less = values.clone().filter(|&v| v < pivot).count();
        let most = values.clone().filter(|&v| v <= pivot).count();
        if k < less {
            (high, open.1) = (pivot, true);
        } else if k < most {
            return Some(pivot);
        } else {
            (low, open.0) = (pivot, true);
        }
    }
    None
}

/// The median; the mean of the middle two of an even number; 0 of none.
pub(crate) fn median<T: Real>(values: impl Iterator<Item = T> + Clone) -> T {
    let n = values.clone().filter(|v| v.partial_cmp(v).is_some()).count();
    let (Some(low), Some(high)) = (kth(values.clone(), n.saturating_sub(1) / 2), kth(values, n / 2)) else {
        return T::ZERO;
    };
    low * T::HALF + high * T::HALF
}
