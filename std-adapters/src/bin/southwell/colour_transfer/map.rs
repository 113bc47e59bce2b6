//! From potentials to a map of all colours.
//!
//! ```text
//! T(x) = Σ_j w_j(x) y_j,   w_j(x) = e^((g_j − |x − y_j|²)/ε) / Σ_k e^((g_k − |x − y_k|²)/ε)
//! ```
//! At a point of the sample this is the mean under its row of the coupling; elsewhere it is the same function of x.
//!
//! *Source*: Pooladian & Niles-Weed 2021 (entropic map).

use std::collections::HashMap;

use image::{Rgb, RgbImage};
use southwell::transport::{Cost, Ground, PointCost};
use southwell_simd::vector;
use southwell_std::files::DenseMatrix;

use crate::output::Failure;

/// Colours of so many pixels, spread evenly over the image; the same ones every time.
pub(super) fn sample(image: &RgbImage, count: usize) -> DenseMatrix {
    let pixels: Vec<&Rgb<u8>> = image.pixels().collect();
    let count = count.min(pixels.len());
    // Multiples of the golden ratio, modulo 1, leave no large gaps and follow no rows or columns (Weyl 1916).
    let place = |k: usize| ((k as f64 * 0.618_033_988_749_894_9).fract() * pixels.len() as f64) as usize;
    let colours = (0..count).filter_map(|k| pixels.get(place(k).min(pixels.len() - 1)));
    let values: Vec<f64> = colours.flat_map(|colour| colour.0).map(|c| f64::from(c) / 255.0).collect();
    DenseMatrix { rows: count, columns: 3, values }
}

/// The image under the map to the colours `y` with potentials `g`, and how many colours it has.
pub(super) fn recolour(
    image: &RgbImage,
    y: &DenseMatrix,
    g: &[f64],
    epsilon: f64,
) -> Result<(RgbImage, usize), Failure> {
    // Each colour once: photographs have fewer of them than pixels.
    let mut places: HashMap<[u8; 3], usize> = HashMap::new();
    let mut x = Vec::new();
    for pixel in image.pixels() {
        places.entry(pixel.0).or_insert_with(|| {
            x.extend(pixel.0.map(|c| f32::from(c) / 255.0));
            x.len() / 3 - 1
        });
    }
    // 8 bits a channel need no more than `f32`.
    let single = |values: &[f64]| -> Vec<f32> { values.iter().map(|&value| value as f32).collect() };
    let (points, g, m) = (single(&y.values), single(g), y.rows);
    let channels: [Vec<f32>; 3] =
        std::array::from_fn(|c| points.iter().skip(c).step_by(3).copied().collect());
    let mut storage = vec![0.0; PointCost::<f32>::required_len(m, 3)];
    let cost = PointCost::new(&x, &points, 3, Ground::SquaredEuclidean, &mut storage)
        .map_err(|error| error.to_string())?;
    let inverse = 1.0 / epsilon as f32;
    let (mut buffer, mut weights) = (vec![0.0; m], vec![0.0; m]);
    let mapped: Vec<[u8; 3]> = (0..places.len())
        .map(|i| {
            let (_, sum) = cost.exp_row(i, &g, inverse, &mut weights, &mut buffer);
            channels.each_ref().map(|channel| {
                let mean = vector::dot(&weights, channel) / sum;
                (255.0 * mean).round().clamp(0.0, 255.0) as u8
            })
        })
        .collect();
    let mut recoloured = image.clone();
    for pixel in recoloured.pixels_mut() {
        if let Some(&colour) = places.get(&pixel.0).and_then(|&place| mapped.get(place)) {
            *pixel = Rgb(colour);
        }
    }
    Ok((recoloured, mapped.len()))
}
