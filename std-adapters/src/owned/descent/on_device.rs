//! A dense quadratic, greedily, on a GPU.

use southwell::Observer;
use southwell::descent::{Loss, Problem};

use super::loss::{AnyLoss, Memory};
use super::penalty::AnyPenalty;
use super::{Blocks, Descended, Descent, Move, Options, Plan, Select, look};
use crate::gpu::descent::greedy;
use crate::gpu::relaxation::{Failed, Settings};
use crate::gpu::{Device, Error};

impl Descent {
    /// What the device does, by whichever one variable gains most, and what the CPU does like it.
    pub(crate) const GREEDY: Plan = Plan {
        select: Select::GsQ,
        blocks: Blocks::Variable,
        size: 1,
        update: Move::Gradient,
        seed: 0,
        lattice: None,
        face: None,
        face_limit: 0,
    };

    /// Solves from zero on a device.
    ///
    /// # Errors
    /// [`Error::Unsupported`] for what is not a dense quadratic, and as [`greedy`].
    pub(crate) fn solve_at(
        &self,
        device: &Device,
        settings: Settings,
        options: &Options<f64>,
        observer: &mut dyn Observer<f64>,
    ) -> Result<Descended, Failed> {
        self.smooth.check()?;
        let mut memory = Memory::default();
        let (AnyLoss::Dense(loss), _) = AnyLoss::new(&self.smooth, &mut memory)? else {
            return Err(Error::Unsupported("descent on what is not a dense quadratic").into());
        };
        let penalty = AnyPenalty::new(&self.kink);
        let problem = Problem::new::<f64>(&loss, &penalty)?;
        let mut x = vec![0.0; Loss::<f64>::variables(&loss)];
        let solved = greedy(device, settings, &problem, options, &mut x, observer)?;
        let (free, gap) = self.with(&Self::GREEDY, |problem, _| Ok(look(problem, &x)))?;
        Ok(Descended { x, outcome: solved.outcome, free, gap })
    }
}
