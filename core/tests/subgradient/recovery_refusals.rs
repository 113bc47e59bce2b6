//! Bad recovery problems are refused with what was wrong and where, before anything is touched.

use southwell::subgradient::matrix::operator::{
    AllEntries, Bilinear, Dense, Draw, Entries, Operator, Packed, Paired, RankOne, Seeded,
};
use southwell::subgradient::matrix::{
    self, Options, Precondition, Problem, Shape, Start, Step, Unit, Weights, Workspace, singular_values,
};
use southwell::{Error, Stop, StructureFault};

const A: [f64; 12] = [1.0, 0.0, 0.5, 1.0, 2.0, 1.0, 0.0, -1.0, 0.5, 0.25, 1.0, 3.0];

fn dimension(argument: &'static str, expected: usize, given: usize) -> Option<Error> {
    Some(Error::Dimension { argument, expected, given })
}

fn option(error: Option<Error>) -> &'static str {
    match error {
        Some(Error::Option { name, .. }) => name,
        other => panic!("{other:?}"),
    }
}

#[test]
fn operators() {
    assert_eq!(Dense::new(&A, 2, 2).err(), None);
    assert_eq!(Dense::new(&A[..7], 2, 2).err(), dimension("values", 8, 7));
    assert_eq!(option(Dense::new(&A, 0, 2).err()), "rows and columns");
    assert!(matches!(Dense::new(&A, usize::MAX, 2).err(), Some(Error::TooLarge { .. })));
    for bad in [f64::NAN, f64::INFINITY] {
        let mut a = A;
        a[5] = bad;
        let value = |argument| Some(Error::Value { argument, index: 5 });
        assert_eq!(Dense::new(&a, 2, 2).err(), value("values"));
        assert_eq!(Packed::new(&a, 2).err(), value("values"));
        assert_eq!(RankOne::new(&a, 2).err(), value("a"));
        assert_eq!(Paired::new(&A, &a, 2).err(), value("b"));
        assert_eq!(Bilinear::new(&a, &A, 2, 2).err(), value("a"));
    }
    assert_eq!(Packed::new(&A[..7], 2).err(), dimension("values", 9, 7));
    assert_eq!(option(Packed::new(&A, 0).err()), "rows and columns");
    assert_eq!(RankOne::new(&A[..7], 2).err(), dimension("a", 8, 7));
    assert_eq!(Paired::new(&A, &A[..10], 2).err(), dimension("b", 12, 10));
    assert_eq!(Bilinear::new(&A, &A, 3, 2).err(), dimension("b", 8, 12));
    assert_eq!(Entries::new(&[0, 1], &[0], 2, 2).err(), dimension("column_of", 2, 1));
    let outside = |argument| Some(Error::Structure { argument, index: 1, fault: StructureFault::OutOfRange });
    assert_eq!(Entries::new(&[0, 2], &[0, 1], 2, 2).err(), outside("row_of"));
    assert_eq!(Entries::new(&[0, 1], &[0, u32::MAX], 2, 2).err(), outside("column_of"));
    assert_eq!(option(AllEntries::new(0, 2).err()), "rows and columns");
    assert_eq!(option(Seeded::new(Draw::Signs, 1, 5, 2, 0).err()), "rows and columns");
}

