//! One rank.

use super::{Communicator, Fault};

/// The only rank of a run: every driver works without MPI and without threads.
#[derive(Clone, Copy, Debug, Default)]
pub struct Alone;

impl Communicator for Alone {
    fn rank(&self) -> usize {
        0
    }
    fn size(&self) -> usize {
        1
    }
    fn exchange(
        &self,
        sends: &[(usize, &[f64])],
        receives: &mut [(usize, &mut [f64])],
        meanwhile: &mut dyn FnMut(),
    ) -> Result<(), Fault> {
        let other = sends.first().map(|s| s.0).or_else(|| receives.first().map(|r| r.0));
        meanwhile();
        other.map_or(Ok(()), |rank| Err(Fault::Gone { rank }))
    }
    fn max(&self, _values: &mut [f64]) -> Result<(), Fault> {
        Ok(())
    }
    fn gather(&self, mine: &[f64], counts: &[usize], all: &mut [f64]) -> Result<(), Fault> {
        let expected = counts.first().copied().unwrap_or(0);
        if mine.len() != expected || all.len() != expected {
            return Err(Fault::Mismatch { rank: 0, expected, given: mine.len() });
        }
        all.copy_from_slice(mine);
        Ok(())
    }
    fn broadcast(&self, _root: usize, _bytes: &mut [u8]) -> Result<(), Fault> {
        Ok(())
    }
    fn barrier(&self) -> Result<(), Fault> {
        Ok(())
    }
    fn abort(&self, code: i32) -> ! {
        std::process::exit(code)
    }
}
