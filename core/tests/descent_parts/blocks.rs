//! Partitions, random orders and forests: every variable once, no cycle, first come first served.

use southwell::Run;
use southwell::descent::losses::Quadratic;
use southwell::descent::partitions::Visit;
use southwell::descent::penalties::Free;
use southwell::descent::selection::{
    GreedyForest, Proportional, RandomForest, RandomVariable, Score, Selection, Shuffled, Uniform,
};
use southwell::descent::update::{Gradient, MessagePassing, Update};
use southwell::descent::{Loss, Partition};
use southwell::linear::Csr;

use crate::common::Numbers;
use crate::common::descending::begun;
use crate::common::streams::Stream;

/// A random graph with a positive definite matrix: rows with their diagonal, which differs.
struct Graph {
    n: usize,
    dense: Vec<f64>,
    offsets: Vec<u32>,
    columns: Vec<u32>,
    values: Vec<f64>,
}

impl Graph {
    /// Edges with this probability; `equal` gives all vertices one diagonal.
    fn random(seed: u64, n: usize, probability: f64, equal: bool) -> Self {
        let mut numbers = Numbers(seed);
        let mut dense = vec![0.0; n * n];
        for i in 0..n {
            for j in 0..i {
                if numbers.next() + 0.5 < probability {
                    let value = 0.25 * numbers.next();
                    (dense[i * n + j], dense[j * n + i]) = (value, value);
                }
            }
            dense[i * n + i] = 2.0 + if equal { 0.0 } else { (numbers.below(3)) as f64 };
        }
        let (mut offsets, mut columns, mut values) = (vec![0], vec![], vec![]);
        for row in dense.chunks(n) {
            for (j, value) in row.iter().enumerate().filter(|(_, value)| **value != 0.0) {
                columns.push(j as u32);
                values.push(*value);
            }
            offsets.push(columns.len() as u32);
        }
        Self { n, dense, offsets, columns, values }
    }

    fn view(&self) -> Csr<'_, f64> {
        Csr::new(&self.offsets, &self.columns, &self.values).expect("a graph")
    }

    fn edge(&self, i: u32, j: u32) -> bool {
        i != j && self.dense[i as usize * self.n + j as usize] != 0.0
    }

    /// Whether these vertices have a cycle among them: more edges than a forest of as many trees has.
    fn cyclic(&self, vertices: &[u32]) -> bool {
        let mut tree: Vec<usize> = (0..vertices.len()).collect();
        for (a, &i) in vertices.iter().enumerate() {
            for (b, &j) in vertices[..a].iter().enumerate() {
                if self.edge(i, j) {
                    let (of_a, of_b) = (tree[a], tree[b]);
                    if of_a == of_b {
                        return true;
                    }
                    tree.iter_mut().filter(|tree| **tree == of_a).for_each(|tree| *tree = of_b);
                }
            }
        }
        false
    }

    /// The order of a visit.
    fn visited(&self, visit: Visit) -> Vec<u32> {
        let mut order: Vec<u32> = (0..self.n as u32).collect();
        if visit == Visit::Descending {
            let of = |i: &u32| self.dense[*i as usize * (self.n + 1)];
            order.sort_by(|a, b| of(b).total_cmp(&of(a)));
        }
        order
    }
}

fn lists(partition: &Partition<'_>) -> Vec<Vec<u32>> {
    let of = |number| {
        let mut block = vec![u32::MAX; partition.largest()];
        let len = partition.fill(number, &mut block);
        block.truncate(len);
        block
    };
    (0..partition.len()).map(of).collect()
}

/// Greedy colours and first-fit forests of random graphs, in plain loops.
#[test]
fn partitions_of_graphs_are_first_come_first_served() {
    for (seed, n) in (0..30).zip([1, 2, 5, 9, 17, 40].into_iter().cycle()) {
        let graph = Graph::random(seed, n, 0.125 + 0.0625 * (seed % 5) as f64, seed % 3 == 0);
        for visit in [Visit::Descending, Visit::InOrder] {
            let (mut colours, mut forests): (Vec<Vec<u32>>, Vec<Vec<u32>>) = (vec![], vec![]);
            for vertex in graph.visited(visit) {
                let free = |block: &Vec<u32>| block.iter().all(|&j| !graph.edge(vertex, j));
                let admissible = colours.iter().enumerate().filter(|(_, block)| free(block));
                match admissible
                    .min_by_key(|(number, block)| (block.len(), *number))
                    .map(|(number, _)| number)
                {
                    Some(number) => colours[number].push(vertex),
                    None => colours.push(vec![vertex]),
                }
                let fits = |block: &Vec<u32>| {
                    let mut with = block.clone();
                    with.push(vertex);
                    !graph.cyclic(&with)
                };
                match forests.iter().position(fits) {
                    Some(number) => forests[number].push(vertex),
                    None => forests.push(vec![vertex]),
                }
            }
            let mut storage = vec![u32::MAX; Partition::graph_len(n)];
            colours.iter_mut().chain(&mut forests).for_each(|block| block.sort_unstable());
            let found = Partition::coloured(&graph.view(), visit, &mut storage).expect("colours");
            assert_eq!(lists(&found), colours, "{seed} {visit:?}");
            assert_eq!((found.variables(), found.is_empty()), (n, false));
            let found = Partition::forests(&graph.view(), visit, &mut storage).expect("forests");
            assert_eq!(lists(&found), forests, "{seed} {visit:?}");
        }
    }
}

