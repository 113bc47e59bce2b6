//! Problems of transport that need no file: random assignment, and two images of handwritten digits.

use southwell_std::files::DenseMatrix;
use southwell_std::owned::{Costs, Transport};

/// n × n costs from [0, 1), by rows, from Steele, Lea & Flood's SplitMix64; every line has the mass 1/n.
pub(super) fn random_assignment(seed: u64, n: usize) -> Transport {
    let mut state = seed;
    let mut next = || {
        state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let z = (state ^ (state >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((z ^ (z >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
    };
    let values = (0..n * n).map(|_| next()).collect();
    let weights = vec![1.0 / n as f64; n];
    Transport::new(Costs::Matrix(DenseMatrix { rows: n, columns: n, values }), weights.clone(), weights)
}

/// Two 8 × 8 images of the UCI optical digits (E. Alpaydin & C. Kaynak 1998, CC BY 4.0), a nought and a one, by
/// rows; every character is an intensity from 0 to 16 (g).
const DIGITS: [&str; 2] = [
    "005d910000dfaf5003f20b8004c008800580098004b01c7002e5ac00006da000",
    "000cd500000bg900003fg60007fgg200001gg300001gg600001gg600000bga00",
];

/// Two 28 × 28 images of MNIST (LeCun, Cortes & Burges 1998), a nought and a one: two hexadecimal digits a
/// pixel, `zNN` for NN (hexadecimal) pixels of intensity 0.
const MNIST: [&str; 2] = [
    concat!(
        "z7f339ffd9f32z1630eefcfcfcedz1536e3fdfcefe9fc3906z110a3ce0fcfdfcca54fcfd7az11a3fcfcfcfdfcfc60bdfda7z",
        "1033eefdfdbe72fde42f4fffa8z0f30eefcfcb30c4b7915z02fdf332z0d26a5fde9d054z06fdfca5z0c07b2fcf047131cz06",
        "fdfcc3z0c39fcfc3fz09fdfcc3z0cc6fdbez0afffdc4z0b4cf6fc70z0afdfc94z0b55fce619z080787fdba0cz0b55fcdfz08",
        "0783fce147z0c55fc91z0730a5fcadz0e56fde1z0672eefda2z0f55fcf992301d55b2e1fddfa738z0f55fcfcfce5d7fcfcfc",
        "c482z111cc7fcfcfdfcfce991z141980fcfdfc8d25z7e",
    ),
    concat!(
        "z9e7cfdff3fz1760f4fbfd3ez177ffbfbfd3ez1644ecfbd31f08z153ce4fbfb5ez179bfdfdbdz1714fdfbeb42z1620cdfdfb",
        "7ez1768fbfdb80fz1650f0fbc117z1620fdfdfd9fz1797fbfbfb27z1630ddfbfbacz17eafbfbc40cz17fdfbfb59z179ffffd",
        "fd1fz1630e4fdf78c08z1640fbfddcz1840fbfddcz1818c1fddcz64",
    ),
];

/// What a way between two pixels costs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    /// |Δrow| + |Δcolumn|
    L1,
    /// Δrow² + Δcolumn²
    L2,
}

/// The nought and the one of the optical digits.
pub(super) fn digits(way: Way) -> Transport {
    let pixels = |text: &str| text.chars().filter_map(|c| c.to_digit(17)).collect();
    between(DIGITS.map(pixels), 16, 8, way)
}

/// The nought and the one of MNIST.
pub(super) fn mnist(way: Way) -> Transport {
    between(MNIST.map(run_lengths), 255, 28, way)
}

fn run_lengths(mut text: &str) -> Vec<u32> {
    let mut pixels = Vec::new();
    while !text.is_empty() {
        let zeros = text.strip_prefix('z');
        let (digits, rest) = zeros.unwrap_or(text).split_at_checked(2).unwrap_or(("", ""));
        let value = u32::from_str_radix(digits, 16).unwrap_or(0);
        match zeros {
            Some(_) => pixels.resize(pixels.len() + value as usize, 0),
            None => pixels.push(value),
        }
        text = rest;
    }
    pixels
}

/// Transport between square images, smoothed by a hundredth of the largest intensity; the longest way costs 1.
fn between(images: [Vec<u32>; 2], largest: u32, side: usize, way: Way) -> Transport {
    let [a, b] = images.map(|pixels| {
        let smoothed: Vec<f64> = pixels.iter().map(|&p| f64::from(p) + f64::from(largest) / 100.0).collect();
        let sum: f64 = smoothed.iter().sum();
        smoothed.iter().map(|p| p / sum).collect::<Vec<f64>>()
    });
    let n = side * side;
    let apart = |i: usize, j: usize| (i as f64 - j as f64).abs();
    let cost = |i: usize, j: usize| {
        let (rows, columns) = (apart(i / side, j / side), apart(i % side, j % side));
        if way == Way::L1 { rows + columns } else { rows * rows + columns * columns }
    };
    let longest = cost(0, n - 1);
    let values = (0..n * n).map(|k| cost(k / n, k % n) / longest).collect();
    Transport::new(Costs::Matrix(DenseMatrix { rows: n, columns: n, values }), a, b)
}
