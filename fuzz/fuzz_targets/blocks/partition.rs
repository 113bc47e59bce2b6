//! Every partition there is, and what plain loops say that it should be.

use southwell::descent::Partition;
use southwell::descent::partitions::Visit;
use southwell::linear::Csr;
use southwell::{Error, Real, StructureFault};
use southwell_fuzz::{bit, cycled};

use super::Input;
use super::plain::Plain;

/// A partition of the caller's own: any order, cut anywhere.
pub fn own_partition(input: &Input, p: usize) -> (Vec<u32>, Vec<u32>) {
    let mut order: Vec<u32> = (0..p as u32).collect();
    for k in 0..p {
        let drawn = usize::from(input.order.get(k).copied().unwrap_or(0));
        order.swap(k, k + drawn % (p - k));
    }
    let cuts = (1..p as u32).filter(|&k| bit(&input.pattern, k as usize));
    let offsets = [0].into_iter().chain(cuts).chain([p as u32]).collect();
    (offsets, order)
}

/// The partition that the input names.
pub fn part<'s, T: Real>(
    input: &Input,
    (rows, columns): (usize, usize),
    csr: &Csr<'_, T>,
    diagonal: &[T],
    storage: &'s mut [u32],
    (offsets, order): &'s (Vec<u32>, Vec<u32>),
) -> Partition<'s> {
    let p = rows * columns;
    let size = usize::from(input.size % 5) + 1;
    let visit = if input.size >= 128 { Visit::InOrder } else { Visit::Descending };
    let make = |storage: &'s mut [u32]| match input.parting % 8 {
        0 => Partition::consecutive(p, size),
        1 => Partition::sorted(diagonal, size, storage),
        2 => Partition::averaged(diagonal, size, storage),
        3 => Partition::coloured(csr, visit, storage),
        4 => Partition::forests(csr, visit, storage),
        5 if p > 1 => Partition::red_black(rows, columns, storage),
        6 if p > 1 => Partition::combs(rows, columns, storage),
        _ => Partition::new(offsets, order, &mut [u32::MAX]),
    };
    refused_partitions(input, p, csr, diagonal, (offsets, order));
    make(storage).expect("a sound partition")
}

/// What is no partition gets its own error; numbers that do not rank make no other list than a permutation.
fn refused_partitions<T: Real>(
    input: &Input,
    p: usize,
    csr: &Csr<'_, T>,
    diagonal: &[T],
    (offsets, order): (&[u32], &[u32]),
) {
    let size = usize::from(input.size % 5) + 1;
    match input.refuse % 16 {
        1 => {
            let mut short = vec![0; p];
            let faults = [
                Partition::sorted(diagonal, size, &mut short).err(),
                Partition::averaged(diagonal, size, &mut short).err(),
                Partition::coloured(csr, Visit::InOrder, &mut short).err(),
                Partition::forests(csr, Visit::Descending, &mut short).err(),
            ];
            for fault in faults {
                assert!(
                    matches!(fault, Some(Error::Workspace { needed, given }) if needed > given && given == p)
                );
            }
        }
        2 => {
            let mut order = order.to_vec();
            let at = usize::from(input.seed as u8) % p;
            order[at] = if p > 1 { order[(at + 1) % p] } else { 1 };
            let fault = Partition::new(offsets, &order, &mut [0]).expect_err("a damaged order");
            let Error::Structure { argument: "order", index, fault } = fault else { panic!("{fault:?}") };
            assert!(
                index < p && (p == 1 || fault == StructureFault::NotAPermutation),
                "{fault:?} at {index}"
            );
        }
        3 => {
            let mut offsets = offsets.to_vec();
            let at = usize::from(input.seed as u8) % offsets.len();
            offsets.insert(at, offsets[at]);
            let fault = StructureFault::EmptyBlock;
            let expected = Error::Structure { argument: "offsets", index: at + 1, fault };
            assert_eq!(Partition::new(&offsets, order, &mut [0]).err(), Some(expected));
        }
        4 => {
            let wild: Vec<T> = (0..p).map(|i| cycled(&input.entries, i).wild()).collect();
            let mut storage = vec![u32::MAX; 3 * p + 4];
            listed(&Partition::sorted(&wild, size, &mut storage).expect("enough room"));
            listed(&Partition::averaged(&wild, size, &mut storage).expect("enough room"));
        }
        _ => {}
    }
}

