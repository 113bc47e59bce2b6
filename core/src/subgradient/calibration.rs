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
//! *Step*: the samples once, some sixty operations and one square root each. *Memory*: 36 numbers besides the
//! samples; q_i and w_i are made on the way. *Fails* where samples cover a small part of the ellipsoid, or most of
//! them lie: [`Calibration::agreeing`] says how many samples agree, so that a caller can refuse the result.
//! Rotations cannot be seen in ‖h‖, so the soft-iron matrix S that is found is the symmetric positive definite one.
//!
//! *Take something else* (least squares) if no sample lies: it is about 1.3 times as accurate on Gaussian noise.

use core::hint::black_box;

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
    // Inlined, so that a part's stack holds it once.
    #[cfg_attr(target_os = "none", inline(always))]
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
        let mut problem = Self { samples, field, centre: [T::ZERO; 3], spread: T::ZERO };
        problem.locate();
        if problem.spread > T::ZERO && problem.spread.is_finite() {
            Ok(problem)
        } else {
            Err(Error::Option { name: "samples", requirement: "must not coincide, most of them" })
        }
    }

    /// The median of each axis, and the median distance from it.
    #[must_use]
    pub fn robust_centre(&self) -> ([T; 3], T) {
        (self.centre, self.spread)
    }

    /// Finds centre and spread.
    #[cfg_attr(target_os = "none", inline(never))]
    fn locate(&mut self) {
        for (k, centre) in self.centre.iter_mut().enumerate() {
            *centre = Measure::Axis(k).median(self.samples);
        }
        self.spread = Measure::Distance(&self.centre).median(self.samples);
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
pub const REQUIRED_LEN: usize = UNKNOWNS * 3;

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
    let short = Error::Workspace { needed: REQUIRED_LEN, given: storage.len() };
    let storage = storage.get_mut(..REQUIRED_LEN).ok_or(short)?;
    let (x, storage) = storage.split_first_chunk_mut().ok_or(short)?;
    let mut fitted = fit(problem, options, x, storage, observer);
    let outcome = fitted.as_mut().map_err(|error| *error)?;
    // What the fit leaves has room for what is made of it.
    let (x, _) = x.as_chunks_mut();
    let (w, rest) = x.split_first_chunk_mut().ok_or(short)?;
    let offset = rest.first_mut().ok_or(short)?;
    let (storage, _) = storage.as_chunks_mut();
    let (correction, rest) = storage.split_first_chunk_mut().ok_or(short)?;
    let soft_iron = rest.first_chunk_mut().ok_or(short)?;
    if !turn(problem, w, offset, correction, soft_iron) {
        outcome.report.status = Status::Breakdown;
    }
    let (agreeing, deviation) = judge(problem, correction, offset);
    Ok(tell(offset, soft_iron, correction, outcome, agreeing, deviation))
}

// The fit and what is made of it by functions of their own, so that a part's stack holds one of them at a time.

/// W and b in x.
#[cfg_attr(target_os = "none", inline(never))]
fn fit<T: Real>(
    problem: &Problem<'_, T>,
    options: &Options<T>,
    x: &mut [T; UNKNOWNS],
    storage: &mut [T],
    observer: &mut (impl Observer<T> + ?Sized),
) -> Result<Outcome<T>, Error> {
    x.fill(T::ZERO);
    x.iter_mut().step_by(4).take(3).for_each(|x| *x = T::ONE);
    let whole = oracle::Problem::new(Loss(problem), ())?;
    let workspace = method::Workspace::new(&whole, false, storage)?;
    let method = method::Options { ending: options.ending, ..method::Options::default() };
    let rule = Geometric::new(options.length, options.ratio);
    method::solve(whole, &method, rule, x, workspace, observer)
}

