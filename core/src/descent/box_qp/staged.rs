//! Model predictive control in stages: the variables are the inputs, the states are what the dynamics make of them.
//!
//! ```text
//! ½ Σ_{k<N} (x_kᵀQ x_k + u_kᵀR u_k) + ½ x_NᵀP x_N,   x_{k+1} = A x_k + B u_k,   x_0 given
//! ```
//! H is never formed. The stages are a chain, and eliminating a chain from its end is Riccati's recursion; here the
//! inputs of a stage are eliminated one by one, and those at a bound are passed over:
//! ```text
//! backwards, S and s from stage k+1 (S = P, s = 0 behind the last):  c = B·(fixed inputs),  q = S c + s
//!   M = R + BᵀS B,  G = BᵀS A,  h = Bᵀq + R·(fixed inputs)                           rows of the free inputs
//!   for every free input f:  d = M_ff;  from every later one g:  M_g −= (M_fg/d) M_f,  G_g −= (M_fg/d) G_f,  h_g alike
//!   S ← Q + AᵀS A − Σ_f G_fᵀG_f/d_f,   s ← Aᵀq − Σ_f G_fᵀh_f/d_f
//! forwards:  u_f = −(G_f x + h_f + Σ_{g>f} M_fg u_g)/d_f,  x ← A x + B u,
//!   gradient of a fixed input: R u + Bᵀ(S x + s)
//! ```
//! S, M and G of a stage depend on the sets of free inputs of it and of the later stages alone, so what was
//! eliminated is kept, and an active-set method pays for the stages up to the last one that it changed. Zeros of A
//! and B are skipped. *Cost* of a stage with n states and m inputs: up to 1½ n³ + 2 m n² + ½ m n² multiply–adds where
//! it is eliminated anew, 2 to 5 n² + 2 to 4 n m in every solve. *Memory*: N (n² + n m + m² + n + m) + n² + 4 n + m.
//!
//! *Source*: Rao, Wright & Rawlings 1998 for the recursion inside of an optimisation; the elimination is that of any
//! forest, with matrices.

use super::condensed::{check_positive_diagonal, check_symmetric};
use super::model::{Factors, Look, Model};
use super::riccati::factors_len;
use super::small::{add_all, anew, clear, copy, dot, row, row_mut};
use crate::linear::{check_finite, check_len};
use crate::{Error, Real};

/// Dynamics and costs, matrices by rows.
#[derive(Clone, Copy, Debug)]
pub struct Plant<'a, T> {
    /// States n.
    pub states: usize,
    /// Inputs m.
    pub inputs: usize,
    /// A, n × n.
    pub a: &'a [T],
    /// B, n × m.
    pub b: &'a [T],
    /// Q, n × n, symmetric positive semidefinite: cost of the states.
    pub q: &'a [T],
    /// R, m × m, symmetric positive definite: cost of the inputs.
    pub r: &'a [T],
}

impl<T: Real> Plant<'_, T> {
    /// Refuses sizes, values, asymmetry and a diagonal of R that is not positive.
    pub(super) fn check(&self) -> Result<(), Error> {
        let (n, m) = (self.states, self.inputs);
        for (name, size) in [("states", n), ("inputs", m)] {
            if size == 0 {
                return Err(Error::Option { name, requirement: "must be positive" });
            }
        }
        let parts = [
            ("a", self.a, n.saturating_mul(n)),
            ("b", self.b, n.saturating_mul(m)),
            ("q", self.q, n.saturating_mul(n)),
            ("r", self.r, m.saturating_mul(m)),
        ];
        for (name, values, len) in parts {
            check_len(name, values.len(), len)?;
            check_finite(name, values)?;
        }
        check_symmetric("q", self.q, n)?;
        check_symmetric("r", self.r, m)?;
        check_positive_diagonal(self.r, m)
    }
}

/// A plant, a horizon and a cost of the last state. The variables are the inputs, stage after stage.
#[derive(Clone, Copy, Debug)]
pub struct Staged<'a, T> {
    pub(super) plant: Plant<'a, T>,
    pub(super) p: &'a [T],
    pub(super) horizon: usize,
    /// Lengths, which saturate where no memory could hold them.
    variables: usize,
    factors: usize,
}

