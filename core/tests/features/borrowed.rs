//! nalgebra's matrices as views: the same memory, the same entries, refusals.

use nalgebra::{DVectorView, Matrix2, Matrix2x3, Matrix3, Matrix3x2, SMatrix};
use southwell::Error;
use southwell::linear::{Columns, Dense, Design, Matrix};

#[test]
fn columns_are_the_same_memory_both_ways() {
    let a = Matrix2x3::new(1.0, 2.0, 3.0, 4.0, 5.0, 6.0);
    let view = Columns::from_nalgebra(&a).expect("finite");
    assert_eq!((view.rows(), view.columns()), (2, 3));
    assert_eq!(view.column(1), [2.0, 5.0]);
    let back = view.to_nalgebra();
    assert_eq!(back, a);
    assert!(core::ptr::eq(&back[(0, 0)], &a[(0, 0)]), "no copy");
    let mut y = [0.0; 2];
    view.apply(&[1.0, 10.0, 100.0], &mut y);
    let x = DVectorView::from_slice(&[1.0, 10.0, 100.0], 3);
    assert_eq!((a * x).as_slice(), y);
}

#[test]
fn columns_next_to_each_other_lie_in_one_piece_too() {
    let a = SMatrix::<f32, 5, 4>::from_fn(|i, j| (3 * i + j) as f32);
    let two = a.fixed_columns::<2>(1);
    let view = Columns::from_nalgebra(&two).expect("finite");
    assert_eq!(view.to_nalgebra(), two);
    assert!(core::ptr::eq(&view.column(1)[0], &a[(0, 2)]));
}

#[test]
fn a_dense_matrix_is_read_as_the_transpose_and_seen_as_itself() {
    let a = Matrix3::new(1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0);
    let view = Dense::from_nalgebra_transposed(&a).expect("square");
    assert_eq!(view.to_nalgebra(), a.transpose());
    let mut y = [0.0; 3];
    view.apply(&[1.0, 10.0, 100.0], &mut y);
    assert_eq!(y, [741.0, 852.0, 963.0]);
}

#[test]
fn padding_between_rows_is_stepped_over() {
    let values = [1.0, 2.0, f64::NAN, 3.0, 4.0];
    let view = Dense::new(&values, 2, 3).expect("padding is not looked at");
    let back = view.to_nalgebra();
    assert_eq!(back, Matrix2::new(1.0, 2.0, 3.0, 4.0));
    assert!(core::ptr::eq(&back[(1, 1)], &values[4]));
}

#[test]
fn nothing_is_a_matrix_too() {
    assert_eq!(Dense::<f32>::new(&[], 0, 3).expect("empty").to_nalgebra().shape(), (0, 0));
    assert_eq!(Columns::<f32>::new(&[], 0, 3).expect("empty").to_nalgebra().shape(), (0, 3));
    assert_eq!(Columns::<f32>::new(&[], 3, 0).expect("empty").to_nalgebra().shape(), (3, 0));
    let none = SMatrix::<f64, 0, 0>::zeros();
    assert_eq!(Dense::from_nalgebra_transposed(&none).expect("empty").order(), 0);
}

#[test]
fn what_cannot_be_a_view_is_refused() {
    let tall = Matrix3x2::repeat(1.0);
    let refused = Error::Dimension { argument: "matrix", expected: 3, given: 2 };
    assert_eq!(Dense::from_nalgebra_transposed(&tall).err(), Some(refused));
    let mut bad = Matrix3::identity();
    bad[(0, 1)] = f64::INFINITY;
    let refused = Some(Error::Value { argument: "values", index: 3 });
    assert_eq!(Dense::from_nalgebra_transposed(&bad).err(), refused);
    assert_eq!(Columns::from_nalgebra(&bad).err(), refused);
}
