//! Every pass of `southwell-simd` on small operands, ordinary and strange.
//!
//! A pass is a line in [`Table::ALL`]: what it writes to `c.a` to `c.d` and to `c.indices`, and what it
//! hands to `c.value` and its kin, is hashed over several lengths, grids and kinds of numbers. The hash is the
//! same on every machine.

use core::hint::black_box;

use southwell::Real;
use southwell_simd::csr::{self, Rows};
use southwell_simd::dense::{self, Matrix, MatrixMut};
use southwell_simd::elementary;
use southwell_simd::points;
use southwell_simd::short;
use southwell_simd::stencil::{self, Coefficients, Grid, Star};
use southwell_simd::vector::{self, Coordinates, Kink, Rank};

use crate::Fnv;

/// Numbers that a run needs: 2.1 KiB in `f32`, 4.2 KiB in `f64`.
pub const REALS: usize = POOL + OUTPUTS * CELLS;
/// Indices that a run needs.
pub const INDICES: usize = 32;
/// Cells of every grid, and the most numbers of a vector: four blocks of sixteen and six.
const CELLS: usize = 70;
/// Numbers that operands are cut from; they overlap, at odd distances.
const POOL: usize = 264;
const OUTPUTS: usize = 4;

/// What a pass wrote and returned in all cases.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Made {
    /// The pass, as `module::function` and perhaps a word more.
    pub name: &'static str,
    /// The hash.
    pub bits: u64,
}

/// Runs every pass in memory of [`REALS`] and [`INDICES`] elements, which may be dirty, and hands over what
/// each made.
pub fn run<T: Real>(reals: &mut [T], indices: &mut [u32], found: &mut impl FnMut(Made)) {
    let (reals, indices) = (black_box(reals), black_box(indices));
    for &(name, pass) in Table::ALL {
        let mut hash = Fnv::default();
        for case in CASES {
            every_operand(black_box(case), pass, reals, indices, &mut hash);
        }
        found(Made { name, bits: hash.value() });
    }
}

type Pass<T> = (&'static str, fn(&mut Case<'_, T>));

/// The passes for one type.
struct Table<T>(T);

