//! Every loss and every update on problems of a few variables: against plain loops and differences, and step by step.
//! So small that Miri runs them too.

use crate::common::any::{AnyLoss, AnyPenalty, AnyUpdate, Quartic};
use crate::common::descending::solve;
use southwell::descent::losses::{Huber, LeastSquares, Logistic, Quadratic, Softmax};
use southwell::descent::penalties::{ElasticNet, Free, Group, Interval, L1, NonNegative, Simplex};
use southwell::descent::selection::{Cyclic, Greedy, GreedyVariable, Score};
use southwell::descent::update::{
    Backtracking, Curvature, First, Gradient, Matrix, Newton, ProxNewton, TwoMetric,
};
use southwell::descent::{Loss, Measure, Partition};
use southwell::linear::{Columns, Csr, Dense};
use southwell::{Status, Stop};

const ROWS: usize = 5;
/// Three columns, one after the other.
const DESIGN: [f64; 15] =
    [1.0, -0.5, 0.25, 0.75, -1.25, 0.5, 1.5, -1.0, 0.25, 0.5, -0.75, 0.25, 1.25, -1.5, 0.5];
const TARGET: [f64; 5] = [1.0, -0.75, 2.0, 0.5, -1.5];
const SIGNS: [f64; 5] = [1.0, -1.0, 1.0, -1.0, 1.0];
const CLASSES: [u32; 5] = [2, 0, 1, 2, 0];
/// Symmetric and positive definite.
const QUADRATIC: [f64; 9] = [4.0, -1.0, 0.5, -1.0, 3.0, -0.75, 0.5, -0.75, 2.0];
const DELTA: f64 = 0.6;

fn design() -> Columns<'static, f64> {
    Columns::new(&DESIGN, ROWS, 3).expect("a design")
}

fn entry(row: usize, column: usize) -> f64 {
    DESIGN[column * ROWS + row]
}

/// (A x)_i, x having so many classes.
fn product(row: usize, x: &[f64], class: usize, classes: usize) -> f64 {
    (0..3).map(|j| entry(row, j) * x[j * classes + class]).sum()
}

fn gram(i: usize, j: usize) -> f64 {
    (0..ROWS).map(|row| entry(row, i) * entry(row, j)).sum()
}

fn huber(r: f64) -> f64 {
    if r.abs() <= DELTA { 0.5 * r * r } else { DELTA * (r.abs() - 0.5 * DELTA) }
}

/// f in plain loops, and its documented bound of the curvature between two variables, k′ being that of a block.
struct Plain {
    value: fn(&[f64]) -> f64,
    bound: fn(usize, usize, f64) -> f64,
}

const SQUARES: Plain = Plain {
    value: |x| (0..ROWS).map(|i| 0.5 * (product(i, x, 0, 1) - TARGET[i]).powi(2)).sum(),
    bound: |i, j, _| gram(i, j),
};
const CUT: Plain = Plain {
    value: |x| (0..ROWS).map(|i| huber(product(i, x, 0, 1) - TARGET[i])).sum(),
    bound: |i, j, _| gram(i, j),
};
const LOGISTIC: Plain = Plain {
    value: |x| (0..ROWS).map(|i| (1.0 + (-SIGNS[i] * product(i, x, 0, 1)).exp()).ln()).sum(),
    bound: |i, j, _| 0.25 * gram(i, j),
};
const SOFTMAX: Plain = Plain {
    value: |x| {
        let of = |i: usize| {
            let z = [0, 1, 2].map(|class| product(i, x, class, 3));
            z.iter().map(|z| z.exp()).sum::<f64>().ln() - z[CLASSES[i] as usize]
        };
        (0..ROWS).map(of).sum()
    },
    bound: |v, w, k| 0.5 * (f64::from(u8::from(v % 3 == w % 3)) - 1.0 / k) * gram(v / 3, w / 3),
};
const FORM: Plain = Plain {
    value: |x| {
        let of =
            |i: usize| x[i] * (0.5 * (0..3).map(|j| QUADRATIC[3 * i + j] * x[j]).sum::<f64>() - TARGET[i]);
        (0..3).map(of).sum()
    },
    bound: |i, j, _| QUADRATIC[3 * i + j],
};

fn near(found: f64, expected: f64, within: f64, what: &str) {
    assert!((found - expected).abs() <= within * (1.0 + expected.abs()), "{what}: {found} {expected}");
}

