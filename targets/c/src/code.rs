//! What a function returns, and where the input was wrong.

use core::ffi::{CStr, c_char};

use southwell::Error;

/// Why a run did not start; nothing was touched then, but for the fault that says where.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Code {
    /// It ran: the report says how it ended.
    Ok = 0,
    /// A pointer is null that must not be.
    Null = 1,
    /// A pointer is not aligned for its type.
    Misaligned = 2,
    /// A length is larger than any array.
    TooLong = 3,
    /// An array that is written overlaps another one.
    Overlap = 4,
    /// The `size` of a struct is not that of this library's version.
    Size = 5,
    /// A state was not initialised.
    NotInitialised = 6,
    /// Arrays whose lengths contradict each other.
    Dimension = 10,
    /// The workspace is too short.
    Workspace = 11,
    /// An option or a parameter lies outside its range.
    Option = 12,
    /// A diagonal entry does not allow the method.
    Diagonal = 13,
    /// A value is NaN or infinite.
    Value = 14,
    /// A value is negative where none may be.
    Negative = 15,
    /// Masses that contradict each other, or vanish.
    Mass = 16,
    /// The indices of a sparse matrix contradict each other.
    Structure = 17,
    /// The problem is larger than 32-bit indices can address.
    TooLarge = 18,
    /// A row or a column that must carry something has no entry to carry it with.
    EmptyLine = 19,
    /// A lower bound lies above its upper bound.
    Bounds = 20,
    /// A matrix that must be symmetric is not.
    Asymmetric = 21,
    /// A label is none of the classes.
    Label = 22,
    /// A matrix that must be positive definite is not.
    Indefinite = 23,
    /// Anything else.
    Other = 99,
}

/// Where the input was wrong.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The code that the function returned.
    pub code: Code,
    /// The name of the argument, `argument_len` characters without a final zero; not owned by the caller.
    pub argument: *const c_char,
    /// Characters of the name.
    pub argument_len: usize,
    /// What it must satisfy, `requirement_len` characters, where there is more to say than the code.
    pub requirement: *const c_char,
    /// Characters of the requirement.
    pub requirement_len: usize,
    /// The position of the element, counted from zero.
    pub index: usize,
    /// The length that was needed.
    pub needed: usize,
    /// The length that came.
    pub given: usize,
}

impl Fault {
    /// A fault of an argument.
    pub(crate) fn new(code: Code, argument: &'static str) -> Self {
        let (requirement, requirement_len) = ("".as_ptr().cast(), 0);
        let (argument, argument_len) = (argument.as_ptr().cast(), argument.len());
        Self { code, argument, argument_len, requirement, requirement_len, index: 0, needed: 0, given: 0 }
    }

    fn at(self, index: usize) -> Self {
        Self { index, ..self }
    }

    fn lengths(self, needed: usize, given: usize) -> Self {
        Self { needed, given, ..self }
    }

    fn must(self, requirement: &'static str) -> Self {
        Self { requirement: requirement.as_ptr().cast(), requirement_len: requirement.len(), ..self }
    }
}

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        match error {
            Error::Dimension { argument, expected, given } => {
                Self::new(Code::Dimension, argument).lengths(expected, given)
            }
            Error::Workspace { needed, given } => {
                Self::new(Code::Workspace, "workspace").lengths(needed, given)
            }
            Error::Option { name, requirement } => Self::new(Code::Option, name).must(requirement),
            Error::Diagonal { row, .. } => Self::new(Code::Diagonal, "values").at(row),
            Error::Value { argument, index } => Self::new(Code::Value, argument).at(index),
            Error::Negative { argument, index } => Self::new(Code::Negative, argument).at(index),
            Error::Mass { argument, requirement } => Self::new(Code::Mass, argument).must(requirement),
            Error::Structure { argument, index, .. } => Self::new(Code::Structure, argument).at(index),
            Error::TooLarge { argument } => Self::new(Code::TooLarge, argument),
            Error::EmptyLine { line, index } => Self::new(Code::EmptyLine, line).at(index),
            Error::Bounds { index } => Self::new(Code::Bounds, "lower").at(index),
            Error::Asymmetric { argument, row, .. } => Self::new(Code::Asymmetric, argument).at(row),
            Error::Label { argument, index } => Self::new(Code::Label, argument).at(index),
            _ => Self::new(Code::Other, ""),
        }
    }
}

/// What a code means, in a few words; never null. Any number is allowed.
#[unsafe(no_mangle)]
pub extern "C" fn southwell_code_text(code: i32) -> *const c_char {
    let text: &CStr = match code {
        0 => c"it ran: the report says how it ended",
        1 => c"a pointer is null that must not be",
        2 => c"a pointer is not aligned for its type",
        3 => c"a length is larger than any array",
        4 => c"an array that is written overlaps another one",
        5 => c"the size of a struct is not that of this library: set it to sizeof, or rebuild",
        6 => c"a state was not initialised: call its init function first",
        10 => c"arrays whose lengths contradict each other",
        11 => c"the workspace is too short: ask the workspace function for the length",
        12 => c"an option or a parameter lies outside its range",
        13 => c"a diagonal entry is missing, zero, or not positive where it must be",
        14 => c"a value is NaN or infinite",
        15 => c"a value is negative where none may be",
        16 => c"masses contradict each other, or vanish",
        17 => c"the indices of a sparse matrix contradict each other",
        18 => c"the problem is larger than 32-bit indices can address",
        19 => c"a row or a column that must carry something has no entry to carry it with",
        20 => c"a lower bound lies above its upper bound",
        21 => c"a matrix that must be symmetric is not",
        22 => c"a label is none of the classes",
        23 => c"a matrix that must be positive definite is not",
        _ => c"refused for another reason",
    };
    text.as_ptr()
}
