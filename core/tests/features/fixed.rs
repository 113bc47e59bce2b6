//! `FixedCsr` against a dense matrix in plain loops; `Storage` against its capacity.

use proptest::prelude::*;
use southwell::fixed::{FixedCsr, Storage};
use southwell::linear::Matrix;
use southwell::{Error, StructureFault};

const ORDER: usize = 6;
type Small = FixedCsr<f64, { ORDER + 1 }, 20>;

proptest! {
    /// Any order of entries, duplicates included, until there is no room: the same matrix as a dense one, in the same bits.
    #[test]
    fn entries_in_any_order_are_added_up(
        entries in prop::collection::vec((0..ORDER, 0..ORDER, -8.0..8.0_f64), 0..60)
    ) {
        let mut sparse = Small::new(ORDER).expect("it fits");
        let mut dense = [[None::<f64>; ORDER]; ORDER];
        let mut stored = 0;
        for (row, column, value) in entries {
            let place = &mut dense[row][column];
            let full = stored == 20 && place.is_none();
            let added = sparse.add(row, column, value);
            if full {
                prop_assert_eq!(added, Err(Error::Workspace { needed: 21, given: 20 }));
                continue;
            }
            prop_assert_eq!(added, Ok(()));
            stored += usize::from(place.is_none());
            *place = Some(place.map_or(value, |sum| sum + value));
        }
        let view = sparse.view().expect("valid");
        prop_assert_eq!((sparse.entries(), view.entries(), sparse.order()), (stored, stored, ORDER));
        for (row, expected) in dense.iter().enumerate() {
            let (columns, values) = view.row(row);
            let found: Vec<_> = columns.iter().zip(values).map(|(&c, v)| (c as usize, v.to_bits())).collect();
            let expected: Vec<_> =
                expected.iter().enumerate().filter_map(|(c, v)| v.map(|v| (c, v.to_bits()))).collect();
            prop_assert_eq!(found, expected);
        }
    }
}

#[test]
fn a_refused_entry_changes_nothing() {
    let mut matrix = Small::new(3).expect("it fits");
    matrix.add(1, 2, 4.0).expect("there is room");
    let outside =
        |argument, index| Err(Error::Structure { argument, index, fault: StructureFault::OutOfRange });
    assert_eq!(matrix.add(3, 0, 1.0), outside("row", 3));
    assert_eq!(matrix.add(usize::MAX, 0, 1.0), outside("row", usize::MAX));
    assert_eq!(matrix.add(0, 3, 1.0), outside("column", 3));
    assert_eq!(matrix.add(0, usize::MAX, 1.0), outside("column", usize::MAX));
    assert_eq!(matrix.add(0, 0, f64::NAN), Err(Error::Value { argument: "value", index: 0 }));
    assert_eq!(matrix.entries(), 1);
    assert_eq!(matrix.view().expect("valid").get(1, 2), 4.0);
}

#[test]
fn what_overflows_is_refused_by_the_view() {
    let mut matrix = Small::new(1).expect("it fits");
    matrix.add(0, 0, f64::MAX).expect("finite");
    matrix.add(0, 0, f64::MAX).expect("finite");
    assert_eq!(matrix.view().err(), Some(Error::Value { argument: "values", index: 0 }));
}

#[test]
fn a_pattern_can_be_kept_or_forgotten() {
    let mut matrix = Small::new(ORDER).expect("it fits");
    for i in (0..ORDER).rev() {
        matrix.add(i, i, 2.0).expect("there is room");
        matrix.add(i, (i + 1) % ORDER, 1.0).expect("there is room");
    }
    matrix.zero();
    assert_eq!(matrix.entries(), 2 * ORDER);
    matrix.add(0, 0, 3.0).expect("stored already");
    assert_eq!(matrix.view().expect("valid").off_diagonal(0), 0.0);
    assert_eq!(matrix.view().expect("valid").diagonal(0), Some(3.0));
    matrix.clear();
    assert_eq!((matrix.entries(), matrix.order()), (0, ORDER));
    assert_eq!(matrix.view().expect("valid").diagonal(0), None);
}

#[test]
fn an_order_that_does_not_fit_is_refused() {
    assert_eq!(Small::new(7).err(), Some(Error::Workspace { needed: 8, given: 7 }));
    assert_eq!(Small::new(usize::MAX).err(), Some(Error::TooLarge { argument: "order" }));
    assert!(Small::new(0).expect("it fits").view().is_ok());
    assert_eq!(FixedCsr::<f32, 0, 0>::new(0).err(), Some(Error::Workspace { needed: 1, given: 0 }));
}

#[test]
fn storage_hands_out_what_was_asked_for_and_keeps_it() {
    let mut storage: Storage<f32, 10> = Storage::new();
    assert_eq!(storage.peak(), 0);
    storage.prepare(4).expect("there is room").fill(7.0);
    assert_eq!(storage.prepare(6).expect("there is room"), [7.0, 7.0, 7.0, 7.0, 0.0, 0.0]);
    assert_eq!(storage.prepare(2).expect("there is room").len(), 2);
    assert_eq!(storage.peak(), 6);
    assert_eq!(storage.prepare(11).err(), Some(Error::Workspace { needed: 11, given: 10 }));
    assert_eq!(storage.prepare(10).expect("there is room").len(), 10);
}
