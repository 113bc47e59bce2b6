//! From files to files over ranks: what the subcommands with `--cluster` do, for any communicator.
//!
//! | module | reads by parts | a rank holds besides its part | checkpoints |
//! |---|---|---|---|
//! | [`transport`] | rows of the costs, or of the points x | points y, b, g | f by parts; g |
//! | [`lasso`] | rows of A, which go to the owners of their columns where features are divided | y and r, or w | w and r |
//! | [`fit`] | rows of A, y and weights | the coefficients | the state of the method |
//! | [`recover`] | measurement matrices | y, both factors | the state of the method |
//!
//! Everything is made by all ranks together, and what a run finds has the same bits on any number of ranks.

pub mod fit;
pub mod lasso;
pub mod recover;
pub mod transport;

use super::Fault;
use super::checkpoint::Saving;

/// A number, or a share of the largest that makes sense.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Size {
    /// The number.
    Given(f64),
    /// A share.
    Ratio(f64),
}

impl Size {
    fn of(self, largest: f64) -> f64 {
        match self {
            Size::Given(value) => value,
            Size::Ratio(ratio) => ratio * largest,
        }
    }
}

/// Blocks of rows, samples or measurements that contribute a vector each to a sum: as many ranks can work.
pub const BLOCKS: usize = super::sinkhorn::BLOCKS;

/// Steps until the next checkpoint, or the end.
fn until(saving: Option<&Saving<'_>>, done: u32, most: u32) -> u32 {
    let left = most.saturating_sub(done);
    match saving.map_or(0, |saving| saving.every) {
        0 => left,
        every => (every - done % every).min(left),
    }
}

/// What all ranks say alike.
fn refused(message: String) -> Fault {
    Fault::Refused { rank: 0, message }
}
