//! One model after another in the same workspace: which factors may be kept.

use std::ops::ControlFlow;

use southwell::descent::box_qp::{
    Condensed, Model, Options, Plant, Prepared, Problem, Staged, Workspace, invert_condensed, solve,
};
use southwell::{Error, Progress};

const H: [f64; 4] = [2.0, 0.5, 0.5, 1.0];
/// The same plant, and another for each of its arrays.
const A: [[f64; 4]; 2] = [[1.0, 0.1, 0.0, 1.0], [1.0, 0.3, 0.0, 0.9]];
const B: [[f64; 2]; 2] = [[0.005, 0.1], [0.02, 0.3]];
const Q: [[f64; 4]; 2] = [[1.0, 0.0, 0.0, 0.1], [3.0, 0.5, 0.5, 0.4]];
const R: [[f64; 1]; 2] = [[0.01], [0.2]];
const P: [[f64; 4]; 2] = [[1.0, 0.0, 0.0, 1.0], [9.0, 1.0, 1.0, 4.0]];

/// The model whose array number `k` is the other one.
fn staged(k: usize) -> Staged<'static, f64> {
    let other = |number| usize::from(number == k);
    let plant =
        Plant { states: 2, inputs: 1, a: &A[other(0)], b: &B[other(1)], q: &Q[other(2)], r: &R[other(3)] };
    Staged::new(plant, &P[other(4)], 6).expect("sound")
}

const NONE_OTHER: usize = 5;

#[test]
fn a_model_is_itself_and_no_other() {
    let copy = H;
    let (one, two) = (Condensed::new(&H, 2).expect("sound"), Condensed::new(&copy, 2).expect("sound"));
    assert!(one.is(&one) && !one.is(&two));
    let (mut inverse, mut scratch) = ([0.0; 4], [0.0; 4]);
    invert_condensed(&one, &mut inverse, &mut scratch).expect("sound sizes");
    let again = inverse;
    let prepared = |condensed, inverse| Prepared::new(condensed, inverse).expect("sound");
    let base = prepared(one, &inverse);
    assert!(base.is(&prepared(one, &inverse)));
    assert!(!base.is(&prepared(two, &inverse)) && !base.is(&prepared(one, &again)));

    let base = staged(NONE_OTHER);
    assert!(base.is(&staged(NONE_OTHER)));
    for k in 0..NONE_OTHER {
        assert!(!base.is(&staged(k)), "array {k} is another");
    }
    // As many numbers in the same memory, read as another shape.
    let sized = |states, inputs, horizon| {
        let plant = Plant { states, inputs, a: &A[0], b: &B[0], q: &Q[0], r: &R[0] };
        Staged::new(plant, &P[0], horizon).expect("sound")
    };
    assert!(base.is(&sized(2, 1, 6)) && !base.is(&sized(2, 1, 5)));
}

/// Bits of the answers to the same problem by every model in turn: in a workspace of its own, or in one that is kept.
fn answers(fresh: bool) -> Vec<u64> {
    let base = staged(NONE_OTHER);
    let len = Staged::<f64>::required_len(2, 1, 6);
    let (mut storage, mut bits) = (vec![f64::NAN; len], vec![]);
    let mut kept = Workspace::new(&base, &mut storage).expect("long enough");
    for k in [NONE_OTHER, 0, NONE_OTHER, 1, NONE_OTHER, 2, NONE_OTHER, 3, NONE_OTHER, 4, NONE_OTHER] {
        let model = staged(k);
        let problem = Problem::new(&model, &[0.2, -0.1], &[-5.0; 6], &[5.0; 6]).expect("sound");
        let (options, mut u) = (Options::default(), [0.0; 6]);
        let found = if fresh {
            let mut own = vec![f64::NAN; len];
            let mut own = Workspace::new(&model, &mut own).expect("long enough");
            solve(&problem, &options, &mut u, &mut own, &mut ())
        } else {
            solve(&problem, &options, &mut u, &mut kept, &mut ())
        };
        let found = found.expect("sound");
        assert!(found.report.converged(), "{k}: {found:?}");
        bits.extend(u.map(f64::to_bits));
    }
    bits
}

#[test]
fn factors_of_one_model_are_not_taken_for_those_of_another() {
    let (kept, fresh) = (answers(false), answers(true));
    assert_eq!(kept, fresh);
    // Or the test would tell nothing.
    assert!((1..6).all(|k| fresh[..6] != fresh[6 * (2 * k - 1)..6 * 2 * k]), "the answers differ");
}

#[test]
fn a_workspace_for_as_many_variables_may_still_be_too_short() {
    let model = staged(NONE_OTHER);
    let plant = Plant { states: 1, inputs: 1, a: &[1.0], b: &[1.0], q: &[1.0], r: &[1.0] };
    let smaller = Staged::new(plant, &[1.0], 6).expect("sound");
    let mut storage = vec![f64::NAN; Staged::<f64>::required_len(1, 1, 6)];
    let given = storage.len();
    let mut work = Workspace::new(&smaller, &mut storage).expect("long enough");
    let problem = Problem::new(&model, &[0.2, -0.1], &[-5.0; 6], &[5.0; 6]).expect("sound");
    let mut u = [9.0; 6];
    let error = solve(&problem, &Options::default(), &mut u, &mut work, &mut ()).expect_err("refused");
    assert_eq!(error, Error::Workspace { needed: Staged::<f64>::required_len(2, 1, 6), given });
    assert_eq!(u, [9.0; 6], "untouched");
}

#[test]
fn an_observer_sees_how_many_variables_are_at_a_bound() {
    // ½‖x‖² + fᵀx: every x_i is −f_i moved into the box.
    let eye = [1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0];
    let model = Condensed::new(&eye, 3).expect("sound");
    for (f, fixed) in
        [([0.1, 0.2, 0.3], 0), ([-3.0, 0.2, 0.3], 1), ([-3.0, 0.2, 4.0], 2), ([3.0, 9.0, -4.0], 3)]
    {
        let problem = Problem::new(&model, &f, &[-1.0; 3], &[1.0; 3]).expect("sound");
        let mut storage = vec![f64::NAN; Condensed::<f64>::required_len(3)];
        let mut work = Workspace::new(&model, &mut storage).expect("long enough");
        let (mut x, mut seen) = ([0.0; 3], f64::NAN);
        let mut watch = |progress: &Progress<f64>| {
            seen = progress.parameter;
            ControlFlow::Continue(())
        };
        let found = solve(&problem, &Options::default(), &mut x, &mut work, &mut watch).expect("sound");
        assert_eq!(
            (seen, found.at_lower + found.at_upper),
            (f64::from(fixed), fixed as usize),
            "{f:?} {found:?}"
        );
        assert_eq!(x, f.map(|f| (-f).clamp(-1.0, 1.0)));
        assert_eq!(found.objective, x.iter().zip(&f).map(|(x, f)| 0.5 * x * x + f * x).sum::<f64>());
    }
}
