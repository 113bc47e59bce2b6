//! Box QPs: points that land exactly on a bound, and the dual method on problems where it has to turn back.

use southwell::descent::box_qp::{
    BoxReport, Condensed, Fallback, Method, Options, Problem, Workspace, solve,
};
use southwell::{Status, Stop};

use crate::common::Numbers;

fn solved(
    h: &[f64],
    f: &[f64],
    (lower, upper): (&[f64], &[f64]),
    options: &Options<f64>,
) -> (Vec<f64>, BoxReport<f64>) {
    let n = f.len();
    let model = Condensed::new(h, n).expect("sound");
    let problem = Problem::new(&model, f, lower, upper).expect("sound");
    let mut storage = vec![f64::NAN; Condensed::<f64>::required_len(n)];
    let mut work = Workspace::new(&model, &mut storage).expect("long enough");
    let mut x = vec![0.0; n];
    let found = solve(&problem, options, &mut x, &mut work, &mut ()).expect("sound");
    (x, found)
}

/// The free minimum is (0, 0, 2): on a lower bound, on an upper one, between. Nothing is outside: one step.
#[test]
fn minima_on_their_bounds_take_one_step() {
    let h = [2.0, 0.0, 0.0, 0.0, 4.0, 0.0, 0.0, 0.0, 1.0];
    // From a start in the middle of the box: not on these bounds.
    for (lower, upper) in [([0.0, -3.0, 1.0], [3.0, 0.0, 5.0]), ([0.0, -3.0, -5.0], [3.0, 0.0, 2.0])] {
        let (f, n) = ([0.0, 0.0, -2.0], 3);
        let model = Condensed::new(&h, n).expect("sound");
        let problem = Problem::new(&model, &f, &lower, &upper).expect("sound");
        let mut storage = vec![f64::NAN; Condensed::<f64>::required_len(n)];
        let mut work = Workspace::new(&model, &mut storage).expect("long enough");
        let mut x = [1.0, -1.0, 1.5];
        let found = solve(&problem, &Options::default(), &mut x, &mut work, &mut ()).expect("sound");
        assert_eq!((x, found.report.status, found.report.steps), ([0.0, 0.0, 2.0], Status::Converged, 1));
        assert_eq!((found.at_lower, found.at_upper), (1, 1 + usize::from(upper[2] == 2.0)));
        assert_eq!((found.objective, found.method), (-2.0, Method::PrimalDual));
    }
}

/// Projected gradients, long enough: the plain way.
fn plain(h: &[f64], f: &[f64], (lower, upper): (&[f64], &[f64])) -> Vec<f64> {
    let n = f.len();
    let most = h.iter().map(|h| h * h).sum::<f64>().sqrt();
    let mut x = vec![0.0; n];
    for _ in 0..60_000 {
        let g: Vec<f64> = (0..n).map(|i| f[i] + (0..n).map(|j| h[i * n + j] * x[j]).sum::<f64>()).collect();
        for (i, g) in g.iter().enumerate() {
            x[i] = (x[i] - g / most).clamp(lower[i], upper[i]);
        }
    }
    x
}

/// Coupled strongly and bounded tightly: variables that were fixed are freed again on the way. The number of steps is that
/// of the method: one minimisation for every set.
#[test]
fn the_dual_method_turns_back_where_it_must() {
    let n = 8;
    let (mut dual, mut metric) = (0, 0);
    for seed in 0..24 {
        let mut numbers = Numbers(seed + 100);
        let g = numbers.vector(n * n);
        let entry = |k: usize| {
            let (i, j) = (k / n, k % n);
            4.0 * (0..n).map(|k| g[k * n + i] * g[k * n + j]).sum::<f64>() + if i == j { 0.0625 } else { 0.0 }
        };
        let h: Vec<f64> = (0..n * n).map(entry).collect();
        let f: Vec<f64> = (0..n).map(|_| 4.0 * numbers.next()).collect();
        let lower: Vec<f64> = (0..n).map(|_| -0.25 - 0.25 * (numbers.next() + 0.5)).collect();
        let upper: Vec<f64> = (0..n).map(|_| 0.25 + 0.25 * (numbers.next() + 0.5)).collect();
        let expected = plain(&h, &f, (&lower, &upper));
        let stop = Stop { max_steps: 200, ..Stop::relative(1e-10) };
        for fallback in [Fallback::Dual, Fallback::TwoMetric] {
            let options = Options { stop, patience: 0, fallback };
            let (x, found) = solved(&h, &f, (&lower, &upper), &options);
            assert_eq!(found.report.status, Status::Converged, "{seed}: {found:?}");
            for (x, expected) in x.iter().zip(&expected) {
                assert!((x - expected).abs() < 1e-8, "{seed} {fallback:?}: {x} {expected}");
            }
            match fallback {
                Fallback::Dual => dual += found.report.steps,
                Fallback::TwoMetric => metric += found.report.steps,
            }
        }
    }
    assert_eq!((dual, metric), (153, 76));
}
