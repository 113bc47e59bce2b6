//! Ranks that are threads of one process, with channels between them.
//!
//! For tests, and for a first look at a distributed run without MPI. (Threads that share memory are faster.)

use std::panic::resume_unwind;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;

use super::{Communicator, Fault};

/// What goes through a channel.
#[derive(Debug)]
enum Packet {
    Numbers(Vec<f64>),
    Bytes(Vec<u8>),
}

/// One rank of several in this process. A rank that ends closes its channels, which ends all that wait for it.
#[derive(Debug)]
pub struct Threads {
    rank: usize,
    /// Channels to and from every rank; those of this rank are not used.
    to: Vec<Sender<Packet>>,
    from: Vec<Receiver<Packet>>,
}

impl Threads {
    /// The ranks of a run of `size`.
    #[must_use]
    pub fn world(size: usize) -> Vec<Threads> {
        let mut ranks: Vec<Threads> =
            (0..size).map(|rank| Threads { rank, to: Vec::new(), from: Vec::new() }).collect();
        for sender in 0..size {
            for receiver in 0..size {
                let (to, from) = channel();
                ranks[sender].to.push(to);
                // In the order of the senders, as the outer loop goes.
                ranks[receiver].from.push(from);
            }
        }
        ranks
    }

    /// Runs `work` on `size` ranks, each a thread, and returns what they returned.
    ///
    /// # Panics
    /// If a rank panicked, after all have ended, with the panic of the lowest.
    pub fn run<R: Send>(size: usize, work: impl Fn(&Threads) -> R + Sync) -> Vec<R> {
        let work = &work;
        thread::scope(|scope| {
            let ranks: Vec<_> =
                Threads::world(size).into_iter().map(|rank| scope.spawn(move || work(&rank))).collect();
            let ended: Vec<_> = ranks.into_iter().map(thread::ScopedJoinHandle::join).collect();
            ended.into_iter().map(|result| result.unwrap_or_else(|panic| resume_unwind(panic))).collect()
        })
    }

    fn send(&self, rank: usize, packet: Packet) -> Result<(), Fault> {
        let sender = self.to.get(rank).ok_or(Fault::Gone { rank })?;
        sender.send(packet).map_err(|_| Fault::Gone { rank })
    }

    fn receive(&self, rank: usize) -> Result<Packet, Fault> {
        let receiver = self.from.get(rank).ok_or(Fault::Gone { rank })?;
        receiver.recv().map_err(|_| Fault::Gone { rank })
    }

    fn receive_into(&self, rank: usize, into: &mut [f64]) -> Result<(), Fault> {
        let expected = into.len();
        match self.receive(rank)? {
            Packet::Numbers(numbers) if numbers.len() == expected => into.copy_from_slice(&numbers),
            Packet::Numbers(numbers) => return Err(Fault::Mismatch { rank, expected, given: numbers.len() }),
            Packet::Bytes(bytes) => return Err(Fault::Mismatch { rank, expected, given: bytes.len() }),
        }
        Ok(())
    }

    fn others(&self) -> impl Iterator<Item = usize> + use<> {
        let me = self.rank;
        (0..self.to.len()).filter(move |&rank| rank != me)
    }
}

impl Communicator for Threads {
    fn rank(&self) -> usize {
        self.rank
    }

    fn size(&self) -> usize {
        self.to.len()
    }

    fn exchange(
        &self,
        sends: &[(usize, &[f64])],
        receives: &mut [(usize, &mut [f64])],
        meanwhile: &mut dyn FnMut(),
    ) -> Result<(), Fault> {
        for &(rank, numbers) in sends {
            self.send(rank, Packet::Numbers(numbers.to_vec()))?;
        }
        meanwhile();
        receives.iter_mut().try_for_each(|(rank, into)| self.receive_into(*rank, into))
    }

    fn max(&self, values: &mut [f64]) -> Result<(), Fault> {
        let mine = values.to_vec();
        self.others().try_for_each(|rank| self.send(rank, Packet::Numbers(mine.clone())))?;
        let mut theirs = vec![0.0; values.len()];
        for rank in self.others() {
            self.receive_into(rank, &mut theirs)?;
            values.iter_mut().zip(&theirs).for_each(|(value, &other)| *value = value.max(other));
        }
        Ok(())
    }

    fn gather(&self, mine: &[f64], counts: &[usize], all: &mut [f64]) -> Result<(), Fault> {
        self.others().try_for_each(|rank| self.send(rank, Packet::Numbers(mine.to_vec())))?;
        let mut rest = all;
        for (rank, &count) in counts.iter().enumerate() {
            let given = rest.len();
            let Some((into, after)) = rest.split_at_mut_checked(count) else {
                return Err(Fault::Mismatch { rank, expected: count, given });
            };
            rest = after;
            if rank == self.rank {
                if mine.len() != count {
                    return Err(Fault::Mismatch { rank, expected: count, given: mine.len() });
                }
                into.copy_from_slice(mine);
            } else {
                self.receive_into(rank, into)?;
            }
        }
        Ok(())
    }

    fn broadcast(&self, root: usize, bytes: &mut [u8]) -> Result<(), Fault> {
        if self.rank == root {
            return self.others().try_for_each(|rank| self.send(rank, Packet::Bytes(bytes.to_vec())));
        }
        match self.receive(root)? {
            Packet::Bytes(given) if given.len() == bytes.len() => {
                bytes.copy_from_slice(&given);
                Ok(())
            }
            Packet::Bytes(given) => {
                Err(Fault::Mismatch { rank: root, expected: bytes.len(), given: given.len() })
            }
            Packet::Numbers(given) => {
                Err(Fault::Mismatch { rank: root, expected: bytes.len(), given: given.len() })
            }
        }
    }

    fn barrier(&self) -> Result<(), Fault> {
        self.max(&mut [])
    }

    /// Unwinds this rank; the others find its channels closed.
    fn abort(&self, code: i32) -> ! {
        resume_unwind(Box::new(format!("rank {} has ended the run with code {code}", self.rank)))
    }
}
