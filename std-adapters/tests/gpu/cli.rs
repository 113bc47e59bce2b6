//! `southwell devices` and `--device`, through the built binary.

use std::path::Path;
use std::process::{Command, Output};

use southwell_std::files::{archive, npy};

use super::{Draw, device};

/// Software will do, as in all these tests.
fn southwell(arguments: &[&str], environment: &[(&str, &str)]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_southwell"));
    command.args(arguments).env("SOUTHWELL_SOFTWARE_GPU", "1").envs(environment.iter().copied());
    command.output().expect("the binary runs")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Where there is no driver at all.
const NO_DRIVER: (&str, &str) = ("VK_DRIVER_FILES", "/nonexistent.json");

fn matrix() -> String {
    format!("{}/tests/data/nos3.mtx", env!("CARGO_MANIFEST_DIR"))
}

fn place(name: &str) -> String {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join(name).to_str().expect("text").to_owned()
}

#[test]
fn devices_lists_the_adapter_and_its_limits() {
    let Some(device) = device(None) else { return };
    let output = southwell(&["devices"], &[]);
    let said = text(&output.stdout);
    assert!(output.status.success() && said.contains(&format!("gpu:{}", device.adapter().name)), "{said}");
    assert!(said.starts_with("cpu ") && said.contains("\nthreads  "), "{said}");
    let said = text(&southwell(&["devices", "--json"], &[]).stdout);
    let limit = format!("\"largest_binding_bytes\": {}", device.adapter().largest_binding);
    assert!(said.contains(&limit) && said.contains("\"gpu_support\": true"), "{said}");
}

#[test]
fn without_a_driver_there_is_none_and_a_gpu_that_was_asked_for_is_missed() {
    let output = southwell(&["devices"], &[NO_DRIVER]);
    assert!(output.status.success() && text(&output.stdout).contains("gpu      none found"));
    let output = southwell(&["relax", &matrix(), "--device", "gpu"], &[NO_DRIVER]);
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).contains("no GPU: no Vulkan driver"), "{}", text(&output.stderr));
}

#[test]
fn names_and_software_are_told_apart() {
    let Some(_) = device(None) else { return };
    let output = southwell(&["relax", &matrix(), "--device", "gpu:no such card"], &[]);
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).contains("no GPU is called 'no such card'; there are: "));
    let on_disk = ["recover", "a.npy", "--targets", "y.npy", "--rank", "1", "--out-of-core"];
    for words in [&["fit", "a.csv", "--loss", "lad"][..], &on_disk, &["devices"]] {
        let output = southwell(&[words, &["--device", "gpu"]].concat(), &[]);
        assert_eq!(output.status.code(), Some(1));
        let said = text(&output.stderr);
        assert!(said.contains("only southwell descend, heat, recover, relax and transport"), "{said}");
    }
}

#[test]
fn heat_runs_there_and_comes_home_when_the_card_is_lost() {
    let Some(device) = device(None) else { return };
    let words =
        ["heat", "--grid=12", "--steps=3", "--policy=cg", "--policy=auto", "--policy=best-fixed", "--json"];
    let run = |place: &str, environment: &[(&str, &str)]| {
        let output = southwell(&[&words[..], &["--device", place]].concat(), environment);
        assert!(output.status.success(), "{}", text(&output.stderr));
        let document: serde_json::Value = serde_json::from_slice(&output.stdout).expect("one JSON document");
        let iterations = |k: usize| document["policies"][k]["iterations"].as_u64().expect("a number");
        (
            [0, 1, 2].map(iterations),
            document["device"].as_str().expect("a word").to_owned(),
            text(&output.stderr),
        )
    };
    let (alone, ..) = run("cpu", &[]);
    let (there, place, _) = run("gpu", &[]);
    assert_eq!(place, format!("gpu:{}", device.adapter().name));
    // Looks come one iteration late, and a refinement begins anew.
    assert!(there[0] >= alone[0] && there[0] <= 2 * alone[0] + 12, "{there:?} {alone:?}");
    assert!(there.iter().all(|&count| count > 0), "{there:?}");
    let (home, place, said) = run("gpu", &[("SOUTHWELL_LOSE_GPU_AFTER", "30")]);
    assert!(said.contains("the GPU was lost") && said.contains("the CPU carries on"), "{said}");
    assert_eq!((said.matches("carries on").count(), place.as_str()), (1, "cpu"));
    assert!(home.iter().all(|&count| count > 0), "{home:?}");
    let output = southwell(&[&words[..], &["--device", "gpu"]].concat(), &[NO_DRIVER]);
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).contains("no GPU: no Vulkan driver"), "{}", text(&output.stderr));
}

