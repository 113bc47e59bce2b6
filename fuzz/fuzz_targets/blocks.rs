//! Block coordinate descent where `descent` does not go: every way to part the variables, rules that draw or rank whole
//! blocks, penalties that couple a block, and every update, each with each. What does not go together is refused and
//! touches nothing; a partition is what plain loops say; the objective never rises, and an exact step leaves no slope.
#![no_main]

#[path = "blocks/partition.rs"]
mod partition;
#[path = "blocks/parts.rs"]
mod parts;
#[path = "blocks/plain.rs"]
mod plain;

use arbitrary::Arbitrary;
use libfuzzer_sys::fuzz_target;
use rand_xoshiro::{Xoshiro256PlusPlus, rand_core::SeedableRng};
use southwell::descent::losses::{LeastSquares, Quadratic};
use southwell::descent::penalties::{
    ElasticNet, Free, Group, Interval, L1, NonNegative, Penalty, Shape, Simplex, Values,
};
use southwell::descent::selection::{
    Cyclic, Face, Greedy, GreedyQuadratic, HardThreshold, Proportional, RandomForest, RandomVariable, Score,
    Shuffled, Start, Uniform,
};
use southwell::descent::update::{
    Backtracking, Curvature, First, Gradient, Matrix, MessagePassing, Newton, ProxNewton, TwoMetric,
};
use southwell::descent::{self, Measure, Options, Partition, Problem, Scheme, Sizes, Workspace};
use southwell::linear::{Columns, Csr, Dense};
use southwell::{Error, Real, Run, Status, Stop};
use southwell_fuzz::{Number, bit, bits, cycled};
use southwell_simd::{Level, force_level};

use partition::{check_partition, listed, own_partition, part};
use parts::{Part, Rule, Smooth, Way};
use plain::{Added, Plain, wide};

#[derive(Arbitrary, Debug)]
struct Input {
    double: bool,
    loss: u8,
    kind: u8,
    rows: u8,
    columns: u8,
    samples: u8,
    lattice: bool,
    entries: Vec<Number>,
    pattern: Vec<u8>,
    target: Vec<Number>,
    first: Vec<Number>,
    weights: Vec<u8>,
    parting: u8,
    size: u8,
    order: Vec<u8>,
    rule: u8,
    score: u8,
    update: u8,
    penalty: u8,
    gap: bool,
    seed: u64,
    steps: u8,
    refuse: u8,
}

fuzz_target!(|input: Input| if input.double { check::<f64>(&input) } else { check::<f32>(&input) });

/// Everything in plain arrays, and what is known of it.
struct Case<'a> {
    input: &'a Input,
    plain: Plain,
    /// Blocks of the partition.
    blocks: Vec<Vec<usize>>,
    /// Least squares or a matrix that is positive semidefinite; with a margin.
    convex: bool,
    definite: bool,
}

