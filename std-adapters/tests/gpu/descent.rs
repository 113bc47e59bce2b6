//! Greedy descent with the matrix on the device.

use southwell::descent::losses::{Loss, Quadratic};
use southwell::descent::penalties::{Interval, L1, Penalty};
use southwell::descent::selection::{GreedyVariable, Score};
use southwell::descent::update::Gradient;
use southwell::descent::{self, Options, Problem, Scheme, Sizes, Workspace};
use southwell::linear::Dense;
use southwell::{Status, Stop};
use southwell_std::gpu::relaxation::{Failed, Settings};
use southwell_std::gpu::{Error, descent as gpu};

use super::{Draw, device};

/// A Gram matrix of `n` columns with twice as many rows, and a right-hand side.
pub(super) fn gram(n: usize, draw: &mut Draw) -> (Vec<f64>, Vec<f64>) {
    let rows = 2 * n;
    let a: Vec<Vec<f64>> = (0..n).map(|_| draw.centred(rows)).collect();
    let dot = |x: &[f64], y: &[f64]| x.iter().zip(y).map(|(x, y)| x * y).sum::<f64>();
    let y = draw.centred(rows);
    let q = (0..n * n).map(|k| dot(&a[k / n], &a[k % n])).collect();
    (q, a.iter().map(|column| 5.0 * dot(column, &y)).collect())
}

fn host<H: Penalty<f64>>(q: &[f64], c: &[f64], penalty: &H, options: &Options<f64>) -> (Vec<f64>, u32, f64) {
    let n = c.len();
    let loss = Quadratic::new(Dense::new(q, n, n).expect("a matrix"), c).expect("a quadratic");
    let problem = Problem::new(&loss, penalty).expect("a problem");
    let mut scheme = Scheme { select: GreedyVariable::one(Score::Progress), update: Gradient };
    let sizes = Sizes::of(&problem, &scheme);
    let mut numbers = vec![0.0; Workspace::<f64>::required_len(&sizes)];
    let mut indices = vec![0; Workspace::<f64>::required_indices(&sizes)];
    let work = Workspace::new(&problem, &scheme, &mut numbers, &mut indices).expect("enough");
    let mut x = vec![0.0; n];
    let outcome = descent::solve(&problem, options, &mut scheme, &mut x, work, &mut ()).expect("a run");
    assert!(outcome.report.converged());
    (x, outcome.report.steps, outcome.objective)
}

fn compared<H: Penalty<f64>>(n: usize, penalty: &H, limit: Option<u64>, draw: &mut Draw) {
    let Some(device) = device(limit) else { return };
    let (q, c) = gram(n, draw);
    let loss = Quadratic::new(Dense::new(&q, n, n).expect("a matrix"), &c).expect("a quadratic");
    let problem = Problem::new(&loss, penalty).expect("a problem");
    let options =
        Options { stop: Stop { max_steps: 1_000_000, ..Stop::relative(1e-9) }, ..Options::default() };
    let (theirs, steps, least) = host(&q, &c, penalty, &options);
    let mut x = vec![0.0; n];
    let settings = Settings { chunk: Some(32) };
    let solved = gpu::greedy(&device, settings, &problem, &options, &mut x, &mut ()).expect("a device");
    let outcome = solved.outcome;
    assert!(outcome.report.converged() && outcome.report.residual <= outcome.tolerance, "{n}: {solved:?}");
    assert!(
        (outcome.objective - least).abs() <= 1e-8 * least.abs().max(1e-9),
        "{n}: {} {least}",
        outcome.objective
    );
    let largest = theirs.iter().fold(1e-3_f64, |largest, x| largest.max(x.abs()));
    let off = x.iter().zip(&theirs).fold(0.0_f64, |off, (x, y)| off.max((x - y).abs()));
    assert!(off <= 1e-6 * largest, "{n}: {off} of {largest}");
    // The device did its part.
    assert!(n < 9 || solved.host_steps < outcome.report.steps, "{n}: {solved:?}, {steps} on the CPU");
}

#[test]
fn lasso_and_boxes_of_awkward_sizes_whole_and_in_blocks() {
    let mut draw = Draw(51);
    for (n, limit) in [(1, None), (2, None), (63, None), (65, None), (65, Some(2600)), (300, None)] {
        compared(n, &L1::new(0.5), limit, &mut draw);
        compared(n, &Interval::new(-0.1, 0.2), limit, &mut draw);
    }
}

#[test]
fn limits_refusals_and_a_loss() {
    let mut draw = Draw(52);
    let (q, c) = gram(65, &mut draw);
    let loss = Quadratic::new(Dense::new(&q, 65, 65).expect("a matrix"), &c).expect("a quadratic");
    let penalty = L1::new(0.5);
    let problem = Problem::new(&loss, &penalty).expect("a problem");
    let options = Options::default();
    let settings = Settings { chunk: Some(8) };
    let Some(small) = device(Some(256)) else { return };
    let mut x = vec![0.0; 65];
    let failed = gpu::greedy(&small, settings, &problem, &options, &mut x, &mut ());
    let limit = Error::LimitTooSmall { what: "a row of the matrix", need: 260, have: 256 };
    assert_eq!(failed.map(drop).map_err(|failed| failed.error), Err(limit));
    let Some(whole) = device(None) else { return };
    let failed = gpu::greedy(&whole, settings, &problem, &options, &mut x[..64], &mut ());
    assert!(matches!(failed.map(drop).map_err(|failed| failed.error), Err(Error::Refused(_))));
    whole.lose_after(3);
    let failed = gpu::greedy(&whole, settings, &problem, &options, &mut x, &mut ()).map(drop);
    let Err(Failed { error: Error::Lost(_), steps }) = failed else { panic!("{failed:?}") };
    // The x of these steps came home, and it gains.
    let mut state = vec![0.0; 65];
    loss.begin(&x, &mut state);
    let objective = loss.value(&x, &state) + 0.5 * x.iter().map(|x| x.abs()).sum::<f64>();
    assert!(steps >= 8 && objective < 0.0, "{steps}: {objective}");
    x.fill(0.0);
    // A step limit is kept to, by both together.
    let Some(whole) = device(None) else { return };
    let few = Options { stop: Stop { max_steps: 20, ..Stop::relative(1e-12) }, ..options };
    let solved = gpu::greedy(&whole, settings, &problem, &few, &mut x, &mut ()).expect("a device");
    assert_eq!((solved.outcome.report.status, solved.outcome.report.steps), (Status::StepLimit, 20));
}
