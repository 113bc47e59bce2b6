//! Derivatives of the value of transport against differences of it.

use southwell::omega::Fixed;
use southwell::transport::gradient::{self, Points};
use southwell::transport::{DenseCost, Potentials, Problem, certificate, sinkhorn};
use southwell::{Error, Real, Stop};

const N: usize = 4;
const M: usize = 5;

/// Points of the plane, marginals with an empty line each, ε.
#[derive(Clone)]
struct Cloud {
    x: Vec<f64>,
    y: Vec<f64>,
    a: Vec<f64>,
    b: Vec<f64>,
    epsilon: f64,
}

const SCALE: f64 = 0.5;

fn cloud() -> Cloud {
    Cloud {
        x: vec![0.0, 0.1, 0.9, 0.3, 0.4, 0.8, 0.2, 0.6],
        y: vec![0.1, 0.9, 0.5, 0.5, 0.8, 0.2, 0.3, 0.3, 0.7, 0.7],
        a: vec![0.3, 0.0, 0.5, 0.2],
        b: vec![0.1, 0.4, 0.0, 0.25, 0.25],
        epsilon: 0.1,
    }
}

impl Cloud {
    fn cost(&self) -> Vec<f64> {
        let square = |i: usize, j: usize| -> f64 {
            (0..2).map(|d| (self.x[2 * i + d] - self.y[2 * j + d]).powi(2)).sum()
        };
        (0..N * M).map(|k| SCALE * square(k / M, k % M)).collect()
    }
}

fn narrow<T: Real>(x: &[f64]) -> Vec<T> {
    x.iter().map(|&x| T::from_f64(x)).collect()
}

/// Potentials to the last digit, then whatever is asked of them.
fn solved<T: Real, A>(
    cloud: &Cloud,
    costs: &[f64],
    ask: impl FnOnce(&Problem<'_, T, DenseCost<'_, T>>, &[T], &[T]) -> A,
) -> A {
    let (c, a, b) = (narrow::<T>(costs), narrow::<T>(&cloud.a), narrow::<T>(&cloud.b));
    let cost = DenseCost::new(&c, N, M, M).expect("costs");
    let problem = Problem::new(&cost, &a, &b, T::from_f64(cloud.epsilon)).expect("a problem");
    let mut storage = vec![T::NAN; sinkhorn::Workspace::<T>::required_len(N, M, M)];
    let workspace = sinkhorn::Workspace::new(&problem, &mut storage).expect("memory");
    let options = sinkhorn::Options { stop: Stop::relative(T::EPSILON) };
    let (mut f, mut g) = ([T::ZERO; N], [T::ZERO; M]);
    let x = Potentials { f: &mut f, g: &mut g };
    sinkhorn::solve(&problem, &options, &mut Fixed(T::ONE), x, workspace, &mut ()).expect("valid");
    ask(&problem, &f, &g)
}

fn value(cloud: &Cloud, costs: &[f64]) -> f64 {
    solved::<f64, _>(cloud, costs, |problem, f, g| gradient::value(problem, (f, g)))
}

/// Central differences of step 1e-5: rounding 1e-11, curvature 1e-9.
fn slope(along: impl Fn(f64) -> f64) -> f64 {
    (along(1e-5) - along(-1e-5)) / 2e-5
}

