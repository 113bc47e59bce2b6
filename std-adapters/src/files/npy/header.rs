//! The header: magic, version, length, and a dictionary of three keys in Python's notation.

use std::io::Read;

use super::fill;
use crate::files::{FileError, NpyFault};

/// What NumPy itself accepts without being told otherwise.
const MAX_HEADER: usize = 10_000;

/// More axes than NumPy allows.
const MAX_AXES: usize = 64;

#[derive(Clone, Debug)]
pub(crate) struct Header {
    pub(crate) kind: Kind,
    /// Bytes of an element.
    pub(crate) size: usize,
    pub(crate) big_endian: bool,
    pub(crate) fortran: bool,
    pub(crate) shape: Vec<usize>,
    /// Bytes of the file before the first element.
    pub(crate) length: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Float,
    Signed,
    Unsigned,
    Bool,
}

pub(super) fn read(reader: &mut impl Read) -> Result<Header, FileError> {
    let mut start = [0_u8; 8];
    if fill(reader, &mut start)? < start.len() || !start.starts_with(b"\x93NUMPY") {
        return Err(NpyFault::Magic.into());
    }
    let (major, minor) = (start[6], start[7]);
    // Version 1.0 counts the dictionary in two bytes, later ones in four.
    let width = match (major, minor) {
        (1, 0) => 2,
        (2 | 3, 0) => 4,
        _ => return Err(NpyFault::Version { major, minor }.into()),
    };
    let mut count = [0_u8; 4];
    let given = fill(reader, &mut count[..width])?;
    let length = u32::from_le_bytes(count) as usize;
    if given < width || length > MAX_HEADER {
        return Err(NpyFault::Header { expected: "a length of at most 10000 bytes", position: 8 }.into());
    }
    let offset = start.len() + width;
    let mut text = vec![0_u8; length];
    let given = fill(reader, &mut text)?;
    if given < length {
        return Err(
            NpyFault::Truncated { needed: (offset + length) as u64, given: (offset + given) as u64 }.into()
        );
    }
    Ok(Parser { text: &text, at: 0, offset }.dictionary()?)
}

/// Reads the dictionary from left to right; there is nothing nested in what is accepted.
struct Parser<'a> {
    text: &'a [u8],
    at: usize,
    /// Bytes of the file before the text.
    offset: usize,
}

impl<'a> Parser<'a> {
    fn dictionary(mut self) -> Result<Header, NpyFault> {
        let (mut descr, mut fortran, mut shape) = (None, None, None);
        self.expect(b'{', "`{`")?;
        while !self.accept(b'}') {
            match self.string("a key or `}`")? {
                b"descr" if descr.is_none() => {
                    self.expect(b':', "`:`")?;
                    descr = Some(self.descr()?);
                }
                b"fortran_order" if fortran.is_none() => {
                    self.expect(b':', "`:`")?;
                    fortran = Some(self.boolean()?);
                }
                b"shape" if shape.is_none() => {
                    self.expect(b':', "`:`")?;
                    shape = Some(self.tuple()?);
                }
                _ => return Err(self.fault("each of the keys `descr`, `fortran_order` and `shape` once")),
            }
            if !self.accept(b',') {
                self.expect(b'}', "`,` or `}`")?;
                break;
            }
        }
        self.blanks();
        if self.at < self.text.len() {
            return Err(self.fault("nothing more"));
        }
        let (Some((kind, size, big_endian)), Some(fortran), Some(shape)) = (descr, fortran, shape) else {
            return Err(self.fault("each of the keys `descr`, `fortran_order` and `shape`"));
        };
        Ok(Header { kind, size, big_endian, fortran, shape, length: self.offset + self.text.len() })
    }

    fn fault(&self, expected: &'static str) -> NpyFault {
        NpyFault::Header { expected, position: self.offset + self.at }
    }

    fn blanks(&mut self) {
        while self.text.get(self.at).is_some_and(u8::is_ascii_whitespace) {
            self.at += 1;
        }
    }

    fn accept(&mut self, byte: u8) -> bool {
        self.blanks();
        let found = self.text.get(self.at) == Some(&byte);
        self.at += usize::from(found);
        found
    }

    fn expect(&mut self, byte: u8, expected: &'static str) -> Result<(), NpyFault> {
        if self.accept(byte) { Ok(()) } else { Err(self.fault(expected)) }
    }

    /// What goes on while `belongs` holds.
    fn run(&mut self, belongs: impl Fn(u8) -> bool) -> &'a [u8] {
        let rest = &self.text[self.at..];
        let end = rest.iter().position(|&byte| !belongs(byte)).unwrap_or(rest.len());
        self.at += end;
        &rest[..end]
    }

    /// A string without escapes; no name or type that is accepted has any.
    fn string(&mut self, expected: &'static str) -> Result<&'a [u8], NpyFault> {
        let quote = if self.accept(b'\'') {
            b'\''
        } else if self.accept(b'"') {
            b'"'
        } else {
            return Err(self.fault(expected));
        };
        let string = self.run(|byte| byte != quote);
        if self.text.get(self.at) != Some(&quote) {
            return Err(self.fault("the end of a string"));
        }
        self.at += 1;
        Ok(string)
    }

    fn descr(&mut self) -> Result<(Kind, usize, bool), NpyFault> {
        if self.accept(b'[') {
            return Err(NpyFault::Type { descr: "record".to_owned() });
        }
        let name = self.string("the name of a type")?;
        let unknown = || {
            let shown = String::from_utf8_lossy(&name[..name.len().min(40)]);
            NpyFault::Type { descr: shown.escape_debug().collect() }
        };
        let &[order, kind, size] = name else { return Err(unknown()) };
        let (kind, size) = match (kind, size) {
            (b'f', b'4' | b'8') => (Kind::Float, size - b'0'),
            (b'i', b'1' | b'2' | b'4' | b'8') => (Kind::Signed, size - b'0'),
            (b'u', b'1' | b'2' | b'4' | b'8') => (Kind::Unsigned, size - b'0'),
            (b'b', b'1') => (Kind::Bool, 1),
            _ => return Err(unknown()),
        };
        let big_endian = match order {
            b'<' => false,
            b'>' => true,
            // A single byte has no order.
            b'|' if size == 1 => false,
            _ => return Err(unknown()),
        };
        Ok((kind, usize::from(size), big_endian))
    }

    fn boolean(&mut self) -> Result<bool, NpyFault> {
        self.blanks();
        match self.run(|byte| byte.is_ascii_alphabetic()) {
            b"True" => Ok(true),
            b"False" => Ok(false),
            _ => Err(self.fault("`True` or `False`")),
        }
    }

    fn tuple(&mut self) -> Result<Vec<usize>, NpyFault> {
        let mut shape = Vec::new();
        self.expect(b'(', "`(`")?;
        while !self.accept(b')') {
            self.blanks();
            let digits = self.run(|byte| byte.is_ascii_digit());
            if digits.is_empty() || shape.len() == MAX_AXES {
                return Err(self.fault("a whole number or `)`"));
            }
            // Python 2 wrote long integers with an `L`.
            self.run(|byte| byte == b'L');
            let axis = digits.iter().try_fold(0_usize, |axis, &digit| {
                axis.checked_mul(10)?.checked_add(usize::from(digit - b'0'))
            });
            shape.push(axis.ok_or(NpyFault::TooLarge)?);
            // `(3)` is a number in Python, not a tuple, but no writer means anything else by it.
            if !self.accept(b',') {
                self.expect(b')', "`,` or `)`")?;
                break;
            }
        }
        Ok(shape)
    }
}