/// A loss against its plain form at a point. `blocks` are sets of variables with their k′.
fn follows<L: Loss<f64>>(loss: &L, plain: &Plain, x: &[f64], blocks: &[(&[u32], f64)], all: f64) {
    let (p, h) = (loss.variables(), 1e-5);
    assert_eq!(p, x.len());
    let state_at = |x: &[f64]| {
        let mut state = vec![f64::NAN; loss.state_len()];
        loss.begin(x, &mut state);
        state
    };
    let moved = |i: usize, by: f64| {
        let mut x = x.to_vec();
        x[i] += by;
        x
    };
    let mut state = state_at(x);
    near(loss.value(x, &state), (plain.value)(x), 1e-13, "f");
    let mut memory = vec![f64::NAN; loss.gradient_len()];
    let gradient = loss.gradient(&state, &mut memory).to_vec();
    assert_eq!(gradient.len(), p);
    for (i, &g) in gradient.iter().enumerate() {
        let slope = ((plain.value)(&moved(i, h)) - (plain.value)(&moved(i, -h))) / (2.0 * h);
        near(g, slope, 1e-8, "∇f");
        near(loss.partial(i, &state), g, 1e-14, "∂f");
        // A state that was moved is the one that belongs there.
        let (mut there, to) = (state.clone(), moved(i, 0.375));
        loss.shift(i, 0.375, &mut there);
        loss.finish(&mut there);
        near(loss.value(&to, &there), (plain.value)(&to), 1e-13, "f, moved");
        let anew = state_at(&to);
        (0..p).for_each(|j| near(loss.partial(j, &there), loss.partial(j, &anew), 1e-13, "∂f, moved"));
        near(loss.row_sum(i), (0..p).map(|j| (plain.bound)(i, j, all).abs()).sum(), 1e-13, "row sum");
    }
    for &(block, k) in blocks {
        let n = block.len();
        let (mut bound, mut hessian) = (vec![f64::NAN; n * n], vec![f64::NAN; n * n]);
        loss.bound(block, &mut bound);
        loss.hessian(&mut state, block, &mut hessian);
        for (at, (a, b)) in block.iter().flat_map(|&a| block.iter().map(move |&b| (a, b))).enumerate() {
            let (a, b) = (a as usize, b as usize);
            near(bound[at], (plain.bound)(a, b, k), 1e-13, "bound");
            let slope = |by: f64| loss.partial(a, &state_at(&moved(b, by)));
            near(hessian[at], (slope(h) - slope(-h)) / (2.0 * h), 1e-8, "∇²f");
        }
    }
    let v: Vec<f64> = (0..p).map(|i| 1.0 - 0.375 * i as f64).collect();
    let (mut scratch, mut out) = (vec![f64::NAN; loss.state_len()], vec![f64::NAN; p]);
    loss.bound_times(&v, &mut scratch, &mut out);
    for (i, out) in out.iter().enumerate() {
        near(*out, (0..p).map(|j| (plain.bound)(i, j, all) * v[j]).sum(), 1e-13, "H v");
    }
}

#[test]
fn losses_follow_their_definitions() {
    let squares = LeastSquares::new(design(), &TARGET).expect("a loss");
    let cut = Huber::new(design(), &TARGET, DELTA).expect("a loss");
    let logistic = Logistic::new(design(), &SIGNS).expect("a loss");
    let softmax = Softmax::new::<f64>(design(), 3, &CLASSES).expect("a loss");
    let dense =
        Quadratic::new(Dense::new(&QUADRATIC, 3, 3).expect("a matrix"), &TARGET[..3]).expect("a loss");
    let sparse = Csr::new(&[0, 3, 6, 9], &[0, 1, 2, 0, 1, 2, 0, 1, 2], &QUADRATIC).expect("a matrix");
    let sparse = Quadratic::new(sparse, &TARGET[..3]).expect("a loss");
    let blocks: [(&[u32], f64); 3] = [(&[0, 1, 2], 1.0), (&[2, 0], 1.0), (&[1], 1.0)];
    for x in [[0.0; 3], [0.5, -1.0, 0.75], [-3.0, 2.0, 4.0]] {
        follows(&squares, &SQUARES, &x, &blocks, 1.0);
        follows(&cut, &CUT, &x, &blocks, 1.0);
        follows(&logistic, &LOGISTIC, &x, &blocks, 1.0);
        follows(&dense, &FORM, &x, &blocks, 1.0);
        follows(&sparse, &FORM, &x, &blocks, 1.0);
        let wide: Vec<f64> = (0..9).map(|v| x[v % 3] - 0.25 * x[v / 3] + 0.125 * v as f64).collect();
        // Two classes in a block count the third as one; one counts the others as one.
        let blocks: [(&[u32], f64); 5] = [
            (&[0, 1, 2, 3, 4, 5, 6, 7, 8], 3.0),
            (&[8, 0, 4], 3.0),
            (&[6, 1, 4, 3], 3.0),
            (&[1, 7], 2.0),
            (&[5], 2.0),
        ];
        follows(&softmax, &SOFTMAX, &wide, &blocks, 3.0);
    }
    for i in 0..3 {
        assert_eq!((squares.lipschitz(i), cut.lipschitz(i)), (gram(i, i), gram(i, i)));
        assert_eq!(
            (logistic.lipschitz(i), softmax.lipschitz(3 * i + 1)),
            (0.25 * gram(i, i), 0.25 * gram(i, i))
        );
        assert_eq!((dense.lipschitz(i), sparse.lipschitz(i)), (QUADRATIC[4 * i], QUADRATIC[4 * i]));
        let mut found = vec![];
        assert!(sparse.row(i, |j, q| found.push((j, q))));
        assert_eq!(found, [0, 1, 2].map(|j| (j, QUADRATIC[3 * i + j])));
        assert!(!dense.row(i, |_, _| panic!("all are stored")) && !squares.row(i, |_, _| panic!("none is")));
    }
}

