//! Divided by features.

use southwell::{Observer, Report, Stop};
use southwell_simd::vector;

use super::{Division, best, check, check_residual, gap, solve};
use crate::cluster::partition::Sums;
use crate::cluster::{Communicator, Fault, Partition, agree};

struct Features<'a, C: ?Sized> {
    communicator: &'a C,
    sums: Sums,
    matrix: &'a [f64],
    y: &'a [f64],
    lambda: f64,
    w: &'a mut [f64],
    r: &'a mut [f64],
    c: Vec<f64>,
    lipschitz: Vec<f64>,
    column: Vec<u8>,
}

/// Solves from this rank's w: `columns` are its columns of A, one after the other, of the features
/// `features.items_of(rank)`; y is the same on all ranks. Made by all ranks together.
///
/// # Errors
/// [`Fault::Refused`] for lengths that do not fit, numbers that are not finite, a λ that is not positive, and tolerances;
/// those of the communicator.
pub fn by_features<C: Communicator + ?Sized>(
    communicator: &C,
    features: &Partition,
    columns: &[f64],
    y: &[f64],
    lambda: f64,
    stop: &Stop<f64>,
    w: &mut [f64],
    observer: &mut (impl Observer<f64> + ?Sized),
) -> Result<Report<f64>, Fault> {
    by_features_on(communicator, features, columns, y, lambda, stop, w, &mut Vec::new(), observer)
}

/// The same in parts: goes on from w and r = y − A w as the part before left them, with the bits of a run in one part; an empty r
/// begins. r is the same on all ranks.
///
/// # Errors
/// As [`by_features`].
pub fn by_features_on<C: Communicator + ?Sized>(
    communicator: &C,
    features: &Partition,
    columns: &[f64],
    y: &[f64],
    lambda: f64,
    stop: &Stop<f64>,
    w: &mut [f64],
    r: &mut Vec<f64>,
    observer: &mut (impl Observer<f64> + ?Sized),
) -> Result<Report<f64>, Fault> {
    let (rank, n) = (communicator.rank(), y.len());
    let own = features.items_of(rank).len();
    let checked = check(columns, n, own, y, w, lambda, stop).and_then(|()| check_residual(r, n));
    agree(communicator, checked)?;
    let begins = r.is_empty();
    if begins {
        r.extend_from_slice(y);
    }
    let mut division = Features {
        communicator,
        sums: Sums::new(features, rank, 1),
        lipschitz: columns.chunks_exact(n.max(1)).map(|column| vector::dot(column, column)).collect(),
        matrix: columns,
        y,
        lambda,
        w,
        r,
        c: vec![0.0; own],
        column: vec![0; 8 * n + 8],
    };
    if begins {
        division.begin(features)?;
    } else {
        division.correlate();
    }
    let scale = 0.5 * vector::dot(y, y);
    solve(communicator, division, scale, stop, observer)
}

/// The least λ for which w = 0 is the best: the largest |a_jᵀ y|. Cost: a reading, and a reduction.
///
/// # Errors
/// Those of the communicator.
pub fn lambda_max_by_features(
    communicator: &(impl Communicator + ?Sized),
    columns: &[f64],
    y: &[f64],
) -> Result<f64, Fault> {
    let each = columns.chunks_exact(y.len().max(1)).map(|column| vector::dot(column, y).abs());
    // A NaN is refused where the problem is.
    let mut largest = [each.fold(0.0, |largest: f64, x| if x > largest { x } else { largest })];
    communicator.max(&mut largest)?;
    Ok(largest[0])
}

impl<C: Communicator + ?Sized> Features<'_, C> {
    /// r of a warm start, one feature after the other in the order of the whole.
    fn begin(&mut self, features: &Partition) -> Result<(), Fault> {
        let mut all = vec![0.0; features.items()];
        let counts: Vec<usize> = (0..features.ranks()).map(|rank| features.items_of(rank).len()).collect();
        self.communicator.gather(self.w, &counts, &mut all)?;
        for (feature, &w) in all.iter().enumerate().filter(|(_, w)| **w != 0.0) {
            let owner = features.owner(feature);
            self.moved(owner, feature - features.items_of(owner).start, w)?;
        }
        self.correlate();
        Ok(())
    }

    fn correlate(&mut self) {
        let columns = self.matrix.chunks_exact(self.r.len().max(1));
        self.c.iter_mut().zip(columns).for_each(|(c, column)| *c = vector::dot(column, self.r));
    }

    /// r ← r − δ a_j, j being a column of the owner, who sends it.
    fn moved(&mut self, owner: usize, place: usize, delta: f64) -> Result<(), Fault> {
        let n = self.r.len();
        let bytes = &mut self.column[..8 * n];
        if self.communicator.rank() == owner {
            let column = &self.matrix[place * n..(place + 1) * n];
            bytes.chunks_exact_mut(8).zip(column).for_each(|(b, a)| b.copy_from_slice(&a.to_le_bytes()));
        }
        self.communicator.broadcast(owner, bytes)?;
        for (r, bytes) in self.r.iter_mut().zip(bytes.chunks_exact(8)) {
            let mut word = [0; 8];
            word.copy_from_slice(bytes);
            *r -= delta * f64::from_le_bytes(word);
        }
        Ok(())
    }
}

impl<C: Communicator + ?Sized> Division for Features<'_, C> {
    fn step(&mut self) -> Result<bool, Fault> {
        let mine = best(self.w, &self.c, &self.lipschitz, self.lambda);
        let size = self.communicator.size();
        let mut all = vec![0.0; 3 * size];
        self.communicator.gather(&[mine.score, mine.place as f64, mine.delta], &vec![3; size], &mut all)?;
        let mut owner = 0;
        for (rank, found) in all.chunks_exact(3).enumerate() {
            if found[0] > all[3 * owner] {
                owner = rank;
            }
        }
        let (score, place, delta) = (all[3 * owner], all[3 * owner + 1] as usize, all[3 * owner + 2]);
        if score == 0.0 {
            return Ok(false);
        }
        if owner == self.communicator.rank() {
            self.w[place] += delta;
        }
        self.moved(owner, place, delta)?;
        self.correlate();
        Ok(true)
    }

    fn gap(&mut self, wish: bool) -> Result<(f64, bool), Fault> {
        let Self { communicator, sums, w, c, r, y, lambda, .. } = self;
        let mut largest = [vector::max_abs(c)];
        communicator.max(&mut largest)?;
        let ([norm], stop) = sums.total(*communicator, wish, |features| [vector::sum_abs(&w[features])])?;
        Ok((gap(vector::dot(r, r), vector::dot(r, y), norm, largest[0], *lambda), stop))
    }
}
