//! Costs between points, and of a kernel.

use crate::common::cases::{Case, SplitMix64, look};
use southwell::omega::Fixed;
use southwell::transport::{Cost, DenseCost, Ground, KernelCost, PointCost, Potentials, Problem, scaling};
use southwell::{Error, Real};

/// Costs made on the fly are those that are stored.
#[test]
fn points() {
    let (x, y) = (SplitMix64(1).take(3 * 20), SplitMix64(2).take(3 * 31));
    for ground in [Ground::SquaredEuclidean, Ground::Euclidean, Ground::L1] {
        let mut storage = vec![f64::NAN; PointCost::<f64>::required_len(31, 3)];
        let cost = PointCost::new(&x, &y, 3, ground, &mut storage).expect("points");
        let cost = cost.scaled(1.0 / cost.largest()).expect("a scale");
        let mut stored = vec![];
        for i in 0..20 {
            for j in 0..31 {
                let d = (0..3).map(|k| (x[3 * i + k] - y[3 * j + k]).abs());
                stored.push(match ground {
                    Ground::L1 => d.sum::<f64>(),
                    Ground::Euclidean => d.map(|d| d * d).sum::<f64>().sqrt(),
                    _ => d.map(|d| d * d).sum::<f64>(),
                });
            }
        }
        let largest = stored.iter().fold(0.0_f64, |most, &c| most.max(c));
        let mut row = vec![0.0; 31];
        let scale = cost.row(0, &mut row)[0] / stored[0];
        assert!(1.0 / scale >= largest && 1.0 / scale <= 4.0 * largest, "{ground:?} {scale} {largest}");
        for i in 0..20 {
            for (made, stored) in cost.row(i, &mut row).iter().zip(&stored[31 * i..]) {
                assert!((made - stored * scale).abs() <= 1e-15, "{ground:?}");
            }
        }
        stored.iter_mut().for_each(|c| *c *= scale);
        let case = Case { cost: stored, a: vec![1.0 / 20.0; 20], b: vec![1.0 / 31.0; 31] };
        let problem = Problem::new(&cost, &case.a, &case.b, 0.05).expect("a problem");
        let mut storage = vec![f64::NAN; scaling::Workspace::<f64>::required_len(20, 31, false)];
        let workspace = scaling::Workspace::new(&problem, &mut storage).expect("memory");
        let (mut f, mut g) = (vec![0.0; 20], vec![0.0; 31]);
        let x = Potentials { f: &mut f, g: &mut g };
        let report =
            scaling::solve(&problem, &scaling::Options::default(), &mut Fixed(1.0), x, workspace, &mut ());
        assert!(report.expect("valid").converged());
        let [rows, columns, ..] = look(&case, 0.05, &f, &g);
        assert!(rows + columns < 1.1e-9, "{ground:?} {rows} {columns}");
    }
    let mut storage = [0.0; 6];
    let refused = |x: &[f64], y: &[f64], d, storage: &mut [f64]| {
        PointCost::new(x, y, d, Ground::L1, storage).map(|_| ()).err()
    };
    assert!(matches!(refused(&[], &[], 0, &mut storage), Some(Error::Option { name: "dimension", .. })));
    let expected = Error::Dimension { argument: "y", expected: 2, given: 3 };
    assert_eq!(refused(&[1.0, 2.0], &[1.0; 3], 2, &mut storage), Some(expected));
    let expected = Error::Value { argument: "x", index: 1 };
    assert_eq!(refused(&[1.0, f64::NAN], &[1.0; 4], 2, &mut storage), Some(expected));
    let expected = Error::Workspace { needed: 8, given: 6 };
    assert_eq!(refused(&[1.0, 2.0], &[1.0; 8], 2, &mut storage), Some(expected));
    assert!(matches!(
        refused(&[1e308; 2], &[-1e308; 2], 2, &mut storage),
        Some(Error::Option { name: "points", .. })
    ));
}

/// Costs of which nothing is known but their rows.
struct ByRow<C>(C);

