//! What is minimised.

use super::losses::Loss;
use super::penalties::Penalty;
use crate::linear::{check_finite, check_len};
use crate::{Error, Real};

/// min f(x) + Σ_b h_b(x_b): a [`Loss`] and a [`Penalty`].
#[derive(Debug)]
pub struct Problem<'a, L, H> {
    pub(super) loss: &'a L,
    pub(super) penalty: &'a H,
}

impl<L, H> Clone for Problem<'_, L, H> {
    fn clone(&self) -> Self {
        *self
    }
}

/// Two references, whatever they refer to.
impl<L, H> Copy for Problem<'_, L, H> {}

impl<'a, L, H> Problem<'a, L, H> {
    /// The problem of a loss and a penalty.
    ///
    /// # Errors
    /// What the penalty finds wrong with itself ([`Penalty::check`]); [`Error::TooLarge`] beyond 32-bit indices.
    pub fn new<T: Real>(loss: &'a L, penalty: &'a H) -> Result<Self, Error>
    where
        L: Loss<T>,
        H: Penalty<T>,
    {
        let variables = loss.variables();
        if u32::try_from(variables).is_err() {
            return Err(Error::TooLarge { argument: "loss" });
        }
        penalty.check(variables)?;
        Ok(Self { loss, penalty })
    }

    /// The loss.
    #[must_use]
    pub fn loss(&self) -> &'a L {
        self.loss
    }

    /// The penalty.
    #[must_use]
    pub fn penalty(&self) -> &'a H {
        self.penalty
    }

    pub(super) fn check_start<T: Real>(&self, x: &[T]) -> Result<(), Error>
    where
        L: Loss<T>,
    {
        check_len("x", x.len(), self.loss.variables())?;
        check_finite("x", x)
    }
}
