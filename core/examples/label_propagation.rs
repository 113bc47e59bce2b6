//! Labels that spread over a lattice: one exact step a forest, the best forest first.
//!
//! ```sh
//! cargo run --release --example label_propagation
//! ```

use southwell::Stop;
use southwell::descent::losses::{label_propagation, label_propagation_len};
use southwell::descent::penalties::Free;
use southwell::descent::selection::{Cyclic, GreedyForest, GreedyVariable, Score, Tournament};
use southwell::descent::update::{Gradient, Matrix, MessagePassing};
use southwell::descent::{
    self, Loss, Options, Partition, Problem, Scheme, Selection, Sizes, Update, Workspace,
};
use southwell::linear::Csr;

const SIDE: usize = 40;

/// The lattice as a graph in compressed rows, all weights 1.
fn lattice() -> (Vec<u32>, Vec<u32>) {
    let (mut offsets, mut neighbours) = (vec![0], vec![]);
    for k in 0..SIDE * SIDE {
        let (row, column) = (k % SIDE, k / SIDE);
        let all = [
            (column > 0, k.wrapping_sub(SIDE)),
            (row > 0, k.wrapping_sub(1)),
            (row + 1 < SIDE, k + 1),
            (column + 1 < SIDE, k + SIDE),
        ];
        neighbours.extend(all.iter().filter(|(there, _)| *there).map(|(_, j)| *j as u32));
        offsets.push(neighbours.len() as u32);
    }
    (offsets, neighbours)
}

/// Solves and says what it took.
fn solve<L: Loss<f64>, S: Selection<f64>, U: Update<f64>>(
    name: &str,
    loss: &L,
    select: S,
    update: U,
) -> Result<Vec<f64>, southwell::Error> {
    let problem = Problem::new(loss, &Free)?;
    let mut scheme = Scheme { select, update };
    let sizes = Sizes::of(&problem, &scheme);
    let mut numbers = vec![0.0; Workspace::<f64>::required_len(&sizes)];
    let mut indices = vec![0; Workspace::<f64>::required_indices(&sizes)];
    let work = Workspace::new(&problem, &scheme, &mut numbers, &mut indices)?;
    let stop = Stop { max_steps: 1_000_000, check_every: 10, ..Stop::relative(1e-6) };
    let options = Options { stop, ..Options::default() };
    let mut x = vec![0.0; loss.variables()];
    let outcome = descent::solve(&problem, &options, &mut scheme, &mut x, work, &mut ())?;
    let report = outcome.report;
    println!("{name:<28} {:?} after {:>6} steps, f = {:.9}", report.status, report.steps, outcome.objective);
    Ok(x)
}

fn main() -> Result<(), southwell::Error> {
    let (offsets, neighbours) = lattice();
    let weights = vec![1.0; neighbours.len()];
    let graph = Csr::new(&offsets, &neighbours, &weights)?;
    // Two classes: a few vertices of the left half are −1, a few of the right half +1.
    let labelled: Vec<u32> = (0..24).map(|k| (k * 977 + 13) % (SIDE * SIDE) as u32).collect();
    let values: Vec<f64> =
        labelled.iter().map(|&v| if v as usize / SIDE < SIDE / 2 { -1.0 } else { 1.0 }).collect();
    let (n, m) = label_propagation_len(SIDE * SIDE, graph.entries(), labelled.len());
    let (mut numbers, mut indices) = (vec![0.0; n], vec![0; m]);
    let (loss, vertices) = label_propagation(&graph, &labelled, &values, &mut numbers, &mut indices)?;
    let p = loss.variables();

    let mut storage = vec![0; Partition::graph_len(p)];
    let trees = Partition::forests(loss.matrix(), Default::default(), &mut storage)?;
    solve("best variable, by tournament", &loss, Tournament::new(Score::Steepest), Gradient)?;
    solve("best 20 variables", &loss, GreedyVariable::new(20, Score::Diagonal), Matrix)?;
    solve("trees in turn", &loss, Cyclic::new(trees), MessagePassing)?;
    let x = solve("best forest", &loss, GreedyForest::new(p, Score::Violation), MessagePassing)?;

    // The classes, every other row and column.
    let mut picture = vec!['?'; SIDE * SIDE];
    for (&vertex, &value) in vertices.iter().zip(&x) {
        picture[vertex as usize] = if value < 0.0 { '-' } else { '+' };
    }
    for (&vertex, &value) in labelled.iter().zip(&values) {
        picture[vertex as usize] = if value < 0.0 { 'A' } else { 'B' };
    }
    for row in (0..SIDE).step_by(4) {
        println!("{}", (0..SIDE).map(|column| picture[column * SIDE + row]).collect::<String>());
    }
    Ok(())
}