impl<T: Real, C: Cost<T>> Cost<T> for ByRow<C> {
    fn rows(&self) -> usize {
        self.0.rows()
    }
    fn columns(&self) -> usize {
        self.0.columns()
    }
    fn largest(&self) -> T {
        self.0.largest()
    }
    fn row<'s>(&'s self, row: usize, buffer: &'s mut [T]) -> &'s [T] {
        self.0.row(row, buffer)
    }
}

/// A reading of points, of which some rows are made together in the plane, has the bits of one by rows.
fn read_together<T: Real>() {
    for (n, m, dimension) in [(13, 64, 2), (8, 131, 2), (3, 70, 2), (6, 63, 2), (6, 90, 3)] {
        let take = |seed, count| crate::common::cast::<T>(&SplitMix64(seed).take(count));
        let (x, y, g) = (take(3, dimension * n), take(4, dimension * m), take(5, m));
        for ground in [Ground::SquaredEuclidean, Ground::Euclidean, Ground::L1] {
            let mut storage = vec![T::NAN; PointCost::<T>::required_len(m, dimension)];
            let cost = PointCost::new(&x, &y, dimension, ground, &mut storage).expect("points");
            let read = |cost: &dyn Reading<T>| {
                let (mut columns, mut seen) = (vec![T::NAN; m], vec![]);
                cost.read(&g, &mut columns, &mut seen);
                (columns, seen)
            };
            assert_eq!(read(&cost), read(&ByRow(&cost)), "{n} {m} {dimension} {ground:?}");
            // Rows from any on, in groups and what is left of them.
            let (count, inverse) = (n - 1, T::from_f64(100.0));
            let (mut e, mut found) = (vec![T::NAN; count * m], vec![(T::NAN, T::NAN); count]);
            let (mut other, mut alone) = (e.clone(), found.clone());
            cost.exp_rows(1, &g, inverse, &mut e, &mut found, &mut vec![T::NAN; m]);
            ByRow(&cost).exp_rows(1, &g, inverse, &mut other, &mut alone, &mut vec![T::NAN; m]);
            assert_eq!((e, found), (other, alone), "{n} {m} {dimension} {ground:?}");
        }
    }
}

/// Any cost's reading, some rows of which have no weight.
trait Reading<T> {
    fn read(&self, g: &[T], columns: &mut [T], seen: &mut Vec<(usize, T, T)>);
}

impl<T: Real, C: Cost<T>> Reading<T> for C {
    fn read(&self, g: &[T], columns: &mut [T], seen: &mut Vec<(usize, T, T)>) {
        let mut scratch = vec![T::NAN; self.scratch_len()];
        let mut weigh = |row, m: T, sum: T| {
            seen.push((row, m, sum));
            if row % 5 == 3 { T::ZERO } else { T::ONE / sum }
        };
        self.pass(T::from_f64(0.01), g, &mut weigh, columns, &mut scratch);
    }
}

#[test]
fn rows_of_points_together() {
    read_together::<f32>();
    read_together::<f64>();
}