impl<T: Real> Table<T> {
    const ALL: &'static [Pass<T>] = &[
        ("vector::dot", |c| c.value(vector::dot(c.x, c.y))),
        ("vector::dot3", |c| c.value(vector::dot3(c.x, c.y, c.z))),
        ("vector::dot_square", |c| c.pair(vector::dot_square(c.x, c.y))),
        ("vector::add_square", |c| c.value_of(|c| vector::add_square(c.x, c.a))),
        ("vector::sum", |c| c.value(vector::sum(c.x))),
        ("vector::sum_abs", |c| c.value(vector::sum_abs(c.x))),
        ("vector::norm", |c| c.value(vector::norm(c.x))),
        ("vector::norm_scaled", |c| c.value(vector::norm_scaled(c.x))),
        ("vector::norm_scaled of large numbers", |c| {
            vector::scale(T::MAX, c.a);
            c.value(vector::norm_scaled(c.a));
        }),
        ("vector::scaled_square", |c| c.value(vector::scaled_square(c.alpha, c.x))),
        ("vector::axpy", |c| vector::axpy(c.alpha, c.x, c.a)),
        ("vector::axpy_square", |c| c.value_of(|c| vector::axpy_square(c.alpha, c.x, c.a))),
        ("vector::xpby", |c| vector::xpby(c.x, c.beta, c.a)),
        ("vector::axpby", |c| vector::axpby(c.alpha, c.x, c.beta, c.a)),
        ("vector::scaled_xpby", |c| vector::scaled_xpby(c.alpha, c.z, c.x, c.beta, c.a)),
        ("vector::rsub", |c| vector::rsub(c.x, c.a)),
        ("vector::scale", |c| vector::scale(c.alpha, c.a)),
        ("vector::multiply", |c| vector::multiply(c.x, c.a)),
        ("vector::soft_threshold", |c| vector::soft_threshold(c.limit, c.a)),
        ("vector::soft_threshold_each", |c| vector::soft_threshold_each(c.x, c.a)),
        ("vector::clamp", |c| vector::clamp(-c.limit, c.limit, c.a)),
        ("vector::clamp_each", |c| vector::clamp_each(c.x, c.y, c.a)),
        ("vector::sign_sum", |c| c.value_of(|c| vector::sign_sum(c.a))),
        ("vector::kink_violations", |c| vector::kink_violations(c.kink(), c.x, c.y, c.z, c.a)),
        ("vector::kink_lengths", |c| vector::kink_lengths(c.kink(), c.x, c.y, c.z, c.a)),
        ("vector::kink_gains", |c| vector::kink_gains(c.kink(), c.x, c.y, c.z, c.a)),
        ("vector::kink_largest", |c| c.value(vector::kink_largest(c.kink(), c.x, c.y))),
        ("vector::axpy_ranked", |c| {
            for rank in [Rank::Slope, Rank::Violation(c.kink()), Rank::Length(c.kink()), Rank::Gain(c.kink())]
            {
                let found = vector::axpy_ranked(rank, c.alpha, c.x, c.a, c.y, c.z);
                c.index(found);
            }
        }),
        ("vector::largest_weights", |c| vector::largest_weights(c.x, c.a)),
        ("vector::best_step", |c| {
            for positive in [false, true] {
                let of = Coordinates { x: c.x, slope: c.y, inverse: c.z, weight: c.y, curvature: c.z };
                let (place, violation) = vector::best_step(positive, of);
                c.index(place);
                c.value(violation);
            }
        }),
        ("vector::max_abs", |c| c.value(vector::max_abs(c.x))),
        ("vector::largest", |c| c.place(vector::largest(c.x, c.y))),
        ("vector::k_largest", |c| {
            let found = vector::k_largest(c.x, c.y, c.indices, c.b);
            c.index(Some(found));
        }),
        ("vector::first_not_finite", |c| c.index(vector::first_not_finite(c.x))),
        ("dense::apply", |c| dense::apply(c.dense, c.u, c.a)),
        ("dense::apply of rows of every width", |c| {
            for n in 0..=c.dense.columns {
                dense::apply(Matrix { columns: n, ..c.dense }, c.v, c.a);
                reals(c.hash, c.a);
                dense::apply(Matrix { columns: n, stride: n, ..c.dense }, c.v, c.a);
                reals(c.hash, c.a);
            }
        }),
        ("dense::dots_of", |c| dense::dots_of(c.dense, &[3, 0, 5, 99], c.u, c.a)),
        ("dense::residual", |c| dense::residual(c.dense, c.v, c.u, c.a)),
        ("dense::residual_square", |c| c.value(dense::residual_square(c.dense, c.v, c.u))),
        ("dense::apply_transposed", |c| dense::apply_transposed(c.dense, c.v, c.a)),
        ("dense::add_transposed", |c| dense::add_transposed(c.dense, c.v, c.a)),
        ("dense::update_rows", |c| dense::update_rows(c.dense, c.u, c.a, |_, sum| sum * T::HALF)),
        ("dense::update_section", |c| {
            let told = dense::update_section(c.dense, 2, c.u, |_, sum| (sum * T::HALF, sum), c.b, c.a);
            c.value(told);
        }),
        ("dense::rank_one", |c| dense::rank_one(matrix(c.a), c.alpha, c.u, c.v)),
        ("dense::symmetric_rank_one", |c| dense::symmetric_rank_one(matrix(c.a), c.alpha, c.u)),
        ("dense::rank_k", |c| dense::rank_k(matrix(c.a), c.alpha, Matrix { columns: 3, ..c.dense }, c.dense)),
        ("dense::sor_sweep", |c| dense::sor_sweep(c.dense, false, c.omega, c.w, c.v, c.a)),
        ("dense::sor_sweep reversed", |c| dense::sor_sweep(c.dense, true, c.omega, c.w, c.v, c.a)),
        ("dense::solve_upper", |c| dense::solve_upper(c.dense, c.omega, c.w, c.v, c.a)),
        ("dense::solve_lower", |c| dense::solve_lower(c.dense, c.omega, c.w, c.v, c.u, c.a, c.b)),
        ("short::axpy", |c| short::axpy(c.beta, c.x, c.a)),
        ("short::add_two", |c| short::add_two(c.alpha, c.x, c.beta, c.y, c.a)),
        ("short::dot", |c| c.value(short::dot(c.x, c.y))),
        ("short::factorise", |c| {
            for (n, known) in (0..=8).flat_map(|n| (0..=n).map(move |known| (n, known))) {
                c.a.iter_mut().zip(c.u).for_each(|(a, &u)| *a = u);
                c.a.iter_mut().step_by(n + 1).for_each(|a| *a += T::from_u32(4));
                let lost = T::from_u32(4) * T::EPSILON;
                let found =
                    short::factorise(c.a, n, 0, known, lost) && short::factorise(c.a, n, known, n, lost);
                c.index(found.then_some(n));
                // What it has come to when a pivot is lost is nobody's.
                if !found {
                    c.a.fill(T::ZERO);
                }
                reals(c.hash, c.a);
            }
        }),
        ("short::substitute", |c| {
            for n in 0..=8 {
                short::substitute(c.v, 8, c.a.get_mut(..n).unwrap_or(&mut []));
                reals(c.hash, c.a);
            }
        }),
        ("csr::apply", |c| csr::apply(c.rows, c.u, c.a)),
        ("csr::residual", |c| csr::residual(c.rows, c.v, c.u, c.a)),
        ("csr::residual_square", |c| c.value(csr::residual_square(c.rows, c.v, c.u))),
        ("csr::row_residual", |c| c.value(csr::row_residual(c.rows, 3, c.alpha, c.u))),
        ("csr::dot", |c| c.value(csr::dot(c.rows.row(7), c.u))),
        ("csr::dots", |c| csr::dots(c.rows, c.u, c.a)),
        ("csr::dots_of", |c| csr::dots_of(c.rows, &[7, 0, 3, 11, 99], c.u, c.a)),
        ("csr::dots_squares", |c| csr::dots_squares(c.rows, c.u, c.a, c.b)),
        ("csr::add_scaled", |c| csr::add_scaled(c.alpha, c.rows.row(7), c.a)),
        ("csr::sor_sweep", |c| csr::sor_sweep(c.rows, false, c.omega, c.w, c.v, c.a)),
        ("csr::sor_sweep reversed", |c| csr::sor_sweep(c.rows, true, c.omega, c.w, c.v, c.a)),
        ("csr::sor_sweep_in_order", |c| {
            csr::sor_sweep_in_order(c.rows, &[7, 0, 3, 11], false, c.omega, c.w, c.v, c.a);
        }),
        ("csr::solve_upper", |c| csr::solve_upper(c.rows, c.omega, c.w, c.v, c.a)),
        ("csr::solve_lower", |c| csr::solve_lower(c.rows, c.omega, c.w, c.v, c.u, c.a, c.b)),
        ("elementary::exp", |c| elementary::exp(c.x, c.a)),
        ("elementary::exp_in_place", |c| elementary::exp_in_place(c.a)),
        ("elementary::exp_scalar", |c| c.each(elementary::exp_scalar)),
        ("elementary::cos_sin_turn", |c| {
            c.each(|u| {
                let (cos, sin) = elementary::cos_sin_turn(u.to_f64());
                T::from_f64(cos) - T::HALF * T::from_f64(sin)
            });
        }),
        ("elementary::exp_sum", |c| c.value_of(|c| elementary::exp_sum(c.x, c.alpha, c.a))),
        ("elementary::exp_sum_in_place", |c| c.value_of(|c| elementary::exp_sum_in_place(c.alpha, c.a))),
        ("elementary::exp_coupling", |c| {
            let sums = elementary::exp_coupling(c.alpha, c.x, c.y, c.omega, c.a);
            c.pair(sums);
        }),
        ("elementary::exp_row", |c| {
            let sums = elementary::exp_row(c.x, c.y, c.omega, c.a);
            c.pair(sums);
        }),
        ("elementary::exp_row_before", |c| {
            let sums = elementary::exp_row_before(c.y, c.x, c.u, c.omega, c.a);
            c.pair(sums);
        }),
        ("elementary::ln", |c| elementary::ln(c.x, c.a)),
        ("elementary::ln_in_place", |c| elementary::ln_in_place(c.a)),
        ("elementary::ln_scalar", |c| c.each(elementary::ln_scalar)),
        ("elementary::log_sum_exp", |c| c.value(elementary::log_sum_exp(c.x))),
        ("elementary::log_sum_exp_rows", |c| elementary::log_sum_exp_rows(c.u, c.dense, c.omega, c.a)),
        ("points::squared_euclidean_row", |c| points::squared_euclidean_row(c.alpha, c.y, c.dense, c.a)),
        ("points::squared_euclidean_row of two coordinates", |c| {
            points::squared_euclidean_row(c.alpha, c.y.get(..2).unwrap_or(&[]), c.dense, c.a);
        }),
        ("points::euclidean_row", |c| points::euclidean_row(c.alpha, c.y, c.dense, c.a)),
        ("points::l1_row", |c| points::l1_row(c.alpha, c.y, c.dense, c.a)),
        ("points::squared_euclidean_exp_row", |c| {
            let sums = points::squared_euclidean_exp_row(c.alpha, c.y, c.dense, c.x, c.omega, c.a);
            c.pair(sums);
        }),
        ("points::euclidean_exp_row", |c| {
            let sums = points::euclidean_exp_row(c.alpha, c.y, c.dense, c.x, c.omega, c.a);
            c.pair(sums);
        }),
        ("points::l1_exp_row", |c| {
            let sums = points::l1_exp_row(c.alpha, c.y, c.dense, c.x, c.omega, c.a);
            c.pair(sums);
        }),
        ("points::squared_euclidean_exp_rows", |c| {
            let sums = points::squared_euclidean_exp_rows(c.alpha, c.plane(), c.dense, c.v, c.omega, c.a);
            sums.into_iter().for_each(|sums| c.pair(sums));
        }),
        ("points::euclidean_exp_rows", |c| {
            let sums = points::euclidean_exp_rows(c.alpha, c.plane(), c.dense, c.v, c.omega, c.a);
            sums.into_iter().for_each(|sums| c.pair(sums));
        }),
        ("points::l1_exp_rows", |c| {
            let sums = points::l1_exp_rows(c.alpha, c.plane(), c.dense, c.v, c.omega, c.a);
            sums.into_iter().for_each(|sums| c.pair(sums));
        }),
        ("stencil::apply", |c| stencil::apply(c.grid, c.u, c.a)),
        ("stencil::residual", |c| stencil::residual(c.grid, c.v, c.u, c.a)),
        ("stencil::residual_square", |c| c.value(stencil::residual_square(c.grid, c.v, c.u))),
        ("stencil::sor_sweep", |c| stencil::sor_sweep(c.grid, false, c.omega, c.w, c.v, c.a)),
        ("stencil::sor_sweep reversed", |c| stencil::sor_sweep(c.grid, true, c.omega, c.w, c.v, c.a)),
        ("stencil::sor_sweeps", |c| stencil::sor_sweeps(c.grid, false, c.omega, c.w, c.v, c.a, 3)),
        ("stencil::red_black_sweeps", |c| {
            stencil::red_black_sweeps(c.grid, false, c.omega, c.w, c.v, c.a, 3);
        }),
        ("stencil::red_black_sweep", |c| {
            stencil::red_black_sweep(c.grid, false, c.omega, c.w, c.v, c.a);
        }),
        ("stencil::solve_upper", |c| stencil::solve_upper(c.grid, c.omega, c.w, c.v, c.a)),
        ("stencil::solve_lower", |c| stencil::solve_lower(c.grid, c.omega, c.w, c.v, c.u, c.a, c.b)),
        ("stencil::factor_lines", |c| {
            let missing = stencil::factor_lines(&c.grid, c.a, c.b);
            c.index(missing);
        }),
        ("stencil::line_sweep", |c| {
            let _ = stencil::factor_lines(&c.grid, c.a, c.b);
            stencil::line_sweep(c.grid, false, c.omega, c.a, c.b, c.c, c.v, c.d);
        }),
    ];
}

