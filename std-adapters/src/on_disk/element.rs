//! Numbers that a file can be read as.

use southwell::Real;

use crate::files::npy::{Header, Kind};

/// A number that rows of a file can be read as: `f32` or `f64` (as [`Real`], it is sealed).
pub trait Element: Real {
    /// The memory of numbers, to read bytes into.
    #[doc(hidden)]
    fn bytes_mut(values: &mut [Self]) -> &mut [u8];
}

impl Element for f32 {
    fn bytes_mut(values: &mut [Self]) -> &mut [u8] {
        bytemuck::cast_slice_mut(values)
    }
}

impl Element for f64 {
    fn bytes_mut(values: &mut [Self]) -> &mut [u8] {
        bytemuck::cast_slice_mut(values)
    }
}

/// Whether the bytes of a file are those of the type in memory.
pub(super) fn as_stored<T: Element>(header: &Header) -> bool {
    let order = header.big_endian == cfg!(target_endian = "big");
    header.kind == Kind::Float && header.size == size_of::<T>() && order
}
