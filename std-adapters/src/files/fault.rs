//! What can be wrong inside a file, each with a word on what to do.

use std::fmt;

/// What is wrong with a line of a Matrix Market file.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum LineFault {
    /// The file holds nothing at all.
    Empty,
    /// The first line is not a Matrix Market banner.
    Banner,
    /// A word of the banner is missing or unknown.
    BannerWord {
        /// The word; empty if the line ends too early.
        found: String,
        /// What may stand there.
        expected: &'static str,
    },
    /// The file is well formed, but of a kind that the solvers have no use for.
    Refused {
        /// The word of the banner that says so.
        word: &'static str,
        /// Why, and what to do.
        reason: &'static str,
    },
    /// A symmetric matrix must be square.
    NotSquare {
        /// Rows claimed.
        rows: u64,
        /// Columns claimed.
        columns: u64,
    },
    /// The file ends before the line with the sizes.
    NoSizes,
    /// A line has too many words or too few.
    Words {
        /// What belongs on the line.
        expected: &'static str,
    },
    /// A size or an index is not a whole number.
    NotAnInteger {
        /// The word.
        found: String,
    },
    /// A value is not a number, or not a whole one in a file of integers.
    NotANumber {
        /// The word.
        found: String,
    },
    /// A value is NaN, infinite, or too large for a 64-bit float.
    NotFinite {
        /// The word.
        found: String,
    },
    /// An index is zero.
    ZeroIndex,
    /// An index exceeds the size of the matrix.
    OutOfRange {
        /// `"row"` or `"column"`.
        axis: &'static str,
        /// The index, counted from one.
        index: u64,
        /// The largest index.
        limit: u64,
    },
    /// An entry above the diagonal, where a symmetric file holds only the lower triangle.
    AboveDiagonal {
        /// The row, counted from one.
        row: u64,
        /// The column, counted from one.
        column: u64,
    },
    /// A comment after the sizes.
    LateComment,
    /// A line is longer than any line of this format can be.
    LongLine,
    /// The file ends too early.
    TooFew {
        /// Entries that the header promised.
        expected: u64,
        /// Entries found.
        given: u64,
    },
    /// The file goes on after the last entry.
    TooMany {
        /// Entries that the header promised.
        expected: u64,
    },
    /// The header promises more entries than the file can hold.
    Claim {
        /// Entries that the header promises; `u64::MAX` stands for this many or more.
        claimed: u64,
        /// Entries for which there is room in the rest of the file.
        possible: u64,
    },
    /// Rows or columns are so many that nearly all of them must be empty.
    Hollow {
        /// The larger of rows and columns.
        size: u64,
        /// The most that a file of this length may have.
        limit: u64,
    },
    /// More rows, columns or entries (after a symmetric file was expanded) than 32-bit indices address.
    TooLarge,
}

impl fmt::Display for LineFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            LineFault::Empty => f.write_str("the file is empty; it must begin with `%%MatrixMarket matrix …`"),
            LineFault::Banner => f.write_str(
                "this is no Matrix Market file: it must begin with `%%MatrixMarket matrix coordinate real general` or the like",
            ),
            LineFault::BannerWord { found, expected } if found.is_empty() => {
                write!(f, "the banner ends where {expected} belongs; complete the first line")
            }
            LineFault::BannerWord { found, expected } => {
                write!(f, "the banner says `{found}` where {expected} belongs; correct the first line")
            }
            LineFault::Refused { word, reason } => write!(f, "`{word}` is not supported: {reason}"),
            LineFault::NotSquare { rows, columns } => {
                write!(f, "a symmetric matrix must be square, but this one is {rows} × {columns}; correct the sizes or write `general`")
            }
            LineFault::NoSizes => f.write_str("the file ends before the line with the sizes; is it complete?"),
            LineFault::Words { expected } => write!(f, "exactly {expected} must stand on this line"),
            LineFault::NotAnInteger { found } => {
                write!(f, "`{found}` stands where a whole number without sign belongs; correct it")
            }
            LineFault::NotANumber { found } => {
                write!(f, "`{found}` is not a number of the kind that this file holds; correct it")
            }
            LineFault::NotFinite { found } => {
                write!(f, "`{found}` is not a finite 64-bit number; replace it or leave the entry out")
            }
            LineFault::ZeroIndex => f.write_str("indices count from 1, so 0 names nothing; add 1 to every index"),
            LineFault::OutOfRange { axis, index, limit } => {
                write!(f, "{axis} {index} does not exist, the last one is {limit}; correct the entry or the sizes")
            }
            LineFault::AboveDiagonal { row, column } => write!(
                f,
                "row {row}, column {column} lies above the diagonal; a symmetric file gives the lower triangle only: swap the two, or write `general`"
            ),
            LineFault::LateComment => f.write_str("comments belong before the line with the sizes; move or delete this one"),
            LineFault::LongLine => f.write_str("the line is longer than 4096 bytes; is this a text file?"),
            LineFault::TooFew { expected, given } => write!(
                f,
                "the file ends here with {given} of the {expected} entries promised; is it complete?"
            ),
            LineFault::TooMany { expected } => {
                write!(f, "only {expected} entries were promised; correct the sizes or delete what follows")
            }
            LineFault::Claim { claimed: u64::MAX, possible } => {
                write!(f, "more entries are promised than can be counted; the rest of the file has room for at most {possible}; correct the sizes")
            }
            LineFault::Claim { claimed, possible } => {
                write!(f, "{claimed} entries are promised, but the rest of the file has room for at most {possible}; is it complete?")
            }
            LineFault::Hollow { size, limit } => write!(
                f,
                "{size} rows or columns are claimed, nearly all of them empty; a file of this length may have at most {limit}; number without gaps"
            ),
            LineFault::TooLarge => f.write_str("the matrix is larger than 32-bit indices can address; split it"),
        }
    }
}

