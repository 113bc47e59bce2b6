//! Ranks of an MPI job.

use std::panic;

use mpi::collective::SystemOperation;
use mpi::datatype::PartitionMut;
use mpi::environment::Universe;
use mpi::request::multiple_scope;
use mpi::topology::SimpleCommunicator;
use mpi::traits::{
    Communicator as _, CommunicatorCollectives as _, Destination as _, Equivalence, Root as _, Source as _,
};
use mpi::{Count, Rank};

use super::{Communicator, Fault};

/// The ranks that `mpirun` started. Made once a process; what it stands for ends when it is dropped.
///
/// MPI itself ends the job when a message has not the length that was expected, or when a rank dies: such faults
/// do not come back as errors. (Messages of up to 2³¹ − 1 elements.)
pub struct Mpi {
    world: SimpleCommunicator,
    // Dropped last: its end is the end of MPI.
    _universe: Universe,
}

impl std::fmt::Debug for Mpi {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Mpi").field("rank", &self.rank()).field("size", &self.size()).finish()
    }
}

/// The exit code of a job one of whose ranks panicked, as that of a program that panicked by itself.
const PANICKED: i32 = 101;

impl Mpi {
    /// Starts MPI. From here on a panic in one rank ends all: unwinding would reach the end of MPI, which waits for
    /// the other ranks, while they wait for this one.
    ///
    /// # Errors
    /// [`Fault::Start`] if it was started before.
    pub fn start() -> Result<Self, Fault> {
        let universe = mpi::initialize().ok_or(Fault::Start("MPI was started already in this process"))?;
        let before = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            before(info);
            SimpleCommunicator::world().abort(PANICKED)
        }));
        Ok(Self { world: universe.world(), _universe: universe })
    }
}

/// A rank as MPI counts them.
fn raw(rank: usize) -> Rank {
    Rank::try_from(rank).unwrap_or(Rank::MAX)
}

/// Refuses a rank that does not exist, which MPI would not survive.
fn check(rank: usize, size: usize) -> Result<(), Fault> {
    if rank < size { Ok(()) } else { Err(Fault::Gone { rank }) }
}

impl Communicator for Mpi {
    fn rank(&self) -> usize {
        usize::try_from(self.world.rank()).unwrap_or(0)
    }

    fn size(&self) -> usize {
        usize::try_from(self.world.size()).unwrap_or(1)
    }

    fn exchange(
        &self,
        sends: &[(usize, &[f64])],
        receives: &mut [(usize, &mut [f64])],
        meanwhile: &mut dyn FnMut(),
    ) -> Result<(), Fault> {
        let size = self.size();
        sends.iter().try_for_each(|&(rank, _)| check(rank, size))?;
        receives.iter().try_for_each(|&(rank, _)| check(rank, size))?;
        let senders: Vec<(usize, usize)> = receives.iter().map(|(rank, into)| (*rank, into.len())).collect();
        let given: Vec<usize> = multiple_scope(sends.len() + receives.len(), |scope, requests| {
            for (rank, into) in receives.iter_mut() {
                requests
                    .add(self.world.process_at_rank(raw(*rank)).immediate_receive_into(scope, &mut **into));
            }
            for &(rank, numbers) in sends {
                requests.add(self.world.process_at_rank(raw(rank)).immediate_send(scope, numbers));
            }
            meanwhile();
            let mut done = Vec::with_capacity(sends.len() + senders.len());
            requests.wait_all(&mut done);
            let received = done.iter().filter(|(request, ..)| *request < senders.len());
            received
                .map(|(_, status, _)| {
                    usize::try_from(status.count(f64::equivalent_datatype())).unwrap_or(usize::MAX)
                })
                .collect()
        });
        for (&(rank, expected), given) in senders.iter().zip(given) {
            if given != expected {
                return Err(Fault::Mismatch { rank, expected, given });
            }
        }
        Ok(())
    }

    fn max(&self, values: &mut [f64]) -> Result<(), Fault> {
        let mine = values.to_vec();
        self.world.all_reduce_into(&mine[..], values, SystemOperation::max());
        Ok(())
    }

    fn gather(&self, mine: &[f64], counts: &[usize], all: &mut [f64]) -> Result<(), Fault> {
        let (rank, given) = (self.rank(), mine.len());
        let expected = counts.get(rank).copied().unwrap_or(0);
        if counts.len() != self.size() || given != expected || all.len() != counts.iter().sum::<usize>() {
            return Err(Fault::Mismatch { rank, expected, given });
        }
        let counts: Vec<Count> = counts.iter().map(|&n| Count::try_from(n).unwrap_or(Count::MAX)).collect();
        let mut from = 0;
        let places: Vec<Count> = counts
            .iter()
            .map(|&count| {
                let place = from;
                from += count;
                place
            })
            .collect();
        self.world.all_gather_varcount_into(mine, &mut PartitionMut::new(all, counts, places));
        Ok(())
    }

    fn broadcast(&self, root: usize, bytes: &mut [u8]) -> Result<(), Fault> {
        check(root, self.size())?;
        self.world.process_at_rank(raw(root)).broadcast_into(bytes);
        Ok(())
    }

    fn barrier(&self) -> Result<(), Fault> {
        self.world.barrier();
        Ok(())
    }

    fn abort(&self, code: i32) -> ! {
        self.world.abort(code)
    }
}
