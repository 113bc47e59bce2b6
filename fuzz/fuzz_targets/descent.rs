//! Block coordinate descent on small problems, least squares and sparse quadratics, with a penalty of any shape: the
//! objective never rises, the reported residual is that of x, and a step on a forest is a dense elimination.
#![no_main]

use arbitrary::Arbitrary;
use libfuzzer_sys::fuzz_target;
use southwell::descent::losses::{LeastSquares, Quadratic};
use southwell::descent::penalties::{Free, Shape};
use southwell::descent::selection::{Cyclic, Face, Greedy, GreedyForest, GreedyVariable, Score, Tournament};
use southwell::descent::update::{Backtracking, Gradient, Matrix, MessagePassing, ProxNewton, TwoMetric};
use southwell::descent::{
    self, Loss, Measure, Options, Partition, Penalty, Problem, Scheme, Selection, Sizes, Update, Workspace,
};
use southwell::linear::{Columns, Csr};
use southwell::{Error, Run, Status, Stop};
use southwell_fuzz::{Number, bit, cycled};
use southwell_simd::{Level, force_level};

#[derive(Arbitrary, Debug)]
struct Input {
    sparse: bool,
    smooth: bool,
    variables: u8,
    samples: u8,
    entries: Vec<Number>,
    pattern: Vec<u8>,
    target: Vec<Number>,
    /// Weights and bounds, five a variable.
    shapes: Vec<u8>,
    first: Vec<Number>,
    block: u8,
    score: u8,
    rule: u8,
    update: u8,
    steps: u8,
    refuse: u8,
}

/// A penalty of the caller's own: one shape a variable.
#[derive(Clone, Debug)]
struct Shapes(Vec<Shape<f64>>);

impl Penalty<f64> for Shapes {
    fn check(&self, variables: usize) -> Result<(), Error> {
        assert_eq!(self.0.len(), variables);
        Ok(())
    }
    fn shape(&self, i: usize) -> Option<Shape<f64>> {
        self.0.get(i).copied()
    }
}

/// The problem in plain arrays: f = ½‖Ax − y‖², or ½xᵀQx − cᵀx with Q = `rows`.
struct Plain {
    design: Vec<f64>,
    target: Vec<f64>,
    rows: Vec<Vec<f64>>,
    shapes: Vec<Shape<f64>>,
}

impl Plain {
    /// F, its gradient's smooth part, and the size of the terms behind them.
    fn look(&self, x: &[f64]) -> (f64, Vec<f64>, f64) {
        let mut size = 0.0_f64;
        let (f, g) = if self.rows.is_empty() {
            let n = self.target.len();
            let column = |j: usize| &self.design[j * n..(j + 1) * n];
            let mut r: Vec<f64> = self.target.iter().map(|y| -y).collect();
            for (j, x) in x.iter().enumerate() {
                column(j).iter().zip(&mut r).for_each(|(a, r)| {
                    *r += a * x;
                    size = size.max((a * x).abs());
                });
            }
            let most = self.design.iter().chain(&self.target).fold(1.0_f64, |m, a| m.max(a.abs()));
            size = (size + most) * most * n as f64 * x.len() as f64;
            let g = (0..x.len()).map(|j| column(j).iter().zip(&r).map(|(a, r)| a * r).sum()).collect();
            (0.5 * r.iter().map(|r| r * r).sum::<f64>(), g)
        } else {
            let product = |row: &Vec<f64>| row.iter().zip(x).map(|(q, x)| q * x).sum::<f64>();
            let g: Vec<f64> = self.rows.iter().zip(&self.target).map(|(row, c)| product(row) - c).collect();
            let most = |row: &Vec<f64>| row.iter().zip(x).map(|(q, x)| (q * x).abs()).sum::<f64>();
            size = self.rows.iter().map(most).chain(self.target.iter().map(|c| c.abs())).fold(1.0, f64::max);
            let f = x.iter().zip(&g).zip(&self.target).map(|((x, g), c)| 0.5 * x * (g - c)).sum();
            size *= x.iter().fold(1.0_f64, |m, x| m.max(x.abs())) * x.len() as f64;
            (f, g)
        };
        let h: f64 = self.shapes.iter().zip(x).map(|(h, x)| h.value(*x)).sum();
        (
            f + h,
            g,
            size + self.shapes.iter().zip(x).map(|(h, x)| (h.l1 + h.l2) * (x.abs() + x * x)).sum::<f64>(),
        )
    }

