//! The data sets of the experiments: the paper's recipes, with numbers from the counter generator.

use southwell::subgradient::counter::uniform;
use southwell_simd::elementary::{cos_sin_turn, ln_scalar};
use southwell_std::files::SparseMatrix;
use southwell_std::owned::Samples;
use southwell_std::owned::descent::{Descent, Kink, Smooth};

use crate::output::Failure;

/// Normal, two out of two uniform ones (Box & Muller).
fn normal(seed: u64, k: usize) -> f64 {
    let pair = (k / 2 * 2) as u64;
    let radius = (-2.0 * ln_scalar(1.0 - uniform(seed, pair))).sqrt();
    let (cos, sin) = cos_sin_turn(uniform(seed, pair + 1));
    radius * if k.is_multiple_of(2) { cos } else { sin }
}

fn normals(seed: u64, n: usize) -> Vec<f64> {
    (0..n).map(|k| normal(seed, k)).collect()
}

/// k of 0 … n − 1, in the order in which they are drawn.
fn subset(seed: u64, n: usize, k: usize) -> Vec<usize> {
    let mut all: Vec<usize> = (0..n).collect();
    for j in 0..k {
        let t = j + (uniform(seed, j as u64) * (n - j) as f64) as usize;
        all.swap(j, t);
    }
    all.truncate(k);
    all
}

/// Columns of different scale, kept with probability 10 ln(n)/n.
fn design(base: u64, rows: usize, columns: usize) -> SparseMatrix {
    let kept = 10.0 * (rows as f64).ln() / rows as f64;
    let scales = normals(base + 2, columns);
    let mut x = SparseMatrix { rows, columns, row_offsets: vec![0], ..SparseMatrix::default() };
    for i in 0..rows {
        for (j, scale) in scales.iter().enumerate() {
            let k = i * columns + j;
            if uniform(base + 3, k as u64) < kept {
                x.column_indices.push(j as u32);
                x.values.push((normal(base + 1, k) + 1.0) * 10.0 * scale);
            }
        }
        x.row_offsets.push(x.values.len() as u32);
    }
    x
}

/// Columns and values of a row.
fn row(x: &SparseMatrix, i: usize) -> impl Iterator<Item = (usize, f64)> + '_ {
    let range = x.row_offsets[i] as usize..x.row_offsets[i + 1] as usize;
    x.column_indices[range.clone()].iter().map(|&j| j as usize).zip(x.values[range].iter().copied())
}

/// X w, for weights of which about a tenth is not zero.
fn products(base: u64, x: &SparseMatrix) -> Vec<f64> {
    let weight = |k| if uniform(base + 5, k as u64) < 0.1 { normal(base + 4, k) } else { 0.0 };
    let w: Vec<f64> = (0..x.columns).map(weight).collect();
    (0..x.rows).map(|i| row(x, i).map(|(j, x)| x * w[j]).sum()).collect()
}

/// Least squares.
fn squares(rows: usize, columns: usize) -> Result<Smooth, Failure> {
    let x = design(100, rows, columns);
    let y = products(100, &x).iter().zip(normals(106, rows)).map(|(y, noise)| y + noise).collect();
    Ok(Smooth::LeastSquares { samples: Samples::sparse(&x)?, y })
}

/// Logistic regression, a tenth of the labels flipped.
fn logistic(rows: usize, columns: usize) -> Result<Smooth, Failure> {
    let x = design(200, rows, columns);
    let label = |(i, z): (u64, f64)| {
        let sign = if z >= 0.0 { 1.0 } else { -1.0 };
        if uniform(206, i) < 0.1 { -sign } else { sign }
    };
    let y = (0..).zip(products(200, &x)).map(label).collect();
    Ok(Smooth::Logistic { samples: Samples::sparse(&x)?, y })
}

/// Classes.
fn softmax(rows: usize, columns: usize, classes: usize) -> Result<Smooth, Failure> {
    let x = design(300, rows, columns);
    let (w, noise) = (normals(304, columns * classes), normals(306, rows * classes));
    let label = |i: usize| {
        let mut scores = noise[i * classes..(i + 1) * classes].to_vec();
        for (j, x) in row(&x, i) {
            scores.iter_mut().zip(&w[j * classes..]).for_each(|(score, w)| *score += x * w);
        }
        (1..classes).fold(0, |best, c| if scores[c] > scores[best] { c } else { best }) as u32
    };
    let labels = (0..rows).map(label).collect();
    Ok(Smooth::Softmax { samples: Samples::sparse(&x)?, classes, labels })
}

