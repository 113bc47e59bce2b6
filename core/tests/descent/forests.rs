//! Forest blocks of label propagation, eliminated exactly (Nutini, Laradji & Schmidt 2022): f − f* after 10, 100 and 200
//! steps.

use crate::common::descending::{begun, quadratic};
use crate::common::streams::{Graph, Stream, set_d, set_e};
use crate::common::{Lu, Numbers};
use southwell::Run;
use southwell::descent::losses::Loss;
use southwell::descent::partitions::Visit;
use southwell::descent::penalties::Free;
use southwell::descent::selection::{Cyclic, GreedyForest, GreedyVariable, RandomForest, Score};
use southwell::descent::update::{Matrix, MessagePassing};
use southwell::descent::{Partition, Selection, Update};

/// f after 10, 100 and 200 steps, and the mean size of a block.
fn values<L: Loss<f64>, S: Selection<f64>, U: Update<f64>>(
    loss: &L,
    select: S,
    update: U,
) -> ([f64; 3], f64) {
    let mut x = vec![0.0; loss.variables()];
    begun((loss, &Free), (select, update), &mut x, |run| {
        let mut size = 0;
        let f = [10, 90, 100].map(|steps| {
            for _ in 0..steps {
                run.step();
                assert_eq!(run.failure(), None);
                size += run.last_block().len();
            }
            run.objective()
        });
        (f, size as f64 / 200.0)
    })
}

/// Unlabelled vertices of the lattice in a partition of all of them, renumbered; its blocks.
fn restricted(partition: &Partition<'_>, vertices: &[u32]) -> (Vec<u32>, Vec<u32>) {
    let mut block = vec![0; partition.variables()];
    let (mut order, mut offsets) = (vec![], vec![0]);
    for number in 0..partition.len() {
        let len = partition.fill(number, &mut block);
        let mut names: Vec<u32> =
            block[..len].iter().filter_map(|v| vertices.binary_search(v).ok()).map(|i| i as u32).collect();
        names.sort_unstable();
        order.extend(names);
        offsets.push(order.len() as u32);
    }
    (offsets, order)
}

struct Expected {
    colours: [f64; 3],
    combs: Option<[f64; 3]>,
    trees: [f64; 3],
    sizes: &'static [usize],
    greedy: ([f64; 3], f64),
    random: [f64; 3],
    general: ([f64; 3], usize),
}