    /// The largest distance of −g_i from ∂h_i, by cases.
    fn violation(&self, x: &[f64], g: &[f64]) -> f64 {
        let of = |((h, &x), &g): ((&Shape<f64>, &f64), &f64)| {
            let slope = g + h.linear + h.l2 * x;
            // How much F falls to the right and to the left.
            let right = -(slope + if x >= 0.0 { h.l1 } else { -h.l1 });
            let left = slope + if x <= 0.0 { -h.l1 } else { h.l1 };
            let right = if x >= h.upper { 0.0 } else { right };
            let left = if x <= h.lower { 0.0 } else { left };
            right.max(left).max(0.0)
        };
        self.shapes.iter().zip(x).zip(g).map(of).fold(0.0, f64::max)
    }
}

fuzz_target!(|input: Input| check(&input));

fn check(input: &Input) {
    let p = usize::from(input.variables % 9) + 1;
    let number = |k: usize| cycled(&input.entries, k).tame::<f64>();
    let byte =
        |k: usize| f64::from(input.shapes.get(k % input.shapes.len().max(1)).copied().unwrap_or(16)) / 64.0;
    let shapes: Vec<Shape<f64>> = (0..p)
        .map(|i| {
            let bounded = bit(&input.shapes, 3 * i);
            Shape {
                l1: if bit(&input.shapes, 3 * i + 1) { byte(5 * i) } else { 0.0 },
                l2: if bit(&input.shapes, 3 * i + 2) { byte(5 * i + 1) } else { 0.0 },
                linear: byte(5 * i + 2) - 2.0,
                lower: if bounded { -byte(5 * i + 3) } else { f64::NEG_INFINITY },
                upper: if bounded { byte(5 * i + 4) } else { f64::INFINITY },
            }
        })
        .collect();
    let shapes = if input.smooth { vec![Shape::zero(); p] } else { shapes };
    let penalty = Shapes(shapes.clone());
    if input.sparse {
        // Symmetric, with a diagonal that dominates: positive definite.
        let mut rows = vec![vec![0.0; p]; p];
        for (i, j) in (0..p).flat_map(|i| (0..i).map(move |j| (i, j))) {
            let q = if bit(&input.pattern, i * p + j) { number(i * p + j) } else { 0.0 };
            (rows[i][j], rows[j][i]) = (q, q);
        }
        for (i, row) in rows.iter_mut().enumerate() {
            row[i] = row.iter().map(|q| q.abs()).sum::<f64>() + 0.5;
        }
        let target: Vec<f64> = (0..p).map(|i| cycled(&input.target, i).tame()).collect();
        let (mut offsets, mut columns, mut values) = (vec![0], vec![], vec![]);
        for row in &rows {
            for (j, &q) in row.iter().enumerate().filter(|(_, q)| **q != 0.0) {
                columns.push(j as u32);
                values.push(q);
            }
            offsets.push(columns.len() as u32);
        }
        let view = Csr::new(&offsets, &columns, &values).expect("a sound matrix");
        let loss = Quadratic::new(view, &target).expect("a sound loss");
        let plain = Plain { design: vec![], target: target.clone(), rows, shapes };
        if input.smooth && input.rule % 8 == 7 {
            eliminated(input, &loss, &plain);
        } else if input.smooth && input.update % 8 == 7 {
            rules(input, &loss, &Free, &plain, Matrix);
        } else {
            updates(input, &loss, &penalty, &plain);
        }
    } else {
        let n = usize::from(input.samples % 9) + 1;
        let design: Vec<f64> =
            (0..n * p).map(|k| if bit(&input.pattern, k) { number(k) } else { 0.0 }).collect();
        let target: Vec<f64> = (0..n).map(|i| cycled(&input.target, i).tame()).collect();
        let view = Columns::new(&design, n, p).expect("a sound design");
        let loss = LeastSquares::new(view, &target).expect("a sound loss");
        let plain = Plain { design: design.clone(), target: target.clone(), rows: vec![], shapes };
        updates(input, &loss, &penalty, &plain);
    }
}

