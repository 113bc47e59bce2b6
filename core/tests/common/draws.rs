//! Numbers by position: a counter generator whose n-th draw needs no draw before it, so that data of a published
//! construction can be made again. Steele, Lea & Flood's SplitMix64; normal numbers by Box & Muller.

const GOLDEN: u64 = 0x9E37_79B9_7F4A_7C15;

fn mix(z: u64) -> u64 {
    let z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

/// An independent stream of numbers.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Stream(u64);

impl Stream {
    pub(crate) fn new(seed: u64, tag: u64) -> Self {
        Self(mix(mix(seed.wrapping_add(GOLDEN)).wrapping_add(tag.wrapping_mul(GOLDEN))))
    }

    fn draw(self, n: u64) -> u64 {
        mix(self.0.wrapping_add((n + 1).wrapping_mul(GOLDEN)))
    }

    /// In [0, 1).
    pub(crate) fn uniform(self, n: usize) -> f64 {
        (self.draw(n as u64) >> 11) as f64 * 2.0_f64.powi(-53)
    }

    /// Standard normal.
    pub(crate) fn normal(self, n: usize) -> f64 {
        let j = (n >> 1) as u64;
        let u1 = ((self.draw(2 * j) >> 11) + 1) as f64 * 2.0_f64.powi(-53);
        let u2 = (self.draw(2 * j + 1) >> 11) as f64 * 2.0_f64.powi(-53);
        let (radius, angle) = ((-2.0 * u1.ln()).sqrt(), 2.0 * std::f64::consts::PI * u2);
        if n.is_multiple_of(2) { radius * angle.cos() } else { radius * angle.sin() }
    }
}

/// Table, observations and coefficients of a linear model of which a third of the observations lie, all upwards.
pub(crate) fn outliers(seed: u64, n: usize, p: usize) -> (Vec<f64>, Vec<f64>, Vec<f64>) {
    let stream = |tag| Stream::new(seed, tag);
    let (entries, noise, hit, size) = (stream(21), stream(22), stream(23), stream(24));
    let beta: Vec<f64> =
        (0..p).map(|j| if j % 2 == 0 { 1.0 } else { -1.0 } * (j + 1) as f64 / p as f64).collect();
    let (mut table, mut y) = (Vec::new(), Vec::new());
    for i in 0..n {
        let row: Vec<f64> = (0..p).map(|j| if j == 0 { 1.0 } else { entries.normal(i * p + j) }).collect();
        let exact: f64 = row.iter().zip(&beta).map(|(x, b)| x * b).sum();
        let wrong = if hit.uniform(i) < 0.3 { 5.0 + 10.0 * size.normal(i).abs() } else { 0.0 };
        y.push(exact + 0.1 * noise.normal(i) + wrong);
        table.extend(row);
    }
    (table, y, beta)
}

/// A table of numbers with a heading: all columns but the last with a column of ones before them, and the last.
pub(crate) fn regression(csv: &str) -> (Vec<f64>, Vec<f64>, usize) {
    let (mut table, mut y, mut p) = (Vec::new(), Vec::new(), 0);
    for line in csv.lines().skip(1) {
        let row: Vec<f64> = line.split(',').map(|word| word.parse().expect("a number")).collect();
        let (last, first) = row.split_last().expect("a row");
        table.push(1.0);
        table.extend(first);
        y.push(*last);
        p = row.len();
    }
    (table, y, p)
}

pub(crate) const ENGEL: &str = include_str!("../data/engel.csv");
pub(crate) const STACKLOSS: &str = include_str!("../data/stackloss.csv");
