//! Sparse systems by colours, against core's serial views of the matrix that has been permuted here.

use southwell::linear::{Csr, Matrix};
use southwell::relaxation::{Blocks, Colouring, Fixed, Multicolour, Problem, Relax, Split, ssor_cg};
use southwell::{Error, Real, Stop};
use southwell_std::threads::{Coloured, Pool};

use super::{bits, in_both, noise, pools};

/// A sparse matrix, owned.
struct Sparse<T> {
    offsets: Vec<u32>,
    columns: Vec<u32>,
    values: Vec<T>,
}

impl<T: Real> Sparse<T> {
    /// From entries in any order.
    fn new(n: usize, mut entries: Vec<(usize, usize, T)>) -> Self {
        entries.sort_unstable_by_key(|&(i, j, _)| (i, j));
        entries.dedup_by_key(|&mut (i, j, _)| (i, j));
        let mut offsets = vec![0; n + 1];
        entries.iter().for_each(|&(i, ..)| offsets[i + 1] += 1);
        (0..n).for_each(|i| offsets[i + 1] += offsets[i]);
        let columns = entries.iter().map(|&(_, j, _)| j as u32).collect();
        Self { offsets, columns, values: entries.iter().map(|e| e.2).collect() }
    }

    /// A band of couplings around the diagonal, of which a third is there, and dominant diagonal blocks; one-sided
    /// couplings too unless it is symmetric.
    fn random(n: usize, width: usize, symmetric: bool) -> Self {
        let draws = noise::<f64>(n as u64, n * 2 * width);
        let mut entries = Vec::new();
        for i in 0..n {
            for d in 1..=width.min(i) {
                let (draw, value) = (draws[2 * (i * width + d - 1)], draws[2 * (i * width + d - 1) + 1]);
                if draw > 0.3 {
                    let value = T::from_f64(0.4 * value);
                    entries.push((i, i - d, value));
                    if symmetric || draw > 0.6 {
                        entries.push((i - d, i, if symmetric { value } else { value * T::HALF }));
                    }
                }
            }
            entries.push((i, i, T::from_f64(0.6 * width as f64 + 1.0 + 0.1 * draws[i])));
        }
        Self::new(n, entries)
    }

    fn view(&self) -> Csr<'_, T> {
        Csr::new(&self.offsets, &self.columns, &self.values).expect("a valid matrix")
    }

    /// Row and column k are what `order[k]` was.
    fn permuted(&self, order: &[T]) -> Self {
        let n = order.len();
        let order: Vec<usize> = order.iter().map(|k| k.to_f64() as usize).collect();
        let mut place = vec![0; n];
        order.iter().enumerate().for_each(|(k, &i)| place[i] = k);
        let view = self.view();
        let row = |i: usize| {
            let (columns, values) = view.row(i);
            let place = &place;
            columns
                .iter()
                .zip(values)
                .map(move |(&j, &a)| (place[i], place[j as usize], a))
                .collect::<Vec<_>>()
        };
        Self::new(n, (0..n).flat_map(row).collect())
    }
}

/// Unknowns in the order of the colours.
fn order<T: Real>(coloured: &Coloured<T>) -> Vec<T> {
    let natural: Vec<T> = (0..coloured.order()).map(T::from_usize).collect();
    let order = coloured.permute(&natural);
    assert_eq!(coloured.restore(&order), natural);
    order
}

fn sweep<T: Real, A: Relax<T>>(matrix: &A, reversed: bool, rhs: &[T], start: &[T]) -> Vec<u64> {
    let mut scratch = vec![T::NAN; matrix.scratch_len()];
    matrix.prepare(&mut scratch).expect("blocks that can be inverted");
    let mut x = start.to_vec();
    matrix.sweeps(reversed, T::from_f64(1.2), &mut scratch, rhs, &mut x, 2);
    bits(&x)
}

mod check {
    use super::*;

    pub(super) fn sweeps_by_colours<T: Real>() {
        for n in [1, 63, 65, 1021, 20_000] {
            let matrix = Sparse::<T>::random(n, 4, false);
            let coloured = Coloured::greedy(&matrix.view()).expect("a colouring");
            let permuted = matrix.permuted(&order(&coloured));
            let identity: Vec<u32> = (0..n as u32).collect();
            let mut storage = vec![0; Colouring::required_len(n)];
            let known = Colouring::greedy(&matrix.view(), &mut storage).expect("long enough");
            assert_eq!(coloured.colours(), known.colours());
            let starts: Vec<u32> =
                (0..=known.colours()).map(|c| (0..c).map(|c| known.rows(c).len() as u32).sum()).collect();
            let mut scratch = vec![0; n];
            let colouring =
                Colouring::new(&permuted.view(), &identity, &starts, &mut scratch).expect("colours");
            let serial = Multicolour::new(permuted.view(), colouring).expect("of one order");
            let same = Coloured::new(&matrix.view(), &known).expect("colours");
            let (rhs, x) = (noise::<T>(1, n), noise::<T>(2, n));
            let (mut y, mut r) = (vec![T::NAN; n], vec![T::NAN; n]);
            serial.apply(&x, &mut y);
            serial.residual(&rhs, &x, &mut r);
            let mut squares = Vec::new();
            for pool in &pools() {
                let (shared, what) = (coloured.sweeps(pool), format!("{n}, {} threads", pool.threads()));
                for reversed in [false, true] {
                    let expected = sweep(&serial, reversed, &rhs, &x);
                    assert!(sweep(&shared, reversed, &rhs, &x) == expected, "{what}");
                    assert!(sweep(&same.sweeps(pool), reversed, &rhs, &x) == expected, "{what}");
                }
                let mut out = vec![T::NAN; n];
                shared.apply(&x, &mut out);
                assert!(bits(&out) == bits(&y), "{what}: a product");
                shared.residual(&rhs, &x, &mut out);
                assert!(bits(&out) == bits(&r), "{what}: a residual");
                squares.push(shared.residual_square(&rhs, &x));
                for row in [0, n / 2, n - 1] {
                    assert_eq!(shared.diagonal(row), permuted.view().diagonal(row));
                    let off = (shared.off_diagonal(row) - permuted.view().off_diagonal(row)).abs();
                    assert!(off <= T::from_f64(1e-5), "{what}: row {row}");
                }
            }
            assert!(squares.iter().all(|s| bits(&[*s]) == bits(&[squares[0]])), "{n}: {squares:?}");
            let square = serial.residual_square(&rhs, &x);
            assert!((squares[0] - square).abs() <= T::from_f64(1e3) * T::EPSILON * square, "{n}");
        }
    }

