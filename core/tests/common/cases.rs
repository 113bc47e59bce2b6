//! The reference problems of entropic transport: random costs, handwritten digits, tracks.

use southwell::Real;

/// Steele, Lea & Flood's SplitMix64, values in [0, 1).
pub(crate) struct SplitMix64(pub(crate) u64);

impl SplitMix64 {
    pub(crate) fn next(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let z = self.0;
        let z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        let z = z ^ (z >> 31);
        (z >> 11) as f64 / (1_u64 << 53) as f64
    }
    pub(crate) fn take(&mut self, n: usize) -> Vec<f64> {
        (0..n).map(|_| self.next()).collect()
    }
}

/// A problem in `f64`: costs by rows, marginals.
#[derive(Clone, Debug)]
pub(crate) struct Case {
    pub(crate) cost: Vec<f64>,
    pub(crate) a: Vec<f64>,
    pub(crate) b: Vec<f64>,
}

impl Case {
    pub(crate) fn rows(&self) -> usize {
        self.a.len()
    }
    pub(crate) fn columns(&self) -> usize {
        self.b.len()
    }
}

/// Random assignment: n × n costs from [0, 1), uniform marginals.
pub(crate) fn random(seed: u64, n: usize) -> Case {
    let weights = vec![1.0 / n as f64; n];
    Case { cost: SplitMix64(seed).take(n * n), a: weights.clone(), b: weights }
}

/// Two 8 × 8 images of the UCI optical digits (E. Alpaydin & C. Kaynak 1998), a nought and a one, by
/// rows; every character is an intensity from 0 to 16 (g).
const DIGITS: [&str; 2] = [
    "005d910000dfaf5003f20b8004c008800580098004b01c7002e5ac00006da000",
    "000cd500000bg900003fg60007fgg200001gg300001gg600001gg600000bga00",
];

/// The intensities of a digit.
pub(crate) fn digit(which: usize) -> Vec<f64> {
    let value = |c: char| f64::from(c.to_digit(17).expect("a digit to the base of 17"));
    DIGITS[which].chars().map(value).collect()
}

/// |Δrow| + |Δcolumn| (`power` 1) or its squared Euclidean counterpart (2) between the pixels of a
/// square image, divided by the largest.
pub(crate) fn pixel_cost(side: usize, power: u32) -> Vec<f64> {
    let n = side * side;
    let apart = |i: usize, j: usize| (i as f64 - j as f64).abs();
    let cost = |i: usize, j: usize| {
        let (rows, columns) = (apart(i / side, j / side), apart(i % side, j % side));
        if power == 1 { rows + columns } else { rows * rows + columns * columns }
    };
    let largest = cost(0, n - 1);
    (0..n * n).map(|k| cost(k / n, k % n) / largest).collect()
}

/// The nought and the one, smoothed by a hundredth of the largest intensity.
pub(crate) fn digits(power: u32) -> Case {
    let weights = |which| {
        let smoothed: Vec<f64> = digit(which).iter().map(|x| x + 0.16).collect();
        let sum: f64 = smoothed.iter().sum();
        smoothed.iter().map(|x| x / sum).collect()
    };
    Case { cost: pixel_cost(8, power), a: weights(0), b: weights(1) }
}

/// Two 28 × 28 images of MNIST (Y. LeCun & C. Cortes), a nought and a one, by rows: «zNN» is 0xNN zeros,
/// other pixels have two hexadecimal digits each.
const MNIST: [&str; 2] = [
    "z7f339ffd9f32z1630eefcfcfcedz1536e3fdfcefe9fc3906z110a3ce0fcfdfcca54fcfd7az11a3fcfcfcfdfcfc60bdfda7z\
     1033eefdfdbe72fde42f4fffa8z0f30eefcfcb30c4b7915z02fdf332z0d26a5fde9d054z06fdfca5z0c07b2fcf047131cz06\
     fdfcc3z0c39fcfc3fz09fdfcc3z0cc6fdbez0afffdc4z0b4cf6fc70z0afdfc94z0b55fce619z080787fdba0cz0b55fcdfz08\
     0783fce147z0c55fc91z0730a5fcadz0e56fde1z0672eefda2z0f55fcf992301d55b2e1fddfa738z0f55fcfcfce5d7fcfcfc\
     c482z111cc7fcfcfdfcfce991z141980fcfdfc8d25z7e",
    "z9e7cfdff3fz1760f4fbfd3ez177ffbfbfd3ez1644ecfbd31f08z153ce4fbfb5ez179bfdfdbdz1714fdfbeb42z1620cdfdfb\
     7ez1768fbfdb80fz1650f0fbc117z1620fdfdfd9fz1797fbfbfb27z1630ddfbfbacz17eafbfbc40cz17fdfbfb59z179ffffd\
     fd1fz1630e4fdf78c08z1640fbfddcz1840fbfddcz1818c1fddcz64",
];

