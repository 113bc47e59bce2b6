//! The general method on a small problem, for the tests of this program.

use southwell::subgradient::method::{self, Ending, Outcome};
use southwell::subgradient::step::StepRule;
use southwell::subgradient::{Function, Oracle, Problem, Projection};

pub(crate) fn after(steps: u32) -> method::Options<f64> {
    let mut options = method::Options { ending: Ending::after(steps), ..method::Options::default() };
    options.ending.stop.relative = 1e-15;
    options
}

pub(crate) fn minimise<O: Oracle<f64>>(
    mut oracle: O,
    set: impl Projection<f64>,
    options: &method::Options<f64>,
    rule: impl StepRule<f64>,
    x: &mut [f64],
) -> Outcome<f64> {
    let mut storage = vec![f64::NAN; method::Workspace::<f64>::required_len(x.len(), options.average)];
    let problem = Problem::new(&mut oracle, set).expect("a problem");
    let work = method::Workspace::new(&problem, options.average, &mut storage).expect("memory");
    let outcome = method::solve(problem, options, rule, x, work, &mut ()).expect("sound");
    let value = oracle.value_and_subgradient(x, &mut vec![0.0; x.len()]);
    assert_eq!(outcome.value, value, "the value is that of the x that is left");
    outcome
}

/// Σ c_i |x_i − a_i|, sharp, its minimum at a.
pub(crate) fn tent(centre: &'static [f64], slopes: &'static [f64]) -> impl Oracle<f64> {
    Function::new(centre.len(), move |x: &[f64], g: &mut [f64]| {
        let mut value = 0.0;
        for (k, g) in g.iter_mut().enumerate() {
            let d = x[k] - centre[k];
            *g = if d > 0.0 {
                slopes[k]
            } else if d < 0.0 {
                -slopes[k]
            } else {
                0.0
            };
            value += slopes[k] * d.abs();
        }
        value
    })
}

pub(crate) const CENTRE: [f64; 3] = [1.0, -2.0, 0.5];
pub(crate) const SLOPES: [f64; 3] = [1.0, 2.0, 0.5];
