//! Greedy rules: what a step takes is what the definition of the score ranks first, step after step.

use southwell::Run;
use southwell::descent::losses::Quadratic;
use southwell::descent::penalties::{
    Block, ElasticNet, Free, Group, Interval, L1, NonNegative, Simplex, Values,
};
use southwell::descent::selection::{
    Greedy, GreedyQuadratic, GreedyVariable, HardThreshold, Score, Selection, Start,
};
use southwell::descent::update::Gradient;
use southwell::descent::{Partition, Penalty};
use southwell::linear::Dense;

use crate::common::descending::{SCORES, begun};
use crate::common::{Lu, Numbers};

const N: usize = 7;
const OFFSETS: [u32; 4] = [0, 2, 5, 7];
const ORDER: [u32; 7] = [3, 0, 6, 1, 4, 2, 5];
/// ½xᵀHx − bᵀx, the variables of different scales.
struct Form {
    h: Vec<f64>,
    b: Vec<f64>,
}

impl Form {
    fn random(seed: u64) -> Self {
        let mut numbers = Numbers(seed);
        let scales: Vec<f64> = (0..N).map(|i| [0.5, 3.0, 1.0, 6.0, 2.0, 0.25, 4.0][i]).collect();
        let g: Vec<f64> = (0..N * N).map(|k| numbers.next() * scales[k % N]).collect();
        let entry = |i: usize, j: usize| {
            (0..N).map(|k| g[k * N + i] * g[k * N + j]).sum::<f64>()
                + if i == j { 0.25 * scales[i] } else { 0.0 }
        };
        Self {
            h: (0..N * N).map(|k| entry(k / N, k % N)).collect(),
            b: (0..N).map(|_| 4.0 * numbers.next()).collect(),
        }
    }

    fn gradient(&self, x: &[f64]) -> Vec<f64> {
        (0..N).map(|i| (0..N).map(|j| self.h[i * N + j] * x[j]).sum::<f64>() - self.b[i]).collect()
    }

    fn of(&self, block: &[u32]) -> Vec<f64> {
        let at = |i: u32, j: u32| self.h[i as usize * N + j as usize];
        block.iter().flat_map(|&i| block.iter().map(move |&j| at(i, j))).collect()
    }

    /// d with H_b d = g_b.
    fn exact(&self, block: &[u32], g: &[f64]) -> Vec<f64> {
        let rows = self.of(block).chunks(block.len()).map(<[f64]>::to_vec).collect();
        Lu::new(rows).solve(&of(block, g))
    }
}

/// The largest eigenvalue of a symmetric n × n matrix, by powers.
pub(crate) fn largest_eigenvalue(h: &[f64], n: usize) -> f64 {
    let (mut v, mut norm) = (vec![1.0; n], 0.0);
    for _ in 0..100_000 {
        let w: Vec<f64> = (0..n).map(|i| (0..n).map(|j| h[i * n + j] * v[j]).sum()).collect();
        let before = norm;
        norm = w.iter().map(|w| w * w).sum::<f64>().sqrt();
        v = w.iter().map(|w| w / norm).collect();
        if norm == before {
            break;
        }
    }
    norm
}

fn of(block: &[u32], x: &[f64]) -> Vec<f64> {
    block.iter().map(|&i| x[i as usize]).collect()
}

/// A score by its definition, d being the proximal step of length 1/l.
fn score<H: Penalty<f64>>(kind: Score, penalty: &H, block: Block<'_>, l: f64, x: &[f64], g: &[f64]) -> f64 {
    let mut next: Vec<f64> = x.iter().zip(g).map(|(x, g)| x - g / l).collect();
    penalty.prox(block, 1.0 / l, &mut next);
    let d: Vec<f64> = next.iter().zip(x).map(|(next, x)| next - x).collect();
    let square: f64 = d.iter().map(|d| d * d).sum();
    match kind {
        Score::Violation => penalty.violation(block, x, g).sqrt(),
        Score::Steepest => penalty.violation(block, x, g).sqrt() / l.sqrt(),
        Score::Length => (l * square).sqrt(),
        _ => {
            let linear: f64 = d.iter().zip(g).map(|(d, g)| d * g).sum();
            penalty.value(block, x) - penalty.value(block, &next) - linear - 0.5 * l * square
        }
    }
}

