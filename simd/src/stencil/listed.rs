//! A star as an array, for passes that take one direction after the other: to choose among seven fields takes three times
//! the flash. Unsafe, as little else of the crate.
#![allow(unsafe_code)]

use super::Star;

impl<C> Star<C> {
    /// Centre, west, east, south, north, down, up.
    #[inline(always)]
    #[must_use]
    pub fn listed(&self) -> &[C; 7] {
        // SAFETY: seven fields of one type and `repr(C)`: they lie in memory as the elements of an array do.
        unsafe { &*core::ptr::from_ref(self).cast() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fields_in_order() {
        let star = Star { centre: 0_u8, west: 1, east: 2, south: 3, north: 4, down: 5, up: 6 };
        assert_eq!(star.listed(), &[0, 1, 2, 3, 4, 5, 6]);
        let star = star.map(u64::from);
        assert_eq!(star.listed(), &[0, 1, 2, 3, 4, 5, 6]);
    }
}
