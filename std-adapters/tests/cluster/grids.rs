//! Red-black SOR over ranks beside `RedBlack` in one piece.

use rand_xoshiro::Xoshiro256PlusPlus;
use rand_xoshiro::rand_core::SeedableRng;
use southwell::bandit::{Grid, TsallisInf, TsallisOptions};
use southwell::linear::{Star, Stencil2d, Stencil3d};
use southwell::relaxation::sor::{Options, Sweep, Workspace, solve};
use southwell::relaxation::{Auto, Fixed, HagemanYoung, Learned, OmegaRule, Problem, RedBlack, Relax};
use southwell::{Report, Stop};
use southwell_std::cluster::stencil::{self, Couplings, Shape};
use southwell_std::cluster::{Communicator, Counted, Threads, Traffic};
use southwell_std::heat::ARMS;

use crate::ranks::{bits, numbers, run};

/// In one piece, by core.
fn whole<A: Relax<f64>, R: OmegaRule<f64>>(
    matrix: &A,
    rhs: &[f64],
    options: &Options<f64>,
    rule: &mut R,
    x: &mut [f64],
) -> Report<f64> {
    let problem = Problem::new(matrix, rhs).expect("a valid system");
    let mut storage = vec![f64::NAN; 2 * x.len()];
    let workspace = Workspace::new(&problem, &mut storage).expect("long enough");
    solve(&problem, options, rule, x, workspace, &mut ()).expect("valid options")
}

fn heat(a: f64) -> Star<f64> {
    Star { centre: 1.0 + 4.0 * a, west: -a, east: -a, south: -a, north: -a, ..Star::default() }
}

fn options(sweep: Sweep, check_every: u32) -> Options<f64> {
    let stop = Stop { check_every, max_steps: 300, ..Stop::relative(1e-9) };
    Options { sweep, stop, ..Options::default() }
}

/// The same problem on `ranks` ranks: all of x, and the report on which they agree.
fn divided<R: OmegaRule<f64>>(
    ranks: usize,
    shape: Shape,
    star: &'static Star<Vec<f64>>,
    rhs: &[f64],
    options: Options<f64>,
    rule: impl Fn() -> R + Send + Sync + 'static,
) -> (Vec<f64>, Report<f64>) {
    let rhs = rhs.to_vec();
    let parts = run(ranks, move |comm: &Threads| {
        let layers = stencil::Problem::<Threads>::partition(&shape, ranks).expect("enough layers");
        let layers = layers.items_of(comm.rank());
        let cells = layers.start * shape.layer()..layers.end * shape.layer();
        let part = |values: &'static Vec<f64>| values.get(cells.clone()).unwrap_or(&[]);
        let couplings = if star.centre.len() == 1 {
            Couplings::Constant(Star {
                centre: star.centre[0],
                west: star.west[0],
                east: star.east[0],
                south: star.south[0],
                north: star.north[0],
                down: star.down[0],
                up: star.up[0],
            })
        } else {
            Couplings::PerCell(Star {
                centre: part(&star.centre),
                west: part(&star.west),
                east: part(&star.east),
                south: part(&star.south),
                north: part(&star.north),
                down: part(&star.down),
                up: part(&star.up),
            })
        };
        let problem = stencil::Problem::new(comm, shape, couplings, &rhs[cells.clone()]).expect("valid");
        let mut x = vec![0.5; cells.len()];
        let report = stencil::solve(&problem, &options, &mut rule(), &mut x, &mut ()).expect("valid");
        (x, report)
    });
    let report = parts[0].1;
    assert!(parts.iter().all(|part| part.1 == report), "all ranks report the same");
    (parts.into_iter().flat_map(|part| part.0).collect(), report)
}

fn leaked(star: Star<Vec<f64>>) -> &'static Star<Vec<f64>> {
    Box::leak(Box::new(star))
}

/// The residuals differ by how they are summed, so nothing but them may.
fn alike(ours: &Report<f64>, core: &Report<f64>) {
    assert_eq!((ours.status, ours.steps, ours.checks), (core.status, core.steps, core.checks));
    assert!((ours.residual - core.residual).abs() <= 1e-10 * core.residual.max(1e-9), "{ours:?} {core:?}");
}

