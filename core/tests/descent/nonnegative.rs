//! Non-negative least squares with a linear penalty (Nutini, Laradji & Schmidt 2022): steps to a relative gap of 1e-4 and
//! 1e-8, and the step from which the support is right.

use crate::common::descending::begun;
use crate::common::streams::set_a;
use southwell::Run;
use southwell::descent::losses::{LeastSquares, Loss};
use southwell::descent::penalties::NonNegative;
use southwell::descent::selection::{Face, Greedy, GreedyVariable, Score};
use southwell::descent::update::{Gradient, ProxNewton, TwoMetric};
use southwell::descent::{Partition, Selection, Update};
use southwell::linear::Columns;

const LEAST: f64 = 208_801.846_466_85;
const FALL: f64 = 119_299.967_840;
const STEPS: usize = 500;

/// More than 500 steps.
const NEVER: usize = usize::MAX;

type Squares<'a> = LeastSquares<'a, f64, Columns<'a, f64>>;

/// Relative gaps and supports of every step.
fn watch<S: Selection<f64>, U: Update<f64>>(loss: &Squares<'_>, select: S, update: U) -> [usize; 3] {
    let penalty = NonNegative::new(5000.0);
    let mut x = vec![0.0; loss.variables()];
    let (mut gaps, mut supports) = (vec![], vec![]);
    begun((loss, &penalty), (select, update), &mut x, |run| {
        for _ in 0..STEPS {
            gaps.push((run.objective() - LEAST) / FALL);
            supports.push(run.x().iter().map(|x| *x > 0.0).collect::<Vec<_>>());
            run.step();
        }
    });
    let first = |share: f64| gaps.iter().position(|gap| *gap <= share).unwrap_or(NEVER);
    // The support is right if it is that of the best iterate, and has as many elements as the optimum.
    let last = supports[STEPS - 1].clone();
    let right = last.iter().filter(|s| **s).count() == 72;
    let since = supports.iter().rposition(|s| *s != last).map_or(0, |k| k + 1);
    [first(1e-4), first(1e-8), if right { since } else { NEVER }]
}

#[test]
fn steps_to_the_optimum() {
    let (x, y) = set_a(200, 1000);
    let view = Columns::new(&x.values, 200, 1000).expect("a design");
    let loss = LeastSquares::new(view, &y).expect("a loss");
    let lipschitz: Vec<f64> = (0..1000).map(|i| loss.lipschitz(i)).collect();
    let mut wrong = vec![];
    let mut compare = |name: &str, found: [usize; 3], expected: [usize; 3]| {
        println!("{name}: {found:?} for {expected:?}");
        // Which of the variables that cannot move fill a block of 50 is a matter of ties, worth three steps; a
        // rounding may turn a choice late.
        let close = |(found, expected): (&usize, &usize)| {
            found.abs_diff(*expected) <= 3 + expected.min(&STEPS) * 3 / 100
                || (*expected == NEVER && *found >= STEPS * 97 / 100)
        };
        if !found.iter().zip(&expected).all(close) {
            wrong.push(format!("{name}: {found:?}, not {expected:?}"));
        }
    };
    let mut storage = vec![0; 1201];
    for (size, blocks, [gradient, metric, newton]) in [
        (5, true, [[444, NEVER, 305], [235, NEVER, 186], [217, NEVER, 182]]),
        (5, false, [[125, NEVER, 112], [73, 253, 64], [73, 253, 64]]),
        (50, true, [[NEVER; 3], [68, 194, 96], [76, 196, 106]]),
        (50, false, [[211, NEVER, 287], [9, 14, 11], [12, 21, 12]]),
    ] {
        let name = format!("{size} {}", if blocks { "fixed" } else { "variable" });
        if blocks {
            let partition = Partition::sorted(&lipschitz, size, &mut storage).expect("blocks");
            let rule = Greedy::new(partition, Score::DiagonalProgress);
            compare(&format!("{name} gradient"), watch(&loss, rule, Gradient), gradient);
            compare(&format!("{name} two-metric"), watch(&loss, rule, TwoMetric::default()), metric);
            compare(&format!("{name} prox-Newton"), watch(&loss, rule, ProxNewton::default()), newton);
        } else {
            let rule = GreedyVariable::new(size, Score::DiagonalProgress);
            compare(&format!("{name} gradient"), watch(&loss, rule, Gradient), gradient);
            compare(&format!("{name} two-metric"), watch(&loss, rule, TwoMetric::default()), metric);
            compare(&format!("{name} prox-Newton"), watch(&loss, rule, ProxNewton::default()), newton);
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    // A face that is right ends the problem, whatever chose the blocks before.
    let rule = Face::new(GreedyVariable::new(5, Score::DiagonalProgress), 2, 200);
    let found = watch(&loss, rule, ProxNewton::default());
    println!("with faces: {found:?}");
    assert!(found[1] <= 90, "{found:?}");
}