fn check<T: Real>(input: &Input) {
    let (rows, columns) = (usize::from(input.rows % 4) + 1, usize::from(input.columns % 4) + 1);
    let p = rows * columns;
    let number = |k: usize| cycled(&input.entries, k).tame::<T>().to_f64();
    let mut matrix = vec![vec![0.0; p]; p];
    for (i, j) in (0..p).flat_map(|i| (0..i).map(move |j| (i, j))) {
        // Vertex (i, j) of a lattice at j·rows + i.
        let apart = (i % rows).abs_diff(j % rows) + (i / rows).abs_diff(j / rows);
        let joined = if input.lattice { apart == 1 } else { bit(&input.pattern, i * p + j) };
        let q = if joined { number(i * p + j) } else { 0.0 };
        (matrix[i][j], matrix[j][i]) = (q, q);
    }
    let kind = input.kind % 8;
    for (i, row) in matrix.iter_mut().enumerate() {
        // Dominant by a half; by nothing; anything.
        let sum: f64 = row.iter().map(|q| q.abs()).sum();
        row[i] = T::from_f64(match kind {
            0..6 => sum + 0.5 + number(i).abs(),
            6 => sum,
            _ => number(p * p + i),
        })
        .to_f64();
    }
    let (mut offsets, mut indices, mut values) = (vec![0], vec![], vec![]);
    for (i, row) in matrix.iter().enumerate() {
        for (j, &q) in row.iter().enumerate().filter(|(j, q)| *j == i || **q != 0.0) {
            indices.push(j as u32);
            values.push(T::from_f64(q));
        }
        offsets.push(indices.len() as u32);
    }
    let csr = Csr::new(&offsets, &indices, &values).expect("a sound matrix");

    let squares = input.loss % 3 == 2;
    let n = if squares { usize::from(input.samples % 9) + 1 } else { p };
    let design: Vec<T> = if squares {
        let entry = |k| if bit(&input.pattern, k) { T::from_f64(number(k)) } else { T::ZERO };
        (0..n * p).map(entry).collect()
    } else {
        vec![]
    };
    let target: Vec<T> = (0..n).map(|i| cycled(&input.target, i).tame()).collect();
    let whole: Vec<T> = matrix.concat().iter().map(|&q| T::from_f64(q)).collect();
    let loss = match input.loss % 3 {
        0 => Smooth::Sparse(Quadratic::new(csr, &target).expect("a sound loss")),
        1 => {
            let view = Dense::new(&whole, p, p).expect("a sound matrix");
            Smooth::Dense(Quadratic::new(view, &target).expect("a sound loss"))
        }
        _ => {
            let view = Columns::new(&design, n, p).expect("a sound design");
            Smooth::Squares(LeastSquares::new(view, &target).expect("a sound loss"))
        }
    };
    let diagonal: Vec<T> = (0..p).map(|i| T::from_f64(matrix[i][i])).collect();
    let plain = Plain {
        rows: matrix,
        design: wide(&design),
        target: wide(&target),
        added: Added::Each(vec![]),
        blocks: vec![],
    };
    let own = own_partition(input, p);
    let mut storage = vec![u32::MAX; Partition::graph_len(p).max(3 * p + 4)];
    let partition = part(input, (rows, columns), &csr, &diagonal, &mut storage, &own);
    let blocks = listed(&partition);
    check_partition(input, (rows, columns), &plain, &wide(&diagonal), &blocks);
    let case = Case { input, plain, blocks, convex: squares || kind < 7, definite: !squares && kind < 6 };
    with_penalty(case, &loss, partition);
}

