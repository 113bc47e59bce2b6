//! Vertices and what they prove, against formulas written out and against all vertices tried.

use southwell::subgradient::{Quantile, Table, certify};
use southwell::{Error, Real};

use crate::common::cast;
use crate::common::draws::Stream;

/// Lines of slope and intercept, with weights.
struct Lines {
    places: Vec<f64>,
    y: Vec<f64>,
    weights: Vec<f64>,
    q: f64,
}

/// A vertex: where it is, f there, the bound, how much the slopes had to shrink.
struct Plain {
    corner: [f64; 2],
    value: f64,
    bound: f64,
    shrink: f64,
}

impl Lines {
    fn random(seed: u64, n: usize, q: f64, weighted: bool) -> Self {
        let numbers = Stream::new(seed, 1);
        let places = (0..n).map(|i| numbers.normal(i)).collect();
        let y = (0..n).map(|i| 2.0 + numbers.normal(n + i)).collect();
        let weight = |i: usize| if weighted { (5.0 * numbers.uniform(4 * n + i)).floor() / 2.0 } else { 1.0 };
        Self { places, y, weights: (0..n).map(weight).collect(), q }
    }

    fn rows(&self) -> Vec<f64> {
        self.places.iter().flat_map(|&t| [1.0, t]).collect()
    }

    fn residual(&self, i: usize, beta: [f64; 2]) -> f64 {
        self.y[i] - beta[0] - beta[1] * self.places[i]
    }

    fn value(&self, beta: [f64; 2]) -> f64 {
        let loss = |u: f64| if u > 0.0 { self.q * u } else { (self.q - 1.0) * u };
        (0..self.y.len()).map(|i| self.weights[i] * loss(self.residual(i, beta))).sum()
    }

    /// The line through two of the points, and what its slopes prove, none of the other residuals being 0.
    fn through(&self, i: usize, j: usize) -> Plain {
        let slope = (self.y[j] - self.y[i]) / (self.places[j] - self.places[i]);
        let corner = [self.y[i] - slope * self.places[i], slope];
        // What the others leave for the two: s_i + s_j = a, s_i t_i + s_j t_j = b.
        let (mut a, mut b, mut bound) = (0.0, 0.0, 0.0);
        for k in (0..self.y.len()).filter(|&k| k != i && k != j) {
            let s = self.weights[k] * if self.residual(k, corner) > 0.0 { self.q } else { self.q - 1.0 };
            (a, b, bound) = (a - s, b - s * self.places[k], bound + s * self.y[k]);
        }
        let of_j = (b - a * self.places[i]) / (self.places[j] - self.places[i]);
        let mut shrink = 1.0_f64;
        for (s, k) in [(a - of_j, i), (of_j, j)] {
            let most = self.weights[k] * if s < 0.0 { 1.0 - self.q } else { self.q };
            shrink = shrink.min(most / s.abs());
            bound += s * self.y[k];
        }
        Plain { corner, value: self.value(corner), bound: (shrink * bound).max(0.0), shrink }
    }

    /// The two rows of smallest residual, of those that count.
    fn nearest(&self, beta: [f64; 2]) -> [usize; 2] {
        let mut rows: Vec<usize> = (0..self.y.len()).filter(|&i| self.weights[i] > 0.0).collect();
        rows.sort_by(|&i, &j| self.residual(i, beta).abs().total_cmp(&self.residual(j, beta).abs()));
        [rows[0], rows[1]]
    }

    fn least(&self) -> f64 {
        let n = self.y.len();
        let pairs = (0..n).flat_map(|i| (0..i).map(move |j| (i, j)));
        let different = pairs.filter(|&(i, j)| self.places[i] != self.places[j]);
        different.map(|(i, j)| self.value(self.through(i, j).corner)).fold(f64::MAX, f64::min)
    }

    fn certify(&self, beta: &mut [f64; 2]) -> Option<certify::Vertex<f64>> {
        let rows = self.rows();
        let loss = Quantile::new(Table::new(&rows, self.y.len(), 2).expect("a table"), &self.y, self.q);
        let loss = loss.and_then(|loss| loss.weighted(&self.weights)).expect("a loss");
        let (mut storage, mut indices) =
            ([f64::NAN; certify::vertex_len(2)], [9; certify::vertex_indices(2)]);
        certify::vertex(&loss, beta, &mut storage, &mut indices).expect("sound")
    }
}

fn near(found: f64, expected: f64, what: &str) {
    assert!((found - expected).abs() <= 1e-10 * (1.0 + expected.abs()), "{what}: {found}, not {expected}");
}

#[test]
fn a_vertex_interpolates_the_nearest_rows_and_proves_what_its_slopes_do() {
    let (mut proven, mut partly, mut kept) = (0, 0, 0);
    for seed in 0..60 {
        let lines = Lines::random(seed, 11, [0.5, 0.25, 0.8][seed as usize % 3], seed % 2 == 1);
        let numbers = Stream::new(seed, 2);
        for round in 0..4 {
            let before = [2.0 + 0.3 * numbers.normal(2 * round), 0.3 * numbers.normal(2 * round + 1)];
            let mut beta = before;
            let [i, j] = lines.nearest(before);
            let plain = lines.through(i, j);
            let found = lines.certify(&mut beta).expect("a vertex");
            near(found.value, plain.value, "value");
            near(found.lower_bound, plain.bound, "bound");
            assert_eq!(found.optimal, plain.shrink >= 1.0, "{seed}: {found:?}");
            if plain.value <= lines.value(before) {
                near(beta[0], plain.corner[0], "intercept");
                near(beta[1], plain.corner[1], "slope");
            } else {
                assert_eq!(beta, before, "no better than what was handed in");
                kept += 1;
            }
            let least = lines.least();
            assert!(found.lower_bound <= least * (1.0 + 1e-12), "{found:?} {least}");
            if found.optimal {
                near(found.value, least, "a minimum");
                proven += 1;
            } else if found.lower_bound > 0.0 {
                partly += 1;
            }
        }
    }
    assert!(proven > 5 && partly > 20 && kept > 20, "every case occurs: {proven} {partly} {kept}");
}

