//! Calibration of a magnetometer of which 62 of 200 samples have a spike of 50 to 200 µT on one axis.
//!
//! Raw samples lie on an ellipsoid about the hard-iron offset (12, −8, 20) µT, with 0.3 µT of noise; the field is of
//! 50 µT. [`robust`] fits it by weighted absolute deviations in a hundred steps; [`least_squares`] does what the textbook
//! does, nine linear unknowns, and is off by half of the field.

use core::hint::black_box;

use southwell::subgradient::calibration::{Calibration, Options, Problem, REQUIRED_LEN, solve};
use southwell::subgradient::{Quantile, Table, refine};
use southwell::{Error, Real};

use crate::Fnv;
use crate::samples::SAMPLES;

/// Samples, three numbers each.
pub const COUNT: usize = SAMPLES.len();
/// Numbers that [`robust`] needs, samples included: 2.4 KiB in `f32`.
pub const REALS: usize = 3 * COUNT + REQUIRED_LEN;
/// Unknowns of the textbook's fit.
const UNKNOWNS: usize = 9;
/// Numbers that [`least_squares`] needs: 10.1 KiB in `f32`.
pub const SQUARES_REALS: usize = (3 + UNKNOWNS + 1) * COUNT + UNKNOWNS + refine::required_len(UNKNOWNS);
/// Strength of the field, and the offset that is to be found, in µT.
const FIELD: f64 = 50.0;
const OFFSET: [f64; 3] = [12.0, -8.0, 20.0];

/// What was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Calibrated {
    /// ‖b̂ − b‖ in nT.
    pub error: u32,
    /// Samples that agree with the fit.
    pub agreeing: u32,
    /// Hash of offset and matrix.
    pub answer: u64,
}

impl Calibrated {
    fn new<T: Real>(offset: [T; 3], matrix: &[[T; 3]; 3], agreeing: usize) -> Self {
        let square = offset.iter().zip(OFFSET).fold(0.0, |sum, (b, expected)| {
            let off = b.to_f64() - expected;
            sum + off * off
        });
        let mut answer = Fnv::default();
        answer.reals(&offset);
        matrix.iter().for_each(|row| answer.reals(row));
        let error = (1000.0 * Real::sqrt(square)) as u32;
        Self { error, agreeing: agreeing as u32, answer: answer.value() }
    }
}

/// Writes the samples into the first 3 · [`COUNT`] elements of the memory.
pub fn sense<T: Real>(memory: &mut [T]) {
    memory.iter_mut().zip(SAMPLES.iter().flatten()).for_each(|(to, &x)| *to = T::from_f64(f64::from(x)));
}

/// Calibrates, in memory of [`REALS`] numbers that begins with the samples. Not inlined, so that its size can be seen.
///
/// # Errors
/// [`Error::Workspace`] if it is shorter.
#[inline(never)]
pub fn robust<T: Real>(memory: &mut [T]) -> Result<Calibrated, Error> {
    let (count, given) = (black_box(COUNT), memory.len());
    let short = Error::Workspace { needed: REALS, given };
    let (samples, work) = black_box(memory).split_at_mut_checked(count.saturating_mul(3)).ok_or(short)?;
    let found = calibrate(samples, count, work)?;
    Ok(Calibrated::new(found.offset, &found.soft_iron, found.agreeing))
}

/// What a part does to calibrate.
// Not inlined, so that its size can be seen.
#[inline(never)]
fn calibrate<T: Real>(samples: &[T], count: usize, work: &mut [T]) -> Result<Calibration<T>, Error> {
    let problem = Problem::new(Table::new(samples, count, 3)?, T::from_f64(FIELD))?;
    solve(&problem, &Options::default(), work, &mut ())
}

/// The textbook's fit: (x², y², z², 2 x y, 2 x z, 2 y z, 2 x, 2 y, 2 z) θ = 1 by least squares, the centre −A⁻¹ v; in
/// memory of [`SQUARES_REALS`] numbers that begins with the samples.
///
/// # Errors
/// [`Error::Workspace`] if it is shorter.
#[inline(never)]
pub fn least_squares<T: Real>(memory: &mut [T]) -> Result<Calibrated, Error> {
    let (count, given) = (black_box(COUNT), memory.len());
    let short = Error::Workspace { needed: SQUARES_REALS, given };
    let (samples, rest) = black_box(memory).split_at_mut_checked(count.saturating_mul(3)).ok_or(short)?;
    let (rows, rest) = rest.split_at_mut_checked(count.saturating_mul(UNKNOWNS)).ok_or(short)?;
    let (ones, rest) = rest.split_at_mut_checked(count).ok_or(short)?;
    let (theta, work) = rest.split_at_mut_checked(UNKNOWNS).ok_or(short)?;
    let problem = Problem::new(Table::new(samples, count, 3)?, T::from_f64(FIELD))?;
    let ([cx, cy, cz], spread) = problem.robust_centre();
    let (triples, _) = samples.as_chunks::<3>();
    for (row, &[x, y, z]) in rows.chunks_exact_mut(UNKNOWNS).zip(triples) {
        let (x, y, z) = ((x - cx) / spread, (y - cy) / spread, (z - cz) / spread);
        let two = T::TWO;
        let entries = [x * x, y * y, z * z, two * x * y, two * x * z, two * y * z, two * x, two * y, two * z];
        row.iter_mut().zip(entries).for_each(|(to, entry)| *to = entry);
    }
    ones.fill(T::ONE);
    theta.fill(T::ZERO);
    // No row is so far away that it is left out: plain least squares.
    let loss = Quantile::absolute(Table::new(rows, count, UNKNOWNS)?, ones)?;
    refine::refine(&loss, T::from_f64(1e6), theta, work)?;
    let Some(&[a, b, c, ab, ac, bc, u, v, w]) = theta.first_chunk() else { return Err(short) };
    let (p, q, r) = ([a, ab, ac], [ab, b, bc], [ac, bc, c]);
    let inverse = [cross(q, r), cross(r, p), cross(p, q)];
    let determinant = dot(p, cross(q, r));
    let centre = inverse.map(|column| -(dot(column, [u, v, w]) / determinant));
    let [x, y, z] = centre.map(|c| spread * c);
    Ok(Calibrated::new([cx + x, cy + y, cz + z], &[p, q, r], count))
}

fn cross<T: Real>([a, b, c]: [T; 3], [x, y, z]: [T; 3]) -> [T; 3] {
    [b * z - c * y, c * x - a * z, a * y - b * x]
}

fn dot<T: Real>([a, b, c]: [T; 3], [x, y, z]: [T; 3]) -> T {
    a * x + b * y + c * z
}
