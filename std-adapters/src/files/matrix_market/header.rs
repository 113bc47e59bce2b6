//! The banner and the line with the sizes.

use std::io::BufRead;

use super::lines::Lines;
use super::words::{Words, integer, quote};
use crate::files::{FileError, LineFault};

/// Rows or columns that a file may have whatever its length (see the module's documentation).
const FREE_SIZE: u64 = 1 << 24;

/// What the banner of a file says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// Sparse or dense.
    pub layout: Layout,
    /// The kind of values.
    pub field: Field,
    /// Which entries are stored.
    pub symmetry: Symmetry,
}

/// Sparse or dense.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layout {
    /// Entries with their indices.
    Coordinate,
    /// All entries, column after column.
    Array,
}

/// The kind of values in a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Field {
    /// Decimal numbers (`real`, or `double` as some programs write).
    Real,
    /// Whole numbers; those beyond 2⁵³ are rounded to the nearest 64-bit float.
    Integer,
    /// Places only; each stands for a 1.
    Pattern,
}

/// Which entries a file stores.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Symmetry {
    /// All.
    General,
    /// The lower triangle.
    Symmetric,
}

/// Rows, columns and entries to come, with the line that says so.
#[derive(Clone, Copy)]
pub(super) struct Sizes {
    pub(super) rows: u64,
    pub(super) columns: u64,
    /// Entries stored, not yet expanded.
    pub(super) entries: u64,
    pub(super) line: u64,
}

/// Reads the first line.
pub(super) fn banner<R: BufRead>(lines: &mut Lines<R>) -> Result<Header, FileError> {
    if !lines.advance()? {
        return Err(lines.fault(LineFault::Empty));
    }
    let header = parse_banner(lines.text()?);
    header.map_err(|fault| lines.fault(fault))
}

fn parse_banner(text: &[u8]) -> Result<Header, LineFault> {
    let mut words = Words(text);
    let is = |word: &[u8], name: &str| word.eq_ignore_ascii_case(name.as_bytes());
    if !words.next().is_some_and(|word| is(word, "%%MatrixMarket")) {
        return Err(LineFault::Banner);
    }
    let unknown = |word, expected| Err(LineFault::BannerWord { found: quote(word), expected });
    let refused = |word, reason| Err(LineFault::Refused { word, reason });

    match words.next().unwrap_or_default() {
        word if is(word, "matrix") => {}
        word => return unknown(word, "`matrix`"),
    }
    let layout = match words.next().unwrap_or_default() {
        word if is(word, "coordinate") => Layout::Coordinate,
        word if is(word, "array") => Layout::Array,
        word => return unknown(word, "`coordinate` or `array`"),
    };
    let field = match words.next().unwrap_or_default() {
        word if is(word, "real") || is(word, "double") => Field::Real,
        word if is(word, "integer") => Field::Integer,
        word if is(word, "pattern") && layout == Layout::Array => {
            return refused(
                "pattern",
                "an array has a value in every place; write `coordinate`, or give the values",
            );
        }
        word if is(word, "pattern") => Field::Pattern,
        word if is(word, "complex") => {
            return refused(
                "complex",
                "the solvers compute with real numbers; write the equivalent real system",
            );
        }
        word => return unknown(word, "`real`, `integer` or `pattern`"),
    };
    let symmetry = match words.next().unwrap_or_default() {
        word if is(word, "general") => Symmetry::General,
        word if is(word, "symmetric") => Symmetry::Symmetric,
        word if is(word, "skew-symmetric") => {
            return refused(
                "skew-symmetric",
                "its diagonal is zero, and every method here divides by the diagonal or needs a symmetric matrix; take a direct solver",
            );
        }
        word if is(word, "hermitian") => {
            return refused("hermitian", "a real matrix that is hermitian is `symmetric`; write that word");
        }
        word => return unknown(word, "`general` or `symmetric`"),
    };
    match words.next() {
        None => Ok(Header { layout, field, symmetry }),
        Some(word) => unknown(word, "the end of the line"),
    }
}

/// Reads the line with the sizes, and refuses what contradicts itself or the length of the file.
pub(super) fn sizes<R: BufRead>(lines: &mut Lines<R>, header: Header) -> Result<Sizes, FileError> {
    if !lines.advance_to_content(true)? {
        return Err(lines.fault(LineFault::NoSizes));
    }
    let line = lines.number();
    let sizes = parse_sizes(lines.text()?, header, line);
    let sizes = sizes.map_err(|fault| lines.fault(fault))?;
    if let Some(length) = lines.length() {
        // The shortest lines are `1 1`, `1 1 1` and `1`; only the last one may lack its newline.
        let shortest = match (header.layout, header.field) {
            (Layout::Array, _) => 2,
            (Layout::Coordinate, Field::Pattern) => 4,
            (Layout::Coordinate, _) => 6,
        };
        let possible = (length.saturating_sub(lines.consumed()).saturating_add(1)) / shortest;
        if sizes.entries > possible {
            return Err(lines.fault(LineFault::Claim { claimed: sizes.entries, possible }));
        }
        refuse_hollow(lines, sizes, length)?;
    }
    Ok(sizes)
}

/// Keeps a short file from claiming a long array of row offsets, or a long vector of zeros.
pub(super) fn refuse_hollow<R: BufRead>(
    lines: &Lines<R>,
    sizes: Sizes,
    length: u64,
) -> Result<(), FileError> {
    let size = sizes.rows.max(sizes.columns);
    let limit = FREE_SIZE.saturating_add(length);
    if size <= limit { Ok(()) } else { Err(lines.fault_on(sizes.line, LineFault::Hollow { size, limit })) }
}

fn parse_sizes(text: &[u8], header: Header, line: u64) -> Result<Sizes, LineFault> {
    let words = Words(text);
    let (rows, columns, entries) = match header.layout {
        Layout::Coordinate => {
            let words = words.exactly::<3>("three numbers (rows, columns, entries)")?;
            (integer(words[0])?, integer(words[1])?, Some(integer(words[2])?))
        }
        Layout::Array => {
            let words = words.exactly::<2>("two numbers (rows, columns)")?;
            (integer(words[0])?, integer(words[1])?, None)
        }
    };
    if header.symmetry == Symmetry::Symmetric && rows != columns {
        return Err(LineFault::NotSquare { rows, columns });
    }
    let entries = entries.unwrap_or_else(|| match header.symmetry {
        Symmetry::General => rows.saturating_mul(columns),
        // Saturates only where half of it would still be out of reach.
        Symmetry::Symmetric => rows.saturating_mul(rows.saturating_add(1)) / 2,
    });
    Ok(Sizes { rows, columns, entries, line })
}