#[test]
fn relax_runs_there_and_comes_home_when_the_card_is_lost() {
    let Some(device) = device(None) else { return };
    let arguments = |device: &'static str, out: &str| -> Vec<String> {
        let words = ["relax", &matrix(), "--method", "ssor-cg", "--omega", "1.5", "--json", "--out", out];
        words.iter().chain(&["--device", device]).map(|word| (*word).to_owned()).collect()
    };
    let run = |device, name: &str, environment: &[(&str, &str)]| {
        let out = place(name);
        let words = arguments(device, &out);
        let output = southwell(&words.iter().map(String::as_str).collect::<Vec<_>>(), environment);
        assert!(output.status.success(), "{} {}", text(&output.stdout), text(&output.stderr));
        (npy::read_vector(Path::new(&out)).expect("x was written"), output)
    };
    let (host, _) = run("cpu", "gpu-host.npy", &[]);
    let (there, output) = run("gpu", "gpu-there.npy", &[]);
    assert!(text(&output.stdout).contains(&format!("\"device\": \"gpu:{}\"", device.adapter().name)));
    let (home, output) = run("gpu", "gpu-home.npy", &[("SOUTHWELL_LOSE_GPU_AFTER", "4")]);
    assert!(text(&output.stderr).contains("the GPU was lost"), "{}", text(&output.stderr));
    assert!(text(&output.stderr).contains("the CPU carries on"));
    assert!(text(&output.stdout).contains("\"device\": \"cpu\""));
    let largest = host.iter().fold(0.0_f64, |largest, x| largest.max(x.abs()));
    for other in [there, home] {
        // Both met a residual of 1e-8; the condition number of nos3 is 4e4.
        let off = host.iter().zip(&other).fold(0.0_f64, |off, (a, b)| off.max((a - b).abs()));
        assert!(off <= 1e-3 * largest, "{off} of {largest}");
    }
}

#[test]
fn auto_carries_on_without_a_card() {
    // As many pairs as `auto` thinks worth a card, and an ε that makes the rest quick.
    let (n, mut draw) = (3200, Draw(31));
    let points: Vec<f64> = (0..2 * n).map(|_| draw.next()).collect();
    let path = place("gpu-points.npy");
    npy::write_matrix(Path::new(&path), n, 2, &points).expect("points");
    let words =
        ["transport", "--points", &path, &path, "--epsilon-ratio", "1", "--tolerance", "1e-3", "--json"];
    let output = southwell(&[&words[..], &["--device", "auto"]].concat(), &[NO_DRIVER]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert!(text(&output.stderr).contains("no GPU: no Vulkan driver"), "{}", text(&output.stderr));
    assert!(!text(&output.stdout).contains("\"device\": \"gpu"));
}

#[test]
fn transport_runs_there() {
    let Some(_) = device(None) else { return };
    let (n, mut draw) = (130, Draw(32));
    let points: Vec<f64> = (0..3 * n).map(|_| draw.next()).collect();
    let path = place("gpu-small-points.npy");
    npy::write_matrix(Path::new(&path), n, 3, &points).expect("points");
    let words =
        ["transport", "--points", &path, &path, "--epsilon-ratio", "0.05", "--json", "--method", "log"];
    let output = southwell(&[&words[..], &["--device", "gpu"]].concat(), &[]);
    let said = text(&output.stdout);
    assert!(
        output.status.success() && said.contains("\"device\": \"gpu:"),
        "{said} {}",
        text(&output.stderr)
    );
}

/// What a run says in JSON, and on the side.
fn document(words: &[&str], environment: &[(&str, &str)]) -> (serde_json::Value, String) {
    let output = southwell(words, environment);
    assert!(output.status.success(), "{} {}", text(&output.stdout), text(&output.stderr));
    (serde_json::from_slice(&output.stdout).expect("one JSON document"), text(&output.stderr))
}

#[test]
fn descend_runs_there_and_carries_on_when_the_card_is_lost() {
    let Some(device) = device(None) else { return };
    // Symmetric, and its diagonal dominates.
    let (n, mut draw) = (300, Draw(33));
    let mut q = vec![0.0; n * n];
    for (i, j) in (0..n).flat_map(|i| (0..=i).map(move |j| (i, j))) {
        let value = if i == j { 40.0 } else { draw.next() - 0.5 };
        (q[i * n + j], q[j * n + i]) = (value, value);
    }
    let (matrix, rhs) = (place("gpu-q.npy"), place("gpu-c.npy"));
    npy::write_matrix(Path::new(&matrix), n, n, &q).expect("a matrix");
    npy::write_vector(Path::new(&rhs), &draw.centred(n)).expect("a vector");
    let name = format!("gpu:{}", device.adapter().name);
    let lasso = ["--penalty", "lasso", "--lambda-ratio", "0.2"];
    let interval = ["--penalty", "box", "--lower", "-0.002", "--upper", "0.004", "--select", "gs-q"];
    for (k, penalty) in [&lasso[..], &interval].iter().enumerate() {
        let run = |place_of: &str, environment: &[(&str, &str)]| {
            let out = place(&format!("gpu-w-{k}.npy"));
            let words = ["descend", &matrix, "--rhs", &rhs, "--tolerance", "1e-9", "--json", "--out", &out];
            let (said, notes) =
                document(&[&words[..], penalty, &["--device", place_of]].concat(), environment);
            (said, notes, npy::read_vector(Path::new(&out)).expect("weights"))
        };
        let (alone, _, expected) = run("cpu", &[]);
        let (there, _, found) = run("gpu", &[]);
        assert_eq!((alone["device"].as_str(), there["device"].as_str()), (Some("cpu"), Some(name.as_str())));
        let (home, said, again) = run("gpu", &[("SOUTHWELL_LOSE_GPU_AFTER", "4")]);
        assert!(said.contains("the GPU was lost") && said.contains("the CPU carries on"), "{said}");
        assert_eq!(home["device"].as_str(), Some("cpu"));
        let largest = expected.iter().fold(0.0_f64, |largest, x| largest.max(x.abs()));
        for (said, found) in [(there, found), (home, again)] {
            assert_eq!(said["status"], alone["status"]);
            let off = expected.iter().zip(&found).fold(0.0_f64, |off, (a, b)| off.max((a - b).abs()));
            assert!(largest > 0.0 && off <= 1e-6 * largest, "{off} of {largest}");
        }
    }
    // What is not there is refused, with what is.
    let refused = |words: &[&str]| {
        let output = southwell(&[words, &["--device", "gpu"]].concat(), &[]);
        assert_eq!(output.status.code(), Some(1));
        let said = text(&output.stderr);
        assert!(said.contains("--device gpu: no ") && said.contains("--select gs-q"), "{said}");
    };
    refused(&["descend", &matrix, "--penalty", "lasso", "--select", "gsl"]);
    refused(&["descend", &matrix, "--penalty", "lasso", "--block-size", "4"]);
    refused(&["descend", &matrix, "--penalty", "box", "--lower", "0"]);
    refused(&["descend", &matrix, "--targets", &rhs]);
    refused(&["descend", &self::matrix(), "--penalty", "lasso"]);
    let output = southwell(&["descend", &matrix, "--penalty", "lasso", "--device", "gpu"], &[NO_DRIVER]);
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).contains("no GPU: no Vulkan driver"), "{}", text(&output.stderr));
}

