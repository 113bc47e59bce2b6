//! Random streams by counters, and the data sets of the block coordinate descent experiments (Nutini, Laradji &
//! Schmidt 2022, their recipe with these streams).

use core::convert::Infallible;
use std::f64::consts::TAU;

use rand_core::TryRng;

/// SplitMix64 in counter form (Steele, Lea & Flood 2014): number k of a seed.
pub(crate) fn word(seed: u64, k: u64) -> u64 {
    let z = seed.wrapping_add(k.wrapping_add(1).wrapping_mul(0x9E37_79B9_7F4A_7C15));
    let z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

/// Uniform in [0, 1).
pub(crate) fn uniform(seed: u64, k: usize) -> f64 {
    (word(seed, k as u64) >> 11) as f64 / (1_u64 << 53) as f64
}

/// Normal, two out of two uniform ones (Box & Muller).
pub(crate) fn normal(seed: u64, k: usize) -> f64 {
    let pair = k / 2 * 2;
    let radius = (-2.0 * (1.0 - uniform(seed, pair)).ln()).sqrt();
    let angle = TAU * uniform(seed, pair + 1);
    radius * if k.is_multiple_of(2) { angle.cos() } else { angle.sin() }
}

pub(crate) fn normals(seed: u64, n: usize) -> Vec<f64> {
    (0..n).map(|k| normal(seed, k)).collect()
}

/// k of 0 … n − 1, in the order in which they are drawn.
pub(crate) fn subset(seed: u64, n: usize, k: usize) -> Vec<usize> {
    let mut all: Vec<usize> = (0..n).collect();
    for j in 0..k {
        let t = j + (uniform(seed, j) * (n - j) as f64) as usize;
        all.swap(j, t);
    }
    all.truncate(k);
    all
}

/// The stream as a generator.
pub(crate) struct Stream {
    seed: u64,
    k: u64,
}

impl Stream {
    pub(crate) fn new(seed: u64) -> Self {
        Self { seed, k: 0 }
    }
}

impl TryRng for Stream {
    type Error = Infallible;
    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        self.try_next_u64().map(|word| (word >> 32) as u32)
    }
    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        self.k += 1;
        Ok(word(self.seed, self.k - 1))
    }
    fn try_fill_bytes(&mut self, out: &mut [u8]) -> Result<(), Infallible> {
        out.fill(0);
        Ok(())
    }
}

/// A design by columns, with its sizes.
#[derive(Clone, Debug)]
pub(crate) struct Wide {
    pub(crate) rows: usize,
    pub(crate) columns: usize,
    /// By columns.
    pub(crate) values: Vec<f64>,
}

impl Wide {
    fn at(&self, i: usize, j: usize) -> f64 {
        self.values[j * self.rows + i]
    }
    /// X w + z, row by row.
    pub(crate) fn times(&self, w: &[f64]) -> Vec<f64> {
        (0..self.rows).map(|i| (0..self.columns).map(|j| self.at(i, j) * w[j]).sum()).collect()
    }
    /// The entries that are not 0, as compressed columns: offsets, rows, values.
    pub(crate) fn csc(&self) -> (Vec<u32>, Vec<u32>, Vec<f64>) {
        let (mut offsets, mut rows, mut values) = (vec![0], vec![], vec![]);
        for column in self.values.chunks(self.rows) {
            for (i, &v) in column.iter().enumerate().filter(|(_, v)| **v != 0.0) {
                rows.push(i as u32);
                values.push(v);
            }
            offsets.push(rows.len() as u32);
        }
        (offsets, rows, values)
    }
    pub(crate) fn nonzeros(&self) -> usize {
        self.values.iter().filter(|v| **v != 0.0).count()
    }
}

/// Columns of different scale, kept with probability 10 ln(n)/n.
pub(crate) fn design(base: u64, rows: usize, columns: usize) -> Wide {
    let kept = 10.0 * (rows as f64).ln() / rows as f64;
    let scales = normals(base + 2, columns);
    let mut values = vec![0.0; rows * columns];
    for i in 0..rows {
        for j in 0..columns {
            let k = i * columns + j;
            if uniform(base + 3, k) < kept {
                values[j * rows + i] = (normal(base + 1, k) + 1.0) * 10.0 * scales[j];
            }
        }
    }
    Wide { rows, columns, values }
}

/// The true weights: normal where a uniform number is below one tenth.
fn weights(base: u64, n: usize) -> Vec<f64> {
    (0..n).map(|k| if uniform(base + 5, k) < 0.1 { normal(base + 4, k) } else { 0.0 }).collect()
}