fn with_penalty<T: Real>(mut case: Case<'_>, loss: &Smooth<'_, T>, partition: Partition<'_>) {
    let input = case.input;
    let p = partition.variables();
    let weight = |k: usize| {
        T::from_f64(
            f64::from(input.weights.get(k % input.weights.len().max(1)).copied().unwrap_or(16)) / 64.0,
        )
    };
    let several: Vec<T> = (0..p).map(weight).collect();
    let below: Vec<T> =
        (0..p).map(|i| if bit(&input.weights, i) { -weight(i + 1) } else { -T::INFINITY }).collect();
    let above: Vec<T> =
        (0..p).map(|i| if bit(&input.weights, i + p) { weight(i + 2) } else { T::INFINITY }).collect();
    // One block too many, at times.
    let groups = case.blocks.len() + usize::from(input.refuse % 16 == 5);
    let group: Vec<T> = (0..groups).map(weight).collect();
    let mut ridge = T::ZERO;
    let penalty = match input.penalty % 12 {
        5 => Part::L1(L1::new(Values::Each(&several))),
        6 => Part::Elastic(ElasticNet::new(weight(0), weight(1))),
        7 => Part::NonNegative(NonNegative::new(weight(0))),
        8 => Part::Interval(Interval {
            l2: weight(3),
            ..Interval::new(Values::Each(&below), Values::Each(&above))
        }),
        9 => Part::Group(Group::new(Values::Each(&group))),
        10 => Part::Group(Group::new(weight(0))),
        11 => {
            ridge = if bit(&input.weights, 2) { weight(1) } else { T::ZERO };
            Part::Simplex(Simplex { l2: ridge, ..Simplex::new(weight(0) + T::ONE) })
        }
        _ => Part::Free(Free),
    };
    case.plain.blocks = case.blocks.clone();
    let shape = |i: usize| match input.penalty % 12 {
        5 => Shape { l1: several[i].to_f64(), ..Shape::zero() },
        6 => Shape { l1: weight(0).to_f64(), l2: weight(1).to_f64(), ..Shape::zero() },
        7 => Shape { linear: weight(0).to_f64(), lower: 0.0, ..Shape::zero() },
        8 => Shape {
            l2: weight(3).to_f64(),
            lower: below[i].to_f64(),
            upper: above[i].to_f64(),
            ..Shape::zero()
        },
        _ => Shape::zero(),
    };
    case.plain.added = match input.penalty % 12 {
        9 => Added::Group(wide(&group[..case.blocks.len()])),
        10 => Added::Group(vec![weight(0).to_f64(); case.blocks.len()]),
        11 => Added::Simplex(ridge.to_f64()),
        _ => Added::Each((0..p).map(shape).collect()),
    };
    let scores = [
        Score::Violation,
        Score::Steepest,
        Score::Diagonal,
        Score::Length,
        Score::Progress,
        Score::DiagonalProgress,
    ];
    let score = scores[usize::from(input.score % 6)];
    let some = usize::from(input.size) % p + 1;
    let rng = || Xoshiro256PlusPlus::seed_from_u64(input.seed);
    let rule = || match input.rule % 10 {
        0 => Rule::Cyclic(Cyclic::new(partition)),
        1 => Rule::Uniform(Uniform::new(partition, rng())),
        2 => Rule::Shuffled(Shuffled::new(partition, rng())),
        3 => Rule::Proportional(Proportional::new(partition, rng())),
        4 => Rule::Greedy(Greedy::new(partition, score)),
        5 => Rule::Quadratic(GreedyQuadratic::new(partition)),
        6 => Rule::Variables(RandomVariable::new(p, some, rng())),
        7 => {
            let start = if input.score.is_multiple_of(2) { Start::Dense } else { Start::Diagonal };
            Rule::Threshold(HardThreshold::new(some, start))
        }
        8 => Rule::Forest(RandomForest::new(p, rng())),
        _ => Rule::Face(Face::new(Cyclic::new(partition), 2, p)),
    };
    let first = if bit(&input.pattern, 3) { First::Value(T::ONE) } else { First::Share(T::HALF) };
    let way = match input.update % 8 {
        0 => Way::Gradient(Gradient),
        1 => Way::Backtracking(Backtracking { first }),
        2 => Way::Matrix(Matrix),
        3 => Way::Newton(Newton::default()),
        4 => Way::ProxNewton(ProxNewton { max_sweeps: 200, ..ProxNewton::default() }),
        5 => {
            let curvature = Curvature::Hessian;
            Way::ProxNewton(ProxNewton { curvature, max_sweeps: 200, ..ProxNewton::default() })
        }
        6 => Way::TwoMetric(TwoMetric::default()),
        _ => Way::Messages(MessagePassing),
    };
    run(&case, loss, &penalty, || Scheme { select: rule(), update: way });
}