impl<'a, T: Real> Staged<'a, T> {
    /// A plant over so many stages, with the cost P of the last state (n × n by rows, symmetric positive
    /// semidefinite; [`terminal_cost`](super::terminal_cost) makes the one of an endless horizon).
    ///
    /// # Errors
    /// [`Error::Option`] for a size of zero, [`Error::Dimension`], [`Error::Value`], [`Error::Asymmetric`],
    /// [`Error::Diagonal`] if the diagonal of R is not positive. That all is convex is found out by solving.
    pub fn new(plant: Plant<'a, T>, p: &'a [T], horizon: usize) -> Result<Self, Error> {
        plant.check()?;
        if horizon == 0 {
            return Err(Error::Option { name: "horizon", requirement: "must be positive" });
        }
        check_len("p", p.len(), plant.states.saturating_mul(plant.states))?;
        check_finite("p", p)?;
        check_symmetric("p", p, plant.states)?;
        let variables = plant.inputs.saturating_mul(horizon);
        let factors = factors_len(plant.states, plant.inputs, horizon);
        Ok(Self { plant, p, horizon, variables, factors })
    }

    /// Numbers that a [`Workspace`](super::Workspace) needs.
    #[must_use]
    pub const fn required_len(states: usize, inputs: usize, horizon: usize) -> usize {
        let factors = factors_len(states, inputs, horizon);
        super::workspace::required_len(inputs.saturating_mul(horizon), factors)
    }
}

impl<T: Real> Model<T> for Staged<'_, T> {
    const DATA: &'static str = "x0";

    fn variables(&self) -> usize {
        self.variables
    }
    fn data_len(&self) -> usize {
        self.plant.states
    }
    fn factors_len(&self) -> usize {
        self.factors
    }
    fn is(&self, other: &Self) -> bool {
        // Lengths follow from the sizes.
        let (own, other_plant) = (&self.plant, &other.plant);
        (self.horizon == other.horizon
            && own.states == other_plant.states
            && own.inputs == other_plant.inputs)
            && core::ptr::eq(own.a.as_ptr(), other_plant.a.as_ptr())
            && core::ptr::eq(own.b.as_ptr(), other_plant.b.as_ptr())
            && core::ptr::eq(own.q.as_ptr(), other_plant.q.as_ptr())
            && core::ptr::eq(own.r.as_ptr(), other_plant.r.as_ptr())
            && core::ptr::eq(self.p.as_ptr(), other.p.as_ptr())
    }

    fn evaluate(&self, data: &[T], x: &[T], sized: bool, gradient: &mut [T], storage: &mut [T]) -> Look<T> {
        let plant = &self.plant;
        let (stages, rest) = plant.split(storage, self.horizon);
        let mut scratch = plant.scratch(rest);
        clear(scratch.state);
        copy(scratch.state, data);
        let m = plant.inputs;
        for k in 0..self.horizon {
            plant.advance(row(x, k, m), &mut scratch);
            copy(plant.slope(stages, k), scratch.state);
        }
        let mut look = Look { objective: T::ZERO, scale: T::ZERO };
        // λ = P x behind the last stage.
        clear(scratch.pull);
        add_all(self.p, scratch.state, scratch.pull);
        look.objective += T::HALF * dot(scratch.state, scratch.pull);
        for k in (0..self.horizon).rev() {
            let (plant, scratch) = anew((plant, &mut scratch));
            let (u, g) = (row(x, k, plant.inputs), row_mut(gradient, k, plant.inputs));
            clear(scratch.input);
            add_all(plant.r, u, scratch.input);
            look.objective += T::HALF * dot(u, scratch.input);
            copy(g, scratch.input);
            add_all(plant.b, scratch.pull, g);
            if sized {
                look.scale = look.scale.max(plant.size(scratch));
            }
            // λ ← Q x + Aᵀλ before the stage.
            let state = match k.checked_sub(1) {
                Some(before) => &*plant.slope(stages, before),
                None => data,
            };
            clear(scratch.push);
            add_all(plant.q, state, scratch.push);
            look.objective += T::HALF * dot(state, scratch.push);
            if k > 0 {
                add_all(plant.a, scratch.pull, scratch.push);
                copy(scratch.pull, scratch.push);
            }
        }
        look
    }

    fn curvature(&self, d: &[T], storage: &mut [T]) -> T {
        // From rest, and with no room for a gradient, the objective is all that is left.
        T::TWO * self.evaluate(&[], d, false, &mut [], storage).objective
    }

    fn minimise(
        &self,
        data: &[T],
        sides: &[T],
        x: &mut [T],
        gradient: &mut [T],
        factors: &mut Factors<'_, T>,
    ) -> bool {
        // Stages behind the last one whose free inputs changed hold what they held.
        let changed = if factors.valid { self.changed(sides, factors.sides) } else { self.horizon };
        let held = factors.valid;
        factors.valid = false;
        if !self.backwards(sides, x, factors.storage, changed, held) {
            return false;
        }
        copy(factors.sides, sides);
        factors.valid = true;
        self.forwards(data, sides, x, gradient, factors.storage);
        true
    }
}

