//! What the greedy choice costs on dense data, next to cyclic descent.
//!
//! *Matrix*: a quadratic whose matrix is stored, or a least-squares problem on a dense design by columns. A quadratic
//! keeps its gradient, so that every step, greedy or not, reads a row of Q and brings the gradient up to date; n greedy
//! steps stand beside a sweep. On a design a greedy step reads all of A for the gradient, which is what a cyclic sweep
//! reads; it stands beside a sweep.
//!
//! *Bytes* are counted, not measured, as the greedy ones over the cyclic ones: of the matrix, which comes from memory
//! where it is large, and of all operands, as they come from cache where it is small.
#![forbid(unsafe_code)]
#![allow(missing_docs)]

use southwell::descent::losses::{LeastSquares, Loss, Quadratic};
use southwell::descent::penalties::{Free, L1, Penalty};
use southwell::descent::selection::{Cyclic, GreedyVariable, Score, Selection};
use southwell::descent::update::Gradient;
use southwell::descent::{self, Options, Partition, Problem, Scheme, Sizes, Workspace};
use southwell::linear::{Columns, Dense};
use southwell::{Real, Run};
use southwell_benches::{Aligned, median, numbers, seconds};
use southwell_simd::vector::WEIGHTS;

/// Pairs of measurements of a row.
const PAIRS: usize = 31;

/// Variables, in cache and not.
const SIZES: [usize; 3] = [256, 1000, 4000];

fn main() {
    println!("passes run on {}\n", southwell_simd::level_name());
    println!(
        "| loss | type | n | MB | rule | penalty | cyclic sweep, ms | greedy, ms | greedy / cyclic | bytes of the matrix | all bytes |"
    );
    println!("|---|---|--:|--:|---|---|--:|--:|--:|--:|--:|");
    for n in SIZES {
        both::<f64>("f64", n);
        both::<f32>("f32", n);
    }
}

fn both<T: Real>(real: &str, n: usize) {
    let c = numbers::<T>(2, n);
    // The covariance of a random walk: so ill-conditioned that no run of the bench comes to its end.
    let mut values = Aligned::<T>::of(T::ZERO, n * n, 0);
    for (k, value) in values.get_mut().iter_mut().enumerate() {
        *value = T::from_usize((k / n).min(k % n) + 1) / T::from_usize(n);
    }
    let loss = Quadratic::new(Dense::new(values.get(), n, n).expect("a matrix"), &c).expect("a quadratic");
    // A row, and the gradient read and written; the same pass reads weights, with a penalty all of them, and x.
    let weights = weights_read(values.get(), &c);
    let bytes = |penalised: bool| (1.0, if penalised { 5.0 / 3.0 } else { 1.0 + weights / 3.0 });
    rows(&format!("quadratic | {real} | {n}"), &loss, n, bytes);
    let values = Aligned::<T>::new(1, n * n, 0);
    let loss = LeastSquares::new(Columns::new(values.get(), n, n).expect("a design"), &c).expect("a loss");
    // The whole design, and the best column; a cyclic step reads its column twice and the residual twice.
    let n_f64 = n as f64;
    let bytes = |_| (1.0 + 1.0 / n_f64, (n_f64 + 8.0) / (5.0 * n_f64));
    rows(&format!("least squares | {real} | {n}"), &loss, 1, bytes);
}

