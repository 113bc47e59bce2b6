//! Transport against the optimum of the linear programme, by an assignment of unit masses.

use southwell::transport::{DenseCost, Potentials, Problem, auto, certificate};
use southwell::{Real, Stop};

use crate::problems::{Stream, assignment, cast, rounded};

/// `total` units, dealt to `lines` lines, at least one each.
fn units(lines: usize, total: usize, stream: &mut Stream) -> Vec<usize> {
    let mut units = vec![1; lines];
    for _ in lines..total {
        units[stream.whole(0, lines)] += 1;
    }
    units
}

fn owners(units: &[usize]) -> Vec<usize> {
    units.iter().enumerate().flat_map(|(line, &count)| vec![line; count]).collect()
}

/// Bounds hold, and a small ε comes as near to the linear programme as the entropy allows.
fn couplings<T: Real>(count: usize, percent: usize) {
    let mut stream = Stream(2);
    let mut converged = 0;
    for _ in 0..count {
        let (n, m) = (stream.whole(1, 7), stream.whole(1, 7));
        let total = stream.whole(n.max(m), 13);
        let (rows, columns) = (units(n, total, &mut stream), units(m, total, &mut stream));
        let costs: Vec<f64> = rounded::<T>(&(0..n * m).map(|_| stream.unit()).collect::<Vec<_>>());
        let (row_of, column_of) = (owners(&rows), owners(&columns));
        let least = assignment(total, |i, j| costs[row_of[i] * m + column_of[j]]) / total as f64;

        let share = |units: &[usize]| -> Vec<T> {
            units.iter().map(|&u| T::from_f64(u as f64 / total as f64)).collect()
        };
        let (a, b, c) = (share(&rows), share(&columns), cast::<T>(&costs));
        let cost = DenseCost::new(&c, n, m, m).expect("costs");
        let epsilon = 10_f64.powf(-1.0 - 2.0 * stream.unit());
        let problem = Problem::new(&cost, &a, &b, T::from_f64(epsilon)).expect("a problem");
        let entries = 64 * n;
        let mut storage = vec![T::NAN; auto::Workspace::<T>::required_len(n, m, true, m, entries)];
        let mut indices = vec![0; auto::Workspace::<T>::required_indices(n, m, entries)];
        let workspace = auto::Workspace::new(&problem, entries, &mut storage, &mut indices).expect("memory");
        let (mut f, mut g) = (vec![T::ZERO; n], vec![T::ZERO; m]);
        let options = auto::Options {
            stop: Stop { max_steps: 5000, ..auto::Options::default().stop },
            ..auto::Options::default()
        };
        let x = Potentials { f: &mut f, g: &mut g };
        let outcome = auto::solve(&problem, &options, x, workspace, &mut ()).expect("a sound problem");
        converged += usize::from(outcome.report.converged());
        let mut storage = vec![T::NAN; certificate::certify_len(n, m, true)];
        let found = certificate::certify(&problem, &f, &g, &mut storage).expect("potentials");
        let what = format!("{n} × {m}, ε = {epsilon:.1e}, {outcome:?}, {found:?}, least {least}");
        let slack = found.rounding.to_f64() + 4.0 * T::EPSILON.to_f64();
        assert!(found.lower.to_f64() <= least + slack && least <= found.upper.to_f64() + slack, "{what}");
        if outcome.report.converged() {
            // The entropic optimum costs at most ε (ln n + ln m) more than the best one (its entropy lies between
            // those bounds), and rounding to the marginals moves the remaining error by at most twice the largest cost.
            let entropy = epsilon * ((n * m) as f64).ln();
            let moved = 4.0 * outcome.report.residual.to_f64();
            assert!(found.upper.to_f64() - least <= entropy + moved + slack, "{what}");
        }
    }
    println!("{converged} of {count} converged");
    assert!(100 * converged >= percent * count, "{converged} of {count}");
}

#[test]
fn transport_against_assignments() {
    couplings::<f64>(1500, 99);
    // A few end at 1e-4 of the largest cost as what they are, stalled: that is the end of single precision.
    couplings::<f32>(500, 95);
}
