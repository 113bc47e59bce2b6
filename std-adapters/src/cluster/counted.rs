//! Counting what goes between ranks.

use std::cell::Cell;

use super::{Communicator, Fault};

/// What one rank has sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Traffic {
    /// Messages to single ranks.
    pub messages: u64,
    /// Bytes in them.
    pub bytes: u64,
    /// Reductions, gathers, broadcasts and barriers, which all ranks take part in.
    pub collectives: u64,
    /// Bytes that this rank gave to them.
    pub collective_bytes: u64,
}

/// A communicator that counts.
#[derive(Debug)]
pub struct Counted<'a, C: ?Sized> {
    traffic: Cell<Traffic>,
    communicator: &'a C,
}

impl<'a, C: Communicator + ?Sized> Counted<'a, C> {
    /// Counts from zero.
    #[must_use]
    pub fn new(communicator: &'a C) -> Self {
        Self { traffic: Cell::default(), communicator }
    }

    /// What was sent since the start or the last call.
    pub fn take(&self) -> Traffic {
        self.traffic.take()
    }

    fn collective(&self, bytes: usize) {
        let mut traffic = self.traffic.get();
        traffic.collectives += 1;
        traffic.collective_bytes += bytes as u64;
        self.traffic.set(traffic);
    }
}

impl<C: Communicator + ?Sized> Communicator for Counted<'_, C> {
    fn rank(&self) -> usize {
        self.communicator.rank()
    }
    fn size(&self) -> usize {
        self.communicator.size()
    }
    fn exchange(
        &self,
        sends: &[(usize, &[f64])],
        receives: &mut [(usize, &mut [f64])],
        meanwhile: &mut dyn FnMut(),
    ) -> Result<(), Fault> {
        let mut traffic = self.traffic.get();
        traffic.messages += sends.len() as u64;
        traffic.bytes += sends.iter().map(|(_, numbers)| size_of_val(*numbers) as u64).sum::<u64>();
        self.traffic.set(traffic);
        self.communicator.exchange(sends, receives, meanwhile)
    }
    fn max(&self, values: &mut [f64]) -> Result<(), Fault> {
        self.collective(size_of_val(values));
        self.communicator.max(values)
    }
    fn gather(&self, mine: &[f64], counts: &[usize], all: &mut [f64]) -> Result<(), Fault> {
        self.collective(size_of_val(mine));
        self.communicator.gather(mine, counts, all)
    }
    fn broadcast(&self, root: usize, bytes: &mut [u8]) -> Result<(), Fault> {
        self.collective(if root == self.rank() { bytes.len() } else { 0 });
        self.communicator.broadcast(root, bytes)
    }
    fn barrier(&self) -> Result<(), Fault> {
        self.collective(0);
        self.communicator.barrier()
    }
    fn abort(&self, code: i32) -> ! {
        self.communicator.abort(code)
    }
}