    pub(super) fn sweeps_by_blocks<T: Real>() {
        for (n, size) in [(1, 3), (64, 2), (63, 2), (65, 8), (1021, 3), (20_001, 4), (9000, 1)] {
            let matrix = Sparse::<T>::random(n, 5, false);
            let coloured = Coloured::blocks(&matrix.view(), size).expect("a size");
            let permuted = matrix.permuted(&order(&coloured));
            let serial = Blocks::new(permuted.view(), size).expect("a size");
            let (rhs, x) = (noise::<T>(1, n), noise::<T>(2, n));
            let mut r = vec![T::NAN; n];
            serial.residual(&rhs, &x, &mut r);
            for pool in &pools() {
                let (shared, what) =
                    (coloured.sweeps(pool), format!("{n} by {size}, {} threads", pool.threads()));
                if size > 1 {
                    for reversed in [false, true] {
                        let expected = sweep(&serial, reversed, &rhs, &x);
                        assert!(sweep(&shared, reversed, &rhs, &x) == expected, "{what}");
                    }
                }
                let mut out = vec![T::NAN; n];
                shared.residual(&rhs, &x, &mut out);
                assert!(bits(&out) == bits(&r), "{what}: a residual");
            }
        }
    }

    pub(super) fn halves<T: Real>() {
        for n in [1, 63, 65, 1021, 20_000] {
            let matrix = Sparse::<T>::random(n, 4, true);
            let coloured = Coloured::greedy(&matrix.view()).expect("a colouring");
            let permuted = matrix.permuted(&order(&coloured));
            let rhs = noise::<T>(1, n);
            let expected = gradients(&permuted.view(), &rhs);
            for pool in &pools() {
                let shared = coloured.halves(pool).expect("blocks of 1");
                assert!(gradients(&shared, &rhs) == expected, "{n}, {} threads", pool.threads());
            }
        }
    }

    /// Steps of SSOR-CG.
    fn gradients<T: Real, A: Split<T>>(matrix: &A, rhs: &[T]) -> Vec<u64> {
        let problem = Problem::new(matrix, rhs).expect("a problem");
        let mut storage = vec![T::NAN; ssor_cg::Workspace::<T>::required_len(rhs.len(), matrix.split_len())];
        let workspace = ssor_cg::Workspace::new(&problem, &mut storage).expect("long enough");
        let mut x = vec![T::ZERO; rhs.len()];
        let stop = Stop { max_steps: 8, ..Stop::relative(T::from_f64(1e-5)) };
        let options = ssor_cg::Options { stop, ..Default::default() };
        ssor_cg::solve(&problem, &options, &mut Fixed(T::from_f64(1.1)), &mut x, workspace, &mut ())
            .expect("valid");
        assert!(x.iter().any(|&x| x != T::ZERO));
        bits(&x)
    }
}

in_both! { sweeps_by_colours sweeps_by_blocks halves }

#[test]
fn what_does_not_fit_is_refused() {
    let (small, large) = (Sparse::<f64>::random(30, 3, true), Sparse::<f64>::random(40, 3, true));
    let mut storage = vec![0; Colouring::required_len(30)];
    let colouring = Colouring::greedy(&small.view(), &mut storage).expect("long enough");
    let error = Coloured::new(&large.view(), &colouring).expect_err("another order");
    assert_eq!(error, Error::Dimension { argument: "colouring", expected: 40, given: 30 });
    let wide = Sparse::<f64>::random(30, 9, true);
    let error = Coloured::new(&wide.view(), &colouring).expect_err("coupled rows");
    assert!(matches!(error, Error::Option { name: "colouring", .. }), "{error}");
    for size in [0, 9] {
        assert!(matches!(Coloured::blocks(&small.view(), size), Err(Error::Option { name: "size", .. })));
    }
    let pool = Pool::new(None).expect("threads");
    let blocks = Coloured::blocks(&small.view(), 2).expect("a size");
    assert!(matches!(blocks.halves(&pool), Err(Error::Option { name: "size", .. })));
}
