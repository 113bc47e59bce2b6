//! A hash for comparing bits.

use core::fmt;

use southwell::Real;

/// FNV-1a in 64 bits, over bytes in little-endian order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fnv(u64);

impl Default for Fnv {
    fn default() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }
}

impl Fnv {
    /// Takes in a word.
    pub fn word(&mut self, word: u64) {
        self.bytes(&word.to_le_bytes());
    }

    /// Takes in the bits of numbers.
    pub fn reals<T: Real>(&mut self, reals: &[T]) {
        reals.iter().for_each(|real| self.word(real.bits()));
    }

    /// Takes in bytes.
    pub fn bytes(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.0 = (self.0 ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
        }
    }

    /// The hash of what was taken in.
    #[must_use]
    pub fn value(&self) -> u64 {
        self.0
    }
}

/// Text is hashed as it is formatted.
impl fmt::Write for Fnv {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.bytes(text.as_bytes());
        Ok(())
    }
}