#[test]
fn problems() {
    let square = Dense::new(&A, 2, 2).expect("sound");
    let y = [1.0, 2.0, 3.0];
    assert_eq!(Problem::symmetric(&square, &y, 2).err(), None);
    assert_eq!(option(Problem::symmetric(&square, &y, 0).err()), "rank");
    assert_eq!(option(Problem::symmetric(&square, &y, 3).err()), "rank");
    assert_eq!(option(Problem::general(&square, &y, 3).err()), "rank");
    assert_eq!(Problem::symmetric(&square, &y[..2], 1).err(), dimension("y", 3, 2));
    for bad in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        let refused = Problem::symmetric(&square, &[1.0, bad, 0.0], 1).err();
        assert_eq!(refused, Some(Error::Value { argument: "y", index: 1 }));
    }
    let wide = Dense::new(&A, 2, 3).expect("sound");
    assert_eq!(Problem::symmetric(&wide, &y[..2], 1).err(), dimension("columns", 2, 3));
    assert_eq!(Problem::general(&wide, &y[..2], 2).err(), None);
    let none = Dense::new(&[] as &[f64], 2, 2).expect("no matrices are matrices");
    assert_eq!(option(Problem::symmetric(&none, &[], 1).err()), "measurements");
    let none = Seeded::new(Draw::Signs, 1, 0, 2, 2).expect("as above");
    assert_eq!(option(Problem::<f64, _>::general(&none, &[], 1).err()), "measurements");
}

#[test]
fn options() {
    let operator = Dense::new(&A, 2, 2).expect("sound");
    let y = [1.0, 2.0, 3.0];
    let problem = Problem::symmetric(&operator, &y, 1).expect("sound");
    let refused = |options: Options<f64>| {
        let mut storage = [0.0; Workspace::<f64>::required_len(Shape::symmetric(2, 1), true, 8)];
        let workspace = Workspace::new(&problem, true, &mut storage).expect("long enough");
        let mut x = [0.25, -7.0];
        let refused = matrix::solve(&problem, &options, &mut x, workspace, &mut ()).err();
        assert_eq!(x, [0.25, -7.0], "untouched");
        option(refused)
    };
    let default = Options::<f64>::default();
    for bad in [0.0, -1.0, f64::NAN, f64::INFINITY] {
        assert_eq!(refused(Options { alpha: bad, ..default }), "alpha");
        let length = |step| Options { step, unit: Unit::Length, ..default };
        assert_eq!(refused(length(Step::Constant { eta0: bad })), "eta0");
    }
    for eta0 in [0.0, -1.0, 1.1, f64::NAN] {
        for step in [
            Step::Constant { eta0 },
            Step::Diminishing { eta0 },
            Step::Held { eta0, rho: 0.9, hold: 3 },
            Step::Oscillation { eta0, rho: 0.9, restarts: 1 },
        ] {
            assert_eq!(refused(Options { step, ..default }), "eta0");
        }
    }
    for rho in [0.0, -0.5, 1.1, f64::NAN] {
        assert_eq!(refused(Options { step: Step::Held { eta0: 0.2, rho, hold: 3 }, ..default }), "rho");
        assert_eq!(
            refused(Options { step: Step::Oscillation { eta0: 0.2, rho, restarts: 1 }, ..default }),
            "rho"
        );
    }
    assert_eq!(
        refused(Options { step: Step::Oscillation { eta0: 0.2, rho: 1.0, restarts: 1 }, ..default }),
        "rho"
    );
    for bad in [-1.0, f64::NAN, f64::INFINITY] {
        assert_eq!(refused(Options { step: Step::Polyak { target: bad }, ..default }), "target");
        assert_eq!(refused(Options { target: bad, ..default }), "target");
        assert_eq!(
            refused(Options { precondition: Precondition::Scaled { damping: bad }, ..default }),
            "damping"
        );
    }
    for share in [0.0, -0.1, 1.5, f64::NAN] {
        assert_eq!(refused(Options { weights: Some(Weights::Smallest(share)), ..default }), "weights");
    }
    assert_eq!(refused(Options { row_bound: 0.0, ..default }), "row_bound");
    assert_eq!(refused(Options { row_bound: f64::NAN, ..default }), "row_bound");
    assert_eq!(refused(Options { stop: Stop::relative(-1.0), ..default }), "relative");
}

