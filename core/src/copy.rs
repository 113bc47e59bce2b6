//! Copying that cannot fail.

/// `copy_from_slice` for slices whose equal lengths the compiler cannot see.
pub(crate) trait CopyFrom<T> {
    /// Copies the common length.
    fn copy_from(&mut self, from: &[T]);
}

impl<T: Copy> CopyFrom<T> for [T] {
    fn copy_from(&mut self, from: &[T]) {
        self.iter_mut().zip(from).for_each(|(to, &from)| *to = from);
    }
}
