//! Every bad input is refused with the exact error, and nothing is touched.

use crate::common::{Plain, bits, cast_star, poisson_star};
use southwell::linear::{Csr, Dense, Matrix, Star, Stencil2d, Stencil3d};
use southwell::relaxation::{Blocks, Fixed, Problem, Relax, Split, Young, cg, jacobi_radius, sor, ssor_cg};
use southwell::{DiagonalFault, Error, Real, Stop, StructureFault};

fn structure(argument: &'static str, index: usize, fault: StructureFault) -> Option<Error> {
    Some(Error::Structure { argument, index, fault })
}

fn value(argument: &'static str, index: usize) -> Option<Error> {
    Some(Error::Value { argument, index })
}

fn dimension(argument: &'static str, expected: usize, given: usize) -> Option<Error> {
    Some(Error::Dimension { argument, expected, given })
}

fn bad<T: Real>() -> [T; 3] {
    [T::NAN, T::INFINITY, -T::INFINITY]
}

fn sparse_matrices<T: Real>() {
    let v = |n: usize| vec![T::ONE; n];
    let new = |offsets: &[u32], columns: &[u32], values: &[T]| Csr::new(offsets, columns, values).err();
    assert_eq!(new(&[], &[], &[]), dimension("offsets", 1, 0));
    assert_eq!(new(&[1, 2], &[0], &v(1)), structure("offsets", 0, StructureFault::FirstNotZero));
    assert_eq!(new(&[0, 2, 1], &[0, 1], &v(2)), structure("offsets", 2, StructureFault::Decreasing));
    assert_eq!(new(&[0, 3, 2, 3], &[0, 1, 2], &v(3)), structure("offsets", 2, StructureFault::Decreasing));
    assert_eq!(new(&[0, 1, 2], &[0], &v(1)), dimension("columns", 2, 1));
    assert_eq!(new(&[0, 1, 2], &[0, 1, 1], &v(3)), dimension("columns", 2, 3));
    assert_eq!(new(&[0, 1, 2], &[0, 1], &v(1)), dimension("values", 2, 1));
    assert_eq!(new(&[0, 1, 2], &[0, 1], &v(3)), dimension("values", 2, 3));
    assert_eq!(new(&[0, 1, 2], &[0, 2], &v(2)), structure("columns", 1, StructureFault::OutOfRange));
    assert_eq!(new(&[0, 1, 2], &[u32::MAX, 1], &v(2)), structure("columns", 0, StructureFault::OutOfRange));
    assert_eq!(new(&[0, 1, 3], &[0, 1, 0], &v(3)), structure("columns", 2, StructureFault::Unsorted));
    assert_eq!(new(&[0, 1, 3], &[0, 1, 1], &v(3)), structure("columns", 2, StructureFault::Unsorted));
    assert_eq!(new(&[0, 0, 0], &[], &[]), None, "rows may be empty");
    for bad in bad() {
        for at in 0..3 {
            let mut values = v(3);
            values[at] = bad;
            assert_eq!(new(&[0, 1, 3], &[0, 0, 1], &values), value("values", at));
        }
    }
}

fn dense_matrices<T: Real>() {
    let v = |n: usize| vec![T::ONE; n];
    let refused = Error::Option { name: "stride", requirement: "must not be smaller than the order" };
    assert_eq!(Dense::new(&v(6), 3, 2).err(), Some(refused));
    for (given, expected) in [(0, 11), (10, 11), (13, 12)] {
        assert_eq!(Dense::new(&v(given), 3, 4).err(), dimension("values", expected, given));
    }
    assert!(Dense::new(&v(11), 3, 4).is_ok() && Dense::new(&v(12), 3, 4).is_ok());
    assert!(Dense::<T>::new(&[], 0, 0).is_ok() && Dense::<T>::new(&[], 0, 7).is_ok());
    assert_eq!(Dense::new(&v(1), usize::MAX, usize::MAX).err(), dimension("values", usize::MAX, 1));
    for bad in bad() {
        for at in 0..11 {
            let mut values = v(11);
            values[at] = bad;
            let expected = if at % 4 == 3 { None } else { value("values", at) };
            assert_eq!(Dense::new(&values, 3, 4).err(), expected, "padding is not looked at");
        }
    }
}

