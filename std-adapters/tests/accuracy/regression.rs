//! Lasso against plain coordinate descent and its optimality conditions; least absolute deviations against every
//! vertex.

use nalgebra::{Matrix2, Vector2};
use southwell::Real;
use southwell::descent::sparse_regression::{Options, Penalty, Problem, Workspace, solve};
use southwell::linear::Columns;
use southwell_std::files::DenseMatrix;
use southwell_std::owned::{Loss, Robust, Settings};

use crate::problems::{Stream, cast, rounded};

/// ½‖y − A w‖² + λ‖w‖₁, columns after one another.
struct Lasso {
    a: Vec<f64>,
    y: Vec<f64>,
    lambda: f64,
}

impl Lasso {
    fn column(&self, j: usize) -> &[f64] {
        &self.a[j * self.y.len()..(j + 1) * self.y.len()]
    }

    fn rest(&self, w: &[f64]) -> Vec<f64> {
        let mut rest = self.y.clone();
        for (j, w) in w.iter().enumerate() {
            rest.iter_mut().zip(self.column(j)).for_each(|(r, a)| *r -= a * w);
        }
        rest
    }

    fn objective(&self, w: &[f64]) -> f64 {
        0.5 * self.rest(w).iter().map(|r| r * r).sum::<f64>()
            + self.lambda * w.iter().map(|w| w.abs()).sum::<f64>()
    }

    /// Cyclic coordinate descent until nothing moves.
    fn by_coordinates(&self, p: usize) -> Vec<f64> {
        let mut w = vec![0.0; p];
        let mut rest = self.y.clone();
        for _ in 0..200_000 {
            let mut moved: f64 = 0.0;
            for (j, w) in w.iter_mut().enumerate() {
                let column = &self.a[j * rest.len()..(j + 1) * rest.len()];
                let square: f64 = column.iter().map(|a| a * a).sum();
                let z = *w * square + column.iter().zip(&rest).map(|(a, r)| a * r).sum::<f64>();
                let to = z.signum() * (z.abs() - self.lambda).max(0.0) / square;
                rest.iter_mut().zip(column).for_each(|(r, a)| *r -= a * (to - *w));
                moved = moved.max((to - *w).abs());
                *w = to;
            }
            if moved < 1e-13 {
                break;
            }
        }
        w
    }
}

fn lassos<T: Real>(count: usize) {
    let mut stream = Stream(4);
    let (mut converged, unit) = (0, T::EPSILON.to_f64());
    for _ in 0..count {
        let (n, p) = (stream.whole(2, 13), stream.whole(1, 25));
        // Columns that lean on a common one are correlated; the more, the worse the conditioning.
        let (common, lean) = (stream.vector(n), stream.unit() * 0.8);
        let a: Vec<f64> = (0..p * n).map(|k| lean * common[k % n] + (1.0 - lean) * stream.signed()).collect();
        let mut lasso = Lasso { a: rounded::<T>(&a), y: rounded::<T>(&stream.vector(n)), lambda: 1.0 };
        let products =
            (0..p).map(|j| lasso.column(j).iter().zip(&lasso.y).map(|(a, y)| a * y).sum::<f64>().abs());
        let largest = products.fold(0.0, f64::max);
        let [lambda] = rounded::<T>(&[largest * 10_f64.powf(-2.0 * stream.unit())])[..] else {
            unreachable!()
        };
        lasso.lambda = lambda;
        let (a, y) = (cast::<T>(&lasso.a), cast::<T>(&lasso.y));
        let design = Columns::new(&a, n, p).expect("a design");
        let penalty = Penalty::Lasso { lambda: T::from_f64(lambda) };
        let problem = Problem::least_squares(&design, &y, penalty).expect("a problem");
        let mut storage = vec![T::NAN; Workspace::<T>::required_len(n, p, p)];
        let mut indices = vec![0; Workspace::<T>::required_indices(p, p)];
        let workspace = Workspace::new(&problem, p, &mut storage, &mut indices).expect("memory");
        let mut w = vec![T::ZERO; p];
        let outcome = solve(&problem, &Options::default(), &mut w, workspace, &mut ()).expect("sound");
        let w: Vec<f64> = w.iter().map(|w| w.to_f64()).collect();
        let what = format!("{n} × {p}, λ/λ_max = {:.1e}, {outcome:?}", lambda / largest);
        converged += usize::from(outcome.report.converged());
        let (value, scale) = (lasso.objective(&w), lasso.objective(&vec![0.0; p]));
        let best = lasso.by_coordinates(p);
        // The optimality conditions of the oracle itself, so that two wrongs do not agree; what it lacks is allowed for.
        let rest = lasso.rest(&best);
        let lacks = best.iter().enumerate().map(|(j, w)| {
            let slope: f64 = lasso.column(j).iter().zip(&rest).map(|(a, r)| a * r).sum();
            if *w == 0.0 { slope.abs() - lambda } else { (slope - lambda * w.signum()).abs() }
        });
        let lacks = lacks.fold(0.0, f64::max);
        assert!(lacks <= 1e-3 * lambda, "{lacks} {what}");
        let size: f64 = best.iter().chain(&w).map(|w| w.abs()).sum();
        let slack = 32.0 * (n + p) as f64 * unit * scale + lacks * size;
        assert!((value - outcome.primal.to_f64()).abs() <= slack, "{value} {what}");
        let least = lasso.objective(&best);
        assert!(outcome.dual.to_f64() <= least + slack, "the bound {what}");
        // What has stalled at the end of its precision owes the same bound.
        assert!(value - least <= outcome.gap.to_f64() + slack, "{value} {least} {what}");
    }
    println!("{converged} of {count} converged");
    assert!(100 * converged >= 97 * count, "{converged} of {count}");
}

#[test]
fn lassos_against_coordinates() {
    lassos::<f64>(600);
    lassos::<f32>(400);
}

#[test]
fn least_deviations_against_every_vertex() {
    let mut stream = Stream(5);
    for _ in 0..400 {
        let n = stream.whole(3, 16);
        let spread = 10_f64.powf(4.0 * stream.unit());
        let rows: Vec<[f64; 2]> = (0..n).map(|_| [1.0, 1.0 + stream.signed() / spread]).collect();
        let y = stream.vector(n);
        let value = |beta: &Vector2<f64>| -> f64 {
            rows.iter().zip(&y).map(|(row, y)| (y - row[0] * beta[0] - row[1] * beta[1]).abs()).sum()
        };
        let mut least = f64::INFINITY;
        for i in 0..n {
            for j in 0..i {
                let pair = Matrix2::new(rows[i][0], rows[i][1], rows[j][0], rows[j][1]);
                if let Some(beta) = pair.lu().solve(&Vector2::new(y[i], y[j])) {
                    least = least.min(value(&beta));
                }
            }
        }
        let table = DenseMatrix { rows: n, columns: 2, values: rows.concat() };
        let settings = Settings { certify: true, ..Settings::default() };
        let fitted =
            Robust::new(table, y.clone(), vec![]).fit(Loss::Absolute, &settings, &mut ()).expect("sound");
        let found = value(&Vector2::new(fitted.coefficients[0], fitted.coefficients[1]));
        let what = format!("n = {n}, spread {spread:.1e}, {fitted:?}, {found} {least}");
        // Two nearly equal columns lose as many digits as they agree in.
        let slack = 1e-15 * spread * spread.max(100.0);
        assert!(found >= least - slack && fitted.lower_bound <= least + slack, "{what}");
        assert!(fitted.report.converged() && found <= least + slack, "{what}");
    }
}