/// The sum over the variables of a block.
fn one_by_one<H: Penalty<f64>>(
    kind: Score,
    form: &Form,
    penalty: &H,
    block: Block<'_>,
    x: &[f64],
    g: &[f64],
) -> f64 {
    let each = block.variables.iter().zip(x.iter().zip(g));
    let one = |(&i, (&x, &g)): (&u32, (&f64, &f64))| {
        let (variables, l) = ([i], form.h[i as usize * (N + 1)]);
        let one = Block { number: block.number, variables: &variables };
        match kind {
            Score::Diagonal => score(Score::Steepest, penalty, one, l, &[x], &[g]).powi(2),
            _ => score(Score::Progress, penalty, one, l, &[x], &[g]),
        }
    };
    each.map(one).sum()
}

/// Blocks of a partition: in every step the chosen one has the largest score.
fn blocks<H: Penalty<f64>>(penalty: &H) {
    let mut scratch = [0];
    let partition = Partition::new(&OFFSETS, &ORDER, &mut scratch).expect("a partition");
    for (seed, kind) in (0..4).flat_map(|seed| SCORES.map(|kind| (seed, kind))) {
        let by_variables = matches!(kind, Score::Diagonal | Score::DiagonalProgress);
        if by_variables && !penalty.separable() {
            continue;
        }
        let form = Form::random(seed);
        let matrix = Dense::new(&form.h, N, N).expect("a matrix");
        let loss = Quadratic::new(matrix, &form.b).expect("a loss");
        let all: Vec<&[u32]> =
            OFFSETS.windows(2).map(|ends| &ORDER[ends[0] as usize..ends[1] as usize]).collect();
        let constants: Vec<f64> =
            all.iter().map(|block| largest_eigenvalue(&form.of(block), block.len())).collect();
        let rank = |number: usize, x: &[f64], g: &[f64]| {
            let block = Block { number, variables: all[number] };
            let (x, g) = (of(all[number], x), of(all[number], g));
            match kind {
                Score::Diagonal | Score::DiagonalProgress => one_by_one(kind, &form, penalty, block, &x, &g),
                _ => score(kind, penalty, block, constants[number], &x, &g),
            }
        };
        let decided = follow(&loss, penalty, Greedy::new(partition, kind), &form, |x, g, chosen| {
            let ranks: Vec<f64> = (0..3).map(|number| rank(number, x, g)).collect();
            let best = ranks.iter().fold(0.0_f64, |best, &rank| best.max(rank));
            let number = all.iter().position(|block| *block == chosen).expect("a block");
            assert!(ranks[number] >= best * (1.0 - 1e-9), "{kind:?}, {seed}: {number} of {ranks:?}");
            best
        });
        assert!(decided > 2, "{kind:?}, {seed}: {decided}");
    }
}

/// Steps from a random point; `check` is given x, ∇f and the block of every one, and returns the best score.
fn follow<H: Penalty<f64>, S: Selection<f64>>(
    loss: &Quadratic<'_, f64, Dense<'_, f64>>,
    penalty: &H,
    select: S,
    form: &Form,
    mut check: impl FnMut(&[f64], &[f64], &[u32]) -> f64,
) -> u32 {
    let mut x = Numbers(17).vector(N);
    begun((loss, penalty), (select, Gradient), &mut x, |run| {
        let (mut decided, mut most) = (0, 0.0_f64);
        for _ in 0..24 {
            let x = run.x().to_vec();
            run.step();
            let best = check(&x, &form.gradient(&x), run.last_block());
            most = most.max(best);
            // What is left is rounding.
            if run.failure().is_some() || best <= 1e-9 * most {
                break;
            }
            decided += 1;
        }
        decided
    })
}

/// Variables: the chosen ones have the largest scores, one or three of them.
fn variables<H: Penalty<f64>>(penalty: &H) {
    for (seed, size) in [(0, 1), (1, 1), (2, 1), (3, 3), (4, 3), (5, 3), (6, N)] {
        for kind in SCORES {
            let form = Form::random(seed);
            let matrix = Dense::new(&form.h, N, N).expect("a matrix");
            let loss = Quadratic::new(matrix, &form.b).expect("a loss");
            let curvature = |i: usize| match kind {
                Score::Steepest if size > 1 => (0..N).map(|j| form.h[i * N + j].abs()).sum(),
                _ => form.h[i * (N + 1)],
            };
            let rank = |i: usize, x: &[f64], g: &[f64]| {
                let (variables, x, g) = ([i as u32], [x[i]], [g[i]]);
                let block = Block { number: 0, variables: &variables };
                let alike = match kind {
                    Score::Diagonal => Score::Steepest,
                    Score::DiagonalProgress => Score::Progress,
                    other => other,
                };
                score(alike, penalty, block, curvature(i), &x, &g)
            };
            follow(&loss, penalty, GreedyVariable::new(size, kind), &form, |x, g, chosen| {
                let mut ranks: Vec<f64> = (0..N).map(|i| rank(i, x, g)).collect();
                let least = chosen.iter().fold(f64::INFINITY, |least, &i| least.min(ranks[i as usize]));
                assert_eq!(chosen.len(), size);
                ranks.sort_by(|a, b| b.total_cmp(a));
                let enough = ranks[size - 1];
                assert!(least >= enough * (1.0 - 1e-9) - 1e-12, "{kind:?}, {seed}: {chosen:?}, {ranks:?}");
                ranks[0]
            });
        }
    }
}

