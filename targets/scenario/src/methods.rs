//! Every relaxation method once, on small systems.
//!
//! The systems are heat-like: a cell is coupled to its neighbours by the mean of two conductivities,
//! and its diagonal exceeds the sum of its couplings by one. So every method converges, and the
//! answers are worth comparing.
//!
//! The four kinds of matrix are not inlined, so that their frames do not add up on a small stack.

use core::fmt::Write;
use core::hint::black_box;

use southwell::linear::{Csr, Dense, Matrix, Star, Stencil2d, Stencil3d};
use southwell::relaxation::{
    Blocks, Colouring, Fixed, Lines, Multicolour, OmegaRule, Problem, RedBlack, Relax, Split, Young, cg, sor,
    ssor_cg,
};
use southwell::{Error, Real, Report};

use crate::Fnv;

/// Numbers that a run needs: 3.1 KiB in `f32`, 6.3 KiB in `f64`.
pub const REALS: usize = 800;
/// Indices that a run needs: 1.2 KiB.
pub const INDICES: usize = 300;

/// Steps and the answer's hash, before they have a name.
type Found = Result<(u32, u64), Error>;

/// What a method found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// The method, the matrix and the order.
    pub name: &'static str,
    /// Steps until it converged; `u32::MAX` if it did not, or was refused.
    pub steps: u32,
    /// Hash of its answer's bits.
    pub answer: u64,
}

impl Outcome {
    /// Whether this is what was expected, bit for bit, and an answer at all.
    #[must_use]
    pub fn agrees(&self, expected: &Outcome) -> bool {
        self == expected && self.steps != u32::MAX
    }
}

/// Runs every method in memory of [`REALS`] and [`INDICES`] elements, which may be dirty, and hands over
/// what each found.
pub fn run<T: Real>(reals: &mut [T], indices: &mut [u32], found: &mut impl FnMut(Outcome)) {
    let mut tell = |name, result: Found| {
        let (steps, answer) = result.unwrap_or((u32::MAX, 0));
        found(Outcome { name, steps, answer });
    };
    let (reals, indices) = (black_box(reals), black_box(indices));
    for method in SPARSE {
        tell(method.0, sparse(method, reals, indices));
    }
    for method in PLANE {
        tell(method.0, plane(method, reals));
    }
    for method in SPACE {
        tell(method.0, space(method, reals));
    }
    for method in DENSE {
        tell(method.0, dense(method, reals));
    }
    tell("what errors say", refusals::<T>());
}

/// A method and the order in which it visits the unknowns.
#[derive(Clone, Copy)]
enum How {
    Sor(sor::Sweep),
    SsorCg,
    Cg,
    Greedy,
    RedBlack,
    Lines,
    Blocks(usize),
    Young,
}
use How::{Greedy, Sor, SsorCg};
use sor::Sweep::{Backward, Forward, Symmetric};

