//! Why a run could not start, and where the input was wrong.

use core::fmt;

/// The input was refused: nothing was computed and no output was touched.
///
/// How a run *ended* is a [`Status`](crate::Status), never an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
// A tag as wide as what follows: it is handed on in whole words, which saves flash wherever `?` stands.
#[repr(u32)]
#[non_exhaustive]
pub enum Error {
    /// An argument has the wrong length or shape.
    Dimension {
        /// The argument's name as the documentation spells it.
        argument: &'static str,
        /// The length that the other arguments demand.
        expected: usize,
        /// The length that came.
        given: usize,
    },
    /// The workspace is too short.
    Workspace {
        /// Elements needed (`required_len`).
        needed: usize,
        /// Elements given.
        given: usize,
    },
    /// An option or a parameter lies outside its range.
    Option {
        /// The option's name.
        name: &'static str,
        /// What it must satisfy.
        requirement: &'static str,
    },
    /// A diagonal entry does not allow the method.
    Diagonal {
        /// The row, counted from zero.
        row: usize,
        /// What is wrong with its diagonal entry.
        fault: DiagonalFault,
    },
    /// A value is NaN or infinite.
    Value {
        /// The argument's name.
        argument: &'static str,
        /// Position in the argument, counted from zero.
        index: usize,
    },
    /// A value is negative where none may be.
    Negative {
        /// The argument's name.
        argument: &'static str,
        /// Position in the argument, counted from zero.
        index: usize,
    },
    /// Masses that contradict each other, or vanish.
    Mass {
        /// The argument's name.
        argument: &'static str,
        /// What it must satisfy.
        requirement: &'static str,
    },
    /// The index structure of a sparse matrix, a colouring or a partition contradicts itself.
    Structure {
        /// The argument's name.
        argument: &'static str,
        /// Position in the argument, counted from zero.
        index: usize,
        /// What is wrong there.
        fault: StructureFault,
    },
    /// The problem is larger than 32-bit indices can address.
    TooLarge {
        /// The argument's name.
        argument: &'static str,
    },
    /// A row or a column that must carry something has no entry to carry it with.
    EmptyLine {
        /// `row` or `column`.
        line: &'static str,
        /// Which one, counted from zero.
        index: usize,
    },
    /// A lower bound lies above its upper bound.
    Bounds {
        /// The variable, counted from zero.
        index: usize,
    },
    /// A matrix that must be symmetric is not.
    Asymmetric {
        /// The argument's name.
        argument: &'static str,
        /// The row of an entry that differs from its mirror image by more than rounding.
        row: usize,
        /// Its column.
        column: usize,
    },
    /// A label is none of the classes.
    Label {
        /// The argument's name.
        argument: &'static str,
        /// Position in the argument, counted from zero.
        index: usize,
    },
}

/// What is wrong with a diagonal entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum DiagonalFault {
    /// No entry is stored on the diagonal.
    Missing,
    /// The entry is zero, or so small that its reciprocal overflows.
    Zero,
    /// The method needs a positive entry.
    NotPositive,
    /// The diagonal block cannot be factorised.
    SingularBlock,
}

/// What is wrong with an index.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum StructureFault {
    /// An offset is smaller than the one before it.
    Decreasing,
    /// The first offset is not zero.
    FirstNotZero,
    /// Indices of a row or column are not strictly increasing.
    Unsorted,
    /// The index does not exist.
    OutOfRange,
    /// The index occurs more than once, or one is missing.
    NotAPermutation,
    /// Two coupled rows have the same colour.
    SameColour,
    /// A block holds no variable.
    EmptyBlock,
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Error::Dimension { argument, expected, given } => {
                write!(
                    f,
                    "`{argument}` has length {given}, but the other arguments demand {expected}; pass that many"
                )
            }
            Error::Workspace { needed, given } => write!(
                f,
                "the workspace holds {given} elements, but {needed} are needed; size it with `required_len`"
            ),
            Error::Option { name, requirement } => write!(f, "`{name}` {requirement}"),
            Error::Diagonal { row, fault } => match fault {
                DiagonalFault::Missing => {
                    write!(
                        f,
                        "row {row} has no entry on the diagonal; store one, as this method divides by it"
                    )
                }
                DiagonalFault::Zero => write!(
                    f,
                    "the diagonal entry of row {row} is zero or too small to divide by; reorder the equations"
                ),
                DiagonalFault::NotPositive => write!(
                    f,
                    "the diagonal entry of row {row} is not positive; this method needs a symmetric positive definite matrix"
                ),
                DiagonalFault::SingularBlock => {
                    write!(f, "the diagonal block that begins at row {row} is singular; choose other blocks")
                }
            },
            Error::Value { argument, index } => {
                write!(f, "`{argument}[{index}]` is NaN or infinite; replace it by a number")
            }
            Error::Negative { argument, index } => {
                write!(f, "`{argument}[{index}]` is negative; zero is the least allowed there")
            }
            Error::Mass { argument, requirement } => write!(f, "the mass of `{argument}` {requirement}"),
            Error::Structure { argument, index, fault } => {
                let what = match fault {
                    StructureFault::Decreasing => {
                        "is smaller than the one before it; offsets count entries and never decrease"
                    }
                    StructureFault::FirstNotZero => "is the first offset, which must be zero",
                    StructureFault::Unsorted => {
                        "is not larger than the index before it in the same line; sort the line and merge duplicates"
                    }
                    StructureFault::OutOfRange => "is out of range; indices count from zero",
                    StructureFault::NotAPermutation => {
                        "breaks the permutation: every row must occur exactly once"
                    }
                    StructureFault::SameColour => {
                        "has the colour of a row that it is coupled to; colour anew whenever the pattern changes"
                    }
                    StructureFault::EmptyBlock => "ends a block that holds no variable; leave the block out",
                };
                write!(f, "`{argument}[{index}]` {what}")
            }
            Error::TooLarge { argument } => {
                write!(f, "`{argument}` is larger than 32-bit indices can address; split the problem")
            }
            Error::EmptyLine { line, index } => write!(
                f,
                "{line} {index} must carry something, but has no entry to carry it with (other than in lines that carry nothing); leave it out"
            ),
            Error::Bounds { index } => {
                write!(
                    f,
                    "the lower bound of variable {index} lies above its upper bound; swap the two or correct one"
                )
            }
            Error::Asymmetric { argument, row, column } => {
                write!(
                    f,
                    "`{argument}` must be symmetric, but entry ({row}, {column}) differs from ({column}, {row}); take (A + Aᵀ)/2"
                )
            }
            Error::Label { argument, index } => {
                write!(
                    f,
                    "`{argument}[{index}]` is none of the classes; of two they are −1 and 1, of k they are 0 to k − 1"
                )
            }
        }
    }
}

impl core::error::Error for Error {}
