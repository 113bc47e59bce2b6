//! What the targets share: numbers, plain matrices as oracles, and rounding bounds.

pub mod memory;

use arbitrary::Arbitrary;
use southwell::Real;

/// A number that a fuzzer can steer: mostly tame, at times anything.
#[derive(Arbitrary, Clone, Copy, Debug)]
pub enum Number {
    /// A sixteenth of a small whole number.
    Sixteenths(i8),
    /// The same with a binary exponent.
    Scaled(i8, i8),
    /// Any bits.
    Bits(u64),
    /// A value that likes to break things.
    Special(u8),
}

impl Number {
    /// The number, whatever it is.
    #[must_use]
    pub fn wild<T: Real>(self) -> T {
        match self {
            Number::Sixteenths(n) => T::from_f64(f64::from(n) / 16.0),
            Number::Scaled(n, exponent) => {
                // ±127·2^±127 reaches both ends of f32; the square reaches those of f64.
                let scale = f64::from(exponent).exp2();
                let value = f64::from(n) / 16.0 * scale;
                if n % 2 == 0 { T::from_f64(value * scale.powi(7)) } else { T::from_f64(value) }
            }
            Number::Bits(bits) => T::from_f64(f64::from_bits(bits)),
            Number::Special(which) => match which % 12 {
                0 => T::ZERO,
                1 => -T::ZERO,
                2 => T::MIN_POSITIVE,
                3 => T::MIN_POSITIVE * T::EPSILON,
                4 => T::MAX,
                5 => -T::MAX,
                6 => T::INFINITY,
                7 => -T::INFINITY,
                8 => T::NAN,
                9 => T::MAX.sqrt(),
                10 => T::ONE + T::EPSILON,
                _ => T::ONE / T::MAX,
            },
        }
    }

    /// The number, made finite and no larger than a thousand or so.
    #[must_use]
    pub fn tame<T: Real>(self) -> T {
        match self {
            Number::Sixteenths(n) => T::from_f64(f64::from(n) / 16.0),
            Number::Scaled(n, exponent) => T::from_f64(f64::from(n) / 16.0 * f64::from(exponent / 16).exp2()),
            Number::Bits(bits) => T::from_f64((bits >> 11) as f64 / (1_u64 << 53) as f64 - 0.5),
            Number::Special(which) => T::from_f64(f64::from(which % 3) - 1.0),
        }
    }
}

/// Element `k` of a list that repeats (1 if it is empty).
#[must_use]
pub fn cycled(numbers: &[Number], k: usize) -> Number {
    match numbers.len() {
        0 => Number::Sixteenths(16),
        n => numbers[k % n],
    }
}

/// Bit `k` of a list of bytes that repeats (set if it is empty).
#[must_use]
pub fn bit(bytes: &[u8], k: usize) -> bool {
    match bytes.len() {
        0 => true,
        n => bytes[k / 8 % n] >> (k % 8) & 1 == 1,
    }
}

/// Bits of a slice; all NaNs count as one, as no promise names their payload.
#[must_use]
pub fn bits<T: Real>(x: &[T]) -> Vec<u64> {
    x.iter().map(|&x| number_bits(x)).collect()
}

/// Bits of a number; all NaNs count as one.
#[must_use]
pub fn number_bits<T: Real>(x: T) -> u64 {
    // NaN is what does not equal itself.
    if x.partial_cmp(&x).is_none() { u64::MAX } else { x.bits() }
}

/// A sparse matrix as plain as it gets: rows of (column, value), values exact in `f64`.
#[derive(Clone, Debug, Default)]
pub struct Plain {
    /// The rows, columns increasing.
    pub rows: Vec<Vec<(usize, f64)>>,
}

/// What a plain loop says about a computed vector or norm.
#[derive(Clone, Copy, Debug)]
pub struct Bounded {
    /// The value.
    pub value: f64,
    /// How far rounding may carry any order of summation from it; infinite where overflow may happen.
    pub bound: f64,
}

impl Bounded {
    /// Whether a computed value agrees.
    #[must_use]
    pub fn agrees<T: Real>(&self, computed: T) -> bool {
        self.bound == f64::INFINITY || (computed.to_f64() - self.value).abs() <= self.bound
    }
}

/// ‖x‖₂ without overflow or underflow on the way.
#[must_use]
pub fn norm(x: impl Iterator<Item = f64> + Clone) -> f64 {
    let largest = x.clone().fold(0.0, |most: f64, x| most.max(x.abs()));
    if largest == 0.0 || !largest.is_finite() {
        return largest;
    }
    largest * x.map(|x| (x / largest) * (x / largest)).sum::<f64>().sqrt()
}

impl Plain {
    /// Unknowns.
    #[must_use]
    pub fn order(&self) -> usize {
        self.rows.len()
    }