/// Lattices of every small size: red and black by parity, combs as drawn, and no cycle in a comb.
#[test]
fn partitions_of_lattices() {
    for (rows, columns) in (1..6).flat_map(|rows| (1..6).map(move |columns| (rows, columns))) {
        let n = rows * columns;
        let mut storage = vec![u32::MAX; Partition::required_len(n, 2)];
        if n < 2 {
            assert!(Partition::red_black(rows, columns, &mut storage).is_err());
            assert!(Partition::combs(rows, columns, &mut storage).is_err());
            continue;
        }
        let split = |first: &dyn Fn(usize, usize) -> bool| {
            let all = (0..n as u32).partition(|&v| first(v as usize % rows, v as usize / rows));
            let both: (Vec<u32>, Vec<u32>) = all;
            [both.0, both.1].into_iter().filter(|block| !block.is_empty()).collect::<Vec<_>>()
        };
        let found = Partition::red_black(rows, columns, &mut storage).expect("two blocks");
        assert_eq!(lists(&found), split(&|i, j| (i + j) % 2 == 0), "{rows} {columns}");
        let found = Partition::combs(rows, columns, &mut storage).expect("two blocks");
        let expected = split(&|i, j| i == rows - 1 || (j % 2 == 1 && i > 0));
        assert_eq!(lists(&found), expected, "{rows} {columns}");
    }
}

#[test]
fn runs_of_sorted_variables() {
    let mut numbers = Numbers(9);
    for n in 1..24 {
        // Some are equal.
        let lipschitz: Vec<f64> = (0..n).map(|_| numbers.below(7) as f64).collect();
        let mut sorted: Vec<u32> = (0..n as u32).collect();
        sorted.sort_by(|a, b| lipschitz[*a as usize].total_cmp(&lipschitz[*b as usize]));
        let ends = |k: usize| sorted[if k.is_multiple_of(2) { k / 2 } else { n - 1 - k / 2 }];
        let averaged: Vec<u32> = (0..n).map(ends).collect();
        for size in 1..=n + 1 {
            let runs = |order: &[u32]| order.chunks(size).map(<[u32]>::to_vec).collect::<Vec<_>>();
            let mut storage = vec![u32::MAX; 3 * n + 1];
            let found = Partition::sorted(&lipschitz, size, &mut storage).expect("runs");
            assert_eq!((lists(&found), found.largest()), (runs(&sorted), size.min(n)), "{n} {size}");
            let found = Partition::averaged(&lipschitz, size, &mut storage).expect("runs");
            assert_eq!(lists(&found), runs(&averaged), "{n} {size}");
            let order: Vec<u32> = (0..n as u32).collect();
            let found = Partition::consecutive(n, size).expect("runs");
            assert_eq!((lists(&found), found.largest()), (runs(&order), size.min(n)), "{n} {size}");
            assert_eq!(found.fill(found.len(), &mut [0; 32]), 0, "there is no such block");
        }
    }
}

/// The blocks of so many steps.
fn chosen<L: Loss<f64>, S: Selection<f64>, U: Update<f64>>(
    loss: &L,
    scheme: (S, U),
    steps: usize,
) -> Vec<Vec<u32>> {
    let mut x = vec![0.0; loss.variables()];
    begun((loss, &Free), scheme, &mut x, |run| {
        let step = |_| {
            run.step();
            assert_eq!(run.parameter(), run.last_block().len() as f64);
            run.last_block().to_vec()
        };
        (0..steps).map(step).collect()
    })
}

