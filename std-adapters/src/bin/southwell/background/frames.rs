//! Images as the entries of a matrix, and back.

use std::path::{Path, PathBuf};

use image::GrayImage;
use southwell::subgradient::counter::{stream, uniform};

use crate::output::Failure;

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