/// The operands of a pass. Vectors `x`, `y` and `z` have the length of the case, all others suit the grid.
struct Case<'a, T> {
    x: &'a [T],
    y: &'a [T],
    z: &'a [T],
    u: &'a [T],
    v: &'a [T],
    /// Inverses of a diagonal, if a pass wants some: any numbers will do.
    w: &'a [T],
    alpha: T,
    beta: T,
    omega: T,
    /// Positive, and smaller than most numbers.
    limit: T,
    dense: Matrix<'a, T>,
    rows: Rows<'a, T>,
    grid: Grid<'a, T>,
    /// What passes write to, filled with numbers before; all of it is hashed.
    a: &'a mut [T],
    b: &'a mut [T],
    c: &'a mut [T],
    d: &'a mut [T],
    indices: &'a mut [u32],
    hash: &'a mut Fnv,
}

impl<T: Real> Case<'_, T> {
    /// Hashes a result.
    fn value(&mut self, value: T) {
        reals(self.hash, &[value]);
    }

    /// Hashes the result of a pass that also writes.
    fn value_of(&mut self, pass: impl FnOnce(&mut Self) -> T) {
        let value = pass(self);
        self.value(value);
    }

    /// Hashes two results.
    fn pair(&mut self, (one, other): (T, T)) {
        reals(self.hash, &[one, other]);
    }

    /// A shape with a kink, a slope, a curve and two ends.
    fn kink(&self) -> Kink<T> {
        Kink { l1: self.limit, l2: self.limit, linear: self.limit, lower: -T::ONE, upper: T::ONE }
    }

    /// Points of the plane.
    fn plane(&self) -> [[T; 2]; points::ROWS] {
        let mut points = [[T::ZERO; 2]; points::ROWS];
        points.iter_mut().zip(self.w.as_chunks().0).for_each(|(point, &x)| *point = x);
        points
    }

    /// Hashes a position and the value there.
    fn place(&mut self, place: Option<(usize, T)>) {
        self.index(place.map(|(index, _)| index));
        self.value(place.map_or(T::ZERO, |(_, value)| value));
    }

    /// Maps the elements of `x` one by one.
    fn each(&mut self, map: impl Fn(T) -> T) {
        self.a.iter_mut().zip(self.x).for_each(|(y, &x)| *y = map(x));
    }

    /// Hashes a position.
    fn index(&mut self, index: Option<usize>) {
        self.hash.word(index.map_or(u64::MAX, |index| index as u64));
    }
}