/// What is wrong with a NumPy file.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum NpyFault {
    /// It does not begin like one.
    Magic,
    /// A version of the format later than 3.0.
    Version {
        /// Major version.
        major: u8,
        /// Minor version.
        minor: u8,
    },
    /// The header is no dictionary of the three known keys.
    Header {
        /// What was expected.
        expected: &'static str,
        /// Where, counted from zero in the file.
        position: usize,
    },
    /// The elements are of a type that cannot become a 64-bit float without loss of meaning.
    Type {
        /// NumPy's name of it.
        descr: String,
    },
    /// The array has another number of axes than the caller needs.
    Axes {
        /// Axes of the array.
        given: usize,
        /// What would do.
        expected: &'static str,
    },
    /// The shape names more elements than can be counted.
    TooLarge,
    /// The file ends too early.
    Truncated {
        /// Bytes that the elements need.
        needed: u64,
        /// Bytes there.
        given: u64,
    },
    /// The file goes on after the last element.
    Trailing,
    /// An element is NaN or infinite.
    NotFinite {
        /// Its position in the order of the file, counted from zero.
        index: u64,
    },
    /// The elements come in another order than a view of the file needs.
    Order {
        /// `"C"` or `"Fortran"`.
        expected: &'static str,
    },
}

impl fmt::Display for NpyFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            NpyFault::Magic => f.write_str(
                "this is no NumPy file; write one with `numpy.save` (an `.npz` must be unpacked first)",
            ),
            NpyFault::Version { major, minor } => {
                write!(f, "version {major}.{minor} of the NumPy format is not known; save with one of 1.0 to 3.0")
            }
            NpyFault::Header { expected, position } => {
                write!(
                    f,
                    "the header is damaged: {expected} expected at byte {position}; save the array again"
                )
            }
            NpyFault::Type { descr } => write!(
                f,
                "elements of type `{descr}` are not read; convert them with `array.astype('float64')`"
            ),
            NpyFault::Axes { given, expected } => {
                write!(f, "the array has {given} axes, but {expected} is needed; use `array.reshape(…)`")
            }
            NpyFault::TooLarge => f.write_str("the shape names more elements than this machine can address; save the array again, or a part of it"),
            NpyFault::Truncated { needed, given } => {
                write!(
                    f,
                    "the elements need {needed} bytes, but only {given} are there; is the file complete?"
                )
            }
            NpyFault::Trailing => {
                f.write_str("the file goes on after the last element; save one array per file")
            }
            NpyFault::Order { expected: "C" } => f.write_str(
                "the elements lie column after column; save `numpy.ascontiguousarray(array)` to use them from the file",
            ),
            NpyFault::Order { .. } => f.write_str(
                "the elements lie row after row; save `numpy.asfortranarray(array)` to use them from the file",
            ),
            NpyFault::NotFinite { index } => {
                write!(f, "element {index} (in file order, from zero) is NaN or infinite; replace it")
            }
        }
    }
}

/// What is wrong with a line of comma-separated values.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CsvFault {
    /// A word is not a number.
    NotANumber {
        /// Its column, counted from one.
        column: usize,
    },
    /// A number is NaN or infinite.
    NotFinite {
        /// Its column, counted from one.
        column: usize,
    },
    /// The line has more or fewer columns than the first.
    Width {
        /// Columns of the first line.
        expected: usize,
        /// Columns of this one.
        given: usize,
    },
    /// The line is not text (UTF-8).
    NotText,
    /// There is no line of numbers.
    Empty,
}

impl fmt::Display for CsvFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            CsvFault::NotANumber { column } => {
                write!(
                    f,
                    "column {column} is not a number; commas part the columns, and only the first line may hold words"
                )
            }
            CsvFault::NotFinite { column } => {
                write!(f, "column {column} is NaN or infinite; leave such lines out")
            }
            CsvFault::Width { expected, given } => {
                write!(
                    f,
                    "{given} columns where the first line has {expected}; complete the line or leave it out"
                )
            }
            CsvFault::NotText => f.write_str("this is not text; write the table in UTF-8"),
            CsvFault::Empty => f.write_str("the file holds no line of numbers; write one sample a line"),
        }
    }
}
