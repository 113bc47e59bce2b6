//! Calibration of a three-axis magnetometer (or accelerometer) while a third of its samples lies.
//!
//! ```text
//! raw x_i = S h_i + b + noise,   ‖h_i‖ = F:   x_i lie on an ellipsoid about the hard-iron offset b
//! min over W symmetric, b:  Σ w_i | ‖W (q_i − b)‖ − 1 | / Σ w_i
//! q_i = (x_i − c)/s,   c the median of each axis, s the median ‖x_i − c‖,   w_i = 1/max(1, ‖q_i‖²)
//! ```
//! A geometric fit by absolute deviations, with weights that bound the leverage of far samples. Both are needed: the
//! textbook's linear fit (nine unknowns, squares of samples as regressors) is broken by gross outliers even when
//! it is solved exactly by least absolute deviations, since an outlier enters its own *row*; the geometric fit
//! without weights may swallow an axis. Not convex, but from W = I, b = 0 the sub-gradient method with lengths
//! 0.3 · 0.9^t gets there in a hundred steps.
//!
//! *Step*: the samples once, some sixty operations and one square root each. *Memory*: 24 numbers besides the
//! samples; q_i and w_i are made on the way. *Fails* where samples cover a small part of the ellipsoid, or most of
//! them lie: [`Calibration::agreeing`] says how many samples agree, so that a caller can refuse the result.
//! Rotations cannot be seen in ‖h‖, so the soft-iron matrix S that is found is the symmetric positive definite one.
//!
//! *Take something else* (least squares) if no sample lies: it is about 1.3 times as accurate on Gaussian noise.

use super::best::Ending;
use super::method::{self, Outcome};
use super::oracle;
use super::refine::MAD;
use super::select::median;
use super::step::Geometric;
use super::sum::Sum;
use super::{Oracle, Table};
use crate::{Error, Observer, Real, Status};

type Vector<T> = [T; 3];
type Matrix<T> = [[T; 3]; 3];

/// Unknowns: W by rows, then b.
const UNKNOWNS: usize = 12;
/// Deviations within which a sample agrees, in standard deviations estimated from the median.
const AGREEMENT: f64 = 4.0 * MAD;
/// Newton steps of the polar factor; six or so are needed.
const POLAR_STEPS: u32 = 24;

/// Samples and the strength of the field they are of.
#[derive(Clone, Copy, Debug)]
pub struct Problem<'a, T> {
    samples: Table<'a, T>,
    field: T,
    centre: Vector<T>,
    spread: T,
}

impl<'a, T: Real> Problem<'a, T> {
    /// Raw samples, a row of three each, at least nine of them, and the strength F of the field in the unit that is
    /// wanted for calibrated values. Cost: medians, some tens of passes over the samples.
    ///
    /// # Errors
    /// [`Error::Dimension`] unless rows are of three; [`Error::Option`] for fewer samples, for a field that is not
    /// positive, and for samples of which half coincide.
    pub fn new(samples: Table<'a, T>, field: T) -> Result<Self, Error> {
        if samples.columns() != 3 {
            return Err(Error::Dimension { argument: "samples", expected: 3, given: samples.columns() });
        }
        if samples.rows() < 9 {
            return Err(Error::Option { name: "samples", requirement: "must be at least nine" });
        }
        if !(field > T::ZERO && field.is_finite()) {
            return Err(Error::Option { name: "field", requirement: "must be positive and finite" });
        }
        let centre = [0, 1, 2].map(|k| Measure::Axis(k).median(samples));
        let spread = Measure::Distance(&centre).median(samples);
        if spread > T::ZERO && spread.is_finite() {
            Ok(Self { samples, field, centre, spread })
        } else {
            Err(Error::Option { name: "samples", requirement: "must not coincide, most of them" })
        }
    }

    /// The median of each axis, and the median distance from it.
    #[must_use]
    pub fn robust_centre(&self) -> ([T; 3], T) {
        (self.centre, self.spread)
    }

    fn normalised(&self) -> impl Iterator<Item = Vector<T>> + Clone + '_ {
        rows(self.samples).map(|x| minus(&x, &self.centre).map(|x| x / self.spread))
    }
}

/// How a calibration is found.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Options<T> {
    /// When the run ends. Default: after 100 steps, or a relative step of 1e-8 (`f32`: 1e-5).
    pub ending: Ending<T>,
    /// The first length. Default 0.3.
    pub length: T,
    /// What lengths are multiplied by. Default 0.9.
    pub ratio: T,
}

impl<T: Real> Default for Options<T> {
    fn default() -> Self {
        Self { ending: Ending::after(100), length: T::from_f64(0.3), ratio: T::from_f64(0.9) }
    }
}

/// Elements of memory that [`solve`] needs.
pub const REQUIRED_LEN: usize = UNKNOWNS * 2;