#[test]
fn memory_and_iterates() {
    let operator = Dense::new(&A, 2, 2).expect("sound");
    let y = [1.0, 2.0, 3.0];
    let problem = Problem::symmetric(&operator, &y, 2).expect("sound");
    let shape = problem.shape();
    assert_eq!((shape.unknowns(), Dense::<f64>::scratch(shape)), (4, 8));
    let needed = Workspace::<f64>::required_len(shape, false, 8);
    assert_eq!(needed, 3 * 4 + 4 + 8);
    let mut storage = vec![0.0; needed];
    let short = Workspace::new(&problem, false, &mut storage[..needed - 1]).err();
    assert_eq!(short, Some(Error::Workspace { needed, given: needed - 1 }));
    let default = Options::<f64>::default();
    let workspace = Workspace::new(&problem, false, &mut storage).expect("long enough");
    let mut x = [0.5; 3];
    assert_eq!(matrix::solve(&problem, &default, &mut x, workspace, &mut ()).err(), dimension("x", 4, 3));
    assert_eq!(x, [0.5; 3]);
    // Plain memory for scaled steps, and memory of another problem.
    let workspace = Workspace::new(&problem, false, &mut storage).expect("long enough");
    let scaled = Options { precondition: Precondition::Scaled { damping: 0.1 }, ..default };
    let refused = matrix::solve(&problem, &scaled, &mut [0.5; 4], workspace, &mut ()).err();
    assert_eq!(refused, Some(Error::Workspace { needed: needed + 4, given: needed }));
    let other = Problem::symmetric(&operator, &y, 1).expect("sound");
    let workspace = Workspace::new(&problem, false, &mut storage).expect("long enough");
    let refused = matrix::solve(&other, &default, &mut [0.5; 2], workspace, &mut ()).err();
    assert!(matches!(refused, Some(Error::Workspace { .. })), "{refused:?}");
    let workspace = Workspace::new(&problem, false, &mut storage).expect("long enough");
    let given = Options { start: Start::Given, ..default };
    let refused = matrix::solve(&problem, &given, &mut [0.5, 0.5, f64::NAN, 0.5], workspace, &mut ()).err();
    assert_eq!(refused, Some(Error::Value { argument: "x", index: 2 }));
    let (mut values, mut storage) = ([0.0; 2], [0.0; 4]);
    let refused =
        |x: &[f64], values: &mut [f64], storage: &mut [f64]| singular_values(shape, x, values, storage).err();
    assert_eq!(refused(&[0.0; 3], &mut values, &mut storage), dimension("x", 4, 3));
    assert_eq!(refused(&[0.0; 4], &mut values[..1], &mut storage), dimension("values", 2, 1));
    let workspace = Some(Error::Workspace { needed: 4, given: 3 });
    assert_eq!(refused(&[0.0; 4], &mut values, &mut storage[..3]), workspace);
}

/// Numbers at the end of the type do no harm beyond a status.
#[test]
fn huge_numbers() {
    for scale in [1e-300, 1e-160, 1e150, 1e300] {
        let a: Vec<f64> = A.iter().map(|a| a * scale).collect();
        let operator = Dense::new(&a, 2, 2).expect("sound");
        for y in [[1e300, -1e300, 1e300], [1e-300, 0.0, 2e-300], [0.0; 3]] {
            let problem = Problem::general(&operator, &y, 2).expect("sound");
            let shape = problem.shape();
            for start in [Start::PowerStep, Start::Spectral, Start::Random] {
                let needed = Workspace::<f64>::required_len(shape, false, operator.scratch_len(shape));
                let mut storage = vec![f64::NAN; needed];
                let workspace = Workspace::new(&problem, false, &mut storage).expect("long enough");
                let mut x = [f64::NAN; 8];
                let options =
                    Options { start, stop: Stop { max_steps: 50, ..Stop::default() }, ..Options::default() };
                let found = matrix::solve(&problem, &options, &mut x, workspace, &mut ()).expect("sound");
                assert!(x.iter().all(|x| x.is_finite()), "{scale:e} {y:?} {start:?} {found:?} {x:?}");
            }
        }
    }
}