fn named<C>(star: Star<C>) -> [(&'static str, C); 7] {
    [
        ("centre", star.centre),
        ("west", star.west),
        ("east", star.east),
        ("south", star.south),
        ("north", star.north),
        ("down", star.down),
        ("up", star.up),
    ]
}

/// One entry of a star replaced.
fn replaced<C: Clone>(star: &Star<C>, which: usize, by: C) -> Star<C> {
    let mut star = star.clone();
    let places = [
        &mut star.centre,
        &mut star.west,
        &mut star.east,
        &mut star.south,
        &mut star.north,
        &mut star.down,
        &mut star.up,
    ];
    *places.into_iter().nth(which).expect("seven directions") = by;
    star
}

fn stencils<T: Real>() {
    let star: Star<T> = cast_star(poisson_star(6.0));
    for bad in bad() {
        for (which, (name, _)) in named(star).into_iter().enumerate() {
            let spoilt = replaced(&star, which, bad);
            let planar = if which < 5 { value(name, 0) } else { None };
            assert_eq!(Stencil2d::constant(3, 4, spoilt).err(), planar, "{name}");
            assert_eq!(Stencil3d::constant(2, 3, 4, spoilt).err(), value(name, 0), "{name}");
            for at in [0, 11, 23] {
                let arrays: Star<Vec<T>> = star.map(|c| vec![c; 24]);
                let mut array = vec![T::ONE; 24];
                array[at] = bad;
                let spoilt = replaced(&arrays, which, array);
                let slices = borrowed(&spoilt);
                let planar = if which < 5 { value(name, at) } else { None };
                assert_eq!(Stencil2d::per_cell(4, 6, slices).err(), planar, "{name}");
                assert_eq!(Stencil3d::per_cell(2, 3, 4, slices).err(), value(name, at), "{name}");
            }
        }
    }
    let arrays: Star<Vec<T>> = star.map(|c| vec![c; 24]);
    for (which, (name, _)) in named(star).into_iter().enumerate() {
        for given in [0, 23, 25] {
            let spoilt = replaced(&arrays, which, vec![T::ONE; given]);
            let planar = if which < 5 { dimension(name, 24, given) } else { None };
            assert_eq!(Stencil2d::per_cell(4, 6, borrowed(&spoilt)).err(), planar);
            assert_eq!(Stencil3d::per_cell(2, 3, 4, borrowed(&spoilt)).err(), dimension(name, 24, given));
        }
    }
    let large = Some(Error::TooLarge { argument: "grid" });
    assert_eq!(Stencil2d::constant(1 << 16, 1 << 16, star).err(), large);
    assert_eq!(Stencil2d::constant(usize::MAX, 2, star).err(), large);
    assert_eq!(Stencil3d::constant(1 << 11, 1 << 11, 1 << 11, star).err(), large);
    assert_eq!(Stencil3d::per_cell(usize::MAX, usize::MAX, 3, borrowed(&arrays)).err(), large);
    assert!(Stencil2d::constant((1 << 16) - 1, (1 << 16) + 1, star).is_ok(), "2³² − 1 cells");
}

fn borrowed<T>(star: &Star<Vec<T>>) -> Star<&[T]> {
    Star {
        centre: &star.centre,
        west: &star.west,
        east: &star.east,
        south: &star.south,
        north: &star.north,
        down: &star.down,
        up: &star.up,
    }
}

#[test]
fn matrices_are_checked() {
    sparse_matrices::<f32>();
    sparse_matrices::<f64>();
    dense_matrices::<f32>();
    dense_matrices::<f64>();
    stencils::<f32>();
    stencils::<f64>();
}

fn right_hand_sides_and_diagonals<T: Real>() {
    let csr = Plain::poisson(3).csr::<T>();
    for given in [0, 8, 10] {
        assert_eq!(Problem::new(&csr, &vec![T::ONE; given]).err(), dimension("rhs", 9, given));
    }
    for bad in bad() {
        let mut rhs = vec![T::ONE; 9];
        rhs[7] = bad;
        assert_eq!(Problem::new(&csr, &rhs).err(), value("rhs", 7));
    }
    let large = Error::Option { name: "rhs", requirement: "has a norm that overflows; scale the system" };
    assert_eq!(Problem::new(&csr, &[T::MAX; 9]).err(), Some(large));
    let diagonal = |row, fault| Some(Error::Diagonal { row, fault });
    let rhs = [T::ONE; 2];
    let missing = Csr::new(&[0, 1, 2], &[0, 0], &rhs).expect("a valid pattern");
    assert_eq!(Problem::new(&missing, &rhs).err(), diagonal(1, DiagonalFault::Missing));
    let tiny = T::MIN_POSITIVE * T::EPSILON;
    for small in [T::ZERO, -T::ZERO, tiny, -tiny] {
        let values = [T::ONE, T::ONE, small];
        let zero = Csr::new(&[0, 1, 3], &[0, 0, 1], &values).expect("a valid pattern");
        assert_eq!(Problem::new(&zero, &rhs).err(), diagonal(1, DiagonalFault::Zero));
        let values = [small, T::ONE, T::ONE, T::ONE];
        let zero = Dense::new(&values, 2, 2).expect("a valid matrix");
        assert_eq!(Problem::new(&zero, &rhs).err(), diagonal(0, DiagonalFault::Zero));
        let star = Star { centre: small, ..cast_star(poisson_star(4.0)) };
        let zero = Stencil2d::constant(1, 2, star).expect("a small grid");
        assert_eq!(Problem::new(&zero, &rhs).err(), diagonal(0, DiagonalFault::Zero));
    }
    assert!(
        Problem::new(&Stencil2d::constant(1, 2, cast_star(poisson_star(-4.0))).expect("fine"), &rhs).is_ok()
    );
}

#[test]
fn problems_are_checked() {
    right_hand_sides_and_diagonals::<f32>();
    right_hand_sides_and_diagonals::<f64>();
}

/// The three methods over one matrix, from one x with one stop, omega and workspace.
type Attempt<T> = fn(&Plain, &[T], Stop<T>, f64, &mut [T], &mut [T]) -> Option<Error>;

fn by_sor<T: Real>(a: &Plain, b: &[T], stop: Stop<T>, omega: f64, x: &mut [T], w: &mut [T]) -> Option<Error> {
    let csr = a.csr::<T>();
    let problem = Problem::new(&csr, b).expect("a valid problem");
    let options = sor::Options { stop, ..sor::Options::default() };
    let workspace = sor::Workspace::new(&problem, w);
    let mut rule = Fixed(T::from_f64(omega));
    workspace.and_then(|w| sor::solve(&problem, &options, &mut rule, x, w, &mut ())).err()
}

fn by_ssor_cg<T: Real>(
    a: &Plain,
    b: &[T],
    stop: Stop<T>,
    omega: f64,
    x: &mut [T],
    w: &mut [T],
) -> Option<Error> {
    let csr = a.csr::<T>();
    let problem = Problem::new(&csr, b).expect("a valid problem");
    let options = ssor_cg::Options { stop, ..ssor_cg::Options::default() };
    let workspace = ssor_cg::Workspace::new(&problem, w);
    let mut rule = Fixed(T::from_f64(omega));
    workspace.and_then(|w| ssor_cg::solve(&problem, &options, &mut rule, x, w, &mut ())).err()
}

fn by_cg<T: Real>(a: &Plain, b: &[T], stop: Stop<T>, _omega: f64, x: &mut [T], w: &mut [T]) -> Option<Error> {
    let csr = a.csr::<T>();
    let problem = Problem::new(&csr, b).expect("a valid problem");
    let options = cg::Options { stop, ..cg::Options::default() };
    let workspace = cg::Workspace::new(&problem, w);
    workspace.and_then(|w| cg::solve(&problem, &options, x, w, &mut ())).err()
}

fn starts_are_refused<T: Real>() {
    let plain = Plain::poisson(3);
    let attempts: [(Attempt<T>, usize); 3] = [
        (by_sor, sor::Workspace::<T>::required_len(9, 9)),
        (by_ssor_cg, ssor_cg::Workspace::<T>::required_len(9, 18)),
        (by_cg, cg::Workspace::<T>::required_len(9)),
    ];
    for (method, (attempt, needed)) in attempts.into_iter().enumerate() {
        // Not even a right-hand side of zeros, which would be answered at once, excuses the rest.
        for rhs in [T::ONE, T::ZERO] {
            let b = vec![rhs; 9];
            let refused = |stop: Stop<T>, omega: f64, x: &[T], length: usize, expected: Option<Error>| {
                let (mut after, mut storage) = (x.to_vec(), vec![T::ONE; length]);
                let error = attempt(&plain, &b, stop, omega, &mut after, &mut storage);
                assert_eq!(error, expected, "method {method}, b = {rhs}, ω = {omega}, {stop:?}");
                assert_eq!(bits(&after), bits(x), "method {method} touched x");
            };
            let (good, x) = (Stop::default(), vec![T::HALF; 9]);
            for given in [0, 8, 10] {
                refused(good, 1.0, &vec![T::HALF; given], needed, dimension("x", 9, given));
            }
            for bad in bad() {
                for at in 0..9 {
                    let mut x = x.clone();
                    x[at] = bad;
                    refused(good, 1.0, &x, needed, value("x", at));
                }
            }
            for given in [0, needed - 1] {
                refused(good, 1.0, &x, given, Some(Error::Workspace { needed, given }));
            }
            let option = |name, requirement| Some(Error::Option { name, requirement });
            for bad in [-T::ONE, -T::MIN_POSITIVE, T::NAN, T::INFINITY] {
                let fault = |name| option(name, "must be finite and not negative");
                refused(Stop { absolute: bad, ..good }, 1.0, &x, needed, fault("absolute"));
                refused(Stop { relative: bad, ..good }, 1.0, &x, needed, fault("relative"));
            }
            let none = Stop { absolute: T::ZERO, relative: T::ZERO, ..good };
            refused(none, 1.0, &x, needed, option("relative", "must be positive where `absolute` is zero"));
            if method < 2 {
                for omega in [0.0, -0.0, 2.0, 2.5, -1.0, f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
                    refused(good, omega, &x, needed, option("omega", "must lie in (0, 2)"));
                }
            }
        }
    }
}

#[test]
fn a_refused_start_touches_nothing() {
    starts_are_refused::<f32>();
    starts_are_refused::<f64>();
}

/// One negative entry on the diagonal: SOR may, SSOR-CG may not.
fn negative_diagonals<T: Real>() {
    let plain = Plain::from_dense(&[&[4.0, -1.0, 0.0], &[-1.0, -4.0, -1.0], &[0.0, -1.0, 4.0]]);
    let b = vec![T::ONE; 3];
    let stop = Stop { max_steps: 3, ..Stop::default() };
    let (mut x, mut w) = (vec![T::HALF; 3], vec![T::ZERO; 100]);
    let refused = Error::Diagonal { row: 1, fault: DiagonalFault::NotPositive };
    assert_eq!(by_ssor_cg(&plain, &b, stop, 1.0, &mut x, &mut w), Some(refused));
    assert_eq!(bits(&x), bits(&[T::HALF; 3]));
    assert_eq!(by_sor(&plain, &b, stop, 1.0, &mut x, &mut w), None);
    fn refuses<T: Real, A: Split<T>>(a: &A) {
        let b = vec![T::ONE; a.order()];
        let problem = Problem::new(a, &b).expect("a valid problem");
        let mut w = vec![T::ZERO; ssor_cg::Workspace::<T>::required_len(b.len(), a.split_len())];
        let workspace = ssor_cg::Workspace::new(&problem, &mut w).expect("enough storage");
        let mut x = vec![T::HALF; b.len()];
        let mut rule = Fixed(T::ONE);
        let error =
            ssor_cg::start(&problem, &ssor_cg::Options::default(), &mut rule, &mut x, workspace).err();
        assert!(
            matches!(error, Some(Error::Diagonal { fault: DiagonalFault::NotPositive, .. })),
            "{error:?}"
        );
        assert_eq!(bits(&x), bits(&vec![T::HALF; b.len()]));
    }
    refuses::<T, _>(&plain.dense::<T>());
    refuses::<T, _>(&Stencil2d::constant(2, 3, cast_star(poisson_star(-4.0))).expect("a small grid"));
    refuses::<T, _>(&Stencil3d::constant(2, 3, 2, cast_star(poisson_star(-4.0))).expect("a small grid"));
}

#[test]
fn ssor_cg_refuses_a_negative_diagonal() {
    negative_diagonals::<f32>();
    negative_diagonals::<f64>();
}

/// A workspace remembers its lengths, not its problem; one of other lengths is refused.
#[test]
fn a_workspace_of_another_problem_is_refused() {
    let (small, large) = (Plain::poisson(3).csr::<f64>(), Plain::poisson(4).csr::<f64>());
    let (b9, b16) = ([1.0; 9], [1.0; 16]);
    let grid = crate::common::poisson::<f64>(3);
    let nine = Problem::new(&small, &b9).expect("a valid problem");
    let sixteen = Problem::new(&large, &b16).expect("a valid problem");
    let nine_grid = Problem::new(&grid, &b9).expect("a valid problem");
    let mut x = [0.5; 9];
    let mut storage = vec![0.0; 500];
    let mut rule = Fixed(1.0);

    let other = sor::Workspace::new(&sixteen, &mut storage).expect("enough storage");
    let error = sor::start(&nine, &sor::Options::default(), &mut rule, &mut x, other).err();
    assert_eq!(error, Some(Error::Workspace { needed: 18, given: 32 }));
    let other = sor::Workspace::new(&nine_grid, &mut storage).expect("enough storage");
    let error = sor::start(&nine, &sor::Options::default(), &mut rule, &mut x, other).err();
    assert_eq!(error, Some(Error::Workspace { needed: 18, given: 9 }));

    let other = ssor_cg::Workspace::new(&sixteen, &mut storage).expect("enough storage");
    let error = ssor_cg::start(&nine, &ssor_cg::Options::default(), &mut rule, &mut x, other).err();
    assert_eq!(error, Some(Error::Workspace { needed: 72, given: 128 }));
    let other = ssor_cg::Workspace::new(&nine_grid, &mut storage).expect("enough storage");
    let error = ssor_cg::start(&nine, &ssor_cg::Options::default(), &mut rule, &mut x, other).err();
    assert_eq!(error, Some(Error::Workspace { needed: 72, given: 54 }));

    let other = cg::Workspace::new(&sixteen, &mut storage).expect("enough storage");
    let error = cg::start(&nine, &cg::Options::default(), &mut x, other).err();
    assert_eq!(error, Some(Error::Workspace { needed: 27, given: 48 }));
    assert_eq!(bits(&x), bits(&[0.5; 9]));
}

/// A block that cannot be inverted, though no diagonal entry is zero.
#[test]
fn a_singular_block_is_refused_at_the_start() {
    let csr = Plain::from_dense(&[&[1.0, 1.0], &[1.0, 1.0]]).csr::<f64>();
    let blocks = Blocks::new(csr, 2).expect("allowed");
    let b = [1.0, 2.0];
    let problem = Problem::new(&blocks, &b).expect("a valid problem");
    let mut storage = vec![0.0; 2 + blocks.scratch_len()];
    let workspace = sor::Workspace::new(&problem, &mut storage).expect("enough storage");
    let (mut x, mut rule) = ([0.5; 2], Fixed(1.0));
    let error = sor::start(&problem, &sor::Options::default(), &mut rule, &mut x, workspace).err();
    assert_eq!(error, Some(Error::Diagonal { row: 0, fault: DiagonalFault::SingularBlock }));
    assert_eq!(x, [0.5; 2]);
}

#[test]
fn estimating_the_radius_is_checked() {
    let (csr, b) = (Plain::poisson(3).csr::<f64>(), [1.0; 9]);
    let problem = Problem::new(&csr, &b).expect("a valid problem");
    let short = Error::Workspace { needed: 18, given: 17 };
    assert_eq!(jacobi_radius(&problem, 5, &mut [0.0; 17]), Err(short));
    assert_eq!(Young::estimate(&problem, 5, &mut [0.0; 17]), Err(short));
    let none = Error::Option { name: "steps", requirement: "must be positive" };
    assert_eq!(jacobi_radius(&problem, 0, &mut [0.0; 18]), Err(none));
    // A radius that is none makes an omega that is none: refused by the run.
    for jacobi_radius in [f64::NAN, f64::INFINITY] {
        let omega = southwell::relaxation::young_omega(jacobi_radius);
        assert!(omega.is_nan() || omega > 0.0 && omega < 2.0, "{omega}");
    }
    assert!(problem.residual_norm(&[0.0; 8]).is_nan());
    assert_eq!(problem.residual_norm(&[0.0; 9]), 3.0);
    assert_eq!((problem.order(), problem.rhs(), problem.matrix().order()), (9, &b[..], 9));
}

#[test]
fn every_error_says_what_is_wrong_and_where() {
    let mut errors = vec![
        (Error::Dimension { argument: "rhs", expected: 9, given: 8 }, vec!["`rhs`", "9", "8"]),
        (Error::Workspace { needed: 18, given: 17 }, vec!["workspace", "18", "17", "required_len"]),
        (
            Error::Option { name: "omega", requirement: "must lie in (0, 2)" },
            vec!["`omega`", "must lie in (0, 2)"],
        ),
        (Error::Value { argument: "x", index: 3 }, vec!["`x[3]`", "NaN"]),
        (Error::TooLarge { argument: "grid" }, vec!["`grid`", "32-bit"]),
    ];
    for (fault, word) in [
        (DiagonalFault::Missing, "no entry"),
        (DiagonalFault::Zero, "zero"),
        (DiagonalFault::NotPositive, "positive"),
        (DiagonalFault::SingularBlock, "singular"),
    ] {
        errors.push((Error::Diagonal { row: 5, fault }, vec!["row 5", word]));
    }
    for (fault, word) in [
        (StructureFault::Decreasing, "smaller"),
        (StructureFault::FirstNotZero, "zero"),
        (StructureFault::Unsorted, "sort"),
        (StructureFault::OutOfRange, "out of range"),
        (StructureFault::NotAPermutation, "permutation"),
        (StructureFault::SameColour, "colour"),
    ] {
        errors.push((Error::Structure { argument: "columns", index: 4, fault }, vec!["`columns[4]`", word]));
    }
    let texts: Vec<String> = errors.iter().map(|(error, _)| error.to_string()).collect();
    for (text, (error, words)) in texts.iter().zip(&errors) {
        assert!(text.split_whitespace().count() >= 4, "{error:?}: {text}");
        assert!(!text.ends_with('.') && !text.contains("  ") && !text.contains('\n'), "{text}");
        for word in words {
            assert!(text.contains(word), "{error:?}: «{text}» lacks «{word}»");
        }
        assert_eq!(texts.iter().filter(|t| *t == text).count(), 1, "{text}");
    }
    let boxed: Box<dyn core::error::Error> = Box::new(errors[0].0);
    assert_eq!(boxed.to_string(), texts[0]);
}

#[test]
fn a_right_hand_side_whose_norm_cannot_be_formed_is_refused() {
    let a = Dense::new(&[1.0_f32, 0.0, 0.0, 1.0], 2, 2).expect("finite");
    for (rhs, what) in [([1e-30, 0.0], "underflows"), ([1e25, 0.0], "overflows")] {
        match Problem::new(&a, &rhs).map(|_| ()) {
            Err(Error::Option { name: "rhs", requirement }) => assert!(requirement.contains(what)),
            other => panic!("{other:?}"),
        }
    }
    assert!(Problem::new(&a, &[0.0, 0.0]).is_ok());
}
