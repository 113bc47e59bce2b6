//! Images as the entries of a matrix, and back.

use std::path::{Path, PathBuf};

use image::GrayImage;
use southwell::subgradient::counter::{stream, uniform};

use crate::output::Failure;

/// Sweeps of rotations at most; ten are many.
const SWEEPS: u32 = 40;

/// Grey values from 0 to 1, as a matrix by rows: of a sequence a row a pixel and a column a frame; of one photograph
/// the photograph.
#[derive(Clone, Debug)]
pub(super) struct Frames {
    pub(super) rows: usize,
    pub(super) columns: usize,
    pub(super) values: Vec<f64>,
    pub(super) width: u32,
    pub(super) height: u32,
}

impl Frames {
    pub(super) fn is_sequence(&self) -> bool {
        self.rows != self.height as usize || self.columns != self.width as usize
    }

    pub(super) fn frames(&self) -> usize {
        if self.is_sequence() { self.columns } else { 1 }
    }

    /// Turns a share of the entries to 0 or 1, with equal chances.
    pub(super) fn spoil(&mut self, share: f64) {
        for (n, value) in (0..).zip(&mut self.values) {
            if uniform(stream(1, 31), n) < share {
                *value = if uniform(stream(1, 32), n) < 0.5 { 0.0 } else { 1.0 };
            }
        }
    }

    /// The nearest matrix of this rank, by rows: the largest singular values by rotations of the columns (Hestenes 1958).
    pub(super) fn nearest(&self, rank: usize) -> Vec<f64> {
        let (rows, columns) = (self.rows, self.columns);
        let line = |k: usize, rows: bool| -> Vec<f64> {
            let entry = |i: usize| if rows { k * columns + i } else { i * columns + k };
            (0..if rows { columns } else { self.rows }).map(|i| self.values[entry(i)]).collect()
        };
        // The fewer ones of the lines are made orthogonal.
        let by_rows = rows < columns;
        let mut lines: Vec<Vec<f64>> = (0..rows.min(columns)).map(|k| line(k, by_rows)).collect();
        let mut turns: Vec<Vec<f64>> = (0..lines.len())
            .map(|k| (0..lines.len()).map(|i| if i == k { 1.0 } else { 0.0 }).collect())
            .collect();
        let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
        for _ in 0..SWEEPS {
            let mut turned = false;
            for q in 1..lines.len() {
                for p in 0..q {
                    let (pp, qq, pq) =
                        (dot(&lines[p], &lines[p]), dot(&lines[q], &lines[q]), dot(&lines[p], &lines[q]));
                    if pq.abs() <= 1e-14 * (pp * qq).sqrt() {
                        continue;
                    }
                    turned = true;
                    let zeta = (qq - pp) / (2.0 * pq);
                    let t = zeta.signum() / (zeta.abs() + zeta.hypot(1.0));
                    let c = 1.0 / t.hypot(1.0);
                    for vectors in [&mut lines, &mut turns] {
                        let (head, tail) = vectors.split_at_mut(q);
                        for (a, b) in head[p].iter_mut().zip(&mut tail[0]) {
                            (*a, *b) = (c * (*a - t * *b), c * (t * *a + *b));
                        }
                    }
                }
            }
            if !turned {
                break;
            }
        }
        let mut order: Vec<usize> = (0..lines.len()).collect();
        order.sort_by(|&a, &b| dot(&lines[b], &lines[b]).total_cmp(&dot(&lines[a], &lines[a])));
        let mut nearest = vec![0.0; self.values.len()];
        for &k in order.iter().take(rank) {
            for (n, value) in nearest.iter_mut().enumerate() {
                let (i, j) = (n / columns, n % columns);
                let (along, across) = if by_rows { (j, i) } else { (i, j) };
                *value += lines[k][along] * turns[k][across];
            }
        }
        nearest
    }

    /// A frame out of a matrix of this shape, each value by `grey`.
    fn picture(&self, frame: usize, grey: impl Fn(usize) -> f64) -> GrayImage {
        let (pixels, sequence) = (self.width as usize * self.height as usize, self.is_sequence());
        let place = |pixel: usize| if sequence { pixel * self.columns + frame } else { pixel };
        let bytes = (0..pixels).map(|pixel| (255.0 * grey(place(pixel))).round().clamp(0.0, 255.0) as u8);
        GrayImage::from_vec(self.width, self.height, bytes.collect()).unwrap_or_default()
    }
}

/// Reads images of one size, every so many pixels of them.
pub(super) fn read(paths: &[PathBuf], every: u32) -> Result<Frames, Failure> {
    let mut pictures: Vec<Vec<f64>> = Vec::new();
    let mut size = (0, 0);
    for path in paths {
        let image = image::open(path).map_err(|error| format!("{}: {error}", path.display()))?.to_luma8();
        let now = (image.width().div_ceil(every), image.height().div_ceil(every));
        if now.0 == 0 || now.1 == 0 {
            return Err(format!("{}: the image has no pixels", path.display()).into());
        }
        if pictures.is_empty() {
            size = now;
        } else if size != now {
            return Err(format!(
                "{}: {} × {} pixels, but the first image has {} × {}",
                path.display(),
                now.0,
                now.1,
                size.0,
                size.1
            )
            .into());
        }
        let at = |y: u32, x: u32| f64::from(image.get_pixel(x * every, y * every).0[0]) / 255.0;
        pictures
            .push((0..now.1).flat_map(|y| (0..now.0).map(move |x| (y, x))).map(|(y, x)| at(y, x)).collect());
    }
    let (width, height) = size;
    let pixels = width as usize * height as usize;
    Ok(match &mut pictures[..] {
        [only] => Frames {
            rows: height as usize,
            columns: width as usize,
            values: std::mem::take(only),
            width,
            height,
        },
        all => Frames {
            rows: pixels,
            columns: all.len(),
            values: (0..pixels).flat_map(|pixel| all.iter().map(move |frame| frame[pixel])).collect(),
            width,
            height,
        },
    })
}

/// Writes background and foreground of every frame, and what was given if it had been spoilt first.
pub(super) fn write(
    folder: &Path,
    given: &Frames,
    background: &[f64],
    foreground: &[bool],
    spoilt: bool,
) -> Result<(), Failure> {
    for frame in 0..given.frames() {
        let save = |name: &str, picture: GrayImage| -> Result<(), Failure> {
            let path = match given.is_sequence() {
                true => folder.join(format!("{name}-{frame:04}.png")),
                false => folder.join(format!("{name}.png")),
            };
            Ok(picture.save(&path).map_err(|error| format!("{}: {error}", path.display()))?)
        };
        save("background", given.picture(frame, |place| background[place]))?;
        let differs = |place: usize| if foreground[place] { given.values[place] } else { 0.0 };
        save("foreground", given.picture(frame, differs))?;
        if spoilt {
            save("given", given.picture(frame, |place| given.values[place]))?;
        }
    }
    Ok(())
}
