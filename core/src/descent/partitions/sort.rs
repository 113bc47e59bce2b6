//! Sorting of indices: without memory, and without a panic if the order contradicts itself.

/// Puts indices into the order of `less`, which must break ties for the result to be one order only (heap sort,
/// O(n log n)).
pub(in crate::descent) fn sort(order: &mut [u32], less: impl Fn(u32, u32) -> bool) {
    let n = order.len();
    for root in (0..n / 2).rev() {
        sift(order, root, &less);
    }
    for end in (1..n).rev() {
        swap(order, 0, end);
        if let Some(heap) = order.get_mut(..end) {
            sift(heap, 0, &less);
        }
    }
}

/// Lets a node sink until no child comes after it.
fn sift(heap: &mut [u32], mut node: usize, less: &impl Fn(u32, u32) -> bool) {
    loop {
        let left = node.saturating_mul(2).saturating_add(1);
        let (Some(&here), Some(&first)) = (heap.get(node), heap.get(left)) else { return };
        let second = heap.get(left.saturating_add(1)).copied();
        let (child, value) = match second {
            Some(second) if less(first, second) => (left.saturating_add(1), second),
            _ => (left, first),
        };
        if !less(here, value) {
            return;
        }
        swap(heap, node, child);
        node = child;
    }
}

/// Exchanges two elements that exist.
pub(in crate::descent) fn swap(order: &mut [u32], a: usize, b: usize) {
    let (Some(&of_a), Some(&of_b)) = (order.get(a), order.get(b)) else { return };
    if let Some(a) = order.get_mut(a) {
        *a = of_b;
    }
    if let Some(b) = order.get_mut(b) {
        *b = of_a;
    }
}
