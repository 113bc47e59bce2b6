//! What the passes work on: vectors and matrices of every size that is measured.

use std::time::Instant;

use southwell_benches::{Aligned, FivePoint};
use southwell_simd::stencil::{self, Coefficients, Grid, Star};
use southwell_simd::{csr, dense};

use crate::limits::{Streams, Traffic};
use crate::registers::{Word, widest};

/// The vectors and the matrix of one size.
pub(crate) struct Data<T> {
    pub(crate) n: usize,
    /// What the matrix is, in the caption of a column.
    pub(crate) side: usize,
    planes: usize,
    read: [Aligned<T>; 3],
    written: [Aligned<T>; 2],
    dense: Aligned<T>,
    /// A matrix that passes write.
    changed: Aligned<T>,
    sparse: FivePoint<T>,
    couplings: Option<[Aligned<T>; 5]>,
    /// Red cells before black ones.
    order: Vec<u32>,
    /// Factors of one line, and a line of scratch.
    factors: [Vec<T>; 2],
    line: Vec<T>,
}

/// A pass sees plain slices.
pub(crate) struct Operands<'a, T> {
    pub(crate) x: &'a [T],
    pub(crate) z: &'a [T],
    /// Positive: a diagonal, or its reciprocal.
    pub(crate) d: &'a [T],
    pub(crate) y: &'a mut [T],
    pub(crate) w: &'a mut [T],
    /// Scratch of one row of the grid.
    pub(crate) line: &'a mut [T],
    pub(crate) a: dense::Matrix<'a, T>,
    pub(crate) changed: dense::MatrixMut<'a, T>,
    pub(crate) rows: csr::Rows<'a, T>,
    pub(crate) order: &'a [u32],
    pub(crate) grid: Grid<'a, T>,
    pub(crate) factors: (&'a [T], &'a [T]),
}

impl<T: Word> Data<T> {
    pub(crate) fn vectors(n: usize) -> Self {
        Self {
            n,
            side: n,
            planes: 1,
            read: [Aligned::new(1, n, 0), Aligned::new(2, n, 9), Aligned::of(T::ONE, n, 18)],
            written: [Aligned::new(4, n, 27), Aligned::new(5, n, 36)],
            dense: Aligned::default(),
            changed: Aligned::default(),
            sparse: FivePoint::default(),
            couplings: None,
            order: Vec::new(),
            factors: [Vec::new(), Vec::new()],
            line: Vec::new(),
        }
    }

    /// Vectors whose first one is positive, for logarithms.
    pub(crate) fn positive(n: usize) -> Self {
        let mut data = Self::vectors(n);
        data.read[0].get_mut().iter_mut().for_each(|x| *x += T::ONE);
        data
    }

    /// A square matrix with a dominant diagonal, so that no sweep diverges.
    pub(crate) fn dense(n: usize) -> Self {
        let mut data = Self::vectors(n);
        data.side = n;
        data.changed = Aligned::new(8, n * n, 54);
        data.dense = Aligned::new(7, n * n, 0);
        for (i, row) in data.dense.get_mut().chunks_exact_mut(n).enumerate() {
            row[i] = T::from_usize(n);
        }
        data.read[2] = Aligned::of(T::ONE / T::from_usize(n), n, 18);
        data
    }

