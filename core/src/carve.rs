//! Carving a workspace out of one slice that the caller owns.

use crate::Error;

/// Cuts `storage` into pieces of the given lengths; what is left over stays unused.
///
/// # Errors
/// [`Error::Workspace`] if `storage` is too short.
pub(crate) fn carve<T, const N: usize>(
    storage: &mut [T],
    lengths: [usize; N],
) -> Result<[&mut [T]; N], Error> {
    let given = storage.len();
    let needed = lengths.iter().fold(0_usize, |sum, &n| sum.saturating_add(n));
    let mut rest = storage;
    let mut short = false;
    let pieces = lengths.map(|n| match core::mem::take(&mut rest).split_at_mut_checked(n) {
        Some((piece, tail)) => {
            rest = tail;
            piece
        }
        None => {
            short = true;
            &mut []
        }
    });
    if short { Err(Error::Workspace { needed, given }) } else { Ok(pieces) }
}

/// Cuts the next `n` elements off; none where there are not so many.
// One copy where flash counts.
#[cfg_attr(target_os = "none", inline(never))]
pub(crate) fn take<'w, T>(rest: &mut &'w mut [T], n: usize) -> &'w mut [T] {
    match core::mem::take(rest).split_at_mut_checked(n) {
        Some((piece, tail)) => {
            *rest = tail;
            piece
        }
        None => &mut [],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_are_disjoint_and_the_rest_is_left() {
        let mut storage = [1, 2, 3, 4, 5, 6];
        let [a, b, c] = carve(&mut storage, [2, 0, 3]).expect("long enough");
        assert_eq!((&*a, &*b, &*c), (&[1, 2][..], &[][..], &[3, 4, 5][..]));
    }

    #[test]
    fn one_too_short_says_how_much_is_needed() {
        let mut storage = [0; 4];
        assert_eq!(carve(&mut storage, [2, 3]).err(), Some(Error::Workspace { needed: 5, given: 4 }));
        assert_eq!(
            carve(&mut storage, [usize::MAX, 3]).err(),
            Some(Error::Workspace { needed: usize::MAX, given: 4 })
        );
    }
}
