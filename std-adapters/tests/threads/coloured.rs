//! Sparse systems by colours, against core's serial views of the matrix that has been permuted here.

use southwell::descent::Penalty;
use southwell::descent::penalties::{Interval, L1, Values};
use southwell::linear::{Csr, Matrix};
use southwell::relaxation::{Blocks, Colouring, Fixed, Multicolour, Problem, Relax, Split, ssor_cg};
use southwell::{Error, Real, Stop};
use southwell_std::threads::{Coloured, Levels, Pool, descent};

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

    pub(super) fn natural_order_by_levels<T: Real>() {
        // Rows that wait for one another nearly one by one; then levels of 700 rows, of 300 at most, and of all rows.
        let far = |n: usize, distances: &'static [usize]| {
            let of = move |i: usize| {
                let before = distances.iter().filter(move |&&d| d <= i).map(move |&d| (i, i - d));
                before.flat_map(|(i, j)| [(i, j), (j, i)]).map(|(i, j)| (i, j, T::from_f64(-0.7)))
            };
            Sparse::<T>::new(n, (0..n).flat_map(|i| of(i).chain([(i, i, T::from_f64(4.0))])).collect())
        };
        let matrices = [
            Sparse::<T>::random(1, 4, true),
            Sparse::<T>::random(1021, 4, true),
            far(9001, &[700, 1901]),
            far(300 * 70, &[1, 300]),
            far(3000, &[]),
        ];
        for matrix in matrices {
            let view = matrix.view();
            let rhs = noise::<T>(1, view.order());
            let expected = gradients(&view, &rhs);
            let levels = Levels::new(view);
            let (lower, upper) = levels.levels();
            assert!(lower == upper && levels.parallelism() >= 1.0);
            for pool in &pools() {
                let shared = levels.on(pool);
                assert!(gradients(&shared, &rhs) == expected, "{lower} levels, {} threads", pool.threads());
            }
        }
    }

    /// Lines of a grid of nine points, some of them longer than others, which wait for what lies ahead in the line before
    /// and for lines farther off; then CG with the same matrix.
    pub(super) fn natural_order_by_lines<T: Real>() {
        let lengths = [130, 64, 97, 200, 129, 128, 131, 64, 65, 300, 70, 90, 160, 100];
        for far in [false, true] {
            let (mut entries, mut start) = (Vec::new(), 0);
            let mut couple = |i: usize, j: usize, a: f64| {
                entries.extend([(i, j, T::from_f64(a)), (j, i, T::from_f64(a))]);
            };
            for (k, pair) in lengths.repeat(4).windows(2).enumerate() {
                let (len, next) = (pair[0], start + pair[0]);
                (1..len).for_each(|i| couple(start + i - 1, start + i, -0.7));
                for i in 0..len.min(pair[1]) {
                    couple(start + i, next + i, -0.9);
                    if i + 1 < pair[1] {
                        couple(start + i, next + i + 1, -0.3);
                    }
                }
                if far && k > 3 && k < 50 {
                    couple(start, next + pair[1] + 20, -0.2);
                    couple(start + 50, 40, -0.1);
                }
                start = next;
            }
            // A line of one row, which counts to the one before.
            (0..=start + 300).for_each(|i| couple(i, i, 4.8));
            let matrix = Sparse::<T>::new(start + 301, entries);
            let view = matrix.view();
            let rhs = noise::<T>(1, view.order());
            let expected = gradients(&view, &rhs);
            let levels = Levels::new(view);
            assert!(levels.by_lines());
            for pool in &pools() {
                assert!(gradients(&levels.on(pool), &rhs) == expected, "{far}, {} threads", pool.threads());
            }
        }
    }

    pub(super) fn descent_by_colours<T: Real>() {
        for n in [1, 65, 9000] {
            let matrix = Sparse::<T>::random(n, 4, true);
            let (c, start) = (noise::<T>(1, n), noise::<T>(2, n));
            let c: Vec<T> = c.iter().map(|c| T::from_f64(3.0) * *c).collect();
            let penalty = L1::new(T::from_f64(0.3));
            let sweeps = Stop { max_steps: 3, ..Stop::relative(T::MIN_POSITIVE) };
            // By plain loops, over the matrix in the order of its colours.
            let coloured = Coloured::greedy(&matrix.view()).expect("a colouring");
            let permuted = matrix.permuted(&order(&coloured));
            let (mut expected, b) = (coloured.permute(&start), coloured.permute(&c));
            let view = permuted.view();
            for i in (0..3).flat_map(|_| 0..n) {
                let (mut r, d) = (b[i], view.diagonal(i).expect("stored"));
                for (&j, &a) in view.row(i).0.iter().zip(view.row(i).1).filter(|(j, _)| **j as usize != i) {
                    r -= a * expected[j as usize];
                }
                expected[i] = penalty.shape(i).expect("one by one").prox(T::ONE / d, r / d);
            }
            let expected = bits(&coloured.restore(&expected));
            for pool in &pools() {
                let mut x = start.clone();
                let report =
                    descent::by_colours(pool, (&matrix.view(), &c), &penalty, &sweeps, &mut x, &mut ());
                assert_eq!(report.expect("valid").steps, 3);
                assert!(bits(&x) == expected, "{n}, {} threads", pool.threads());
            }
        }
    }

    pub(super) fn descent_in_parts<T: Real>() {
        let n = 3000;
        let matrix = Sparse::<T>::random(n, 4, true);
        let c: Vec<T> = noise::<T>(1, n).into_iter().map(|c| T::from_f64(3.0) * c).collect();
        let low = vec![T::from_f64(-0.25); n];
        let penalty =
            Interval { lower: Values::Each(&low), upper: Values::Same(T::from_f64(0.3)), l2: T::ZERO };
        let stop = Stop { absolute: T::from_f64(1e-4), ..Stop::relative(T::MIN_POSITIVE) };
        let solve = |pool: &Pool, count: usize| {
            let mut x = vec![T::ZERO; n];
            let parts = descent::Parts { count, steps: 40 };
            let report = descent::greedy(pool, parts, (&matrix.view(), &c), &penalty, &stop, &mut x, &mut ());
            assert!(report.expect("valid").converged());
            x
        };
        let pools = pools();
        let alone = solve(&pools[0], 8);
        for pool in &pools[1..] {
            assert!(bits(&solve(pool, 8)) == bits(&alone), "{} threads", pool.threads());
        }
        // Other parts, and colours, are other ways to the same minimum.
        let mut swept = vec![T::ZERO; n];
        let system = (&matrix.view(), &c[..]);
        let report = descent::by_colours(&pools[1], system, &penalty, &stop, &mut swept, &mut ());
        assert!(report.expect("valid").converged());
        for other in [solve(&pools[1], 1), solve(&pools[1], 5), swept] {
            let off = alone
                .iter()
                .zip(&other)
                .fold(0.0_f64, |off, (a, b)| off.max((a.to_f64() - b.to_f64()).abs()));
            // Violations of 1e-4 over a curvature of 1.5 and more.
            assert!(off < 2e-4, "{off}");
        }
        let mut g = vec![T::ZERO; n];
        matrix.view().apply(&alone, &mut g);
        for i in 0..n {
            let violation = penalty.shape(i).expect("one by one").violation(alone[i], g[i] - c[i]);
            assert!(violation.to_f64() < 1.1e-4, "{i}: {violation:?}");
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

in_both! { sweeps_by_colours sweeps_by_blocks halves natural_order_by_levels natural_order_by_lines descent_by_colours descent_in_parts }

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
    let (stop, free) = (Stop { absolute: 1e-3, ..Stop::relative(1e-9) }, L1::new(0.1));
    let refused = |c: &[f64], parts: descent::Parts, stop: &Stop<f64>| {
        let mut x = vec![0.5; 30];
        let system = (&small.view(), c);
        let error = descent::greedy(&pool, parts, system, &free, stop, &mut x, &mut ()).expect_err("refused");
        assert!(x.iter().all(|&x| x == 0.5));
        error
    };
    let none = descent::Parts { count: 0, steps: 1 };
    assert!(matches!(refused(&[0.0; 30], none, &stop), Error::Option { name: "parts", .. }));
    let error = refused(&[0.0; 29], descent::Parts::default(), &stop);
    assert_eq!(error, Error::Dimension { argument: "linear", expected: 30, given: 29 });
    let error = refused(&[f64::NAN; 30], descent::Parts::default(), &stop);
    assert_eq!(error, Error::Value { argument: "linear", index: 0 });
    let error = refused(&[0.0; 30], descent::Parts::default(), &Stop::relative(f64::NAN));
    assert!(matches!(error, Error::Option { name: "relative", .. }));
    let blocks = Coloured::blocks(&small.view(), 2).expect("a size");
    assert!(matches!(blocks.halves(&pool), Err(Error::Option { name: "size", .. })));
}