/// A kernel's coupling is the kernel with its rows and columns scaled, whatever units it came in.
#[test]
fn kernels() {
    let kernel: Vec<f64> = SplitMix64(7).take(20 * 31).iter().map(|u| 1e-3 + u * u).collect();
    let case = Case { cost: vec![], a: vec![1.0 / 20.0; 20], b: vec![1.0 / 31.0; 31] };
    // Plain scaling of rows and columns.
    let (mut u, mut v) = (vec![1.0; 20], vec![1.0; 31]);
    for _ in 0..500 {
        for (i, u) in u.iter_mut().enumerate() {
            *u = case.a[i] / (0..31).map(|j| kernel[31 * i + j] * v[j]).sum::<f64>();
        }
        for (j, v) in v.iter_mut().enumerate() {
            *v = case.b[j] / (0..20).map(|i| u[i] * kernel[31 * i + j]).sum::<f64>();
        }
    }
    for (factor, epsilon) in [(1.0, 1.0), (1e200, 0.25), (1e-200, 1e-3)] {
        let scaled: Vec<f64> = kernel.iter().map(|k| factor * k).collect();
        let cost = KernelCost::new(&scaled, 20, 31, 31, epsilon).expect("a kernel");
        let problem = Problem::new(&cost, &case.a, &case.b, cost.epsilon()).expect("a problem");
        let mut storage = vec![f64::NAN; scaling::Workspace::<f64>::required_len(20, 31, false)];
        let workspace = scaling::Workspace::new(&problem, &mut storage).expect("memory");
        let (mut f, mut g) = (vec![0.0; 20], vec![0.0; 31]);
        let x = Potentials { f: &mut f, g: &mut g };
        let report =
            scaling::solve(&problem, &scaling::Options::default(), &mut Fixed(1.0), x, workspace, &mut ());
        assert!(report.expect("valid").converged());
        let mut buffer = [0.0; 31];
        let least = (0..20).flat_map(|i| cost.row(i, &mut buffer).to_vec()).fold(f64::INFINITY, f64::min);
        assert_eq!(least, 0.0);
        for i in 0..20 {
            for j in 0..31 {
                let exact = u[i] * kernel[31 * i + j] * v[j];
                let found = ((f[i] + g[j] - cost.row(i, &mut buffer)[j]) / epsilon).exp();
                assert!((found - exact).abs() < 1e-8 * exact, "{factor} {epsilon}: {found} {exact}");
            }
        }
    }
    let refused = |kernel: &[f64], epsilon| KernelCost::new(kernel, 1, 2, 2, epsilon).err();
    assert_eq!(refused(&[1.0, f64::NAN], 1.0), Some(Error::Value { argument: "kernel", index: 1 }));
    assert_eq!(refused(&[1.0, -1.0], 1.0), Some(Error::Negative { argument: "kernel", index: 1 }));
    assert!(matches!(refused(&[1.0, 0.0], 1.0), Some(Error::Option { name: "kernel", .. })));
    assert!(matches!(refused(&[1.0, 1.0], 0.0), Some(Error::Option { name: "epsilon", .. })));
    assert_eq!(refused(&[1.0], 1.0), Some(Error::Dimension { argument: "kernel", expected: 2, given: 1 }));
}

/// The bound of the costs is one after rounding as well.
#[test]
fn no_cost_is_above_the_bound() {
    for dimension in 1..=4 {
        for seed in 0..40 {
            let (x, y) = (SplitMix64(seed).take(dimension), SplitMix64(seed + 100).take(dimension));
            for ground in [Ground::SquaredEuclidean, Ground::Euclidean, Ground::L1] {
                let mut storage = vec![f64::NAN; dimension];
                let cost = PointCost::new(&x, &y, dimension, ground, &mut storage).expect("points");
                // Of two points it is the only cost, and no more than a few roundings below the bound.
                let only = cost.row(0, &mut [f64::NAN])[0];
                assert!(only <= cost.largest(), "{dimension} {seed} {ground:?}");
                assert!(
                    cost.largest() <= only * (1.0 + 12.0 * f64::EPSILON),
                    "{dimension} {seed} {ground:?}"
                );
            }
        }
    }
}