/// Whether these parts go together.
fn fits<T: Real>(
    input: &Input,
    loss: &Smooth<'_, T>,
    penalty: &Part<'_, T>,
    scheme: &Scheme<Rule<'_, T>, Way<T>>,
) -> bool {
    let (smooth, separable) = (matches!(penalty, Part::Free(_)), Penalty::<T>::separable(penalty));
    let sparse = matches!(loss, Smooth::Sparse(_));
    let drawn = matches!(scheme.select, Rule::Variables(_) | Rule::Threshold(_) | Rule::Forest(_));
    let select = match scheme.select {
        Rule::Quadratic(_) | Rule::Threshold(_) => smooth,
        Rule::Forest(_) => sparse && separable,
        Rule::Greedy(_) => separable || !matches!(input.score % 6, 2 | 5),
        Rule::Face(_) => separable,
        _ => true,
    };
    let update = match scheme.update {
        Way::Matrix(_) | Way::Newton(_) => smooth,
        Way::Messages(_) => smooth && sparse,
        Way::ProxNewton(_) | Way::TwoMetric(_) => separable,
        _ => true,
    };
    let extra = input.refuse % 16 == 5 && input.penalty % 12 == 9;
    let bounded = || match penalty {
        Part::Elastic(h) => matches!(h.l2, Values::Same(l2) if l2 > T::ZERO),
        Part::Interval(h) => {
            let ends =
                |i| penalty.shape(i).is_some_and(|h: Shape<T>| h.lower.is_finite() && h.upper.is_finite());
            h.l2 > T::ZERO
                || (0..usize::from(input.rows % 4 + 1) * usize::from(input.columns % 4 + 1)).all(ends)
        }
        Part::Group(_) | Part::Simplex(_) => true,
        _ => false,
    };
    (separable || !drawn) && select && update && !extra && (!input.gap || bounded())
}