/// A case: the vectors' length, whether their numbers are strange, and planes × rows × columns of the grid.
#[derive(Clone, Copy)]
struct Operands {
    len: usize,
    strange: bool,
    shape: [usize; 3],
    by_cell: bool,
}

const fn case(len: usize, strange: bool, shape: [usize; 3], by_cell: bool) -> Operands {
    Operands { len, strange, shape, by_cell }
}

const CASES: [Operands; 8] = [
    case(0, false, [1, 10, 7], false),
    case(1, false, [1, 10, 7], true),
    case(15, false, [2, 5, 7], false),
    case(32, false, [2, 5, 7], true),
    case(67, false, [1, 2, 35], false),
    case(70, false, [1, 1, 70], true),
    case(70, true, [1, 2, 35], true),
    case(49, true, [2, 5, 7], false),
];

/// Fills the pool, cuts the operands, runs the pass and hashes what it wrote.
fn every_operand<T: Real>(
    case: Operands,
    pass: fn(&mut Case<'_, T>),
    memory: &mut [T],
    indices: &mut [u32],
    hash: &mut Fnv,
) {
    indices.fill(7);
    let Some((pool, outputs)) = memory.split_at_mut_checked(POOL) else { return };
    fill(pool, case.strange);
    let pool = &*pool;
    let cut = |start: usize, len: usize| black_box(pool.get(start..start.saturating_add(len)).unwrap_or(&[]));
    for (output, &number) in outputs.iter_mut().zip(pool.iter().cycle().skip(41)) {
        *output = number;
    }
    let mut outputs = outputs.chunks_mut(CELLS).map(black_box);
    let mut output = || outputs.next().unwrap_or(&mut []);
    let star = |k: usize| cut(k.saturating_mul(31), CELLS);
    let by_cell = Star {
        centre: star(6),
        west: star(0),
        east: star(1),
        south: star(2),
        north: star(3),
        down: star(4),
        up: star(5),
    };
    let constant = by_cell.map(|c| c.first().copied().unwrap_or(T::ONE));
    let coefficients =
        if case.by_cell { Coefficients::PerCell(by_cell) } else { Coefficients::Constant(constant) };
    let pattern = (black_box(&OFFSETS), black_box(&COLUMNS));
    let Some(sparse) = Rows::new(pattern.0, pattern.1, cut(120, ENTRIES), SPARSE) else { return };
    let [planes, rows, columns] = case.shape;
    let mut case = Case {
        x: cut(3, case.len),
        y: cut(77, case.len),
        z: cut(150, case.len),
        u: cut(9, CELLS),
        v: cut(83, CELLS),
        w: cut(179, CELLS),
        alpha: T::from_f64(0.7),
        beta: T::from_f64(-1.3),
        omega: T::from_f64(1.2),
        limit: T::from_f64(0.1),
        dense: Matrix { values: cut(100, 6 * 23), columns: black_box(21), stride: black_box(23) },
        rows: sparse,
        grid: Grid { planes, rows, columns, coefficients },
        a: output(),
        b: output(),
        c: output(),
        d: output(),
        indices,
        hash,
    };
    pass(&mut case);
    for output in [&*case.a, case.b, case.c, case.d] {
        reals(case.hash, output);
    }
    case.indices.iter().for_each(|&index| case.hash.word(index.into()));
}

/// Numbers to write to as a matrix of three rows, with padding.
fn matrix<T>(values: &mut [T]) -> MatrixMut<'_, T> {
    MatrixMut { values, columns: black_box(21), stride: black_box(23) }
}