// By functions of their own, so that a part's stack holds one of them at a time.
impl<T: Real> Staged<'_, T> {
    /// Stages up to the last one whose free inputs are others.
    #[cfg_attr(target_os = "none", inline(never))]
    fn changed(&self, sides: &[T], before: &[T]) -> usize {
        let (m, mut changed) = (self.plant.inputs, 0);
        for k in 0..self.horizon {
            let pairs = row(sides, k, m).iter().zip(row(before, k, m));
            if pairs.fold(false, |differs, (&a, &b)| differs | ((a == T::ZERO) != (b == T::ZERO))) {
                changed = k.wrapping_add(1);
            }
        }
        changed
    }

    /// The elimination from the end of the chain on; stages from `changed` on keep their rows, and P is where it is to be
    /// if it is `held`. False for a pivot that is not positive.
    #[cfg_attr(target_os = "none", inline(never))]
    fn backwards(&self, sides: &[T], x: &[T], storage: &mut [T], changed: usize, held: bool) -> bool {
        let plant = &self.plant;
        let (stages, rest) = plant.split(storage, self.horizon);
        let mut scratch = plant.scratch(rest);
        if let Some((cost, slope)) = plant.head(stages, self.horizon) {
            clear(slope);
            if !held {
                copy(cost, self.p);
            }
        }
        let mut quiet = true;
        for k in (0..self.horizon).rev() {
            let (plant, scratch) = anew((plant, &mut scratch));
            let (m, len) = (plant.inputs, plant.stage_len());
            let Some((earlier, memory)) = stages.split_at_mut_checked(k.wrapping_mul(len)) else {
                return false;
            };
            let mut stage = plant.stage(memory);
            let (cost, slope) = plant.head(earlier, k).unzip();
            let sides = row(sides, k, m);
            if k < changed && !plant.eliminate(sides, &mut stage, cost, scratch) {
                return false;
            }
            quiet = plant.pull_back(sides, row(x, k, m), &mut stage, slope, quiet, scratch);
        }
        true
    }

    /// The free inputs from the begin of the chain on, and the gradient of the fixed ones.
    #[cfg_attr(target_os = "none", inline(never))]
    fn forwards(&self, data: &[T], sides: &[T], x: &mut [T], gradient: &mut [T], storage: &mut [T]) {
        let plant = &self.plant;
        let (stages, rest) = plant.split(storage, self.horizon);
        let mut scratch = plant.scratch(rest);
        copy(scratch.state, data);
        for k in 0..self.horizon {
            let (plant, scratch) = anew((plant, &mut scratch));
            let (m, len) = (plant.inputs, plant.stage_len());
            let stage = plant.stage(row_mut(stages, k, len));
            plant.roll(row(sides, k, m), &stage, row_mut(x, k, m), row_mut(gradient, k, m), scratch);
        }
    }
}