fn run<'a, T: Real>(
    case: &Case<'_>,
    loss: &Smooth<'_, T>,
    penalty: &Part<'_, T>,
    make: impl Fn() -> Scheme<Rule<'a, T>, Way<T>>,
) {
    let (input, plain) = (case.input, &case.plain);
    let p = plain.rows.len();
    let steps = u32::from(input.steps % 48);
    let epsilon = T::EPSILON;
    let stop = Stop { absolute: epsilon, relative: epsilon, max_steps: steps, check_every: 1 };
    let measure = if input.gap { Measure::Gap } else { Measure::Violation };
    let options = Options { stop, measure };
    let first: Vec<T> = (0..p).map(|i| cycled(&input.first, i).tame()).collect();
    let problem = Problem::new(loss, penalty).expect("a sound problem");
    let solve = |x: &mut [T], dirt: T, less: usize, options: &Options<T>| {
        let mut scheme = make();
        let sizes = Sizes::of(&problem, &scheme);
        let mut numbers = vec![dirt; Workspace::<T>::required_len(&sizes).saturating_sub(less)];
        let mut indices = vec![u32::MAX; Workspace::<T>::required_indices(&sizes)];
        let work = Workspace::new(&problem, &scheme, &mut numbers, &mut indices)?;
        descent::solve(&problem, options, &mut scheme, x, work, &mut ())
    };
    let mut scheme = make();
    if !fits(input, loss, penalty, &scheme) {
        let mut x = first.clone();
        let refused = solve(&mut x, T::NAN, 0, &options);
        assert!(matches!(refused, Err(Error::Option { .. } | Error::Dimension { .. })), "{refused:?}");
        assert_eq!(bits(&x), bits(&first));
        return;
    }
    let mut refused = first.clone();
    if input.refuse % 16 == 6 {
        assert!(matches!(solve(&mut refused, T::ZERO, 1, &options), Err(Error::Workspace { .. })));
        assert_eq!(bits(&refused), bits(&first));
    } else if input.refuse % 16 == 7 {
        refused[p - 1] = T::INFINITY;
        let error = Error::Value { argument: "x", index: p - 1 };
        assert_eq!(solve(&mut refused, T::ZERO, 0, &options).err(), Some(error));
        assert_eq!(bits(&refused[..p - 1]), bits(&first[..p - 1]));
    }

    // Step by step.
    let sizes = Sizes::of(&problem, &scheme);
    let mut numbers = vec![T::NAN; Workspace::<T>::required_len(&sizes)];
    let mut indices = vec![u32::MAX; Workspace::<T>::required_indices(&sizes)];
    let work = Workspace::new(&problem, &scheme, &mut numbers, &mut indices).expect("memory");
    let mut x = first.clone();
    let mut by_hand = descent::start(&problem, &options, &mut scheme, &mut x, work).expect("a run");
    let mut look = plain.look(&wide(by_hand.x()));
    let (mut slopes, mut size) = (look.slopes, look.size);
    let mut seen = vec![by_hand.x().to_vec()];
    let mut values = vec![(look.value, by_hand.residual().to_f64())];
    let mut round = vec![];
    for step in 0..steps {
        let (x_before, before) = (wide(by_hand.x()), look);
        by_hand.step();
        look = plain.look(&wide(by_hand.x()));
        let x = wide(by_hand.x());
        assert!(x.iter().all(|x| x.is_finite()), "{x:?}");
        (slopes, size) = (slopes.max(look.slopes), size.max(look.size));
        // Without a minimum x runs to the largest numbers, where an objective is none.
        if size >= T::MAX.to_f64().sqrt() {
            seen.clear();
            break;
        }
        // Every step rounds the state that is carried along; a few sums of p terms are on top.
        let u = 64.0 * f64::from(step + 16 + p as u32) * epsilon.to_f64();
        let block: Vec<usize> = by_hand.last_block().iter().map(|&i| i as usize).collect();
        check_block(
            case,
            &make().select,
            (step, &block, &mut round),
            &x_before,
            &before.gradient,
            u * slopes,
        );
        if let Some(failure) = by_hand.failure() {
            assert_eq!(wide(by_hand.x()), x_before);
            let looped = matches!(make().update, Way::Messages(_)) && !plain.is_forest(&block);
            match failure {
                Status::Stalled => {}
                Status::Breakdown => assert!(looped || !case.definite, "{block:?}"),
                other => assert!(!case.definite, "{other:?}"),
            }
            break;
        }
        assert!(look.value <= before.value + u * size, "{} to {} ± {}", before.value, look.value, u * size);
        let (told, objective) = (by_hand.residual().to_f64(), by_hand.objective().to_f64());
        assert!((objective - look.value).abs() <= u * size, "{objective}, but {}", look.value);
        if !input.gap {
            let exact = plain.violation(&x, &look.gradient);
            assert!((told - exact).abs() <= u * slopes, "{told}, but {exact}");
        }
        values.push((look.value, told));
        if case.definite && matches!(make().update, Way::Matrix(_) | Way::Messages(_)) {
            // H⁻¹ is at most 2: what is left of the slope is rounding.
            for &i in &block {
                assert!(
                    look.gradient[i].abs() <= u * slopes * p as f64,
                    "{} ± {}",
                    look.gradient[i],
                    u * slopes
                );
            }
        }
        seen.push(by_hand.x().to_vec());
    }
    let u = 64.0 * f64::from(steps + 16 + p as u32) * epsilon.to_f64();
    if input.gap && case.convex {
        let least = values.iter().map(|v| v.0).fold(f64::INFINITY, f64::min);
        for (value, gap) in &values {
            // A weight of squares, 1/64 at least, divides a slope that is off by u times its size.
            let off = u * (size + 64.0 * p as f64 * slopes * slopes);
            assert!(value - gap <= least + off, "{value} − {gap} is above {least} ± {off}");
        }
    }
    if Penalty::<T>::separable(penalty) && !seen.is_empty() {
        let (x, Added::Each(shapes)) = (wide(by_hand.x()), &plain.added) else { unreachable!("separable") };
        let bent = |(h, x): (&Shape<f64>, &f64)| *x <= h.lower || *x >= h.upper || (*x == 0.0 && h.l1 > 0.0);
        let found = by_hand.identified();
        assert_eq!(found.free, p - shapes.iter().zip(&x).filter(|each| bent(*each)).count());
        assert!(found.margin >= T::ZERO && (found.free < p || found.margin == T::INFINITY));
    }

    // As a whole, looked at seldom and often, in dirty memory and on another instruction set.
    let seldom = Options {
        stop: Stop { absolute: T::MIN_POSITIVE, relative: T::ZERO, check_every: u32::MAX, ..stop },
        measure,
    };
    let mut x = first.clone();
    let outcome = solve(&mut x, T::NAN, 0, &seldom).expect("a run");
    if let Some(last) = seen.len().checked_sub(1) {
        let at = (outcome.report.steps as usize).min(last);
        assert_eq!(bits(&x), bits(&seen[at]), "looked at seldom: {outcome:?}");
    }
    let mut whole = first.clone();
    let outcome = solve(&mut whole, T::NAN, 0, &options).expect("a run");
    assert!(whole.iter().all(|x| x.is_finite()), "{outcome:?} {whole:?}");
    let report = outcome.report;
    let x = wide(&whole);
    let look = plain.look(&x);
    if report.status != Status::NotFinite && !seen.is_empty() && look.size <= size {
        let (objective, residual) = (outcome.objective.to_f64(), report.residual.to_f64());
        assert!((objective - look.value).abs() <= u * size, "{outcome:?}, but {}", look.value);
        let exact = plain.violation(&x, &look.gradient);
        assert!(input.gap || (residual - exact).abs() <= u * slopes, "{outcome:?}, but {exact}");
    }
    match report.status {
        Status::Converged => assert!(report.residual <= outcome.tolerance, "{outcome:?}"),
        Status::StepLimit => assert_eq!(report.steps, steps),
        _ => {}
    }
    force_level(Some(Level::Scalar));
    let mut again = first;
    let other = solve(&mut again, T::MAX, 0, &options).expect("a run");
    force_level(None);
    // As text: an objective that overflowed is no number, and no number is itself.
    assert_eq!((bits(&again), format!("{other:?}")), (bits(&whole), format!("{outcome:?}")));
}