/// What W and b stand for: b becomes the offset. `false` if W is singular.
#[cfg_attr(target_os = "none", inline(never))]
fn turn<T: Real>(
    problem: &Problem<'_, T>,
    w: &Matrix<T>,
    b: &mut Vector<T>,
    correction: &mut Matrix<T>,
    soft_iron: &mut Matrix<T>,
) -> bool {
    let sound = polar(w, correction, soft_iron) && inverse(correction, soft_iron);
    if !sound {
        let (one, zero) = (T::ONE, T::ZERO);
        *correction = [[one, zero, zero], [zero, one, zero], [zero, zero, one]];
        *soft_iron = *correction;
        *b = [zero; 3];
    }
    let size = problem.field / problem.spread;
    scale(correction, size);
    scale(soft_iron, T::ONE / size);
    for (offset, centre) in b.iter_mut().zip(problem.centre) {
        *offset = centre + problem.spread * *offset;
    }
    sound
}

/// How many samples agree, and the deviation of all.
#[cfg_attr(target_os = "none", inline(never))]
fn judge<T: Real>(problem: &Problem<'_, T>, correction: &Matrix<T>, offset: &Vector<T>) -> (usize, T) {
    let error = Measure::Error { correction, offset, field: problem.field };
    let middle = error.median(problem.samples);
    let near = T::from_f64(AGREEMENT) * middle;
    let agreeing = rows(problem.samples).filter(|x| error.of(x) <= near).count();
    (agreeing, T::from_f64(MAD) * middle)
}

/// All that was found.
#[cfg_attr(target_os = "none", inline(never))]
fn tell<T: Real>(
    offset: &Vector<T>,
    soft_iron: &Matrix<T>,
    correction: &Matrix<T>,
    outcome: &Outcome<T>,
    agreeing: usize,
    deviation: T,
) -> Calibration<T> {
    let (offset, soft_iron, correction, outcome) = (*offset, *soft_iron, *correction, *outcome);
    Calibration { offset, soft_iron, correction, outcome, agreeing, deviation }
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
        Loss(&self.problem).value_and_subgradient(x, g)
    }

    fn floor(&self) -> T {
        T::ZERO
    }
}

/// The same of a problem that lies elsewhere.
struct Loss<'r, 'a, T>(&'r Problem<'a, T>);

impl<T: Real> Oracle<T> for Loss<'_, '_, T> {
    fn dimension(&self) -> usize {
        UNKNOWNS
    }

    fn value_and_subgradient(&mut self, x: &[T], g: &mut [T]) -> T {
        let (Some(x), Some(g)) = (x.first_chunk(), g.first_chunk_mut()) else { return T::NAN };
        let (mean, total) = add_samples(self.0, x, g);
        divide(x, g, total);
        mean
    }

    fn floor(&self) -> T {
        T::ZERO
    }
}

/// Σ w_i | ‖W (q_i − b)‖ − 1 |/Σ w_i, and Σ w_i; g becomes Σ σ u (q − b)ᵀ and Σ σ u, which need no room elsewhere.
#[cfg_attr(target_os = "none", inline(never))]
fn add_samples<T: Real>(problem: &Problem<'_, T>, x: &[T; UNKNOWNS], g: &mut [T; UNKNOWNS]) -> (T, T) {
    let (mut value, mut total) = (Sum::new(), T::ZERO);
    g.fill(T::ZERO);
    for sample in problem.samples.values().as_chunks::<3>().0 {
        // A part reads them anew for every sample: what is kept in registers for all is kept on its stack, after all.
        let all = (problem, x, &mut *g);
        let (problem, x, g) = if cfg!(target_os = "none") { black_box(all) } else { all };
        let [w0, w1, w2, offset] = rows_of(x);
        let [q0, q1, q2] = minus(sample, &problem.centre);
        let q = [q0 / problem.spread, q1 / problem.spread, q2 / problem.spread];
        let weight = T::ONE / square(&q).max(T::ONE);
        let d = minus(&q, &offset);
        let z = [product(&w0, &d), product(&w1, &d), product(&w2, &d)];
        let norm = length(&z);
        let error = norm - T::ONE;
        total += weight;
        value.add(weight * error.abs());
        if norm > T::ZERO && error != T::ZERO {
            let factor = (if error > T::ZERO { weight } else { -weight }) / norm;
            let [u, v, w] = [factor * z[0], factor * z[1], factor * z[2]];
            let [d0, d1, d2] = d;
            let [g00, g01, g02, g10, g11, g12, g20, g21, g22, p0, p1, p2] = g;
            (*g00, *g01, *g02) = (*g00 + u * d0, *g01 + u * d1, *g02 + u * d2);
            (*g10, *g11, *g12) = (*g10 + v * d0, *g11 + v * d1, *g12 + v * d2);
            (*g20, *g21, *g22) = (*g20 + w * d0, *g21 + w * d1, *g22 + w * d2);
            (*p0, *p1, *p2) = (*p0 + u, *p1 + v, *p2 + w);
        }
    }
    (value.value() / total, total)
}