    /// (b − A x)_i; b = 0 and the sign turned gives A x.
    ///
    /// The bound: k products and k sums, each off by a factor 1 ± u at most, in the type and here (γ of
    /// Higham, Accuracy and Stability, section 3.1), and k products that may underflow.
    #[must_use]
    pub fn residual_of_row<T: Real>(&self, row: usize, rhs: f64, x: &[T]) -> Bounded {
        let terms = self.rows[row].iter().map(|&(column, a)| a * x[column].to_f64());
        let size = terms.clone().fold(rhs.abs(), |sum, term| sum + term.abs());
        let value = terms.fold(rhs, |sum, term| sum - term);
        let count = self.rows[row].len() as f64 + 2.0;
        let rounding = 1.01 * count * T::EPSILON.to_f64() * size;
        // Below twice this, a half-way partial sum cannot overflow.
        let safe = size < 0.5 * T::MAX.to_f64();
        let bound = if safe {
            rounding + count * T::MIN_POSITIVE.to_f64() * T::EPSILON.to_f64()
        } else {
            f64::INFINITY
        };
        Bounded { value, bound }
    }

    /// ‖b − A x‖₂, with a bound for √Σ r² in the type: besides the rows' own, n squares and sums, a root,
    /// and squares that may underflow (√tiny each). Where squares may overflow, nothing is claimed.
    #[must_use]
    pub fn residual_norm<T: Real>(&self, rhs: &[T], x: &[T]) -> Bounded {
        let rows: Vec<_> = (0..self.order()).map(|i| self.residual_of_row(i, rhs[i].to_f64(), x)).collect();
        let value = norm(rows.iter().map(|r| r.value));
        let spread = norm(rows.iter().map(|r| r.bound));
        let epsilon = T::EPSILON.to_f64();
        let n = self.order() as f64 + 2.0;
        let underflow = (n * T::MIN_POSITIVE.to_f64()).sqrt() * epsilon.sqrt();
        let safe = value + spread < 0.5 * T::MAX.to_f64().sqrt();
        let bound =
            if safe { 1.01 * (spread + n * epsilon * value) + 2.0 * underflow } else { f64::INFINITY };
        Bounded { value, bound }
    }

    /// The arrays of the compressed form.
    #[must_use]
    pub fn csr<T: Real>(&self) -> (Vec<u32>, Vec<u32>, Vec<T>) {
        let mut offsets = vec![0];
        let (mut columns, mut values) = (Vec::new(), Vec::new());
        for row in &self.rows {
            columns.extend(row.iter().map(|&(column, _)| column as u32));
            values.extend(row.iter().map(|&(_, value)| T::from_f64(value)));
            offsets.push(columns.len() as u32);
        }
        (offsets, columns, values)
    }

    /// The matrix of a grid: `coupling(direction, cell)` with directions centre, west, east, south, north,
    /// down, up.
    #[must_use]
    pub fn grid([planes, rows, columns]: [usize; 3], coupling: impl Fn(usize, usize) -> f64) -> Self {
        let mut plain = Plain::default();
        for cell in 0..planes * rows * columns {
            let (p, i, j) = (cell / (rows * columns), cell / columns % rows, cell % columns);
            let neighbours = [
                (p > 0, 5, cell.wrapping_sub(rows * columns)),
                (i > 0, 3, cell.wrapping_sub(columns)),
                (j > 0, 1, cell.wrapping_sub(1)),
                (true, 0, cell),
                (j + 1 < columns, 2, cell + 1),
                (i + 1 < rows, 4, cell + columns),
                (p + 1 < planes, 6, cell + rows * columns),
            ];
            let row = neighbours.iter().filter(|(exists, ..)| *exists);
            plain.rows.push(row.map(|&(_, direction, to)| (to, coupling(direction, cell))).collect());
        }
        plain
    }
}

/// Checks an error as a reader would: it says something, and a position that it names exists.
pub fn check_error(error: southwell::Error, length: impl Fn(&str) -> usize) {
    use southwell::Error;
    assert!(!error.to_string().is_empty());
    match error {
        Error::Value { argument, index } | Error::Structure { argument, index, .. } => {
            assert!(index < length(argument), "{error:?} names a position that does not exist");
        }
        Error::Diagonal { row, .. } => {
            assert!(row < length("row"), "{error:?} names a row that does not exist")
        }
        Error::Dimension { argument, expected, given } => {
            assert_eq!(given, length(argument), "{error:?} misstates what was given");
            assert_ne!(given, expected, "{error:?} complains about nothing");
        }
        Error::Workspace { needed, given } => assert!(given < needed, "{error:?} complains about nothing"),
        _ => {}
    }
}

/// The same three times: from dirt, from other dirt, and with plain scalars.
pub fn thrice<T: Real, R: PartialEq + std::fmt::Debug>(mut once: impl FnMut(T) -> R) -> R {
    let first = once(T::NAN);
    assert_eq!(once(T::ONE), first, "dirty memory");
    southwell_simd::force_level(Some(southwell_simd::Level::Scalar));
    let scalar = once(T::ZERO);
    southwell_simd::force_level(None);
    assert_eq!(scalar, first, "another instruction set");
    first
}
