//! Entropic transport: the adapters of its methods.

use southwell::omega::Fixed;
use southwell::transport::{DenseCost, Potentials, Problem, greenkhorn, newton, scaling, sinkhorn};
use southwell::{Error, Real, Report, Stop};

use crate::common::cases::{Case, look};
use crate::common::{Numbers, cast};
use crate::{Call, Method};

/// Which method, and with what omega. (A rule that looks at residuals makes a run depend on the looks.)
#[derive(Clone, Copy, Debug)]
enum How {
    Sinkhorn(f64),
    Scaling(f64),
    Newton,
    DenseNewton,
    Greenkhorn,
}

/// A method with a problem. The iterate is f followed by g.
struct Transport<T> {
    how: How,
    case: Case,
    cost: Vec<T>,
    a: Vec<T>,
    b: Vec<T>,
    epsilon: f64,
}

impl<T: Real> Transport<T> {
    /// Random costs and weights that `f32` holds exactly, one row and one column without mass.
    fn new(how: How, rows: usize, columns: usize, epsilon: f64) -> Self {
        let mut numbers = Numbers(rows as u64);
        let cost: Vec<f64> = (0..rows * columns).map(|_| numbers.next() + 0.5).collect();
        // Whole numbers of the same sum: 16 for a line, but for the last ones, and 0 for one.
        let mut weights = |n: usize, mass: f64| {
            let mut weights: Vec<f64> = (0..n).map(|_| 16.0 + (numbers.next() * 8.0).round()).collect();
            weights[n / 2] = 0.0;
            weights[n - 1] += mass - weights.iter().sum::<f64>();
            weights.iter().map(|w| w / 1024.0).collect::<Vec<f64>>()
        };
        let mass = 24.0 * rows.max(columns) as f64;
        let case = Case { cost, a: weights(rows, mass), b: weights(columns, mass) };
        let (cost, a, b) = (cast(&case.cost), cast(&case.a), cast(&case.b));
        Self { how, case, cost, a, b, epsilon }
    }

    /// Calls `then` with the problem.
    fn with<R>(
        &self,
        then: impl FnOnce(&Problem<'_, T, DenseCost<'_, T>>) -> Result<R, Error>,
    ) -> Result<R, Error> {
        let (n, m) = (self.a.len(), self.b.len());
        let cost = DenseCost::new(&self.cost, n, m, m)?;
        then(&Problem::new(&cost, &self.a, &self.b, T::from_f64(self.epsilon))?)
    }

    fn rule(&self) -> Fixed<T> {
        match self.how {
            How::Sinkhorn(omega) | How::Scaling(omega) => Fixed(T::from_f64(omega)),
            How::Newton | How::DenseNewton | How::Greenkhorn => Fixed(T::ONE),
        }
    }

    /// f and g out of one slice.
    fn potentials<'x>(&self, x: &'x mut [T]) -> Potentials<'x, T> {
        let (f, g) = x.split_at_mut(self.a.len());
        Potentials { f, g }
    }
}