/// The sub-gradient of the mean: half the products and their transpose, since W is symmetric, and −Wᵀ Σ σ u.
#[cfg_attr(target_os = "none", inline(never))]
fn divide<T: Real>(x: &[T; UNKNOWNS], of: &mut [T; UNKNOWNS], total: T) {
    let [w0, w1, w2, _] = rows_of(x);
    let [a, b, c, d, e, f, g, h, i, pulls @ ..] = of;
    for (above, below) in [(b, d), (c, g), (f, h)] {
        let half = (*above + *below) * T::HALF / total;
        (*above, *below) = (half, half);
    }
    for diagonal in [a, e, i] {
        *diagonal = (*diagonal + *diagonal) * T::HALF / total;
    }
    *pulls = times(&transposed(&[w0, w1, w2]), pulls).map(|pull| -pull / total);
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

/// W by rows, and b.
fn rows_of<T: Real>(&[a, b, c, d, e, f, g, h, i, x, y, z]: &[T; UNKNOWNS]) -> [Vector<T>; 4] {
    [[a, b, c], [d, e, f], [g, h, i], [x, y, z]]
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

#[cfg_attr(target_os = "none", inline(never))]
fn scale<T: Real>(a: &mut Matrix<T>, factor: T) {
    a.iter_mut().flatten().for_each(|a| *a = factor * *a);
}

fn cross<T: Real>(&[a, b, c]: &Vector<T>, &[x, y, z]: &Vector<T>) -> Vector<T> {
    [b * z - c * y, c * x - a * z, a * y - b * x]
}

/// A⁻¹ by cofactors; `false` if A is singular as far as rounding shows.
#[cfg_attr(target_os = "none", inline(never))]
fn inverse<T: Real>(a: &Matrix<T>, to: &mut Matrix<T>) -> bool {
    let [p, q, r] = a;
    let determinant = product(p, &cross(q, r));
    let size = length(p) * length(q) * length(r);
    if !(determinant.abs() > size * T::EPSILON && determinant.is_finite()) {
        return false;
    }
    *to = transposed(&[cross(q, r), cross(r, p), cross(p, q)]);
    scale(to, T::ONE / determinant);
    true
}

/// The symmetric positive definite P of A = U P, by Newton's iteration U ← (U + U⁻ᵀ)/2; `false` for a singular U. P comes
/// to lie where U is, and `other` is room for another matrix.
#[cfg_attr(target_os = "none", inline(never))]
fn polar<T: Real>(a: &Matrix<T>, u: &mut Matrix<T>, other: &mut Matrix<T>) -> bool {
    *u = *a;
    for _ in 0..POLAR_STEPS {
        if !inverse(u, other) {
            return false;
        }
        *other = transposed(other);
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
    // P = Uᵀ A, made symmetric again.
    *u = transposed(u);
    let columns = transposed(a);
    for (row, u) in other.iter_mut().zip(&*u) {
        *row = times(&columns, u);
    }
    let turned = transposed(other);
    for (p, (a, b)) in u.iter_mut().flatten().zip(other.iter().flatten().zip(turned.iter().flatten())) {
        *p = (*a + *b) * T::HALF;
    }
    true
}