/// A: a design and noisy observations.
pub(crate) fn set_a(rows: usize, columns: usize) -> (Wide, Vec<f64>) {
    let x = design(100, rows, columns);
    let y = x.times(&weights(100, columns)).iter().zip(normals(106, rows)).map(|(y, z)| y + z).collect();
    (x, y)
}

/// B: a design and labels ±1, a tenth of them flipped.
pub(crate) fn set_b(rows: usize, columns: usize) -> (Wide, Vec<f64>) {
    let x = design(200, rows, columns);
    let product = x.times(&weights(200, columns));
    let label = |(i, z): (usize, &f64)| {
        let sign = if *z >= 0.0 { 1.0 } else { -1.0 };
        if uniform(206, i) < 0.1 { -sign } else { sign }
    };
    let y = product.iter().enumerate().map(label).collect();
    (x, y)
}

/// C: a design and classes.
pub(crate) fn set_c(rows: usize, columns: usize, classes: usize) -> (Wide, Vec<u32>) {
    let x = design(300, rows, columns);
    let w = normals(304, columns * classes);
    let noise = normals(306, rows * classes);
    let label = |i: usize| {
        let score = |c: usize| {
            (0..columns).map(|j| x.at(i, j) * w[j * classes + c]).sum::<f64>() + noise[i * classes + c]
        };
        let scores: Vec<f64> = (0..classes).map(score).collect();
        (1..classes).fold(0, |best, c| if scores[c] > scores[best] { c } else { best }) as u32
    };
    let y = (0..rows).map(label).collect();
    (x, y)
}

/// A graph in compressed rows, its labelled vertices and their values.
#[derive(Clone, Debug)]
pub(crate) struct Graph {
    pub(crate) offsets: Vec<u32>,
    pub(crate) columns: Vec<u32>,
    pub(crate) weights: Vec<f64>,
    pub(crate) labelled: Vec<u32>,
    pub(crate) values: Vec<f64>,
}

impl Graph {
    fn new(neighbours: &[Vec<usize>], weight: f64, labelled: &[usize], values: Vec<f64>) -> Self {
        let mut offsets = vec![0];
        let mut columns = vec![];
        for list in neighbours {
            let mut list = list.clone();
            list.sort_unstable();
            list.dedup();
            columns.extend(list.iter().map(|&j| j as u32));
            offsets.push(columns.len() as u32);
        }
        let weights = vec![weight; columns.len()];
        Graph { offsets, columns, weights, labelled: labelled.iter().map(|&i| i as u32).collect(), values }
    }
}

/// D: a lattice by columns with equal weights and some labels.
pub(crate) fn set_d(side: usize, labels: usize) -> Graph {
    let n = side * side;
    let mut neighbours = vec![vec![]; n];
    for k in 0..n {
        let mut join = |there: bool, other: usize| {
            if there {
                neighbours[k].push(other);
                neighbours[other].push(k);
            }
        };
        join(k % side + 1 < side, k + 1);
        join(k + side < n, k + side);
    }
    let labelled = subset(401, n, labels);
    let values = normals(402, labels).iter().map(|v| 10.0 * v).collect();
    Graph::new(&neighbours, 1e5, &labelled, values)
}

/// E: two moons, five nearest neighbours, some labels.
pub(crate) fn set_e(n: usize, labels: usize) -> Graph {
    let mut second: Vec<bool> = (0..n).map(|k| uniform(501, k) >= 0.5).collect();
    // Class-1 points first.
    second.sort_unstable();
    let points: Vec<[f64; 2]> = (0..n)
        .map(|k| {
            let angle = TAU / 2.0 * uniform(502, k);
            let noise = [0.2 * normal(503, 2 * k), 0.2 * normal(503, 2 * k + 1)];
            let centre =
                if second[k] { [1.0 + angle.cos(), 0.5 - angle.sin()] } else { [angle.cos(), angle.sin()] };
            [centre[0] + noise[0], centre[1] + noise[1]]
        })
        .collect();
    let mut neighbours = vec![vec![]; n];
    for k in 0..n {
        let distance =
            |&j: &usize| (points[j][0] - points[k][0]).powi(2) + (points[j][1] - points[k][1]).powi(2);
        let mut others: Vec<usize> = (0..n).filter(|&j| j != k).collect();
        others.sort_by(|a, b| distance(a).total_cmp(&distance(b)));
        for &j in &others[..5] {
            neighbours[k].push(j);
            neighbours[j].push(k);
        }
    }
    let labelled = subset(504, n, labels);
    let values = labelled.iter().map(|&i| if second[i] { 2.0 } else { 1.0 }).collect();
    Graph::new(&neighbours, 1.0, &labelled, values)
}