/// Probabilities that are nearly 0 and 1, and products that overflow an exponential.
#[test]
fn values_are_sharp_far_from_zero() {
    let a = Columns::new(&[1.0], 1, 1).expect("a design");
    let of = |y: f64, x: f64| {
        let labels = [y];
        let loss = Logistic::new(a, &labels).expect("a loss");
        let mut state = [f64::NAN; 3];
        loss.begin(&[x], &mut state);
        (loss.value(&[x], &state), loss.partial(0, &state))
    };
    assert_eq!(of(1.0, 800.0), (0.0, 0.0));
    assert_eq!(of(1.0, -800.0), (800.0, -1.0));
    assert_eq!(of(-1.0, 800.0), (800.0, 1.0));
    let (value, slope) = of(1.0, 40.0);
    near(value / (-40.0_f64).exp(), 1.0, 1e-14, "f");
    near(slope / (-40.0_f64).exp(), -1.0, 1e-14, "∂f");
    let of = |x: [f64; 2]| {
        let loss = Softmax::new::<f64>(a, 2, &[0]).expect("a loss");
        let mut state = [f64::NAN; 5];
        loss.begin(&x, &mut state);
        (loss.value(&x, &state), loss.partial(0, &state), loss.partial(1, &state))
    };
    assert_eq!(of([800.0, -800.0]), (0.0, 0.0, 0.0));
    assert_eq!(of([-800.0, 800.0]), (1600.0, -1.0, 1.0));
    let (value, own, other) = of([20.0, -20.0]);
    near(value / (-40.0_f64).exp(), 1.0, 1e-14, "f");
    near(own / (-40.0_f64).exp(), -1.0, 1e-14, "∂f");
    near(other / (-40.0_f64).exp(), 1.0, 1e-14, "∂f");
}

#[test]
fn what_a_loss_of_seven_methods_gets() {
    let (mut bound, mut hessian) = ([f64::NAN; 9], [f64::NAN; 9]);
    Loss::<f64>::bound(&Quartic, &[4, 0, 2], &mut bound);
    assert_eq!(bound, [51.0, 0.0, 0.0, 0.0, 51.0, 0.0, 0.0, 0.0, 51.0]);
    Loss::<f64>::hessian(&Quartic, &mut [0.0; 6], &[4, 0, 2], &mut hessian);
    assert_eq!(hessian, bound);
    assert_eq!((Loss::<f64>::row_sum(&Quartic, 3), Loss::<f64>::gradient_len(&Quartic)), (102.0, 6));
    let mut out = [f64::NAN; 6];
    Loss::<f64>::bound_times(&Quartic, &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0], &mut [0.0; 6], &mut out);
    assert_eq!(out, [102.0, 204.0, 306.0, 408.0, 510.0, 612.0]);
    assert!(!Loss::<f64>::row(&Quartic, 0, |_, _| panic!("nothing is known of it")));
}

/// Penalties with their proximal steps in plain form.
const PENALTIES: [&str; 7] = ["free", "l1", "net", "positive", "interval", "group", "simplex"];