/// The block of a step, as its rule promises it; `round` is what Shuffled has chosen in this round.
fn check_block<T: Real>(
    case: &Case<'_>,
    rule: &Rule<'_, T>,
    (step, block, round): (u32, &[usize], &mut Vec<usize>),
    x: &[f64],
    g: &[f64],
    bound: f64,
) {
    let (plain, blocks, p) = (&case.plain, &case.blocks, x.len());
    let mut distinct = block.to_vec();
    distinct.sort_unstable();
    distinct.dedup();
    assert!(
        !block.is_empty() && distinct.len() == block.len() && distinct.iter().all(|&i| i < p),
        "{block:?}"
    );
    let number = blocks.iter().position(|of| of == block);
    let some = usize::from(case.input.size) % p + 1;
    match rule {
        Rule::Cyclic(_) => assert_eq!(number, Some(step as usize % blocks.len())),
        Rule::Shuffled(_) => {
            if round.len() == blocks.len() {
                round.clear();
            }
            let number = number.expect("a block of the partition");
            assert!(!round.contains(&number));
            round.push(number);
        }
        Rule::Uniform(_) | Rule::Proportional(_) => assert!(number.is_some()),
        Rule::Greedy(_) => {
            assert!(number.is_some());
            if case.input.score.is_multiple_of(6) {
                let of = |number: usize| plain.violation_of(number, &blocks[number], x, g);
                let best = (0..blocks.len()).map(of).fold(0.0, f64::max);
                let chosen = of(number.expect("a block of the partition"));
                assert!(chosen >= best - bound * (p as f64).sqrt(), "{chosen}, but {best}");
            }
        }
        Rule::Quadratic(_) => {
            assert!(number.is_some());
            if case.definite {
                let best = blocks.iter().map(|block| plain.gain(block, g)).fold(0.0, f64::max);
                // Slopes off by `bound`, and H⁻¹ of at most 2: an elimination loses no more than its condition.
                let slopes = g.iter().map(|g| g.abs()).sum::<f64>();
                let largest = (0..p).map(|i| plain.curvature(i, i)).fold(1.0, f64::max);
                let off = 8.0 * bound * slopes * largest;
                assert!(plain.gain(block, g) >= best - off, "{block:?}: {} of {best}", plain.gain(block, g));
            }
        }
        Rule::Variables(_) | Rule::Threshold(_) => assert_eq!(block.len(), some),
        Rule::Forest(_) => {
            assert!(plain.is_forest(block));
            let more = (0..p).filter(|i| !block.contains(i));
            more.for_each(|i| {
                assert!(!plain.is_forest(&[block, &[i]].concat()), "{i} is missing in {block:?}")
            });
        }
        Rule::Face(_) => {}
    }
}