/// Hashes numbers. All NaN count as one: IEEE 754 leaves their sign and payload open.
fn reals<T: Real>(hash: &mut Fnv, numbers: &[T]) {
    for number in numbers {
        hash.word(if number.partial_cmp(number).is_some() { number.bits() } else { u64::MAX });
    }
}

/// Numbers in [−½, ½), or of all sizes and some that are none.
fn fill<T: Real>(pool: &mut [T], strange: bool) {
    let special = [T::NAN, T::INFINITY, -T::INFINITY, T::ZERO, -T::ZERO, T::MIN_POSITIVE, T::MAX];
    let mut state = 1_u64;
    let mut word = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        state
    };
    for number in pool {
        let ordinary = T::unit_from_bits(word()) - T::HALF;
        *number = match (word() >> 32) as usize & 31 {
            _ if !strange => ordinary,
            kind @ 0..7 => special.get(kind).copied().unwrap_or(T::ZERO),
            7..12 => ordinary * T::MIN_POSITIVE,
            12..18 => ordinary * T::from_f64(200.0),
            _ => ordinary,
        };
    }
}

/// Rows of the sparse matrix: row i is coupled to i ± 1 and i ± 5.
const SPARSE: usize = 19;
const ENTRIES: usize = SPARSE + 2 * (SPARSE - 1) + 2 * (SPARSE - 5);
const PATTERN: ([u32; SPARSE + 1], [u32; ENTRIES]) = pattern();
static OFFSETS: [u32; SPARSE + 1] = PATTERN.0;
static COLUMNS: [u32; ENTRIES] = PATTERN.1;

const fn pattern() -> ([u32; SPARSE + 1], [u32; ENTRIES]) {
    let (mut offsets, mut columns) = ([0; SPARSE + 1], [0; ENTRIES]);
    let (mut row, mut used) = (0, 0);
    while row < SPARSE {
        let mut column = 0;
        while column < SPARSE {
            if matches!(row.abs_diff(column), 0 | 1 | 5) {
                columns[used] = column as u32;
                used += 1;
            }
            column += 1;
        }
        row += 1;
        offsets[row] = used as u32;
    }
    (offsets, columns)
}
