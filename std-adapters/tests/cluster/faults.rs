//! What happens when one rank fails: all end, with the same words.

use std::ops::ControlFlow;
use std::panic::catch_unwind;

use southwell::linear::Star;
use southwell::relaxation::Fixed;
use southwell::relaxation::sor::Options;
use southwell::{Progress, Status, Stop};
use southwell_std::cluster::stencil::{self, Couplings, Shape};
use southwell_std::cluster::{Alone, Communicator, Fault, Partition, Threads, agree, same_version, version};

use crate::ranks::run;

const SHAPE: Shape = Shape::Plane { rows: 16, columns: 8 };

fn star() -> Couplings<'static> {
    let star = Star { centre: 4.0, west: -1.0, east: -1.0, south: -1.0, north: -1.0, ..Star::default() };
    Couplings::Constant(star)
}

#[test]
fn a_refusal_on_one_rank_is_a_refusal_on_all() {
    for (bad, ranks) in [(0, 2), (2, 3), (1, 4)] {
        let faults = run(ranks, move |comm: &Threads| {
            let mut rhs =
                vec![1.0; Partition::new(16, ranks).expect("enough").items_of(comm.rank()).len() * 8];
            if comm.rank() == bad {
                rhs[3] = f64::NAN;
            }
            stencil::Problem::new(comm, SHAPE, star(), &rhs).err()
        });
        let message = "`rhs[3]` is NaN or infinite; replace it by a number";
        let expected = Fault::Refused { rank: bad, message: message.to_owned() };
        assert!(faults.iter().all(|fault| fault.as_ref() == Some(&expected)), "{faults:?}");
        assert_eq!(expected.to_string(), format!("rank {bad}: {message}"));
    }
}

#[test]
fn the_lowest_of_several_speaks_and_nobody_is_asked_twice() {
    let faults = run(4, |comm: &Threads| {
        let rank = comm.rank();
        agree(comm, if rank % 2 == 1 { Err(format!("part {rank} is missing")) } else { Ok(rank) })
    });
    let expected = Err(Fault::Refused { rank: 1, message: "part 1 is missing".to_owned() });
    assert!(faults.iter().all(|fault| *fault == expected), "{faults:?}");
    assert_eq!(agree(&Alone, Ok::<_, String>(3)), Ok(3));
}

#[test]
fn a_rank_that_ends_or_panics_ends_all() {
    for how in ["returns", "panics", "aborts"] {
        let ended = catch_unwind(|| {
            run(3, move |comm: &Threads| {
                let rhs = vec![1.0; Partition::new(16, 3).expect("enough").items_of(comm.rank()).len() * 8];
                let problem = stencil::Problem::new(comm, SHAPE, star(), &rhs).expect("valid");
                let mut looks = 0;
                let mut observer = |_: &Progress<f64>| {
                    looks += 1;
                    ControlFlow::Continue(())
                };
                if comm.rank() == 1 {
                    match how {
                        "returns" => return Err(Fault::Start("by itself")),
                        "panics" => std::panic::resume_unwind(Box::new("a rank panics")),
                        _ => comm.abort(7),
                    }
                }
                let mut x = vec![0.0; rhs.len()];
                let options = Options::default();
                stencil::solve(&problem, &options, &mut Fixed(1.5), &mut x, &mut observer).map(drop)
            })
        });
        match ended {
            Ok(faults) => {
                assert_eq!(how, "returns");
                assert!(faults.iter().all(Result::is_err), "{faults:?}");
                assert_eq!(faults[0], Err(Fault::Gone { rank: 1 }));
            }
            Err(_) => assert_ne!(how, "returns"),
        }
    }
}

#[test]
fn wrong_partitions_are_seen() {
    assert_eq!(Partition::new(10, 11), Err(Fault::Ranks { ranks: 11, most: 10 }));
    assert_eq!(Partition::new(5, 0), Err(Fault::Ranks { ranks: 0, most: 5 }));
    let few = stencil::Problem::<Alone>::partition(&Shape::Plane { rows: 7, columns: 3 }, 4);
    assert_eq!(few, Err(Fault::Ranks { ranks: 4, most: 3 }));
    // One rank believes in another grid.
    let faults = run(2, |comm: &Threads| {
        let rows = if comm.rank() == 1 { 20 } else { 16 };
        let rhs = vec![1.0; rows / 2 * 8];
        stencil::Problem::new(comm, Shape::Plane { rows, columns: 8 }, star(), &rhs).err()
    });
    assert!(faults.iter().all(Option::is_some), "{faults:?}");
    let mismatch = Some(Fault::Mismatch { rank: 1, expected: 9, given: 11 });
    assert_eq!(faults[0], mismatch);
}

#[test]
fn every_item_has_one_owner_whatever_the_ranks() {
    for items in [1, 2, 7, 100, 4096, 4097, 10_000, 123_457] {
        let most = Partition::new(items, 1).expect("one rank").blocks();
        for ranks in [1, 2, 3, 4, 7, 64, 1000].into_iter().filter(|&ranks| ranks <= most) {
            let partition = Partition::new(items, ranks).expect("enough blocks");
            let mut next = 0;
            for rank in 0..ranks {
                let own = partition.items_of(rank);
                assert_eq!(own.start, next, "in order, without gaps");
                assert!(!own.is_empty());
                for item in [own.start, own.end - 1] {
                    assert_eq!(partition.owner(item), rank, "{items} items, {ranks} ranks, item {item}");
                }
                next = own.end;
            }
            assert_eq!(next, items);
        }
    }
}

#[test]
fn unequal_versions_are_seen_by_all() {
    assert_eq!(same_version(&Alone, version()), Ok(()));
    let faults =
        run(3, |comm: &Threads| same_version(comm, if comm.rank() == 2 { [9, 8, 7] } else { version() }));
    let expected = Fault::Version { rank: 2, version: [9, 8, 7], first: version() };
    assert!(faults.iter().all(|fault| *fault == Err(expected.clone())), "{faults:?}");
    assert!(expected.to_string().contains("rank 2 runs southwell 9.8.7"), "{expected}");
}

#[test]
fn the_wish_of_one_rank_stops_all_at_the_same_look() {
    let reports = run(3, |comm: &Threads| {
        let rhs = vec![1.0; Partition::new(16, 3).expect("enough").items_of(comm.rank()).len() * 8];
        let problem = stencil::Problem::new(comm, SHAPE, star(), &rhs).expect("valid");
        let rank = comm.rank();
        let mut observer = |progress: &Progress<f64>| {
            if rank == 1 && progress.step == 5 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        };
        let mut x = vec![0.0; rhs.len()];
        let options = Options { stop: Stop::relative(1e-14), ..Options::default() };
        stencil::solve(&problem, &options, &mut Fixed(1.0), &mut x, &mut observer).expect("valid")
    });
    assert!(reports.iter().all(|r| *r == reports[0]), "{reports:?}");
    assert_eq!((reports[0].status, reports[0].steps), (Status::Stopped, 6), "one look later");
}