fn penalty(name: &str) -> AnyPenalty<'static> {
    match name {
        "free" => AnyPenalty::Free(Free),
        "l1" => AnyPenalty::L1(L1::new(0.4)),
        "net" => AnyPenalty::Net(ElasticNet::new(0.3, 0.5)),
        "positive" => AnyPenalty::Positive(NonNegative::new(0.2)),
        "interval" => AnyPenalty::Interval(Interval::new(-0.3, 0.4)),
        "group" => AnyPenalty::Group(Group::new(0.5)),
        _ => AnyPenalty::Simplex(Simplex::new(1.0)),
    }
}

/// x and h(x) after the proximal step of v; blocks of two variables where there are blocks, one on a simplex.
fn prox(name: &str, step: f64, v: &[f64]) -> (Vec<f64>, f64) {
    let soft = |v: f64, t: f64| (v.abs() - t).max(0.0).copysign(v);
    let sum = |x: &[f64], l1: f64, l2: f64| x.iter().map(|x| l1 * x.abs() + 0.5 * l2 * x * x).sum::<f64>();
    let each = |of: &dyn Fn(f64) -> f64| v.iter().map(|&v| of(v)).collect::<Vec<f64>>();
    match name {
        "free" => (v.to_vec(), 0.0),
        "l1" => {
            let x = each(&|v| soft(v, 0.4 * step));
            let h = sum(&x, 0.4, 0.0);
            (x, h)
        }
        "net" => {
            let x = each(&|v| soft(v, 0.3 * step) / (1.0 + 0.5 * step));
            let h = sum(&x, 0.3, 0.5);
            (x, h)
        }
        "positive" => {
            let x = each(&|v| (v - 0.2 * step).max(0.0));
            let h = sum(&x, 0.2, 0.0);
            (x, h)
        }
        "interval" => (each(&|v| v.clamp(-0.3, 0.4)), 0.0),
        "group" => {
            let norm = |b: &[f64]| b.iter().map(|v| v * v).sum::<f64>().sqrt();
            let cut =
                |b: &[f64]| b.iter().map(|v| v * (1.0 - 0.5 * step / norm(b)).max(0.0)).collect::<Vec<_>>();
            let x: Vec<f64> = v.chunks(2).flat_map(cut).collect();
            let h = x.chunks(2).map(|b| 0.5 * norm(b)).sum();
            (x, h)
        }
        _ => {
            let (mut low, mut high) = (-1e3, 1e3);
            for _ in 0..200 {
                let middle = 0.5 * (low + high);
                let total: f64 = v.iter().map(|v| (v - middle).max(0.0)).sum();
                if total > 1.0 { low = middle } else { high = middle }
            }
            (each(&|v| (v - low).max(0.0)), 0.0)
        }
    }
}

/// The least value by proximal gradients and nothing else.
fn least(plain: &Plain, name: &str, p: usize) -> f64 {
    let most: f64 = (0..p).map(|i| (plain.bound)(i, i, p as f64)).sum();
    let slope = |x: &[f64], i: usize| {
        let at = |by: f64| {
            let mut x = x.to_vec();
            x[i] += by;
            (plain.value)(&x)
        };
        (at(1e-5) - at(-1e-5)) / 2e-5
    };
    let (mut x, mut value) = (prox(name, 0.0, &vec![0.0; p]).0, f64::INFINITY);
    for _ in 0..if cfg!(miri) { 1 } else { 4000 } {
        let v: Vec<f64> = (0..p).map(|i| x[i] - slope(&x, i) / most).collect();
        let (next, h) = prox(name, 1.0 / most, &v);
        value = (plain.value)(&next) + h;
        x = next;
    }
    value
}

fn updates(name: &str, quadratic: bool) -> Vec<AnyUpdate> {
    let mut updates = vec![
        AnyUpdate::Gradient(Gradient),
        AnyUpdate::Backtracking(Backtracking::default()),
        AnyUpdate::Backtracking(Backtracking { first: First::Value(0.125) }),
    ];
    if name != "group" && name != "simplex" {
        updates.push(AnyUpdate::Prox(ProxNewton::default()));
        updates.push(AnyUpdate::Prox(ProxNewton { curvature: Curvature::Hessian, ..ProxNewton::default() }));
        updates.push(AnyUpdate::TwoMetric(TwoMetric::default()));
    }
    if name == "free" {
        updates.push(AnyUpdate::Newton(Newton::default()));
        if quadratic {
            updates.push(AnyUpdate::Matrix(Matrix));
        }
    }
    updates
}