/// A graph of equal weights with the values of some vertices.
fn labels(neighbours: &[Vec<u32>], weight: f64, labelled: &[usize], values: Vec<f64>) -> Smooth {
    let n = neighbours.len();
    let mut graph = SparseMatrix { rows: n, columns: n, row_offsets: vec![0], ..SparseMatrix::default() };
    for list in neighbours {
        let mut list = list.clone();
        list.sort_unstable();
        list.dedup();
        graph.column_indices.extend(list);
        graph.row_offsets.push(graph.column_indices.len() as u32);
    }
    graph.values = vec![weight; graph.column_indices.len()];
    Smooth::Labels { graph, labelled: labelled.iter().map(|&vertex| vertex as u32).collect(), values }
}

/// A lattice, vertices by columns.
fn lattice(side: usize, count: usize) -> Smooth {
    let n = side * side;
    let mut neighbours = vec![vec![]; n];
    for k in 0..n {
        let right = (k % side + 1 < side).then_some(k + 1);
        for other in right.into_iter().chain((k + side < n).then_some(k + side)) {
            neighbours[k].push(other as u32);
            neighbours[other].push(k as u32);
        }
    }
    let values = normals(402, count).iter().map(|v| 10.0 * v).collect();
    labels(&neighbours, 1e5, &subset(401, n, count), values)
}

/// Two moons, five nearest neighbours.
fn moons(n: usize, count: usize) -> Smooth {
    let mut second: Vec<bool> = (0..n).map(|k| uniform(501, k as u64) >= 0.5).collect();
    second.sort_unstable();
    let points: Vec<[f64; 2]> = (0..n)
        .map(|k| {
            let (cos, sin) = cos_sin_turn(0.5 * uniform(502, k as u64));
            let centre = if second[k] { [1.0 + cos, 0.5 - sin] } else { [cos, sin] };
            [centre[0] + 0.2 * normal(503, 2 * k), centre[1] + 0.2 * normal(503, 2 * k + 1)]
        })
        .collect();
    let mut neighbours = vec![vec![]; n];
    for k in 0..n {
        let distance =
            |j: usize| (points[j][0] - points[k][0]).powi(2) + (points[j][1] - points[k][1]).powi(2);
        let mut others: Vec<usize> = (0..n).filter(|&j| j != k).collect();
        others.sort_by(|&a, &b| distance(a).total_cmp(&distance(b)));
        for &j in others.iter().take(5) {
            neighbours[k].push(j as u32);
            neighbours[j].push(k as u32);
        }
    }
    let labelled = subset(504, n, count);
    let values = labelled.iter().map(|&i| if second[i] { 2.0 } else { 1.0 }).collect();
    labels(&neighbours, 1.0, &labelled, values)
}

/// A data set with what is known of it.
pub(super) struct Set {
    pub(super) name: &'static str,
    pub(super) about: &'static str,
    pub(super) problem: Descent,
    pub(super) variables: usize,
    /// f*
    pub(super) least: f64,
    pub(super) lattice: Option<(usize, usize)>,
    /// Variables that are not zero at the optimum, where it is sparse.
    pub(super) support: Option<usize>,
}

/// A set by its letter: of the paper's size, or its small twin.
pub(super) fn set(letter: char, small: bool) -> Result<Set, Failure> {
    let free = |smooth| Descent { smooth, kink: Kink::Free };
    let pick = |full: f64, twin: f64| if small { twin } else { full };
    let (name, about, problem, least, lattice) = match letter {
        'A' | '1' => {
            let smooth = if small { squares(200, 1000)? } else { squares(1000, 10_000)? };
            if letter == 'A' {
                ("A", "least squares", free(smooth), 0.0, None)
            } else {
                let kink = Kink::NonNegative(pick(50_000.0, 5_000.0));
                let least = pick(5_587_842.857_337, 208_801.846_466_85);
                ("A1", "non-negative least squares", Descent { smooth, kink }, least, None)
            }
        }
        'B' => {
            let smooth = if small { logistic(200, 1000)? } else { logistic(1000, 10_000)? };
            ("B", "logistic regression", free(smooth), 0.0, None)
        }
        'C' => {
            let smooth = if small { softmax(200, 200, 10)? } else { softmax(1000, 1000, 50)? };
            ("C", "softmax", free(smooth), 0.0, None)
        }
        'D' => {
            let (side, labels) = if small { (20, 40) } else { (50, 100) };
            let least = pick(-1_217_118_695.877_83, -582_984_634.921_67);
            ("D", "labels on a lattice", free(lattice(side, labels)), least, Some((side, side)))
        }
        _ => {
            let smooth = if small { moons(400, 40) } else { moons(2000, 100) };
            ("E", "labels on two moons", free(smooth), pick(-723.359_732_675_38, -268.695_906_537_54), None)
        }
    };
    let variables = problem.smooth.variables()?;
    let support = (letter == '1').then_some(if small { 72 } else { 50 });
    Ok(Set { name, about, problem, variables, least, lattice, support })
}
