//! Views from arbitrary arrays: what is accepted satisfies its invariants and multiplies like plain loops,
//! with the same bits on every instruction set; what is refused is wrong where the error says.
#![no_main]

use arbitrary::Arbitrary;
use libfuzzer_sys::fuzz_target;
use southwell::linear::{Csr, Dense, Matrix, Star, Stencil2d, Stencil3d};
use southwell::relaxation::{Blocks, Colouring, Multicolour, Relax};
use southwell::{Error, Real, StructureFault};
use southwell_fuzz::{Number, Plain, bit, bits, check_error, cycled, number_bits};
use southwell_simd::{force_level, levels};

#[derive(Arbitrary, Debug)]
struct Input {
    double: bool,
    wild: bool,
    view: View,
    numbers: Vec<Number>,
    x: Vec<Number>,
    edits: Vec<Edit>,
}

#[derive(Arbitrary, Debug)]
enum View {
    Csr { order: u8, pattern: Vec<u8>, block: u8, colouring: Vec<Edit> },
    Dense { order: u8, padding: u8, missing: u8 },
    Constant { dimensions: [u8; 3], plane: bool, huge: u8 },
    PerCell { dimensions: [u8; 3], plane: bool },
}

/// A small damage to valid arrays.
#[derive(Arbitrary, Clone, Copy, Debug)]
struct Edit {
    array: u8,
    at: u8,
    change: Change,
}

#[derive(Arbitrary, Clone, Copy, Debug)]
enum Change {
    Set(u8),
    SetWide(u32),
    Swap(u8),
    Remove,
    Insert(u8),
}

impl Edit {
    fn apply<V: Copy>(self, array: &mut Vec<V>, value: impl Fn(u32) -> V) {
        let at = usize::from(self.at) % array.len().max(1);
        match self.change {
            Change::Set(v) if at < array.len() => array[at] = value(v.into()),
            Change::SetWide(v) if at < array.len() => array[at] = value(v),
            Change::Swap(v) if at < array.len() => {
                let other = usize::from(v) % array.len();
                array.swap(at, other);
            }
            Change::Remove if at < array.len() => {
                array.remove(at);
            }
            Change::Insert(v) => array.insert(at, value(v.into())),
            _ => {}
        }
    }
}

fuzz_target!(|input: Input| if input.double { check::<f64>(&input) } else { check::<f32>(&input) });

fn number<T: Real>(input: &Input, numbers: &[Number], k: usize) -> T {
    let number = cycled(numbers, k);
    if input.wild { number.wild() } else { number.tame() }
}

fn check<T: Real>(input: &Input) {
    match &input.view {
        View::Csr { order, pattern, block, colouring } => {
            check_csr::<T>(input, usize::from(*order) % 25, pattern, *block, colouring);
        }
        View::Dense { order, padding, missing } => {
            let sizes = [*order, *padding, *missing].map(usize::from);
            check_dense::<T>(input, [sizes[0] % 25, sizes[1] % 6, sizes[2]]);
        }
        View::Constant { dimensions, plane, huge } => check_constant::<T>(input, *dimensions, *plane, *huge),
        View::PerCell { dimensions, plane } => check_per_cell::<T>(input, *dimensions, *plane),
    }
}