#[test]
fn a_plane_has_the_bits_of_one_piece() {
    for (rows, columns, sweep, every) in [
        (33, 20, Sweep::Forward, 1),
        (40, 37, Sweep::Backward, 3),
        (9, 70, Sweep::Symmetric, 2),
        (64, 16, Sweep::Forward, 8),
        (8, 1, Sweep::Forward, 4),
    ] {
        let rhs = numbers(rows as u64, rows * columns);
        let matrix =
            RedBlack::<Stencil2d<f64>>::new(Stencil2d::constant(rows, columns, heat(3.0)).expect("finite"));
        let mut x = vec![0.5; rhs.len()];
        let options = options(sweep, every);
        let core = whole(&matrix, &rhs, &options, &mut Fixed(1.4), &mut x);
        assert!(core.converged());
        let star = leaked(heat(3.0).map(|c| vec![c]));
        let shape = Shape::Plane { rows, columns };
        let mut first = None;
        for ranks in 1..=4 {
            let (ours, report) = divided(ranks, shape, star, &rhs, options, || Fixed(1.4));
            assert_eq!(bits(&ours), bits(&x), "{ranks} ranks, {rows} × {columns}");
            alike(&report, &core);
            assert_eq!(*first.get_or_insert(report), report, "{ranks} ranks: the residual's bits as well");
        }
    }
}

#[test]
fn a_space_has_the_bits_of_one_piece() {
    let star = Star { down: -2.0, up: -1.5, ..heat(2.0) };
    let star = Star { centre: star.centre + 4.0, ..star };
    let (planes, rows, columns) = (17, 6, 9);
    let rhs = numbers(5, planes * rows * columns);
    let matrix =
        RedBlack::<Stencil3d<f64>>::new(Stencil3d::constant(planes, rows, columns, star).expect("finite"));
    for every in [1, 4] {
        let options = options(Sweep::Forward, every);
        let mut x = vec![0.5; rhs.len()];
        let core = whole(&matrix, &rhs, &options, &mut Fixed(1.3), &mut x);
        for ranks in 1..=4 {
            let shape = Shape::Space { planes, rows, columns };
            let star = leaked(star.map(|c| vec![c]));
            let (ours, report) = divided(ranks, shape, star, &rhs, options, || Fixed(1.3));
            assert_eq!(bits(&ours), bits(&x), "{ranks} ranks");
            alike(&report, &core);
        }
    }
}

#[test]
fn couplings_by_cell_have_the_bits_of_one_piece() {
    let (planes, rows, columns) = (12, 5, 7);
    let n = planes * rows * columns;
    let side = |seed| numbers(seed, n);
    let star = Star {
        centre: numbers(9, n).iter().map(|c| 8.0 + c).collect(),
        west: side(1),
        east: side(2),
        south: side(3),
        north: side(4),
        down: side(5),
        up: side(6),
    };
    let star = leaked(star);
    let rhs = numbers(7, n);
    let borrowed = Star {
        centre: &star.centre[..],
        west: &star.west,
        east: &star.east,
        south: &star.south,
        north: &star.north,
        down: &star.down,
        up: &star.up,
    };
    let options = options(Sweep::Symmetric, 2);
    let space = RedBlack::<Stencil3d<f64>>::new(
        Stencil3d::per_cell(planes, rows, columns, borrowed).expect("finite"),
    );
    let mut x = vec![0.5; n];
    let core = whole(&space, &rhs, &options, &mut Auto::new().expect("constants"), &mut x);
    let plane = RedBlack::<Stencil2d<f64>>::new(
        Stencil2d::per_cell(planes * rows, columns, borrowed).expect("finite"),
    );
    let mut flat = vec![0.5; n];
    let flat_core = whole(&plane, &rhs, &options, &mut HagemanYoung::default(), &mut flat);
    for ranks in 1..=4 {
        let shape = Shape::Space { planes, rows, columns };
        let rule = || Auto::new().expect("constants");
        let (ours, report) = divided(ranks, shape, star, &rhs, options, rule);
        assert_eq!(bits(&ours), bits(&x), "{ranks} ranks");
        alike(&report, &core);
        let shape = Shape::Plane { rows: planes * rows, columns };
        let (ours, report) = divided(ranks, shape, star, &rhs, options, HagemanYoung::default);
        assert_eq!(bits(&ours), bits(&flat), "{ranks} ranks in the plane");
        alike(&report, &flat_core);
    }
}