    /// A square grid: constant couplings, arrays of couplings, or sparse rows.
    pub(crate) fn grid(side: usize, by_cell: bool, sparse: bool) -> Self {
        let mut data = Self::vectors(side * side);
        data.side = side;
        data.read[2] = Aligned::of(T::HALF * T::HALF, side * side, 18);
        if sparse {
            data.sparse = FivePoint::new(side);
            let colour = |cell: &usize| (cell / side + cell % side) % 2;
            let cells = |wanted| (0..side * side).filter(move |cell| colour(cell) == wanted);
            data.order = cells(0).chain(cells(1)).map(|cell| cell as u32).collect();
        }
        if by_cell {
            let coupling = |k: usize| {
                let value = if k == 0 { T::from_u32(4) } else { -T::ONE };
                Aligned::of(value, side * side, 54 + 9 * k)
            };
            data.couplings = Some(std::array::from_fn(coupling));
        } else {
            let mut factors = [vec![T::ZERO; side], vec![T::ZERO; side]];
            let [gamma, pivot] = &mut factors;
            let coefficients = Coefficients::Constant(five(T::from_u32(4), -T::ONE));
            let line = Grid { planes: 1, rows: 1, columns: side, coefficients };
            assert_eq!(stencil::factor_lines(&line, gamma, pivot), None, "the model line has pivots");
            data.factors = factors;
            data.line = vec![T::ZERO; side];
        }
        data
    }

    /// A cube of `side`³ cells with constant couplings.
    pub(crate) fn cube(side: usize) -> Self {
        Self { side, planes: side, ..Self::vectors(side * side * side) }
    }

    /// A sparse vector of `entries`, every fourth element of one.
    pub(crate) fn sparse_vector(entries: usize) -> Self {
        let mut data = Self::vectors(4 * entries);
        data.side = entries;
        data.sparse.offsets = vec![0, entries as u32];
        data.sparse.columns = (0..entries).map(|k| 4 * k as u32).collect();
        data.sparse.values = southwell_benches::numbers(9, entries);
        data
    }

    /// The written vectors as they were at first.
    pub(crate) fn reset(&mut self) {
        for (k, vector) in self.written.iter_mut().chain([&mut self.changed]).enumerate() {
            let numbers = southwell_benches::numbers::<T>(4 + k as u64, vector.get().len());
            vector.get_mut().copy_from_slice(&numbers);
        }
    }

    /// The bits of all that a pass may have written.
    pub(crate) fn bits(&self) -> Vec<u64> {
        let vectors = self.written.iter().chain([&self.changed]);
        vectors.flat_map(|vector| vector.get()).map(|x| x.bits()).collect()
    }

    /// Elements of the largest operand.
    pub(crate) fn largest(&self) -> usize {
        self.n.max(self.changed.get().len())
    }

    /// Bytes of the sparse matrix.
    pub(crate) fn sparse_bytes(&self) -> usize {
        self.sparse.bytes()
    }

    pub(crate) fn entries(&self) -> usize {
        self.sparse.values.len()
    }

    pub(crate) fn operands(&mut self) -> Operands<'_, T> {
        let [y, w] = &mut self.written;
        let [x, z, d] = &self.read;
        let side = self.side;
        let coefficients = match &self.couplings {
            None if self.planes == 1 => Coefficients::Constant(five(T::from_u32(4), -T::ONE)),
            None => {
                let star = five(T::from_u32(6), -T::ONE);
                Coefficients::Constant(Star { down: -T::ONE, up: -T::ONE, ..star })
            }
            Some([centre, west, east, south, north]) => Coefficients::PerCell(Star {
                centre: centre.get(),
                west: west.get(),
                east: east.get(),
                south: south.get(),
                north: north.get(),
                down: &[],
                up: &[],
            }),
        };
        Operands {
            x: x.get(),
            z: z.get(),
            d: d.get(),
            y: y.get_mut(),
            w: w.get_mut(),
            line: &mut self.line,
            a: dense::Matrix { values: self.dense.get(), columns: side, stride: side },
            changed: dense::MatrixMut { values: self.changed.get_mut(), columns: side, stride: side },
            rows: csr::Rows::new(&self.sparse.offsets, &self.sparse.columns, &self.sparse.values, self.n)
                .expect("a valid matrix"),
            order: &self.order,
            factors: (&self.factors[0], &self.factors[1]),
            grid: Grid { planes: self.planes, rows: side, columns: side, coefficients },
        }
    }
}