/// Products, residuals, diagonals and sums of a view against plain loops, on every instruction set.
fn check_matrix<T: Real>(input: &Input, view: &impl Matrix<T>, plain: &Plain) {
    let n = plain.order();
    assert_eq!(view.order(), n);
    for row in 0..n {
        let diagonal = plain.rows[row].iter().find(|&&(column, _)| column == row).map(|&(_, a)| a);
        assert_eq!(view.diagonal(row).map(T::to_f64), diagonal, "diagonal of row {row}");
        let others = plain.rows[row].iter().filter(|&&(column, _)| column != row);
        let size: f64 = others.map(|(_, a)| a.abs()).sum();
        let bound = (plain.rows[row].len() + 1) as f64 * T::EPSILON.to_f64() * size;
        let sum = view.off_diagonal(row).to_f64();
        assert!(size >= 0.5 * T::MAX.to_f64() || (sum - size).abs() <= bound, "row {row}: {sum} for {size}");
    }
    assert_eq!(view.diagonal(n), None);

    let finite = |k: usize| {
        let x: T = number(input, &input.x, k);
        if x.is_finite() { x } else { T::ONE }
    };
    let x: Vec<T> = (0..n).map(finite).collect();
    let rhs: Vec<T> = (0..n).map(|k| finite(k + 7)).collect();
    let mut expected: Option<[Vec<u64>; 3]> = None;
    for level in levels() {
        force_level(Some(level));
        let (mut y, mut r) = (vec![T::NAN; n], vec![T::NAN; n]);
        view.apply(&x, &mut y);
        view.residual(&rhs, &x, &mut r);
        let square = view.residual_square(&rhs, &x);
        force_level(None);
        for row in 0..n {
            let product = plain.residual_of_row(row, 0.0, &x);
            assert!(product.agrees(-y[row]), "{level:?}: (A x)[{row}] = {} instead of {product:?}", y[row]);
            let residual = plain.residual_of_row(row, rhs[row].to_f64(), &x);
            assert!(residual.agrees(r[row]), "{level:?}: r[{row}] = {} instead of {residual:?}", r[row]);
        }
        let norm = plain.residual_norm(&rhs, &x);
        assert!(norm.agrees(square.sqrt()), "{level:?}: norm {} instead of {norm:?}", square.sqrt());
        let found = [bits(&y), bits(&r), vec![number_bits(square)]];
        assert_eq!(expected.get_or_insert_with(|| found.clone()), &found, "{level:?} has other bits");
    }
}

fn check_csr<T: Real>(input: &Input, n: usize, pattern: &[u8], block: u8, damage: &[Edit]) {
    let mut plain = Plain::default();
    for i in 0..n {
        let stored = (0..n).filter(|j| bit(pattern, i * n + j));
        plain
            .rows
            .push(stored.map(|j| (j, number::<T>(input, &input.numbers, i * n + j).to_f64())).collect());
    }
    let (mut offsets, mut columns, mut values) = plain.csr::<T>();
    for edit in &input.edits {
        match edit.array % 3 {
            0 => edit.apply(&mut offsets, |v| v),
            1 => edit.apply(&mut columns, |v| v),
            _ => edit.apply(&mut values, |v| T::from_u32(v)),
        }
    }
    let view = Csr::new(&offsets, &columns, &values);
    let rows = csr_rows(&offsets, &columns, &values);
    let view = match view {
        Ok(view) => view,
        Err(error) => {
            assert!(rows.is_none(), "refused a sound matrix: {error:?}");
            check_error(error, |name| match name {
                "offsets" => offsets.len(),
                "columns" => columns.len(),
                _ => values.len(),
            });
            match error {
                Error::Value { index, .. } => assert!(!values[index].is_finite()),
                Error::Structure { fault: StructureFault::FirstNotZero, .. } => assert_ne!(offsets[0], 0),
                Error::Structure { index, fault: StructureFault::Decreasing, .. } => {
                    assert!(offsets[index] < offsets[index - 1]);
                }
                Error::Structure { index, fault: StructureFault::Unsorted, .. } => {
                    assert!(columns[index] <= columns[index - 1]);
                }
                Error::Structure { index, fault: StructureFault::OutOfRange, .. } => {
                    assert!(columns[index] as usize >= offsets.len() - 1);
                }
                Error::Dimension { .. } => {}
                _ => panic!("{error:?} is no error of this view"),
            }
            return;
        }
    };
    let plain = Plain { rows: rows.expect("accepted an unsound matrix") };
    check_matrix(input, &view, &plain);
    for (i, row) in plain.rows.iter().enumerate() {
        for j in 0..=plain.order() {
            let entry = row.iter().find(|&&(column, _)| column == j).map_or(0.0, |&(_, a)| a);
            assert_eq!(view.get(i, j).to_f64(), entry);
        }
    }
    match Blocks::new(view, block.into()) {
        Ok(blocks) => {
            assert!((1..=8).contains(&block));
            check_matrix(input, &blocks, &plain);
            let mut scratch = vec![T::NAN; blocks.scratch_len()];
            if let Err(error) = blocks.prepare(&mut scratch) {
                check_error(error, |_| plain.order());
            }
        }
        Err(error) => assert!(matches!(error, Error::Option { .. }) && !(1..=8).contains(&block)),
    }
    check_colouring(input, view, &plain, damage);
}