/// What was found: calibrated h = `correction` (x − `offset`).
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Calibration<T> {
    /// The hard-iron offset b, in the unit of the samples.
    pub offset: [T; 3],
    /// The soft-iron matrix S, symmetric positive definite.
    pub soft_iron: [[T; 3]; 3],
    /// S⁻¹.
    pub correction: [[T; 3]; 3],
    /// How the run ended; [`Status::Breakdown`] if the W that it found is singular (offset and matrices are
    /// then those of a sphere about the robust centre).
    pub outcome: Outcome<T>,
    /// Samples whose calibrated length is within four standard deviations of F; the deviation is estimated from the
    /// median one.
    pub agreeing: usize,
    /// That standard deviation, in the unit of the field.
    pub deviation: T,
}

impl<T: Real> Calibration<T> {
    /// Calibrates a sample.
    #[must_use]
    pub fn apply(&self, x: [T; 3]) -> [T; 3] {
        times(&self.correction, &minus(&x, &self.offset))
    }
}

/// Finds a calibration in memory of [`REQUIRED_LEN`] elements.
///
/// # Errors
/// [`Error::Workspace`]; [`Error::Option`] for tolerances, the length and the ratio.
pub fn solve<T: Real>(
    problem: &Problem<'_, T>,
    options: &Options<T>,
    storage: &mut [T],
    observer: &mut (impl Observer<T> + ?Sized),
) -> Result<Calibration<T>, Error> {
    let mut x = [T::ZERO; UNKNOWNS];
    x.iter_mut().step_by(4).take(3).for_each(|x| *x = T::ONE);
    let whole = oracle::Problem::new(Ellipsoid { problem: *problem }, ())?;
    let workspace = method::Workspace::new(&whole, false, storage)?;
    let method = method::Options { ending: options.ending, ..method::Options::default() };
    let rule = Geometric::new(options.length, options.ratio);
    let mut outcome = method::solve(whole, &method, rule, &mut x, workspace, observer)?;
    let (w, b) = parts(&x);
    let size = problem.field / problem.spread;
    let found = polar(&w).and_then(|w| Some((w, inverse(&w)?)));
    let (correction, soft_iron, b) = match found {
        Some((w, inverse)) => (scaled(&w, size), scaled(&inverse, T::ONE / size), b),
        None => {
            outcome.report.status = Status::Breakdown;
            (scaled(&identity(), size), scaled(&identity(), T::ONE / size), [T::ZERO; 3])
        }
    };
    let [c0, c1, c2] = problem.centre;
    let [b0, b1, b2] = b.map(|b| problem.spread * b);
    let offset = [c0 + b0, c1 + b1, c2 + b2];
    let error = Measure::Error { correction: &correction, offset: &offset, field: problem.field };
    let middle = error.median(problem.samples);
    let near = T::from_f64(AGREEMENT) * middle;
    let agreeing = rows(problem.samples).filter(|x| error.of(x) <= near).count();
    let deviation = T::from_f64(MAD) * middle;
    Ok(Calibration { offset, soft_iron, correction, outcome, agreeing, deviation })
}

/// The weighted geometric loss as an oracle over W (nine numbers by rows) and b (three).
#[derive(Clone, Copy, Debug)]
pub struct Ellipsoid<'a, T> {
    problem: Problem<'a, T>,
}

impl<'a, T: Real> Ellipsoid<'a, T> {
    /// The loss of a problem.
    #[must_use]
    pub fn new(problem: &Problem<'a, T>) -> Self {
        Self { problem: *problem }
    }
}

impl<T: Real> Oracle<T> for Ellipsoid<'_, T> {
    fn dimension(&self) -> usize {
        UNKNOWNS
    }

    fn value_and_subgradient(&mut self, x: &[T], g: &mut [T]) -> T {
        let (w, b) = parts(x);
        let (mut value, mut total) = (Sum::new(), T::ZERO);
        // Σ σ u (q − b)ᵀ and Σ σ u
        let (mut products, mut pulls) = ([[T::ZERO; 3]; 3], [T::ZERO; 3]);
        for q in self.problem.normalised() {
            let weight = T::ONE / square(&q).max(T::ONE);
            let d = minus(&q, &b);
            let z = times(&w, &d);
            let norm = length(&z);
            let error = norm - T::ONE;
            total += weight;
            value.add(weight * error.abs());
            if norm > T::ZERO && error != T::ZERO {
                let factor = (if error > T::ZERO { weight } else { -weight }) / norm;
                for ((row, pull), z) in products.iter_mut().zip(&mut pulls).zip(z) {
                    let u = factor * z;
                    *pull += u;
                    row.iter_mut().zip(d).for_each(|(product, d)| *product += u * d);
                }
            }
        }
        // Symmetric: half of it and its transpose.
        let turned = transposed(&products);
        let halves = products.iter().flatten().zip(turned.iter().flatten());
        let of_w = halves.map(|(&a, &b)| (a + b) * T::HALF / total);
        let of_b = times(&transposed(&w), &pulls).map(|pull| -pull / total);
        g.iter_mut().zip(of_w.chain(of_b)).for_each(|(g, value)| *g = value);
        value.value() / total
    }

    fn floor(&self) -> T {
        T::ZERO
    }
}

