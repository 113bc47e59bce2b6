//! Dense passes of ours and of faer on the same operands, which begin on a cache line.

use std::error::Error;
use std::hint::black_box;
use std::path::Path;

use southwell::Real;
use southwell_benches::{Aligned, seconds};
use southwell_simd::{dense, elementary, vector};

use crate::Answer;

/// Operands of either type.
pub(crate) trait Timed {
    fn time(&mut self, what: &str, who: &str, count: u32) -> Answer;
    /// The last result as raw little-endian numbers.
    fn result(&self) -> Vec<u8>;
}

struct Operands<T> {
    n: usize,
    a: Aligned<T>,
    x: Aligned<T>,
    y: Aligned<T>,
    out: Aligned<T>,
}

/// Reads `a`, `x` and `y`; tells how long x is.
pub(crate) fn read<T: Scalar>(
    folder: &Path,
    of_bytes: fn(T::Bytes) -> T,
) -> Result<(Box<dyn Timed>, usize), Box<dyn Error>> {
    let file = |name: &str, shift: usize| -> Result<Aligned<T>, Box<dyn Error>> {
        let bytes = std::fs::read(folder.join(name))?;
        let numbers = bytes.chunks_exact(size_of::<T>()).map(|b| Ok(of_bytes(b.try_into().ok().ok_or("?")?)));
        let numbers = numbers.collect::<Result<Vec<T>, &str>>()?;
        let mut vector = Aligned::of(T::ZERO, numbers.len(), shift);
        vector.get_mut().copy_from_slice(&numbers);
        Ok(vector)
    };
    let (a, x, y) = (file("a", 0)?, file("x", 9)?, file("y", 18)?);
    let n = x.get().len();
    if !a.get().is_empty() && n.checked_mul(n) != Some(a.get().len()) {
        return Err("a is not square".into());
    }
    Ok((Box::new(Operands { n, a, x, y, out: Aligned::of(T::ZERO, n, 27) }), n))
}

/// What both libraries compute with.
#[cfg(feature = "peers")]
pub(crate) trait Scalar: Real + faer::traits::ComplexField {
    type Bytes: for<'a> TryFrom<&'a [u8]> + IntoIterator<Item = u8>;
    fn bytes(self) -> Self::Bytes;
}

/// What we compute with.
#[cfg(not(feature = "peers"))]
pub(crate) trait Scalar: Real {
    type Bytes: for<'a> TryFrom<&'a [u8]> + IntoIterator<Item = u8>;
    fn bytes(self) -> Self::Bytes;
}

macro_rules! scalar {
    ($t:ident) => {
        impl Scalar for $t {
            type Bytes = [u8; size_of::<$t>()];
            fn bytes(self) -> Self::Bytes {
                self.to_le_bytes()
            }
        }
    };
}
scalar!(f32);
scalar!(f64);

impl<T: Scalar> Timed for Operands<T> {
    fn time(&mut self, what: &str, who: &str, count: u32) -> Answer {
        let n = self.n;
        let a = dense::Matrix { values: self.a.get(), columns: n, stride: n };
        let (x, y, out) = (self.x.get(), self.y.get(), self.out.get_mut());
        let each = |work: &mut dyn FnMut()| {
            let time = seconds(|| (0..count).for_each(|_| work()));
            Ok(format!("{:e}", time / f64::from(count.max(1))))
        };
        match (what, who) {
            ("gemv", "southwell") => each(&mut || dense::apply(black_box(a), black_box(x), black_box(out))),
            ("gemv_t", "southwell") => {
                each(&mut || dense::apply_transposed(black_box(a), black_box(x), black_box(out)))
            }
            ("exp", "southwell") => each(&mut || elementary::exp(black_box(x), black_box(out))),
            ("dot", "southwell") => each(&mut || out[0] = vector::dot(black_box(x), black_box(y))),
            #[cfg(feature = "peers")]
            (_, "faer") => faer_does(what, a.values, x, y, out, each),
            _ => Err(format!("no `{what}` by `{who}`").into()),
        }
    }

    fn result(&self) -> Vec<u8> {
        self.out.get().iter().flat_map(|&x| x.bytes()).collect()
    }
}

/// The same by faer: its general product, which knows vectors, on one thread.
#[cfg(feature = "peers")]
fn faer_does<T: Scalar>(
    what: &str,
    a: &[T],
    x: &[T],
    y: &[T],
    out: &mut [T],
    each: impl Fn(&mut dyn FnMut()) -> Answer,
) -> Answer {
    use faer::linalg::matmul::matmul;
    use faer::{Accum, ColMut, ColRef, MatMut, MatRef, Par};
    let n = x.len();
    let mut product = |a: &[T], transposed: bool| {
        let a = MatRef::from_row_major_slice(black_box(a), n, n);
        let a = if transposed { a.transpose() } else { a };
        let (x, out) = (ColRef::from_slice(black_box(x)), ColMut::from_slice_mut(black_box(&mut *out)));
        matmul(out.as_mat_mut(), Accum::Replace, a, x.as_mat(), Real::from_f64(1.0), Par::Seq);
    };
    match what {
        "gemv" => each(&mut || product(a, false)),
        "gemv_t" => each(&mut || product(a, true)),
        "dot" => each(&mut || {
            let (x, y) = (ColRef::from_slice(black_box(x)), ColRef::from_slice(black_box(y)));
            let out = MatMut::from_column_major_slice_mut(&mut out[..1], 1, 1);
            matmul(out, Accum::Replace, x.as_mat().transpose(), y.as_mat(), Real::from_f64(1.0), Par::Seq);
        }),
        _ => Err(format!("no `{what}` by faer").into()),
    }
}