/// The rows of sound arrays.
fn csr_rows<T: Real>(offsets: &[u32], columns: &[u32], values: &[T]) -> Option<Vec<Vec<(usize, f64)>>> {
    let n = offsets.len().checked_sub(1)?;
    let ends = offsets[0] == 0 && offsets[n] as usize == columns.len() && columns.len() == values.len();
    if !ends || offsets.windows(2).any(|w| w[0] > w[1]) || values.iter().any(|a| !a.is_finite()) {
        return None;
    }
    let mut rows = Vec::new();
    for i in 0..n {
        let range = offsets[i] as usize..offsets[i + 1] as usize;
        let row: Vec<(usize, f64)> = range.map(|k| (columns[k] as usize, values[k].to_f64())).collect();
        if row.iter().any(|&(j, _)| j >= n) || row.windows(2).any(|w| w[0].0 >= w[1].0) {
            return None;
        }
        rows.push(row);
    }
    Some(rows)
}

/// The greedy colouring against first fit by definition, and a damaged one against the rules.
fn check_colouring<T: Real>(input: &Input, view: Csr<'_, T>, plain: &Plain, damage: &[Edit]) {
    let n = plain.order();
    let mut coupled = vec![vec![false; n]; n];
    for (i, row) in plain.rows.iter().enumerate() {
        for &(j, _) in row {
            coupled[i][j] = true;
            coupled[j][i] = true;
        }
    }
    let mut colours = Vec::<usize>::new();
    for row in &coupled {
        let taken = |c| row.iter().zip(&colours).any(|(&coupled, &colour)| coupled && colour == c);
        let free = (0..).find(|&c| !taken(c));
        colours.extend(free);
    }
    let mut order = Vec::new();
    let mut starts = vec![0];
    for c in 0..colours.iter().map(|c| c + 1).max().unwrap_or(0) {
        order.extend((0..n as u32).filter(|&i| colours[i as usize] == c));
        starts.push(order.len() as u32);
    }

    let mut storage = vec![u32::MAX; Colouring::required_len(n)];
    let short = storage.len() - 1;
    assert!(matches!(Colouring::greedy(&view, &mut storage[..short]), Err(Error::Workspace { .. })));
    let greedy = Colouring::greedy(&view, &mut storage).expect("long enough");
    assert_eq!(greedy.colours(), starts.len() - 1);
    for c in 0..greedy.colours() {
        assert_eq!(greedy.rows(c), &order[starts[c] as usize..starts[c + 1] as usize]);
    }
    assert!(greedy.rows(greedy.colours()).is_empty());
    check_matrix(input, &Multicolour::new(view, greedy).expect("same order"), plain);

    for edit in damage {
        edit.apply(if edit.array % 2 == 0 { &mut order } else { &mut starts }, |v| v);
    }
    let mut scratch = vec![7; n];
    let valid = colouring_is_valid(&coupled, &order, &starts);
    match Colouring::new(&view, &order, &starts, &mut scratch) {
        Ok(colouring) => {
            assert!(valid, "accepted an unsound colouring");
            assert_eq!(colouring.colours(), starts.len() - 1);
        }
        Err(error) => {
            assert!(!valid, "refused a sound colouring: {error:?}");
            check_error(error, |name| if name == "order" { order.len() } else { starts.len() });
            match error {
                Error::Structure { index, fault: StructureFault::Decreasing, .. } => {
                    assert!(
                        starts[index] < starts[index - 1],
                        "starts[{index}] does not decrease: {starts:?}"
                    );
                }
                Error::Structure { index, fault: StructureFault::NotAPermutation, .. } => {
                    assert!(order.iter().filter(|&&row| row == order[index]).count() > 1);
                }
                Error::Structure { index, fault: StructureFault::SameColour, .. } => {
                    let row = order[index] as usize;
                    let colour = starts.windows(2).find(|w| (w[0]..w[1]).contains(&(index as u32)));
                    let mates = colour.map(|w| &order[w[0] as usize..w[1] as usize]).unwrap_or(&[]);
                    let coupled = |&mate: &u32| mate as usize != row && coupled[row][mate as usize];
                    assert!(mates.iter().any(coupled), "row {row} is coupled to none of its colour");
                }
                Error::Structure { argument: "order", index, fault: StructureFault::OutOfRange } => {
                    assert!(order[index] as usize >= n);
                }
                Error::Structure { argument: "starts", index, fault: StructureFault::OutOfRange } => {
                    assert_ne!(starts[index] as usize, n, "starts[{index}] is in range: {starts:?}");
                }
                _ => {}
            }
        }
    }
}