fn updates<L: Loss<f64>, H: Penalty<f64>>(input: &Input, loss: &L, penalty: &H, plain: &Plain) {
    match input.update % 4 {
        0 => rules(input, loss, penalty, plain, Gradient),
        1 => rules(input, loss, penalty, plain, ProxNewton { max_sweeps: 200, ..ProxNewton::default() }),
        2 => rules(input, loss, penalty, plain, TwoMetric::default()),
        _ => rules(input, loss, penalty, plain, Backtracking::default()),
    }
}

fn rules<L: Loss<f64>, H: Penalty<f64>, U: Update<f64> + Copy>(
    input: &Input,
    loss: &L,
    penalty: &H,
    plain: &Plain,
    update: U,
) {
    let p = loss.variables();
    let size = usize::from(input.block) % p + 1;
    let blocks = Partition::consecutive(p, size).expect("a sound partition");
    let score = [
        Score::Violation,
        Score::Steepest,
        Score::Diagonal,
        Score::Length,
        Score::Progress,
        Score::DiagonalProgress,
    ][usize::from(input.score % 6)];
    let problem = (loss, penalty);
    match input.rule % 5 {
        0 => run(input, problem, || (Cyclic::new(blocks), update), plain),
        1 => run(input, problem, || (Greedy::new(blocks, score), update), plain),
        2 => run(input, problem, || (GreedyVariable::new(size, score), update), plain),
        3 => run(input, problem, || (Face::new(GreedyVariable::one(score), 2, p), update), plain),
        _ if input.sparse => run(input, problem, || (Tournament::new(score), update), plain),
        _ => run(input, problem, || (GreedyVariable::one(score), update), plain),
    }
}

/// Runs step by step and checks each; then as a whole, in dirty memory, on another instruction set.
fn run<L: Loss<f64>, H: Penalty<f64>, S: Selection<f64>, U: Update<f64>>(
    input: &Input,
    (loss, penalty): (&L, &H),
    make: impl Fn() -> (S, U),
    plain: &Plain,
) {
    let p = loss.variables();
    let steps = u32::from(input.steps % 64);
    let stop = Stop { absolute: 1e-9, relative: 1e-9, max_steps: steps, check_every: 1 };
    let options = Options { stop, measure: Measure::Violation };
    let first: Vec<f64> = (0..p).map(|i| cycled(&input.first, i).tame()).collect();
    let problem = Problem::new(loss, penalty).expect("a sound problem");
    let solve = |x: &mut [f64], dirt: f64, less: usize| {
        let (select, update) = make();
        let mut scheme = Scheme { select, update };
        let sizes = Sizes::of(&problem, &scheme);
        let mut numbers = vec![dirt; Workspace::<f64>::required_len(&sizes).saturating_sub(less)];
        let mut indices = vec![u32::MAX; Workspace::<f64>::required_indices(&sizes)];
        let work = Workspace::new(&problem, &scheme, &mut numbers, &mut indices)?;
        descent::solve(&problem, &options, &mut scheme, x, work, &mut ())
    };
    let mut refused = first.clone();
    if input.refuse % 4 == 1 {
        assert!(matches!(solve(&mut refused, 0.0, 1), Err(Error::Workspace { .. })));
        assert_eq!(refused, first);
    } else if input.refuse % 4 == 2 {
        refused[0] = f64::NAN;
        assert_eq!(solve(&mut refused, 0.0, 0), Err(Error::Value { argument: "x", index: 0 }));
        assert_eq!(refused[1..], first[1..]);
    }

    let (select, update) = make();
    let mut scheme = Scheme { select, update };
    let sizes = Sizes::of(&problem, &scheme);
    let mut numbers = vec![f64::NAN; Workspace::<f64>::required_len(&sizes)];
    let mut indices = vec![u32::MAX; Workspace::<f64>::required_indices(&sizes)];
    let work = Workspace::new(&problem, &scheme, &mut numbers, &mut indices).expect("memory");
    let mut x = first.clone();
    let mut by_hand = descent::start(&problem, &options, &mut scheme, &mut x, work).expect("a run");
    let mut before = plain.look(by_hand.x());
    // What a run keeps up to date keeps the rounding of the largest numbers that were in it.
    let mut most = before.2;
    for _ in 0..steps {
        by_hand.step();
        if by_hand.failure().is_some() {
            break;
        }
        let now = plain.look(by_hand.x());
        assert!(by_hand.x().iter().all(|x| x.is_finite()), "{:?}", by_hand.x());
        // Without a minimum x runs to the largest numbers, where an objective is none.
        if !now.0.is_finite() || !now.2.is_finite() {
            break;
        }
        let rounding = 1e-12 * (before.2 + now.2);
        assert!(now.0 <= before.0 + rounding, "{} to {} ± {rounding}", before.0, now.0);
        most = most.max(now.2);
        let (told, exact) = (by_hand.residual(), plain.violation(by_hand.x(), &now.1));
        assert!((told - exact).abs() <= 1e-10 * most, "{told}, but {exact}, of {} and {most}", now.2);
        assert!((by_hand.objective() - now.0).abs() <= 1e-10 * most);
        before = now;
    }

    let mut whole = first.clone();
    let outcome = solve(&mut whole, f64::NAN, 0).expect("a run");
    assert!(whole.iter().all(|x| x.is_finite()), "{outcome:?} {whole:?}");
    let report = outcome.report;
    let (objective, g, size) = plain.look(&whole);
    let exact = plain.violation(&whole, &g);
    // As above: at the largest numbers there is nothing to compare.
    if report.status != Status::NotFinite && objective.is_finite() && size.is_finite() {
        assert!((report.residual - exact).abs() <= 1e-10 * size, "{outcome:?}, but {exact}");
        assert!((outcome.objective - objective).abs() <= 1e-10 * size, "{outcome:?}, but {objective}");
    }
    match report.status {
        Status::Converged => assert!(report.residual <= outcome.tolerance, "{outcome:?}"),
        Status::StepLimit => assert_eq!(report.steps, steps),
        _ => {}
    }
    force_level(Some(Level::Scalar));
    let mut again = first;
    let other = solve(&mut again, 1e30, 0).expect("a run");
    force_level(None);
    // As text: an objective that overflowed is no number, and no number is itself.
    assert_eq!((again, format!("{other:?}")), (whole, format!("{outcome:?}")));
}

