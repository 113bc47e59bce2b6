//! `southwell colour-transfer` on images that are drawn here.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use image::{Rgb, RgbImage};
use serde_json::Value;

fn folder(name: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("colours-{}-{name}", std::process::id()));
    std::fs::create_dir_all(&path).expect("a folder for the test");
    path
}

fn southwell(folder: &Path, arguments: &[&str]) -> (i32, String, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_southwell"));
    let command = command.current_dir(folder).arg("colour-transfer").args(arguments).stdin(Stdio::null());
    let output = command.output().expect("the binary runs");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("text");
    (output.status.code().expect("an exit code"), text(output.stdout), text(output.stderr))
}

/// Colours between two, from left to right, with a little of something else from top to bottom.
fn gradient(width: u32, height: u32, from: [u8; 3], to: [u8; 3]) -> RgbImage {
    RgbImage::from_fn(width, height, |x, y| {
        let t = f64::from(x) / f64::from(width - 1);
        let mix = |a: u8, b: u8| f64::from(a) + t * (f64::from(b) - f64::from(a));
        let shade = 10.0 * f64::from(y) / f64::from(height - 1);
        Rgb(std::array::from_fn(|c| (mix(from[c], to[c]) + shade).round() as u8))
    })
}

fn mean(image: &RgbImage) -> [f64; 3] {
    let pixels = f64::from(image.width() * image.height());
    std::array::from_fn(|c| image.pixels().map(|p| f64::from(p.0[c])).sum::<f64>() / pixels)
}

#[test]
fn an_image_gets_the_colours_of_another() {
    let folder = folder("gets");
    let image = gradient(60, 40, [10, 20, 200], [60, 90, 240]);
    let palette = gradient(50, 30, [240, 120, 10], [90, 10, 60]);
    image.save(folder.join("a.png")).expect("a file");
    palette.save(folder.join("b.jpg")).expect("a file");
    let arguments = ["a.png", "b.jpg", "--out", "c.png", "--samples", "400"];
    let (code, out, err) = southwell(&folder, &[&arguments[..], &["--json"]].concat());
    assert!(code == 0 && err.is_empty(), "{err}");
    let found: Value = serde_json::from_str(&out).expect("one JSON document");
    let number = |key: &str| found[key].as_f64().expect("a number");
    assert!(found["status"] == "converged" && number("marginal_error") <= 1.01e-6, "{found}");
    assert!(number("cost_before") > 0.3 && number("cost_after") < 0.01 * number("cost_before"), "{found}");
    let result = image::open(folder.join("c.png")).expect("an image").to_rgb8();
    assert_eq!(result.dimensions(), image.dimensions());
    for (ours, theirs) in mean(&result).into_iter().zip(mean(&palette)) {
        assert!((ours - theirs).abs() < 4.0, "{:?} {:?}", mean(&result), mean(&palette));
    }
    // Equal colours stay equal, and a line says what was done.
    let (code, out, _) = southwell(&folder, &["a.png", "a.png", "--out", "d.jpeg", "--samples", "300"]);
    assert!(code == 0 && out.starts_with("converged"), "{out}");
    std::fs::remove_dir_all(folder).expect("tidy");
}

#[test]
fn an_image_of_one_colour() {
    let folder = folder("one");
    RgbImage::from_pixel(3, 3, Rgb([7, 8, 9])).save(folder.join("a.png")).expect("a file");
    RgbImage::from_pixel(2, 5, Rgb([200, 100, 50])).save(folder.join("b.png")).expect("a file");
    for (palette, colour) in [("a.png", [7, 8, 9]), ("b.png", [200, 100, 50])] {
        let (code, _, err) = southwell(&folder, &["a.png", palette, "--out", "c.png"]);
        assert_eq!(code, 0, "{err}");
        let result = image::open(folder.join("c.png")).expect("an image").to_rgb8();
        assert!(result.pixels().all(|pixel| pixel.0 == colour), "{:?}", result.get_pixel(0, 0));
    }
    std::fs::remove_dir_all(folder).expect("tidy");
}

#[test]
fn bad_input() {
    let folder = folder("bad");
    RgbImage::from_pixel(3, 3, Rgb([7, 8, 9])).save(folder.join("a.png")).expect("a file");
    std::fs::write(folder.join("text.png"), "no image").expect("a file");
    for (arguments, code, what) in [
        (&["a.png", "nowhere.png", "--out", "c.png"][..], 1, "nowhere.png"),
        (&["a.png", "text.png", "--out", "c.png"], 1, "text.png"),
        (&["a.png", "a.png", "--out", "c.bmp"], 1, "--out c.bmp"),
        (&["a.png", "a.png", "--out", "a.png"], 1, "is an input"),
        (&["a.png", "a.png", "--out", "no/c.png"], 1, "--out"),
        (&["a.png", "a.png", "--out", "c.png", "--epsilon-ratio", "0"], 1, "`epsilon` must be positive"),
        (&["a.png", "a.png", "--out", "c.png", "--samples", "0"], 2, "--samples"),
        (&["a.png", "--out", "c.png"], 2, "PALETTE"),
    ] {
        let (found, out, err) = southwell(&folder, arguments);
        assert!(found == code && err.contains(what) && out.is_empty(), "{arguments:?}: {found} {err}");
    }
    assert!(!folder.join("c.png").exists());
    std::fs::remove_dir_all(folder).expect("tidy");
}