/// A reference to costs answers as they do.
#[test]
fn costs_are_handed_on() {
    fn told<C: Cost<f64>>(cost: C, m: usize) -> (usize, usize, f64, bool, usize, Vec<f64>) {
        let mut numbers = vec![0.0; m];
        let mut row = cost.row(1, &mut numbers).to_vec();
        let g = vec![0.125; m];
        let (mut e, mut buffer) = (vec![0.0; m], vec![0.0; m]);
        let (most, sum) = cost.exp_row(0, &g, 2.0, &mut e, &mut buffer);
        row.extend(e.iter().chain(&[most, sum]));
        let mut scratch = vec![0.0; cost.scratch_len()];
        cost.pass(0.5, &g, &mut |i, m, s| i as f64 + m + s, &mut e, &mut scratch);
        row.extend(&e);
        let mut kernel = vec![0.0; cost.rows() * m];
        cost.make_kernel(0.5, &g, &mut |_, _, s| 1.0 / s, &mut kernel, &mut e, &mut buffer);
        row.extend(kernel.iter().chain(&e));
        let mut u = vec![0.0; cost.rows()];
        let sum = cost.read_kernel(&kernel, &g, &|i, s| (i as f64 + s, s), &mut u, &mut e, &mut buffer);
        row.extend(u.iter().chain(&e).chain(&[sum]));
        let (sum, most) = cost.coupling_row(1, 0.5, 0.25, &g, &mut e, &mut buffer);
        row.extend(e.iter().chain(&[sum, most]));
        (cost.rows(), cost.columns(), cost.largest(), cost.is_stored(), cost.scratch_len(), row)
    }
    let values = [0.5, 1.0, 0.25, 0.75, 0.125, 2.0];
    let dense = DenseCost::new(&values, 2, 3, 3).expect("costs");
    let handed_on = &dense;
    assert_eq!(told(handed_on, 3), told(dense, 3));
    assert_eq!((dense.largest(), dense.is_stored(), dense.scratch_len()), (2.0, true, 3));
    let kernel = KernelCost::new(&values, 2, 3, 3, 0.5).expect("a kernel");
    let handed_on = &kernel;
    assert_eq!(told(handed_on, 3), told(kernel, 3));
    // −ε ln K, moved up to 0: the largest is that of the least entry.
    assert_eq!((kernel.is_stored(), kernel.scratch_len(), kernel.epsilon()), (false, 6, 0.5));
    assert!((kernel.largest() - 0.5 * 16.0_f64.ln()).abs() < 1e-15, "{}", kernel.largest());
    let mut row = [0.0; 3];
    assert!((kernel.row(1, &mut row)[1] - kernel.largest()).abs() < 1e-15);
}

/// A reading of a kernel of any number of sections is two plain products: to rounding, and to the bit where they are added
/// up section by section.
fn read_in_sections<T: Real>() {
    let shapes =
        [(1, 9), (63, 40), (64, 3), (127, 33), (128, 33), (129, 70), (255, 12), (256, 5), (1100, 17)];
    for ((n, m), short) in shapes.into_iter().flat_map(|shape| [(shape, false), (shape, true)]) {
        let values = crate::common::cast::<T>(&SplitMix64(7).take(n * m));
        let v = crate::common::cast::<T>(&SplitMix64(8).take(m));
        let cost = DenseCost::new(&values, n, m, m).expect("costs");
        let weigh = |i: usize, sum: T| (T::from_f64(i as f64 + 1.0) / (sum + T::ONE), sum);
        let (mut u, mut columns, mut scratch) = (vec![T::NAN; n], vec![T::NAN; m], vec![T::NAN; m]);
        let scratch = &mut scratch[usize::from(short)..];
        let sum = cost.read_kernel(&values, &v, &weigh, &mut u, &mut columns, scratch);
        let row = |i: usize| &values[i * m..(i + 1) * m];
        let close = |found: T, expected: f64, what: &str| {
            let bound = 4.0 * (n + m) as f64 * T::EPSILON.to_f64() * expected;
            assert!((found.to_f64() - expected).abs() <= bound, "{n} x {m}, {what}: {found} {expected}");
        };
        let (mut plain, mut plain_sum) = (vec![0.0; m], 0.0);
        for (i, &u) in u.iter().enumerate() {
            let product: f64 = row(i).iter().zip(&v).map(|(k, v)| k.to_f64() * v.to_f64()).sum();
            close(u, (i as f64 + 1.0) / (product + 1.0), "a row");
            plain_sum += product;
            plain.iter_mut().zip(row(i)).for_each(|(t, k)| *t += u.to_f64() * k.to_f64());
        }
        close(sum, plain_sum, "the terms");
        columns.iter().zip(&plain).for_each(|(&found, &expected)| close(found, expected, "a column"));
        let rows: Vec<usize> = (0..n).collect();
        let mut in_order = vec![T::ZERO; m];
        for section in rows.chunks(if short { n } else { southwell_simd::dense::section(n) }) {
            let down = |j: usize| section.iter().fold(T::ZERO, |t, &i| t + u[i] * row(i)[j]);
            in_order.iter_mut().enumerate().for_each(|(j, t)| *t += down(j));
        }
        assert!(columns == in_order, "{n} x {m}, short {short}");
    }
}

#[test]
fn kernels_are_read_in_sections() {
    read_in_sections::<f32>();
    read_in_sections::<f64>();
}