fn check<T: Real>(tolerance: f64) {
    let (cloud, costs) = (cloud(), cloud().cost());
    let near = |mine: T, slope: f64| assert!((mine.to_f64() - slope).abs() < tolerance, "{mine:?} {slope}");
    let mut storage = vec![T::NAN; gradient::required_len(M, true)];
    solved::<T, _>(&cloud, &costs, |problem, f, g| {
        let mut row = [T::NAN; M];
        for i in 0..N {
            gradient::coupling_row(problem, (f, g), i, &mut row, &mut storage).expect("a row");
            for (j, &p) in row.iter().enumerate() {
                let at = |h: f64| {
                    // Shifted by one, as costs must not be negative.
                    let mut costs: Vec<f64> = costs.iter().map(|c| c + 1.0).collect();
                    costs[i * M + j] += h;
                    value(&cloud, &costs)
                };
                near(p, slope(at));
            }
        }
        let mut look = vec![T::NAN; certificate::evaluate_len(M, true)];
        let entropy = certificate::evaluate(problem, f, g, &mut look).expect("memory").entropy;
        near(entropy, slope(|h| value(&Cloud { epsilon: cloud.epsilon + h, ..cloud.clone() }, &costs)));

        let (mut in_a, mut in_b) = ([T::NAN; N], [T::NAN; M]);
        gradient::centred(problem.a(), f, &mut in_a).expect("lengths");
        gradient::centred(problem.b(), g, &mut in_b).expect("lengths");
        assert_eq!((in_a[1], in_b[2]), (T::ZERO, T::ZERO));
        assert!(in_a.iter().fold(0.0, |s, x| s + x.to_f64()).abs() < tolerance);
        // Mass from row 0 to row 2, and from column 1 to column 4.
        let moved = cloud.clone();
        near(in_a[2] - in_a[0], {
            slope(|h| {
                let mut moved = moved.clone();
                (moved.a[0], moved.a[2]) = (moved.a[0] - h, moved.a[2] + h);
                value(&moved, &costs)
            })
        });
        near(in_b[4] - in_b[1], {
            slope(|h| {
                let mut moved = moved.clone();
                (moved.b[1], moved.b[4]) = (moved.b[1] - h, moved.b[4] + h);
                value(&moved, &costs)
            })
        });
        let (mut a_dot, b_dot) = ([T::ZERO; N], [T::ZERO; M]);
        (a_dot[0], a_dot[2]) = (-T::ONE, T::ONE);
        near(gradient::along(problem, (f, g), (&a_dot, &b_dot)), (in_a[2] - in_a[0]).to_f64());

        let (x, y) = (narrow::<T>(&cloud.x), narrow::<T>(&cloud.y));
        let points = Points { x: &x, y: &y, dimension: 2, scale: T::from_f64(SCALE) };
        let (mut out_x, mut out_y) = ([T::NAN; 2 * N], [T::NAN; 2 * M]);
        gradient::squared_euclidean(problem, (f, g), &points, (&mut out_x, &mut out_y), &mut storage)
            .expect("points");
        for (k, &out) in out_x.iter().enumerate() {
            near(out, {
                slope(|h| {
                    let mut cloud = cloud.clone();
                    cloud.x[k] += h;
                    value(&cloud, &cloud.cost())
                })
            });
        }
        for (k, &out) in out_y.iter().enumerate() {
            near(out, {
                slope(|h| {
                    let mut cloud = cloud.clone();
                    cloud.y[k] += h;
                    value(&cloud, &cloud.cost())
                })
            });
        }
    });
}

#[test]
fn derivatives_are_slopes() {
    check::<f64>(1e-8);
    check::<f32>(2e-5);
}

#[test]
fn refusals() {
    let (cloud, costs) = (cloud(), cloud().cost());
    solved::<f64, _>(&cloud, &costs, |problem, f, g| {
        let mut storage = vec![0.0; gradient::required_len(M, true)];
        let mut row = [7.0; M];
        assert!(gradient::coupling_row(problem, (f, g), N, &mut row, &mut storage).is_err());
        assert!(gradient::coupling_row(problem, (&f[1..], g), 0, &mut row, &mut storage).is_err());
        assert!(gradient::coupling_row(problem, (f, g), 0, &mut row, &mut storage[..M - 1]).is_err());
        assert!(gradient::coupling_row(problem, (f, g), 0, &mut row[1..], &mut storage).is_err());
        assert_eq!(row, [7.0; M]);
        let points = Points { x: &cloud.x, y: &cloud.y, dimension: 0, scale: 1.0 };
        let (mut out_x, mut out_y) = ([7.0; 2 * N], [7.0; 2 * M]);
        let mut refused = |points: &Points<'_, f64>, keep: usize| {
            let out = (&mut out_x[..], &mut out_y[..]);
            gradient::squared_euclidean(problem, (f, g), points, out, &mut storage[..keep]).err()
        };
        let long = gradient::required_len(M, true);
        assert!(matches!(refused(&points, long), Some(Error::Option { .. })));
        assert!(matches!(refused(&Points { dimension: 3, ..points }, long), Some(Error::Dimension { .. })));
        let short = refused(&Points { dimension: 2, ..points }, long - 1);
        assert!(matches!(short, Some(Error::Workspace { .. })));
        assert!(out_x.iter().chain(&out_y).all(|&x| x == 7.0));
        let bad = gradient::centred(&[1.0, 0.0], &[f64::NAN, f64::NAN], &mut row[..2]);
        assert_eq!(bad, Err(Error::Value { argument: "potential", index: 0 }));
    });
}

/// ⟨a, f⟩ + ⟨b, g⟩ − ε Σ a, for a mass that is not 1.
#[test]
fn the_value_of_potentials() {
    let cost = DenseCost::new(&[0.0, 1.0, 1.0, 0.0], 2, 2, 2).expect("costs");
    let problem = Problem::new(&cost, &[4.0, 0.0], &[1.0, 3.0], 0.5).expect("a problem");
    let value = gradient::value(&problem, (&[0.25, f64::NEG_INFINITY], &[2.0, -0.5]));
    assert_eq!(value, 1.0 + 0.5 - 0.5 * 4.0);
}