/// Whole numbers, so that many residuals are 0 at once: from any vertex that is a minimum a proof is found.
#[test]
fn degenerate_minima_are_proven_and_nothing_else_is() {
    let (mut degenerate, mut minima, mut proven) = (0, 0, 0);
    for seed in 0..60 {
        let numbers = Stream::new(seed, 3);
        let whole = |k: usize, most: f64| (most * numbers.uniform(k)).floor();
        let n = 10;
        let lines = Lines {
            places: (0..n).map(|i| whole(i, 5.0)).collect(),
            y: (0..n).map(|i| 1.0 + whole(n + i, 4.0)).collect(),
            weights: (0..n).map(|i| 1.0 + whole(2 * n + i, 2.0)).collect(),
            q: [0.5, 0.3][seed as usize % 2],
        };
        let least = lines.least();
        for (i, j) in (0..n).flat_map(|i| (0..i).map(move |j| (i, j))) {
            if lines.places[i] == lines.places[j] {
                continue;
            }
            let corner = lines.through(i, j).corner;
            let mut beta = corner;
            let Some(found) = lines.certify(&mut beta) else { continue };
            near(found.value, lines.value(corner), "value");
            assert!(found.lower_bound <= least * (1.0 + 1e-12), "{seed}: {found:?}, {least}");
            let zeros = (0..n).filter(|&k| lines.residual(k, corner).abs() < 1e-12).count();
            degenerate += usize::from(zeros > 2);
            if found.value <= least * (1.0 + 1e-12) {
                minima += 1;
                proven += usize::from(found.optimal);
            } else {
                assert!(!found.optimal, "{seed}: {found:?}, {least}");
            }
        }
    }
    println!("{degenerate} {minima} {proven}");
    assert!(degenerate > 100 && minima > 30, "{degenerate} {minima} {proven}");
    assert!(10 * proven > 9 * minima, "{proven} of {minima}");
}

#[test]
fn a_vertex_needs_independent_rows_among_the_nearest() {
    // Six rows for two columns are looked at; the one that differs is the nearest but four, five or six.
    for (place, found) in [(4, true), (5, true), (6, false)] {
        let mut places = vec![1.0; 8];
        places[place] = 2.0;
        let y: Vec<f64> = (1..9).map(f64::from).collect();
        let lines = Lines { places, y, weights: vec![1.0; 8], q: 0.5 };
        let mut beta = [0.0; 2];
        let vertex = lines.certify(&mut beta);
        assert_eq!(vertex.is_some(), found, "{place}");
        if found {
            let plain = lines.through(0, place);
            near(vertex.expect("one").value, plain.value, "value");
        } else {
            assert_eq!(beta, [0.0; 2], "untouched");
        }
    }
    // Too few rows of any weight.
    let lines = Lines { places: vec![1.0, 2.0, 3.0], y: vec![1.0; 3], weights: vec![0.0, 1.0, 0.0], q: 0.5 };
    assert_eq!(lines.certify(&mut [0.0; 2]), None);
}

fn refused<T: Real>(beta: &[f64], storage: usize, indices: usize) -> Option<Error> {
    let (rows, y) = (cast::<T>(&[1.0, 2.0, 1.0, 3.0, 1.0, 5.0]), cast::<T>(&[1.0, 2.0, 4.0]));
    let loss = Quantile::absolute(Table::new(&rows, 3, 2).expect("a table"), &y).expect("a loss");
    let (mut storage, mut indices) = (vec![T::NAN; storage], vec![0; indices]);
    let mut beta = cast::<T>(beta);
    certify::vertex(&loss, &mut beta, &mut storage, &mut indices).err()
}

#[test]
fn memory_is_what_it_is_said_to_be() {
    // Two squares of p, three rows of sizes, and two of corner and slopes.
    for p in 1..6 {
        assert_eq!((certify::vertex_len(p), certify::vertex_indices(p)), (2 * p * p + 5 * p, 3 * p));
    }
    assert_eq!(refused::<f32>(&[0.0; 2], 18, 6), None);
    assert_eq!(refused::<f64>(&[0.0; 2], 17, 6), Some(Error::Workspace { needed: 18, given: 17 }));
    assert_eq!(refused::<f64>(&[0.0; 2], 18, 5), Some(Error::Workspace { needed: 6, given: 5 }));
    assert!(matches!(refused::<f64>(&[0.0; 3], 18, 6), Some(Error::Dimension { argument: "beta", .. })));
    assert!(matches!(
        refused::<f64>(&[0.0, f64::NAN], 18, 6),
        Some(Error::Value { argument: "beta", index: 1 })
    ));
}