/// Weights that a greedy step reads for every variable, counted over the first steps: those of a group whose largest slope
/// times its largest weight is above the best score so far, those of no whole group, and once more, with their slopes, those
/// of the best group up to the best variable.
fn weights_read<T: Real>(values: &[T], c: &[T]) -> f64 {
    let (n, steps) = (c.len(), 300);
    if size_of_val(c) < 6 << 10 {
        return 1.0; // as the pass has it
    }
    let w: Vec<T> = (0..n).map(|i| T::ONE / values[i * n + i].sqrt()).collect();
    let mut g: Vec<T> = c.iter().map(|&c| -c).collect();
    let (mut count, mut last) = (0, None::<usize>);
    for _ in 0..=steps {
        if let Some(i) = last {
            let delta = -(g[i] / values[i * n + i]);
            g.iter_mut().zip(&values[i * n..]).for_each(|(g, &q)| *g += delta * q);
        }
        let (mut best, mut place) = (-T::ONE, 0);
        for (group, (g, w)) in g.chunks(WEIGHTS).zip(w.chunks(WEIGHTS)).enumerate() {
            let largest = |x: &[T]| x.iter().fold(T::ZERO, |most, x| most.max(x.abs()));
            if g.len() < WEIGHTS || largest(g) * largest(w) > best {
                count += g.len();
                for (k, (g, &w)) in g.iter().zip(w).enumerate() {
                    if g.abs() * w > best {
                        (best, place) = (g.abs() * w, group * WEIGHTS + k);
                    }
                }
            }
        }
        count += 2 * (place % WEIGHTS + 1);
        last = Some(place);
    }
    count as f64 / ((steps + 1) * n) as f64
}

fn rows<T: Real, L: Loss<T>>(name: &str, loss: &L, steps: usize, bytes: impl Fn(bool) -> (f64, f64)) {
    let lambda = L1::new(T::from_f64(1e-3));
    for (score, label) in [(Score::Steepest, "GSL"), (Score::Progress, "GS-q")] {
        row(&format!("{name} | {label} | none"), loss, &Free, score, steps, bytes(false));
        row(&format!("{name} | {label} | L1"), loss, &lambda, score, steps, bytes(true));
    }
}

fn row<T: Real, L: Loss<T>, H: Penalty<T>>(
    name: &str,
    loss: &L,
    penalty: &H,
    score: Score,
    steps: usize,
    (of_matrix, of_all): (f64, f64),
) {
    let n = loss.variables();
    let partition = Partition::consecutive(n, 1).expect("a partition");
    let problem = Problem::new(loss, penalty).expect("a problem");
    let mut cyclic = Scheme { select: Cyclic::new(partition), update: Gradient };
    let mut greedy = Scheme { select: GreedyVariable::one(score), update: Gradient };
    let (mut sweeps, mut chosen, mut ratios) = (vec![], vec![], vec![]);
    with(&problem, &mut cyclic, |cyclic| {
        with(&problem, &mut greedy, |greedy| {
            let calls = (1 << 22) / (n * n) + 1;
            for _ in 0..PAIRS {
                let sweep = seconds(|| (0..calls * n).for_each(|_| cyclic.step())) / calls as f64;
                let choice = seconds(|| (0..calls * steps).for_each(|_| greedy.step())) / calls as f64;
                sweeps.push(sweep);
                chosen.push(choice);
                ratios.push(choice / sweep);
            }
        });
    });
    let [sweep, choice, ratio] = [sweeps, chosen, ratios].map(median);
    let size = (n * n * size_of::<T>()) as f64 / 1e6;
    let [loss, real, n, rule, penalty] =
        name.split(" | ").collect::<Vec<_>>().try_into().expect("five columns");
    println!(
        "| {loss} | {real} | {n} | {size:.1} | {rule} | {penalty} | {:.3} | {:.3} | {ratio:.2} | {of_matrix:.2} | {of_all:.2} |",
        sweep * 1e3,
        choice * 1e3,
    );
}

/// Hands over a run from zero.
fn with<T: Real, L: Loss<T>, H: Penalty<T>, S: Selection<T>>(
    problem: &Problem<'_, L, H>,
    scheme: &mut Scheme<S, Gradient>,
    then: impl FnOnce(&mut dyn Step),
) {
    let sizes = Sizes::of(problem, scheme);
    let mut numbers = vec![T::ZERO; Workspace::<T>::required_len(&sizes)];
    let mut indices = vec![0; Workspace::<T>::required_indices(&sizes)];
    let work = Workspace::new(problem, scheme, &mut numbers, &mut indices).expect("enough");
    let mut x = vec![T::ZERO; problem.loss().variables()];
    let options = Options::default();
    let mut run = descent::start(problem, &options, scheme, &mut x, work).expect("a run");
    then(&mut run);
}

/// A step of a run of any kind.
trait Step {
    fn step(&mut self);
}

impl<R: Run> Step for R {
    fn step(&mut self) {
        Run::step(self);
    }
}