type Method = (&'static str, How, Shape);

/// The grid, and whether its couplings are given by cell.
#[derive(Clone, Copy)]
struct Shape {
    planes: usize,
    rows: usize,
    columns: usize,
    by_cell: bool,
}

const fn shape(planes: usize, rows: usize, columns: usize, by_cell: bool) -> Shape {
    Shape { planes, rows, columns, by_cell }
}

/// Odd sizes, so that leftovers of vectors and of groups of rows occur.
const SMALL: Shape = shape(1, 5, 7, true);
/// Two windows a row.
const WIDE: Shape = shape(1, 4, 66, false);
const SQUARE: Shape = shape(1, 9, 9, false);
const BOX: Shape = shape(3, 4, 5, false);
const BOX_BY_CELL: Shape = shape(3, 3, 4, true);

const SPARSE: [Method; 9] = [
    ("sor csr forward", Sor(Forward), SMALL),
    ("sor csr backward", Sor(Backward), SMALL),
    ("sor csr symmetric", Sor(Symmetric), SMALL),
    ("sor csr multicolour", Greedy, SMALL),
    ("sor csr red-black by hand", How::RedBlack, SMALL),
    ("sor csr blocks", How::Blocks(3), SMALL),
    ("sor csr young", How::Young, SMALL),
    ("ssor-cg csr", SsorCg, SMALL),
    ("cg csr", How::Cg, SMALL),
];

const PLANE: [Method; 14] = [
    ("sor plane wide forward", Sor(Forward), WIDE),
    ("sor plane wide backward", Sor(Backward), WIDE),
    ("sor plane symmetric", Sor(Symmetric), SQUARE),
    ("sor plane red-black", How::RedBlack, SQUARE),
    ("sor plane lines", How::Lines, SQUARE),
    ("sor plane young", How::Young, SQUARE),
    ("ssor-cg plane", SsorCg, SQUARE),
    ("cg plane", How::Cg, SQUARE),
    ("sor plane by cell forward", Sor(Forward), SMALL),
    ("sor plane by cell backward", Sor(Backward), SMALL),
    ("sor plane by cell red-black", How::RedBlack, SMALL),
    ("sor plane by cell lines", How::Lines, SMALL),
    ("ssor-cg plane by cell", SsorCg, SMALL),
    ("cg plane by cell", How::Cg, SMALL),
];

const SPACE: [Method; 10] = [
    ("sor space forward", Sor(Forward), BOX),
    ("sor space symmetric", Sor(Symmetric), BOX),
    ("sor space red-black", How::RedBlack, BOX),
    ("sor space lines", How::Lines, BOX),
    ("ssor-cg space", SsorCg, BOX),
    ("cg space", How::Cg, BOX),
    ("sor space by cell symmetric", Sor(Symmetric), BOX_BY_CELL),
    ("sor space by cell red-black", How::RedBlack, BOX_BY_CELL),
    ("sor space by cell lines", How::Lines, BOX_BY_CELL),
    ("ssor-cg space by cell", SsorCg, BOX_BY_CELL),
];

const DENSE: [Method; 5] = [
    ("sor dense forward", Sor(Forward), shape(1, 3, 6, true)),
    ("sor dense symmetric", Sor(Symmetric), shape(1, 3, 6, true)),
    ("sor dense young", How::Young, shape(1, 3, 6, true)),
    ("ssor-cg dense", SsorCg, shape(1, 3, 6, true)),
    ("cg dense", How::Cg, shape(1, 3, 6, true)),
];

/// Methods that a run tells about.
pub const METHODS: usize = SPARSE.len() + PLANE.len() + SPACE.len() + DENSE.len() + 1;

const REFUSED: Error = Error::Option { name: "method", requirement: "is not made for this matrix" };

impl Shape {
    fn cells(self) -> usize {
        self.planes.saturating_mul(self.rows).saturating_mul(self.columns)
    }

    /// The neighbours of a cell, in the order west, east, south, north, down, up.
    fn neighbours(self, cell: usize) -> [Option<usize>; 6] {
        let (columns, rows) = (self.columns.max(1), self.rows.max(1));
        let (line, column) = (cell / columns, cell % columns);
        let (plane, row) = (line / rows, line % rows);
        let layer = columns.saturating_mul(rows);
        let neighbour = |exists: bool, at: usize| exists.then_some(at);
        [
            neighbour(column > 0, cell.wrapping_sub(1)),
            neighbour(column.wrapping_add(1) < columns, cell.wrapping_add(1)),
            neighbour(row > 0, cell.wrapping_sub(columns)),
            neighbour(row.wrapping_add(1) < rows, cell.wrapping_add(columns)),
            neighbour(plane > 0, cell.wrapping_sub(layer)),
            neighbour(plane.wrapping_add(1) < self.planes, cell.wrapping_add(layer)),
        ]
    }

    /// −(k + k')/2 with k = 1 + (7·cell mod 5)/8; −¾ where all cells are alike.
    fn coupling<T: Real>(self, cell: usize, other: usize) -> T {
        if !self.by_cell {
            return T::from_f64(-0.75);
        }
        let k = |cell: usize| T::ONE + T::from_usize(cell.wrapping_mul(7) % 5) / T::from_u32(8);
        -(T::HALF * (k(cell) + k(other)))
    }

    /// One more than what couples the cell to its neighbours; those outside the grid count too.
    fn centre<T: Real>(self, cell: usize) -> T {
        let sides = if self.planes > 1 { 6 } else { 4 };
        self.neighbours(cell)
            .into_iter()
            .take(sides)
            .fold(T::ONE, |sum, neighbour| sum - self.coupling::<T>(cell, neighbour.unwrap_or(cell)))
    }
}

/// Cuts memory into two; nothing where it is too short.
fn cut<T>(memory: &mut [T], len: usize) -> Result<(&mut [T], &mut [T]), Error> {
    let given = memory.len();
    memory.split_at_mut_checked(len).ok_or(Error::Workspace { needed: len, given })
}

/// The right-hand side and the start, carved and filled, and what is left, dirty.
fn vectors<T: Real>(memory: &mut [T], n: usize) -> Result<[&mut [T]; 3], Error> {
    let (rhs, rest) = cut(memory, n)?;
    let (x, rest) = cut(rest, n)?;
    for (i, (b, x)) in rhs.iter_mut().zip(&mut *x).enumerate() {
        *b = T::from_usize(i.wrapping_mul(5) % 11) / T::from_u32(11) - T::from_f64(0.25);
        *x = T::from_usize(i.wrapping_mul(3) % 7) / T::from_u32(7);
    }
    rest.fill(T::NAN);
    Ok([rhs, x, rest])
}

fn outcome<T: Real>(report: &Report<T>, x: &[T]) -> (u32, u64) {
    let mut hash = Fnv::default();
    hash.reals(x);
    (if report.converged() { report.steps } else { u32::MAX }, hash.value())
}

fn by_sor<T: Real, A: Relax<T>>(
    matrix: &A,
    sweep: sor::Sweep,
    rule: &mut impl OmegaRule<T>,
    memory: &mut [T],
) -> Found {
    let [rhs, x, rest] = vectors(memory, matrix.order())?;
    let problem = Problem::new(matrix, rhs)?;
    let workspace = sor::Workspace::new(&problem, rest)?;
    let options = sor::Options { sweep, ..sor::Options::default() };
    let report = sor::solve(&problem, &options, rule, x, workspace, &mut ())?;
    Ok(outcome(&report, x))
}

fn by_ssor_cg<T: Real, A: Split<T>>(matrix: &A, memory: &mut [T]) -> Found {
    let [rhs, x, rest] = vectors(memory, matrix.order())?;
    let problem = Problem::new(matrix, rhs)?;
    let workspace = ssor_cg::Workspace::new(&problem, rest)?;
    let mut rule = Fixed(T::from_f64(1.2));
    let report = ssor_cg::solve(&problem, &ssor_cg::Options::default(), &mut rule, x, workspace, &mut ())?;
    Ok(outcome(&report, x))
}

fn by_cg<T: Real, A: Matrix<T>>(matrix: &A, memory: &mut [T]) -> Found {
    let [rhs, x, rest] = vectors(memory, matrix.order())?;
    let problem = Problem::new(matrix, rhs)?;
    let workspace = cg::Workspace::new(&problem, rest)?;
    let report = cg::solve(&problem, &cg::Options::default(), x, workspace, &mut ())?;
    Ok(outcome(&report, x))
}

/// Estimates Jacobi's radius, then relaxes with Young's omega.
fn by_young<T: Real, A: Relax<T>>(matrix: &A, memory: &mut [T]) -> Found {
    let [rhs, _, rest] = vectors(memory, matrix.order())?;
    let mut young = Young::estimate(&Problem::new(matrix, rhs)?, black_box(8), rest)?;
    by_sor(matrix, Forward, &mut young, memory)
}

/// The methods that every kind of matrix knows.
fn by_any<T: Real, A: Relax<T> + Split<T>>(how: How, matrix: &A, memory: &mut [T]) -> Found {
    match how {
        Sor(sweep) => by_sor(matrix, sweep, &mut Fixed(T::from_f64(1.1)), memory),
        SsorCg => by_ssor_cg(matrix, memory),
        How::Cg => by_cg(matrix, memory),
        How::Young => by_young(matrix, memory),
        _ => Err(REFUSED),
    }
}

#[inline(never)]
fn sparse<T: Real>((_, how, shape): Method, reals: &mut [T], indices: &mut [u32]) -> Found {
    let (how, shape) = (black_box(how), black_box(shape));
    let n = shape.cells();
    let entries =
        (0..n).fold(n, |sum, cell| sum.wrapping_add(shape.neighbours(cell).iter().flatten().count()));
    let (offsets, indices) = cut(indices, n.saturating_add(1))?;
    let (columns, indices) = cut(indices, entries)?;
    let (values, reals) = cut(reals, entries)?;
    let mut end = 0;
    let mut ends = offsets.iter_mut();
    ends.next().into_iter().for_each(|first| *first = 0);
    for (cell, offset) in ends.enumerate() {
        let [west, east, south, north, down, up] = shape.neighbours(cell);
        for other in [down, south, west, Some(cell), east, north, up].into_iter().flatten() {
            if let (Some(column), Some(value)) = (columns.get_mut(end), values.get_mut(end)) {
                *column = other as u32;
                *value = if other == cell { shape.centre(cell) } else { shape.coupling(cell, other) };
            }
            end = end.wrapping_add(1);
        }
        *offset = end as u32;
    }
    let matrix = Csr::new(offsets, columns, values)?;
    let mut fixed = Fixed(T::from_f64(1.1));
    match how {
        Greedy => {
            let colouring = Colouring::greedy(&matrix, indices)?;
            by_sor(&Multicolour::new(matrix, colouring)?, Forward, &mut fixed, reals)
        }
        How::RedBlack => {
            // Five by seven cells: the even ones are red, one more than the odd ones.
            let (order, indices) = cut(indices, n)?;
            let (starts, scratch) = cut(indices, 3)?;
            let red = n.div_ceil(2);
            for (k, order) in order.iter_mut().enumerate() {
                let cell = if k < red {
                    k.wrapping_mul(2)
                } else {
                    k.wrapping_sub(red).wrapping_mul(2).wrapping_add(1)
                };
                *order = cell as u32;
            }
            starts.iter_mut().zip([0, red as u32, n as u32]).for_each(|(start, value)| *start = value);
            let colouring = Colouring::new(&matrix, order, starts, scratch)?;
            by_sor(&Multicolour::new(matrix, colouring)?, Backward, &mut fixed, reals)
        }
        How::Blocks(size) => by_sor(&Blocks::new(matrix, size)?, Symmetric, &mut fixed, reals),
        _ => by_any(how, &matrix, reals),
    }
}

/// The couplings of every cell, one array a direction.
fn by_cell<T: Real>(shape: Shape, memory: &mut [T]) -> Result<(Star<&[T]>, &mut [T]), Error> {
    let n = shape.cells();
    let (arrays, rest) = cut(memory, n.saturating_mul(7))?;
    let mut arrays = arrays.chunks_mut(n.max(1));
    let mut next = |direction: Option<usize>| {
        let array = arrays.next().unwrap_or(&mut []);
        for (cell, value) in array.iter_mut().enumerate() {
            *value = match direction {
                None => shape.centre(cell),
                Some(d) => {
                    let other = shape.neighbours(cell).into_iter().nth(d).flatten();
                    shape.coupling(cell, other.unwrap_or(cell))
                }
            };
        }
        &*array
    };
    let star = Star {
        centre: next(None),
        west: next(Some(0)),
        east: next(Some(1)),
        south: next(Some(2)),
        north: next(Some(3)),
        down: next(Some(4)),
        up: next(Some(5)),
    };
    Ok((star, rest))
}

/// The same couplings everywhere.
fn constant<T: Real>(shape: Shape) -> Star<T> {
    let c = shape.coupling(0, 0);
    Star { centre: shape.centre(0), west: c, east: c, south: c, north: c, down: c, up: c }
}

#[inline(never)]
fn plane<T: Real>((_, how, shape): Method, memory: &mut [T]) -> Found {
    let (how, shape) = (black_box(how), black_box(shape));
    let (matrix, rest) = if shape.by_cell {
        let (star, rest) = by_cell(shape, memory)?;
        (Stencil2d::per_cell(shape.rows, shape.columns, star)?, rest)
    } else {
        (Stencil2d::constant(shape.rows, shape.columns, constant(shape))?, memory)
    };
    let mut fixed = Fixed(T::from_f64(1.1));
    match how {
        How::RedBlack => by_sor(&RedBlack::<Stencil2d<'_, T>>::new(matrix), Symmetric, &mut fixed, rest),
        How::Lines => by_sor(&Lines::<Stencil2d<'_, T>>::new(matrix), Symmetric, &mut fixed, rest),
        _ => by_any(how, &matrix, rest),
    }
}

#[inline(never)]
fn space<T: Real>((_, how, shape): Method, memory: &mut [T]) -> Found {
    let (how, shape) = (black_box(how), black_box(shape));
    let Shape { planes, rows, columns, .. } = shape;
    let (matrix, rest) = if shape.by_cell {
        let (star, rest) = by_cell(shape, memory)?;
        (Stencil3d::per_cell(planes, rows, columns, star)?, rest)
    } else {
        (Stencil3d::constant(planes, rows, columns, constant(shape))?, memory)
    };
    let mut fixed = Fixed(T::from_f64(1.1));
    match how {
        How::RedBlack => by_sor(&RedBlack::<Stencil3d<'_, T>>::new(matrix), Symmetric, &mut fixed, rest),
        How::Lines => by_sor(&Lines::<Stencil3d<'_, T>>::new(matrix), Symmetric, &mut fixed, rest),
        _ => by_any(how, &matrix, rest),
    }
}

#[inline(never)]
fn dense<T: Real>((_, how, shape): Method, memory: &mut [T]) -> Found {
    let (how, shape) = (black_box(how), black_box(shape));
    let n = shape.cells();
    // One number of padding a row.
    let stride = black_box(n.saturating_add(1));
    let (values, rest) = cut(memory, n.saturating_mul(stride))?;
    values.fill(T::ZERO);
    for (cell, row) in values.chunks_mut(stride.max(1)).enumerate() {
        let others = shape.neighbours(cell).into_iter().flatten();
        for other in others.chain([cell]) {
            if let Some(entry) = row.get_mut(other) {
                *entry = if other == cell { shape.centre(cell) } else { shape.coupling(cell, other) };
            }
        }
    }
    by_any(how, &Dense::new(values, n, stride)?, rest)
}

/// What the library says when it refuses: the words may change, so only their number counts.
fn refusals<T: Real>() -> Found {
    let (one, nan) = ([T::ONE], [T::NAN]);
    let (one, nan) = (black_box(&one[..]), black_box(&nan[..]));
    let (none, unit) = (black_box(&[0_u32, 0][..]), black_box(&[0_u32, 1][..]));
    let zero = black_box(&[0_u32][..]);
    let errors = [
        Dense::new(one, 2, 2).err(),
        Dense::new(one, 2, black_box(1)).err(),
        Dense::new(nan, 1, 1).err(),
        Csr::new(unit, unit, one).err(),
        Csr::new(unit, black_box(&[1]), one).err(),
        Csr::new(unit, zero, nan).err(),
        Csr::new(none, &[], &[] as &[T]).and_then(|a| Problem::new(&a, one).map(|_| ())).err(),
        Csr::new(unit, zero, one).and_then(|a| Blocks::new(a, black_box(9)).map(|_| ())).err(),
        Stencil2d::constant(usize::MAX, 2, Star { centre: T::ONE, ..Star::default() }).err(),
    ];
    let (mut words, mut refused) = (Fnv::default(), 0);
    for error in errors.into_iter().flatten() {
        if writeln!(words, "{error}").is_ok() {
            refused += 1;
        }
    }
    black_box(words);
    Ok((refused, 0))
}
