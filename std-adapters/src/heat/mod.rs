//! The published heat experiment: a sequence of implicit steps whose best omega changes with time.
//!
//! ∂u/∂t = κ(t) Δu + F on the unit square, u = 0 on its boundary, Crank-Nicolson in time on a grid of
//! (nx − 1)² interior points (Khodak, Chow, Balcan & Talwalkar 2024, "Learning to Relax", §5):
//! ```text
//! κ(t) = max(0.1 sin 2πt, −10 sin 2πt)
//! bump(p; q, ρ) = exp(1 − 1/(1 − s)),  s = ‖p − q‖²/ρ² < 1, else 0
//! u(0, p) = bump(p; (½, ½), ¼)
//! F(t, p) = 32 bump(p; (½ + cos(16πt)/4, ½ + sin(16πt)/4), ⅛)
//! ```
//! With h = t + dt/2, a = ½ κ(h) dt/dx² and Σ the four neighbours:
//! `((1 + 4a) I − a Σ) u⁺ = ((1 − 4a) I + a Σ) u + dt F(h)`; each solve starts from u.
//!
//! Elementary functions come from `libm`, so every machine builds the same systems.

mod band;
#[cfg(feature = "gpu")]
mod on_device;
mod policy;

pub(crate) use band::Band;
#[cfg(feature = "gpu")]
pub use on_device::OnDevice;
pub use policy::{ARMS, OnStep, Outcome, Policy, Setting, Survey, arm_omega, run, survey};
#[cfg(feature = "threads")]
pub use policy::{run_on, survey_on};

use core::f64::consts::PI;

use southwell::Error;
use southwell::linear::{Star, Stencil2d};

/// The length of a time step.
pub const DT: f64 = 1e-3;

/// The experiment at a point in time: the state, and the system of the step that comes next.
#[derive(Clone, Debug)]
pub struct Heat {
    band: Band,
    time: f64,
    u: Vec<f64>,
    rhs: Vec<f64>,
    star: Star<f64>,
}

/// κ(t), the diffusion coefficient: slow in one half of each period, a hundred times faster in the other.
#[must_use]
pub fn diffusion(t: f64) -> f64 {
    let s = libm::sin(2.0 * PI * t);
    (0.1 * s).max(-10.0 * s)
}

impl Heat {
    /// The experiment at t = 0 on a grid of `grid` intervals a side.
    ///
    /// # Errors
    /// [`Error::Option`] unless 2 ≤ `grid` ≤ 4096.
    pub fn new(grid: usize) -> Result<Self, Error> {
        if !(2..=4096).contains(&grid) {
            return Err(Error::Option { name: "grid", requirement: "must lie in 2..=4096" });
        }
        let side = grid - 1;
        let band = Band { side, first: 0, rows: side, dx: 1.0 / grid as f64 };
        let rhs = vec![0.0; side * side];
        let mut heat = Self { band, time: 0.0, u: band.start(), rhs, star: Star::default() };
        heat.assemble();
        Ok(heat)
    }

    /// Unknowns of a system.
    #[must_use]
    pub fn unknowns(&self) -> usize {
        self.u.len()
    }

    /// The state, where the next solve starts.
    #[must_use]
    pub fn state(&self) -> &[f64] {
        &self.u
    }

    /// The right-hand side of the next step.
    #[must_use]
    pub fn rhs(&self) -> &[f64] {
        &self.rhs
    }

    /// The matrix of the next step.
    ///
    /// # Errors
    /// None for a grid that [`new`](Heat::new) accepted.
    pub fn matrix(&self) -> Result<Stencil2d<'static, f64>, Error> {
        Stencil2d::constant(self.band.side, self.band.side, self.star)
    }

    /// κ at the start of the next step: the context that a caller could know.
    #[must_use]
    pub fn context(&self) -> f64 {
        diffusion(self.time)
    }

    /// The contexts' range over a run of `steps` steps.
    #[must_use]
    pub fn context_range(steps: u32) -> (f64, f64) {
        let end = f64::from(steps) * DT;
        let points = f64::from(steps.saturating_sub(1).max(1));
        let contexts = (0..steps).map(|k| diffusion(end * f64::from(k) / points));
        contexts.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), c| (low.min(c), high.max(c)))
    }

    /// Takes the solution of the step and assembles the next one.
    pub fn advance(&mut self, solution: &[f64]) {
        self.u.copy_from_slice(solution);
        self.time += DT;
        self.assemble();
    }

    fn assemble(&mut self) {
        let a = self.band.coupling(self.time);
        self.star = Band::star(a);
        for i in 0..self.band.rows {
            self.band.explicit(a, &self.u, i, (&[], &[]), &mut self.rhs);
        }
        self.band.add_source(self.time, &mut self.rhs);
    }
}
