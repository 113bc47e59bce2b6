//! Bad balancing problems are refused with what was wrong and where, before anything is touched.

use southwell::transport::balance::{Csr, Dense, Problem, Rows, Scalings, ruiz, sinkhorn_knopp, symmetric};
use southwell::{Error, Stop, StructureFault};

const VALUES: [f64; 6] = [1.0, 2.0, 0.0, 3.0, 0.0, 4.0];

#[test]
fn views() {
    let dense = |values: &[f64], rows, columns, stride| Dense::new(values, rows, columns, stride).err();
    let dimension = |argument, expected, given| Some(Error::Dimension { argument, expected, given });
    assert_eq!(dense(&VALUES, 2, 3, 3), None);
    assert_eq!(dense(&VALUES[..5], 2, 2, 3), None, "the last row may lack its padding");
    assert_eq!(dense(&VALUES, 3, 3, 3), dimension("values", 9, 6));
    assert!(matches!(dense(&VALUES, 2, 3, 2), Some(Error::Option { name: "stride", .. })));
    let bad = [1.0, 2.0, f64::NAN, 3.0, f64::INFINITY, 4.0];
    assert_eq!(dense(&bad, 2, 3, 3), Some(Error::Value { argument: "values", index: 2 }));
    assert_eq!(dense(&bad, 2, 2, 3), Some(Error::Value { argument: "values", index: 4 }), "not the padding");

    let csr = |offsets: &[u32], columns: &[u32], values: &[f64]| Csr::new(offsets, columns, values, 3).err();
    assert_eq!(csr(&[0, 2, 3], &[0, 2, 1], &VALUES[..3]), None);
    assert_eq!(csr(&[], &[], &[]), dimension("offsets", 1, 0));
    assert_eq!(csr(&[0, 2, 3], &[0, 2], &VALUES[..2]), dimension("columns", 3, 2));
    assert_eq!(csr(&[0, 2, 3], &[0, 2, 1], &VALUES[..2]), dimension("values", 3, 2));
    let fault = |argument, index, fault| Some(Error::Structure { argument, index, fault });
    assert_eq!(csr(&[1, 2, 3], &[0, 2, 1], &VALUES[..3]), fault("offsets", 0, StructureFault::FirstNotZero));
    assert_eq!(csr(&[0, 2, 1], &[0], &VALUES[..1]), fault("offsets", 2, StructureFault::Decreasing));
    assert_eq!(csr(&[0, 2, 3], &[0, 3, 1], &VALUES[..3]), fault("columns", 1, StructureFault::OutOfRange));
    assert_eq!(csr(&[0, 1, 3], &[0, 2, 2], &VALUES[..3]), fault("columns", 2, StructureFault::Unsorted));
    assert_eq!(csr(&[0, 2, 3], &[0, 2, 1], &bad[..3]), Some(Error::Value { argument: "values", index: 2 }));
}

#[test]
fn problems() {
    let a = Dense::new(&VALUES, 2, 3, 3).expect("a matrix");
    let refused = |r: &[f64], c: &[f64]| Problem::new(&a, r, c).err();
    let (r, c) = ([1.5, 1.5], [1.0; 3]);
    assert_eq!(refused(&r, &c), None);
    assert_eq!(refused(&[3.0, 0.0], &[3.0, 0.0, 0.0]), None, "lines that carry nothing are allowed");
    let dimension = |argument, expected, given| Some(Error::Dimension { argument, expected, given });
    assert_eq!(refused(&c, &c), dimension("r", 2, 3));
    assert_eq!(refused(&r, &r), dimension("c", 3, 2));
    assert_eq!(refused(&[f64::NAN, 1.0], &c), Some(Error::Value { argument: "r", index: 0 }));
    assert_eq!(refused(&r, &[1.0, 3.0, -1.0]), Some(Error::Negative { argument: "c", index: 2 }));
    assert!(matches!(refused(&[0.0; 2], &[0.0; 3]), Some(Error::Mass { argument: "r", .. })));
    assert!(matches!(refused(&r, &[1.0, 1.0, 1.0 + 1e-9]), Some(Error::Mass { argument: "c", .. })));
    assert_eq!(Problem::unit(&a).err(), dimension("columns", 2, 3));
    let empty = Dense::<f64>::new(&[], 0, 0, 0).expect("no matrix");
    assert_eq!(Problem::unit(&empty).err(), dimension("rows", 1, 0));
    assert_eq!(ruiz::Problem::new::<f64>(&empty, ruiz::Norm::Sum).err(), dimension("rows", 1, 0));
    assert_eq!(ruiz::Problem::new::<f64>(&a, ruiz::Norm::Sum).err(), dimension("columns", 2, 3));

    let negative = [1.0, -2.0, 0.0, 3.0, 0.0, -4.0];
    let a = Dense::new(&negative, 2, 2, 3).expect("a matrix");
    assert_eq!(Problem::unit(&a).err(), Some(Error::Negative { argument: "values", index: 1 }));
    let a = Csr::new(&[0, 1, 2], &[0, 1], &negative[..2], 2).expect("a matrix");
    assert_eq!(Problem::unit(&a).err(), Some(Error::Negative { argument: "values", index: 1 }));
    assert_eq!(ruiz::Problem::new::<f64>(&a, ruiz::Norm::Sum).err(), None, "signs do not matter");
}