/// One step on a forest against Gaussian elimination of its block.
fn eliminated<L: Loss<f64>>(input: &Input, loss: &L, plain: &Plain) {
    let p = loss.variables();
    let first: Vec<f64> = (0..p).map(|i| cycled(&input.first, i).tame()).collect();
    let problem = Problem::new(loss, &Free).expect("a sound problem");
    let score = if input.score.is_multiple_of(2) { Score::Violation } else { Score::Diagonal };
    let mut scheme = Scheme { select: GreedyForest::new(p, score), update: MessagePassing };
    let sizes = Sizes::of(&problem, &scheme);
    let mut numbers = vec![f64::NAN; Workspace::<f64>::required_len(&sizes)];
    let mut indices = vec![u32::MAX; Workspace::<f64>::required_indices(&sizes)];
    let work = Workspace::new(&problem, &scheme, &mut numbers, &mut indices).expect("memory");
    let mut x = first.clone();
    let mut run = descent::start(&problem, &Options::default(), &mut scheme, &mut x, work).expect("a run");
    run.step();
    assert!(matches!(run.failure(), None | Some(Status::Stalled)), "{:?}", run.failure());
    let block: Vec<usize> = run.last_block().iter().map(|&i| i as usize).collect();
    let (_, g, size) = plain.look(&first);
    let mut rows: Vec<Vec<f64>> =
        block.iter().map(|&i| block.iter().map(|&j| plain.rows[i][j]).chain([-g[i]]).collect()).collect();
    let n = block.len();
    // The diagonal dominates: no pivoting.
    for k in 0..n {
        let pivot = rows[k].clone();
        for (i, row) in rows.iter_mut().enumerate().filter(|(i, _)| *i != k) {
            let factor = row[k] / pivot[k];
            row.iter_mut().zip(&pivot).for_each(|(a, b)| *a -= factor * b);
            assert!(i < n);
        }
    }
    let edges: usize =
        block.iter().map(|&i| block.iter().filter(|&&j| j < i && plain.rows[i][j] != 0.0).count()).sum();
    assert!(edges < n.max(1), "{edges} edges among {n} vertices");
    for (k, &i) in block.iter().enumerate() {
        let exact = first[i] + rows[k][n] / rows[k][k];
        assert!((run.x()[i] - exact).abs() <= 1e-10 * size, "{} {exact}", run.x()[i]);
    }
}
