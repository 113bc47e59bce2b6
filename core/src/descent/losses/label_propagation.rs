//! Labels that spread over a graph.

use super::Quadratic;
use crate::carve::carve;
use crate::linear::{Csr, Matrix, check_finite, check_len};
use crate::{Error, Real, StructureFault};

/// Marks a vertex that has a label.
const LABELLED: u32 = u32::MAX;

/// Numbers and indices of storage that [`label_propagation`] needs for a graph of so many vertices and stored
/// entries, so many vertices of which are labelled.
#[must_use]
pub const fn label_propagation_len(vertices: usize, entries: usize, labelled: usize) -> (usize, usize) {
    let free = vertices.saturating_sub(labelled);
    let most = entries.saturating_add(free);
    let numbers = free.saturating_add(most).saturating_add(vertices);
    (numbers, numbers.saturating_add(free).saturating_add(1))
}

/// The quadratic of the unlabelled vertices, and which vertex every variable is, in increasing order.
pub type Assembled<'a, T> = (Quadratic<'a, T, Csr<'a, T>>, &'a [u32]);

/// Puts ½ Σ over pairs of w_ij (x_i − x_j)² together, with the values of some vertices given, as a quadratic of
/// the others: Q = L_UU of the graph's Laplacian, c = W_US y_S; the constant ½ Σ over pairs in S and y_Sᵀ D y_S is
/// dropped. Q is positive definite if every component of the graph holds a label.
///
/// `graph` holds the symmetric weights w ≥ 0, a diagonal is passed over. Labelled vertex `labelled[k]` has value
/// `values[k]`. How long `numbers` and `indices` must be says [`label_propagation_len`].
/// Returns the quadratic, and the vertex that every variable is, in increasing order.
///
/// # Errors
/// [`Error::Dimension`] if labels and values differ in number; [`Error::Structure`] for a label outside the graph or
/// given twice; [`Error::Negative`] for a negative weight (by its place among the entries); [`Error::Value`]; [`Error::Workspace`]. Cost: two passes over the graph.
pub fn label_propagation<'a, T: Real>(
    graph: &Csr<'_, T>,
    labelled: &[u32],
    values: &[T],
    numbers: &'a mut [T],
    indices: &'a mut [u32],
) -> Result<Assembled<'a, T>, Error> {
    let n = graph.order();
    check_len("values", values.len(), labelled.len())?;
    check_finite("values", values)?;
    let free = n.checked_sub(labelled.len());
    let Some(free) = free else {
        return Err(Error::Dimension { argument: "labelled", expected: n, given: labelled.len() });
    };
    let most = graph.entries().saturating_add(free);
    let [linear, entries, given] = carve(numbers, [free, most, n])?;
    let [vertices, offsets, columns, place] = carve(indices, [free, free.saturating_add(1), most, n])?;
    let mut index = 0_usize;
    for vertex in 0..n {
        let (others, weights) = graph.row(vertex);
        for (&other, &w) in others.iter().zip(weights) {
            if w < T::ZERO && other as usize != vertex {
                return Err(Error::Negative { argument: "graph", index });
            }
            index = index.saturating_add(1);
        }
    }
    place.fill(0);
    for (index, (&vertex, &value)) in labelled.iter().zip(values).enumerate() {
        let fault = |fault| Err(Error::Structure { argument: "labelled", index, fault });
        let (Some(place), Some(given)) = (place.get_mut(vertex as usize), given.get_mut(vertex as usize))
        else {
            return fault(StructureFault::OutOfRange);
        };
        if *place == LABELLED {
            return fault(StructureFault::NotAPermutation);
        }
        (*place, *given) = (LABELLED, value);
    }
    let mut next = 0_u32;
    for (vertex, place) in place.iter_mut().enumerate() {
        if *place != LABELLED {
            if let Some(out) = vertices.get_mut(next as usize) {
                *out = vertex as u32;
            }
            *place = next;
            next = next.saturating_add(1);
        }
    }
    let mut at = 0_usize;
    let mut put = |column: u32, value: T| {
        if let (Some(c), Some(v)) = (columns.get_mut(at), entries.get_mut(at)) {
            (*c, *v) = (column, value);
        }
        at = at.saturating_add(1);
        at
    };
    if let Some(first) = offsets.first_mut() {
        *first = 0;
    }
    let ends = offsets.iter_mut().skip(1);
    for (row, ((&vertex, linear), end)) in vertices.iter().zip(linear.iter_mut()).zip(ends).enumerate() {
        let (others, weights) = graph.row(vertex as usize);
        let edges = || others.iter().zip(weights).filter(|&(&other, _)| other != vertex);
        let degree = edges().fold(T::ZERO, |sum, (_, &w)| sum + w);
        *linear = T::ZERO;
        let mut filled = 0;
        let mut diagonal = false;
        for (&other, &w) in edges() {
            let place = place.get(other as usize).copied().unwrap_or(LABELLED);
            if place == LABELLED {
                *linear += w * given.get(other as usize).copied().unwrap_or(T::ZERO);
                continue;
            }
            if !diagonal && place as usize > row {
                (diagonal, _) = (true, put(row as u32, degree));
            }
            filled = put(place, -w);
        }
        if !diagonal {
            filled = put(row as u32, degree);
        }
        *end = u32::try_from(filled).unwrap_or(u32::MAX);
    }
    let (columns, entries) = (columns.get(..at).unwrap_or(&[]), entries.get(..at).unwrap_or(&[]));
    let matrix = Csr::new(offsets, columns, entries)?;
    Ok((Quadratic::new(matrix, linear)?, vertices))
}