fn colouring_is_valid(coupled: &[Vec<bool>], order: &[u32], starts: &[u32]) -> bool {
    let n = coupled.len();
    let mut sorted = order.to_vec();
    sorted.sort_unstable();
    let permutation = sorted.len() == n && sorted.iter().enumerate().all(|(i, &row)| row as usize == i);
    let cover = starts.first() == Some(&0)
        && starts.last().is_some_and(|&last| last as usize == n)
        && starts.windows(2).all(|w| w[0] <= w[1]);
    let independent =
        |rows: &[u32]| rows.iter().all(|&i| rows.iter().all(|&j| i == j || !coupled[i as usize][j as usize]));
    permutation && cover && starts.windows(2).all(|w| independent(&order[w[0] as usize..w[1] as usize]))
}

fn check_dense<T: Real>(input: &Input, [n, padding, missing]: [usize; 3]) {
    let mut stride = n + padding;
    let length = (n * stride).saturating_sub(missing % (padding + 2));
    let mut values: Vec<T> = (0..length).map(|k| number(input, &input.numbers, k)).collect();
    for edit in &input.edits {
        match (edit.array % 4, edit.change) {
            (0, Change::Set(v)) => stride = v.into(),
            (0, Change::SetWide(v)) => stride = usize::MAX - v as usize,
            _ => edit.apply(&mut values, |v| T::from_u32(v)),
        }
    }
    let least = if n == 0 { Some(0) } else { (n - 1).checked_mul(stride).and_then(|k| k.checked_add(n)) };
    let most = n.saturating_mul(stride);
    let fits = stride >= n && least.is_some_and(|least| values.len() >= least) && values.len() <= most;
    let sound = fits && (0..n).all(|i| values[i * stride..i * stride + n].iter().all(|a| a.is_finite()));
    match Dense::new(&values, n, stride) {
        Ok(view) => {
            assert!(sound, "accepted an unsound matrix");
            let row = |i: usize| (0..n).map(|j| (j, values[i * stride + j].to_f64())).collect();
            check_matrix(input, &view, &Plain { rows: (0..n).map(row).collect() });
            assert!(view.row(n).is_empty() && view.row(usize::MAX).is_empty());
        }
        Err(error) => {
            assert!(!sound, "refused a sound matrix: {error:?}");
            check_error(error, |_| values.len());
            if let Error::Value { index, .. } = error {
                assert!(!values[index].is_finite() && index % stride < n);
            }
        }
    }
}

