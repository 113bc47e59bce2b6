//! Linear systems against nalgebra's LU.

use southwell::{Real, Status, Stop};

use crate::problems::{Method, Stream, by_elimination, by_relaxation, conditioned, norm, residual, rounded};

/// Systems of up to sixteen unknowns and condition numbers up to 10^`decades`: what has converged is as near to the
/// solution as its residual and the condition number allow, and what has not says so.
fn systems<T: Real>(count: usize, decades: f64) {
    let mut stream = Stream(1);
    let (mut converged, unit) = (0, T::EPSILON.to_f64());
    for case in 0..count {
        let n = stream.whole(1, 17);
        let condition = 10_f64.powf(decades * stream.unit());
        let a = rounded::<T>(&conditioned(n, condition, &mut stream));
        let b = rounded::<T>(&stream.vector(n));
        let x = by_elimination(&a, &b);
        let method = [Method::Ssor, Method::SsorCg, Method::Cg][case % 3];
        let stop = Stop { max_steps: 2000, ..Stop::default() };
        let (found, report) = by_relaxation::<T>(method, &a, &b, stop).expect("a sound system");
        let what = format!("{method:?}, n = {n}, κ = {condition:.1e}, {report:?}");
        assert!(found.iter().all(|x| x.is_finite()), "{what}");
        // What rounding does to a residual that is computed in this precision.
        let rounding = 4.0 * n as f64 * unit * (norm(&found) + norm(&b));
        let rest = norm(&residual(&a, &b, &found));
        assert!((rest - report.residual.to_f64()).abs() <= rounding, "{rest} {what}");
        let apart: Vec<f64> = x.iter().zip(&found).map(|(x, found)| x - found).collect();
        // Reflections leave the condition number as it is, up to rounding in the type.
        let inverse = condition / (1.0 - condition * unit * n as f64).max(0.1);
        assert!(norm(&apart) <= 1.01 * inverse * (rest + unit * norm(&x)), "{} {what}", norm(&apart));
        if report.status == Status::Converged {
            converged += 1;
            assert!(rest <= stop.relative.to_f64() * norm(&b) + rounding, "{rest} {what}");
        }
    }
    println!("{converged} of {count} converged");
    assert!(10 * converged >= 8 * count, "{converged} of {count}");
}

#[test]
fn systems_against_elimination() {
    systems::<f64>(3000, 6.0);
    systems::<f32>(3000, 3.0);
}
