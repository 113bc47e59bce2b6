//! Runs whose marginals may be missed at a price, and the two values between which the least one lies.

use southwell::transport::unbalanced::{Options, Problem, Workspace, solve};
use southwell::transport::{Cost, Potentials};
use southwell::{Error, Observer, Real, Stop};

use super::solve::{Found, Value, stop_of};
use super::{Coupler, Transport, WithCost};

/// Refuses a price that is none, and methods that know no prices.
pub(super) fn check(rho: f64, coupler: Coupler) -> Result<(), Error> {
    if !matches!(coupler, Coupler::Auto | Coupler::Log) {
        return Err(Error::Option {
            name: "method",
            requirement: "must be auto or log where marginals have a price",
        });
    }
    if rho > 0.0 && rho.is_finite() {
        Ok(())
    } else {
        Err(Error::Option { name: "unbalanced", requirement: "must be positive and finite" })
    }
}

pub(super) fn run<T: Real, C: Cost<T>>(
    problem: &Problem<'_, T, C>,
    scratch: usize,
    stop: &Stop<f64>,
    (mut f, mut g): (Vec<T>, Vec<T>),
    observer: &mut impl Observer<T>,
) -> Result<Found, Error> {
    let length = Workspace::<T>::required_len(problem.rows(), problem.columns(), scratch);
    let mut storage = vec![T::ZERO; length];
    let workspace = Workspace::new(problem, &mut storage)?;
    let options = Options { stop: stop_of(stop), ..Options::default() };
    let x = Potentials { f: &mut f, g: &mut g };
    let report = solve(problem, &options, x, workspace, observer)?;
    Ok(Found::new(&f, &g, &report))
}

/// Values a run's potentials, in one reading.
pub(super) struct Worth<'s> {
    pub(super) transport: &'s Transport,
    pub(super) epsilon: f64,
    pub(super) rho: f64,
    pub(super) found: &'s Found,
}

impl WithCost<f64> for Worth<'_> {
    type Output = Value;

    fn call<C: Cost<f64>>(self, cost: &C) -> Result<Value, Error> {
        let Worth { transport, epsilon, rho, found } = self;
        let Found { f, g, .. } = found;
        let m = cost.columns();
        let (mut p, mut columns, mut buffer) = (vec![0.0; m], vec![0.0; m], vec![0.0; m]);
        let mut rows = vec![0.0; cost.rows()];
        // ⟨P, C⟩ and ε Σ P (ln P − 1), the latter from ε ln P = f + g − C.
        let (mut paid, mut entropy) = (0.0, 0.0);
        for (i, (row, &f)) in rows.iter_mut().zip(f).enumerate() {
            (*row, _) = cost.coupling_row(i, epsilon, f, g, &mut p, &mut buffer);
            let costs = cost.row(i, &mut buffer);
            for (((&p, &c), &g), column) in p.iter().zip(costs).zip(g).zip(&mut columns) {
                if p > 0.0 {
                    paid += p * c;
                    entropy += p * (f + g - c - epsilon);
                    *column += p;
                }
            }
        }
        let mass: f64 = rows.iter().sum();
        let sides = [(&transport.a, f, &rows), (&transport.b, g, &columns)];
        let each = |what: fn(f64, f64, f64, f64) -> f64| -> f64 {
            let lines = sides.iter().flat_map(|(w, p, s)| w.iter().zip(*p).zip(*s));
            lines.filter(|((w, _), _)| **w > 0.0).map(|((&w, &p), &s)| what(w, p, s, rho)).sum()
        };
        Ok(Value {
            marginal_error: each(|w, p, s, rho| (s - w * (-p / rho).exp()).abs()),
            mass,
            cost: paid,
            dual: each(|w, p, _, rho| -rho * w * (-p / rho).exp_m1()) - epsilon * mass,
            primal: paid + entropy + each(|w, _, s, rho| rho * divergence(s, w)),
            lower_bound: None,
        })
    }
}

/// s ln(s/w) − s + w
fn divergence(s: f64, w: f64) -> f64 {
    if s > 0.0 { s * (s / w).ln() - s + w } else { w }
}