#[test]
fn the_best_block_of_a_partition() {
    blocks(&Free);
    blocks(&L1::new(0.5));
    blocks(&ElasticNet::new(0.25, 1.5));
    blocks(&NonNegative::new(0.25));
    blocks(&Interval::new(-0.375, 0.25));
    blocks(&Group::new(Values::Each(&[0.5, 1.0, 0.75])));
    blocks(&Simplex { sum: 1.5, l2: 0.5 });
}

#[test]
fn the_best_variables() {
    variables(&Free);
    variables(&L1::new(0.5));
    variables(&ElasticNet::new(0.25, 1.5));
    variables(&NonNegative::new(0.25));
    variables(&Interval::new(-0.375, 0.25));
}

/// g_bᵀH_b⁻¹g_b, by a solve of its own.
#[test]
fn the_block_with_the_best_exact_step() {
    let mut scratch = [0];
    let partition = Partition::new(&OFFSETS, &ORDER, &mut scratch).expect("a partition");
    for seed in 0..6 {
        let form = Form::random(seed);
        let matrix = Dense::new(&form.h, N, N).expect("a matrix");
        let loss = Quadratic::new(matrix, &form.b).expect("a loss");
        let all: Vec<&[u32]> =
            OFFSETS.windows(2).map(|ends| &ORDER[ends[0] as usize..ends[1] as usize]).collect();
        follow(&loss, &Free, GreedyQuadratic::new(partition), &form, |_, g, chosen| {
            let gain = |block: &[u32]| {
                let d = form.exact(block, g);
                of(block, g).iter().zip(&d).map(|(g, d)| g * d).sum::<f64>()
            };
            let best = all.iter().fold(0.0_f64, |best, block| best.max(gain(block)));
            assert!(gain(chosen) >= best * (1.0 - 1e-9), "{seed}: {chosen:?}");
            best
        });
    }
}

/// From the diagonal start thresholding never does worse than it began: −(gᵀd + ½dᵀHd) of the exact step on what is
/// chosen is at least that of d = −g_i/L_i on the variables with the largest |g_i|/√L_i. A cycle's top eigenvector
/// alternates, and a step length from any other one is too long.
#[test]
fn thresholding_is_never_worse_than_its_start() {
    for (seed, size) in (0..8).flat_map(|seed| [(seed, 1), (seed, 2), (seed, 4)]) {
        let mut form = Form::random(seed);
        if seed % 2 == 0 {
            for (i, row) in form.h.chunks_mut(N).enumerate() {
                row.fill(0.0);
                row[i] = 2.01;
                // Six in a cycle, and one alone.
                if i < 6 {
                    row[(i + 1) % 6] = -1.0;
                    row[(i + 5) % 6] = -1.0;
                }
            }
        }
        let matrix = Dense::new(&form.h, N, N).expect("a matrix");
        let loss = Quadratic::new(matrix, &form.b).expect("a loss");
        let select = HardThreshold::new(size, Start::Diagonal);
        follow(&loss, &Free, select, &form, |_, g, chosen| {
            let l = |i: u32| form.h[i as usize * (N + 1)];
            let mut order: Vec<u32> = (0..N as u32).collect();
            let key = |i: &u32| g[*i as usize].abs() / l(*i).sqrt();
            order.sort_by(|a, b| key(b).total_cmp(&key(a)));
            order.truncate(size);
            let d: Vec<f64> = order.iter().map(|&i| -g[i as usize] / l(i)).collect();
            let h = form.of(&order);
            let quadratic: f64 = (0..size * size).map(|k| d[k / size] * h[k] * d[k % size]).sum();
            let linear: f64 = of(&order, g).iter().zip(&d).map(|(g, d)| g * d).sum();
            let begun = -(linear + 0.5 * quadratic);
            let step = form.exact(chosen, g);
            let gain = 0.5 * of(chosen, g).iter().zip(&step).map(|(g, d)| g * d).sum::<f64>();
            assert!(gain >= begun * (1.0 - 1e-9), "{seed}, {size}: {gain} {begun}");
            gain
        });
    }
}