#[test]
fn omega_is_learned_over_a_sequence_without_a_message() {
    let (rows, columns, solves) = (24, 24, 40_u64);
    let star = heat(30.0);
    let matrix = RedBlack::<Stencil2d<f64>>::new(Stencil2d::constant(rows, columns, star).expect("finite"));
    let options = options(Sweep::Forward, 1);
    let mut rule = Auto::new().expect("constants");
    let core: Vec<u32> = (0..solves)
        .map(|k| {
            let mut x = vec![0.0; rows * columns];
            whole(&matrix, &numbers(k, rows * columns), &options, &mut rule, &mut x).steps
        })
        .collect();
    assert!(core[39] < core[0], "something was learned: {core:?}");
    for ranks in 1..=4 {
        let steps = run(ranks, move |comm: &Threads| {
            let shape = Shape::Plane { rows, columns };
            let layers = stencil::Problem::<Threads>::partition(&shape, ranks).expect("enough layers");
            let layers = layers.items_of(comm.rank());
            let cells = layers.start * columns..layers.end * columns;
            let mut rule = Auto::new().expect("constants");
            let solve = |k| {
                let rhs = &numbers(k, rows * columns)[cells.clone()];
                let problem =
                    stencil::Problem::new(comm, shape, Couplings::Constant(star), rhs).expect("valid");
                let mut x = vec![0.0; cells.len()];
                stencil::solve(&problem, &options, &mut rule, &mut x, &mut ()).expect("valid").steps
            };
            (0..solves).map(solve).collect::<Vec<u32>>()
        });
        assert!(steps.iter().all(|steps| *steps == core), "{ranks} ranks");
    }
}

/// One message to a neighbour for k sweeps and the look after them; one gather a look.
#[test]
fn traffic_is_what_the_documentation_says() {
    let (rows, columns, ranks) = (128, 50, 4);
    for (every, looks) in [(1_u32, 12_u64), (2, 12), (4, 12), (8, 12)] {
        let traffic = run(ranks, move |comm: &Threads| {
            let comm = Counted::new(comm);
            let shape = Shape::Plane { rows, columns };
            let rhs = vec![1.0; rows / ranks * columns];
            let star = Couplings::Constant(heat(1e4));
            let problem = stencil::Problem::new(&comm, shape, star, &rhs).expect("valid");
            let setup = comm.take();
            let mut options = options(Sweep::Forward, every);
            options.stop.max_steps = every * looks as u32;
            let mut x = vec![0.0; rhs.len()];
            let report = stencil::solve(&problem, &options, &mut Fixed(1.9), &mut x, &mut ()).expect("valid");
            assert_eq!(u64::from(report.checks), looks + 1, "no convergence that soon");
            (setup, comm.take())
        });
        for (rank, &(setup, solve)) in traffic.iter().enumerate() {
            let blocks = (rows / ranks) as u64;
            let flagged = |sums: u64| 8 * (1 + sums * blocks);
            assert_eq!(
                setup,
                Traffic { collectives: 2, collective_bytes: 8 + flagged(1), ..Traffic::default() }
            );
            let neighbours = if rank == 0 || rank + 1 == ranks { 1 } else { 2 };
            let depth = u64::from(every.min(4));
            // The right-hand side once, a look before and after, and what lies between two looks beyond four sweeps.
            let exchanges = 1 + (looks + 1) + looks * (u64::from(every).div_ceil(depth) - 1);
            let messages = neighbours * exchanges;
            let expected = Traffic {
                messages,
                bytes: messages * 2 * depth * columns as u64 * 8,
                collectives: 2 + looks + 1,
                collective_bytes: 2 * 8 + (looks + 1) * flagged(1),
            };
            assert_eq!(solve, expected, "rank {rank}, a look every {every} sweeps");
        }
    }
}

/// Ranks agree on what they learn without telling one another.
#[test]
fn a_rule_that_learns_sends_what_a_fixed_omega_sends() {
    let traffic = run(3, |comm: &Threads| {
        let counted = Counted::new(comm);
        let shape = Shape::Plane { rows: 30, columns: 20 };
        let rhs = vec![1.0; 10 * 20];
        let star = Couplings::Constant(heat(1e4));
        let problem = stencil::Problem::new(&counted, shape, star, &rhs).expect("valid");
        counted.take();
        let mut options = options(Sweep::Forward, 1);
        options.stop.max_steps = 25;
        let of = |rule: &mut dyn OmegaRule<f64>| {
            let mut x = vec![0.0; rhs.len()];
            let report = stencil::solve(&problem, &options, rule, &mut x, &mut ()).expect("valid");
            assert_eq!(report.steps, 25, "no convergence that soon");
            counted.take()
        };
        let tuner = TsallisInf::<f64, ARMS>::new(TsallisOptions::default()).expect("constants");
        let mut drawn = Learned::new(tuner, Grid::<f64>::RELAXATION, Xoshiro256PlusPlus::seed_from_u64(1));
        [of(&mut Fixed(1.9)), of(&mut HagemanYoung::default()), of(&mut drawn)]
    });
    assert!(traffic.iter().all(|[fixed, found, drawn]| fixed == found && fixed == drawn), "{traffic:?}");
}
