//! Quadratics in a box against every active set, each solved by nalgebra.

use southwell::Real;
use southwell::descent::box_qp::{Condensed, Options, Problem, Workspace, solve};

use crate::problems::{Stream, by_elimination, cast, conditioned, norm, rounded};

/// The minimum by exhaustion: every choice of bounds, the free variables by elimination, the one that satisfies the
/// optimality conditions best.
fn exhausted(h: &[f64], f: &[f64], lower: &[f64], upper: &[f64]) -> Vec<f64> {
    let n = f.len();
    let mut best = (f64::INFINITY, Vec::new());
    for choice in 0..3_usize.pow(n as u32) {
        let side = |i: usize| choice / 3_usize.pow(i as u32) % 3;
        let mut x: Vec<f64> = (0..n).map(|i| [0.0, lower[i], upper[i]][side(i)]).collect();
        let free: Vec<usize> = (0..n).filter(|&i| side(i) == 0).collect();
        let matrix: Vec<f64> = free.iter().flat_map(|&i| free.iter().map(move |&j| h[i * n + j])).collect();
        let right: Vec<f64> =
            free.iter().map(|&i| -f[i] - (0..n).map(|j| h[i * n + j] * x[j]).sum::<f64>()).collect();
        if !free.is_empty() {
            free.iter().zip(by_elimination(&matrix, &right)).for_each(|(&i, value)| x[i] = value);
        }
        let outside = (0..n).map(|i| (lower[i] - x[i]).max(x[i] - upper[i])).fold(0.0, f64::max);
        let gradient = |i: usize| f[i] + (0..n).map(|j| h[i * n + j] * x[j]).sum::<f64>();
        let wrong = (0..n).map(|i| [0.0, -gradient(i), gradient(i)][side(i)]).fold(0.0, f64::max);
        if outside.max(wrong) < best.0 {
            best = (outside.max(wrong), x);
        }
    }
    best.1
}

/// What a point lacks to a minimum: the distance of −∇ from the normal cone, and whether it lies in the box.
fn violation(h: &[f64], f: &[f64], lower: &[f64], upper: &[f64], x: &[f64]) -> f64 {
    let n = f.len();
    let each = (0..n).map(|i| {
        assert!(lower[i] <= x[i] && x[i] <= upper[i], "outside: {x:?}");
        let g = f[i] + (0..n).map(|j| h[i * n + j] * x[j]).sum::<f64>();
        match (x[i] == lower[i], x[i] == upper[i]) {
            (true, true) => 0.0,
            (true, false) => (-g).max(0.0),
            (false, true) => g.max(0.0),
            (false, false) => g.abs(),
        }
    });
    each.fold(0.0, f64::max)
}

fn boxes<T: Real>(count: usize, decades: f64) {
    let mut stream = Stream(3);
    let unit = T::EPSILON.to_f64();
    for _ in 0..count {
        let n = stream.whole(1, 6);
        let condition = 10_f64.powf(decades * stream.unit());
        let h = rounded::<T>(&conditioned(n, condition, &mut stream));
        let f = rounded::<T>(&stream.vector(n));
        let lower = rounded::<T>(&stream.vector(n).iter().map(|x| -x.abs()).collect::<Vec<_>>());
        let upper = rounded::<T>(&stream.vector(n).iter().map(|x| x.abs()).collect::<Vec<_>>());
        let (h_t, f_t, lower_t, upper_t) =
            (cast::<T>(&h), cast::<T>(&f), cast::<T>(&lower), cast::<T>(&upper));
        let model = Condensed::new(&h_t, n).expect("a model");
        let problem = Problem::new(&model, &f_t, &lower_t, &upper_t).expect("a problem");
        let mut storage = vec![T::NAN; Condensed::<T>::required_len(n)];
        let mut workspace = Workspace::new(&model, &mut storage).expect("memory");
        let mut x = vec![T::ZERO; n];
        let report = solve(&problem, &Options::default(), &mut x, &mut workspace, &mut ()).expect("sound");
        let x: Vec<f64> = x.iter().map(|x| x.to_f64()).collect();
        let what = format!("n = {n}, κ = {condition:.1e}, {report:?}");
        assert!(report.report.converged(), "{what}");
        let wrong = violation(&h, &f, &lower, &upper, &x);
        let scale = norm(&f) + norm(&x);
        assert!(wrong <= report.report.residual.to_f64() + 8.0 * n as f64 * unit * scale, "{wrong} {what}");
        let best = exhausted(&h, &f, &lower, &upper);
        // Strong convexity with modulus 1/κ: a point that lacks so much lies no further from the minimum.
        let apart: Vec<f64> = x.iter().zip(&best).map(|(x, best)| x - best).collect();
        let bound = 1.1 * condition * ((n as f64).sqrt() * wrong + unit * scale);
        assert!(norm(&apart) <= bound, "{} {bound} {what}", norm(&apart));
    }
}

#[test]
fn boxes_against_exhaustion() {
    boxes::<f64>(1000, 6.0);
    boxes::<f32>(1000, 2.0);
}