/// Runs of all three methods from x and y, with memory of that size; the scalings must come back as they were.
fn refused(
    a: &impl Rows<f64>,
    sums: Option<&[f64]>,
    (x, y): (&[f64], &[f64]),
    stop: &Stop<f64>,
    missing: usize,
) -> [Option<Error>; 3] {
    let (n, m) = (a.rows(), a.columns());
    let options = sinkhorn_knopp::Options { stop: *stop };
    let problem = match sums {
        Some(sums) => Problem::new(a, sums, sums),
        None => Problem::unit(a),
    };
    let problem = problem.expect("a problem");
    let equilibration = ruiz::Problem::new::<f64>(a, ruiz::Norm::Sum).expect("a problem");
    let mut indices = vec![3; sinkhorn_knopp::Workspace::<f64>::required_indices(n, m)];
    let memory = |needed: usize| vec![f64::NAN; needed - missing];
    let (mut scaled_x, mut scaled_y) = (x.to_vec(), y.to_vec());
    let mut storage = memory(sinkhorn_knopp::Workspace::<f64>::required_len(n, m));
    let one = sinkhorn_knopp::Workspace::new(&problem, &mut storage, &mut indices).and_then(|workspace| {
        let scalings = Scalings { x: &mut scaled_x, y: &mut scaled_y };
        sinkhorn_knopp::solve(&problem, &options, scalings, workspace, &mut ())
    });
    let mut storage = memory(symmetric::Workspace::<f64>::required_len(n));
    let two = symmetric::Workspace::new(&problem, &mut storage, &mut indices)
        .and_then(|workspace| symmetric::solve(&problem, &options, &mut scaled_x, workspace, &mut ()));
    let mut storage = memory(ruiz::Workspace::<f64>::required_len(n, m));
    let three = ruiz::Workspace::new(&equilibration, &mut storage, &mut indices).and_then(|workspace| {
        let scalings = Scalings { x: &mut scaled_x, y: &mut scaled_y };
        ruiz::solve(&equilibration, &options, scalings, workspace, &mut ())
    });
    let bits = |x: &[f64]| x.iter().map(|x| x.to_bits()).collect::<Vec<_>>();
    assert!(two.is_ok() || bits(&scaled_x) == bits(x));
    assert_eq!(bits(&scaled_y), bits(y));
    [one.err(), two.err(), three.err()]
}

#[test]
fn runs() {
    let good = Stop::default();
    let ones = [1.0; 3];
    let matrix = |values: &'static [f64; 9]| Dense::new(values, 3, 3, 3).expect("a matrix");
    let a = matrix(&[1.0, 2.0, 0.0, 2.0, 0.0, 1.0, 0.0, 1.0, 1.0]);
    let short = |needed| Some(Error::Workspace { needed, given: needed - 1 });
    assert_eq!(refused(&a, None, (&ones, &ones), &good, 1), [short(12), short(6), short(12)]);

    let bad = Stop { relative: f64::NAN, ..good };
    let error = Some(Error::Option { name: "relative", requirement: "must be finite and not negative" });
    assert_eq!(refused(&a, None, (&ones, &ones), &bad, 0), [error; 3]);
    let dimension = |argument, given| Some(Error::Dimension { argument, expected: 3, given });
    let short_x = refused(&a, None, (&ones[1..], &ones), &good, 0);
    assert_eq!(short_x, [dimension("x", 2); 3]);
    let [one, _, three] = refused(&a, None, (&ones, &[1.0; 4]), &good, 0);
    assert_eq!([one, three], [dimension("y", 4); 2]);
    for (start, expected) in [
        (f64::NAN, Error::Value { argument: "x", index: 1 }),
        (f64::INFINITY, Error::Value { argument: "x", index: 1 }),
    ] {
        let x = [1.0, start, 1.0];
        let y = [1.0, 1.0, start];
        let all = refused(&a, None, (&x, &y), &good, 0);
        assert_eq!(all, [Some(Error::Value { argument: "y", index: 2 }), Some(expected), Some(expected)]);
    }
    for start in [0.0, -1.0, 1e-310] {
        let all = refused(&a, None, (&[1.0, start, 1.0], &[start, 1.0, 1.0]), &good, 0);
        let names = all.map(|error| match error {
            Some(Error::Option { name, .. }) => name,
            other => panic!("{other:?}"),
        });
        assert_eq!(names, ["y", "x", "x"]);
    }
}

