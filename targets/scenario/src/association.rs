//! Data association: which of sixteen detections belongs to which of sixteen tracks, by entropic transport.
//!
//! Tracks lie anywhere in a square of side 10; every detection is a track's position with an error of up to
//! ½ in each coordinate, and the detections come in another order. The cost of a pair is half its squared
//! distance, gated at 8 and divided by that:
//! ```text
//! C_ik = min(‖x_i − y_k‖²/2, 8)/8,   a = b = 1,   ε = 0.01
//! ```
//! Sinkhorn's iteration in the log domain to a marginal error of 0.01, all tracks and detections together; the largest entry of a row of the
//! coupling is the answer.

use core::hint::black_box;

use southwell::omega::Eager;
use southwell::transport::{Cost, DenseCost, Potentials, Problem, sinkhorn};
use southwell::{Error, Real, Stop};

use crate::Fnv;

/// Tracks, and detections.
pub const SIZE: usize = 16;
/// By how many places the detections are turned.
const TURN: usize = 5;
/// Numbers that a run needs: 1.4 KiB in `f32`, costs included.
pub const REALS: usize = SIZE * SIZE + 2 * SIZE + sinkhorn::Workspace::<f32>::required_len(SIZE, SIZE, SIZE);

/// What a run found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Associated {
    /// Iterations; `u32::MAX` if they did not converge.
    pub steps: u32,
    /// Tracks that got their own detection.
    pub right: u32,
    /// Hash of the potentials.
    pub potentials: u64,
}

impl Associated {
    /// Whether this is what was expected, bit for bit, and right.
    #[must_use]
    pub fn agrees(&self, expected: &Associated) -> bool {
        self == expected && self.steps != u32::MAX && self.right == SIZE as u32
    }
}

/// Steele, Lea & Flood's SplitMix64.
struct SplitMix64(u64);

impl SplitMix64 {
    fn next<T: Real>(&mut self) -> T {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let z = self.0;
        let z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        T::unit_from_bits(z ^ (z >> 31))
    }
}

/// Writes the costs into the first [`SIZE`]² elements of the memory.
pub fn sense<T: Real>(memory: &mut [T]) {
    let (mut places, mut errors) = (SplitMix64(17), SplitMix64(18));
    let mut tracks = [[T::ZERO; 2]; SIZE];
    let mut detections = [[T::ZERO; 2]; SIZE];
    for (track, detection) in tracks.iter_mut().zip(&mut detections) {
        for (track, detection) in track.iter_mut().zip(detection) {
            *track = T::from_u32(10) * places.next();
            *detection = *track + (errors.next::<T>() - T::HALF);
        }
    }
    detections.rotate_right(TURN);
    let gate = T::from_u32(8);
    for (row, [x, y]) in memory.chunks_mut(SIZE).zip(tracks) {
        for (cost, [u, v]) in row.iter_mut().zip(detections) {
            let square = (x - u) * (x - u) + (y - v) * (y - v);
            *cost = (square * T::HALF).min(gate) / gate;
        }
    }
}

/// Associates, in memory of [`REALS`] numbers that begins with the costs.
///
/// # Errors
/// [`Error::Workspace`] if it is shorter.
pub fn run<T: Real>(memory: &mut [T]) -> Result<Associated, Error> {
    let n = black_box(SIZE);
    let short = Error::Workspace { needed: REALS, given: memory.len() };
    let (costs, rest) = black_box(memory).split_at_mut_checked(n.saturating_mul(n)).ok_or(short)?;
    let (f, rest) = rest.split_at_mut_checked(n).ok_or(short)?;
    let (g, work) = rest.split_at_mut_checked(n).ok_or(short)?;
    let weights = black_box([T::ONE; SIZE]);
    let steps = solve(costs, &weights, f, g, work)?;
    let cost = DenseCost::new(costs, n, n, n)?;
    let mut right = 0_u32;
    let row = work.get_mut(..n).unwrap_or(&mut []);
    for (i, &potential) in f.iter().enumerate() {
        let (_, largest) = cost.coupling_row(i, epsilon(), potential, g, row, &mut []);
        let found = row.iter().position(|&p| p == largest);
        right = right.wrapping_add(u32::from(found == Some((i + TURN) % SIZE)));
    }
    let mut potentials = Fnv::default();
    potentials.reals(f);
    potentials.reals(g);
    Ok(Associated { steps, right, potentials: potentials.value() })
}

/// The weight of the entropy.
fn epsilon<T: Real>() -> T {
    T::from_f64(0.01)
}

/// What a part that only wants the potentials needs: iterations, `u32::MAX` if they did not converge. Not
/// inlined, so that its size can be seen.
#[inline(never)]
fn solve<T: Real>(
    costs: &[T],
    weights: &[T],
    f: &mut [T],
    g: &mut [T],
    work: &mut [T],
) -> Result<u32, Error> {
    let cost = DenseCost::new(costs, f.len(), g.len(), g.len())?;
    let problem = Problem::new(&cost, weights, weights, epsilon())?;
    f.fill(T::ZERO);
    g.fill(T::ZERO);
    let workspace = sinkhorn::Workspace::new(&problem, work)?;
    let stop = Stop { absolute: T::from_f64(0.01), relative: T::ZERO, ..Stop::default() };
    let x = Potentials { f, g };
    let options = sinkhorn::Options { stop };
    let report = sinkhorn::solve(&problem, &options, &mut Eager::default(), x, workspace, &mut ())?;
    Ok(if report.converged() { report.steps } else { u32::MAX })
}