/// Steps that every update takes with every penalty: cyclic blocks of two, then the best two variables (or the best
/// block where the penalty couples them).
fn steps(loss: &AnyLoss<'_>, plain: &Plain, quadratic: bool, expected: [&[u32]; 7]) {
    let p = loss.variables();
    let stop = Stop { max_steps: 20_000, ..Stop::relative(if cfg!(miri) { 0.1 } else { 1e-9 }) };
    let mut others = vec![];
    for (name, expected) in PENALTIES.into_iter().zip(expected) {
        if cfg!(miri) && name != "l1" && name != "simplex" {
            continue;
        }
        let (penalty, least) = (penalty(name), least(plain, name, p));
        let blocks = Partition::consecutive(p, if name == "simplex" { p } else { 2 }).expect("blocks");
        let mut row = vec![];
        for update in updates(name, quadratic) {
            for greedy in [false, true] {
                let mut x = vec![0.0; p];
                let problem = (loss, &penalty);
                let outcome = match (greedy, name) {
                    (false, _) => {
                        solve(problem, (Cyclic::new(blocks), update), (stop, Measure::Violation), &mut x)
                    }
                    (true, "group" | "simplex") => {
                        let select = Greedy::new(blocks, Score::Progress);
                        solve(problem, (select, update), (stop, Measure::Violation), &mut x)
                    }
                    (true, _) => {
                        let select = GreedyVariable::new(2, Score::Violation);
                        solve(problem, (select, update), (stop, Measure::Violation), &mut x)
                    }
                };
                assert_eq!(outcome.report.status, Status::Converged, "{name}, {update:?}: {outcome:?}");
                if !cfg!(miri) {
                    near(outcome.objective, least, 1e-9, &format!("{name}, {update:?}"));
                }
                row.push(outcome.report.steps);
            }
        }
        if !cfg!(miri) && row != expected {
            others.push((name, row));
        }
    }
    assert!(others.is_empty(), "{others:?}");
}

#[test]
fn every_update_ends_at_the_optimum_after_as_many_steps() {
    let squares = AnyLoss::Squares(LeastSquares::new(design(), &TARGET).expect("a loss"));
    let counts: [&[u32]; 7] = [
        &[135, 150, 237, 229, 295, 241, 72, 42, 72, 42, 72, 41, 72, 41, 72, 41],
        &[135, 148, 235, 226, 293, 236, 70, 41, 70, 41, 70, 40],
        &[89, 98, 153, 144, 189, 153, 48, 32, 48, 32, 48, 29],
        &[59, 68, 45, 81, 86, 79, 38, 2, 38, 2, 38, 2],
        &[2, 16, 2, 21, 44, 23, 2, 2, 2, 2, 2, 2],
        &[111, 111, 197, 168, 243, 239],
        &[7, 7, 18, 18, 13, 13],
    ];
    steps(&squares, &SQUARES, true, counts);
}

#[test]
fn every_update_ends_at_the_optimum_of_other_losses() {
    let cut = AnyLoss::Huber(Huber::new(design(), &TARGET, DELTA).expect("a loss"));
    let counts: [&[u32]; 7] = [
        &[145, 157, 118, 94, 170, 101, 80, 47, 76, 39, 76, 36, 76, 36],
        &[246, 270, 210, 163, 193, 175, 176, 76, 111, 28, 115, 27],
        &[128, 140, 110, 86, 102, 92, 94, 43, 60, 24, 60, 17],
        &[82, 89, 63, 73, 94, 49, 58, 11, 33, 5, 33, 5],
        &[58, 45, 10, 22, 46, 24, 58, 29, 2, 2, 2, 2],
        &[202, 199, 172, 174, 159, 157],
        &[11, 11, 20, 20, 16, 16],
    ];
    steps(&cut, &CUT, false, counts);
}

#[test]
fn every_update_ends_at_the_optimum_of_logistic_losses() {
    let logistic = AnyLoss::Logistic(Logistic::new(design(), &SIGNS).expect("a loss"));
    let counts: [&[u32]; 7] = [
        &[266, 279, 238, 450, 218, 378, 202, 72, 83, 42, 83, 42, 83, 42],
        &[37, 29, 30, 55, 70, 45, 30, 12, 18, 4, 18, 4],
        &[25, 19, 21, 33, 48, 28, 21, 9, 14, 4, 14, 4],
        &[88, 88, 76, 60, 138, 111, 70, 18, 42, 4, 42, 5],
        &[31, 15, 21, 41, 23, 33, 13, 7, 7, 3, 7, 3],
        &[45, 41, 39, 59, 76, 67],
        &[12, 12, 24, 24, 18, 18],
    ];
    steps(&logistic, &LOGISTIC, false, counts);
}