#[test]
fn empty_lines() {
    let (good, ones) = (Stop::default(), [1.0; 3]);
    let empty = |line, index| Some(Error::EmptyLine { line, index });
    let row = Dense::new(&[1.0, 0.0, 2.0, 0.0, 0.0, 0.0, 2.0, 0.0, 1.0], 3, 3, 3).expect("a matrix");
    assert_eq!(refused(&row, None, (&ones, &ones), &good, 0), [empty("row", 1); 3]);
    // The same where the entries lie in lines that carry nothing. (Ruiz asks for no sums.)
    let arrow = Dense::new(&[1.0, 1.0, 1.0, 1.0, 0.0, 0.0, 1.0, 0.0, 0.0], 3, 3, 3).expect("a matrix");
    let sums: [f64; 3] = [0.0, 1.0, 1.0];
    let options = sinkhorn_knopp::Options::default();
    let problem = Problem::new(&arrow, &sums, &sums).expect("a problem");
    let (mut storage, mut indices, mut x) = ([0.0; 6], [0; 15], [1.0; 3]);
    let workspace = symmetric::Workspace::new(&problem, &mut storage, &mut indices).expect("memory");
    let error = symmetric::solve(&problem, &options, &mut x, workspace, &mut ()).err();
    assert_eq!((error, x), (empty("row", 1), ones));
    let column = Csr::new(&[0, 1, 2], &[0, 2], &[1.0, 1.0], 3).expect("a matrix");
    let problem = Problem::new(&column, &[1.5, 1.5], &ones).expect("a problem");
    let (mut storage, mut indices, mut x, mut y) = ([0.0; 10], [0; 11], [1.0; 2], [1.0; 3]);
    let workspace = sinkhorn_knopp::Workspace::new(&problem, &mut storage, &mut indices).expect("memory");
    let scalings = Scalings { x: &mut x, y: &mut y };
    let error = sinkhorn_knopp::solve(&problem, &options, scalings, workspace, &mut ()).err();
    assert_eq!((error, x, y), (empty("column", 1), [1.0; 2], ones));
    assert!(error.is_some_and(|error| error.to_string().starts_with("column 1 must carry something")));
}

#[test]
fn symmetric_matrices_alone() {
    let options = symmetric::Options::default();
    let (mut storage, mut indices, mut x) = ([0.0; 4], [0; 10], [1.0; 2]);
    let mut solve = |a: &dyn Rows<f64>, r: &[f64], c: &[f64]| {
        let problem = Problem::new(&a, r, c).expect("a problem");
        let workspace = symmetric::Workspace::new(&problem, &mut storage, &mut indices).expect("memory");
        symmetric::solve(&problem, &options, &mut x, workspace, &mut ()).err()
    };
    let a = Dense::new(&[1.0, 2.0, 2.0, 1.0], 2, 2, 2).expect("a matrix");
    assert_eq!(solve(&a, &[1.0, 2.0], &[1.0, 2.0]), None);
    assert!(matches!(solve(&a, &[1.0, 2.0], &[2.0, 1.0]), Some(Error::Mass { argument: "c", .. })));
    let a = Dense::new(&[1.0, 2.0, 3.0, 1.0], 2, 2, 2).expect("a matrix");
    assert_eq!(
        solve(&a, &[1.0; 2], &[1.0; 2]),
        Some(Error::Asymmetric { argument: "matrix", row: 0, column: 1 })
    );
    let a = Csr::new(&[0, 1, 3], &[0, 0, 1], &[1.0, 2.0, 1.0], 2).expect("a matrix");
    assert_eq!(
        solve(&a, &[1.0; 2], &[1.0; 2]),
        Some(Error::Asymmetric { argument: "matrix", row: 1, column: 0 })
    );
    let a = Csr::new(&[0, 1, 3], &[0, 1, 2], &[1.0, 2.0, 1.0], 3).expect("a matrix");
    let expected = Error::Dimension { argument: "columns", expected: 2, given: 3 };
    assert_eq!(solve(&a, &[1.0, 2.0], &[1.0; 3]), Some(expected));
}

/// A workspace that was carved for another problem.
#[test]
fn another_problems_workspace() {
    let a = Dense::new(&VALUES, 2, 3, 3).expect("a matrix");
    let problem = Problem::new(&a, &[1.5, 1.5], &[1.0; 3]).expect("a problem");
    let small = Dense::new(&VALUES[..3], 1, 3, 3).expect("a matrix");
    let other = Problem::new(&small, &[3.0], &[1.0; 3]).expect("a problem");
    let (mut storage, mut indices, mut x, mut y) = ([0.0; 10], [0; 11], [2.0; 2], [2.0; 3]);
    let workspace = sinkhorn_knopp::Workspace::new(&other, &mut storage, &mut indices).expect("memory");
    let scalings = Scalings { x: &mut x, y: &mut y };
    let options = sinkhorn_knopp::Options::default();
    let error = sinkhorn_knopp::solve(&problem, &options, scalings, workspace, &mut ()).err();
    assert_eq!(error, Some(Error::Workspace { needed: 10, given: 8 }));
    let largest = |a| ruiz::Problem::new::<f64>(a, ruiz::Norm::Largest).expect("a problem");
    let workspace = ruiz::Workspace::new(&largest(&small), &mut storage, &mut []).expect("memory");
    let scalings = Scalings { x: &mut x, y: &mut y };
    let error = ruiz::solve(&largest(&a), &options, scalings, workspace, &mut ()).err();
    assert_eq!(error, Some(Error::Workspace { needed: 10, given: 8 }));
    assert_eq!((x, y), ([2.0; 2], [2.0; 3]));
}