/// The intensities of one of them.
fn mnist_image(which: usize) -> Vec<f64> {
    let bytes = MNIST[which].as_bytes();
    let hex = |at: usize| usize::from_str_radix(&MNIST[which][at..at + 2], 16).expect("two digits");
    let (mut at, mut pixels) = (0, vec![]);
    while at < bytes.len() {
        if bytes[at] == b'z' {
            pixels.resize(pixels.len() + hex(at + 1), 0.0);
            at += 3;
        } else {
            pixels.push(hex(at) as f64);
            at += 2;
        }
    }
    pixels
}

/// The nought and the one of MNIST, smoothed by a hundredth of the largest intensity.
pub(crate) fn mnist(power: u32) -> Case {
    let weights = |which| {
        let smoothed: Vec<f64> = mnist_image(which).iter().map(|x| x + 2.55).collect();
        let sum: f64 = smoothed.iter().sum();
        smoothed.iter().map(|x| x / sum).collect()
    };
    Case { cost: pixel_cost(28, power), a: weights(0), b: weights(1) }
}

/// Sixteen tracks and sixteen detections of them, in another order: costs of associating them.
pub(crate) fn tracks() -> Case {
    let x: Vec<f64> = SplitMix64(17).take(32).iter().map(|x| x * 10.0).collect();
    let noise: Vec<f64> = SplitMix64(18).take(32).iter().map(|x| x - 0.5).collect();
    let y = |k: usize, axis: usize| x[2 * ((k + 16 - 5) % 16) + axis] + noise[2 * ((k + 16 - 5) % 16) + axis];
    let mut cost = vec![];
    for i in 0..16 {
        for k in 0..16 {
            let square: f64 = (0..2).map(|axis| (x[2 * i + axis] - y(k, axis)).powi(2)).sum();
            cost.push((square / 2.0).min(8.0) / 8.0);
        }
    }
    Case { cost, a: vec![1.0; 16], b: vec![1.0; 16] }
}

/// ‖P 1 − a‖₁, ‖Pᵀ 1 − b‖₁, ⟨P, C⟩ and the dual value by plain loops in `f64`.
pub(crate) fn look<T: Real>(case: &Case, epsilon: f64, f: &[T], g: &[T]) -> [f64; 4] {
    let m = case.columns();
    let (mut rows, mut columns) = (vec![0.0; case.rows()], vec![0.0; m]);
    let mut moved = 0.0;
    for (i, row) in case.cost.chunks(m).enumerate() {
        for (j, c) in row.iter().enumerate() {
            let p = ((f[i].to_f64() + g[j].to_f64() - c) / epsilon).exp();
            rows[i] += p;
            columns[j] += p;
            moved += p * c;
        }
    }
    let error = |sums: &[f64], weights: &[f64]| sums.iter().zip(weights).map(|(s, w)| (s - w).abs()).sum();
    let inner = |weights: &[f64], potential: &[T]| -> f64 {
        let terms = weights.iter().zip(potential).filter(|(w, _)| **w > 0.0);
        terms.map(|(w, p)| w * p.to_f64()).sum()
    };
    let mass: f64 = rows.iter().sum();
    let dual = inner(&case.a, f) + inner(&case.b, g) - epsilon * mass;
    [error(&rows, &case.a), error(&columns, &case.b), moved, dual]
}