/// Each round of a shuffle has every block once, and another order; draws are as frequent as they should be.
#[test]
fn random_orders() {
    let graph = Graph::random(4, 12, 0.25, false);
    let b: Vec<f64> = (0..12).map(|i| 1.0 + i as f64).collect();
    let loss = Quadratic::new(graph.view(), &b).expect("a loss");
    let blocks = Partition::consecutive(12, 2).expect("blocks");
    let shuffled = chosen(&loss, (Shuffled::new(blocks, Stream::new(1)), Gradient), 6 * 8);
    let mut orders = vec![];
    for round in shuffled.chunks(6) {
        let mut sorted = round.to_vec();
        sorted.sort();
        assert_eq!(sorted, lists(&blocks));
        orders.push(round.to_vec());
    }
    orders.sort();
    orders.dedup();
    assert!(orders.len() > 6, "{orders:?}");

    let times = |found: &[Vec<u32>], block: &[u32]| found.iter().filter(|found| *found == block).count();
    let uniform = chosen(&loss, (Uniform::new(blocks, Stream::new(2)), Gradient), 3000);
    for block in lists(&blocks) {
        let count = times(&uniform, &block);
        assert!((430..570).contains(&count), "{count} of 3000 for one in six");
    }
    // Of one variable each, L_b is the diagonal entry.
    let single = Partition::consecutive(12, 1).expect("blocks");
    let drawn = chosen(&loss, (Proportional::new(single, Stream::new(3)), Gradient), 6000);
    let diagonal: Vec<f64> = (0..12).map(|i| graph.dense[i * 13]).collect();
    let total: f64 = diagonal.iter().sum();
    for (i, l) in diagonal.iter().enumerate() {
        let (count, mean) = (times(&drawn, &[i as u32]) as f64, 6000.0 * l / total);
        assert!((count - mean).abs() < 4.5 * mean.sqrt(), "{i}: {count}, not {mean}");
    }
    let sets = chosen(&loss, (RandomVariable::new(12, 5, Stream::new(4)), Gradient), 600);
    let mut counts = [0; 12];
    for set in &sets {
        let mut sorted = set.clone();
        sorted.sort_unstable();
        sorted.dedup();
        assert_eq!((sorted.len(), set.len()), (5, 5), "five different ones: {set:?}");
        set.iter().for_each(|&i| counts[i as usize] += 1);
    }
    assert!(counts.iter().all(|count| (200..300).contains(count)), "{counts:?}: 250 each");
}

/// The greedy forest of every step, in plain loops: by falling |g_i|, or |g_i|/√H_ii, what closes no cycle.
#[test]
fn forests_of_single_steps() {
    for (seed, n) in (0..12).zip([3, 8, 15, 24].into_iter().cycle()) {
        let graph = Graph::random(seed, n, 0.375, false);
        let b: Vec<f64> = Numbers(seed + 50).vector(n);
        let loss = Quadratic::new(graph.view(), &b).expect("a loss");
        for score in [Score::Violation, Score::Steepest] {
            let mut x = vec![0.0; n];
            begun((&loss, &Free), (GreedyForest::new(n, score), MessagePassing), &mut x, |run| {
                for step in 0..3 {
                    let x = run.x().to_vec();
                    let row = |i: usize| (0..n).map(|j| graph.dense[i * n + j] * x[j]).sum::<f64>() - b[i];
                    let weight = |i: usize| match score {
                        Score::Violation => 1.0,
                        _ => 1.0 / graph.dense[i * (n + 1)].sqrt(),
                    };
                    let keys: Vec<f64> = (0..n).map(|i| row(i).abs() * weight(i)).collect();
                    run.step();
                    let found = run.last_block().to_vec();
                    assert!(!graph.cyclic(&found), "{seed}: {found:?}");
                    // After the first step the derivatives of the last forest are rounding: their order is free.
                    if step == 0 {
                        let mut order: Vec<u32> = (0..n as u32).collect();
                        order.sort_by(|a, b| keys[*b as usize].total_cmp(&keys[*a as usize]));
                        let mut expected: Vec<u32> = vec![];
                        for vertex in order {
                            expected.push(vertex);
                            if graph.cyclic(&expected) {
                                expected.pop();
                            }
                        }
                        assert_eq!(found, expected, "{seed} {score:?}");
                    }
                }
            });
        }
        let (mut orders, select) = (vec![], RandomForest::new(n, Stream::new(seed)));
        for found in chosen(&loss, (select, MessagePassing), 4) {
            assert!(!graph.cyclic(&found), "{seed}: {found:?}");
            // Nothing more has a place.
            for vertex in (0..n as u32).filter(|vertex| !found.contains(vertex)) {
                let with: Vec<u32> = found.iter().copied().chain([vertex]).collect();
                assert!(graph.cyclic(&with), "{seed}: {vertex} fits into {found:?}");
            }
            orders.push(found);
        }
        assert!(n < 8 || orders[0] != orders[1]);
    }
}
