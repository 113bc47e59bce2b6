//! Greedy colouring in the order of the whole, without anybody who sees the whole.
//!
//! First fit gives a row the smallest colour that none of its neighbours before it has. So each rank waits for the
//! colours of the lower ranks' rows that it is coupled to, colours its own rows, and tells the higher ranks: a chain,
//! made once a matrix, as long as ranks are coupled one after the other. The colours are those of
//! [`Colouring::greedy`](southwell::relaxation::Colouring::greedy) in one piece.

use std::collections::{BTreeMap, BTreeSet};

use super::Matrix;
use crate::cluster::{Communicator, Fault};

/// Marks what has no colour yet.
const NONE: u32 = u32::MAX;

/// The colours that a rank needs to know.
pub(super) struct Colours {
    /// Colours of the whole.
    pub(super) count: usize,
    /// The colour of every place of the local vector.
    pub(super) of: Vec<u32>,
}

/// Colours the graph of A + Aᵀ.
pub(super) fn greedy<C: Communicator + ?Sized>(matrix: &Matrix<'_, C>) -> Result<Colours, Fault> {
    let rank = matrix.communicator.rank();
    // Who is coupled to whom, the same lists on both sides.
    let mut mine: BTreeMap<usize, BTreeSet<u32>> = BTreeMap::new();
    let mut theirs: BTreeMap<usize, BTreeSet<u32>> = BTreeMap::new();
    let mut beside: Vec<Vec<u32>> = vec![Vec::new(); matrix.own.len()];
    for &(other, own, far) in &matrix.couplings {
        mine.entry(other).or_default().insert(own);
        theirs.entry(other).or_default().insert(far);
        beside[own as usize - matrix.own.start].push(far);
    }
    let mut known: BTreeMap<u32, u32> = BTreeMap::new();
    let lower: Vec<usize> = theirs.keys().copied().filter(|&other| other < rank).collect();
    let higher: Vec<usize> = theirs.keys().copied().filter(|&other| other > rank).collect();
    receive(matrix, &lower, &theirs, &mut known)?;
    let own = colour_own(matrix, &beside, &known);
    tell(matrix, &higher, &mine, &own)?;
    // The way back: where an element of a higher rank belongs among its colours.
    receive(matrix, &higher, &theirs, &mut known)?;
    tell(matrix, &lower, &mine, &own)?;

    let mut count = [own.iter().max().map_or(0.0, |&most| f64::from(most) + 1.0)];
    matrix.communicator.max(&mut count)?;
    let far = |&j: &u32| known.get(&j).copied().unwrap_or(0);
    let (low, high) = matrix.halo.split_at(matrix.low);
    let of = low.iter().map(far).chain(own.iter().copied()).chain(high.iter().map(far)).collect();
    Ok(Colours { count: count[0] as usize, of })
}

fn receive<C: Communicator + ?Sized>(
    matrix: &Matrix<'_, C>,
    from: &[usize],
    theirs: &BTreeMap<usize, BTreeSet<u32>>,
    known: &mut BTreeMap<u32, u32>,
) -> Result<(), Fault> {
    let mut given: Vec<(usize, Vec<f64>)> =
        from.iter().map(|&other| (other, vec![0.0; theirs[&other].len()])).collect();
    let mut receives: Vec<(usize, &mut [f64])> =
        given.iter_mut().map(|(other, colours)| (*other, &mut colours[..])).collect();
    matrix.communicator.exchange(&[], &mut receives, &mut || ())?;
    for (other, colours) in &given {
        known.extend(theirs[other].iter().copied().zip(colours.iter().map(|&colour| colour as u32)));
    }
    Ok(())
}

fn tell<C: Communicator + ?Sized>(
    matrix: &Matrix<'_, C>,
    to: &[usize],
    mine: &BTreeMap<usize, BTreeSet<u32>>,
    own: &[u32],
) -> Result<(), Fault> {
    let colour = |&row: &u32| f64::from(own[row as usize - matrix.own.start]);
    let told: Vec<(usize, Vec<f64>)> =
        to.iter().map(|&other| (other, mine[&other].iter().map(colour).collect())).collect();
    let sends: Vec<(usize, &[f64])> = told.iter().map(|(other, colours)| (*other, &colours[..])).collect();
    matrix.communicator.exchange(&sends, &mut [], &mut || ())
}

/// First fit over the own rows, the colours of lower ranks being known.
fn colour_own<C: ?Sized>(
    matrix: &Matrix<'_, C>,
    beside: &[Vec<u32>],
    known: &BTreeMap<u32, u32>,
) -> Vec<u32> {
    let n = matrix.own.len();
    let own = matrix.low..matrix.low + n;
    // The couplings within the rank that only the other row stores.
    let mut transposed: Vec<Vec<u32>> = vec![Vec::new(); n];
    let columns_of = |row: usize| {
        let offsets = &matrix.offsets[matrix.low + row..matrix.low + row + 2];
        let columns = &matrix.columns[offsets[0] as usize..offsets[1] as usize];
        columns.iter().map(|&j| j as usize).filter(|j| own.contains(j)).map(|j| j - own.start)
    };
    for row in 0..n {
        columns_of(row).filter(|&j| j != row).for_each(|j| transposed[j].push(row as u32));
    }
    let mut colour = vec![NONE; n];
    let mut taken: Vec<u32> = Vec::new();
    for row in 0..n {
        taken.clear();
        taken.extend(columns_of(row).map(|j| colour[j]).filter(|&c| c != NONE));
        taken.extend(transposed[row].iter().map(|&j| colour[j as usize]).filter(|&c| c != NONE));
        taken.extend(beside[row].iter().filter_map(|far| known.get(far)));
        taken.sort_unstable();
        taken.dedup();
        let free = taken.iter().zip(0..).position(|(&taken, colour): (&u32, u32)| taken != colour);
        colour[row] = free.unwrap_or(taken.len()) as u32;
    }
    colour
}