/// The blocks of a partition: every variable in one of them, and none empty.
pub fn listed(partition: &Partition<'_>) -> Vec<Vec<usize>> {
    let mut seen = vec![false; partition.variables()];
    let blocks: Vec<Vec<usize>> = (0..partition.len())
        .map(|block| {
            let mut out = vec![u32::MAX; partition.largest()];
            let len = partition.fill(block, &mut out);
            assert!(len > 0);
            out[..len].iter().map(|&i| i as usize).collect()
        })
        .collect();
    for &i in blocks.iter().flatten() {
        assert!(!std::mem::replace(&mut seen[i], true), "{i} twice in {blocks:?}");
    }
    assert!(seen.iter().all(|seen| *seen), "{blocks:?}");
    assert_eq!(blocks.iter().map(Vec::len).max(), Some(partition.largest()));
    assert_eq!(partition.fill(partition.len(), &mut [0; 16]), 0);
    blocks
}

/// What each kind promises.
pub fn check_partition(
    input: &Input,
    (rows, columns): (usize, usize),
    plain: &Plain,
    diagonal: &[f64],
    blocks: &[Vec<usize>],
) {
    let p = rows * columns;
    let size = usize::from(input.size % 5) + 1;
    // Stable sorts: equal ones by index.
    let mut ascending: Vec<usize> = (0..p).collect();
    let ranked = |i: usize, j: usize| diagonal[i].partial_cmp(&diagonal[j]).expect("finite numbers");
    ascending.sort_by(|&i, &j| ranked(i, j));
    let mut visit: Vec<usize> = (0..p).collect();
    if input.size < 128 {
        visit.sort_by(|&i, &j| ranked(j, i));
    }
    let runs = |order: &[usize]| order.chunks(size).map(<[usize]>::to_vec).collect::<Vec<_>>();
    let sorted = |blocks: Vec<Vec<usize>>| -> Vec<Vec<usize>> {
        let by_index = |mut block: Vec<usize>| {
            block.sort_unstable();
            block
        };
        blocks.into_iter().map(by_index).collect()
    };
    match input.parting % 8 {
        0 => assert_eq!(blocks, runs(&(0..p).collect::<Vec<_>>())),
        1 => assert_eq!(blocks, runs(&ascending)),
        2 => {
            let end = |k: usize| if k.is_multiple_of(2) { k / 2 } else { p - 1 - k / 2 };
            assert_eq!(blocks, runs(&(0..p).map(|k| ascending[end(k)]).collect::<Vec<_>>()));
        }
        3 => {
            let mut colours: Vec<Vec<usize>> = vec![];
            for &vertex in &visit {
                let free = |colour: &Vec<usize>| colour.iter().all(|&j| !plain.joined(vertex, j));
                let least =
                    colours.iter_mut().filter(|colour| free(colour)).min_by_key(|colour| colour.len());
                match least {
                    Some(colour) => colour.push(vertex),
                    None => colours.push(vec![vertex]),
                }
            }
            assert_eq!(blocks, sorted(colours));
        }
        4 => {
            let mut forests: Vec<Vec<usize>> = vec![];
            for &vertex in &visit {
                let with = |forest: &Vec<usize>| [&forest[..], &[vertex]].concat();
                match forests.iter_mut().find(|forest| plain.is_forest(&with(forest))) {
                    Some(forest) => forest.push(vertex),
                    None => forests.push(vec![vertex]),
                }
            }
            assert_eq!(blocks, sorted(forests));
        }
        5 if p > 1 => {
            for block in blocks.iter().filter(|_| input.lattice) {
                assert!(block.iter().all(|&i| block.iter().all(|&j| !plain.joined(i, j))), "{blocks:?}");
            }
        }
        6 if p > 1 => {
            assert!(!input.lattice || blocks.iter().all(|block| plain.is_forest(block)), "{blocks:?}")
        }
        _ => {}
    }
}
