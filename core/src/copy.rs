//! Copying that cannot fail.

use core::hint::black_box;

/// `copy_from_slice` for slices whose equal lengths the compiler cannot see.
pub(crate) trait CopyFrom<T> {
    /// Copies the common length.
    fn copy_from(&mut self, from: &[T]);
}

impl<T: Copy> CopyFrom<T> for [T] {
    // One copy of the loop where flash counts.
    #[cfg_attr(target_os = "none", inline(never))]
    fn copy_from(&mut self, from: &[T]) {
        for (to, &from) in self.iter_mut().zip(from) {
            *to = from;
            if cfg!(target_os = "none") {
                // No `memcpy`, which takes a hundred bytes of stack.
                black_box(());
            }
        }
    }
}