fn check(graph: &Graph, least: f64, expected: &Expected) {
    let loss = quadratic(graph);
    let p = loss.variables();
    let n = graph.offsets.len() - 1;
    let vertices: Vec<u32> = (0..n as u32).filter(|v| !graph.labelled.contains(v)).collect();
    let mut wrong = vec![];
    let mut compare = |name: &str, (f, size): ([f64; 3], f64), to: [f64; 3]| {
        let off = f.map(|f| f - least);
        println!("{name}: {off:?}, for {to:?}, mean size {size}");
        // Which of several equal derivatives comes first is worth 1 % on the small lattice.
        let early = if name == "greedy" { 1.02 } else { 1.01 };
        // Early to 1 %, late within a factor of two, and 1e-12 of f* for the rounding of f.
        for ((off, to), factor) in off.into_iter().zip(to).zip([early, 2.0, 2.0]) {
            let floor = 1e-12 * least.abs();
            if !(off <= to * factor + floor && off >= to / factor - floor) {
                wrong.push(format!("{name}: {off:.3e}, not {to:.3e}"));
            }
        }
    };
    let mut storage = vec![0; 3 * n];
    let side = (n as f64).sqrt() as usize;
    if let Some(combs) = expected.combs {
        for (name, to, partition) in [
            ("red-black", expected.colours, Partition::red_black(side, side, &mut storage.clone())),
            ("combs", combs, Partition::combs(side, side, &mut storage)),
        ] {
            let (offsets, order) = restricted(&partition.expect("a lattice"), &vertices);
            let partition = Partition::new(&offsets, &order, &mut vec![0; n]).expect("blocks");
            compare(name, values(&loss, Cyclic::new(partition), MessagePassing), to);
        }
    } else {
        let mut storage = vec![0; Partition::graph_len(p)];
        let colours = Partition::coloured(loss.matrix(), Visit::Descending, &mut storage).expect("colours");
        assert_eq!(colours.len(), 7);
        compare("colouring", values(&loss, Cyclic::new(colours), MessagePassing), expected.colours);
    }
    let mut storage = vec![0; Partition::graph_len(p)];
    let trees = Partition::forests(loss.matrix(), Visit::Descending, &mut storage).expect("trees");
    let sizes: Vec<usize> = (0..trees.len()).map(|b| trees.fill(b, &mut vec![0; p])).collect();
    assert_eq!(sizes, expected.sizes);
    compare("trees", values(&loss, Cyclic::new(trees), MessagePassing), expected.trees);
    let greedy = values(&loss, GreedyForest::new(p, Score::Violation), MessagePassing);
    compare("greedy", greedy, expected.greedy.0);
    let off = (greedy.1 - expected.greedy.1).abs();
    assert!(off <= 0.02 * expected.greedy.1, "mean size {}", greedy.1);
    let random = values(&loss, RandomForest::new(p, Stream::new(910)), MessagePassing);
    compare("random", random, expected.random);
    let general = (p as f64).cbrt() as usize;
    assert_eq!(general, expected.general.1);
    let select = GreedyVariable::new(general, Score::Violation);
    compare("general", values(&loss, select, Matrix), expected.general.0);
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn small_lattice() {
    check(
        &set_d(20, 40),
        -582_984_634.921_67,
        &Expected {
            colours: [2.77e7, 6.67e4, 5.03e2],
            combs: Some([9.99e6, 3.40e2, 1.32e-2]),
            trees: [1.37e7, 3.97e3, 2.08],
            sizes: &[259, 101],
            greedy: ([8.24e6, 2.25e2, 5.64e-3], 247.0),
            random: [1.69e7, 8.63e3, 9.41],
            general: ([2.45e8, 3.77e7, 1.58e7], 7),
        },
    );
}

#[test]
fn small_moons() {
    check(
        &set_e(400, 40),
        -268.695_906_537_54,
        &Expected {
            colours: [1.24e2, 6.89, 8.86e-1],
            combs: None,
            trees: [4.22e1, 1.22e-1, 5.49e-4],
            sizes: &[152, 160, 48],
            greedy: ([2.98e1, 4.96e-2, 1.45e-4], 171.0),
            random: [6.21e1, 9.97e-1, 4.37e-2],
            general: ([1.88e2, 6.02e1, 3.47e1], 7),
        },
    );
}

#[test]
fn lattice() {
    check(
        &set_d(50, 100),
        -1_217_118_695.877_83,
        &Expected {
            colours: [1.29e8, 1.16e6, 6.79e4],
            combs: Some([5.29e7, 6.44e4, 3.88e2]),
            trees: [7.19e7, 2.41e5, 4.54e3],
            sizes: &[1652, 748],
            greedy: ([4.45e7, 5.57e4, 3.35e2], 1548.0),
            random: [9.13e7, 4.25e5, 1.27e4],
            general: ([6.98e8, 2.72e8, 1.83e8], 13),
        },
    );
}

#[test]
fn moons() {
    check(
        &set_e(2000, 100),
        -723.359_732_675_38,
        &Expected {
            colours: [4.18e2, 6.55e1, 2.16e1],
            combs: None,
            trees: [2.06e2, 7.20, 4.58e-1],
            sizes: &[796, 845, 259],
            greedy: ([1.62e2, 3.26, 1.08e-1], 884.0),
            random: [2.83e2, 1.98e1, 2.91],
            general: ([6.10e2, 3.48e2, 2.59e2], 12),
        },
    );
}

/// One step on a forest of a random graph, against elimination of the dense block.
#[test]
fn message_passing_is_a_dense_solve() {
    for seed in 0..20 {
        let mut numbers = Numbers(seed);
        let plain = crate::common::Plain::random(&mut numbers, 40, 2, true);
        let view = plain.csr::<f64>();
        let linear = numbers.vector(40);
        let loss = southwell::descent::losses::Quadratic::new(view, &linear).expect("a quadratic");
        let mut x = numbers.vector(40);
        let first = x.clone();
        let select = RandomForest::new(40, Stream::new(seed));
        let (block, after) = begun((&loss, &Free), (select, MessagePassing), &mut x, |run| {
            run.step();
            assert_eq!(run.failure(), None);
            (run.last_block().to_vec(), run.x().to_vec())
        });
        assert!(block.len() > 10, "{block:?}");
        let residual = plain.residual(&linear, &first);
        let at = |&i: &u32| residual[i as usize];
        let matrix = block
            .iter()
            .map(|&i| block.iter().map(|&j| view.get(i as usize, j as usize)).collect())
            .collect();
        let d = Lu::new(matrix).solve(&block.iter().map(at).collect::<Vec<_>>());
        for (k, &i) in block.iter().enumerate() {
            let exact = first[i as usize] + d[k];
            assert!((after[i as usize] - exact).abs() < 1e-12 * exact.abs().max(1.0), "{seed}");
        }
        // Any vertex beyond the block would close a cycle: it has two neighbours in one tree.
        for (i, _) in first.iter().enumerate().filter(|(i, _)| !block.contains(&(*i as u32))) {
            assert_eq!(after[i], first[i]);
        }
    }
}
