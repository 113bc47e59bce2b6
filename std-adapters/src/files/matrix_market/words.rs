//! Words of a line, and the numbers in them.

use super::header::Field;
use crate::files::LineFault;

/// Splits a line at blanks, tabs and the CR of a CR LF.
#[derive(Clone)]
pub(super) struct Words<'a>(pub(super) &'a [u8]);

impl<'a> Iterator for Words<'a> {
    type Item = &'a [u8];

    #[inline]
    fn next(&mut self) -> Option<&'a [u8]> {
        let start = self.0.iter().position(|byte| !byte.is_ascii_whitespace())?;
        let rest = &self.0[start..];
        let end = rest.iter().position(u8::is_ascii_whitespace).unwrap_or(rest.len());
        let (word, rest) = rest.split_at(end);
        self.0 = rest;
        Some(word)
    }
}

impl<'a> Words<'a> {
    /// Exactly `N` words.
    #[inline]
    pub(super) fn exactly<const N: usize>(
        mut self,
        expected: &'static str,
    ) -> Result<[&'a [u8]; N], LineFault> {
        let mut words = [&[][..]; N];
        for word in &mut words {
            *word = self.next().ok_or(LineFault::Words { expected })?;
        }
        match self.next() {
            None => Ok(words),
            Some(_) => Err(LineFault::Words { expected }),
        }
    }
}

/// A word for a message: not too long, and nothing that would upset a terminal.
pub(super) fn quote(word: &[u8]) -> String {
    const SHOWN: usize = 40;
    let mut quoted: String = String::from_utf8_lossy(&word[..word.len().min(SHOWN)]).escape_debug().collect();
    if word.len() > SHOWN {
        quoted.push('…');
    }
    quoted
}

/// A size or an index; what exceeds `u64` saturates, as every limit lies far below.
#[inline]
pub(super) fn integer(word: &[u8]) -> Result<u64, LineFault> {
    let mut number = 0_u64;
    for &byte in word {
        if !byte.is_ascii_digit() {
            return Err(LineFault::NotAnInteger { found: quote(word) });
        }
        number = number.saturating_mul(10).saturating_add(u64::from(byte - b'0'));
    }
    Ok(number)
}

/// An index counted from one, turned into one counted from zero.
#[inline]
pub(super) fn index(word: &[u8], axis: &'static str, limit: u32) -> Result<u32, LineFault> {
    match integer(word)? {
        0 => Err(LineFault::ZeroIndex),
        index if index > u64::from(limit) => {
            Err(LineFault::OutOfRange { axis, index, limit: u64::from(limit) })
        }
        index => Ok((index - 1) as u32),
    }
}

/// A value, correctly rounded.
#[inline]
pub(super) fn value(word: &[u8], field: Field) -> Result<f64, LineFault> {
    let invalid = || LineFault::NotANumber { found: quote(word) };
    if field == Field::Integer {
        let digits = word.strip_prefix(b"-").or(word.strip_prefix(b"+")).unwrap_or(word);
        if !digits.iter().all(u8::is_ascii_digit) {
            return Err(invalid());
        }
    }
    let text = std::str::from_utf8(word).map_err(|_| invalid())?;
    let value = match text.parse::<f64>() {
        Ok(value) => value,
        Err(_) => fortran(text).ok_or_else(invalid)?,
    };
    if value.is_finite() { Ok(value) } else { Err(LineFault::NotFinite { found: quote(word) }) }
}

/// A number with Fortran's `D` for `E`.
#[cold]
fn fortran(text: &str) -> Option<f64> {
    let place = text.find(['d', 'D'])?;
    let (mantissa, exponent) = (&text[..place], &text[place + 1..]);
    // No number with an exponent needs more than this, and a longer one is not worth an allocation.
    let mut buffer = [0_u8; 256];
    let length = text.len();
    let target = buffer.get_mut(..length)?;
    target[..place].copy_from_slice(mantissa.as_bytes());
    target[place] = b'e';
    target[place + 1..].copy_from_slice(exponent.as_bytes());
    std::str::from_utf8(target).ok()?.parse().ok()
}