/// What medians are taken of; one type, so that there is one median in the flash.
#[derive(Clone, Copy)]
enum Measure<'a, T> {
    /// A coordinate.
    Axis(usize),
    /// ‖x − c‖
    Distance(&'a Vector<T>),
    /// | ‖S⁻¹ (x − b)‖ − F |
    Error { correction: &'a Matrix<T>, offset: &'a Vector<T>, field: T },
}

impl<T: Real> Measure<'_, T> {
    fn of(&self, x: &Vector<T>) -> T {
        match *self {
            Measure::Axis(k) => x.get(k).copied().unwrap_or(T::ZERO),
            Measure::Distance(centre) => length(&minus(x, centre)),
            Measure::Error { correction, offset, field } => {
                (length(&times(correction, &minus(x, offset))) - field).abs()
            }
        }
    }

    #[cfg_attr(target_os = "none", inline(never))]
    fn median(&self, samples: Table<'_, T>) -> T {
        median(rows(samples).map(|x| self.of(&x)))
    }
}

fn rows<'a, T: Real>(samples: Table<'a, T>) -> impl Iterator<Item = Vector<T>> + Clone + 'a {
    samples.values().as_chunks::<3>().0.iter().copied()
}

fn parts<T: Real>(x: &[T]) -> (Matrix<T>, Vector<T>) {
    let mut w = [[T::ZERO; 3]; 3];
    w.iter_mut().flatten().zip(x).for_each(|(w, &x)| *w = x);
    let mut b = [T::ZERO; 3];
    b.iter_mut().zip(x.iter().skip(9)).for_each(|(b, &x)| *b = x);
    (w, b)
}

fn identity<T: Real>() -> Matrix<T> {
    let (one, zero) = (T::ONE, T::ZERO);
    [[one, zero, zero], [zero, one, zero], [zero, zero, one]]
}

fn minus<T: Real>([a, b, c]: &Vector<T>, [x, y, z]: &Vector<T>) -> Vector<T> {
    [*a - *x, *b - *y, *c - *z]
}

fn product<T: Real>([a, b, c]: &Vector<T>, [x, y, z]: &Vector<T>) -> T {
    *a * *x + *b * *y + *c * *z
}

fn square<T: Real>(x: &Vector<T>) -> T {
    product(x, x)
}

fn length<T: Real>(x: &Vector<T>) -> T {
    square(x).sqrt()
}

fn times<T: Real>(a: &Matrix<T>, x: &Vector<T>) -> Vector<T> {
    let [p, q, r] = a;
    [product(p, x), product(q, x), product(r, x)]
}

fn transposed<T: Real>(&[[a, b, c], [d, e, f], [g, h, i]]: &Matrix<T>) -> Matrix<T> {
    [[a, d, g], [b, e, h], [c, f, i]]
}

fn scaled<T: Real>(a: &Matrix<T>, factor: T) -> Matrix<T> {
    a.map(|row| row.map(|a| factor * a))
}

fn cross<T: Real>(&[a, b, c]: &Vector<T>, &[x, y, z]: &Vector<T>) -> Vector<T> {
    [b * z - c * y, c * x - a * z, a * y - b * x]
}

/// A⁻¹ by cofactors; `None` if A is singular as far as rounding shows.
fn inverse<T: Real>(a: &Matrix<T>) -> Option<Matrix<T>> {
    let [p, q, r] = a;
    let columns = [cross(q, r), cross(r, p), cross(p, q)];
    let determinant = product(p, &cross(q, r));
    let size = length(p) * length(q) * length(r);
    let sound = determinant.abs() > size * T::EPSILON && determinant.is_finite();
    sound.then(|| scaled(&transposed(&columns), T::ONE / determinant))
}

/// The symmetric positive definite P of A = U P, by Newton's iteration U ← (U + U⁻ᵀ)/2.
fn polar<T: Real>(a: &Matrix<T>) -> Option<Matrix<T>> {
    let mut u = *a;
    for _ in 0..POLAR_STEPS {
        let other = transposed(&inverse(&u)?);
        let mut moved = T::ZERO;
        for (u, other) in u.iter_mut().flatten().zip(other.iter().flatten()) {
            let next = (*u + *other) * T::HALF;
            moved = moved.max((next - *u).abs());
            *u = next;
        }
        if moved <= T::EPSILON * T::TWO {
            break;
        }
    }
    let turned = transposed(&u);
    let columns = transposed(a);
    // P = Uᵀ A, made symmetric again.
    let p = transposed(&columns.map(|column| times(&turned, &column)));
    let mut symmetric = p;
    let halves = symmetric.iter_mut().flatten().zip(transposed(&p).into_iter().flatten());
    halves.for_each(|(p, q)| *p = (*p + q) * T::HALF);
    Some(symmetric)
}
