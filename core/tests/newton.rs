//! Sinkhorn-Newton-Sparse.

mod common;

use common::cases::{Case, digits, look, mnist, random};
use southwell::transport::newton::Work;
use southwell::transport::{DenseCost, Potentials, Problem, newton};
use southwell::{Report, Stop, drive};

fn run(
    case: &Case,
    inverse: f64,
    tol: f64,
    options: &newton::Options<f64>,
    entries: usize,
) -> (Report<f64>, Work, f64, usize, Vec<f64>, Vec<f64>) {
    let (n, m) = (case.rows(), case.columns());
    let cost = DenseCost::new(&case.cost, n, m, m).expect("costs");
    let problem = Problem::new(&cost, &case.a, &case.b, 1.0 / inverse).expect("a problem");
    let mut storage = vec![f64::NAN; newton::Workspace::<f64>::required_len(n, m, m, entries)];
    let mut indices = vec![u32::MAX; newton::Workspace::<f64>::required_indices(n, m, entries)];
    let workspace = newton::Workspace::new(&problem, entries, &mut storage, &mut indices).expect("memory");
    let (mut f, mut g) = (vec![0.0; n], vec![0.0; m]);
    let x = Potentials { f: &mut f, g: &mut g };
    let stop = Stop { max_steps: 400, ..Stop::relative(tol) };
    let mut run = newton::start(&problem, options, x, workspace).expect("valid options");
    let report = drive(&mut run, &stop, &mut ());
    let (work, cg, kept) = (run.work(), run.cg_work(), run.entries().0);
    (report, work, cg, kept, f, g)
}

#[test]
#[ignore = "a table"]
fn table() {
    let dropped: f64 = std::env::var("DROPPED").ok().and_then(|s| s.parse().ok()).unwrap_or(1e-6);
    let tol: f64 = std::env::var("TOL").ok().and_then(|s| s.parse().ok()).unwrap_or(1e-12);
    let (r, r2, l1, l2, m1, m2) = (random(1, 500), random(2, 500), digits(1), digits(2), mnist(1), mnist(2));
    for (name, case, inverse, dual) in [
        ("random", &r, 200.0, -0.039_347_763_7),
        ("random", &r, 400.0, -0.017_004_610_8),
        ("random", &r, 1200.0, -0.003_087_436_8),
        ("random2", &r2, 1200.0, -0.003_033_458_3),
        ("digits1", &l1, 50.0, -0.042_880_659_6),
        ("digits1", &l1, 200.0, 0.038_400_016_6),
        ("digits1", &l1, 1200.0, 0.060_685_575_3),
        ("digits2", &l2, 200.0, -0.015_821_223_4),
        ("digits2", &l2, 1200.0, 0.006_572_865_3),
        ("mnist1", &m1, 200.0, 0.022_395_143_2),
        ("mnist1", &m1, 1200.0, 0.057_037_446_3),
        ("mnist2", &m2, 200.0, -0.037_251_504_3),
        ("mnist2", &m2, 1200.0, 0.000_739_301_8),
    ] {
        let options = newton::Options { dropped, ..newton::Options::default() };
        let before = std::time::Instant::now();
        let (report, work, cg, kept, f, g) = run(case, inverse, tol, &options, 128 * case.rows());
        let time = before.elapsed().as_secs_f64();
        let [rows, columns, _, value] = look(case, 1.0 / inverse, &f, &g);
        println!(
            "{name:8} {inverse:5} {:?} e {:.1e} true {:.1e} D err {:.0e} | newton {} ev {} cg {} reads {} cgwork {:.1} total {:.1} rescues {} kept/row {:.1} {:.0} ms",
            report.status,
            report.residual,
            rows + columns,
            value - dual,
            work.newton_steps,
            work.evaluations,
            work.cg_steps,
            work.kernel_reads,
            cg,
            cg + f64::from(work.kernel_reads),
            work.rescues,
            kept as f64 / case.rows() as f64,
            time * 1e3
        );
    }
}

fn run_dense(
    case: &Case,
    inverse: f64,
    tol: f64,
    options: &newton::Options<f64>,
) -> (Report<f64>, Work, Vec<f64>, Vec<f64>) {
    let (n, m) = (case.rows(), case.columns());
    let cost = DenseCost::new(&case.cost, n, m, m).expect("costs");
    let problem = Problem::new(&cost, &case.a, &case.b, 1.0 / inverse).expect("a problem");
    let mut storage = vec![f64::NAN; newton::dense::Workspace::<f64>::required_len(n, m, m)];
    let workspace = newton::dense::Workspace::new(&problem, &mut storage).expect("memory");
    let (mut f, mut g) = (vec![0.0; n], vec![0.0; m]);
    let x = Potentials { f: &mut f, g: &mut g };
    let stop = Stop { max_steps: 400, ..Stop::relative(tol) };
    let mut run = newton::dense::start(&problem, options, x, workspace).expect("valid options");
    let report = drive(&mut run, &stop, &mut ());
    let work = run.work();
    (report, work, f, g)
}

#[test]
#[ignore = "a table"]
fn dense_table() {
    let (l1, l2) = (digits(1), digits(2));
    let uniform = Case { a: vec![1.0; 16], b: vec![1.0; 16], ..random(16, 16) };
    let tracks = common::cases::tracks();
    for (name, case, inverse, tol, first) in [
        ("digits1", &l1, 50.0, 1e-12, 20),
        ("digits1", &l1, 200.0, 1e-12, 20),
        ("digits1", &l1, 1200.0, 1e-12, 20),
        ("digits2", &l2, 200.0, 1e-12, 20),
        ("digits2", &l2, 1200.0, 1e-12, 20),
        ("uniform", &uniform, 20.0, 1e-10 / 16.0, 10),
        ("uniform", &uniform, 50.0, 1e-10 / 16.0, 10),
        ("uniform", &uniform, 100.0, 1e-10 / 16.0, 10),
        ("uniform", &uniform, 1200.0, 1e-10 / 16.0, 10),
        ("tracks", &tracks, 100.0, 1e-10 / 16.0, 10),
    ] {
        let options = newton::Options { first_steps: first, ..newton::Options::default() };
        let (report, work, f, g) = run_dense(case, inverse, tol, &options);
        let [rows, columns, _, _] = look(case, 1.0 / inverse, &f, &g);
        println!(
            "dense {name} {inverse} {:?} {:.1e} true {:.1e} {work:?}",
            report.status,
            report.residual,
            rows + columns
        );
    }
}
