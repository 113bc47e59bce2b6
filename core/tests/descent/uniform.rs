//! Penalties that are the same for all variables: whole registers of scores at once, and the bits of one after the other.

use proptest::prelude::*;
use southwell::descent::losses::{Loss, Quadratic};
use southwell::descent::penalties::{ElasticNet, Free, Interval, L1, NonNegative, Values};
use southwell::descent::selection::GreedyVariable;
use southwell::descent::update::Gradient;
use southwell::descent::{Measure, Outcome, Penalty};
use southwell::linear::Dense;
use southwell::{Real, Stop};

use crate::common::Numbers;
use crate::common::descending::{SCORES, solve};

/// Some steps on a quadratic that is no more than positive definite.
fn run<T: Real>(
    n: usize,
    seed: u64,
    select: GreedyVariable,
    penalty: &impl Penalty<T>,
) -> (Outcome<T>, Vec<T>) {
    let mut numbers = Numbers(seed);
    let half = numbers.vector(n * n);
    let entry =
        |i: usize, j: usize| 0.5 * (half[i * n + j] + half[j * n + i]) + if i == j { n as f64 } else { 0.0 };
    let q: Vec<T> = (0..n * n).map(|k| T::from_f64(entry(k / n, k % n))).collect();
    let c: Vec<T> = numbers.vector(n).iter().map(|&c| T::from_f64(4.0 * c)).collect();
    let loss = Quadratic::new(Dense::new(&q, n, n).expect("a matrix"), &c).expect("a quadratic");
    let stop = Stop { max_steps: 25, ..Stop::relative(T::EPSILON) };
    let mut x = vec![T::from_f64(0.1); n];
    (solve((&loss, penalty), (select, Gradient), (stop, Measure::Violation), &mut x), x)
}

fn agree<T: Real>(n: usize, seed: u64, size: usize, [a, b]: [f64; 2]) {
    let (a, b) = (T::from_f64(a), T::from_f64(b));
    let (all_a, all_b, low) = (vec![a; n], vec![b; n], vec![-a; n]);
    for score in SCORES {
        let select = GreedyVariable::new(size.min(n), score);
        macro_rules! same {
            ($one:expr, $each:expr) => {{
                let (one, each) = ($one, $each);
                assert!(Penalty::<T>::uniform(&one).is_some() && Penalty::<T>::uniform(&each).is_none());
                let (found, expected) = (run(n, seed, select, &one), run(n, seed, select, &each));
                assert_eq!(found, expected, "{score:?}, {size} of {n}: {one:?}");
            }};
        }
        same!(L1::new(a), L1::new(Values::Each(&all_a)));
        same!(ElasticNet::new(a, b), ElasticNet::new(Values::Each(&all_a), Values::Each(&all_b)));
        same!(NonNegative::new(a), NonNegative::new(Values::Each(&all_a)));
        let one = Interval { l2: b, ..Interval::new(-a, b) };
        same!(one, Interval { l2: b, ..Interval::new(Values::Each(&low), Values::Each(&all_b)) });
    }
}

/// A loss that leaves the choice to the rule.
struct Apart<L>(L);

impl<T: Real, L: Loss<T>> Loss<T> for Apart<L> {
    fn variables(&self) -> usize {
        self.0.variables()
    }
    fn state_len(&self) -> usize {
        self.0.state_len()
    }
    fn gradient_len(&self) -> usize {
        self.0.gradient_len()
    }
    fn begin(&self, x: &[T], state: &mut [T]) {
        self.0.begin(x, state);
    }
    fn shift(&self, variable: usize, delta: T, state: &mut [T]) {
        self.0.shift(variable, delta, state);
    }
    fn value(&self, x: &[T], state: &[T]) -> T {
        self.0.value(x, state)
    }
    fn partial(&self, variable: usize, state: &[T]) -> T {
        self.0.partial(variable, state)
    }
    fn lipschitz(&self, variable: usize) -> T {
        self.0.lipschitz(variable)
    }
    fn gradient<'s>(&self, state: &'s [T], out: &'s mut [T]) -> &'s [T] {
        self.0.gradient(state, out)
    }
}

/// A row that is added and ranked in one pass: the steps of both one after the other, with and without looks between.
#[test]
fn one_pass_takes_the_steps_of_two() {
    for n in [1, 15, 40, 300] {
        let mut numbers = Numbers(n as u64);
        let half = numbers.vector(n * n);
        let entry =
            |i: usize, j: usize| half[i * n + j] + half[j * n + i] + if i == j { n as f64 } else { 0.0 };
        let q: Vec<f64> = (0..n * n).map(|k| entry(k / n, k % n)).collect();
        let c: Vec<f64> = numbers.vector(n).iter().map(|c| 4.0 * c).collect();
        let loss = || Quadratic::new(Dense::new(&q, n, n).expect("a matrix"), &c).expect("a quadratic");
        for score in SCORES {
            for check_every in [1, 7] {
                let stop = Stop { max_steps: 60, check_every, ..Stop::relative(1e-14) };
                let parts = || (GreedyVariable::one(score), Gradient);
                macro_rules! same {
                    ($penalty:expr) => {{
                        let (mut x, mut y) = (vec![0.125; n], vec![0.125; n]);
                        let found = solve((&loss(), $penalty), parts(), (stop, Measure::Violation), &mut x);
                        let apart =
                            solve((&Apart(loss()), $penalty), parts(), (stop, Measure::Violation), &mut y);
                        assert_eq!((found, x), (apart, y), "{n} {score:?} {check_every}");
                    }};
                }
                same!(&Free);
                same!(&L1::new(0.25));
                same!(&NonNegative::new(0.125));
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, ..ProptestConfig::default() })]

    #[test]
    fn steps_are_those_of_one_score_after_the_other(
        n in 1_usize..70, seed in any::<u64>(), size in 1_usize..4, weights in [0.01..2.0, 0.01..2.0],
    ) {
        agree::<f64>(n, seed, size, weights);
        agree::<f32>(n, seed, size, weights);
    }
}

/// All scores alike, or none a number: the first variable.
#[test]
fn ties_go_to_the_first() {
    for n in [1, 15, 16, 17, 40] {
        let q: Vec<f64> = (0..n * n).map(|k| if k / n == k % n { 1.0 } else { 0.0 }).collect();
        let c = vec![3.0; n];
        let loss = Quadratic::new(Dense::new(&q, n, n).expect("a matrix"), &c).expect("a quadratic");
        for score in SCORES {
            let mut x = vec![0.0; n];
            let stop = Stop { max_steps: 1, ..Stop::default() };
            let parts = (GreedyVariable::one(score), Gradient);
            solve((&loss, &L1::new(1.0)), parts, (stop, Measure::Violation), &mut x);
            let first = x.iter().position(|&x| x != 0.0);
            assert_eq!((first, x[0]), (Some(0), 2.0), "{n} {score:?}");
        }
    }
}