impl<T: Real> Method<T> for Transport<T> {
    fn name(&self) -> String {
        format!("{:?} ε = {}", self.how, self.epsilon)
    }
    fn first(&self) -> Vec<T> {
        let mut numbers = Numbers(3);
        cast(&numbers.vector(self.a.len() + self.b.len()))
    }
    /// A run begins by making the rows exact.
    fn begun(&self) -> Vec<T> {
        let mut x = self.first();
        let (f, g) = x.split_at_mut(self.a.len());
        for ((f, row), a) in f.iter_mut().zip(self.case.cost.chunks(g.len())).zip(&self.case.a) {
            let terms = row.iter().zip(&*g).zip(&self.case.b).filter(|(_, b)| **b > 0.0);
            let sum: f64 = terms.map(|((c, g), _)| ((g.to_f64() - c) / self.epsilon).exp()).sum();
            *f = T::from_f64(self.epsilon * (a / sum).ln());
        }
        for (g, b) in g.iter_mut().zip(&self.case.b).filter(|(_, b)| **b == 0.0) {
            *g = T::from_f64(b.ln());
        }
        x
    }
    fn required_len(&self) -> usize {
        let (n, m) = (self.a.len(), self.b.len());
        match self.how {
            How::Sinkhorn(_) => sinkhorn::Workspace::<T>::required_len(n, m, m),
            How::Scaling(_) => scaling::Workspace::<T>::required_len(n, m, true),
            How::Newton => newton::Workspace::<T>::required_len(n, m, m, n * m),
            How::DenseNewton => newton::dense::Workspace::<T>::required_len(n, m, m),
            How::Greenkhorn => greenkhorn::Workspace::<T>::required_len(n, m, m),
        }
    }
    fn call(
        &self,
        stop: &Stop<T>,
        x: &mut [T],
        storage: &mut [T],
        call: Call<'_, '_, T>,
    ) -> Result<Option<Report<T>>, Error> {
        let (options, mut rule) = (sinkhorn::Options { stop: *stop }, self.rule());
        let x = self.potentials(x);
        self.with(|problem| match self.how {
            How::Sinkhorn(_) => {
                let work = sinkhorn::Workspace::new(problem, storage)?;
                answer!(call, stop, sinkhorn::start(problem, &options, &mut rule, x, work), observer =>
                    sinkhorn::solve(problem, &options, &mut rule, x, work, observer))
            }
            How::Scaling(_) => {
                let work = scaling::Workspace::new(problem, storage)?;
                answer!(call, stop, scaling::start(problem, &options, &mut rule, x, work), observer =>
                    scaling::solve(problem, &options, &mut rule, x, work, observer))
            }
            How::Newton => {
                let (n, m) = (problem.rows(), problem.columns());
                let mut indices = vec![u32::MAX; newton::Workspace::<T>::required_indices(n, m, n * m)];
                let work = newton::Workspace::new(problem, n * m, storage, &mut indices)?;
                let options = newton_options(stop);
                answer!(call, stop, newton::start(problem, &options, x, work), observer =>
                    newton::solve(problem, &options, x, work, observer))
            }
            How::DenseNewton => {
                let work = newton::dense::Workspace::new(problem, storage)?;
                let options = newton_options(stop);
                answer!(call, stop, newton::dense::start(problem, &options, x, work), observer =>
                    newton::dense::solve(problem, &options, x, work, observer))
            }
            How::Greenkhorn => {
                let work = greenkhorn::Workspace::new(problem, storage)?;
                answer!(call, stop, greenkhorn::start(problem, &options, x, work), observer =>
                    greenkhorn::solve(problem, &options, x, work, observer))
            }
        })
    }
    fn look(&self, x: &[T]) -> (f64, f64) {
        let (f, g) = x.split_at(self.a.len());
        let epsilon = T::from_f64(self.epsilon).to_f64();
        let [rows, columns, ..] = look(&self.case, epsilon, f, g);
        // Every entry is off by the rounding of its exponent.
        let mass: f64 = self.case.a.iter().sum();
        let bound = 16.0 * T::EPSILON.to_f64() * (1.0 + 2.0 / self.epsilon) * (mass + rows + columns);
        (rows + columns, bound)
    }
    fn ends_at_rounding(&self) -> bool {
        matches!(self.how, How::Newton | How::DenseNewton)
    }
    fn stop(&self) -> Stop<T> {
        Stop { max_steps: 3000, ..sinkhorn::Options::default().stop }
    }
}

/// A few Sinkhorn steps, so that both kinds of steps are taken.
fn newton_options<T: Real>(stop: &Stop<T>) -> newton::Options<T> {
    // The same share for both precisions, whose defaults differ.
    let dropped = T::from_f64(1e-4);
    newton::Options { stop: *stop, first_steps: 4, dropped, ..newton::Options::default() }
}

/// Every method of the family.
pub(crate) fn transport<T: Real>() -> impl Iterator<Item = Box<dyn Method<T>>> {
    let hows = [1.0, 1.5].into_iter().flat_map(|omega| [How::Sinkhorn(omega), How::Scaling(omega)]);
    let hows = hows.chain([How::Newton, How::DenseNewton, How::Greenkhorn]);
    hows.flat_map(|how| {
        let problems = [(9, 13, 0.125), (20, 7, 0.03125)].into_iter();
        problems
            .map(move |(n, m, epsilon)| Box::new(Transport::new(how, n, m, epsilon)) as Box<dyn Method<T>>)
    })
}