#[test]
fn recover_runs_there_and_carries_on_when_the_card_is_lost() {
    let Some(device) = device(None) else { return };
    // A matrix of rank 1, 600 measurements of it by matrices, every tenth of them grossly wrong.
    let (rows, columns, m, mut draw) = (9, 7, 600, Draw(34));
    let (u, v) = (draw.centred(rows), draw.centred(columns));
    let truth: Vec<f64> = u.iter().flat_map(|u| v.iter().map(move |v| u * v)).collect();
    let a = draw.centred(m * rows * columns);
    let measured = a.chunks(rows * columns).map(|a| a.iter().zip(&truth).map(|(a, x)| a * x).sum::<f64>());
    let y: Vec<f64> = measured.enumerate().map(|(i, y)| if i % 10 == 0 { 5.0 } else { y }).collect();
    let file = place("gpu-measured.npz");
    let arrays = [("A", &[m, rows, columns][..], &a[..]), ("y", &[m], &y), ("X", &[rows, columns], &truth)];
    archive::write(Path::new(&file), &arrays).expect("an archive");
    let run = |extra: &[&str], environment: &[(&str, &str)]| {
        let words = ["recover", &file, "--rank", "1", "--general", "--tolerance", "1e-5", "--json"];
        document(&[&words[..], extra].concat(), environment)
    };
    let error = |said: &serde_json::Value| said["relative_error"].as_f64().expect("a number");
    let (alone, _) = run(&[], &[]);
    assert!(error(&alone) < 1e-3, "{alone}");
    let plot = place("gpu-value.svg");
    for extra in [&["--device", "gpu"][..], &["--device", "gpu", "--single", "--plot", &plot]] {
        let (there, _) = run(extra, &[]);
        assert_eq!(there["device"].as_str(), Some(format!("gpu:{}", device.adapter().name).as_str()));
        assert!(error(&there) < 1e-3, "{there}");
    }
    assert!(Path::new(&plot).exists());
    let (home, said) = run(&["--device", "gpu"], &[("SOUTHWELL_LOSE_GPU_AFTER", "40")]);
    assert!(said.contains("the GPU was lost") && said.matches("the CPU carries on").count() == 1, "{said}");
    assert_eq!(home["device"].as_str(), Some("cpu"));
    assert!(error(&home) < 1e-3, "{home}");
    // Lost before the first step, or not there: missed, as it was asked for.
    for (environment, said) in
        [(("SOUTHWELL_LOSE_GPU_AFTER", "1"), "the GPU was lost"), (NO_DRIVER, "no GPU: no Vulkan driver")]
    {
        let output = southwell(&["recover", &file, "--rank", "1", "--device", "gpu"], &[environment]);
        assert_eq!(output.status.code(), Some(1));
        assert!(text(&output.stderr).contains(said), "{}", text(&output.stderr));
    }
    let vectors = place("gpu-vectors.npz");
    let arrays = [("a", &[m, 3][..], &a[..3 * m]), ("y", &[m], &y)];
    archive::write(Path::new(&vectors), &arrays).expect("an archive");
    let output = southwell(&["recover", &vectors, "--rank", "1", "--device", "gpu"], &[]);
    let said = text(&output.stderr);
    assert!(output.status.code() == Some(1) && said.contains("or take --device threads"), "{said}");
}