fn five<T: Word>(centre: T, beside: T) -> Star<T> {
    Star { centre, west: beside, east: beside, south: beside, north: beside, down: T::ZERO, up: T::ZERO }
}

/// Memory of its own for the loop that only moves bytes.
pub(crate) struct Limit<T> {
    reads: [Aligned<T>; 3],
    update: Aligned<T>,
    write: Aligned<T>,
    long: Aligned<T>,
}

impl<T: Word> Limit<T> {
    /// For streams of `n` elements and `long` bytes of a matrix.
    pub(crate) fn new(n: usize, long: usize) -> Self {
        Self {
            reads: [Aligned::new(1, n, 0), Aligned::new(2, n, 9), Aligned::new(3, n, 18)],
            update: Aligned::of(T::ONE, n, 27),
            write: Aligned::of(T::ONE, n, 36),
            long: Aligned::of(T::HALF, long / size_of::<T>(), 45),
        }
    }

    /// For a matrix of `entries` that is read or updated.
    pub(crate) fn matrix(entries: usize) -> Self {
        Self {
            update: Aligned::of(T::ONE, entries, 27),
            long: Aligned::of(T::HALF, entries, 45),
            ..Self::new(0, 0)
        }
    }

    /// Moves the bytes of `streams` of `n` elements `count` times; the seconds that took.
    pub(crate) fn run(&mut self, streams: Streams, n: usize, count: u64) -> f64 {
        let start = Instant::now();
        let [a, b, c] = self.reads.each_ref().map(|x| &x.get()[..n.min(x.get().len())]);
        let (u, w) = (self.update.get_mut(), self.write.get_mut());
        let (u_len, w_len) = (n.min(u.len()), n.min(w.len()));
        let (u, w) = (&mut u[..u_len], &mut w[..w_len]);
        let long = self.long.get().get(..streams.long / size_of::<T>()).unwrap_or(&[]);
        macro_rules! run {
            ([$($r:ident),*], [$($u:ident),*], [$($w:ident),*]) => {
                if long.is_empty() {
                    let (reads, updates, writes) = ([$($r),*], [$($u),*], [$($w),*]);
                    widest(Traffic::<T, _, _, _, false> { reads, updates, writes, long, count });
                } else {
                    let (reads, updates, writes) = ([$($r),*], [$($u),*], [$($w),*]);
                    widest(Traffic::<T, _, _, _, true> { reads, updates, writes, long, count });
                }
            };
        }
        match (streams.reads, streams.updates, streams.writes) {
            (0, 0, 0) => run!([], [], []),
            (1, 0, 0) => run!([a], [], []),
            (2, 0, 0) => run!([a, b], [], []),
            (3, 0, 0) => run!([a, b, c], [], []),
            (0, 1, 0) => run!([], [u], []),
            (1, 1, 0) => run!([a], [u], []),
            (0, 2, 0) => run!([], [u, w], []),
            (2, 1, 0) => run!([a, b], [u], []),
            (3, 1, 0) => run!([a, b, c], [u], []),
            (0, 0, 1) => run!([], [], [w]),
            (1, 0, 1) => run!([a], [], [w]),
            (2, 0, 1) => run!([a, b], [], [w]),
            (3, 0, 1) => run!([a, b, c], [], [w]),
            (2, 0, 2) => run!([a, b], [], [w, u]),
            (3, 0, 2) => run!([a, b, c], [], [w, u]),
            // Eight short streams are parts of a long one.
            (8, 0, 1) => {
                let parts: [&[T]; 8] =
                    core::array::from_fn(|k| self.reads[0].get().get(k * n..(k + 1) * n).unwrap_or(&[]));
                let [a, b, c, d, e, f, g, h] = parts;
                run!([a, b, c, d, e, f, g, h], [], [w]);
            }
            mix => panic!("no limiting loop for {mix:?}: add a line here"),
        }
        start.elapsed().as_secs_f64()
    }
}
