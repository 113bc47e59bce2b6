//! What a driver asks of the ranks around it, and what follows from that.

use std::fmt::Display;

use super::Fault;

/// The ranks of a run, seen from one of them.
///
/// All methods but [`rank`](Communicator::rank), [`size`](Communicator::size) and
/// [`abort`](Communicator::abort) are made by all ranks in the same order ([`exchange`](Communicator::exchange): by
/// those that it names). A fault is final: nothing further can be asked of a communicator that has returned one.
pub trait Communicator {
    /// The number of this rank, from 0.
    fn rank(&self) -> usize;

    /// Ranks of the run.
    fn size(&self) -> usize;

    /// Sends to some ranks and receives from some, at most one message each way between two ranks, while
    /// `meanwhile` works: the messages are started before it and finished after it. The buffers are lent for
    /// as long, so `meanwhile` cannot touch them; that is what makes it safe.
    ///
    /// # Errors
    /// [`Fault::Gone`], [`Fault::Mismatch`].
    fn exchange(
        &self,
        sends: &[(usize, &[f64])],
        receives: &mut [(usize, &mut [f64])],
        meanwhile: &mut dyn FnMut(),
    ) -> Result<(), Fault>;

    /// Replaces every value by the largest that any rank has in its place. NaN must not be given.
    ///
    /// # Errors
    /// [`Fault::Gone`], [`Fault::Mismatch`].
    fn max(&self, values: &mut [f64]) -> Result<(), Fault>;

    /// Gives all ranks what each has, in the order of the ranks: `counts[r]` elements of rank r.
    ///
    /// # Errors
    /// [`Fault::Gone`], [`Fault::Mismatch`].
    fn gather(&self, mine: &[f64], counts: &[usize], all: &mut [f64]) -> Result<(), Fault>;

    /// Gives all ranks the bytes of rank `root`; all must expect as many.
    ///
    /// # Errors
    /// [`Fault::Gone`], [`Fault::Mismatch`].
    fn broadcast(&self, root: usize, bytes: &mut [u8]) -> Result<(), Fault>;

    /// Waits until all ranks have come here.
    ///
    /// # Errors
    /// [`Fault::Gone`].
    fn barrier(&self) -> Result<(), Fault>;

    /// Ends the run on all ranks, whatever they are doing.
    fn abort(&self, code: i32) -> !;
}

/// The result of a step that may go wrong on any rank: what all have if all have it, and otherwise on all ranks
/// the same [`Fault::Refused`] with the words of the lowest rank that failed. Cost: one [`Communicator::max`].
///
/// # Errors
/// [`Fault::Refused`], and those of the communicator.
pub fn agree<T, E: Display>(
    communicator: &(impl Communicator + ?Sized),
    result: Result<T, E>,
) -> Result<T, Fault> {
    let (rank, size) = (communicator.rank(), communicator.size());
    // The largest is the lowest rank that failed.
    let mut first = [if result.is_err() { (size - rank) as f64 } else { 0.0 }];
    communicator.max(&mut first)?;
    let message = match result {
        Ok(value) if first[0] == 0.0 => return Ok(value),
        Ok(_) => String::new(),
        Err(error) => error.to_string(),
    };
    let root = size.saturating_sub(first[0] as usize);
    let mut text = message.into_bytes();
    let mut length = (text.len() as u64).to_le_bytes();
    communicator.broadcast(root, &mut length)?;
    text.resize(u64::from_le_bytes(length) as usize, 0);
    communicator.broadcast(root, &mut text)?;
    Err(Fault::Refused { rank: root, message: String::from_utf8_lossy(&text).into_owned() })
}

/// Every rank sends `sent[r]` to rank r, and has in `given[r]` what rank r sent; nothing is sent where there is nothing. What a
/// rank keeps for itself is not touched. Cost: one [`Communicator::exchange`].
///
/// # Errors
/// Those of the communicator.
pub(super) fn exchange_all(
    communicator: &(impl Communicator + ?Sized),
    sent: &[Vec<f64>],
    given: &mut [Vec<f64>],
) -> Result<(), Fault> {
    let rank = communicator.rank();
    let sends: Vec<(usize, &[f64])> = sent
        .iter()
        .enumerate()
        .filter(|(other, numbers)| *other != rank && !numbers.is_empty())
        .map(|(other, numbers)| (other, &numbers[..]))
        .collect();
    let mut receives: Vec<(usize, &mut [f64])> = given
        .iter_mut()
        .enumerate()
        .filter(|(other, numbers)| *other != rank && !numbers.is_empty())
        .map(|(other, numbers)| (other, &mut numbers[..]))
        .collect();
    communicator.exchange(&sends, &mut receives, &mut || ())
}

/// The version of this library as three numbers.
#[must_use]
pub fn version() -> [u32; 3] {
    let mut parts = env!("CARGO_PKG_VERSION").split(['.', '-', '+']);
    std::array::from_fn(|_| parts.next().and_then(|part| part.parse().ok()).unwrap_or(0))
}

/// Makes sure that all ranks run one version; made once, before anything else. Cost: one gather of 3 numbers.
///
/// # Errors
/// [`Fault::Version`] on all ranks, and those of the communicator.
pub fn same_version(communicator: &(impl Communicator + ?Sized), version: [u32; 3]) -> Result<(), Fault> {
    let size = communicator.size();
    let mut all = vec![0.0; 3 * size];
    communicator.gather(&version.map(f64::from), &vec![3; size], &mut all)?;
    let first = [all[0], all[1], all[2]];
    match all.chunks_exact(3).position(|version| version != first) {
        None => Ok(()),
        Some(rank) => Err(Fault::Version {
            rank,
            version: std::array::from_fn(|i| all[3 * rank + i] as u32),
            first: first.map(|part| part as u32),
        }),
    }
}
