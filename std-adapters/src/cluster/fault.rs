//! Why a run over ranks ended without a report.

use std::fmt;

/// Why the ranks could not go on together. Every rank comes back with a fault; none is left waiting.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fault {
    /// A rank has ended, so nothing will come from it.
    Gone {
        /// The rank.
        rank: usize,
    },
    /// What came from a rank is not what was to come: the ranks do not work on the same thing.
    Mismatch {
        /// The sender.
        rank: usize,
        /// Elements that were to come.
        expected: usize,
        /// Elements that came.
        given: usize,
    },
    /// A rank refused its part of the input; all ranks report the same.
    Refused {
        /// The lowest rank that refused.
        rank: usize,
        /// Its words.
        message: String,
    },
    /// The ranks run different versions of southwell.
    Version {
        /// The lowest rank that differs from rank 0.
        rank: usize,
        /// Its version: major, minor, patch.
        version: [u32; 3],
        /// The version of rank 0.
        first: [u32; 3],
    },
    /// More ranks than parts.
    Ranks {
        /// Ranks of the run.
        ranks: usize,
        /// The most that the problem can be divided among.
        most: usize,
    },
    /// MPI could not be started.
    Start(&'static str),
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Fault::Gone { rank } => write!(f, "rank {rank} has ended; its own message says why"),
            Fault::Mismatch { rank, expected, given } => write!(
                f,
                "{given} elements came from rank {rank} where {expected} belong; give every rank the same problem and options"
            ),
            Fault::Refused { rank, message } => write!(f, "rank {rank}: {message}"),
            Fault::Version { rank, version: [a, b, c], first: [d, e, g] } => write!(
                f,
                "rank {rank} runs southwell {a}.{b}.{c}, rank 0 runs {d}.{e}.{g}; install one version on all machines"
            ),
            Fault::Ranks { ranks, most } => {
                write!(f, "{ranks} ranks are too many for this problem; start at most {most}")
            }
            Fault::Start(why) => f.write_str(why),
        }
    }
}

impl std::error::Error for Fault {}