/// At most 3 planes of 5 rows of 39 columns, so that vectors and their tails occur.
fn small([planes, rows, columns]: [u8; 3], plane: bool) -> [usize; 3] {
    let planes = if plane { 1 } else { usize::from(planes) % 4 };
    [planes, usize::from(rows) % 6, usize::from(columns) % 40]
}

fn star_of<C>(coupling: impl Fn(usize) -> C) -> Star<C> {
    Star {
        centre: coupling(0),
        west: coupling(1),
        east: coupling(2),
        south: coupling(3),
        north: coupling(4),
        down: coupling(5),
        up: coupling(6),
    }
}

const DIRECTIONS: [&str; 7] = ["centre", "west", "east", "south", "north", "down", "up"];

fn check_constant<T: Real>(input: &Input, dimensions: [u8; 3], plane: bool, huge: u8) {
    let [planes, rows, columns] = small(dimensions, plane);
    let coupling = |direction: usize| number::<T>(input, &input.numbers, direction);
    let star = star_of(coupling);
    let read = if plane { 5 } else { 7 };
    let sound = (0..read).all(|direction| coupling(direction).is_finite());
    let plain = || Plain::grid([planes, rows, columns], |direction, _| coupling(direction).to_f64());
    let refused = |error: Error| {
        assert!(!sound, "refused a sound star: {error:?}");
        let Error::Value { argument, index: 0 } = error else { panic!("{error:?}") };
        let direction = DIRECTIONS.iter().position(|&name| name == argument).expect("a direction");
        assert!(!coupling(direction).is_finite());
    };
    if plane {
        match Stencil2d::constant(rows, columns, star) {
            Ok(view) => check_matrix(input, &view, &plain()),
            Err(error) => refused(error),
        }
    } else {
        match Stencil3d::constant(planes, rows, columns, star) {
            Ok(view) => check_matrix(input, &view, &plain()),
            Err(error) => refused(error),
        }
    }
    // A grid that 32 bits cannot count is refused, and the largest that they can is not.
    let side = 1_usize << (huge % 40);
    let too_large = side.checked_mul(1 << 16).is_none_or(|cells| u32::try_from(cells).is_err());
    let large = Stencil2d::constant(side, 1 << 16, Star { centre: T::ONE, ..Star::default() });
    assert_eq!(large.is_err(), too_large);
}

fn check_per_cell<T: Real>(input: &Input, dimensions: [u8; 3], plane: bool) {
    let [planes, rows, columns] = small(dimensions, plane);
    let n = planes * rows * columns;
    let mut arrays: [Vec<T>; 7] = std::array::from_fn(|direction| {
        (0..n).map(|cell| number(input, &input.numbers, 7 * cell + direction)).collect()
    });
    for edit in &input.edits {
        edit.apply(&mut arrays[usize::from(edit.array) % 7], |v| T::from_u32(v));
    }
    let read = if plane { 5 } else { 7 };
    let sound = arrays[..read].iter().all(|array| array.len() == n && array.iter().all(|c| c.is_finite()));
    let star = star_of(|direction| &arrays[direction][..]);
    let plain = || Plain::grid([planes, rows, columns], |direction, cell| arrays[direction][cell].to_f64());
    let refused = |error: Error| {
        assert!(!sound, "refused sound arrays: {error:?}");
        let of = |name: &str| &arrays[DIRECTIONS.iter().position(|&d| d == name).expect("a direction")];
        check_error(error, |name| of(name).len());
        if let Error::Value { argument, index } = error {
            assert!(!of(argument)[index].is_finite());
        }
    };
    if plane {
        match Stencil2d::per_cell(rows, columns, star) {
            Ok(view) => check_matrix(input, &view, &plain()),
            Err(error) => refused(error),
        }
    } else {
        match Stencil3d::per_cell(planes, rows, columns, star) {
            Ok(view) => check_matrix(input, &view, &plain()),
            Err(error) => refused(error),
        }
    }
}
