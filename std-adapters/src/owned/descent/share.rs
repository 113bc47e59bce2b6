//! Sparse quadratics whose variables are shared out among threads.

use southwell::descent::penalties::Block;
use southwell::descent::{Loss, Penalty, Problem};
use southwell::{Error, Observer, Stop};

use super::loss::{AnyLoss, Memory};
use super::penalty::AnyPenalty;
use super::{Descended, Descent, Measure, Outcome, look};
use crate::threads::Pool;
use crate::threads::descent::{Parts, by_colours, greedy};

/// What threads minimise over side by side: see [`threads::descent`](crate::threads::descent).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Share {
    /// The variables of one colour after the other.
    Colours,
    /// The best variables of every part.
    Parts(Parts),
}

impl Descent {
    /// Solves from zero on the threads of a pool, variable by variable. What is found does not depend on how many there are.
    ///
    /// # Errors
    /// [`Error::Option`] for what is no sparse quadratic (a graph's labels are one) and for penalties that couple variables;
    /// what the views and the run refuse.
    pub fn solve_on(
        &self,
        pool: &Pool,
        share: Share,
        stop: &Stop<f64>,
        observer: &mut dyn Observer<f64>,
    ) -> Result<Descended, Error> {
        self.smooth.check()?;
        let mut memory = Memory::default();
        let (loss, _) = AnyLoss::new(&self.smooth, &mut memory)?;
        let Some(matrix) = loss.graph() else {
            return Err(Error::Option {
                name: "loss",
                requirement: "must be a sparse quadratic to be shared out",
            });
        };
        let penalty = AnyPenalty::new(&self.kink);
        let problem = Problem::new::<f64>(&loss, &penalty)?;
        // c: what the gradient at zero is the negative of.
        let mut x = vec![0.0; loss.variables()];
        let mut state = vec![0.0; loss.state_len()];
        let mut slopes = vec![0.0; loss.gradient_len()];
        loss.begin(&x, &mut state);
        let linear: Vec<f64> = loss.gradient(&state, &mut slopes).iter().map(|g| -g).collect();
        let quadratic = (matrix, &linear[..]);
        let report = match share {
            Share::Colours => by_colours(pool, quadratic, &penalty, stop, &mut x, observer)?,
            Share::Parts(parts) => greedy(pool, parts, quadratic, &penalty, stop, &mut x, observer)?,
        };
        loss.begin(&x, &mut state);
        let values = (0..).zip(&x).map(|(i, x)| {
            penalty.value(Block { number: i as usize, variables: &[i] }, std::slice::from_ref(x))
        });
        let objective = loss.value(&x, &state) + values.fold(0.0, |sum, value| sum + value);
        let (free, gap) = look(&problem, &x);
        let tolerance = stop.absolute.max(stop.relative * report.scale);
        let outcome = Outcome { report, objective, tolerance, measure: Measure::Violation };
        Ok(Descended { x, outcome, free, gap })
    }
}
