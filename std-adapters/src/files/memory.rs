//! Vectors that answer with an error where `Vec` would abort the process.

use super::FileError;

/// Room for exactly `additional` more elements.
pub(super) fn reserve<T>(vector: &mut Vec<T>, additional: usize) -> Result<(), FileError> {
    vector.try_reserve_exact(additional).map_err(|_| shortage::<T>(additional))
}

/// `Vec::push`, growing by the usual doubling.
#[inline]
pub(super) fn push<T>(vector: &mut Vec<T>, value: T) -> Result<(), FileError> {
    if vector.len() == vector.capacity() {
        vector.try_reserve(1).map_err(|_| shortage::<T>(vector.len()))?;
    }
    vector.push(value);
    Ok(())
}

/// A vector of `length` copies of `value`.
pub(super) fn filled<T: Clone>(value: T, length: usize) -> Result<Vec<T>, FileError> {
    let mut vector = Vec::new();
    reserve(&mut vector, length)?;
    vector.resize(length, value);
    Ok(vector)
}

fn shortage<T>(elements: usize) -> FileError {
    FileError::Memory { path: None, bytes: (elements as u64).saturating_mul(size_of::<T>() as u64) }
}
